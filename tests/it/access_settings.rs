//! Access files with many things, and with every kind of setting of a permission set.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use idc_sim::{Cloud, PermissionSet};
use serde_json::Value;

use super::support::settings::{MORE, applied, counts, file, organization};
use super::support::team::{edit, write};
use super::support::{RunResult, TestEnv, is_mutating};

fn permission_set(cloud: &Cloud, name: &str) -> PermissionSet {
    let set = cloud.permission_sets.iter().find(|set| set.name == name);
    set.unwrap().clone()
}

#[test]
fn many_things_are_created_once_and_a_second_apply_changes_nothing() {
    let env = applied(12, 4, 3);
    {
        let cloud = env.server.cloud();
        let (deploy, audit) = (permission_set(&cloud, "Deploy"), permission_set(&cloud, "Audit"));
        assert_eq!(deploy.description.as_deref(), Some("Deployments"));
        assert_eq!(
            deploy.relay_state.as_deref(),
            Some("https://console.aws.amazon.com/ecs")
        );
        assert_eq!(deploy.customer_policies.len(), 2);
        assert_eq!(deploy.customer_policies[1].path, "/team/a/");
        assert!(deploy.inline_policy.as_ref().unwrap().contains("s3:*"));
        assert_eq!(
            audit.boundary.as_ref().unwrap()["ManagedPolicyArn"],
            "arn:aws:iam::aws:policy/job-function/Billing"
        );
        assert_eq!(audit.tags["team"], "audit");
    }
    env.server.clear_calls();
    env.json(&["access", "apply"]).expect(0);
    env.json(&["access", "plan", "--prune"]).expect(0);
    env.json(&["access", "drift"]).expect(0);
    assert!(!env.server.calls().iter().any(is_mutating));
}

/// An edit of the permission set `Admin`.
struct Edit {
    before: &'static str,
    after: &'static str,
    /// Whether roles have the setting, so that it must be provisioned.
    is_in_roles: bool,
}

const fn added(after: &'static str) -> Edit {
    Edit {
        before: MORE,
        after,
        is_in_roles: true,
    }
}

const EDITS: [Edit; 8] = [
    Edit {
        before: "\"4h\"",
        after: "\"8h\"",
        is_in_roles: true,
    },
    added("relay-state = \"https://example.com/\"\n# More."),
    added("description = \"Everything\"\n# More."),
    Edit {
        before: "[\"AdministratorAccess\", \"ReadOnlyAccess\"]",
        after: "[\"job-function/Billing\"]",
        is_in_roles: true,
    },
    added("customer-managed-policies = [\"a/Own\"]\n# More."),
    added("inline-policy = { Statement = [{ Effect = \"Deny\", Action = \"*\", Resource = \"*\" }] }\n# More."),
    added("permissions-boundary = \"customer:Limit\"\n# More."),
    Edit {
        before: MORE,
        after: "tags = { a = \"b\" }\n# More.",
        is_in_roles: false,
    },
];

/// Applies the file. Each role has the latest version afterwards, and nothing is left to do.
fn apply_change(env: &TestEnv, what: &str, is_in_roles: bool) {
    env.server.clear_calls();
    env.json(&["access", "apply"]).expect(0);
    let provisioned = env.server.calls().into_iter();
    let provisioned = provisioned.filter(|call| call.operation == "ProvisionPermissionSet");
    assert_eq!(provisioned.count(), usize::from(is_in_roles), "{what}");
    {
        let cloud = env.server.cloud();
        let set = permission_set(&cloud, "Admin");
        let versions: Vec<&String> = cloud
            .roles
            .iter()
            .filter(|role| role.permission_set == set.arn)
            .map(|role| &role.version)
            .collect();
        assert_eq!(versions, [&set.version(), &set.version()], "{what}");
    }
    env.json(&["access", "plan"]).expect(0);
}

