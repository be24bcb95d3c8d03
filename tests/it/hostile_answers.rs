//! Servers and programs that answer without end. Every command ends, says why, and keeps its memory.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use idc_sim::{FaultKind, ServiceError};

use super::support::{RunResult, TestEnv};

/// What a server writes for the n-th request, after the head of the response.
type Body = fn(usize, &mut TcpStream) -> std::io::Result<()>;

/// A server that answers every request in the same way, and counts the requests.
struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(body: Body) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let nth = count.fetch_add(1, Ordering::SeqCst);
                // The response follows even if the request is not read to its end.
                let _ = client.read(&mut vec![0; 65536]);
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n\r\n";
                let _ = client.write_all(head).and_then(|()| body(nth, &mut client));
            }
        });
        Self { url, requests }
    }
}

/// Runs `status` while a service answers like this.
fn status_with(variable: &str, server: &Server) -> RunResult {
    let mut env = TestEnv::new("enabled");
    env.set(variable, &server.url);
    let start = Instant::now();
    let result = env.json(&["status"]);
    assert!(start.elapsed() < Duration::from_mins(2), "{:?}", start.elapsed());
    result
}

#[test]
fn a_list_without_end_is_given_up() {
    let server = Server::start(|nth, client| write!(client, r#"{{"Instances": [], "NextToken": "t{nth}"}}"#));
    let result = status_with("AWS_ENDPOINT_URL_SSO_ADMIN", &server);
    assert_ne!(result.code, 0);
    assert!(
        result.stdout.contains("did not end after 1000 pages"),
        "{}",
        result.summary()
    );
    // The first step asks in several Regions.
    assert!(server.requests.load(Ordering::SeqCst) < 60_000);
}

#[test]
fn a_response_without_end_is_given_up() {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_, client| {
        client.write_all(b"{\"Instances\": \"")?;
        let part = vec![b'A'; 1 << 20];
        loop {
            client.write_all(&part)?;
            WRITTEN.fetch_add(1, Ordering::SeqCst);
        }
    });
    let result = status_with("AWS_ENDPOINT_URL_SSO_ADMIN", &server);
    assert_ne!(result.code, 0);
    let requests = server.requests.load(Ordering::SeqCst);
    let written = WRITTEN.load(Ordering::SeqCst);
    // The last part may be on its way when the connection closes.
    assert!(written <= requests * 40, "{written} MB in {requests} responses");
}

#[test]
fn a_message_without_end_is_cut() {
    let env = TestEnv::new("enabled");
    let error = ServiceError::new("ValidationException", "A".repeat(3_000_000)).with_status(400);
    env.fault_always("ListInstances", FaultKind::Refuse(error));
    for arguments in [&["status"][..], &["status", "--output=json"]] {
        let result = env.run(arguments);
        let printed = result.stdout.len() + result.stderr.len();
        assert!(printed < 100_000, "{arguments:?}: {printed} bytes");
    }
}

#[test]
fn device_codes_that_expire_at_once_are_not_followed_by_others_without_end() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    std::fs::remove_dir_all(env.path(".aws/sso")).unwrap();
    env.server.clear_calls();
    let expired = ServiceError::new("ExpiredTokenException", "expired").with_status(400);
    env.fault_always("CreateToken", FaultKind::Refuse(expired));
    let start = Instant::now();
    env.run(&["login", "--wait=1h"]).expect(3);
    // In a rehearsal, a second passes between two codes. Otherwise it is a minute.
    assert!(start.elapsed() > Duration::from_secs(2), "{:?}", start.elapsed());
    let calls = env.server.calls();
    let codes = calls.iter().filter(|call| call.operation == "StartDeviceAuthorization");
    assert_eq!(codes.count(), 3);
}

#[test]
fn input_without_end_is_given_up() {
    for (input, code, why) in [
        ("yes", 2, "20 invalid answers in succession"),
        ("cat /dev/zero", 1, "a line is longer than 65536 bytes"),
    ] {
        let env = TestEnv::new("enabled");
        let mut source = Command::new("sh")
            .args(["-c", input])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut command = env.command(&["run", "--accessible"]);
        let result = RunResult::new(command.stdin(source.stdout.take().unwrap()).output().unwrap()).expect(code);
        let _ = source.kill();
        let _ = source.wait();
        assert!(result.stderr.contains(why), "{input}: {}", result.stderr);
        assert!(result.stderr.len() < 50_000, "{input}: {} bytes", result.stderr.len());
        assert_eq!(env.counts(), [0; 5], "{input}");
    }
}

#[test]
fn a_credential_process_is_limited_and_what_it_prints_is_not_repeated() {
    let env = TestEnv::new("enabled");
    let key = &env.credentials;
    let printed = format!(
        r#"{{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "{}", "SessionToken": "{}", "Expiration": "2099-01-01T00:00:00Z"}}"#,
        key.access_key_id, key.secret_access_key, key.session_token
    );
    std::fs::write(env.path("printed.json"), printed).unwrap();
    for (program, code, why) in [
        (format!("cat {}", env.path("printed.json").display()), 3, ""),
        ("yes".to_owned(), 4, "failed ("),
        ("sh -c 'yes >&2'".to_owned(), 4, "failed ("),
        (
            "sh -c 'echo SECRET; echo SECRET >&2; exit 7'".to_owned(),
            4,
            "failed (exit status: 7)",
        ),
        ("echo SECRET".to_owned(), 4, "did not print credentials"),
        (
            r#"echo '{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "SECRET"}'"#.to_owned(),
            4,
            "unknown version 2",
        ),
    ] {
        env.write_config(format!(
            "[profile p]\ncredential_process = {program}\nregion = us-east-1\n"
        ));
        let mut command = env.command(&["status", "--output=json"]);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            command.env_remove(name);
        }
        let result = RunResult::new(command.env("AWS_PROFILE", "p").output().unwrap()).expect(code);
        let printed = result.stdout.clone() + &result.stderr;
        assert!(printed.contains(why), "{program}: {printed}");
        assert!(!printed.contains("SECRET"), "{program}: {printed}");
    }
}
