//! The asynchronous requests that create account assignments: AWS accepts them at once, and completes them later.

use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, StatusValues, TargetType};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::super::context::{rerun, timestamp};
use super::super::create::{End, create};
use super::{AccountAssignment, INFO, Subject};
use crate::aws::{AwsError, AwsErrorKind, waiting};
use crate::checklist::{Choice, Prompter, UserError};
use crate::limits::OPERATION_LIMIT;
use crate::progress::Intent;

/// A request, as the list of requests shows it.
#[derive(Debug)]
pub(super) struct Request {
    at: Timestamp,
    id: String,
    status: Option<StatusValues>,
}

impl AccountAssignment {
    /// All accounts of the organization, sorted by name.
    pub(super) async fn accounts(&self) -> Result<Vec<Choice>, AwsError> {
        let context = &self.context;
        let mut pages = context
            .clients
            .organizations(&context.bootstrap_region)
            .list_accounts()
            .into_paginator()
            .send();
        let mut accounts = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::of("organizations:ListAccounts", error));
            let page = match page {
                // Without an organization, this account is the only one.
                Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => return Ok(Vec::new()),
                other => other?,
            };
            accounts.extend(page.accounts.unwrap_or_default().into_iter().map(|account| {
                let (id, name) = (account.id.unwrap_or_default(), account.name.unwrap_or_default());
                Choice {
                    label: format!("{name} ({id})"),
                    value: id,
                }
            }));
        }
        accounts.sort_by_key(|account: &Choice| account.label.to_lowercase());
        Ok(accounts)
    }

    pub(super) async fn is_assigned(&self, subject: &Subject) -> Result<bool, AwsError> {
        let mut pages = self
            .context
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
            let assignment = assignment.map_err(|error| AwsError::of("sso:ListAccountAssignments", error))?;
            if assignment.principal_id.as_deref() == Some(subject.principal.id()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn status(
        &self,
        subject: &Subject,
        request: &str,
    ) -> Result<AccountAssignmentOperationStatus, AwsError> {
        let answer = self
            .context
            .clients
            .ssoadmin(&subject.instance.region)
            .describe_account_assignment_creation_status()
            .instance_arn(&subject.instance.arn)
            .account_assignment_creation_request_id(request)
            .send()
            .await
            .map_err(|error| AwsError::of("sso:DescribeAccountAssignmentCreationStatus", error))?;
        let empty = || AccountAssignmentOperationStatus::builder().build();
        Ok(answer.account_assignment_creation_status.unwrap_or_else(empty))
    }

    /// The requests that AWS still lists, the oldest first. The list does not include their details. Empty if an emulator does
    /// not support the list.
    async fn requests(&self, subject: &Subject) -> Result<Vec<Request>, AwsError> {
        let mut pages = self
            .context
            .clients
            .ssoadmin(&subject.instance.region)
            .list_account_assignment_creation_status()
            .instance_arn(&subject.instance.arn)
            .into_paginator()
            .items()
            .send();
        let mut requests = Vec::new();
        while let Some(request) = pages.next().await {
            let request = match request {
                Ok(request) => request,
                Err(error) => match AwsError::of("sso:ListAccountAssignmentCreationStatus", error) {
                    aws_error if aws_error.kind == AwsErrorKind::NotImplemented => return Ok(Vec::new()),
                    aws_error => return Err(aws_error),
                },
            };
            if let (Some(at), Some(id)) = (timestamp(request.created_date), request.request_id) {
                let status = request.status;
                requests.push(Request { at, id, status });
            }
        }
        requests.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        Ok(requests)
    }

    /// The request that an attempt without a response or an interrupted run left behind: it is newer than the intent, and has
    /// the same target, permission set and principal. A failed request is returned only if there is no other.
    pub(super) async fn request_of(
        &self,
        subject: &Subject,
        intents: &[Intent],
    ) -> Result<Option<AccountAssignmentOperationStatus>, AwsError> {
        let mut failed = None;
        for request in self.requests(subject).await? {
            if self.context.is_ours(intents, Some(request.at), None) {
                let status = self.status(subject, &request.id).await?;
                if !subject.is_of(&status) {
                    continue;
                }
                if status.status != Some(StatusValues::Failed) {
                    return Ok(Some(status));
                }
                failed = Some(status);
            }
        }
        Ok(failed)
    }

    /// Whether a request that an interrupted run left behind created the assignment: it has succeeded, and nobody requested the
    /// same assignment before it. Each intent stands for one request. If more requests than intents match, the origin is
    /// unknown.
    pub(super) async fn has_created(
        &self,
        subject: &Subject,
        intents: &[Intent],
        request: &AccountAssignmentOperationStatus,
    ) -> Result<bool, AwsError> {
        if request.status != Some(StatusValues::Succeeded) {
            return Ok(false);
        }
        let mut may_be_ours = 0;
        for other in Self::recent(self.requests(subject).await?, intents) {
            if other.status == Some(StatusValues::Failed) || !subject.is_of(&self.status(subject, &other.id).await?) {
                continue;
            }
            if self.context.is_ours(intents, Some(other.at), None) {
                may_be_ours += 1;
            } else if may_be_ours == 0 {
                return Ok(false);
            }
        }
        Ok(may_be_ours <= intents.len())
    }

    /// The requests since [`OPERATION_LIMIT`] before the first intent.
    fn recent(requests: Vec<Request>, intents: &[Intent]) -> Vec<Request> {
        let longest = SignedDuration::try_from(OPERATION_LIMIT).unwrap_or_default();
        let first = intents.iter().map(|intent| intent.at).min();
        let is_recent = |request: &Request| first.is_some_and(|first| first.duration_since(request.at) < longest);
        requests.into_iter().filter(is_recent).collect()
    }

    /// Whether the request of this run was the first of several for this assignment. AWS accepts a repeated request like the
    /// first one, so that its success does not show which one created the assignment. An attempt of this run that had no
    /// response may have been the first one.
    pub(super) async fn was_first(
        &self,
        subject: &Subject,
        intents: &[Intent],
        (recent, own, unanswered): (&[Request], &str, bool),
    ) -> Result<bool, AwsError> {
        let could_count = |request: &&Request| request.status != Some(StatusValues::Failed);
        for request in recent.iter().filter(could_count) {
            if request.id == own {
                return Ok(true);
            }
            let status = self.status(subject, &request.id).await?;
            if subject.is_of(&status) && status.status != Some(StatusValues::Failed) {
                return Ok(unanswered && self.context.is_ours(intents, Some(request.at), None));
            }
        }
        Ok(true)
    }

    pub(super) async fn create_once(&self, subject: &Subject) -> Result<AccountAssignmentOperationStatus, AwsError> {
        let answer = self
            .context
            .clients
            .ssoadmin_once(&subject.instance.region)
            .create_account_assignment()
            .instance_arn(&subject.instance.arn)
            .target_id(&subject.account)
            .target_type(TargetType::AwsAccount)
            .permission_set_arn(&subject.set.arn)
            .principal_type(subject.principal_type())
            .principal_id(subject.principal.id())
            .send()
            .await
            .map_err(|error| AwsError::of("sso:CreateAccountAssignment", error))?;
        let empty = || AccountAssignmentOperationStatus::builder().build();
        Ok(answer.account_assignment_creation_status.unwrap_or_else(empty))
    }

    /// Requests the assignment until AWS accepts the request. A repeated request does not fail, so the list of requests is
    /// checked first after an attempt that had no response.
    pub(super) async fn request(&self, subject: &Subject, intents: &[Intent]) -> End<AccountAssignmentOperationStatus> {
        create(
            self.context.timing,
            || self.create_once(subject),
            || self.request_of(subject, intents),
        )
        .await
    }

    /// The result of the request, with the other recent requests; `None` if it did not finish within the limit.
    ///
    /// The list is read first: it includes this request, and the others that [`was_first`](Self::was_first) needs.
    pub(super) async fn wait(
        &self,
        subject: &Subject,
        (requested, intents): (AccountAssignmentOperationStatus, &[Intent]),
        prompter: &dyn Prompter,
    ) -> Result<Option<Finished>, UserError> {
        let timing = self.context.timing;
        let _display = prompter.wait(&INFO, &format!("The assignment in account {}.", subject.account));
        let id = requested.request_id.clone().unwrap_or_default();
        if is_open(requested.status.as_ref()) {
            sleep(timing.pause(0)).await;
        }
        let requests = self.requests(subject).await.map_err(rerun(&INFO))?;
        let own = requests.iter().find(|request| request.id == id);
        let own = own.and_then(|own| own.status.clone());
        let recent = Self::recent(requests, intents);
        match own {
            Some(StatusValues::Succeeded) => return Ok(Some(Finished { failed: None, recent })),
            Some(StatusValues::InProgress) => sleep(timing.pause(1)).await,
            _ => {}
        }
        let finished = waiting::until(timing, OPERATION_LIMIT, || async {
            let status = self.status(subject, &id).await?;
            Ok::<_, AwsError>((!is_open(status.status.as_ref())).then_some(status))
        });
        let finished = finished.await.map_err(rerun(&INFO))?;
        Ok(finished.map(|status| {
            let reason = || status.failure_reason.unwrap_or_else(|| "no reason given".to_owned());
            let failed = (status.status != Some(StatusValues::Succeeded)).then(reason);
            Finished { failed, recent }
        }))
    }
}

/// A request that has finished.
pub(super) struct Finished {
    /// The reason from AWS, if it failed.
    pub failed: Option<String>,
    /// The other recent requests.
    pub recent: Vec<Request>,
}

fn is_open(status: Option<&StatusValues>) -> bool {
    matches!(status, Some(StatusValues::InProgress) | None)
}
