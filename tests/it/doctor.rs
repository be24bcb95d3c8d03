//! `idc-setup doctor`: every condition of the account and the credentials has a row with a message and a next step.

use std::collections::BTreeSet;

use idc_setup::ui::envelope::{DoctorBody, Envelope};
use idc_sim::scenarios::SCENARIOS;
use idc_sim::{CallLine, FaultKind, ServiceError};
use serde_json::Value;

use idc_sim::PersonKind;

use super::json::schema;
use super::support::forwarder::Forwarder;
use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv, is_mutating};

/// Replaces URLs and paths that differ between machines.
fn normalize(text: &str, env: &TestEnv) -> String {
    let home = env.home.path().display().to_string();
    text.replace(&env.server.url(), "REHEARSAL").replace(&home, "HOME")
}

/// Removes the rows about this machine.
fn without_machine_rows(text: &str) -> String {
    let is_about_machine = |line: &str| {
        ["aws_cli", "browser"]
            .iter()
            .any(|check| line.contains(&format!(" {check} ")))
    };
    let mut lines = Vec::new();
    let mut is_skipping = false;
    for line in text.lines() {
        if line.starts_with(' ') && is_skipping {
            continue;
        }
        is_skipping = is_about_machine(line);
        if !is_skipping {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn row(result: &RunResult, check: &str) -> Value {
    let envelope = result.envelope();
    let rows = envelope["checks"].as_array().unwrap();
    let found = rows.iter().find(|row| row["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} in {envelope:#}")).clone()
}

/// Returns a test environment with the credentials of another caller than the root user.
fn as_caller(scenario: &str, arn: &str, denied: &[&str]) -> TestEnv {
    let mut env = TestEnv::new(scenario);
    let credentials = {
        let mut cloud = env.server.cloud();
        let mut identity = cloud.root();
        arn.clone_into(&mut identity.arn);
        identity.denied = denied.iter().map(|action| (*action).to_owned()).collect();
        cloud.issue(identity)
    };
    env.credentials = credentials;
    env
}

#[test]
fn every_account_condition_has_a_message_and_a_next_step() {
    let schema = schema("doctor.v1.json", schemars::schema_for!(Envelope<DoctorBody>));
    for (name, _) in SCENARIOS {
        let env = TestEnv::new(name);
        // Nobody clicks Enable, so the account does not change between the two commands.
        env.server.cloud().person.kind = PersonKind::Never;
        let text = env.run(&["doctor"]);
        let result = env.json(&["doctor"]).expect(text.code);
        jsonschema::validate(&schema, &result.envelope()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut envelope = result.envelope();
        let rows = envelope["checks"].as_array_mut().unwrap();
        rows.retain(|row| row["check"] != "aws_cli" && row["check"] != "browser");
        let json = serde_json::to_string_pretty(&envelope).unwrap();
        insta::assert_snapshot!(
            format!("doctor-{name}"),
            format!(
                "exit {}\n\n{}\n\n{}",
                text.code,
                without_machine_rows(&normalize(&text.stdout, &env)),
                normalize(&json, &env)
            )
        );
    }
}

#[test]
fn a_run_starts_with_a_summary_of_the_account() {
    let env = TestEnv::new("free-plan");
    let result = env.run(&["run", "--non-interactive"]);
    let first: Vec<&str> = result.stderr.lines().take(3).collect();
    assert!(
        first[1].contains("the root user of account 123456789012"),
        "{}",
        result.stderr
    );
    assert!(first[2].contains("Free plan"), "{}", result.stderr);
}

#[test]
fn the_permissions_of_a_user_are_simulated_and_missing_ones_are_named() {
    let ada = "arn:aws:iam::123456789012:user/ada";
    let env = as_caller("enabled", ada, &["sso:CreateAccountAssignment", "iam:CreateRole"]);
    let result = env.json(&["doctor"]).expect(4);
    let permissions = row(&result, "permissions");
    assert_eq!(permissions["status"], "denied");
    assert_eq!(
        permissions["message"],
        "This caller is not allowed to perform iam:CreateRole, sso:CreateAccountAssignment."
    );
    assert!(permissions["next"].to_string().contains("doctor --policy"));
    let allowed = as_caller("enabled", ada, &[]);
    assert_eq!(row(&allowed.json(&["doctor"]).expect(0), "permissions")["status"], "ok");
}

#[test]
fn no_permissions_are_required_for_steps_that_are_already_done() {
    let ada = "arn:aws:iam::123456789012:user/ada";
    let env = as_caller(
        "complete",
        ada,
        &["sso:CreatePermissionSet", "identitystore:CreateUser"],
    );
    // The permission set exists. Only activation, the portal and the profile on this machine are left to do.
    let result = env.json(&["doctor"]);
    let message = row(&result, "permissions")["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("CreatePermissionSet"), "{message}");
}

#[test]
fn the_permissions_of_a_role_session_are_simulated_with_its_role() {
    let arn = "arn:aws:sts::123456789012:assumed-role/Admin/ada";
    let env = as_caller("enabled", arn, &["sso:CreatePermissionSet"]);
    let permissions = row(&env.json(&["doctor"]).expect(4), "permissions");
    assert_eq!(
        permissions["message"],
        "This caller is not allowed to perform sso:CreatePermissionSet."
    );
}

#[test]
fn doctor_reports_a_denied_simulation_and_continues() {
    let ada = "arn:aws:iam::123456789012:user/ada";
    let env = as_caller("enabled", ada, &["iam:SimulatePrincipalPolicy"]);
    let result = env.json(&["doctor"]).expect(0);
    let permissions = row(&result, "permissions");
    assert_eq!(permissions["status"], "note");
    assert!(
        permissions["message"]
            .as_str()
            .unwrap()
            .contains("iam:SimulatePrincipalPolicy returned AccessDenied"),
        "{permissions}"
    );
    env.run_setup(&[]).expect(0);
}

#[test]
fn a_run_warns_about_missing_permissions_before_any_change() {
    let ada = "arn:aws:iam::123456789012:user/ada";
    let env = as_caller("enabled", ada, &["iam:CreateRole"]);
    let result = env.run(&[
        "plan",
        "--non-interactive",
        ANSWERS[0],
        ANSWERS[1],
        ANSWERS[2],
        ANSWERS[3],
    ]);
    assert_eq!(result.code, 3, "{}", result.summary());
    let result = env.run(&[&["run", "--wait=60s"], &NON_INTERACTIVE[..1], &ANSWERS[..]].concat());
    let warned = result
        .stderr
        .find("This caller is not allowed to perform iam:CreateRole.");
    let changed = result.stderr.find("Created the user");
    assert!(warned.is_some() && warned < changed, "{}", result.stderr);
}

/// Returns the IAM action of a call, such as `sso:CreatePermissionSet`.
fn action(call: &CallLine) -> String {
    let name = match (call.service.as_str(), call.operation.as_str()) {
        ("s3", "HeadBucket" | "ListObjectsV2") => "ListBucket",
        ("s3", "PutPublicAccessBlock") => "PutBucketPublicAccessBlock",
        (_, operation) => operation,
    };
    let prefix = match call.service.as_str() {
        "sso-admin" => "sso",
        service => service,
    };
    format!("{prefix}:{name}")
}

fn actions_of(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn whole_runs_stay_within_the_policy_that_doctor_prints() {
    let printed = TestEnv::new("fresh").run(&["doctor", "--policy"]).expect(0);
    let policy: Value = serde_json::from_str(&printed.stdout).unwrap();
    let allowed = actions_of(&policy);
    let mut used = BTreeSet::new();
    let mut complete_runs = |scenario: &str, email: &str, runs: &[&[&str]]| {
        let env = TestEnv::new(scenario);
        for more in runs {
            let answers = [email, "--given-name=Ada", "--family-name=Lovelace"];
            env.json(&[&["run"], &NON_INTERACTIVE[..], &answers[..], more].concat());
        }
        env.json(&["doctor"]);
        env.empty_buckets();
        env.json(&["undo", "--yes"]);
        let calls = env.server.calls();
        let signed = |call: &&CallLine| !matches!(call.service.as_str(), "sts" | "sso" | "sso-oidc");
        used.extend(calls.iter().filter(signed).map(action));
    };
    let (ada, admin) = ("--email=ada@example.com", "--email=admin@example.com");
    complete_runs("fresh", ada, &[&["--create-trail"], &["--create-trail"]]);
    complete_runs("half-done", admin, &[&[]]);
    let another_policy = [
        "--permission-set=AdministratorAccess",
        "--policy=ReadOnlyAccess",
        "--session-duration=4h",
    ];
    complete_runs(
        "complete",
        admin,
        &[&[&another_policy[..], &["--update=permission-set"]].concat()],
    );
    complete_runs("no-permission-sets", ada, &[&["--enable-permission-sets"]]);
    complete_runs("delegated-admin", ada, &[&[]]);
    let missing: Vec<&String> = used.difference(&allowed).collect();
    assert!(missing.is_empty(), "not in the policy: {missing:?}");
    // The policy contains only actions that a run used, except for actions that AWS performs on behalf of the caller,
    // that repair a partial setup, or that only callers other than the root user need.
    let unused: Vec<&str> = allowed
        .difference(&used)
        .map(String::as_str)
        .filter(|action| !action.starts_with("iam:"))
        .collect();
    assert_eq!(
        unused,
        [
            "cloudtrail:GetEventSelectors",
            "identitystore:DescribeGroupMembership",
            "organizations:ListAccounts",
            "sso:TagResource",
        ]
    );
    let compact = policy.to_string();
    assert!(
        compact.len() < 6144,
        "a managed policy can have at most 6,144 characters: {}",
        compact.len()
    );
}

#[test]
fn the_policy_matches_the_requested_partition_and_needs_no_credentials() {
    let env = TestEnv::new("fresh");
    let mut command = env.command(&["doctor", "--policy", "--region=us-gov-west-1"]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("IDC_SETUP_REHEARSAL");
    let result = RunResult::new(command.output().unwrap()).expect(0);
    assert!(
        result.stdout.contains("arn:aws-us-gov:iam::*:role/aws-reserved"),
        "{}",
        result.stdout
    );
    assert!(!result.stdout.contains("arn:aws:"), "{}", result.stdout);
}

/// Runs the binary with these environment variables instead of the root user's credentials.
fn run_with_variables(env: &TestEnv, args: &[&str], variables: &[(&str, &str)]) -> RunResult {
    let mut command = env.command(args);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    RunResult::new(command.output().unwrap())
}

#[test]
fn access_keys_of_root_are_rejected_unless_they_are_allowed() {
    let env = TestEnv::new("enabled");
    let keys = [
        ("AWS_ACCESS_KEY_ID", env.credentials.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", env.credentials.secret_access_key.as_str()),
    ];
    for command in ["run", "status", "plan"] {
        let result = run_with_variables(&env, &[command, "--non-interactive"], &keys).expect(4);
        let result = result.expect_text("access keys of the root user");
        assert!(result.stderr.contains("--allow-root-keys"), "{}", result.stderr);
    }
    run_with_variables(&env, &["doctor"], &keys)
        .expect(4)
        .expect_text("access keys of the root user");
    assert!(!env.state_file().exists());
    let result = run_with_variables(&env, &["doctor", "--allow-root-keys"], &keys).expect(0);
    assert!(
        result.stdout.contains("with a long-term access key"),
        "{}",
        result.stdout
    );
    run_with_variables(
        &env,
        &[&["run", "--allow-root-keys"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat(),
        &keys,
    )
    .expect(0);
}

#[test]
fn without_credentials_the_ways_to_sign_in_are_listed_best_first() {
    let env = TestEnv::new("fresh");
    let result = run_with_variables(&env, &["run", "--non-interactive"], &[]).expect(4);
    let at = |words: &str| {
        result
            .stderr
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {}", result.stderr))
    };
    assert!(at("aws login") < at("--profile NAME") && at("--profile NAME") < at("AWS CloudShell"));
    assert!(at("AWS CloudShell") < at("idc-setup rehearse"));
    let result = run_with_variables(&env, &["doctor"], &[]).expect(4);
    assert!(result.stdout.contains("aws login"), "{}", result.stdout);
    assert!(result.stdout.contains("aws files"), "{}", result.stdout);
}

#[test]
fn an_error_about_expired_credentials_names_the_command_that_renews_them() {
    let env = TestEnv::new("enabled");
    let home = env.home.path();
    std::fs::create_dir_all(home.join(".aws")).unwrap();
    let config = "[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n\
                  [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://d-9067aabbcc.awsapps.com/start\n\
                  [profile console]\nlogin_session = arn:aws:iam::123456789012:root\n\
                  [profile behind]\nsource_profile = console\nrole_arn = arn:aws:iam::123456789012:role/x\n";
    std::fs::write(home.join(".aws/config"), config).unwrap();
    for (profile, command) in [
        ("work", "idc-setup login --cli-profile work"),
        ("console", "aws login --profile console"),
        ("behind", "aws login --profile console"),
    ] {
        let result = run_with_variables(&env, &["run", "--non-interactive", "--profile", profile], &[]).expect(4);
        assert!(result.stderr.contains(command), "{profile}: {}", result.stderr);
    }
    let expired = {
        let mut cloud = env.server.cloud();
        let mut root = cloud.root();
        root.expires = Some("2026-01-01T00:00:00Z".parse().unwrap());
        cloud.issue(root)
    };
    let keys = [
        ("AWS_ACCESS_KEY_ID", expired.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", expired.secret_access_key.as_str()),
        ("AWS_SESSION_TOKEN", expired.session_token.as_str()),
    ];
    let result = run_with_variables(&env, &["doctor"], &keys).expect(4);
    assert!(result.stdout.contains("unset AWS_ACCESS_KEY_ID"), "{}", result.stdout);
}

#[test]
fn plain_http_to_another_machine_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new("enabled");
    let session = [
        ("AWS_ACCESS_KEY_ID", env.credentials.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", env.credentials.secret_access_key.as_str()),
        ("AWS_SESSION_TOKEN", env.credentials.session_token.as_str()),
    ];
    for name in [
        "AWS_ENDPOINT_URL_SSO_ADMIN",
        "AWS_ENDPOINT_URL_SSO_OIDC",
        "AWS_ENDPOINT_URL_STS",
    ] {
        let mut variables = session.to_vec();
        variables.push((name, "http://198.51.100.7:4566"));
        let result = run_with_variables(&env, &["run", "--non-interactive"], &variables).expect(2);
        assert!(
            result.stderr.contains(&format!("{name} is http://198.51.100.7:4566")),
            "{}",
            result.stderr
        );
        run_with_variables(&env, &["doctor"], &variables)
            .expect(3)
            .expect_text("plain http");
    }
    let home = env.home.path();
    std::fs::create_dir_all(home.join(".aws")).unwrap();
    for config in [
        "[profile far]\nendpoint_url = http://example.com\n",
        "[profile far]\nservices = there\n[services there]\nidentitystore =\n  endpoint_url = http://example.com\n",
    ] {
        std::fs::write(home.join(".aws/config"), config).unwrap();
        let mut command = env.command(&["run", "--non-interactive"]);
        command
            .env_remove("AWS_ENDPOINT_URL")
            .env_remove("IDC_SETUP_REHEARSAL")
            .env("AWS_PROFILE", "far");
        let result = RunResult::new(command.output().unwrap()).expect(2);
        assert!(
            result.stderr.contains("endpoint_url of profile far"),
            "{}",
            result.stderr
        );
    }
    assert!(env.server.calls().is_empty());
}

#[test]
fn doctor_names_files_that_cannot_be_used() {
    let env = TestEnv::new("enabled");
    let home = env.home.path();
    std::fs::create_dir_all(home.join(".aws/sso/cache")).unwrap();
    std::fs::write(home.join(".aws/config"), "[default\nregion = us-east-1\n").unwrap();
    let result = env.json(&["doctor"]).expect(3);
    let files = row(&result, "aws_files");
    assert!(
        files["message"]
            .as_str()
            .unwrap()
            .contains("config cannot be used: line 1"),
        "{files}"
    );
    std::fs::write(home.join(".aws/config"), "").unwrap();
    {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(home.join(".aws/sso/cache"), open).unwrap();
        let files = row(&env.json(&["doctor"]).expect(0), "aws_files");
        assert_eq!(files["status"], "note", "{files}");
        let command = files["next"][0]["command"].as_str().unwrap();
        assert!(command.starts_with("chmod 700"), "{files}");
    }
}

#[test]
fn a_wrong_clock_is_named_in_doctor_and_as_the_reason_of_a_refused_call() {
    let mut env = TestEnv::new("enabled");
    let forwarder = Forwarder::start(&env.server.url(), Some("Tue, 24 Nov 2020 10:00:00 GMT"));
    env.set("AWS_ENDPOINT_URL", &forwarder.url);
    env.set("IDC_SETUP_REHEARSAL", &forwarder.url);
    let clock = row(&env.json(&["doctor"]).expect(3), "clock");
    assert_eq!(clock["status"], "to_do", "{clock}");
    assert!(clock["message"].as_str().unwrap().contains("ahead of AWS's"), "{clock}");
    let error = ServiceError::new("SignatureDoesNotMatch", "Signature expired").with_status(403);
    env.fault_always("GetCallerIdentity", FaultKind::Refuse(error));
    let result = env.run_setup(&[]).expect(1);
    let next = result.envelope()["error"]["next"].to_string();
    assert!(next.contains("ahead of AWS's: set the clock"), "{next}");
}

#[test]
fn doctor_run_and_login_refuse_the_same_files_before_any_change() {
    for (file, content, line) in [
        (
            ".aws/config",
            &b"[default]\nregion = us-east-1\nregion = eu-west-1\n"[..],
            3,
        ),
        (
            ".aws/config",
            b"[default]\nregion = us-east-1\n\n[default]\noutput = json\n",
            4,
        ),
        (".aws/config", b"[profile work]\n    region = eu-west-1\n", 2),
        (".aws/config", b"[profile work] /* s3 */\n", 1),
        (".aws/config", b"[default]\nregion: eu-west-1\n", 2),
        (".aws/config", b"region = eu-west-1\n[default]\n", 1),
        (".aws/credentials", b"[old]\n    aws_access_key_id = AKIA\n", 2),
        (".aws/credentials", b"# M\xfcller\n[old]\n", 1),
        (".aws/credentials", b"\xef\xbb\xbf[default]\n", 1),
        (".aws/credentials", b"aws_access_key_id=AKIA\n", 1),
        (
            ".aws/credentials",
            b"[default]\naws_access_key_id = AKIA\njust a note\n",
            3,
        ),
        (".aws/credentials", b"[old]\n[old]\n", 2),
    ] {
        let env = TestEnv::new("enabled");
        std::fs::create_dir_all(env.path(".aws")).unwrap();
        std::fs::write(env.path(file), content).unwrap();
        let expected = format!("{file} cannot be used: line {line}");
        let files = row(&env.json(&["doctor"]).expect(3), "aws_files");
        assert_eq!(files["status"], "to_do", "{files}");
        assert!(
            files["message"].as_str().unwrap().contains(&expected),
            "{expected}: {files}"
        );
        let run = env.run_setup(&[]).expect(1);
        let error = run.step("cli-profile")["error"]["message"].to_string();
        assert!(error.contains(&expected), "{expected}: {error}");
        assert!(!env.server.calls().iter().any(is_mutating), "{expected}");
        let login = env.run(&["login"]).expect(2);
        assert!(login.stderr.contains(&expected), "{expected}: {}", login.stderr);
        assert_eq!(std::fs::read(env.path(file)).unwrap(), content);
    }
}

#[test]
fn a_cached_file_that_cannot_be_written_is_reported_before_anybody_is_asked() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let cached = env.files(".aws/sso/cache");
    assert_eq!(cached.len(), 2);
    for (path, content) in cached {
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        env.server.clear_calls();
        let login = env.run(&["login", "--again"]).expect(2);
        assert!(login.stderr.contains(name), "{}", login.stderr);
        assert!(env.server.calls().is_empty());
        let files = row(&env.json(&["doctor"]).expect(3), "aws_files");
        assert!(files["message"].as_str().unwrap().contains(name), "{files}");
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, content).unwrap();
    }
}

#[test]
fn doctor_says_which_aws_cli_and_which_browser_this_machine_has() {
    use std::os::unix::fs::PermissionsExt;
    let mut env = TestEnv::new("enabled");
    let (folder, aws, browser) = (env.path("bin"), env.path("bin/aws"), env.path("bin/browser"));
    std::fs::create_dir_all(&folder).unwrap();
    env.set("PATH", folder.to_str().unwrap());
    let none = row(&env.json(&["doctor"]).expect(0), "aws_cli");
    assert!(
        none["message"].as_str().unwrap().starts_with("There is no AWS CLI"),
        "{none}"
    );
    let version = "aws-cli/2.33.1 Python/3.13.9 Linux/6 exe/x86_64";
    std::fs::write(&aws, format!("#!/bin/sh\necho {version}\n")).unwrap();
    std::fs::write(&browser, "#!/bin/sh\n").unwrap();
    for program in [&aws, &browser] {
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    env.set("BROWSER", browser.to_str().unwrap());
    let result = env.json(&["doctor"]).expect(0);
    let cli = row(&result, "aws_cli");
    assert_eq!(cli["message"], format!("AWS CLI 2.33.1 at {}.", aws.display()));
    let message = row(&result, "browser")["message"].clone();
    assert_eq!(message, "This machine can open pages in a browser.");
    env.set("BROWSER", "/nowhere/browser");
    let missing = row(&env.json(&["doctor"]).expect(0), "browser");
    assert_eq!(missing["status"], "note", "{missing}");
}

#[test]
fn the_policy_leaves_out_the_actions_of_skipped_steps() {
    let env = TestEnv::new("fresh");
    let printed = |args: &[&str]| {
        let result = env.run(&[&["doctor", "--policy"], args].concat()).expect(0);
        actions_of(&serde_json::from_str(&result.stdout).unwrap())
    };
    let (all, rest) = (printed(&[]), printed(&["--skip=account-assignment"]));
    assert!(rest.is_subset(&all));
    let create = "sso:CreateAccountAssignment";
    assert!(all.contains(create) && !rest.contains(create), "{rest:?}");
    assert!(rest.contains("identitystore:CreateUser"), "{rest:?}");
}
