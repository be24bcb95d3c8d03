//! Undo and the user's files: undo keeps content of others byte for byte, and a modified state file cannot make it
//! change anything else.

use aws_config_file::{Config, Section};
use idc_setup::progress::{ResourceKind, Verb};
use idc_setup::reconcile::Target;
use proptest::prelude::*;
use serde_json::json;

use super::support::library::{INFO, context};
use super::support::{RUNTIME, TestEnv};
use super::undo::{disposition, undo};

#[test]
fn undo_keeps_every_byte_that_others_wrote() {
    for before in [
        "",
        "# mine\r\n[profile other]\r\nregion = x\r\n",
        "[profile other]\nregion=x",
        "[profile other]\naws_access_key_id = AKIA\n  ; odd\n",
    ] {
        let env = TestEnv::new("enabled");
        env.write_config(before);
        // Without a sign-in, the activation is not confirmed, so the run exits with code 3.
        env.run_setup(&["--skip=sign-in"]).expect(3);
        undo(&env, &[]).expect(0);
        assert_eq!(env.config(), before);
        // Undo also keeps a section that someone added after the run.
        env.run_setup(&["--skip=sign-in"]).expect(3);
        let mut text = env.config();
        text.push_str("\n[profile later]\noutput = text\n");
        std::fs::write(env.path(".aws/config"), &text).unwrap();
        undo(&env, &[]).expect(0);
        let after = env.config();
        assert_eq!(after, format!("{before}\n[profile later]\noutput = text\n"));
        // If there is no blank line before the added section, undo does not join it to the previous line.
        std::fs::write(env.path(".aws/config"), before).unwrap();
        env.run_setup(&["--skip=sign-in"]).expect(3);
        let mut text = env.config();
        text.push_str("[profile later]\noutput = text\n");
        std::fs::write(env.path(".aws/config"), &text).unwrap();
        undo(&env, &[]).expect(0);
        let after = env.config();
        let kept = if before.is_empty() || before.ends_with('\n') {
            before.to_owned()
        } else {
            format!("{before}\n")
        };
        assert_eq!(after, format!("{kept}[profile later]\noutput = text\n"));
    }
}

#[test]
fn undo_keeps_a_changed_profile_and_include_changed_removes_only_our_keys() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let path = env.path(".aws/config");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("output = json\n", "output = json\ncli_pager =\n")).unwrap();
    let result = undo(&env, &["--step=cli-profile"]).expect(5);
    assert_eq!(disposition(&result, "cli_profile"), "changed");
    assert_eq!(
        disposition(&result, "sso_session"),
        "changed",
        "the kept profile uses it"
    );
    let left = std::fs::read_to_string(&path).unwrap();
    assert!(
        left.contains("sso_account_id") && left.contains("[sso-session my-sso]"),
        "{left}"
    );
    undo(&env, &["--step=cli-profile", "--include-changed"]).expect(0);
    let after = std::fs::read_to_string(&path).unwrap();
    assert_eq!(after.trim(), "[profile admin]\ncli_pager =");
    // Other steps are not undone.
    assert_eq!(env.server.cloud().permission_sets.len(), 1);
}

#[test]
fn the_profile_is_still_owned_after_an_update() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    env.run_setup(&["--cli-output=text", "--update=cli-profile"]).expect(0);
    let result = undo(&env, &[]).expect(0);
    assert_eq!(disposition(&result, "cli_profile"), "deleted");
    assert!(!env.path(".aws").exists(), "{:?}", env.files(".aws"));
}

#[test]
fn a_state_file_cannot_make_undo_delete_other_files() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let precious = env.path("precious");
    std::fs::write(&precious, "mine").unwrap();
    let mut kept = env.state();
    for resource in kept["resources"].as_array_mut().unwrap() {
        if resource["kind"] == "token" {
            resource["id"] = json!(precious.to_str().unwrap());
        }
    }
    std::fs::write(env.state_file(), kept.to_string()).unwrap();
    let result = undo(&env, &[]).expect(0);
    let removals = result.envelope()["removals"].as_array().unwrap().clone();
    let mut of_it = removals
        .iter()
        .filter(|removal| removal["id"] == precious.to_str().unwrap());
    assert_eq!(of_it.next().unwrap()["disposition"], "stays");
    assert!(precious.exists());
}

