//! Undo: deletes the resources that `idc-setup` created, and keeps existing ones.

use std::time::Duration;

use idc_setup::ui::envelope::{Envelope, UndoBody};
use idc_sim::{CallLine, Cloud, FaultKind, Membership, ServiceError, Stamp};
use serde_json::{Value, json};

use super::json::schema;
use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv};

/// Returns the part of the state that undo restores. Sign-ins, which expire, and the history of requests are not part
/// of it.
pub fn persistent_state(cloud: &Cloud) -> Value {
    let mut cloud = serde_json::to_value(cloud).unwrap();
    for role in cloud["roles"].as_array_mut().unwrap() {
        // It follows from the permission set, and tests change that without provisioning.
        role.as_object_mut().unwrap().remove("version");
    }
    let mut stores = Vec::new();
    for instance in cloud["instances"].as_array().unwrap() {
        let store = &instance["store"];
        let users = store["users"].as_object().unwrap().iter();
        // The person activates the user, and undo does not revert that.
        let users = users.map(|(id, user)| (id.clone(), user["attributes"].clone()));
        stores.push(json!({
            "users": users.collect::<std::collections::BTreeMap<_, _>>(),
            "groups": store["groups"],
            "memberships": store["memberships"],
        }));
    }
    // An existing trail can deliver log files at any time.
    let mut buckets = cloud["buckets"].clone();
    let trails = cloud["trails"].as_array().unwrap();
    for (name, bucket) in buckets.as_object_mut().unwrap() {
        if trails.iter().any(|trail| trail["bucket"] == **name) {
            bucket["objects"] = json!("delivered");
        }
    }
    json!({
        "stores": stores,
        "permission_sets": cloud["permission_sets"],
        "assignments": cloud["assignments"],
        "roles": cloud["roles"],
        "trails": cloud["trails"],
        "buckets": buckets,
    })
}

pub fn undo(env: &TestEnv, more: &[&str]) -> RunResult {
    env.json(&[&["undo", "--yes"], more].concat())
}

