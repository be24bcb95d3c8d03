//! Existing resources with other values: explicit answers, defaults, and `--update`.

use super::support::terminal::Terminal;
use super::support::{ANSWERS, REGION, TestEnv, is_mutating};
use idc_sim::{Cloud, FaultKind, ServiceError, scenarios};

const RUN: [&str; 3] = ["run", "--non-interactive", "--wait=60s"];

fn run(env: &TestEnv, more: &[&str]) -> super::support::RunResult {
    env.json(&[&RUN, more].concat())
}

#[test]
fn an_instance_in_another_region_than_requested_is_different_and_unchanged() {
    let env = TestEnv::new("other-region");
    let result = env.run_setup(&["--identity-center-region=us-east-1"]).expect(5);
    assert_eq!(result.step("enable-identity-center")["state"], "different");
    assert!(!env.server.calls().iter().any(is_mutating));
    // The Region that AWS refused is not saved for later runs.
    env.json(&[&["run"], &ANSWERS[..], &["--non-interactive", "--wait=60s"]].concat())
        .expect(0);
}

#[test]
fn an_existing_user_is_never_changed() {
    let env = TestEnv::new("half-done");
    let result = run(&env, &["--username=Admin", "--email=other@example.com"]).expect(5);
    let step = result.step("create-user");
    assert_eq!(step["state"], "different");
    assert!(
        step["summary"].as_str().unwrap().contains("admin@example.com"),
        "{step:#}"
    );
    let user = env.first_user();
    assert_eq!(user.email(), Some("admin@example.com"));
}

#[test]
fn a_user_with_the_same_email_address_overrides_a_default_username() {
    let mut cloud = scenarios::named("half-done").unwrap();
    let user = cloud.instances[0].store.users.values_mut().next().unwrap();
    user.attributes["UserName"] = serde_json::json!("bob");
    let env = TestEnv::with(cloud);
    let result = run(&env, &["--email=admin@example.com"]).expect(0);
    assert_eq!(result.step("create-user")["evidence"]["user_name"], "bob");
    assert_eq!(env.server.cloud().instances[0].store.users.len(), 1);
    let env = TestEnv::with({
        let mut cloud = scenarios::named("half-done").unwrap();
        let user = cloud.instances[0].store.users.values_mut().next().unwrap();
        user.attributes["UserName"] = serde_json::json!("bob");
        cloud
    });
    run(&env, &["--email=admin@example.com", "--username=alice"]).expect(5);
}

#[test]
fn an_existing_session_duration_overrides_a_default_but_not_an_answer() {
    let mut cloud = scenarios::named("half-done").unwrap();
    cloud.permission_sets[0].session_duration = "PT4H".to_owned();
    let env = TestEnv::with(cloud);
    let result = run(&env, &[]).expect(0);
    assert_eq!(result.step("permission-set")["evidence"]["session_duration"], "4h");
    let result = run(&env, &["--session-duration=8h"]).expect(5);
    assert_eq!(result.step("permission-set")["state"], "different");
    assert_eq!(env.server.cloud().permission_sets[0].session_duration, "PT4H");
    // What depends on it exists, and is not shown as missing.
    let status = env.run(&["status", "--session-duration=8h"]).expect(5);
    assert!(status.stdout.contains("✔ 5 Access"), "{}", status.stdout);
    assert!(!status.stdout.contains("Continue"), "{}", status.stdout);
    status.expect_text("--session-duration 8h --update permission-set");
    // An answer that was refused is not kept, so that later runs don't report it again.
    env.run(&["status"])
        .expect(0)
        .expect_text("Everything is set up.")
        .expect_text("Add people    idc-setup export access > access.toml\n");
    // That would replace a file that exists.
    std::fs::write(env.path("access.toml"), "").unwrap();
    env.run(&["status"])
        .expect(0)
        .expect_text("Add people    idc-setup access plan\n");
    // Of several files, the command names one.
    std::fs::write(env.path("access.yaml"), "").unwrap();
    env.run(&["status"])
        .expect(0)
        .expect_text("Add people    idc-setup access plan access.toml\n");
}

#[test]
fn a_difference_is_asked_about_and_changed_or_kept() {
    use super::support::terminal::Terminal;
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let duration = || env.server.cloud().permission_sets[0].session_duration.clone();
    for (reply, after, end) in [
        ("\r", "PT1H", "All set."),
        ("y\r", "PT1H", "y+Enter start"),
        ("y\r", "PT8H", "All set."),
    ] {
        let mut terminal = Terminal::start(&env, &["--session-duration=8h"]);
        terminal.wait_for("session duration 1h instead of 8h");
        terminal.answer("Change it for everyone who has it", reply);
        if end == "All set." && reply.starts_with('y') {
            terminal.answer("y+Enter start", "y\r");
        }
        terminal.wait_for(end);
        if end != "All set." {
            terminal.answer("y+Enter start", "q");
        }
        terminal.wait_for_exit();
        assert_eq!(duration(), after, "{reply:?}: {}", terminal.contents());
    }
    assert_eq!(env.state()["answers"]["session_duration"]["value"], "8h");
}

