//! Changes that killed runs started, possibly with names other than those in the current answers. The steps check these
//! names too, so that undo finds and deletes the resources.

use super::WizardContext;
use crate::answers::{Answer, Key, Source};
use crate::progress::{Intent, ResourceKind, ResourceName, Verb};

/// The answers with which a step finds the resource of an intent; empty if the step needs no name or reads files.
fn answers_of(intent: &Intent) -> Vec<(Key, String)> {
    let name = intent.name.clone();
    match (intent.kind, name) {
        (ResourceKind::User, ResourceName::Single(name)) => vec![(Key::Username, name)],
        (ResourceKind::Group, ResourceName::Single(name)) => vec![(Key::Group, name)],
        (_, ResourceName::Membership { group, user }) => vec![(Key::Group, group), (Key::Username, user)],
        (ResourceKind::PermissionSet, ResourceName::Single(name)) => vec![(Key::PermissionSet, name)],
        _ => Vec::new(),
    }
}

/// Sets of answers, other than the current ones, with which a killed run may have created something.
pub fn other_answers(context: &WizardContext) -> Vec<Vec<(Key, String)>> {
    let pending = context.progress.read(|record| record.intents.clone());
    let mut sets: Vec<Vec<(Key, String)>> = Vec::new();
    for intent in pending.iter().filter(|intent| intent.verb == Verb::Create) {
        sets.push(answers_of(intent));
    }
    let is_current = |answers: &Vec<(Key, String)>| answers.iter().all(|(key, value)| context.text(*key) == *value);
    sets.retain(|answers| !is_current(answers));
    sets.dedup();
    sets
}

/// Replaces the answers, so that the steps check these names.
pub fn use_answers(context: &WizardContext, answers: &[(Key, String)]) {
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
