//! Fault injection: which calls fail, and how.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Notify;

use crate::protocol::error::ServiceError;
use crate::protocol::models::SERVICES;
use crate::state::scenarios::{read_regular, toml_mistake};

/// A fault to inject.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The operation whose calls fail, or `None` for all operations.
    pub operation: Option<String>,
    /// Which of these calls fails, counted from 1, or `None` for all of them.
    pub nth: Option<u32>,
    /// How the call fails.
    pub kind: FaultKind,
}

/// How a call fails.
#[derive(Debug, Clone)]
pub enum FaultKind {
    /// The call takes longer.
    Delay(Duration),
    /// The service returns this error, and the call has no effect.
    Refuse(ServiceError),
    /// The client receives a response that is not from the service, as from a proxy. The call has no effect.
    Foreign {
        /// HTTP status.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// The body.
        body: String,
    },
    /// The connection is closed before the call takes effect.
    CutBefore,
    /// The call takes effect, and the connection is closed before the response is sent.
    CutAfter,
    /// The call takes effect, and the response has a status of success but only the first half of its body.
    HalfAfter,
    /// The connection is reset before the call takes effect.
    Reset,
    /// For this long, the server resets open connections and the operating system refuses new ones.
    Refused(Duration),
    /// The asynchronous operation that the call starts is accepted, and ends as `FAILED` with this reason.
    FailLater(String),
    /// The call waits before it takes effect, and goes on as usual when it is released.
    Hold(Hold),
    /// The call waits before it takes effect. When it is released, the connection is closed and the call has no effect.
    HoldBefore(Hold),
    /// The call takes effect and waits. When it is released, the connection is closed without a response.
    HoldAfter(Hold),
}

impl FaultKind {
    /// Returns the name of this kind in the call log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::Refuse(_) => "refuse",
            Self::Foreign { .. } => "foreign",
            Self::CutBefore => "cut-before",
            Self::CutAfter => "cut-after",
            Self::HalfAfter => "half-after",
            Self::Reset => "reset",
            Self::Refused(_) => "refused",
            Self::FailLater(_) => "fail-later",
            Self::Hold(_) => "hold",
            Self::HoldBefore(_) => "hold-before",
            Self::HoldAfter(_) => "hold-after",
        }
    }
}

/// A faults file, which is a list of `[[fault]]` tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultFile {
    #[serde(default)]
    fault: Vec<FaultEntry>,
}

/// A `[[fault]]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FaultEntry {
    operation: Option<String>,
    nth: Option<NonZeroU32>,
    kind: FaultName,
    #[serde(default, with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional")]
    delay: Option<Duration>,
    code: Option<String>,
    message: Option<String>,
    status: Option<u16>,
    retry_after_seconds: Option<u64>,
    body: Option<String>,
}

/// The value of `kind` in a `[[fault]]` table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FaultName {
    /// The call takes `delay` longer.
    Delay,
    /// The service returns `ThrottlingException`, with `retry-after-seconds` if given.
    Throttle,
    /// The service returns error `code` with `message` and HTTP `status`.
    Error,
    /// The response is HTTP `status` (500, 503, …) with `body`, and is not from the service.
    Status,
    /// The response has HTTP status 200 and a body that is not valid in any protocol.
    Malformed,
    /// The connection is closed before the call takes effect.
    CutBefore,
    /// The call takes effect, and the response is lost.
    CutAfter,
    /// The call takes effect, and the second half of the response is lost.
    HalfAfter,
    /// The connection is reset before the call takes effect.
    Reset,
    /// The server refuses connections for `delay`.
    Refused,
    /// An assignment or a provisioning is accepted, and ends as `FAILED` with `message` as the reason.
    FailLater,
}

impl FaultName {
    /// The keys that a fault of this kind can have, in addition to `operation` and `nth`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Delay | Self::Refused => &["delay"],
            Self::Throttle => &["retry-after-seconds"],
            Self::Error => &["code", "message", "status"],
            Self::Status => &["status", "body"],
            Self::Malformed => &["body"],
            Self::FailLater => &["message"],
            Self::CutBefore | Self::CutAfter | Self::HalfAfter | Self::Reset => &[],
        }
    }
}

impl FaultEntry {
    /// Rejects what would have no effect.
    fn check(&self) -> Result<(), String> {
        if let Some(unknown) = self.operation.as_deref().filter(|operation| !is_operation(operation)) {
            let hint = match unknown.rsplit_once(':') {
                Some((_, name)) if is_operation(name) => format!(" Write it without the service: {name:?}."),
                _ => String::new(),
            };
            return Err(format!("the simulation has no operation {unknown:?}.{hint}"));
        }
        if let Some(status) = self.status.filter(|status| !(200..600).contains(status)) {
            return Err(format!("{status} is not the status of a response: use 200 to 599."));
        }
        let given = [
            ("delay", self.delay.is_some()),
            ("code", self.code.is_some()),
            ("message", self.message.is_some()),
            ("status", self.status.is_some()),
            ("retry-after-seconds", self.retry_after_seconds.is_some()),
            ("body", self.body.is_some()),
        ];
        let keys = self.kind.keys();
        match given.iter().find(|(key, is_given)| *is_given && !keys.contains(key)) {
            Some((key, _)) => Err(format!("its kind does not use the key {key:?}.")),
            None => Ok(()),
        }
    }

