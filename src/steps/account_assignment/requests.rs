//! Account assignments as requests: asked for, answered at once, done later.

use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, StatusValues, TargetType};

use jiff::{SignedDuration, Timestamp};

use super::super::create::{End, create};
use super::super::setting::{rerun, timestamp};
use super::{AccountAssignment, INFO, Subject};
use crate::aws::retry::OPERATION_LIMIT;
use crate::aws::{Failure, FailureKind, waiting};
use crate::checklist::{Choice, Guide, Trouble};
use crate::progress::Intent;

impl AccountAssignment {
    /// Every account of the organization, by name.
    pub(super) async fn accounts(&self) -> Result<Vec<Choice>, Failure> {
        let setting = &self.setting;
        let mut pages = setting
            .clients
            .organizations(&setting.bootstrap_region)
            .list_accounts()
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::of("organizations:ListAccounts", error));
            let page = match page {
                // Without an organization there is this account alone, which needs no list.
                Err(failure) if failure.kind == FailureKind::NotFound => return Ok(Vec::new()),
                other => other?,
            };
            found.extend(page.accounts.unwrap_or_default().into_iter().map(|account| {
                let (id, name) = (account.id.unwrap_or_default(), account.name.unwrap_or_default());
                Choice {
                    label: format!("{name} ({id})"),
                    value: id,
                }
            }));
        }
        found.sort_by_key(|account: &Choice| account.label.to_lowercase());
        Ok(found)
    }

    pub(super) async fn is_assigned(&self, subject: &Subject) -> Result<bool, Failure> {
        let mut pages = self
            .setting
            .clients
            .ssoadmin(&subject.instance.region)
            .list_account_assignments()
            .instance_arn(&subject.instance.arn)
            .account_id(&subject.account)
            .permission_set_arn(&subject.set.arn)
            .into_paginator()
            .items()
            .send();
        while let Some(assignment) = pages.next().await {
            let assignment = assignment.map_err(|error| Failure::of("sso:ListAccountAssignments", error))?;
            if assignment.principal_id.as_deref() == Some(subject.principal.as_str()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn status(
        &self,
        subject: &Subject,
        request: &str,
    ) -> Result<AccountAssignmentOperationStatus, Failure> {
        let answer = self
            .setting
            .clients
            .ssoadmin(&subject.instance.region)
            .describe_account_assignment_creation_status()
            .instance_arn(&subject.instance.arn)
            .account_assignment_creation_request_id(request)
            .send()
            .await
            .map_err(|error| Failure::of("sso:DescribeAccountAssignmentCreationStatus", error))?;
        let empty = || AccountAssignmentOperationStatus::builder().build();
        Ok(answer.account_assignment_creation_status.unwrap_or_else(empty))
    }

    /// The request of ours that an unanswered attempt or a cut-short run left: one that is newer than the
    /// intent and about the same target, permission set and principal.
    pub(super) async fn request_of(
        &self,
        subject: &Subject,
        intents: &[Intent],
    ) -> Result<Option<AccountAssignmentOperationStatus>, Failure> {
        let mut pages = self
            .setting
            .clients
            .ssoadmin(&subject.instance.region)
            .list_account_assignment_creation_status()
            .instance_arn(&subject.instance.arn)
            .into_paginator()
            .items()
            .send();
        while let Some(request) = pages.next().await {
            let request = request.map_err(|error| Failure::of("sso:ListAccountAssignmentCreationStatus", error))?;
            let at = timestamp(request.created_date);
            if let Some(id) = &request.request_id
                && self.setting.is_ours(intents, at, None)
            {
                let status = self.status(subject, id).await?;
                if subject.is_of(&status) {
                    return Ok(Some(status));
                }
            }
        }
        Ok(None)
    }

    /// The first of several requests for this assignment that have succeeded since our look: a repeat is accepted like the
    /// first, so that our own success does not tell who made it. `None` where there are no several.
    pub(super) async fn first_request(
        &self,
        subject: &Subject,
        intents: &[Intent],
    ) -> Result<Option<(Timestamp, String)>, Failure> {
        let Some(first) = intents.iter().map(|intent| intent.at).min() else {
            return Ok(None);
        };
        let longest = SignedDuration::try_from(OPERATION_LIMIT).unwrap_or_default();
        let mut pages = self
            .setting
            .clients
            .ssoadmin(&subject.instance.region)
            .list_account_assignment_creation_status()
            .instance_arn(&subject.instance.arn)
            .into_paginator()
            .items()
            .send();
        let mut recent = Vec::new();
        while let Some(request) = pages.next().await {
            let request = request.map_err(|error| Failure::of("sso:ListAccountAssignmentCreationStatus", error))?;
            let (Some(at), Some(id)) = (timestamp(request.created_date), request.request_id) else {
                continue;
            };
            if first.duration_since(at) < longest && request.status == Some(StatusValues::Succeeded) {
                recent.push((at, id));
            }
        }
        // AWS tells what a request was about only one by one.
        if recent.len() < 2 {
            return Ok(None);
        }
        recent.sort();
        for (at, id) in recent {
            if subject.is_of(&self.status(subject, &id).await?) {
                return Ok(Some((at, id)));
            }
        }
        Ok(None)
    }

    pub(super) async fn create_once(&self, subject: &Subject) -> Result<AccountAssignmentOperationStatus, Failure> {
        let answer = self
            .setting
            .clients
            .ssoadmin_once(&subject.instance.region)
            .create_account_assignment()
            .instance_arn(&subject.instance.arn)
            .target_id(&subject.account)
            .target_type(TargetType::AwsAccount)
            .permission_set_arn(&subject.set.arn)
            .principal_type(subject.principal_type.clone())
            .principal_id(&subject.principal)
            .send()
            .await
            .map_err(|error| Failure::of("sso:CreateAccountAssignment", error))?;
        let empty = || AccountAssignmentOperationStatus::builder().build();
        Ok(answer.account_assignment_creation_status.unwrap_or_else(empty))
    }

    /// Asks for the assignment until the service has taken the request. A repeat does not fail, so after an
    /// unanswered attempt the requests are looked through first.
    pub(super) async fn request(&self, subject: &Subject, intents: &[Intent]) -> End<AccountAssignmentOperationStatus> {
        create(
            self.setting.pace,
            || self.create_once(subject),
            || self.request_of(subject, intents),
        )
        .await
    }

    /// How the request has ended: success, or AWS's reason; `None` when it has not within the limit.
    pub(super) async fn wait(
        &self,
        subject: &Subject,
        status: AccountAssignmentOperationStatus,
        guide: &dyn Guide,
    ) -> Result<Option<Result<(), String>>, Trouble> {
        let display = guide.wait(&INFO, &format!("The assignment of account {}.", subject.account));
        let id = status.request_id.clone().unwrap_or_default();
        let mut last = Some(status);
        let ended = waiting::until(self.setting.pace, OPERATION_LIMIT, || {
            let first = last.take();
            let id = &id;
            async move {
                let status = match first {
                    Some(status) => status,
                    None => self.status(subject, id).await?,
                };
                Ok::<_, Failure>(match status.status {
                    Some(StatusValues::InProgress) | None => None,
                    _ => Some(status),
                })
            }
        })
        .await
        .map_err(rerun(&INFO))?;
        drop(display);
        Ok(ended.map(|status| match status.status {
            Some(StatusValues::Succeeded) => Ok(()),
            _ => Err(status.failure_reason.unwrap_or_else(|| "no reason given".to_owned())),
        }))
    }
}
