//! Undo restores the values of existing resources that `--update` changed.

use std::time::Duration;

use idc_sim::{Account, Assignment, Cloud, FaultKind, ServiceError, scenarios};
use serde_json::{Value, json};

use super::support::{ANSWERS, RunResult, TestEnv, is_mutating};
use super::undo::persistent_state;

pub const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
pub const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
pub const BILLING: &str = "arn:aws:iam::aws:policy/job-function/Billing";

const UPDATE: [&str; 6] = [
    "run",
    "--non-interactive",
    "--wait=60s",
    "--email=admin@example.com",
    "--session-duration=8h",
    "--update=permission-set",
];

/// Returns the scenario `complete`, with other values in the permission set than [`UPDATE`] requests.
pub fn cloud_with_other_values() -> Cloud {
    let mut cloud = scenarios::named("complete").unwrap();
    cloud.permission_sets[0].managed_policies = vec![BILLING.to_owned(), READ_ONLY.to_owned()];
    "PT4H".clone_into(&mut cloud.permission_sets[0].session_duration);
    for role in &mut cloud.roles {
        role.managed_policies = vec![BILLING.to_owned(), READ_ONLY.to_owned()];
    }
    cloud
}

/// Returns [`persistent_state`] with sorted policies, because their order depends on when they were attached.
pub fn account_state(env: &TestEnv) -> Value {
    let mut cloud = persistent_state(&env.server.cloud());
    for name in ["permission_sets", "roles"] {
        for resource in cloud[name].as_array_mut().unwrap() {
            let policies = resource["managed_policies"].as_array_mut().unwrap();
            policies.sort_by_key(|policy| policy.as_str().unwrap_or_default().to_owned());
        }
    }
    cloud
}

pub fn undo(env: &TestEnv, more: &[&str]) -> RunResult {
    env.json(&[&["undo", "--yes"], more].concat())
}

fn row(result: &RunResult, kind: &str) -> Value {
    let envelope = result.envelope();
    let mut rows = envelope["removals"].as_array().unwrap().iter();
    let found = rows.find(|removal| removal["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {envelope:#}")).clone()
}

#[test]
fn undo_restores_an_existing_permission_set_after_an_update() {
    let env = TestEnv::with(cloud_with_other_values());
    let before = account_state(&env);
    env.json(&UPDATE).expect(0);
    assert_ne!(account_state(&env), before);
    let result = undo(&env, &[]).expect(0);
    let restored = row(&result, "permission_set");
    assert_eq!(
        (&restored["disposition"], &restored["origin"]),
        (&json!("restored"), &json!("existing"))
    );
    let why = restored["why"].as_str().unwrap();
    assert!(
        why.contains("session duration: PT4H"),
        "the restored value is shown: {why}"
    );
    let command = restored["command"].as_str().unwrap();
    for part in [
        "--session-duration PT4H",
        "attach-managed-policy-to-permission-set --region us-east-1 --instance-arn",
        &format!("--managed-policy-arn {READ_ONLY}"),
        &format!("--managed-policy-arn {ADMINISTRATOR}"),
        "provision-permission-set",
    ] {
        assert!(command.contains(part), "{part}: {command}");
    }
    assert_eq!(account_state(&env), before, "the permission set and its roles");
    let kept = env.state();
    assert_eq!(kept["intents"], json!([]));
    assert!(kept["replaced"].is_null(), "{:#}", kept["replaced"]);
}

#[test]
fn a_restore_can_be_killed_at_any_change_and_run_again() {
    let reference = TestEnv::with(cloud_with_other_values());
    reference.json(&UPDATE).expect(0);
    reference.server.clear_calls();
    undo(&reference, &[]).expect(0);
    let changes: Vec<_> = reference.server.calls().into_iter().filter(is_mutating).collect();
    let names: Vec<&str> = changes.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(
        names,
        [
            "UpdatePermissionSet",
            "AttachManagedPolicyToPermissionSet",
            "AttachManagedPolicyToPermissionSet",
            "DetachManagedPolicyFromPermissionSet",
            "ProvisionPermissionSet"
        ]
    );
    for (n, operation) in names.iter().enumerate() {
        let nth = 1 + u32::try_from(names[..n].iter().filter(|other| *other == operation).count()).unwrap();
        for is_before in [true, false] {
            let env = TestEnv::with(cloud_with_other_values());
            let before = account_state(&env);
            env.json(&UPDATE).expect(0);
            env.kill_at(&["undo", "--yes"], operation, nth, is_before);
            let what = format!("{operation} {nth} before={is_before}");
            let result = undo(&env, &[]);
            assert_eq!(result.code, 0, "{what}: {}", result.summary());
            assert_eq!(account_state(&env), before, "{what}");
            assert_eq!(env.state()["intents"], json!([]), "{what}");
        }
    }
}

