//! The server's clock, from the `Date` headers of responses.
//!
//! Intents are stamped with it, so that the `CreatedAt` of a resource can be compared with the time of our request,
//! even if the clock of this machine is wrong.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::{SignedDuration, Timestamp};

use crate::limits::LARGEST_SKEW;

/// The clock of this machine, corrected by the `Date` headers of the services.
#[derive(Debug, Clone, Default)]
pub struct ServerClock {
    ahead: Arc<Mutex<Option<SignedDuration>>>,
}

impl ServerClock {
    /// The current time of the server, or of this machine before the first response.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        self.ahead()
            .map_or(now, |ahead| now.saturating_add(ahead).unwrap_or(now))
    }

    /// How far the server is ahead of this machine; negative if it is behind.
    pub fn ahead(&self) -> Option<SignedDuration> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, date: &str) {
        if let Ok(server) = jiff::fmt::rfc2822::parse(date) {
            let ahead = server.timestamp().duration_since(Timestamp::now());
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }
}

/// A message if the clock of this machine is wrong by so much that AWS rejects signatures; `None` otherwise. `ahead` is
/// how far the server is ahead.
pub fn skew_message(ahead: SignedDuration) -> Option<String> {
    let off = ahead.abs();
    (off.unsigned_abs() >= LARGEST_SKEW).then(|| {
        let side = if ahead.is_negative() { "ahead of" } else { "behind" };
        format!(
            "this machine's clock is {:#} {side} AWS's",
            SignedDuration::from_secs(off.as_secs())
        )
    })
}

#[dyn_dispatch_hint]
impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        if let Some(date) = headers.get("date") {
            self.update(date);
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A web page instead of a response, as captive portals and proxies return it: an operation with an empty output
        // would take it for success.
        let body = context.response().body().bytes().unwrap_or_default();
        if context.output_or_error().is_ok() && is_page(body) {
            return Err("the response is a web page, not a response of this service".into());
        }
        Ok(())
    }
}

/// Whether a body is an HTML page.
fn is_page(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let begins = |words: &[u8]| {
        start
            .get(..words.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(words))
    };
    begins(b"<html") || begins(b"<!doctype html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_reported_if_it_is_five_minutes_off() {
        let message = |seconds: i64| skew_message(SignedDuration::from_secs(seconds));
        for seconds in [0, 299, -299] {
            assert_eq!(message(seconds), None);
        }
        assert!(message(300).unwrap().contains("behind AWS's"));
        assert!(message(-300).unwrap().contains("ahead of AWS's"));
    }
}
