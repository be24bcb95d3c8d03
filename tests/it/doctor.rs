//! `idc-setup doctor`: every condition of the account and the credentials has a row with a message and a next step.

use std::collections::BTreeSet;

use idc_setup::ui::output::{DoctorBody, Envelope};
use idc_sim::CallLine;
use idc_sim::scenarios::SCENARIOS;
use serde_json::Value;

use idc_sim::PersonKind;

use super::json::schema;
use super::support::{ANSWERS, Ran, TestEnv, WILLING};

/// Replaces URLs and paths that differ between machines.
fn steady(text: &str, env: &TestEnv) -> String {
    let home = env.home.path().display().to_string();
    text.replace(&env.server.url(), "REHEARSAL").replace(&home, "HOME")
}

/// Removes the rows about this machine.
fn of_the_account(text: &str) -> String {
    let of_machine = |line: &str| {
        ["aws_cli", "browser"]
            .iter()
            .any(|check| line.contains(&format!(" {check} ")))
    };
    let mut lines = Vec::new();
    let mut is_left_out = false;
    for line in text.lines() {
        if line.starts_with(' ') && is_left_out {
            continue;
        }
        is_left_out = of_machine(line);
        if !is_left_out {
            lines.push(line);
        }
    }
    lines.join("\n")
}

fn row(ran: &Ran, check: &str) -> Value {
    let envelope = ran.envelope();
    let rows = envelope["checks"].as_array().unwrap();
    let found = rows.iter().find(|row| row["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} in {envelope:#}")).clone()
}

/// Returns a test environment with the credentials of another caller than the root user.
fn as_caller(cloud: &str, arn: &str, denied: &[&str]) -> TestEnv {
    let mut env = TestEnv::new(cloud);
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
        let ran = env.json(&["doctor"]).expect(text.code);
        jsonschema::validate(&schema, &ran.envelope()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut envelope = ran.envelope();
        let rows = envelope["checks"].as_array_mut().unwrap();
        rows.retain(|row| row["check"] != "aws_cli" && row["check"] != "browser");
        let json = serde_json::to_string_pretty(&envelope).unwrap();
        insta::assert_snapshot!(
            format!("doctor-{name}"),
            format!(
                "exit {}\n\n{}\n\n{}",
                text.code,
                of_the_account(&steady(&text.stdout, &env)),
                steady(&json, &env)
            )
        );
    }
}

#[test]
fn a_run_starts_with_a_summary_of_the_account() {
    let env = TestEnv::new("free-plan");
    let ran = env.run(&["run", "--non-interactive"]);
    let first: Vec<&str> = ran.stderr.lines().take(3).collect();
    assert!(
        first[1].contains("the root user of account 123456789012"),
        "{}",
        ran.stderr
    );
    assert!(first[2].contains("Free plan"), "{}", ran.stderr);
}

