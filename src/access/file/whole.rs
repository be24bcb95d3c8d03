//! Mistakes that only all files together show: names that are listed twice, limits of what files add to each other, and
//! account sets that no file has or that contain each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccessFile, rules};
use crate::access::mistake::{Located, Mistake, Place};
use crate::access::selections::cyclic;
use crate::access::selector::{Selection, Selector, unknown_set};

/// The names of one kind of thing.
struct Names<'a> {
    /// The kind, as in "the user".
    kind: &'static str,
    /// The names that are listed.
    listed: Vec<&'a Located<String>>,
    /// Their previous names.
    previous: Vec<&'a Located<String>>,
}

/// The mistakes in an access file.
pub fn mistakes(file: &AccessFile) -> Vec<Mistake> {
    let users = Names {
        kind: "user",
        listed: file.users.iter().map(|user| &user.name).collect(),
        previous: file.users.iter().flat_map(|user| &user.previous_names).collect(),
    };
    let groups = Names {
        kind: "group",
        listed: file.groups.iter().map(|group| &group.name).collect(),
        previous: file.groups.iter().flat_map(|group| &group.previous_names).collect(),
    };
    let permission_sets = Names {
        kind: "permission set",
        listed: file.permission_sets.iter().map(|set| &set.name).collect(),
        previous: file
            .permission_sets
            .iter()
            .flat_map(|set| &set.previous_names)
            .collect(),
    };
    let mut mistakes: Vec<Mistake> = [users, groups, permission_sets].iter().flat_map(of_names).collect();
    mistakes.extend(of_tags(file));
    mistakes.extend(cyclic(&file.account_sets));
    mistakes
}

fn of_names(names: &Names<'_>) -> Vec<Mistake> {
    let kind = names.kind;
    let mut mistakes = Vec::new();
    let mut listed: BTreeMap<&str, &Place> = BTreeMap::new();
    for name in &names.listed {
        match listed.get(name.value.as_str()) {
            Some(first) => mistakes.push(twice(kind, &name.value, &name.place, first)),
            None => {
                listed.insert(&name.value, &name.place);
            }
        }
    }
    let mut previous: BTreeMap<&str, &Place> = BTreeMap::new();
    for name in &names.previous {
        let other = listed
            .get(name.value.as_str())
            .or_else(|| previous.get(name.value.as_str()));
        match other {
            Some(other) => mistakes.push(Mistake {
                place: name.place.clone(),
                message: format!("The previous name {:?} is also the name of another {kind}.", name.value),
                suggestion: format!("The other one is at {other}. Remove one of them."),
            }),
            None => {
                previous.insert(&name.value, &name.place);
            }
        }
    }
    mistakes
}

/// Something that is listed twice.
pub fn twice(kind: &str, name: &str, place: &Place, first: &Place) -> Mistake {
    Mistake {
        place: place.clone(),
        message: format!("The {kind} {name:?} is listed twice."),
        suggestion: format!("It is also at {first}. Keep one of them."),
    }
}

/// The references to account sets that do not exist. What an assignment with an `until` refers to can be gone already.
pub fn unknown_sets(file: &AccessFile) -> Vec<Mistake> {
    let of_sets = file
        .account_sets
        .values()
        .flat_map(|set| set.accounts.iter().chain(&set.except));
    let lasting = file.assignments.iter().filter(|line| line.until.is_none());
    let of_assignments = lasting.flat_map(|line| line.accounts.iter().chain(&line.except));
    let selections = of_sets.chain(of_assignments);
    selections
        .flat_map(|selection| unknown_sets_in(file, selection))
        .collect()
}

fn unknown_sets_in(file: &AccessFile, selection: &Located<Selection>) -> Vec<Mistake> {
    let selectors = selection.value.all_of.iter();
    let unknown = selectors.filter_map(|selector| match selector {
        Selector::Set(name) if !file.account_sets.contains_key(name) => Some(name),
        _ => None,
    });
    unknown
        .map(|name| {
            let error = unknown_set(name, file.account_sets.keys().map(String::as_str));
            Mistake {
                place: selection.place.clone(),
                message: error.message,
                suggestion: error.suggestion,
            }
        })
        .collect()
}

fn of_tags(file: &AccessFile) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for set in &file.permission_sets {
        let keys: BTreeSet<&String> = set.tags.keys().chain(file.defaults.tags.keys()).collect();
        if keys.len() > rules::MOST_TAGS {
            mistakes.push(Mistake {
                place: set.place.clone(),
                message: format!(
                    "The permission set {:?} has {} tags. It can have {}, besides the tag idc-setup:access.",
                    set.name.value,
                    keys.len(),
                    rules::MOST_TAGS
                ),
                suggestion: "Remove some of them here or in the defaults.".to_owned(),
            });
        }
    }
    mistakes
}
