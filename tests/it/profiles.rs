//! `profiles`: a profile for each role that the access portal offers.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

use idc_setup::ui::envelope::{Envelope, ProfilesBody};
use idc_sim::{Account, Cloud, FaultKind, ServiceError, scenarios};

use super::json::schema;
use super::support::{RunResult, TestEnv};

/// A file as `aws configure sso` leaves it, and a profile that is not of SSO.
pub const CONFIG: &str = "[default]\nregion = us-east-1\noutput = json\n\n# The company's portal\n[sso-session work]\n\
                      sso_start_url = https://d-9067aabbcc.awsapps.com/start\nsso_region = us-east-1\n\
                      sso_registration_scopes = sso:account:access\n";

/// Returns an organization in which the user has the permission set `AdministratorAccess` in the management account `Example`
/// and in these accounts.
pub fn cloud_with(accounts: &[(&str, &str)]) -> Cloud {
    let mut cloud = scenarios::named("complete").unwrap();
    for (id, name) in accounts {
        cloud.accounts.push(Account::new(*id, *name, "account@example.com"));
        let mut assignment = cloud.assignments[0].clone();
        (*id).clone_into(&mut assignment.account);
        cloud.assignments.push(assignment);
        let mut role = cloud.roles[0].clone();
        (*id).clone_into(&mut role.account);
        cloud.roles.push(role);
    }
    cloud
}

/// Runs the binary without credentials in the environment, with these lines on stdin.
pub fn run(env: &TestEnv, args: &[&str], lines: &str) -> RunResult {
    let mut command = env.command(args);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that reads nothing may have closed its end.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    RunResult::new(child.wait_with_output().unwrap())
}

fn sync(env: &TestEnv, args: &[&str]) -> RunResult {
    run(env, &[&["profiles", "sync", "--non-interactive"], args].concat(), "")
}

fn env_with(accounts: &[(&str, &str)]) -> TestEnv {
    let env = TestEnv::with(cloud_with(accounts));
    env.write_config(CONFIG);
    env
}

/// The names of the profiles in the file, except `default`.
pub fn names(env: &TestEnv) -> Vec<String> {
    let config = env.config();
    let headers = config.lines().filter_map(|line| line.strip_prefix("[profile "));
    headers.map(|name| name.trim_end_matches(']').to_owned()).collect()
}

#[test]
fn every_role_gets_a_profile_and_removing_them_leaves_the_file_as_it_was() {
    let env = env_with(&[("222222222222", "prod eu")]);
    let result = sync(&env, &["--cli-region=eu-west-1"]).expect(3);
    assert!(
        result.stdout.contains("\n+[profile prod-eu-AdministratorAccess]\n"),
        "{}",
        result.stdout
    );
    assert!(result.stderr.contains("profiles sync"), "{}", result.stderr);
    assert!(result.stderr.contains("--yes"), "{}", result.stderr);
    assert_eq!(env.config(), CONFIG, "nobody agreed");
    sync(&env, &["--cli-region=eu-west-1", "--yes"]).expect(0);
    let profile = |name: &str, account: &str| {
        format!(
            "\n[profile {name}]\nsso_session = work\nsso_account_id = {account}\nsso_role_name = AdministratorAccess\n\
             region = eu-west-1\nidc_setup_managed = work\n"
        )
    };
    let profiles = [
        profile("Example-AdministratorAccess", "123456789012"),
        profile("prod-eu-AdministratorAccess", "222222222222"),
    ];
    assert_eq!(env.config(), format!("{CONFIG}{}", profiles.concat()));
    let before = env.config();
    sync(&env, &["--yes", "--prune"])
        .expect(0)
        .expect_text("Nothing has to change.");
    assert_eq!(env.config(), before);
    run(&env, &["login", "--cli-profile=prod-eu-AdministratorAccess"], "")
        .expect(0)
        .expect_text("assumed-role/AWSReservedSSO_");
    env.server.clear_calls();
    run(&env, &["profiles", "remove", "--non-interactive", "--yes"], "").expect(0);
    assert_eq!(env.config(), CONFIG);
    assert!(env.server.calls().is_empty());
}

