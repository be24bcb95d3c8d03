//! Compares the editor of `~/.aws/config` with the parser of the AWS SDK, for many kinds of files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use aws_config_file::{AwsFile, Config, Section, parse_with_sdk};
use proptest::prelude::*;

static RUNTIME: std::sync::LazyLock<tokio::runtime::Runtime> =
    std::sync::LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().unwrap());

/// Generates realistic config files.
fn config_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        2 => "\\[profile [a-c]\\]",
        1 => "\\[(default|profile default|profile \"q\"|sso-session s|services x)\\]( ?[#;] ?[a-z]*)?",
        4 => "(region|output|sso_session|s3) ?= ?[a-zA-Z0-9:/.#;-]{0,8}( [#;][a-z]{0,4})?",
        1 => "[#;] ?[a-z ]{0,8}",
        1 => "  [a-z_]{1,6} = [a-z]{0,5}",
        1 => "  [#;] ?[a-z]{0,5}",
        1 => Just(String::new()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    (proptest::collection::vec(line, 0..14), end, any::<bool>()).prop_map(|(lines, end, last)| {
        let mut text = lines.join(end);
        if last {
            text.push_str(end);
        }
        text
    })
}

/// The values that the SDK reads for the tested keys, by section.
fn seen_by_the_sdk(text: &str) -> Option<BTreeMap<(String, &'static str), String>> {
    const KEYS: [&str; 5] = ["region", "output", "sso_session", "sso_account_id", "sso_region"];
    let profiles = RUNTIME.block_on(parse_with_sdk(AwsFile::Config, text)).ok()?;
    let mut seen = BTreeMap::new();
    for key in KEYS {
        for name in profiles.profiles() {
            let value = profiles.get_profile(name).and_then(|profile| profile.get(key));
            seen.extend(value.map(|value| ((format!("profile {name}"), key), value.to_owned())));
        }
        for name in profiles.sso_sessions() {
            let value = profiles.sso_session(name).and_then(|session| session.get(key));
            seen.extend(value.map(|value| ((format!("session {name}"), key), value.to_owned())));
        }
    }
    Some(seen)
}

