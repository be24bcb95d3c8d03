//! Account assignments and provisioning, which complete asynchronously.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::instance_with_permission_sets;
use super::permission_sets;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging;
use crate::services::request::{Request, not_simulated};
use crate::services::request::{epoch, not_found, text};
use crate::state::{Assignment, Cloud, Identity, MissingRight, Operation, OperationKind, Outcome};

/// The actions that Identity Center performs with the caller's permissions in the management account.
const MANAGEMENT_ACCOUNT_ACTIONS: [&str; 5] = [
    "iam:CreateSAMLProvider",
    "iam:GetSAMLProvider",
    "iam:CreateRole",
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
];

/// Handles an operation on assignments or provisioning.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    use OperationKind::{Assign, Provision, Unassign};
    match request.operation {
        "CreateAccountAssignment" => change_assignment(cloud, caller, request, Assign),
        "DeleteAccountAssignment" => change_assignment(cloud, caller, request, Unassign),
        "ProvisionPermissionSet" => provision(cloud, caller, request),
        "DescribeAccountAssignmentCreationStatus" => describe(cloud, request, Assign),
        "DescribeAccountAssignmentDeletionStatus" => describe(cloud, request, Unassign),
        "DescribePermissionSetProvisioningStatus" => describe(cloud, request, Provision),
        "ListAccountAssignmentCreationStatus" => list_statuses(cloud, request, Assign),
        "ListAccountAssignmentDeletionStatus" => list_statuses(cloud, request, Unassign),
        "ListPermissionSetProvisioningStatus" => list_statuses(cloud, request, Provision),
        "ListAccountAssignments" => list(cloud, request),
        "ListAccountAssignmentsForPrincipal" => list_for_principal(cloud, request),
        "ListPermissionSetsProvisionedToAccount" => provisioned_to_account(cloud, request),
        "ListAccountsForProvisionedPermissionSet" => accounts_for_set(cloud, request),
        other => Err(not_simulated("sso-admin", other)),
    }
}

/// Returns the names of members for a kind of operation: its status, its request ID, and the list of statuses.
fn member_names(kind: OperationKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        OperationKind::Assign => (
            "AccountAssignmentCreationStatus",
            "AccountAssignmentCreationRequestId",
            "AccountAssignmentsCreationStatus",
        ),
        OperationKind::Unassign => (
            "AccountAssignmentDeletionStatus",
            "AccountAssignmentDeletionRequestId",
            "AccountAssignmentsDeletionStatus",
        ),
        OperationKind::Provision => (
            "PermissionSetProvisioningStatus",
            "ProvisionPermissionSetRequestId",
            "PermissionSetsProvisioningStatus",
        ),
    }
}

/// `CreateAccountAssignment` and `DeleteAccountAssignment`. Creating an assignment that exists is accepted, and so is
/// deleting one that does not exist, which fails later.
fn change_assignment(cloud: &mut Cloud, caller: &Identity, request: &Request, kind: OperationKind) -> ServiceResult {
    let subject = requested_assignment(request);
    check_account(cloud, &subject.account)?;
    permission_sets::find(cloud, request)?;
    if kind == OperationKind::Assign {
        check_provisioned(cloud, &subject)?;
    }
    check_quotas(cloud, std::slice::from_ref(&subject.account))?;
    let status = start_operation(cloud, caller, kind, subject, request.now);
    Ok(json!({ member_names(kind).0: status }))
}

/// `DescribeAccountAssignmentCreationStatus` and the corresponding operations.
fn describe(cloud: &mut Cloud, request: &Request, kind: OperationKind) -> ServiceResult {
    instance_with_permission_sets(cloud, request)?;
    let (key, id, _) = member_names(kind);
    let id = text(request.input, id);
    let response = json!({ key: status_shape(find_operation(cloud, kind, id)?) });
    cloud.record_poll(id);
    Ok(response)
}

/// `ListAccountAssignmentCreationStatus` and the corresponding operations: status, request ID and date, newest first.
fn list_statuses(cloud: &mut Cloud, request: &Request, kind: OperationKind) -> ServiceResult {
    instance_with_permission_sets(cloud, request)?;
    let polled = cloud.operations.iter().filter(|operation| operation.kind == kind);
    let polled: Vec<String> = polled.map(|operation| operation.request_id.clone()).collect();
    let status = request.input["Filter"]["Status"].as_str();
    let rows = cloud
        .operations
        .iter()
        .rev()
        .filter(|operation| operation.kind == kind)
        .filter(|operation| status.is_none_or(|status| status == status_name(operation)))
        .map(|operation| {
            json!({
                "Status": status_name(operation),
                "RequestId": operation.request_id,
                "CreatedDate": epoch(operation.created),
            })
        })
        .collect();
    for id in polled {
        cloud.record_poll(&id);
    }
    paging::page(request.input, request.operation, member_names(kind).2, 100, rows)
}

