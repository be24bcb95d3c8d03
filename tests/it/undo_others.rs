//! Undo in an account that others use: it keeps what belongs to others and what they have started to use. It also
//! deletes what a killed run created under another name.

use idc_sim::{FaultKind, ServiceError};
use serde_json::json;

use super::support::{ANSWERS, NON_INTERACTIVE, SKIP_RECOMMENDATIONS, TestEnv};
use super::undo::{disposition, persistent_state, undo};

fn run_as<'a>(answers: &[&'a str]) -> Vec<&'a str> {
    [&["run"], &NON_INTERACTIVE[..], &SKIP_RECOMMENDATIONS[..], answers].concat()
}

#[test]
fn an_existing_session_keeps_every_byte_after_an_update_of_our_profile() {
    let env = TestEnv::new("complete");
    let start = ["--email=admin@example.com", "--non-interactive", "--skip=sign-in"];
    env.json(&[&["run"], &start[..]].concat());
    // Keep only the session, as if someone else had written it.
    let config = env.config();
    let session = config.split("\n[profile").next().unwrap().to_owned() + "# existing\n";
    undo(&env, &[]).expect(0);
    env.write_config(&session);
    env.json(&[&["run"], &start[..]].concat());
    env.json(&[&["run", "--update=cli-profile", "--cli-region=eu-west-1"], &start[..]].concat());
    let config = env.config();
    assert!(config.contains("region = eu-west-1"), "{config}");
    undo(&env, &[]).expect(0);
    assert_eq!(env.config(), session);
}

#[test]
fn undo_after_an_update_of_our_own_section_restores_every_byte() {
    for before in ["[default]\nregion = eu-west-1", "# x\r\n[default]\r\n"] {
        let env = TestEnv::new("enabled");
        env.write_config(before);
        env.run_setup(&["--skip=sign-in"]);
        env.run_setup(&["--skip=sign-in", "--update=cli-profile", "--cli-output=text"]);
        undo(&env, &[]).expect(0);
        assert_eq!(env.config(), before);
    }
}

#[test]
fn undo_keeps_existing_folders_even_if_they_are_empty() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path(".aws/sso/cache")).unwrap();
    env.run_setup(&[]).expect(0);
    undo(&env, &[]).expect(0);
    assert!(env.path(".aws/sso/cache").is_dir());
    assert!(env.files(".aws").is_empty());
}

#[test]
fn a_colleague_who_was_added_to_our_group_keeps_their_access() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let home = tempfile::tempdir().unwrap();
    let bob = [
        "--email=bob@example.com",
        "--given-name=Bob",
        "--family-name=B",
        "--username=bob",
        "--skip=sign-in",
    ];
    let theirs = env.command(&run_as(&bob)).env("HOME", home.path()).output().unwrap();
    assert_eq!(
        theirs.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&theirs.stderr)
    );
    let result = undo(&env, &[]).expect(5);
    for kind in ["account_assignment", "permission_set", "group"] {
        assert_eq!(disposition(&result, kind), "changed", "{kind}");
    }
    assert_eq!(disposition(&result, "user"), "deleted");
    let removals = result.envelope()["removals"].to_string();
    assert!(
        removals.contains("someone else has access through it: bob"),
        "{removals}"
    );
    assert_eq!(env.server.cloud().assignments.len(), 1);
    // With `--include-changed`, they are deleted.
    undo(&env, &["--include-changed"]).expect(0);
    assert!(env.server.cloud().assignments.is_empty() && env.server.cloud().permission_sets.is_empty());
}

#[test]
fn undo_keeps_what_an_assignment_uses_that_we_did_not_create() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let mut kept = env.state();
    for resource in kept["resources"].as_array_mut().unwrap() {
        if resource["kind"] == "account_assignment" {
            resource["origin"] = json!("existing");
        }
    }
    std::fs::write(env.state_file(), kept.to_string()).unwrap();
    let result = undo(&env, &[]).expect(5);
    for kind in ["permission_set", "group"] {
        assert_eq!(disposition(&result, kind), "changed", "{kind}");
    }
    assert_eq!(env.server.cloud().assignments.len(), 1);
}

