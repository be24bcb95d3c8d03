//! Requests to end: Ctrl-C, signals, and the end of the parent process.

use tokio::time::Instant;

use crate::limits::REPEATED_SIGNAL;

/// Waits for Ctrl-C, and on Unix also for SIGTERM and SIGHUP.
pub(super) async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        let hung_up = async {
            // With nohup, the program is meant to continue without a terminal.
            let hangup = (!is_hangup_ignored()).then(|| signal(SignalKind::hangup()));
            match hangup {
                Some(Ok(mut hangup)) => drop(hangup.recv().await),
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = hung_up => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}

/// The requests to end since this was created. None is lost while nobody waits.
pub(super) struct EndRequests(tokio::sync::mpsc::UnboundedReceiver<()>);

impl EndRequests {
    /// Begins to listen.
    pub(super) fn listen() -> Self {
        let (sender, requests) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                asked_to_end().await;
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Self(requests)
    }

    /// Waits for the next request.
    pub(super) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// After the first request, waits for one more. A signal can arrive twice, from the terminal and from the parent of a
    /// rehearsal.
    pub(super) async fn next_again(&mut self) {
        let repeated = Instant::now() + REPEATED_SIGNAL;
        loop {
            self.next().await;
            if Instant::now() > repeated {
                return;
            }
        }
    }
}

/// Returns whether this process was started with SIGHUP ignored. Also true if the system does not provide this.
#[cfg(unix)]
pub(super) fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 != 0)
}

/// Turns the signal for a file that is larger than allowed (`ulimit -f`), which would end the process while it changes the
/// account, into an error of the write. Until the value is dropped.
#[cfg(unix)]
pub(super) fn survive_file_size_limit() -> Option<tokio::signal::unix::Signal> {
    let kind = tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    tokio::signal::unix::signal(kind).ok()
}

#[cfg(not(unix))]
pub(super) fn survive_file_size_limit() {}

/// Makes the child of a rehearsal exit with its parent, which serves the simulated AWS.
pub(super) fn exit_with_parent() {
    #[cfg(target_os = "linux")]
    {
        // If the system does not support this, the next call of the child fails because nothing answers it.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}
