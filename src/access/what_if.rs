//! What would be desired if something were different, for plans that are only looked at.

use super::desired::Desired;
use super::file::PrincipalName;
use super::nearest::nearest;
use super::selector::{NO_SUCH_ID, SelectorError, UnitReference};
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
    let suggestion = match similar {
        Some(known) => format!("The nearest ID is {known}."),
        None => NO_SUCH_ID.to_owned(),
    };
    Err(SelectorError::new(
        format!("The account {account} is not in the organization."),
        suggestion,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{MANAGEMENT, SHOP, assignment, file, group, id, organization, resolved};
    use super::*;

    #[test]
    fn without_a_user_nothing_of_the_user_is_desired() {
        let mut file = file();
        file.groups.push(group(6, "all", &["ada", "ben"]));
        file.assignments = vec![assignment(10, &["user:ada", "user:ben", "group:platform"], &[SHOP])];
        let mut desired = resolved(&file, &organization()).unwrap();
        assert!(!without_user(&mut desired, "nobody"));
        assert!(without_user(&mut desired, "ada"));
        assert!(!desired.users.contains_key("ada") && desired.users.contains_key("ben"));
        let members: Vec<Vec<&str>> = desired
            .groups
            .values()
            .map(|group| group.members.keys().map(String::as_str).collect())
            .collect();
        assert_eq!(members, [vec!["ben"], vec![]]);
        let names: Vec<String> = desired
            .assignments
            .keys()
            .map(|name| name.principal.to_string())
            .collect();
        assert_eq!(names, ["user:ben", "group:platform"]);
        assert!(!without_user(&mut desired, "ada"));
    }

    #[test]
    fn only_an_existing_account_moves_into_an_existing_unit() {
        let mut accounts = organization();
        let error = move_account(&mut accounts, &id(SHOP), "Workloads/Dve").unwrap_err();
        assert_eq!(error.suggestion, "The nearest path is Workloads/Dev.");
        let error = move_account(&mut accounts, &id("100000000001"), "Sandbox").unwrap_err();
        let suggestion = format!("The nearest ID is {MANAGEMENT}.");
        assert_eq!(error.suggestion, suggestion);
        assert_eq!(accounts, organization());
    }
}