#[test]
fn undo_keeps_a_symlink_to_a_config_that_did_not_exist() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path(".aws")).unwrap();
    std::os::unix::fs::symlink(env.path("dotfiles-aws"), env.path(".aws/config")).unwrap();
    env.run_setup(&[]).expect(0);
    assert!(env.path("dotfiles-aws").exists());
    undo(&env, &[]).expect(0);
    assert!(env.path(".aws/config").symlink_metadata().unwrap().is_symlink());
    assert!(!env.path("dotfiles-aws").exists());
}

#[test]
fn one_undo_deletes_two_profiles_and_their_file() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    env.run_setup(&["--cli-profile=second", "--sso-session=other"])
        .expect(0);
    undo(&env, &[]).expect(0);
    assert!(!env.path(".aws").exists());
}

#[test]
fn undo_keeps_a_session_that_another_profile_uses() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let path = env.path(".aws/config");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("\n[profile bob]\nsso_session = my-sso\n");
    std::fs::write(&path, text).unwrap();
    let result = undo(&env, &[]).expect(5);
    assert_eq!(disposition(&result, "sso_session"), "changed");
    assert_eq!(disposition(&result, "cli_profile"), "deleted");
    assert!(std::fs::read_to_string(&path).unwrap().contains("[sso-session my-sso]"));
}

#[test]
fn a_state_file_cannot_make_undo_write_other_keys() {
    let env = TestEnv::new("complete");
    std::fs::create_dir_all(env.path(".aws")).unwrap();
    let path = env.path(".aws/config");
    std::fs::write(&path, "[profile admin]\nregion = eu-west-1\ncli_pager =\n").unwrap();
    let update = [
        "run",
        "--non-interactive",
        "--email=admin@example.com",
        "--update=cli-profile",
        "--skip=sign-in",
    ];
    env.json(&update);
    let changed = std::fs::read_to_string(&path).unwrap();
    let kept = env.state();
    for evil in [
        "credential_process = /bin/evil\n",
        "[profile evil]\n",
        // Several lines, of which only the first has a key that idc-setup writes.
        "region = x\ncredential_process = /bin/evil\n",
        "# note\n[default]\ncredential_process = /bin/evil\n",
        // A continuation line of another value.
        "  touch /tmp/evil\n",
        // Keys of a profile that was not updated.
        "region = x\n[profile other]\nregion = evil\n",
    ] {
        let mut kept = kept.clone();
        let replaced = &mut kept["replaced"][0];
        replaced["rewrites"][0]["changes"][0]["before"] = json!([{"own": evil.trim_end(), "end": "\n"}]);
        // Also add an edit of the empty text, which every file contains.
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let line = json!({"own": evil.trim_end(), "end": "\n"});
        replaced["rewrites"].as_array_mut().unwrap().push(json!({
            "length": 0, "sha256": nothing, "changes": [{"at": 0, "count": 0, "before": [line]}]
        }));
        let before = replaced["before"].as_array_mut().unwrap();
        for (key, value) in [
            ("credential_process", "/bin/evil"),
            ("region", "x\ncredential_process = /bin/evil"),
        ] {
            let setting = json!({"profile": {"name": "admin", "key": key}});
            before.push(json!({"setting": setting, "value": value}));
        }
        std::fs::write(env.state_file(), kept.to_string()).unwrap();
        std::fs::write(&path, &changed).unwrap();
        undo(&env, &[]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("evil"), "{text}");
    }
}

/// Generates realistic config files: sections, comments, both kinds of line endings, with or without a final one.
fn config_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "\\[profile [a-z]{1,6}\\]",
        "\\[sso-session [a-z]{1,6}\\]",
        "[a-z_]{1,10} ?= ?[a-zA-Z0-9:/. -]{0,12}",
        "# [a-z ]{0,10}",
        "  [a-z_]{1,6} = [a-z]{0,5}",
        Just(String::new()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    (
        proptest::collection::vec(line, 0..12),
        end,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lines, end, mark, last)| {
            let mut text = if mark { "\u{feff}".to_owned() } else { String::new() };
            text.push_str(&lines.join(end));
            if last {
                text.push_str(end);
            }
            text
        })
}

