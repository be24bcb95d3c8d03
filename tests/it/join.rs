//! `join`: profiles for an access portal, with nothing but its URL.

use idc_setup::ui::envelope::{Envelope, ProfilesBody};
use idc_sim::{FaultKind, ServiceError};

use super::json::schema;
use super::profiles::{cloud_with, run};
use super::support::{RunResult, TestEnv};

const URL: &str = "https://d-9067aabbcc.awsapps.com/start";

/// Another URL of the same portal, which has another ID.
const OTHER_URL: &str = "https://ssoins-7223a1b2c3d4e5f6.portal.us-east-1.app.aws";

/// What `aws configure sso` writes, with an SSO session.
const WITH_SESSION: &str = "[sso-session my-company]\n\
    sso_start_url = https://d-9067aabbcc.awsapps.com/start/#/\n\
    sso_region = us-east-1\n\
    sso_registration_scopes = sso:account:access\n\
    [profile AdministratorAccess-123456789012]\n\
    sso_session = my-company\n\
    sso_account_id = 123456789012\n\
    sso_role_name = AdministratorAccess\n\
    region = eu-west-1\n\
    output = json\n";

/// What it writes in the legacy form, without an SSO session.
const LEGACY: &str = "[default]\nregion = eu-west-1\n\n\
    [profile AdministratorAccess-123456789012]\n\
    sso_start_url = https://d-9067aabbcc.awsapps.com/start\n\
    sso_region = us-east-1\n\
    sso_account_id = 123456789012\n\
    sso_role_name = AdministratorAccess\n\
    region = eu-west-1\n\
    output = json\n";

fn join(env: &TestEnv, args: &[&str]) -> RunResult {
    run(env, &[&["join"], args, &["--non-interactive"]].concat(), "")
}

fn env_with(accounts: &[(&str, &str)]) -> TestEnv {
    TestEnv::with(cloud_with(accounts))
}

fn refused() -> FaultKind {
    FaultKind::Refuse(ServiceError::new("InvalidRequestException", "Invalid startUrl"))
}

#[test]
fn a_colleague_needs_only_the_url_of_the_portal() {
    let env = env_with(&[("222222222222", "prod")]);
    let args = [
        URL,
        "--account=222222222222",
        "--role=AdministratorAccess",
        "--cli-region=eu-west-1",
    ];
    join(&env, &args)
        .expect(3)
        .expect_text("+[profile prod-AdministratorAccess]");
    assert!(!env.path(".aws/config").exists(), "nobody agreed");
    let result = join(&env, &[&args[..], &["--yes"]].concat()).expect(0);
    for words in [
        "You are signed in as Admin: AdministratorAccess in prod (222222222222).",
        "export AWS_PROFILE=prod-AdministratorAccess",
        "idc-setup login --cli-profile prod-AdministratorAccess",
        "idc-setup profiles sync --sso-session my-sso",
    ] {
        assert!(result.stdout.contains(words), "{words:?} is not in:\n{}", result.stdout);
    }
    assert_eq!(
        env.config(),
        "[sso-session my-sso]\nsso_start_url = https://d-9067aabbcc.awsapps.com/start\nsso_region = us-east-1\n\
         sso_registration_scopes = sso:account:access\n\n[profile prod-AdministratorAccess]\nsso_session = my-sso\n\
         sso_account_id = 222222222222\nsso_role_name = AdministratorAccess\nregion = eu-west-1\n\
         idc_setup_managed = my-sso\n"
    );
    run(&env, &["login", "--cli-profile=prod-AdministratorAccess"], "")
        .expect(0)
        .expect_text("already signed in");
    // Everything else comes with the sync.
    run(&env, &["profiles", "sync", "--non-interactive", "--yes"], "")
        .expect(0)
        .expect_text("1 new, 1 unchanged");
}

