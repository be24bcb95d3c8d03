//! The administration API of IAM Identity Center (`sso-admin`).

mod access;
mod applications;
mod assignments;
mod instances;
mod permission_sets;
mod policies;
mod tags;

use crate::protocol::error::ServiceResult;
use crate::services::request::Request;
use crate::state::{Cloud, Identity};

pub use access::resource;

/// Handles an operation of `sso-admin`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    access::require_administrator(cloud, caller, request)?;
    match request.operation {
        "ListInstances" => instances::list(cloud, request),
        "DescribeInstance" => instances::describe(cloud, caller, request),
        "CreateInstance" => instances::create(cloud, caller, request),
        "UpdateInstance" => instances::update(cloud, request),
        "DeleteInstance" => instances::delete(cloud, caller, request),
        "ListRegions" => instances::list_regions(cloud, request),
        "ListTagsForResource" => tags::list(cloud, request),
        "TagResource" => tags::tag(cloud, request),
        "UntagResource" => tags::untag(cloud, request),
        "CreatePermissionSet" => permission_sets::create(cloud, request),
        "DescribePermissionSet" => permission_sets::describe(cloud, request),
        "ListPermissionSets" => permission_sets::list(cloud, request),
        "UpdatePermissionSet" => permission_sets::update(cloud, request),
        "DeletePermissionSet" => permission_sets::delete(cloud, request),
        "AttachManagedPolicyToPermissionSet" => permission_sets::attach(cloud, request),
        "DetachManagedPolicyFromPermissionSet" => permission_sets::detach(cloud, request),
        "ListManagedPoliciesInPermissionSet" => permission_sets::list_policies(cloud, request),
        "PutInlinePolicyToPermissionSet" => policies::put_inline(cloud, request),
        "GetInlinePolicyForPermissionSet" => policies::get_inline(cloud, request),
        "DeleteInlinePolicyFromPermissionSet" => policies::delete_inline(cloud, request),
        "AttachCustomerManagedPolicyReferenceToPermissionSet" => policies::attach_customer(cloud, request),
        "DetachCustomerManagedPolicyReferenceFromPermissionSet" => policies::detach_customer(cloud, request),
        "ListCustomerManagedPolicyReferencesInPermissionSet" => policies::list_customer(cloud, request),
        "PutPermissionsBoundaryToPermissionSet" => policies::put_boundary(cloud, request),
        "GetPermissionsBoundaryForPermissionSet" => policies::get_boundary(cloud, request),
        "DeletePermissionsBoundaryFromPermissionSet" => policies::delete_boundary(cloud, request),
        "ListApplicationAssignmentsForPrincipal" => applications::list_for_principal(cloud, request),
        _ => assignments::handle(cloud, caller, request),
    }
}
