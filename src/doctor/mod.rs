//! Checks of credentials, account, permissions, and the tools of this machine. Each check has one row: its status, one
//! sentence, and what to do next.

mod account;
mod credentials;
mod machine;
mod permissions;
pub mod policy;

use std::path::Path;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::environment::Environment;
use crate::next_step::NextSteps;
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::StepReport;
use crate::wizard::steps::{EnableIdentityCenter, WizardContext};

pub use credentials::Held;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name of the check, such as `clock`.
    pub check: &'static str,
    /// The result in one word.
    pub status: CheckStatus,
    /// The result in one sentence.
    pub message: String,
    /// What to do next, if there is something to do.
    pub next: NextSteps,
}

/// The result of a check in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// Worth knowing, but it stops nothing.
    Note,
    /// The user has to do something first.
    ToDo,
    /// It could not be checked.
    Unknown,
    /// There are no valid credentials, or they lack permissions that are needed.
    Denied,
}

impl CheckStatus {
    /// The word for screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::ToDo => "to do",
            Self::Unknown => "unknown",
            Self::Denied => "denied",
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

    /// A check that failed, and why.
    fn from_error(check: &'static str, error: &UserError) -> Self {
        let status = match error.kind {
            UserErrorKind::NoCredentials | UserErrorKind::NotAllowed => CheckStatus::Denied,
            UserErrorKind::Usage | UserErrorKind::MissingAnswers | UserErrorKind::Environment => CheckStatus::ToDo,
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

/// The checks that need no credentials, after a row that says why there are none.
pub async fn without_credentials(environment: &Environment, state: Option<&Path>, error: &UserError) -> Vec<Row> {
    let mut rows = vec![Row::from_error("credentials", error)];
    rows.extend(machine::tools(environment).await);
    rows.extend(machine::files(environment, state));
    rows
}

/// Checks the credentials, the clock, and the account, with the same calls as the first check of step 1.
pub async fn caller_and_account(context: &WizardContext, held: &Held, first: &EnableIdentityCenter) -> Vec<Row> {
    let mut rows = vec![credentials::row(context, held)];
    rows.extend(machine::clock(context));
    rows.extend(account::rows(context, first).await);
    rows
}

/// Whether users come from an identity provider, if that can be known.
pub async fn identity_source(context: &WizardContext) -> Option<Row> {
    account::identity_source(context).await
}

/// Whether the caller has the permissions that these steps still need.
pub async fn permissions(context: &Rc<WizardContext>, reports: &[StepReport]) -> Row {
    permissions::row(context, &permissions::still_needed(reports)).await
}

/// Whether the caller has all permissions that the wanted steps can need; `is_wanted` takes the slug of a step. Makes no call
/// for the root user, who has all permissions.
pub async fn all_permissions(context: &WizardContext, is_wanted: impl Fn(&str) -> bool, with_trail: bool) -> Row {
    permissions::row(context, &permissions::all(is_wanted, with_trail)).await
}

/// Checks the tools of this machine.
pub async fn tools(environment: &Environment) -> Vec<Row> {
    machine::tools(environment).await
}

/// Checks the user's files that the wizard reads and writes. `state` is `--state`.
pub fn files(environment: &Environment, state: Option<&Path>) -> Vec<Row> {
    machine::files(environment, state)
}
