//! The sections "Try it on a simulated AWS" of the documentation, whose commands users paste.

use std::path::Path;
use std::process::Command;

use idc_sim::scenarios::{self, SCENARIOS};

use super::support::RunResult;

/// The text of a page.
fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The commands of the section of a page, one in each line.
fn commands(page: &str) -> Vec<String> {
    let (_, section) = page.split_once("\n## Try it on a simulated AWS\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines.map(str::to_owned).collect()
}

/// Pastes a command into a shell in this folder, which is also the home folder.
fn paste(folder: &Path, command: &str) -> RunResult {
    let programs = Path::new(env!("CARGO_BIN_EXE_idc-setup")).parent().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .env("HOME", folder)
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("LANG", "C.UTF-8")
        .current_dir(folder)
        .stdin(std::process::Stdio::null())
        .args(["-c", command]);
    RunResult::new(shell.output().unwrap())
}

/// Pastes all commands of a page, and checks the exit codes.
fn paste_all(folder: &Path, page: &str, codes: &[i32]) -> Vec<RunResult> {
    let commands = commands(page);
    assert_eq!(commands.len(), codes.len(), "{commands:?}");
    let pasted = commands.iter().zip(codes).map(|(command, code)| {
        let result = paste(folder, command);
        assert_eq!(result.code, *code, "{command}: {}", result.summary());
        result
    });
    pasted.collect()
}

#[test]
fn the_commands_of_the_page_about_access_can_be_tried() {
    let folder = tempfile::tempdir().unwrap();
    let page = page("access.md");
    let (_, example) = page.split_once("```toml\n").unwrap();
    std::fs::write(folder.path().join("acme.toml"), example.split("```").next().unwrap()).unwrap();
    let results = paste_all(folder.path(), &page, &[0, 0, 0, 0, 0, 3, 3, 0, 0, 0]);
    let explained = &results[3].stdout;
    assert!(
        explained.contains("AdministratorAccess through group Admins: 1 account"),
        "{explained}"
    );
    let file = std::fs::read_to_string(folder.path().join("access.toml")).unwrap();
    assert!(file.contains("priya") && !file.contains("jonas"), "{file}");
    let (_, sample) = page.split_once("```text\nAccess plan: acme\n").unwrap();
    let planned = &results[6].stdout;
    for section in sample.split("```").next().unwrap().trim_end().split("\n\n") {
        assert!(planned.contains(section), "{section}\nis not in:\n{planned}");
    }
    // What it suggests continues the rehearsal.
    let plan = paste(folder.path(), "idc-setup rehearse access plan acme.toml --latency 1ms");
    plan.expect(3)
        .expect_text("idc-setup rehearse access apply --latency 1ms acme.toml");
}

#[test]
fn the_commands_of_the_page_about_profiles_can_be_tried() {
    let folder = tempfile::tempdir().unwrap();
    let results = paste_all(folder.path(), &page("profiles.md"), &[0; 4]);
    let config = &results[2].stdout;
    assert_eq!(config.matches("[profile ").count(), 15, "{config}");
    assert!(config.contains("[profile Zuerich-prod-data-ReadOnly]"), "{config}");
    assert!(
        config.contains("[profile Sandbox-101020203030-DeveloperAccess]"),
        "{config}"
    );
    assert!(!folder.path().join(".aws").exists());
    // Without a kept rehearsal, there is an SSO session to begin with.
    paste(folder.path(), "idc-setup rehearse profiles --yes --non-interactive").expect(0);
}

#[test]
fn the_commands_of_the_page_about_exports_can_be_tried() {
    let folder = tempfile::tempdir().unwrap();
    let results = paste_all(folder.path(), &page("export.md"), &[0; 4]);
    assert!(
        results[0].stdout.contains("name = \"Engineers\""),
        "{}",
        results[0].stdout
    );
    for file in ["infra/main.tf", "stack/template.json"] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
}

#[test]
fn the_commands_of_the_page_for_agents_can_be_tried() {
    let folder = tempfile::tempdir().unwrap();
    let results = paste_all(folder.path(), &page("agents.md"), &[2, 0, 0]);
    let next = results[0].envelope();
    let command = next["next_command"].as_str().unwrap_or_default();
    assert!(command.starts_with("idc-setup rehearse --keep try"), "{next:#}");
    assert_eq!(results[2].envelope()["state"], "done");
}

#[test]
fn mistakes_in_a_rehearsed_command_are_those_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    for (command, words) in [
        ("idc-setup rehearse access", "needs one of its commands: plan, apply"),
        (
            "idc-setup rehearse access plan --group=x",
            "idc-setup access plan does not take --group.",
        ),
        (
            "idc-setup rehearse access plan --world=nowhere",
            "There is no scenario and no file",
        ),
        ("idc-setup rehearse export nonsense", "nonsense"),
    ] {
        paste(folder.path(), command).expect(2).expect_text(words);
    }
    paste(folder.path(), "idc-setup rehearse access apply --help")
        .expect(0)
        .expect_text("--prune");
}

#[test]
fn the_page_about_scenarios_lists_them_and_its_example_is_one() {
    let page = page("scenarios.md");
    let plain = page.replace('`', "");
    for (name, about) in SCENARIOS {
        assert!(plain.contains(&format!("\n| {name} | {about} |\n")), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut examples = 0;
    for block in page.split("```toml\n").skip(1) {
        let path = folder.path().join("example.toml");
        std::fs::write(&path, block.split("```").next().unwrap()).unwrap();
        scenarios::read_file(&path).unwrap_or_else(|why| panic!("{why}"));
        examples += 1;
    }
    assert_eq!(examples, 3);
    for command in [
        "idc-setup rehearse status --world team --dump team.toml",
        "idc-setup rehearse status --world team.toml",
    ] {
        paste(folder.path(), command).expect(3);
    }
}
