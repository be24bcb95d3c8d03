//! Which changes of a plan wait for which.
//!
//! Some changes need another one: an assignment needs its user, group and permission set. If that fails, they never begin.
//! Others only come after another one, whether that succeeds or not.
//!
//! Removals begin when everything else has ended. Those of the same user, group or permission set as something that failed
//! never begin: they could take the only access away.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::desired::AssignmentName;
use crate::access::file::PrincipalName;
use crate::access::plan::{Action, Attribute, AttributeChange, Change, Plan};
use crate::ids::{AccountId, AssignmentKey, MembershipKey, Principal};
use crate::reconcile::FieldChange;
use crate::resources::inventory::Inventory;

/// The changes of a plan, with what each waits for.
pub struct Graph<'a> {
    changes: &'a [Change],
    inventory: &'a Inventory,
    /// For each change, those that it needs and that are not done.
    needs: Vec<BTreeSet<usize>>,
    /// The changes that need each one.
    needed_by: Vec<Vec<usize>>,
    /// The updates of permission sets that provision and have not ended, with their accounts.
    provisioning: BTreeMap<usize, &'a BTreeSet<AccountId>>,
    /// The accounts of these. While AWS changes the roles in an account, it accepts no assignment there.
    provisioned: BTreeSet<&'a AccountId>,
    /// The updates of permission sets whose settings are not changed yet, by name. A new role gets what the permission set
    /// has by then.
    updating: BTreeMap<&'a str, usize>,
    /// The changes that were not handed out.
    open: BTreeSet<usize>,
    /// Those of them that need nothing.
    ready: BTreeSet<usize>,
    /// The changes that are no removals, and that have not ended.
    building: BTreeSet<usize>,
    /// The changes that failed, and those that never begin because of them.
    failed: BTreeSet<usize>,
    /// What the failures keep from being removed; `None` while something is not ended.
    kept: Option<Kept>,
}

