//! IAM Identity Center's administration (`sso-admin`).

mod applications;
mod assignments;
mod instances;
mod permission_sets;
mod policies;
mod tags;

use super::super::refusal::{Answer, Refusal};
use super::super::world::{Identity, Instance, World, not_found, text};
use super::{Request, denied};

/// Answers an operation of `sso-admin`.
pub fn answer(world: &mut World, caller: &Identity, request: &Request) -> Answer {
    require_administrator(world, caller, request)?;
    match request.operation {
        "ListInstances" => instances::list(world, request),
        "DescribeInstance" => instances::describe(world, caller, request),
        "CreateInstance" => instances::create(world, caller, request),
        "UpdateInstance" => instances::update(world, request),
        "DeleteInstance" => instances::delete(world, caller, request),
        "ListRegions" => instances::list_regions(world, request),
        "ListTagsForResource" => tags::list(world, request),
        "TagResource" => tags::tag(world, request),
        "UntagResource" => tags::untag(world, request),
        "CreatePermissionSet" => permission_sets::create(world, request),
        "DescribePermissionSet" => permission_sets::describe(world, request),
        "ListPermissionSets" => permission_sets::list(world, request),
        "UpdatePermissionSet" => permission_sets::update(world, request),
        "DeletePermissionSet" => permission_sets::delete(world, request),
        "AttachManagedPolicyToPermissionSet" => permission_sets::attach(world, request),
        "DetachManagedPolicyFromPermissionSet" => permission_sets::detach(world, request),
        "ListManagedPoliciesInPermissionSet" => permission_sets::list_policies(world, request),
        "PutInlinePolicyToPermissionSet" => policies::put_inline(world, request),
        "GetInlinePolicyForPermissionSet" => policies::get_inline(world, request),
        "DeleteInlinePolicyFromPermissionSet" => policies::delete_inline(world, request),
        "AttachCustomerManagedPolicyReferenceToPermissionSet" => policies::attach_customer(world, request),
        "DetachCustomerManagedPolicyReferenceFromPermissionSet" => policies::detach_customer(world, request),
        "ListCustomerManagedPolicyReferencesInPermissionSet" => policies::list_customer(world, request),
        "PutPermissionsBoundaryToPermissionSet" => policies::put_boundary(world, request),
        "GetPermissionsBoundaryForPermissionSet" => policies::get_boundary(world, request),
        "DeletePermissionsBoundaryFromPermissionSet" => policies::delete_boundary(world, request),
        "ListApplicationAssignmentsForPrincipal" => applications::list_for_principal(world, request),
        _ => assignments::answer(world, caller, request),
    }
}

/// A member account sees its organization's instance; only the owner and a delegated administrator work with it,
/// and the latter not on the management account.
fn require_administrator(world: &World, caller: &Identity, request: &Request) -> Result<(), Refusal> {
    let arn = text(request.input, "InstanceArn");
    let owner = world.instance(arn).map(|instance| instance.owner.as_str());
    let sees_only = matches!(request.operation, "ListInstances" | "DescribeInstance");
    if sees_only || owner.is_none_or(|owner| owner == caller.account) {
        return Ok(());
    }
    let delegated = world.delegated_administrators.contains(&caller.account);
    let on_management_account = owner == Some(text(request.input, "TargetId"));
    if delegated && !on_management_account {
        return Ok(());
    }
    Err(denied(caller, &format!("sso:{}", request.operation)))
}

/// The active organization instance that `InstanceArn` names, in the Region of the call.
fn instance<'a>(world: &'a World, request: &Request) -> Result<&'a Instance, Refusal> {
    let arn = text(request.input, "InstanceArn");
    world
        .instance(arn)
        .filter(|instance| instance.region == request.region && instance.active_at <= request.now)
        .ok_or_else(|| not_found(format!("The instance {arn} was not found.")))
}

/// [`instance`], refusing one that has no permission sets.
fn instance_with_permission_sets<'a>(world: &'a World, request: &Request) -> Result<&'a Instance, Refusal> {
    let instance = instance(world, request)?;
    let of_organization = world
        .organization
        .as_ref()
        .is_some_and(|organization| organization.management_account == instance.owner);
    if !of_organization {
        return Err(Refusal::new(
            "ValidationException",
            "The operation is not supported for an account instance of IAM Identity Center.",
        ));
    }
    if !instance.permission_sets_enabled {
        return Err(Refusal::new(
            "ValidationException",
            "Permission sets are not enabled for this instance.",
        ));
    }
    Ok(instance)
}
