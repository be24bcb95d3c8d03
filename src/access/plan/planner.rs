//! Makes a plan: each kind in turn, then the guards, then the order.

use jiff::civil::Date;

use super::change::{Action, Change, Options, Plan, Refusal, RefusalReason};
use super::draft::Draft;
use super::inputs::Inputs;
use super::{assignments, leavers, members, notes, principals, retired, sets};
use crate::access::desired::Desired;
use crate::access::guards::{Deletions, Owned};
use crate::resources::inventory::{Inventory, PermissionSet};

/// Plans what changes.
///
/// `today` is the date in UTC, for notes about dates; the desired state already takes it into account.
pub fn plan(desired: &Desired, observed: &Inventory, options: &Options, today: Date) -> Plan {
    if let Some(refusal) = other_instance(desired, observed) {
        return Plan {
            refusals: vec![refusal],
            ..Plan::default()
        };
    }
    let inputs = Inputs::new(desired, observed, options, today);
    let mut draft = Draft::default();
    let principals = principals::plan(&inputs, &mut draft);
    members::plan(&inputs, &mut draft, &principals);
    let sets = sets::plan(&inputs, &mut draft);
    let incomplete = assignments::plan(&inputs, &mut draft, &principals, &sets);
    leavers::plan(&inputs, &mut draft);
    retired::plan(&inputs, &mut draft, &sets, incomplete);
    notes::plan(&inputs, &mut draft);
    finish(&inputs, draft)
}

/// Refuses everything if the instance is not the one that the file names.
fn other_instance(desired: &Desired, observed: &Inventory) -> Option<Refusal> {
    let wanted = desired.instance.as_ref()?;
    let arn = &observed.instance.arn;
    let is_same = wanted.value == *arn || wanted.value == arn.instance_id();
    (!is_same).then(|| Refusal {
        reason: RefusalReason::OtherInstance,
        what: format!(
            "The file is for the instance {}, and this is {}.",
            wanted.value,
            arn.instance_id()
        ),
        suggestion: "Use credentials of the other organization, or correct the key instance.".to_owned(),
        place: Some(wanted.place.clone()),
        assignment: None,
    })
}

/// Applies the guards to the deletions, and puts everything in order.
fn finish(inputs: &Inputs<'_>, mut draft: Draft) -> Plan {
    // Those that the file owns are deleted even if their user or group stays. A permission set that is no longer listed can
    // have had assignments of others.
    let mut with_principal = std::mem::take(&mut draft.deleted_with_principal);
    with_principal.retain(|key| {
        let set = inputs.observed.permission_sets.get(&key.permission_set);
        !draft.exact_sets.contains(&key.permission_set) || set.is_some_and(PermissionSet::has_other_assignments)
    });
    let mut deletions = Deletions::new(deletions(&mut draft), with_principal);
    deletions.keep_protected(
        &inputs.protect,
        &inputs.lookup,
        inputs.observed,
        &draft.added_members,
        &draft.created_assignments,
    );
    if let Some(caller) = &inputs.options.caller {
        deletions.keep_own_access(caller, inputs.observed);
    }
    deletions.keep_sets_with_assignments(inputs.observed);
    let owned = owned(inputs, &draft);
    let is_pruned = inputs.options.prune;
    let limit = deletions.exceeded_limit(&owned, &inputs.desired.guard, inputs.options.max_deletes);
    let exceeds_limit = limit.is_some();
    let limit = limit.filter(|_| is_pruned);
    let is_allowed = is_pruned && limit.is_none();

    let not_made = draft.count_not_made();
    let mut refusals = draft.refusals;
    refusals.extend(deletions.refusals);
    refusals.extend(limit);
    refusals.sort_by(|one, other| (one.reason, &one.place, &one.what).cmp(&(other.reason, &other.place, &other.what)));
    let mut notes = draft.notes;
    notes.sort_by(|one, other| (one.kind, &one.place, &one.text).cmp(&(other.kind, &other.place, &other.text)));
    // Changes of users and groups come before new ones, because they can free a name or an email address.
    draft
        .users
        .sort_by_key(|change| matches!(change.action, Action::CreateUser(_)));
    draft
        .groups
        .sort_by_key(|change| matches!(change.action, Action::CreateGroup { .. }));
    let is_update = |change: &Change| matches!(change.action, Action::UpdatePermissionSet { .. });
    draft.permission_sets.sort_by_key(is_update);
    let changes = draft.users.into_iter().chain(draft.groups).chain(draft.added_members);
    let changes = changes.chain(draft.permission_sets).chain(draft.created_assignments);
    let mut plan = Plan {
        changes: changes.collect(),
        unpruned: Vec::new(),
        refusals,
        notes,
        unchanged: draft.unchanged,
        not_made,
        exceeds_limit,
    };
    let deletions = deletions.changes;
    if is_allowed {
        plan.changes.extend(deletions);
    } else {
        plan.unpruned = deletions;
    }
    plan
}

/// Takes the deletions out of a draft, in order.
fn deletions(draft: &mut Draft) -> Vec<Change> {
    let mut members = std::mem::take(&mut draft.removed_members);
    members.sort_by_key(|change| match &change.action {
        Action::RemoveMember { group, user, .. } => Some((group.clone(), user.clone())),
        _ => None,
    });
    let assignments = std::mem::take(&mut draft.deleted_assignments);
    let mut assignments: Vec<Change> = assignments.into_values().collect();
    assignments.sort_by_key(|change| match &change.action {
        Action::DeleteAssignment {
            key,
            permission_set,
            principal,
        } => Some((
            key.account.clone(),
            permission_set.clone(),
            principal.clone(),
            key.clone(),
        )),
        _ => None,
    });
    let permission_sets = std::mem::take(&mut draft.deleted_permission_sets);
    let groups = std::mem::take(&mut draft.deleted_groups);
    let users = std::mem::take(&mut draft.deleted_users);
    members
        .into_iter()
        .chain(assignments)
        .chain(permission_sets)
        .chain(groups)
        .chain(users)
        .collect()
}

/// What the file owns: permission sets with its tag, all assignments of those that list them all, and all memberships of
/// groups that list them all.
fn owned<'a>(inputs: &Inputs<'_>, draft: &'a Draft) -> Owned<'a> {
    let sets = inputs.observed.permission_sets.values();
    let sets = sets.filter(|set| set.owner.as_ref() == Some(&inputs.desired.name));
    let assignments = inputs.observed.assignments.iter();
    let assignments = assignments.filter(|key| draft.exact_sets.contains(&key.permission_set));
    Owned {
        count: sets.count() + assignments.count() + draft.owned_memberships,
        exact_sets: &draft.exact_sets,
    }
}
