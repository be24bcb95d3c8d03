//! Invalid input gets one clear message and the documented exit code, and nothing is changed.

use std::fs;

use idc_sim::{FaultKind, ServiceError};
use serde_json::json;

use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv, is_mutating};

/// Asserts that a run failed with one error, which contains these words and a next command, and that it changed nothing
/// in AWS or in `~/.aws`.
fn assert_rejected(env: &TestEnv, result: RunResult, code: i32, words: &[&str]) {
    let result = result.expect(code);
    let envelope = result.envelope();
    let steps = envelope["steps"].as_array().unwrap().iter();
    let step_errors = steps
        .filter(|step| step["importance"] != "recommendation")
        .map(|step| &step["error"]);
    let errors: Vec<_> = step_errors
        .chain([&envelope["error"]])
        .filter(|error| !error.is_null())
        .collect();
    assert_eq!(errors.len(), 1, "{}", result.summary());
    let message = errors[0]["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
    assert!(errors[0]["next"].to_string().contains("idc-setup"), "{}", errors[0]);
    assert!(
        !env.server
            .calls()
            .iter()
            .any(|call| is_mutating(call) && call.outcome == "ok")
    );
    assert!(!env.path(".aws").exists());
}

#[test]
fn invalid_values_are_rejected_before_any_call() {
    for (args, words) in [
        (vec!["--username=Ada Lovelace"], vec!["--username", "whitespace"]),
        (
            vec!["--session-duration=13h"],
            vec!["--session-duration", "between 1 and 12 hours"],
        ),
        (
            vec!["--permission-set=abcdefghijklmnopqrstuvwxyz1234567"],
            vec!["--permission-set", "at most 32"],
        ),
        (
            vec!["--identity-center-region=us-esat-1"],
            vec!["us-esat-1", "the closest match is us-east-1"],
        ),
        (vec!["--region=mars-1"], vec!["mars-1", "--region"]),
        (vec!["--account=12"], vec!["12 digits"]),
        (vec!["--only=step-9"], vec!["--only", "step-9", "sign-in"]),
        (vec!["--confirm=everything"], vec!["--confirm"]),
        (vec!["--wait=soon"], vec!["--wait"]),
        (vec!["--no-group", "--assign-to=group"], vec!["contradict"]),
    ] {
        let env = TestEnv::new("enabled");
        assert_rejected(&env, env.run_setup(&args), 2, &words);
        assert!(env.server.calls().is_empty(), "{args:?}");
    }
}

#[test]
fn an_environment_variable_with_an_invalid_value_is_named() {
    let mut env = TestEnv::new("enabled");
    env.set("IDC_SETUP_USERNAME", "Ada Lovelace");
    assert_rejected(&env, env.run_setup(&[]), 2, &["IDC_SETUP_USERNAME", "whitespace"]);
}

#[test]
fn an_unknown_flag_is_rejected_in_json_too() {
    let env = TestEnv::new("enabled");
    let result = env.json(&["run", "--emial=x"]).expect(2);
    assert!(
        result.envelope()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--emial")
    );
}

#[test]
fn unknown_commands_and_flags_are_refused_with_what_to_type() {
    let env = TestEnv::new("enabled");
    for (args, words) in [
        (&["statsu"][..], &["\"statsu\"", "idc-setup status"][..]),
        (&["nonsense"], &["\"nonsense\"", "idc-setup --help"]),
        (&["--emial", "x"], &["--emial", "--email", "idc-setup --help"]),
        (
            &["undo", "--emial"],
            &[
                "idc-setup undo has no flag --emial",
                "--email, a flag of run, status, plan and next",
                "idc-setup undo --help",
            ],
        ),
        (&["undo", "--stpe=x"], &["--stpe", "A similar one is --step."]),
        (&["rehearse", "--wrold=x"], &["--wrold", "--world"]),
        (&["undo", "everything"], &["\"everything\"", "idc-setup undo --help"]),
        (&["run", "--policy"], &["--policy <VALUE>", "idc-setup run --help"]),
        (&["man"], &["<DIR>", "idc-setup man --help"]),
        (&["status", "--output=xml"], &["'xml'", "text, json, mermaid"]),
        (&["doctor", "--policy", "x"], &["\"x\""]),
    ] {
        let result = env.run(args).expect(2);
        assert!(result.stderr.starts_with("error: "), "{}", result.stderr);
        for word in words {
            assert!(result.stderr.contains(word), "{args:?}: {word:?}: {}", result.stderr);
        }
        let args = [args, &["--output=json"]].concat();
        if !args.contains(&"--output=xml") {
            let error = env.run(&args).expect(2).envelope()["error"].clone();
            assert_eq!(error["kind"], "usage", "{error}");
            assert!(error["next"].to_string().contains("idc-setup"), "{error}");
        }
    }
    let hostile = env.run(&["--x\u{1b}[2J\nerror: y"]).expect(2).stderr;
    assert!(
        !hostile.contains('\u{1b}') && !hostile.contains("\nerror: y"),
        "{hostile:?}"
    );
    assert!(env.server.calls().is_empty());
}

#[test]
fn a_flag_of_another_command_is_refused_with_the_commands_that_take_it() {
    let env = TestEnv::new("enabled");
    for (args, words) in [
        (
            &["undo", "--email=a@example.com", "--group=x", "--fresh"][..],
            &[
                "does not take --email, --group. They are flags of run, status, plan and next.",
                "--fresh",
            ][..],
        ),
        (
            &["--email=a@example.com", "undo"],
            &["idc-setup undo does not take --email"],
        ),
        (&["undo", "--only=mfa"], &["--step STEP"]),
        (
            &["profiles", "--filter", "account=prod-*"],
            &[
                "idc-setup profiles does not take --filter. It is a flag of profiles sync and profiles remove.",
                "idc-setup profiles sync --filter EXPR",
            ],
        ),
        (
            &["profiles", "--prune"],
            &["It is a flag of profiles sync.", "    idc-setup profiles sync --prune"],
        ),
        (&["login", "--profile=x"], &["--cli-profile NAME"]),
        (
            &["answers", "--yes"],
            &["a flag of run, undo, join, profiles and access"],
        ),
        (&["completions", "bash", "-q"], &["--quiet"]),
        (
            &["rehearse", "undo", "--email=x"],
            &["idc-setup rehearse undo does not take --email"],
        ),
    ] {
        let result = env.run(args).expect(2);
        for word in words {
            assert!(result.stderr.contains(word), "{args:?}: {word:?}: {}", result.stderr);
        }
    }
    let result = env.json(&["undo", "--email=a@example.com"]).expect(2).envelope();
    assert_eq!(result["command"], "undo");
    assert!(result["error"]["message"].as_str().unwrap().contains("--email"));
    assert!(env.server.calls().is_empty());
}

#[test]
fn all_mistakes_in_flags_variables_and_the_answers_file_are_listed_together() {
    let mut env = TestEnv::new("enabled");
    let file = "username = \"Ada Lovelace\"\nemial = \"x\"\naccount = 1\ngroup = \"a\u{301}\"\n";
    fs::write(env.path("idc.toml"), file).unwrap();
    env.set("IDC_SETUP_CLI_OUTPUT", "xml\u{1b}[2J\nerror: pwned");
    let args = [
        "run",
        "--non-interactive",
        "--email=ada",
        "--session-duration=20h",
        "--only=nonsense",
        "--skip=more",
        "--wait=soon",
        "--no-group",
        "--assign-to=group",
        "--answers=idc.toml",
    ];
    let result = env.run(&args).expect(2);
    // The first line says that this is a rehearsal.
    let lines: Vec<&str> = result.stderr.lines().skip(1).collect();
    let expected = [
        "error: Several values are not valid:",
        "  --only: \"nonsense\" is not one of",
        "  --skip: \"more\"",
        "  --wait: \"soon\"",
        "  --email: \"ada\"",
        "  --session-duration: ",
        "  IDC_SETUP_CLI_OUTPUT: ",
        "  The answers file idc.toml, line 1: username",
        "  The answers file idc.toml, line 2: ",
        "  The answers file idc.toml, line 3: account",
        "  --assign-to and --no-group contradict",
        "  Correct or unset IDC_SETUP_CLI_OUTPUT; correct idc.toml, then:",
        "    idc-setup --answers idc.toml",
    ];
    assert_eq!(lines.len(), expected.len(), "{}", result.stderr);
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?} is not {expected:?}");
    }
    for placeholder in [
        "--email VALUE",
        "--session-duration VALUE",
        "--only NAME",
        "--wait DURATION",
        "--assign-to user",
    ] {
        assert!(result.stderr.contains(placeholder), "{placeholder}: {}", result.stderr);
    }
    assert!(!result.stderr.contains('\u{1b}'), "{:?}", result.stderr);
    let error = env.json(&args).expect(2).envelope()["error"].clone();
    assert_eq!(error["kind"], "usage");
    assert_eq!(error["next"].as_array().unwrap().len(), 1, "{error}");
    assert!(error["message"].as_str().unwrap().contains("\n  --email: "), "{error}");
    assert!(env.server.calls().is_empty());
}

