//! Runs that are killed at a request, or around a write.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idc_sim::{Fault, FaultKind, Hold};

use super::{RUNTIME, TestEnv};

/// The cut points that are tried at the same time: a run mostly waits.
const AT_ONCE: usize = 6;

pub fn is_full() -> bool {
    std::env::var_os("FULL_SWEEPS").is_some()
}

/// Where a run is cut.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// At the n-th request, before or after it took effect.
    Request(u32, bool),
    /// At the n-th sync to the disk: before a file is replaced, or after.
    Sync(u32),
}

/// Starts a run and kills it there; `false` where it ended before that.
pub fn kill(env: &TestEnv, args: &[&str], cut: Cut) -> bool {
    match cut {
        Cut::Request(nth, is_before) => {
            let hold = Hold::default();
            let kind = if is_before {
                FaultKind::HoldBefore(hold.clone())
            } else {
                FaultKind::HoldAfter(hold.clone())
            };
            env.server.fault(Fault {
                operation: None,
                nth: Some(nth),
                kind,
            });
            let mut child = env.spawn(args);
            let reached = RUNTIME.block_on(async {
                let ended = async {
                    loop {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        if child.try_wait().unwrap().is_some() {
                            break;
                        }
                    }
                };
                tokio::select! {
                    () = hold.reached() => true,
                    () = ended => false,
                    () = tokio::time::sleep(Duration::from_mins(1)) => panic!("{cut:?}: it hangs"),
                }
            });
            let _ = child.kill();
            child.wait().unwrap();
            hold.release();
            reached
        }
        Cut::Sync(nth) => {
            let inject = format!("inject=fsync:signal=KILL:when={nth}");
            let mut command = traced(env, args, &["-o", "/dev/null", "-e", "trace=fsync", "-e", &inject]);
            let status = command.status().unwrap();
            // strace ends as the program did.
            let is_killed = status.signal() == Some(9) || status.code() == Some(137);
            assert!(is_killed || status.success(), "{cut:?}: {status}");
            is_killed
        }
    }
}

/// The binary on this stage under strace.
pub fn traced(env: &TestEnv, args: &[&str], flags: &[&str]) -> Command {
    let plain = env.command(args);
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq"])
        .args(flags)
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(env.home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Whether runs can be killed around a write; where they cannot, that is said loudly, and is a failure in CI.
pub fn is_traceable() -> bool {
    let can = can_trace();
    if !can {
        const WHY: &str = "NOT TESTED: strace is missing or may not trace here, so nothing was killed around a write";
        assert!(std::env::var_os("CI").is_none() || !cfg!(target_os = "linux"), "{WHY}");
        report(&format!("*** {WHY} ***"));
    }
    can
}

/// Whether the system lets one program look at another's calls.
pub fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "/bin/true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    cfg!(target_os = "linux") && traced.is_ok_and(|status| status.success())
}

/// How many syncs a run makes.
pub fn syncs(env: &TestEnv, args: &[&str]) -> u32 {
    let log: PathBuf = env.home.path().join("strace.log");
    let status = traced(env, args, &["-o", log.to_str().unwrap(), "-e", "trace=fsync"]).status();
    assert!(status.unwrap().success());
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    u32::try_from(text.matches("fsync(").count()).unwrap()
}

pub fn report(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// All of them, or a fixed sample.
pub fn sample(all: Vec<Cut>, about: usize) -> Vec<Cut> {
    if is_full() {
        return all;
    }
    let step = all.len().div_ceil(about);
    // Starting at different places, so that all kinds are met.
    all.into_iter().skip(step / 2).step_by(step).collect()
}

pub fn requests(count: usize) -> Vec<Cut> {
    let numbers = 1..=u32::try_from(count).unwrap();
    numbers
        .flat_map(|nth| [Cut::Request(nth, true), Cut::Request(nth, false)])
        .collect()
}

/// Tries every cut, several at the same time, and prints what came of them. An attempt answers what went wrong, which is
/// empty where nothing did, or `None` where the run had ended before it was to be cut.
pub fn try_each(what: &str, promise: &str, cuts: &[Cut], attempt: impl Fn(Cut) -> Option<String> + Sync) {
    let (next, reached) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(cut) = cuts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(went_wrong) = attempt(*cut) else { continue };
                    reached.fetch_add(1, Ordering::Relaxed);
                    if !went_wrong.is_empty() {
                        wrong.lock().unwrap().push(format!("{cut:?}: {went_wrong}"));
                    }
                }
            });
        }
    });
    let (wrong, reached, all) = (wrong.into_inner().unwrap(), reached.into_inner(), cuts.len());
    let lines = wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "{what}: {} of {all} cut points went wrong:\n{lines}",
        wrong.len()
    );
    // Requests that only ask again, and what is written after them, are more or fewer from run to run.
    assert!(reached * 10 >= all * 8, "{what}: {reached} of {all} were reached");
    report(&format!("{what}: {reached} cut points, {promise}"));
}