#[test]
fn profiles_whose_role_is_gone_are_removed_only_with_prune_and_only_if_nobody_has_edited_them() {
    let env = env_with(&[("222222222222", "prod"), ("333333333333", "test")]);
    sync(&env, &["--yes"]).expect(0);
    let edited = env.config().replace(
        "[profile test-AdministratorAccess]\n",
        "[profile test-AdministratorAccess]\noutput = text\n",
    );
    env.write_config(&edited);
    env.server.cloud().assignments.truncate(1);
    sync(&env, &["--yes"])
        .expect(0)
        .expect_text("no longer offers the roles of prod-AdministratorAccess and test-AdministratorAccess")
        .expect_text("--prune");
    assert_eq!(env.config(), edited);
    let result = sync(&env, &["--yes", "--prune"]).expect(5);
    assert!(
        result.stdout.contains("test-AdministratorAccess is kept.") && result.stdout.contains("has the setting output"),
        "{}",
        result.stdout
    );
    assert_eq!(names(&env), ["Example-AdministratorAccess", "test-AdministratorAccess"]);
}

#[test]
fn removing_profiles_honors_its_filter_and_refuses_the_flags_of_a_sync() {
    let env = env_with(&[("222222222222", "prod"), ("333333333333", "test")]);
    sync(&env, &["--yes"])
        .expect(0)
        .expect_text("+[profile prod-AdministratorAccess]");
    let before = env.config();
    env.server.clear_calls();
    let remove = |args: &[&str]| run(&env, &[&["profiles", "remove", "--non-interactive"], args].concat(), "");
    for flag in ["--template={account}", "--prune", "--cli-region=eu-west-1"] {
        let name = flag.split('=').next().unwrap();
        remove(&[flag, "--yes"]).expect(2).expect_text(&format!(
            "idc-setup profiles remove does not take {name}. It is a flag of "
        ));
    }
    remove(&["--yes", "--filter=account_id=9*"])
        .expect(2)
        .expect_text("--filter matches none of the 3 profiles that idc-setup wrote.");
    remove(&["--filter=account_id=2*"]).expect(3).expect_text("1 to remove");
    assert_eq!(env.config(), before);
    remove(&["--yes", "--filter=account_id=2*"])
        .expect(0)
        .expect_text("1 removed");
    assert_eq!(names(&env), ["Example-AdministratorAccess", "test-AdministratorAccess"]);
    assert!(env.server.calls().is_empty());
    // Only the access portal knows the names of the accounts.
    remove(&["--yes", "--filter=account=TEST"]).expect(0);
    assert_eq!(names(&env), ["Example-AdministratorAccess"]);
    assert!(!env.server.calls().is_empty());
}

#[test]
fn a_filter_that_matches_no_role_is_a_mistake() {
    let env = env_with(&[("222222222222", "Sandbox")]);
    sync(&env, &["--yes", "--filter=account=sandbxo"])
        .expect(2)
        .expect_text("--filter matches none of your 2 roles. An account with a similar name is Sandbox.");
    assert_eq!(env.config(), CONFIG);
    sync(&env, &["--yes", "--filter=account=sandbox"]).expect(0);
    assert_eq!(names(&env), ["Sandbox-AdministratorAccess"]);
}

#[test]
fn the_session_remembers_the_template_and_nothing_is_renamed_without_one() {
    let env = env_with(&[("222222222222", "prod")]);
    sync(&env, &["--yes", "--filter=account=prod", "--template={account}"]).expect(0);
    assert!(
        env.config().contains("\nidc_setup_template = {account}\n"),
        "{}",
        env.config()
    );
    sync(&env, &["--yes"]).expect(0).expect_text("1 new, 1 unchanged");
    assert_eq!(names(&env), ["prod", "Example"]);
    // A new name of an account is no reason to rename a profile that is in use.
    for account in &mut env.server.cloud().accounts {
        if account.id == "222222222222" {
            "production".clone_into(&mut account.name);
        }
    }
    sync(&env, &["--yes"]).expect(0).expect_text("Nothing has to change.");
    sync(&env, &["--yes", "--template={account}"])
        .expect(0)
        .expect_text("prod becomes production.");
    sync(&env, &["--yes", "--template={account}-{permission_set}"]).expect(0);
    assert!(!env.config().contains("idc_setup_template"), "{}", env.config());
    sync(&env, &["--yes", "--template={account}"]).expect(0);
    run(&env, &["profiles", "remove", "--non-interactive", "--yes"], "").expect(0);
    assert_eq!(env.config(), CONFIG);
}

