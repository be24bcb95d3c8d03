//! The assignments of users and groups that the plan deletes. AWS keeps them without their user or group, and then no file
//! can name them any more.

use std::collections::BTreeMap;

use super::assignments::delete;
use super::draft::Draft;
use super::inputs::Inputs;
use crate::access::mistake::Place;
use crate::ids::Principal;

/// Deletes the assignments of the users and groups that the plan deletes, also those that the file does not own: they give
/// nobody access afterwards.
pub(super) fn plan(inputs: &Inputs<'_>, draft: &mut Draft) {
    let deletions = draft.deleted_users.iter().chain(&draft.deleted_groups);
    let deleted = deletions.filter_map(|change| Some((change.action.deleted_principal()?, change.place.clone())));
    let deleted: BTreeMap<Principal, Option<Place>> = deleted.collect();
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
        }
    }
}
