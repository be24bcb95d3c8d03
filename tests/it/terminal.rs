//! Interactive runs in a terminal: questions, the review, waits, and Ctrl-C.

#![cfg(unix)]

use super::support::terminal::Terminal;
use super::support::{ANSWERS, SKIP_RECOMMENDATIONS, TestEnv, is_mutating};
use idc_sim::PersonKind;

#[test]
fn a_whole_run_with_questions_consents_and_a_sign_in() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::start(&env, &[]);
    terminal.answer("Email", "ada\r");
    terminal.wait_for("is not an email address");
    terminal.keys("\u{15}\u{7f}\u{7f}\u{7f}ada@example.com\r");
    terminal.answer("First name", "Ada\r");
    terminal.answer("Last name", "Lovelace\r");
    terminal.wait_for("Give the group Admins the permission set AdministratorAccess in account 123456789012.");
    terminal.wait_for("entered");
    terminal.answer("How do you want to continue?", "\r");
    terminal.wait_for("This can't be undone.");
    terminal.answer("Do you agree?", "y");
    terminal.wait_for("Enable IAM Identity Center in us-east-1.");
    terminal.answer("Activate the user Admin", "n");
    terminal.answer("Open the access portal and sign in.", "n");
    terminal.answer("[profile eks-walkthrough]", "y");
    terminal.wait_for("Approve only a code that you requested yourself");
    terminal.answer("Check that MFA is required for all users.", "y");
    terminal.answer("costs a few cents a month", "n");
    terminal.answer("Assign an MFA device to the root user.", "\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let screen = terminal.contents();
    assert!(
        screen.contains("You are arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_"),
        "{screen}"
    );
    assert!(!terminal.is_cursor_hidden());
    let user = env.server.cloud().instances[0]
        .store
        .users
        .values()
        .next()
        .cloned()
        .unwrap();
    assert_eq!(user.email(), Some("ada@example.com"));
}

#[test]
fn quitting_the_review_changes_nothing() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &ANSWERS);
    terminal.answer("How do you want to continue?", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    terminal.wait_for("Nothing was changed.");
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn a_value_can_be_changed_in_the_review() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(
        &env,
        &[
            &ANSWERS[..],
            &SKIP_RECOMMENDATIONS[..],
            &["--skip=cli-profile", "--skip=sign-in"],
        ]
        .concat(),
    );
    terminal.answer("How do you want to continue?", "c");
    terminal.answer("Which value?", "Group");
    terminal.answer("Group: Admins", "\r");
    terminal.answer("Group (Admins)", "Builders\r");
    terminal.wait_for("Create the group Builders");
    terminal.answer("q quit]", "\r");
    terminal.answer("Activate the user", "y");
    terminal.answer("Open the access portal", "y");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let name = env.server.cloud().instances[0]
        .store
        .groups
        .values()
        .next()
        .unwrap()
        .display_name
        .clone();
    assert_eq!(name, "Builders");
    assert_eq!(env.state()["attestations"]["activation"]["proved"], false);
}

