//! Changes by others between a run and its undo, and while undo is running.

use std::process::Command;

use idc_sim::{ApplicationAssignment, Cloud, FaultKind, Membership, Stamp};
use serde_json::json;

use super::support::{NON_INTERACTIVE, TestEnv};
use super::undo::{disposition, persistent_state, undo};

/// Adds a user named eve to the group.
fn add_eve_to_group(cloud: &mut Cloud) {
    let by = cloud.root().arn;
    let store = &mut cloud.instances[0].store;
    let (user, mut eve) = store
        .users
        .iter()
        .next()
        .map(|(id, user)| (id.clone(), user.clone()))
        .unwrap();
    eve.attributes["UserName"] = json!("eve");
    let id = user.replace(|c: char| c.is_ascii_digit(), "7");
    store.users.insert(id.clone(), eve);
    let group = store.groups.keys().next().unwrap().clone();
    let created = Stamp {
        at: jiff::Timestamp::now(),
        by,
    };
    let membership = Membership {
        group,
        user: id,
        created,
    };
    store
        .memberships
        .insert("9067aabbcc-00000000-0000-4000-8000-000000000000".to_owned(), membership);
}

#[test]
fn undo_keeps_a_group_that_gets_a_member_while_undo_is_running() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let args = ["undo", "--yes", "--output=json"];
    let result = env
        .run_while(&args, "DeleteAccountAssignment", add_eve_to_group)
        .expect(5);
    assert_eq!(disposition(&result, "account_assignment"), "deleted");
    assert_eq!(disposition(&result, "group"), "changed");
    let removals = result.envelope()["removals"].to_string();
    assert!(removals.contains("it has another member: eve"), "{removals}");
    let cloud = env.server.cloud();
    let store = &cloud.instances[0].store;
    assert_eq!((store.groups.len(), store.memberships.len()), (1, 1));
    drop(cloud);
    // The next undo deletes the user and still keeps the group.
    let result = undo(&env, &[]).expect(5);
    assert_eq!(disposition(&result, "user"), "deleted");
    assert_eq!(env.server.cloud().instances[0].store.groups.len(), 1);
}

#[test]
fn undo_keeps_a_group_that_is_assigned_to_an_application() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    {
        let mut cloud = env.server.cloud();
        let principal = cloud.instances[0].store.groups.keys().next().unwrap().clone();
        cloud.application_assignments.push(ApplicationAssignment {
            application: "arn:aws:sso::123456789012:application/ssoins-1/apl-0123456789abcdef".to_owned(),
            principal_type: "GROUP".to_owned(),
            principal,
        });
    }
    let result = undo(&env, &[]).expect(5);
    assert_eq!(disposition(&result, "group"), "changed");
    let removals = result.envelope()["removals"].to_string();
    assert!(removals.contains("apl-0123456789abcdef"), "{removals}");
    assert_eq!(env.server.cloud().instances[0].store.groups.len(), 1);
}

#[test]
fn undo_keeps_the_empty_bucket_of_a_trail_that_stays() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--create-trail"]).expect(0);
    for bucket in env.server.cloud().buckets.values_mut() {
        bucket.objects.clear();
    }
    {
        let mut cloud = env.server.cloud();
        cloud.trails[0].event_selectors = json!([{"ReadWriteType": "WriteOnly"}]);
        // Stop the delivery, so that the bucket stays empty.
        cloud.trails[0].logging_since = None;
    }
    let result = undo(&env, &[]).expect(5);
    assert_eq!(
        (disposition(&result, "trail"), disposition(&result, "bucket")),
        ("changed".to_owned(), "changed".to_owned())
    );
    assert_eq!(env.server.cloud().buckets.len(), 1);
    let result = undo(&env, &["--include-changed"]).expect(0);
    assert_eq!(disposition(&result, "bucket"), "deleted");
    assert!(env.server.cloud().trails.is_empty() && env.server.cloud().buckets.is_empty());
}

