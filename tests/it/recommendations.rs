//! The three recommendations: every run checks them, the user decides about them, and they do not block the steps.

use idc_sim::{FaultKind, ServiceError, scenarios};
use serde_json::Value;

use super::support::browser::Browser;
use super::support::{NON_INTERACTIVE, TestEnv, is_mutating};

fn only(env: &TestEnv, slug: &str, more: &[&str]) -> super::support::RunResult {
    let only = format!("--only={slug}");
    env.json(&[&["run", "--non-interactive", only.as_str()], more].concat())
}

#[test]
fn recommendations_affect_the_exit_code_only_with_strict() {
    let env = TestEnv::new("fresh");
    let result = env.run_setup(&[]).expect(0);
    let states: Vec<(String, String)> = result.recommendations();
    let expected = [
        ("mfa", "waiting_for_person"),
        ("cloudtrail", "waiting_for_person"),
        ("root-access-keys", "waiting_for_person"),
    ];
    assert_eq!(
        states,
        expected.map(|(slug, state)| (slug.to_owned(), state.to_owned()))
    );
    env.json(&["run", "--non-interactive", "--strict"]).expect(3);
    assert!(env.server.cloud().trails.is_empty());
    env.run(&["status"])
        .expect(0)
        .expect_text("Still recommended: MFA for all users, a CloudTrail trail")
        .expect_text("idc-setup recommend");
    env.run(&["status", "-v"]).expect(0).expect_text("--confirm mfa");
}

#[test]
fn a_recommendation_that_cannot_be_checked_does_not_stop_the_steps() {
    let mut cloud = scenarios::named("enabled").unwrap();
    let mut root = cloud.root();
    root.denied = vec!["iam:GetAccountSummary".to_owned(), "cloudtrail:*".to_owned()];
    let key = cloud.issue(root).access_key_id;
    let mut env = TestEnv::with(cloud);
    env.set("AWS_ACCESS_KEY_ID", &key);
    let result = env.run_setup(&[]).expect(0);
    assert!(result.states().iter().all(|(_, state)| state == "done"));
    assert_eq!(result.step("cloudtrail")["state"], "unknown");
    assert!(
        result.step("root-access-keys")["error"]["message"]
            .as_str()
            .unwrap()
            .contains("Recommendation (Root user): iam:GetAccountSummary")
    );
    env.json(&["run", "--non-interactive", "--strict"]).expect(4);
}

#[test]
fn mfa_is_confirmed_by_the_user_and_shown_with_the_date() {
    let env = TestEnv::new("enabled");
    let result = only(&env, "mfa", &["--confirm=mfa"]).expect(0);
    assert_eq!(result.step("mfa")["origin"], "confirmed");
    let today = env.state()["attestations"]["mfa"]["at"].as_str().unwrap()[..10].to_owned();
    // The confirmation is saved, and shown with its date.
    let result = env.json(&["status", "--only=mfa", "--strict"]).expect(0);
    assert_eq!(result.step("mfa")["evidence"]["confirmed_on"], today);
}

#[test]
fn root_access_keys_and_mfa_are_tasks_for_the_user_and_checked_again() {
    let mut cloud = scenarios::named("enabled").unwrap();
    cloud.root_user.access_keys = true;
    let env = TestEnv::with(cloud);
    let result = only(&env, "root-access-keys", &["--strict"]).expect(3);
    let tasks: Vec<Value> = result.step("root-access-keys")["left_to_do"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[1]["sentence"], "Delete the root user's access keys.");
    let mut browser = Browser::new(&env.server.url());
    browser
        .open(tasks[1]["link"].as_str().unwrap())
        .press("Delete access key", &[])
        .press("Assign MFA device", &[]);
    let result = only(&env, "root-access-keys", &["--strict"]).expect(0);
    assert_eq!(result.step("root-access-keys")["origin"], "existing");
    assert!(!env.server.calls().iter().any(is_mutating));
}

#[test]
fn an_existing_trail_is_sufficient_and_no_second_one_is_created() {
    let env = TestEnv::new("complete");
    let result = only(&env, "cloudtrail", &["--strict", "--create-trail"]).expect(0);
    assert_eq!(result.step("cloudtrail")["origin"], "existing");
    assert!(!env.server.calls().iter().any(is_mutating));
    // A trail that is no longer sufficient is reported.
    env.server.cloud().trails[0].event_selectors =
        serde_json::json!([{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}]);
    let result = env.json(&["status", "--only=cloudtrail", "--strict"]).expect(3);
    assert!(
        result.stdout.contains("none of them records management events"),
        "{}",
        result.stdout
    );
    env.server.cloud().trails[0].event_selectors = serde_json::json!([{"ReadWriteType": "All"}]);
    env.server.cloud().buckets.clear();
    let result = env.json(&["status", "--only=cloudtrail", "--strict"]).expect(5);
    assert!(result.stdout.contains("NoSuchBucket"), "{}", result.stdout);
}

