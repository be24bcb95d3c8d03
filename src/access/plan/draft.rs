//! A plan in the making.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Note, NoteKind, Refusal, RefusalReason};
use crate::access::file::PrincipalName;
use crate::access::mistake::Place;
use crate::ids::{AccountId, AssignmentKey, PermissionSetArn};

/// A plan in the making: its changes by what they are, and what is said about them.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Users that are created or changed.
    pub users: Vec<Change>,
    /// Groups that are created or changed.
    pub groups: Vec<Change>,
    /// Members that are added.
    pub added_members: Vec<Change>,
    /// Permission sets that are created or changed.
    pub permission_sets: Vec<Change>,
    /// Assignments that are created.
    pub created_assignments: Vec<Change>,
    /// Members that are removed.
    pub removed_members: Vec<Change>,
    /// Assignments that are deleted.
    pub deleted_assignments: BTreeMap<AssignmentKey, Change>,
    /// Those of them that are deleted only because the plan deletes their user or group.
    pub deleted_with_principal: BTreeSet<AssignmentKey>,
    /// Permission sets that are deleted.
    pub deleted_permission_sets: Vec<Change>,
    /// Groups that are deleted.
    pub deleted_groups: Vec<Change>,
    /// Users that are deleted.
    pub deleted_users: Vec<Change>,
    /// What differs and is not changed.
    pub refusals: Vec<Refusal>,
    /// What people should know.
    pub notes: Vec<Note>,
    /// The number of things that are as desired.
    pub unchanged: usize,
    /// The number of differences that are ignored, by what they belong to.
    pub ignored: BTreeMap<String, usize>,
    /// The permission sets that are equal to the file and not owned, by the access file that owns them, and where they are.
    pub not_owned: BTreeMap<Option<String>, BTreeMap<String, Place>>,
    /// The assignments that stay because their account is not active.
    pub inactive: BTreeMap<AccountId, BTreeSet<AssignmentKey>>,
    /// The permission sets all of whose assignments the file owns.
    pub exact_sets: BTreeSet<PermissionSetArn>,
    /// The number of memberships that the file owns.
    pub owned_memberships: usize,
    /// The number of assignments that are not made because their user or group is refused.
    pub not_made: BTreeMap<PrincipalName, usize>,
    unknown: BTreeSet<String>,
    /// Which of the refusals says why a user or group can't be used.
    explained: BTreeMap<PrincipalName, usize>,
}

impl Draft {
    /// Says that something differs and is not changed.
    pub fn refuse(
        &mut self,
        reason: RefusalReason,
        what: String,
        suggestion: impl Into<String>,
        place: Option<&Place>,
    ) {
        self.refusals.push(Refusal {
            reason,
            what,
            suggestion: suggestion.into(),
            place: place.cloned(),
            assignment: None,
        });
    }

    /// Says something that people should know.
    pub fn note(&mut self, kind: NoteKind, text: String, place: Option<&Place>) {
        self.notes.push(Note {
            kind,
            text,
            place: place.cloned(),
        });
    }

    /// Counts a difference that is ignored.
    pub fn ignore(&mut self, subject: String) {
        *self.ignored.entry(subject).or_default() += 1;
    }

    /// Says, once for each, that a principal does not exist.
    pub fn unknown_principal(&mut self, principal: &PrincipalName, place: Option<&Place>) {
        let table = match principal {
            PrincipalName::User(_) => "[[user]]",
            PrincipalName::Group(_) => "[[group]]",
        };
        if self.unknown.insert(principal.to_string()) {
            let what = format!("The principal {principal} does not exist, and the file does not create it.");
            let suggestion = format!("Correct the name, or add it as {table}.");
            self.refuse(RefusalReason::UnknownPrincipal, what, suggestion, place);
            self.explain(principal);
        }
    }

    /// Notes that the last refusal says why a user or group can't be used.
    pub fn explain(&mut self, principal: &PrincipalName) {
        if let Some(last) = self.refusals.len().checked_sub(1) {
            self.explained.entry(principal.clone()).or_insert(last);
        }
    }

    /// Says in the refusals of users and groups how many assignments are not made because of them, and returns the number
    /// of all.
    pub fn count_not_made(&mut self) -> usize {
        let not_made = std::mem::take(&mut self.not_made);
        for (principal, count) in &not_made {
            let index = self.explained.get(principal);
            if let Some(refusal) = index.and_then(|index| self.refusals.get_mut(*index)) {
                let (assignments, be) = match count {
                    1 => ("assignment".to_owned(), "is"),
                    count => (format!("{count} assignments"), "are"),
                };
                refusal.what = format!("{} Its {assignments} {be} not made either.", refusal.what);
            }
        }
        not_made.values().sum()
    }

    /// Says, once for each, that the file uses a principal that must not exist.
    pub fn absent_principal(&mut self, principal: &PrincipalName, place: Option<&Place>) {
        if self.unknown.insert(principal.to_string()) {
            let what = format!("The file uses {principal}, which must not exist.");
            let suggestion = "Remove absent = true, or what uses it.";
            self.refuse(RefusalReason::UnknownPrincipal, what, suggestion, place);
            self.explain(principal);
        }
    }

    /// Says, once for each, that a permission set does not exist.
    pub fn unknown_permission_set(&mut self, name: &str, place: Option<&Place>) {
        if self.unknown.insert(format!("permission-set:{name}")) {
            let what = format!("The permission set {name} does not exist, and the file does not create it.");
            let suggestion = "Correct the name, or add it as [[permission-set]].";
            self.refuse(RefusalReason::UnknownPermissionSet, what, suggestion, place);
        }
    }
}