#[test]
fn undo_deletes_what_a_killed_run_created_under_another_name() {
    for operation in [
        "CreateUser",
        "CreateGroup",
        "CreateGroupMembership",
        "CreatePermissionSet",
        "CreateAccountAssignment",
    ] {
        let env = TestEnv::new("enabled");
        let before = persistent_state(&env.server.cloud());
        let first = ["--username=ada", "--group=First", "--permission-set=First"];
        env.kill_at(&run_as(&[&ANSWERS[..], &first[..]].concat()), operation, 1, false);
        let other = [
            "--username=bob",
            "--email=bob@example.com",
            "--group=Second",
            "--permission-set=Second",
        ];
        let second = run_as(&[&ANSWERS[1..3], &other[..]].concat());
        env.json(&second).expect(0);
        let result = undo(&env, &[]).expect(0);
        assert_eq!(
            persistent_state(&env.server.cloud()),
            before,
            "{operation}: {}",
            result.summary()
        );
    }
}

#[test]
fn an_assignment_requested_by_a_killed_run_is_owned_even_if_somebody_else_is_assigned_now() {
    let env = TestEnv::new("enabled");
    let before = persistent_state(&env.server.cloud());
    env.kill_at(&run_as(&ANSWERS), "CreateAccountAssignment", 1, false);
    env.run_setup(&["--assign-to=user"]).expect(0);
    assert_eq!(env.server.cloud().assignments.len(), 2);
    undo(&env, &[]).expect(0);
    assert_eq!(persistent_state(&env.server.cloud()), before);
}

/// Restores the state file from before a write to the config was recorded, as if the run had been killed there.
fn forget_the_write(env: &TestEnv, kinds: &[&str]) {
    let mut kept = env.state();
    let resources = kept["resources"].as_array().unwrap().clone();
    let (written, rest): (Vec<_>, Vec<_>) = resources
        .into_iter()
        .partition(|resource| kinds.contains(&resource["kind"].as_str().unwrap()));
    let intents = written.iter().map(|part| {
        json!({"step": "cli-profile", "verb": "create", "kind": part["kind"], "name": part["name"],
            "mark": "of the earlier content", "text": part["text"], "at": "2026-11-24T10:00:00Z", "nonce": "0"})
    });
    kept["intents"] = intents.collect();
    kept["resources"] = rest.into();
    std::fs::write(env.state_file(), kept.to_string()).unwrap();
}

#[test]
fn own_sections_stay_owned_after_a_kill_and_later_edits_by_others() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    forget_the_write(&env, &["sso_session", "cli_profile"]);
    let later = "\n[profile later]\noutput = text\n";
    env.write_config(env.config() + later);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "cli_profile"), "deleted");
    assert_eq!(env.config(), later);
}

#[test]
fn undo_keeps_sections_and_a_file_that_someone_else_wrote_after_a_kill() {
    let kinds = ["sso_session", "cli_profile", "config_file"];
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    forget_the_write(&env, &kinds);
    let theirs = env.config().replace("output = json", "output = text");
    env.write_config(&theirs);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "group"), "deleted");
    let removals = result.envelope()["removals"].to_string();
    assert!(kinds.iter().all(|kind| !removals.contains(kind)), "{removals}");
    assert_eq!(env.config(), theirs);

    // They created the file, and another run wrote our sections into it.
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    forget_the_write(&env, &kinds);
    env.write_config("\n".to_owned() + &env.config());
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "cli_profile"), "deleted");
    assert_eq!(env.config(), "\n");
}

