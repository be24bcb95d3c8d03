//! What users who leave keep, as notes of a plan, and how to delete them.

use std::collections::BTreeSet;
use std::path::Path;

use super::live::Situation;
use crate::access::leaver::{KeptAccess, kept};
use crate::access::plan::{Note, NoteKind, Options, Plan, plan as make_plan};
use crate::next_step::{NextStep, NextSteps, SetupCommand, Subcommand};

/// Adds a note for each way in which the users keep access, even if the file is applied with `--prune`, and returns these ways.
pub fn add_notes(plan: &mut Plan, situation: &Situation, options: &Options, users: &[String]) -> Vec<KeptAccess> {
    if users.is_empty() {
        return Vec::new();
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
    kept
}

/// How to delete the users whose access ends with them. `file` is the access file as the user gave it.
pub fn deletions(kept: &[KeptAccess], file: Option<&Path>) -> NextSteps {
    let kept = kept.iter().filter(|kept| kept.ends_with_user());
    let users: BTreeSet<&str> = kept.map(|kept| kept.user.as_str()).collect();
    let steps = users.into_iter().map(|user| {
        let command = SetupCommand::new(Subcommand::AccessRemove).word(user);
        let command = match file {
            Some(file) => command.word(file.display().to_string()),
            None => command,
        };
        let command = command.switch("--delete-user");
        command.to(format!("take {user} out of the file, and delete the user"))
    });
    NextSteps::from(steps.collect::<Vec<NextStep>>())
}
