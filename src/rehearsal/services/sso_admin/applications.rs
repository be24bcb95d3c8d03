//! Applications, as far as it matters who may use them.

use serde_json::json;

use super::super::super::paging;
use super::super::super::refusal::Answer;
use super::super::super::world::{World, text};
use super::super::Request;
use super::instance_with_permission_sets;

/// `ListApplicationAssignmentsForPrincipal`.
pub fn list_for_principal(world: &World, request: &Request) -> Answer {
    instance_with_permission_sets(world, request)?;
    let principal = text(request.input, "PrincipalId");
    let wanted = request.input["Filter"]["ApplicationArn"].as_str();
    let rows = world
        .application_assignments
        .iter()
        .filter(|assignment| assignment.principal == principal)
        .filter(|assignment| wanted.is_none_or(|wanted| wanted == assignment.application))
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
