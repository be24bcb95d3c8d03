//! `docs/promises.md` names every test, and names none that is gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The names of the tests in a file, with their modules, as `cargo test` prints them.
fn tests_of(root: &Path, path: &Path) -> Vec<String> {
    let code = std::fs::read_to_string(path).unwrap();
    let file = path.strip_prefix(root).unwrap().with_extension("");
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    let (crate_name, start) = match parts.as_slice() {
        ["tests", "it", ..] => (None, 2),
        ["src", ..] => (None, 1),
        ["crates", name, "src", ..] => (Some(name.replace('-', "_")), 3),
        // An integration test of a crate, which is named after its file.
        _ => (None, parts.len() - 1),
    };
    let mut modules: Vec<&str> = crate_name.as_deref().into_iter().collect();
    modules.extend(
        parts[start..]
            .iter()
            .filter(|part| !matches!(**part, "mod" | "lib" | "main")),
    );
    let top = modules.len();
    let mut is_test = false;
    let mut tests = Vec::new();
    for line in code.lines() {
        let trimmed = line.trim();
        if let Some(module) = trimmed.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {"))
            && !line.starts_with(' ')
        {
            modules.truncate(top);
            modules.push(module);
        }
        is_test |= trimmed.starts_with("#[test]") || trimmed.starts_with("#[tokio::test");
        let name = trimmed.trim_start_matches("async ").strip_prefix("fn ");
        if let Some(name) = name.filter(|_| std::mem::take(&mut is_test)) {
            let name = name.split('(').next().unwrap_or_default();
            tests.push(modules.iter().chain([&name]).copied().collect::<Vec<_>>().join("::"));
        }
    }
    tests
}

/// The names of tests in the second column of the page.
fn tests_on(page: &str) -> BTreeSet<String> {
    let promises = page.split("## Removed tests").next().unwrap_or_default();
    let columns = promises.lines().filter_map(|line| line.rsplit_once(" | "));
    columns
        .flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_of_promises_names_every_test_and_no_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests/it", "crates"] {
        if root.join(folder).exists() {
            rust_files(&root.join(folder), &mut files);
        }
    }
    let known: BTreeSet<String> = files.iter().flat_map(|path| tests_of(root, path)).collect();
    assert!(known.len() > 300, "{} tests found", known.len());
    let named = tests_on(&std::fs::read_to_string(root.join("docs/promises.md")).unwrap());
    let missing: Vec<_> = known.difference(&named).collect();
    assert!(missing.is_empty(), "add these to docs/promises.md: {missing:?}");
    let gone: Vec<_> = named.difference(&known).collect();
    assert!(gone.is_empty(), "docs/promises.md names tests that are gone: {gone:?}");
}
