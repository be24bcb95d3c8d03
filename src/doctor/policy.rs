//! The IAM policy with the actions that the steps need, built from the permissions that they declare. Actions on roles and
//! identity providers are limited to those of Identity Center, and others apply to all resources.

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

/// A policy document with these parts. A part without permissions has no statement.
pub fn of_parts(partition: Partition, parts: &[Part]) -> Value {
    let statements = parts.iter().flat_map(|part| {
        let permissions = part.permissions.iter().collect();
        statements(part.name, partition, permissions)
    });
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
}

/// A policy document for the steps that are wanted.
pub fn document(partition: Partition, is_wanted: impl Fn(&str) -> bool) -> Value {
    let mut all = vec![statement("Doctor", partition, "*", &OWN.iter().collect::<Vec<_>>())];
    let mut push = |name: &str, lists: &[&'static [Permission]]| {
        let permissions = lists.iter().copied().flatten().collect();
        all.extend(statements(name, partition, permissions));
    };
    for info in INFOS.into_iter().filter(|info| is_wanted(info.slug)) {
        push(&camel_case(info.slug), info.permissions);
    }
    push("Undo", &UNDO_PERMISSIONS);
    json!({"Version": "2012-10-17", "Statement": all})
}

/// One statement for each resource.
fn statements(name: &str, partition: Partition, permissions: BTreeSet<&Permission>) -> Vec<Value> {
    let mut by_resource: BTreeMap<&str, Vec<&Permission>> = BTreeMap::new();
    for permission in permissions {
        by_resource.entry(permission.on).or_default().push(permission);
    }
    let statements = by_resource.into_iter().enumerate().map(|(n, (resource, permissions))| {
        let number = if n == 0 { String::new() } else { (n + 1).to_string() };
        statement(&format!("{name}{number}"), partition, resource, &permissions)
    });
    statements.collect()
}

fn statement(id: &str, partition: Partition, resource: &str, permissions: &[&Permission]) -> Value {
    let mut actions: Vec<&str> = permissions.iter().map(|permission| permission.action).collect();
    actions.sort_unstable();
    let resource = resource.replacen("arn:*:", &format!("arn:{}:", partition.id()), 1);
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
