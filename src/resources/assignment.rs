//! The assignment of a permission set to a user or group in an account. AWS accepts requests to create and delete
//! assignments at once, and completes them later.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{
    AccountAssignmentOperationStatus, AccountAssignmentOperationStatusMetadata, OperationStatusFilter, PrincipalType,
    StatusValues, TargetType,
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::{membership, user};
use crate::aws::{AwsError, AwsErrorKind, Permission, timestamp, unless_gone, waiting};
use crate::ids::{AccountId, AssignmentKey, PermissionSetArn, Principal};
use crate::limits::{CALL_LIMIT, OPERATION_LIMIT, PROPAGATION_LIMIT};
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Entry, Intent, Origin, ResourceId, ResourceKind, ResourceName, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, CreateResult, Creation, Deletion, End, Error, Instance, Resource,
    StepInfo, create as create_with_retries, rerun, step_error,
};
use crate::text::duration_text;
use crate::user_error::UserError;

/// What creating an assignment needs. In the management account, Identity Center uses the caller's own IAM permissions
/// instead of those of its service-linked role ("Identity-based policy examples for IAM Identity Center"). Without them,
/// AWS accepts an assignment that fails later.
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("sso:ListAccountAssignments"),
    Permission::look("sso:ListAccountAssignmentCreationStatus"),
    Permission::look("sso:DescribeAccountAssignmentCreationStatus"),
    Permission::change("sso:CreateAccountAssignment"),
    on_roles("iam:AttachRolePolicy"),
    on_roles("iam:CreateRole"),
    on_roles("iam:DeleteRole"),
    on_roles("iam:DeleteRolePolicy"),
    on_roles("iam:DetachRolePolicy"),
    on_roles("iam:GetRole"),
    on_roles("iam:ListAttachedRolePolicies"),
    on_roles("iam:ListRolePolicies"),
    on_roles("iam:PutRolePolicy"),
    on_roles("iam:UpdateRole"),
    on_roles("iam:UpdateRoleDescription"),
    Permission::change_on(PROVIDERS, "iam:CreateSAMLProvider"),
    Permission::change_on(PROVIDERS, "iam:GetSAMLProvider"),
    Permission::change_on(PROVIDERS, "iam:UpdateSAMLProvider"),
];

/// What undo needs. In the management account, Identity Center deletes the role with the caller's permissions.
pub const UNDO_PERMISSIONS: &[Permission] = &[
    Permission::change("sso:DeleteAccountAssignment"),
    Permission::change("sso:DescribeAccountAssignmentDeletionStatus"),
    on_roles("iam:DeleteRole"),
    on_roles("iam:DeleteRolePolicy"),
    on_roles("iam:DetachRolePolicy"),
];

const PROVIDERS: &str = "arn:*:iam::*:saml-provider/AWSSSO_*";

const fn on_roles(action: &'static str) -> Permission {
    Permission::change_on("arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*", action)
}

const LIST: &str = "sso:ListAccountAssignments";

/// The principals that are assigned a permission set in an account.
///
/// # Errors
/// When AWS does not answer.
pub async fn principals(
    context: &Context,
    instance: &Instance,
    account: &AccountId,
    set: &PermissionSetArn,
) -> Result<Vec<Principal>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments()
        .instance_arn(&instance.arn)
        .account_id(account)
        .permission_set_arn(set)
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut principals = Vec::new();
    while let Some(assignment) = pages.next().await {
        let assignment = assignment.map_err(|error| AwsError::of(LIST, error));
        let Some(assignment) = unless_gone(assignment)? else {
            return Ok(Vec::new());
        };
        principals.push(principal_of(
            LIST,
            assignment.principal_type(),
            assignment.principal_id(),
        )?);
    }
    Ok(principals)
}