#[test]
fn a_malformed_answers_file_is_rejected_with_the_line_number() {
    for (text, words) in [
        (
            "username = \"Ada\"\nemial = \"x\"\n",
            ["line 2", "unknown key \"emial\"; a similar key is email"],
        ),
        ("email = ada\n", ["line 1", "email: must be a string in quotes"]),
        ("username = \"Ada\n", ["line 1", "idc.toml"]),
        ("\nsession-duration = \"13h\"\n", ["line 2", "12 hours"]),
    ] {
        let env = TestEnv::new("enabled");
        fs::write(env.path("idc.toml"), text).unwrap();
        assert_rejected(&env, env.run_setup(&["--answers=idc.toml"]), 2, &words);
    }
    let env = TestEnv::new("enabled");
    assert_rejected(&env, env.run_setup(&["--answers=none.toml"]), 2, &["none.toml"]);
}

#[test]
fn a_region_of_another_partition_is_rejected_before_any_change() {
    let env = TestEnv::new("fresh");
    let result = env.run_setup(&["--identity-center-region=us-gov-west-1"]).expect(2);
    result.expect_text("us-gov-west-1 is in another partition than this account (aws)");
    assert!(!env.server.calls().iter().any(super::support::is_mutating));
}

#[test]
fn missing_answers_are_listed_together_before_any_change() {
    let env = TestEnv::new("fresh");
    let result = env.json(&[&["run"], &NON_INTERACTIVE[..]].concat());
    assert_rejected(
        &env,
        result,
        2,
        &["--email", "--given-name", "--family-name", "IDC_SETUP_EMAIL"],
    );
}

