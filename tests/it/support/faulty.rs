//! Injects every kind of fault into every operation.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use idc_sim::{Cloud, Fault, FaultKind, ServiceError, scenarios};

use super::{RunResult, TestEnv};

/// Time limit for one run, which may wait for AWS and for the simulated person.
const LIMIT: Duration = Duration::from_secs(150);

/// A column of the fault tables: a fault, and which calls it affects.
#[derive(Debug, Clone)]
pub struct FaultCase {
    pub name: &'static str,
    kind: FaultKind,
    /// Whether the fault affects every call, instead of a single one.
    pub is_permanent: bool,
}

impl FaultCase {
    /// Returns whether the service accepts the request and the operation fails later.
    pub fn fails_later(&self) -> bool {
        matches!(self.kind, FaultKind::FailLater(_))
    }

    /// Returns the error code that the service returns, if it returns an error.
    pub fn code(&self, row: &str) -> Option<String> {
        match self.kind_at(row) {
            FaultKind::Refuse(error) => Some(error.code),
            _ => None,
        }
    }

    /// Returns the fault with the error code and status of the row's service, because S3, IAM and STS have their own
    /// ("Error responses" of Amazon S3; "Common errors" of IAM and STS).
    fn kind_at(&self, row: &str) -> FaultKind {
        let FaultKind::Refuse(error) = &self.kind else {
            return self.kind.clone();
        };
        let s3_errors = [
            ("ThrottlingException", "SlowDown", 503),
            ("AccessDeniedException", "AccessDenied", 403),
            ("ExpiredTokenException", "ExpiredToken", 400),
            ("ConflictException", "OperationAborted", 409),
            ("ResourceNotFoundException", "NoSuchBucket", 404),
            ("InternalServerException", "InternalError", 500),
        ];
        let query_errors = [
            ("ThrottlingException", "Throttling", 400),
            ("AccessDeniedException", "AccessDenied", 403),
            ("ExpiredTokenException", "ExpiredToken", 403),
            ("ResourceNotFoundException", "NoSuchEntity", 404),
            ("InternalServerException", "InternalFailure", 500),
        ];
        let replacements: &[(&str, &str, u16)] = match row.split(':').next() {
            Some("s3") => &s3_errors,
            Some("iam" | "sts") => &query_errors,
            _ => &[],
        };
        let replacement = replacements.iter().find(|(code, ..)| *code == error.code);
        FaultKind::Refuse(match replacement {
            Some((_, code, status)) => ServiceError::new(code, error.message.clone()).with_status(*status),
            None => error.clone(),
        })
    }
}

/// Returns every fault at a single call, and some faults at every call. A "not found" error at every call is not a
/// fault: it means that the resource does not exist.
pub fn faults() -> Vec<FaultCase> {
    let once = kinds();
    let permanent = [
        (PERMANENT[0], "AccessDenied"),
        (PERMANENT[1], "throttled"),
        (PERMANENT[2], "internal"),
        (PERMANENT[3], "cut before"),
    ];
    let kind = |base: &str| once.iter().find(|(name, _)| *name == base).unwrap().1.clone();
    let permanent = permanent.map(|(name, base)| FaultCase {
        name,
        kind: kind(base),
        is_permanent: true,
    });
    let single = once.iter().map(|(name, kind)| FaultCase {
        name,
        kind: kind.clone(),
        is_permanent: false,
    });
    single.chain(permanent).collect()
}

const PERMANENT: [&str; 4] = [
    "denied for good",
    "throttled for good",
    "internal for good",
    "cut for good",
];

