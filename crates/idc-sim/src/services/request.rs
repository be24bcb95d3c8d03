//! The request type of the services, and helpers that they share.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::protocol::error::ServiceError;
use crate::recorded::Words;
use crate::state::Identity;

/// A parsed API request.
pub struct Request<'a> {
    /// botocore's name of the service.
    pub service: &'a str,
    /// The name of the operation.
    pub operation: &'a str,
    /// Region in the signature, or `-` for an unsigned request.
    pub region: &'a str,
    /// Access key ID in the signature, or an empty string for an unsigned request.
    pub access_key_id: &'a str,
    /// The public key in the request's `DPoP` proof, if it has one.
    pub proof: Option<&'a Value>,
    /// The input members.
    pub input: &'a Value,
    /// The current time, by the server's clock.
    pub now: Timestamp,
}

/// Returns an HTTP 501 error that names the operation. An operation that the simulation does not implement always
/// fails.
pub fn not_simulated(service: &str, operation: &str) -> ServiceError {
    ServiceError::new(
        "NotImplemented",
        format!("The simulation does not implement {service}:{operation}."),
    )
    .with_status(501)
}

/// Returns an `AccessDeniedException` with the message of IAM, which names the resource.
pub fn denied(identity: &Identity, action: &str, resource: &str) -> ServiceError {
    Words::Denied.error(&[("caller", &identity.arn), ("action", action), ("resource", resource)])
}

/// Returns a timestamp in the form of the JSON protocols: seconds since the Unix epoch, as a floating-point number.
pub fn epoch(at: Timestamp) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit a double for 280,000 years"
    )]
    let seconds = at.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}

/// Returns a string member, or an empty string if the member is absent. Validation has already rejected a request that
/// lacks a required member.
pub fn text<'a>(input: &'a Value, member: &str) -> &'a str {
    input[member].as_str().unwrap_or_default()
}

/// Returns a `ResourceNotFoundException`.
pub fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}

/// Returns the keys and values of tags in the API's form.
pub fn tags_of(tags: &Value) -> Vec<(String, String)> {
    let rows = tags.as_array().into_iter().flatten();
    rows.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
        .collect()
}
