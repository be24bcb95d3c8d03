//! The server's own HTTP interface, for test runners: whether it is ready, its state and calls, faults, and a reset between
//! tests.

use hyper::Method;
use serde_json::{Value, json};

/// The requests, for the error of another one.
pub const KNOWN: &str = "The server itself has GET /_sim/health, GET /_sim/state, GET /_sim/calls, POST /_sim/faults, DELETE \
                         /_sim/faults and POST /_sim/reset.";

/// A request to the server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// `GET /_sim/health`: whether it answers, and its version.
    Health,
    /// `GET /_sim/state`: the whole state of the simulated account, as JSON.
    State,
    /// `GET /_sim/calls`: the calls since the start or the last reset, if they are kept.
    Calls,
    /// `POST /_sim/faults`: injects the faults of a faults file, which is the body.
    AddFaults,
    /// `DELETE /_sim/faults`: removes all faults.
    RemoveFaults,
    /// `POST /_sim/reset`, or `POST /moto-api/reset` for test suites that were written for moto: back to the start.
    Reset,
    /// Another request below `/_sim/`.
    Unknown,
}

impl Control {
    /// Returns the request to the server itself that a method and a path stand for.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::GET, "/_sim/health") => Some(Self::Health),
            (&Method::GET, "/_sim/state") => Some(Self::State),
            (&Method::GET, "/_sim/calls") => Some(Self::Calls),
            (&Method::POST, "/_sim/faults") => Some(Self::AddFaults),
            (&Method::DELETE, "/_sim/faults") => Some(Self::RemoveFaults),
            (&Method::POST, "/_sim/reset" | "/moto-api/reset") => Some(Self::Reset),
            (_, path) if path.starts_with("/_sim/") => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// The answer to a health check. `calls` counts the API calls since the start.
pub fn health(calls: u64) -> Value {
    json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "calls": calls})
}

/// The answer to a request that changed something.
pub fn done() -> Value {
    json!({"status": "ok"})
}

/// The answer to a request that is not valid.
pub fn refused(why: &str) -> Value {
    json!({"error": why})
}