#[test]
fn undo_keeps_a_bucket_that_another_trail_starts_to_use_while_undo_is_running() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--create-trail"]).expect(0);
    env.empty_buckets();
    let args = ["undo", "--yes", "--output=json"];
    let mut theirs = env.server.cloud().trails[0].clone();
    "theirs".clone_into(&mut theirs.name);
    theirs.arn = theirs.arn.replace("idc-setup", "theirs");
    let add_trail = |cloud: &mut Cloud| cloud.trails.push(theirs);
    let result = env.run_while(&args, "DeleteTrail", add_trail).expect(0);
    assert_eq!(disposition(&result, "bucket"), "stays");
    let removals = result.envelope()["removals"].to_string();
    assert!(removals.contains("the trail theirs writes to it"), "{removals}");
    assert_eq!(env.server.cloud().buckets.len(), 1);
}

#[test]
fn undo_keeps_a_comment_on_one_of_our_headers() {
    for more in [&[][..], &["--include-changed"]] {
        let env = TestEnv::new("enabled");
        env.run_setup(&[]).expect(0);
        let header = "[profile admin]";
        let commented = env.config().replace(header, &format!("{header} # PRECIOUS"));
        env.write_config(&commented);
        let result = undo(&env, more).expect(0);
        // The comment is now below the session's header, which is kept with it.
        assert_eq!(env.config().trim(), "[sso-session my-sso]\n\n# PRECIOUS");
        assert_eq!(disposition(&result, "config_file"), "stays");
    }
}

#[test]
fn include_changed_deletes_the_cached_sign_in_of_a_session_too() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    env.json(&["login", "--wait=60s"]).expect(0);
    let changed = env.config().replace("output = json", "output = text");
    env.write_config(&changed);
    undo(&env, &["--include-changed"]).expect(0);
    assert!(env.files(".aws").is_empty(), "{:?}", env.files(".aws"));
}

#[test]
fn undo_deletes_an_unchanged_user_even_if_the_answers_have_changed() {
    let env = TestEnv::new("enabled");
    let before = persistent_state(&env.server.cloud());
    env.run_setup(&["--skip=sign-in"]).expect(3);
    env.json(
        &[
            &["run", "--display-name=Another", "--skip=sign-in"],
            &NON_INTERACTIVE[..],
        ]
        .concat(),
    )
    .expect(5);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "user"), "deleted");
    assert_eq!(persistent_state(&env.server.cloud()), before);
}

#[test]
fn a_state_file_cannot_make_undo_delete_other_folders() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let theirs = env.path("mail/new");
    std::fs::create_dir_all(&theirs).unwrap();
    let mut kept = env.state();
    let folders = kept["folders"].as_array_mut().unwrap();
    folders.extend([json!(env.path("mail")), json!(theirs)]);
    std::fs::write(env.state_file(), kept.to_string()).unwrap();
    undo(&env, &[]).expect(0);
    assert!(theirs.is_dir() && !env.path(".aws").exists());
}

#[test]
fn undo_keeps_files_of_another_environment_and_continues() {
    let env = TestEnv::new("enabled");
    env.write_config("[profile admin]\nregion = eu-west-1\n");
    env.run_setup(&["--skip=sign-in", "--update=cli-profile"]).expect(3);
    let kept = std::fs::read_to_string(env.state_file()).unwrap();
    let elsewhere = env.path("elsewhere");
    std::fs::write(&elsewhere, "[broken").unwrap();
    let config = env.path(".aws/config").display().to_string();
    std::fs::write(env.state_file(), kept.replace(&config, elsewhere.to_str().unwrap())).unwrap();
    let result = undo(&env, &[]).expect(5);
    assert_eq!(disposition(&result, "group"), "deleted");
    assert_eq!(disposition(&result, "cli_profile"), "stays");
    let removals = result.envelope()["removals"].to_string();
    assert!(
        removals.contains(&format!("AWS_CONFIG_FILE={} idc-setup undo", elsewhere.display())),
        "{removals}"
    );
    assert!(
        removals.contains("which is not one of this environment's AWS files"),
        "{removals}"
    );
    assert_eq!(std::fs::read_to_string(elsewhere).unwrap(), "[broken");
}

