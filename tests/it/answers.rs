//! Precedence of answers: flag, environment variable, answers file, saved answer, existing value, default.

use idc_sim::{Account, FaultKind, ServiceError};

use super::support::{ANSWERS, NON_INTERACTIVE, TestEnv};

#[test]
fn flags_override_variables_then_the_answers_file_then_saved_answers() {
    let mut env = TestEnv::new("enabled");
    std::fs::write(
        env.path("idc.toml"),
        "email = \"file@example.com\"\ngiven-name = \"File\"\nfamily-name = \"File\"\ngroup = \"Filers\"\n",
    )
    .unwrap();
    env.set("IDC_SETUP_EMAIL", "variable@example.com");
    env.set("IDC_SETUP_GIVEN_NAME", "Variable");
    let args = [
        "run",
        "--non-interactive",
        "--wait=60s",
        "--answers=idc.toml",
        "--email=flag@example.com",
    ];
    env.json(&args).expect(0);
    let cloud = env.server.cloud();
    let user = cloud.instances[0].store.users.values().next().unwrap();
    assert_eq!(user.email(), Some("flag@example.com"));
    assert_eq!(
        user.attributes["Name"],
        serde_json::json!({"GivenName": "Variable", "FamilyName": "File"})
    );
    assert_eq!(user.attributes["DisplayName"], "Variable File");
    assert_eq!(
        cloud.instances[0].store.groups.values().next().unwrap().display_name,
        "Filers"
    );
}

#[test]
fn a_saved_answer_keeps_its_precedence() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--session-duration=4h"]).expect(0);
    // A saved explicit answer is still explicit, so a permission set that was changed since is different.
    env.server.cloud().permission_sets[0].session_duration = "PT1H".to_owned();
    let result = env.json(&["status"]).expect(5);
    assert_eq!(result.step("permission-set")["state"], "different");
    assert!(
        result.step("permission-set")["summary"]
            .as_str()
            .unwrap()
            .contains("instead of 4h")
    );
    // A default is not an answer, so the existing value takes precedence in every later run.
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    env.server.cloud().permission_sets[0].session_duration = "PT2H".to_owned();
    env.json(&["status"]).expect(0);
}

#[test]
fn every_answer_is_applied_to_its_resource_or_setting() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[
        "--username=ada",
        "--display-name=Countess",
        "--group=EKS-Walkthrough",
        "--policy=job-function/Billing",
        "--permission-set=Bills",
        "--session-duration=8h",
        "--sso-session=work",
        "--cli-profile=bills",
        "--cli-region=eu-central-1",
        "--cli-output=table",
        "--skip=sign-in",
    ])
    .expect(3);
    let cloud = env.server.cloud();
    let store = &cloud.instances[0].store;
    assert_eq!(store.users.values().next().unwrap().name(), "ada");
    assert_eq!(
        store.users.values().next().unwrap().attributes["DisplayName"],
        "Countess"
    );
    assert_eq!(store.groups.values().next().unwrap().display_name, "EKS-Walkthrough");
    let set = &cloud.permission_sets[0];
    assert_eq!((set.name.as_str(), set.session_duration.as_str()), ("Bills", "PT8H"));
    assert_eq!(set.managed_policies, ["arn:aws:iam::aws:policy/job-function/Billing"]);
    let config = env.config();
    let expected = "[sso-session work]\nsso_start_url = https://d-9067aabbcc.awsapps.com/start\nsso_region = us-east-1\n\
                    sso_registration_scopes = sso:account:access\n\n[profile bills]\nsso_session = work\n\
                    sso_account_id = 123456789012\nsso_role_name = Bills\nregion = eu-central-1\noutput = table\n";
    assert_eq!(config, expected);
}

#[test]
fn users_of_an_external_identity_source_are_looked_up_and_never_created() {
    let env = TestEnv::new("enabled");
    let result = env.run_setup(&["--identity-source=external"]).expect(3);
    assert_eq!(result.step("create-user")["state"], "blocked");
    assert_eq!(result.step("create-group")["state"], "blocked");
    assert!(env.server.cloud().instances[0].store.users.is_empty());
    let env = TestEnv::new("complete");
    env.json(&["run", "--non-interactive", "--wait=60s", "--identity-source=external"])
        .expect(0);
}

#[test]
fn a_custom_portal_url_is_used_and_a_wrong_one_is_detected() {
    let env = TestEnv::new("complete");
    let wrong = [
        "run",
        "--non-interactive",
        "--start-url=https://wrong.awsapps.com/start",
    ];
    let result = env.json(&wrong).expect(3);
    assert_eq!(result.step("access-portal")["state"], "blocked");
    // The wrong URL was not written to the config, so the right one needs no `--update`.
    assert!(!env.path(".aws/config").exists());
    let right = "https://ssoins-7223a1b2c3d4e5f6.portal.us-east-1.app.aws";
    let args = ["run", "--non-interactive", "--wait=60s", "--start-url", right];
    env.json(&args).expect(0);
    assert!(env.config().contains(right));
}

