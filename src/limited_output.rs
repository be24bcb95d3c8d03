//! The output of a program, up to a limit.

use std::io;
use std::process::{Output, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use crate::limits::LARGEST_OUTPUT_MB;

/// The process group of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Its own: what the program has started ends with it. It cannot read from the terminal.
    Own,
    /// That of this process.
    Shared,
}

/// A program. Dropping it ends it, and its own group.
struct Running {
    child: Child,
    #[cfg_attr(not(unix), allow(dead_code, reason = "other systems have no process groups"))]
    group: Group,
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if self.group == Group::Own
            && let Some(group) = self
                .child
                .id()
                .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
        {
            // This fails if the group has ended.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Runs a program without input, and returns what it printed, up to [`LARGEST_OUTPUT_MB`] of each stream: a stream closes at
/// the limit, which ends a program that prints without end. If the future is dropped, the program ends.
///
/// # Errors
/// If the program cannot be started, or its output cannot be read.
pub async fn output_of(mut command: Command, group: Group) -> io::Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    if group == Group::Own {
        command.process_group(0);
    }
    let child = command.spawn()?;
    let mut running = Running { child, group };
    let read = async |stream: Option<Box<dyn AsyncRead + Send + Unpin>>| {
        let mut printed = Vec::new();
        if let Some(stream) = stream {
            stream.take(LARGEST_OUTPUT_MB << 20).read_to_end(&mut printed).await?;
        }
        Ok::<_, io::Error>(printed)
    };
    let stdout = running.child.stdout.take().map(|stream| Box::new(stream) as _);
    let stderr = running.child.stderr.take().map(|stream| Box::new(stream) as _);
    let (stdout, stderr, status) = tokio::try_join!(read(stdout), read(stderr), running.child.wait())?;
    Ok(Output { status, stdout, stderr })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_program_that_prints_without_end_is_ended() {
        let output = output_of(shell("exec yes"), Group::Shared).await.unwrap();
        assert_eq!(output.stdout.len() as u64, LARGEST_OUTPUT_MB << 20);
        assert!(!output.status.success());
        let output = output_of(shell("echo out; echo err >&2; exit 3"), Group::Own)
            .await
            .unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(output.status.code(), Some(3));
    }

    #[tokio::test]
    async fn what_a_program_has_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 777 & echo $! > {}; wait", file.display());
        let written = async {
            loop {
                match std::fs::read_to_string(&file) {
                    Ok(pid) if pid.ends_with('\n') => break pid,
                    _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                }
            }
        };
        let pid = tokio::select! {
            _ = output_of(shell(&script), Group::Own) => panic!("the program ended"),
            pid = written => pid,
        };
        let path = format!("/proc/{}", pid.trim());
        for _ in 0..100 {
            // A process that has ended may be listed until its parent reads its status.
            let status = std::fs::read_to_string(format!("{path}/status")).unwrap_or_default();
            if !status.contains("State:\tS") && !status.contains("State:\tR") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("process {pid} is still running");
    }
}
