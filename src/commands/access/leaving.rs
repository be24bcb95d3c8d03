//! What users who leave keep, as notes of a plan.

use super::live::Situation;
use crate::access::leaver::{KeptAccess, kept};
use crate::access::plan::{Note, NoteKind, Options, Plan, plan as make_plan};

/// Adds a note for each way in which the users keep access, even if the file is applied with `--prune`.
pub fn add_notes(plan: &mut Plan, situation: &Situation, options: &Options, users: &[String]) {
    if users.is_empty() {
        return;
    }
    let (desired, inventory) = (&situation.desired, &situation.inventory);
    let everything = Options {
        prune: true,
        max_deletes: Some(u32::MAX),
        ..options.clone()
    };
    let pruned = make_plan(desired, inventory, &everything, situation.today);
    let kept: Vec<KeptAccess> = users
        .iter()
        .flat_map(|user| kept(desired, inventory, &pruned, user))
        .collect();
    let notes = kept.iter().map(|kept| Note {
        kind: NoteKind::KeepsAccess,
        text: format!("{} {}", kept.sentence(), kept.suggestion()),
        place: kept
            .group
            .as_ref()
            .and_then(|name| desired.groups.get(name))
            .map(|group| group.place.clone()),
    });
    let mut notes: Vec<Note> = notes.collect();
    notes.append(&mut plan.notes);
    plan.notes = notes;
}

/// What the notes of a plan say that users keep.
pub fn kept_access(plan: &Plan) -> Vec<&str> {
    let notes = plan.notes.iter().filter(|note| note.kind == NoteKind::KeepsAccess);
    notes.map(|note| note.text.as_str()).collect()
}
