//! What `--update` has changed of what was found is put back by undo; and a property over many accounts: after a run, with
//! or without updates, and an undo, the account and the file are what they were.

use idc_setup::rehearsal::{FaultKind, Refusal, World, worlds};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};

use super::support::{Ran, Stage, WILLING, is_mutating};
use super::undo::lasting;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const BILLING: &str = "arn:aws:iam::aws:policy/job-function/Billing";

const UPDATE: [&str; 6] = [
    "run",
    "--non-interactive",
    "--wait=60s",
    "--email=admin@example.com",
    "--session-duration=8h",
    "--update=permission-set",
];

/// Everything is there, with a permission set that says something else than what will be asked for.
pub fn other_set() -> World {
    let mut world = worlds::named("complete").unwrap();
    world.permission_sets[0].managed_policies = vec![BILLING.to_owned(), READ_ONLY.to_owned()];
    "PT4H".clone_into(&mut world.permission_sets[0].session_duration);
    for role in &mut world.roles {
        role.managed_policies = vec![BILLING.to_owned(), READ_ONLY.to_owned()];
    }
    world
}

/// Policies in any order: AWS tells them in the order in which they were attached.
fn as_it_stands(stage: &Stage) -> Value {
    let mut world = lasting(&stage.server.world());
    for name in ["permission_sets", "roles"] {
        for thing in world[name].as_array_mut().unwrap() {
            let policies = thing["managed_policies"].as_array_mut().unwrap();
            policies.sort_by_key(|policy| policy.as_str().unwrap_or_default().to_owned());
        }
    }
    world
}

fn undo(stage: &Stage, more: &[&str]) -> Ran {
    stage.json(&[&["undo", "--yes"], more].concat())
}

fn row(ran: &Ran, kind: &str) -> Value {
    let envelope = ran.envelope();
    let mut rows = envelope["removals"].as_array().unwrap().iter();
    let found = rows.find(|removal| removal["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {envelope:#}")).clone()
}

#[test]
fn a_permission_set_that_was_found_says_again_what_it_said_before_the_update() {
    let stage = Stage::with(other_set());
    let before = as_it_stands(&stage);
    stage.json(&UPDATE).expect(0);
    assert_ne!(as_it_stands(&stage), before);
    let ran = undo(&stage, &[]).expect(0);
    let restored = row(&ran, "permission-set");
    assert_eq!(
        (&restored["verdict"], &restored["how"]),
        (&json!("restored"), &json!("found"))
    );
    let command = restored["command"].as_str().unwrap();
    for part in [
        "--session-duration PT4H",
        "attach-managed-policy-to-permission-set --region us-east-1 --instance-arn",
        &format!("--managed-policy-arn {READ_ONLY}"),
        &format!("--managed-policy-arn {ADMINISTRATOR}"),
        "provision-permission-set",
    ] {
        assert!(command.contains(part), "{part}: {command}");
    }
    assert_eq!(as_it_stands(&stage), before, "the set and its roles");
    let kept = stage.state();
    assert_eq!(kept["intents"], json!([]));
    assert!(kept["replaced"].is_null(), "{:#}", kept["replaced"]);
    let attachments = kept["resources"].as_array().unwrap().iter();
    assert_eq!(
        attachments.filter(|kept| kept["kind"] == "policy-attachment").count(),
        0
    );
}