/// Returns the kind and the disposition of each resource.
fn dispositions(result: &RunResult) -> Vec<(String, String)> {
    let envelope = result.envelope();
    let removals = envelope["removals"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    removals
        .map(|removal| (text(&removal["kind"]), text(&removal["disposition"])))
        .collect()
}

pub fn disposition(result: &RunResult, kind: &str) -> String {
    let all = dispositions(result);
    let found = all.iter().find(|(other, _)| other == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {all:?}")).1.clone()
}

#[test]
fn undo_after_a_run_restores_every_scenario() {
    let schema = schema("envelope-undo.v1.json", schemars::schema_for!(Envelope<UndoBody>));
    for name in [
        "fresh",
        "free-plan",
        "organization",
        "enabled",
        "half-done",
        "complete",
        "other-region",
        "no-permission-sets",
        "delegated-admin",
        "external-directory",
    ] {
        let env = TestEnv::new(name);
        let before = persistent_state(&env.server.cloud());
        let email = ["half-done", "complete", "external-directory"].contains(&name);
        let own: &[&str] = if email {
            &["--email=admin@example.com"]
        } else {
            &ANSWERS
        };
        let answers = [own, &["--enable-permission-sets"]].concat();
        let result = env.json(&[&["run"], &NON_INTERACTIVE[..], &answers[..]].concat());
        assert_eq!(result.code, 0, "{name}: {}", result.summary());
        let after_run = persistent_state(&env.server.cloud());
        assert!(
            after_run != before || ["complete", "external-directory"].contains(&name),
            "{name}"
        );
        let result = undo(&env, &[]);
        assert_eq!(result.code, 0, "{name}: {}", result.summary());
        jsonschema::validate(&schema, &result.envelope()).unwrap();
        let mut after = persistent_state(&env.server.cloud());
        // The person clicked Enable while the run waited, so the instance stays.
        if ["fresh", "free-plan", "organization"].contains(&name) {
            after["stores"] = json!([]);
        }
        assert_eq!(after, before, "{name}");
        assert!(!env.path(".aws").exists(), "{name}: {:?}", env.files(".aws"));
        // Another undo has nothing to do, and another run creates everything again.
        assert!(
            dispositions(&undo(&env, &[]).expect(0))
                .iter()
                .all(|(_, disposition)| disposition == "stays"),
            "{name}"
        );
        let result = env.json(&[&["run"], &NON_INTERACTIVE[..], &answers[..]].concat());
        assert_eq!(result.code, 0, "{name}: {}", result.summary());
    }
}

#[test]
fn undo_never_changes_existing_resources() {
    let env = TestEnv::new("complete");
    let before = persistent_state(&env.server.cloud());
    env.json(&[&["run", "--email=admin@example.com"], &NON_INTERACTIVE[..]].concat())
        .expect(0);
    let result = undo(&env, &["--include-changed"]).expect(0);
    let kinds: Vec<String> = dispositions(&result).into_iter().map(|(kind, _)| kind).collect();
    for kind in [
        "instance",
        "user",
        "group",
        "permission_set",
        "account_assignment",
        "trail",
    ] {
        assert!(!kinds.contains(&kind.to_owned()), "{kinds:?}");
    }
    assert_eq!(persistent_state(&env.server.cloud()), before);
}

#[test]
fn undo_deletes_a_trail_and_keeps_a_bucket_that_contains_files() {
    let env = TestEnv::new("fresh");
    env.run_setup(&["--create-trail"]).expect(0);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "trail"), "deleted");
    assert!(env.server.cloud().trails.is_empty());
    let bucket = disposition(&result, "bucket");
    assert_eq!(bucket == "stays", !env.server.cloud().buckets.is_empty(), "{bucket}");
    assert_eq!(disposition(&result, "organization"), "stays");
    assert!(env.server.cloud().organization.is_some());
}

#[test]
fn undo_reports_and_keeps_what_others_have_started_to_use() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    {
        let mut cloud = env.server.cloud();
        let by = cloud.root().arn;
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let store = &mut cloud.instances[0].store;
        let (group, user) = (
            store.groups.keys().next().unwrap().clone(),
            store.users.keys().next().unwrap().clone(),
        );
        let mut eve = store.users[&user].clone();
        eve.attributes["UserName"] = json!("eve");
        eve.attributes["Emails"][0]["Value"] = json!("eve@example.com");
        let id = "9067aabbcc-99999999-0000-4000-8000-000000000000".to_owned();
        store.users.insert(id.clone(), eve);
        let created = Stamp { at, by };
        store.memberships.insert(
            "9067aabbcc-00000000-0000-4000-8000-000000000000".to_owned(),
            Membership {
                group,
                user: id,
                created,
            },
        );
        cloud.permission_sets[0].session_duration = "PT2H".to_owned();
    }
    let result = undo(&env, &[]).expect(5);
    assert_eq!(disposition(&result, "group"), "changed");
    assert_eq!(disposition(&result, "group_membership"), "deleted");
    assert_eq!(disposition(&result, "user"), "deleted");
    let why = result.envelope()["removals"]
        .as_array()
        .unwrap()
        .iter()
        .find(|removal| removal["kind"] == "group")
        .unwrap()["why"]
        .clone();
    assert!(why.as_str().unwrap().contains("it has another member"), "{why}");
    assert_eq!(env.server.cloud().instances[0].store.groups.len(), 1);
    undo(&env, &["--include-changed"]).expect(0);
    let cloud = env.server.cloud();
    assert!(cloud.instances[0].store.groups.is_empty());
    assert_eq!(cloud.instances[0].store.users.len(), 1, "eve stays");
}

