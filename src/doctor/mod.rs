//! Where do we stand? Credentials, account, rights, and the tools of this machine, each in one row: how it is, in one
//! sentence, and what to type next.

mod account;
mod credentials;
mod machine;
mod permissions;
pub mod policy;

use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::checklist::{ExitCode, StepReport, UserError};
use crate::environment::Environment;
use crate::next_step::NextSteps;
use crate::steps::{Context, EnableIdentityCenter};

pub use credentials::Held;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name, such as `clock`.
    pub check: &'static str,
    /// How it is.
    pub status: CheckStatus,
    /// In one sentence.
    pub message: String,
    /// What to type or do, where something is to be done.
    pub next: NextSteps,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
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

impl CheckStatus {
    /// The word on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::ToDo => "to do",
            Self::Unknown => "unknown",
            Self::Denied => "denied",
        }
    }

    /// The exit code that goes with it.
    fn exit_code(self) -> ExitCode {
        match self {
            Self::Ok | Self::Note => ExitCode::Success,
            Self::ToDo | Self::Unknown => ExitCode::Incomplete,
            Self::Denied => ExitCode::Denied,
        }
    }
}

impl Row {
    fn new(check: &'static str, status: CheckStatus, message: impl Into<String>) -> Self {
        Self {
            check,
            status,
            message: message.into(),
            next: NextSteps::default(),
        }
    }

    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Ok, message)
    }

    fn note(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Note, message)
    }

    fn to_do(check: &'static str, message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self::new(check, CheckStatus::ToDo, message).or(next)
    }

    /// What could not be looked at, and why.
    fn of_trouble(check: &'static str, error: &UserError) -> Self {
        let status = match ExitCode::from(error.kind) {
            ExitCode::Denied => CheckStatus::Denied,
            ExitCode::Usage => CheckStatus::ToDo,
            _ => CheckStatus::Unknown,
        };
        Self::new(check, status, error.message.clone()).or(error.next.clone())
    }

    fn or(self, next: impl Into<NextSteps>) -> Self {
        Self {
            next: next.into(),
            ..self
        }
    }
}

/// The exit code that follows from all rows: 0, 3 or 4.
pub fn exit_code(rows: &[Row]) -> ExitCode {
    ExitCode::greatest(rows.iter().map(|row| row.status.exit_code()))
}

/// What can be said where nobody is known to AWS: why, and how this machine is.
pub async fn without_credentials(environment: &Environment, error: &UserError) -> Vec<Row> {
    let mut rows = vec![Row::of_trouble("credentials", error)];
    rows.extend(machine::tools(environment).await);
    rows.extend(machine::files(environment));
    rows
}

/// Whose credentials these are, and what kind of account they are in; asks AWS what step 1's first look asks.
pub async fn drift(context: &Context, held: &Held, first: &EnableIdentityCenter) -> Vec<Row> {
    let mut rows = vec![credentials::row(context, held)];
    rows.extend(machine::clock(context));
    rows.extend(account::rows(context, first).await);
    rows
}

/// Whether users come from elsewhere, as far as the users tell.
pub async fn identity_source(context: &Context) -> Option<Row> {
    account::identity_source(context).await
}

/// Whether the caller may do what these steps still need.
pub async fn permissions(context: &Rc<Context>, reports: &[StepReport]) -> Row {
    permissions::row(context, &permissions::still_needed(reports)).await
}

/// Whether the caller may do all that the steps may need which are wanted, by slug. Nothing is asked of AWS for root,
/// which may do everything.
pub async fn all_rights(context: &Context, is_wanted: impl Fn(&str) -> bool, with_trail: bool) -> Row {
    permissions::row(context, &permissions::all(is_wanted, with_trail)).await
}

/// The tools of this machine.
pub async fn tools(environment: &Environment) -> Vec<Row> {
    machine::tools(environment).await
}

/// The files of this person that are read and written.
pub fn files(environment: &Environment) -> Vec<Row> {
    machine::files(environment)
}