#[test]
fn later_changes_to_a_user_or_a_permission_set_are_detected() {
    for change in ["title", "display", "detach", "description", "tag"] {
        let env = TestEnv::new("enabled");
        env.run_setup(&["--skip=sign-in"]).expect(3);
        {
            let mut cloud = env.server.cloud();
            if let Some(user) = cloud.instances[0].store.users.values_mut().next()
                && ["title", "display"].contains(&change)
            {
                let name = if change == "title" { "Title" } else { "DisplayName" };
                user.attributes.insert(name.to_owned(), json!("Chief"));
            }
            let set = &mut cloud.permission_sets[0];
            match change {
                "detach" => set.managed_policies.clear(),
                "description" => set.description = Some("mine now".to_owned()),
                "tag" => drop(set.tags.insert("owner".to_owned(), "bob".to_owned())),
                _ => {}
            }
        }
        let result = undo(&env, &[]).expect(5);
        let kind = if ["title", "display"].contains(&change) {
            "user"
        } else {
            "permission_set"
        };
        assert_eq!(disposition(&result, kind), "changed", "{change}");
    }
}

#[test]
fn undo_names_the_instance_and_how_to_delete_it() {
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "instance"), "stays");
    assert_eq!(disposition(&result, "organization"), "stays");
}

#[test]
fn a_permission_sets_switch_turned_on_by_a_killed_run_is_owned() {
    let env = TestEnv::new("no-permission-sets");
    let args = run_as(&[&ANSWERS[..], &["--enable-permission-sets"]].concat());
    env.kill_at(&args, "UpdateInstance", 1, false);
    env.json(&args).expect(0);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "permission_sets_switch"), "stays");
}

#[test]
fn a_requested_region_without_an_instance_does_not_block_undo() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    env.run_setup(&["--identity-center-region=eu-west-1"]).expect(5);
    undo(&env, &[]).expect(0);
    assert!(env.server.cloud().permission_sets.is_empty());
}

#[test]
fn printed_commands_apply_an_answer_that_differs_or_keep_the_existing_value() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let result = env.run_setup(&["--skip=sign-in", "--session-duration=8h"]).expect(5);
    let next = result.step("permission-set")["next"].to_string();
    assert!(next.contains("--update permission-set"), "{next}");
    let update = ["--session-duration=8h", "--update=permission-set"];
    assert!(next.contains("--session-duration 8h --update permission-set"), "{next}");
    env.json(&[&["run", "--non-interactive", "--skip=sign-in"], &update[..]].concat())
        .expect(3);
    assert_eq!(env.server.cloud().permission_sets[0].session_duration, "PT8H");
    // Somebody else changes it.
    env.server.cloud().permission_sets[0].session_duration = "PT2H".to_owned();
    let result = env.json(&["run", "--non-interactive", "--skip=sign-in"]).expect(5);
    let next = result.step("permission-set")["next"].to_string();
    assert!(next.contains("--session-duration 2h"), "{next}");
    env.json(&["run", "--non-interactive", "--skip=sign-in", "--session-duration=2h"])
        .expect(3);
}

#[test]
fn a_policy_detached_by_our_own_update_is_not_a_change_by_others() {
    let env = TestEnv::new("enabled");
    let before = persistent_state(&env.server.cloud());
    let ops = ["--skip=sign-in", "--permission-set=Ops"];
    env.run_setup(&[&ops[..], &["--policy=PowerUserAccess"]].concat())
        .expect(3);
    let other = ["--policy=ReadOnlyAccess", "--update=permission-set"];
    env.run_setup(&[&ops[..], &other[..]].concat()).expect(3);
    undo(&env, &[]).expect(0);
    assert_eq!(persistent_state(&env.server.cloud()), before);
}

#[test]
fn undo_removes_a_session_that_a_profile_named_before_it_existed() {
    let env = TestEnv::new("enabled");
    let before = "[profile theirs]\nsso_session = my-sso\nregion = eu-west-1\n";
    env.write_config(before);
    env.run_setup(&["--skip=sign-in"]).expect(3);
    undo(&env, &[]).expect(0);
    assert_eq!(env.config(), before);
}

#[test]
fn undo_keeps_an_existing_token_and_registration() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let kept = env.files(".aws/sso");
    assert_eq!(kept.len(), 2);
    std::fs::remove_file(env.state_file()).unwrap();
    std::fs::remove_file(env.path(".aws/config")).unwrap();
    env.run_setup(&[]).expect(0);
    undo(&env, &[]).expect(0);
    let names =
        |files: &[(std::path::PathBuf, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&env.files(".aws/sso")), names(&kept));
}