/// The principal in a response of this operation.
fn principal_of(operation: &str, kind: Option<&PrincipalType>, id: Option<&str>) -> Result<Principal, AwsError> {
    let id = id.unwrap_or_default();
    Ok(match kind {
        Some(PrincipalType::User) => Principal::User(AwsError::require_id(operation, id)?),
        _ => Principal::Group(AwsError::require_id(operation, id)?),
    })
}

/// The assignments of a user or group in all accounts. For a user, they include those of the groups that it is in: each has
/// its own principal.
///
/// # Errors
/// When AWS does not answer.
pub async fn of_principal(
    context: &Context,
    instance: &Instance,
    principal: &Principal,
) -> Result<Vec<AssignmentKey>, AwsError> {
    const OPERATION: &str = "sso:ListAccountAssignmentsForPrincipal";
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(principal.id())
        .principal_type(PrincipalType::from(principal.type_name()))
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut keys = Vec::new();
    while let Some(assignment) = pages.next().await {
        let Some(assignment) = unless_gone(assignment.map_err(|error| AwsError::of(OPERATION, error)))? else {
            break;
        };
        keys.push(AssignmentKey {
            account: AwsError::require_id(OPERATION, assignment.account_id().unwrap_or_default())?,
            permission_set: AwsError::require_id(OPERATION, assignment.permission_set_arn().unwrap_or_default())?,
            principal: principal_of(OPERATION, assignment.principal_type(), assignment.principal_id())?,
        });
    }
    Ok(keys)
}

/// What a request does to an assignment. AWS keeps a list of requests for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// It creates the assignment.
    Create,
    /// It deletes the assignment.
    Delete,
}

/// The end of a request: done, or the reason from AWS why it failed.
pub type RequestEnd = Result<(), String>;

/// Requests an operation, with a single attempt. Returns the ID of the request, and its end if it has ended already.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn start(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
    operation: Operation,
) -> Result<(String, Option<RequestEnd>), AwsError> {
    let (name, status) = match operation {
        Operation::Create => (
            "sso:CreateAccountAssignment",
            create_once(context, instance, key).await?,
        ),
        Operation::Delete => match delete_once(context, instance, key).await? {
            Some(status) => ("sso:DeleteAccountAssignment", status),
            // The permission set or the account does not exist, so the assignment does not either.
            None => return Ok((String::new(), Some(Ok(())))),
        },
    };
    let end = end_of(&status);
    let request = status.request_id.ok_or_else(|| AwsError::unreadable(name))?;
    Ok((request, end))
}

fn empty_status() -> AccountAssignmentOperationStatus {
    AccountAssignmentOperationStatus::builder().build()
}

fn end_of(status: &AccountAssignmentOperationStatus) -> Option<RequestEnd> {
    let reason = || {
        status
            .failure_reason
            .clone()
            .unwrap_or_else(|| "no reason given".to_owned())
    };
    match &status.status {
        Some(StatusValues::Succeeded) => Some(Ok(())),
        Some(StatusValues::Failed) => Some(Err(reason())),
        _ => None,
    }
}

/// The IDs of the requests in progress, of everybody.
///
/// # Errors
/// When AWS does not answer.
pub async fn requests_in_progress(
    context: &Context,
    instance: &Instance,
    operation: Operation,
) -> Result<BTreeSet<String>, AwsError> {
    let ids = request_ids(context, instance, operation, StatusValues::InProgress, usize::MAX).await?;
    Ok(ids.unwrap_or_default())
}

/// The IDs of the requests that failed, of everybody; `None` if there are more than two pages of them.
///
/// # Errors
/// When AWS does not answer.
pub async fn failed_requests(
    context: &Context,
    instance: &Instance,
    operation: Operation,
) -> Result<Option<BTreeSet<String>>, AwsError> {
    request_ids(context, instance, operation, StatusValues::Failed, 2).await
}