#[test]
fn the_session_and_the_profile_that_aws_configure_sso_wrote_are_used_again() {
    let env = env_with(&[]);
    env.write_config(WITH_SESSION);
    for url in [URL, "d-9067aabbcc", "D-9067AABBCC.awsapps.com/start/#/?tab=accounts"] {
        join(&env, &[url, "--all", "--yes"])
            .expect(0)
            .expect_text("Nothing has to change.")
            .expect_text("export AWS_PROFILE=AdministratorAccess-123456789012");
        assert_eq!(env.config(), WITH_SESSION, "{url}");
    }
}

#[test]
fn a_profile_in_the_legacy_form_gets_the_session() {
    let env = env_with(&[]);
    env.write_config(LEGACY);
    join(&env, &[URL, "--all", "--yes"])
        .expect(0)
        .expect_text("export AWS_PROFILE=AdministratorAccess-123456789012");
    let config = env.config();
    assert!(
        config.starts_with(
            "[default]\nregion = eu-west-1\n\n[profile AdministratorAccess-123456789012]\n\
             sso_account_id = 123456789012\nsso_role_name = AdministratorAccess\nregion = eu-west-1\noutput = json\n\
             sso_session = my-sso\n"
        ),
        "{config}"
    );
    assert!(config.contains("\n[sso-session my-sso]\n"), "{config}");
    assert_eq!(config.matches("[profile ").count(), 1, "{config}");
}

#[test]
fn a_session_with_a_former_url_of_the_portal_gets_the_current_one() {
    let env = env_with(&[]);
    env.write_config(WITH_SESSION);
    let result = join(&env, &[OTHER_URL, "--all"]).expect(3);
    assert!(
        result
            .stderr
            .contains("Another URL of this access portal is in the SSO session my-company."),
        "{}",
        result.stderr
    );
    assert_eq!(env.config(), WITH_SESSION);
    join(&env, &[OTHER_URL, "--all", "--yes"]).expect(0);
    let expected = WITH_SESSION.replace("https://d-9067aabbcc.awsapps.com/start/#/", OTHER_URL);
    assert_eq!(env.config(), expected);
    // Someone who declines gets a session beside the other one.
    env.write_config(WITH_SESSION);
    run(
        &env,
        &["join", OTHER_URL, "--all", "--accessible", "--cli-region=eu-west-1"],
        "n\ny\n",
    )
    .expect(0);
    let config = env.config();
    assert!(config.starts_with(WITH_SESSION), "{config}");
    assert!(config.contains("\n[sso-session my-sso]\n"), "{config}");
}

/// Two sessions and a legacy profile with former URLs of the portal, and a session of another portal.
const FORMER: &str = "# Work\n\
    [sso-session one]\n\
    sso_start_url = https://d-9067aabbcc.awsapps.com/start/#/\n\
    sso_region = us-east-1\n\
    sso_registration_scopes = sso:account:access\n\
    [profile admin]\n\
    sso_session = one\n\
    sso_account_id = 123456789012\n\
    sso_role_name = AdministratorAccess\n\
    region = eu-west-1\n\
    [sso-session two]\n\
    # The custom subdomain that we had once\n\
    sso_start_url = https://example.awsapps.com/start\n\
    sso_region = us-east-1\n\
    [profile prod]\n\
    sso_session = two\n\
    sso_account_id = 222222222222\n\
    sso_role_name = AdministratorAccess\n\
    [profile legacy]\n\
    sso_start_url = https://d-9067aabbcc.awsapps.com/start\n\
    sso_region = us-east-1\n\
    sso_account_id = 333333333333\n\
    sso_role_name = AdministratorAccess\n\
    [sso-session other]\n\
    sso_start_url = https://d-1111111111.awsapps.com/start\n\
    sso_region = eu-west-1\n\
    [profile elsewhere]\n\
    sso_session = other\n\
    sso_account_id = 999999999999\n\
    sso_role_name = Read\n";

