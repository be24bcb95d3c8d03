//! Assignments of users and groups that no longer exist, and that the file does not own. No access file can name them, so
//! that only a note shows them.

use std::collections::{BTreeMap, BTreeSet};

use super::desired::Desired;
use super::guards::Patterns;
use super::lookup::Lookup;
use super::plan::{Note, NoteKind};
use crate::ids::{AccountId, AssignmentKey, Principal};
use crate::resources::inventory::{Account, Inventory, PermissionSet};

/// A note for each permission set and each user or group that no longer exists. Those that the file owns are drift.
pub fn notes(desired: &Desired, observed: &Inventory) -> Vec<Note> {
    let lookup = Lookup::new(desired, observed);
    let ignore = Patterns::new(&desired.guard.ignore, &observed.accounts);
    let mut orphans: BTreeMap<Orphan<'_>, BTreeSet<&AccountId>> = BTreeMap::new();
    for key in &observed.assignments {
        let Some(set) = observed.permission_sets.get(&key.permission_set) else {
            continue;
        };
        let is_named = set.owner.as_ref() == Some(&desired.name)
            || ignore.permission_set(&set.name)
            || ignore.account(&key.account);
        if !is_named && is_orphan(&lookup, observed, key) {
            let orphan = Orphan::new(set, &key.principal);
            orphans.entry(orphan).or_default().insert(&key.account);
        }
    }
    let notes = orphans.into_iter().map(|(orphan, accounts)| Note {
        kind: NoteKind::Orphaned,
        text: orphan.text(&lookup, &accounts),
        place: None,
    });
    notes.collect()
}

/// A permission set, and a user or group that no longer exists.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Orphan<'a> {
    permission_set: &'a str,
    principal: &'a Principal,
}

impl<'a> Orphan<'a> {
    fn new(set: &'a PermissionSet, principal: &'a Principal) -> Self {
        Self {
            permission_set: &set.name,
            principal,
        }
    }

    fn text(&self, lookup: &Lookup<'_>, accounts: &BTreeSet<&AccountId>) -> String {
        let noun = match self.principal {
            Principal::User(_) => "user",
            Principal::Group(_) => "group",
        };
        let (assignment, them) = match accounts.len() {
            1 => ("the assignment", "it"),
            _ => ("these assignments", "them"),
        };
        let accounts: Vec<String> = accounts.iter().map(|account| lookup.account_text(account)).collect();
        format!(
            "{} is assigned in {} to a {noun} that no longer exists ({}), and the file does not own {assignment}. Remove \
             {them} in the console, under AWS accounts.",
            self.permission_set,
            accounts.join(", "),
            self.principal
        )
    }
}

/// Whether nobody has the assignment, and AWS can delete it.
fn is_orphan(lookup: &Lookup<'_>, observed: &Inventory, key: &AssignmentKey) -> bool {
    let account = observed.accounts.all.get(&key.account);
    account.is_none_or(Account::is_active) && lookup.principal_name(&key.principal).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::model::{FILE, Fill, pattern, small_team, spec};

    #[test]
    fn assignments_of_nobody_are_noted_if_the_file_does_not_own_them() {
        let (mut file, mut live) = small_team();
        let gone = Principal::User("user-gone".parse().unwrap());
        live.add_set("other", &spec("Other", 0), None);
        live.add_set("own", &spec("Own", 0), Some(FILE));
        for digit in [1, 2, 4] {
            live.assign(digit, "Other", gone.clone());
            live.assign(digit, "Own", gone.clone());
        }
        let texts: Vec<String> = notes(&file, &live).into_iter().map(|note| note.text).collect();
        assert_eq!(
            texts,
            [
                "Other is assigned in Account 1 (111111111111), Account 2 (222222222222) to a user that no longer exists \
                 (user-gone), and the file does not own these assignments. Remove them in the console, under AWS accounts."
            ]
        );
        file.guard.ignore.push(pattern("permission-set:Other"));
        assert!(notes(&file, &live).is_empty());
    }
}