/// `ListAccountAssignmentsForPrincipal`. The assignments of a user include those of the user's groups.
fn list_for_principal(cloud: &Cloud, request: &Request) -> ServiceResult {
    let instance = instance_with_permission_sets(cloud, request)?;
    let (principal, kind) = (text(request.input, "PrincipalId"), text(request.input, "PrincipalType"));
    let account = request.input["Filter"]["AccountId"].as_str();
    let groups: Vec<&str> = instance
        .store
        .memberships
        .values()
        .filter(|membership| kind == "USER" && membership.user == principal)
        .map(|membership| membership.group.as_str())
        .collect();
    let is_own = |assignment: &Assignment| assignment.principal_type == kind && assignment.principal == principal;
    let is_of_group = |assignment: &Assignment| {
        assignment.principal_type == "GROUP" && groups.contains(&assignment.principal.as_str())
    };
    let rows = cloud
        .assignments
        .iter()
        .filter(|assignment| is_own(assignment) || is_of_group(assignment))
        .filter(|assignment| account.is_none_or(|account| account == assignment.account))
        .filter(|assignment| cloud.has_propagated(&assignment.key(), request.now))
        .map(shape)
        .collect();
    paging::page(
        request.input,
        &format!("ListAccountAssignmentsForPrincipal:{kind}:{principal}"),
        "AccountAssignments",
        100,
        rows,
    )
}

fn shape(assignment: &Assignment) -> Value {
    json!({
        "AccountId": assignment.account,
        "PermissionSetArn": assignment.permission_set,
        "PrincipalType": assignment.principal_type,
        "PrincipalId": assignment.principal,
    })
}

/// `ListAccountAssignments`: the assignments of one account and permission set.
fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    let set = permission_sets::find(cloud, request)?.arn.clone();
    let account = text(request.input, "AccountId");
    let rows = cloud
        .assignments
        .iter()
        .filter(|assignment| assignment.account == account && assignment.permission_set == set)
        .filter(|assignment| cloud.has_propagated(&assignment.key(), request.now))
        .map(shape)
        .collect();
    paging::page(
        request.input,
        &format!("ListAccountAssignments:{account}:{set}"),
        "AccountAssignments",
        100,
        rows,
    )
}

/// `ProvisionPermissionSet`, in one account or in all accounts that already have the permission set. If there are none, it
/// is accepted and succeeds.
fn provision(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let set = permission_sets::find(cloud, request)?.arn.clone();
    let accounts = if text(request.input, "TargetType") == "ALL_PROVISIONED_ACCOUNTS" {
        provisioned_accounts(cloud, &set)
    } else {
        let account = text(request.input, "TargetId").to_owned();
        check_account(cloud, &account)?;
        vec![account]
    };
    check_quotas(cloud, &accounts)?;
    let mut start = |account: String| {
        let subject = Assignment {
            account,
            permission_set: set.clone(),
            principal_type: String::new(),
            principal: String::new(),
        };
        start_operation(cloud, caller, OperationKind::Provision, subject, request.now)
    };
    let last = accounts.into_iter().map(&mut start).last();
    let status = last.unwrap_or_else(|| start(String::new()));
    Ok(json!({ "PermissionSetProvisioningStatus": status }))
}

/// `ListPermissionSetsProvisionedToAccount`. For an account that has none, AWS leaves the list out.
fn provisioned_to_account(cloud: &Cloud, request: &Request) -> ServiceResult {
    instance_with_permission_sets(cloud, request)?;
    let account = text(request.input, "AccountId");
    let rows = cloud
        .roles
        .iter()
        .filter(|role| role.account == account)
        .map(|role| json!(role.permission_set))
        .collect::<Vec<Value>>();
    if rows.is_empty() {
        return Ok(json!({}));
    }
    paging::page(
        request.input,
        &format!("ListPermissionSetsProvisionedToAccount:{account}"),
        "PermissionSets",
        100,
        rows,
    )
}

/// `ListAccountsForProvisionedPermissionSet`, of all accounts or of those with or without the latest version.
fn accounts_for_set(cloud: &Cloud, request: &Request) -> ServiceResult {
    let set = permission_sets::find(cloud, request)?;
    let is_listed = |latest: bool| match request.input["ProvisioningStatus"].as_str() {
        Some("LATEST_PERMISSION_SET_PROVISIONED") => latest,
        Some("LATEST_PERMISSION_SET_NOT_PROVISIONED") => !latest,
        _ => true,
    };
    let (set, version) = (set.arn.clone(), set.version());
    let roles = cloud.roles.iter().filter(|role| role.permission_set == set);
    let rows = roles
        .filter(|role| is_listed(role.version == version))
        .map(|role| json!(role.account))
        .collect();
    paging::page(
        request.input,
        &format!("ListAccountsForProvisionedPermissionSet:{set}"),
        "AccountIds",
        100,
        rows,
    )
}

fn provisioned_accounts(cloud: &Cloud, set: &str) -> Vec<String> {
    cloud
        .roles
        .iter()
        .filter(|role| role.permission_set == set)
        .map(|role| role.account.clone())
        .collect()
}

