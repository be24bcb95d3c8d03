//! Generated output: the access diagram, the answers as a file and as a command, completions, and man pages.

use std::collections::BTreeSet;
use std::process::Command;

use clap::CommandFactory;
use idc_setup::answers::KEYS;
use idc_setup::cli::Cli;
use idc_setup::wizard::steps::{CONSENTS, SLUGS, TOPICS};

use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv};

#[test]
fn the_access_diagram_shows_the_state_of_each_part_of_the_access() {
    let env = TestEnv::new("half-done");
    let email = "--email=admin@example.com";
    let result = env.run(&["status", email]);
    for line in [
        "  user Admin (needs you)",
        "  └─ group Admins (to do)",
        "     └─ permission set AdministratorAccess, 1h",
    ] {
        assert!(result.stdout.contains(line), "{line:?} is not in:\n{}", result.stdout);
    }
    let result = env.run(&["status", email, "--output=mermaid"]);
    assert!(
        result.stdout.starts_with("flowchart LR\n    n0[\"user<br/>Admin\"]"),
        "{}",
        result.stdout
    );
    assert!(result.stdout.contains("n0 -.-> n1\n    n1 --> n2"), "{}", result.stdout);
    env.run(&["run", "--non-interactive", "--output=mermaid"])
        .expect(2)
        .expect_text("status --output mermaid");
}

#[test]
fn status_shows_the_age_of_each_state() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let path = env.state_file();
    let mut kept = env.state();
    kept["steps"]["create-group"]["since"] = "2020-01-01T00:00:00Z".into();
    std::fs::write(&path, kept.to_string()).unwrap();
    let result = env.run(&["status"]).expect(0);
    let line = result.stdout.lines().find(|line| line.contains("3 Group")).unwrap();
    assert!(line.contains("days ago)"), "{line}");
    assert_eq!(
        env.json(&["status"]).step("create-group")["since"],
        "2020-01-01T00:00:00Z"
    );
    // Another run does not change the time.
    env.run_setup(&[]).expect(0);
    assert_eq!(env.state()["steps"]["create-group"]["since"], "2020-01-01T00:00:00Z");
}

#[test]
fn answers_prints_a_file_and_a_command_that_repeat_the_run_without_questions() {
    let first = TestEnv::new("fresh");
    first
        .run_setup(&["--session-duration=8h", "--display-name=Ada O'Hara \"A\" Lovelace"])
        .expect(0);
    let out = first.json(&["answers"]).expect(0).envelope();
    let (file, line) = (out["file"].as_str().unwrap(), out["line"].as_str().unwrap());
    assert_eq!(out["answers"]["session_duration"], "8h");
    assert!(line.contains("--create-organization"), "{line}");
    let text = first.run(&["answers"]).expect(0).stdout;
    assert_eq!(text, format!("# {line}\n{file}"));
    let user = |env: &TestEnv| {
        let duration = env.server.cloud().permission_sets[0].session_duration.clone();
        (env.first_user().attributes, duration)
    };
    // The command, as a shell parses it.
    let second = TestEnv::new("fresh");
    let args = line.strip_prefix("idc-setup ").unwrap();
    let plain = second.command(&[]);
    let mut command = Command::new("/bin/sh");
    command.env_clear().args([
        "-c",
        &format!("\"$0\" {args} --output json"),
        env!("CARGO_BIN_EXE_idc-setup"),
    ]);
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    RunResult::new(command.output().unwrap()).expect(0);
    assert_eq!(user(&second), user(&first));
    // The answers file.
    let third = TestEnv::new("fresh");
    std::fs::write(third.path("idc.toml"), &text).unwrap();
    third
        .json(&[&["run", "--answers=idc.toml"], &NON_INTERACTIVE[..]].concat())
        .expect(0);
    assert_eq!(user(&third), user(&first));
}

