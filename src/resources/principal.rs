//! Users and groups as principals: where someone else uses them.

use aws_sdk_ssoadmin::types::PrincipalType;

use crate::aws::{AwsError, AwsErrorKind, Permission};
use crate::ids::{AssignmentKey, Principal};
use crate::progress::{ResourceId, ResourceKind};
use crate::reconcile::{Context, Instance};

/// What undo needs to find other uses.
pub const UNDO_PERMISSIONS: &[Permission] = &[
    Permission::look("sso:ListAccountAssignmentsForPrincipal"),
    Permission::look("sso:ListApplicationAssignmentsForPrincipal"),
];

fn principal_type(principal: &Principal) -> PrincipalType {
    PrincipalType::from(principal.type_name())
}

/// How someone else uses a user or a group: an account or an application that this program did not assign it to.
/// Applications, such as Argo CD, may depend on it. An emulator may not support applications.
///
/// # Errors
/// When AWS does not answer.
pub async fn other_use(
    context: &Context,
    instance: &Instance,
    principal: &Principal,
) -> Result<Option<String>, AwsError> {
    const OPERATION: &str = "sso:ListAccountAssignmentsForPrincipal";
    let created = context.created_ids(ResourceKind::AccountAssignment);
    let mut assigned = context
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(principal.id())
        .principal_type(principal_type(principal))
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = assigned.next().await {
        let assignment = assignment.map_err(|error| AwsError::of(OPERATION, error))?;
        // An assignment that a user has through a group belongs to the group.
        if assignment.principal_id.as_deref() != Some(principal.id()) {
            continue;
        }
        let key = AssignmentKey {
            account: AwsError::require_id(OPERATION, &assignment.account_id.unwrap_or_default())?,
            permission_set: AwsError::require_id(OPERATION, &assignment.permission_set_arn.unwrap_or_default())?,
            principal: principal.clone(),
        };
        if !created.contains(&ResourceId::from(key.clone())) {
            return Ok(Some(format!(
                "someone created an assignment in account {}",
                key.account
            )));
        }
    }
    let application = application_of(context, instance, principal).await?;
    Ok(application.map(|application| format!("someone created an assignment to the application {application}")))
}

/// The ARN of an application that a principal is assigned to directly.
async fn application_of(
    context: &Context,
    instance: &Instance,
    principal: &Principal,
) -> Result<Option<String>, AwsError> {
    let mut assigned = context
        .clients
        .ssoadmin(&instance.region)
        .list_application_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(principal.id())
        .principal_type(principal_type(principal))
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = assigned.next().await {
        match assignment.map_err(|error| AwsError::of("sso:ListApplicationAssignmentsForPrincipal", error)) {
            Ok(assignment) if assignment.principal_id.as_deref() == Some(principal.id()) => {
                return Ok(Some(assignment.application_arn.unwrap_or_default()));
            }
            Ok(_) => {}
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotImplemented => return Ok(None),
            Err(aws_error) => return Err(aws_error),
        }
    }
    Ok(None)
}
