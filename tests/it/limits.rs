//! `docs/limits.md` is generated from the code, and no limit is defined anywhere else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const ABOUT: &str = "# Time limits and retry budgets\n\n\
    A run never waits for AWS without a limit. It waits for a person as long as `--wait` says, or without a limit at a \
    terminal. This page is generated from `src/limits.rs` and `crates/aws-config-file/src/limits.rs`: \
    `UPDATE_LIMITS=1 cargo test limits`.\n\n\
    | what | limit | name |\n| --- | --- | --- |\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Formats the code of a value for the page: `Duration::from_secs(5)` is `5 s`, and `10.0` is `10`.
fn format_limit(value: &str) -> String {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let number: String = whole.chars().filter(char::is_ascii_digit).collect();
    assert!(["", "0;"].contains(&fraction), "{value} has a fraction");
    let unit = [
        ("from_secs", " s"),
        ("from_millis", " ms"),
        ("from_hours", " h"),
        ("from_mins", " min"),
    ];
    let unit = unit.into_iter().find(|(word, _)| value.contains(word));
    format!("{number}{}", unit.map_or("", |(_, unit)| unit))
}

#[test]
fn the_page_of_limits_is_generated_from_the_code() {
    let files = ["src/limits.rs", "crates/aws-config-file/src/limits.rs"];
    let code = files
        .map(|file| std::fs::read_to_string(root().join(file)).unwrap())
        .concat();
    let mut page = ABOUT.to_owned();
    let mut about = String::new();
    for line in code.lines() {
        if let Some(doc) = line.strip_prefix("/// ") {
            doc.replace(['[', ']'], "").clone_into(&mut about);
        } else if let Some(declared) = line.strip_prefix("pub const ") {
            let (name, rest) = declared.split_once(": ").unwrap();
            let (_, value) = rest.split_once(" = ").unwrap();
            assert!(!about.is_empty(), "{name} has no description");
            writeln!(page, "| {about} | {} | `{name}` |", format_limit(value)).unwrap();
            about.clear();
        }
    }
    let path = root().join("docs/limits.md");
    if std::env::var_os("UPDATE_LIMITS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        page,
        "set UPDATE_LIMITS=1 to generate the page"
    );
}

fn collect_sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("rehearse") {
            collect_sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("limits.rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_limit_is_defined_anywhere_else() {
    let mut found = Vec::new();
    collect_sources(&root().join("src"), &mut found);
    collect_sources(&root().join("crates/aws-config-file/src"), &mut found);
    assert!(found.len() > 100);
    for path in found {
        let code = std::fs::read_to_string(&path).unwrap();
        let product = code.split("mod tests {").next().unwrap();
        for line in product.lines() {
            let literal = ["secs", "mins", "hours", "millis"].iter().any(|unit| {
                let call = format!("Duration::from_{unit}(");
                let behind = line.split(&call).nth(1);
                behind.is_some_and(|behind| behind.starts_with(|c: char| c.is_ascii_digit()))
            });
            // The interval of an animation and the pause between two attempts to use a socket are not limits.
            let limits_nothing = ["steady_tick", "tokio::time::sleep(Duration::from_millis(50))"];
            let limits = literal && !limits_nothing.iter().any(|words| line.contains(words));
            assert!(!limits, "{}: {line}", path.display());
        }
    }
}
