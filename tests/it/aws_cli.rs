//! The real AWS CLI v2 with the simulated AWS: its commands, its ways to sign in, and the wizard's profile.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::profiles::{self, cloud_with, run};
use super::support::aws_cli::aws_cli;
use super::support::browser::get;
use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv};

fn command(env: &TestEnv, program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("HOME", env.home.path())
        .env("PATH", "/usr/bin:/bin")
        .env("AWS_ENDPOINT_URL", env.server.url())
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_PAGER", "")
        .stdin(Stdio::null());
    command
}

/// Runs the AWS CLI with the root user's credentials in the environment, and returns the JSON that it prints.
fn json_as_root(env: &TestEnv, program: &Path, args: &[&str]) -> serde_json::Value {
    let keys = &env.credentials;
    let output = command(env, program, args)
        .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
        .env("AWS_SESSION_TOKEN", &keys.session_token)
        .output()
        .unwrap();
    let result = RunResult::new(output).expect(0);
    serde_json::from_str(&result.stdout).unwrap_or_else(|error| panic!("{error}: {}", result.stdout))
}

/// Runs the AWS CLI without credentials in the environment, so that it uses a profile.
fn run_cli(env: &TestEnv, program: &Path, args: &[&str]) -> RunResult {
    RunResult::new(command(env, program, args).output().unwrap())
}

/// Starts the AWS CLI, so that each line that it prints can be read at once.
fn start(env: &TestEnv, program: &Path, args: &[&str]) -> Child {
    let mut command = command(env, program, args);
    command.env("PYTHONUNBUFFERED", "1").stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).lines().map_while(Result::ok)
}

const CONFIG: &str = "[sso-session theirs]\nsso_start_url = https://d-9067aabbcc.awsapps.com/start\nsso_region = us-east-1\n\
                      sso_registration_scopes = sso:account:access\n\n[profile theirs]\nsso_session = theirs\n\
                      sso_account_id = 123456789012\nsso_role_name = AdministratorAccess\nregion = us-east-1\n";

fn with_config(scenario: &str) -> TestEnv {
    let env = TestEnv::new(scenario);
    env.write_config(CONFIG);
    env
}

