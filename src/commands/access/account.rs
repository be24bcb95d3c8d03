//! Accounts, as the user names them.

use crate::ids::AccountId;
use crate::next_step::SetupCommand;
use crate::resources::inventory::Accounts;
use crate::user_error::UserError;

/// The account with this ID or name.
///
/// # Errors
/// If there is none, or several have the name.
pub fn account_named(accounts: &Accounts, text: &str) -> Result<AccountId, UserError> {
    let accounts = &accounts.all;
    if let Ok(id) = text.parse::<AccountId>()
        && accounts.contains_key(&id)
    {
        return Ok(id);
    }
    let named: Vec<&AccountId> = accounts
        .values()
        .filter(|account| account.name == text)
        .map(|account| &account.id)
        .collect();
    match named[..] {
        [id] => Ok(id.clone()),
        [] => Err(UserError::usage(
            format!("The organization has no account {text:?}."),
            SetupCommand::again().to("give the ID of an account, or its exact name"),
        )),
        _ => {
            let ids: Vec<&str> = named.iter().map(|id| &***id).collect();
            Err(UserError::usage(
                format!("Several accounts have the name {text:?}: {}.", ids.join(", ")),
                SetupCommand::again().to("give the ID"),
            ))
        }
    }
}
