//! Timeouts and retries of calls, and a classifier for cases that the SDK's retries do not cover.
//!
//! The SDK retries reads, with three attempts. It does not retry creates: after an attempt without a response, it is
//! not known whether the resource was created, so [`crate::reconcile`]'s `retries` retries them and checks in between.

use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_types::retry::{ErrorKind, RetryConfig};
use aws_smithy_types::timeout::TimeoutConfig;

use crate::limits::{CALL_LIMIT, CONNECT_LIMIT, LONGEST_RETRY_AFTER, READ_ATTEMPTS, READ_BACKOFF, READ_LIMIT};

/// The SDK's retry configuration for reads.
pub fn reads() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(READ_ATTEMPTS)
        .with_initial_backoff(READ_BACKOFF)
}

/// The timeouts of every call.
pub fn limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .operation_attempt_timeout(CALL_LIMIT)
        .operation_timeout(READ_LIMIT)
        .build()
}

/// Does not retry responses that are not from AWS (an HTML page with status 500), and honors `RetryAfterSeconds` in a
/// response body, which the SDK does not.
#[derive(Debug, Clone, Copy)]
pub struct RetryByResponse;

impl ClassifyRetry for RetryByResponse {
    fn name(&self) -> &'static str {
        "RetryByResponse"
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
        // A read whose response was truncated in transit is retried.
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

/// `RetryAfterSeconds` from the JSON body of an error, at most [`LONGEST_RETRY_AFTER`].
pub fn retry_after(body: &[u8]) -> Option<Duration> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let seconds = body.get("RetryAfterSeconds")?.as_u64()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}
