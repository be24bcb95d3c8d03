//! The log: `-v` and `-vv` on stderr, or what `IDC_SETUP_LOG` asks for.
//!
//! Only this program's own events are logged, whatever the filter says: the HTTP and AWS libraries log headers and bodies,
//! which hold credentials.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::text::clean_lines;

/// The variable with a filter, such as `debug` or `idc_setup::aws=debug`.
pub const VARIABLE: &str = "IDC_SETUP_LOG";

/// Starts logging, where that is wanted. `verbose` counts `-v`; a filter counts before it.
///
/// # Errors
/// Why the filter cannot be used, as the second half of a sentence.
pub fn start(sink: &Sink, verbose: u8, filter: Option<&str>) -> Result<(), String> {
    let level = match verbose {
        0 => None,
        1 => Some("info"),
        _ => Some("debug"),
    };
    let Some(filter) = filter.or(level) else {
        return Ok(());
    };
    let targets: Targets = filter
        .parse()
        .map_err(|error| format!("is not a log filter like debug or idc_setup::aws=debug ({error})"))?;
    let layer = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(false)
        .without_time()
        .with_writer(sink.clone())
        .with_filter(targets.and(filter_fn(is_own)));
    // Only a second subscriber in one process is refused: tests start several commands in one.
    let _ = tracing_subscriber::registry().with(layer).try_init();
    Ok(())
}

fn is_own(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target == "idc_setup" || target.starts_with("idc_setup::")
}

/// Where log lines go: to stderr, without control characters, so that what AWS returned cannot steer the terminal. While a
/// question is open, they wait: a line would tear the question.
#[derive(Debug, Clone, Default)]
pub struct Sink(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    questions: usize,
    text: String,
}

impl Sink {
    /// Holds the lines back until the guard is dropped.
    #[must_use]
    pub fn hold(&self) -> HeldLog {
        self.lock().questions += 1;
        HeldLog(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, text: &str) {
        let mut held = self.lock();
        held.text.push_str(text);
        if held.questions == 0 {
            // Nobody reading any more is no reason to stop.
            let _ = io::stderr().lock().write_all(std::mem::take(&mut held.text).as_bytes());
        }
    }
}

/// While it lives, log lines wait.
#[derive(Debug)]
pub struct HeldLog(Sink);

impl Drop for HeldLog {
    fn drop(&mut self) {
        self.0.lock().questions -= 1;
        self.0.write("");
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event {
            sink: self.clone(),
            bytes: Vec::new(),
        }
    }
}

/// One event; written when it is complete.
pub struct Event {
    sink: Sink,
    bytes: Vec<u8>,
}

impl Write for Event {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.sink.write(&clean_lines(&String::from_utf8_lossy(&self.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_log_filter_is_rejected() {
        assert!(start(&Sink::default(), 0, Some("idc_setup=loud")).is_err());
        assert!(start(&Sink::default(), 0, None).is_ok());
    }
}