#[test]
fn the_permissions_of_a_user_are_simulated_and_missing_ones_are_named() {
    let ada = "arn:aws:iam::123456789012:user/ada";
    let env = as_caller("enabled", ada, &["sso:CreateAccountAssignment", "iam:CreateRole"]);
    let ran = env.json(&["doctor"]).expect(4);
    let rights = row(&ran, "permissions");
    assert_eq!(rights["status"], "denied");
    assert_eq!(
        rights["message"],
        "This caller is not allowed to perform iam:CreateRole, sso:CreateAccountAssignment."
    );
    assert!(rights["next"].to_string().contains("doctor --policy"));
    let able = as_caller("enabled", ada, &[]);
    assert_eq!(row(&able.json(&["doctor"]).expect(0), "permissions")["status"], "ok");
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
    let ran = env.json(&["doctor"]);
    let message = row(&ran, "permissions")["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("CreatePermissionSet"), "{message}");
}

#[test]
fn the_permissions_of_a_role_session_are_simulated_with_its_role() {
    let arn = "arn:aws:sts::123456789012:assumed-role/Admin/ada";
    let env = as_caller("enabled", arn, &["sso:CreatePermissionSet"]);
    let rights = row(&env.json(&["doctor"]).expect(4), "permissions");
    assert_eq!(
        rights["message"],
        "This caller is not allowed to perform sso:CreatePermissionSet."
    );
}

#[test]
fn doctor_reports_a_denied_simulation_and_continues() {
    let ada = "arn:aws:iam::123456789012:user/ada";
    let env = as_caller("enabled", ada, &["iam:SimulatePrincipalPolicy"]);
    let ran = env.json(&["doctor"]).expect(0);
    let rights = row(&ran, "permissions");
    assert_eq!(rights["status"], "note");
    assert!(
        rights["message"]
            .as_str()
            .unwrap()
            .contains("iam:SimulatePrincipalPolicy returned AccessDenied"),
        "{rights}"
    );
    env.go(&[]).expect(0);
}

#[test]
fn a_run_warns_about_missing_permissions_before_any_change() {
    let ada = "arn:aws:iam::123456789012:user/ada";
    let env = as_caller("enabled", ada, &["iam:CreateRole"]);
    let ran = env.run(&["plan", "--non-interactive", ANSWERS[0], ANSWERS[1], ANSWERS[2]]);
    assert_eq!(ran.code, 3, "{}", ran.summary());
    let ran = env.run(&[&["run", "--wait=60s"], &WILLING[..1], &ANSWERS[..]].concat());
    let warned = ran.stderr.find("This caller is not allowed to perform iam:CreateRole.");
    let changed = ran.stderr.find("Created the user");
    assert!(warned.is_some() && warned < changed, "{}", ran.stderr);
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
    let mut walk = |cloud: &str, email: &str, runs: &[&[&str]]| {
        let env = TestEnv::new(cloud);
        for more in runs {
            let answers = [email, "--given-name=Ada", "--family-name=Lovelace"];
            env.json(&[&["run"], &WILLING[..], &answers[..], more].concat());
        }
        env.json(&["doctor"]);
        env.empty_buckets();
        env.json(&["undo", "--yes"]);
        let calls = env.server.calls();
        let signed = |call: &&CallLine| !matches!(call.service.as_str(), "sts" | "sso" | "sso-oidc");
        used.extend(calls.iter().filter(signed).map(action));
    };
    let (ada, admin) = ("--email=ada@example.com", "--email=admin@example.com");
    walk("fresh", ada, &[&["--create-trail"], &["--create-trail"]]);
    walk("half-done", admin, &[&[]]);
    let another_policy = [
        "--permission-set=AdministratorAccess",
        "--policy=ReadOnlyAccess",
        "--session-duration=4h",
    ];
    walk(
        "complete",
        admin,
        &[&[&another_policy[..], &["--update=permission-set"]].concat()],
    );
    walk("no-permission-sets", ada, &[&["--enable-permission-sets"]]);
    walk("delegated-admin", ada, &[&[]]);
    let beyond: Vec<&String> = used.difference(&allowed).collect();
    assert!(beyond.is_empty(), "not in the policy: {beyond:?}");
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
    let ran = Ran::of(command.output().unwrap()).expect(0);
    assert!(
        ran.stdout.contains("arn:aws-us-gov:iam::*:role/aws-reserved"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("arn:aws:"), "{}", ran.stdout);
}

/// Runs the binary with these environment variables instead of the root user's credentials.
fn with_keys(env: &TestEnv, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = env.command(args);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    Ran::of(command.output().unwrap())
}

#[test]
fn access_keys_of_root_are_rejected_unless_they_are_allowed() {
    let env = TestEnv::new("enabled");
    let keys = [
        ("AWS_ACCESS_KEY_ID", env.credentials.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", env.credentials.secret_access_key.as_str()),
    ];
    for command in ["run", "status", "plan"] {
        let ran = with_keys(&env, &[command, "--non-interactive"], &keys).expect(4);
        let ran = ran.says("access keys of the root user");
        assert!(ran.stderr.contains("--allow-root-keys"), "{}", ran.stderr);
    }
    with_keys(&env, &["doctor"], &keys)
        .expect(4)
        .says("access keys of the root user");
    assert!(!env.state_file().exists());
    let ran = with_keys(&env, &["doctor", "--allow-root-keys"], &keys).expect(0);
    assert!(ran.stdout.contains("with a long-term access key"), "{}", ran.stdout);
    with_keys(
        &env,
        &[&["run", "--allow-root-keys"], &WILLING[..], &ANSWERS[..]].concat(),
        &keys,
    )
    .expect(0);
}

#[test]
fn without_credentials_the_ways_to_sign_in_are_listed_best_first() {
    let env = TestEnv::new("fresh");
    let ran = with_keys(&env, &["run", "--non-interactive"], &[]).expect(4);
    let at = |words: &str| {
        ran.stderr
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {}", ran.stderr))
    };
    assert!(at("aws login") < at("AWS CloudShell") && at("AWS CloudShell") < at("--profile NAME"));
    assert!(at("--profile NAME") < at("idc-setup rehearse"));
    let ran = with_keys(&env, &["doctor"], &[]).expect(4);
    assert!(ran.stdout.contains("aws login"), "{}", ran.stdout);
    assert!(ran.stdout.contains("aws files"), "{}", ran.stdout);
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
        let ran = with_keys(&env, &["run", "--non-interactive", "--profile", profile], &[]).expect(4);
        assert!(ran.stderr.contains(command), "{profile}: {}", ran.stderr);
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
    let ran = with_keys(&env, &["doctor"], &keys).expect(4);
    assert!(ran.stdout.contains("unset AWS_ACCESS_KEY_ID"), "{}", ran.stdout);
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
        let ran = with_keys(&env, &["run", "--non-interactive"], &variables).expect(2);
        assert!(
            ran.stderr.contains(&format!("{name} is http://198.51.100.7:4566")),
            "{}",
            ran.stderr
        );
        with_keys(&env, &["doctor"], &variables).expect(3).says("plain http");
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
        let ran = Ran::of(command.output().unwrap()).expect(2);
        assert!(ran.stderr.contains("endpoint_url of profile far"), "{}", ran.stderr);
    }
    assert!(env.server.calls().is_empty());
}

#[test]
fn doctor_names_files_that_cannot_be_used() {
    let env = TestEnv::new("enabled");
    let home = env.home.path();
    std::fs::create_dir_all(home.join(".aws/sso/cache")).unwrap();
    std::fs::write(home.join(".aws/config"), "[default\nregion = us-east-1\n").unwrap();
    let ran = env.json(&["doctor"]).expect(3);
    let files = row(&ran, "aws_files");
    assert!(files["message"].as_str().unwrap().contains("config line 1"), "{files}");
    std::fs::write(home.join(".aws/config"), "").unwrap();
    #[cfg(unix)]
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
