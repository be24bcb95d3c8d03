//! Assignments: created, and deleted where the file owns them or says that they must not exist.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change, Refusal, RefusalReason};
use super::draft::Draft;
use super::inputs::Inputs;
use super::principals::Principals;
use super::sets::{Sets, Standing};
use crate::access::desired::{AssignmentName, DesiredAssignment, Expired};
use crate::access::file::{Extent, PrincipalName};
use crate::access::lookup::principal_text;
use crate::access::mistake::Place;
use crate::ids::{AccountId, AssignmentKey};

/// Plans the assignments, and returns the names of the permission sets that do not yet have all assignments that the file
/// lists.
pub(super) fn plan<'a>(
    inputs: &Inputs<'a>,
    draft: &mut Draft,
    principals: &Principals,
    sets: &Sets<'a>,
) -> BTreeSet<&'a str> {
    let mut wanted: BTreeSet<AssignmentKey> = BTreeSet::new();
    let mut incomplete = BTreeSet::new();
    for (name, assignment) in &inputs.desired.assignments {
        // What must not exist is not created, whatever else asks for it.
        if inputs.desired.absent_assignments.contains_key(name) {
            continue;
        }
        let key = inputs.lookup.assignment(name);
        let exists = key
            .as_ref()
            .is_some_and(|key| inputs.observed.assignments.contains(key));
        wanted.extend(key);
        if exists {
            draft.unchanged += 1;
        } else if let Some(subject) = inputs.ignored_part(&name.account, &name.permission_set, Some(&name.principal)) {
            draft.ignore(subject);
        } else {
            incomplete.insert(name.permission_set.as_str());
            create(inputs, draft, principals, sets, name, assignment);
        }
    }
    delete_absent(inputs, draft);
    let expired = expired(inputs, &wanted);
    for key in &inputs.observed.assignments {
        let is_owned = draft.exact_sets.contains(&key.permission_set)
            && inputs.observed.assignments_read.contains(&key.permission_set);
        if is_owned && !wanted.contains(key) {
            delete(inputs, draft, key, expired.get(key).map(|expired| &expired.place));
        }
    }
    for (key, expired) in expired {
        let is_owned = draft.exact_sets.contains(&key.permission_set) || is_retired(inputs, &key);
        if !is_owned && !is_inactive(inputs, &key.account) && !draft.deleted_assignments.contains_key(&key) {
            refuse_expired(inputs, draft, &key, expired);
        }
    }
    incomplete
}

fn create(
    inputs: &Inputs<'_>,
    draft: &mut Draft,
    principals: &Principals,
    sets: &Sets<'_>,
    name: &AssignmentName,
    assignment: &DesiredAssignment,
) {
    let place = assignment.places.first();
    let standing = sets.get(name.permission_set.as_str());
    if standing.is_none() && inputs.lookup.permission_set(&name.permission_set).is_none() {
        draft.unknown_permission_set(&name.permission_set, place);
        return;
    }
    let is_usable = principals.is_usable(inputs, draft, &name.principal, place);
    if !is_usable {
        *draft.not_made.entry(name.principal.clone()).or_default() += 1;
    }
    if is_usable && standing != Some(&Standing::Blocked) {
        draft.created_assignments.push(Change {
            action: Action::CreateAssignment(name.clone()),
            place: place.cloned(),
        });
    }
}

/// Whether the file owns the permission set of an assignment, and no longer lists it.
fn is_retired(inputs: &Inputs<'_>, key: &AssignmentKey) -> bool {
    let set = inputs.observed.permission_sets.get(&key.permission_set);
    set.is_some_and(|set| {
        set.owner.as_ref() == Some(&inputs.desired.name) && !inputs.desired.permission_sets.contains_key(&set.name)
    })
}

/// The assignments that must not exist, even if the file does not own their permission set.
fn delete_absent(inputs: &Inputs<'_>, draft: &mut Draft) {
    for (name, place) in &inputs.desired.absent_assignments {
        if let Some(key) = inputs.lookup.assignment(name)
            && inputs.observed.assignments.contains(&key)
        {
            delete(inputs, draft, &key, Some(place));
        }
    }
}

/// The names in an existing assignment.
struct Names<'a> {
    /// The name of the permission set, or its ARN if it no longer exists.
    permission_set: &'a str,
    /// `None` if the principal no longer exists.
    principal: Option<PrincipalName>,
}

