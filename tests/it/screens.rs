//! What a user sees: each screen of a run, as a picture and as text, at several sizes, without colors, in ASCII, and in the
//! accessible mode.

use std::fmt::Write as _;
use std::path::Path;

use idc_sim::PersonKind;

use super::support::svg::{animation, normalize};
use super::support::terminal::Terminal;
use super::support::{ANSWERS, TestEnv};

/// Rows and columns of a small terminal.
const SMALL: (u16, u16) = (24, 80);

/// Compares a picture with the one in the repository. Writes it if `UPDATE_SCREENS` is set.
fn check_picture(name: &str, current: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/screens")
        .join(format!("{name}.svg"));
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, current).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == current,
        "{name} differs from the picture (set UPDATE_SCREENS=1 to write it):\n{text}"
    );
}

/// Compares the screen with its picture in the repository.
fn check_screenshot(terminal: &Terminal, name: &str) {
    check_picture(name, &terminal.screenshot(), &normalize(&terminal.contents()));
}

/// Counts key presses that are not part of typed text.
struct Keys {
    terminal: Terminal,
    count: usize,
}

impl Keys {
    fn press(&mut self, words: &str, key: &str) {
        self.terminal.answer(words, key);
        self.count += key.len();
    }

    fn type_in(&mut self, words: &str, text: &str) {
        self.terminal.answer(words, text);
        self.press(words, "\r");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "prints a measurement")]
fn a_whole_run_needs_few_keys_few_lines_and_matches_its_pictures() {
    let env = TestEnv::new("fresh");
    let mut keys = Keys {
        terminal: Terminal::sized(&env, &["--no-browser"], SMALL, &[]),
        count: 0,
    };
    let mut frames = Vec::new();
    keys.terminal.wait_for("Region for Identity Center");
    keys.terminal.wait_until_stable();
    check_screenshot(&keys.terminal, "opening");
    frames.push((keys.terminal.frame(), 3));
    keys.press("Region for Identity Center", "\r");
    keys.terminal.answer("? Email", "ada\r");
    keys.terminal.wait_for("is not an email address");
    check_screenshot(&keys.terminal, "error");
    keys.type_in("? Email", "@example.com");
    keys.type_in("? First name", "Ada");
    keys.type_in("? Last name", "Lovelace");
    keys.terminal.wait_for("y+Enter start");
    keys.terminal.wait_until_stable();
    check_screenshot(&keys.terminal, "review");
    frames.push((keys.terminal.frame(), 5));
    keys.press("y+Enter start", "y\r");
    keys.terminal.wait_for("Set a password for ada");
    keys.terminal.wait_for("✔ 7 AWS CLI");
    keys.terminal.wait_until_stable();
    check_screenshot(&keys.terminal, "work");
    frames.push((keys.terminal.frame(), 5));
    keys.press("Enter done", "\r");
    keys.terminal.wait_for("Approve the sign-in as ada");
    frames.push((keys.terminal.frame(), 3));
    assert_eq!(keys.terminal.wait_for_exit(), 0, "{}", keys.terminal.contents());
    check_screenshot(&keys.terminal, "end");
    frames.push((keys.terminal.frame(), 6));
    check_picture("run", &animation(&frames), "the animation of these screens");
    let lines = keys.terminal.history().len();
    println!(
        "key presses beyond typing names and the email address: {} (at most 12), lines of output: {lines} (at most 120)",
        keys.count
    );
    assert!(keys.count <= 12, "{}", keys.count);
    assert!(lines <= 120, "{:#?}", keys.terminal.history());
    let mut status = Terminal::sized(&env, &["status"], SMALL, &[]);
    assert_eq!(status.wait_for_exit(), 0);
    check_screenshot(&status, "status");
}

#[test]
fn the_other_screens_match_their_pictures() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::sized(&env, &[&ANSWERS[..], &["--no-browser"]].concat(), SMALL, &[]);
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("✔ 7 AWS CLI");
    terminal.answer("Set a password", "q");
    assert_eq!(terminal.wait_for_exit(), 3);
    check_screenshot(&terminal, "stopped");

    let member = TestEnv::new("member");
    let mut terminal = Terminal::sized(&member, &[], SMALL, &[]);
    assert_eq!(terminal.wait_for_exit(), 3);
    check_screenshot(&terminal, "blocked");

    let mut terminal = Terminal::sized(&env, &["-h"], (32, 100), &[]);
    assert_eq!(terminal.wait_for_exit(), 0);
    check_screenshot(&terminal, "help");

    let mut without = TestEnv::new("enabled");
    without.set("AWS_ACCESS_KEY_ID", "");
    without.set("AWS_SECRET_ACCESS_KEY", "");
    without.set("AWS_SESSION_TOKEN", "");
    let mut terminal = Terminal::sized(&without, &[], SMALL, &[]);
    assert_eq!(terminal.wait_for_exit(), 4, "{}", terminal.contents());
    check_screenshot(&terminal, "no-credentials");
}

