//! Requests to AWS use the proxy in the environment, and requests to this machine do not.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv};

/// Starts a proxy that sends the first bytes of each connection to the channel and closes the connection.
fn proxy() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut first = [0; 200];
            let count = stream.read(&mut first).unwrap_or_default();
            if sender
                .send(String::from_utf8_lossy(&first[..count]).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    (address, seen)
}

#[test]
fn calls_to_this_machine_bypass_every_proxy() {
    let (address, seen) = proxy();
    let mut env = TestEnv::new("enabled");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        env.set(name, &address);
    }
    env.run_setup(&["--confirm=mfa"]).expect(0);
    assert!(seen.try_recv().is_err(), "no request was sent to the proxy");
}

#[test]
fn calls_to_aws_use_the_proxy_of_the_environment() {
    let (address, seen) = proxy();
    let env = TestEnv::new("enabled");
    let mut command = env.command(&[&["run"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat());
    command
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("IDC_SETUP_REHEARSAL")
        .env("HTTPS_PROXY", &address);
    let result = RunResult::new(command.output().unwrap()).expect(1);
    assert!(result.stderr.contains("then:"), "{}", result.stderr);
    let first = seen.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(first.starts_with("CONNECT sts.us-east-1.amazonaws.com:443"), "{first}");
}