#[test]
fn without_an_earlier_run_there_are_no_answers() {
    TestEnv::new("fresh")
        .run(&["answers"])
        .expect(2)
        .expect_text("There are no saved answers on this machine.");
}

#[test]
fn each_shell_can_read_its_completions() {
    let env = TestEnv::new("fresh");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let result = env.run(&["completions", shell]).expect(0);
        for command in ["rehearse", "doctor", "status", "--non-interactive", "--permission-set"] {
            let word = command.trim_start_matches('-');
            assert!(result.stdout.contains(word), "{shell}: {command}");
        }
        if shell == "bash" {
            std::fs::write(env.path("completions"), &result.stdout).unwrap();
            let checked = Command::new("bash").arg("-n").arg(env.path("completions")).status();
            assert!(checked.is_ok_and(|status| status.success()));
        }
    }
    env.run(&["completions", "tcsh"]).expect(2);
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let env = TestEnv::new("fresh");
    let result = env.run(&["man", "pages"]).expect(0);
    assert!(result.stderr.contains("man pages/idc-setup.1"), "{}", result.stderr);
    for page in ["idc-setup", "idc-setup-run", "idc-setup-rehearse", "idc-setup-login"] {
        let text = std::fs::read_to_string(env.path("pages").join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    std::fs::write(env.path("taken"), "").unwrap();
    env.run(&["man", "taken"]).expect(1).expect_text("cannot be written");
    assert_eq!(env.json(&["man", "taken"]).expect(1).envelope()["command"], "man");
}

#[test]
fn outputs_contain_the_ids_that_the_next_tool_needs() {
    let env = TestEnv::new("fresh");
    let envelope = env.run_setup(&[]).expect(0).envelope();
    let outputs = &envelope["outputs"];
    let cloud = env.server.cloud();
    assert_eq!(outputs["instance_arn"], cloud.instances[0].arn.as_str());
    assert_eq!(
        outputs["group_id"],
        cloud.instances[0].store.groups.keys().next().unwrap().as_str()
    );
    drop(cloud);
    for args in [&["status"][..], &["status", "-v"]] {
        let text = env.run(args).expect(0).stdout;
        for command in [
            "idc-setup export access",
            "idc-setup export argo-cd --cluster NAME --admin Admins",
        ] {
            assert!(text.contains(command), "{text}");
        }
    }
    // Without a group, the user administers Argo CD.
    let alone = TestEnv::new("enabled");
    let text = alone
        .run(
            &[
                &["run", "-v", "--no-group", "--assign-to=user"],
                &NON_INTERACTIVE[..],
                &ANSWERS[..],
            ]
            .concat(),
        )
        .expect(0)
        .stdout;
    assert!(
        text.contains("export argo-cd --cluster NAME --admin user:Admin"),
        "{text}"
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "prints a measurement")]
fn a_list_of_thousands_of_accounts_can_be_searched_quickly_by_name_and_id() {
    use super::support::terminal::Terminal;
    use std::time::{Duration, Instant};
    let env = TestEnv::new("big");
    let answers = [
        "--email=ada@example.com",
        "--given-name=Ada",
        "--family-name=Lovelace",
        "--username=ada-new",
    ];
    let mut terminal = Terminal::start(&env, &[&answers[..], &["--group=New", "--permission-set=New"]].concat());
    terminal.answer("y+Enter start", "e");
    terminal.answer("Which value?", "Account");
    terminal.answer("Account                123456789012", "\r");
    terminal.wait_for("Account ›");
    let wanted = env.server.cloud().accounts[4321].clone();
    let started = Instant::now();
    terminal.keys(&wanted.id[4..]);
    terminal.wait_for(&format!("({})", wanted.id));
    let took = started.elapsed();
    println!(
        "found one of 5,000 accounts with {} keys in {} ms",
        wanted.id.len() - 4,
        took.as_millis()
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    terminal.keys("\r");
    terminal.wait_for(&format!("for group New in {}", wanted.id));
    terminal.answer("y+Enter start", "q");
    assert_eq!(terminal.wait_for_exit(), 3, "{}", terminal.contents());
}

#[test]
fn the_threat_model_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let names = regex::Regex::new(r"`([a-z_]+)::([a-z_0-9]+|\*)(…?)`").unwrap();
    let mut count = 0;
    for found in names.captures_iter(&text) {
        let (module, name) = (&found[1], &found[2]);
        let places = [
            format!("tests/it/{module}.rs"),
            format!("crates/aws-config-file/tests/{module}.rs"),
        ];
        let tests = places
            .iter()
            .find_map(|place| std::fs::read_to_string(root.join(place)).ok());
        let tests = tests.unwrap_or_else(|| panic!("no test module {}", &found[0]));
        count += 1;
        assert!(
            name == "*" || tests.contains(&format!("fn {name}")),
            "no test {}",
            &found[0]
        );
    }
    let files = regex::Regex::new(r"`([a-z_/-]+\.rs)` ?(?:\(unit\)|and)").unwrap();
    for found in files.captures_iter(&text) {
        let code = std::fs::read_to_string(root.join(&found[1])).unwrap_or_default();
        count += 1;
        assert!(code.contains("#[test]"), "no unit tests in {}", &found[1]);
    }
    assert!(count > 30, "{count}");
}

#[test]
fn the_short_help_fits_a_screen_and_shows_examples_first() {
    let env = TestEnv::new("fresh");
    let help = env.run(&["-h"]).expect(0).stdout;
    assert!(help.lines().count() <= 30, "{help}");
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    let parts = [
        "Examples:",
        "\n  Set up ",
        "\n  Look ",
        "\n  Change back ",
        "\n  More ",
        "\nFlags:",
    ];
    let places = parts.map(|part| help.find(part).unwrap_or_else(|| panic!("no {part:?} in:\n{help}")));
    assert!(places.is_sorted(), "{help}");
    assert!(help[places[0]..places[1]].contains("idc-setup rehearse"), "{help}");
    assert_eq!(flags_in(&help), flags("profile non-interactive output verbose"));
    for command in ["undo", "login", "rehearse"] {
        let help = env.run(&[command, "-h"]).expect(0).stdout;
        assert!(help.lines().count() <= 60, "{help}");
    }
}

/// The flags that begin a line of a help text.
fn flags_in(help: &str) -> BTreeSet<String> {
    let flag = regex::Regex::new(r"(?m)^ +(?:-[a-zA-Z], )?--([a-z-]+)").unwrap();
    flag.captures_iter(help).map(|found| found[1].to_owned()).collect()
}

fn flags(names: &str) -> BTreeSet<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

const OUTPUT: &str = "output no-color quiet verbose help ";
const CREDENTIALS: &str = "profile region allow-root-keys state accessible record ";
const WALK: &str = "answers answer only skip update strict identity-center-region identity-source create-user-with username email \
                    given-name family-name display-name group no-group policy permission-set session-duration assign-to \
                    account start-url sso-session cli-profile cli-region cli-output ";

/// The flags that each command lists.
fn own_flags() -> [(&'static str, BTreeSet<String>); 14] {
    let of = |parts: &[&str]| flags(&parts.concat());
    let run = "confirm yes create-organization accept-free-plan-end enable-permission-sets create-trail non-interactive wait \
               no-browser use-device-code fresh ";
    let consents = "confirm create-organization accept-free-plan-end enable-permission-sets create-trail ";
    let rehearse = "world serve port calls latency faults quota dump keep person step include-changed again \
                    non-interactive accessible ";
    let export = "dir only-created hand-over take-back name format cluster capability role-arn admin editor viewer ";
    let portal = "template sso-session cli-region yes wait no-browser use-device-code accessible non-interactive ";
    let sign_in = "cli-profile again wait no-browser use-device-code state accessible non-interactive ";
    [
        ("run", of(&[OUTPUT, CREDENTIALS, WALK, run])),
        ("status", of(&[OUTPUT, CREDENTIALS, WALK])),
        (
            "plan",
            of(&[OUTPUT, CREDENTIALS, WALK, "confirm fresh non-interactive"]),
        ),
        ("next", of(&[OUTPUT, CREDENTIALS, WALK, consents])),
        ("doctor", of(&[OUTPUT, CREDENTIALS, "policy skip"])),
        (
            "undo",
            of(&[OUTPUT, CREDENTIALS, "step include-changed yes non-interactive"]),
        ),
        ("login", of(&[OUTPUT, sign_in])),
        ("join", of(&[OUTPUT, portal, "all role account region"])),
        ("answers", of(&[OUTPUT, "state"])),
        ("export", of(&[OUTPUT, CREDENTIALS, export])),
        ("rehearse", of(&[OUTPUT, rehearse])),
        ("man", of(&[OUTPUT])),
        ("completions", flags("help")),
        ("help", flags("help")),
    ]
}

#[test]
fn each_command_lists_exactly_its_own_flags() {
    let env = TestEnv::new("fresh");
    for (command, own) in own_flags() {
        for help in ["-h", "--help"] {
            let text = env.run(&[command, help]).expect(0).stdout;
            assert_eq!(flags_in(&text), own, "{command} {help}");
        }
    }
    let portal = "filter sso-session cli-profile yes wait no-browser use-device-code accessible non-interactive ";
    let sync = [OUTPUT, portal, "template prune cli-region"].concat();
    for (command, own) in [("sync", sync), ("remove", [OUTPUT, portal].concat())] {
        let text = env.run(&["profiles", command, "-h"]).expect(0).stdout;
        assert_eq!(flags_in(&text), flags(&own), "profiles {command}");
    }
    let all = env.run(&["--help"]).expect(0).stdout;
    let mut run = own_flags()[0].1.clone();
    run.insert("version".to_owned());
    assert_eq!(flags_in(&all), run, "a command line without a command is a run");
    for heading in ["Answers:", "Consents:", "Credentials:", "Output:"] {
        assert!(all.contains(&format!("\n{heading}\n")), "{heading} is not in:\n{all}");
    }
}

#[test]
fn completions_and_man_pages_have_only_the_flags_of_each_command() {
    let env = TestEnv::new("fresh");
    env.run(&["man", "pages"]).expect(0);
    let fish = env.run(&["completions", "fish"]).expect(0).stdout;
    for (command, own) in own_flags() {
        let page = std::fs::read_to_string(env.path("pages").join(format!("idc-setup-{command}.1"))).unwrap();
        let page = page.replace("\\-", "-");
        let completed = fish
            .lines()
            .filter(|line| line.contains(&format!("using_subcommand {command}\"")));
        let completed: Vec<&str> = completed.collect();
        for flag in &own_flags()[0].1 {
            assert_eq!(
                page.contains(&format!("--{flag}\\fR")),
                own.contains(flag),
                "{command} --{flag}"
            );
            let is_completed = completed.iter().any(|line| line.contains(&format!(" -l {flag} ")));
            // A rehearsal takes the flags of the rehearsed command, and some commands take flags that change nothing.
            let is_taken = command == "rehearse"
                || matches!(
                    (command, flag.as_str()),
                    ("status" | "next", "yes" | "non-interactive" | "use-device-code")
                        | ("plan", "yes" | "use-device-code")
                        | ("doctor" | "export", "yes" | "non-interactive")
                        | ("login", "yes")
                );
            assert_eq!(is_completed, own.contains(flag) || is_taken, "{command} --{flag}");
        }
    }
}

#[test]
fn help_prints_tables_and_the_help_of_a_command() {
    let env = TestEnv::new("fresh");
    let text = |args: &[&str]| env.run(args).expect(0).stdout;
    assert_eq!(text(&["help"]), text(&["--help"]));
    assert_eq!(text(&["help", "undo"]), text(&["undo", "--help"]));
    assert_eq!(text(&["help", "run"]), text(&["run", "--help"]));
    let answers = text(&["help", "answers"]);
    for key in KEYS {
        for word in [key.flag(), key.variable()] {
            assert!(answers.contains(&word), "{word} is not in:\n{answers}");
        }
        let default = key.default_text().unwrap_or_default();
        let one_line = answers.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(default), "{default} is not in:\n{answers}");
    }
    let topics = text(&["help", "topics"]);
    let consents = CONSENTS.map(|consent| format!("--{consent}"));
    let names = SLUGS.iter().chain(&TOPICS).copied();
    for name in names.chain(consents.iter().map(String::as_str)) {
        assert!(topics.contains(&format!("\n  {name}\n")), "{name} is not in:\n{topics}");
    }
    for words in [
        "Enable IAM Identity Center (required). ",
        " (recommended). ",
        " (recommendation). ",
    ] {
        assert!(topics.contains(words), "{words} is not in:\n{topics}");
    }
    let codes = text(&["help", "exit-codes"]);
    for code in [0, 1, 2, 3, 4, 5, 6, 130] {
        assert!(codes.contains(&format!("\n{code:>5}  ")), "{code} is not in:\n{codes}");
    }
    for page in [answers, topics, codes] {
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    }
    env.run(&["help", "statsu"]).expect(2).expect_text("'status'");
    assert!(env.server.calls().is_empty());
}

/// How a flag shows that a command uses it.
enum Use {
    /// With this flag, the command prints something else.
    Prints(String),
    /// The command ends in another way, from this scenario and with these other arguments.
    Ends(&'static str, &'static [&'static str]),
    /// Only a terminal or a mistake of the program shows it. Other tests look there.
    Elsewhere,
}

fn use_of(command: &str, flag: &str) -> Use {
    let with = |value: &str| Use::Prints(format!("--{flag}={value}"));
    match (command, flag) {
        (_, "help" | "no-color" | "accessible" | "no-browser" | "use-device-code" | "non-interactive")
        | ("answers" | "login", "quiet")
        | ("answers" | "man", "verbose")
        | ("man", "output")
        | ("run", "yes")
        | ("export", "state")
        | ("next", "create-organization" | "accept-free-plan-end" | "enable-permission-sets" | "create-trail")
        | ("join", "yes" | "all") => Use::Elsewhere,
        ("run", "strict") => Use::Ends("enabled", &["--wait=60s"]),
        ("run", "create-organization") => Use::Ends("fresh", &[]),
        ("run", "accept-free-plan-end") => Use::Ends("free-plan", &["--create-organization"]),
        ("run", "enable-permission-sets") => Use::Ends("no-permission-sets", &[]),
        ("run", "verbose" | "create-trail" | "fresh") => Use::Ends("enabled", &[]),
        (_, "verbose") => Use::Prints("-vv".to_owned()),
        (_, "profile") | ("login", "cli-profile") => with("nobody"),
        (_, "region") => with("mars-1"),
        (_, "state" | "answers") => with("nowhere.toml"),
        (_, "output") => with("json"),
        ("doctor", "policy")
        | (_, "no-group" | "strict" | "fresh" | "allow-root-keys" | "quiet" | "again" | "include-changed" | "yes") => {
            Use::Prints(format!("--{flag}"))
        }
        // A value that is refused has been read.
        _ => with(""),
    }
}

/// Returns a command line with which the command does all that it can do without a terminal.
fn complete_line(command: &'static str) -> Vec<&'static str> {
    match command {
        "run" => [&["run", "--non-interactive"], &ANSWERS[..]].concat(),
        "plan" => vec!["plan", "--non-interactive"],
        "man" => vec!["man", "pages"],
        "export" => vec!["export", "access"],
        "join" => vec!["join", "d-9067aabbcc", "--all", "--non-interactive"],
        _ => vec![command],
    }
}

/// Returns a test environment after a run with a user name, which is saved, and with a profile that was changed later.
fn env_for(command: &str, scenario: &str) -> TestEnv {
    let env = TestEnv::new(scenario);
    if matches!(
        command,
        "status" | "plan" | "next" | "undo" | "login" | "join" | "answers"
    ) {
        env.run_setup(&["--username=ada"]).expect(0);
        env.write_config(env.config().replace("output = json", "output = text"));
    }
    env
}

#[test]
fn every_flag_of_a_command_changes_something() {
    let outcome = |env: &TestEnv, line: &[&str]| {
        let result = env.run(line);
        let refused = ["does not take", "has no flag"].map(|words| result.stderr.contains(words));
        assert_eq!(refused, [false, false], "{line:?}: {}", result.stderr);
        (result.code, result.stdout, result.stderr)
    };
    let mut count = 0;
    for (command, own) in own_flags() {
        if matches!(command, "rehearse" | "completions" | "help") {
            continue;
        }
        let line = complete_line(command);
        let mut env = env_for(command, "enabled");
        if command == "run" {
            // All these flags stop the run before it changes anything.
            env.set("IDC_SETUP_ACCOUNT", "1");
        }
        let without = outcome(&env, &line);
        for flag in own {
            let ended = match use_of(command, &flag) {
                Use::Elsewhere => continue,
                Use::Prints(flag) if flag == "--allow-root-keys" => {
                    let mut env = TestEnv::new("enabled");
                    env.set("AWS_SESSION_TOKEN", "");
                    let with = outcome(&env, &[&line[..], &[flag.as_str()]].concat());
                    (outcome(&env, &line), with)
                }
                Use::Prints(flag) => (without.clone(), outcome(&env, &[&line[..], &[flag.as_str()]].concat())),
                Use::Ends(scenario, more) => {
                    let line = [&line[..], more].concat();
                    let flag = format!("--{flag}");
                    // Only a second run has saved answers.
                    let command = if flag == "--fresh" { "plan" } else { command };
                    let with = outcome(&env_for(command, scenario), &[&line[..], &[flag.as_str()]].concat());
                    (outcome(&env_for(command, scenario), &line), with)
                }
            };
            assert_ne!(ended.0, ended.1, "{command} --{flag}");
            count += 1;
        }
    }
    assert!(count > 120, "{count}");
}

#[test]
fn help_lists_every_flag_variable_step_and_exit_code() {
    let env = TestEnv::new("fresh");
    let help = env.run(&["--help"]).expect(0).stdout;
    let words: BTreeSet<&str> = help
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .collect();
    let command = Cli::command();
    // The hidden flag is only for the child process of a rehearsal.
    let flags = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .filter(|flag| *flag != "rehearsal");
    let mut count = 0;
    for flag in flags {
        count += 1;
        assert!(
            words.contains(format!("--{flag}").as_str()),
            "--{flag} is not in:\n{help}"
        );
    }
    assert!(count > 40, "{count}");
    for key in KEYS {
        let variable = key.variable();
        assert!(words.contains(variable.as_str()), "{variable} is not in:\n{help}");
    }
    for slug in SLUGS {
        assert!(words.contains(slug), "{slug} is not in:\n{help}");
    }
    let one_line = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for code in [
        "Exit codes: 0 success",
        "1 failed",
        "2 wrong usage",
        "3 something is left to do",
        "4 no credentials",
        "5 something differs",
        "6 another run",
        "130 interrupted",
    ] {
        assert!(one_line.contains(code), "{code:?} is not in:\n{help}");
    }
    let version = env.run(&["--version"]).expect(0).stdout;
    assert_eq!(version, format!("idc-setup {}\n", env!("CARGO_PKG_VERSION")));
    assert!(env.server.calls().is_empty());
}