/// Returns each screen of a complete run in a terminal of this size.
fn transcript(size: (u16, u16), args: &[&str], variables: &[(&str, &str)]) -> String {
    let env = TestEnv::new("fresh");
    let user = ["--email=ada@example.com", "--given-name=Ada", "--no-browser"];
    let mut terminal = Terminal::sized(&env, &[args, &user].concat(), size, variables);
    let mut text = String::new();
    let mut answer = |name: &str, words: &str, keys: &str| {
        terminal.wait_for(words);
        if name == "task" {
            // What goes on meanwhile has ended.
            terminal.wait_for_any(&["✔ 7 AWS CLI", "ok 7 AWS CLI"]);
        }
        terminal.wait_until_stable();
        let screen = normalize(terminal.contents().trim_end());
        let _ = write!(text, "──── {name} ────\n{screen}\n\n");
        terminal.answer(words, keys);
    };
    answer("Region", "Region for", "\r");
    answer("text", "Last name", "Lovelace\r");
    answer("review", "y+Enter start", "y\r");
    answer("task", "Enter done", "\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    let _ = write!(text, "──── end ────\n{}", normalize(terminal.contents().trim_end()));
    text.replace('─', "-")
}

#[test]
fn screens_are_readable_at_every_size() {
    for size in [(24, 80), (32, 100), (40, 40)] {
        let text = transcript(size, &[], &[("TMPDIR", "/tmp")]);
        insta::assert_snapshot!(format!("at-{}x{}", size.1, size.0), text);
    }
}

#[test]
fn without_color_no_words_are_lost() {
    let plain = transcript((32, 100), &["--no-color"], &[]);
    let colored = transcript((32, 100), &[], &[]);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // The marks of dialoguer differ.
    let without_marks =
        |text: &str| words(&text.replace(['✔', '?', '›', '·', '❯', '>', ':', '|', '(', ')', '[', ']'], " "));
    assert_eq!(without_marks(&plain), without_marks(&colored));
}

#[test]
fn without_unicode_only_ascii_is_shown() {
    let text = transcript((32, 100), &[], &[("LANG", "C")]);
    let non_ascii: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
    assert!(non_ascii.is_empty(), "{non_ascii:?} in:\n{text}");
    insta::assert_snapshot!("in-ascii", text);
}

#[test]
fn a_dumb_terminal_gets_lines_without_redraws() {
    let env = TestEnv::new("enabled");
    let mut terminal = Terminal::sized(&env, &ANSWERS, (200, 100), &[("TERM", "dumb")]);
    terminal.answer("Type y to start", "q\r");
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
        let mut args = [&["run", "--no-browser"], &ANSWERS[..]].concat();
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
        let replies = "?\nd\na\ny\n\n";
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), replies.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let printed = [output.stderr, output.stdout].concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        assert_eq!(output.status.code(), Some(0), "{printed}");
        assert!(!printed.contains('\u{1b}') && !printed.contains('\r'), "no redraws");
        assert!(printed.contains("All set. You are signed in as Admin"), "{printed}");
    }
}

#[test]
fn ctrl_c_at_any_prompt_or_wait_restores_the_terminal_and_the_next_run_completes() {
    // The prompts and waits of a complete run on this scenario, with the keys that continue. A wait has none: the simulated
    // person does the task.
    let prompts: [(&str, &str); 8] = [
        ("Region for", "\r"),
        ("? Email", "ada@example.com\r"),
        ("? First name", "Ada\r"),
        ("? Last name", "Lovelace\r"),
        ("y+Enter start", "y\r"),
        ("Waiting until AWS shows it", ""),
        ("Set a password", "\r"),
        ("Waiting for the sign-in", ""),
    ];
    for (at, (words, keys)) in prompts.iter().enumerate() {
        let env = TestEnv::new("organization");
        if at == 5 {
            env.server.cloud().person.kind = PersonKind::Never;
        }
        let mut terminal = Terminal::start(&env, &[]);
        for (words, keys) in prompts[..at].iter().filter(|(_, keys)| !keys.is_empty()) {
            if *words == "Set a password" {
                env.server.cloud().person.kind = PersonKind::Never;
            }
            terminal.answer(words, keys);
        }
        if keys.is_empty() {
            terminal.wait_for(words);
            terminal.keys("\u{3}");
        } else {
            terminal.answer(words, "\u{3}");
        }
        assert_eq!(terminal.wait_for_exit(), 130, "{words}: {}", terminal.contents());
        assert!(!terminal.is_cursor_hidden(), "{words}");
        let printed = terminal.contents();
        assert!(printed.contains("Stopped."), "{words}: {printed}");
        env.server.cloud().person.kind = PersonKind::Auto;
        let resume = ["run", "--non-interactive", "--wait=60s"];
        let result = env.json(&[&resume[..], &ANSWERS[..3]].concat()).expect(0);
        assert!(
            result.states().iter().all(|(_, state)| state == "done"),
            "{words}: {:?}",
            result.states()
        );
        assert_eq!(env.state()["intents"], serde_json::json!([]), "{words}");
    }
}

#[test]
fn colors_can_be_turned_off() {
    let env = TestEnv::new("complete");
    let color = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let is_colored = |code: u32, args: &[&str], variables: &[(&str, &str)]| {
        let mut terminal = Terminal::sized(&env, args, SMALL, variables);
        assert_eq!(terminal.wait_for_exit(), code, "{}", terminal.contents());
        color.is_match(&terminal.raw_output())
    };
    // Also when the command line is not valid.
    for (command, code) in [("status", 3), ("nonsense", 2)] {
        assert!(is_colored(code, &[command], &[]), "{command}");
        assert!(!is_colored(code, &[command], &[("NO_COLOR", "1")]), "{command}");
        assert!(!is_colored(code, &[command], &[("TERM", "dumb")]), "{command}");
        assert!(!is_colored(code, &[command, "--no-color"], &[]), "{command}");
    }
}