proptest! {
    #[test]
    fn added_sections_can_be_removed_as_one_block_and_adding_is_idempotent(text in config_text()) {
        let Ok(config) = Config::parse(text.as_bytes()) else { return Ok(()) };
        let (session, profile) = (Section::SsoSession("new-session"), Section::Profile("new-profile"));
        let edit = |mut config: Config| {
            config.set(session, &[("sso_region", Some("us-east-1"))]);
            config.set(profile, &[("sso_session", Some("new-session")), ("output", Some("json"))]);
            config.text()
        };
        let after = edit(config);
        let added = after.strip_prefix(text.as_str());
        prop_assert!(added.is_some(), "{text:?} is not kept as it was: {after:?}");
        prop_assert_eq!(&after.replacen(added.unwrap(), "", 1), &text);
        let again = edit(Config::parse(after.as_bytes()).unwrap());
        prop_assert_eq!(&again, &after);
        // If the added text is no longer one block, only the added keys are removed.
        let mut config = Config::parse(after.as_bytes()).unwrap();
        config.remove(profile, &["sso_session".to_owned(), "output".to_owned()]);
        config.remove(session, &["sso_region".to_owned()]);
        let left = config.text();
        let lines = |text: &str| text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        prop_assert_eq!(lines(&left), lines(&text));
    }
}

#[test]
fn of_two_runs_with_different_state_files_only_one_calls_the_sections_its_own() {
    let env = TestEnv::new("complete");
    let run = |state: &str| {
        let state = format!("--state={state}");
        let args = [
            "run",
            "--non-interactive",
            "--email=admin@example.com",
            "--skip=sign-in",
            &state,
        ];
        env.spawn(&args)
    };
    let states = [env.path("one.json"), env.path("two.json")];
    let mut runs = states.each_ref().map(|state| run(state.to_str().unwrap()));
    for run in &mut runs {
        run.wait().unwrap();
    }
    let created = states.iter().filter(|state| {
        let text = std::fs::read_to_string(state).unwrap();
        let state: serde_json::Value = serde_json::from_str(&text).unwrap();
        let resources = state["resources"].as_array().unwrap();
        let is_created = |one: &serde_json::Value| one["kind"] == "sso_session" && one["origin"] == "created";
        resources.iter().any(is_created)
    });
    assert_eq!(created.count(), 1);
}

#[test]
fn undo_checks_the_files_that_it_edits_before_it_asks() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let config = env.config() + "[profile twice]\n[profile twice]\n";
    env.write_config(&config);
    let result = env.run(&["undo"]).expect(1);
    assert!(result.stderr.contains("repeats a section"), "{}", result.stderr);
    assert_eq!(env.counts(), [1; 5]);
    // The rest can be undone without the file.
    env.run(&["undo", "--yes", "--step=account-assignment"]).expect(0);
    assert_eq!(env.config(), config);
}

#[test]
fn the_text_of_a_section_is_recorded_before_it_is_written() {
    let env = TestEnv::new("enabled");
    RUNTIME.block_on(async {
        let context = context(&env).await;
        for (name, text) in [("first", "[profile first]\n"), ("second", "[profile second]\n")] {
            let target = Target::new(Verb::Create, ResourceKind::CliProfile, name);
            let users = [format!("user of {name}")];
            context
                .intend_text(&INFO, target, format!("digest of {name}"), text, &users)
                .unwrap();
        }
        let recorded = context.progress.read(|record| {
            let intents = record.intents.iter().cloned();
            intents
                .map(|intent| (intent.mark, intent.text, intent.used_before))
                .collect::<Vec<_>>()
        });
        let expected = ["first", "second"].map(|name| {
            let text = format!("[profile {name}]\n");
            (
                Some(format!("digest of {name}")),
                Some(text),
                vec![format!("user of {name}")],
            )
        });
        assert_eq!(recorded, expected);
    });
}

#[test]
fn a_file_that_is_already_gone_counts_as_deleted_and_what_cannot_be_deleted_is_named() {
    let env = TestEnv::new("enabled");
    RUNTIME.block_on(async {
        let context = context(&env).await;
        context.remove_file(&env.path("gone")).unwrap();
        let folder = env.path("token.json");
        std::fs::create_dir(&folder).unwrap();
        let error = context.remove_file(&folder).unwrap_err();
        assert!(error.message.contains("token.json cannot be deleted: "), "{error:?}");
        assert!(folder.is_dir());
    });
}
