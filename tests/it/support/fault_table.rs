//! Tables in the repository that record the outcome of every fault at every operation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::faulty::{FaultCase, NO_RESPONSE, SECOND_CALL, faults};

const PARALLEL_RUNS: usize = 8;
/// The same for faults that make a run wait most of the time.
const PARALLEL_WAITING_RUNS: usize = 24;

/// Returns whether the service can accept the operation and fail it later.
pub fn can_fail_later(row: &str) -> bool {
    [
        "CreateAccountAssignment",
        "DeleteAccountAssignment",
        "ProvisionPermissionSet",
    ]
    .iter()
    .any(|operation| row.contains(operation) && !row.contains("Describe") && !row.contains("List"))
}

/// A table in the repository: its data in `tests/fixtures`, and its page in `docs`.
pub struct FaultTable {
    pub name: &'static str,
    /// The text above the table.
    pub about: &'static str,
}

impl FaultTable {
    /// Asserts that the outcome of each fault at each operation is the recorded one. Without `FULL_SWEEPS`, tests only
    /// every `every`-th combination.
    pub fn check(&self, operations: &[String], every: usize, cell: impl Fn(&str, &FaultCase) -> String + Sync) {
        let is_full_sweep = std::env::var_os("FULL_SWEEPS").is_some();
        let with_faults = |operation: &String| {
            let operation = operation.clone();
            let can_fail_later = can_fail_later(&operation);
            let is_second = operation.ends_with(SECOND_CALL);
            faults()
                .into_iter()
                .filter(move |fault| can_fail_later || !fault.fails_later())
                .filter(move |fault| !(fault.is_permanent && is_second))
                .map(move |fault| (operation.clone(), fault))
        };
        // `FAULT` selects columns. The others stay as recorded.
        let only = std::env::var("FAULT").ok();
        let chosen: Vec<_> = operations
            .iter()
            .flat_map(with_faults)
            .filter(|(_, fault)| {
                only.as_ref()
                    .is_none_or(|only| only.split(',').any(|only| only == fault.name))
            })
            .step_by(if is_full_sweep { 1 } else { every })
            .collect();
        let waits = |fault: &FaultCase| fault.name == NO_RESPONSE || fault.is_permanent;
        let (waiting, working): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|(_, fault)| waits(fault));
        let cells = Mutex::new(BTreeMap::new());
        let failures = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for (queue, parallel) in [(&waiting, PARALLEL_WAITING_RUNS), (&working, PARALLEL_RUNS)] {
                let next = Arc::new(AtomicUsize::new(0));
                for _ in 0..parallel {
                    let (next, cells, cell, failures) = (Arc::clone(&next), &cells, &cell, &failures);
                    scope.spawn(move || {
                        while let Some((operation, fault)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                            // Collect all failures instead of stopping at the first.
                            let tried = AssertUnwindSafe(|| cell(operation, fault));
                            let Ok(outcome) = std::panic::catch_unwind(tried) else {
                                failures
                                    .lock()
                                    .unwrap()
                                    .push(format!("{operation} with {}", fault.name));
                                continue;
                            };
                            cells.lock().unwrap().insert((operation.clone(), fault.name), outcome);
                        }
                    });
                }
            }
        });
        let failures = failures.into_inner().unwrap();
        assert!(failures.is_empty(), "{}:\n{}", self.name, failures.join("\n"));
        let cells = cells.into_inner().unwrap();
        let mut recorded = self.recorded();
        if is_full_sweep && std::env::var_os("UPDATE_FAULTS").is_some() {
            recorded.retain(|operation, _| operations.contains(operation));
            for ((operation, name), outcome) in &cells {
                let row = recorded.entry(operation.clone()).or_default();
                row.insert((*name).to_owned(), outcome.clone());
            }
            std::fs::write(self.data(), serde_json::to_string_pretty(&recorded).unwrap() + "\n").unwrap();
            std::fs::write(self.page(), self.table(&recorded, operations)).unwrap();
        }
        let page = std::fs::read_to_string(self.page()).unwrap_or_default();
        let update = "to record the current outcomes, set FULL_SWEEPS=1 and UPDATE_FAULTS=1";
        assert!(
            page == self.table(&recorded, operations),
            "docs/{}.md is not the page of the recorded outcomes: {update}",
            self.name
        );
        // The data must not keep operations that are no longer called.
        let rows: BTreeSet<&String> = recorded.keys().collect();
        let known: BTreeSet<&String> = operations.iter().collect();
        assert_eq!(rows, known, "{}: the recorded operations differ", self.name);
        let mut differences = String::new();
        for ((operation, name), outcome) in &cells {
            let known = recorded.get(operation).and_then(|row| row.get(*name));
            if known != Some(outcome) {
                let known = known.map_or("nothing", String::as_str);
                let _ = writeln!(differences, "{operation} with {name}: {outcome} instead of {known}");
            }
        }
        assert!(differences.is_empty(), "{}: {update}\n{differences}", self.name);
    }

    /// The recorded outcomes, which the page shows.
    fn data(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        folder.join(format!("{}.json", self.name))
    }

    fn page(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        folder.join(format!("{}.md", self.name))
    }

    fn table(&self, outcomes: &Outcomes, operations: &[String]) -> String {
        let faults = faults();
        let mut out = self.about.to_owned();
        let names: Vec<&str> = faults.iter().map(|fault| fault.name).collect();
        let _ = writeln!(out, "| operation | {} |", names.join(" | "));
        let _ = writeln!(out, "| --- |{}", " --- |".repeat(names.len()));
        for operation in operations {
            let outcome = |name: &&str| outcomes.get(operation)?.get(*name).map(String::as_str);
            let row: Vec<&str> = names.iter().map(|name| outcome(name).unwrap_or("–")).collect();
            let _ = writeln!(out, "| `{operation}` | {} |", row.join(" | "));
        }
        out
    }

    fn recorded(&self) -> Outcomes {
        let text = std::fs::read_to_string(self.data()).unwrap_or_else(|_| "{}".to_owned());
        serde_json::from_str(&text).unwrap()
    }
}

/// Outcomes by operation and fault.
type Outcomes = BTreeMap<String, BTreeMap<String, String>>;
