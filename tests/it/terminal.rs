//! Interactive runs in a terminal: questions, the review, tasks and their keys, and how a run ends.

use super::support::terminal::Terminal;
use super::support::{ANSWERS, REGION, SKIP_RECOMMENDATIONS, TestEnv, is_mutating, wait_until};
use idc_sim::PersonKind;

/// Flags that skip the steps that need a sign-in.
const WITHOUT_SIGN_IN: [&str; 2] = ["--skip=cli-profile", "--skip=sign-in"];

#[test]
fn a_whole_run_with_questions_one_review_and_a_sign_in() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::start(&env, &[]);
    terminal.answer("Region for Identity Center", "frankfurt");
    terminal.answer("eu-central-1", "\r");
    // A refused entry stays in the field.
    terminal.answer("? Email", "ada@\r");
    terminal.wait_for("is not an email address");
    terminal.answer("ada@", "example.com\r");
    terminal.answer("? First name", "Ada\r");
    terminal.answer("? Last name", "Lovelace\r");
    terminal.wait_for("eu-central-1, Europe (Frankfurt) (can't be changed later)");
    terminal.wait_for("ada · Ada Lovelace · ada@example.com");
    terminal.wait_for("AdministratorAccess for group Admins in 123456789012");
    assert!(
        !env.server.calls().iter().any(is_mutating),
        "nothing changes before the review"
    );
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Enable IAM Identity Center in eu-central-1");
    terminal.answer("Set a password for ada", "\r");
    terminal.wait_for("Approve the sign-in as ada");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let screen = terminal.contents();
    assert!(
        screen.contains("✔ All set. You are signed in as ada (AdministratorAccess in 123456789012)."),
        "{screen}"
    );
    assert!(screen.contains("Still recommended: MFA for all users, a CloudTrail trail, MFA for root"));
    assert!(!terminal.is_cursor_hidden());
    let config = env.config();
    assert!(config.contains("[profile admin]"), "{config}");
    assert!(config.contains("region = eu-central-1"), "{config}");
}

#[test]
fn quitting_the_review_changes_nothing_and_says_so() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    terminal.answer("y+Enter start", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    let screen = terminal.contents();
    assert!(screen.contains("Stopped. This run changed nothing."), "{screen}");
    assert!(!screen.contains("error") && !screen.contains("✘"), "{screen}");
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn enter_alone_does_not_start_the_changes() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    for _ in 0..3 {
        terminal.answer("y+Enter start", "\r");
    }
    terminal.wait_for("Type y and press Enter to start.");
    terminal.wait_until_stable();
    let screen = terminal.contents();
    assert_eq!(screen.matches("Type y and press Enter").count(), 1, "{screen}");
    assert_eq!(screen.matches("y+Enter start").count(), 1, "{screen}");
    terminal.answer("y+Enter start", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn a_value_can_be_changed_in_the_review_which_is_shown_again_in_its_place() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &WITHOUT_SIGN_IN].concat());
    terminal.answer("y+Enter start", "e");
    terminal.answer("Which value?", "Group");
    terminal.answer("Group                  Admins", "\r");
    terminal.answer("Group (Admins)", "Builders\r");
    terminal.wait_for("for group Builders");
    let screen = terminal.contents();
    assert_eq!(screen.matches("Ready").count(), 1, "{screen}");
    terminal.answer("y+Enter start", "y\r");
    terminal.answer("Set a password", "y\r");
    terminal.answer("Open the access portal", "y\r");
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
fn the_review_shows_details_with_sources_and_the_commands() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    terminal.answer("y+Enter start", "d");
    terminal.wait_for("--email");
    terminal.wait_for("Give the group Admins the permission set AdministratorAccess");
    // On this screen, the difference is on the next page or below.
    terminal.wait_for("+[profile admin]");
    terminal.answer("Enter back", "\r");
    terminal.answer("y+Enter start", "a");
    terminal.wait_for("aws organizations create-organization --feature-set ALL");
    terminal.answer("Enter back", "\r");
    terminal.answer("y+Enter start", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn a_question_mark_explains_a_list_and_the_keys_of_the_review() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::sized(&env, &["--email=ada@example.com"], (24, 80), &[]);
    terminal.answer("Region for", "?\r");
    terminal.wait_for("to change it, you delete the instance");
    terminal.answer("Enter back", "\r");
    terminal.answer("Region for", "frankf\r");
    terminal.answer("? First name", "Ada\r");
    terminal.answer("? Last name", "Lovelace\r");
    terminal.answer("y+Enter start", "?");
    terminal.wait_for("show every value with its source");
    terminal.answer("b back", "b");
    terminal.wait_for("eu-central-1, Europe (Frankfurt)");
    terminal.answer("y+Enter start", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn a_typed_out_yes_starts_and_opens_no_list() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &WITHOUT_SIGN_IN].concat());
    terminal.answer("y+Enter start", "yes\r");
    terminal.wait_for("Set a password");
    assert!(!terminal.contents().contains("Which value?"), "{}", terminal.contents());
    terminal.answer("Set a password", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
}