#[test]
fn what_yes_agrees_to_is_shown_and_quiet_shows_counts_only() {
    let env = env_with(&[("222222222222", "prod")]);
    let result = sync(&env, &["--yes", "--quiet"]).expect(0);
    assert_eq!(result.stdout, "Profiles of the SSO session work: 2 new.\n");
    let result = run(&env, &["profiles", "remove", "--non-interactive", "--yes"], "").expect(0);
    assert!(
        result.stdout.contains("-[profile prod-AdministratorAccess]"),
        "{}",
        result.stdout
    );
}

#[test]
fn filters_and_the_template_decide_about_the_profiles() {
    let env = env_with(&[("222222222222", "prod-a"), ("333333333333", "prod-b")]);
    sync(
        &env,
        &["--yes", "--filter=account=prod-*", "--template={account_id}.admin"],
    )
    .expect(0);
    assert_eq!(names(&env), ["222222222222.admin", "333333333333.admin"]);
    // With another template, the same profiles get other names.
    let result = sync(&env, &["--yes", "--filter=account_id=2*", "--template=aws/{account}"]).expect(0);
    assert!(
        result.stdout.contains("222222222222.admin becomes aws/prod-a."),
        "{}",
        result.stdout
    );
    assert_eq!(names(&env), ["aws/prod-a", "333333333333.admin"]);
    for (flag, words) in [
        ("--filter=prod", "is not a condition"),
        ("--template={name}", "{permission_set}"),
        ("--template=a b", "letters, digits"),
    ] {
        sync(&env, &[flag]).expect(2).expect_text(words);
    }
}

#[test]
fn odd_and_equal_account_names_get_safe_and_different_profile_names() {
    let env = env_with(&[
        ("222222222222", "$(touch x); ls"),
        ("333333333333", "dev"),
        ("444444444444", "dev"),
        ("555555555555", "[x]\nregion = y"),
    ]);
    sync(&env, &["--yes"]).expect(0);
    assert_eq!(
        names(&env),
        [
            "Example-AdministratorAccess",
            "dev-333333333333-AdministratorAccess",
            "dev-444444444444-AdministratorAccess",
            "touch-x-ls-AdministratorAccess",
            "x-region-y-AdministratorAccess",
        ]
    );
}

#[test]
fn a_profile_of_the_user_is_not_touched() {
    let env = env_with(&[("222222222222", "prod")]);
    let mine = "\n[profile prod-AdministratorAccess]\nrole_arn = arn:aws:iam::222222222222:role/x\n\n[profile me]\n\
                sso_session = work\nsso_account_id = 123456789012\nsso_role_name = AdministratorAccess\n";
    env.write_config(format!("{CONFIG}{mine}"));
    std::fs::write(
        env.path(".aws/credentials"),
        "[prod-AdministratorAccess-222222222222]\nx = y\n",
    )
    .unwrap();
    sync(&env, &["--yes", "--prune"])
        .expect(0)
        .expect_text("me already gives AdministratorAccess in Example (123456789012).");
    assert!(env.config().starts_with(&format!("{CONFIG}{mine}")), "{}", env.config());
    assert_eq!(
        names(&env),
        [
            "prod-AdministratorAccess",
            "me",
            "prod-AdministratorAccess-222222222222-2"
        ]
    );
}

#[test]
fn of_several_sessions_one_has_to_be_named() {
    let env = env_with(&[]);
    let other = "\n[sso-session other]\nsso_start_url = https://other.awsapps.com/start\nsso_region = eu-west-1\n\n\
                 [profile mine]\nsso_session = work\n";
    env.write_config(format!("{CONFIG}{other}"));
    sync(&env, &["--yes"])
        .expect(2)
        .expect_text("There are several SSO sessions: other, work.")
        .expect_text("--sso-session NAME");
    sync(&env, &["--yes", "--sso-session=nobody"])
        .expect(2)
        .expect_text("nobody does not exist");
    assert!(env.server.calls().is_empty());
    sync(&env, &["--yes", "--cli-profile=mine"]).expect(0);
    assert!(env.config().contains("idc_setup_managed = work"), "{}", env.config());
    let none = TestEnv::new("complete");
    sync(&none, &[])
        .expect(2)
        .expect_text("There is no SSO session")
        .expect_text("idc-setup join START_URL");
}

