//! Account assignments and provisioning: answered at once, done later.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::instance_with_permission_sets;
use super::permission_sets;
use crate::protocol::error::{Answer, ServiceError};
use crate::services::paging;
use crate::services::request::{Request, not_simulated};
use crate::services::request::{epoch, not_found, text};
use crate::state::{Assignment, Cloud, Identity, Operation, OperationKind, Outcome};

/// What Identity Center does with the caller's own rights in the management account.
const RIGHTS_IN_MANAGEMENT_ACCOUNT: [&str; 5] = [
    "iam:CreateSAMLProvider",
    "iam:GetSAMLProvider",
    "iam:CreateRole",
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
];

/// Answers an operation on assignments or provisioning.
pub fn answer(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    use OperationKind::{Assign, Provision, Unassign};
    match request.operation {
        "CreateAccountAssignment" => ask(cloud, caller, request, Assign),
        "DeleteAccountAssignment" => ask(cloud, caller, request, Unassign),
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

/// The names that a kind of operation goes by: its status, the member with its id, and the list of statuses.
fn names(kind: OperationKind) -> (&'static str, &'static str, &'static str) {
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

/// `CreateAccountAssignment` and `DeleteAccountAssignment`; a repeat is accepted like the first.
fn ask(cloud: &mut Cloud, caller: &Identity, request: &Request, kind: OperationKind) -> Answer {
    let subject = subject(request);
    check_account(cloud, &subject.account)?;
    permission_sets::find(cloud, request)?;
    if kind == OperationKind::Unassign && !cloud.assignments.contains(&subject) {
        return Err(not_found("The account assignment was not found."));
    }
    let status = begin(cloud, caller, kind, subject, request.now);
    Ok(json!({ names(kind).0: status }))
}

/// How an operation stands.
fn describe(cloud: &mut Cloud, request: &Request, kind: OperationKind) -> Answer {
    instance_with_permission_sets(cloud, request)?;
    let (key, id, _) = names(kind);
    let id = text(request.input, id);
    let answer = json!({ key: status(operation(cloud, kind, id)?) });
    cloud.note_poll(id);
    Ok(answer)
}

/// Status, request id and date only, newest first.
fn list_statuses(cloud: &mut Cloud, request: &Request, kind: OperationKind) -> Answer {
    instance_with_permission_sets(cloud, request)?;
    let listed = cloud.operations.iter().filter(|operation| operation.kind == kind);
    let listed: Vec<String> = listed.map(|operation| operation.request_id.clone()).collect();
    let wanted = request.input["Filter"]["Status"].as_str();
    let rows = cloud
        .operations
        .iter()
        .rev()
        .filter(|operation| operation.kind == kind)
        .filter(|operation| wanted.is_none_or(|wanted| wanted == state(operation)))
        .map(|operation| {
            json!({
                "Status": state(operation),
                "RequestId": operation.request_id,
                "CreatedDate": epoch(operation.created),
            })
        })
        .collect();
    for id in listed {
        cloud.note_poll(&id);
    }
    paging::page(request.input, request.operation, names(kind).2, 100, rows)
}

/// `ListAccountAssignmentsForPrincipal`: a user's include those of its groups.
fn list_for_principal(cloud: &Cloud, request: &Request) -> Answer {
    let instance = instance_with_permission_sets(cloud, request)?;
    let principal = text(request.input, "PrincipalId");
    let account = request.input["Filter"]["AccountId"].as_str();
    let groups: Vec<&str> = instance
        .store
        .memberships
        .values()
        .filter(|membership| membership.user == principal)
        .map(|membership| membership.group.as_str())
        .collect();
    let rows = cloud
        .assignments
        .iter()
        .filter(|assignment| assignment.principal == principal || groups.contains(&assignment.principal.as_str()))
        .filter(|assignment| account.is_none_or(|account| account == assignment.account))
        .filter(|assignment| cloud.has_propagated(&assignment.key(), request.now))
        .map(shape)
        .collect();
    paging::page(
        request.input,
        &format!("ListAccountAssignmentsForPrincipal:{principal}"),
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

/// `ListAccountAssignments` of one account and permission set.
fn list(cloud: &Cloud, request: &Request) -> Answer {
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

/// `ProvisionPermissionSet` to one account, or to all it is provisioned in.
fn provision(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    let set = permission_sets::find(cloud, request)?.arn.clone();
    let provisioned = provisioned_accounts(cloud, &set);
    let accounts = match text(request.input, "TargetType") {
        "ALL_PROVISIONED_ACCOUNTS" => provisioned,
        _ => vec![text(request.input, "TargetId").to_owned()],
    };
    let mut last = Value::Null;
    for account in accounts {
        check_account(cloud, &account)?;
        let subject = Assignment {
            account,
            permission_set: set.clone(),
            principal_type: String::new(),
            principal: String::new(),
        };
        last = begin(cloud, caller, OperationKind::Provision, subject, request.now);
    }
    if last.is_null() {
        return Err(not_found("The permission set is not provisioned to any account."));
    }
    Ok(json!({ "PermissionSetProvisioningStatus": last }))
}

/// `ListPermissionSetsProvisionedToAccount`.
fn provisioned_to_account(cloud: &Cloud, request: &Request) -> Answer {
    instance_with_permission_sets(cloud, request)?;
    let account = text(request.input, "AccountId");
    let rows = cloud
        .roles
        .iter()
        .filter(|role| role.account == account)
        .map(|role| json!(role.permission_set))
        .collect();
    paging::page(
        request.input,
        &format!("ListPermissionSetsProvisionedToAccount:{account}"),
        "PermissionSets",
        100,
        rows,
    )
}

/// `ListAccountsForProvisionedPermissionSet`.
fn accounts_for_set(cloud: &Cloud, request: &Request) -> Answer {
    let set = permission_sets::find(cloud, request)?.arn.clone();
    let rows = provisioned_accounts(cloud, &set)
        .into_iter()
        .map(Value::String)
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

fn begin(cloud: &mut Cloud, caller: &Identity, kind: OperationKind, subject: Assignment, now: Timestamp) -> Value {
    let missing_right = cloud
        .is_management_account()
        .then(|| {
            RIGHTS_IN_MANAGEMENT_ACCOUNT
                .iter()
                .find(|right| caller.is_denied(right))
        })
        .flatten()
        .filter(|_| subject.account == cloud.account.id)
        .map(|right| (*right).to_owned());
    let operation = Operation {
        request_id: cloud.ids.uuid(),
        kind,
        due: cloud.next_slot(&subject.account, now),
        subject,
        created: now,
        missing_right,
        outcome: Outcome::Pending,
    };
    let answer = status(&operation);
    cloud.operations.push(operation);
    answer
}

fn subject(request: &Request) -> Assignment {
    let input = request.input;
    Assignment {
        account: text(input, "TargetId").to_owned(),
        permission_set: text(input, "PermissionSetArn").to_owned(),
        principal_type: text(input, "PrincipalType").to_owned(),
        principal: text(input, "PrincipalId").to_owned(),
    }
}

fn check_account(cloud: &Cloud, account: &str) -> Result<(), ServiceError> {
    let known = cloud.all_accounts().any(|candidate| candidate.id == account);
    known
        .then_some(())
        .ok_or_else(|| not_found(format!("The account {account} was not found in the organization.")))
}

fn operation<'a>(cloud: &'a Cloud, kind: OperationKind, id: &str) -> Result<&'a Operation, ServiceError> {
    cloud
        .operations
        .iter()
        .find(|operation| operation.kind == kind && operation.request_id == id)
        .ok_or_else(|| not_found(format!("The request {id} was not found.")))
}

fn state(operation: &Operation) -> &'static str {
    match operation.outcome {
        Outcome::Pending => "IN_PROGRESS",
        Outcome::Succeeded => "SUCCEEDED",
        Outcome::Failed(_) => "FAILED",
    }
}

fn status(operation: &Operation) -> Value {
    let subject = &operation.subject;
    let mut answer = json!({
        "Status": state(operation),
        "RequestId": operation.request_id,
        "PermissionSetArn": subject.permission_set,
        "CreatedDate": epoch(operation.created),
    });
    match operation.kind {
        OperationKind::Provision => answer["AccountId"] = json!(subject.account),
        OperationKind::Assign | OperationKind::Unassign => {
            answer["TargetId"] = json!(subject.account);
            answer["TargetType"] = json!("AWS_ACCOUNT");
            answer["PrincipalType"] = json!(subject.principal_type);
            answer["PrincipalId"] = json!(subject.principal);
        }
    }
    if let Outcome::Failed(reason) = &operation.outcome {
        answer["FailureReason"] = json!(reason);
    }
    answer
}
