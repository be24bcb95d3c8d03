//! What runs that were killed have begun, under whatever names they were asked for: it is looked at by these names, so that
//! undo takes it back though the answers are others by now.

use crate::answers::{Answer, Key, Source};
use crate::progress::{Intent, ResourceKind, Verb};
use crate::steps::Context;

/// The answers that a look needs to come upon what an intent is about; none where a look needs no name, or goes by files.
/// Names may have slashes in them, and a membership's is then read in each way.
fn answers_of(intent: &Intent) -> Vec<Vec<(Key, String)>> {
    let name = intent.name.as_str();
    let pairs = |one: Key, other: Key| {
        let slashes = name.match_indices('/').map(|(at, _)| (&name[..at], &name[at + 1..]));
        let pairs = slashes.filter(|(left, right)| !left.is_empty() && !right.is_empty());
        pairs
            .map(|(left, right)| vec![(one, left.to_owned()), (other, right.to_owned())])
            .collect()
    };
    match intent.kind {
        ResourceKind::User => vec![vec![(Key::Username, name.to_owned())]],
        ResourceKind::Group => vec![vec![(Key::Group, name.to_owned())]],
        ResourceKind::GroupMembership => pairs(Key::Group, Key::Username),
        ResourceKind::PermissionSet => vec![vec![(Key::PermissionSet, name.to_owned())]],
        // A permission set's name has none.
        ResourceKind::PolicyAttachment => pairs(Key::PermissionSet, Key::Policy).into_iter().take(1).collect(),
        _ => Vec::new(),
    }
}

/// Sets of answers under which something that was begun would be looked at, and is not under those that are given.
pub fn other_answers(context: &Context) -> Vec<Vec<(Key, String)>> {
    let open = context.progress.read(|record| record.intents.clone());
    let mut sets: Vec<Vec<(Key, String)>> = Vec::new();
    for intent in open.iter().filter(|intent| intent.verb == Verb::Create) {
        sets.extend(answers_of(intent));
    }
    let is_asked_for = |answers: &Vec<(Key, String)>| answers.iter().all(|(key, value)| context.text(*key) == *value);
    sets.retain(|answers| !is_asked_for(answers));
    sets.dedup();
    sets
}

/// Has the steps look by other names.
pub fn go_by(context: &Context, answers: &[(Key, String)]) {
    let mut all = context.answers.borrow_mut();
    if answers.iter().any(|(key, _)| *key == Key::Username) {
        // Whoever has the address that was asked for is somebody else.
        all.take_back(Key::Email);
    }
    if answers.iter().any(|(key, _)| *key == Key::Group) {
        all.take_back(Key::NoGroup);
    }
    for (key, value) in answers {
        let answer = Answer {
            value: value.clone(),
            source: Source::Asked,
        };
        all.replace(*key, answer);
    }
}
