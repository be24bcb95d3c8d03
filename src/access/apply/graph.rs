//! Which changes of a plan wait for which.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::desired::AssignmentName;
use crate::access::file::PrincipalName;
use crate::access::plan::{Action, Attribute, AttributeChange, Change, Plan};
use crate::ids::{AccountId, MembershipKey, Principal};
use crate::reconcile::FieldChange;
use crate::resources::inventory::Inventory;

/// The changes of a plan, with what each waits for.
pub struct Graph<'a> {
    changes: &'a [Change],
    /// The changes that each one waits for, and that are not done.
    waits_for: Vec<BTreeSet<usize>>,
    /// The changes that wait for each one.
    followers: Vec<Vec<usize>>,
    /// The changes that were not handed out.
    open: BTreeSet<usize>,
    /// Those of them that wait for nothing but, for a removal, the end of the rest.
    ready: BTreeSet<usize>,
    /// The changes that are not removals, and are not done.
    building: BTreeSet<usize>,
}

impl<'a> Graph<'a> {
    /// The graph of a plan for what was observed.
    pub fn new(plan: &'a Plan, inventory: &Inventory) -> Self {
        let changes = plan.changes.as_slice();
        let needs = Needs::new(changes, inventory);
        let waits_for: Vec<BTreeSet<usize>> = (0..changes.len()).map(|index| needs.of(index)).collect();
        let mut followers = vec![Vec::new(); changes.len()];
        for (index, others) in waits_for.iter().enumerate() {
            for other in others {
                followers[*other].push(index);
            }
        }
        let open: BTreeSet<usize> = (0..changes.len()).collect();
        let building = open
            .iter()
            .copied()
            .filter(|index| !changes[*index].action.is_deletion());
        Self {
            building: building.collect(),
            ready: open
                .iter()
                .copied()
                .filter(|index| waits_for[*index].is_empty())
                .collect(),
            changes,
            waits_for,
            followers,
            open,
        }
    }

    /// The change with this index.
    pub fn change(&self, index: usize) -> &'a Change {
        &self.changes[index]
    }

    /// The number of changes that were not handed out.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Hands out changes that can begin: all assignments, and at most this many others.
    pub fn ready(&mut self, most_others: usize) -> Vec<usize> {
        let may_remove = self.building.is_empty();
        let mut others = 0;
        let mut handed_out = Vec::new();
        for index in &self.ready {
            let action = &self.changes[*index].action;
            if action.is_deletion() && !may_remove {
                continue;
            }
            if !is_assignment(action) {
                if others == most_others {
                    continue;
                }
                others += 1;
            }
            handed_out.push(*index);
        }
        for index in &handed_out {
            self.ready.remove(index);
            self.open.remove(index);
        }
        handed_out
    }

    /// A change is done. What waits for a change that failed never begins.
    pub fn done(&mut self, index: usize) {
        self.building.remove(&index);
        for follower in std::mem::take(&mut self.followers[index]) {
            let waits_for = &mut self.waits_for[follower];
            waits_for.remove(&index);
            if waits_for.is_empty() && self.open.contains(&follower) {
                self.ready.insert(follower);
            }
        }
    }

    /// The changes that were not handed out.
    pub fn not_begun(&self) -> Vec<usize> {
        self.open.iter().copied().collect()
    }
}

/// Whether an action creates or deletes an assignment.
pub fn is_assignment(action: &Action) -> bool {
    matches!(action, Action::CreateAssignment(_) | Action::DeleteAssignment { .. })
}

/// Who provides what a change needs.
struct Needs<'a> {
    changes: &'a [Change],
    users: BTreeMap<&'a str, usize>,
    groups: BTreeMap<&'a str, usize>,
    sets: BTreeMap<&'a str, usize>,
    /// The updates that provision. While AWS changes the roles in an account, it accepts no assignment there.
    provisioning: BTreeSet<usize>,
    /// The first new assignment of a permission set in an account that does not have it: it creates the role.
    first: BTreeMap<(&'a AccountId, &'a str), usize>,
}

