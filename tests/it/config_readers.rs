//! The AWS CLI's rules for config files, compared with the AWS CLI's own reader.

use std::io::Write as _;
use std::process::{Command, Stdio};

use aws_config_file::{Section, parse_with_cli};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::support::python::python;

/// Reads each text of a list as a config file: the profiles and SSO sessions, or `null` if the file is rejected.
const READER: &str = "
import json, sys, tempfile
from botocore.configloader import load_config
from botocore.exceptions import ConfigParseError
read = []
for text in json.load(sys.stdin):
    with tempfile.NamedTemporaryFile('wb') as file:
        file.write(text.encode()); file.flush()
        try:
            config = load_config(file.name)
            read.append({'profile': config['profiles'], 'sso-session': config['sso_sessions']})
        except ConfigParseError:
            read.append(None)
json.dump(read, sys.stdout)
";

const KEYS: [&str; 4] = ["region", "output", "sso_session", "sso_region"];

fn config_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        3 => "\\[(profile|sso-session) [ab]\\]( ?[#;/] ?[\\]a]{0,3})?",
        2 => "\\[( ?profile ['\"]?a( b)?['\"]?| ?default ?|DEFAULT|sso-session 'a b'|services s)\\]",
        6 => "(region|Region|output|sso_session|sso_region)[ \u{a0}]?[=:] ?[a-z0-9:=-]{0,6}( [#;][a-z]{0,3}|\u{a0}|\t)?",
        2 => "[ \t]{1,3}(region|x)( ?= ?[a-z]{0,3})?",
        2 => "[ \t]{0,2}[#;][a-z ]{0,3}",
        1 => "[a-z]{1,3}",
        2 => "[ \t]{0,2}",
    ];
    let first = prop_oneof![3 => Just("[profile a]"), 1 => Just("# mine"), 1 => Just("\u{feff}[default]")];
    let end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")];
    let rest = proptest::collection::vec(line, 0..9);
    (first, rest, end).prop_map(|(first, rest, end)| format!("{first}{end}{}", rest.join(end)))
}

#[test]
fn config_files_are_read_as_the_aws_cli_reads_them() {
    let Some(python) = python() else { return };
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..3000)
        .map(|_| config_text().new_tree(&mut runner).unwrap().current())
        .collect();
    let mut child = Command::new(python)
        .args(["-c", READER])
        .env_clear()
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(json!(texts).to_string().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let read: Vec<Option<Value>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut values = 0;
    for (text, theirs) in texts.iter().zip(&read) {
        let ours = parse_with_cli(text);
        assert_eq!(ours.is_ok(), theirs.is_some(), "{text:?}: {ours:?}");
        let (Ok(ours), Some(theirs)) = (ours, theirs) else {
            continue;
        };
        for name in ["a", "b", "a b", "default"] {
            for (kind, section) in [
                ("profile", Section::Profile(name)),
                ("sso-session", Section::SsoSession(name)),
            ] {
                let (ours, theirs) = (ours.get(section), theirs[kind].get(name));
                assert_eq!(ours.is_some(), theirs.is_some(), "{kind} {name} of {text:?}");
                for key in KEYS {
                    let ours = ours
                        .and_then(|section| section.get(key))
                        .map(|property| &*property.value);
                    // The AWS CLI reads a value that begins on the next line as nested properties.
                    let theirs = theirs.map(|section| &section[key]).filter(|value| !value.is_object());
                    if ours.is_some_and(|value| value.starts_with('\n')) {
                        continue;
                    }
                    assert_eq!(
                        ours,
                        theirs.and_then(Value::as_str),
                        "{key} of {kind} {name} in {text:?}"
                    );
                    values += usize::from(ours.is_some());
                }
            }
        }
    }
    let readable = read.iter().flatten().count();
    assert!(readable > 300 && values > 300, "{readable} files with {values} values");
}
