//! The services as a whole: every rule of every model is kept, and no sequence of calls breaks the cloud.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::protocol::error::Answer;
use crate::protocol::models::{self, SERVICES};
use crate::services::{Request, answer};
use crate::state::Cloud;
use crate::state::scenarios;

/// A violation of one rule of one member, by the kind of the rule.
fn violations(service: &str, operation: &str) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    for member in models::rules(service, operation) {
        if member.is_required {
            found.push(("required", json!({})));
        }
        let with = |value: Value| json!({ member.name.as_str(): value });
        if member.kind == "string" {
            if let Some(max) = member.max {
                found.push(("too long", with(json!("a".repeat(max + 1)))));
            }
            if member.min.is_some_and(|min| min > 0) {
                found.push(("too short", with(json!(""))));
            }
            if member.has_pattern {
                found.push(("pattern", with(json!("\u{1}"))));
            }
            if member.has_values {
                found.push(("enumeration", with(json!("NO_SUCH_WORD"))));
            }
        }
        if matches!(member.kind.as_str(), "integer" | "long") {
            found.extend(member.max.map(|max| ("too much", with(json!(max + 1)))));
            found.extend(
                member
                    .min
                    .filter(|min| *min > 0)
                    .map(|_| ("too little", with(json!(0)))),
            );
        }
        if member.kind == "list" {
            found.extend(
                member
                    .min
                    .filter(|min| *min > 0)
                    .map(|_| ("empty list", with(json!([])))),
            );
            found.push(("type", with(json!("a list"))));
        }
    }
    found
}

#[test]
fn each_operation_refuses_one_violation_of_each_kind() {
    let mut kinds = BTreeSet::new();
    let mut count = 0;
    for (service, model) in SERVICES.iter() {
        for operation in model.operations.keys() {
            for (kind, input) in violations(service, operation) {
                let Err(error) = models::validate(service, operation, &input) else {
                    panic!("{service}:{operation} took a violation ({kind}): {input}");
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
    let every = [
        "empty list",
        "enumeration",
        "pattern",
        "required",
        "too little",
        "too long",
        "too much",
        "too short",
        "type",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), every);
    assert!(count > 300, "{count}");
}

#[test]
fn every_modelled_operation_is_simulated() {
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

fn call(cloud: &mut Cloud, key: &str, service: &str, operation: &str, input: &Value, now: Timestamp) -> Answer {
    answer(
        cloud,
        &Request {
            service,
            operation,
            region: "us-east-1",
            access_key_id: key,
            proof: None,
            input,
            now,
        },
    )
}

/// One call of a sequence: which, and which of the things that are there it is about.
type Step = (u8, u8, u8);

/// The n-th key, if there are any.
fn pick<'a>(mut keys: impl ExactSizeIterator<Item = &'a String>, n: u8) -> String {
    let count = keys.len();
    if count == 0 {
        return "9067aabbcc-00000000-0000-4000-8000-000000000000".to_owned();
    }
    keys.nth(usize::from(n) % count).cloned().unwrap_or_default()
}

fn step(cloud: &mut Cloud, key: &str, (which, a, b): Step, now: Timestamp) {
    let store = cloud.instances[0].store.clone();
    let (id, instance) = (store.id.clone(), cloud.instances[0].arn.clone());
    let (user, group) = (pick(store.users.keys(), a), pick(store.groups.keys(), b));
    let sets: Vec<String> = cloud.permission_sets.iter().map(|set| set.arn.clone()).collect();
    let set = pick(sets.iter(), a);
    let target = json!({"InstanceArn": instance, "PermissionSetArn": set, "TargetId": "123456789012",
        "TargetType": "AWS_ACCOUNT", "PrincipalType": "GROUP", "PrincipalId": group});
    let (service, operation, input) = match which % 10 {
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
    // Refusals are part of the sequence.
    let _ = call(cloud, key, service, operation, &input, now);
}

fn is_consistent(cloud: &Cloud) -> Result<(), String> {
    let store = &cloud.instances[0].store;
    let names: BTreeSet<&str> = store.users.values().map(super::User::name).collect();
    if names.len() != store.users.len() {
        return Err("two users have the same name".to_owned());
    }
    let emails: BTreeSet<Option<&str>> = store.users.values().map(super::User::email).collect();
    if emails.len() != store.users.len() {
        return Err("two users have the same address".to_owned());
    }
    for membership in store.memberships.values() {
        if !store.users.contains_key(&membership.user) || !store.groups.contains_key(&membership.group) {
            return Err(format!("a membership of nobody: {membership:?}"));
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
    fn any_sequence_of_operations_leaves_the_world_consistent(steps in proptest::collection::vec(any::<Step>(), 1..120)) {
        let mut cloud = scenarios::named("half-done").unwrap();
        let key = root_key(&mut cloud);
        let mut seen = BTreeSet::new();
        let mut now = Timestamp::now();
        for each in steps {
            let before: BTreeSet<String> = cloud.instances[0].store.users.keys().cloned().collect();
            step(&mut cloud, &key, each, now);
            // Time passes, so that what was asked for ends between later calls.
            now += std::time::Duration::from_millis(u64::from(each.2));
            is_consistent(&cloud).map_err(TestCaseError::fail)?;
            for id in cloud.instances[0].store.users.keys().filter(|id| !before.contains(*id)) {
                prop_assert!(seen.insert(id.clone()), "an id was used again: {}", id);
            }
        }
    }
}