impl<'a> Needs<'a> {
    fn new(changes: &'a [Change], inventory: &Inventory) -> Self {
        let mut needs = Self {
            changes,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            sets: BTreeMap::new(),
            provisioning: BTreeSet::new(),
            first: BTreeMap::new(),
        };
        for (index, change) in changes.iter().enumerate() {
            match &change.action {
                Action::CreateUser(spec) => {
                    needs.users.insert(&spec.name, index);
                }
                Action::UpdateUser { name, changes, .. } => {
                    needs.users.insert(new_name(changes).unwrap_or(name), index);
                }
                Action::CreateGroup { name, .. } => {
                    needs.groups.insert(name, index);
                }
                Action::UpdateGroup { name, changes, .. } => {
                    needs.groups.insert(new_name(changes).unwrap_or(name), index);
                }
                Action::CreatePermissionSet(spec) => {
                    needs.sets.insert(&spec.name, index);
                }
                Action::UpdatePermissionSet { name, changes, .. } => {
                    needs.sets.insert(name, index);
                    if changes.contains(&FieldChange::Provision) {
                        needs.provisioning.insert(index);
                    }
                }
                Action::CreateAssignment(name) => {
                    let set = inventory.permission_set_named(&name.permission_set);
                    if !set.is_some_and(|set| set.accounts.contains(&name.account)) {
                        let pair = (&name.account, name.permission_set.as_str());
                        needs.first.entry(pair).or_insert(index);
                    }
                }
                _ => {}
            }
        }
        needs
    }

    fn of(&self, index: usize) -> BTreeSet<usize> {
        let needs: BTreeSet<Option<usize>> = match &self.changes[index].action {
            Action::AddMember { group, user } => BTreeSet::from([self.group(group), self.user(user)]),
            Action::CreateAssignment(name) => self.of_assignment(name),
            Action::DeletePermissionSet { arn, .. } => self.deletions(|key_set, _| key_set == &**arn),
            Action::DeleteGroup { id, .. } => {
                let principal = Principal::Group(id.clone());
                let mut needs = self.deletions(|_, other| *other == principal);
                needs.extend(self.removed_members(|key| key.group == *id));
                needs
            }
            Action::DeleteUser { id, .. } => {
                let principal = Principal::User(id.clone());
                let mut needs = self.deletions(|_, other| *other == principal);
                needs.extend(self.removed_members(|key| key.user == *id));
                needs
            }
            _ => BTreeSet::new(),
        };
        needs.into_iter().flatten().filter(|other| *other != index).collect()
    }

    fn user(&self, name: &str) -> Option<usize> {
        self.users.get(name).copied()
    }

    fn group(&self, name: &str) -> Option<usize> {
        self.groups.get(name).copied()
    }

    fn of_assignment(&self, name: &AssignmentName) -> BTreeSet<Option<usize>> {
        let principal = match &name.principal {
            PrincipalName::User(user) => self.user(user),
            PrincipalName::Group(group) => self.group(group),
        };
        let set = self.sets.get(name.permission_set.as_str()).copied();
        let first = self.first.get(&(&name.account, name.permission_set.as_str())).copied();
        let provisioning = self.provisioning.iter().copied().map(Some);
        provisioning.chain([principal, set, first]).collect()
    }

    /// The deletions of assignments whose permission set and principal match.
    fn deletions(&self, matches: impl Fn(&str, &Principal) -> bool) -> BTreeSet<Option<usize>> {
        let changes = self.changes.iter().enumerate();
        let deletions = changes.filter(|(_, change)| match &change.action {
            Action::DeleteAssignment { key, .. } => matches(&key.permission_set, &key.principal),
            _ => false,
        });
        deletions.map(|(index, _)| Some(index)).collect()
    }

    fn removed_members(&self, matches: impl Fn(&MembershipKey) -> bool) -> BTreeSet<Option<usize>> {
        let changes = self.changes.iter().enumerate();
        let removed = changes.filter(|(_, change)| match &change.action {
            Action::RemoveMember { key, .. } => matches(key),
            _ => false,
        });
        removed.map(|(index, _)| Some(index)).collect()
    }
}

/// The name after a rename.
fn new_name(changes: &[AttributeChange]) -> Option<&str> {
    let name = changes.iter().find(|change| change.attribute == Attribute::Name);
    name.map(|change| change.after.as_str())
}