#[test]
fn without_credentials_the_ways_to_sign_in_are_named() {
    let mut env = TestEnv::new("enabled");
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        env.set(name, "");
    }
    let result = env.run_setup(&[]).expect(4);
    assert!(result.envelope()["error"]["next"].to_string().contains("aws login"));
    assert_rejected(&env, result, 4, &["credentials"]);
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let env = TestEnv::new("enabled");
    assert_rejected(&env, env.run_setup(&["--profile=nobody"]), 4, &["nobody"]);
}

#[test]
fn an_error_about_expired_credentials_tells_how_to_renew_them() {
    let env = TestEnv::new("enabled");
    let key = env.credentials.access_key_id.clone();
    let past = jiff::Timestamp::UNIX_EPOCH;
    env.server.cloud().identities.get_mut(&key).unwrap().expires = Some(past);
    let result = env.run_setup(&[]).expect(4);
    assert_eq!(result.envelope()["error"]["aws"]["code"], "ExpiredToken");
    assert!(result.envelope()["error"]["next"].to_string().contains("aws login"));
    assert_rejected(&env, result, 4, &["expired"]);
}

#[test]
fn a_denied_read_stops_the_run_before_any_change() {
    let env = TestEnv::new("enabled");
    env.deny(&["sso:ListPermissionSets"]);
    let result = env.run_setup(&[]).expect(4);
    let error = result.step("permission-set")["error"].clone();
    assert_eq!(error["aws"]["code"], "AccessDeniedException");
    assert_eq!(error["step"], "permission-set");
    assert_rejected(&env, result, 4, &["Step 4", "sso:ListPermissionSets"]);
}

