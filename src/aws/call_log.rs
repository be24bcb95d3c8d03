//! A span for each AWS call, with its service, operation and Region. In it, an event for each attempt and one for the
//! outcome, with the duration, the number of attempts, and the request ID that AWS Support asks for.
//!
//! Nothing of a request or an answer is logged but that: both can hold credentials and tokens.

use std::time::Instant;

use aws_config::Region;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use tracing::Span;
use tracing::field::Empty;

/// Logs every call of the client that it is registered with.
#[derive(Debug, Clone, Copy)]
pub struct CallLog;

/// The span of a call, and when it began.
#[derive(Debug)]
struct Call {
    began: Instant,
    span: Span,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

/// Whether an operation only reads, by its name.
fn is_read(operation: &str) -> bool {
    ["Get", "List", "Describe", "Head", "Is", "Simulate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

/// Whether a service answers that something does not exist, such as the permissions boundary of a permission set. Services
/// with JSON do not use the status for it.
fn is_not_found(context: &FinalizerInterceptorContextRef<'_>) -> bool {
    let error = context.output_or_error().and_then(Result::err);
    let error = error.and_then(|error| error.as_operation_error());
    // The type of the error depends on the operation, and all of them name the exception.
    error.is_some_and(|error| format!("{error:?}").contains("ResourceNotFoundException"))
}

/// The outcome of a call or of one attempt.
struct Line<'a> {
    attempts: u32,
    /// Without a response there is none, and no status.
    request_id: Option<&'a str>,
    status: Option<u16>,
    outcome: &'static str,
}

impl<'a> Line<'a> {
    fn of(context: &'a FinalizerInterceptorContextRef<'_>, config: &'a ConfigBag) -> Self {
        let response = context.response();
        let header = |name: &str| response.and_then(|response| response.headers().get(name));
        Self {
            attempts: config.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts),
            request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
            status: response.map(|response| response.status().as_u16()),
            outcome: match context.output_or_error() {
                Some(Ok(_)) => "ok",
                Some(Err(_)) => "error",
                None => "no answer",
            },
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for CallLog {
    fn name(&self) -> &'static str {
        "CallLog"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let region: Option<&str> = config.load::<Region>().map(AsRef::as_ref);
        let span = tracing::info_span!("call", service = Empty, operation = Empty, region);
        let began = Instant::now();
        config.interceptor_state().store_put(Call { began, span });
        Ok(())
    }

    /// The SDK adds the operation to the config only after [`read_before_execution`](Self::read_before_execution).
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(call), Some(metadata)) = (config.load::<Call>(), config.load::<Metadata>()) {
            call.span.record("service", metadata.service());
            call.span.record("operation", metadata.name());
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let line = Line::of(context, config);
        let span = config.load::<Call>().and_then(|call| call.span.id());
        tracing::debug!(
            parent: span,
            attempt = line.attempts,
            status = line.status,
            request_id = line.request_id,
            "attempt {}",
            line.outcome
        );
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let line = Line::of(context, config);
        let call = config.load::<Call>();
        let ms = call.map_or(0, |call| call.began.elapsed().as_millis());
        let ms = u64::try_from(ms).unwrap_or(u64::MAX);
        let span = call.and_then(|call| call.span.id());
        let operation = config.load::<Metadata>().map_or("?", Metadata::name);
        // A call that changes something, fails or is retried is worth knowing. The many reads are for a closer look, also
        // where what they look for does not exist.
        let is_expected = line.outcome == "ok" || line.status == Some(404) || is_not_found(context);
        if is_read(operation) && is_expected && line.attempts <= 1 {
            tracing::debug!(
                parent: span,
                ms,
                status = line.status,
                request_id = line.request_id,
                "call {}",
                line.outcome
            );
        } else {
            tracing::info!(
                parent: span,
                ms,
                attempts = line.attempts,
                status = line.status,
                request_id = line.request_id,
                "call {}",
                line.outcome
            );
        }
        Ok(())
    }
}