#[test]
fn a_comment_added_below_our_last_key_stays_on_its_own_line() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path(".aws")).unwrap();
    let path = env.path(".aws/config");
    std::fs::write(&path, "[profile theirs]\nregion = eu-west-1").unwrap();
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("  # note\n");
    std::fs::write(&path, text).unwrap();
    let result = undo(&env, &[]).expect(5);
    assert_eq!(disposition(&result, "cli_profile"), "changed");
    undo(&env, &["--include-changed"]).expect(0);
    let left = std::fs::read_to_string(&path).unwrap();
    assert!(left.starts_with("[profile theirs]\nregion = eu-west-1\n"), "{left}");
    assert!(left.lines().any(|line| line == "# note"), "{left}");
}

#[test]
fn a_config_that_is_up_to_date_need_not_be_writable() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    std::fs::set_permissions(env.path(".aws/config"), std::fs::Permissions::from_mode(0o444)).unwrap();
    env.json(&["run", "--non-interactive"]).expect(0);
}

#[test]
fn undo_without_a_terminal_shows_its_plan_and_a_missing_state_file_is_reported() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let result = env.run(&["undo", "--step=cli-profile"]).expect(2);
    let file = format!("delete   file {}\n", env.path(".aws/config").display());
    assert!(
        result.stderr.contains("delete   CLI profile admin") && result.stderr.contains(&file),
        "{}",
        result.stderr
    );
    assert!(
        result.stderr.contains("idc-setup undo --step cli-profile --yes"),
        "{}",
        result.stderr
    );
    let typo = env.path("typo.json");
    let result = env.run(&["undo", "--yes", "--state", typo.to_str().unwrap()]).expect(2);
    assert!(result.stderr.contains("There is no state file"), "{}", result.stderr);
    assert!(!typo.exists());
}

#[test]
fn a_deletion_that_aws_never_accepts_is_retried_up_to_the_limit() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let busy = ServiceError::new("ThrottlingException", "Rate exceeded");
    env.fault_always("DeleteGroup", FaultKind::Refuse(busy));
    let since = env.server.calls().len();
    undo(&env, &[]).expect(1);
    let calls = env.server.calls();
    let count = calls[since..]
        .iter()
        .filter(|call| call.operation == "DeleteGroup")
        .count();
    assert_eq!(count, usize::try_from(idc_setup::limits::REMOVAL_ATTEMPTS).unwrap());
}

#[test]
fn undo_deletes_what_login_cached_for_one_of_our_sessions() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    env.json(&["login", "--wait=60s"]).expect(0);
    assert!(env.path(".aws/sso/cache").is_dir());
    let (token, _) = env.files(".aws/sso/cache").remove(0);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "token"), "deleted");
    let removals = result.envelope()["removals"].as_array().unwrap().clone();
    let removed = |removal: &&serde_json::Value| removal["id"] == token.to_str().unwrap();
    let removal = removals.iter().find(removed).unwrap_or_else(|| panic!("{removals:?}"));
    assert_eq!(removal["command"], format!("rm {}", token.display()));
    assert_eq!(removal["why"], serde_json::Value::Null);
    assert!(env.files(".aws").is_empty(), "{:?}", env.files(".aws"));
}

#[test]
fn undo_keeps_a_folder_that_someone_created_again() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    assert!(!env.state()["folders"].as_array().unwrap().is_empty());
    std::fs::remove_dir_all(env.path(".aws")).unwrap();
    undo(&env, &[]).expect(0);
    std::fs::create_dir(env.path(".aws")).unwrap();
    undo(&env, &[]).expect(0);
    assert!(env.path(".aws").is_dir());
}

