//! What went wrong, in the shape every error has: what happened, in which step, why as AWS put it, and what
//! to type next.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::next_step::NextSteps;
use crate::progress::ProgressError;

/// An error that a person can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// Decides the exit code.
    pub kind: UserErrorKind,
    /// What happened: one sentence.
    pub message: String,
    /// AWS's own words, when AWS said something.
    pub aws: Option<AwsWords>,
    /// The ways to go on.
    pub next: NextSteps,
    /// Seen before anything is changed, it keeps the run from changing anything.
    pub stops_all: bool,
}

impl UserErrorKind {
    /// Whether the person wants to be gone: that is no failure of anything.
    pub fn is_the_persons_wish(self) -> bool {
        matches!(self, Self::Interrupted | Self::Left)
    }
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserErrorKind {
    /// It failed.
    Failed,
    /// The command line, a variable or a file says something that cannot be.
    Usage,
    /// Answers are missing and nobody can be asked.
    MissingAnswers,
    /// There are no credentials, or they do not work.
    NoCredentials,
    /// The caller may not do it.
    NotAllowed,
    /// Another run holds the lock.
    Locked,
    /// Ctrl-C.
    Interrupted,
    /// The person chose to leave at a question.
    Left,
    /// The look could not tell; nothing was changed.
    Unknown,
}

/// An AWS error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AwsWords {
    /// `service:Operation`.
    pub operation: String,
    /// The error code, when the service gave one.
    pub code: Option<String>,
    /// The message, as AWS put it.
    pub message: String,
}

impl UserError {
    /// Trouble that AWS said nothing about.
    pub fn new(kind: UserErrorKind, message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self {
            kind,
            message: message.into(),
            aws: None,
            next: next.into(),
            stops_all: false,
        }
    }

    /// The same, and nothing is to be changed while it stands.
    #[must_use]
    pub fn before_anything(self) -> Self {
        Self {
            stops_all: true,
            ..self
        }
    }

    /// It failed.
    pub fn failed(message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self::new(UserErrorKind::Failed, message, next)
    }

    /// What was typed or written cannot be.
    pub fn usage(message: impl Into<String>, next: impl Into<NextSteps>) -> Self {
        Self::new(UserErrorKind::Usage, message, next)
    }

    /// The person chose to leave at a question.
    pub fn left() -> Self {
        Self::new(UserErrorKind::Left, "You left; progress is kept.", "idc-setup run")
    }

    /// Ctrl-C.
    pub fn interrupted() -> Self {
        Self::new(UserErrorKind::Interrupted, "Interrupted.", "idc-setup run")
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
        let message = format!("{}.", capitalised(&error.to_string()));
        match error {
            ProgressError::Locked(_) => Self::new(
                UserErrorKind::Locked,
                message,
                "wait for it to end, then: idc-setup run",
            ),
            ProgressError::Unreadable { kept: Some(_), .. } => Self::failed(
                message,
                "mend the kept file and move it back, so that undo knows what was made; or begin anew, with all that is there found: \
                 idc-setup run",
            ),
            ProgressError::Unreadable { .. } => Self::failed(message, "idc-setup run (keeps the file aside)"),
            ProgressError::Closed { .. } => Self::failed(
                message,
                "make it readable for you (was it written by root?); or with another file: idc-setup run --state FILE",
            ),
            ProgressError::Newer { .. } => Self::failed(
                message,
                "install the newer idc-setup; or with another file: idc-setup run --state FILE",
            ),
            ProgressError::OtherAccount { .. } => Self::usage(
                message,
                "idc-setup run --state FILE, with a file of this account; or --profile NAME, with credentials of the file's",
            ),
            ProgressError::Io { .. } => Self::failed(
                message,
                "make room or rights there; or with another file: idc-setup run --state FILE",
            ),
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