fn names<'a>(inputs: &'a Inputs<'_>, key: &'a AssignmentKey) -> Names<'a> {
    let set = inputs.observed.permission_sets.get(&key.permission_set);
    Names {
        permission_set: set.map_or(&*key.permission_set, |set| set.name.as_str()),
        principal: inputs.lookup.principal_name(&key.principal),
    }
}

/// The names in an existing assignment. `None` if it is ignored, which the draft then notes.
fn names_unless_ignored<'a>(inputs: &'a Inputs<'_>, draft: &mut Draft, key: &'a AssignmentKey) -> Option<Names<'a>> {
    let names = names(inputs, key);
    if let Some(subject) = inputs.ignored_part(&key.account, names.permission_set, names.principal.as_ref()) {
        draft.ignore(subject);
        return None;
    }
    Some(names)
}

/// Deletes an assignment, unless it is ignored, or its account is not active: AWS can't change assignments there.
pub(super) fn delete(inputs: &Inputs<'_>, draft: &mut Draft, key: &AssignmentKey, place: Option<&Place>) {
    let Some(names) = names_unless_ignored(inputs, draft, key) else {
        return;
    };
    if is_inactive(inputs, &key.account) {
        draft
            .inactive
            .entry(key.account.clone())
            .or_default()
            .insert(key.clone());
        return;
    }
    let change = Change {
        action: Action::DeleteAssignment {
            key: key.clone(),
            permission_set: names.permission_set.to_owned(),
            principal: names.principal,
        },
        place: place.cloned(),
    };
    draft.deleted_assignments.entry(key.clone()).or_insert(change);
}

/// Whether an account exists and is not active.
fn is_inactive(inputs: &Inputs<'_>, account: &AccountId) -> bool {
    let account = inputs.observed.accounts.all.get(account);
    account.is_some_and(|account| !account.is_active())
}

/// Whether [`delete`] leaves an assignment as it is.
pub(super) fn stays(inputs: &Inputs<'_>, key: &AssignmentKey) -> bool {
    let names = names(inputs, key);
    let ignored = inputs.ignored_part(&key.account, names.permission_set, names.principal.as_ref());
    ignored.is_some() || is_inactive(inputs, &key.account)
}

/// The assignments that exist, have reached their `until`, and that nothing else asks for.
fn expired<'a>(inputs: &Inputs<'a>, wanted: &BTreeSet<AssignmentKey>) -> BTreeMap<AssignmentKey, &'a Expired> {
    let expired = inputs.desired.expired.iter().filter_map(|(name, expired)| {
        let key = inputs.lookup.assignment(name)?;
        let is_left = inputs.observed.assignments.contains(&key) && !wanted.contains(&key);
        is_left.then_some((key, expired))
    });
    expired.collect()
}

/// An assignment whose permission set does not list all of its assignments is not deleted without a word that says so.
fn refuse_expired(inputs: &Inputs<'_>, draft: &mut Draft, key: &AssignmentKey, expired: &Expired) {
    let Some(names) = names_unless_ignored(inputs, draft, key) else {
        return;
    };
    let principal = names.principal.as_ref();
    let who = principal.map_or_else(|| key.principal.to_string(), principal_text);
    let what = format!(
        "{who} still has {} in {}, which ended on {}; the file does not own the assignment.",
        names.permission_set,
        inputs.lookup.account_text(&key.account),
        expired.until
    );
    let absent = "Write absent = true in place of until, to delete all assignments of this [[assignment]].";
    let suggestion = match renamed_from(inputs, names.permission_set) {
        Some(owner) => format!(
            "If you renamed this file, run {}. {absent}",
            inputs.options.commands.adopt_from(owner)
        ),
        None => absent.to_owned(),
    };
    let assignment = names.principal.map(|principal| AssignmentName {
        account: key.account.clone(),
        permission_set: names.permission_set.to_owned(),
        principal,
    });
    draft.refusals.push(Refusal {
        reason: RefusalReason::Expired,
        what,
        suggestion,
        place: Some(expired.place.clone()),
        assignment,
    });
}

/// The other access file that owns a permission set, if this file would own all of its assignments instead.
fn renamed_from<'a>(inputs: &Inputs<'a>, permission_set: &str) -> Option<&'a str> {
    let wanted = inputs.desired.permission_sets.get(permission_set)?;
    let set = inputs.lookup.permission_set(permission_set)?;
    let owner = set.owner.as_deref().filter(|owner| *owner != inputs.desired.name)?;
    (wanted.assignments == Extent::Exactly).then_some(owner)
}
