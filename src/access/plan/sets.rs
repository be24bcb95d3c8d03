//! Permission sets that the file lists: created, changed, adopted, and those that are not owned.

use std::collections::BTreeMap;

use super::change::{Action, Change, NoteKind, RefusalReason};
use super::draft::Draft;
use super::inputs::Inputs;
use crate::access::desired::DesiredSet;
use crate::access::file::Extent;
use crate::progress::Setting;
use crate::reconcile::{FieldChange, SettingChange};
use crate::resources::inventory::{ACCESS_TAG, PermissionSet};
use crate::resources::permission_set::grouped;

/// The number of settings that a refusal names.
const NAMED_SETTINGS: usize = 5;

/// The permission sets that the file lists, by name.
pub(super) type Sets<'a> = BTreeMap<&'a str, Standing>;

/// What the plan makes of a permission set that the file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It exists, and is owned or equal to the file.
    Exists,
    /// The plan creates it.
    Created,
    /// It is not as the file says, and the plan does not change that: nobody gets it.
    Blocked,
}

/// Plans the permission sets that the file lists.
pub(super) fn plan<'a>(inputs: &Inputs<'a>, draft: &mut Draft) -> Sets<'a> {
    let sets = inputs.desired.permission_sets.iter().map(|(name, wanted)| {
        let standing = match inputs.lookup.permission_set(name) {
            None => create(inputs, draft, name, wanted),
            Some(set) => compare(inputs, draft, set, wanted),
        };
        (name.as_str(), standing)
    });
    sets.collect()
}

fn create(inputs: &Inputs<'_>, draft: &mut Draft, name: &str, wanted: &DesiredSet) -> Standing {
    if inputs.ignore.permission_set(name) {
        draft.ignore(subject(name));
        return Standing::Blocked;
    }
    let mut spec = wanted.spec.clone();
    let tags = spec.tags.get_or_insert_default();
    tags.insert(ACCESS_TAG.to_owned(), inputs.desired.name.clone());
    draft.permission_sets.push(Change {
        action: Action::CreatePermissionSet(spec),
        place: Some(wanted.place.clone()),
    });
    Standing::Created
}

fn compare(inputs: &Inputs<'_>, draft: &mut Draft, set: &PermissionSet, wanted: &DesiredSet) -> Standing {
    let differences = wanted.differences(set);
    let is_equal = differences.is_empty();
    let place = Some(&wanted.place);
    let is_owned = set.owner.as_ref() == Some(&inputs.desired.name);
    if inputs.ignore.permission_set(&set.name) {
        if !is_equal {
            draft.ignore(subject(&set.name));
        }
        return if is_equal { Standing::Exists } else { Standing::Blocked };
    }
    if is_owned || (set.owner.is_none() && wanted.adopt) {
        if wanted.assignments == Extent::Exactly {
            draft.exact_sets.insert(set.arn.clone());
        }
        update(inputs, draft, set, wanted, differences);
        return Standing::Exists;
    }
    if let Some(owner) = set.owner.as_ref().filter(|_| !is_equal || wanted.adopt) {
        let what = format!("The permission set {} is owned by the access file {owner}.", set.name);
        let suggestion = "Change it in that file, or remove it from this one.";
        draft.refuse(RefusalReason::OwnedByAnotherFile, what, suggestion, place);
        return Standing::Blocked;
    }
    if !is_equal {
        let what = format!(
            "The permission set {} exists, is not owned by this file, and differs from it: {}.",
            set.name,
            settings_text(&differences)
        );
        let suggestion = "Set adopt = true to change and own it, or make the file equal to it.";
        draft.refuse(RefusalReason::NotOwned, what, suggestion, place);
        return Standing::Blocked;
    }
    draft.unchanged += 1;
    let owner = match &set.owner {
        Some(owner) => format!("the access file {owner} owns it"),
        None => "it is not owned".to_owned(),
    };
    let text = format!("The permission set {} is equal to the file, and {owner}.", set.name);
    draft.note(NoteKind::NotOwned, text, place);
    Standing::Exists
}

fn update(
    inputs: &Inputs<'_>,
    draft: &mut Draft,
    set: &PermissionSet,
    wanted: &DesiredSet,
    mut differences: Vec<SettingChange>,
) {
    let is_in_role = differences
        .iter()
        .any(|change| !matches!(change.setting, Setting::Tag(_)));
    let adopts = set.owner.is_none();
    if adopts {
        differences.push(SettingChange {
            setting: Setting::Tag(ACCESS_TAG.to_owned()),
            before: None,
            after: Some(inputs.desired.name.clone()),
        });
    }
    let is_outdated = set
        .outdated_accounts
        .iter()
        .any(|account| !inputs.ignore.account(account));
    let is_provisioned = set.accounts.iter().any(|account| !inputs.ignore.account(account));
    let mut changes = grouped(differences);
    if is_outdated || (is_in_role && is_provisioned) {
        changes.push(FieldChange::Provision);
    }
    if changes.is_empty() {
        draft.unchanged += 1;
        return;
    }
    let action = Action::UpdatePermissionSet {
        arn: set.arn.clone(),
        name: set.name.clone(),
        changes,
        adopts,
    };
    draft.permission_sets.push(Change {
        action,
        place: Some(wanted.place.clone()),
    });
}

fn subject(name: &str) -> String {
    format!("The permission set {name}")
}

/// `session duration, inline policy, and 2 more`
fn settings_text(differences: &[SettingChange]) -> String {
    let named = differences.iter().take(NAMED_SETTINGS);
    let named: Vec<String> = named.map(|change| change.setting.to_string()).collect();
    let named = named.join(", ");
    match differences.len().saturating_sub(NAMED_SETTINGS) {
        0 => named,
        more => format!("{named}, and {more} more"),
    }
}