#[test]
fn a_new_url_reaches_every_session_and_profile_of_the_portal() {
    let env = env_with(&[("222222222222", "prod"), ("333333333333", "test")]);
    env.write_config(FORMER);
    let args = [OTHER_URL, "--all"];
    let named =
        "Another URL of this access portal is in the SSO session one, the SSO session two and the profile legacy.";
    join(&env, &args).expect(3).expect_text(named);
    assert_eq!(env.config(), FORMER);
    join(&env, &[&args[..], &["--yes"]].concat()).expect(0);
    // The legacy profile gets one of the sessions.
    let (legacy, session) = (
        "sso_start_url = https://d-9067aabbcc.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 333333333333\n\
         sso_role_name = AdministratorAccess\n",
        "sso_account_id = 333333333333\nsso_role_name = AdministratorAccess\nsso_session = one\n",
    );
    let expected = FORMER
        .replace(legacy, session)
        .replace("https://d-9067aabbcc.awsapps.com/start/#/", OTHER_URL)
        .replace("https://example.awsapps.com/start", OTHER_URL);
    assert_eq!(env.config(), expected);
    for (profile, account) in [
        ("admin", "123456789012"),
        ("prod", "222222222222"),
        ("legacy", "333333333333"),
    ] {
        run(&env, &["login", "--cli-profile", profile], "")
            .expect(0)
            .expect_text(&format!("arn:aws:sts::{account}:assumed-role/"));
    }
    join(&env, &[&args[..], &["--yes"]].concat())
        .expect(0)
        .expect_text("Nothing has to change.");
    assert_eq!(env.config(), expected);
}

#[test]
fn a_session_with_an_account_of_another_portal_stays_as_it_is() {
    let env = env_with(&[]);
    let config = format!(
        "{WITH_SESSION}[profile elsewhere]\nsso_session = my-company\nsso_account_id = 999999999999\n\
         sso_role_name = Read\nregion = eu-west-1\n"
    );
    env.write_config(&config);
    join(&env, &[OTHER_URL, "--all", "--yes", "--cli-region=eu-west-1"])
        .expect(0)
        .expect_text("The SSO session my-company with another URL stays as it is");
    assert!(env.config().starts_with(&config), "{}", env.config());
}

#[test]
fn a_named_session_with_a_former_url_gets_the_current_one() {
    let env = env_with(&[]);
    env.write_config(WITH_SESSION);
    join(&env, &[OTHER_URL, "--all", "--yes", "--sso-session=my-company"]).expect(0);
    let expected = WITH_SESSION.replace("https://d-9067aabbcc.awsapps.com/start/#/", OTHER_URL);
    assert_eq!(env.config(), expected);
}

#[test]
fn all_roles_exclude_an_account_and_a_role() {
    let env = env_with(&[]);
    for other in ["--account=123456789012", "--role=AdministratorAccess"] {
        join(&env, &[URL, "--all", other, "--yes"])
            .expect(2)
            .expect_text("exclude each other");
    }
}

#[test]
fn the_wrong_region_is_named_as_such() {
    let env = env_with(&[]);
    env.fault_always("StartDeviceAuthorization", refused());
    join(&env, &[URL, "--all", "--region=eu-west-1"])
        .expect(2)
        .expect_text("eu-west-1 is the wrong Region, or the URL is wrong")
        .expect_text(&format!("idc-setup join {URL} --all"));
    join(&env, &[URL, "--all"])
        .expect(2)
        .expect_text("Identity Center in us-east-1 does not recognize")
        .expect_text("in any Region of the partition aws");
    join(&env, &[URL, "--all", "--region=eu-wset-1"])
        .expect(2)
        .expect_text("the closest match is eu-west-1");
}

#[test]
fn the_region_is_found_by_trying_the_others() {
    let env = env_with(&[]);
    // AWS_REGION is the first guess.
    env.fault("StartDeviceAuthorization", 1, refused());
    join(&env, &[URL, "--all", "--yes"])
        .expect(0)
        .expect_text("Identity Center in us-east-1 does not recognize")
        .expect_text("The Region of Identity Center is af-south-1.");
    assert!(env.config().contains("sso_region = af-south-1"), "{}", env.config());
}