#[test]
fn undo_remembers_a_group_that_it_kept_when_it_deletes_another_one() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--group=First", "--skip=sign-in"]).expect(3);
    env.run_setup(&["--group=Second", "--skip=sign-in"]).expect(3);
    let describe_second = |description: Option<&str>| {
        let mut cloud = env.server.cloud();
        let mut groups = cloud.instances[0].store.groups.values_mut();
        let second = groups.find(|group| group.display_name == "Second").unwrap();
        second.description = description.map(str::to_owned);
    };
    describe_second(Some("someone describes it"));
    undo(&env, &[]).expect(5);
    let groups = |env: &TestEnv| -> Vec<String> {
        let cloud = env.server.cloud();
        let groups = cloud.instances[0].store.groups.values();
        groups.map(|group| group.display_name.clone()).collect()
    };
    assert_eq!(groups(&env), ["Second"]);
    describe_second(None);
    undo(&env, &[]).expect(0);
    assert!(groups(&env).is_empty());
}

#[test]
fn undo_forgets_only_what_was_confirmed_about_what_it_deleted() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--confirm=activation"]).expect(0);
    let confirmed = |env: &TestEnv| env.state()["attestations"].as_object().unwrap().clone();
    let before = confirmed(&env);
    assert!(before.contains_key("access-portal"), "{before:?}");
    undo(&env, &[]).expect(0);
    let after = confirmed(&env);
    assert_eq!(after.get("access-portal"), before.get("access-portal"), "{after:?}");
    assert!(!after.contains_key("activation"), "{after:?}");
}

#[test]
fn undo_leaves_no_intent_of_a_trail_whose_creation_was_killed() {
    let env = TestEnv::new("enabled");
    let args = ["run", "--non-interactive", "--only=cloudtrail", "--create-trail"];
    env.kill_at(&args, "CreateTrail", 1, false);
    undo(&env, &[]).expect(0);
    assert_eq!(env.state()["intents"], json!([]));
    assert!(env.server.cloud().trails.is_empty());
}

#[test]
fn undo_deletes_the_rest_after_someone_deleted_the_instance() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--create-trail"]).expect(0);
    env.empty_buckets();
    {
        let mut cloud = env.server.cloud();
        cloud.instances.clear();
        cloud.permission_sets.clear();
        cloud.assignments.clear();
    }
    let result = undo(&env, &[]).expect(0);
    for kind in [
        "account_assignment",
        "permission_set",
        "group_membership",
        "group",
        "user",
    ] {
        assert_eq!(disposition(&result, kind), "gone", "{kind}");
    }
    for kind in ["cli_profile", "sso_session", "trail", "bucket"] {
        assert_eq!(disposition(&result, kind), "deleted", "{kind}");
    }
    assert!(!env.path(".aws").exists());
    assert!(env.server.cloud().trails.is_empty() && env.server.cloud().buckets.is_empty());
}

#[test]
fn undo_of_a_killed_creation_forgets_the_trail_and_keeps_a_bucket_with_files() {
    let env = TestEnv::new("enabled");
    let args = ["run", "--non-interactive", "--only=cloudtrail", "--create-trail"];
    env.kill_at(&args, "CreateTrail", 1, false);
    for bucket in env.server.cloud().buckets.values_mut() {
        bucket
            .objects
            .push("AWSLogs/123456789012/CloudTrail/us-east-1/a.json.gz".to_owned());
    }
    let result = undo(&env, &[]).expect(0);
    assert_eq!(
        (disposition(&result, "trail"), disposition(&result, "bucket")),
        ("deleted".to_owned(), "stays".to_owned())
    );
    assert_eq!(env.state()["intents"], json!([]));
}

#[test]
fn undo_remembers_a_request_whose_outcome_is_not_known() {
    let env = TestEnv::new("enabled");
    let first = [&ANSWERS[..], &["--group=First"]].concat();
    env.kill_at(&run_as(&first), "CreateGroup", 1, true);
    env.json(&run_as(&["--group=Second", "--skip=sign-in"])).expect(3);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "group"), "deleted");
    let kept = env.state();
    let names: Vec<&str> = kept["intents"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|intent| intent["name"].as_str())
        .collect();
    assert_eq!(names, ["First"], "{kept}");
}
