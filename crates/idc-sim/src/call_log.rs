//! The call log: one line for each API call, in memory and in a file, if wanted. A server without them keeps only counts, so
//! that its memory does not grow with the calls.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// A finished API call.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct CallLine {
    /// Sequence number, starting at 1, in the order in which the calls arrived.
    pub n: u64,
    /// botocore's name of the service, such as `sso-admin`.
    pub service: String,
    /// The operation, such as `CreateUser`.
    pub operation: String,
    /// Region in the request's signature, or `-` for an unsigned request.
    pub region: String,
    /// When the request arrived, in microseconds since the server started.
    pub start_us: u64,
    /// When the response was ready, in microseconds since the server started.
    pub end_us: u64,
    /// `ok`, an error code, `http-STATUS` for an HTTP error without a code, or `cut` for a connection that was closed
    /// without a response.
    pub outcome: String,
    /// Name of the fault that was injected, if any ([`FaultKind::name`](crate::FaultKind::name)).
    pub fault: Option<String>,
}

impl CallLine {
    /// Returns whether the operation can change something.
    pub fn is_change(&self) -> bool {
        is_change(&self.operation)
    }
}

/// Returns whether an operation can change something. All operations that only read have one of these prefixes.
pub fn is_change(operation: &str) -> bool {
    !["Get", "List", "Describe", "Head", "Is", "Simulate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

/// The calls so far, in the order in which they finished.
#[derive(Debug)]
pub struct CallLog {
    started: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    count: u64,
    /// The calls that can have changed something.
    changes: u64,
    /// `None` if the calls are not kept in memory.
    lines: Option<Vec<CallLine>>,
    file: Option<File>,
    /// The first error of the file.
    error: Option<std::io::Error>,
}

impl CallLog {
    /// Creates an empty log. If `file` is given, the log writes each call to it as one line of JSON. With `in_memory`, it
    /// also keeps the calls.
    pub fn new(file: Option<&Path>, in_memory: bool) -> std::io::Result<Self> {
        let file = file.map(File::create).transpose()?;
        Ok(Self {
            started: Instant::now(),
            inner: Mutex::new(Inner {
                file,
                lines: in_memory.then(Vec::new),
                ..Inner::default()
            }),
        })
    }

    /// Returns the microseconds since the log was created.
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Returns the sequence number for a new call.
    pub fn next_number(&self) -> u64 {
        let mut inner = self.lock();
        inner.count += 1;
        inner.count
    }

    /// Appends a finished call.
    pub fn append(&self, line: CallLine) {
        let mut inner = self.lock();
        if let (Some(file), Ok(mut text)) = (&mut inner.file, serde_json::to_string(&line)) {
            text.push('\n');
            // A full disk must not change how the simulated AWS behaves.
            if let Err(error) = file.write_all(text.as_bytes()) {
                inner.error.get_or_insert(error);
            }
        }
        inner.changes += u64::from(line.is_change());
        if let Some(lines) = &mut inner.lines {
            lines.push(line);
        }
    }

    /// Returns why a call could not be written to the file, the first time that this happened.
    pub fn error(&self) -> Option<String> {
        self.lock().error.as_ref().map(ToString::to_string)
    }

    /// Returns all calls so far, if they are kept in memory.
    pub fn lines(&self) -> Vec<CallLine> {
        self.lock().lines.clone().unwrap_or_default()
    }

    /// Returns how many calls have arrived so far.
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// Returns how many calls so far can have changed something.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// Discards the calls so far. The sequence numbers continue.
    pub fn clear(&self) {
        if let Some(lines) = &mut self.lock().lines {
            lines.clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
