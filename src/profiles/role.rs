//! The roles that the access portal offers: an account with a permission set.

use std::cell::Cell;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use secrecy::SecretString;

use crate::aws::{AwsError, Clients};
use crate::ids::{AccountId, RegionName};
use crate::limits::PORTAL_READS_AT_ONCE;
use crate::sso;

/// An account with a permission set that the signed-in user has in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role {
    /// The account.
    pub account: AccountId,
    /// The name of the permission set, which the AWS CLI calls the role name.
    pub permission_set: String,
    /// The account name; empty if there is none.
    pub account_name: String,
    /// The email address of the account; empty if it is not known.
    pub email: String,
}

/// What roles are sorted by: the account name in any case, the account, and the permission set.
pub fn role_order(account_name: &str, account: &str, permission_set: &str) -> (String, String, String) {
    (
        account_name.to_lowercase(),
        account.to_owned(),
        permission_set.to_owned(),
    )
}

/// Lists all accounts and permission sets that the portal offers, by account name and permission set. `progress` gets the number
/// of accounts that were read, and the number of all accounts.
///
/// # Errors
/// If the portal refuses the token or cannot be reached.
pub async fn offered(
    clients: &Clients,
    region: &RegionName,
    token: &SecretString,
    progress: &dyn Fn(usize, usize),
) -> Result<Vec<Role>, AwsError> {
    let accounts = sso::accounts(clients, region, token).await?;
    let (count, read) = (accounts.len(), Cell::new(0));
    let read = &read;
    let lists = accounts.into_iter().map(|account| async move {
        let names = match sso::roles_of(clients, region, token, &account.id).await {
            // The last access to the account was removed after the accounts were listed.
            Err(aws_error) if aws_error.is("ForbiddenException") => Vec::new(),
            names => names?,
        };
        read.set(read.get() + 1);
        progress(read.get(), count);
        let roles = names.into_iter().map(|permission_set| Role {
            account: account.id.clone(),
            permission_set,
            account_name: account.name.clone(),
            email: account.email.clone(),
        });
        Ok::<_, AwsError>(roles.collect::<Vec<_>>())
    });
    let lists: Vec<Vec<Role>> = stream::iter(lists)
        .buffer_unordered(PORTAL_READS_AT_ONCE)
        .try_collect()
        .await?;
    let mut roles = lists.concat();
    roles.sort();
    roles.dedup();
    roles.sort_by_cached_key(|role| role_order(&role.account_name, &role.account, &role.permission_set));
    Ok(roles)
}
