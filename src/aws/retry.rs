//! Limits and retries of calls, and what the SDK's retries do not know by themselves.
//!
//! Reads are retried by the SDK, three attempts. Creates are not: after an unanswered attempt nobody can tell
//! whether the thing was made, so the steps repeat them and look in between.

use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_types::retry::{ErrorKind, RetryConfig};
use aws_smithy_types::timeout::TimeoutConfig;

use crate::limits::{CALL_LIMIT, CONNECT_LIMIT, LONGEST_RETRY_AFTER, READ_ATTEMPTS, READ_BACKOFF, READ_LIMIT};

/// The SDK's retries for reads.
pub fn reads() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(READ_ATTEMPTS)
        .with_initial_backoff(READ_BACKOFF)
}

/// Limits for every call.
pub fn limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .operation_attempt_timeout(CALL_LIMIT)
        .operation_timeout(READ_LIMIT)
        .build()
}

/// Does not retry what is not AWS (an HTML page with status 500), and keeps to `RetryAfterSeconds` in a body,
/// which the SDK leaves to us.
#[derive(Debug, Clone, Copy)]
pub struct ByContent;

impl ClassifyRetry for ByContent {
    fn name(&self) -> &'static str {
        "ByContent"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else {
            return RetryAction::NoActionIndicated;
        };
        if response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            return RetryAction::RetryForbidden;
        }
        // A read whose answer was cut short on the way is read again.
        if response.status().is_success() && matches!(context.output_or_error(), Some(Err(_))) {
            return RetryAction::transient_error();
        }
        match response.body().bytes().and_then(retry_after) {
            Some(wait) if !response.status().is_success() => {
                RetryAction::retryable_error_with_explicit_delay(ErrorKind::ThrottlingError, wait)
            }
            _ => RetryAction::NoActionIndicated,
        }
    }
}

/// `RetryAfterSeconds` of an error's JSON body, cut at [`LONGEST_RETRY_AFTER`].
pub fn retry_after(body: &[u8]) -> Option<Duration> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let seconds = body.get("RetryAfterSeconds")?.as_u64()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}