/// Maximum number of permission sets that are provisioned in one account ("IAM Identity Center quotas").
const MAX_PROVISIONED: usize = 500;

/// Rejects an assignment that would provision too many permission sets in an account.
fn check_provisioned(cloud: &Cloud, subject: &Assignment) -> Result<(), ServiceError> {
    let in_account = || cloud.roles.iter().filter(|role| role.account == subject.account);
    let is_new = !in_account().any(|role| role.permission_set == subject.permission_set);
    if is_new && in_account().count() >= MAX_PROVISIONED {
        return Err(permission_sets::over_quota(
            "ApplicationProfile",
            MAX_PROVISIONED,
            &subject.account,
        ));
    }
    Ok(())
}

/// Rejects a request while too many are in progress, or one in the same account. A provisioning of all accounts counts once.
fn check_quotas(cloud: &Cloud, accounts: &[String]) -> Result<(), ServiceError> {
    if !cloud.has_quotas {
        return Ok(());
    }
    let pending = || {
        let operations = cloud.operations.iter();
        operations.filter(|operation| operation.outcome == Outcome::Pending)
    };
    let is_provisioning = |operation: &&Operation| operation.kind == OperationKind::Provision;
    let provisioned: BTreeSet<&str> = pending()
        .filter(is_provisioning)
        .map(|operation| operation.subject.permission_set.as_str())
        .collect();
    let outstanding = provisioned.len() + pending().filter(|operation| !is_provisioning(operation)).count();
    if outstanding >= cloud.choices.outstanding_requests {
        return Err(Words::TooManyOutstanding.error(&[]));
    }
    if pending().any(|operation| accounts.contains(&operation.subject.account)) {
        return Err(Words::ConflictingOperation.error(&[]));
    }
    Ok(())
}

/// Starts an asynchronous operation and returns its status.
fn start_operation(
    cloud: &mut Cloud,
    caller: &Identity,
    kind: OperationKind,
    subject: Assignment,
    now: Timestamp,
) -> Value {
    let denied_action = cloud
        .is_management_account()
        .then(|| {
            MANAGEMENT_ACCOUNT_ACTIONS
                .iter()
                .find(|action| caller.is_denied(action))
        })
        .flatten()
        .filter(|_| subject.account == cloud.account.id)
        .map(|action| MissingRight {
            caller: caller.arn.clone(),
            action: (*action).to_owned(),
        });
    let operation = Operation {
        request_id: cloud.ids.uuid(),
        kind,
        due: cloud.next_completion(&subject.account, now),
        subject,
        created: now,
        missing_right: denied_action,
        outcome: Outcome::Pending,
    };
    let status = status_shape(&operation);
    cloud.operations.push(operation);
    status
}

/// Returns the assignment that a request describes.
fn requested_assignment(request: &Request) -> Assignment {
    let input = request.input;
    Assignment {
        account: text(input, "TargetId").to_owned(),
        permission_set: text(input, "PermissionSetArn").to_owned(),
        principal_type: text(input, "PrincipalType").to_owned(),
        principal: text(input, "PrincipalId").to_owned(),
    }
}

fn check_account(cloud: &Cloud, account: &str) -> Result<(), ServiceError> {
    let exists = cloud.all_accounts().any(|candidate| candidate.id == account);
    exists
        .then_some(())
        .ok_or_else(|| not_found(format!("The account {account} was not found in the organization.")))
}

fn find_operation<'a>(cloud: &'a Cloud, kind: OperationKind, id: &str) -> Result<&'a Operation, ServiceError> {
    cloud
        .operations
        .iter()
        .find(|operation| operation.kind == kind && operation.request_id == id)
        .ok_or_else(|| not_found(format!("The request {id} was not found.")))
}

fn status_name(operation: &Operation) -> &'static str {
    match operation.outcome {
        Outcome::Pending => "IN_PROGRESS",
        Outcome::Succeeded => "SUCCEEDED",
        Outcome::Failed(_) => "FAILED",
    }
}

/// Returns the status of an operation in the API's form.
fn status_shape(operation: &Operation) -> Value {
    let subject = &operation.subject;
    let mut response = json!({
        "Status": status_name(operation),
        "RequestId": operation.request_id,
        "PermissionSetArn": subject.permission_set,
        "CreatedDate": epoch(operation.created),
    });
    match operation.kind {
        OperationKind::Provision if subject.account.is_empty() => {}
        OperationKind::Provision => response["AccountId"] = json!(subject.account),
        OperationKind::Assign | OperationKind::Unassign => {
            response["TargetId"] = json!(subject.account);
            response["TargetType"] = json!("AWS_ACCOUNT");
            response["PrincipalType"] = json!(subject.principal_type);
            response["PrincipalId"] = json!(subject.principal);
        }
    }
    if let Outcome::Failed(reason) = &operation.outcome {
        response["FailureReason"] = json!(reason);
    }
    response
}
