//! Undo removes nothing that was not agreed to, nor the access that somebody sits on.

use super::support::TestEnv;
use super::undo::{lasting, undo};

#[cfg(unix)]
#[test]
fn what_changes_while_undo_asks_is_seen_before_anything_is_removed() {
    use super::support::terminal::Terminal;
    let env = TestEnv::new("enabled");
    env.go(&[]).expect(0);
    let mut terminal = Terminal::start(&env, &["undo"]);
    terminal.wait_for("type its id");
    env.server.cloud().permission_sets[0].inline_policy = Some("{}".to_owned());
    terminal.answer("type its id", "123456789012\r");
    assert_eq!(terminal.end(), 5, "{}", terminal.contents());
    assert!(
        terminal.contents().contains("Meanwhile: changed"),
        "{}",
        terminal.contents()
    );
    assert_eq!(env.server.cloud().permission_sets.len(), 1);
}

#[test]
fn nobody_removes_the_permission_set_that_they_are_signed_in_through() {
    let mut env = TestEnv::new("enabled");
    env.go(&[]).expect(0);
    let credentials = {
        let mut cloud = env.server.cloud();
        let mut identity = cloud.root();
        identity.arn =
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/Admin"
                .to_owned();
        cloud.issue(identity)
    };
    env.credentials = credentials;
    let before = lasting(&env.server.cloud());
    let ran = undo(&env, &[]).expect(4);
    let error = &ran.envelope()["error"];
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("signed in through the permission set"),
        "{error}"
    );
    assert!(error["next"].to_string().contains("aws login"), "{error}");
    assert_eq!(lasting(&env.server.cloud()), before);
}

#[test]
fn without_somebody_who_agrees_nothing_is_removed() {
    let env = TestEnv::new("enabled");
    env.go(&[]).expect(0);
    let before = lasting(&env.server.cloud());
    env.json(&["undo"]).expect(2);
    env.json(&["undo", "--yes", "--step=nonsense"]).expect(2);
    #[cfg(unix)]
    {
        use super::support::terminal::Terminal;
        let mut terminal = Terminal::start(&env, &["undo"]);
        terminal.wait_for("delete   user Admin");
        terminal.answer("type its id", "123456789013\r");
        terminal.answer("is not 123456789012", "\r");
        assert_eq!(terminal.end(), 3, "{}", terminal.contents());
        assert!(
            terminal.contents().contains("nothing was deleted."),
            "{}",
            terminal.contents()
        );
        assert_eq!(lasting(&env.server.cloud()), before);
        let mut terminal = Terminal::start(&env, &["undo"]);
        terminal.answer("type its id", "123456789012\r");
        assert_eq!(terminal.end(), 0, "{}", terminal.contents());
    }
    assert_ne!(lasting(&env.server.cloud()), before);
}
