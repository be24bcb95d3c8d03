//! What `access plan` assumes: that somebody left, that an account was moved, that it is another day.

use jiff::civil::Date;

use super::account::account_named;
use super::source::Failure;
use crate::access::desired::Desired;
use crate::access::nearest::nearest;
use crate::access::resolve::AccountNeeds;
use crate::access::selector::{SelectorError, UnitReference};
use crate::access::what_if;
use crate::cli::AccessPlanFlags;
use crate::next_step::SetupCommand;
use crate::resources::inventory::{Accounts, Inventory};
use crate::user_error::UserError;

/// What is assumed.
#[derive(Debug, Clone, Default)]
pub struct Assumptions {
    /// The users who left.
    without: Vec<String>,
    /// The accounts that were moved, and their organizational units.
    moves: Vec<Move>,
    /// The day.
    pub today: Option<Date>,
}

/// An account, as the user names it, and the organizational unit that it is moved to.
#[derive(Debug, Clone)]
struct Move {
    account: String,
    unit: String,
}

/// The error for a value of `--move`.
fn not_a_move(error: SelectorError) -> UserError {
    let SelectorError { message, suggestion } = error;
    UserError::usage(
        format!("--move: {message} {suggestion}"),
        SetupCommand::again().placeholder("--move", "ACCOUNT=OU"),
    )
}

impl Assumptions {
    /// Reads the flags.
    ///
    /// # Errors
    /// If a value is not valid.
    pub fn of(flags: &AccessPlanFlags) -> Result<Self, UserError> {
        let moves = flags.moves.iter().map(|text| {
            let parts = text.split_once('=');
            let parts = parts.filter(|(account, unit)| !account.is_empty() && !unit.is_empty());
            let (account, unit) = parts.ok_or_else(|| {
                UserError::usage(
                    format!("--move: {text:?} is not an account and an organizational unit."),
                    SetupCommand::again().placeholder("--move", "ACCOUNT=OU"),
                )
            })?;
            Ok::<Move, UserError>(Move {
                account: account.to_owned(),
                unit: unit.to_owned(),
            })
        });
        let today = flags.as_of.as_ref().map(|text| {
            text.parse::<Date>().map_err(|_| {
                UserError::usage(
                    format!("--as-of: {text:?} is not a date such as 2027-01-31."),
                    SetupCommand::again().placeholder("--as-of", "DATE"),
                )
            })
        });
        Ok(Self {
            without: flags.without_user.clone(),
            moves: moves.collect::<Result<_, UserError>>()?,
            today: today.transpose()?,
        })
    }

    /// The assumptions as sentences.
    pub fn sentences(&self) -> Vec<String> {
        let without = self.without.iter().map(|user| format!("If the user {user} left."));
        let moves = self.moves.iter();
        let moves = moves.map(|one| format!("If the account {} were in {}.", one.account, one.unit));
        let today = self.today.iter().map(|day| format!("If it were {day}."));
        without.chain(moves).chain(today).collect()
    }

    /// Adds what has to be read of the organization.
    ///
    /// # Errors
    /// If a text names no organizational unit.
    pub fn add_needs(&self, needs: &mut AccountNeeds) -> Result<(), UserError> {
        for one in &self.moves {
            needs.add_unit(&UnitReference::parse(&one.unit).map_err(not_a_move)?);
        }
        Ok(())
    }

    /// Moves the accounts.
    ///
    /// # Errors
    /// If an account or an organizational unit does not exist.
    pub fn move_accounts(&self, accounts: &mut Accounts) -> Result<(), Failure> {
        for one in &self.moves {
            let account = account_named(accounts, &one.account, &|name| match name {
                Some(name) => SetupCommand::again().value("--move", format!("{name}={}", one.unit)),
                None => SetupCommand::again().placeholder("--move", "ACCOUNT=OU"),
            })?;
            what_if::move_account(accounts, &account, &one.unit).map_err(not_a_move)?;
        }
        Ok(())
    }

    /// Removes the users who left.
    ///
    /// # Errors
    /// If the file does not mention one of them, and no such user exists.
    pub fn remove_users(&self, desired: &mut Desired, inventory: &Inventory) -> Result<(), Failure> {
        for user in &self.without {
            if !what_if::without_user(desired, user) && inventory.user_named(user).is_none() {
                let known = inventory.users.values().map(|user| user.name.as_str());
                let similar = nearest(user, desired.users.keys().map(String::as_str).chain(known));
                let similar_text = similar.map_or_else(String::new, |similar| format!(" A similar name is {similar}."));
                let again = SetupCommand::again();
                let error = UserError::usage(
                    format!(
                        "--without-user: the access file does not mention the user {user:?}, and no such user \
                         exists.{similar_text}"
                    ),
                    match similar {
                        Some(similar) => again.value("--without-user", similar),
                        None => again.placeholder("--without-user", "USER"),
                    },
                );
                return Err(error.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assumptions_are_read_from_flags_and_said_in_words() {
        let flags = AccessPlanFlags {
            without_user: vec!["ada".to_owned()],
            moves: vec!["111122223333=Workloads/Prod".to_owned()],
            as_of: Some("2027-01-31".to_owned()),
            ..AccessPlanFlags::default()
        };
        let assumptions = Assumptions::of(&flags).unwrap();
        assert_eq!(
            assumptions.sentences(),
            [
                "If the user ada left.",
                "If the account 111122223333 were in Workloads/Prod.",
                "If it were 2027-01-31."
            ]
        );
        let mut needs = AccountNeeds::default();
        assumptions.add_needs(&mut needs).unwrap();
        assert!(
            needs
                .unit_paths
                .contains(&vec!["Workloads".to_owned(), "Prod".to_owned()])
        );
    }

    #[test]
    fn invalid_assumptions_are_refused() {
        let of = |moves: &str, as_of: &str| {
            let flags = AccessPlanFlags {
                moves: vec![moves.to_owned()],
                as_of: Some(as_of.to_owned()),
                ..AccessPlanFlags::default()
            };
            Assumptions::of(&flags).unwrap_err().message
        };
        assert_eq!(
            of("111122223333", "2027-01-31"),
            "--move: \"111122223333\" is not an account and an organizational unit."
        );
        assert_eq!(
            of("a=b", "tomorrow"),
            "--as-of: \"tomorrow\" is not a date such as 2027-01-31."
        );
    }
}