#[test]
fn what_is_not_known_is_asked_or_named_before_anybody_signs_in() {
    let env = env_with(&[]);
    join(&env, &[URL, "--yes"])
        .expect(2)
        .expect_text(" --non-interactive --yes --all\n");
    join(&env, &["--all"])
        .expect(2)
        .expect_text("idc-setup join --all --non-interactive START_URL");
    for (address, words) in [
        ("example.com", "is not a URL like"),
        ("http://example.com", "use https://"),
        ("https://signin.aws.amazon.com/console", "is a page of the console"),
        (
            "us-east-1.signin.aws/platform/d-9067aabbcc/login",
            "IAM Identity Center → Dashboard",
        ),
    ] {
        join(&env, &[address, "--all"]).expect(2).expect_text(words);
    }
    assert!(env.server.calls().is_empty());
    let other = WITH_SESSION.replace("d-9067aabbcc", "d-1111111111");
    env.write_config(other.replace("123456789012", "999999999999"));
    join(&env, &[URL, "--all", "--sso-session=my-company"])
        .expect(2)
        .expect_text("my-company is of another access portal");
}

#[test]
fn the_question_takes_each_form_of_the_url() {
    for typed in ["D-9067AABBCC", "d-9067aabbcc.awsapps.com", URL] {
        let env = env_with(&[]);
        run(
            &env,
            &["join", "--all", "--accessible", "--yes"],
            &format!("{typed}\n\n"),
        )
        .expect(0);
        assert!(
            env.config().contains(&format!("sso_start_url = {URL}\n")),
            "{}",
            env.config()
        );
    }
}

#[test]
fn another_region_of_a_session_is_shown_before_it_is_written() {
    let env = env_with(&[]);
    env.write_config(WITH_SESSION);
    let words = "The SSO session my-company, and all its profiles, get the Region eu-west-1 in place of us-east-1.";
    join(&env, &[URL, "--all", "--region=eu-west-1"])
        .expect(3)
        .expect_text(words)
        .expect_text("+sso_region = eu-west-1");
    assert_eq!(env.config(), WITH_SESSION);
    join(&env, &[URL, "--all", "--region=eu-west-1", "--yes"])
        .expect(0)
        .expect_text(words)
        .expect_text("+sso_region = eu-west-1");
}

#[test]
fn new_profiles_get_the_region_of_the_others_or_of_the_environment() {
    let env = env_with(&[("222222222222", "prod")]);
    env.write_config(LEGACY);
    join(&env, &[URL, "--all", "--yes"]).expect(0);
    // The legacy profile has it.
    let prod = "[profile prod-AdministratorAccess]\nsso_session = my-sso\nsso_account_id = 222222222222\n\
                sso_role_name = AdministratorAccess\nregion = eu-west-1\n";
    assert!(env.config().contains(prod), "{}", env.config());
    let mut env = env_with(&[]);
    env.set("AWS_REGION", "");
    join(&env, &[URL, "--all", "--yes"])
        .expect(0)
        .expect_text("The new profiles have no Region: add --cli-region REGION.");
}

#[test]
fn a_role_that_the_portal_does_not_offer_is_refused() {
    let env = env_with(&[]);
    join(
        &env,
        &[URL, "--account=999999999999", "--role=AdministratorAccess", "--yes"],
    )
    .expect(2)
    .expect_text("such as AdministratorAccess in 123456789012");
    assert!(!env.path(".aws/config").exists());
}

#[test]
fn roles_are_chosen_one_after_the_other() {
    let env = env_with(&[("222222222222", "prod"), ("333333333333", "test")]);
    let lines = "test-AdministratorAccess\nnobody\nprod-AdministratorAccess\nno-more\n:skip\ny\n";
    let result = run(&env, &["join", URL, "--accessible"], lines).expect(0);
    assert!(result.stderr.contains("nobody is none of them."), "{}", result.stderr);
    let config = env.config();
    let profiles: Vec<&str> = config.lines().filter(|line| line.starts_with("[profile ")).collect();
    assert_eq!(
        profiles,
        [
            "[profile prod-AdministratorAccess]",
            "[profile test-AdministratorAccess]"
        ]
    );
    assert!(
        result.stdout.contains("Others        test-AdministratorAccess"),
        "{}",
        result.stdout
    );
}

