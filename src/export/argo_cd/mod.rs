//! Argo CD with IAM Identity Center: the capability of Amazon EKS, or an Argo CD of your own with Dex. Prints what is needed in
//! seven formats, and creates nothing.

mod dex;
mod formats;
mod plan;
mod prerequisites;

pub use plan::{Cluster, Format, Options};

use std::collections::BTreeSet;

use super::escape::comment;
use super::{Export, File};
use crate::resources::inventory::Inventory;
use plan::{Identity, Mapping, Plan, Role};

/// Writes what Argo CD needs.
///
/// # Errors
/// The users and groups that do not exist, each in a sentence.
pub fn export(inventory: &Inventory, options: &Options) -> Result<Export, Vec<String>> {
    let plan = Plan {
        inventory,
        options,
        mappings: mappings(inventory, options)?,
    };
    let text = match options.format {
        Format::Json => formats::json_request(&plan),
        Format::Cli => formats::cli(&plan),
        Format::Eksctl => formats::eksctl(&plan),
        Format::Terraform => formats::terraform(&plan),
        Format::Cloudformation => formats::cloudformation(&plan),
        Format::Kubernetes => formats::kubernetes(&plan),
        Format::Dex => dex::settings(&plan),
    };
    let mut notes = empty_groups(&plan);
    notes.extend(prerequisites::notes(&plan));
    let text = if options.format.has_comments() {
        let comments = notes.iter().map(|note| format!("# {}\n", comment(note)));
        let comments: String = comments.collect();
        format!("{comments}\n{text}")
    } else {
        text
    };
    Ok(Export {
        files: vec![File::new(options.format.file(), text)],
        notes,
        exported: Vec::new(),
    })
}

fn mappings(inventory: &Inventory, options: &Options) -> Result<Vec<Mapping>, Vec<String>> {
    let mut unknown = Vec::new();
    let mut mappings = Vec::new();
    for (role, names) in [
        (Role::Admin, &options.admins),
        (Role::Editor, &options.editors),
        (Role::Viewer, &options.viewers),
    ] {
        let mut identities: Vec<Identity> = Vec::new();
        for name in names {
            match identity(inventory, name) {
                Ok(identity) if identities.contains(&identity) => {}
                Ok(identity) => identities.push(identity),
                Err(why) => unknown.push(why),
            }
        }
        if !identities.is_empty() {
            mappings.push(Mapping { role, identities });
        }
    }
    if unknown.is_empty() { Ok(mappings) } else { Err(unknown) }
}

/// The user or group with this name: a group, unless the name begins with `user:`.
fn identity(inventory: &Inventory, text: &str) -> Result<Identity, String> {
    if let Some(name) = text.strip_prefix("user:") {
        let found = inventory.user_named(name).map(|(id, _)| Identity {
            id: id.to_string(),
            name: name.to_owned(),
            is_group: false,
        });
        let names = inventory.users.values().map(|user| user.name.as_str());
        return found.ok_or_else(|| format!("There is no user {name:?}.{}", similar(name, names)));
    }
    let name = text.strip_prefix("group:").unwrap_or(text);
    let found = inventory.group_named(name).map(|(id, _)| Identity {
        id: id.to_string(),
        name: name.to_owned(),
        is_group: true,
    });
    let names = inventory.groups.values().map(|group| group.name.as_str());
    found.ok_or_else(|| format!("There is no group {name:?}.{}", similar(name, names)))
}

/// The most similar name, as a sentence.
fn similar<'a>(name: &str, others: impl Iterator<Item = &'a str>) -> String {
    let ranked = others.map(|other| (strsim::jaro_winkler(name, other), other));
    let best = ranked.max_by(|(one, _), (other, _)| one.total_cmp(other));
    match best {
        Some((score, other)) if score > 0.8 => format!(" A similar one is {other:?}."),
        _ => String::new(),
    }
}

/// A sentence for each mapped group without members.
fn empty_groups(plan: &Plan) -> Vec<String> {
    let inventory = plan.inventory;
    let groups = plan.mappings.iter().flat_map(|mapping| &mapping.identities);
    let groups = groups.filter(|identity| identity.is_group);
    let is_empty = |identity: &&Identity| {
        let is_read = inventory.groups_read.iter().any(|id| *id == identity.id.as_str());
        let mut members = inventory.memberships.keys();
        is_read && !members.any(|key| key.group == identity.id.as_str())
    };
    // A group can have several roles.
    let mut named = BTreeSet::new();
    groups
        .filter(|identity| named.insert(&identity.id))
        .filter(is_empty)
        .map(|identity| {
            let name = comment(&identity.name);
            format!("The group {name} has no members, so it lets nobody in.")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_suggested() {
        let others = || ["Admins", "Platform"].into_iter();
        assert_eq!(similar("Platfrom", others()), " A similar one is \"Platform\".");
        assert_eq!(similar("xyz", others()), "");
    }
}
