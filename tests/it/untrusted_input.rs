//! Untrusted input: keys that were typed ahead, the content of files, and responses from AWS. Also the content of
//! config files, which must not be recorded or shown.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use idc_sim::{FaultKind, PersonKind, ServiceError};
use serde_json::json;

use super::support::{ANSWERS, NON_INTERACTIVE, TestEnv, is_mutating};
use super::undo::undo;

const EXISTING_USER: [&str; 3] = ["--non-interactive", "--email=admin@example.com", "--skip=sign-in"];

#[test]
fn text_next_to_our_keys_is_neither_recorded_nor_shown() {
    let env = TestEnv::new("complete");
    let before = "[profile other]\ncredential_process = /bin/vault --password SECRET1\n# SECRET2\n[profile admin]\n\
                  # SECRET3\nregion = eu-west-1\nsso_start_url = https://x.awsapps.com/start # SECRET4\nmy_note = SECRET5";
    env.write_config(before);
    let result = env.run(&[&["run", "--update=cli-profile", "-vv"], &EXISTING_USER[..]].concat());
    let after = env.config();
    assert!(after.contains("sso_session = my-sso"), "{after}");
    for n in 1..=5 {
        let secret = format!("SECRET{n}");
        assert!(after.contains(&secret), "{secret} is lost: {after}");
        assert!(!env.state().to_string().contains(&secret), "{secret} is recorded");
        assert!(
            !format!("{}{}", result.stdout, result.stderr).contains(&secret),
            "{secret} is shown"
        );
    }
    undo(&env, &[]).expect(0);
    assert_eq!(env.config(), before);
}

#[test]
fn an_indented_comment_below_one_of_our_keys_is_rejected_with_its_line_number() {
    let env = TestEnv::new("complete");
    let before = "[profile admin]\nregion = us-east-1\noutput = json\n  # my note\n[profile other]\n";
    env.write_config(before);
    let result = env
        .json(&[&["run", "--update=cli-profile"], &EXISTING_USER[..]].concat())
        .expect(1);
    let message = result.step("cli-profile")["error"]["message"].to_string();
    assert!(message.contains("line 4 is an indented comment"), "{message}");
    assert_eq!(env.config(), before);
}

#[test]
fn a_read_only_config_is_reported_before_the_account_is_changed() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::new("enabled");
    env.write_config("[default]\n");
    std::fs::set_permissions(env.path(".aws/config"), std::fs::Permissions::from_mode(0o444)).unwrap();
    let result = env.run_setup(&[]).expect(1);
    let error = result.step("cli-profile")["error"].to_string();
    assert!(
        error.contains("cannot be written") && error.contains("read-only"),
        "{error}"
    );
    assert!(!env.server.calls().iter().any(is_mutating));
    let doctor = env.run(&["doctor"]);
    assert!(doctor.stdout.contains("cannot be written"), "{}", doctor.stdout);
}

#[test]
fn a_config_with_thousands_of_profiles_is_written_and_undone_quickly() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path(".aws")).unwrap();
    let mut before = String::new();
    while before.len() < 1 << 18 {
        use std::fmt::Write as _;
        let n = before.len();
        write!(before, "[profile p{n}]\nregion = eu-west-1\nsso_session = s{n}\n\n").unwrap();
    }
    std::fs::write(env.path(".aws/config"), &before).unwrap();
    let start = Instant::now();
    env.run_setup(&["--skip=sign-in"]).expect(3);
    undo(&env, &[]).expect(0);
    assert_eq!(env.config(), before);
    // If the wizard scanned the file once per profile, this would take an hour.
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn a_state_file_cannot_control_the_terminal_or_inject_answers() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let mut kept = env.state();
    let evil = "a\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\nerror: y";
    kept["answers"]["email"]["value"] = json!(evil);
    kept["answers"]["cli_profile"] = json!({"value": "p]\ncredential_process = x", "at": "2026-11-24T10:00:00Z"});
    kept["answers"]["family-name"]["value"] = json!("L\u{9b}31m\u{e0041}");
    std::fs::write(env.state_file(), kept.to_string()).unwrap();
    for args in [&["answers"][..], &["status"], &["undo", "--yes"]] {
        let result = env.run(args);
        let printed = format!("{}{}", result.stdout, result.stderr);
        assert!(
            !printed.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{e0041}']),
            "{args:?}: {printed:?}"
        );
        assert!(!printed.contains("credential_process"), "{args:?}: {printed}");
        assert!(
            !printed.lines().any(|line| line.starts_with("error: y")),
            "{args:?}: {printed}"
        );
    }
}

#[test]
fn a_pipe_is_rejected_as_an_answers_file() {
    let env = TestEnv::new("enabled");
    let pipe = env.path("pipe");
    assert!(Command::new("/usr/bin/mkfifo").arg(&pipe).status().unwrap().success());
    let result = env
        .json(&["plan", "--non-interactive", "--answers", pipe.to_str().unwrap()])
        .expect(2);
    let message = result.envelope()["error"]["message"].to_string();
    assert!(message.contains("not a regular file"), "{message}");
}