#[test]
fn a_portal_that_answers_only_at_another_url_format_is_found() {
    let env = TestEnv::new("complete");
    let error = ServiceError::new("InvalidRequestException", "Invalid startUrl");
    env.fault("StartDeviceAuthorization", 1, FaultKind::Refuse(error));
    let result = env.json(&["run", "--non-interactive", "--wait=60s"]).expect(0);
    let address = result.step("access-portal")["evidence"]["start_url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(address, "https://ssoins-7223a1b2c3d4e5f6.portal.us-east-1.app.aws");
}

#[test]
fn a_new_answer_revokes_a_contradicting_saved_answer() {
    let env = TestEnv::new("enabled");
    env.run_setup(&["--assign-to=group", "--only=create-user"]).expect(3);
    let result = env
        .json(&["run", "--non-interactive", "--wait=60s", "--no-group"])
        .expect(0);
    assert_eq!(result.step("create-group")["state"], "skipped");
    assert_eq!(env.state()["answers"]["assign-to"], serde_json::Value::Null);
    let result = env
        .json(&["run", "--non-interactive", "--wait=60s", "--group=Ops"])
        .expect(0);
    assert_eq!(result.step("create-group")["state"], "done");
    assert_eq!(env.server.cloud().assignments.len(), 2);
    env.json(&["run", "--non-interactive", "--group=Ops", "--no-group"])
        .expect(2)
        .expect_text("contradict");
}

#[test]
fn a_missing_region_is_requested_only_if_no_instance_exists() {
    let mut env = TestEnv::new("fresh");
    env.set("AWS_REGION", "");
    let result = env.run_setup(&[]).expect(2);
    assert!(
        result.envelope()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--identity-center-region")
    );
    env.run_setup(&["--identity-center-region=ap-southeast-6"]).expect(0);
    assert_eq!(env.server.cloud().instances[0].region, "ap-southeast-6");
    let mut env = TestEnv::new("other-region");
    env.set("AWS_REGION", "");
    env.run_setup(&[]).expect(0);
}

#[test]
fn the_region_of_the_last_run_or_of_a_profile_is_the_default() {
    let mut env = TestEnv::new("fresh");
    env.set("AWS_REGION", "");
    env.write_config("[default]\nregion = eu-north-1\n");
    env.run_setup(&[]).expect(0);
    assert_eq!(env.server.cloud().instances[0].region, "eu-north-1");
    std::fs::write(env.path(".aws/config"), "").unwrap();
    let last = std::fs::read_to_string(env.path(".local/state/idc-setup/last.json")).unwrap();
    assert!(last.contains("eu-north-1"), "{last}");
    let calls = env.server.calls().len();
    env.json(&["status"]);
    assert_eq!(env.server.calls()[calls].region, "eu-north-1");
}

#[test]
fn suggested_commands_keep_the_state_file() {
    let env = TestEnv::new("enabled");
    let file = format!("--state={}", env.path("its own.json").display());
    let quoted = format!("--state '{}'", env.path("its own.json").display());
    let result = env
        .run(&[&["run", &file, "--group=Ops"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat())
        .expect(0);
    assert!(
        result.stdout.contains(&format!("idc-setup {quoted} --create-trail")),
        "{}",
        result.stdout
    );
    let second = env.json(&["run", &file, "--non-interactive"]).expect(0);
    second.envelope();
    assert!(
        second.stdout.contains(&format!("idc-setup {quoted} --create-trail")),
        "{}",
        second.stdout
    );
}

#[test]
fn the_region_flag_sets_the_region_of_calls_and_the_default_for_identity_center() {
    for (args, enabled) in [
        (&["--region=eu-west-1"][..], "eu-west-1"),
        (
            &["--region=eu-west-1", "--identity-center-region=eu-north-1"][..],
            "eu-north-1",
        ),
    ] {
        let env = TestEnv::new("fresh");
        env.run_setup(args).expect(0);
        let first = env.server.calls().remove(0);
        assert_eq!(
            (first.operation.as_str(), first.region.as_str()),
            ("GetCallerIdentity", "eu-west-1")
        );
        assert_eq!(env.server.cloud().instances[0].region, enabled);
    }
}

#[test]
fn another_account_of_the_organization_can_be_assigned() {
    let env = TestEnv::new("enabled");
    env.server
        .cloud()
        .accounts
        .push(Account::new("210987654321", "Second", "second@example.com"));
    let result = env.run_setup(&["--account=210987654321"]).expect(0);
    let caller = result.step("sign-in")["evidence"]["signed_in_as"].clone();
    assert!(
        caller
            .as_str()
            .unwrap()
            .starts_with("arn:aws:sts::210987654321:assumed-role/"),
        "{caller}"
    );
    let assignments = env.server.cloud().assignments.clone();
    assert_eq!(assignments.len(), 1);
    assert_eq!(assignments[0].account, "210987654321");
    assert!(env.config().contains("sso_account_id = 210987654321"));
}

#[test]
fn a_delegated_administrator_cannot_assign_the_management_account() {
    let env = TestEnv::new("delegated-admin");
    let result = env.run_setup(&["--account=999999999999"]).expect(3);
    let step = result.step("account-assignment");
    assert_eq!(step["state"], "blocked");
    assert!(
        step["summary"]
            .as_str()
            .unwrap()
            .contains("can't assign access to the management account 999999999999"),
        "{step}"
    );
    assert!(
        step["next"].to_string().contains("use credentials of account"),
        "{step}"
    );
    let calls = env.server.calls();
    assert!(!calls.iter().any(|call| call.operation == "CreateAccountAssignment"));
}

#[test]
fn a_confirmed_access_portal_counts_as_done_in_later_commands_too() {
    let env = TestEnv::new("complete");
    // Step 8 would prove that the portal works.
    let run = [
        "run",
        "--non-interactive",
        "--skip=sign-in",
        "--email=admin@example.com",
    ];
    let state = |args: &[&str]| env.json(args).step("access-portal")["state"].clone();
    assert_eq!(state(&run), "waiting_for_person");
    assert_eq!(state(&[&run[..], &["--confirm=access-portal"]].concat()), "done");
    assert_eq!(state(&["status"]), "done");
    assert_eq!(env.state()["attestations"]["access-portal"]["proved"], false);
}