    fn into_fault(self) -> Fault {
        let message = self.message.unwrap_or_else(|| "injected by the faults file".to_owned());
        let delay = self.delay.unwrap_or(Duration::from_secs(1));
        let kind = match self.kind {
            FaultName::Delay => FaultKind::Delay(delay),
            FaultName::Reset => FaultKind::Reset,
            FaultName::Refused => FaultKind::Refused(delay),
            FaultName::Throttle => {
                let error = ServiceError::new("ThrottlingException", "Rate exceeded");
                FaultKind::Refuse(match self.retry_after_seconds {
                    Some(seconds) => error.with("RetryAfterSeconds", seconds),
                    None => error,
                })
            }
            FaultName::Error => {
                let code = self.code.as_deref().unwrap_or("InternalServerException");
                FaultKind::Refuse(ServiceError::new(code, message).with_status(self.status.unwrap_or(400)))
            }
            FaultName::Status => FaultKind::Foreign {
                status: self.status.unwrap_or(500),
                content_type: "text/plain".to_owned(),
                body: self.body.unwrap_or_default(),
            },
            FaultName::Malformed => FaultKind::Foreign {
                status: 200,
                content_type: "application/x-amz-json-1.1".to_owned(),
                body: self.body.unwrap_or_else(|| "{\"cut\": \"in ha".to_owned()),
            },
            FaultName::CutBefore => FaultKind::CutBefore,
            FaultName::FailLater => FaultKind::FailLater(message),
            FaultName::CutAfter => FaultKind::CutAfter,
            FaultName::HalfAfter => FaultKind::HalfAfter,
        };
        Fault {
            operation: self.operation,
            nth: self.nth.map(NonZeroU32::get),
            kind,
        }
    }
}

/// Reads a faults file.
///
/// # Errors
/// A message for the user when the file cannot be read, or is not valid (see [`parse_faults`]).
pub fn read_faults(path: &Path) -> Result<Vec<Fault>, String> {
    let name = path.display();
    let text = read_regular(path).map_err(|error| format!("Cannot read the faults file {name}: {error}."))?;
    parse_faults(&text).map_err(|why| format!("Invalid faults file {name}: {why}"))
}

/// Parses the text of a faults file.
///
/// # Errors
/// A message for the user when it is not valid. The message names the line, or the number of the fault with an unknown operation
/// or a key that its kind does not use.
pub fn parse_faults(text: &str) -> Result<Vec<Fault>, String> {
    let file: FaultFile = toml::from_str(text).map_err(|error| format!("{}.", toml_mistake(text, &error)))?;
    for (entry, number) in file.fault.iter().zip(1..) {
        entry.check().map_err(|why| format!("fault {number}: {why}"))?;
    }
    Ok(file.fault.into_iter().map(FaultEntry::into_fault).collect())
}

fn is_operation(name: &str) -> bool {
    SERVICES.values().any(|service| service.operations.contains_key(name))
}

/// Holds a call until it is released. Clones share the same state.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    reached: Arc<Notify>,
    released: Arc<Notify>,
}

impl Hold {
    /// Waits until a call has reached the hold.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Releases the held call.
    pub fn release(&self) {
        self.released.notify_one();
    }

    /// Holds the current call until [`release`](Self::release).
    pub(super) async fn wait(&self) {
        self.reached.notify_one();
        self.released.notified().await;
    }
}

/// The faults to inject, each with the number of matching calls so far.
#[derive(Debug, Default)]
pub struct FaultPlan {
    faults: Vec<(Fault, u32)>,
}

impl FaultPlan {
    /// Returns a plan with these faults, which count the calls from now on.
    pub fn of(faults: &[Fault]) -> Self {
        Self {
            faults: faults.iter().map(|fault| (fault.clone(), 0)).collect(),
        }
    }

    /// Adds a fault. It counts the calls from now on.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    /// Counts this call, and returns the first fault that applies to it.
    pub fn fault_for(&mut self, operation: &str) -> Option<FaultKind> {
        let mut chosen = None;
        for (fault, count) in &mut self.faults {
            if fault.operation.as_deref().is_none_or(|name| name == operation) {
                *count += 1;
                if chosen.is_none() && fault.nth.is_none_or(|nth| nth == *count) {
                    chosen = Some(fault.kind.clone());
                }
            }
        }
        chosen
    }
}
