//! Assignments of applications.

use serde_json::json;

use super::access::instance_with_permission_sets;
use crate::protocol::error::ServiceResult;
use crate::services::paging;
use crate::services::request::Request;
use crate::services::request::text;
use crate::state::Cloud;

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
        .map(|assignment| {
            json!({
                "ApplicationArn": assignment.application,
                "PrincipalId": assignment.principal,
                "PrincipalType": assignment.principal_type,
            })
        })
        .collect();
    paging::page(
        request.input,
        &format!("ListApplicationAssignmentsForPrincipal:{principal}"),
        "ApplicationAssignments",
        100,
        rows,
    )
}