impl<'a> Graph<'a> {
    /// The graph of a plan for what was observed.
    pub fn new(plan: &'a Plan, inventory: &'a Inventory) -> Self {
        let changes = plan.changes.as_slice();
        let providers = Providers::new(changes, inventory);
        let needs: Vec<BTreeSet<usize>> = (0..changes.len()).map(|index| providers.of(index)).collect();
        let mut needed_by = vec![Vec::new(); changes.len()];
        for (index, others) in needs.iter().enumerate() {
            for other in others {
                needed_by[*other].push(index);
            }
        }
        let provisioning = changes.iter().enumerate();
        let provisioning = provisioning.filter_map(|(index, change)| match &change.action {
            Action::UpdatePermissionSet {
                arn,
                changes,
                provision_in,
                ..
            } if changes.contains(&FieldChange::Provision) => {
                let everywhere = || inventory.permission_sets.get(arn).map(|set| &set.accounts);
                Some((index, provision_in.as_ref().or_else(everywhere)?))
            }
            _ => None,
        });
        let provisioning: BTreeMap<usize, &BTreeSet<AccountId>> = provisioning.collect();
        let open: BTreeSet<usize> = (0..changes.len()).collect();
        let is_ready = |index: &usize| needs[*index].is_empty();
        let builds = |index: &usize| !changes[*index].action.is_deletion();
        let updated = changes
            .iter()
            .enumerate()
            .filter_map(|(index, change)| match &change.action {
                Action::UpdatePermissionSet { name, .. } => Some((name.as_str(), index)),
                _ => None,
            });
        Self {
            updating: updated.collect(),
            provisioned: provisioning.values().copied().flatten().collect(),
            provisioning,
            ready: open.iter().copied().filter(is_ready).collect(),
            building: open.iter().copied().filter(builds).collect(),
            failed: BTreeSet::new(),
            kept: None,
            changes,
            inventory,
            needs,
            needed_by,
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
        let mut others = 0;
        let mut handed_out = Vec::new();
        for index in &self.ready {
            let action = &self.changes[*index].action;
            let waits = match action {
                Action::CreateAssignment(name) => {
                    self.provisioned.contains(&name.account) || self.updating.contains_key(name.permission_set.as_str())
                }
                action if action.is_deletion() => {
                    !self.building.is_empty() || self.kept.as_ref().is_some_and(|kept| kept.has(action))
                }
                _ => false,
            };
            if waits {
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

    /// A change is done.
    pub fn done(&mut self, index: usize) {
        for follower in std::mem::take(&mut self.needed_by[index]) {
            let needs = &mut self.needs[follower];
            needs.remove(&index);
            if needs.is_empty() && self.open.contains(&follower) && !self.failed.contains(&follower) {
                self.ready.insert(follower);
            }
        }
        self.ended(index);
    }

    /// A change failed. What needs it never begins.
    pub fn failed(&mut self, index: usize) {
        let mut failed = vec![index];
        while let Some(index) = failed.pop() {
            if self.failed.insert(index) {
                self.ready.remove(&index);
                failed.extend(std::mem::take(&mut self.needed_by[index]));
                self.ended(index);
            }
        }
    }

    /// The settings of a permission set are changed. It may not be provisioned yet.
    pub fn updated(&mut self, permission_set: &str) {
        self.updating.remove(permission_set);
    }

    fn ended(&mut self, index: usize) {
        if self.provisioning.remove(&index).is_some() {
            self.provisioned = self.provisioning.values().copied().flatten().collect();
        }
        self.updating.retain(|_, updating| *updating != index);
        self.building.remove(&index);
        if self.building.is_empty() && self.kept.is_none() {
            let failed = self.failed.iter().map(|index| &self.changes[*index].action);
            self.kept = Some(Kept::new(failed, self.changes, self.inventory));
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

/// What is not removed, because something that should be there in its place failed.
#[derive(Default)]
struct Kept {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    sets: BTreeSet<String>,
    roles: BTreeSet<(AccountId, String)>,
    accounts: BTreeSet<AccountId>,
}

impl Kept {
    fn new<'a>(failed: impl Iterator<Item = &'a Action>, changes: &[Change], inventory: &Inventory) -> Self {
        let mut kept = Self::default();
        for action in failed {
            match action {
                Action::CreateUser(spec) => kept.add_user(&spec.name),
                Action::UpdateUser { name, changes, .. } => {
                    kept.add_user(name);
                    kept.add_user(new_name(changes).unwrap_or(name));
                }
                Action::CreateGroup { name, .. } => kept.add_group(name),
                Action::UpdateGroup { name, changes, .. } => {
                    kept.add_group(name);
                    kept.add_group(new_name(changes).unwrap_or(name));
                }
                Action::AddMember { group, user } => {
                    kept.add_group(group);
                    kept.add_user(user);
                }
                Action::CreatePermissionSet(spec) => {
                    kept.sets.insert(spec.name.clone());
                }
                Action::UpdatePermissionSet { name, .. } => {
                    kept.sets.insert(name.clone());
                }
                Action::CreateAssignment(name) => {
                    kept.add_principal(&name.principal);
                    kept.roles.insert((name.account.clone(), name.permission_set.clone()));
                    if let Some(set) = inventory.permission_set_named(&name.permission_set)
                        && loses_all(changes, inventory, |key| key.permission_set == set.arn)
                    {
                        kept.sets.insert(name.permission_set.clone());
                    }
                    if loses_all(changes, inventory, |key| key.account == name.account) {
                        kept.accounts.insert(name.account.clone());
                    }
                }
                _ => {}
            }
        }
        kept.keep_principals(changes);
        kept
    }

    /// Keeps all access of the users and groups that are not deleted, because some of it stays.
    fn keep_principals(&mut self, changes: &[Change]) {
        let deleted: BTreeSet<Principal> = changes
            .iter()
            .filter_map(|change| change.action.deleted_principal())
            .collect();
        let staying: Vec<&PrincipalName> = changes
            .iter()
            .filter_map(|change| match &change.action {
                Action::DeleteAssignment { key, principal, .. }
                    if deleted.contains(&key.principal) && self.has(&change.action) =>
                {
                    principal.as_ref()
                }
                _ => None,
            })
            .collect();
        for principal in staying {
            self.add_principal(principal);
        }
    }

    fn add_user(&mut self, name: &str) {
        self.users.insert(name.to_owned());
    }

    fn add_group(&mut self, name: &str) {
        self.groups.insert(name.to_owned());
    }

    fn add_principal(&mut self, name: &PrincipalName) {
        match name {
            PrincipalName::User(name) => self.add_user(name),
            PrincipalName::Group(name) => self.add_group(name),
        }
    }

    /// Whether the removal does not begin.
    fn has(&self, action: &Action) -> bool {
        match action {
            Action::RemoveMember { group, user, .. } => self.groups.contains(group) || self.users.contains(user),
            Action::DeleteAssignment {
                key,
                permission_set,
                principal,
            } => {
                let is_kept = |principal: &PrincipalName| match principal {
                    PrincipalName::User(name) => self.users.contains(name),
                    PrincipalName::Group(name) => self.groups.contains(name),
                };
                self.sets.contains(permission_set)
                    || self.accounts.contains(&key.account)
                    || self.roles.contains(&(key.account.clone(), permission_set.clone()))
                    || principal.as_ref().is_some_and(is_kept)
            }
            Action::DeletePermissionSet { name, .. } => self.sets.contains(name),
            Action::DeleteGroup { name, .. } => self.groups.contains(name),
            Action::DeleteUser { name, .. } => self.users.contains(name),
            _ => false,
        }
    }
}

/// Whether a plan deletes all of some existing assignments.
fn loses_all(changes: &[Change], inventory: &Inventory, is_one: impl Fn(&AssignmentKey) -> bool) -> bool {
    let existing = inventory.assignments.iter().filter(|key| is_one(key)).count();
    let is_deleted = |change: &&Change| match &change.action {
        Action::DeleteAssignment { key, .. } => is_one(key),
        _ => false,
    };
    existing > 0 && changes.iter().filter(is_deleted).count() == existing
}

/// Which changes provide what others need.
struct Providers<'a> {
    changes: &'a [Change],
    users: BTreeMap<&'a str, usize>,
    groups: BTreeMap<&'a str, usize>,
    sets: BTreeMap<&'a str, usize>,
    /// The changes that free an email address.
    freed: BTreeMap<&'a str, usize>,
    /// The deletions of assignments, by permission set and by principal.
    deletions: BTreeMap<&'a str, Vec<usize>>,
    deletions_of: BTreeMap<&'a Principal, Vec<usize>>,
    /// The removed members.
    removed: Vec<(usize, &'a MembershipKey)>,
}

impl<'a> Providers<'a> {
    fn new(changes: &'a [Change], inventory: &'a Inventory) -> Self {
        let mut providers = Self {
            changes,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            sets: BTreeMap::new(),
            freed: BTreeMap::new(),
            deletions: BTreeMap::new(),
            deletions_of: BTreeMap::new(),
            removed: Vec::new(),
        };
        for (index, change) in changes.iter().enumerate() {
            providers.add(index, &change.action, inventory);
        }
        providers
    }

    fn add(&mut self, index: usize, action: &'a Action, inventory: &'a Inventory) {
        match action {
            Action::CreateUser(spec) => {
                self.users.insert(&spec.name, index);
            }
            Action::UpdateUser { id, changes, .. } => {
                if let Some(name) = new_name(changes) {
                    self.users.insert(name, index);
                }
                let email = inventory.users.get(id).and_then(|user| user.email.as_deref());
                let changes_email = changes.iter().any(|change| change.attribute == Attribute::Email);
                if let Some(email) = email.filter(|_| changes_email) {
                    self.freed.insert(email, index);
                }
            }
            Action::CreateGroup { name, .. } => {
                self.groups.insert(name, index);
            }
            Action::UpdateGroup { changes, .. } => {
                if let Some(name) = new_name(changes) {
                    self.groups.insert(name, index);
                }
            }
            Action::CreatePermissionSet(spec) => {
                self.sets.insert(&spec.name, index);
            }
            Action::DeleteAssignment { key, .. } => {
                self.deletions.entry(&key.permission_set).or_default().push(index);
                self.deletions_of.entry(&key.principal).or_default().push(index);
            }
            Action::RemoveMember { key, .. } => self.removed.push((index, key)),
            _ => {}
        }
    }

    /// The changes that one needs.
    fn of(&self, index: usize) -> BTreeSet<usize> {
        let mut needs = BTreeSet::new();
        match &self.changes[index].action {
            Action::AddMember { group, user } => {
                needs.extend(self.groups.get(group.as_str()));
                needs.extend(self.users.get(user.as_str()));
            }
            Action::CreateAssignment(name) => self.add_needs_of_assignment(name, &mut needs),
            Action::CreateUser(spec) => needs.extend(self.frees(&spec.email, index)),
            Action::UpdateUser { changes, .. } => {
                let email = changes.iter().find(|change| change.attribute == Attribute::Email);
                needs.extend(email.and_then(|change| self.frees(&change.after, index)));
            }
            Action::DeletePermissionSet { arn, .. } => needs.extend(self.deletions.get(&**arn).into_iter().flatten()),
            Action::DeleteGroup { id, .. } => {
                let principal = Principal::Group(id.clone());
                needs.extend(self.deletions_of.get(&principal).into_iter().flatten());
                needs.extend(self.removed_members(|key| key.group == *id));
            }
            Action::DeleteUser { id, .. } => {
                let principal = Principal::User(id.clone());
                needs.extend(self.deletions_of.get(&principal).into_iter().flatten());
                needs.extend(self.removed_members(|key| key.user == *id));
            }
            _ => {}
        }
        needs.remove(&index);
        needs
    }

    fn add_needs_of_assignment(&self, name: &AssignmentName, needs: &mut BTreeSet<usize>) {
        needs.extend(match &name.principal {
            PrincipalName::User(user) => self.users.get(user.as_str()),
            PrincipalName::Group(group) => self.groups.get(group.as_str()),
        });
        needs.extend(self.sets.get(name.permission_set.as_str()));
    }

    /// The change that frees an email address, unless that one waits in turn: AWS then refuses both.
    fn frees(&self, email: &str, index: usize) -> Option<usize> {
        let mut freed_by = self.freed.get(email).copied()?;
        let first = freed_by;
        let mut seen = BTreeSet::from([index]);
        while seen.insert(freed_by) {
            let Action::UpdateUser { changes, .. } = &self.changes[freed_by].action else {
                return Some(first);
            };
            let email = changes.iter().find(|change| change.attribute == Attribute::Email);
            match email.and_then(|change| self.freed.get(change.after.as_str())) {
                Some(next) => freed_by = *next,
                None => return Some(first),
            }
        }
        None
    }

    fn removed_members(&self, matches: impl Fn(&MembershipKey) -> bool) -> impl Iterator<Item = usize> {
        let removed = self.removed.iter().filter(move |(_, key)| matches(key));
        removed.map(|(index, _)| *index)
    }
}

/// The name after a rename.
fn new_name(changes: &[AttributeChange]) -> Option<&str> {
    let name = changes.iter().find(|change| change.attribute == Attribute::Name);
    name.map(|change| change.after.as_str())
}