#[test]
fn a_denied_change_names_the_missing_permission_and_stops_only_what_depends_on_it() {
    let env = TestEnv::new("enabled");
    env.deny(&["identitystore:CreateUser"]);
    let result = env.run_setup(&[]).expect(4);
    let error = result.step("create-user")["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("Step 2"), "{error}");
    assert!(
        error["next"].to_string().contains("identitystore:CreateUser"),
        "{error}"
    );
    // What does not depend on the user is done: the group has its access. Nobody is asked to sign in.
    assert_eq!(env.server.cloud().assignments.len(), 1);
    assert_eq!(result.step("cli-profile")["state"], "done");
    let group = result.step("create-group");
    assert_eq!(group["waits_for"], json!(["create-user"]));
    assert_eq!(group["resources"][0]["origin"], "created", "{group}");
    let sign_in = result.step("sign-in");
    assert_eq!(sign_in["state"], "to_do");
    assert_eq!(sign_in["waits_for"], json!(["create-user", "create-group"]));
    // With the permission, another run completes.
    env.deny(&[]);
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
}

#[test]
fn a_failed_assignment_shows_the_reason_from_aws_and_the_next_step() {
    let env = TestEnv::new("enabled");
    env.deny(&["iam:CreateRole"]);
    let result = env.run_setup(&[]).expect(1);
    let error = result.step("account-assignment")["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("iam:CreateRole"), "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("your own permissions"),
        "{error}"
    );
    assert!(error["next"].to_string().contains("iam:CreateSAMLProvider"), "{error}");
    env.deny(&[]);
    env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
}

#[test]
fn a_missing_network_is_reported_quickly() {
    let mut env = TestEnv::new("enabled");
    // Bind a free port and close it, so that no process listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let closed_port = format!("http://127.0.0.1:{port}");
    env.set("AWS_ENDPOINT_URL", &closed_port);
    env.set("IDC_SETUP_REHEARSAL", &closed_port);
    let start = std::time::Instant::now();
    assert_rejected(
        &env,
        env.run_setup(&[]),
        1,
        &["sts:GetCallerIdentity", "could not be reached"],
    );
    assert!(start.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn a_response_that_is_not_from_aws_is_reported_quickly() {
    let env = TestEnv::new("enabled");
    env.fault_always(
        "GetCallerIdentity",
        FaultKind::Foreign {
            status: 500,
            content_type: "text/html".to_owned(),
            body: "<html>no</html>".to_owned(),
        },
    );
    assert_rejected(&env, env.run_setup(&[]), 1, &["not answered by AWS"]);
    assert_eq!(env.server.calls().len(), 1, "it is not retried");
}

#[test]
fn a_truncated_state_file_is_moved_aside_and_named() {
    let env = TestEnv::new("enabled");
    let file = env.state_file();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "{\"format\": 1, \"partition\": \"aw").unwrap();
    assert_rejected(&env, env.run_setup(&[]), 1, &["is not valid", "was moved to"]);
    let kept: Vec<_> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("unreadable"))
        .collect();
    assert_eq!(
        fs::read_to_string(kept[0].path()).unwrap(),
        "{\"format\": 1, \"partition\": \"aw"
    );
    env.run_setup(&[]).expect(0);
}

#[test]
fn a_state_file_of_a_newer_version_is_rejected_and_not_changed() {
    let env = TestEnv::new("enabled");
    let file = env.state_file();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "{\"format\": 2, \"new\": []}").unwrap();
    assert_rejected(&env, env.run_setup(&[]), 1, &["format 2"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"format\": 2, \"new\": []}");
}

#[test]
fn a_state_file_of_another_account_is_rejected_and_not_changed() {
    let env = TestEnv::new("enabled");
    let text = include_str!("../fixtures/progress-format-1.json").replace("\"123456789012\"", "\"210987654321\"");
    fs::write(env.path("mine.json"), &text).unwrap();
    let result = env.run_setup(&["--state=mine.json"]);
    assert_rejected(&env, result, 2, &["210987654321", "123456789012"]);
    assert_eq!(fs::read_to_string(env.path("mine.json")).unwrap(), text);
}

#[test]
fn without_a_terminal_run_changes_nothing_and_suggests_the_flags() {
    let env = TestEnv::new("enabled");
    let result = env.json(&[&["run"], &ANSWERS[..]].concat()).expect(2);
    let next = result.envelope()["error"]["next"].to_string();
    assert!(
        next.contains("--non-interactive") && next.contains("--accessible"),
        "{next}"
    );
    assert!(env.server.calls().is_empty());
}

#[test]
fn a_config_file_that_cannot_be_edited_is_rejected_with_the_line_number() {
    let env = TestEnv::new("complete");
    env.write_config(b"[default]\nregion = \xff\n");
    let result = env.json(&["run", "--non-interactive"]).expect(1);
    assert!(
        result.step("cli-profile")["error"]["message"]
            .as_str()
            .unwrap()
            .contains("line 2")
    );
    assert_eq!(
        fs::read(env.path(".aws/config")).unwrap(),
        b"[default]\nregion = \xff\n"
    );
}

#[test]
fn a_rehearsal_flag_that_does_not_match_the_endpoint_is_rejected() {
    let env = TestEnv::new("enabled");
    env.json(&["status", r#"--rehearsal={"url":"http://127.0.0.1:9"}"#])
        .expect(2)
        .expect_text("loopback");
    env.json(&["status", r#"--rehearsal={"url":"http://example.com"}"#])
        .expect(2)
        .expect_text("loopback");
}

#[test]
fn an_existing_permission_set_with_another_policy_is_different() {
    let env = TestEnv::new("half-done");
    let result = env.json(&[
        "run",
        "--non-interactive",
        "--policy=ReadOnlyAccess",
        "--permission-set=AdministratorAccess",
    ]);
    let result = result.expect(5);
    assert_eq!(result.step("permission-set")["state"], "different");
    let error = ServiceError::new("ConflictException", "earlier write");
    env.fault("CreateGroupMembership", 1, FaultKind::Refuse(error));
    env.json(&["run", "--non-interactive", "--fresh", "--wait=60s"])
        .expect(0);
}

#[test]
fn an_error_in_a_prerequisite_step_is_reported_too() {
    let env = TestEnv::new("enabled");
    env.deny(&["sso:ListInstances"]);
    let args = [&["run", "--non-interactive", "--only=create-user"], &ANSWERS[..]].concat();
    assert_rejected(&env, env.json(&args), 4, &["Step 1", "sso:ListInstances"]);
    let args = ["status", "--only=permission-set"];
    assert_rejected(&env, env.json(&args), 4, &["sso:ListInstances"]);
}

#[test]
fn contradicting_flags_are_usage_errors() {
    for (args, words) in [
        (["run", "--quiet", "-v"], ["--quiet", "--verbose"]),
        (
            ["run", "--accessible", "--non-interactive"],
            ["--accessible", "--non-interactive"],
        ),
        (
            ["run", "--only=create-user", "--skip=create-user"],
            ["--only create-user", "--skip create-user"],
        ),
    ] {
        let env = TestEnv::new("enabled");
        let result = env.run(&args).expect(2);
        for word in words {
            assert!(result.stderr.contains(word), "{args:?}: {}", result.stderr);
        }
        assert!(env.server.calls().is_empty(), "{args:?}");
    }
}

#[test]
fn a_name_that_begins_with_a_dash_is_rejected() {
    for flag in [
        "--username",
        "--given-name",
        "--family-name",
        "--group",
        "--permission-set",
        "--sso-session",
        "--cli-profile",
    ] {
        let env = TestEnv::new("enabled");
        let argument = format!("{flag}=-x");
        let result = env.json(&["run", "--non-interactive", &argument]);
        assert_rejected(&env, result, 2, &[flag, "must not begin with -"]);
        assert!(env.server.calls().is_empty(), "{flag}");
    }
}

#[test]
fn a_state_file_that_cannot_be_opened_is_left_where_it_is() {
    let env = TestEnv::new("enabled");
    let file = env.state_file();
    // A folder cannot be opened as a file, not even by root.
    fs::create_dir_all(&file).unwrap();
    assert_rejected(&env, env.run_setup(&[]), 1, &["cannot be opened"]);
    assert!(file.is_dir());
    let names: Vec<_> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.contains("unreadable")), "{names:?}");
}

#[test]
fn silent_instance_metadata_does_not_hold_up_a_run() {
    // The operating system accepts the connection, and nobody answers it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut env = TestEnv::new("enabled");
    env.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint);
    for name in [
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        env.set(name, "");
    }
    let start = std::time::Instant::now();
    assert_rejected(&env, env.run_setup(&[]), 4, &["credentials"]);
    let took = start.elapsed();
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_ok(), "the metadata service was asked");
}
