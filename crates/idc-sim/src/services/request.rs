//! A request as a service sees it, and what the services share to answer one.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::protocol::error::ServiceError;
use crate::state::Identity;

/// A request, parsed and told apart, as a service sees it.
pub struct Request<'a> {
    /// botocore's name of the service.
    pub service: &'a str,
    /// The operation's name.
    pub operation: &'a str,
    /// Region of the signature; `-` for unsigned requests.
    pub region: &'a str,
    /// Access key id of the signature; empty for unsigned requests.
    pub access_key_id: &'a str,
    /// The key that the request proves to hold, where it does.
    pub proof: Option<&'a Value>,
    /// The members.
    pub input: &'a Value,
    /// The server's clock.
    pub now: Timestamp,
}

/// HTTP 501 with the operation's name: an operation the rehearsal does not have is never a silent success.
pub fn not_simulated(service: &str, operation: &str) -> ServiceError {
    ServiceError::new(
        "NotImplemented",
        format!("The rehearsal does not simulate {service}:{operation}."),
    )
    .with_status(501)
}

/// `AccessDeniedException` in IAM's words.
pub fn denied(identity: &Identity, action: &str) -> ServiceError {
    ServiceError::new(
        "AccessDeniedException",
        format!(
            "User: {} is not authorized to perform: {action} because no identity-based policy allows the {action} action",
            identity.arn
        ),
    )
}

/// Seconds since 1970 as JSON 1.1 writes times.
pub fn epoch(at: Timestamp) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit a double for 280,000 years"
    )]
    let seconds = at.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}

/// A required text member; validation has run, so an absent one is an empty string.
pub fn text<'a>(input: &'a Value, member: &str) -> &'a str {
    input[member].as_str().unwrap_or_default()
}

/// `ResourceNotFoundException`.
pub fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}
