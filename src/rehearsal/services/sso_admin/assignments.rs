//! Account assignments and provisioning: answered at once, done later.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::super::paging;
use super::super::super::refusal::{Answer, Refusal};
use super::super::super::world::{
    Assignment, Identity, Operation, OperationKind, Outcome, World, epoch, not_found, text,
};
use super::super::{Request, not_simulated};
use super::{instance_with_permission_sets, permission_sets};

/// What Identity Center does with the caller's own rights in the management account.
const RIGHTS_IN_MANAGEMENT_ACCOUNT: [&str; 5] = [
    "iam:CreateSAMLProvider",
    "iam:GetSAMLProvider",
    "iam:CreateRole",
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
];

/// Answers an operation on assignments or provisioning.
pub fn answer(world: &mut World, caller: &Identity, request: &Request) -> Answer {
    use OperationKind::{Assign, Provision, Unassign};
    match request.operation {
        "CreateAccountAssignment" => ask(world, caller, request, Assign),
        "DeleteAccountAssignment" => ask(world, caller, request, Unassign),
        "ProvisionPermissionSet" => provision(world, caller, request),
        "DescribeAccountAssignmentCreationStatus" => describe(world, request, Assign),
        "DescribeAccountAssignmentDeletionStatus" => describe(world, request, Unassign),
        "DescribePermissionSetProvisioningStatus" => describe(world, request, Provision),
        "ListAccountAssignmentCreationStatus" => list_statuses(world, request, Assign),
        "ListAccountAssignmentDeletionStatus" => list_statuses(world, request, Unassign),
        "ListPermissionSetProvisioningStatus" => list_statuses(world, request, Provision),
        "ListAccountAssignments" => list(world, request),
        "ListAccountAssignmentsForPrincipal" => list_for_principal(world, request),
        "ListPermissionSetsProvisionedToAccount" => provisioned_to_account(world, request),
        "ListAccountsForProvisionedPermissionSet" => accounts_for_set(world, request),
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
fn ask(world: &mut World, caller: &Identity, request: &Request, kind: OperationKind) -> Answer {
    let subject = subject(request);
    check_account(world, &subject.account)?;
    permission_sets::find(world, request)?;
    if kind == OperationKind::Unassign && !world.assignments.contains(&subject) {
        return Err(not_found("The account assignment was not found."));
    }
    let status = begin(world, caller, kind, subject, request.now);
    Ok(json!({ names(kind).0: status }))
}

/// How an operation stands.
fn describe(world: &mut World, request: &Request, kind: OperationKind) -> Answer {
    instance_with_permission_sets(world, request)?;
    let (key, id, _) = names(kind);
    let id = text(request.input, id);
    let answer = json!({ key: status(operation(world, kind, id)?) });
    world.note_look(id);
    Ok(answer)
}

/// Status, request id and date only, newest first.
fn list_statuses(world: &mut World, request: &Request, kind: OperationKind) -> Answer {
    instance_with_permission_sets(world, request)?;
    let listed = world.operations.iter().filter(|operation| operation.kind == kind);
    let listed: Vec<String> = listed.map(|operation| operation.request_id.clone()).collect();
    let wanted = request.input["Filter"]["Status"].as_str();
    let rows = world
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
        world.note_look(&id);
    }
    paging::page(request.input, request.operation, names(kind).2, 100, rows)
}

/// `ListAccountAssignmentsForPrincipal`: a user's include those of its groups.
fn list_for_principal(world: &World, request: &Request) -> Answer {
    let instance = instance_with_permission_sets(world, request)?;
    let principal = text(request.input, "PrincipalId");
    let account = request.input["Filter"]["AccountId"].as_str();
    let groups: Vec<&str> = instance
        .store
        .memberships
        .values()
        .filter(|membership| membership.user == principal)
        .map(|membership| membership.group.as_str())
        .collect();
    let rows = world
        .assignments
        .iter()
        .filter(|assignment| assignment.principal == principal || groups.contains(&assignment.principal.as_str()))
        .filter(|assignment| account.is_none_or(|account| account == assignment.account))
        .filter(|assignment| world.has_spread(&assignment.key(), request.now))
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
fn list(world: &World, request: &Request) -> Answer {
    let set = permission_sets::find(world, request)?.arn.clone();
    let account = text(request.input, "AccountId");
    let rows = world
        .assignments
        .iter()
        .filter(|assignment| assignment.account == account && assignment.permission_set == set)
        .filter(|assignment| world.has_spread(&assignment.key(), request.now))
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
fn provision(world: &mut World, caller: &Identity, request: &Request) -> Answer {
    let set = permission_sets::find(world, request)?.arn.clone();
    let provisioned = provisioned_accounts(world, &set);
    let accounts = match text(request.input, "TargetType") {
        "ALL_PROVISIONED_ACCOUNTS" => provisioned,
        _ => vec![text(request.input, "TargetId").to_owned()],
    };
    let mut last = Value::Null;
    for account in accounts {
        check_account(world, &account)?;
        let subject = Assignment {
            account,
            permission_set: set.clone(),
            principal_type: String::new(),
            principal: String::new(),
        };
        last = begin(world, caller, OperationKind::Provision, subject, request.now);
    }
    if last.is_null() {
        return Err(not_found("The permission set is not provisioned to any account."));
    }
    Ok(json!({ "PermissionSetProvisioningStatus": last }))
}

/// `ListPermissionSetsProvisionedToAccount`.
fn provisioned_to_account(world: &World, request: &Request) -> Answer {
    instance_with_permission_sets(world, request)?;
    let account = text(request.input, "AccountId");
    let rows = world
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
fn accounts_for_set(world: &World, request: &Request) -> Answer {
    let set = permission_sets::find(world, request)?.arn.clone();
    let rows = provisioned_accounts(world, &set)
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

fn provisioned_accounts(world: &World, set: &str) -> Vec<String> {
    world
        .roles
        .iter()
        .filter(|role| role.permission_set == set)
        .map(|role| role.account.clone())
        .collect()
}

fn begin(world: &mut World, caller: &Identity, kind: OperationKind, subject: Assignment, now: Timestamp) -> Value {
    let missing_right = world
        .is_management_account()
        .then(|| {
            RIGHTS_IN_MANAGEMENT_ACCOUNT
                .iter()
                .find(|right| caller.is_denied(right))
        })
        .flatten()
        .filter(|_| subject.account == world.account.id)
        .map(|right| (*right).to_owned());
    let operation = Operation {
        request_id: world.ids.uuid(),
        kind,
        due: world.next_slot(&subject.account, now),
        subject,
        created: now,
        missing_right,
        outcome: Outcome::Pending,
    };
    let answer = status(&operation);
    world.operations.push(operation);
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

fn check_account(world: &World, account: &str) -> Result<(), Refusal> {
    let known = world.all_accounts().any(|candidate| candidate.id == account);
    known
        .then_some(())
        .ok_or_else(|| not_found(format!("The account {account} was not found in the organization.")))
}

fn operation<'a>(world: &'a World, kind: OperationKind, id: &str) -> Result<&'a Operation, Refusal> {
    world
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
