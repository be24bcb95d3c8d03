//! Signing in again, and the reasons why a successful sign-in can give no access.

use idc_setup::ui::envelope::{Envelope, LoginBody};
use idc_sim::{FaultKind, ServiceError};

use super::json::schema;
use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv};

/// Runs `login` without credentials in the environment.
fn login(env: &TestEnv, args: &[&str]) -> RunResult {
    let mut command = env.command(&[&["login"], args].concat());
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
    ] {
        command.env_remove(name);
    }
    RunResult::new(command.output().unwrap())
}

/// Returns a test environment after a complete run, without the cached token.
fn env_without_token() -> TestEnv {
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    for (path, content) in env.files(".aws/sso/cache") {
        if String::from_utf8_lossy(&content).contains("accessToken") {
            std::fs::remove_file(path).unwrap();
        }
    }
    env.server.clear_calls();
    env
}

fn set_role(env: &TestEnv, name: &str) {
    let path = env.path(".aws/config");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        path,
        config.replace(
            "sso_role_name = AdministratorAccess",
            &format!("sso_role_name = {name}"),
        ),
    )
    .unwrap();
}

#[test]
fn the_profile_alone_is_enough_to_sign_in_again() {
    let env = env_without_token();
    let result = login(&env, &[]).expect(0);
    assert!(
        result
            .stderr
            .contains("choose \"Confirm and continue\", then \"Allow access\""),
        "{}",
        result.stderr
    );
    assert!(
        result
            .stdout
            .contains("\n  arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_"),
        "{}",
        result.stdout
    );
    let calls: Vec<String> = env.server.calls().into_iter().map(|call| call.operation).collect();
    assert!(
        !calls.contains(&"RegisterClient".to_owned()),
        "the cached registration is used: {calls:?}"
    );
    let result = login(&env, &[]).expect(0);
    assert!(result.stdout.contains("already signed in"), "{}", result.stdout);
    let before = env.files(".aws/sso/cache");
    login(&env, &["--again"]).expect(0);
    assert_ne!(env.files(".aws/sso/cache"), before);
}

#[test]
fn the_envelope_of_login_matches_its_schema_on_success_and_failure() {
    let schema = schema("login.v1.json", schemars::schema_for!(Envelope<LoginBody>));
    let env = env_without_token();
    for (args, code) in [
        (&["--output=json", "--cli-profile=nobody"][..], 2),
        (&["--output=json"][..], 0),
        (&["--output=json"][..], 0),
    ] {
        let result = login(&env, args).expect(code);
        jsonschema::validate(&schema, &result.envelope()).unwrap();
        assert_eq!(result.envelope()["exit"], code);
        assert_eq!(result.envelope()["command"], "login");
    }
}

#[test]
fn a_profile_that_cannot_sign_in_is_named() {
    let env = env_without_token();
    login(&env, &["--cli-profile=nobody"])
        .expect(2)
        .expect_text("The profile nobody does not exist in")
        .expect_text("These have an SSO session: admin.")
        .expect_text("idc-setup login --cli-profile admin");
    let path = env.path(".aws/config");
    let config =
        std::fs::read_to_string(&path).unwrap() + "[profile old]\nsso_start_url = https://d-1.awsapps.com/start\n";
    std::fs::write(&path, config).unwrap();
    login(&env, &["--cli-profile=old"])
        .expect(2)
        .expect_text("aws sso login --profile old");
}

#[test]
fn without_a_name_the_profile_is_that_of_the_environment_or_of_the_only_session() {
    let mut env = env_without_token();
    let config = env.config();
    env.write_config(config.replace("[profile admin]", "[profile work]"));
    std::fs::remove_file(env.state_file()).unwrap();
    login(&env, &[]).expect(0).expect_text("signed in with profile work");
    env.write_config(format!(
        "{config}\n{}",
        config[config.find("[profile").unwrap()..].replace("admin]", "two]")
    ));
    login(&env, &[]).expect(0).expect_text("signed in with profile admin");
    env.set("AWS_PROFILE", "two");
    login(&env, &[]).expect(0).expect_text("signed in with profile two");
    env.set("AWS_PROFILE", "nobody");
    login(&env, &[])
        .expect(2)
        .expect_text("The profile nobody does not exist in")
        .expect_text("admin, two");
    // A colleague has no use for the administrator's wizard.
    env.write_config(&config[..config.find("[profile").unwrap()]);
    login(&env, &[])
        .expect(2)
        .expect_text("idc-setup profiles sync --sso-session my-sso");
}

