//! Tables in the repository that record the outcome of every fault at every operation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::faulty::{SECOND, SILENT, Wrong, faults};

const AT_ONCE: usize = 8;
/// The same for faults that make a run wait most of the time.
const WAITING_AT_ONCE: usize = 24;

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
pub struct KeptTable {
    pub file: &'static str,
    /// The text above the table.
    pub about: &'static str,
}

impl KeptTable {
    /// Asserts that the outcome of each fault at each operation is the recorded one. Without `FULL_SWEEPS`, tests only
    /// every `every`-th combination.
    pub fn is_what_comes_of(&self, operations: &[String], every: usize, cell: impl Fn(&str, &Wrong) -> String + Sync) {
        let is_full = std::env::var_os("FULL_SWEEPS").is_some();
        let with_faults = |operation: &String| {
            let operation = operation.clone();
            let may = can_fail_later(&operation);
            let is_second = operation.ends_with(SECOND);
            faults()
                .into_iter()
                .filter(move |wrong| may || !wrong.is_late())
                .filter(move |wrong| !(wrong.lasts && is_second))
                .map(move |wrong| (operation.clone(), wrong))
        };
        // `FAULT` selects columns. The others stay as recorded.
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
                let next = Arc::new(AtomicUsize::new(0));
                for _ in 0..at_once {
                    let (next, cells, cell, bad) = (Arc::clone(&next), &cells, &cell, &wrong);
                    scope.spawn(move || {
                        while let Some((operation, wrong)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                            // Collect all failures instead of stopping at the first.
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
        // The table must not keep rows of operations that are no longer called.
        let rows: BTreeSet<&String> = kept.keys().map(|(operation, _)| operation).collect();
        let known: BTreeSet<&String> = operations.iter().collect();
        assert_eq!(rows, known, "{}: the recorded operations differ", self.file);
        let mut others = String::new();
        for ((operation, name), came_of_it) in &cells {
            let known = kept.get(&(operation.clone(), (*name).to_owned()));
            if known != Some(came_of_it) {
                let known = known.map_or("nothing", String::as_str);
                let _ = writeln!(others, "{operation} with {name}: {came_of_it} instead of {known}");
            }
        }
        let update = "to record the current outcomes, set FULL_SWEEPS=1 and UPDATE_FAULTS=1";
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

    /// Reads the cells of the recorded table.
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