#[test]
fn putting_back_can_be_killed_at_every_change_and_done_again() {
    let whole = Stage::with(other_set());
    whole.json(&UPDATE).expect(0);
    whole.server.clear_calls();
    undo(&whole, &[]).expect(0);
    let changes: Vec<_> = whole.server.calls().into_iter().filter(is_mutating).collect();
    let names: Vec<&str> = changes.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(
        names,
        [
            "AttachManagedPolicyToPermissionSet",
            "AttachManagedPolicyToPermissionSet",
            "UpdatePermissionSet",
            "DetachManagedPolicyFromPermissionSet",
            "ProvisionPermissionSet"
        ]
    );
    for (n, operation) in names.iter().enumerate() {
        let nth = 1 + u32::try_from(names[..n].iter().filter(|other| *other == operation).count()).unwrap();
        for is_before in [true, false] {
            let stage = Stage::with(other_set());
            let before = as_it_stands(&stage);
            stage.json(&UPDATE).expect(0);
            stage.kill_at(&["undo", "--yes"], operation, nth, is_before);
            let what = format!("{operation} {nth} before={is_before}");
            let ran = undo(&stage, &[]);
            assert_eq!(ran.code, 0, "{what}: {}", ran.summary());
            assert_eq!(as_it_stands(&stage), before, "{what}");
            assert_eq!(stage.state()["intents"], json!([]), "{what}");
        }
    }
}

#[test]
fn an_update_that_was_killed_is_put_back_too() {
    for (operation, is_before) in [
        ("UpdatePermissionSet", false),
        ("AttachManagedPolicyToPermissionSet", false),
        ("DetachManagedPolicyFromPermissionSet", true),
        ("ProvisionPermissionSet", true),
        ("ProvisionPermissionSet", false),
    ] {
        let stage = Stage::with(other_set());
        let before = as_it_stands(&stage);
        stage.kill_at(&UPDATE, operation, 1, is_before);
        let ran = undo(&stage, &[]);
        assert_eq!(ran.code, 0, "{operation} {is_before}: {}", ran.summary());
        assert_eq!(as_it_stands(&stage), before, "{operation} {is_before}");
    }
}

#[test]
fn what_somebody_has_changed_since_the_update_is_left() {
    let stage = Stage::with(other_set());
    stage.json(&UPDATE).expect(0);
    stage.server.world().permission_sets[0].session_duration = "PT2H".to_owned();
    let ran = undo(&stage, &[]).expect(5);
    let changed = row(&ran, "permission-set");
    assert_eq!(changed["verdict"], "changed");
    assert!(
        changed["why"].as_str().unwrap().contains("session-duration"),
        "{changed}"
    );
    assert_eq!(stage.server.world().permission_sets[0].session_duration, "PT2H");
    // A policy that somebody has added is theirs in any case.
    let security = "arn:aws:iam::aws:policy/SecurityAudit".to_owned();
    stage.server.world().permission_sets[0]
        .managed_policies
        .push(security.clone());
    undo(&stage, &["--include-changed"]).expect(0);
    let world = stage.server.world();
    let set = &world.permission_sets[0];
    assert_eq!(set.session_duration, "PT4H");
    assert!(set.managed_policies.contains(&security) && set.managed_policies.contains(&READ_ONLY.to_owned()));
    assert!(!set.managed_policies.contains(&ADMINISTRATOR.to_owned()));
}

