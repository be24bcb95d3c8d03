//! What goes wrong, and at which call.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::protocol::error::ServiceError;
use crate::protocol::models::SERVICES;

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Only calls of this operation; any, when `None`.
    pub operation: Option<String>,
    /// Only the n-th of them, from 1; each, when `None`.
    pub nth: Option<u32>,
    /// What happens.
    pub kind: FaultKind,
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum FaultKind {
    /// It takes longer.
    Delay(Duration),
    /// The service says no, without having done anything.
    Refuse(ServiceError),
    /// Something that is not the service answers.
    Foreign {
        /// HTTP status.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// The body.
        body: String,
    },
    /// The connection ends before the call took effect.
    CutBefore,
    /// The call takes effect and the reply is lost.
    CutAfter,
    /// The call takes effect, and the reply says that it went well and has lost its second half.
    HalfAfter,
    /// The connection is reset before the call took effect.
    Reset,
    /// Nobody listens for so long: connections are refused, and open ones reset.
    Refused(Duration),
    /// What the call begins is accepted, and ends as `FAILED` for this reason.
    FailLater(String),
    /// The call waits before taking effect; released, it is cut.
    HoldBefore(Hold),
    /// The call takes effect and waits; released, its reply is lost.
    HoldAfter(Hold),
}

impl FaultKind {
    /// The word in the call log.
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
            Self::HoldBefore(_) => "hold-before",
            Self::HoldAfter(_) => "hold-after",
        }
    }
}

/// A faults file: `[[fault]]` tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultFile {
    #[serde(default)]
    fault: Vec<FaultRow>,
}

/// One `[[fault]]` of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FaultRow {
    operation: Option<String>,
    nth: Option<u32>,
    kind: FaultWord,
    delay: Option<SignedDuration>,
    code: Option<String>,
    message: Option<String>,
    status: Option<u16>,
    retry_after_seconds: Option<u64>,
    body: Option<String>,
}

/// The kinds of faults, as a file names them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FaultWord {
    /// It takes `delay` longer.
    Delay,
    /// `ThrottlingException`, with `retry-after-seconds` if given.
    Throttle,
    /// Error `code` with `message` and `status`.
    Error,
    /// HTTP `status` (500, 503, …) with `body`.
    Status,
    /// Status 200 with a body that no protocol has.
    Malformed,
    /// The connection ends before the call took effect.
    CutBefore,
    /// The call takes effect and the reply is lost.
    CutAfter,
    /// The call takes effect, and the reply has lost its second half.
    HalfAfter,
    /// The connection is reset before the call took effect.
    Reset,
    /// Connections are refused for `delay`.
    Refused,
    /// An assignment or a provisioning is accepted, and ends as `FAILED` with `message` for its reason.
    FailLater,
}

impl FaultRow {
    fn fault(self) -> Fault {
        let words = self.message.unwrap_or_else(|| "by the faults file".to_owned());
        let time = self.delay.and_then(|delay| Duration::try_from(delay).ok());
        let time = time.unwrap_or(Duration::from_secs(1));
        let kind = match self.kind {
            FaultWord::Delay => FaultKind::Delay(time),
            FaultWord::Reset => FaultKind::Reset,
            FaultWord::Refused => FaultKind::Refused(time),
            FaultWord::Throttle => {
                let error = ServiceError::new("ThrottlingException", "Rate exceeded");
                FaultKind::Refuse(match self.retry_after_seconds {
                    Some(seconds) => error.with("RetryAfterSeconds", seconds),
                    None => error,
                })
            }
            FaultWord::Error => {
                let code = self.code.as_deref().unwrap_or("InternalServerException");
                FaultKind::Refuse(ServiceError::new(code, words).with_status(self.status.unwrap_or(400)))
            }
            FaultWord::Status => FaultKind::Foreign {
                status: self.status.unwrap_or(500),
                content_type: "text/plain".to_owned(),
                body: self.body.unwrap_or_default(),
            },
            FaultWord::Malformed => FaultKind::Foreign {
                status: 200,
                content_type: "application/x-amz-json-1.1".to_owned(),
                body: self.body.unwrap_or_else(|| "{\"cut\": \"in ha".to_owned()),
            },
            FaultWord::CutBefore => FaultKind::CutBefore,
            FaultWord::FailLater => FaultKind::FailLater(words),
            FaultWord::CutAfter => FaultKind::CutAfter,
            FaultWord::HalfAfter => FaultKind::HalfAfter,
        };
        Fault {
            operation: self.operation,
            nth: self.nth,
            kind,
        }
    }
}

/// Reads a faults file.
///
/// # Errors
/// In words, with the line.
pub fn read_faults(path: &Path) -> Result<Vec<Fault>, String> {
    let name = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("The faults file {name} cannot be read: {error}."))?;
    let file: FaultFile = toml::from_str(&text).map_err(|error| format!("The faults file {name}: {error}"))?;
    let mut operations = file.fault.iter().filter_map(|row| row.operation.as_deref());
    if let Some(unknown) = operations.find(|operation| !is_operation(operation)) {
        return Err(format!(
            "The faults file {name}: {unknown:?} is no operation that the rehearsal has."
        ));
    }
    Ok(file.fault.into_iter().map(FaultRow::fault).collect())
}

fn is_operation(name: &str) -> bool {
    SERVICES.values().any(|service| service.operations.contains_key(name))
}

/// A call that is held until it is released.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    reached: Arc<Notify>,
    released: Arc<Notify>,
}

impl Hold {
    /// Waits until a call is held.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets the held call end.
    pub fn release(&self) {
        self.released.notify_one();
    }

    pub(super) async fn wait(&self) {
        self.reached.notify_one();
        self.released.notified().await;
    }
}

/// Faults to come, with the calls counted so far.
#[derive(Debug, Default)]
pub struct FaultPlan {
    faults: Vec<(Fault, u32)>,
}

impl FaultPlan {
    /// Adds a fault; calls are counted from now on.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    /// Counts this call, and answers what happens to it: the first fault that applies.
    pub fn next(&mut self, operation: &str) -> Option<FaultKind> {
        let mut chosen = None;
        for (fault, seen) in &mut self.faults {
            if fault.operation.as_deref().is_none_or(|wanted| wanted == operation) {
                *seen += 1;
                if chosen.is_none() && fault.nth.is_none_or(|nth| nth == *seen) {
                    chosen = Some(fault.kind.clone());
                }
            }
        }
        chosen
    }
}
