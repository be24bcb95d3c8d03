//! Simulated failures: faults from a file, reset and refused connections, and the request quota.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use idc_sim::{FaultKind, Options, Server, scenarios};

use super::rehearsed::{idc, run, serve};
use super::support::{RUNTIME, TestEnv};

/// Sends a call with an access key ID, and returns the response.
fn call(url: &str, key: &str, target: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Amz-Target: {target}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={key}/20261124/us-east-1/sso/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

/// A rehearsal with the faults in `faults.toml`.
const WITH_FAULTS: [&str; 6] = [
    "rehearse",
    "--non-interactive",
    "--world=enabled",
    "--faults=faults.toml",
    "--calls=calls.jsonl",
    "--output=json",
];

/// Asserts that the log of calls has these faults.
#[track_caller]
fn assert_logged(env: &TestEnv, faults: &[&str]) {
    let log = std::fs::read_to_string(env.path("calls.jsonl")).unwrap();
    for fault in faults {
        assert!(log.contains(&format!("\"fault\":\"{fault}\"")), "{fault}");
    }
}

#[test]
fn a_run_completes_despite_the_faults_defined_in_a_file() {
    let env = TestEnv::new("fresh");
    std::fs::write(
        env.path("faults.toml"),
        r#"
        [[fault]]
        operation = "CreateUser"
        nth = 1
        kind = "cut-after"

        [[fault]]
        operation = "CreatePermissionSet"
        nth = 1
        kind = "throttle"
        retry-after-seconds = 1

        [[fault]]
        operation = "ListPermissionSets"
        nth = 1
        kind = "status"
        status = 503

        [[fault]]
        operation = "CreateGroup"
        nth = 1
        kind = "error"
        code = "InternalServerException"
        status = 500

        [[fault]]
        operation = "GetUserId"
        nth = 1
        kind = "delay"
        delay = "200ms"

        [[fault]]
        operation = "GetGroupId"
        nth = 1
        kind = "reset"

        [[fault]]
        operation = "AttachManagedPolicyToPermissionSet"
        nth = 1
        kind = "refused"
        delay = "300ms"
        "#,
    )
    .unwrap();
    let result = run(&env, &WITH_FAULTS).expect(0);
    assert_eq!(result.step("create-user")["origin"], "created");
    assert_logged(&env, &["cut-after", "refuse", "foreign", "delay", "reset", "refused"]);
    std::fs::write(env.path("bad.toml"), "[[fault]]\nkind = \"explode\"\n").unwrap();
    run(&env, &["rehearse", "--faults=bad.toml"])
        .expect(2)
        .expect_text("line 2");
}

#[test]
fn a_fault_that_would_have_no_effect_is_rejected() {
    let env = TestEnv::new("fresh");
    for (fault, why) in [
        (
            "operation = \"CreateUsr\"\nkind = \"reset\"",
            "no operation \"CreateUsr\"",
        ),
        ("kind = \"reset\"\nnth = 0", "nonzero"),
        ("kind = \"delay\"\ndelay = \"-2s\"", "line 3"),
        ("kind = \"status\"\nstatus = 99", "99 is not the status of a response"),
        (
            "kind = \"throttle\"\nstatus = 429",
            "fault 1: its kind does not use the key \"status\"",
        ),
        (
            "kind = \"reset\"\ndelay = \"2s\"",
            "fault 1: its kind does not use the key \"delay\"",
        ),
    ] {
        std::fs::write(env.path("bad.toml"), format!("[[fault]]\n{fault}\n")).unwrap();
        run(&env, &["rehearse", "--faults=bad.toml"]).expect(2).expect_text(why);
    }
}

#[test]
fn simulated_resets_and_refused_connections_are_real() {
    let env = TestEnv::new("enabled");
    let ask = || -> std::io::Result<String> {
        let address = env.server.url();
        let mut stream = TcpStream::connect(address.trim_start_matches("http://"))?;
        let body = "{}";
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: SWBExternalService.ListInstances\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        Ok(response)
    };
    env.fault("ListInstances", 1, FaultKind::Reset);
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(ask().unwrap().starts_with("HTTP/1.1 403"));
    let outage = Duration::from_secs(2);
    env.fault("ListInstances", 1, FaultKind::Refused(outage));
    let start = Instant::now();
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionReset);
    let mut errors = Vec::new();
    while let Err(error) = ask() {
        assert!(start.elapsed() < Duration::from_secs(20));
        errors.push(error.kind());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(start.elapsed() >= outage);
    assert!(errors.contains(&ErrorKind::ConnectionRefused), "{errors:?}");
    // A reset ends an outage.
    env.fault("ListInstances", 1, FaultKind::Refused(Duration::from_mins(10)));
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionReset);
    env.server.reset().unwrap();
    let start = Instant::now();
    while ask().is_err() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_completes_under_the_aws_request_quota() {
    let env = TestEnv::new("fresh");
    let args = [
        "rehearse",
        "--non-interactive",
        "--world=enabled",
        "--quota=aws",
        "--output=json",
    ];
    run(&env, &args).expect(0);
}

#[test]
fn responses_can_be_malformed_or_cut_and_operations_can_fail_later() {
    let env = TestEnv::new("fresh");
    std::fs::write(
        env.path("faults.toml"),
        r#"
        [[fault]]
        operation = "ListPermissionSets"
        nth = 1
        kind = "cut-before"

        [[fault]]
        operation = "CreateUser"
        nth = 1
        kind = "half-after"

        [[fault]]
        operation = "GetGroupId"
        nth = 1
        kind = "malformed"

        [[fault]]
        operation = "CreateAccountAssignment"
        nth = 1
        kind = "fail-later"
        message = "the role is in use"
        "#,
    )
    .unwrap();
    let result = run(&env, &WITH_FAULTS).expect(1);
    let error = result.step("account-assignment")["error"]["message"].to_string();
    assert!(error.contains("the role is in use"), "{error}");
    assert_eq!(result.step("create-group")["state"], "done");
    assert_logged(&env, &["cut-before", "half-after", "foreign", "fail-later"]);
}

#[test]
fn the_aws_quota_throttles_more_than_20_requests_a_second() {
    let env = TestEnv::new("fresh");
    let mut command = idc(&env, &["rehearse", "--serve", "--world=enabled", "--quota=aws"]);
    let (_server, variables) = serve(&mut command, 9);
    let (url, key) = (&variables["AWS_ENDPOINT_URL"], &variables["AWS_ACCESS_KEY_ID"]);
    let list = || call(url, key, "SWBExternalService.ListInstances", "{}");
    for n in 1..=20 {
        let response = list();
        assert!(response.starts_with("HTTP/1.1 200"), "{n}: {response}");
    }
    // A busy machine sends fewer than 20 requests a second at times, so that the quota recovers.
    let throttled = (0..200)
        .map(|_| list())
        .find(|response| !response.starts_with("HTTP/1.1 200"));
    let response = throttled.expect("a throttled request");
    assert!(
        response.contains("ThrottlingException") && response.contains("\"Rate exceeded\""),
        "{response}"
    );
}

#[test]
fn half_of_the_latency_falls_before_a_call_takes_effect_and_half_after_it() {
    let latency = Duration::from_secs(2);
    let mut cloud = scenarios::named("enabled").unwrap();
    let root = cloud.root();
    let key = cloud.issue(root).access_key_id;
    let options = Options {
        latency,
        ..Options::default()
    };
    let server = RUNTIME.block_on(Server::start(cloud, options)).unwrap();
    let url = server.url();
    let start = Instant::now();
    let caller = std::thread::spawn(move || {
        let body = r#"{"IdentityStoreId": "d-9067aabbcc", "DisplayName": "Late"}"#;
        let response = call(&url, &key, "AWSIdentityStore.CreateGroup", body);
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        start.elapsed()
    });
    while server.cloud().instances[0].store.groups.is_empty() {
        assert!(start.elapsed() < Duration::from_secs(10), "the call has no effect");
        std::thread::sleep(Duration::from_millis(10));
    }
    let effect = start.elapsed();
    let response = caller.join().unwrap();
    assert!(effect >= latency / 2, "{effect:?}");
    // The effect is noticed late on a busy machine.
    assert!(
        response.saturating_sub(effect) >= latency / 8,
        "{effect:?} {response:?}"
    );
}
