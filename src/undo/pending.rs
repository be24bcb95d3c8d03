//! Changes that killed runs started, possibly under other names than the current answers have. The steps check these names
//! too, so that undo finds and deletes the resources.

use crate::answers::{Answer, Key, Source};
use crate::progress::{Intent, ResourceKind, Verb};
use crate::steps::Context;

/// The answers with which a step finds the resource of an intent; empty if the step needs no name or reads files. Names can
/// contain slashes, so a membership's name is split at each of them.
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
        // The name of a permission set contains no slash.
        ResourceKind::PolicyAttachment => pairs(Key::PermissionSet, Key::Policy).into_iter().take(1).collect(),
        _ => Vec::new(),
    }
}

/// Sets of answers, other than the current ones, under which a killed run may have created something.
pub fn other_answers(context: &Context) -> Vec<Vec<(Key, String)>> {
    let pending = context.progress.read(|record| record.intents.clone());
    let mut sets: Vec<Vec<(Key, String)>> = Vec::new();
    for intent in pending.iter().filter(|intent| intent.verb == Verb::Create) {
        sets.extend(answers_of(intent));
    }
    let is_current = |answers: &Vec<(Key, String)>| answers.iter().all(|(key, value)| context.text(*key) == *value);
    sets.retain(|answers| !is_current(answers));
    sets.dedup();
    sets
}

/// Replaces the answers, so that the steps check these names.
pub fn use_answers(context: &Context, answers: &[(Key, String)]) {
    let mut all = context.answers.borrow_mut();
    if answers.iter().any(|(key, _)| *key == Key::Username) {
        // The current email address belongs to another user.
        all.remove(Key::Email);
    }
    if answers.iter().any(|(key, _)| *key == Key::Group) {
        all.remove(Key::NoGroup);
    }
    for (key, value) in answers {
        let answer = Answer {
            value: value.clone(),
            source: Source::Asked,
        };
        all.replace(*key, answer);
    }
}
