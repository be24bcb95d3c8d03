//! Errors of the simulated services.

use serde_json::{Map, Value};

use super::constraint::Violation;

/// An error that a service returns. The protocol determines how it is serialized.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceError {
    /// The name of the error in the service model, such as `ConflictException`.
    pub code: String,
    /// The error message. It is the message of the real service where that is known.
    pub message: String,
    /// The HTTP status. JSON services return 400 for nearly every error, so clients distinguish errors by `code`.
    pub status: u16,
    /// Additional members of the error (`Reason`, `RetryAfterSeconds`, …).
    pub extra: Map<String, Value>,
}

impl ServiceError {
    /// Creates an error with HTTP status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            status: 400,
            extra: Map::new(),
        }
    }

    /// Sets the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(member.to_owned(), value.into());
        self
    }

    /// Creates a `ValidationException` with the message of AWS, which describes the violated constraints.
    pub fn validation(violations: &[Violation]) -> Self {
        let descriptions: Vec<&str> = violations
            .iter()
            .map(|violation| violation.description.as_str())
            .collect();
        let errors = if violations.len() == 1 {
            "1 validation error".to_owned()
        } else {
            format!("{} validation errors", violations.len())
        };
        Self::new(
            "ValidationException",
            format!("{errors} detected: {}", descriptions.join("; ")),
        )
    }
}

/// The output of an operation, or the error that it returns.
pub type ServiceResult = Result<Value, ServiceError>;
