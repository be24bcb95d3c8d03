//! The errors of AWS Organizations for invalid input. Each has a reason.

use crate::protocol::constraint::Constraint;
use crate::protocol::error::ServiceError;

/// Returns the error for an input that is invalid for a reason.
pub fn invalid_input(reason: &str, message: &str) -> ServiceError {
    ServiceError::new("InvalidInputException", message).with("Reason", reason)
}

/// Returns the error for an input that violates a constraint of the model. `None` for a value of another type, which
/// the service cannot read.
pub fn violated(constraint: Constraint) -> Option<ServiceError> {
    let (reason, message) = match constraint {
        Constraint::Required => (
            "INPUT_REQUIRED",
            "You must include a value for all required parameters.",
        ),
        Constraint::MinLength => (
            "MIN_LENGTH_EXCEEDED",
            "You provided a string parameter that is shorter than allowed.",
        ),
        Constraint::MaxLength => (
            "MAX_LENGTH_EXCEEDED",
            "You provided a string parameter that is longer than allowed.",
        ),
        Constraint::MinValue => (
            "MIN_VALUE_EXCEEDED",
            "You provided a numeric parameter that has a smaller value than allowed.",
        ),
        Constraint::MaxValue => (
            "MAX_VALUE_EXCEEDED",
            "You provided a numeric parameter that has a larger value than allowed.",
        ),
        Constraint::Pattern => (
            "INVALID_PATTERN",
            "You provided a value that does not match the required pattern.",
        ),
        Constraint::Enumeration => ("INVALID_ENUM", "You specified an invalid value."),
        Constraint::Type => return None,
    };
    Some(invalid_input(reason, message))
}

/// Returns the error for a pagination token that was not returned by the list.
///
/// The documentation calls the reason `INVALID_PAGINATION_TOKEN`, but the model has this one.
pub fn invalid_token() -> ServiceError {
    invalid_input(
        "INVALID_NEXT_TOKEN",
        "Get the value for the NextToken parameter from the response to a previous call of the operation.",
    )
}

/// The principals of services that do not end as all others do ("AWS services that you can use with AWS
/// Organizations").
const OTHER_PRINCIPALS: [&str; 1] = ["notifications.amazon.com"];

/// Rejects a text that does not look like the principal of a service: `NAME.amazonaws.com`. The simulation does not
/// know which services exist.
pub fn require_service_principal(principal: &str) -> Result<(), ServiceError> {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_label = |label: &str| !label.is_empty() && label.chars().all(is_letter);
    let global = principal.strip_suffix(".cn").unwrap_or(principal);
    let name = global.strip_suffix(".amazonaws.com");
    if name.is_some_and(|name| name.split('.').all(is_label)) || OTHER_PRINCIPALS.contains(&principal) {
        return Ok(());
    }
    Err(invalid_input(
        "UNRECOGNIZED_SERVICE_PRINCIPAL",
        "You specified an unrecognized service principal.",
    ))
}
