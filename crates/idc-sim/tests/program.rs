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

/// What comes before the URL in the output.
const EXPORT: &str = if cfg!(windows) {
    "$env:AWS_ENDPOINT_URL = "
} else {
    "export AWS_ENDPOINT_URL="
};

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
            let url = line.strip_prefix(EXPORT)?;
            Some(url.trim_matches('\'').to_owned())
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
        self.call_with(target, "{}", "")
    }

    /// Sends a request of the JSON protocol with more headers and returns the response.
    fn call_with(&self, target: &str, body: &str, headers: &str) -> String {
        self.send(&format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n\
             {headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        ))
    }

    /// Sends a request without a body and returns the response.
    fn request(&self, method: &str, path: &str) -> String {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        ))
    }

    /// Posts a body and returns the response.
    fn post(&self, path: &str, body: &str) -> String {
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        ))
    }

    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
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
    let invalid: [&[&str]; 6] = [
        &["no-such-scenario"],
        &[file],
        &["--faults", file],
        &["--latency", "soon"],
        &["--dump", "no/such/folder/state.toml"],
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
fn a_recording_is_compared_with_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.jsonl");
    let header = r#"{"format":"idc-record","version":1,"program":"a test"}"#;
    let call = |code: &str| {
        format!(
            r#"{{"n":1,"service":"organizations","operation":"DescribeOrganization","region":"eu-west-1","signer":1,
            "start_ms":0,"ms":1,"status":400,"request":{{}},"response":{{}},
            "error":{{"code":"{code}","message":"Your account is not a member of an organization."}}}}"#
        )
        .replace('\n', "")
    };
    let compare = |arguments: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(["compare", file.to_str().unwrap()])
            .args(arguments)
            .output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    std::fs::write(
        &file,
        format!("{header}\n{}\n", call("AWSOrganizationsNotInUseException")),
    )
    .unwrap();
    let agreed = (Some(0), "1 of 1 calls replayed, 0 differences.\n".to_owned());
    assert_eq!(compare(&[]), agreed);
    let (code, entries) = compare(&["--words"]);
    assert_eq!(code, Some(0));
    assert!(
        entries.starts_with("\"describe-organization-awsorganizations-not-in-use-exception\": {"),
        "{entries}"
    );
    let (code, differences) = compare(&["enabled"]);
    assert_eq!(code, Some(1));
    assert!(
        differences.contains("organizations:DescribeOrganization  outcome: recorded AWSOrganizationsNotInUseException"),
        "{differences}"
    );
    std::fs::write(&file, format!("{header}\n{}\n", call("SomethingElse"))).unwrap();
    let (code, differences) = compare(&["--output", "json"]);
    assert_eq!(code, Some(1));
    assert!(differences.contains("\"recorded\": \"SomethingElse\""), "{differences}");
    std::fs::write(&file, "no recording").unwrap();
    assert_eq!(compare(&[]).0, Some(2));
}

#[test]
fn a_port_in_use_ends_it_with_1() {
    let server = Server::start(&[]);
    let port = server.address.rsplit(':').next().unwrap();
    let output = Command::new(PROGRAM).args(["--port", port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(port));
}

/// The headers of a request that a key signs. Signatures are not verified.
fn signed(key: &str, service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={key}/20261129/us-east-1/{service}/aws4_request, Signature=0\r\n"
    )
}

#[test]
fn with_any_credentials_every_key_is_one_of_the_root_user() {
    let key = signed("AKIAFOREIGN", "sso");
    let strict = Server::start(&["enabled"]);
    let refused = strict.call_with("SWBExternalService.ListInstances", "{}", &key);
    assert!(refused.contains("UnrecognizedClientException"), "{refused}");
    let any = Server::start(&["enabled", "--credentials", "any"]);
    let answer = any.call_with("SWBExternalService.ListInstances", "{}", &key);
    assert!(answer.contains("ssoins-"), "{answer}");
    let unsigned = any.call("SWBExternalService.ListInstances");
    assert!(unsigned.contains("MissingAuthenticationToken"), "{unsigned}");
}

