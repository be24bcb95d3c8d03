//! Assignments of users and groups to applications.

use serde_json::{Value, json};

use super::access::instance_with_permission_sets;
use super::applications::find;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::{Request, not_found, text};
use crate::state::{ApplicationAssignment, Cloud};

fn requested(request: &Request) -> ApplicationAssignment {
    ApplicationAssignment {
        application: text(request.input, "ApplicationArn").to_owned(),
        principal_type: text(request.input, "PrincipalType").to_owned(),
        principal: text(request.input, "PrincipalId").to_owned(),
    }
}

/// `CreateApplicationAssignment`. The principal must exist.
pub fn create(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let application = find(cloud, request)?;
    let wanted = requested(request);
    let store = cloud.instance(&application.instance).map(|instance| &instance.store);
    let exists = store.is_some_and(|store| match wanted.principal_type.as_str() {
        "USER" => store.users.contains_key(&wanted.principal),
        _ => store.groups.contains_key(&wanted.principal),
    });
    if !exists {
        return Err(not_found(format!(
            "The {} {} was not found.",
            wanted.principal_type, wanted.principal
        )));
    }
    if cloud.application_assignments.contains(&wanted) {
        return Err(ServiceError::new(
            "ConflictException",
            "The principal is assigned to the application already.",
        ));
    }
    cloud.application_assignments.push(wanted);
    Ok(json!({}))
}

/// `DescribeApplicationAssignment`.
pub fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    find(cloud, request)?;
    let wanted = requested(request);
    let mut assignments = cloud.application_assignments.iter();
    let found = assignments.find(|assignment| **assignment == wanted);
    found.map(shape).ok_or_else(|| not_assigned(&wanted))
}

/// `DeleteApplicationAssignment`.
pub fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    find(cloud, request)?;
    let wanted = requested(request);
    let before = cloud.application_assignments.len();
    cloud.application_assignments.retain(|assignment| *assignment != wanted);
    if cloud.application_assignments.len() == before {
        return Err(not_assigned(&wanted));
    }
    Ok(json!({}))
}

fn not_assigned(wanted: &ApplicationAssignment) -> ServiceError {
    not_found(format!(
        "The {} {} is not assigned to the application.",
        wanted.principal_type, wanted.principal
    ))
}

/// `ListApplicationAssignments`.
pub fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    let application = find(cloud, request)?;
    let assignments = cloud.application_assignments.iter();
    let rows = assignments
        .filter(|assignment| assignment.application == application.arn)
        .map(shape)
        .collect();
    let scope = format!("ListApplicationAssignments:{}", application.arn);
    paging::page(request.input, &scope, "ApplicationAssignments", 100, rows)
}

/// `ListApplicationAssignmentsForPrincipal`.
pub fn list_for_principal(cloud: &Cloud, request: &Request) -> ServiceResult {
    instance_with_permission_sets(cloud, request)?;
    let principal = text(request.input, "PrincipalId");
    let application = request.input["Filter"]["ApplicationArn"].as_str();
    let rows = cloud
        .application_assignments
        .iter()
        .filter(|assignment| assignment.principal == principal)
        .filter(|assignment| application.is_none_or(|application| application == assignment.application))
        .map(shape)
        .collect();
    let scope = format!("ListApplicationAssignmentsForPrincipal:{principal}");
    paging::page(request.input, &scope, "ApplicationAssignments", 100, rows)
}

fn shape(assignment: &ApplicationAssignment) -> Value {
    json!({
        "ApplicationArn": assignment.application,
        "PrincipalId": assignment.principal,
        "PrincipalType": assignment.principal_type,
    })
}
