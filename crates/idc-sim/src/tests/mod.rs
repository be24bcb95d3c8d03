//! Tests across all services: every constraint of the models is enforced, and no sequence of calls makes the state
//! inconsistent.

mod assignments;
mod caller;
mod organizations;
mod principals;
mod recorded;

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::protocol::error::ServiceResult;
use crate::protocol::models::{self, SERVICES};
use crate::services::{Request, handle};
use crate::state::Cloud;
use crate::state::scenarios;

/// Returns inputs that each violate one constraint of one member, with the kind of the constraint.
fn violations(service: &str, operation: &str) -> Vec<(&'static str, Value)> {
    let mut inputs = Vec::new();
    for member in models::constraints(service, operation) {
        if member.is_required {
            inputs.push(("required", json!({})));
        }
        let with = |value: Value| json!({ member.name.as_str(): value });
        if member.kind == "string" {
            if let Some(max) = member.max {
                inputs.push(("too long", with(json!("a".repeat(max + 1)))));
            }
            if member.min.is_some_and(|min| min > 0) {
                inputs.push(("too short", with(json!(""))));
            }
            if member.has_pattern {
                inputs.push(("pattern", with(json!("\u{1}"))));
            }
            if member.has_enum {
                inputs.push(("enumeration", with(json!("NO_SUCH_VALUE"))));
            }
        }
        if matches!(member.kind.as_str(), "integer" | "long") {
            inputs.extend(member.max.map(|max| ("too large", with(json!(max + 1)))));
            inputs.extend(member.min.filter(|min| *min > 0).map(|_| ("too small", with(json!(0)))));
        }
        if member.kind == "list" {
            inputs.extend(
                member
                    .min
                    .filter(|min| *min > 0)
                    .map(|_| ("empty list", with(json!([])))),
            );
            inputs.push(("type", with(json!("not a list"))));
        }
    }
    inputs
}

#[test]
fn every_operation_rejects_each_kind_of_violation() {
    let mut kinds = BTreeSet::new();
    let mut count = 0;
    for (service, model) in SERVICES.iter() {
        for operation in model.operations.keys() {
            for (kind, input) in violations(service, operation) {
                let Err(error) = models::validate(service, operation, &input) else {
                    panic!("{service}:{operation} accepted a violation ({kind}): {input}");
                };
                assert_eq!(error.code, "ValidationException", "{service}:{operation} {kind}");
                assert!(
                    error.message.contains("failed to satisfy constraint"),
                    "{}",
                    error.message
                );
                kinds.insert(kind);
                count += 1;
            }
        }
    }
    let all_kinds = [
        "empty list",
        "enumeration",
        "pattern",
        "required",
        "too large",
        "too long",
        "too short",
        "too small",
        "type",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all_kinds);
    assert!(count > 300, "{count}");
}

#[test]
fn every_modeled_operation_is_simulated() {
    for (service, model) in SERVICES.iter() {
        for operation in model.operations.keys() {
            let mut cloud = scenarios::named("complete").unwrap();
            let key = root_key(&mut cloud);
            let error = call(&mut cloud, &key, service, operation, &json!({}), Timestamp::now()).err();
            let code = error.map(|error| error.code).unwrap_or_default();
            assert_ne!(code, "NotImplemented", "{service}:{operation}");
        }
    }
}

fn root_key(cloud: &mut Cloud) -> String {
    let root = cloud.root();
    cloud.issue(root).access_key_id
}

fn call(cloud: &mut Cloud, key: &str, service: &str, operation: &str, input: &Value, now: Timestamp) -> ServiceResult {
    let request = Request {
        service,
        operation,
        region: "us-east-1",
        access_key_id: key,
        proof: None,
        input,
        now,
    };
    let result = handle(cloud, &request);
    let violations = models::response_violations(service, operation, &result);
    assert_eq!(
        violations,
        Vec::<String>::new(),
        "{service}:{operation} returned {result:?}"
    );
    result
}

/// One call of a sequence: the operation, and the choice of two resources for its input.
type Step = (u8, u8, u8);

/// Returns key number `n` modulo the number of keys. Without keys, returns an ID that does not exist.
fn pick<'a>(mut keys: impl ExactSizeIterator<Item = &'a String>, n: u8) -> String {
    let count = keys.len();
    if count == 0 {
        return "9067aabbcc-00000000-0000-4000-8000-000000000000".to_owned();
    }
    keys.nth(usize::from(n) % count).cloned().unwrap_or_default()
}

