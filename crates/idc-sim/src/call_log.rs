//! A line a call, in memory and in a file: what was asked, when, and how it ended.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct CallLine {
    /// From 1, in the order the calls came in.
    pub n: u64,
    /// botocore's name of the service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Region of the signature, `-` without one.
    pub region: String,
    /// Microseconds since the server started.
    pub start_us: u64,
    /// Microseconds since the server started.
    pub end_us: u64,
    /// `ok`, an error code, or `cut`.
    pub outcome: String,
    /// The fault that struck, if one did.
    pub fault: Option<String>,
}

/// Calls, in the order they ended.
#[derive(Debug)]
pub struct CallLog {
    started: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    count: u64,
    lines: Vec<CallLine>,
    file: Option<File>,
}

impl CallLog {
    /// A log that also writes to `file`, one JSON object a line.
    pub fn new(file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(File::create).transpose()?;
        Ok(Self {
            started: Instant::now(),
            inner: Mutex::new(Inner {
                file,
                ..Inner::default()
            }),
        })
    }

    /// Microseconds since the log began.
    pub fn clock(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The number of the next call.
    pub fn begin(&self) -> u64 {
        let mut inner = self.lock();
        inner.count += 1;
        inner.count
    }

    /// Writes a finished call down.
    pub fn end(&self, line: CallLine) {
        let mut inner = self.lock();
        if let (Some(file), Ok(mut text)) = (&mut inner.file, serde_json::to_string(&line)) {
            text.push('\n');
            // The log is a convenience of the rehearsal: a full disk must not change what is rehearsed.
            let _ = file.write_all(text.as_bytes());
        }
        inner.lines.push(line);
    }

    /// All calls so far.
    pub fn lines(&self) -> Vec<CallLine> {
        self.lock().lines.clone()
    }

    /// Forgets the calls so far; numbering goes on.
    pub fn clear(&self) {
        self.lock().lines.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