/// The IDs of requests with a status; `None` if there are more pages than this.
async fn request_ids(
    context: &Context,
    instance: &Instance,
    operation: Operation,
    status: StatusValues,
    most_pages: usize,
) -> Result<Option<BTreeSet<String>>, AwsError> {
    let filter = OperationStatusFilter::builder().status(status).build();
    let client = context.clients.ssoadmin(&instance.region);
    let mut ids = BTreeSet::new();
    let mut pages = 0;
    // Adds a page, and returns whether all of them are few enough.
    let mut add = |listed: Option<Vec<AccountAssignmentOperationStatusMetadata>>, next_token: Option<&str>| {
        let listed = listed.unwrap_or_default();
        ids.extend(listed.into_iter().filter_map(|status| status.request_id));
        pages += 1;
        pages < most_pages || next_token.is_none()
    };
    match operation {
        Operation::Create => {
            let request = client.list_account_assignment_creation_status();
            let request = request.instance_arn(&instance.arn).filter(filter).max_results(100);
            let mut answers = request.into_paginator().send();
            while let Some(page) = answers.next().await {
                let page = page.map_err(|error| AwsError::of("sso:ListAccountAssignmentCreationStatus", error))?;
                if !add(page.account_assignments_creation_status, page.next_token.as_deref()) {
                    return Ok(None);
                }
            }
        }
        Operation::Delete => {
            let request = client.list_account_assignment_deletion_status();
            let request = request.instance_arn(&instance.arn).filter(filter).max_results(100);
            let mut answers = request.into_paginator().send();
            while let Some(page) = answers.next().await {
                let page = page.map_err(|error| AwsError::of("sso:ListAccountAssignmentDeletionStatus", error))?;
                if !add(page.account_assignments_deletion_status, page.next_token.as_deref()) {
                    return Ok(None);
                }
            }
        }
    }
    Ok(Some(ids))
}

/// How a request ended; `None` while it is in progress.
///
/// # Errors
/// When AWS does not answer.
pub async fn request_end(
    context: &Context,
    instance: &Instance,
    operation: Operation,
    request: &str,
) -> Result<Option<RequestEnd>, AwsError> {
    let status = status_of(context, instance, operation, request).await?;
    Ok(end_of(&status))
}

/// Whether an assignment exists.
///
/// # Errors
/// When AWS does not answer.
pub async fn exists(context: &Context, instance: &Instance, key: &AssignmentKey) -> Result<bool, AwsError> {
    let principals = principals(context, instance, &key.account, &key.permission_set).await?;
    // An emulator may not return the type of the principal.
    Ok(principals.iter().any(|other| other.id() == key.principal.id()))
}

/// A request to create an assignment, as the list of requests shows it.
#[derive(Debug)]
struct Request {
    at: Timestamp,
    id: String,
    status: Option<StatusValues>,
}

/// A request to create an assignment that has finished.
#[derive(Debug)]
struct Finished {
    /// The reason from AWS, if it failed.
    failed: Option<String>,
    /// The other recent requests.
    recent: Vec<Request>,
}

/// A request of this run, and whether an attempt of this program may have had no response.
#[derive(Debug)]
struct Requested {
    /// The request.
    status: AccountAssignmentOperationStatus,
    /// Whether an attempt may have had no response.
    unanswered: bool,
}

fn is_open(status: Option<&StatusValues>) -> bool {
    matches!(status, Some(StatusValues::InProgress) | None)
}

fn is_of(key: &AssignmentKey, status: &AccountAssignmentOperationStatus) -> bool {
    status.target_id.as_deref() == Some(&*key.account)
        && status.permission_set_arn.as_deref() == Some(&*key.permission_set)
        && status.principal_id.as_deref() == Some(key.principal.id())
}

