//! The page that describes the access file.

use std::path::Path;

use idc_setup::access::file;
use serde_json::Value;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/access-file.md");
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of code in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = page.split(fence.as_str()).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// Every key that a schema declares.
fn keys(schema: &Value, found: &mut Vec<String>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        found.push(name.clone());
        keys(inner, found);
        keys(&inner["items"], found);
        keys(&inner["additionalProperties"], found);
    }
}

#[test]
fn the_examples_of_the_page_are_valid_files() {
    let page = page();
    let toml = blocks(&page, "toml");
    let yaml = blocks(&page, "yaml");
    assert_eq!((toml.len(), yaml.len()), (2, 1));
    file::parse(Path::new("access.toml"), &toml[0]).unwrap();
    file::parse(Path::new("access.yaml"), &yaml[0]).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.toml");
    std::fs::create_dir(folder.path().join("teams")).unwrap();
    std::fs::write(&path, &toml[1]).unwrap();
    std::fs::write(folder.path().join("teams/a.toml"), "[[user]]\nname = \"ada\"\n").unwrap();
    std::fs::write(folder.path().join("accounts.yaml"), "user:\n- name: bob\n").unwrap();
    let read = file::read(&path).unwrap();
    assert_eq!((read.users.len(), read.files.len()), (2, 3));
}

#[test]
fn every_key_is_described_and_used_in_the_example() {
    let page = page();
    let example = &blocks(&page, "toml")[0];
    let mut found = Vec::new();
    keys(&file::schema().to_value(), &mut found);
    assert!(found.len() > 40, "{found:?}");
    for key in found {
        assert!(page.contains(&format!("`{key}`")), "{key} is not described");
        let is_used = [format!("{key} ="), format!("[{key}]"), format!(".{key}]")]
            .iter()
            .any(|text| example.contains(text));
        assert!(is_used, "{key} is not in the example");
    }
}

#[test]
fn the_limits_of_the_page_are_those_of_the_code() {
    use idc_setup::limits::{
        DEEPEST_INCLUDE, DEEPEST_NESTING, LARGEST_ACCESS_FILE_MB, LARGEST_ACCESS_FILES_MB, MOST_ACCESS_FILES,
        MOST_ALIASED_VALUES,
    };
    let page = page();
    for (limit, value) in [
        (
            "size of a file, and of a policy file",
            format!("{LARGEST_ACCESS_FILE_MB} MB"),
        ),
        ("total size of all files", format!("{LARGEST_ACCESS_FILES_MB} MB")),
        ("included files", MOST_ACCESS_FILES.to_string()),
        ("depth of nested includes", DEEPEST_INCLUDE.to_string()),
        ("depth of nested lists and tables", DEEPEST_NESTING.to_string()),
        (
            "values that the aliases of a YAML file expand to",
            format!("{},000", MOST_ALIASED_VALUES / 1000),
        ),
    ] {
        let row = format!("| {limit} | {value} |");
        assert!(page.contains(&row), "{row}");
    }
}
