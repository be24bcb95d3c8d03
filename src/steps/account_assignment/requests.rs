//! Account assignments as requests: asked for, answered at once, done later.

use std::cell::RefCell;

use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, StatusValues, TargetType};

use jiff::{SignedDuration, Timestamp};

use super::super::create::{End, create};
use super::super::setting::{rerun, timestamp};
use super::{AccountAssignment, INFO, Subject};
use crate::aws::retry::OPERATION_LIMIT;
use crate::aws::{Failure, FailureKind, waiting};
use crate::checklist::{Choice, Guide, Trouble};
use crate::progress::Intent;

/// A request as the list of them has it.
#[derive(Debug)]
pub(super) struct Recent {
    at: Timestamp,
    id: String,
    status: Option<StatusValues>,
}

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

    /// Requests that were made within [`OPERATION_LIMIT`] before our intents or since, by time and id, with how they stand:
    /// what they are about, AWS tells only one by one. What does not know such lists has none.
    pub(super) async fn recent_requests(&self, subject: &Subject, intents: &[Intent]) -> Result<Vec<Recent>, Failure> {
        let longest = SignedDuration::try_from(OPERATION_LIMIT).unwrap_or_default();
        let first = intents.iter().map(|intent| intent.at).min();
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
            let request = request.map_err(|error| Failure::of("sso:ListAccountAssignmentCreationStatus", error));
            let request = match request {
                Err(failure) if failure.kind == FailureKind::NotAws => return Ok(Vec::new()),
                other => other?,
            };
            let (Some(at), Some(id)) = (timestamp(request.created_date), request.request_id) else {
                continue;
            };
            if first.is_some_and(|first| first.duration_since(at) < longest) {
                recent.push(Recent {
                    at,
                    id,
                    status: request.status,
                });
            }
        }
        recent.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        Ok(recent)
    }

    /// Whether ours was the first of several requests for this assignment: a repeat is accepted like the first, so that its
    /// success does not tell who made it. An attempt of ours that went unanswered may have been the first one.
    pub(super) async fn was_first(
        &self,
        subject: &Subject,
        intents: &[Intent],
        (recent, own, unanswered): (&[Recent], &str, bool),
    ) -> Result<bool, Failure> {
        let could_count = |request: &&Recent| request.status != Some(StatusValues::Failed);
        for request in recent.iter().filter(could_count) {
            if request.id == own {
                return Ok(true);
            }
            let status = self.status(subject, &request.id).await?;
            if subject.is_of(&status) && status.status != Some(StatusValues::Failed) {
                return Ok(unanswered && self.setting.is_ours(intents, Some(request.at), None));
            }
        }
        Ok(true)
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

    /// How the request has ended: success, or AWS's reason; `None` when it has not within the limit. `recent` is filled by
    /// the first look, which asks for all of them at once.
    pub(super) async fn wait(
        &self,
        subject: &Subject,
        (status, intents): (AccountAssignmentOperationStatus, &[Intent]),
        recent: &RefCell<Vec<Recent>>,
        guide: &dyn Guide,
    ) -> Result<Option<Result<(), String>>, Trouble> {
        let display = guide.wait(&INFO, &format!("The assignment of account {}.", subject.account));
        let id = status.request_id.clone().unwrap_or_default();
        let mut looks = 0;
        let ended = waiting::until(self.setting.pace, OPERATION_LIMIT, || {
            looks += 1;
            let (id, status, look) = (&id, &status, looks);
            async move {
                let is_open = |status: Option<&StatusValues>| matches!(status, Some(StatusValues::InProgress) | None);
                if look == 1 && is_open(status.status.as_ref()) {
                    return Ok(None);
                }
                if look <= 2 && recent.borrow().is_empty() {
                    let requests = self.recent_requests(subject, intents).await?;
                    let own = requests.iter().find(|request| request.id == *id);
                    let own = own.and_then(|own| own.status.clone());
                    recent.replace(requests);
                    if own == Some(StatusValues::InProgress) {
                        return Ok(None);
                    }
                    if own == Some(StatusValues::Succeeded) {
                        let done = AccountAssignmentOperationStatus::builder().status(StatusValues::Succeeded);
                        return Ok(Some(done.build()));
                    }
                }
                let status = self.status(subject, id).await?;
                Ok::<_, Failure>((!is_open(status.status.as_ref())).then_some(status))
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
