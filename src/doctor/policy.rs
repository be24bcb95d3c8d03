//! The IAM policy with the actions that are needed, built from the permissions that the steps declare. For the steps, actions on
//! roles and identity providers are limited to those of Identity Center, and others apply to all resources.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::permissions::OWN;
use crate::aws::{Partition, Permission};
use crate::resources::UNDO_PERMISSIONS;
use crate::wizard::steps::INFOS;

/// Permissions that a policy grants together.
#[derive(Debug, Clone)]
pub struct Part {
    /// The beginning of the ID of its statements; only letters and digits.
    pub name: &'static str,
    /// The permissions.
    pub permissions: BTreeSet<Permission>,
}

/// A policy document with these parts, in which each permission is limited to its resources. A part without permissions has no
/// statement.
pub fn of_parts(parts: &[Part], resources_of: impl Fn(&Permission) -> Vec<String>) -> Value {
    let statements = parts.iter().flat_map(|part| {
        let permissions = part.permissions.iter().collect();
        statements(part.name, permissions, &resources_of)
    });
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
}

/// A policy document for the steps that are wanted.
pub fn document(partition: Partition, is_wanted: impl Fn(&str) -> bool) -> Value {
    let mut all = vec![statement("Doctor", &["*".to_owned()], &OWN.iter().collect::<Vec<_>>())];
    let mut push = |name: &str, lists: &[&'static [Permission]]| {
        let permissions = lists.iter().copied().flatten().collect();
        let resources_of = |permission: &Permission| vec![permission.resource(partition)];
        all.extend(statements(name, permissions, resources_of));
    };
    for info in INFOS.into_iter().filter(|info| is_wanted(info.slug)) {
        push(&camel_case(info.slug), info.permissions);
    }
    push("Undo", &UNDO_PERMISSIONS);
    json!({"Version": "2012-10-17", "Statement": all})
}

/// One statement for all permissions on the same resources.
fn statements(
    name: &str,
    permissions: BTreeSet<&Permission>,
    resources_of: impl Fn(&Permission) -> Vec<String>,
) -> Vec<Value> {
    let mut by_resources: BTreeMap<Vec<String>, Vec<&Permission>> = BTreeMap::new();
    for permission in permissions {
        by_resources
            .entry(resources_of(permission))
            .or_default()
            .push(permission);
    }
    let statements = by_resources.iter().enumerate().map(|(n, (resources, permissions))| {
        let number = if n == 0 { String::new() } else { (n + 1).to_string() };
        statement(&format!("{name}{number}"), resources, permissions)
    });
    statements.collect()
}

fn statement(id: &str, resources: &[String], permissions: &[&Permission]) -> Value {
    let mut actions: Vec<&str> = permissions.iter().map(|permission| permission.action).collect();
    actions.sort_unstable();
    let resource = match resources {
        [one] => json!(one),
        several => json!(several),
    };
    json!({"Sid": id, "Effect": "Allow", "Action": actions, "Resource": resource})
}

/// A `Sid` can contain only letters and digits.
fn camel_case(slug: &str) -> String {
    let words = slug.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}
