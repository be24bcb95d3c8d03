//! The command `rehearse`, and `rehearse --serve`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use idc_sim::scenarios;

use super::support::terminal::Terminal;
use super::support::{ANSWERS, RunResult, TestEnv, wait_until};

pub fn idc(env: &TestEnv, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idc-setup"));
    command
        .env_clear()
        .env("HOME", env.home.path())
        .env("PATH", "/usr/bin:/bin");
    command.current_dir(env.home.path()).stdin(Stdio::null()).args(args);
    command
}

pub fn run(env: &TestEnv, args: &[&str]) -> RunResult {
    RunResult::new(idc(env, args).output().unwrap())
}

/// Starts `rehearse --serve`, and returns the process and the first `count` variables that it prints.
pub fn serve(command: &mut Command, count: usize) -> (ServeProcess, BTreeMap<String, String>) {
    let mut server = ServeProcess(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let variables = lines.map_while(Result::ok).take(count).map(|line| {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    let variables = variables.collect();
    (server, variables)
}

#[test]
fn a_rehearsal_changes_nothing_outside_its_own_folder() {
    let env = TestEnv::new("fresh");
    run(&env, &["rehearse", "--non-interactive", "-q"]).expect(0);
    assert_eq!(std::fs::read_dir(env.home.path()).unwrap().count(), 0);
}

#[test]
fn a_kept_rehearsal_continues_where_it_stopped() {
    let env = TestEnv::new("fresh");
    let keep = |more: &[&str]| {
        run(
            &env,
            &[&["rehearse", "--non-interactive", "--keep=kept"], more].concat(),
        )
    };
    keep(&["--person=never", "--wait=0"])
        .expect(3)
        .expect_text("rehearse --keep kept");
    let result = keep(&["--person=auto", "--output=json"]).expect(0);
    assert_eq!(
        result.step("enable-identity-center")["origin"],
        "created",
        "the organization of the first rehearsal"
    );
    let result = keep(&["status", "--output=json"]).expect(0);
    assert_eq!(result.step("sign-in")["state"], "done");
    keep(&["--world=fresh"])
        .expect(2)
        .expect_text("cannot start from fresh");
}

#[test]
fn a_kept_rehearsal_undoes_one_step_and_then_the_rest() {
    let env = TestEnv::new("fresh");
    let keep = |more: &[&str]| {
        run(
            &env,
            &[&["rehearse", "--non-interactive", "--keep=kept", "--output=json"], more].concat(),
        )
    };
    let kinds = |result: &RunResult| -> Vec<String> {
        let envelope = result.envelope();
        let removals = envelope["removals"].as_array().unwrap();
        removals.iter().map(|removal| removal["kind"].to_string()).collect()
    };
    keep(&[]).expect(0);
    keep(&["status", "--step=sign-in"]).expect(2);
    let one = keep(&["undo", "--yes", "--step=cli-profile"]).expect(0);
    assert_eq!(one.envelope()["removals"][0]["step"], "cli-profile");
    let rest = keep(&["undo", "--yes"]).expect(0);
    assert!(kinds(&one).iter().all(|kind| !kinds(&rest).contains(kind)));
    assert!(kinds(&rest).contains(&"\"user\"".to_owned()), "{:?}", kinds(&rest));
}

#[test]
fn a_custom_scenario_is_read_from_a_file() {
    let env = TestEnv::new("fresh");
    std::fs::write(
        env.path("mine.toml"),
        "region = \"eu-north-1\"\n[account]\nid = \"210987654321\"\nname = \"Mine\"\nemail = \"a@example.com\"\n",
    )
    .unwrap();
    let result = run(
        &env,
        &["rehearse", "--non-interactive", "--world=mine.toml", "--output=json"],
    )
    .expect(0);
    assert_eq!(result.envelope()["account"], "210987654321");
    assert_eq!(result.envelope()["region"], "eu-north-1");
    run(&env, &["rehearse", "--world=none"])
        .expect(2)
        .expect_text("no scenario");
    std::fs::write(env.path("bad.toml"), "region = 7\n").unwrap();
    run(&env, &["rehearse", "--world=bad.toml"])
        .expect(2)
        .expect_text("line 1");
}

#[test]
fn an_iam_user_in_a_scenario_file_has_its_access_key_and_denied_actions() {
    let folder = TestEnv::new("fresh");
    let text = r#"
        [identities.AKIAREHEARSALADA0001]
        arn = "arn:aws:iam::123456789012:user/ada"
        account = "123456789012"
        user_id = "AIDAREHEARSALADA0001"
        denied = ["organizations:*"]
    "#;
    std::fs::write(folder.path("scenario.toml"), text).unwrap();
    let mut env = TestEnv::with(scenarios::read_file(&folder.path("scenario.toml")).unwrap());
    env.set("AWS_ACCESS_KEY_ID", "AKIAREHEARSALADA0001");
    let result = env.json(&["status"]).expect(4);
    assert_eq!(result.envelope()["caller"]["arn"], "arn:aws:iam::123456789012:user/ada");
    assert!(
        result.stdout.contains("organizations:DescribeOrganization"),
        "{}",
        result.stdout
    );
    env.set("AWS_ACCESS_KEY_ID", "AKIAREHEARSALEVE0001");
    env.json(&["status"])
        .expect(4)
        .expect_text("The security token included in the request is invalid");
}

#[test]
fn calls_are_logged_and_latency_is_simulated() {
    let env = TestEnv::new("fresh");
    run(
        &env,
        &[
            "rehearse",
            "status",
            "--world=enabled",
            "--calls=calls.jsonl",
            "--latency=80ms",
            "-q",
        ],
    )
    .expect(3);
    let text = std::fs::read_to_string(env.path("calls.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 5);
    for line in &lines {
        let took = line["end_us"].as_u64().unwrap() - line["start_us"].as_u64().unwrap();
        assert!(took >= 80_000, "{line}");
    }
    let mut names: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "end_us",
            "fault",
            "n",
            "operation",
            "outcome",
            "region",
            "service",
            "start_us"
        ]
    );
}

#[test]
fn serve_prints_the_variables_for_other_tools_and_stops_on_ctrl_c() {
    let env = TestEnv::new("fresh");
    let mut server = idc(&env, &["rehearse", "--serve", "--world=complete"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: Vec<(String, String)> = BufReader::new(server.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .take(8)
        .map(|line| {
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let names: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.contains(&"AWS_ENDPOINT_URL") && names.contains(&"IDC_SETUP_REHEARSAL"),
        "{names:?}"
    );
    let output = idc(&env, &["run", "--non-interactive", "--wait=60s", "--output=json"])
        .envs(lines)
        .output()
        .unwrap();
    let result = RunResult::new(output).expect(0);
    assert_eq!(result.step("create-user")["origin"], "existing");
    let kill = Command::new("kill")
        .args(["-INT", &server.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    assert!(server.wait().unwrap().success());
}

#[test]
fn requests_that_are_not_simulated_are_rejected_as_such() {
    let env = TestEnv::new("fresh");
    let address = env.server.url().trim_start_matches("http://").to_owned();
    let ask = |head: &str| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "{head}Host: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    let response = ask("GET /2015-03-31/functions HTTP/1.1\r\n");
    assert!(response.starts_with("HTTP/1.1 501"), "{response}");
    let key = &env.credentials.access_key_id;
    let response = ask(&format!(
        "POST / HTTP/1.1\r\nX-Amz-Target: SWBExternalService.DeleteInstance\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={key}/20261124/us-east-1/sso/aws4_request, SignedHeaders=host, Signature=0\r\n"
    ));
    // Validation comes first, because the operation has a model. A valid request would get HTTP 501.
    assert!(response.contains("ValidationException"), "{response}");
}

#[test]
fn commands_suggested_in_a_rehearsal_are_rehearse_commands() {
    let env = TestEnv::new("fresh");
    let result = run(&env, &["rehearse", "--non-interactive", "--person=never", "--wait=0"]).expect(3);
    let all = format!("{}{}", result.stdout, result.stderr);
    assert!(
        all.contains("idc-setup rehearse") && !all.contains("idc-setup run"),
        "{all}"
    );
    let result = run(&env, &["rehearse", "plan", "--non-interactive", "--output=json"]).expect(3);
    assert!(!result.stdout.contains("idc-setup run"), "{}", result.stdout);
}

#[test]
fn an_error_of_a_rehearsal_suggests_the_command_that_was_rehearsed() {
    let env = TestEnv::new("fresh");
    run(&env, &["rehearse", "--non-interactive", "--keep=kept", "-q"]).expect(0);
    let used = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--port={}", used.local_addr().unwrap().port());
    let cases: [(&[&str], u8, &str); 11] = [
        (
            &["--serve", "--world=team", &port],
            1,
            "rehearse --world team --serve --port N",
        ),
        (&["undo", "--keep=kept", &port], 1, "rehearse undo --keep kept --port N"),
        (&["access", "plan", &port], 1, "rehearse access plan --port N"),
        (&["--skip=sign-in", &port], 1, "rehearse --skip sign-in --port N"),
        // Nothing is kept there yet.
        (
            &["--keep=new", "--person=never", "--world=organization", &port],
            1,
            "rehearse --world organization --keep new --person never --port N",
        ),
        (
            &["undo", "--keep=kept", "--world=team"],
            2,
            "rehearse --world team --keep DIR",
        ),
        (&["--serve", "--world=none"], 2, "rehearse --help"),
        (&["status", "--calls=missing/calls"], 2, "rehearse status --calls FILE"),
        (
            &["status", "--keep=kept", "--world=team"],
            2,
            "rehearse status --keep kept",
        ),
        (&["doctor", "--latency=long"], 2, "rehearse doctor --latency DURATION"),
        (
            &["plan", "--output=markdown"],
            2,
            "rehearse access plan --output markdown",
        ),
    ];
    for (args, code, suggestion) in cases {
        let result = run(&env, &[&["rehearse"], args].concat()).expect(code.into());
        let line = format!("    idc-setup {suggestion}");
        assert!(
            result.stderr.lines().any(|shown| shown == line),
            "{line:?} is not in:\n{}",
            result.stderr
        );
    }
}

#[cfg(unix)]
#[test]
fn a_served_rehearsal_that_is_stopped_at_once_writes_its_scenario() {
    for _ in 0..5 {
        let env = TestEnv::new("fresh");
        let args = ["rehearse", "--serve", "--world=enabled", "--dump=dumped.toml"];
        let (mut server, _) = serve(&mut idc(&env, &args), 9);
        let sent = Command::new("/bin/kill").arg(server.0.id().to_string()).status();
        assert!(sent.unwrap().success());
        assert_eq!(server.0.wait().unwrap().code(), Some(0));
        assert!(env.path("dumped.toml").exists());
    }
}

#[test]
fn a_rehearsed_undo_marks_commands_for_an_own_account() {
    let env = TestEnv::new("fresh");
    run(&env, &["rehearse", "--non-interactive", "--keep=kept", "-q"]).expect(0);
    run(&env, &["rehearse", "undo", "--keep=kept", "--yes"])
        .expect(0)
        .expect_text("in your own account: aws organizations delete-organization");
}

#[test]
fn recommendations_count_in_every_form_of_the_result_of_recommend() {
    let env = TestEnv::new("complete");
    let text = env.run(&["recommend", "--non-interactive"]).expect(3);
    assert!(
        text.stdout.contains(": idc-setup recommend --confirm mfa"),
        "{}",
        text.stdout
    );
    let json = env.json(&["recommend", "--non-interactive"]).expect(3);
    assert_eq!(json.envelope()["exit"], 3);
    env.json(&["recommend", "--non-interactive", "--confirm=mfa"]).expect(0);
}

#[test]
fn a_rehearsed_account_that_cannot_get_there_names_commands_that_work() {
    let env = TestEnv::new("fresh");
    let result = run(&env, &["rehearse", "--world=member", "--non-interactive"]).expect(3);
    let lines: Vec<&str> = result.stdout.lines().chain(result.stderr.lines()).collect();
    // Other credentials are used for real; a rehearsal has one account.
    assert!(lines.contains(&"    idc-setup --profile NAME"), "{lines:#?}");
    assert!(lines.contains(&"    idc-setup rehearse"), "{lines:#?}");
    assert!(!result.stdout.contains("Also recommended"), "{}", result.stdout);
    run(&env, &["rehearse", "--non-interactive", "-q"]).expect(0);
}

#[test]
fn a_rehearsal_says_who_does_the_tasks_of_a_person() {
    let env = TestEnv::new("fresh");
    let mut terminal = Terminal::start(
        &env,
        &[
            "rehearse",
            "--world=organization",
            "--email=ada@example.com",
            "--given-name=Ada",
            "--family-name=Lovelace",
        ],
    );
    terminal.answer("Region for", "\r");
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("a simulated person does this in a moment");
    terminal.answer("nothing to do here; press Enter", "\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
}

#[test]
fn after_ctrl_c_a_rehearsal_says_what_was_created() {
    let env = TestEnv::new("fresh");
    let user = ["--email=ada@example.com", "--given-name=Ada", "--family-name=Lovelace"];
    let mut terminal = Terminal::start(
        &env,
        &[
            &["rehearse", "--latency=700ms", "--keep=kept", "--calls=calls"],
            &user[..],
        ]
        .concat(),
    );
    terminal.answer("Region for", "\r");
    terminal.answer("y+Enter start", "y\r");
    terminal.wait_for("creating an organization");
    // The terminal sends it to this process and to the rehearsed one.
    terminal.keys("\u{3}");
    assert_eq!(terminal.wait_for_exit(), 130, "{}", terminal.contents());
    let screen = terminal.contents();
    let calls = std::fs::read_to_string(env.path("calls")).unwrap();
    assert_eq!(
        screen.contains("organization created"),
        calls.contains("CreateOrganization"),
        "{screen}\n{calls}"
    );
    assert!(
        !screen.contains("changed nothing") && screen.contains("Undo"),
        "{screen}"
    );
}

#[test]
fn errors_of_rehearse_itself_are_printed_as_an_envelope_too() {
    let env = TestEnv::new("fresh");
    let result = run(&env, &["rehearse", "--output=json", "--world=none"]).expect(2);
    assert_eq!(result.envelope()["error"]["kind"], "usage");
    let result = run(&env, &["rehearse", "--output=json", "--calls=/nowhere/calls"]).expect(2);
    assert!(
        result.envelope()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("/nowhere/calls")
    );
}

#[test]
fn quiet_prints_only_the_remaining_tasks() {
    let env = TestEnv::new("fresh");
    let result = run(&env, &["rehearse", "--non-interactive", "-q"]).expect(0);
    assert_eq!((result.stdout.as_str(), result.stderr.as_str()), ("", ""));
    let result = run(
        &env,
        &[
            "rehearse",
            "--non-interactive",
            "-q",
            "--skip=sign-in",
            "--world=complete",
        ],
    )
    .expect(3);
    assert!(
        result.stdout.contains("Sign in as Admin once") && !result.stdout.contains("Identity Center is enabled"),
        "{}",
        result.stdout
    );
}

#[test]
fn verbose_shows_the_command_of_each_change() {
    let env = TestEnv::new("fresh");
    run(&env, &["rehearse", "--non-interactive", "-v"])
        .expect(0)
        .expect_text("$ aws identitystore create-group")
        .expect_text("$ aws organizations create-organization --feature-set ALL");
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error_but_a_closed_pipe_is_not() {
    let env = TestEnv::new("fresh");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = idc(&env, &["rehearse", "--non-interactive"])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let mut child = idc(&env, &["rehearse", "--non-interactive"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_dumped_scenario_can_be_used_to_start_a_rehearsal() {
    let env = TestEnv::new("fresh");
    run(&env, &["rehearse", "--non-interactive", "--dump=end.toml", "-q"]).expect(0);
    let result = run(&env, &["rehearse", "status", "--world=end.toml", "--output=json"]).expect(3);
    assert_eq!(result.step("account-assignment")["state"], "done");
}

#[cfg(target_os = "linux")]
#[test]
fn a_kept_rehearsal_continues_after_a_kill() {
    let env = TestEnv::new("fresh");
    let keep = |more: &[&str]| {
        let args = [&["rehearse", "--non-interactive", "--keep=kept"], more].concat();
        idc(&env, &args)
    };
    // Nobody clicks Enable, so the run creates the organization and then waits.
    let mut killed = keep(&["--person=never", "--wait=60s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let scenario = env.path("kept/scenario.toml");
    wait_until("the scenario is saved", || {
        std::fs::read_to_string(&scenario).is_ok_and(|text| text.contains("[organization"))
    });
    killed.kill().unwrap();
    killed.wait().unwrap();
    // The child process, which performs the run, holds the lock until it has ended, too.
    let mut result = None;
    wait_until("the lock is released", || {
        let again = RunResult::new(keep(&["--person=auto", "--output=json"]).output().unwrap());
        let is_free = again.code != 6;
        result = Some(again);
        is_free
    });
    let result = result.unwrap().expect(0);
    let step = result.step("enable-identity-center");
    let resources = step["resources"].as_array().unwrap().iter();
    let organization: Vec<_> = resources
        .filter(|resource| resource["kind"] == "organization")
        .collect();
    assert_eq!(organization[0]["origin"], "created", "{step:#}");
    RunResult::new(keep(&["undo", "--yes"]).output().unwrap()).expect(0);
}

#[test]
fn a_kept_rehearsal_continues_with_the_given_answers_and_not_with_examples() {
    let env = TestEnv::new("fresh");
    let keep = env.path("kept");
    let keep = ["rehearse", "--non-interactive", "--keep", keep.to_str().unwrap()];
    env.run(&[&keep[..], &ANSWERS[..]].concat()).expect(0);
    let result = env.run(&keep).expect(0);
    assert!(result.stdout.contains("The user Admin exists."), "{}", result.stdout);
}

#[test]
fn a_rehearsal_is_kept_from_its_first_command_and_used_by_one_process_at_a_time() {
    let env = TestEnv::new("fresh");
    let keep = |more: &[&str]| {
        let args = [&["rehearse", "--non-interactive", "--keep=kept"], more].concat();
        idc(&env, &args)
    };
    let run = |more: &[&str]| RunResult::new(keep(more).output().unwrap());
    run(&["status", "--world=complete"]).expect_text("rehearse --keep kept");
    let result = run(&["status", "--output=json"]);
    assert_eq!(result.step("create-group")["state"], "done", "{}", result.summary());
    // Other tools can change the served account, which is saved at the end, so the folder is locked.
    let mut server = ServeProcess(keep(&["--serve"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = std::io::BufReader::new(server.0.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut String::new()).unwrap();
    let second = run(&["--output=json"]).expect(6);
    let message = second.envelope()["error"]["message"].to_string();
    assert!(message.contains(&format!("process {}", server.0.id())), "{message}");
    run(&["status"]).expect(3);
    drop(server);
    run(&["--email=admin@example.com", "--wait=0"]).expect(3);
    run(&["undo", "--yes"]).expect(0);
}

/// Kills the server at the end of the test, even if the test fails.
pub struct ServeProcess(std::process::Child);

impl Drop for ServeProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn answer_variables_of_the_environment_do_not_reach_a_rehearsal() {
    let env = TestEnv::new("fresh");
    let mut command = idc(&env, &["rehearse", "--non-interactive", "--output=json"]);
    command
        .env("IDC_SETUP_GROUP", "Others")
        .env("IDC_SETUP_EMAIL", "not an address");
    let result = RunResult::new(command.output().unwrap()).expect(0);
    assert_eq!(
        result.step("create-group")["summary"],
        "The group Admins exists, with the user alex."
    );
}

#[test]
fn a_kept_rehearsal_can_sign_in_again() {
    let env = TestEnv::new("fresh");
    let keep = |more: &[&str]| run(&env, &[&["rehearse", "--keep=kept"], more].concat());
    keep(&["login"]).expect(2).expect_text("There is no kept rehearsal");
    keep(&["--non-interactive", "-q"]).expect(0);
    keep(&["login"])
        .expect(0)
        .expect_text("To sign in again: idc-setup rehearse login --keep kept --again");
    let before = env.files("kept/.aws/sso/cache");
    assert!(!before.is_empty());
    keep(&["login", "--again"])
        .expect(0)
        .expect_text("You are signed in with profile admin");
    assert_ne!(env.files("kept/.aws/sso/cache"), before);
    keep(&["status", "--again"])
        .expect(2)
        .expect_text("--again is a flag of rehearse login");
}

#[test]
fn what_works_only_outside_a_rehearsal_is_marked_and_exports_can_be_pasted() {
    let env = TestEnv::new("fresh");
    let keep = |more: &[&str]| run(&env, &[&["rehearse", "--keep=kept"], more].concat());
    let ended = keep(&["--non-interactive"]).expect(0).stdout;
    let marked = "  In your own account, you would go on with:\n  Use it now    export AWS_PROFILE=admin\n  \
                  Tomorrow      idc-setup login\n";
    assert!(ended.contains(marked), "{ended}");
    assert!(!ended.contains("aws sso login"), "{ended}");
    assert!(
        ended.contains("The links are pages of the rehearsal. They exist only while it runs."),
        "{ended}"
    );
    let status = keep(&["status"]).expect(0).stdout;
    for export in [
        "idc-setup rehearse export --keep kept access > access.toml",
        "idc-setup rehearse export --keep kept argo-cd --cluster NAME --admin Admins",
    ] {
        assert!(ended.contains(export), "{export:?} is not in:\n{ended}");
        assert!(status.contains(export), "{export:?} is not in:\n{status}");
    }
    let exported = keep(&["export", "access"]).expect(0).stdout;
    assert!(exported.contains("name = \"Admins\""), "{exported}");
}

#[test]
fn a_rehearsal_keeps_to_the_request_rate_of_the_user() {
    let env = TestEnv::new("fresh");
    let mut command = idc(&env, &["rehearse", "export", "access"]);
    command.env("IDC_SETUP_REQUESTS_PER_SECOND", "abc");
    RunResult::new(command.output().unwrap())
        .expect(2)
        .expect_text("IDC_SETUP_REQUESTS_PER_SECOND is not a whole number from 1 to 1000");
}

#[test]
fn each_command_of_profiles_starts_from_the_team() {
    let env = TestEnv::new("fresh");
    for command in [&["profiles"][..], &["profiles", "sync"]] {
        let args = [&["rehearse"], command, &["--non-interactive"]].concat();
        run(&env, &args)
            .expect(3)
            .expect_text("idc_setup_managed")
            .expect_text("    idc-setup rehearse profiles sync --yes\n");
    }
    run(&env, &["rehearse", "profiles", "sync", "--output=markdown"])
        .expect(2)
        .expect_text("  Print text:\n    idc-setup rehearse profiles sync\n")
        .expect_text("    idc-setup rehearse access plan --output markdown\n");
}

#[test]
fn the_pages_for_passwords_are_not_shown_after_a_rehearsal() {
    let env = TestEnv::new("fresh");
    let file = run(&env, &["rehearse", "export", "access"]).expect(0).stdout;
    let user = "[[user]]\nname = \"new\"\nemail = \"new@example.com\"\ngiven-name = \"New\"\nfamily-name = \"User\"\n";
    std::fs::write(env.path("access.toml"), format!("{file}\n{user}")).unwrap();
    for format in ["text", "markdown"] {
        let output = format!("--output={format}");
        let ended = run(&env, &["rehearse", "access", "apply", &output]).expect(0).stdout;
        for part in [
            "Set a password for new.",
            "In your own account, each of them has a link to its page.",
        ] {
            assert!(ended.contains(part), "{part:?} is not in:\n{ended}");
        }
        assert!(!ended.contains("http://127.0.0.1"), "{ended}");
    }
}

#[test]
fn commands_in_the_notes_of_a_plan_continue_the_rehearsal() {
    let env = TestEnv::new("fresh");
    let keep = |args: &[&str]| run(&env, &[&["rehearse"], args, &["--keep=kept"]].concat());
    let file = keep(&["export", "access", "--name=mine"]).expect(0).stdout;
    std::fs::write(env.path("mine.toml"), &file).unwrap();
    let adopt = "idc-setup rehearse access adopt --keep kept mine.toml";
    keep(&["access", "plan", "mine.toml"])
        .expect(0)
        .expect_text(&format!("run {adopt}."));
    keep(&["access", "adopt", "mine.toml", "--yes"]).expect(0);
    std::fs::write(
        env.path("mine.toml"),
        file.replace("name = \"mine\"", "name = \"renamed\""),
    )
    .unwrap();
    for args in [
        &["access", "plan", "mine.toml"][..],
        &["access", "plan", "mine.toml", "--output=json"],
        &["access", "adopt", "mine.toml", "--yes"],
    ] {
        keep(args).expect(0).expect_text(&format!("run {adopt} --from mine."));
    }
}

#[test]
fn doctor_and_the_access_picture_can_be_rehearsed() {
    let env = TestEnv::new("fresh");
    let result = run(&env, &["rehearse", "doctor", "--world=enabled"]).expect(0);
    assert!(
        result.stdout.contains("You are the root user of account 123456789012"),
        "{}",
        result.stdout
    );
    let result = run(&env, &["rehearse", "status", "--output=mermaid", "--world=complete"]).expect(3);
    assert!(result.stdout.starts_with("flowchart LR\n"), "{}", result.stdout);
    assert!(
        result.stdout.contains("n0 --> n1\n    n1 --> n2\n    n2 --> n3"),
        "{}",
        result.stdout
    );
}

#[test]
fn serve_uses_the_given_port_and_keeps_other_tools_off_the_proxy() {
    let env = TestEnv::new("fresh");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("--port={}", listener.local_addr().unwrap().port());
    let address = format!("http://{}", listener.local_addr().unwrap());
    run(&env, &["rehearse", "--serve", &port])
        .expect(1)
        .expect_text("cannot be served on port");
    drop(listener);
    let mut command = idc(&env, &["rehearse", "--serve", &port]);
    command.env("HTTP_PROXY", "http://127.0.0.1:9");
    let (_server, variables) = serve(&mut command, 10);
    assert_eq!(variables["AWS_ENDPOINT_URL"], address);
    assert_eq!(variables["NO_PROXY"], "127.0.0.1");
}

#[cfg(target_os = "linux")]
#[test]
fn only_a_person_at_the_pages_gets_the_browser_of_the_environment() {
    use std::os::unix::fs::PermissionsExt;
    let env = TestEnv::new("fresh");
    let browser = env.path("browser");
    std::fs::write(&browser, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let doctor = |person: &str| {
        let mut command = idc(&env, &["rehearse", "doctor", "--world=enabled", person]);
        command.env("BROWSER", &browser);
        RunResult::new(command.output().unwrap()).expect(0).stdout
    };
    let words = "This machine can open pages in a browser.";
    let (pages, auto) = (doctor("--person=pages"), doctor("--person=auto"));
    assert!(pages.contains(words), "{pages}");
    assert!(!auto.contains(words), "{auto}");
}

#[test]
fn a_rehearsal_takes_the_flags_of_the_command_that_it_rehearses() {
    let env = TestEnv::new("fresh");
    run(
        &env,
        &[
            "rehearse",
            "status",
            "--world=enabled",
            "--email=ada@example.com",
            "--only=create-user",
        ],
    )
    .expect(3);
    run(&env, &["rehearse", "doctor", "--world=enabled", "--policy"])
        .expect(0)
        .expect_text("\"Statement\"");
    run(
        &env,
        &["rehearse", "doctor", "--world=enabled", "--email=ada@example.com"],
    )
    .expect(2)
    .expect_text("idc-setup rehearse doctor does not take --email");
    // For a rehearsal of a status too, it means example answers.
    run(&env, &["rehearse", "status", "--world=enabled", "--non-interactive"]).expect(3);
}
