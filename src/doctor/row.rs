//! The result of a check.

use schemars::JsonSchema;
use serde::Serialize;

use crate::next_step::NextSteps;
use crate::user_error::{UserError, UserErrorKind};

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
    pub(super) fn new(check: &'static str, status: CheckStatus, message: impl Into<String>) -> Self {
        Self {
            check,
            status,
            message: message.into(),
            next: NextSteps::default(),
        }
    }

    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Ok, message)
    }

    pub(super) fn note(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, CheckStatus::Note, message)
    }

    pub(super) fn to_do(check: &'static str, message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self::new(check, CheckStatus::ToDo, message).or(next)
    }

    /// A check that failed, and why.
    pub(super) fn from_error(check: &'static str, error: &UserError) -> Self {
        let status = match error.kind {
            UserErrorKind::NoCredentials | UserErrorKind::NotAllowed => CheckStatus::Denied,
            UserErrorKind::Usage | UserErrorKind::MissingAnswers | UserErrorKind::Environment => CheckStatus::ToDo,
            _ => CheckStatus::Unknown,
        };
        Self::new(check, status, error.message.clone()).or(error.next.clone())
    }

    pub(super) fn or(self, next: impl Into<NextSteps>) -> Self {
        Self {
            next: next.into(),
            ..self
        }
    }
}