#[test]
fn update_changes_the_permission_set_and_provisions_it() {
    let mut cloud = scenarios::named("complete").unwrap();
    cloud.permission_sets[0].managed_policies = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()];
    let env = TestEnv::with(cloud);
    run(&env, &["--session-duration=8h"])
        .expect(5)
        .expect_text("ReadOnlyAccess");
    let result = run(&env, &["--session-duration=8h", "--update=permission-set"]).expect(0);
    assert_eq!(result.step("permission-set")["state"], "done");
    let cloud = env.server.cloud();
    assert_eq!(cloud.permission_sets[0].session_duration, "PT8H");
    assert_eq!(
        cloud.permission_sets[0].managed_policies,
        ["arn:aws:iam::aws:policy/AdministratorAccess"]
    );
    let role = cloud.roles.first().unwrap();
    assert_eq!(
        role.managed_policies, cloud.permission_sets[0].managed_policies,
        "provisioned"
    );
}

#[test]
fn an_interrupted_update_is_provisioned_by_the_next_run() {
    let mut cloud = scenarios::named("complete").unwrap();
    cloud.permission_sets[0].managed_policies = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()];
    let env = TestEnv::with(cloud);
    let args = [&RUN[..], &["--update=permission-set"]].concat();
    env.kill_at(&args, "ProvisionPermissionSet", 1, true);
    run(&env, &[]).expect(0);
    let cloud = env.server.cloud();
    let role = cloud.roles.first().unwrap();
    assert_eq!(role.managed_policies, ["arn:aws:iam::aws:policy/AdministratorAccess"]);
}

#[test]
fn an_existing_profile_is_changed_only_with_update_and_other_bytes_are_kept() {
    let env = TestEnv::new("complete");
    let before = "# work\n[profile admin]\nregion = eu-west-1 # mine\ncli_pager =\nsso_session=my-sso\n\n[profile other]\nregion=x";
    env.write_config(before);
    let result = run(&env, &[]).expect(5);
    assert_eq!(result.step("cli-profile")["state"], "different");
    assert_eq!(env.config(), before);
    run(&env, &["--update=cli-profile"]).expect(0);
    let after = env.config();
    assert!(
        after.starts_with("# work\n[profile admin]\n# mine\nregion = us-east-1\ncli_pager =\nsso_session=my-sso\n"),
        "{after}"
    );
    assert!(after.contains("\n\n[profile other]\nregion=x\n"), "{after}");
}

#[test]
fn a_comment_that_the_aws_cli_reads_as_a_value_moves_with_update() {
    let env = TestEnv::new("complete");
    run(&env, &[]).expect(0);
    let written = env.config();
    env.write_config(written.replace("\nregion = us-east-1\n", "\nregion = us-east-1 # home\n"));
    let before = env.config();
    let result = run(&env, &[]).expect(5);
    result.expect_text("comment behind the value of ");
    run(&env, &["--update=cli-profile"]).expect(0);
    assert_eq!(
        env.config(),
        before.replace("region = us-east-1 # home", "# home\nregion = us-east-1")
    );
}

#[test]
fn a_profile_in_the_way_is_in_the_plan_and_in_the_review_before_anything_changes() {
    // Step 5 is still to do, and in a new account even step 1.
    for scenario in ["half-done", "fresh"] {
        let env = TestEnv::new(scenario);
        let before = "[sso-session my-sso]\nsso_start_url = https://work.awsapps.com/start\nsso_region = us-east-1\n";
        env.write_config(before);
        let user: &[&str] = if scenario == "fresh" {
            &ANSWERS
        } else {
            &["--email=admin@example.com"]
        };
        let plan = env.json(&[&["plan"], user].concat()).expect(5);
        assert_eq!(plan.step("cli-profile")["state"], "different", "{scenario}");
        let mut terminal = Terminal::start(&env, &[user, &[REGION, "--no-browser"]].concat());
        terminal.wait_for("Not ready yet");
        terminal.wait_for("The SSO session my-sso already exists with other values: sso_start_url");
        terminal.answer("y+Enter start", "q");
        terminal.wait_for_exit();
        assert!(!env.server.calls().iter().any(is_mutating), "{scenario}");
        assert_eq!(env.config(), before);
    }
}

#[test]
fn a_change_that_update_allows_is_to_do_and_no_difference() {
    let env = TestEnv::new("complete");
    let flags = ["plan", "--email=admin@example.com", "--session-duration=8h"];
    let plan = env.json(&flags).expect(5);
    let next = plan.step("permission-set")["next"].to_string();
    assert!(
        next.contains("--session-duration 8h --permission-set NAME"),
        "the other set has the duration too: {next}"
    );
    let plan = env.json(&[&flags[..], &["--update=permission-set"]].concat()).expect(3);
    assert_eq!(plan.step("permission-set")["state"], "to_do");
}

#[test]
fn a_profile_with_other_credentials_is_never_touched() {
    let env = TestEnv::new("complete");
    let before = "[profile admin]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = y\n";
    env.write_config(before);
    run(&env, &["--update=cli-profile"]).expect(5).expect_text("role_arn");
    assert_eq!(env.config(), before);
    run(&env, &["--cli-profile=mine"]).expect(0);
    std::fs::write(env.path(".aws/credentials"), "[third]\naws_access_key_id = AKIA\n").unwrap();
    run(&env, &["--cli-profile=third"]).expect(5).expect_text("credentials");
}

