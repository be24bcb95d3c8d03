//! Every fault at every operation, and the table that keeps what comes of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use idc_setup::rehearsal::{Fault, FaultKind, Refusal, World, worlds};

use super::{Ran, Stage};

/// A run may wait for AWS, and for a person; longer than this it hangs.
const LIMIT: Duration = Duration::from_secs(150);
const AT_ONCE: usize = 8;
/// Of those that wait for most of their time.
const WAITING_AT_ONCE: usize = 24;

/// A fault: its column, what happens, and whether it lasts.
#[derive(Debug, Clone)]
pub struct Wrong {
    pub name: &'static str,
    kind: FaultKind,
    /// At every call, and not at one alone.
    lasts: bool,
}

impl Wrong {
    /// What the service says, where it says no.
    pub fn code(&self, row: &str) -> Option<String> {
        match self.kind_at(row) {
            FaultKind::Refuse(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Each service has its own words and statuses for the same ("Error responses" of Amazon S3; "Common errors" of IAM
    /// and STS).
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
            Some((_, code, status)) => Refusal::new(code, refusal.message.clone()).with_status(*status),
            None => refusal.clone(),
        })
    }
}

/// Every fault: at one call each, and some for good. (What AWS says is not there, time after time, is not there.)
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

/// Name and making of each fault.
fn kinds() -> Vec<(&'static str, FaultKind)> {
    let refuse = |code: &str, words: &str| FaultKind::Refuse(Refusal::new(code, words));
    let mut throttle = Refusal::new("ThrottlingException", "Rate exceeded");
    throttle.extra = serde_json::json!({"RetryAfterSeconds": 1})
        .as_object()
        .cloned()
        .unwrap_or_default();
    let html = FaultKind::Foreign {
        status: 503,
        content_type: "text/html".to_owned(),
        body: "<html>Service unavailable</html>".to_owned(),
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
                Refusal::new("ConflictException", "Duplicate").with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION"),
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
            FaultKind::Refuse(Refusal::new("InternalServerException", "try again").with_status(500)),
        ),
        ("html", html),
        ("page", page),
        ("garbage", garbage),
        ("cut before", FaultKind::CutBefore),
        ("cut after", FaultKind::CutAfter),
        ("reset", FaultKind::Reset),
        ("half after", FaultKind::HalfAfter),
        (SILENT, FaultKind::Delay(CALL_LIMIT + Duration::from_secs(5))),
    ]
}

/// Nothing comes within the limit of a call (`docs/limits.md`).
const SILENT: &str = "no answer";
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// Where a row of the table is of an operation's second call.
const SECOND: &str = ", 2nd";

/// Where AWS says once of each thing that it is at work on it, so that the calls of a run are the same ones on a slow machine.
pub fn stage(mut world: World) -> Stage {
    world.pace.looks = Some(1);
    Stage::with(world)
}

/// A world of the rehearsal's.
pub fn named(world: &str) -> World {
    worlds::named(world).expect("a known world")
}

/// Lets the first call of an operation go wrong, or its second, or each.
pub fn strike(stage: &Stage, row: &str, wrong: &Wrong) {
    let operation = row.strip_suffix(SECOND).unwrap_or(row);
    stage.server.fault(Fault {
        operation: operation.split_once(':').map(|(_, name)| name.to_owned()),
        nth: (!wrong.lasts).then_some(if row.ends_with(SECOND) { 2 } else { 1 }),
        kind: wrong.kind_at(row),
    });
}

/// An error says what AWS said, where it said anything, and how to go on.
pub fn says_it(error: &serde_json::Value, row: &str, wrong: &Wrong) {
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    assert!(
        !text("message").is_empty() && text("next").contains("idc-setup "),
        "{row}: {error}"
    );
    // The answer to a HEAD has no words, and what AWS says is not there needs none: it was to go.
    let is_told = !row.contains(":Head") && wrong.name != "not found";
    if let Some(code) = wrong.code(row).filter(|_| is_told) {
        let says = text("message").contains(&code) || error["aws"]["code"] == *code;
        assert!(says, "{row} with {}: {code} is not said: {error}", wrong.name);
    }
}