#[test]
fn a_policy_that_a_colleague_attached_in_the_same_moment_is_theirs() {
    let stage = Stage::with(other_set());
    let before = as_it_stands(&stage);
    let slow = FaultKind::Delay(std::time::Duration::from_secs(3));
    stage.fault("AttachManagedPolicyToPermissionSet", 1, slow);
    let mut run = stage.spawn(&UPDATE);
    // What is remembered is written down right before the call.
    let is_begun = || {
        let text = std::fs::read_to_string(stage.state_file()).unwrap_or_default();
        text.contains(&format!("policy {ADMINISTRATOR}"))
    };
    while !is_begun() {
        assert!(run.try_wait().unwrap().is_none(), "it was never begun");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let by_colleague = ADMINISTRATOR.to_owned();
    stage.server.world().permission_sets[0]
        .managed_policies
        .push(by_colleague);
    assert_eq!(run.wait().unwrap().code(), Some(0));
    undo(&stage, &[]).expect(0);
    let mut after = as_it_stands(&stage);
    let policies = after["permission_sets"][0]["managed_policies"].as_array_mut().unwrap();
    assert_eq!(policies.len(), 3, "{policies:?}");
    policies.retain(|policy| policy != ADMINISTRATOR);
    after["roles"] = before["roles"].clone();
    assert_eq!(after, before, "and the rest is as it was");
}

#[test]
fn what_cannot_be_removed_stops_only_what_it_stands_on() {
    let stage = Stage::new("enabled");
    stage.go(&["--create-trail"]).expect(0);
    stage.empty_buckets();
    let denied = Refusal::new("AccessDeniedException", "not yours to delete");
    stage.always("DeletePermissionSet", FaultKind::Refuse(denied));
    let ran = undo(&stage, &[]).expect(4);
    assert_eq!(ran.envelope()["error"]["step"], "permission-set");
    assert!(
        row(&ran, "permission-set")["why"]
            .as_str()
            .unwrap()
            .contains("not yours to delete")
    );
    assert_eq!(row(&ran, "account-assignment")["verdict"], "removed");
    assert_eq!(row(&ran, "group")["verdict"], "remove");
    assert_eq!(row(&ran, "trail")["verdict"], "removed");
    assert_eq!(row(&ran, "bucket")["verdict"], "removed");
    assert!(!stage.path(".aws").exists());
}

#[test]
fn a_bucket_that_somebody_else_may_write_to_is_left() {
    let stage = Stage::new("enabled");
    stage.go(&["--create-trail"]).expect(0);
    for bucket in stage.server.world().buckets.values_mut() {
        bucket.objects.clear();
        bucket.policy = Some(json!({"Version": "2012-10-17", "Statement": []}).to_string());
    }
    let ran = undo(&stage, &[]).expect(5);
    assert_eq!(row(&ran, "bucket")["verdict"], "changed");
    assert_eq!(row(&ran, "bucket")["why"], "somebody has changed its policy");
    assert_eq!(stage.server.world().buckets.len(), 1);
    undo(&stage, &["--include-changed"]).expect(0);
    assert!(stage.server.world().buckets.is_empty());
}

#[test]
fn a_group_that_was_given_a_description_is_left() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    for group in stage.server.world().instances[0].store.groups.values_mut() {
        group.description = Some("everybody who may".to_owned());
    }
    let ran = undo(&stage, &[]).expect(5);
    assert_eq!(row(&ran, "group")["verdict"], "changed");
}

#[test]
fn undo_says_that_a_state_file_was_kept_aside_and_status_forgets_what_is_gone() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    undo(&stage, &[]).expect(0);
    let ran = stage
        .command(&["status"])
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_SESSION_TOKEN")
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.contains("Never looked at"), "{said}");
    assert!(!said.contains("The user Admin is there"), "{said}");
    std::fs::write(stage.state_file(), "{").unwrap();
    stage.run(&["status"]);
    undo(&stage, &[]).expect(1);
    let ran = stage.run(&["undo", "--yes"]).expect(0);
    ran.says("was kept aside");
}

/// An account as people have it: some of it there, some of it saying something else; and a file.
#[derive(Debug, Clone)]
struct Account {
    has_user: bool,
    has_group: bool,
    is_member: bool,
    has_set: bool,
    policies: Vec<&'static str>,
    duration: &'static str,
    is_assigned: bool,
    config: Option<String>,
    with_update: bool,
}

fn account() -> impl Strategy<Value = Account> {
    let policies = proptest::sample::subsequence(vec![READ_ONLY, ADMINISTRATOR, BILLING], 0..=3);
    let there = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let durations = proptest::sample::select(vec!["PT1H", "PT4H", "PT8H"]);
    (there, policies, durations, config(), any::<bool>()).prop_map(
        |((has_user, has_group, is_member, has_set, is_assigned), policies, duration, config, with_update)| Account {
            has_user,
            has_group,
            is_member: is_member && has_user && has_group,
            has_set,
            is_assigned: is_assigned && has_set && has_group && !policies.is_empty(),
            policies,
            duration,
            config,
            with_update,
        },
    )
}

