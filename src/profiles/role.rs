//! The roles that the access portal offers: an account with a permission set.

use std::cell::Cell;
use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use secrecy::SecretString;

use crate::aws::{AwsError, Clients};
use crate::ids::{AccountId, RegionName};
use crate::limits::PORTAL_READS_AT_ONCE;
use crate::sso::{self, PortalAccount};

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

/// A part of a role that a template or a filter names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleField {
    Account,
    AccountId,
    PermissionSet,
    Email,
}

impl RoleField {
    /// The fields and their names.
    pub const NAMED: [(&str, Self); 4] = [
        ("account", Self::Account),
        ("account_id", Self::AccountId),
        ("permission_set", Self::PermissionSet),
        ("email", Self::Email),
    ];

    /// The field with this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut fields = Self::NAMED.into_iter();
        fields.find(|(known, _)| *known == name).map(|(_, field)| field)
    }
}

/// What the portal offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offered {
    /// The roles, by account name and permission set.
    pub roles: Vec<Role>,
    /// The accounts that it lists, but whose roles it refuses to list.
    pub unreadable: Vec<PortalAccount>,
}

impl Offered {
    /// The IDs of the accounts whose roles are not known.
    pub fn unreadable_accounts(&self) -> BTreeSet<&str> {
        self.unreadable.iter().map(|account| &*account.id).collect()
    }

    /// The IDs of all accounts that the portal lists.
    pub fn accounts(&self) -> BTreeSet<&str> {
        let readable = self.roles.iter().map(|role| &*role.account);
        readable.chain(self.unreadable_accounts()).collect()
    }

    /// What to know about the accounts whose roles are not known, as a sentence.
    pub fn note(&self) -> Option<String> {
        let named = self.unreadable.iter().map(|account| match account.name.as_str() {
            "" => account.id.to_string(),
            name => format!("{name} ({})", account.id),
        });
        let named: Vec<String> = named.collect();
        (!named.is_empty()).then(|| {
            format!(
                "The access portal refused to list the roles of {}. Profiles for them stay as they are.",
                named.join(", ")
            )
        })
    }
}

/// What a request for the roles of an account returned.
enum Listed {
    Roles(Vec<Role>),
    Refused(PortalAccount),
}

/// What roles are sorted by: the account name in any case, the account, and the permission set.
pub fn role_order(account_name: &str, account: &str, permission_set: &str) -> (String, String, String) {
    (
        account_name.to_lowercase(),
        account.to_owned(),
        permission_set.to_owned(),
    )
}

/// Lists all accounts and permission sets that the portal offers. `progress` gets the number of accounts that were read, and the
/// number of all accounts. An account whose roles the portal refuses to list does not fail the others: it can be that the last
/// access to it was just removed, or that the refusal is temporary.
///
/// # Errors
/// If the portal refuses the token or cannot be reached.
pub async fn offered(
    clients: &Clients,
    region: &RegionName,
    token: &SecretString,
    progress: &dyn Fn(usize, usize),
) -> Result<Offered, AwsError> {
    let accounts = sso::accounts(clients, region, token).await?;
    let (count, read) = (accounts.len(), Cell::new(0));
    let read = &read;
    let lists = accounts.into_iter().map(|account| async move {
        let names = match sso::roles_of(clients, region, token, &account.id).await {
            Err(aws_error) if aws_error.is("ForbiddenException") => None,
            names => Some(names?),
        };
        read.set(read.get() + 1);
        progress(read.get(), count);
        let Some(names) = names else {
            return Ok(Listed::Refused(account));
        };
        let roles = names.into_iter().map(|permission_set| Role {
            account: account.id.clone(),
            permission_set,
            account_name: account.name.clone(),
            email: account.email.clone(),
        });
        Ok::<_, AwsError>(Listed::Roles(roles.collect()))
    });
    let lists: Vec<Listed> = stream::iter(lists)
        .buffer_unordered(PORTAL_READS_AT_ONCE)
        .try_collect()
        .await?;
    let (mut roles, mut unreadable) = (Vec::new(), Vec::new());
    for listed in lists {
        match listed {
            Listed::Roles(mut listed) => roles.append(&mut listed),
            Listed::Refused(account) => unreadable.push(account),
        }
    }
    unreadable.sort_by(|one, other| one.id.cmp(&other.id));
    roles.sort();
    roles.dedup();
    roles.sort_by_cached_key(|role| role_order(&role.account_name, &role.account, &role.permission_set));
    Ok(Offered { roles, unreadable })
}