#[test]
fn an_expired_token_is_renewed_and_a_revoked_one_leads_to_a_new_sign_in() {
    let env = env_with(&[]);
    sync(&env, &[]).expect(3);
    let path = || {
        let mut files = env.files(".aws/sso/cache").into_iter();
        let is_token = |content: &[u8]| String::from_utf8_lossy(content).contains("accessToken");
        files.find(|(_, content)| is_token(content)).unwrap()
    };
    let (file, content) = path();
    let mut token: serde_json::Value = serde_json::from_slice(&content).unwrap();
    token["expiresAt"] = "2020-01-01T00:00:00Z".into();
    std::fs::write(file, token.to_string()).unwrap();
    env.server.clear_calls();
    sync(&env, &[]).expect(3);
    let operations = || -> Vec<String> { env.server.calls().into_iter().map(|call| call.operation).collect() };
    assert_eq!(operations()[0], "CreateToken");
    assert!(!operations().contains(&"StartDeviceAuthorization".to_owned()));
    let renewed: serde_json::Value = serde_json::from_slice(&path().1).unwrap();
    assert_ne!(renewed["accessToken"], token["accessToken"]);
    assert_ne!(renewed["refreshToken"], token["refreshToken"]);
    env.server.cloud().sessions.clear();
    env.server.clear_calls();
    sync(&env, &[]).expect(3);
    assert!(operations().contains(&"StartDeviceAuthorization".to_owned()));
}

#[test]
fn the_envelope_has_the_profiles_and_the_difference() {
    let env = env_with(&[("222222222222", "prod")]);
    let schema = schema("profiles.v1.json", schemars::schema_for!(Envelope<ProfilesBody>));
    for (args, code, action, is_written) in [
        (&["--output=json"][..], 3, "added", false),
        (&["--output=json", "--yes"], 0, "added", true),
        (&["--output=json", "--yes"], 0, "unchanged", false),
    ] {
        let envelope = sync(&env, args).expect(code).envelope();
        jsonschema::validate(&schema, &envelope).unwrap();
        assert_eq!(envelope["command"], "profiles");
        assert_eq!(envelope["session"], "work");
        assert_eq!(envelope["is_written"], is_written);
        assert_eq!(envelope["profiles"][1]["profile"], "prod-AdministratorAccess");
        assert_eq!(envelope["profiles"][1]["action"], action);
        assert_eq!(envelope["diff"].is_null(), action == "unchanged");
        let note = "Nothing was written. To agree to the difference: idc-setup profiles sync --yes";
        assert_eq!(envelope["notes"].to_string().contains(note), code == 3, "{envelope:#}");
    }
}

#[test]
fn the_difference_is_shown_without_the_values_of_other_tools_before_the_user_agrees() {
    let env = env_with(&[]);
    let secret = "\n[profile keys]\naws_secret_access_key = very-secret\n";
    env.write_config(format!("{CONFIG}{secret}"));
    let args = ["profiles", "sync", "--accessible"];
    // No Region, and no.
    let result = run(&env, &args, ":skip\nn\n").expect(3);
    assert!(
        result.stderr.contains("+[profile Example-AdministratorAccess]"),
        "{}",
        result.stderr
    );
    assert!(result.stderr.contains("+idc_setup_managed = work"), "{}", result.stderr);
    assert!(!result.stderr.contains("very-secret"), "{}", result.stderr);
    assert_eq!(env.config(), format!("{CONFIG}{secret}"));
    run(&env, &args, "eu-west-1\ny\n").expect(0);
    assert!(
        env.config().contains("region = eu-west-1\nidc_setup_managed"),
        "{}",
        env.config()
    );
}

