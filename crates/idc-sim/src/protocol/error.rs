//! How a simulated service says no: a code, a message and the fields its model adds.

use serde_json::{Map, Value, json};

/// A modelled error, before it is written in its protocol's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceError {
    /// The error's name in the service model, such as `ConflictException`.
    pub code: String,
    /// The words of the service.
    pub message: String,
    /// HTTP status; JSON services answer 400 for nearly everything, so clients go by `code`.
    pub status: u16,
    /// Further members of the error's shape (`Reason`, `RetryAfterSeconds`, …).
    pub extra: Map<String, Value>,
}

impl ServiceError {
    /// An error with HTTP status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            status: 400,
            extra: Map::new(),
        }
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same error with one more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(member.to_owned(), value.into());
        self
    }

    /// `ValidationException` in the words of the services' common front.
    pub fn validation(complaints: &[String]) -> Self {
        let errors = if complaints.len() == 1 {
            "1 validation error".to_owned()
        } else {
            format!("{} validation errors", complaints.len())
        };
        Self::new(
            "ValidationException",
            format!("{errors} detected: {}", complaints.join("; ")),
        )
    }

    /// The body of a JSON 1.0 or 1.1 error.
    pub fn json_body(&self) -> Value {
        let mut body = self.extra.clone();
        body.insert("__type".to_owned(), json!(self.code));
        body.insert("Message".to_owned(), json!(self.message));
        Value::Object(body)
    }
}

/// What a service's operation answers.
pub type Answer = Result<Value, ServiceError>;