#[test]
fn ctrl_c_at_a_question_restores_the_terminal_and_tells_how_to_continue() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[]);
    terminal.answer("Email", "ada@ex\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    assert!(terminal.contents().contains("Interrupted."), "{}", terminal.contents());
    assert!(!terminal.is_cursor_hidden());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn ctrl_c_in_the_review_or_in_a_wait_restores_the_terminal_too() {
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let mut terminal = Terminal::start(&env, &ANSWERS);
    terminal.answer("How do you want to continue?", "\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    assert!(!terminal.is_cursor_hidden());
    let mut terminal = Terminal::start(&env, &ANSWERS);
    terminal.answer("How do you want to continue?", "\r");
    terminal.wait_for("Identity Center is not enabled yet.");
    terminal.keys("\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    assert!(!terminal.is_cursor_hidden());
    // The next run continues from there and asks no answered question again.
    env.server.cloud().person.kind = PersonKind::Auto;
    let mut terminal = Terminal::start(&env, &[&["--yes"], &SKIP_RECOMMENDATIONS[..]].concat());
    terminal.answer("Activate the user", "n");
    terminal.answer("Open the access portal", "n");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
}

#[test]
fn a_change_that_was_not_in_the_review_is_asked_about() {
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let args = [&ANSWERS[..], &SKIP_RECOMMENDATIONS[..], &["--update=permission-set"]].concat();
    let mut terminal = Terminal::start(&env, &args);
    terminal.answer("How do you want to continue?", "\r");
    terminal.wait_for("Identity Center is not enabled yet.");
    // While the wizard waits, someone enables Identity Center and creates a permission set of this name.
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
    {
        let complete = idc_sim::scenarios::named("complete").unwrap();
        let mut cloud = env.server.cloud();
        cloud.instances = complete.instances;
        cloud.instances[0].store.users.clear();
        cloud.instances[0].store.groups.clear();
        cloud.instances[0].store.memberships.clear();
        cloud.permission_sets = complete.permission_sets;
        cloud.permission_sets[0].managed_policies = vec![read_only.clone()];
    }
    terminal.answer("Activate the user", "n");
    terminal.wait_for("Detach the policy arn:aws:iam::aws:policy/ReadOnlyAccess");
    terminal.answer("The account has changed since the review.", "n");
    terminal.answer("Open the access portal", "n");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert_eq!(env.server.cloud().permission_sets[0].managed_policies, [read_only]);
}

#[test]
fn values_from_aws_cannot_control_the_terminal() {
    let mut cloud = idc_sim::scenarios::named("half-done").unwrap();
    let user = cloud.instances[0].store.users.values_mut().next().unwrap();
    user.attributes["Emails"][0]["Value"] = serde_json::json!("\u{1b}[2J\u{1b}]0;gone\u{7}x@example.com");
    let env = TestEnv::with(cloud);
    let result = env.run(&["status", "--email=ada@example.com"]).expect(5);
    assert!(result.stdout.contains("x@example.com"), "{}", result.stdout);
    assert!(!result.stdout.contains('\u{1b}') && !result.stderr.contains('\u{1b}'));
}

#[test]
fn a_line_that_is_typed_before_a_question_does_not_answer_it() {
    let env = TestEnv::new("enabled");
    // Slow calls leave time to type before the question.
    env.slow_down(120);
    let mut terminal = Terminal::start(&env, &[&["--accessible"], &ANSWERS[..]].concat());
    terminal.wait_for("REHEARSAL");
    // As an answer, this would start the changes.
    terminal.keys("1\r");
    terminal.answer("How do you want to continue?", "3\r");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn the_list_of_policies_can_be_searched_by_typing() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &ANSWERS);
    terminal.answer("How do you want to continue?", "c");
    terminal.answer("Which value?", "Policy");
    terminal.answer("Policy: AdministratorAccess", "\r");
    terminal.wait_for("Policy ›");
    assert!(
        !terminal.contents().contains("CloudWatchReadOnlyAccess"),
        "{}",
        terminal.contents()
    );
    terminal.answer("Policy ›", "ReadOnlyAccess");
    // The search finds every policy with this text, the best match first.
    terminal.wait_for("CloudWatchReadOnlyAccess");
    terminal.keys("\r");
    terminal.wait_for("Attach the policy arn:aws:iam::aws:policy/ReadOnlyAccess");
    terminal.answer("q quit]", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn a_run_in_the_background_is_not_stopped_at_its_end() {
    let env = TestEnv::new("complete");
    let program = env.command(&[]).get_program().to_owned();
    let script = format!(
        "{} status >status.log & wait $!; echo \"ended with $?\"",
        program.display()
    );
    let terminal = Terminal::in_shell(&env, &script);
    // A process in the background that sets the modes of the terminal is stopped, and `wait` returns 150.
    terminal.wait_for("ended with ");
    assert!(terminal.contents().contains("ended with 3"), "{}", terminal.contents());
}

#[test]
fn a_file_that_cannot_be_used_is_reported_before_any_question() {
    let env = TestEnv::new("enabled");
    env.write_config("[profile a]\n[profile a]\n");
    let mut terminal = Terminal::start(&env, &[]);
    assert_eq!(terminal.wait_for_exit(), 1, "{}", terminal.contents());
    let screen = terminal.contents();
    assert!(screen.contains("line 2 repeats a section"), "{screen}");
    assert!(!screen.contains("These values will be used"), "{screen}");
    assert!(!env.server.calls().iter().any(is_mutating));
}
