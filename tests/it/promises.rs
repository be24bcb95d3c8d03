//! `docs/promises.md` names every test, and only tests that exist.

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

/// Returns the names of the test functions in this code.
fn tests_of(code: &str) -> impl Iterator<Item = String> {
    let mut is_test = false;
    code.lines().filter_map(move |line| {
        let line = line.trim();
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let name = line.trim_start_matches("async ").strip_prefix("fn ")?;
        std::mem::take(&mut is_test).then(|| name.split('(').next().unwrap_or_default().to_owned())
    })
}

/// Returns the names of the tests in the last column of the page, without their modules.
fn tests_on(page: &str) -> BTreeSet<String> {
    let promises = page.split("## Removed tests").next().unwrap_or_default();
    let columns = promises.lines().filter_map(|line| line.rsplit_once(" | "));
    columns
        .flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
        .map(|test| test.rsplit("::").next().unwrap_or(test).to_owned())
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
    let known: BTreeSet<String> = files
        .iter()
        .flat_map(|path| tests_of(&std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>())
        .collect();
    assert!(known.len() > 300, "{} tests found", known.len());
    let named = tests_on(&std::fs::read_to_string(root.join("docs/promises.md")).unwrap());
    let missing: Vec<_> = known.difference(&named).collect();
    assert!(missing.is_empty(), "add these to docs/promises.md: {missing:?}");
    let gone: Vec<_> = named.difference(&known).collect();
    assert!(
        gone.is_empty(),
        "docs/promises.md names tests that do not exist: {gone:?}"
    );
}
