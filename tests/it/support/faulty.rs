//! Injects every kind of fault into every operation.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use idc_sim::{Cloud, Fault, FaultKind, ServiceError, scenarios};

use super::{Ran, TestEnv};

/// Time limit for one run, which may wait for AWS and for the simulated person.
const LIMIT: Duration = Duration::from_secs(150);

/// A column of the fault tables: a fault, and which calls it affects.
#[derive(Debug, Clone)]
pub struct Wrong {
    pub name: &'static str,
    kind: FaultKind,
    /// Whether the fault affects every call, instead of a single one.
    pub lasts: bool,
}

impl Wrong {
    /// Returns whether the service accepts the request and the operation fails later.
    pub fn is_late(&self) -> bool {
        matches!(self.kind, FaultKind::FailLater(_))
    }

    /// Returns the error code that the service returns, if it returns an error.
    pub fn code(&self, row: &str) -> Option<String> {
        match self.kind_at(row) {
            FaultKind::Refuse(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Returns the fault with the error code and status of the row's service, because S3, IAM and STS have their own
    /// ("Error responses" of Amazon S3; "Common errors" of IAM and STS).
    fn kind_at(&self, row: &str) -> FaultKind {
        let FaultKind::Refuse(refusal) = &self.kind else {
            return self.kind.clone();
        };
        let of_s3 = [
            ("ThrottlingException", "SlowDown", 503),
            ("AccessDeniedException", "AccessDenied", 403),
            ("ExpiredTokenException", "ExpiredToken", 400),
            ("ConflictException", "OperationAborted", 409),
            ("ResourceNotFoundException", "NoSuchBucket", 404),
            ("InternalServerException", "InternalError", 500),
        ];
        let of_query = [
            ("ThrottlingException", "Throttling", 400),
            ("AccessDeniedException", "AccessDenied", 403),
            ("ExpiredTokenException", "ExpiredToken", 403),
            ("ResourceNotFoundException", "NoSuchEntity", 404),
            ("InternalServerException", "InternalFailure", 500),
        ];
        let own: &[(&str, &str, u16)] = match row.split(':').next() {
            Some("s3") => &of_s3,
            Some("iam" | "sts") => &of_query,
            _ => &[],
        };
        let own = own.iter().find(|(code, ..)| *code == refusal.code);
        FaultKind::Refuse(match own {
            Some((_, code, status)) => ServiceError::new(code, refusal.message.clone()).with_status(*status),
            None => refusal.clone(),
        })
    }
}

/// Returns every fault at a single call, and some faults at every call. A "not found" error at every call is not a
/// fault: it means that the resource does not exist.
pub fn faults() -> Vec<Wrong> {
    let once = kinds();
    let lasting = [
        (FOR_GOOD[0], "AccessDenied"),
        (FOR_GOOD[1], "throttled"),
        (FOR_GOOD[2], "internal"),
        (FOR_GOOD[3], "cut before"),
    ];
    let kind = |wanted: &str| once.iter().find(|(name, _)| *name == wanted).unwrap().1.clone();
    let lasting = lasting.map(|(name, of)| Wrong {
        name,
        kind: kind(of),
        lasts: true,
    });
    let single = once.iter().map(|(name, kind)| Wrong {
        name,
        kind: kind.clone(),
        lasts: false,
    });
    single.chain(lasting).collect()
}

const FOR_GOOD: [&str; 4] = [
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
            refuse("ConflictException", "An earlier change has not spread yet"),
        ),
        (
            "not unique",
            FaultKind::Refuse(
                ServiceError::new("ConflictException", "Duplicate").with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION"),
            ),
        ),
        ("FAILED", FaultKind::FailLater("it could not be done".to_owned())),
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
        (SILENT, FaultKind::Delay(CALL_LIMIT + Duration::from_secs(5))),
    ]
}

/// The name of the fault where no response arrives within the time limit of a call (`docs/limits.md`).
pub const SILENT: &str = "no answer";
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// Suffix of the rows for the second call of an operation.
pub const SECOND: &str = ", 2nd";

/// Starts a server that completes each asynchronous operation after one poll, so that a run makes the same calls on a
/// slow machine.
pub fn env(mut cloud: Cloud) -> TestEnv {
    cloud.timing.polls = Some(1);
    TestEnv::with(cloud)
}

/// Returns a named scenario.
pub fn named(cloud: &str) -> Cloud {
    scenarios::named(cloud).expect("a known scenario")
}

/// Runs the binary with a fault. Asserts that the fault was injected, that the run did not panic, and that a failed run
/// exits with code 4 exactly if the fault concerns the credentials.
pub fn struck(env: &TestEnv, row: &str, wrong: &Wrong, args: &[&str]) -> Ran {
    strike(env, row, wrong);
    let ran = ended(env, args);
    let what = format!("{row} with {}", wrong.name);
    assert!(!ran.stderr.contains("panicked"), "{what}: {}", ran.stderr);
    // The call log contains a call only when it has finished, and a client that times out does not wait for that.
    let is_met = env.server.calls().iter().any(|call| call.fault.is_some());
    assert!(is_met || wrong.name == SILENT, "{what}: the fault was never injected");
    // Calls to sso-oidc and sso are not signed with the caller's credentials, and the response to a HEAD request has
    // no error code.
    let is_of_others = row.starts_with("sso-oidc:") || row.starts_with("sso:");
    let is_wordless = row.contains(":Head") && wrong.name == "ExpiredToken";
    let is_of_credentials = ["AccessDenied", "ExpiredToken", FOR_GOOD[0]].contains(&wrong.name);
    if ran.code != 0 && !is_of_others && !is_wordless {
        assert_eq!(ran.code == 4, is_of_credentials, "{what}: exit {}", ran.code);
    }
    ran
}

/// Injects a fault into the first call of an operation, the second, or every call.
fn strike(env: &TestEnv, row: &str, wrong: &Wrong) {
    let operation = row.strip_suffix(SECOND).unwrap_or(row);
    env.server.fault(Fault {
        operation: operation.split_once(':').map(|(_, name)| name.to_owned()),
        nth: (!wrong.lasts).then_some(if row.ends_with(SECOND) { 2 } else { 1 }),
        kind: wrong.kind_at(row),
    });
}

/// Asserts that an error contains the error code from AWS, if there is one, and a next command.
pub fn says_it(error: &serde_json::Value, row: &str, wrong: &Wrong) {
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    assert!(
        !text("message").is_empty() && error["next"].to_string().contains("idc-setup "),
        "{row}: {error}"
    );
    // The response to a HEAD request has no error code. A "not found" error during a deletion is not reported.
    let is_told = !row.contains(":Head") && wrong.name != "not found";
    if let Some(code) = wrong.code(row).filter(|_| is_told) {
        let says = text("message").contains(&code) || error["aws"]["code"] == *code;
        assert!(says, "{row} with {}: {code} is not reported: {error}", wrong.name);
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
        let second = (count > 1).then(|| format!("{operation}{SECOND}"));
        [Some(operation), second].into_iter().flatten()
    });
    rows.collect()
}

/// Runs the binary, and asserts that it exits within the time limit.
pub fn ended(env: &TestEnv, args: &[&str]) -> Ran {
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
            let ran = Ran::of(child.wait_with_output().unwrap());
            panic!("the run does not end: {}", ran.summary());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ran::of(child.wait_with_output().unwrap())
}