#[test]
fn undo_restores_values_after_a_killed_update() {
    for (operation, is_before) in [
        ("UpdatePermissionSet", false),
        ("AttachManagedPolicyToPermissionSet", false),
        ("DetachManagedPolicyFromPermissionSet", true),
        ("ProvisionPermissionSet", true),
        ("ProvisionPermissionSet", false),
    ] {
        let env = TestEnv::with(cloud_with_other_values());
        let before = account_state(&env);
        env.kill_at(&UPDATE, operation, 1, is_before);
        let result = undo(&env, &[]);
        assert_eq!(result.code, 0, "{operation} {is_before}: {}", result.summary());
        assert_eq!(account_state(&env), before, "{operation} {is_before}");
    }
}

#[test]
fn undo_keeps_what_someone_changed_after_the_update() {
    let env = TestEnv::with(cloud_with_other_values());
    env.json(&UPDATE).expect(0);
    env.server.cloud().permission_sets[0].session_duration = "PT2H".to_owned();
    let result = undo(&env, &[]).expect(5);
    let changed = row(&result, "permission_set");
    assert_eq!(changed["disposition"], "changed");
    assert!(
        changed["why"].as_str().unwrap().contains("session duration"),
        "{changed}"
    );
    assert_eq!(env.server.cloud().permission_sets[0].session_duration, "PT2H");
    // A policy that someone else attached is always kept.
    let security = "arn:aws:iam::aws:policy/SecurityAudit".to_owned();
    env.server.cloud().permission_sets[0]
        .managed_policies
        .push(security.clone());
    undo(&env, &["--include-changed"]).expect(0);
    let cloud = env.server.cloud();
    let set = &cloud.permission_sets[0];
    assert_eq!(set.session_duration, "PT4H");
    assert!(set.managed_policies.contains(&security) && set.managed_policies.contains(&READ_ONLY.to_owned()));
    assert!(!set.managed_policies.contains(&ADMINISTRATOR.to_owned()));
}

/// Asserts that the account is as before, except that the permission set has one more policy.
#[track_caller]
fn assert_only_administrator_is_kept(env: &TestEnv, before: &Value) {
    let mut after = account_state(env);
    let policies = after["permission_sets"][0]["managed_policies"].as_array_mut().unwrap();
    assert_eq!(policies.len(), 3, "{policies:?}");
    policies.retain(|policy| policy != ADMINISTRATOR);
    after["roles"] = before["roles"].clone();
    assert_eq!(after, *before, "everything else is restored");
}

#[test]
fn undo_keeps_a_policy_that_a_colleague_attached_at_the_same_time() {
    let env = TestEnv::with(cloud_with_other_values());
    let before = account_state(&env);
    let held = env.hold("AttachManagedPolicyToPermissionSet", 1, FaultKind::Hold);
    let mut run = env.spawn(&UPDATE);
    held.wait_until_reached();
    // A run saves the previous values before the call.
    assert!(env.state()["replaced"].to_string().contains(ADMINISTRATOR));
    let policy = ADMINISTRATOR.to_owned();
    env.server.cloud().permission_sets[0].managed_policies.push(policy);
    held.release();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    undo(&env, &[]).expect(0);
    assert_only_administrator_is_kept(&env, &before);
}

#[test]
fn a_failed_deletion_stops_only_the_deletions_that_follow_it_in_its_branch() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--create-trail"]).expect(0);
    env.empty_buckets();
    let denied = ServiceError::new("AccessDeniedException", "not yours to delete");
    env.fault_always("DeletePermissionSet", FaultKind::Refuse(denied));
    let result = undo(&env, &[]).expect(4);
    assert_eq!(result.envelope()["error"]["step"], "permission-set");
    assert!(
        row(&result, "permission_set")["why"]
            .as_str()
            .unwrap()
            .contains("not yours to delete")
    );
    assert_eq!(row(&result, "account_assignment")["disposition"], "deleted");
    assert_eq!(row(&result, "group")["disposition"], "delete");
    assert_eq!(row(&result, "trail")["disposition"], "deleted");
    assert_eq!(row(&result, "bucket")["disposition"], "deleted");
    assert!(!env.path(".aws").exists());
}