#[test]
fn undo_keeps_a_group_that_someone_else_gave_access_to() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    {
        let mut cloud = env.server.cloud();
        let mut set = cloud.permission_sets[0].clone();
        let mut assignment = cloud.assignments[0].clone();
        "Billing".clone_into(&mut set.name);
        set.arn = set.arn.replace("/ps-", "/ps-9");
        set.arn.truncate(set.arn.len() - 1);
        assignment.permission_set.clone_from(&set.arn);
        cloud.permission_sets.push(set);
        cloud.assignments.push(assignment);
    }
    let result = undo(&env, &[]).expect(5);
    assert_eq!(disposition(&result, "group"), "changed");
    assert_eq!(disposition(&result, "permission_set"), "deleted");
    assert_eq!(env.server.cloud().instances[0].store.groups.len(), 1);
}

#[test]
fn undo_keeps_a_permission_set_that_someone_changed_after_its_creation() {
    type Change = fn(&mut Cloud);
    let changes: [(&str, Change); 4] = [
        ("inline policy", |cloud| {
            cloud.permission_sets[0].inline_policy = Some("{}".to_owned());
        }),
        ("ReadOnlyAccess", |cloud| {
            let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
            cloud.permission_sets[0].managed_policies.push(policy);
        }),
        ("session duration changed from 1h to 2h", |cloud| {
            "PT2H".clone_into(&mut cloud.permission_sets[0].session_duration);
        }),
        ("relay state", |cloud| {
            cloud.permission_sets[0].relay_state = Some("https://example.com".to_owned());
        }),
    ];
    for (what, change) in changes {
        let env = TestEnv::new("enabled");
        env.run_setup(&[]).expect(0);
        change(&mut env.server.cloud());
        let result = undo(&env, &[]).expect(5);
        assert_eq!(disposition(&result, "permission_set"), "changed", "{what}");
        assert!(result.summary().contains(what), "{what}: {}", result.summary());
        assert_eq!(env.server.cloud().permission_sets.len(), 1, "{what}");
        undo(&env, &["--include-changed"]).expect(0);
        assert!(env.server.cloud().permission_sets.is_empty(), "{what}");
    }
}

#[test]
fn undo_always_keeps_a_permission_set_that_is_assigned_to_someone_else() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    {
        let mut cloud = env.server.cloud();
        let mut other = cloud.assignments[0].clone();
        other.principal = "9067aabbcc-99999999-0000-4000-8000-000000000000".to_owned();
        "USER".clone_into(&mut other.principal_type);
        cloud.assignments.push(other);
    }
    assert_eq!(disposition(&undo(&env, &[]).expect(5), "permission_set"), "changed");
    let result = undo(&env, &["--include-changed"]).expect(5);
    assert_eq!(disposition(&result, "permission_set"), "changed");
}

#[test]
fn undo_waits_for_new_resources_that_are_not_visible_yet() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let before = persistent_state(&TestEnv::new("enabled").server.cloud());
    // The resources were recorded just now, also on a busy machine,
    let mut kept = env.state();
    let soon = jiff::Timestamp::now() + Duration::from_secs(2);
    for resource in kept["resources"].as_array_mut().unwrap() {
        resource["at"] = json!(soon.to_string());
    }
    std::fs::write(env.state_file(), kept.to_string()).unwrap();
    // and reads do not return them yet, more often than undo retries a read of an older resource.
    for operation in ["DescribeUser", "DescribePermissionSet", "GetGroupMembershipId"] {
        for nth in 1..7 {
            let gone = ServiceError::new("ResourceNotFoundException", "It was not found");
            env.fault(operation, nth, FaultKind::Refuse(gone));
        }
    }
    undo(&env, &[]).expect(0);
    assert_eq!(
        persistent_state(&env.server.cloud())["permission_sets"],
        before["permission_sets"]
    );
    assert!(env.server.cloud().instances[0].store.users.is_empty());
}

