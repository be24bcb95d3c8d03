//! boto3 reads the resources that the wizard created in the simulated AWS.

use std::path::PathBuf;
use std::process::Command;

use idc_sim::Identity;
use serde_json::{Value, json};

use super::profiles::{self, cloud_with};
use super::support::{TestEnv, python::python};

const READS: &str = r#"
import boto3, json, sys
store, instance, account = sys.argv[1:4]
users = boto3.client("identitystore")
admin = boto3.client("sso-admin")
user = users.get_user_id(IdentityStoreId=store, AlternateIdentifier={
    "UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "Admin"}})["UserId"]
group = users.get_group_id(IdentityStoreId=store, AlternateIdentifier={
    "UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": "Admins"}})["GroupId"]
described = users.describe_user(IdentityStoreId=store, UserId=user)
members = users.list_group_memberships(IdentityStoreId=store, GroupId=group)["GroupMemberships"]
sets = [arn for page in admin.get_paginator("list_permission_sets").paginate(InstanceArn=instance)
        for arn in page["PermissionSets"]]
set_ = admin.describe_permission_set(InstanceArn=instance, PermissionSetArn=sets[0])["PermissionSet"]
policies = admin.list_managed_policies_in_permission_set(InstanceArn=instance, PermissionSetArn=sets[0])
tags = admin.list_tags_for_resource(InstanceArn=instance, ResourceArn=sets[0])["Tags"]
assignments = admin.list_account_assignments(InstanceArn=instance, AccountId=account, PermissionSetArn=sets[0])
through_profile = boto3.Session(profile_name="admin")
json.dump({
    "email": described["Emails"][0]["Value"],
    "created_by": described["CreatedBy"],
    "members": [m["MemberId"]["UserId"] == user for m in members],
    "set": [set_["Name"], set_["SessionDuration"]],
    "policies": [p["Arn"] for p in policies["AttachedManagedPolicies"]],
    "tags": [t["Key"] for t in tags],
    "assignments": [[a["PrincipalType"], a["PrincipalId"] == group] for a in assignments["AccountAssignments"]],
    "root": boto3.client("sts").get_caller_identity()["Arn"],
    "organization": boto3.client("organizations").describe_organization()["Organization"]["MasterAccountId"],
    "caller": through_profile.client("sts").get_caller_identity()["Arn"],
}, sys.stdout)
"#;

#[test]
fn boto3_reads_the_created_resources_back_and_uses_the_profile() {
    let Some(python) = python() else { return };
    let env = TestEnv::new("fresh");
    let result = env.run_setup(&[]).expect(0);
    let (instance, store) = {
        let cloud = env.server.cloud();
        (cloud.instances[0].arn.clone(), cloud.instances[0].store.id.clone())
    };
    let mut read = run_python(&env, python, &["-c", READS, &store, &instance, "123456789012"]);
    let caller = read.as_object_mut().unwrap().remove("caller").unwrap();
    assert_eq!(
        read,
        json!({
            "email": "ada@example.com",
            "created_by": "arn:aws:iam::123456789012:root",
            "members": [true],
            "set": ["AdministratorAccess", "PT1H"],
            "policies": ["arn:aws:iam::aws:policy/AdministratorAccess"],
            "tags": ["idc-setup:intent"],
            "assignments": [["GROUP", true]],
            "root": "arn:aws:iam::123456789012:root",
            "organization": "123456789012",
        })
    );
    // The caller of the profile, which uses the token that the wizard cached.
    assert_eq!(caller, result.step("sign-in")["evidence"]["signed_in_as"]);
}

const PROFILES: &str = r#"
import boto3, json, sys
names = [name for name in boto3.Session().available_profiles if name != "default"]
accounts = [boto3.Session(profile_name=name).client("sts").get_caller_identity()["Account"] for name in names]
json.dump({"names": names, "accounts": accounts}, sys.stdout)
"#;

#[test]
fn boto3_lists_and_uses_every_profile_of_a_sync() {
    let Some(python) = python() else { return };
    let env = TestEnv::with(cloud_with(&[
        ("222222222222", "$(touch x); ls"),
        ("333333333333", "dev"),
        ("444444444444", "dev"),
        ("555555555555", "[x]\nregion = y"),
    ]));
    env.write_config(profiles::CONFIG);
    env.run(&["profiles", "sync", "--non-interactive", "--yes"]).expect(0);
    let read = run_python(&env, python, &["-c", PROFILES]);
    assert_eq!(read["names"], json!(profiles::names(&env)));
    let accounts = [
        "123456789012",
        "333333333333",
        "444444444444",
        "222222222222",
        "555555555555",
    ];
    assert_eq!(read["accounts"], json!(accounts));
}

/// Runs Python as the root user of the simulated account, and returns the JSON that it prints.
pub fn run_python(env: &TestEnv, python: PathBuf, args: &[&str]) -> Value {
    let output = Command::new(python)
        .args(args)
        .env_clear()
        .env("HOME", env.home.path())
        .env("AWS_ENDPOINT_URL", env.server.url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", &env.credentials.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &env.credentials.secret_access_key)
        .env("AWS_SESSION_TOKEN", &env.credentials.session_token)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn responses_and_errors_of_every_operation_match_the_models_in_boto3() {
    let Some(python) = python() else { return };
    let env = TestEnv::new("enabled");
    env.add_policy("mine", "/");
    let (instance, store, login) = {
        let mut cloud = env.server.cloud();
        let ada = Identity {
            arn: "arn:aws:iam::123456789012:user/ada".to_owned(),
            user_id: "AIDAREHEARSALADA".to_owned(),
            denied: vec!["iam:CreateRole".to_owned()],
            ..cloud.root()
        };
        cloud.issue(ada.clone());
        let region = cloud.region.clone();
        cloud.clusters.push(idc_sim::Cluster::new("demo", region));
        cloud.identities.insert("AKIAREHEARSAL0000001".to_owned(), ada.clone());
        let login = cloud.start_login_session(&ada, None, jiff::Timestamp::now());
        (
            cloud.instances[0].arn.clone(),
            cloud.instances[0].store.id.clone(),
            login,
        )
    };
    let root = env!("CARGO_MANIFEST_DIR");
    let script = format!("{root}/tests/it/python/operations.py");
    let models = format!("{root}/crates/idc-sim/src/protocol/service_models.json");
    let fresh = TestEnv::new("fresh");
    let fresh_account = json!({
        "endpoint_url": fresh.server.url(),
        "aws_access_key_id": fresh.credentials.access_key_id,
        "aws_secret_access_key": fresh.credentials.secret_access_key,
        "aws_session_token": fresh.credentials.session_token,
    })
    .to_string();
    let found = run_python(
        &env,
        python,
        &[
            &script,
            &models,
            &store,
            &instance,
            "123456789012",
            &login,
            &fresh_account,
        ],
    );
    assert_eq!(found["problems"], json!([]), "{found:#}");
    assert!(found["operations"].as_u64().unwrap() >= 190);
}