#[test]
fn undo_keeps_a_bucket_with_a_changed_policy() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--create-trail"]).expect(0);
    for bucket in env.server.cloud().buckets.values_mut() {
        bucket.objects.clear();
        bucket.policy = Some(json!({"Version": "2012-10-17", "Statement": []}).to_string());
    }
    let result = undo(&env, &[]).expect(5);
    assert_eq!(row(&result, "bucket")["disposition"], "changed");
    assert_eq!(row(&result, "bucket")["why"], "someone changed its policy");
    assert_eq!(env.server.cloud().buckets.len(), 1);
    undo(&env, &["--include-changed"]).expect(0);
    assert!(env.server.cloud().buckets.is_empty());
}

#[test]
fn undo_keeps_a_group_that_got_a_description() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    for group in env.server.cloud().instances[0].store.groups.values_mut() {
        group.description = Some("administrators".to_owned());
    }
    let result = undo(&env, &[]).expect(5);
    assert_eq!(row(&result, "group")["disposition"], "changed");
}

#[test]
fn undo_reports_state_files_moved_aside_and_status_forgets_deleted_resources() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    undo(&env, &[]).expect(0);
    let result = env
        .command(&["status"])
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_SESSION_TOKEN")
        .output()
        .unwrap();
    let printed = String::from_utf8(result.stdout).unwrap();
    assert!(printed.contains("Never checked"), "{printed}");
    assert!(!printed.contains("The user Admin exists"), "{printed}");
    std::fs::write(env.state_file(), "{").unwrap();
    env.run(&["status"]);
    undo(&env, &[]).expect(1);
    let result = env.run(&["undo", "--yes"]).expect(0);
    result.expect_text("was set aside");
}

#[test]
fn undo_deletes_an_assignment_that_appears_between_two_reads() {
    for propagation in [0, 900] {
        let mut cloud = scenarios::named("half-done").unwrap();
        cloud.timing.provisioning = Duration::from_millis(1500);
        cloud.timing.propagation = Duration::from_millis(propagation);
        let env = TestEnv::with(cloud);
        let run = ["run", "--non-interactive", "--wait=60s", "--email=admin@example.com"];
        env.kill_at(&run, "CreateAccountAssignment", 1, false);
        // Undo lists the assignments before the assignment exists, and reads the status after the request succeeded.
        env.fault(
            "DescribeAccountAssignmentCreationStatus",
            1,
            FaultKind::Delay(Duration::from_secs(2)),
        );
        let result = undo(&env, &[]).expect(0);
        assert_eq!(
            row(&result, "account_assignment")["disposition"],
            "deleted",
            "{}",
            result.summary()
        );
        assert!(env.server.cloud().assignments.is_empty());
        let state = env.state();
        let mut intents = state["intents"].as_array().unwrap().iter();
        assert!(
            intents.all(|intent| intent["kind"] != "account_assignment"),
            "{state:#}"
        );
    }
}

#[test]
fn an_update_and_its_undo_reach_every_account_with_the_permission_set() {
    let mut cloud = cloud_with_other_values();
    let second = Account::new("210987654321", "Second", "second@example.com");
    let assignment = Assignment {
        account: second.id.clone(),
        ..cloud.assignments[0].clone()
    };
    let mut role = cloud.roles[0].clone();
    role.account.clone_from(&second.id);
    cloud.roles.push(role);
    cloud.assignments.push(assignment);
    cloud.accounts.push(second);
    let env = TestEnv::with(cloud);
    let before = account_state(&env);
    env.json(&UPDATE).expect(0);
    let policies: Vec<Vec<String>> = env
        .server
        .cloud()
        .roles
        .iter()
        .map(|role| role.managed_policies.clone())
        .collect();
    assert_eq!(policies, [[ADMINISTRATOR], [ADMINISTRATOR]]);
    undo(&env, &[]).expect(0);
    assert_eq!(account_state(&env), before);
}

#[test]
fn a_refused_second_update_does_not_keep_undo_from_restoring_the_first() {
    let env = TestEnv::with(cloud_with_other_values());
    let before = account_state(&env);
    env.json(&UPDATE).expect(0);
    env.deny(&["sso:UpdatePermissionSet"]);
    let second = [
        "run",
        "--non-interactive",
        "--session-duration=2h",
        "--update=permission-set",
    ];
    env.json(&second).expect(4);
    env.deny(&[]);
    assert_eq!(env.server.cloud().permission_sets[0].session_duration, "PT8H");
    undo(&env, &[]).expect(0);
    assert_eq!(account_state(&env), before);
}

