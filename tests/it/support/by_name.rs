//! What the simulated AWS contains, by name instead of ID, because IDs differ from run to run.

use std::collections::BTreeMap;

use idc_sim::{Cloud, PermissionSet};
use serde_json::{Value, json};

/// Returns the users, groups, memberships, permission sets, assignments and roles of the first instance. What exists twice
/// is listed twice.
pub fn by_name(cloud: &Cloud) -> Value {
    let store = &cloud.instances[0].store;
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for (id, user) in &store.users {
        names.insert(id, format!("user {}", user.name()));
    }
    for (id, group) in &store.groups {
        names.insert(id, format!("group {}", group.display_name));
    }
    for set in &cloud.permission_sets {
        names.insert(&set.arn, set.name.clone());
    }
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| format!("{id}, which is gone"));
    let versions: BTreeMap<&str, String> = cloud
        .permission_sets
        .iter()
        .map(|set| (set.arn.as_str(), set.version()))
        .collect();
    let users = store.users.values().map(|user| json!(user.attributes));
    let groups = store.groups.values();
    let groups = groups.map(|group| json!([group.display_name, group.description]));
    let memberships = store.memberships.values();
    let memberships = memberships.map(|membership| json!([name(&membership.group), name(&membership.user)]));
    let assignments = cloud.assignments.iter().map(|assignment| {
        let (set, principal) = (name(&assignment.permission_set), name(&assignment.principal));
        json!([assignment.account, set, principal])
    });
    let roles = cloud.roles.iter().map(|role| {
        let is_latest = versions.get(role.permission_set.as_str()) == Some(&role.version);
        json!({"account": role.account, "permission set": name(&role.permission_set), "is latest": is_latest})
    });
    json!({
        "users": sorted(users),
        "groups": sorted(groups),
        "memberships": sorted(memberships),
        "permission sets": sorted(cloud.permission_sets.iter().map(settings)),
        "assignments": sorted(assignments),
        "roles": sorted(roles),
    })
}

/// The settings of a permission set. The order in which policies were attached is not one of them.
fn settings(set: &PermissionSet) -> Value {
    let mut set = set.clone();
    set.managed_policies.sort();
    set.customer_policies
        .sort_by(|one, other| (&one.path, &one.name).cmp(&(&other.path, &other.name)));
    let mut settings = json!(set);
    for own in ["arn", "created"] {
        settings.as_object_mut().unwrap().remove(own);
    }
    settings
}

fn sorted(rows: impl Iterator<Item = Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows.map(|row| row.to_string()).collect();
    rows.sort();
    rows
}

/// Returns which members differ, one on each line; an empty string if none does.
pub fn differences(now: &Value, expected: &Value) -> String {
    let members = expected.as_object().unwrap().iter();
    let differs = members.filter(|(name, value)| now[name.as_str()] != **value);
    let lines = differs.map(|(name, value)| format!("  {name}: {}\n  not {value}", now[name.as_str()]));
    lines.fold(String::new(), |all, line| all + "\n" + &line)
}