#[test]
fn going_back_takes_the_old_answer_off_the_screen() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::start(&env, &[REGION]);
    terminal.answer("? Email", "ada@exmaple.com\r");
    terminal.answer("? First name", ":b\r");
    // An Enter after the help only leaves the help.
    terminal.answer("? Email", ":?\r");
    terminal.answer("? Email", "\r");
    terminal.wait_for("Press Enter again to accept ada@exmaple.com.");
    terminal.answer("? Email", "ada@example.com\r");
    terminal.wait_for("? First name");
    let screen = terminal.contents();
    assert_eq!(screen.matches("✔ Email").count(), 1, "{screen}");
    assert!(screen.contains("✔ Email · ada@example.com"), "{screen}");
    terminal.keys("\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130);
}

#[test]
fn a_refused_text_can_be_edited_with_the_keys_of_a_shell() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::sized(&env, &[REGION], (24, 60), &[]);
    terminal.answer("? Email", "ada.example.com\r");
    terminal.wait_for("✘");
    // Home, to the right of "ada", Delete and "@".
    terminal.answer("ada.example.com", "\u{1b}[H\u{1b}[C\u{1b}[C\u{1b}[C\u{1b}[3~@\r");
    terminal.wait_for("✔ Email · ada@example.com");
    // Ctrl-U starts again, Esc goes back, and capitals stay.
    terminal.answer("? First name", "Wrong\u{15}Ada\r");
    terminal.wait_for("✔ First name · Ada");
    terminal.answer("? Last name", "\u{1b}");
    terminal.answer(
        "? First name (Ada)",
        "Ada Augusta Maria-Theresia of somewhere far away\u{17}\u{17}there\r",
    );
    terminal.answer("? Last name", "Lovelace\r");
    terminal.wait_for("y+Enter start");
    let screen = terminal.contents().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        screen.contains("Ada Augusta Maria-Theresia of somewhere there Lovelace"),
        "{screen}"
    );
    terminal.keys("q");
    assert_eq!(terminal.wait_for_exit(), 3, "{screen}");
}

#[test]
fn redrawing_never_clears_the_screen_below_the_cursor() {
    // A terminal such as tmux moves what is cleared from the first row on into its history: a copy for each frame.
    let env = TestEnv::new("organization");
    let mut terminal = Terminal::sized(&env, &[&ANSWERS[..], &[REGION]].concat(), (24, 80), &[]);
    terminal.wait_for("y+Enter start");
    terminal.wait_until_stable();
    let before = terminal.raw_output().len();
    terminal.keys("y\r");
    terminal.answer("Set a password", "\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let output = terminal.raw_output();
    assert!(!output[before..].contains("\u{1b}[J"), "{:?}", &output[before..]);
}

#[test]
fn a_confirmation_needs_the_letter_and_enter() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &WITHOUT_SIGN_IN].concat());
    terminal.answer("y+Enter start", "y\r");
    terminal.answer("Set a password", "\r");
    terminal.answer("If you have done it, press y and Enter.", "y");
    terminal.answer("Press Enter to confirm", "\r");
    terminal.answer("Open the access portal", "s");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert_eq!(env.state()["attestations"]["activation"]["proved"], false);
    assert!(env.state()["attestations"]["access-portal"].is_null());
}

#[test]
fn an_enter_that_leaves_the_help_of_a_task_does_not_confirm_it() {
    let env = TestEnv::new("half-done");
    let mut terminal = Terminal::start(&env, &[&["--email=admin@example.com"], &WITHOUT_SIGN_IN[..]].concat());
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Enter done");
    terminal.wait_until_stable();
    let task = terminal.stable_contents();
    terminal.keys("?");
    wait_until("the help is shown", || terminal.stable_contents() != task);
    terminal.wait_until_stable();
    let helped = terminal.contents();
    std::thread::sleep(std::time::Duration::from_millis(600));
    terminal.keys("\r");
    terminal.wait_until_stable();
    let screen = terminal.contents();
    assert_ne!(screen, helped);
    assert!(screen.contains("Enter done"), "{screen}");
    terminal.keys("q");
    terminal.wait_for_exit();
}

