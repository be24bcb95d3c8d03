//! What runs that were killed have begun, under whatever names they were asked for: it is looked at by these names, so that
//! undo takes it back though the answers are others by now.

use crate::answers::{Answer, Key, Source};
use crate::progress::{Intent, ResourceKind, Verb};
use crate::steps::Setting;

/// The answers that a look needs to come upon what an intent is about; none where a look needs no name, or goes by files.
fn answers_of(intent: &Intent) -> Vec<(Key, String)> {
    let name = intent.name.clone();
    let parts: Vec<&str> = intent.name.split('/').collect();
    match (intent.kind, parts.as_slice()) {
        (ResourceKind::User, _) => vec![(Key::Username, name)],
        (ResourceKind::Group, _) => vec![(Key::Group, name)],
        (ResourceKind::GroupMembership, _) => intent.name.rsplit_once('/').map_or_else(Vec::new, |(group, user)| {
            vec![(Key::Group, group.to_owned()), (Key::Username, user.to_owned())]
        }),
        (ResourceKind::PermissionSet, _) => vec![(Key::PermissionSet, name)],
        (ResourceKind::PolicyAttachment, [set, policy @ ..]) if !policy.is_empty() => {
            vec![(Key::PermissionSet, (*set).to_owned()), (Key::Policy, policy.join("/"))]
        }
        _ => Vec::new(),
    }
}

/// Sets of answers under which something that was begun would be looked at, and is not under those that are given.
pub fn other_answers(setting: &Setting) -> Vec<Vec<(Key, String)>> {
    let open = setting.progress.read(|record| record.intents.clone());
    let mut sets: Vec<Vec<(Key, String)>> = Vec::new();
    for intent in open.iter().filter(|intent| intent.verb == Verb::Create) {
        sets.extend([answers_of(intent)].into_iter().filter(|answers| !answers.is_empty()));
    }
    let is_asked_for = |answers: &Vec<(Key, String)>| answers.iter().all(|(key, value)| setting.text(*key) == *value);
    sets.retain(|answers| !is_asked_for(answers));
    sets.dedup();
    sets
}

/// Has the steps look by other names.
pub fn go_by(setting: &Setting, answers: &[(Key, String)]) {
    let mut all = setting.answers.borrow_mut();
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