#[test]
fn undo_leaves_an_incomplete_permission_set_that_someone_else_changed() {
    for is_changed in [false, true] {
        let env = TestEnv::new("enabled");
        let run = [&["run", "--non-interactive"], &ANSWERS[..]].concat();
        env.kill_at(&run, "AttachManagedPolicyToPermissionSet", 1, true);
        if is_changed {
            env.server.cloud().permission_sets[0].description = Some("mine now".to_owned());
        }
        let result = undo(&env, &[]).expect(if is_changed { 5 } else { 0 });
        assert_eq!(env.server.cloud().permission_sets.len(), usize::from(is_changed));
        if is_changed {
            let why = row(&result, "permission_set")["why"].to_string();
            assert!(why.contains("someone changed its description"), "{why}");
        }
    }
}

#[test]
fn undo_keeps_a_policy_that_someone_attaches_after_our_attempt_was_refused() {
    let env = TestEnv::with(cloud_with_other_values());
    let before = account_state(&env);
    env.deny(&["sso:AttachManagedPolicyToPermissionSet"]);
    env.json(&UPDATE).expect(4);
    env.deny(&[]);
    let policy = ADMINISTRATOR.to_owned();
    env.server.cloud().permission_sets[0].managed_policies.push(policy);
    undo(&env, &[]).expect(0);
    assert_only_administrator_is_kept(&env, &before);
}

#[test]
fn undo_forgets_an_update_of_a_permission_set_that_someone_deleted() {
    for has_instance in [true, false] {
        let env = TestEnv::with(cloud_with_other_values());
        env.json(&UPDATE).expect(0);
        {
            let mut cloud = env.server.cloud();
            cloud.assignments.clear();
            cloud.permission_sets.clear();
            if !has_instance {
                cloud.instances.clear();
            }
        }
        env.server.clear_calls();
        let result = undo(&env, &[]).expect(0);
        assert_eq!(row(&result, "permission_set")["disposition"], "gone");
        let kept = env.state();
        assert!(kept["replaced"].as_array().is_none_or(Vec::is_empty), "{kept}");
        assert!(!env.server.calls().iter().any(is_mutating));
    }
}

fn cloud_with_two_permission_sets() -> Cloud {
    let mut cloud = cloud_with_other_values();
    let mut second = cloud.permission_sets[0].clone();
    "Second".clone_into(&mut second.name);
    second.arn = second.arn.replace("ps-0123456789abcdef", "ps-fedcba9876543210");
    "PT2H".clone_into(&mut second.session_duration);
    cloud.permission_sets.push(second);
    cloud
}

fn update_both(env: &TestEnv) {
    env.json(&UPDATE).expect(0);
    // The profile is for the first permission set, so it differs.
    env.json(&[&UPDATE[..], &["--permission-set=Second"]].concat())
        .expect(5);
}

#[test]
fn undo_restores_each_of_two_permission_sets_also_of_one_step() {
    for more in [&[][..], &["--step=permission-set"]] {
        let env = TestEnv::with(cloud_with_two_permission_sets());
        let settings = |env: &TestEnv| account_state(env)["permission_sets"].clone();
        let before = settings(&env);
        update_both(&env);
        let updated = settings(&env);
        for index in 0..2 {
            assert_ne!(updated[index], before[index], "{updated}");
        }
        let result = undo(&env, more).expect(0);
        assert_eq!(row(&result, "permission_set")["step"], "permission-set");
        assert_eq!(settings(&env), before, "{more:?}");
    }
}

#[test]
fn undo_restores_a_permission_set_next_to_one_that_someone_changed_since() {
    let env = TestEnv::with(cloud_with_two_permission_sets());
    let before = account_state(&env)["permission_sets"].clone();
    update_both(&env);
    "PT3H".clone_into(&mut env.server.cloud().permission_sets[1].session_duration);
    let updated = account_state(&env)["permission_sets"].clone();
    undo(&env, &[]).expect(5);
    let restored = account_state(&env)["permission_sets"].clone();
    assert_eq!((&restored[0], &restored[1]), (&before[0], &updated[1]));
}
