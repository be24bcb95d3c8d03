//! Where do we stand? Credentials, account, rights, and the tools of this machine, each in one row: how it is, in one
//! sentence, and what to type next.

mod account;
mod credentials;
mod machine;
pub mod policy;
mod rights;

use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::checklist::{StepReport, Trouble, exit};
use crate::environment::Environment;
use crate::steps::{EnableIdentityCenter, Setting};

pub use credentials::Held;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    /// Its name, such as `clock`.
    pub check: &'static str,
    /// How it is.
    pub status: Status,
    /// In one sentence.
    pub message: String,
    /// What to type or do, where something is to be done.
    pub next: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is stopped by it.
    Note,
    /// A person has something to do first.
    ToDo,
    /// It could not be found out.
    Unknown,
    /// There are no credentials that work, or they are not allowed to do what is needed.
    Denied,
}

impl Status {
    /// The word on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::ToDo => "to-do",
            Self::Unknown => "unknown",
            Self::Denied => "denied",
        }
    }

    /// The exit code that goes with it.
    fn exit(self) -> u8 {
        match self {
            Self::Ok | Self::Note => 0,
            Self::ToDo | Self::Unknown => 3,
            Self::Denied => 4,
        }
    }
}

impl Row {
    fn new(check: &'static str, status: Status, message: impl Into<String>) -> Self {
        Self {
            check,
            status,
            message: message.into(),
            next: None,
        }
    }

    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, message)
    }

    fn note(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Status::Note, message)
    }

    fn to_do(check: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(check, Status::ToDo, message).or(next)
    }

    /// What could not be looked at, and why.
    fn of_trouble(check: &'static str, trouble: &Trouble) -> Self {
        let status = match trouble.kind.exit() {
            4 => Status::Denied,
            2 => Status::ToDo,
            _ => Status::Unknown,
        };
        Self::new(check, status, trouble.message.clone()).or(trouble.next.clone())
    }

    fn or(self, next: impl Into<String>) -> Self {
        Self {
            next: Some(next.into()),
            ..self
        }
    }
}

/// The exit code that follows from all rows: 0, 3 or 4.
pub fn exit_of(rows: &[Row]) -> u8 {
    exit(rows.iter().map(|row| row.status.exit()))
}

/// What can be said where nobody is known to AWS: why, and how this machine is.
pub async fn without_credentials(environment: &Environment, trouble: &Trouble) -> Vec<Row> {
    let mut rows = vec![Row::of_trouble("credentials", trouble)];
    rows.extend(machine::tools(environment).await);
    rows.extend(machine::files(environment));
    rows
}

/// Whose credentials these are, and what kind of account they are in; asks AWS what step 1's first look asks.
pub async fn standing(setting: &Setting, held: &Held, first: &EnableIdentityCenter) -> Vec<Row> {
    let mut rows = vec![credentials::row(setting, held)];
    rows.extend(machine::clock(setting));
    rows.extend(account::rows(setting, first).await);
    rows
}

/// Whether users come from elsewhere, as far as the users tell.
pub async fn identity_source(setting: &Setting) -> Option<Row> {
    account::identity_source(setting).await
}

/// Whether the caller may do what these steps still need.
pub async fn rights(setting: &Rc<Setting>, reports: &[StepReport]) -> Row {
    rights::row(setting, &rights::still_needed(reports)).await
}

/// Whether the caller may do all that the steps may need which are wanted, by slug. Nothing is asked of AWS for root,
/// which may do everything.
pub async fn all_rights(setting: &Setting, is_wanted: impl Fn(&str) -> bool, with_trail: bool) -> Row {
    rights::row(setting, &rights::all(is_wanted, with_trail)).await
}

/// The tools of this machine.
pub async fn tools(environment: &Environment) -> Vec<Row> {
    machine::tools(environment).await
}

/// The files of this person that are read and written.
pub fn files(environment: &Environment) -> Vec<Row> {
    machine::files(environment)
}