/// No file, or one where the profile and the session may be there, and say something else.
fn config() -> impl Strategy<Value = Option<String>> {
    let other = "[profile other]\nregion = eu-west-1";
    let session = "[sso-session my-sso]\nsso_start_url = https://elsewhere.awsapps.com/start\nsso_region=eu-west-1";
    let profile = "# mine\n[profile eks-walkthrough]\nregion   = eu-west-1 # here\ncli_pager =";
    let parts = proptest::sample::subsequence(vec![other, session, profile], 0..=3).prop_shuffle();
    (parts, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(parts, has_end, is_crlf, is_there)| {
        let text = parts.join("\n\n") + if has_end && !parts.is_empty() { "\n" } else { "" };
        is_there.then(|| if is_crlf { text.replace('\n', "\r\n") } else { text })
    })
}

impl Account {
    fn world(&self) -> World {
        let mut world = worlds::named("complete").unwrap();
        let policies: Vec<String> = self.policies.iter().map(|policy| (*policy).to_owned()).collect();
        if !self.is_assigned {
            world.assignments.clear();
            world.roles.clear();
        }
        for role in &mut world.roles {
            role.managed_policies.clone_from(&policies);
        }
        if self.has_set {
            let set = &mut world.permission_sets[0];
            set.managed_policies = policies;
            self.duration.clone_into(&mut set.session_duration);
        } else {
            world.permission_sets.clear();
        }
        let store = &mut world.instances[0].store;
        if !self.is_member {
            store.memberships.clear();
        }
        if !self.has_group {
            store.groups.clear();
        }
        if !self.has_user {
            store.users.clear();
        }
        world
    }

    fn is_what_it_was_after_a_run_and_an_undo(&self) {
        let stage = Stage::with(self.world());
        let before = as_it_stands(&stage);
        let path = stage.path(".aws/config");
        if let Some(text) = &self.config {
            std::fs::create_dir_all(stage.path(".aws")).unwrap();
            std::fs::write(&path, text).unwrap();
        }
        let mut args = vec![
            "run",
            "--email=admin@example.com",
            "--given-name=Alex",
            "--family-name=Rivera",
            "--session-duration=8h",
        ];
        args.extend(WILLING);
        if self.with_update {
            args.extend(["--update=permission-set", "--update=cli-profile"]);
        }
        let ran = stage.json(&args);
        if self.with_update {
            assert_eq!(ran.code, 0, "{self:?}: {}", ran.summary());
        }
        let ran = undo(&stage, &[]);
        assert_eq!(ran.code, 0, "{self:?}: {}", ran.summary());
        assert_eq!(as_it_stands(&stage), before, "{self:?}");
        assert_eq!(std::fs::read_to_string(&path).ok(), self.config, "{self:?}");
        let kept = stage.state();
        assert_eq!(kept["intents"], json!([]), "{self:?}");
        assert!(kept["replaced"].is_null(), "{self:?}: {:#}", kept["replaced"]);
        let mut resources = kept["resources"].as_array().unwrap().iter();
        assert!(resources.all(|kept| kept["how"] != "made"), "{self:?}: {kept:#}");
    }
}

#[test]
fn after_a_run_and_an_undo_any_account_is_what_it_was() {
    let is_full = std::env::var_os("FULL_SWEEPS").is_some();
    let mut runner = TestRunner::new_with_rng(
        Cases {
            cases: if is_full { 120 } else { 12 },
            max_shrink_iters: 20,
            ..Cases::default()
        },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let ran = runner.run(&account(), |account| {
        account.is_what_it_was_after_a_run_and_an_undo();
        Ok(())
    });
    if let Err(failure) = ran {
        panic!("{failure}");
    }
}