/// Starts undo, waits until it has deleted the assignment, and interrupts it like Ctrl-C. Returns stdout and stderr.
fn interrupt_after_assignment(env: &TestEnv, args: &[&str]) -> (String, String) {
    let held = env.hold("DeletePermissionSet", 1, FaultKind::HoldBefore);
    let child = env.spawn_piped(args);
    held.wait_until_reached();
    let status = Command::new("/bin/kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn an_interrupted_undo_reports_what_it_deleted_and_how_to_continue() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let (stdout, _) = interrupt_after_assignment(&env, &["undo", "--yes", "--output=json"]);
    let envelope: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let removals = envelope["removals"].as_array().unwrap();
    let disposition =
        |kind: &str| removals.iter().find(|removal| removal["kind"] == kind).unwrap()["disposition"].clone();
    assert_eq!(disposition("account_assignment"), "deleted");
    assert_eq!(disposition("user"), "delete");
    assert_eq!(envelope["account"], "123456789012");

    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let file = format!("--state={}", env.state_file().display());
    let kept = format!("--state {}", env.state_file().display());
    let (_, stderr) = interrupt_after_assignment(&env, &["undo", "--yes", &file, "--include-changed"]);
    assert!(
        stderr.contains(&format!("idc-setup undo {kept} --include-changed")),
        "{stderr}"
    );
}

#[test]
fn without_a_terminal_undo_suggests_a_command_with_the_same_scope() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let file = format!("--state={}", env.state_file().display());
    let result = env.json(&["undo", "--step=cli-profile", &file]).expect(2);
    let command = result.envelope()["error"]["next"][0]["command"].clone();
    let kept = format!("--state {}", env.state_file().display());
    assert_eq!(command, format!("idc-setup undo {kept} --step cli-profile --yes"));
    // A suggested command for another step keeps that step.
    let result = env.json(&["undo", "--yes", "--step=permission-set", &file]).expect(1);
    let next = result.envelope()["error"]["next"][0].clone();
    assert_eq!(
        next["command"],
        format!("idc-setup undo {kept} --step account-assignment")
    );
    assert_eq!(next["then"], format!("idc-setup undo {kept} --step permission-set"));
}

#[test]
fn undo_keeps_a_profile_that_another_profile_uses_with_its_session() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let theirs = "\n[profile deploy]\nsource_profile = admin\nrole_arn = arn:aws:iam::123456789012:role/deploy\n";
    let with_theirs = env.config() + theirs;
    env.write_config(&with_theirs);
    let result = undo(&env, &[]).expect(5);
    assert_eq!(
        (disposition(&result, "cli_profile"), disposition(&result, "sso_session")),
        ("changed".to_owned(), "changed".to_owned())
    );
    assert_eq!(env.config(), with_theirs);
    // With `--include-changed`, both are deleted, and the other profile is kept.
    undo(&env, &["--include-changed"]).expect(0);
    assert_eq!(env.config().trim(), theirs.trim());
}

#[test]
fn keys_indented_below_their_header_are_not_reported_as_deleted() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let indented_without_key: String = env
        .config()
        .split_inclusive('\n')
        .map(|line| {
            if line.starts_with('[') {
                line.to_owned()
            } else {
                format!("\t{line}")
            }
        })
        .collect();
    env.write_config(&indented_without_key);
    for flags in [&[][..], &["--include-changed"]] {
        let result = undo(&env, flags).expect(1);
        let message = result.envelope()["error"]["message"].to_string();
        assert!(message.contains("cannot be used: line 2"), "{message}");
    }
    assert_eq!(env.config(), indented_without_key);
    let kept = env.state()["resources"].to_string();
    assert!(kept.contains("cli_profile") && kept.contains("sso_session"), "{kept}");
}
