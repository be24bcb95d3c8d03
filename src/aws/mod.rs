//! Everything about AWS that is independent of the checklist: clients, errors, waiting, Regions, URLs.

mod call_log;
pub mod clients;
pub mod clock;
pub mod connect;
pub mod console;
mod credential_process;
pub mod error;
mod http;
mod page_limit;
mod permission;
pub mod portal_address;
pub mod rate_limit;
pub mod read_retries;
pub mod record;
pub mod regions;
pub mod sdk_settings;
mod truncation;
pub mod waiting;

pub use clients::Clients;
pub use error::{AwsError, AwsErrorKind};
pub use permission::Permission;
pub use rate_limit::TOO_MANY_OPERATIONS;
pub use regions::Partition;

/// Converts a timestamp of the AWS SDK.
pub fn timestamp(at: Option<aws_smithy_types::DateTime>) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(at?.to_millis().ok()?).ok()
}

/// `None` if AWS answered that the resource was not found.
///
/// # Errors
/// Every other error of the call.
pub fn unless_gone<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}
