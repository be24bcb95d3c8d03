//! The `idc-sim` program: what it prints, serves, refuses and writes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_idc-sim");

/// A server and the address that it printed.
struct Server {
    child: Child,
    /// Open until the end, because the server fails if it cannot write to it.
    _stdout: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let url = stdout.by_ref().lines().map_while(Result::ok).find_map(|line| {
            let url = line.strip_prefix("export AWS_ENDPOINT_URL=")?;
            Some(url.to_owned())
        });
        let url = url.expect("the server prints its URL");
        let address = url.strip_prefix("http://").unwrap().to_owned();
        Self {
            child,
            _stdout: stdout,
            address,
        }
    }

    /// Sends a request of the JSON protocol without a signature and returns the response.
    fn call(&self, target: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n{{}}",
            self.address
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    #[cfg(unix)]
    fn terminate(&mut self) -> Option<i32> {
        let sent = Command::new("/bin/kill").arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_serves_a_scenario_and_refuses_unsigned_requests() {
    let server = Server::start(&["enabled"]);
    let response = server.call("SWBExternalService.ListInstances");
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
    assert!(response.contains("__type"), "{response}");
}

#[cfg(unix)]
#[test]
fn it_writes_its_state_at_the_end_and_starts_from_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.toml");
    let file = file.to_str().unwrap();
    assert_eq!(Server::start(&["enabled", "--dump", file]).terminate(), Some(0));
    let written = std::fs::read_to_string(file).unwrap();
    assert!(written.contains("ssoins-"), "{written}");
    assert_eq!(Server::start(&[file]).terminate(), Some(0));
}

#[test]
fn an_invalid_argument_or_file_ends_it_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    std::fs::write(&file, "no such key = 1\n").unwrap();
    let file = file.to_str().unwrap();
    let invalid: [&[&str]; 5] = [
        &["no-such-scenario"],
        &[file],
        &["--faults", file],
        &["--latency", "soon"],
        &["--no-such-flag"],
    ];
    for arguments in invalid {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with("error: "), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_port_in_use_ends_it_with_1() {
    let server = Server::start(&[]);
    let port = server.address.rsplit(':').next().unwrap();
    let output = Command::new(PROGRAM).args(["--port", port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(port));
}
