//! The accounts and permission sets that the access portal lists for the signed-in user, and the errors of the portal.

use std::error::Error;

use secrecy::{ExposeSecret, SecretString};

use crate::aws::{AwsError, Clients};
use crate::ids::{AccountId, RegionName};

/// Items on a page of the portal's lists, which is the most that the API returns.
const PAGE_SIZE: i32 = 100;

/// An account that the portal lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalAccount {
    /// The account ID.
    pub id: AccountId,
    /// The account name; empty if there is none.
    pub name: String,
    /// The email address of the account; empty if the portal does not return it.
    pub email: String,
}

/// The accounts that the portal lists for the signed-in user.
///
/// # Errors
/// If the portal refuses the token or cannot be reached.
pub async fn accounts(
    clients: &Clients,
    region: &RegionName,
    token: &SecretString,
) -> Result<Vec<PortalAccount>, AwsError> {
    const OPERATION: &str = "sso:ListAccounts";
    let mut pages = clients
        .sso(region)
        .list_accounts()
        .access_token(token.expose_secret())
        .into_paginator()
        .page_size(PAGE_SIZE)
        .items()
        .send();
    let mut accounts = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| AwsError::of(OPERATION, error))?;
        let id = item.account_id().and_then(|id| id.parse().ok());
        accounts.push(PortalAccount {
            id: id.ok_or_else(|| AwsError::unreadable(OPERATION))?,
            name: item.account_name().unwrap_or_default().to_owned(),
            email: item.email_address().unwrap_or_default().to_owned(),
        });
    }
    Ok(accounts)
}

/// Whether the portal lists the account.
///
/// # Errors
/// If the portal refuses the token or cannot be reached.
pub async fn lists_account(
    clients: &Clients,
    region: &RegionName,
    token: &SecretString,
    account: &str,
) -> Result<bool, AwsError> {
    let mut pages = clients
        .sso(region)
        .list_accounts()
        .access_token(token.expose_secret())
        .into_paginator()
        .items()
        .send();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| AwsError::of("sso:ListAccounts", error))?;
        if item.account_id() == Some(account) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The names of the permission sets that the portal offers in an account.
///
/// # Errors
/// As for [`lists_account`]; `ForbiddenException` if there are none.
pub async fn roles_of(
    clients: &Clients,
    region: &RegionName,
    token: &SecretString,
    account: &str,
) -> Result<Vec<String>, AwsError> {
    let mut pages = clients
        .sso(region)
        .list_account_roles()
        .access_token(token.expose_secret())
        .account_id(account)
        .into_paginator()
        .page_size(PAGE_SIZE)
        .items()
        .send();
    let mut names = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| AwsError::of("sso:ListAccountRoles", error))?;
        names.extend(item.role_name().map(str::to_owned));
    }
    Ok(names)
}

/// The error of the portal or of sso-oidc, anywhere in a chain of errors.
pub fn service_error(error: &(dyn Error + 'static)) -> Option<AwsError> {
    use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
    use aws_sdk_ssooidc::operation::create_token::CreateTokenError;
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| {
        let portal = error.downcast_ref::<GetRoleCredentialsError>();
        let portal = portal.and_then(|error| AwsError::from_wrapped("sso:GetRoleCredentials", error));
        portal.or_else(|| {
            let oidc = error.downcast_ref::<CreateTokenError>()?;
            AwsError::from_wrapped("sso-oidc:CreateToken", oidc)
        })
    })
}
