//! Complete runs, on different scenarios.

use std::time::{Duration, Instant};

use serde_json::json;

use super::support::forwarder::Forwarder;
use super::support::{ANSWERS, TestEnv, is_mutating};

#[test]
fn a_run_completes_all_eight_steps_on_a_fresh_account() {
    let env = TestEnv::new("fresh");
    let result = env.run_setup(&[]).expect(0);
    assert!(
        result.states().iter().all(|(_, state)| state == "done"),
        "{:?}",
        result.states()
    );
    assert_eq!(result.states().len(), 8);
    assert_eq!(result.step("create-user")["origin"], "created");
    assert_eq!(result.step("access-portal")["origin"], "existing");
    let caller = result.step("sign-in")["evidence"]["signed_in_as"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        caller.starts_with("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_"),
        "{caller}"
    );
    assert!(caller.ends_with("/Admin"), "{caller}");
    let cloud = env.server.cloud();
    let store = &cloud.instances[0].store;
    assert_eq!(
        (store.users.len(), store.groups.len(), store.memberships.len()),
        (1, 1, 1)
    );
    assert_eq!((cloud.permission_sets.len(), cloud.assignments.len()), (1, 1));
    assert_eq!(
        cloud.permission_sets[0].managed_policies,
        ["arn:aws:iam::aws:policy/AdministratorAccess"]
    );
}

#[test]
fn rehearse_completes_a_run_in_one_command_and_prints_the_caller_last() {
    let env = TestEnv::new("fresh");
    let result = env.run(&["rehearse", "--non-interactive"]).expect(0);
    let last = result.stdout.trim_end().lines().last().unwrap().to_owned();
    assert!(
        last.contains("assumed-role/AWSReservedSSO_AdministratorAccess_"),
        "{last}"
    );
    assert!(result.stderr.contains("REHEARSAL"));
    assert!(env.server.calls().is_empty(), "a rehearsal starts its own server");
}

