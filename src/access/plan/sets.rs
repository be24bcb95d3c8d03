//! Permission sets that the file lists: created, changed, adopted, and those that are not owned.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change, RefusalReason};
use super::draft::Draft;
use super::inputs::Inputs;
use crate::access::desired::DesiredSet;
use crate::access::file::Extent;
use crate::answers::values::SessionDuration;
use crate::ids::AccountId;
use crate::progress::Setting;
use crate::reconcile::{FieldChange, SettingChange};
use crate::resources::inventory::{ACCESS_TAG, ASSIGNMENTS_TAG, AT_LEAST, Account, PermissionSet};
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
    // Nobody would delete the earlier one, and its assignments would stay.
    let mut earlier = wanted.previous_names.iter();
    let not_owned = earlier.find_map(|earlier| {
        let set = inputs.observed.permission_set_named(earlier)?;
        let is_listed = inputs.desired.permission_sets.contains_key(earlier);
        (set.owner.as_ref() != Some(&inputs.desired.name) && !is_listed).then_some(set)
    });
    if let Some(earlier) = not_owned {
        let what = format!(
            "The permission set {} is renamed to {name}, and is not owned by this file: it would stay, with its assignments.",
            earlier.name
        );
        let commands = &inputs.options.commands;
        let suggestion = match &earlier.owner {
            Some(owner) => format!(
                "It is owned by the access file {owner}. If you renamed this file, undo the rename of the permission set, \
                 run {}, and rename it then.",
                commands.adopt_from(owner)
            ),
            None => format!("Undo the rename, run {}, and rename it then.", commands.adopt),
        };
        draft.refuse(RefusalReason::NotOwned, what, suggestion, Some(&wanted.place));
        return Standing::Blocked;
    }
    let mut spec = wanted.spec.clone();
    let tags = spec.tags.get_or_insert_default();
    for (key, value) in own_tags(inputs, wanted) {
        tags.extend(value.map(|value| (key.to_owned(), value)));
    }
    draft.permission_sets.push(Change {
        action: Action::CreatePermissionSet(spec),
        place: Some(wanted.place.clone()),
    });
    Standing::Created
}

/// The tags that say who owns a permission set, and whether all of its assignments.
fn own_tags(inputs: &Inputs<'_>, wanted: &DesiredSet) -> [(&'static str, Option<String>); 2] {
    let extent = (wanted.assignments == Extent::AtLeast).then(|| AT_LEAST.to_owned());
    [
        (ACCESS_TAG, Some(inputs.desired.name.clone())),
        (ASSIGNMENTS_TAG, extent),
    ]
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
    let is_free = set.owner.is_none() || set.owner == inputs.options.adopt_from;
    if is_owned || (is_free && wanted.adopt) {
        if wanted.assignments == Extent::Exactly {
            draft.exact_sets.insert(set.arn.clone());
        }
        update(inputs, draft, set, wanted, differences);
        return Standing::Exists;
    }
    if let Some(owner) = set.owner.as_ref().filter(|_| !is_equal || wanted.adopt) {
        let differs = if is_equal {
            String::new()
        } else {
            format!(", and differs from this file: {}", settings_text(&differences))
        };
        let what = format!(
            "The permission set {} is owned by the access file {owner}{differs}.",
            set.name
        );
        // Without adopt, only one that is equal is taken over.
        let adopt = if is_equal || wanted.adopt {
            ""
        } else {
            "set adopt = true, and "
        };
        let suggestion = format!(
            "Change it in that file, or remove it from this one. If you renamed this file, {adopt}run {}.",
            inputs.options.commands.adopt_from(owner)
        );
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
    let not_owned = draft.not_owned.entry(set.owner.clone()).or_default();
    not_owned.insert(set.name.clone(), wanted.place.clone());
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
    let adopts = set.owner.as_ref() != Some(&inputs.desired.name);
    for (key, after) in own_tags(inputs, wanted) {
        let setting = Setting::Tag(key.to_owned());
        let before = set.settings.get(&setting).cloned().flatten();
        if before != after {
            differences.push(SettingChange { setting, before, after });
        }
    }
    // AWS cannot provision an account that is not active.
    let can_change = |account: &&AccountId| {
        let account_state = inputs.observed.accounts.all.get(*account);
        !inputs.ignore.account(account) && account_state.is_some_and(Account::is_active)
    };
    let concerned = if is_in_role {
        &set.accounts
    } else {
        &set.outdated_accounts
    };
    let provisioned: BTreeSet<AccountId> = concerned.iter().filter(can_change).cloned().collect();
    let mut changes = grouped(differences);
    if !provisioned.is_empty() {
        changes.push(FieldChange::Provision);
    }
    let provision_in = Some(provisioned).filter(|accounts| accounts.len() < concerned.len());
    if changes.is_empty() {
        draft.unchanged += 1;
        return;
    }
    let action = Action::UpdatePermissionSet {
        arn: set.arn.clone(),
        name: set.name.clone(),
        changes,
        adopts,
        provision_in,
    };
    draft.permission_sets.push(Change {
        action,
        place: Some(wanted.place.clone()),
    });
}

fn subject(name: &str) -> String {
    format!("The permission set {name}")
}

/// A setting, with its values if it is the session duration: a file without it means the default.
fn setting_text(change: &SettingChange) -> String {
    let duration = |iso: &Option<String>| iso.as_deref()?.parse::<SessionDuration>().ok();
    match (&change.setting, duration(&change.before), duration(&change.after)) {
        (Setting::SessionDuration, Some(before), Some(after)) => {
            format!("{} ({before} instead of {after})", change.setting)
        }
        (setting, _, _) => setting.to_string(),
    }
}

/// `session duration (8h instead of 1h), inline policy, and 2 more`
fn settings_text(differences: &[SettingChange]) -> String {
    let named = differences.iter().take(NAMED_SETTINGS);
    let named: Vec<String> = named.map(setting_text).collect();
    let named = named.join(", ");
    match differences.len().saturating_sub(NAMED_SETTINGS) {
        0 => named,
        more => format!("{named}, and {more} more"),
    }
}