/// Runs `aws configure sso` with these answers, of which an empty one takes the default or the first row.
fn configure_sso(env: &TestEnv, program: &Path, answers: &[&str]) -> RunResult {
    let mut command = command(env, program, &["configure", "sso", "--use-device-code", "--no-browser"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let keys: Vec<String> = answers.iter().map(|answer| format!("{answer}\r")).collect();
    child.stdin.take().unwrap().write_all(keys.concat().as_bytes()).unwrap();
    RunResult::new(child.wait_with_output().unwrap())
}

fn caller(env: &TestEnv, program: &Path, profile: &str) -> String {
    let args = [
        "sts",
        "get-caller-identity",
        "--query=Arn",
        "--output=text",
        "--profile",
        profile,
    ];
    run_cli(env, program, &args).expect(0).stdout.trim().to_owned()
}

#[test]
fn the_aws_cli_reads_and_changes_the_simulated_account() {
    let Some(aws) = aws_cli() else { return };
    let env = TestEnv::new("complete");
    let instances = json_as_root(&env, &aws, &["sso-admin", "list-instances"]);
    let instance = instances["Instances"][0]["InstanceArn"].as_str().unwrap().to_owned();
    let sets = json_as_root(
        &env,
        &aws,
        &["sso-admin", "list-permission-sets", "--instance-arn", &instance],
    );
    assert_eq!(sets["PermissionSets"].as_array().unwrap().len(), 1);
    let created = json_as_root(
        &env,
        &aws,
        &[
            "identitystore",
            "create-group",
            "--identity-store-id=d-9067aabbcc",
            "--display-name=Readers",
        ],
    );
    let groups = json_as_root(
        &env,
        &aws,
        &["identitystore", "list-groups", "--identity-store-id=d-9067aabbcc"],
    );
    let ids: Vec<&serde_json::Value> = groups["Groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["GroupId"])
        .collect();
    assert!(ids.contains(&&created["GroupId"]));
    let organization = json_as_root(&env, &aws, &["organizations", "describe-organization"]);
    assert_eq!(organization["Organization"]["FeatureSet"], "ALL");
}

#[test]
fn the_aws_cli_signs_in_with_a_device_code_and_lists_its_accounts() {
    let Some(aws) = aws_cli() else { return };
    let env = with_config("complete");
    run_cli(
        &env,
        &aws,
        &["sso", "login", "--use-device-code", "--no-browser", "--profile=theirs"],
    )
    .expect(0)
    .expect_text("Successfully logged into");
    assert!(caller(&env, &aws, "theirs").ends_with("/Admin"));
    let token = env.files(".aws/sso/cache").into_iter().find_map(|(_, content)| {
        let content: serde_json::Value = serde_json::from_slice(&content).ok()?;
        content["accessToken"].as_str().map(str::to_owned)
    });
    let accounts = run_cli(&env, &aws, &["sso", "list-accounts", "--access-token", &token.unwrap()]).expect(0);
    assert!(accounts.stdout.contains("123456789012"), "{}", accounts.stdout);
}

#[test]
fn the_aws_cli_signs_in_with_pkce() {
    let Some(aws) = aws_cli() else { return };
    let env = with_config("complete");
    let mut login = start(&env, &aws, &["sso", "login", "--no-browser", "--profile=theirs"]);
    // Keep the pipe open, because the CLI fails if it is closed.
    let mut lines = lines_of(&mut login);
    follow_to_callback(&mut lines);
    assert!(lines.any(|line| line.contains("Successfully logged into")));
    assert!(login.wait().unwrap().success());
    assert!(caller(&env, &aws, "theirs").contains("assumed-role/AWSReservedSSO_AdministratorAccess_"));
}

/// Opens the URL that a program prints, and follows the redirect to the program's listener, like a browser.
fn follow_to_callback(lines: &mut impl Iterator<Item = String>) {
    let address = lines.find(|line| line.contains("/authorize?")).unwrap();
    let callback = status_and_location(address.trim()).1.unwrap();
    assert!(
        callback.starts_with("http://127.0.0.1:") && callback.contains("/oauth/callback?code="),
        "{callback}"
    );
    assert_eq!(status_and_location(&callback).0, 200);
}

#[test]
fn a_session_from_aws_login_is_sufficient_for_a_run_and_is_renewed() {
    let Some(aws) = aws_cli() else { return };
    let env = TestEnv::new("fresh");
    let mut login = start(&env, &aws, &["login", "--region=us-east-1"]);
    let mut lines = lines_of(&mut login);
    follow_to_callback(&mut lines);
    let _ = lines.by_ref().count();
    assert!(login.wait().unwrap().success());
    let root = "arn:aws:iam::123456789012:root";
    assert_eq!(caller(&env, &aws, "default"), root);
    // Let the credentials expire, so that the wizard has to renew them with the session.
    let cache = env.path(".aws/login/cache");
    let file = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let mut session: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    session["accessToken"]["expiresAt"] = "2026-01-01T00:00:00Z".into();
    std::fs::write(&file, session.to_string()).unwrap();
    let run_with_session = |args: &[&str]| {
        let mut command = env.command(args);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            command.env_remove(name);
        }
        RunResult::new(command.output().unwrap())
    };
    let args = [&["run", "--output=json"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat();
    let result = run_with_session(&args).expect(0);
    assert_eq!(result.envelope()["caller"]["arn"], root);
    assert!(env.server.calls().iter().any(|call| call.service == "signin"));
}

/// Requests a page from this machine, and returns the status and the `Location` header.
fn status_and_location(url: &str) -> (u16, Option<String>) {
    let response = get(url);
    let status = response.split(' ').nth(1).unwrap().parse().unwrap();
    let location = response.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then(|| value.to_owned())
    });
    (status, location)
}

#[test]
fn the_aws_cli_and_the_wizard_share_the_profile_and_the_token() {
    let Some(aws) = aws_cli() else { return };
    let env = TestEnv::new("fresh");
    let result = env.run_setup(&[]).expect(0);
    let arn = result.step("sign-in")["evidence"]["signed_in_as"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(caller(&env, &aws, "admin"), arn);
    // Conversely, the CLI signs in again for the wizard's session, and the wizard uses that token.
    std::fs::remove_dir_all(env.path(".aws/sso")).unwrap();
    run_cli(
        &env,
        &aws,
        &["sso", "login", "--use-device-code", "--no-browser", "--profile=admin"],
    )
    .expect(0);
    let calls = env.server.calls().len();
    env.json(&["run", "--non-interactive"]).expect(0);
    assert!(
        !env.server.calls()[calls..]
            .iter()
            .any(|call| call.operation == "CreateToken")
    );
}

#[test]
fn the_aws_cli_and_the_wizard_share_the_client_registration() {
    let Some(aws) = aws_cli() else { return };
    let env = TestEnv::new("fresh");
    env.run_setup(&[]).expect(0);
    let sign_in = |forget: bool| {
        if forget {
            delete_tokens(&env);
        }
        env.server.clear_calls();
        let args = ["sso", "login", "--use-device-code", "--no-browser", "--profile=admin"];
        run_cli(&env, &aws, &args).expect(0);
        let calls = env.server.calls();
        calls.iter().any(|call| call.operation == "RegisterClient")
    };
    assert!(!sign_in(true), "the CLI does not reuse the wizard's registration");
    // Conversely, the wizard uses the CLI's registration.
    std::fs::remove_dir_all(env.path(".aws/sso")).unwrap();
    assert!(sign_in(false));
    delete_tokens(&env);
    env.server.clear_calls();
    env.run(&["login"]).expect(0);
    let calls = env.server.calls();
    assert!(!calls.iter().any(|call| call.operation == "RegisterClient"));
}

fn delete_tokens(env: &TestEnv) {
    for (path, content) in env.files(".aws/sso/cache") {
        if String::from_utf8_lossy(&content).contains("accessToken") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn step_8_also_asks_the_aws_cli_and_reports_where_it_disagrees() {
    let Some(aws) = aws_cli() else { return };
    let mut env = TestEnv::new("fresh");
    env.set("PATH", &format!("{}:/usr/bin:/bin", aws.parent().unwrap().display()));
    let result = env.run_setup(&[]).expect(0);
    let printed = result.step("sign-in")["evidence"]["aws_cli"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(printed.ends_with(" returns the same caller"), "{printed}");
    // The AWS CLI did not use the root user's credentials in the environment.
    assert!(
        !result.step("sign-in")["evidence"]["signed_in_as"]
            .as_str()
            .unwrap()
            .ends_with(":root")
    );
}

#[test]
fn an_aws_cli_that_disagrees_fails_step_8_but_one_that_cannot_run_does_not() {
    use std::os::unix::fs::PermissionsExt;
    let programs = tempfile::tempdir().unwrap();
    let program = programs.path().join("aws");
    let write = |script: &str| {
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let mut env = TestEnv::new("fresh");
    env.set("PATH", &format!("{}:/usr/bin:/bin", programs.path().display()));
    let version = "[ \"$1\" = --version ] && echo aws-cli/2.40.1 Python/3.13 && exit";
    write(&format!(
        "{version}; echo 'The config profile could not be found' >&2; exit 255"
    ));
    let result = env.run_setup(&[]).expect(1);
    let message = result.step("sign-in")["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the AWS CLI 2.40.1"), "{message}");
    assert!(
        message.contains("disagrees: The config profile could not be found."),
        "{message}"
    );
    // The AWS CLI gets no credentials from the wizard's environment.
    write(&format!(
        "{version}; env | grep -E '^AWS_(ACCESS|SECRET|SESSION|PROFILE)' >&2; exit 1"
    ));
    let result = env.run_setup(&[]).expect(1);
    let message = result.step("sign-in")["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("disagrees: no reason given."), "{message}");
    write("echo 'aws-cli/1.45.0 Python/3.12'");
    let result = env.run_setup(&[]).expect(0);
    let printed = result.step("sign-in")["evidence"]["aws_cli"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(printed, "not checked: 1.45.0 does not support SSO sessions");
}

#[test]
fn an_aws_cli_that_is_silent_does_not_keep_a_run_from_ending() {
    use std::os::unix::fs::PermissionsExt;
    let programs = tempfile::tempdir().unwrap();
    let program = programs.path().join("aws");
    let version = "[ \"$1\" = --version ] && echo aws-cli/2.40.1 Python/3.13 && exit";
    std::fs::write(&program, format!("#!/bin/sh\n{version}\nexec sleep 300\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut env = TestEnv::new("enabled");
    env.set("PATH", &format!("{}:/usr/bin:/bin", programs.path().display()));
    let start = std::time::Instant::now();
    let result = env.run_setup(&[]).expect(0);
    assert!(
        start.elapsed() < std::time::Duration::from_mins(2),
        "{:?}",
        start.elapsed()
    );
    let printed = result.step("sign-in")["evidence"]["aws_cli"].to_string();
    assert!(printed.contains("did not finish within 30 seconds"), "{printed}");
}

#[test]
fn the_aws_cli_uses_the_profiles_of_a_sync_and_keeps_their_mark() {
    let Some(aws) = aws_cli() else { return };
    let env = TestEnv::with(cloud_with(&[("222222222222", "prod")]));
    env.write_config(CONFIG);
    let sync = ["profiles", "sync", "--non-interactive", "--yes"];
    let named = [&sync[..], &["--template={account}.{permission_set}"]].concat();
    env.run(&named).expect(0);
    let arn = caller(&env, &aws, "prod.AdministratorAccess");
    assert!(arn.contains(":222222222222:assumed-role/"), "{arn}");
    let profile = "--profile=prod.AdministratorAccess";
    run_cli(&env, &aws, &["configure", "set", "region", "eu-west-1", profile]).expect(0);
    run_cli(&env, &aws, &["configure", "set", "output", "text", profile]).expect(0);
    for property in [
        "idc_setup_managed = theirs\n",
        "idc_setup_template = {account}.{permission_set}\n",
    ] {
        assert!(env.config().contains(property), "{}", env.config());
    }
    let before = env.config();
    env.run(&sync).expect(0).expect_text("1 unchanged");
    assert_eq!(env.config(), before);
}

#[test]
fn the_aws_cli_lists_every_profile_of_a_sync() {
    let Some(aws) = aws_cli() else { return };
    let env = TestEnv::with(cloud_with(&[
        ("222222222222", "$(touch x); ls"),
        ("333333333333", "dev"),
        ("444444444444", "dev"),
        ("555555555555", "[x]\nregion = y"),
    ]));
    env.write_config(profiles::CONFIG);
    env.run(&["profiles", "sync", "--non-interactive", "--yes"]).expect(0);
    let listed = run_cli(&env, &aws, &["configure", "list-profiles"]).expect(0).stdout;
    let names = profiles::names(&env);
    assert_eq!(names.len(), 5);
    let listed: Vec<&str> = listed.lines().filter(|name| *name != "default").collect();
    assert_eq!(listed, names);
    let arn = caller(&env, &aws, "dev-444444444444-AdministratorAccess");
    assert!(arn.starts_with("arn:aws:sts::444444444444:assumed-role/"), "{arn}");
}

#[test]
fn aws_configure_sso_and_idc_setup_continue_each_others_file() {
    const URL: &str = "https://d-9067aabbcc.awsapps.com/start";
    let Some(aws) = aws_cli() else { return };
    let mut cloud = cloud_with(&[("222222222222", "prod")]);
    cloud.timing.person = Duration::ZERO;
    let env = TestEnv::with(cloud);
    env.write_config("# mine\n[default]\nregion = us-west-2  \n");
    let answers = ["my-company", URL, "us-east-1", "", "", "eu-west-1", "", "first"];
    configure_sso(&env, &aws, &answers).expect(0);
    let of_the_cli = env.config();
    assert!(
        of_the_cli.contains("\n[profile first]\nsso_session = my-company\n"),
        "{of_the_cli}"
    );
    env.server.clear_calls();
    run(&env, &["join", URL, "--all", "--yes", "--non-interactive"], "")
        .expect(0)
        .expect_text("export AWS_PROFILE=first");
    // Only the role without a profile gets one, and nobody had to sign in again.
    let joined = env.config();
    assert_eq!(
        joined.strip_prefix(&of_the_cli),
        Some(
            "\n[profile prod-AdministratorAccess]\nsso_session = my-company\nsso_account_id = 222222222222\n\
             sso_role_name = AdministratorAccess\nregion = eu-west-1\nidc_setup_managed = my-company\n"
        )
    );
    let sync = ["profiles", "sync", "--yes", "--non-interactive"];
    run(
        &env,
        &[&sync[..], &["--template={account}.{permission_set}"]].concat(),
        "",
    )
    .expect(0);
    let synced = env.config();
    assert!(
        synced.contains("\nidc_setup_template = {account}.{permission_set}\n"),
        "{synced}"
    );
    // The CLI knows the session, and asks only for the account, the Region, the output and the name.
    configure_sso(&env, &aws, &["my-company", "", "", "", "second"]).expect(0);
    let again = env.config();
    let added = again.strip_prefix(&synced).unwrap_or_else(|| panic!("{again}"));
    assert!(
        added.starts_with("[profile second]\nsso_session = my-company\n"),
        "{added}"
    );
    run(&env, &sync, "").expect(0).expect_text("Nothing has to change.");
    assert_eq!(env.config(), again);
    let calls = env.server.calls();
    assert!(!calls.iter().any(|call| call.operation == "CreateToken"), "{calls:#?}");
    for profile in ["first", "second", "prod.AdministratorAccess"] {
        let arn = caller(&env, &aws, profile);
        assert!(
            arn.contains(":assumed-role/AWSReservedSSO_AdministratorAccess_"),
            "{arn}"
        );
    }
}
