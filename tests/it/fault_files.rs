//! Simulated failures: faults from a file, reset and refused connections, and the request quota.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use idc_sim::FaultKind;

use super::rehearsed::run;
use super::support::TestEnv;

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
    let result = run(
        &env,
        &[
            "rehearse",
            "--non-interactive",
            "--world=enabled",
            "--faults=faults.toml",
            "--calls=calls.jsonl",
            "--output=json",
        ],
    )
    .expect(0);
    assert_eq!(result.step("create-user")["origin"], "created");
    let log = std::fs::read_to_string(env.path("calls.jsonl")).unwrap();
    for fault in ["cut-after", "refuse", "foreign", "delay", "reset", "refused"] {
        assert!(log.contains(&format!("\"fault\":\"{fault}\"")), "{fault}");
    }
    std::fs::write(env.path("bad.toml"), "[[fault]]\nkind = \"explode\"\n").unwrap();
    run(&env, &["rehearse", "--faults=bad.toml"])
        .expect(2)
        .expect_text("line 2");
}

#[test]
fn simulated_resets_and_refused_connections_are_real() {
    let env = TestEnv::new("enabled");
    let ask = || -> std::io::Result<String> {
        let address = env.server.url();
        let mut stream = std::net::TcpStream::connect(address.trim_start_matches("http://"))?;
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
    env.fault("ListInstances", 1, FaultKind::Refused(Duration::from_millis(400)));
    let start = Instant::now();
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionReset);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    while ask().is_err() {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(start.elapsed() >= Duration::from_millis(400));
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
