//! The rate of requests to IAM Identity Center. All its APIs together allow 20 requests a second for an account
//! ("Additional quotas" in the IAM Identity Center User Guide).
//!
//! The limit applies from the first request, except to a service on this machine, which may have no limit: there, from the
//! first request that it refuses because of the rate, or if the user has set a rate. Each refused request takes the turns of
//! two more, so that several programs share the rate.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::time::Instant;

use crate::limits::{IDENTITY_CENTER_BURST, IDENTITY_CENTER_RATE};

/// A rate limit that several clients share. A short burst is sent at once; after it, requests are spread evenly.
#[derive(Debug, Clone)]
pub struct RateLimit {
    bucket: Arc<Mutex<Bucket>>,
    applies: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

/// Requests, counted since the program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestCounts {
    /// All requests, with retries.
    pub sent: u64,
    /// The requests that were refused because of the rate.
    pub refused: u64,
}

/// The rate, and the requests that may be sent at once.
#[derive(Debug)]
struct Bucket {
    per_second: u32,
    /// Negative: the requests that wait for their turn.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// The most requests that are sent at once before the rate applies.
    fn burst(&self) -> f64 {
        f64::from(IDENTITY_CENTER_BURST.min(self.per_second))
    }
}

impl RateLimit {
    /// A rate limit that applies at once, or from the first refused request.
    pub fn new(applies: bool) -> Self {
        let bucket = Bucket {
            per_second: IDENTITY_CENTER_RATE,
            tokens: f64::from(IDENTITY_CENTER_BURST),
            at: Instant::now(),
        };
        Self {
            bucket: Arc::new(Mutex::new(bucket)),
            applies: Arc::new(AtomicBool::new(applies)),
            sent: Arc::default(),
            refused: Arc::default(),
        }
    }

    /// Allows this many requests per second, from now on.
    pub fn set(&self, per_second: u32) {
        let mut bucket = self.bucket();
        bucket.per_second = per_second;
        bucket.tokens = bucket.tokens.min(bucket.burst());
        self.applies.store(true, Ordering::Relaxed);
    }

    /// The requests per second that are allowed once the limit applies.
    pub fn per_second(&self) -> u32 {
        self.bucket().per_second
    }

    /// The requests so far.
    pub fn counts(&self) -> RequestCounts {
        RequestCounts {
            sent: self.sent.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// A client that sends each request when its turn comes.
    pub fn client(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Limited {
            inner,
            limit: self.clone(),
        })
    }

    /// Waits for the turn of one request.
    async fn turn(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if !self.applies.load(Ordering::Relaxed) {
            return;
        }
        let pause = self.take(1.0);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// The service refused a request because of the rate.
    fn was_exceeded(&self) {
        self.applies.store(true, Ordering::Relaxed);
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.take(2.0);
    }

    /// Reserves the next turns, and returns how long it takes until then.
    fn take(&self, turns: f64) -> Duration {
        let mut bucket = self.bucket();
        let rate = f64::from(bucket.per_second);
        let now = Instant::now();
        let refilled = bucket.tokens + now.duration_since(bucket.at).as_secs_f64() * rate;
        bucket.at = now;
        bucket.tokens = refilled.min(bucket.burst()) - turns;
        Duration::from_secs_f64((-bucket.tokens / rate).max(0.0))
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notices the requests that the service refuses because of the rate.
#[dyn_dispatch_hint]
impl Intercept for RateLimit {
    fn name(&self) -> &'static str {
        "RateLimit"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let body = response.body().bytes().unwrap_or_default();
        if !response.status().is_success() && is_rate_exceeded(body) {
            self.was_exceeded();
        }
        Ok(())
    }
}

/// Whether an error response says that the rate was exceeded. The same code is used while too many asynchronous operations
/// are in progress, with another message ("Throttling" in the messages of `sso-admin`).
fn is_rate_exceeded(body: &[u8]) -> bool {
    let contains = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
    contains("ThrottlingException") && !contains(TOO_MANY_OPERATIONS)
}

/// A part of the message when too many asynchronous operations are in progress.
pub const TOO_MANY_OPERATIONS: &str = "too many requests processing";

#[derive(Debug)]
struct Limited<T> {
    inner: T,
    limit: RateLimit,
}

impl HttpClient for Limited<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Limited {
            inner: self.inner.http_connector(settings, components),
            limit: self.limit.clone(),
        })
    }
}

impl HttpConnector for Limited<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, limit) = (self.inner.clone(), self.limit.clone());
        HttpConnectorFuture::new(async move {
            limit.turn().await;
            inner.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_requests_are_spread_over_time() {
        let limit = RateLimit::new(true);
        let start = Instant::now();
        for _ in 0..IDENTITY_CENTER_BURST {
            limit.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..IDENTITY_CENTER_RATE * 2 {
            limit.turn().await;
        }
        let elapsed = start.elapsed().as_secs_f64();
        assert!((1.9..2.1).contains(&elapsed), "{elapsed}");
        // Clients that share the limit wait for each other.
        let others = futures_util::future::join_all((0..IDENTITY_CENTER_RATE).map(|_| limit.turn()));
        others.await;
        let elapsed = start.elapsed().as_secs_f64();
        assert!((2.9..3.1).contains(&elapsed), "{elapsed}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_on_this_machine_is_limited_from_its_first_refusal() {
        let limit = RateLimit::new(false);
        let start = Instant::now();
        for _ in 0..IDENTITY_CENTER_RATE * 2 {
            limit.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        limit.was_exceeded();
        for _ in 0..IDENTITY_CENTER_RATE * 2 {
            limit.turn().await;
        }
        assert!(start.elapsed() > Duration::from_secs(1), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_of_the_user_applies_at_once() {
        let limit = RateLimit::new(false);
        limit.set(5);
        let start = Instant::now();
        for _ in 0..25 {
            limit.turn().await;
        }
        let elapsed = start.elapsed().as_secs_f64();
        assert!((3.9..4.1).contains(&elapsed), "{elapsed}");
    }

    #[test]
    fn too_many_operations_in_progress_do_not_mean_that_the_rate_was_exceeded() {
        let body = |message: &str| format!(r#"{{"__type":"ThrottlingException","message":"{message}"}}"#);
        assert!(is_rate_exceeded(body("Rate exceeded").as_bytes()));
        let other = body("There are too many requests processing. Please try again later.");
        assert!(!is_rate_exceeded(other.as_bytes()));
        assert!(!is_rate_exceeded(br#"{"__type":"ConflictException"}"#));
    }
}