#[test]
fn each_setting_of_a_permission_set_is_changed_and_provisioned_once() {
    let env = applied(1, 1, 2);
    let original = permission_set(&env.server.cloud(), "Admin");
    for change in EDITS {
        edit(&env, change.before, change.after);
        apply_change(&env, change.after, change.is_in_roles);
    }
    {
        let set = permission_set(&env.server.cloud(), "Admin");
        assert_eq!(set.session_duration, "PT8H");
        assert_eq!(set.relay_state.as_deref(), Some("https://example.com/"));
        assert_eq!(set.description.as_deref(), Some("Everything"));
        assert_eq!(set.managed_policies, ["arn:aws:iam::aws:policy/job-function/Billing"]);
        assert_eq!(set.customer_policies[0].name, "Own");
        assert!(set.inline_policy.unwrap().contains("Deny"));
        assert_eq!(set.boundary.unwrap()["CustomerManagedPolicyReference"]["Name"], "Limit");
        assert_eq!(set.tags["a"], "b");
    }
    // Back to the first one, without what was added in the meantime.
    write(&env, &file(1, 1, 2));
    apply_change(&env, "back", true);
    let set = permission_set(&env.server.cloud(), "Admin");
    assert_eq!(set.version(), original.version());
    assert_eq!(set.tags, original.tags);
}

/// The texts of the drift of this kind.
fn drift_of(result: &RunResult, kind: &str) -> Vec<String> {
    let envelope = result.envelope();
    let drift = envelope["drift"].as_array().unwrap().iter();
    let of_kind = drift.filter(|one| one["kind"] == kind);
    of_kind.map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_someone_else_changed_is_named_by_drift_and_restored_by_apply() {
    let env = applied(2, 1, 1);
    let before = permission_set(&env.server.cloud(), "Deploy");
    for set in &mut env.server.cloud().permission_sets {
        if set.name == "Deploy" {
            set.inline_policy = Some(r#"{"Statement": [{"Effect": "Deny"}]}"#.to_owned());
        }
    }
    let drift = env.json(&["access", "drift"]).expect(5);
    let changed = drift_of(&drift, "changed");
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(
        changed[0].contains("Deploy") && changed[0].contains("inline policy"),
        "{changed:?}"
    );
    // What was edited is not in the account yet.
    assert_eq!(drift_of(&drift, "not_provisioned").len(), 1);
    env.json(&["access", "apply"]).expect(0);
    env.json(&["access", "drift"]).expect(0);
    assert_eq!(
        permission_set(&env.server.cloud(), "Deploy").version(),
        before.version()
    );
}

#[test]
fn a_failure_leaves_only_what_depends_on_it() {
    let env = TestEnv::with(organization(2));
    write(&env, &file(4, 2, 2));
    env.deny(&["identitystore:CreateGroup"]);
    let outcome = env.json(&["access", "apply"]).expect(4).envelope()["outcome"].clone();
    assert_eq!(outcome["done"], 4 + 3, "users and permission sets");
    let failed = outcome["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2, "both groups");
    let names_call = |failed: &Value| failed["message"].as_str().unwrap().contains("CreateGroup");
    assert!(failed.iter().all(names_call), "{failed:#?}");
    assert_eq!(outcome["not_begun"].as_array().unwrap().len(), 8 + 8);
    env.deny(&[]);
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), counts(4, 2, 2));
}

/// The largest number of requests in progress in one account.
fn most_in_one_account(cloud: &Cloud) -> usize {
    let mut pending: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in &cloud.operations {
        if serde_json::to_value(&operation.outcome).unwrap() == "Pending" {
            *pending.entry(&operation.subject.account).or_default() += 1;
        }
    }
    pending.into_values().max().unwrap_or_default()
}

#[test]
fn no_account_gets_two_requests_at_once() {
    let env = TestEnv::with(organization(3));
    write(&env, &file(1, 3, 3));
    let mut command = env.command(&["access", "apply"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(most_in_one_account(&env.server.cloud()));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(most, 1);
    assert_eq!(env.counts(), counts(1, 3, 3));
}
