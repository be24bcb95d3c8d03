//! The administration API of IAM Identity Center (`sso-admin`).

mod access;
mod application_assignments;
mod application_settings;
pub mod applications;
mod assignments;
mod attributes;
mod instances;
mod permission_sets;
mod policies;
mod regions;
mod tags;
mod token_issuers;

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
        "ListRegions" => regions::list(cloud, request),
        "DescribeRegion" => regions::describe(cloud, request),
        "AddRegion" => regions::add(cloud, request),
        "RemoveRegion" => regions::remove(cloud, request),
        "CreateInstanceAccessControlAttributeConfiguration" => attributes::create(cloud, request),
        "DescribeInstanceAccessControlAttributeConfiguration" => attributes::describe(cloud, request),
        "UpdateInstanceAccessControlAttributeConfiguration" => attributes::update(cloud, request),
        "DeleteInstanceAccessControlAttributeConfiguration" => attributes::delete(cloud, request),
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
        "CreateTrustedTokenIssuer" => token_issuers::create(cloud, request),
        "DescribeTrustedTokenIssuer" => token_issuers::describe(cloud, request),
        "ListTrustedTokenIssuers" => token_issuers::list(cloud, request),
        "UpdateTrustedTokenIssuer" => token_issuers::update(cloud, request),
        "DeleteTrustedTokenIssuer" => token_issuers::delete(cloud, request),
        "ListApplicationProviders" => applications::list_providers(cloud, request),
        "DescribeApplicationProvider" => applications::describe_provider(cloud, request),
        "CreateApplication" => applications::create(cloud, caller, request),
        "DescribeApplication" => applications::describe(cloud, request),
        "ListApplications" => applications::list(cloud, request),
        "UpdateApplication" => applications::update(cloud, request),
        "DeleteApplication" => applications::delete(cloud, request),
        "CreateApplicationAssignment" => application_assignments::create(cloud, request),
        "DescribeApplicationAssignment" => application_assignments::describe(cloud, request),
        "DeleteApplicationAssignment" => application_assignments::delete(cloud, request),
        "ListApplicationAssignments" => application_assignments::list(cloud, request),
        "ListApplicationAssignmentsForPrincipal" => application_assignments::list_for_principal(cloud, request),
        "GetApplicationAssignmentConfiguration" => application_settings::get_assignment(cloud, request),
        "PutApplicationAssignmentConfiguration" => application_settings::put_assignment(cloud, request),
        "GetApplicationSessionConfiguration" => application_settings::get_session(cloud, request),
        "PutApplicationSessionConfiguration" => application_settings::put_session(cloud, request),
        "GetApplicationGrant" => application_settings::get_grant(cloud, request),
        "PutApplicationGrant" => application_settings::put_grant(cloud, request),
        "DeleteApplicationGrant" => application_settings::delete_grant(cloud, request),
        "ListApplicationGrants" => application_settings::list_grants(cloud, request),
        "GetApplicationAccessScope" => application_settings::get_scope(cloud, request),
        "PutApplicationAccessScope" => application_settings::put_scope(cloud, request),
        "DeleteApplicationAccessScope" => application_settings::delete_scope(cloud, request),
        "ListApplicationAccessScopes" => application_settings::list_scopes(cloud, request),
        "GetApplicationAuthenticationMethod" => application_settings::get_method(cloud, request),
        "PutApplicationAuthenticationMethod" => application_settings::put_method(cloud, request),
        "DeleteApplicationAuthenticationMethod" => application_settings::delete_method(cloud, request),
        "ListApplicationAuthenticationMethods" => application_settings::list_methods(cloud, request),
        _ => assignments::handle(cloud, caller, request),
    }
}