/// The status of a request, with the details.
async fn status_of(
    context: &Context,
    instance: &Instance,
    operation: Operation,
    request: &str,
) -> Result<AccountAssignmentOperationStatus, AwsError> {
    let client = context.clients.ssoadmin(&instance.region);
    let status = match operation {
        Operation::Create => {
            client
                .describe_account_assignment_creation_status()
                .instance_arn(&instance.arn)
                .account_assignment_creation_request_id(request)
                .send()
                .await
                .map_err(|error| AwsError::of("sso:DescribeAccountAssignmentCreationStatus", error))?
                .account_assignment_creation_status
        }
        Operation::Delete => {
            client
                .describe_account_assignment_deletion_status()
                .instance_arn(&instance.arn)
                .account_assignment_deletion_request_id(request)
                .send()
                .await
                .map_err(|error| AwsError::of("sso:DescribeAccountAssignmentDeletionStatus", error))?
                .account_assignment_deletion_status
        }
    };
    Ok(status.unwrap_or_else(empty_status))
}

/// The requests that AWS still lists, the oldest first. The list does not include their details. Empty if an emulator
/// does not support the list.
async fn requests(context: &Context, instance: &Instance) -> Result<Vec<Request>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignment_creation_status()
        .instance_arn(&instance.arn)
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

/// Whether a request was made within the time limit of one of these intents.
fn may_be_own(context: &Context, intents: &[Intent], request: &Request) -> bool {
    let creation = Creation {
        at: Some(request.at),
        by: None,
    };
    context.is_ours(intents, &creation)
}