#[test]
fn a_test_runner_can_ask_whether_it_is_ready_and_reset_it() {
    let server = Server::start(&["enabled", "--credentials", "any"]);
    let health = server.request("GET", "/_sim/health");
    assert!(
        health.starts_with("HTTP/1.1 200") && health.contains("\"status\":\"ok\""),
        "{health}"
    );
    let store = || server.request("GET", "/_sim/state");
    for path in ["/_sim/reset", "/moto-api/reset"] {
        let body = format!(
            "{{\"IdentityStoreId\":\"{}\",\"DisplayName\":\"Builders\"}}",
            store_id(&store())
        );
        let made = server.call_with(
            "AWSIdentityStore.CreateGroup",
            &body,
            &signed("AKIAFOREIGN", "identitystore"),
        );
        assert!(made.contains("GroupId"), "{made}");
        assert!(store().contains("Builders"));
        assert!(server.request("POST", path).starts_with("HTTP/1.1 200"));
        assert!(!store().contains("Builders"), "{path}");
    }
    // An unknown path is an error that names those that there are.
    let unknown = server.request("GET", "/_sim/nothing");
    assert!(
        unknown.starts_with("HTTP/1.1 404") && unknown.contains("GET /_sim/health"),
        "{unknown}"
    );
}

#[test]
fn a_test_runner_injects_faults_and_reads_the_calls() {
    let server = Server::start(&["enabled", "--credentials", "any", "--keep-calls"]);
    let list = || server.call_with("SWBExternalService.ListInstances", "{}", &signed("AKIAFOREIGN", "sso"));
    let post = |body: &str| server.post("/_sim/faults", body);
    let fault = "[[fault]]\noperation = \"ListInstances\"\nkind = \"throttle\"\n";
    assert!(post(fault).starts_with("HTTP/1.1 200"));
    assert!(list().contains("ThrottlingException"));
    assert!(server.request("DELETE", "/_sim/faults").starts_with("HTTP/1.1 200"));
    assert!(list().contains("ssoins-"));
    let calls = server.request("GET", "/_sim/calls");
    assert_eq!(calls.matches("\"operation\":\"ListInstances\"").count(), 2, "{calls}");
    server.request("POST", "/_sim/reset");
    assert!(server.request("GET", "/_sim/calls").contains("\"calls\":[]"));
    let refused = post("[[fault]]\noperation = \"NoSuchOperation\"\nkind = \"throttle\"\n");
    assert!(
        refused.starts_with("HTTP/1.1 400") && refused.contains("NoSuchOperation"),
        "{refused}"
    );
}

#[test]
fn of_calls_at_the_same_time_exactly_those_with_the_fault_fail_later() {
    let server = Server::start(&["complete", "--credentials", "any"]);
    let (sso, state) = (signed("AKIAFOREIGN", "sso"), server.request("GET", "/_sim/state"));
    let arn_of = |prefix: &str| {
        let at = state.find(prefix).unwrap();
        state[at..].split('"').next().unwrap().to_owned()
    };
    let body = format!(
        "{{\"InstanceArn\":\"{}\",\"PermissionSetArn\":\"{}\",\"TargetType\":\"ALL_PROVISIONED_ACCOUNTS\"}}",
        arn_of("arn:aws:sso:::instance/"),
        arn_of("arn:aws:sso:::permissionSet/")
    );
    let provision = || server.call_with("SWBExternalService.ProvisionPermissionSet", &body, &sso);
    assert!(provision().contains("IN_PROGRESS"));
    let faults: Vec<String> = (1..=40)
        .step_by(2)
        .map(|nth| {
            format!("[[fault]]\noperation = \"ProvisionPermissionSet\"\nnth = {nth}\nkind = \"fail-later\"\nmessage = \"odd\"\n")
        })
        // This call starts nothing, so it leaves the operation above alone.
        .chain(["[[fault]]\noperation = \"ListInstances\"\nkind = \"fail-later\"\n".to_owned()])
        .collect();
    assert!(
        server
            .post("/_sim/faults", &faults.concat())
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        server
            .call_with("SWBExternalService.ListInstances", "{}", &sso)
            .contains("ssoins-")
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..5).for_each(|_| assert!(provision().contains("RequestId"))));
        }
    });
    let state = server.request("GET", "/_sim/state");
    let operations = state.matches("\"kind\":\"Provision\"").count();
    assert_eq!(
        (operations, state.matches("{\"Failed\":\"odd\"}").count()),
        (41, 20),
        "{state}"
    );
    assert!(!state.contains("injected by the faults file"), "{state}");
}

