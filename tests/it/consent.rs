//! What the user agrees to: nothing changes before the review is confirmed, nothing new begins after the user stops, and the
//! closing paragraph is true.

use std::time::{Duration, Instant};

use idc_sim::{CallLine, Cloud, Fault, FaultKind, PersonKind, scenarios};

use super::support::terminal::Terminal;
use super::support::{ANSWERS, REGION, SKIP_RECOMMENDATIONS, TestEnv, is_mutating};

fn changes(env: &TestEnv) -> Vec<CallLine> {
    env.server.calls().into_iter().filter(is_mutating).collect()
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
        let stopped = env.server.uptime();
        let code = terminal.wait_for_exit();
        assert!(matches!(code, 3 | 130), "{}", terminal.contents());
        for call in changes(&env) {
            let begun = Duration::from_micros(call.start_us);
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

#[test]
fn recommend_names_the_cost_of_a_trail_before_it_creates_one() {
    let env = TestEnv::new("enabled");
    let args = ["recommend", "--only=cloudtrail"];
    let mut terminal = Terminal::start(&env, &args);
    terminal.answer("Do you agree?", "?");
    terminal.wait_for("--create-trail");
    let screen = terminal.contents();
    for words in [
        "Create a bucket and a multi-Region trail",
        "The bucket's storage costs a few cents a month",
        "$ aws cloudtrail create-trail",
        "idc-setup",
    ] {
        assert!(screen.contains(words), "{words:?} is not in:\n{screen}");
    }
    // There is no review to go back to.
    terminal.wait_for_question();
    terminal.keys("b");
    terminal.wait_for("There is nothing to go back to.");
    terminal.wait_until_stable();
    terminal.wait_for_question();
    terminal.keys("s");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    assert_eq!(changes(&env), []);

    let mut terminal = Terminal::start(&env, &args);
    terminal.answer("Do you agree?", "y\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    assert_eq!(env.server.cloud().trails.len(), 1);
}

/// A run that waits for Identity Center after the review. Meanwhile, someone else enables it.
fn wait_for_identity_center(env: &TestEnv, args: &[&str], meanwhile: impl FnOnce(&mut Cloud)) -> Terminal {
    env.server.cloud().person.kind = PersonKind::Never;
    let mut terminal = Terminal::start(env, &[&SKIP_RECOMMENDATIONS[..], &[REGION], args].concat());
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("Waiting until AWS shows it…");
    let mut cloud = env.server.cloud();
    cloud.person.kind = PersonKind::Auto;
    cloud.instances = scenarios::named("enabled").unwrap().instances;
    meanwhile(&mut cloud);
    drop(cloud);
    terminal
}

#[test]
fn a_config_file_that_was_edited_after_the_review_is_shown_again() {
    for (before, after, agrees) in [
        ("", "[profile later]\nregion = eu-west-1\n", false),
        (
            "[default]\nregion = eu-west-1\n",
            "[default]\nregion = eu-west-2\n",
            true,
        ),
    ] {
        let env = TestEnv::new("organization");
        env.write_config(before);
        let mut terminal = wait_for_identity_center(&env, &ANSWERS, |_| env.write_config(after));
        terminal.answer("Set a password", "\r");
        terminal.answer("Write this to", "?");
        terminal.wait_for("Lines with + are added.");
        let screen = terminal.contents();
        assert!(screen.contains("+[profile admin]"), "{screen}");
        assert_eq!(env.config(), after);
        terminal.wait_for_question();
        terminal.keys(if agrees { "y\r" } else { "n\r" });
        let code = if agrees { 0 } else { 3 };
        assert_eq!(terminal.wait_for_exit(), code, "{}", terminal.contents());
        assert_eq!(env.config().contains("[profile admin]"), agrees);
    }
}

#[test]
fn the_review_contains_a_trail_only_if_a_flag_requests_it() {
    for flags in [&[][..], &["--create-trail"]] {
        let env = TestEnv::new("enabled");
        let mut terminal = Terminal::start(&env, &[&ANSWERS[..], flags].concat());
        terminal.wait_for("y+Enter start");
        terminal.wait_until_stable();
        let is_shown = terminal.contents().contains("a CloudTrail trail with a bucket");
        assert_eq!(is_shown, !flags.is_empty(), "{}", terminal.contents());
        terminal.answer("y+Enter start", "q");
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    }
}

/// Starts a run that asks about a change which was not in the review, in a step that everything else waits for.
fn at_a_new_change(env: &TestEnv) -> Terminal {
    let args = [
        "--email=admin@example.com",
        "--given-name=Alex",
        "--family-name=Rivera",
        "--username=Admin",
        "--update=permission-set",
    ];
    let mut terminal = wait_for_identity_center(env, &args, |cloud| {
        let complete = scenarios::named("complete").unwrap();
        cloud.instances = complete.instances;
        // Without an assignment, everything else waits for the permission set.
        cloud.permission_sets = complete.permission_sets;
        let policies = &mut cloud.permission_sets[0].managed_policies;
        policies.push("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
    });
    terminal.answer("The account has changed since the review.", "?");
    terminal.wait_for("aws sso-admin detach-managed-policy-from-permission-set");
    terminal.wait_until_stable();
    terminal.wait_for_question();
    terminal
}

#[test]
fn ctrl_c_on_the_way_back_to_the_review_ends_the_run() {
    let env = TestEnv::new("organization");
    let mut terminal = at_a_new_change(&env);
    let held = env.hold("ListInstances", 1, FaultKind::Hold);
    terminal.keys("b");
    held.wait_until_reached();
    terminal.keys("\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    held.release();
    assert_eq!(changes(&env), []);
}

#[test]
fn going_back_from_a_new_change_leads_to_the_review_until_something_was_changed() {
    let env = TestEnv::new("organization");
    let mut terminal = at_a_new_change(&env);
    terminal.keys("b");
    terminal.wait_for("Also: Detach the policy");
    terminal.wait_until_stable();
    terminal.wait_for_question();
    assert_eq!(changes(&env), []);
    // The review contains the change now, so it is not asked about again.
    terminal.keys("y\r");
    let end = Instant::now() + Duration::from_secs(20);
    while changes(&env).is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    let operations: Vec<String> = changes(&env).into_iter().map(|call| call.operation).collect();
    assert_eq!(operations[0], "DetachManagedPolicyFromPermissionSet");
    terminal.keys("\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
}

#[test]
fn enter_agrees_to_a_change_that_was_not_in_the_review() {
    let env = TestEnv::new("organization");
    let args = [&ANSWERS[..], &["--update=permission-set"]].concat();
    let mut terminal = wait_for_identity_center(&env, &args, |cloud| {
        cloud.permission_sets = scenarios::named("complete").unwrap().permission_sets;
        let policies = &mut cloud.permission_sets[0].managed_policies;
        policies.push("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
    });
    terminal.answer("Set a password", "\r");
    terminal.answer("The account has changed since the review.", "\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    assert_eq!(env.server.cloud().permission_sets[0].managed_policies.len(), 1);
}