#[test]
fn a_step_is_not_undone_while_another_step_depends_on_it() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    for step in ["create-group", "permission-set"] {
        let result = undo(&env, &["--step", step]).expect(1);
        let next = result.envelope()["error"]["next"].to_string();
        assert!(next.contains("--step account-assignment"), "{next}");
    }
    assert_eq!(env.counts()[0], 1);
    undo(&env, &["--step=account-assignment"]).expect(0);
    undo(&env, &["--step=permission-set"]).expect(0);
}

#[test]
fn undo_rejects_the_flags_of_run() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let before = persistent_state(&env.server.cloud());
    for flag in [
        "--only=create-user",
        "--skip=create-user",
        "--fresh",
        "--update=permission-set",
    ] {
        undo(&env, &[flag]).expect(2);
    }
    assert_eq!(persistent_state(&env.server.cloud()), before);
}

#[test]
fn errors_that_stop_undo_suggest_undo_as_the_next_command() {
    for (operation, code, exit, step) in [
        ("DeleteUser", "AccessDeniedException", 4, "Step 2 (User): "),
        (
            "DescribeOrganization",
            "AccessDeniedException",
            4,
            "Step 1 (Identity Center): ",
        ),
        ("DeleteUser", "ExpiredTokenException", 4, "Step 2 (User): "),
        (
            "DeletePermissionSet",
            "AccessDeniedException",
            4,
            "Step 4 (Permission set): ",
        ),
    ] {
        let env = TestEnv::new("enabled");
        env.run_setup(&[]).expect(0);
        env.fault(operation, 1, FaultKind::Refuse(ServiceError::new(code, "no")));
        let result = undo(&env, &[]).expect(exit);
        let error = result.envelope()["error"].clone();
        let next = error["next"].to_string();
        assert!(
            next.contains("idc-setup undo") && !next.contains("idc-setup run"),
            "{operation}: {next}"
        );
        assert!(error["aws"]["code"] == code, "{operation}: {error}");
        assert!(
            error["message"].as_str().unwrap().starts_with(step),
            "{operation}: {error}"
        );
    }
}

#[test]
fn undo_can_be_killed_at_any_deletion_and_run_again() {
    let deletes = |env: &TestEnv| -> Vec<CallLine> {
        let calls = env.server.calls().into_iter();
        calls.filter(|call| call.operation.starts_with("Delete")).collect()
    };
    let reference = TestEnv::new("enabled");
    let before = persistent_state(&reference.server.cloud());
    reference.run_setup(&[]).expect(0);
    reference.server.clear_calls();
    undo(&reference, &[]).expect(0);
    let operations = deletes(&reference);
    assert_eq!(operations.len(), 5, "{operations:?}");
    for operation in operations {
        for is_before in [true, false] {
            let env = TestEnv::new("enabled");
            env.run_setup(&[]).expect(0);
            env.kill_at(&["undo", "--yes"], &operation.operation, 1, is_before);
            let result = undo(&env, &[]);
            let what = format!("{} before={is_before}", operation.operation);
            assert_eq!(result.code, 0, "{what}: {}", result.summary());
            assert_eq!(persistent_state(&env.server.cloud()), before, "{what}");
            assert!(!env.path(".aws").exists(), "{what}");
            let kept = env.state();
            assert_eq!(kept["intents"], json!([]), "{what}");
            let left = kept["resources"].as_array().unwrap().iter();
            let created: Vec<&Value> = left.filter(|resource| resource["origin"] == "created").collect();
            assert!(created.is_empty(), "{what}: {created:?}");
        }
    }
}

#[test]
fn undo_reads_again_only_what_it_does_not_find() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    env.server.clear_calls();
    undo(&env, &[]).expect(0);
    let calls = env.server.calls();
    let reads = calls.iter().filter(|call| call.operation == "DescribeUser").count();
    // For the checks, for the plan, before the deletion, and after it.
    assert!(reads <= 4, "{calls:?}");
}
