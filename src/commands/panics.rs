//! Turns a panic, which is always a bug, into an error like any other: with an exit code, one envelope, and a terminal
//! that is as before.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::next_step::{NextStep, SetupCommand};
use crate::user_error::UserError;

/// Runs a command. If it panics, passes an error about the panic to `fail`. Nothing is printed by the panic itself.
pub(super) fn guarded<T>(run: impl FnOnce() -> T, fail: impl FnOnce(UserError) -> T) -> T {
    let first: Arc<Mutex<Option<String>>> = Arc::default();
    let seen = Arc::clone(&first);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = text(panic);
        tracing::error!("panic: {text}");
        seen.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
    }));
    let ended = catch_unwind(AssertUnwindSafe(run));
    std::panic::set_hook(before);
    ended.unwrap_or_else(|_| {
        let text = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        fail(UserError::failed(
            format!("This is a bug of idc-setup: {}.", text.unwrap_or_default()),
            NextStep::note("report it, with this message and the log of -vv").then(SetupCommand::again().switch("-vv")),
        ))
    })
}

/// The message of a panic and its place, on one line.
fn text(panic: &PanicHookInfo) -> String {
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    let place = panic.location().map_or_else(String::new, |place| {
        let file = Path::new(place.file()).file_name().unwrap_or_default();
        format!(" ({}, line {})", file.to_string_lossy(), place.line())
    });
    let message = message.lines().next().unwrap_or_default();
    format!("{}{place}", message.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_place() {
        assert_eq!(guarded(|| 1, |_| 2), 1);
        let error = guarded(|| panic!("no {}\nsecond line", "way"), Some);
        let message = error.map(|error: UserError| error.message).unwrap_or_default();
        assert!(
            message.starts_with("This is a bug of idc-setup: no way (panics.rs, line "),
            "{message}"
        );
    }
}
