//! Tables in the repository that record the outcome of every fault at every operation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::faulty::{FaultCase, NO_RESPONSE, SECOND_CALL, faults};

const PARALLEL_RUNS: usize = 8;
/// The same for faults that make a run wait most of the time.
const PARALLEL_WAITING_RUNS: usize = 24;

/// Returns whether the service can accept the operation and fail it later.
fn can_fail_later(row: &str) -> bool {
    [
        "CreateAccountAssignment",
        "DeleteAccountAssignment",
        "ProvisionPermissionSet",
    ]
    .iter()
    .any(|operation| row.contains(operation) && !row.contains("Describe") && !row.contains("List"))
}

/// A table in the repository.
pub struct FaultTable {
    pub file: &'static str,
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
        assert!(failures.is_empty(), "{}:\n{}", self.file, failures.join("\n"));
        let cells = cells.into_inner().unwrap();
        if is_full_sweep && std::env::var_os("UPDATE_FAULTS").is_some() {
            std::fs::write(self.path(), self.table(&cells, operations)).unwrap();
        }
        let recorded = self.recorded();
        // The table must not keep rows of operations that are no longer called.
        let rows: BTreeSet<&String> = recorded.keys().map(|(operation, _)| operation).collect();
        let known: BTreeSet<&String> = operations.iter().collect();
        assert_eq!(rows, known, "{}: the recorded operations differ", self.file);
        let mut differences = String::new();
        for ((operation, name), outcome) in &cells {
            let known = recorded.get(&(operation.clone(), (*name).to_owned()));
            if known != Some(outcome) {
                let known = known.map_or("nothing", String::as_str);
                let _ = writeln!(differences, "{operation} with {name}: {outcome} instead of {known}");
            }
        }
        let update = "to record the current outcomes, set FULL_SWEEPS=1 and UPDATE_FAULTS=1";
        assert!(differences.is_empty(), "{}: {update}\n{differences}", self.file);
    }

    fn path(&self) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.file)
    }

    fn table(&self, cells: &BTreeMap<(String, &str), String>, operations: &[String]) -> String {
        let faults = faults();
        let mut out = self.about.to_owned();
        let recorded = self.recorded();
        let known = |operation: &String, name: &str| {
            let recorded = recorded.get(&(operation.clone(), name.to_owned()));
            recorded.map_or_else(|| "–".to_owned(), Clone::clone)
        };
        let names: Vec<&str> = faults.iter().map(|fault| fault.name).collect();
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

    /// Reads the cells of the recorded table.
    fn recorded(&self) -> BTreeMap<(String, String), String> {
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