fn without_indented_comments(value: &str) -> String {
    let lines = value.split('\n').enumerate();
    let kept = lines.filter(|(index, line)| *index == 0 || !line.starts_with(['#', ';']));
    kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

proptest! {
    #[test]
    fn the_sdk_parser_sees_only_the_intended_changes(text in config_text()) {
        let Some(before) = seen_by_the_sdk(&text) else { return Ok(()) };
        let Ok(mut config) = Config::parse(text.as_bytes()) else { return Ok(()) };
        config.set(Section::SsoSession("new"), &[("sso_region", Some("us-east-1"))]);
        config.set(
            Section::Profile("c"),
            &[("sso_session", Some("new")), ("sso_account_id", Some("123456789012")), ("output", Some("json"))],
        );
        let keys = ["sso_session", "sso_account_id", "output"];
        if config.indented_comment_below(Section::Profile("c"), &keys).is_some() {
            // Step 7 of `idc-setup` rejects such a file and reports the line.
            return Ok(());
        }
        let mut expected = before;
        expected.insert(("session new".to_owned(), "sso_region"), "us-east-1".to_owned());
        for (key, value) in [("sso_session", "new"), ("sso_account_id", "123456789012"), ("output", "json")] {
            expected.insert(("profile c".to_owned(), key), value.to_owned());
        }
        prop_assert_eq!(seen_by_the_sdk(&config.text()), Some(expected), "{:?} became {:?}", text, config.text());
    }

    #[test]
    fn we_read_what_the_sdk_reads(text in config_text()) {
        let Some(seen) = seen_by_the_sdk(&text) else { return Ok(()) };
        let Ok(config) = Config::parse(text.as_bytes()) else { return Ok(()) };
        for name in ["a", "b", "c", "default"] {
            let values = config.get(Section::Profile(name)).unwrap_or_default();
            for key in ["region", "output", "sso_session"] {
                let expected = seen.get(&(format!("profile {name}"), key));
                // The editor reads an indented comment as a comment, as the AWS CLI does.
                let expected = expected.map(|value| without_indented_comments(value));
                prop_assert_eq!(values.get(key).cloned(), expected, "{} of {} in {:?}", key, name, text);
            }
        }
    }
}

/// The test cases of the SDK's parser, from its package.
fn cases() -> Vec<serde_json::Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let rustc = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    // Packages for other platforms may not be downloaded.
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let parser = packages.find(|package| package["name"] == "aws-runtime").unwrap();
    let manifest = std::path::Path::new(parser["manifest_path"].as_str().unwrap());
    let file = manifest.with_file_name("test-data").join("profile-parser-tests.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    all["tests"].as_array().unwrap().clone()
}

#[test]
fn test_cases_of_the_sdk_parser_are_read_alike_and_edited_losslessly() {
    let mut counts = [0, 0];
    for case in cases() {
        let (name, input) = (case["name"].as_str().unwrap(), &case["input"]);
        let Some(text) = input["configFile"]
            .as_str()
            .filter(|_| input["credentialsFile"].is_null())
        else {
            continue;
        };
        let read = RUNTIME.block_on(parse_with_sdk(AwsFile::Config, text));
        let Some(profiles) = case["output"]["config"]["profiles"].as_object() else {
            // Step 7 of `idc-setup` rejects every file that the SDK rejects.
            assert!(read.is_err(), "{name}");
            counts[1] += 1;
            continue;
        };
        let mut config = Config::parse(text.as_bytes()).unwrap();
        for (profile, properties) in profiles {
            let values = config.get(Section::Profile(profile)).unwrap_or_default();
            for (key, value) in properties.as_object().unwrap() {
                assert_eq!(
                    values.get(key).map(String::as_str),
                    value.as_str(),
                    "{name}: {key} of {profile}"
                );
            }
        }
        config.set(Section::SsoSession("new-one"), &[("sso_region", Some("us-east-1"))]);
        config.set(Section::Profile("new-one"), &[("sso_session", Some("new-one"))]);
        let edited = RUNTIME
            .block_on(parse_with_sdk(AwsFile::Config, &config.text()))
            .unwrap();
        for (profile, properties) in profiles {
            let seen = edited.get_profile(profile).unwrap();
            for (key, value) in properties.as_object().unwrap() {
                assert_eq!(seen.get(key), value.as_str(), "{name}: {key} of {profile}, edited");
            }
        }
        let session = edited
            .get_profile("new-one")
            .and_then(|profile| profile.get("sso_session"));
        assert_eq!(session, Some("new-one"), "{name}");
        config.remove(Section::Profile("new-one"), &["sso_session".to_owned()]);
        config.remove(Section::SsoSession("new-one"), &["sso_region".to_owned()]);
        let rest = config.text();
        assert!(
            rest.starts_with(text) && rest[text.len()..].trim().is_empty(),
            "{name}: {rest:?}"
        );
        counts[0] += 1;
    }
    assert!(counts[0] >= 30 && counts[1] >= 8, "only {counts:?} cases were found");
}

#[test]
fn the_sdk_reports_the_line_that_it_cannot_read() {
    let why = |text| RUNTIME.block_on(parse_with_sdk(AwsFile::Config, text)).unwrap_err();
    let without_bracket = why("[default]\nregion = a\n[profile p\n");
    assert!(
        without_bracket.starts_with("line 3 cannot be read (") && without_bracket.ends_with(')'),
        "{without_bracket}"
    );
    let with_mark = why("\u{feff}[default]\nregion = a\n");
    assert!(
        with_mark.starts_with("line 1 starts with a byte order mark"),
        "{with_mark}"
    );
}
