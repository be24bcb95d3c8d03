//! `--record`: what the file contains, and what it does not; and the comparison of a recording with the simulation.

use std::collections::BTreeSet;

use idc_sim::{compare, scenarios};
use serde_json::{Value, json};

use super::support::TestEnv;

const USER: [&str; 4] = [
    "--username=zoraida",
    "--email=zoraida@corp.example.org",
    "--family-name=Quintanilla",
    "--group=Quartermasters",
];

/// Records a run on a fresh account, and returns the recording.
fn recorded_run(env: &TestEnv) -> String {
    let result = env
        .run_setup(&[&["--record=calls.jsonl"], &USER[..]].concat())
        .expect(0);
    // The output is one JSON document, as without the flag.
    assert_eq!(result.envelope()["exit"], 0);
    assert!(
        result.stderr.contains("is recorded in calls.jsonl"),
        "{}",
        result.stderr
    );
    let next = "Read it before you share it: less calls.jsonl";
    assert!(result.stderr.contains(next), "{}", result.stderr);
    std::fs::read_to_string(env.path("calls.jsonl")).unwrap()
}

/// Returns what identifies the account and its users, and all secrets.
fn real_values(env: &TestEnv) -> BTreeSet<String> {
    let cloud = env.server.cloud();
    let instance = &cloud.instances[0];
    let mut values = BTreeSet::from([
        cloud.account.id.clone(),
        cloud.account.email.clone(),
        instance.store.id.clone(),
        instance.arn.clone(),
        env.credentials.access_key_id.clone(),
        env.credentials.secret_access_key.clone(),
        env.credentials.session_token.clone(),
        cloud.organization.as_ref().unwrap().id.clone(),
    ]);
    values.extend(instance.store.users.keys().cloned());
    values.extend(instance.store.groups.keys().cloned());
    values.extend(instance.store.memberships.keys().cloned());
    values.extend(cloud.permission_sets.iter().map(|set| set.arn.clone()));
    values.extend(cloud.roles.iter().flat_map(|role| [role.name.clone(), role.id.clone()]));
    values.extend(cloud.operations.iter().map(|operation| operation.request_id.clone()));
    values.extend(cloud.identities.keys().cloned());
    values.extend(cloud.sessions.keys().chain(cloud.refresh_tokens.keys()).cloned());
    values.extend(
        cloud
            .clients
            .iter()
            .flat_map(|(id, client)| [id.clone(), client.secret.clone()]),
    );
    values
}

#[test]
fn a_recording_contains_no_real_value_and_the_simulation_answers_it_in_the_same_way() {
    let env = TestEnv::new("fresh");
    let text = recorded_run(&env);
    let reals = real_values(&env);
    assert!(reals.len() > 15, "{reals:?}");
    let names = ["zoraida", "corp.example", "Quintanilla", "Quartermasters", "\"Ada\""].map(str::to_owned);
    for real in reals.iter().chain(&names) {
        assert!(!text.contains(real.as_str()), "{real} is in:\n{text}");
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["format"], "idc-record");
    let operations: BTreeSet<&str> = lines[1..]
        .iter()
        .map(|line| line["operation"].as_str().unwrap())
        .collect();
    for operation in [
        "GetCallerIdentity",
        "CreateOrganization",
        "ListInstances",
        "CreateUser",
        "CreateAccountAssignment",
        "CreateToken",
        "GetRoleCredentials",
    ] {
        assert!(operations.contains(operation), "{operation} is not in {operations:?}");
    }
    let comparison = compare(&text, scenarios::named("fresh").unwrap()).unwrap();
    assert!(comparison.differences.is_empty(), "{comparison:#?}");
    assert_eq!(comparison.replayed, comparison.calls, "{:#?}", comparison.notes);
}

#[test]
fn an_altered_answer_is_a_difference() {
    let env = TestEnv::new("fresh");
    let text = recorded_run(&env);
    let first_difference = |operation: &str, alter: fn(&mut Value)| {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<Value> = lines.collect();
        let line = lines.iter_mut().find(|line| line["operation"] == operation);
        alter(line.unwrap());
        let altered: Vec<String> = lines.iter().map(Value::to_string).collect();
        let comparison = compare(&altered.join("\n"), scenarios::named("fresh").unwrap()).unwrap();
        let first = comparison.differences.first();
        let first = first.unwrap_or_else(|| panic!("no difference in {operation}"));
        assert!(first.operation.ends_with(operation), "{first:?}");
        [&first.member, &first.recorded, &first.simulated].map(String::clone)
    };
    let found = first_difference("CreateOrganization", |line| {
        line["response"]["Organization"]
            .as_object_mut()
            .unwrap()
            .remove("FeatureSet");
    });
    assert_eq!(found, ["Organization.FeatureSet", "missing", "present"]);
    let found = first_difference("CreateUser", |line| line["response"]["UserId"] = json!(7));
    assert_eq!(found, ["UserId", "number", "string"]);
    let found = first_difference("DescribeOrganization", |line| {
        line["error"]["code"] = json!("SomethingElse");
    });
    assert_eq!(found[..2], ["outcome", "SomethingElse"]);
    let found = first_difference("DescribeOrganization", |line| {
        line["error"]["message"] = json!("other words");
    });
    assert_eq!(found[..2], ["message", "other words"]);
}

#[test]
fn the_file_is_private_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let env = TestEnv::new("enabled");
    env.run(&["plan", "--non-interactive", "--record=calls.jsonl"])
        .expect_text("Recorded ");
    let file = env.path("calls.jsonl");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&file).unwrap();
    env.server.clear_calls();
    env.run(&["plan", "--non-interactive", "--record=calls.jsonl"])
        .expect(2)
        .expect_text("--record: calls.jsonl exists, and is not overwritten.");
    assert!(env.server.calls().is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), before);
}
