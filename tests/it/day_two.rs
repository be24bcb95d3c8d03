//! The day after: the credentials of the first run are gone, and the profile that it wrote is there.

use super::support::TestEnv;

/// A machine on which everything was set up, without the credentials of the first run.
fn next_day() -> TestEnv {
    let mut env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        env.set(name, "");
    }
    env
}

#[test]
fn commands_point_to_the_profile_while_its_session_is_valid() {
    let env = next_day();
    let result = env.run(&["status"]).expect(4);
    assert!(
        result.stderr.contains("you are signed in with profile \"admin\"")
            && result.stderr.contains("idc-setup status --profile admin"),
        "{}",
        result.stderr
    );
    env.run(&["status", "--profile=admin"]).expect(0);
}

#[test]
fn commands_point_to_login_when_the_session_has_expired() {
    let env = next_day();
    std::fs::remove_dir_all(env.path(".aws/sso/cache")).unwrap();
    for command in ["status", "plan", "undo"] {
        let result = env.run(&[command]).expect(4);
        assert!(
            result
                .stderr
                .contains("Your session for profile \"admin\" has expired."),
            "{}",
            result.stderr
        );
        assert!(result.stderr.contains("\n    idc-setup login\n"), "{}", result.stderr);
        assert!(!result.stderr.contains("aws login"), "{}", result.stderr);
    }
    env.run(&["login", "--wait=60s"]).expect(0);
    env.run(&["status", "--profile=admin"]).expect(0);
}