#[test]
fn a_run_uses_what_exists_and_creates_the_rest() {
    let env = TestEnv::new("half-done");
    let answers = ["run", "--non-interactive", "--wait=60s"];
    let result = env.json(&answers).expect(0);
    let origin = |slug: &str| result.step(slug)["origin"].as_str().map(str::to_owned);
    assert_eq!(origin("create-user").as_deref(), Some("existing"));
    assert_eq!(origin("create-group").as_deref(), Some("created"));
    assert_eq!(origin("permission-set").as_deref(), Some("existing"));
    assert_eq!(origin("account-assignment").as_deref(), Some("created"));
    let kinds: Vec<(String, String)> = result.step("create-group")["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| {
            (
                resource["kind"].as_str().unwrap().to_owned(),
                resource["origin"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [("group", "existing"), ("group_membership", "created")];
    assert_eq!(
        kinds,
        expected.map(|(kind, origin)| (kind.to_owned(), origin.to_owned()))
    );
}

#[test]
fn a_run_changes_nothing_if_everything_is_done() {
    let env = TestEnv::new("complete");
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    let changing: Vec<_> = env.server.calls().into_iter().filter(is_mutating).collect();
    assert!(changing.is_empty(), "{changing:?}");
}

#[test]
fn an_instance_in_another_region_overrides_the_default_region() {
    let env = TestEnv::new("other-region");
    let result = env.run_setup(&[]).expect(0);
    assert_eq!(result.envelope()["region"], "eu-west-1");
    let config = env.config();
    assert!(config.contains("sso_region = eu-west-1"), "{config}");
}

#[test]
fn permission_sets_are_enabled_only_with_explicit_consent() {
    let env = TestEnv::new("no-permission-sets");
    let result = env.run_setup(&[]).expect(3);
    assert_eq!(result.step("enable-identity-center")["state"], "waiting_for_person");
    assert!(!env.server.cloud().instances[0].permission_sets_enabled);
    env.run_setup(&["--enable-permission-sets"]).expect(0);
    assert!(env.server.cloud().instances[0].permission_sets_enabled);
}

#[test]
fn an_organization_is_created_only_with_explicit_consent() {
    let env = TestEnv::new("free-plan");
    let run = |more: &[&str]| {
        let args = [
            &["run", "--non-interactive", "--wait=60s"],
            &super::support::ANSWERS[..],
            more,
        ]
        .concat();
        env.json(&args)
    };
    let result = run(&[]).expect(3);
    let step = result.step("enable-identity-center");
    assert_eq!(
        step["changes"][0]["consents"],
        serde_json::json!(["create-organization", "accept-free-plan-end"])
    );
    assert_eq!(step["changes"][0]["reversible"], false);
    run(&["--create-organization"])
        .expect(3)
        .expect_text("--accept-free-plan-end");
    assert!(env.server.cloud().organization.is_none());
    run(&["--create-organization", "--accept-free-plan-end"]).expect(0);
}

#[test]
fn a_blocked_run_reports_the_reason_and_changes_nothing() {
    for (scenario, words) in [
        ("billing-only", "consolidated billing only"),
        ("account-instance", "account instance"),
        ("member", "999999999999"),
    ] {
        let env = TestEnv::new(scenario);
        let result = env.run_setup(&[]).expect(3);
        let step = result.step("enable-identity-center");
        assert_eq!(step["state"], "blocked", "{scenario}");
        assert!(step["summary"].as_str().unwrap().contains(words), "{step:#}");
        assert!(!step["next"].as_array().unwrap().is_empty());
        assert!(!env.server.calls().iter().any(is_mutating), "{scenario}");
        assert!(!env.path(".aws/config").exists());
    }
}

#[test]
fn no_group_assigns_the_user_directly() {
    let env = TestEnv::new("enabled");
    let result = env.run_setup(&["--no-group"]).expect(0);
    assert_eq!(result.step("create-group")["state"], "skipped");
    let cloud = env.server.cloud();
    assert!(cloud.instances[0].store.groups.is_empty());
    assert_eq!(cloud.assignments[0].principal_type, "USER");
}

#[test]
fn the_user_can_be_added_in_the_console_instead() {
    let mut cloud = idc_sim::scenarios::named("enabled").unwrap();
    let example = idc_sim::scenarios::example_user();
    cloud.person.adds = Some(idc_sim::NewUser {
        email: "ada@example.com".to_owned(),
        given_name: "Ada".to_owned(),
        family_name: "Lovelace".to_owned(),
        display_name: "Ada Lovelace".to_owned(),
        ..example
    });
    let env = TestEnv::with(cloud);
    let result = env.run_setup(&["--create-user-with=console"]).expect(0);
    assert_eq!(result.step("create-user")["origin"], "existing");
    assert!(!env.server.calls().iter().any(|call| call.operation == "CreateUser"));
}

#[test]
fn only_runs_one_step_and_never_changes_earlier_steps() {
    let env = TestEnv::new("enabled");
    let result = env
        .json(&["run", "--non-interactive", "--only=account-assignment"])
        .expect(3);
    assert_eq!(result.states(), [("account-assignment".to_owned(), "to_do".to_owned())]);
    assert!(!env.server.calls().iter().any(is_mutating));
    // Without the user, nobody can be added to the group; this is not tried, and nothing waits for it.
    let start = Instant::now();
    let result = env.json(&["run", "--non-interactive", "--only=create-group"]).expect(3);
    assert_eq!(result.step("create-group")["waits_for"], json!(["create-user"]));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let env = TestEnv::new("half-done");
    env.json(&["run", "--non-interactive", "--only=create-group"]).expect(0);
    env.json(&["run", "--non-interactive", "--only=account-assignment"])
        .expect(0);
    assert_eq!(env.server.cloud().assignments.len(), 1);
}

#[test]
fn yes_is_no_consent_to_what_cannot_be_undone() {
    for (scenario, consents) in [
        ("fresh", &[] as &[&str]),
        ("free-plan", &["--create-organization"][..]),
        ("no-permission-sets", &[] as &[&str]),
    ] {
        let env = TestEnv::new(scenario);
        let args = [&["run", "--non-interactive", "--yes"], &ANSWERS[..], consents].concat();
        let result = env.json(&args).expect(3);
        assert_eq!(
            result.step("enable-identity-center")["state"],
            "waiting_for_person",
            "{scenario}"
        );
        let changes: Vec<_> = env.server.calls().into_iter().filter(is_mutating).collect();
        assert!(changes.is_empty(), "{scenario}: {changes:?}");
    }
}

#[test]
fn a_run_creates_no_instance_and_uses_only_documented_operations() {
    for scenario in ["fresh", "account-instance"] {
        let mut env = TestEnv::new(scenario);
        let forwarder = Forwarder::start(&env.server.url(), None);
        env.set("AWS_ENDPOINT_URL", &forwarder.url);
        env.set("IDC_SETUP_REHEARSAL", &forwarder.url);
        env.run_setup(&[]);
        // The simulation logs only operations that the models of AWS document. A call that the run no longer waits for
        // can finish after the run.
        let start = Instant::now();
        while env.server.calls().len() != forwarder.requests() {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{scenario}: {} requests, {} of them documented",
                forwarder.requests(),
                env.server.calls().len()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let calls = env.server.calls();
        assert!(calls.len() > 5, "{scenario}: {calls:?}");
        assert!(
            !calls.iter().any(|call| call.operation == "CreateInstance"),
            "{scenario}: {calls:?}"
        );
    }
}

#[test]
fn with_v_each_change_is_logged_with_the_operation_that_made_it() {
    let env = TestEnv::new("enabled");
    let args = [&["run", "--non-interactive", "--skip=sign-in", "-v"], &ANSWERS[..]].concat();
    let logged = env.run(&args).expect(3).stderr;
    for operation in [
        "CreateUser",
        "CreateGroup",
        "CreatePermissionSet",
        "CreateAccountAssignment",
    ] {
        assert!(logged.contains(&format!("operation=\"{operation}\"")), "{logged}");
    }
    assert!(!logged.contains("\"?\""), "{logged}");
}
