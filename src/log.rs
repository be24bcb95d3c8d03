//! The log: `-v` and `-vv` on stderr, or what `IDC_SETUP_LOG` asks for.
//!
//! Only this program's own events are logged, whatever the filter says: the HTTP and AWS libraries log headers and bodies,
//! which hold credentials.

use std::io::{self, IsTerminal as _, Write};

use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ui::clean_lines;

/// The variable with a filter, such as `debug` or `idc_setup::aws=debug`.
pub const VARIABLE: &str = "IDC_SETUP_LOG";

/// Starts logging, where that is wanted. `verbose` counts `-v`; a filter counts before it.
///
/// # Errors
/// Why the filter cannot be used, as the second half of a sentence.
pub fn start(verbose: u8, filter: Option<&str>) -> Result<(), String> {
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
        .with_writer(CleanStderr)
        .with_filter(targets.and(filter_fn(is_own)));
    // Only a second subscriber in one process is refused: tests start several commands in one.
    let _ = tracing_subscriber::registry().with(layer).try_init();
    Ok(())
}

fn is_own(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target == "idc_setup" || target.starts_with("idc_setup::")
}

/// Writes whole lines to stderr, without control characters: what AWS returned cannot steer the terminal.
struct CleanStderr;

impl<'a> MakeWriter<'a> for CleanStderr {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        Lines(Vec::new())
    }
}

/// One event; written when it is complete.
struct Lines(Vec<u8>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let mut stderr = io::stderr().lock();
        // A spinner may stand on the line; it draws itself again.
        let begin = if stderr.is_terminal() { "\r\u{1b}[2K" } else { "" };
        let text = clean_lines(&String::from_utf8_lossy(&self.0));
        // Nobody reading any more is no reason to stop.
        let _ = stderr.write_all(format!("{begin}{text}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        assert!(start(0, Some("idc_setup=loud")).is_err());
        assert!(start(0, None).is_ok());
    }
}