/// Every operation that has been called since the first `since` calls; twice, where it was called again.
pub fn operations(stage: &Stage, since: usize) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for call in stage.server.calls().into_iter().skip(since) {
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

/// Whether an operation can be accepted and fail later.
fn can_fail_later(row: &str) -> bool {
    [
        "CreateAccountAssignment",
        "DeleteAccountAssignment",
        "ProvisionPermissionSet",
    ]
    .iter()
    .any(|operation| row.contains(operation) && !row.contains("Describe") && !row.contains("List"))
}

/// Ends within the limit, or fails.
pub fn ended(stage: &Stage, args: &[&str]) -> Ran {
    let mut child = stage
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
            panic!("it hangs: {}", ran.summary());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ran::of(child.wait_with_output().unwrap())
}

/// A table in the repository.
pub struct KeptTable {
    pub file: &'static str,
    /// What stands above it.
    pub about: &'static str,
}

impl KeptTable {
    /// Holds what comes of each fault at each operation (each `every`-th of them, where not all are wanted) against the table.
    pub fn is_what_comes_of(&self, operations: &[String], every: usize, cell: impl Fn(&str, &Wrong) -> String + Sync) {
        let is_full = std::env::var_os("FULL_SWEEPS").is_some();
        let with_faults = |operation: &String| {
            let operation = operation.clone();
            let may = can_fail_later(&operation);
            let is_second = operation.ends_with(SECOND);
            faults()
                .into_iter()
                .filter(move |wrong| may || !matches!(wrong.kind, FaultKind::FailLater(_)))
                .filter(move |wrong| !(wrong.lasts && is_second))
                .map(move |wrong| (operation.clone(), wrong))
        };
        // One column alone: the rest of the table is kept.
        let only = std::env::var("FAULT").ok();
        let chosen: Vec<_> = operations
            .iter()
            .flat_map(with_faults)
            .filter(|(_, wrong)| {
                only.as_ref()
                    .is_none_or(|only| only.split(',').any(|only| only == wrong.name))
            })
            .step_by(if is_full { 1 } else { every })
            .collect();
        let waits = |wrong: &Wrong| wrong.name == SILENT || wrong.lasts;
        let (waiting, working): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|(_, wrong)| waits(wrong));
        let cells = Mutex::new(BTreeMap::new());
        let wrong = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for (queue, at_once) in [(&waiting, WAITING_AT_ONCE), (&working, AT_ONCE)] {
                let next = std::sync::Arc::new(AtomicUsize::new(0));
                for _ in 0..at_once {
                    let (next, cells, cell, bad) = (std::sync::Arc::clone(&next), &cells, &cell, &wrong);
                    scope.spawn(move || {
                        while let Some((operation, wrong)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                            // All that goes wrong is wanted, and not the first alone.
                            let tried = AssertUnwindSafe(|| cell(operation, wrong));
                            let Ok(came_of_it) = std::panic::catch_unwind(tried) else {
                                bad.lock().unwrap().push(format!("{operation} with {}", wrong.name));
                                continue;
                            };
                            cells
                                .lock()
                                .unwrap()
                                .insert((operation.clone(), wrong.name), came_of_it);
                        }
                    });
                }
            }
        });
        let wrong = wrong.into_inner().unwrap();
        assert!(wrong.is_empty(), "{}:\n{}", self.file, wrong.join("\n"));
        let cells = cells.into_inner().unwrap();
        if is_full && std::env::var_os("UPDATE_FAULTS").is_some() {
            std::fs::write(self.path(), self.table(&cells, operations)).unwrap();
        }
        let kept = self.kept();
        // A row of an operation that nobody calls any more says nothing.
        let rows: std::collections::BTreeSet<&String> = kept.keys().map(|(operation, _)| operation).collect();
        let known: std::collections::BTreeSet<&String> = operations.iter().collect();
        assert_eq!(rows, known, "{}: the operations are others", self.file);
        let mut others = String::new();
        for ((operation, name), came_of_it) in &cells {
            let known = kept.get(&(operation.clone(), (*name).to_owned()));
            if known != Some(came_of_it) {
                let known = known.map_or("nothing", String::as_str);
                let _ = writeln!(others, "{operation} with {name}: {came_of_it}, and not {known}");
            }
        }
        let update = "UPDATE_FAULTS=1 with FULL_SWEEPS=1 keeps what comes now";
        assert!(others.is_empty(), "{}: {update}\n{others}", self.file);
    }

    fn path(&self) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.file)
    }

    fn table(&self, cells: &BTreeMap<(String, &str), String>, operations: &[String]) -> String {
        let faults = faults();
        let mut out = self.about.to_owned();
        let kept = self.kept();
        let known = |operation: &String, name: &str| {
            let kept = kept.get(&(operation.clone(), name.to_owned()));
            kept.map_or_else(|| "–".to_owned(), Clone::clone)
        };
        let names: Vec<&str> = faults.iter().map(|wrong| wrong.name).collect();
        let _ = writeln!(out, "| operation | {} |", names.join(" | "));
        let _ = writeln!(out, "| --- |{}", " --- |".repeat(names.len()));
        for operation in operations {
            let row: Vec<String> = names
                .iter()
                .map(|name| {
                    let cell = cells.get(&(operation.clone(), *name));
                    cell.map_or_else(|| known(operation, name), Clone::clone)
                })
                .collect();
            let _ = writeln!(out, "| `{operation}` | {} |", row.join(" | "));
        }
        out
    }

    /// The kept table's cells.
    fn kept(&self) -> BTreeMap<(String, String), String> {
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        let rows: Vec<Vec<String>> = text
            .lines()
            .filter(|line| line.starts_with("| "))
            .map(|line| {
                line.trim_matches('|')
                    .split('|')
                    .map(|cell| cell.trim().to_owned())
                    .collect()
            })
            .collect();
        let Some(header) = rows.first().cloned() else {
            return BTreeMap::new();
        };
        let mut cells = BTreeMap::new();
        for row in rows.iter().filter(|row| row[0].starts_with('`')) {
            for (name, cell) in header.iter().zip(row).skip(1) {
                cells.insert((row[0].trim_matches('`').to_owned(), name.clone()), cell.clone());
            }
        }
        cells
    }
}
