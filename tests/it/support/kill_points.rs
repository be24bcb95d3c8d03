//! Kills runs at a request, or before or after a file is replaced.

use std::fmt::Debug;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idc_sim::{Fault, FaultKind, Hold};

use super::{RUNTIME, TestEnv};

/// How many kill points to test in parallel. A run spends most of its time waiting.
const PARALLEL_RUNS: usize = 6;

pub fn is_full_sweep() -> bool {
    std::env::var_os("FULL_SWEEPS").is_some()
}

/// The point at which a run is killed.
#[derive(Debug, Clone, Copy)]
pub enum KillPoint {
    /// At the n-th request: before it takes effect (`true`), or after (`false`).
    Request(u32, bool),
    /// At the n-th `fsync`, which is before or after a file is replaced.
    Sync(u32),
}

/// Starts a run and kills it at this point. Returns `false` if the run ends before it reaches the point.
pub fn kill(env: &TestEnv, args: &[&str], point: KillPoint) -> bool {
    match point {
        KillPoint::Request(nth, is_before) => kill_at_call(env, args, None, nth, is_before),
        KillPoint::Sync(nth) => {
            let inject = format!("inject=fsync:signal=KILL:when={nth}");
            let mut command = traced(env, args, &["-o", "/dev/null", "-e", "trace=fsync", "-e", &inject]);
            let status = command.status().unwrap();
            // strace exits like the program that it traces.
            let is_killed = status.signal() == Some(9) || status.code() == Some(137);
            assert!(is_killed || status.success(), "{point:?}: {status}");
            is_killed
        }
    }
}

/// Starts a run and kills it at the n-th call of an operation, or at the n-th call of any: before it takes effect, or
/// after. Returns `false` if the run ends before that call.
pub fn kill_at_call(env: &TestEnv, args: &[&str], operation: Option<&str>, nth: u32, is_before: bool) -> bool {
    let hold = Hold::default();
    let kind = if is_before {
        FaultKind::HoldBefore(hold.clone())
    } else {
        FaultKind::HoldAfter(hold.clone())
    };
    env.server.fault(Fault {
        operation: operation.map(str::to_owned),
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
            () = tokio::time::sleep(Duration::from_mins(1)) => panic!("call {nth} of {operation:?}: the run does not end"),
        }
    });
    let _ = child.kill();
    child.wait().unwrap();
    hold.release();
    reached
}

/// Returns a command that runs the binary under strace.
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

/// Returns whether strace works here. If it does not, prints a warning. In CI on Linux, fails instead.
pub fn is_traceable() -> bool {
    let can_trace = can_trace();
    if !can_trace {
        const WHY: &str = "NOT TESTED: strace is missing or not allowed to trace, so no run was killed during a write";
        assert!(std::env::var_os("CI").is_none() || !cfg!(target_os = "linux"), "{WHY}");
        report(&format!("*** {WHY} ***"));
    }
    can_trace
}

/// Returns whether strace is installed and allowed to trace another process.
pub fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "/bin/true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    cfg!(target_os = "linux") && traced.is_ok_and(|status| status.success())
}

/// Returns the number of `fsync` calls of a run.
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

/// Returns all points with `FULL_SWEEPS`, and a fixed sample without it.
pub fn sample<P>(all: Vec<P>, about: usize) -> Vec<P> {
    if is_full_sweep() {
        return all;
    }
    let step = all.len().div_ceil(about);
    // Start at an offset that depends on the number of points, so that the sample covers all kinds.
    all.into_iter().skip(step / 2).step_by(step).collect()
}

pub fn requests(count: usize) -> Vec<KillPoint> {
    let numbers = 1..=u32::try_from(count).unwrap();
    numbers
        .flat_map(|nth| [KillPoint::Request(nth, true), KillPoint::Request(nth, false)])
        .collect()
}

/// Tests every point, several in parallel, and prints a summary. `attempt` returns a description of the problem, an empty
/// string if there is none, or `None` if the run ended before it reached the point.
pub fn try_each<P: Copy + Debug + Sync>(
    what: &str,
    promise: &str,
    points: &[P],
    attempt: impl Fn(P) -> Option<String> + Sync,
) {
    let (next, reached) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let problems = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL_RUNS {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(problem) = attempt(*point) else { continue };
                    reached.fetch_add(1, Ordering::Relaxed);
                    if !problem.is_empty() {
                        problems.lock().unwrap().push(format!("{point:?}: {problem}"));
                    }
                }
            });
        }
    });
    let (problems, reached, all) = (problems.into_inner().unwrap(), reached.into_inner(), points.len());
    let lines = problems.join("\n");
    assert!(
        problems.is_empty(),
        "{what}: {} of {all} points failed:\n{lines}",
        problems.len()
    );
    // The number of polls, and of the writes that follow them, differs from run to run.
    assert!(
        reached * 10 >= all * 8,
        "{what}: only {reached} of {all} points were reached"
    );
    report(&format!("{what}: {reached} points, {promise}"));
}
