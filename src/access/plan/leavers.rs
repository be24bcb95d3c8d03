//! The assignments of users and groups that the plan deletes. AWS keeps them without their user or group, and then no file
//! can name them any more.

use std::collections::BTreeMap;

use super::assignments::delete;
use super::change::NoteKind;
use super::draft::Draft;
use super::inputs::Inputs;
use crate::access::lookup::principal_text;
use crate::access::mistake::Place;
use crate::ids::Principal;

/// Deletes the assignments of the users and groups that the plan deletes, also those that the file does not own: they give
/// nobody access afterwards.
pub(super) fn plan(inputs: &Inputs<'_>, draft: &mut Draft) {
    let deletions = draft.deleted_users.iter().chain(&draft.deleted_groups);
    let deleted = deletions.filter_map(|change| Some((change.action.deleted_principal()?, change.place.clone())));
    let deleted: BTreeMap<Principal, Option<Place>> = deleted.collect();
    let mut left: BTreeMap<&Principal, usize> = BTreeMap::new();
    for key in &inputs.observed.assignments {
        let Some(place) = deleted.get(&key.principal) else {
            continue;
        };
        if draft.deleted_assignments.contains_key(key) {
            continue;
        }
        delete(inputs, draft, key, place.as_ref());
        if draft.deleted_assignments.contains_key(key) {
            draft.deleted_with_principal.insert(key.clone());
        } else {
            *left.entry(&key.principal).or_default() += 1;
        }
    }
    for (principal, count) in left {
        let who = inputs.lookup.principal_name(principal);
        let who = who.map_or_else(|| principal.to_string(), |name| principal_text(&name));
        let (assignments, they) = match count {
            1 => ("assignment that stays", "it is ignored, or its account is not active"),
            _ => (
                "assignments that stay",
                "they are ignored, or their accounts are not active",
            ),
        };
        let text = format!("{who} is deleted and has {count} {assignments}: {they}.");
        let place = deleted.get(principal).and_then(Option::as_ref);
        draft.note(NoteKind::Orphaned, text, place);
    }
}
