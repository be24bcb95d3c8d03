//! Permission sets that the file owns and no longer lists.

use std::collections::{BTreeMap, BTreeSet};

use super::assignments::{delete, stays};
use super::change::{Action, Change, NoteKind, RefusalReason};
use super::draft::Draft;
use super::inputs::Inputs;
use super::sets::{Sets, Standing};
use crate::access::desired::{AssignmentName, DesiredSet};
use crate::access::file::Extent;
use crate::ids::{AssignmentKey, PermissionSetArn};
use crate::resources::inventory::PermissionSet;

/// What decides whether a permission set can be deleted.
struct Retirement<'a> {
    assignments: BTreeMap<&'a PermissionSetArn, Vec<&'a AssignmentKey>>,
    /// The names of the permission sets that `[[assignment]]` names.
    used: BTreeSet<&'a str>,
    /// The names of the permission sets that do not yet have all assignments that the file lists.
    incomplete: BTreeSet<&'a str>,
}

/// The permission set that has a new name for another one.
#[derive(Clone, Copy)]
struct Successor<'a> {
    name: &'a str,
    wanted: &'a DesiredSet,
}

/// Plans what happens to the permission sets that the file owns and no longer lists: first their assignments are deleted,
/// then they.
pub(super) fn plan<'a>(inputs: &Inputs<'a>, draft: &mut Draft, sets: &Sets<'a>, incomplete: BTreeSet<&'a str>) {
    let (desired, observed) = (inputs.desired, inputs.observed);
    let mut retired: Vec<&PermissionSet> = observed
        .permission_sets
        .values()
        .filter(|set| set.owner.as_ref() == Some(&desired.name) && !desired.permission_sets.contains_key(&set.name))
        .collect();
    if retired.is_empty() {
        return;
    }
    retired.sort_by(|one, other| one.name.cmp(&other.name));
    let mut assignments: BTreeMap<&PermissionSetArn, Vec<&AssignmentKey>> = BTreeMap::new();
    for key in &observed.assignments {
        assignments.entry(&key.permission_set).or_default().push(key);
    }
    let used = desired.assignments.keys().map(|name| name.permission_set.as_str());
    let retirement = Retirement {
        assignments,
        used: used.collect(),
        incomplete,
    };
    for set in retired {
        retirement.plan(inputs, draft, sets, set);
    }
}

impl<'a> Retirement<'a> {
    fn plan(&self, inputs: &Inputs<'a>, draft: &mut Draft, sets: &Sets<'a>, set: &PermissionSet) {
        let name = &set.name;
        let successors = inputs.desired.permission_sets.iter();
        let mut successors = successors.map(|(name, wanted)| Successor { name, wanted });
        let successor = successors.find(|successor| successor.wanted.previous_names.contains(name));
        if inputs.ignore.permission_set(name) {
            draft.ignore(format!("The permission set {name}"));
            return;
        }
        if let Some(successor) = successor.filter(|successor| inputs.ignore.permission_set(successor.name)) {
            draft.ignore(format!("The permission set {}", successor.name));
            return;
        }
        if let Some(successor) = successor
            && (sets.get(successor.name) != Some(&Standing::Exists) || self.incomplete.contains(successor.name))
        {
            let text = format!(
                "The permission set {name} stays until {} has its assignments. A later apply with --prune deletes it.",
                successor.name
            );
            draft.note(NoteKind::RenamedLater, text, Some(&successor.wanted.place));
            return;
        }
        if let Some(in_the_way) = self.in_the_way(inputs, draft, set, successor) {
            let place = successor.map(|successor| &successor.wanted.place);
            draft.refuse(in_the_way.reason, in_the_way.what, in_the_way.suggestion, place);
            return;
        }
        draft.exact_sets.insert(set.arn.clone());
        for key in self.assignments_of(set) {
            delete(inputs, draft, key, None);
        }
        let action = Action::DeletePermissionSet {
            arn: set.arn.clone(),
            name: name.clone(),
        };
        draft.deleted_permission_sets.push(Change { action, place: None });
    }

    fn assignments_of(&self, set: &PermissionSet) -> &[&'a AssignmentKey] {
        self.assignments.get(&set.arn).map_or(&[], Vec::as_slice)
    }

    /// Why neither the permission set nor its assignments are deleted.
    fn in_the_way(
        &self,
        inputs: &Inputs<'a>,
        draft: &Draft,
        set: &PermissionSet,
        successor: Option<Successor<'a>>,
    ) -> Option<InTheWay> {
        let name = &set.name;
        // Without those that the file names with `absent = true`. Those that no plan can delete are noted, and keep the
        // permission set.
        let is_left = |key: &&&AssignmentKey| !draft.deleted_assignments.contains_key(**key) && !stays(inputs, key);
        let mut left = self.assignments_of(set).iter().filter(is_left);
        if inputs.protect.permission_set(name) {
            return Some(InTheWay {
                reason: RefusalReason::Protected,
                what: format!("The permission set {name} is no longer listed, and it is protected."),
                suggestion: "List it again, or remove it from protect.",
            });
        }
        if self.used.contains(name.as_str()) {
            return Some(InTheWay {
                reason: RefusalReason::InUse,
                what: format!("The permission set {name} is no longer listed, and an [[assignment]] uses it."),
                suggestion: "List it again, or remove it from the assignments.",
            });
        }
        if !inputs.observed.assignments_read.contains(&set.arn) {
            return Some(InTheWay {
                reason: RefusalReason::InUse,
                what: format!("The permission set {name} is no longer listed, and its assignments are not known."),
                suggestion: "Run the command again.",
            });
        }
        if set.has_other_assignments() && successor.is_none() && left.clone().next().is_some() {
            return Some(InTheWay {
                reason: RefusalReason::InUse,
                what: format!(
                    "The permission set {name} is no longer listed, and is still assigned. The file did not own all of its \
                     assignments."
                ),
                suggestion: "Delete the assignments first: list them with absent = true.",
            });
        }
        let successor = successor.filter(|successor| successor.wanted.assignments == Extent::AtLeast)?;
        let other = left.find(|key| !is_moved(inputs, key, successor))?;
        let who = inputs.lookup.principal_name(&other.principal);
        let who = who.map_or_else(|| other.principal.to_string(), |principal| principal.to_string());
        Some(InTheWay {
            reason: RefusalReason::InUse,
            what: format!(
                "The permission set {name} is renamed to {}, and is still assigned to {who} in {}, which the file does \
                 not list.",
                successor.name,
                inputs.lookup.account_text(&other.account)
            ),
            suggestion: "List this assignment with the new name, or delete it.",
        })
    }
}

/// What keeps a permission set from being deleted.
struct InTheWay {
    reason: RefusalReason,
    what: String,
    suggestion: &'static str,
}

/// Whether the file lists an assignment with the new name of its permission set.
fn is_moved(inputs: &Inputs<'_>, key: &AssignmentKey, successor: Successor<'_>) -> bool {
    inputs.lookup.principal_name(&key.principal).is_some_and(|principal| {
        inputs.desired.assignments.contains_key(&AssignmentName {
            account: key.account.clone(),
            permission_set: successor.name.to_owned(),
            principal,
        })
    })
}