#[test]
fn a_sign_in_for_a_session_that_was_removed_meanwhile_is_not_saved() {
    let env = env_without_token();
    let config = env.config();
    // While somebody signs in, an undo removes the session.
    let held = env.hold("StartDeviceAuthorization", 1, FaultKind::HoldBefore);
    let mut command = env.command(&["login"]);
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    held.wait_until_reached();
    env.write_config(config.replace("[sso-session my-sso]", "[sso-session other]"));
    held.release();
    let result = RunResult::new(child.wait_with_output().unwrap()).expect(1);
    assert!(
        result
            .stderr
            .contains("my-sso was changed or removed while you signed in"),
        "{}",
        result.stderr
    );
    let cached = env.files(".aws/sso/cache");
    let has_token = |content: &Vec<u8>| String::from_utf8_lossy(content).contains("accessToken");
    assert!(!cached.iter().any(|(_, content)| has_token(content)));
}

#[test]
fn login_reports_that_nobody_signed_in_within_the_given_time() {
    let env = env_without_token();
    env.server.cloud().person.kind = idc_sim::PersonKind::Never;
    login(&env, &["--wait=2s"])
        .expect(3)
        .expect_text("nobody signed in within the time limit");
}

#[test]
fn login_detects_a_role_name_in_place_of_a_permission_set_name() {
    let env = env_without_token();
    set_role(&env, "AWSReservedSSO_AdministratorAccess_0123");
    let result = login(&env, &[]).expect(1);
    assert!(
        result.stderr.contains("ForbiddenException: No access"),
        "{}",
        result.stderr
    );
    assert!(
        result
            .stderr
            .contains("the portal offers AdministratorAccess in account 123456789012, but not AWSReservedSSO_"),
        "{}",
        result.stderr
    );
    assert!(
        result
            .stderr
            .contains("takes the permission set's name, not the role's"),
        "{}",
        result.stderr
    );
}

#[test]
fn login_detects_a_user_without_access() {
    let env = env_without_token();
    env.server.cloud().assignments.clear();
    login(&env, &[])
        .expect(1)
        .expect_text("the portal does not list account 123456789012");
}

#[test]
fn login_detects_a_role_that_is_still_being_created() {
    let env = env_without_token();
    env.fault_always(
        "GetRoleCredentials",
        FaultKind::Refuse(ServiceError::new("ForbiddenException", "No access").with_status(403)),
    );
    login(&env, &[])
        .expect(1)
        .expect_text("AWS is still creating the role in the account");
}

#[test]
fn a_user_who_is_removed_from_the_group_during_the_sign_in_is_detected() {
    let env = TestEnv::new("fresh");
    let held = env.hold("CreateToken", 1, FaultKind::HoldBefore);
    let args = [&["run"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat();
    let child = env.spawn_piped(&args);
    held.wait_until_reached();
    env.server.cloud().instances[0].store.memberships.clear();
    held.release();
    let result = RunResult::new(child.wait_with_output().unwrap()).expect(1);
    assert!(
        result
            .stderr
            .contains("the user Admin is no longer in the group Admins"),
        "{}",
        result.stderr
    );
    env.json(&[&["run"], &NON_INTERACTIVE[..]].concat()).expect(0);
}

#[test]
fn a_client_registration_with_less_than_15_minutes_left_is_not_used() {
    for (minutes, is_renewed) in [(16, false), (14, true)] {
        let env = env_without_token();
        let (path, content) = env.files(".aws/sso/cache").remove(0);
        let mut registration: serde_json::Value = serde_json::from_slice(&content).unwrap();
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
        registration["expiresAt"] = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
        std::fs::write(path, registration.to_string()).unwrap();
        login(&env, &[]).expect(0);
        let calls = env.server.calls();
        assert_eq!(
            calls.iter().any(|call| call.operation == "RegisterClient"),
            is_renewed,
            "{minutes} minutes: {calls:?}"
        );
    }
}