/// Returns the faults by name.
fn kinds() -> Vec<(&'static str, FaultKind)> {
    let refuse = |code: &str, words: &str| FaultKind::Refuse(ServiceError::new(code, words));
    let mut throttle = ServiceError::new("ThrottlingException", "Rate exceeded");
    throttle.extra = serde_json::json!({"RetryAfterSeconds": 1})
        .as_object()
        .cloned()
        .unwrap_or_default();
    let html = FaultKind::Foreign {
        status: 503,
        content_type: "text/html".to_owned(),
        body: "<html>Service unavailable</html>".to_owned(),
    };
    let broken = FaultKind::Foreign {
        status: 500,
        content_type: "text/html".to_owned(),
        body: "<html>The proxy is broken</html>".to_owned(),
    };
    let page = FaultKind::Foreign {
        status: 200,
        content_type: "text/html; charset=utf-8".to_owned(),
        body: "<html>Please sign in to the hotel's network</html>".to_owned(),
    };
    let garbage = FaultKind::Foreign {
        status: 200,
        content_type: "application/json".to_owned(),
        body: "{\"broken".to_owned(),
    };
    vec![
        ("delay", FaultKind::Delay(Duration::from_secs(2))),
        ("throttled", FaultKind::Refuse(throttle)),
        (
            "AccessDenied",
            refuse("AccessDeniedException", "not authorized to do this"),
        ),
        (
            "ExpiredToken",
            refuse(
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
        ),
        (
            "conflict",
            refuse("ConflictException", "An earlier change has not propagated yet"),
        ),
        (
            "not unique",
            FaultKind::Refuse(
                ServiceError::new("ConflictException", "Duplicate").with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION"),
            ),
        ),
        ("FAILED", FaultKind::FailLater("the operation failed".to_owned())),
        (
            "quota",
            refuse("ServiceQuotaExceededException", "You have reached the limit"),
        ),
        ("not found", refuse("ResourceNotFoundException", "It was not found")),
        (
            "internal",
            FaultKind::Refuse(ServiceError::new("InternalServerException", "try again").with_status(500)),
        ),
        ("html", html),
        ("html 500", broken),
        ("page", page),
        ("garbage", garbage),
        ("cut before", FaultKind::CutBefore),
        ("cut after", FaultKind::CutAfter),
        ("reset", FaultKind::Reset),
        ("half after", FaultKind::HalfAfter),
        (NO_RESPONSE, FaultKind::Delay(CALL_LIMIT + Duration::from_secs(5))),
    ]
}

/// The name of the fault where no response arrives within the time limit of a call (`docs/limits.md`).
pub const NO_RESPONSE: &str = "no answer";
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// Suffix of the rows for the second call of an operation.
pub const SECOND_CALL: &str = ", 2nd";

/// Starts a server that completes each asynchronous operation after one poll, so that a run makes the same calls on a
/// slow machine.
pub fn env(mut cloud: Cloud) -> TestEnv {
    cloud.timing.polls = Some(1);
    TestEnv::with(cloud)
}

/// Returns a named scenario.
pub fn scenario(name: &str) -> Cloud {
    scenarios::named(name).expect("a known scenario")
}

/// Runs the binary with a fault. Asserts that the fault was injected, that the run did not panic, and that a failed run
/// exits with code 4 exactly if the fault concerns the credentials.
pub fn run_with_fault(env: &TestEnv, row: &str, fault: &FaultCase, args: &[&str]) -> RunResult {
    let nth = if row.ends_with(SECOND_CALL) { 2 } else { 1 };
    run_with_fault_at(env, row, nth, fault, args)
}

/// Like [`run_with_fault`], with the fault in the n-th call of the row's operation.
pub fn run_with_fault_at(env: &TestEnv, row: &str, nth: u32, fault: &FaultCase, args: &[&str]) -> RunResult {
    inject_fault(env, row, nth, fault);
    let result = run_to_end(env, args);
    let what = format!("{row} with {}", fault.name);
    assert!(!result.stderr.contains("panicked"), "{what}: {}", result.stderr);
    // The call log contains a call only when it has finished, and a client that times out does not wait for that.
    let was_injected = env.server.calls().iter().any(|call| call.fault.is_some());
    assert!(
        was_injected || fault.name == NO_RESPONSE,
        "{what}: the fault was never injected"
    );
    // Calls to sso-oidc and sso are not signed with the caller's credentials, and the response to a HEAD request has
    // no error code.
    let is_unsigned = row.starts_with("sso-oidc:") || row.starts_with("sso:");
    let has_no_code = row.contains(":Head") && fault.name == "ExpiredToken";
    let is_credentials_fault = ["AccessDenied", "ExpiredToken", PERMANENT[0]].contains(&fault.name);
    if result.code != 0 && !is_unsigned && !has_no_code {
        assert_eq!(result.code == 4, is_credentials_fault, "{what}: exit {}", result.code);
    }
    result
}

/// Injects a fault into the n-th call of an operation, or into every call.
fn inject_fault(env: &TestEnv, row: &str, nth: u32, fault: &FaultCase) {
    let operation = row.strip_suffix(SECOND_CALL).unwrap_or(row);
    env.server.fault(Fault {
        operation: operation.split_once(':').map(|(_, name)| name.to_owned()),
        nth: (!fault.is_permanent).then_some(nth),
        kind: fault.kind_at(row),
    });
}

/// Asserts that an error contains the error code from AWS, if there is one, and a next command.
pub fn assert_error_is_reported(error: &serde_json::Value, row: &str, fault: &FaultCase) {
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    assert!(
        !text("message").is_empty() && error["next"].to_string().contains("idc-setup"),
        "{row}: {error}"
    );
    // The response to a HEAD request has no error code. A "not found" error during a deletion is not reported.
    let is_reported = !row.contains(":Head") && fault.name != "not found";
    if let Some(code) = fault.code(row).filter(|_| is_reported) {
        let names_code = text("message").contains(&code) || error["aws"]["code"] == *code;
        assert!(names_code, "{row} with {}: {code} is not reported: {error}", fault.name);
    }
}

/// Returns a row for each operation that was called after the first `since` calls, and a second row for each that was
/// called more than once.
pub fn operations(env: &TestEnv, since: usize) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for call in env.server.calls().into_iter().skip(since) {
        *counts
            .entry(format!("{}:{}", call.service, call.operation))
            .or_insert(0) += 1;
    }
    let rows = counts.into_iter().flat_map(|(operation, count)| {
        let second = (count > 1).then(|| format!("{operation}{SECOND_CALL}"));
        [Some(operation), second].into_iter().flatten()
    });
    rows.collect()
}

/// Runs the binary, and asserts that it exits within the time limit.
pub fn run_to_end(env: &TestEnv, args: &[&str]) -> RunResult {
    let mut child = env
        .command(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > LIMIT {
            let _ = child.kill();
            let result = RunResult::new(child.wait_with_output().unwrap());
            panic!("the run does not end: {}", result.summary());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    RunResult::new(child.wait_with_output().unwrap())
}
