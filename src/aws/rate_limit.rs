//! The rate of requests to IAM Identity Center. All its APIs together allow 20 requests a second for an account
//! ("Additional quotas" in the IAM Identity Center User Guide).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::time::Instant;

use crate::limits::IDENTITY_CENTER_RATE;

/// A rate limit that several clients share. A short burst is sent at once; after it, requests are spread evenly.
#[derive(Debug, Clone)]
pub struct RateLimit {
    bucket: Arc<Mutex<Bucket>>,
}

/// The requests that may still be sent at once. Negative: the requests that wait for their turn.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Default for RateLimit {
    fn default() -> Self {
        let bucket = Bucket {
            tokens: f64::from(IDENTITY_CENTER_RATE),
            at: Instant::now(),
        };
        Self {
            bucket: Arc::new(Mutex::new(bucket)),
        }
    }
}

impl RateLimit {
    /// A client that sends each request when its turn comes.
    pub fn client(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Limited {
            inner,
            limit: self.clone(),
        })
    }

    /// Waits for the turn of one request.
    async fn turn(&self) {
        let pause = self.take();
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Reserves the next turn, and returns how long it takes until then.
    fn take(&self) -> Duration {
        let rate = f64::from(IDENTITY_CENTER_RATE);
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let refilled = bucket.tokens + now.duration_since(bucket.at).as_secs_f64() * rate;
        bucket.at = now;
        bucket.tokens = refilled.min(rate) - 1.0;
        Duration::from_secs_f64((-bucket.tokens / rate).max(0.0))
    }
}

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
        let limit = RateLimit::default();
        let start = Instant::now();
        for _ in 0..IDENTITY_CENTER_RATE {
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
}
