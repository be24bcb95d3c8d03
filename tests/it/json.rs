//! The JSON envelope, and its schema in the repository.

use std::path::Path;

use idc_setup::access;
use idc_setup::answers::file::AnswersFile;
use idc_setup::progress::Record;
use idc_setup::ui::envelope::{AnswersBody, Envelope, StepsBody};

use super::support::{RunResult, TestEnv};

/// Returns the schema in the repository, and asserts that it matches the types. Writes the schema if `UPDATE_SCHEMAS`
/// is set.
pub fn schema(name: &str, current: schemars::Schema) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    let current = serde_json::to_value(current).unwrap();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&current).unwrap())).unwrap();
    }
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        kept == current,
        "{name} does not match the types: run the tests with UPDATE_SCHEMAS=1"
    );
    kept
}

fn validate(result: &RunResult) {
    let schema = schema("envelope.v1.json", schemars::schema_for!(Envelope<StepsBody>));
    let envelope = result.envelope();
    if let Err(error) = jsonschema::validate(&schema, &envelope) {
        panic!("{error}\n{envelope:#}");
    }
    assert_eq!(envelope["exit"], result.code);
    assert_eq!(envelope["format"], 1);
}

#[test]
fn every_command_prints_one_envelope_that_fits_its_schema() {
    let env = TestEnv::new("fresh");
    validate(&env.json(&["plan", "--non-interactive"]).expect(2));
    validate(&env.json(&["status"]).expect(3));
    validate(&env.run_setup(&[]).expect(0));
    validate(&env.json(&["status"]).expect(0));
    validate(&env.json(&["run", "--non-interactive", "--region=mars-1"]).expect(2));
    validate(&env.json(&["run", "--nonsense"]).expect(2));
    validate(
        &env.run(&["rehearse", "--non-interactive", "--output=json", "--world=half-done"])
            .expect(0),
    );
}

/// The names of members that are not in snake case, except in documents of AWS and of Argo CD.
fn other_cases(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                let is_snake = name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
                if !is_snake {
                    found.push(format!("{path}.{name}"));
                }
                if name != "argo_cd" && name != "policy" {
                    other_cases(member, &format!("{path}.{name}"), found);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| other_cases(item, path, found)),
        _ => {}
    }
}

#[test]
fn all_members_are_in_snake_case_and_clicks_are_no_commands() {
    let env = TestEnv::new("fresh");
    let commands: [&[&str]; 5] = [&["status"], &["plan"], &["next"], &["doctor"], &["answers"]];
    let mut envelopes = vec![env.run_setup(&[]).envelope()];
    envelopes.extend(commands.map(|command| env.json(command).envelope()));
    envelopes.push(env.json(&["undo", "--yes"]).envelope());
    for envelope in envelopes {
        let mut found = Vec::new();
        other_cases(&envelope, "", &mut found);
        assert_eq!(found, [""; 0], "{envelope:#}");
        let tasks = envelope["steps"].as_array().into_iter().flatten();
        let tasks = tasks.flat_map(|step| step["left_to_do"].as_array().cloned().unwrap_or_default());
        for task in tasks {
            let clicks = task["clicks"].as_str().unwrap_or("console");
            assert!(!clicks.contains("idc-setup ") && !clicks.contains("aws "), "{task:#}");
        }
    }
}

#[test]
fn the_envelope_contains_the_caller_the_account_and_the_region() {
    let env = TestEnv::new("enabled");
    let result = env.json(&["status"]).expect(3);
    let envelope = result.envelope();
    assert_eq!(envelope["command"], "status");
    assert_eq!(envelope["account"], "123456789012");
    assert_eq!(envelope["region"], "us-east-1");
    assert_eq!(envelope["caller"]["arn"], "arn:aws:iam::123456789012:root");
}

#[test]
fn the_state_file_and_the_files_of_people_have_schemas_too() {
    let record = schema("progress.v1.json", schemars::schema_for!(Record));
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    jsonschema::validate(&record, &env.state()).unwrap();
    let answers = schema("envelope-answers.v1.json", schemars::schema_for!(Envelope<AnswersBody>));
    let result = env.json(&["answers"]).expect(0);
    jsonschema::validate(&answers, &result.envelope()).unwrap();
    schema("answers.v1.json", schemars::schema_for!(AnswersFile));
    schema("access.v1.json", access::file::schema());
}

#[test]
fn the_envelope_is_the_same_in_every_locale() {
    let mut env = TestEnv::new("enabled");
    let mut envelopes = Vec::new();
    for locale in ["C.UTF-8", "C", "tr_TR.UTF-8"] {
        env.set("LC_ALL", locale);
        envelopes.push(env.json(&["status"]).expect(3).stdout);
    }
    // Text for people has no arrows in an ASCII locale.
    assert!(envelopes[0].contains('→'), "{}", envelopes[0]);
    assert_eq!(envelopes[1], envelopes[0]);
    assert_eq!(envelopes[2], envelopes[0]);
}