/// The request that an attempt without a response or an interrupted run left behind: it is newer than the intent, and
/// has the same target, permission set and principal. A failed request is returned only if there is no other.
///
/// # Errors
/// When AWS does not answer.
pub async fn request_of(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
    intents: &[Intent],
) -> Result<Option<AccountAssignmentOperationStatus>, AwsError> {
    let mut failed = None;
    for request in requests(context, instance).await? {
        if may_be_own(context, intents, &request) {
            let status = status_of(context, instance, Operation::Create, &request.id).await?;
            if !is_of(key, &status) {
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

/// Whether a request that an interrupted run left behind created the assignment: it has succeeded, and nobody requested
/// the same assignment before it. Each intent stands for one request. If more requests than intents match, the origin is
/// unknown.
async fn has_created(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
    intents: &[Intent],
    request: &AccountAssignmentOperationStatus,
) -> Result<bool, AwsError> {
    if request.status != Some(StatusValues::Succeeded) {
        return Ok(false);
    }
    let mut own = 0;
    for other in recent(requests(context, instance).await?, intents) {
        let has_failed = other.status == Some(StatusValues::Failed);
        if has_failed || !is_of(key, &status_of(context, instance, Operation::Create, &other.id).await?) {
            continue;
        }
        if may_be_own(context, intents, &other) {
            own += 1;
        } else if own == 0 {
            return Ok(false);
        }
    }
    Ok(own <= intents.len())
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
///
/// # Errors
/// When AWS does not answer.
async fn was_first(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
    intents: &[Intent],
    own: &Requested,
    recent: &[Request],
) -> Result<bool, AwsError> {
    let id = own.status.request_id.as_deref().unwrap_or_default();
    let could_count = |request: &&Request| request.status != Some(StatusValues::Failed);
    for request in recent.iter().filter(could_count) {
        if request.id == id {
            return Ok(true);
        }
        let status = status_of(context, instance, Operation::Create, &request.id).await?;
        if is_of(key, &status) && status.status != Some(StatusValues::Failed) {
            return Ok(own.unanswered && may_be_own(context, intents, request));
        }
    }
    Ok(true)
}

/// Determines and records the origin of an existing assignment: the recorded one, or the one that the requests of this
/// program show.
///
/// # Errors
/// When AWS does not answer, or the origin cannot be saved.
pub async fn settle(
    context: &Context,
    instance: &Instance,
    name: &ResourceName,
    key: &AssignmentKey,
) -> Result<Entry, Error> {
    let kind = ResourceKind::AccountAssignment;
    let mut entry = context.entry(kind, name, key.clone());
    let intents = context.open_intents(kind, name);
    if !intents.is_empty()
        && let Some(request) = request_of(context, instance, key, &intents).await?
        && has_created(context, instance, key, &intents, &request).await?
    {
        entry.origin = Origin::Created;
    }
    context.settle(Verb::Create, kind, name, Some(entry.clone()))?;
    Ok(entry)
}

/// Whether an assignment whose request has succeeded becomes visible. It may have appeared between two reads, or not
/// have propagated yet. This waits only if the request is recent; otherwise someone else deleted the assignment.
///
/// # Errors
/// When AWS does not answer.
pub async fn becomes_visible(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
    intents: &[Intent],
) -> Result<bool, AwsError> {
    let last = intents.iter().map(|intent| intent.at).max().unwrap_or_default();
    let ago = context.clients.clock().now().duration_since(last).unsigned_abs();
    let limit = PROPAGATION_LIMIT.saturating_sub(ago);
    let visible = waiting::until(context.timing, limit, || async {
        Ok::<_, AwsError>(exists(context, instance, key).await?.then_some(()))
    });
    Ok(visible.await?.is_some())
}

/// Settles the assignments that killed runs requested, regardless of the current answers. An assignment has the origin
/// `created` if a request of this program created it. Returns `None` while a request is in progress.
///
/// # Errors
/// If a call to AWS fails, or the state can't be saved.
pub async fn settle_pending(context: &Context) -> Result<Option<()>, Error> {
    let Some(instance) = context.instance.now() else {
        return Ok(Some(()));
    };
    let kind = ResourceKind::AccountAssignment;
    let (open, known) = context
        .progress
        .read(|record| (record.intents.clone(), record.resources.clone()));
    let is_pending = |intent: &&Intent| intent.kind == kind && intent.verb == Verb::Create;
    for intent in open.iter().filter(is_pending) {
        let intents = std::slice::from_ref(intent);
        let (mut created, mut has_request) = (None, false);
        for key in keys_of(&known, &intent.name) {
            let Some(request) = request_of(context, &instance, &key, intents).await? else {
                continue;
            };
            if request.status == Some(StatusValues::InProgress) {
                return Ok(None);
            }
            has_request = true;
            if has_created(context, &instance, &key, intents, &request).await? {
                created = Some(Entry::new(Origin::Created, kind, &intent.name, key));
            }
        }
        let age = context.clients.clock().now().duration_since(intent.at).unsigned_abs();
        if !has_request && age < CALL_LIMIT + context.timing.propagation {
            // The request may not be listed yet.
            return Ok(None);
        }
        // Without a request, the call never reached AWS.
        context.settle(Verb::Create, kind, &intent.name, created)?;
    }
    Ok(Some(()))
}

/// The assignments that a name can refer to. The names come from the intent, and the IDs from the recorded resources.
fn keys_of(known: &[Entry], name: &ResourceName) -> Vec<AssignmentKey> {
    let ResourceName::Assignment {
        account,
        permission_set,
        principal,
    } = name
    else {
        return Vec::new();
    };
    let named = |kind, name: &str| {
        let name = ResourceName::from(name);
        known.iter().filter(move |one| one.kind == kind && one.name == name)
    };
    let groups = named(ResourceKind::Group, principal).filter_map(|group| group.id.single().parse().ok());
    let users = named(ResourceKind::User, principal).filter_map(|user| user.id.single().parse().ok());
    let principals: Vec<Principal> = groups.map(Principal::Group).chain(users.map(Principal::User)).collect();
    let sets = named(ResourceKind::PermissionSet, permission_set);
    let sets = sets.filter_map(|set| set.id.single().parse::<PermissionSetArn>().ok());
    sets.flat_map(|set| {
        principals.iter().map(move |principal| AssignmentKey {
            account: account.clone(),
            permission_set: set.clone(),
            principal: principal.clone(),
        })
    })
    .collect()
}

/// The change that creates an assignment. The ARN is known if the permission set exists.
pub fn creation(context: &Context, name: ResourceName, is_group: bool, set: Option<&PermissionSetArn>) -> Change {
    let (account, set_name, principal) = match &name {
        ResourceName::Assignment {
            account,
            permission_set,
            principal,
        } => (account.to_string(), permission_set.clone(), principal.clone()),
        other => (other.to_string(), String::new(), String::new()),
    };
    let (word, type_name) = if is_group { ("group", "GROUP") } else { ("user", "USER") };
    Change {
        verb: Verb::Create,
        kind: ResourceKind::AccountAssignment,
        field: None,
        sentence: format!("Give the {word} {principal} the permission set {set_name} in account {account}."),
        command: format!(
            "aws sso-admin create-account-assignment {} --target-type AWS_ACCOUNT --target-id {account} \
             --permission-set-arn {} --principal-type {type_name} --principal-id {type_name}_ID",
            context.cli_options().instance,
            set.map_or("PERMISSION_SET_ARN", |arn| arn)
        ),
        name,
        consent: Consent::Reversible,
    }
}

async fn create_once(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
) -> Result<AccountAssignmentOperationStatus, AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .create_account_assignment()
        .instance_arn(&instance.arn)
        .target_id(&key.account)
        .target_type(TargetType::AwsAccount)
        .permission_set_arn(&key.permission_set)
        .principal_type(PrincipalType::from(key.principal.type_name()))
        .principal_id(key.principal.id())
        .send()
        .await
        .map_err(|error| AwsError::of("sso:CreateAccountAssignment", error))?;
    Ok(answer.account_assignment_creation_status.unwrap_or_else(empty_status))
}

/// Requests the deletion, with a single attempt; `None` if the permission set or the account does not exist.
async fn delete_once(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
) -> Result<Option<AccountAssignmentOperationStatus>, AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .delete_account_assignment()
        .instance_arn(&instance.arn)
        .permission_set_arn(&key.permission_set)
        .target_type(TargetType::AwsAccount)
        .target_id(&key.account)
        .principal_type(PrincipalType::from(key.principal.type_name()))
        .principal_id(key.principal.id())
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DeleteAccountAssignment", error));
    Ok(unless_gone(answer)?.and_then(|answer| answer.account_assignment_deletion_status))
}

/// Requests the assignment until AWS accepts the request. A repeated request does not fail, so the list of requests is
/// checked first after an attempt that had no response.
async fn request(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
    intents: &[Intent],
) -> End<AccountAssignmentOperationStatus> {
    create_with_retries(
        context.timing,
        || create_once(context, instance, key),
        || request_of(context, instance, key, intents),
    )
    .await
}

/// The result of the request, with the other recent requests; `None` if it did not finish within the limit.
///
/// The list is read first: it includes this request, and the others that [`was_first`] needs.
///
/// # Errors
/// When AWS does not answer.
async fn wait(
    context: &Context,
    instance: &Instance,
    requested: &Requested,
    intents: &[Intent],
) -> Result<Option<Finished>, AwsError> {
    let timing = context.timing;
    let id = requested.status.request_id.as_deref().unwrap_or_default();
    if is_open(requested.status.status.as_ref()) {
        sleep(timing.pause(0)).await;
    }
    let requests = requests(context, instance).await?;
    let own = requests.iter().find(|request| request.id == id);
    let own = own.and_then(|own| own.status.clone());
    let recent = recent(requests, intents);
    match own {
        Some(StatusValues::Succeeded) => return Ok(Some(Finished { failed: None, recent })),
        Some(StatusValues::InProgress) => sleep(timing.pause(1)).await,
        _ => {}
    }
    let finished = waiting::until(timing, OPERATION_LIMIT, || async {
        let status = status_of(context, instance, Operation::Create, id).await?;
        Ok::<_, AwsError>((!is_open(status.status.as_ref())).then_some(status))
    });
    Ok(finished.await?.map(|status| {
        let reason = || status.failure_reason.unwrap_or_else(|| "no reason given".to_owned());
        let failed = (status.status != Some(StatusValues::Succeeded)).then(reason);
        Finished { failed, recent }
    }))
}

/// Creates an assignment, waits for it, and records its origin. If AWS is still processing a request of an interrupted
/// run, this waits for that request and makes no new one.
///
/// # Errors
/// When AWS refuses or fails, or the result cannot be saved.
pub async fn make(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    key: &AssignmentKey,
    change: &Change,
) -> Result<(), UserError> {
    let requested = begin(context, info, instance, key, change).await?;
    let intents = context.open_intents(change.kind, &change.name);
    let finished = wait(context, instance, &requested, &intents).await;
    let Some(finished) = finished.map_err(rerun(info))? else {
        return Err(UserError::failed(
            format!(
                "{}: the assignment did not finish within {}.",
                info.name(),
                duration_text(OPERATION_LIMIT)
            ),
            SetupCommand::again().to("continue to wait for the same request"),
        ));
    };
    if let Some(reason) = finished.failed {
        context.settle(change.verb, change.kind, &change.name, None)?;
        return Err(failed(info, instance, key, Operation::Create, &reason));
    }
    let was_first = was_first(context, instance, key, &intents, &requested, &finished.recent);
    let is_created = was_first.await.map_err(rerun(info))?;
    let origin = if is_created { Origin::Created } else { Origin::Existing };
    let entry = Entry::new(origin, change.kind, &change.name, key.clone());
    context.settle(change.verb, change.kind, &change.name, Some(entry))
}

/// The request of an earlier run that is still in progress, or a new one; and whether an earlier attempt of this program
/// may have had no response.
async fn begin(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    key: &AssignmentKey,
    change: &Change,
) -> Result<Requested, UserError> {
    let mut intents = context.open_intents(change.kind, &change.name);
    // An attempt of an earlier run may have succeeded without a response.
    let has_earlier_attempt = !intents.is_empty();
    if has_earlier_attempt {
        let earlier = request_of(context, instance, key, &intents)
            .await
            .map_err(rerun(info))?;
        if let Some(status) = earlier.filter(|status| status.status == Some(StatusValues::InProgress)) {
            return Ok(Requested {
                status,
                unanswered: true,
            });
        }
    }
    let intent = context.intend(info, change.target(), None)?;
    intents.push(intent.clone());
    let end = request(context, instance, key, &intents).await;
    match end.result {
        Ok(CreateResult::Created(status) | CreateResult::Existing(status) | CreateResult::Undecided(status)) => {
            Ok(Requested {
                status,
                unanswered: end.unanswered || has_earlier_attempt,
            })
        }
        Err(aws_error) => {
            if !end.unanswered {
                context.progress.change(|record| record.drop_intent(&intent.nonce))?;
            }
            let next = if aws_error.is_transient() || aws_error.kind == AwsErrorKind::Denied {
                NextStep::from(SetupCommand::again())
            } else {
                SetupCommand::again()
                    .placeholder("--account", "ID")
                    .after("check the account ID")
            };
            Err(step_error(info, &aws_error, next))
        }
    }
}

/// The error of a request that failed, with the reason from AWS.
pub fn failed(
    info: &StepInfo,
    instance: &Instance,
    key: &AssignmentKey,
    operation: Operation,
    reason: &str,
) -> UserError {
    let verb = match operation {
        Operation::Create => "create",
        Operation::Delete => "delete",
    };
    let mut message = format!(
        "{}: AWS could not {verb} the assignment: {}.",
        info.name(),
        reason.trim_end_matches('.')
    );
    let next = if instance.owner == key.account {
        message.push_str(" In the management account, IAM Identity Center uses your own permissions.");
        let allow = "allow iam:CreateRole, iam:AttachRolePolicy, iam:PutRolePolicy, iam:CreateSAMLProvider and \
                     iam:GetSAMLProvider on aws-reserved/sso.amazonaws.com/* and saml-provider/AWSSSO_*";
        NextSteps::from([
            SetupCommand::again().after("use credentials of the root user or an administrator"),
            SetupCommand::again().after(allow),
        ])
    } else {
        SetupCommand::again().after("fix the problem that AWS reports").into()
    };
    UserError::failed(message, next)
}

/// Waits until AWS has deleted an assignment.
async fn await_deletion(
    context: &Context,
    instance: &Instance,
    key: &AssignmentKey,
    request: &str,
) -> Result<(), Error> {
    let ended = || async {
        let status = status_of(context, instance, Operation::Delete, request).await?;
        Ok::<_, AwsError>((!is_open(status.status.as_ref())).then_some(status))
    };
    match waiting::until(context.timing, OPERATION_LIMIT, ended).await? {
        Some(status) if status.status == Some(StatusValues::Failed) => {
            // AWS also accepts the deletion of what is gone by then, such as by an earlier request, and fails later.
            if !exists(context, instance, key).await? {
                return Ok(());
            }
            let reason = status.failure_reason.as_deref().unwrap_or("no reason given");
            Err(Error::User(UserError::failed(
                format!(
                    "Step 5 (Access): AWS could not delete the assignment: {}.",
                    reason.trim_end_matches('.')
                ),
                SetupCommand::undo().after("fix the cause"),
            )))
        }
        Some(_) => Ok(()),
        None => Err(Error::User(UserError::failed(
            format!(
                "Step 5 (Access): AWS did not delete the assignment within {}.",
                duration_text(OPERATION_LIMIT)
            ),
            SetupCommand::undo(),
        ))),
    }
}

/// The kind.
pub struct Assignment;

#[async_trait(?Send)]
impl Resource for Assignment {
    fn kind(&self) -> ResourceKind {
        ResourceKind::AccountAssignment
    }

    fn step(&self) -> &'static str {
        "account-assignment"
    }

    fn branch(&self) -> Branch {
        Branch::IdentityCenter
    }

    /// Members that someone added to a group that this program created depend on the assignment. The members of an
    /// existing group had no access before it.
    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let instance = context.known_instance().await?;
        let ResourceId::Assignment(key) = &entry.id else {
            return Ok(Condition::Gone);
        };
        if !exists(context, &instance, key).await? {
            return Ok(Condition::Gone);
        }
        let Principal::Group(group) = &key.principal else {
            return Ok(Condition::Exists);
        };
        if !context
            .created_ids(ResourceKind::Group)
            .contains(&ResourceId::from(group))
        {
            return Ok(Condition::Exists);
        }
        let Some(other) = membership::other_member(context, &instance, group).await? else {
            return Ok(Condition::Exists);
        };
        let name = user::name_of(context, &instance, &other).await;
        Ok(Condition::Changed(format!(
            "someone else has access through it: {name}"
        )))
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        let instance = context.known_instance().await?;
        let ResourceId::Assignment(key) = &entry.id else {
            return Ok(Deletion::Deleted);
        };
        if !exists(context, &instance, key).await? {
            return Ok(Deletion::Deleted);
        }
        let status = delete_once(context, &instance, key).await?;
        if let Some(request) = status.and_then(|status| status.request_id) {
            await_deletion(context, &instance, key, &request).await?;
        }
        Ok(Deletion::Deleted)
    }

    fn delete_manually(&self, context: &Context, entry: &Entry) -> Manually {
        let ResourceId::Assignment(key) = &entry.id else {
            return Manually::Steps(String::new());
        };
        Manually::Command(format!(
            "aws sso-admin delete-account-assignment {} --permission-set-arn {} --target-type AWS_ACCOUNT --target-id {} \
             --principal-type {} --principal-id {}",
            context.cli_options().instance,
            key.permission_set,
            key.account,
            key.principal.type_name(),
            key.principal
        ))
    }
}
