//! What the user agrees to: nothing changes before the review is confirmed, nothing new begins after the user stops, and the
//! closing paragraph is true.

#![cfg(unix)]

use std::time::{Duration, Instant};

use idc_sim::{CallLine, Fault, FaultKind, PersonKind};

use super::support::terminal::Terminal;
use super::support::{ANSWERS, REGION, TestEnv, is_mutating};

fn changes(env: &TestEnv) -> Vec<CallLine> {
    env.server.calls().into_iter().filter(is_mutating).collect()
}

/// Waits for the first call, and returns the instant that the times in the call log count from.
fn server_start(env: &TestEnv) -> Instant {
    loop {
        if let Some(call) = env.server.calls().first() {
            return Instant::now().checked_sub(Duration::from_micros(call.end_us)).unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn nothing_changes_before_the_letter_and_enter_in_the_review() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
    terminal.answer("y+Enter start", "y");
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(changes(&env), []);
    assert!(!env.path(".aws/config").exists());
    terminal.keys("\r");
    terminal.wait_for("Enable IAM Identity Center in us-east-1");
    let operations: Vec<String> = changes(&env).into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["CreateOrganization"]);
    terminal.answer("Set a password", "q");
    assert_eq!(terminal.wait_for_exit(), 3);
}

#[test]
fn after_quit_later_or_ctrl_c_no_new_change_begins_and_the_closing_paragraph_is_true() {
    for key in ["q", "s", "\u{3}"] {
        let env = TestEnv::new("enabled");
        // The first changes of two other steps are in flight when the task appears, and each has others after it.
        for operation in ["CreateGroup", "CreatePermissionSet"] {
            env.server.fault(Fault {
                operation: Some(operation.to_owned()),
                nth: None,
                kind: FaultKind::Delay(Duration::from_millis(1200)),
            });
        }
        let mut terminal = Terminal::start(&env, &ANSWERS);
        let start = server_start(&env);
        terminal.answer("y+Enter start", "y\r");
        terminal.wait_for("Set a password");
        terminal.keys(key);
        // The task leaves the screen for good when the run stops. For a moment, it is also gone while it is redrawn.
        let mut gone = 0;
        while gone < 10 {
            gone = if terminal.contents().contains("Set a password") {
                0
            } else {
                gone + 1
            };
            std::thread::sleep(Duration::from_millis(5));
        }
        let stopped = Instant::now();
        let code = terminal.wait_for_exit();
        assert!(matches!(code, 3 | 130), "{}", terminal.contents());
        for call in changes(&env) {
            let begun = start + Duration::from_micros(call.start_us);
            assert!(begun < stopped, "{key:?}: {call:?} began after the user stopped");
        }
        let screen = terminal.contents().split_whitespace().collect::<Vec<_>>().join(" ");
        let closing = &screen[screen.rfind("Stopped.").unwrap_or_else(|| panic!("{screen}"))..];
        let (done, rest) = closing.split_once("Not done").unwrap_or_else(|| panic!("{closing}"));
        let is_made = |operation: &str| {
            changes(&env)
                .iter()
                .any(|call| call.operation == operation && call.outcome == "ok")
        };
        for (operation, step) in [
            ("CreateUser", "User"),
            ("CreateGroup", "Group"),
            ("CreatePermissionSet", "Permission set"),
            ("CreateAccountAssignment", "Access"),
        ] {
            // A name alone could be a part of another one, as in AdministratorAccess.
            let names = |text: &str| {
                let step = regex::Regex::new(&format!(
                    r"(^ |Done |Begun |Unanswered |, ){step}( \(|,| Begun| Unanswered| Continue| $)"
                ))
                .unwrap();
                step.is_match(text)
            };
            let (known, requested) = done
                .split_once("Unanswered")
                .map_or((done, String::new()), |(known, requested)| {
                    (known, format!("Unanswered{requested}"))
                });
            if names(&requested) {
                continue;
            }
            assert_eq!(names(known), is_made(operation), "{key:?}: {operation}: {closing}");
            assert_ne!(names(known), names(rest), "{key:?}: {operation}: {closing}");
        }
        assert!(!closing.contains("error"), "{closing}");
    }
}

#[test]
fn the_user_is_told_which_steps_go_on_during_a_task() {
    let env = TestEnv::new("enabled");
    env.slow_down(400);
    let mut terminal = Terminal::start(&env, &ANSWERS);
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Set a password");
    assert!(
        terminal.contents().contains("go on meanwhile."),
        "{}",
        terminal.contents()
    );
    terminal.keys("q");
    assert_eq!(terminal.wait_for_exit(), 3);
}

/// Types with pauses that differ from seed to seed.
#[test]
fn typing_y_and_enter_everywhere_agrees_to_nothing_that_is_not_shown_yet() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let env = TestEnv::new("fresh");
        env.server.cloud().person.kind = PersonKind::Never;
        env.slow_down(random.u64(0..120));
        let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[REGION]].concat());
        let (mut shown, mut has_confirmed) = (None, false);
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end && !terminal.contents().contains("Waiting until AWS shows it") {
            if shown.is_none() && terminal.contents().contains("y+Enter start") {
                shown = Some(Instant::now());
            }
            for key in ["y", "\r"] {
                if shown.is_none() {
                    assert_eq!(changes(&env), [], "seed {seed}: a change before the review");
                }
                let is_visible = shown.is_some();
                terminal.keys(key);
                has_confirmed |= is_visible && key == "\r";
                std::thread::sleep(Duration::from_millis(random.u64(5..250)));
            }
        }
        assert!(has_confirmed, "seed {seed}: {}", terminal.contents());
        // The file is written only after step 1, which nobody has done. Enter meant nothing in the wait.
        assert!(!env.path(".aws/config").exists(), "seed {seed}");
        terminal.keys("q");
        assert_eq!(terminal.wait_for_exit(), 3, "seed {seed}: {}", terminal.contents());
    }
}
