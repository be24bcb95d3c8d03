//! What a user sees: complete runs in a terminal, compared with screenshots and text snapshots. At several widths,
//! without colors, in ASCII, and in the accessible mode.

#![cfg(unix)]

use std::path::Path;

use idc_sim::PersonKind;

use super::support::svg::normalize;
use super::support::terminal::Terminal;
use super::support::{ANSWERS, SKIP_RECOMMENDATIONS, TestEnv};

const SIZE: (u16, u16) = (64, 100);

/// Compares the screen with the screenshot in the repository. Writes the screenshot if `UPDATE_SCREENS` is set.
fn check_screenshot(terminal: &Terminal, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/screens")
        .join(format!("{name}.svg"));
    let current = terminal.screenshot();
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == current,
        "{name} differs from the screenshot (set UPDATE_SCREENS=1 to write it):\n{}",
        normalize(&terminal.contents())
    );
}

/// Counts key presses that are not part of typed text.
struct Keys {
    terminal: Terminal,
    count: usize,
}

impl Keys {
    fn press(&mut self, words: &str, key: &str) {
        self.terminal.answer(words, key);
        self.count += 1;
    }

    fn type_in(&mut self, words: &str, text: &str) {
        self.terminal.answer(words, text);
        self.press(words, "\r");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "prints a measurement")]
fn a_whole_run_needs_few_keys_and_matches_its_screenshots() {
    let env = TestEnv::new("fresh");
    let mut keys = Keys {
        terminal: Terminal::sized(&env, &["--no-browser"], SIZE, &[]),
        count: 0,
    };
    keys.terminal.wait_for("Email");
    check_screenshot(&keys.terminal, "opening");
    keys.terminal.answer("Email", "ada\r");
    keys.terminal.wait_for("is not an email address");
    check_screenshot(&keys.terminal, "error");
    keys.terminal.keys("\u{15}\u{7f}\u{7f}\u{7f}");
    keys.type_in("Email", "ada@example.com");
    keys.type_in("First name", "Ada");
    keys.type_in("Last name", "Lovelace");
    keys.terminal.wait_for("How do you want to continue?");
    check_screenshot(&keys.terminal, "values");
    keys.press("How do you want to continue?", "\r");
    keys.press("Do you agree?", "y");
    keys.press("No email is sent", "\r");
    keys.press("where: sign in as Admin", "\r");
    keys.press("Write this to", "\r");
    keys.press("Prompt users for MFA", "\r");
    keys.press("events is free of charge", "\r");
    keys.press("Do this first: the root user", "\r");
    assert_eq!(keys.terminal.wait_for_exit(), 0, "{}", keys.terminal.contents());
    check_screenshot(&keys.terminal, "end");
    println!(
        "key presses beyond typing names and the email address: {} (at most 12)",
        keys.count
    );
    assert!(keys.count <= 12, "{}", keys.count);
    let mut status = Terminal::sized(&env, &["status"], SIZE, &[]);
    assert_eq!(status.wait_for_exit(), 0);
    check_screenshot(&status, "status");
}

