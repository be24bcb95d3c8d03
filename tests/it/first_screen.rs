//! The first screen in every kind of account: whether this account can get there, and if not, only the ways out. Also the
//! instructions, which fit the case.

use idc_sim::scenarios::SCENARIOS;
use idc_sim::{FaultKind, ServiceError};

use super::support::svg::normalize;
use super::support::terminal::Terminal;
use super::support::{TestEnv, is_mutating};

/// The scenarios in which Identity Center cannot be set up.
const BLOCKED: [&str; 3] = ["billing-only", "account-instance", "member"];

#[test]
fn the_first_screen_says_whether_this_account_can_get_there() {
    for (scenario, _) in SCENARIOS {
        let env = TestEnv::new(scenario);
        let mut terminal = Terminal::sized(&env, &[], (24, 80), &[("TMPDIR", "/tmp")]);
        if BLOCKED.contains(&scenario) {
            assert_eq!(terminal.wait_for_exit(), 3, "{scenario}: {}", terminal.contents());
            let screen = terminal.contents();
            assert!(screen.contains('✘'), "{scenario}: {screen}");
            assert!(
                !screen.contains("You get") && !screen.contains("Email"),
                "{scenario}: {screen}"
            );
        } else {
            terminal.wait_for_any(&["Region for", "? Email", "y+Enter start"]);
            terminal.wait_until_stable();
        }
        insta::assert_snapshot!(
            format!("first-screen-{scenario}"),
            normalize(terminal.contents().trim_end())
        );
        assert!(!env.server.calls().iter().any(is_mutating), "{scenario}");
        if !BLOCKED.contains(&scenario) {
            terminal.keys("\u{3}");
            assert_eq!(terminal.wait_for_exit(), 130, "{scenario}");
        }
    }
}

#[test]
fn a_user_that_existed_before_is_not_told_to_reset_the_password() {
    for (scenario, answers, words) in [
        // Also what a second engineer, or the same one on a second machine, sees.
        (
            "complete",
            &["--username=Admin"][..],
            "Only if Admin has no password yet",
        ),
        (
            "external-directory",
            &["--username=Admin", "--identity-source=external"],
            "the password of your identity provider",
        ),
    ] {
        let env = TestEnv::new(scenario);
        let result = env.json(&[&["status"], answers].concat());
        let task = &result.step("create-user")["left_to_do"][0];
        assert_eq!(task["sentence"], "Sign in as Admin once.", "{scenario}");
        assert!(task["details"].to_string().contains(words), "{scenario}: {task}");
        assert!(task["clicks"].is_null(), "{scenario}: {task}");
        let mut terminal = Terminal::start(&env, answers);
        terminal.wait_for("y+Enter start");
        let screen = terminal.contents();
        assert!(!screen.contains("set the user's password"), "{scenario}: {screen}");
        terminal.answer("y+Enter start", "y\r");
        terminal.wait_for_any(&["Approve the sign-in", "All set"]);
        assert!(!terminal.contents().contains("Set a password"), "{scenario}");
        terminal.wait_for_exit();
    }
}

#[test]
fn users_of_an_identity_provider_are_looked_up_and_never_created() {
    let env = TestEnv::new("external-directory");
    let mut terminal = Terminal::start(&env, &["--username=nobody"]);
    terminal.wait_for("Users come from an identity provider: idc-setup looks them up, and creates none.");
    terminal.wait_for("✘ The user nobody does not exist, and users come from your identity provider.");
    let screen = terminal.contents();
    assert!(!screen.contains("creates a user"), "{screen}");
    terminal.answer("y+Enter start", "q");
    terminal.wait_for_exit();
    assert!(!env.server.calls().iter().any(is_mutating), "{screen}");
}

#[test]
fn no_command_creates_a_user_beside_those_of_an_identity_provider() {
    let env = TestEnv::new("external-directory");
    let plan = env.json(&["plan", "--email=nobody@example.com"]);
    assert_ne!(plan.step("create-user")["state"], "to_do", "{}", plan.summary());
    let run = env.run(&["run", "--non-interactive", "--email=nobody@example.com", "--wait=0"]);
    run.expect_text("Users come from an identity provider: idc-setup looks them up, and creates none.");
    assert!(!env.server.calls().iter().any(|call| call.operation == "CreateUser"));
}

#[test]
fn the_first_screen_says_if_it_cannot_tell_where_users_come_from() {
    let env = TestEnv::new("external-directory");
    let denied = ServiceError::new("AccessDeniedException", "not yours to list");
    env.fault_always("ListUsers", FaultKind::Refuse(denied));
    let mut terminal = Terminal::start(&env, &["--username=nobody"]);
    terminal.wait_for("Cannot tell whether users come from an identity provider.");
    terminal.keys("\u{3}");
    terminal.wait_for_exit();
    assert!(!env.server.calls().iter().any(is_mutating));
}
