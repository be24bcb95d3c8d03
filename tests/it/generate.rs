//! Generated output: the access diagram, the answers as a file and as a command, completions, and man pages.

use std::collections::BTreeSet;
use std::process::Command;

use clap::CommandFactory;
use idc_setup::answers::KEYS;
use idc_setup::cli::Cli;
use idc_setup::wizard::steps::SLUGS;

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
    let line = result
        .stdout
        .lines()
        .find(|line| line.contains("Create a group"))
        .unwrap();
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
        let cloud = env.server.cloud();
        let user = cloud.instances[0]
            .store
            .users
            .values()
            .next()
            .unwrap()
            .attributes
            .clone();
        (user, cloud.permission_sets[0].session_duration.clone())
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
    let text = env.run(&["status"]).expect(0).stdout;
    let start = text.find("{\n").unwrap();
    let fragment: serde_json::Value = serde_json::Deserializer::from_str(&text[start..])
        .into_iter()
        .next()
        .unwrap()
        .unwrap();
    let argo = &fragment["argoCd"];
    assert_eq!(argo["awsIdc"]["idcInstanceArn"], outputs["instance_arn"]);
    assert_eq!(argo["awsIdc"]["idcRegion"], "us-east-1");
    let identity = &argo["rbacRoleMappings"][0]["identities"][0];
    assert_eq!(identity["id"], outputs["group_id"]);
    assert_eq!(identity["type"], "SSO_GROUP");
    // Without a group, the identity is the user.
    let alone = TestEnv::new("enabled");
    let text = alone
        .run(
            &[
                &["run", "--no-group", "--assign-to=user"],
                &NON_INTERACTIVE[..],
                &ANSWERS[..],
            ]
            .concat(),
        )
        .expect(0)
        .stdout;
    assert!(text.contains("\"SSO_USER\""), "{text}");
}

#[cfg(unix)]
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
    terminal.answer("y start", "e");
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
    assert!(took < Duration::from_secs(2), "{took:?}");
    terminal.keys("\r");
    terminal.wait_for(&format!("for group New in {}", wanted.id));
    terminal.answer("y start", "q");
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
    let (examples, commands) = (help.find("Examples:").unwrap(), help.find("Commands:").unwrap());
    assert!(
        examples < commands && help[examples..commands].contains("idc-setup rehearse"),
        "{help}"
    );
    for command in ["undo", "login", "rehearse"] {
        let help = env.run(&[command, "-h"]).expect(0).stdout;
        assert!(help.lines().count() <= 60, "{help}");
    }
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
