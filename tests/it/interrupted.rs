//! A run after a killed run completes the setup. Nothing is lost, created twice or asked again, and created resources
//! are distinguished from existing ones. A fixed sample of kill points, at least one in each step.

use std::time::Duration;

use idc_sim::{FaultKind, PersonKind, ServiceError};

use super::support::forwarder::Forwarder;
use super::support::team::team;
use super::support::{ANSWERS, CREATIONS, NON_INTERACTIVE, RunResult, TestEnv};

fn run_args() -> Vec<&'static str> {
    [&["run"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat()
}

/// Kills a run at a call, runs again without answers, and checks that the account is as after one complete run.
fn killed_at(operation: &str, nth: u32, before: bool) {
    let env = TestEnv::new("fresh");
    env.kill_at(&run_args(), operation, nth, before);
    let result = env.json(&[&["run"], &NON_INTERACTIVE[..]].concat());
    let what = format!("killed {} {operation} {nth}", if before { "before" } else { "after" });
    assert_eq!(result.code, 0, "{what}: {}", result.summary());
    assert_complete(&env, &result, &what);
}

fn assert_complete(env: &TestEnv, result: &RunResult, what: &str) {
    assert!(
        result.states().iter().all(|(_, state)| state == "done"),
        "{what}: {:?}",
        result.states()
    );
    for slug in [
        "create-user",
        "create-group",
        "permission-set",
        "account-assignment",
        "cli-profile",
        "sign-in",
    ] {
        for resource in result.step(slug)["resources"].as_array().unwrap() {
            assert_eq!(resource["origin"], "created", "{what}: {slug}: {resource}");
        }
    }
    assert_eq!(env.state()["intents"], serde_json::json!([]), "{what}");
    let cloud = env.server.cloud();
    let store = &cloud.instances[0].store;
    let counts = [
        cloud.instances.len(),
        store.users.len(),
        store.groups.len(),
        store.memberships.len(),
        cloud.permission_sets.len(),
        cloud.permission_sets[0].managed_policies.len(),
        cloud.assignments.len(),
    ];
    assert_eq!(counts, [1; 7], "{what}");
}

#[test]
fn a_run_continues_after_a_kill_in_step_1() {
    killed_at("CreateOrganization", 1, true);
    killed_at("CreateOrganization", 1, false);
    // The first 37 calls query every Region, before the answers are saved.
    killed_at("ListInstances", 38, false);
}

#[test]
fn a_run_continues_after_a_kill_in_step_2() {
    killed_at("CreateUser", 1, true);
    killed_at("CreateUser", 1, false);
}

#[test]
fn a_run_continues_after_a_kill_in_step_3() {
    killed_at("CreateGroup", 1, true);
    killed_at("CreateGroup", 1, false);
    killed_at("CreateGroupMembership", 1, true);
    killed_at("CreateGroupMembership", 1, false);
}

#[test]
fn a_run_continues_after_a_kill_in_step_4() {
    killed_at("CreatePermissionSet", 1, true);
    killed_at("CreatePermissionSet", 1, false);
    killed_at("AttachManagedPolicyToPermissionSet", 1, true);
    killed_at("AttachManagedPolicyToPermissionSet", 1, false);
}

#[test]
fn a_run_continues_after_a_kill_in_step_5() {
    killed_at("CreateAccountAssignment", 1, true);
    killed_at("CreateAccountAssignment", 1, false);
    killed_at("DescribeAccountAssignmentCreationStatus", 1, false);
}

#[test]
fn a_run_continues_after_a_kill_in_step_6_and_after_the_write_of_step_7() {
    killed_at("StartDeviceAuthorization", 1, true);
    killed_at("StartDeviceAuthorization", 2, true);
}

#[test]
fn a_run_continues_after_a_kill_in_step_8() {
    killed_at("CreateToken", 2, true);
    killed_at("CreateToken", 2, false);
    killed_at("GetRoleCredentials", 1, false);
    killed_at("ListAccountRoles", 1, false);
}

#[test]
fn a_resource_whose_creation_got_no_reply_is_found_and_recorded_as_created() {
    for operation in CREATIONS {
        let env = TestEnv::new("fresh");
        env.fault(operation, 1, FaultKind::CutAfter);
        let result = env.run_setup(&[]);
        assert_eq!(result.code, 0, "{operation}: {}", result.summary());
        assert_complete(&env, &result, &format!("lost reply of {operation}"));
    }
}

#[test]
fn a_lost_request_is_sent_again() {
    for operation in ["CreateUser", "CreatePermissionSet", "CreateAccountAssignment"] {
        let env = TestEnv::new("fresh");
        env.fault(operation, 1, FaultKind::CutBefore);
        let result = env.run_setup(&[]);
        assert_eq!(result.code, 0, "{operation}: {}", result.summary());
        assert_complete(&env, &result, &format!("lost request of {operation}"));
    }
}

#[test]
fn a_throttled_create_waits_as_long_as_the_service_asks() {
    let env = TestEnv::new("enabled");
    let throttled = ServiceError::new("ThrottlingException", "Rate exceeded").with("RetryAfterSeconds", 1);
    env.fault("CreatePermissionSet", 1, FaultKind::Refuse(throttled.clone()));
    env.fault("ListPermissionSets", 1, FaultKind::Refuse(throttled));
    env.run_setup(&[]).expect(0);
    let calls = env.server.calls();
    let starts = |operation: &str| -> Vec<u64> {
        let matching = calls.iter().filter(|call| call.operation == operation);
        matching.map(|call| call.start_us).collect()
    };
    for operation in ["CreatePermissionSet", "ListPermissionSets"] {
        let starts = starts(operation);
        assert!(starts[1] - starts[0] >= 1_000_000, "{operation}: {starts:?}");
    }
}

#[test]
fn a_run_waits_for_writes_that_propagate_late() {
    for scenario in ["enabled", "fresh"] {
        let mut cloud = idc_sim::scenarios::named(scenario).unwrap();
        cloud.timing.propagation = std::time::Duration::from_millis(700);
        let env = TestEnv::with(cloud);
        let result = env.run_setup(&[]).expect(0);
        assert_complete(&env, &result, "late writes");
    }
}

#[test]
fn a_kill_between_writing_and_recording_the_config_leaves_the_sections_owned() {
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    // Restore the state file from before the write was recorded. The intents contain the digest of the new content.
    let mut progress = env.state();
    let config = std::fs::read(env.path(".aws/config")).unwrap();
    let digest = sha2_hex(&config);
    let sections = ["sso_session", "cli_profile"];
    let resources = progress["resources"].as_array_mut().unwrap();
    resources.retain(|resource| !sections.contains(&resource["kind"].as_str().unwrap()));
    let intent = |kind: &str, name: &str, mark: &str| {
        serde_json::json!({"step": "cli-profile", "verb": "create", "kind": kind, "name": name, "mark": mark,
            "at": "2026-11-24T10:00:00Z", "nonce": "0"})
    };
    progress["intents"] = serde_json::json!([
        intent("sso_session", "my-sso", &digest),
        // A digest that does not match the file: someone else may have written the section.
        intent("cli_profile", "admin", "another digest"),
    ]);
    std::fs::write(env.state_file(), progress.to_string()).unwrap();
    let result = env.json(&["run", "--non-interactive"]).expect(0);
    let origins: Vec<_> = result.step("cli-profile")["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["origin"].clone())
        .collect();
    // The third is the config file itself, which was recorded as created.
    assert_eq!(origins, ["created", "existing", "created"]);
    assert_eq!(env.state()["intents"], serde_json::json!([]));
}

#[test]
fn an_error_after_a_lost_reply_does_not_lose_the_origin() {
    let env = TestEnv::new("enabled");
    let denied = || FaultKind::Refuse(ServiceError::new("AccessDeniedException", "not now"));
    // The user is created, but the response is lost. The next read, which would find the user, is denied, and so are
    // all retries.
    env.fault("CreateUser", 1, FaultKind::CutAfter);
    env.fault("CreateUser", 2, denied());
    for nth in [3, 4] {
        env.fault("GetUserId", nth, denied());
    }
    let result = env.run_setup(&[]);
    assert_eq!(result.code, 4, "{}", result.summary());
    let result = env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    assert_complete(&env, &result, "a failure after a lost reply");
}

#[test]
fn an_unstable_connection_during_the_approval_is_tolerated() {
    let env = TestEnv::new("complete");
    env.fault("CreateToken", 1, FaultKind::CutBefore);
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    let env = TestEnv::new("complete");
    // The response with the token is lost, so the wizard requests a new code.
    env.fault("CreateToken", 2, FaultKind::CutAfter);
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
}

#[test]
fn no_further_codes_are_shown_after_the_end_of_the_wait() {
    let env = TestEnv::new("complete");
    env.server.cloud().person.kind = PersonKind::Never;
    env.json(&["run", "--non-interactive", "--wait=3s"]).expect(3);
    let codes = env
        .server
        .calls()
        .iter()
        .filter(|call| call.operation == "StartDeviceAuthorization")
        .count();
    assert_eq!(codes, 2, "one to check the portal's address, one to sign in");
}

fn sha2_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    let parts: Vec<String> = sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    parts.concat()
}

#[test]
fn a_sign_in_that_aws_never_answers_is_not_reported_as_a_missing_user() {
    let env = TestEnv::new("complete");
    env.fault_always("CreateToken", FaultKind::CutBefore);
    let run = ["run", "--non-interactive", "--wait=3s", "--email=admin@example.com"];
    let result = env.json(&run).expect(1);
    let error = result.step("sign-in")["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("sso-oidc:CreateToken"), "{error}");
    assert!(
        error["next"][0]["command"].as_str().unwrap().starts_with("idc-setup "),
        "{error}"
    );
}

#[test]
fn a_web_page_in_place_of_a_response_does_not_decide_the_origin() {
    for (create, read) in [
        ("CreateAccountAssignment", "ListAccountAssignmentCreationStatus"),
        ("CreatePermissionSet", "ListTagsForResource"),
    ] {
        for (status, content_type) in [(500, "text/html"), (501, "text/plain")] {
            let env = TestEnv::new("enabled");
            env.kill_at(&run_args(), create, 1, false);
            let page = FaultKind::Foreign {
                status,
                content_type: content_type.to_owned(),
                body: "The proxy cannot reach the server".to_owned(),
            };
            env.fault_always(read, page);
            let stopped = env.json(&[&["run"], &NON_INTERACTIVE[..]].concat());
            assert_eq!(stopped.code, 1, "{read}: {}", stopped.summary());
            env.server.heal();
            let result = env.json(&[&["run"], &NON_INTERACTIVE[..]].concat()).expect(0);
            assert_complete(&env, &result, read);
        }
    }
}

#[test]
fn the_origin_depends_on_the_first_request_even_after_a_kill() {
    let env = TestEnv::new("enabled");
    // The request takes so long that a colleague's run completes first.
    let request = env.hold("CreateAccountAssignment", 1, FaultKind::Hold);
    let mut child = env.spawn(&run_args());
    request.wait_until_reached();
    let home = tempfile::tempdir().unwrap();
    let mut colleague = env.command(&run_args());
    let colleague = colleague
        .env("HOME", home.path())
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(colleague.status.code(), Some(0));
    let look = env.hold("ListAccountAssignmentCreationStatus", 1, FaultKind::HoldBefore);
    request.release();
    look.wait_until_reached();
    child.kill().unwrap();
    child.wait().unwrap();
    look.release();
    assert_eq!(env.server.cloud().operations.len(), 2);
    let result = env.json(&[&["run"], &NON_INTERACTIVE[..]].concat()).expect(0);
    let resource = result.step("account-assignment")["resources"][0].clone();
    assert_eq!(resource["origin"], "existing", "{resource}");
    assert_eq!(env.server.cloud().assignments.len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_hangup_ends_a_run_like_ctrl_c() {
    // Under nohup, the tests and the programs that they start ignore the signal.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    if u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 != 0 {
        return;
    }
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let child = env
        .command(&run_args())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let start = std::time::Instant::now();
    while !env.state_file().exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "the run does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = std::process::Command::new("kill")
        .args(["-HUP", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    RunResult::new(child.wait_with_output().unwrap())
        .expect(130)
        .expect_text("Interrupted. Progress is saved");
}

#[test]
fn an_apply_that_is_interrupted_while_it_reads_says_that_nothing_was_changed() {
    let env = team();
    let held = env.hold("ListInstances", 1, FaultKind::HoldBefore);
    let child = env.spawn_piped(&["access", "apply", "--yes"]);
    held.wait_until_reached();
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let result = RunResult::new(child.wait_with_output().unwrap())
        .expect(130)
        .expect_text("Stopped. Nothing was changed.");
    assert!(!result.stderr.contains("Interrupted"), "{}", result.stderr);
}

/// Changes the saved progress.
fn change_state(env: &TestEnv, change: impl FnOnce(&mut serde_json::Value)) {
    let mut kept = env.state();
    change(&mut kept);
    std::fs::write(env.state_file(), kept.to_string()).unwrap();
}

#[test]
fn what_was_created_hours_after_a_killed_attempt_is_existing() {
    for (time, origin) in [(None, "created"), (Some("2026-01-01T00:00:00Z"), "existing")] {
        let env = TestEnv::new("enabled");
        env.kill_at(&run_args(), "CreateGroup", 1, false);
        change_state(&env, |kept| {
            for intent in kept["intents"].as_array_mut().unwrap() {
                if let Some(time) = time
                    && intent["kind"] == "group"
                {
                    intent["at"] = time.into();
                }
            }
        });
        let result = env.json(&[&["run"], &NON_INTERACTIVE[..]].concat()).expect(0);
        let resources = result.step("create-group")["resources"].clone();
        assert_eq!(resources[0]["origin"], origin, "{resources}");
    }
}

#[test]
fn each_attempt_of_a_create_call_is_recorded_with_its_own_time() {
    let recorded = |attempts: u32| {
        let env = TestEnv::new("enabled");
        for nth in 1..attempts {
            env.fault("CreateGroup", nth, FaultKind::CutBefore);
        }
        env.kill_at(&run_args(), "CreateGroup", attempts, true);
        let intents = env.state()["intents"].as_array().unwrap().clone().into_iter();
        intents.filter(|intent| intent["kind"] == "group").collect::<Vec<_>>()
    };
    assert_eq!(recorded(1).len(), 1);
    let intents = recorded(2);
    assert_eq!(intents.len(), 2, "{intents:?}");
    assert_eq!(intents[0]["nonce"], intents[1]["nonce"]);
    assert_ne!(intents[0]["at"], intents[1]["at"]);
}

#[test]
fn attempts_are_recorded_by_the_clock_of_aws() {
    let mut env = TestEnv::new("enabled");
    let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(4);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&ahead);
    let forwarder = Forwarder::start(&env.server.url(), Some(date.unwrap().leak()));
    env.set("AWS_ENDPOINT_URL", &forwarder.url);
    env.set("IDC_SETUP_REHEARSAL", &forwarder.url);
    env.kill_at(&run_args(), "CreateGroup", 1, true);
    let kept = env.state();
    let mut intents = kept["intents"].as_array().unwrap().iter();
    let intent = intents.find(|intent| intent["kind"] == "group").unwrap();
    let at: jiff::Timestamp = intent["at"].as_str().unwrap().parse().unwrap();
    assert!(
        at.duration_since(ahead) >= jiff::SignedDuration::from_secs(-60),
        "{intent}"
    );
}
