//! The server's clock, as far as its `Date` headers tell.
//!
//! Intents are stamped with it, so that `CreatedAt` of a thing can be compared with the time we asked for it,
//! however wrong this machine's clock is.

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

/// This machine's clock, corrected by what the services' `Date` headers say.
#[derive(Debug, Clone, Default)]
pub struct ServerClock {
    ahead: Arc<Mutex<Option<SignedDuration>>>,
}

impl ServerClock {
    /// The server's time now; this machine's before any answer came.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        self.ahead()
            .map_or(now, |ahead| now.saturating_add(ahead).unwrap_or(now))
    }

    /// How far the server is ahead of this machine; negative when it is behind.
    pub fn ahead(&self) -> Option<SignedDuration> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, date: &str) {
        if let Ok(server) = jiff::fmt::rfc2822::parse(date) {
            let ahead = server.timestamp().duration_since(Timestamp::now());
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }
}

/// That this machine's clock is too far off, in words; `None` while signatures are good. `ahead`: how far the server is
/// ahead.
pub fn skew_words(ahead: SignedDuration) -> Option<String> {
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
            self.learn(date);
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A page in the place of an answer, as hotels and proxies give it: an operation that answers nothing would take
        // it for a success.
        let body = context.response().body().bytes().unwrap_or_default();
        if context.output_or_error().is_ok() && is_page(body) {
            return Err("a page answered that is not an answer of this service".into());
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