/// Adds the user mallory, who is in the same group as the first user, and returns the ID.
fn add_mallory(cloud: &mut Cloud) -> String {
    let store = &mut cloud.instances[0].store;
    let (first, user) = store.users.iter().next().unwrap();
    let id = first.replace("1111", "2222");
    let mut user = user.clone();
    user.attributes["UserName"] = serde_json::json!("mallory");
    user.attributes["Emails"][0]["Value"] = serde_json::json!("mallory@example.com");
    store.users.insert(id.clone(), user);
    let mut membership = store.memberships.values().next().cloned().unwrap();
    membership.user.clone_from(&id);
    store.memberships.insert("m-2".to_owned(), membership);
    id
}

#[test]
fn a_sign_in_as_another_user_is_different_and_does_not_prove_activation() {
    let mut cloud = scenarios::named("complete").unwrap();
    add_mallory(&mut cloud);
    cloud.person.signs_in_as = Some("mallory".to_owned());
    let env = TestEnv::with(cloud);
    let result = run(&env, &[]).expect(5);
    assert_eq!(result.step("sign-in")["state"], "different");
    assert_eq!(result.step("create-user")["state"], "waiting_for_person");
    env.server.cloud().person.signs_in_as = Some("Admin".to_owned());
    run(&env, &[]).expect(0);
}

#[test]
fn step_8_uses_the_profile_even_with_root_credentials_in_the_environment() {
    // All runs in these tests have the root user's credentials in the environment.
    let env = TestEnv::new("complete");
    let result = run(&env, &[]).expect(0);
    assert!(result.envelope()["caller"]["arn"].as_str().unwrap().ends_with(":root"));
    let caller = result.step("sign-in")["evidence"]["signed_in_as"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(caller.contains("AWSReservedSSO_"), "{caller}");
}

#[test]
fn each_region_is_queried_if_one_call_cannot_list_all_regions() {
    let env = TestEnv::new("other-region");
    let error = ServiceError::new("ValidationException", "Unknown member RegionScope");
    env.fault("ListInstances", 1, FaultKind::Refuse(error));
    let result = env.json(&["status"]).expect(3);
    assert_eq!(result.step("enable-identity-center")["evidence"]["region"], "eu-west-1");
    let regions: std::collections::BTreeSet<String> = env
        .server
        .calls()
        .into_iter()
        .filter(|call| call.operation == "ListInstances")
        .map(|call| call.region)
        .collect();
    assert!(regions.len() > 30, "{regions:?}");
}

#[test]
fn another_users_cached_token_is_replaced_by_signing_in() {
    let env = TestEnv::new("complete");
    run(&env, &[]).expect(0);
    // The cache contains another user's session, from another tool.
    {
        let mut cloud = env.server.cloud();
        let mallory = add_mallory(&mut cloud);
        for session in cloud.sessions.values_mut() {
            session.user.clone_from(&mallory);
        }
        cloud.person.signs_in_as = Some("Admin".to_owned());
    }
    let result = env.json(&["run", "--non-interactive"]).expect(5);
    assert_eq!(result.step("sign-in")["evidence"]["signed_in_as_other"], "mallory");
    let result = run(&env, &[]).expect(0);
    assert!(
        result.step("sign-in")["evidence"]["signed_in_as"]
            .as_str()
            .unwrap()
            .ends_with("/Admin")
    );
}

#[test]
fn a_mistyped_policy_can_be_corrected_in_the_next_run() {
    let env = TestEnv::new("enabled");
    let error = ServiceError::new("ResourceNotFoundException", "Policy does not exist");
    // A run retries "not found" for minutes, in case the resource has not propagated. A validation error is final.
    let error = ServiceError {
        code: "ValidationException".to_owned(),
        ..error
    };
    env.fault("AttachManagedPolicyToPermissionSet", 1, FaultKind::Refuse(error));
    let result = env.run_setup(&["--permission-set=Ops", "--policy=Typo"]).expect(1);
    assert_eq!(result.step("permission-set")["resources"][0]["origin"], "created");
    assert!(
        result.step("permission-set")["summary"]
            .as_str()
            .unwrap()
            .contains("without its policy")
    );
    let result = run(&env, &["--policy=ReadOnlyAccess"]).expect(0);
    assert_eq!(result.step("permission-set")["origin"], "created");
    assert_eq!(
        env.server.cloud().permission_sets[0].managed_policies,
        ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    );
    assert_eq!(env.state()["intents"], serde_json::json!([]));
}

#[test]
fn a_denied_update_is_not_applied_by_a_later_run() {
    let env = TestEnv::new("complete");
    env.deny(&["sso:UpdatePermissionSet"]);
    run(&env, &["--session-duration=8h", "--update=permission-set"]).expect(4);
    env.deny(&[]);
    run(&env, &[]).expect(5);
    assert_eq!(env.server.cloud().permission_sets[0].session_duration, "PT1H");
}
