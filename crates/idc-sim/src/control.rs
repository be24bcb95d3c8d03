//! The server's own HTTP interface, for test runners: whether it is ready, its state, and a reset between tests.

use hyper::Method;
use serde_json::{Value, json};

/// A request to the server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// `GET /_sim/health`: whether it answers, and its version.
    Health,
    /// `GET /_sim/state`: the whole state of the simulated account, as JSON.
    State,
    /// `POST /_sim/reset`, or `POST /moto-api/reset` for test suites that were written for moto: back to the scenario, without
    /// faults.
    Reset,
}

impl Control {
    /// Returns the request to the server itself that a method and a path stand for.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::GET, "/_sim/health") => Some(Self::Health),
            (&Method::GET, "/_sim/state") => Some(Self::State),
            (&Method::POST, "/_sim/reset" | "/moto-api/reset") => Some(Self::Reset),
            _ => None,
        }
    }
}

/// The answer to a health check. `calls` counts the API calls so far.
pub fn health(calls: u64) -> Value {
    json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "calls": calls})
}
