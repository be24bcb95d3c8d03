//! Signing in again, and the reasons why a successful sign-in can give no access.

use idc_setup::ui::output::{Envelope, LoginBody};
use idc_sim::{FaultKind, Hold, ServiceError};

use super::json::schema;
use super::support::{ANSWERS, RUNTIME, Ran, TestEnv, WILLING};

/// Runs `login` without credentials in the environment.
fn login(env: &TestEnv, args: &[&str]) -> Ran {
    let mut command = env.command(&[&["login"], args].concat());
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
    ] {
        command.env_remove(name);
    }
    Ran::of(command.output().unwrap())
}

/// Returns a test environment after a complete run, without the cached token.
fn next_morning() -> TestEnv {
    let env = TestEnv::new("fresh");
    env.go(&[]).expect(0);
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
    let env = next_morning();
    let ran = login(&env, &[]).expect(0);
    assert!(
        ran.stderr.contains("compare it, then choose Confirm and Allow"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout
            .starts_with("With profile eks-walkthrough you are arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_"),
        "{}",
        ran.stdout
    );
    let calls: Vec<String> = env.server.calls().into_iter().map(|call| call.operation).collect();
    assert!(
        !calls.contains(&"RegisterClient".to_owned()),
        "the cached registration is used: {calls:?}"
    );
    let ran = login(&env, &[]).expect(0);
    assert!(ran.stderr.contains("already signed in"), "{}", ran.stderr);
    let before = env.files(".aws/sso/cache");
    login(&env, &["--again"]).expect(0);
    assert_ne!(env.files(".aws/sso/cache"), before);
}

#[test]
fn the_envelope_of_login_matches_its_schema_on_success_and_failure() {
    let schema = schema("login.v1.json", schemars::schema_for!(Envelope<LoginBody>));
    let env = next_morning();
    for (args, code) in [
        (&["--output=json", "--cli-profile=nobody"][..], 2),
        (&["--output=json"][..], 0),
        (&["--output=json"][..], 0),
    ] {
        let ran = login(&env, args).expect(code);
        jsonschema::validate(&schema, &ran.envelope()).unwrap();
        assert_eq!(ran.envelope()["exit"], code);
        assert_eq!(ran.envelope()["command"], "login");
    }
}

#[test]
fn a_profile_that_cannot_sign_in_is_named() {
    let env = next_morning();
    login(&env, &["--cli-profile=nobody"])
        .expect(2)
        .says("The profile nobody does not exist in");
    let path = env.path(".aws/config");
    let config =
        std::fs::read_to_string(&path).unwrap() + "[profile old]\nsso_start_url = https://d-1.awsapps.com/start\n";
    std::fs::write(&path, config).unwrap();
    login(&env, &["--cli-profile=old"])
        .expect(2)
        .says("aws sso login --profile old");
}

#[test]
fn login_reports_that_nobody_signed_in_within_the_given_time() {
    let env = next_morning();
    env.server.cloud().person.kind = idc_sim::PersonKind::Never;
    login(&env, &["--wait=2s"])
        .expect(3)
        .says("nobody signed in within the time limit");
}

#[test]
fn login_detects_a_role_name_in_place_of_a_permission_set_name() {
    let env = next_morning();
    set_role(&env, "AWSReservedSSO_AdministratorAccess_0123");
    let ran = login(&env, &[]).expect(1);
    assert!(ran.stderr.contains("ForbiddenException: No access"), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("the portal offers AdministratorAccess in account 123456789012, but not AWSReservedSSO_"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("takes the permission set's name, not the role's"),
        "{}",
        ran.stderr
    );
}

#[test]
fn login_detects_a_user_without_access() {
    let env = next_morning();
    env.server.cloud().assignments.clear();
    login(&env, &[])
        .expect(1)
        .says("the portal does not list account 123456789012");
}

#[test]
fn login_detects_a_role_that_is_still_being_created() {
    let env = next_morning();
    env.always(
        "GetRoleCredentials",
        FaultKind::Refuse(ServiceError::new("ForbiddenException", "No access").with_status(403)),
    );
    login(&env, &[])
        .expect(1)
        .says("AWS is still creating the role in the account");
}

#[test]
fn a_user_who_is_removed_from_the_group_during_the_sign_in_is_detected() {
    let env = TestEnv::new("fresh");
    let hold = Hold::default();
    env.fault("CreateToken", 1, FaultKind::HoldBefore(hold.clone()));
    let args = [&["run"], &WILLING[..], &ANSWERS[..]].concat();
    let child = env
        .command(&args)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    RUNTIME.block_on(hold.reached());
    env.server.cloud().instances[0].store.memberships.clear();
    hold.release();
    let ran = Ran::of(child.wait_with_output().unwrap()).expect(1);
    assert!(
        ran.stderr.contains("the user Admin is no longer in the group Admins"),
        "{}",
        ran.stderr
    );
    env.json(&[&["run"], &WILLING[..]].concat()).expect(0);
}