/// Adds permission sets, and assigns them in each account.
fn add_permission_sets(cloud: &mut Cloud, count: usize) {
    let (assignments, roles) = (cloud.assignments.clone(), cloud.roles.clone());
    for n in 0..count {
        let mut set = cloud.permission_sets[0].clone();
        set.arn = format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{n:016x}");
        set.name = format!("Role{n}");
        cloud
            .assignments
            .extend(assignments.iter().cloned().map(|mut assignment| {
                assignment.permission_set.clone_from(&set.arn);
                assignment
            }));
        cloud.roles.extend(roles.iter().cloned().map(|mut role| {
            role.permission_set.clone_from(&set.arn);
            role
        }));
        cloud.permission_sets.push(set);
    }
}

#[test]
fn thousands_of_roles_are_read_and_written_at_once() {
    const NAMES: [&str; 6] = ["dev", "dev", "$(touch x); ls", "[x]\nregion = y", "Ünïcode", "  "];
    let accounts: Vec<(String, &str)> = (0..300)
        .map(|n| (format!("{:012}", 500 + n), NAMES[n % NAMES.len()]))
        .collect();
    let accounts: Vec<(&str, &str)> = accounts.iter().map(|(id, name)| (id.as_str(), *name)).collect();
    let mut cloud = cloud_with(&accounts);
    add_permission_sets(&mut cloud, 6);
    let env = TestEnv::with(cloud);
    env.write_config(CONFIG);
    sync(&env, &["--yes"]).expect(0).expect_text(": 2107 new.");
    // The sign-in, four pages of accounts, and the roles in each account.
    let calls = env.counted_calls();
    assert!(calls.len() <= 3 + 4 + 301, "{} calls", calls.len());
    let names = names(&env);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 2107);
    let is_plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    assert!(names.iter().all(is_plain), "{names:#?}");
    for account in ["000000000500", "000000000505"] {
        let line = format!("sso_account_id = {account}\n");
        assert_eq!(env.config().matches(&line).count(), 7);
    }
    sync(&env, &["--yes", "--cli-region=eu-west-1"])
        .expect(0)
        .expect_text(": 2107 changed.");
    run(&env, &["profiles", "remove", "--non-interactive", "--yes"], "").expect(0);
    assert_eq!(env.config(), CONFIG);
}

#[test]
fn a_session_with_another_region_or_url_is_named_as_such() {
    let env = env_with(&[]);
    let refused = ServiceError::new("InvalidRequestException", "Invalid startUrl");
    env.fault_always("StartDeviceAuthorization", FaultKind::Refuse(refused));
    sync(&env, &["--yes"])
        .expect(1)
        .expect_text("us-east-1 is the wrong Region, or the URL is wrong.")
        .expect_text("Correct the SSO session work")
        .expect_text("idc-setup join START_URL");
    assert_eq!(env.config(), CONFIG);
}

#[test]
fn an_account_whose_roles_are_refused_keeps_its_profiles() {
    let env = env_with(&[("222222222222", "prod")]);
    sync(&env, &["--yes"]).expect(0).expect_text("2 new");
    let before = env.config();
    let refused = ServiceError::new("ForbiddenException", "No access").with_status(403);
    env.fault("ListAccountRoles", 1, FaultKind::Refuse(refused));
    sync(&env, &["--yes", "--prune"])
        .expect(5)
        .expect_text("The access portal refused to list the roles of");
    assert_eq!(env.config(), before);
}

#[test]
fn a_source_profile_of_the_credentials_file_is_not_renamed() {
    let env = env_with(&[]);
    sync(&env, &["--yes"]).expect(0);
    std::fs::write(
        env.path(".aws/credentials"),
        "[x]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = Example-AdministratorAccess\n",
    )
    .unwrap();
    sync(&env, &["--yes", "--template={account}"]).expect(0);
    assert_eq!(names(&env), ["Example-AdministratorAccess"]);
}

#[test]
fn a_user_without_any_account_is_told_what_to_do() {
    let env = env_with(&[]);
    env.server.cloud().assignments.clear();
    sync(&env, &["--yes", "--prune"])
        .expect(1)
        .expect_text("the access portal offers no account to you")
        .expect_text("idc-setup profiles remove --sso-session work")
        .expect_text("Ask an administrator");
    assert_eq!(env.config(), CONFIG);
}
