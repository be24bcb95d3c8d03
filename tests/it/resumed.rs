//! A second run asks no answered question again, creates nothing twice, and reports what exists.

use super::support::{ANSWERS, TestEnv, is_mutating, wait_until};
use idc_sim::PersonKind;

#[test]
fn a_second_run_asks_nothing_changes_nothing_and_does_not_sign_in() {
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    let (aws, calls) = (env.files(".aws"), env.server.calls().len());
    let result = env.json(&["run", "--non-interactive"]).expect(0);
    assert_eq!(env.files(".aws"), aws);
    let second = &env.server.calls()[calls..];
    assert!(!second.iter().any(is_mutating), "{second:?}");
    assert!(!second.iter().any(|call| call.operation == "CreateToken"), "{second:?}");
    assert_eq!(result.step("create-user")["origin"], "created", "the origin is kept");
    assert_eq!(result.step("create-user")["evidence"]["activation"], "proved");
}

#[test]
fn two_runs_leave_the_complete_scenario_unchanged() {
    let env = TestEnv::new("complete");
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    let (aws, calls) = (env.files(".aws"), env.server.calls().len());
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    assert_eq!(env.files(".aws"), aws);
    let second = &env.server.calls()[calls..];
    assert!(
        !second
            .iter()
            .any(|call| is_mutating(call) || call.operation == "CreateToken"),
        "{second:?}"
    );
}

#[test]
fn answers_of_an_earlier_run_are_used_unless_fresh_is_given() {
    let env = TestEnv::new("enabled");
    env.json(&[&["run", "--non-interactive", "--only=create-group"], &ANSWERS[..]].concat())
        .expect(3);
    let result = env.json(&["plan", "--non-interactive", "--fresh"]).expect(2);
    assert!(
        result.envelope()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--email")
    );
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    let user = env.first_user();
    assert_eq!(user.email(), Some("ada@example.com"));
}

#[test]
fn fresh_forgets_answers_but_keeps_the_origins() {
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    let result = env.json(&["run", "--non-interactive", "--fresh"]).expect(0);
    assert_eq!(result.step("create-user")["origin"], "created");
    assert_eq!(env.state()["answers"], serde_json::json!({}));
}

#[test]
fn a_resource_that_someone_deleted_is_created_again() {
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    env.server.cloud().assignments.clear();
    let result = env.json(&["run", "--non-interactive"]).expect(0);
    assert_eq!(result.step("account-assignment")["state"], "done");
    assert_eq!(env.server.cloud().assignments.len(), 1);
}

#[test]
fn resources_created_from_another_machine_are_existing() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    // Another state file stands for another machine.
    let other = env.path("other.json").display().to_string();
    let result = env.run_setup(&["--state", &other]).expect(0);
    for slug in ["create-user", "create-group", "permission-set", "account-assignment"] {
        assert_eq!(result.step(slug)["origin"], "existing", "{slug}");
    }
}

#[test]
fn status_takes_no_lock_and_writes_nothing() {
    let env = TestEnv::new("enabled");
    let result = env.json(&["status"]).expect(3);
    assert_eq!(result.step("enable-identity-center")["state"], "done");
    assert_eq!(result.step("create-user")["state"], "to_do");
    assert!(!env.path(".local").exists());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn plan_shows_everything_and_changes_nothing() {
    let env = TestEnv::new("fresh");
    let result = env
        .json(&[&["plan", "--non-interactive"], &ANSWERS[..]].concat())
        .expect(3);
    let kinds: usize = result.envelope()["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["changes"].as_array().unwrap().len())
        .sum();
    assert_eq!(
        kinds, 9,
        "organization, user, group, membership, set, policy, assignment, profile, trail"
    );
    assert!(!env.server.calls().iter().any(is_mutating));
    assert!(!env.path(".local").exists());
    let text = env
        .run(&[&["plan", "--non-interactive", "-v"], &ANSWERS[..]].concat())
        .expect(3);
    text.expect_text("aws identitystore create-user")
        .expect_text("Create the group Admins");
}

#[test]
fn of_two_runs_at_once_one_works_and_the_other_names_the_lock_holder() {
    let env = TestEnv::new("organization");
    // Nobody clicks Enable, so the first run waits and holds the lock.
    env.server.cloud().person.kind = PersonKind::Never;
    let mut first = env.spawn(&[&["run", "--non-interactive", "--wait=60s"], &ANSWERS[..]].concat());
    let lock = env.state_file().with_extension("json.lock");
    let contains =
        |path: &std::path::Path, part: &str| std::fs::read_to_string(path).is_ok_and(|text| text.contains(part));
    wait_until("the first run saves its answers", || {
        contains(&env.state_file(), "ada@example.com") && contains(&lock, "pid")
    });
    let result = env.json(&["run", "--non-interactive"]).expect(6);
    let message = result.envelope()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("process {}", first.id())), "{message}");
    first.kill().unwrap();
    first.wait().unwrap();
    // The lock of a killed process is released.
    env.json(&["run", "--non-interactive"]).expect(3);
}

#[test]
fn without_credentials_status_prints_the_recorded_states() {
    let mut env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        env.set(name, "");
    }
    let result = env.json(&["status"]).expect(4);
    assert!(result.states().iter().all(|(_, state)| state == "unknown"));
    assert!(
        result.step("create-user")["summary"]
            .as_str()
            .unwrap()
            .contains("done on")
    );
}