#[test]
fn a_wait_shows_what_it_waits_for_where_and_for_how_long() {
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let all = [&ANSWERS[..], &["--no-browser"]].concat();
    let mut terminal = Terminal::sized(&env, &all, SIZE, &[]);
    terminal.answer("How do you want to continue?", "\r");
    terminal.wait_for("Identity Center is not enabled yet.");
    std::thread::sleep(std::time::Duration::from_millis(1200));
    terminal.wait_for("[1/8] There is an organization");
    check_screenshot(&terminal, "waiting");
    terminal.keys("\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130);
}

/// Returns the screen after a complete run in a terminal with this number of columns.
fn transcript(columns: u16, args: &[&str], variables: &[(&str, &str)]) -> String {
    let env = TestEnv::new("enabled");
    let all = [args, &ANSWERS[..], &SKIP_RECOMMENDATIONS[..], &["--no-browser"]].concat();
    let mut terminal = Terminal::sized(&env, &all, (420, columns), variables);
    terminal.answer("How do you want to continue?", "\r");
    terminal.answer("No email is sent", "y");
    terminal.answer("where: sign in as Admin", "y");
    terminal.answer("Write this to", "y");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    normalize(terminal.contents().trim_end())
}

#[test]
fn screens_are_readable_at_every_width() {
    for columns in [40, 80, 120] {
        let text = transcript(columns, &[], &[("TMPDIR", "/tmp")]);
        insta::assert_snapshot!(format!("at-{columns}-columns"), text);
    }
}

#[test]
fn without_color_no_words_are_lost() {
    let plain = transcript(100, &["--no-color"], &[]);
    let colored = transcript(100, &[], &[]);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // The marks of dialoguer differ.
    let without_marks = |text: &str| words(&text.replace(['✔', '?', '›', '·', '❯'], ""));
    assert_eq!(without_marks(&plain), without_marks(&colored));
}

#[test]
fn without_unicode_only_ascii_is_shown() {
    let text = transcript(100, &[], &[("LANG", "C")]);
    let non_ascii: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
    assert!(non_ascii.is_empty(), "{non_ascii:?} in:\n{text}");
    insta::assert_snapshot!("in-ascii", text);
}

#[test]
fn a_dumb_terminal_gets_lines_without_redraws() {
    let env = TestEnv::new("enabled");
    let all = [&ANSWERS[..], &SKIP_RECOMMENDATIONS[..]].concat();
    let mut terminal = Terminal::sized(&env, &all, (200, 100), &[("TERM", "dumb")]);
    terminal.answer("How do you want to continue?", "3\r");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
    let all = terminal.raw_output();
    assert!(
        !all.contains('\u{1b}') || all.matches('\u{1b}').count() == all.matches("\u{1b}[?25h").count(),
        "{all:?}"
    );
}

#[test]
fn accessible_mode_shows_everything_in_words() {
    for variable in [false, true] {
        let mut env = TestEnv::new("enabled");
        let mut args = [&["run", "--no-browser"], &ANSWERS[..], &SKIP_RECOMMENDATIONS[..]].concat();
        if variable {
            env.set("IDC_SETUP_ACCESSIBLE", "1");
        } else {
            args.push("--accessible");
        }
        let mut command = env.command(&args);
        command.stdin(std::process::Stdio::piped());
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let replies = "?\n4\n1\nyes\nyes\nyes\n";
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), replies.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{printed}");
        assert!(!printed.contains('\u{1b}') && !printed.contains('\r'), "no redraws");
        if variable {
            insta::assert_snapshot!("line-by-line", normalize(&printed));
        }
    }
}

#[test]
fn ctrl_c_at_any_prompt_or_wait_restores_the_terminal_and_the_next_run_completes() {
    // The prompts and waits of a complete run on this scenario, with the keys that continue.
    let prompts: [(&str, &str); 9] = [
        ("Email", "ada@example.com\r"),
        ("First name", "Ada\r"),
        ("Last name", "Lovelace\r"),
        ("How do you want to continue?", "\r"),
        ("you have to start over", ""),
        ("No email is sent", "\r"),
        ("where: sign in as Admin", "\r"),
        ("Write this to", "\r"),
        ("Approve only a code that you requested yourself", ""),
    ];
    for (at, (words, _)) in prompts.iter().enumerate() {
        let env = TestEnv::new("organization");
        // The simulated person is slow or does nothing, so that there is a wait to interrupt.
        if prompts[at].1.is_empty() {
            env.server.cloud().person.kind = if at > 5 { PersonKind::Auto } else { PersonKind::Never };
        }
        let mut terminal = Terminal::start(&env, &SKIP_RECOMMENDATIONS);
        for (words, keys) in &prompts[..at] {
            if keys.is_empty() {
                terminal.wait_for(words);
            } else {
                terminal.answer(words, keys);
            }
        }
        if at == 8 {
            env.server.cloud().person.kind = PersonKind::Never;
        }
        terminal.answer(words, "\u{3}");
        assert_eq!(terminal.wait_for_exit(), 130, "{words}: {}", terminal.contents());
        assert!(!terminal.is_cursor_hidden(), "{words}");
        let printed = terminal.contents();
        assert!(printed.contains("Interrupted."), "{printed}");
        env.server.cloud().person.kind = PersonKind::Auto;
        let resume = ["run", "--non-interactive", "--wait=60s"];
        let result = env
            .json(&[&resume[..], &ANSWERS[..], &SKIP_RECOMMENDATIONS[..]].concat())
            .expect(0);
        assert!(
            result.states().iter().all(|(_, state)| state == "done"),
            "{words}: {:?}",
            result.states()
        );
        assert_eq!(env.state()["intents"], serde_json::json!([]), "{words}");
    }
}

#[test]
fn the_variable_no_color_turns_colors_off() {
    let env = TestEnv::new("complete");
    let color = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let is_colored = |args: &[&str], variables: &[(&str, &str)]| {
        let mut terminal = Terminal::sized(&env, args, SIZE, variables);
        assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
        color.is_match(&terminal.raw_output())
    };
    assert!(is_colored(&["status"], &[]));
    assert!(!is_colored(&["status"], &[("NO_COLOR", "1")]));
    assert!(!is_colored(&["status", "--no-color"], &[]));
}
