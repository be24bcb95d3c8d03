//! Accounts, as the user names them.

use crate::access::nearest::nearest;
use crate::ids::AccountId;
use crate::next_step::SetupCommand;
use crate::resources::inventory::Accounts;
use crate::user_error::UserError;

/// The account with this ID or name. `again` is the command with another account; with `None`, the user fills it in.
///
/// # Errors
/// If there is none, or several have the name.
pub fn account_named(
    accounts: &Accounts,
    text: &str,
    again: &dyn Fn(Option<&str>) -> SetupCommand,
) -> Result<AccountId, UserError> {
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
        [] => {
            let known = accounts.values();
            let known = known.flat_map(|account| [&*account.id, account.name.as_str()]);
            let similar = nearest(text, known.filter(|known| !known.is_empty()));
            let similar_text = similar.map_or_else(String::new, |similar| format!(" A similar one is {similar}."));
            Err(UserError::usage(
                format!("The organization has no account {text:?}.{similar_text}"),
                match similar {
                    Some(_) => again(similar).to("use this one"),
                    None => again(None).to("give the ID of an account, or its exact name"),
                },
            ))
        }
        _ => {
            let ids: Vec<&str> = named.iter().map(|id| &***id).collect();
            Err(UserError::usage(
                format!("Several accounts have the name {text:?}: {}.", ids.join(", ")),
                again(None).to("give the ID"),
            ))
        }
    }
}