/// Performs one call.
fn step(cloud: &mut Cloud, key: &str, (operation, a, b): Step, now: Timestamp) {
    let store = cloud.instances[0].store.clone();
    let (id, instance) = (store.id.clone(), cloud.instances[0].arn.clone());
    let (user, group) = (pick(store.users.keys(), a), pick(store.groups.keys(), b));
    let sets: Vec<String> = cloud.permission_sets.iter().map(|set| set.arn.clone()).collect();
    let set = pick(sets.iter(), a);
    let target = json!({"InstanceArn": instance, "PermissionSetArn": set, "TargetId": "123456789012",
        "TargetType": "AWS_ACCOUNT", "PrincipalType": "GROUP", "PrincipalId": group});
    let (service, operation, input) = match operation % 10 {
        0 => (
            "identitystore",
            "CreateUser",
            json!({"IdentityStoreId": id, "UserName": format!("u{a}"),
            "DisplayName": "U", "Name": {"GivenName": "U", "FamilyName": "U"},
            "Emails": [{"Value": format!("u{b}@example.com")}]}),
        ),
        1 => (
            "identitystore",
            "DeleteUser",
            json!({"IdentityStoreId": id, "UserId": user}),
        ),
        2 => (
            "identitystore",
            "CreateGroup",
            json!({"IdentityStoreId": id, "DisplayName": format!("g{a}")}),
        ),
        3 => (
            "identitystore",
            "DeleteGroup",
            json!({"IdentityStoreId": id, "GroupId": group}),
        ),
        4 => (
            "identitystore",
            "CreateGroupMembership",
            json!({"IdentityStoreId": id, "GroupId": group, "MemberId": {"UserId": user}}),
        ),
        5 => (
            "sso-admin",
            "CreatePermissionSet",
            json!({"InstanceArn": instance, "Name": format!("s{a}")}),
        ),
        6 => (
            "sso-admin",
            "DeletePermissionSet",
            json!({"InstanceArn": instance, "PermissionSetArn": set}),
        ),
        7 => ("sso-admin", "CreateAccountAssignment", target),
        8 => ("sso-admin", "DeleteAccountAssignment", target),
        _ => (
            "sso-admin",
            "ProvisionPermissionSet",
            json!({"InstanceArn": instance, "PermissionSetArn": set,
            "TargetType": "ALL_PROVISIONED_ACCOUNTS"}),
        ),
    };
    // Errors are part of the sequence.
    let _ = call(cloud, key, service, operation, &input, now);
}

/// Checks that names are unique and that references point to existing resources.
fn check_consistency(cloud: &Cloud) -> Result<(), String> {
    let store = &cloud.instances[0].store;
    let names: BTreeSet<&str> = store.users.values().map(super::User::name).collect();
    if names.len() != store.users.len() {
        return Err("two users have the same name".to_owned());
    }
    let emails: BTreeSet<Option<&str>> = store.users.values().map(super::User::email).collect();
    if emails.len() != store.users.len() {
        return Err("two users have the same email address".to_owned());
    }
    for membership in store.memberships.values() {
        if !store.users.contains_key(&membership.user) || !store.groups.contains_key(&membership.group) {
            return Err(format!("a membership without its user or group: {membership:?}"));
        }
    }
    for assignment in &cloud.assignments {
        if !cloud
            .permission_sets
            .iter()
            .any(|set| set.arn == assignment.permission_set)
        {
            return Err(format!("an assignment without its permission set: {assignment:?}"));
        }
        let has_role = cloud
            .roles
            .iter()
            .any(|role| role.account == assignment.account && role.permission_set == assignment.permission_set);
        if !has_role {
            return Err(format!("an assignment without its role: {assignment:?}"));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_sequence_of_operations_leaves_the_cloud_consistent(steps in proptest::collection::vec(any::<Step>(), 1..120)) {
        let mut cloud = scenarios::named("half-done").unwrap();
        let key = root_key(&mut cloud);
        let mut user_ids = BTreeSet::new();
        let mut now = Timestamp::now();
        for each in steps {
            let before: BTreeSet<String> = cloud.instances[0].store.users.keys().cloned().collect();
            step(&mut cloud, &key, each, now);
            // Time passes, so that asynchronous operations complete between later calls.
            now += std::time::Duration::from_millis(u64::from(each.2));
            check_consistency(&cloud).map_err(TestCaseError::fail)?;
            for id in cloud.instances[0].store.users.keys().filter(|id| !before.contains(*id)) {
                prop_assert!(user_ids.insert(id.clone()), "an ID was used twice: {}", id);
            }
        }
    }
}
