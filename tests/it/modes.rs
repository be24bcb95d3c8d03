//! Modes of files and folders, and secrets that must not be written to them.

use std::os::unix::fs::PermissionsExt;

use super::support::TestEnv;

#[test]
fn written_files_are_accessible_only_to_the_owner() {
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    let mode = |path: std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(env.state_file()), 0o600);
    assert_eq!(mode(env.path(".local/state/idc-setup")), 0o700);
    assert_eq!(mode(env.path(".local/state/idc-setup/last.json")), 0o600);
    assert_eq!(mode(env.path(".aws/sso/cache")), 0o700);
    for (path, _) in env.files(".aws") {
        assert_eq!(mode(path), 0o600);
    }
}

#[test]
fn the_state_file_and_the_output_contain_no_secrets() {
    let env = TestEnv::new("fresh");
    let result = env.run_setup(&["-vv"]).expect(0);
    let progress = std::fs::read_to_string(env.state_file()).unwrap();
    let (_, token) = env.files(".aws/sso/cache").remove(0);
    let token: serde_json::Value = serde_json::from_slice(&token).unwrap();
    let mut secrets = vec![
        env.credentials.secret_access_key.clone(),
        env.credentials.session_token.clone(),
    ];
    secrets
        .extend(["accessToken", "refreshToken", "clientSecret"].map(|name| token[name].as_str().unwrap().to_owned()));
    for secret in secrets {
        for (place, text) in [
            ("the state file", &progress),
            ("stdout", &result.stdout),
            ("stderr", &result.stderr),
        ] {
            assert!(!text.contains(&secret), "a secret is in {place}");
        }
    }
}

#[test]
fn a_config_file_keeps_its_mode_and_its_symlink() {
    let env = TestEnv::new("complete");
    std::fs::create_dir_all(env.path(".aws")).unwrap();
    std::fs::create_dir_all(env.path("dotfiles")).unwrap();
    let real = env.path("dotfiles/config");
    std::fs::write(&real, "[default]\r\nregion = eu-west-1\r\n").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink(&real, env.path(".aws/config")).unwrap();
    env.json(&["run", "--non-interactive", "--skip=sign-in"]).expect(3);
    let link = std::fs::symlink_metadata(env.path(".aws/config")).unwrap();
    assert!(link.file_type().is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o644);
    let text = std::fs::read_to_string(&real).unwrap();
    assert!(
        text.starts_with("[default]\r\nregion = eu-west-1\r\n\r\n[sso-session my-sso]\r\n"),
        "{text:?}"
    );
}

#[test]
fn the_variable_aws_config_file_is_respected() {
    let mut env = TestEnv::new("complete");
    let path = env.path("elsewhere/conf").display().to_string();
    env.set("AWS_CONFIG_FILE", &path);
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    assert!(env.path("elsewhere/conf").exists());
    assert!(!env.path(".aws/config").exists());
}

#[test]
fn keys_next_to_an_edit_are_not_shown() {
    let env = TestEnv::new("complete");
    let before = "[profile old]\naws_access_key_id = AKIAVERYVISIBLE\naws_secret_access_key = hunter2\n";
    env.write_config(before);
    let result = env
        .run(&["run", "--non-interactive", "--wait=60s"])
        .expect(0)
        .expect_text("(not shown)");
    for secret in ["AKIAVERYVISIBLE", "hunter2"] {
        assert!(!result.stdout.contains(secret) && !result.stderr.contains(secret));
    }
    assert!(env.config().starts_with(before));
}

#[test]
fn values_of_an_existing_profile_are_not_copied_into_the_state_file() {
    let env = TestEnv::new("complete");
    env.write_config("[profile admin]\nregion = hunter2\n");
    env.json(&["run", "--non-interactive"]).expect(5);
    assert!(!std::fs::read_to_string(env.state_file()).unwrap().contains("hunter2"));
}