#[test]
fn keys_work_during_a_wait() {
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Waiting until AWS shows it…");
    terminal.answer("r check again", "r");
    terminal.wait_for("Checked: There is an organization; Identity Center is not enabled yet.");
    terminal.answer("c copy link", "c");
    terminal.wait_for("Copied the link");
    let copied = "aHR0c"; // "http" in Base64.
    assert!(terminal.raw_output().contains(&format!("\u{1b}]52;c;{copied}")));
    terminal.answer("? why", "?");
    terminal.wait_for("Identity Center");
    terminal.answer("q stop, do this later", "s");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    terminal.wait_for("Stopped. This run changed nothing.");
    assert!(!terminal.is_cursor_hidden());
}

#[test]
fn ctrl_c_at_a_question_restores_the_terminal_and_tells_how_to_continue() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[]);
    terminal.answer("? Email", "ada@ex\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    assert!(
        terminal.contents().contains("Stopped. This run changed nothing."),
        "{}",
        terminal.contents()
    );
    assert!(!terminal.is_cursor_hidden());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn ctrl_c_in_the_review_or_in_a_wait_restores_the_terminal_too() {
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    terminal.answer("y+Enter start", "\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    assert!(!terminal.is_cursor_hidden());
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Waiting until AWS shows it…");
    terminal.keys("\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    assert!(!terminal.is_cursor_hidden());
    // The next run continues from there and asks no answered question again.
    env.server.cloud().person.kind = PersonKind::Auto;
    let mut terminal = Terminal::start(&env, &["--yes"]);
    terminal.answer("Set a password", "\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
}

#[test]
fn a_change_that_was_not_in_the_review_is_asked_about() {
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let args = [
        &ANSWERS[..],
        &SKIP_RECOMMENDATIONS[..],
        &["--update=permission-set", REGION],
    ]
    .concat();
    let mut terminal = Terminal::start(&env, &args);
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Waiting until AWS shows it…");
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
    terminal.answer("Set a password", "\r");
    terminal.wait_for("Detach the policy arn:aws:iam::aws:policy/ReadOnlyAccess");
    terminal.answer("The account has changed since the review.", "n\r");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert_eq!(env.server.cloud().permission_sets[0].managed_policies, [read_only]);
}

#[test]
fn values_from_aws_cannot_control_the_terminal() {
    let mut cloud = idc_sim::scenarios::named("half-done").unwrap();
    let user = cloud.instances[0].store.users.values_mut().next().unwrap();
    user.attributes["Emails"][0]["Value"] = serde_json::json!("\u{1b}[2J\u{1b}]0;gone\u{7}x@example.com");
    let env = TestEnv::with(cloud);
    let result = env
        .run(&["status", "--username=Admin", "--email=ada@example.com"])
        .expect(5);
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
    terminal.keys("y\r");
    terminal.answer("Type y to start", "q\r");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn the_list_of_policies_can_be_searched_by_typing() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    terminal.answer("y+Enter start", "e");
    terminal.answer("Which value?", "Policy");
    terminal.answer("Policy                 AdministratorAccess", "\r");
    terminal.wait_for("Policy ›");
    terminal.wait_for("full access to all services");
    terminal.answer("Policy ›", "ReadOnlyAccess");
    terminal.wait_for("read everything, change nothing");
    terminal.keys("\r");
    terminal.wait_for("ReadOnlyAccess for group Admins");
    terminal.answer("y+Enter start", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn a_search_finds_words_and_countries_and_says_when_it_finds_nothing() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::start(&env, &[]);
    terminal.answer("Region for Identity Center", "zzzz");
    terminal.wait_for("zzzz");
    terminal.wait_for("Nothing matches. Correct it with Backspace.");
    // Longer than the line.
    let zeds = "z".repeat(90);
    terminal.keys(&zeds);
    terminal.wait_until_stable();
    let screen = terminal.contents();
    assert_eq!(screen.matches("Region for Identity Center").count(), 1, "{screen}");
    // The keys of a shell. A country finds its Regions.
    terminal.keys("\u{15}germany");
    terminal.wait_for("Europe (Frankfurt)");
    assert!(!terminal.stable_contents().contains("Ireland"));
    terminal.keys("\r");
    terminal.wait_for("? Email");
    terminal.keys("\u{3}");
    terminal.wait_for_exit();
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
    assert!(!screen.contains("Email"), "{screen}");
    assert!(!env.server.calls().iter().any(is_mutating));
}
