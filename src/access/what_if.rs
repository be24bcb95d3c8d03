//! What would be desired if something were different, for plans that are only looked at.

use super::desired::Desired;
use super::file::PrincipalName;
use super::nearest::nearest;
use super::selector::{SelectorError, UnitReference};
use super::units;
use crate::ids::AccountId;
use crate::resources::inventory::Accounts;

/// Takes a user out of what is desired, as if no line of the file named the user. Returns whether a line does.
///
/// A user who is no longer desired is not deleted, but loses the access that the file gave.
pub fn without_user(desired: &mut Desired, user: &str) -> bool {
    let mut is_named = desired.users.remove(user).is_some();
    for group in desired.groups.values_mut() {
        is_named |= group.members.remove(user).is_some();
    }
    let principal = PrincipalName::User(user.to_owned());
    let before = desired.assignments.len();
    desired.assignments.retain(|name, _| name.principal != principal);
    is_named || desired.assignments.len() < before
}

/// Moves an account into an organizational unit, given by its path (`Workloads/Prod`) or its ID.
///
/// # Errors
/// When the account or the unit does not exist. The units must have been read: see
/// [`AccountNeeds::add_unit`](super::resolve::AccountNeeds::add_unit).
pub fn move_account(accounts: &mut Accounts, account: &AccountId, unit: &str) -> Result<(), SelectorError> {
    let unit = units::find(accounts, &UnitReference::parse(unit)?)?.to_owned();
    let path = units::path_to(accounts, &unit);
    if let Some(moved) = accounts.all.get_mut(account) {
        moved.path = path;
        return Ok(());
    }
    let similar = nearest(account, accounts.all.keys().map(|known| &**known));
    Err(SelectorError {
        message: format!("The account {account} is not in the organization."),
        suggestion: similar.map(|known| format!("The nearest ID is {known}.")),
    })
}
