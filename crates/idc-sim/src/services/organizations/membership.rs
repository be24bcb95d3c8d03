//! Accounts that are closed or leave the organization, the end of the organization, and handshakes.

use serde_json::Value;

use super::lists::page;
use super::organization::{constraint_violation, find_account, require_administrator, require_management};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::request::{Request, text};
use crate::state::{Account, AccountRequest, Cloud};

/// Handles an operation on the membership of accounts. `None` if it is another one.
pub fn handle(cloud: &mut Cloud, request: &Request) -> Option<ServiceResult> {
    Some(match request.operation {
        "CloseAccount" => close(cloud, request),
        "RemoveAccountFromOrganization" => remove(cloud, request),
        "DeleteOrganization" => delete_organization(cloud, request),
        "ListHandshakesForAccount" | "ListHandshakesForOrganization" => list_handshakes(cloud, request),
        _ => return None,
    })
}

/// `CloseAccount`. A closed account stays in the organization, suspended.
fn close(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let id = find_account(cloud, text(request.input, "AccountId"))?.id.clone();
    if id == cloud.account.id {
        return Err(constraint_violation(
            "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
            "You attempted to close the management account.",
        ));
    }
    let account = cloud.accounts.iter_mut().find(|account| account.id == id);
    match account {
        Some(account) if !account.is_suspended => {
            account.is_suspended = true;
            Ok(Value::Null)
        }
        _ => Err(ServiceError::new(
            "AccountAlreadyClosedException",
            "The provided account is already closed.",
        )),
    }
}

/// `RemoveAccountFromOrganization`. What Identity Center has given access to in the account goes too.
fn remove(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let id = find_account(cloud, text(request.input, "AccountId"))?.id.clone();
    if id == cloud.account.id {
        return Err(ServiceError::new(
            "MasterCannotLeaveOrganizationException",
            "You can't remove a management account from an organization.",
        ));
    }
    let mut delegations = cloud.delegated_administrators.iter();
    if delegations.any(|delegation| delegation.account == id) {
        return Err(constraint_violation(
            "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
            "You attempted to remove an account that is registered as a delegated administrator for a service \
             integrated with your organization.",
        ));
    }
    cloud.accounts.retain(|account| account.id != id);
    cloud.assignments.retain(|assignment| assignment.account != id);
    cloud.roles.retain(|role| role.account != id);
    for creation in &mut cloud.account_requests {
        creation.has_left |= creation.account.as_ref().is_some_and(|account| account.id == id);
    }
    if let Some(organization) = &mut cloud.organization {
        organization.tags.remove(&id);
        organization.policies.forget_target(&id);
    }
    Ok(Value::Null)
}

/// `DeleteOrganization`. It must have no member accounts.
fn delete_organization(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let has_members = cloud.accounts.iter().any(|account| account.id != cloud.account.id);
    let is_creating = |creation: &AccountRequest| creation.account.is_some() && creation.due > request.now;
    if has_members || cloud.account_requests.iter().any(is_creating) {
        return Err(ServiceError::new(
            "OrganizationNotEmptyException",
            "The organization isn't empty. To delete an organization, you must first remove all accounts except the \
             management account.",
        ));
    }
    // The only account in it is the own one.
    if let Some(own) = cloud.accounts.pop() {
        cloud.account = Account {
            parent: String::new(),
            ..own
        };
    }
    cloud.organization = None;
    cloud.account_requests.clear();
    cloud.delegated_administrators.clear();
    Ok(Value::Null)
}

/// `ListHandshakesForAccount` and `ListHandshakesForOrganization`: none. The simulation has no invitations.
fn list_handshakes(cloud: &Cloud, request: &Request) -> ServiceResult {
    if request.operation == "ListHandshakesForOrganization" {
        require_administrator(cloud, request)?;
    }
    page(request.input, request.operation, "Handshakes", 20, Vec::new())
}