#[test]
fn roles_are_chosen_by_number_and_all_the_others_at_once() {
    let env = env_with(&[("222222222222", "prod"), ("333333333333", "test")]);
    let result = run(&env, &["join", URL, "--accessible"], "?\n2\n2\n\ny\n").expect(0);
    for words in ["1) All 3 roles", "2) All 2 others", "--account ID and --role NAME"] {
        assert!(result.stderr.contains(words), "{words}: {}", result.stderr);
    }
    assert!(!result.stderr.contains("--cli-profile"), "{}", result.stderr);
    assert_eq!(env.config().matches("[profile ").count(), 3);
    let result = run(&env, &["join", URL, "--accessible"], ":quit\n").expect(3);
    assert!(
        result.stderr.contains("has the profile prod-AdministratorAccess"),
        "{}",
        result.stderr
    );
}

#[test]
fn in_a_terminal_the_roles_are_chosen_from_a_list() {
    use super::support::terminal::Terminal;
    let env = env_with(&[("222222222222", "prod")]);
    let mut terminal = Terminal::start(&env, &["join", URL]);
    // The first row is for all of them.
    terminal.answer("Which role do you want a profile for?", "\r");
    terminal.answer("Region of the new profiles", "x\r");
    // Without the refused text, Enter accepts the default.
    terminal.answer("is not a Region", "\u{7f}\r");
    terminal.answer("Write this to", "y\r");
    assert_eq!(terminal.wait_for_exit(), 0, "{}", terminal.contents());
    assert!(terminal.contents().contains("All set."), "{}", terminal.contents());
    assert_eq!(env.config().matches("[profile ").count(), 2);
    assert!(
        env.config().contains("region = us-east-1\nidc_setup_managed"),
        "{}",
        env.config()
    );
}

#[test]
fn going_back_at_the_first_question_for_roles_does_not_quit() {
    let env = env_with(&[("222222222222", "prod")]);
    // After the first role, it is chosen again.
    let result = run(&env, &["join", URL, "--accessible"], ":b\n2\n:b\n:quit\n").expect(3);
    let nothing = "There is nothing to go back to here.";
    assert_eq!(result.stderr.matches(nothing).count(), 1, "{}", result.stderr);
    assert!(!env.path(".aws/config").exists());
}

#[test]
fn quitting_the_question_for_roles_writes_nothing() {
    let env = env_with(&[("222222222222", "prod")]);
    run(&env, &["join", URL, "--accessible"], ":quit\n")
        .expect(3)
        .expect_text("Stopped. Nothing was written.");
    assert!(!env.path(".aws/config").exists());
}

#[test]
fn access_that_is_not_there_yet_is_reported_after_the_profile_was_written() {
    let env = env_with(&[]);
    env.fault_always(
        "GetRoleCredentials",
        FaultKind::Refuse(ServiceError::new("ForbiddenException", "No access").with_status(403)),
    );
    join(&env, &[URL, "--all", "--yes"])
        .expect(1)
        .expect_text("Example-AdministratorAccess was written, but the portal lists the account")
        .expect_text("idc-setup login --cli-profile Example-AdministratorAccess");
    assert!(env.config().contains("[profile Example-AdministratorAccess]"));
}

#[test]
fn the_envelope_of_join_matches_its_schema() {
    let env = env_with(&[]);
    let schema = schema("profiles.v1.json", schemars::schema_for!(Envelope<ProfilesBody>));
    for (args, code) in [
        (&[URL, "--output=json"][..], 2),
        (&[URL, "--output=json", "--all"], 3),
        (&[URL, "--output=json", "--all", "--yes"], 0),
    ] {
        let envelope = join(&env, args).expect(code).envelope();
        jsonschema::validate(&schema, &envelope).unwrap();
        assert_eq!(envelope["command"], "join");
        assert_eq!(envelope["exit"], code);
    }
    let envelope = join(&env, &[URL, "--output=json", "--all"]).expect(0).envelope();
    assert_eq!(envelope["signed_in_as"]["account"], "123456789012");
    assert_eq!(envelope["region"], "us-east-1");
    assert_eq!(envelope["profiles"][0]["action"], "unchanged");
}
