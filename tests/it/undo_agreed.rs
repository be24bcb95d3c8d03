//! Undo deletes nothing without confirmation, and does not delete the access of the current session.

use super::support::TestEnv;
use super::undo::{persistent_state, undo};

#[cfg(unix)]
#[test]
fn changes_while_undo_waits_for_confirmation_are_detected_before_deletion() {
    use super::support::terminal::Terminal;
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let mut terminal = Terminal::start(&env, &["undo"]);
    terminal.wait_for("type its id");
    env.server.cloud().permission_sets[0].inline_policy = Some("{}".to_owned());
    terminal.answer("type its id", "123456789012\r");
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
    let credentials = {
        let mut cloud = env.server.cloud();
        let mut identity = cloud.root();
        identity.arn =
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/Admin"
                .to_owned();
        cloud.issue(identity)
    };
    env.credentials = credentials;
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
    #[cfg(unix)]
    {
        use super::support::terminal::Terminal;
        let mut terminal = Terminal::start(&env, &["undo"]);
        terminal.wait_for("delete   user Admin");
        terminal.answer("type its id", "123456789013\r");
        terminal.answer("is not 123456789012", "\r");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        assert!(
            terminal.contents().contains("nothing was deleted."),
            "{}",
            terminal.contents()
        );
        assert_eq!(persistent_state(&env.server.cloud()), before);
        let mut terminal = Terminal::start(&env, &["undo"]);
        terminal.answer("type its id", "123456789012\r");
        assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    }
    assert_ne!(persistent_state(&env.server.cloud()), before);
}
