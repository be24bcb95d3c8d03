//! Errors for the user: what happened, in which step, what AWS said, and what to do next.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::ProgressError;
use crate::text::capitalized;

/// An error that the user can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// The kind, which determines the exit code.
    pub kind: UserErrorKind,
    /// What happened, in one sentence.
    pub message: String,
    /// The error that AWS returned, if any.
    pub aws: Option<ServiceMessage>,
    /// What to do next; alternatives, not a sequence.
    pub next: NextSteps,
    /// If the error occurs before the first change, the run changes nothing.
    pub stops_all: bool,
}

impl UserErrorKind {
    /// Whether the user quit or interrupted the run, so that nothing failed.
    pub fn is_user_exit(self) -> bool {
        matches!(self, Self::Interrupted | Self::Left)
    }
}

/// The kind of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserErrorKind {
    /// An operation failed.
    Failed,
    /// The command line, a variable or a file is invalid.
    Usage,
    /// Answers are missing, and no one can be asked.
    MissingAnswers,
    /// A variable, a file or an endpoint of the environment can\'t be used.
    Environment,
    /// There are no credentials, or they are not valid.
    NoCredentials,
    /// The caller does not have permission.
    NotAllowed,
    /// Another run holds the lock.
    Locked,
    /// The user pressed Ctrl-C.
    Interrupted,
    /// The user quit at a prompt.
    Left,
    /// The state could not be determined; nothing was changed.
    Unknown,
}

impl UserErrorKind {
    /// Whether credentials or permissions are missing.
    pub fn is_denied(self) -> bool {
        matches!(self, Self::NoCredentials | Self::NotAllowed)
    }

    /// Whether something failed that may succeed later.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }
}

/// An error that AWS returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServiceMessage {
    /// `service:Operation`.
    pub operation: String,
    /// The error code, if the service returned one.
    pub code: Option<String>,
    /// The message, unchanged.
    pub message: String,
}

impl UserError {
    /// An error without a response from AWS.
    pub fn new(kind: UserErrorKind, message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self {
            kind,
            message: message.into(),
            aws: None,
            next: next.into(),
            stops_all: false,
        }
    }

    /// Whether nothing else can succeed either: the credentials are not valid.
    pub fn ends_run(&self) -> bool {
        self.kind == UserErrorKind::NoCredentials
    }

    /// The same error, with [`stops_all`](Self::stops_all) set.
    #[must_use]
    pub fn stopping_all(self) -> Self {
        Self {
            stops_all: true,
            ..self
        }
    }

    /// An operation failed.
    pub fn failed(message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self::new(UserErrorKind::Failed, message, next)
    }

    /// The command line, a variable or a file is invalid.
    pub fn usage(message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self::new(UserErrorKind::Usage, message, next)
    }

    /// A variable, a file or an endpoint of the environment can't be used.
    pub fn environment(message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self::new(UserErrorKind::Environment, message, next)
    }

    /// The user quit at a prompt.
    pub fn left() -> Self {
        Self::new(
            UserErrorKind::Left,
            "You quit. Progress is saved.",
            SetupCommand::again(),
        )
    }

    /// The user pressed Ctrl-C.
    pub fn interrupted() -> Self {
        Self::new(UserErrorKind::Interrupted, "Interrupted.", SetupCommand::again())
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UserError {}

impl From<ProgressError> for UserError {
    fn from(error: ProgressError) -> Self {
        let message = format!("{}.", capitalized(&error.to_string()));
        let another_file = |purpose: &str| SetupCommand::again().placeholder("--state", "FILE").to(purpose);
        match error {
            ProgressError::Locked(_) => Self::new(
                UserErrorKind::Locked,
                message,
                SetupCommand::again().after("wait until it ends"),
            ),
            ProgressError::Unreadable { kept: Some(_), .. } => Self::failed(
                message,
                [
                    NextStep::note("fix that file and move it back, so that undo knows what was created"),
                    SetupCommand::again().to("start over, with everything that exists recorded as existing"),
                ],
            ),
            ProgressError::Unreadable { .. } => {
                Self::failed(message, SetupCommand::again().to("move the file aside and start over"))
            }
            ProgressError::Closed { .. } => Self::failed(
                message,
                [
                    SetupCommand::again().after("make the file readable for your user (was it written by root?)"),
                    another_file("use another file"),
                ],
            ),
            ProgressError::Newer { .. } => Self::failed(
                message,
                [
                    NextStep::note("install a newer version of idc-setup"),
                    another_file("use another file"),
                ],
            ),
            ProgressError::OtherAccount { .. } => Self::environment(
                message,
                [
                    another_file("use a state file of this account"),
                    SetupCommand::again()
                        .placeholder("--profile", "NAME")
                        .to("use credentials of the account in the file"),
                ],
            ),
            ProgressError::Io { .. } => Self::failed(
                message,
                [
                    SetupCommand::again().after("free disk space or fix the permissions there"),
                    another_file("use another file"),
                ],
            ),
        }
    }
}