#[test]
fn a_reset_restores_the_faults_and_the_quota_of_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults.toml");
    std::fs::write(
        &file,
        "[[fault]]\noperation = \"ListInstances\"\nnth = 1\nkind = \"throttle\"\n",
    )
    .unwrap();
    let faults = file.to_str().unwrap();
    let server = Server::start(&["enabled", "--credentials", "any", "--faults", faults, "--quota", "aws"]);
    let list = || server.call_with("SWBExternalService.ListInstances", "{}", &signed("AKIAFOREIGN", "sso"));
    for _ in 0..2 {
        assert!(list().contains("ThrottlingException"), "the first call of --faults");
        // The first call was not counted: the fault came before the quota.
        let accepted = (0..20).filter(|_| list().contains("ssoins-")).count();
        assert_eq!(accepted, 20);
        server.request("POST", "/_sim/reset");
    }
}

#[test]
fn it_ends_with_the_program_that_started_it() {
    let mut child = Command::new(PROGRAM)
        .args(["enabled", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn store_id(state: &str) -> String {
    let at = state.find("\"id\":\"d-").unwrap() + "\"id\":\"".len();
    state[at..at + 12].to_owned()
}

#[test]
fn what_is_not_simulated_is_501_with_its_name_in_every_protocol() {
    let server = Server::start(&["enabled", "--credentials", "any"]);
    let key = |service: &str| signed("AKIAFOREIGN", service);
    for (target, service) in [
        ("SWBExternalService.NewOperation", "sso"),
        ("AWSOrganizationsV20161128.InviteAccountToOrganization", "organizations"),
    ] {
        let name = target.rsplit('.').next().unwrap();
        // Signed or not.
        for headers in [key(service), String::new()] {
            let answer = server.call_with(target, "{}", &headers);
            assert!(answer.starts_with("HTTP/1.1 501") && answer.contains(name), "{answer}");
        }
    }
    for (method, path, name) in [
        ("GET", "/some-bucket?policyStatus", "GetBucketPolicyStatus"),
        ("DELETE", "/some-bucket/some/key", "DeleteObject"),
        ("PUT", "/some-bucket/key?acl", "PutObjectAcl"),
    ] {
        let answer = server.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\n{}Content-Length: 0\r\nConnection: close\r\n\r\n",
            key("s3")
        ));
        assert!(answer.starts_with("HTTP/1.1 501") && answer.contains(name), "{answer}");
    }
    let unsigned = "Action=AssumeRoleWithSAML&Version=2011-06-15";
    let answer = server.send(&format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{unsigned}",
        unsigned.len()
    ));
    assert!(
        answer.starts_with("HTTP/1.1 501") && answer.contains("AssumeRoleWithSAML"),
        "{answer}"
    );
}

#[test]
fn it_writes_man_pages_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let status = Command::new(PROGRAM).arg("man").arg(&pages).status().unwrap();
    assert!(status.success());
    for page in ["idc-sim.1", "idc-sim-compare.1"] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let output = Command::new(PROGRAM).args(["completions", "bash"]).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--keep-calls"));
    // A folder that cannot be created.
    let status = Command::new(PROGRAM).arg("man").arg(pages.join("idc-sim.1")).status();
    assert_eq!(status.unwrap().code(), Some(1));
}