#[test]
fn a_rehearsal_is_never_kept_in_a_folder_that_contains_something_else() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path("mine/.aws")).unwrap();
    std::fs::write(env.path("mine/.aws/config"), "[profile prod]\n").unwrap();
    let keep = env.path("mine");
    let result = env
        .run(&["rehearse", "--non-interactive", "--keep", keep.to_str().unwrap()])
        .expect(1);
    assert!(
        result.stderr.contains("is not empty and contains no rehearsal"),
        "{}",
        result.stderr
    );
    // A suggestion to keep a rehearsal there would be refused next.
    for command in ["status", "undo"] {
        env.run(&["rehearse", command, "--keep=mine"])
            .expect(1)
            .expect_text("mine is not empty and contains no rehearsal.\n")
            .expect_text(&format!("    idc-setup rehearse {command} --keep DIR\n"));
    }
    assert_eq!(env.files("mine").len(), 1);
    let missing = env.path("nowhere");
    env.run(&["rehearse", "undo", "--yes", "--keep", missing.to_str().unwrap()])
        .expect(2);
    assert!(!missing.exists());
}

#[test]
fn a_rehearsal_listens_on_one_loopback_address_only() {
    let env = TestEnv::new("enabled");
    let port = env.server.url().rsplit(':').next().unwrap().parse::<u16>().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    // A listener on all addresses of the machine would also accept this connection.
    if cfg!(target_os = "linux") {
        assert!(TcpStream::connect(("127.0.0.2", port)).is_err());
    }
}

#[test]
fn sigterm_ends_a_run_as_ctrl_c_does() {
    let env = TestEnv::new("organization");
    env.server.cloud().person.kind = PersonKind::Never;
    let args = [&["run"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat();
    let mut child = env
        .command(&args)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !env.state_file().exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = Command::new("/bin/kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut printed = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut printed).unwrap();
    assert!(printed.contains("Interrupted."), "{printed}");
}

#[test]
fn an_interrupted_undo_prints_its_own_envelope() {
    use super::json::schema;
    use idc_setup::ui::envelope::{Envelope, UndoBody};
    let env = TestEnv::new("enabled");
    env.run_setup(&["--skip=sign-in"]).expect(3);
    let held = env.hold("ListInstances", 1, FaultKind::HoldBefore);
    let mut child = env.spawn_piped(&["undo", "--yes", "--output=json"]);
    held.wait_until_reached();
    Command::new("/bin/kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let envelope: serde_json::Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
    let schema = schema("envelope-undo.v1.json", schemars::schema_for!(Envelope<UndoBody>));
    jsonschema::validate(&schema, &envelope).unwrap_or_else(|error| panic!("{error}: {envelope:#}"));
    assert_eq!(envelope["error"]["next"][0]["command"], "idc-setup undo");
}

#[test]
fn input_typed_before_a_question_is_not_consent() {
    use super::support::terminal::Terminal;
    let env = TestEnv::new("fresh");
    let held = env.hold("ListInstances", 1, FaultKind::Hold);
    let mut terminal = Terminal::start(&env, &[&ANSWERS[..], &[super::support::REGION]].concat());
    terminal.wait_for("REHEARSAL");
    for _ in 0..6 {
        terminal.keys("y");
        terminal.keys("\r");
        std::thread::sleep(Duration::from_millis(100));
    }
    held.release();
    terminal.wait_for("y+Enter start");
    terminal.wait_for_question();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!env.server.calls().iter().any(is_mutating), "{}", terminal.contents());
    assert!(env.server.cloud().organization.is_none());
    terminal.answer("y+Enter start", "q");
    assert_eq!(terminal.wait_for_exit(), 3);
}

#[test]
fn failed_reads_are_reported_as_errors_and_not_misinterpreted() {
    let denied = || FaultKind::Refuse(ServiceError::new("AccessDeniedException", "not for you"));
    // Without the state of step 1, the run does not know whether it needs more answers.
    let env = TestEnv::new("complete");
    env.fault_always("ListInstances", denied());
    let result = env
        .json(&["run", "--non-interactive", "--email=admin@example.com"])
        .expect(4);
    assert!(result.stdout.contains("not for you"), "{}", result.stdout);
    // A read that fails during the wait for a person is reported as an error, not as a person who did nothing.
    let env = TestEnv::new("organization");
    env.fault_always(
        "DescribeInstance",
        FaultKind::Refuse(ServiceError::new("InternalServerException", "later").with_status(500)),
    );
    let quick = [&["run"], &NON_INTERACTIVE[..3], &["--wait=6s"], &ANSWERS[..]].concat();
    let result = env.json(&quick).expect(1);
    assert!(
        result.step("enable-identity-center")["error"]
            .to_string()
            .contains("DescribeInstance"),
        "{}",
        result.stdout
    );
    // A single stale response does not make an organization instance look like an account instance, which the run would
    // ask the user to delete.
    let env = TestEnv::new("enabled");
    let old = ServiceError::new("AWSOrganizationsNotInUseException", "not in use");
    env.fault("DescribeOrganization", 1, FaultKind::Refuse(old));
    env.run_setup(&[]).expect(0);
}

#[test]
fn a_name_with_line_breaks_cannot_imitate_our_output() {
    let env = TestEnv::new("complete");
    {
        let mut cloud = env.server.cloud();
        let store = &mut cloud.instances[0].store;
        let user = store.users.values_mut().next().unwrap();
        user.attributes
            .insert("DisplayName".to_owned(), json!("x\nerror: pwned\n  next: rm -rf ~"));
    }
    let result = env.run(&["status", "--email=admin@example.com", "--display-name=Other"]);
    let printed = format!("{}{}", result.stdout, result.stderr);
    let _ = std::io::stderr().flush();
    assert!(printed.contains("error: pwned"), "{printed}");
    assert!(
        !printed
            .lines()
            .any(|line| line.trim_start().starts_with("error: pwned")),
        "{printed}"
    );
}
