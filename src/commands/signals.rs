//! Requests to end: Ctrl-C, signals, and the end of the parent process.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use crate::limits::REPEATED_SIGNAL;

/// What asks a process to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndSignal {
    /// Whether it is SIGTERM, and not Ctrl-C or SIGHUP.
    is_terminate: bool,
}

const INTERRUPT: EndSignal = EndSignal { is_terminate: false };

/// Waits for Ctrl-C, and on Unix also for SIGTERM and SIGHUP. Listens from the call on, and not only from the first poll:
/// another future may start a call to AWS before it.
pub(super) fn asked_to_end() -> impl Future<Output = ()> {
    let mut signals = EndSignals::listen();
    async move {
        signals.next().await;
    }
}

/// The signals that ask a process to end, from `listen` on. One that cannot be listened to ends the process at once.
#[cfg(unix)]
pub(super) struct EndSignals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl EndSignals {
    pub(super) fn listen() -> Self {
        let listen = |kind| signal(kind).ok();
        Self {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            // With nohup, the program is meant to continue without a terminal.
            hangup: (!is_hangup_ignored()).then(|| listen(SignalKind::hangup())).flatten(),
        }
    }

    pub(super) async fn next(&mut self) -> EndSignal {
        async fn received(signal: &mut Option<Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = received(&mut self.interrupt) => INTERRUPT,
            () = received(&mut self.terminate) => EndSignal { is_terminate: true },
            () = received(&mut self.hangup) => EndSignal { is_terminate: false },
        }
    }
}

/// Ctrl-C, from `listen` on.
#[cfg(windows)]
pub(super) struct EndSignals(Option<tokio::signal::windows::CtrlC>);

#[cfg(windows)]
impl EndSignals {
    pub(super) fn listen() -> Self {
        Self(tokio::signal::windows::ctrl_c().ok())
    }

    pub(super) async fn next(&mut self) -> EndSignal {
        match &mut self.0 {
            Some(interrupt) => drop(interrupt.recv().await),
            None => std::future::pending().await,
        }
        INTERRUPT
    }
}

/// The requests to end since this was created. None is lost while nobody waits.
pub(super) struct EndRequests {
    signals: tokio::sync::mpsc::UnboundedReceiver<EndSignal>,
    first: Option<EndSignal>,
    /// Whether a rehearsal started this process.
    is_rehearsed: bool,
}

impl EndRequests {
    /// Begins to listen. `is_rehearsed` says whether a rehearsal started this process.
    pub(super) fn listen(is_rehearsed: bool) -> Self {
        let (sender, signals) = tokio::sync::mpsc::unbounded_channel();
        let mut end = EndSignals::listen();
        tokio::spawn(async move {
            loop {
                let signal = end.next().await;
                if sender.send(signal).is_err() {
                    return;
                }
            }
        });
        Self {
            signals,
            first: None,
            is_rehearsed,
        }
    }

    async fn receive(&mut self) -> EndSignal {
        match self.signals.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }

    /// Waits for the next request.
    pub(super) async fn next(&mut self) {
        let signal = self.receive().await;
        self.first.get_or_insert(signal);
    }

    /// After the first request, waits for one more. A signal can arrive twice, from the terminal and from the parent of a
    /// rehearsal.
    pub(super) async fn next_again(&mut self) {
        let repeated = Instant::now() + REPEATED_SIGNAL;
        loop {
            let signal = self.receive().await;
            if Instant::now() > repeated && !self.is_passed_on(signal) {
                return;
            }
        }
    }

    /// Whether the parent of a rehearsal passes on an earlier request. It does so with SIGTERM, and late if it is busy: it
    /// also is the simulated AWS.
    fn is_passed_on(&self, signal: EndSignal) -> bool {
        let is_other = self.first.is_some_and(|first| !first.is_terminate);
        self.is_rehearsed && signal.is_terminate && is_other
    }
}

/// Returns whether this process was started with SIGHUP ignored. Also true if the system does not provide this.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
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
pub(super) fn survive_file_size_limit() -> Option<()> {
    None
}

/// Makes the child of a rehearsal exit with its parent, which serves the simulated AWS.
pub(super) fn exit_with_parent() {
    #[cfg(target_os = "linux")]
    {
        // If the system does not support this, the next call of the child fails because nothing answers it.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// Whether SIGTERM a second after Ctrl-C is a second request.
    async fn counts_terminate(is_rehearsed: bool) -> bool {
        let second = Duration::from_secs(1);
        let (sender, signals) = tokio::sync::mpsc::unbounded_channel();
        let mut requests = EndRequests {
            signals,
            first: None,
            is_rehearsed,
        };
        assert!(sender.send(INTERRUPT).is_ok());
        requests.next().await;
        let mut again = pin!(requests.next_again());
        assert!(timeout(second, again.as_mut()).await.is_err());
        assert!(sender.send(EndSignal { is_terminate: true }).is_ok());
        if timeout(second, again.as_mut()).await.is_ok() {
            return true;
        }
        // A second Ctrl-C counts all the same.
        assert!(sender.send(INTERRUPT).is_ok());
        assert!(timeout(second, again).await.is_ok());
        false
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_rehearsal_passes_on_late_is_no_second_request() {
        assert!(!counts_terminate(true).await);
        assert!(counts_terminate(false).await);
    }
}