#[test]
fn a_trail_is_created_with_a_private_bucket() {
    for region in ["us-east-1", "eu-west-1"] {
        let mut cloud = scenarios::named("enabled").unwrap();
        region.clone_into(&mut cloud.region);
        region.clone_into(&mut cloud.instances[0].region);
        let mut env = TestEnv::with(cloud);
        env.set("AWS_REGION", region);
        let result = only(&env, "cloudtrail", &["--create-trail", "--strict"]).expect(0);
        assert_eq!(result.step("cloudtrail")["origin"], "created");
        let cloud = env.server.cloud();
        let trail = cloud.trails[0].clone();
        let bucket = cloud.buckets[&trail.bucket].clone();
        drop(cloud);
        assert!(trail.is_multi_region && trail.validates_files && trail.logging_since.is_some());
        assert_eq!((trail.region.as_str(), bucket.region.as_str()), (region, region));
        assert!(bucket.public_access_block.values().all(|blocked| *blocked));
        let policy: Value = serde_json::from_str(bucket.policy.as_deref().unwrap()).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(
                statement["Condition"]["StringEquals"]["aws:SourceArn"],
                trail.arn.as_str()
            );
        }
        let kinds: Vec<String> = env.state()["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| format!("{} {}", resource["kind"], resource["origin"]))
            .collect();
        for kind in ["bucket", "trail"] {
            assert!(kinds.contains(&format!("\"{kind}\" \"created\"")), "{kinds:?}");
        }
        // The next run finds the trail.
        let result = only(&env, "cloudtrail", &["--create-trail", "--strict"]).expect(0);
        assert_eq!(result.step("cloudtrail")["origin"], "created");
        assert_eq!(env.server.cloud().trails.len(), 1);
    }
}

#[test]
fn a_new_trail_is_deleted_if_a_later_call_or_the_log_delivery_fails() {
    let failing = || FaultKind::Refuse(ServiceError::new("OperationNotPermittedException", "not now"));
    let undelivered = || FaultKind::Foreign {
        status: 200,
        content_type: "application/x-amz-json-1.1".to_owned(),
        body: "{\"IsLogging\": true, \"LatestDeliveryError\": \"AccessDenied\"}".to_owned(),
    };
    for (operation, fault, words) in [
        ("StartLogging", failing(), "cloudtrail:StartLogging"),
        ("GetTrailStatus", undelivered(), "was deleted"),
    ] {
        let env = TestEnv::new("enabled");
        env.fault(operation, 1, fault);
        let result = only(&env, "cloudtrail", &["--create-trail", "--strict"]).expect(1);
        let error = result.step("cloudtrail")["error"].clone();
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
        let cloud = env.server.cloud();
        assert!(cloud.trails.is_empty() && cloud.buckets.is_empty(), "{operation}");
        drop(cloud);
        // The next run creates it.
        only(&env, "cloudtrail", &["--create-trail", "--strict"]).expect(0);
        assert_eq!(env.state()["intents"], serde_json::json!([]));
    }
}

#[test]
fn the_next_run_completes_a_trail_whose_creation_was_killed() {
    let args = ["run", "--non-interactive", "--only=cloudtrail", "--create-trail"];
    for operation in [
        "CreateBucket",
        "PutBucketPolicy",
        "CreateTrail",
        "StartLogging",
        "GetTrailStatus",
    ] {
        for before in [true, false] {
            let env = TestEnv::new("enabled");
            env.kill_at(&args, operation, 1, before);
            let result = only(&env, "cloudtrail", &["--create-trail", "--strict"]).expect(0);
            assert_eq!(result.step("cloudtrail")["origin"], "created", "{operation} {before}");
            let cloud = env.server.cloud();
            assert_eq!(
                (cloud.trails.len(), cloud.buckets.len()),
                (1, 1),
                "{operation} {before}"
            );
        }
    }
}

#[test]
fn no_trail_is_created_without_its_own_consent() {
    let env = TestEnv::new("enabled");
    let result = env
        .json(&[&["run", "--yes", "--only=cloudtrail"], &NON_INTERACTIVE[..]].concat())
        .expect(0);
    assert!(!env.server.calls().iter().any(is_mutating));
    // It costs something, but it can be undone.
    let change = &result.step("cloudtrail")["changes"][0];
    assert_eq!(
        (&change["consents"][0], &change["reversible"]),
        (&"create-trail".into(), &true.into())
    );
}
