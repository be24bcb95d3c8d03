//! Undo deletes nothing without confirmation, and does not delete the access of the current session.

use super::support::{ANSWERS, NON_INTERACTIVE, TestEnv};
use super::undo::{persistent_state, undo};

/// Continues with a session of this user, signed in through the permission set `AdministratorAccess`.
fn sign_in_through_portal(env: &mut TestEnv, user: &str) {
    let credentials = {
        let mut cloud = env.server.cloud();
        let mut identity = cloud.root();
        identity.arn = format!(
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/{user}"
        );
        cloud.issue(identity)
    };
    env.credentials = credentials;
}

#[test]
fn changes_while_undo_waits_for_confirmation_are_detected_before_deletion() {
    use super::support::terminal::Terminal;
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let mut terminal = Terminal::start(&env, &["undo"]);
    terminal.wait_for("type the account ID");
    env.server.cloud().permission_sets[0].inline_policy = Some("{}".to_owned());
    terminal.answer("type the account ID", "123456789012\r");
    assert_eq!(terminal.wait_for_exit(), 5, "{}", terminal.contents());
    assert!(
        terminal.contents().contains("Meanwhile: changed"),
        "{}",
        terminal.contents()
    );
    assert_eq!(env.server.cloud().permission_sets.len(), 1);
}

#[test]
fn undo_refuses_to_delete_the_permission_set_of_the_current_session() {
    let mut env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    sign_in_through_portal(&mut env, "Admin");
    let before = persistent_state(&env.server.cloud());
    let result = undo(&env, &[]).expect(4);
    let error = &result.envelope()["error"];
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("signed in through the permission set"),
        "{error}"
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("Undoing the account assignment "), "{message}");
    assert!(error["next"].to_string().contains("aws login"), "{error}");
    assert_eq!(persistent_state(&env.server.cloud()), before);
}

#[test]
fn undo_deletes_nothing_without_confirmation() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let before = persistent_state(&env.server.cloud());
    env.json(&["undo"]).expect(2);
    env.json(&["undo", "--yes", "--step=nonsense"]).expect(2);
    {
        use super::support::terminal::Terminal;
        let mut terminal = Terminal::start(&env, &["undo"]);
        terminal.wait_for("delete   user Admin");
        terminal.answer("type the account ID", "123456789013\r");
        terminal.answer("is not 123456789012", "\r");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        assert!(
            terminal.contents().contains("Stopped. Nothing was deleted."),
            "{}",
            terminal.contents()
        );
        assert_eq!(persistent_state(&env.server.cloud()), before);
        let mut terminal = Terminal::start(&env, &["undo"]);
        terminal.answer("type the account ID", "123456789012\r");
        assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    }
    assert_ne!(persistent_state(&env.server.cloud()), before);
}

#[test]
fn undo_refuses_to_delete_the_user_group_membership_or_permission_set_of_the_current_session() {
    for (scenario, answers, user, step, resource) in [
        ("enabled", &ANSWERS[..], "Admin", "--step=create-user", "the user Admin"),
        (
            "enabled",
            &ANSWERS[..],
            "Admin",
            "--step=permission-set",
            "the permission set AdministratorAccess",
        ),
        (
            "enabled",
            &ANSWERS[..],
            "eve",
            "--step=create-group",
            "the group Admins",
        ),
        (
            "half-done",
            &["--email=admin@example.com"][..],
            "Admin",
            "--step=create-group",
            "the group membership Admin in Admins",
        ),
    ] {
        let mut env = TestEnv::new(scenario);
        env.json(&[&["run"], &NON_INTERACTIVE[..], answers].concat()).expect(0);
        sign_in_through_portal(&mut env, user);
        let before = persistent_state(&env.server.cloud());
        let result = undo(&env, &[step]).expect(4);
        let error = &result.envelope()["error"];
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("Undoing {resource} would end this access")),
            "{message}"
        );
        assert_eq!(persistent_state(&env.server.cloud()), before, "{resource}");
    }
}
