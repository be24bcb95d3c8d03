//! What the names in an access file mean in the account: users, groups and permission sets by name. Users and groups that a
//! plan renames are found by their new name.

use std::collections::BTreeMap;

use super::desired::{AssignmentName, Desired};
use super::file::PrincipalName;
use crate::ids::{AccountId, AssignmentKey, GroupId, Principal, UserId};
use crate::resources::inventory::{Inventory, PermissionSet};

/// Users, groups and permission sets by name.
#[derive(Debug)]
pub struct Lookup<'a> {
    observed: &'a Inventory,
    users: Names<'a, UserId>,
    groups: Names<'a, GroupId>,
    permission_sets: BTreeMap<&'a str, &'a PermissionSet>,
}

/// The names of users or of groups, in both directions.
#[derive(Debug)]
struct Names<'a, Id> {
    ids: BTreeMap<&'a str, &'a Id>,
    names: BTreeMap<&'a Id, &'a str>,
}

impl<'a, Id: Ord + 'a> Names<'a, Id> {
    fn new(observed: impl Iterator<Item = (&'a str, &'a Id)>) -> Self {
        let ids: BTreeMap<&'a str, &'a Id> = observed.collect();
        let names = ids.iter().map(|(name, id)| (*id, *name)).collect();
        Self { ids, names }
    }

    /// Gives what had one of the previous names the new name, unless something has it already.
    fn rename(&mut self, previous: impl Iterator<Item = &'a str>, name: &'a str) {
        if self.ids.contains_key(name) {
            return;
        }
        for previous in previous {
            if let Some(id) = self.ids.remove(previous) {
                self.ids.insert(name, id);
                self.names.insert(id, name);
                return;
            }
        }
    }
}

impl<'a> Lookup<'a> {
    /// Looks up what the inventory contains. A name that the file lists is never the previous name of something else.
    pub fn new(desired: &'a Desired, observed: &'a Inventory) -> Self {
        let users = observed.users.iter();
        let mut users = Names::new(users.map(|(id, user)| (user.name.as_str(), id)));
        for (name, user) in desired.users.iter().filter(|(_, user)| !user.is_absent) {
            let previous = user.previous_names.iter().map(String::as_str);
            users.rename(previous.filter(|previous| !desired.users.contains_key(*previous)), name);
        }
        let groups = observed.groups.iter();
        let mut groups = Names::new(groups.map(|(id, group)| (group.name.as_str(), id)));
        for (name, group) in desired.groups.iter().filter(|(_, group)| !group.is_absent) {
            let previous = group.previous_names.iter().map(String::as_str);
            groups.rename(
                previous.filter(|previous| !desired.groups.contains_key(*previous)),
                name,
            );
        }
        let permission_sets = observed.permission_sets.values();
        Self {
            observed,
            users,
            groups,
            permission_sets: permission_sets.map(|set| (set.name.as_str(), set)).collect(),
        }
    }

    /// The user with this name.
    pub fn user(&self, name: &str) -> Option<&'a UserId> {
        self.users.ids.get(name).copied()
    }

    /// The group with this name.
    pub fn group(&self, name: &str) -> Option<&'a GroupId> {
        self.groups.ids.get(name).copied()
    }

    /// The permission set with this name.
    pub fn permission_set(&self, name: &str) -> Option<&'a PermissionSet> {
        self.permission_sets.get(name).copied()
    }

    /// The name of a user; `None` if the user does not exist.
    pub fn user_name(&self, id: &UserId) -> Option<&'a str> {
        self.users.names.get(id).copied()
    }

    /// The name of a group; `None` if the group does not exist.
    pub fn group_name(&self, id: &GroupId) -> Option<&'a str> {
        self.groups.names.get(id).copied()
    }

    /// The user or group with this name.
    pub fn principal(&self, name: &PrincipalName) -> Option<Principal> {
        match name {
            PrincipalName::User(name) => self.user(name).cloned().map(Principal::User),
            PrincipalName::Group(name) => self.group(name).cloned().map(Principal::Group),
        }
    }

    /// The name of a principal; `None` if it does not exist.
    pub fn principal_name(&self, principal: &Principal) -> Option<PrincipalName> {
        match principal {
            Principal::User(id) => self.user_name(id).map(|name| PrincipalName::User(name.to_owned())),
            Principal::Group(id) => self.group_name(id).map(|name| PrincipalName::Group(name.to_owned())),
        }
    }

    /// The name that a user or group has now, before the plan renames it.
    pub fn name_now(&self, name: &PrincipalName) -> Option<PrincipalName> {
        let observed = self.observed;
        match name {
            PrincipalName::User(name) => {
                let user = observed.users.get(self.user(name)?)?;
                Some(PrincipalName::User(user.name.clone()))
            }
            PrincipalName::Group(name) => {
                let group = observed.groups.get(self.group(name)?)?;
                Some(PrincipalName::Group(group.name.clone()))
            }
        }
    }

    /// The assignment with this name; `None` if its permission set or its principal does not exist.
    pub fn assignment(&self, name: &AssignmentName) -> Option<AssignmentKey> {
        Some(AssignmentKey {
            account: name.account.clone(),
            permission_set: self.permission_set(&name.permission_set)?.arn.clone(),
            principal: self.principal(&name.principal)?,
        })
    }

    /// An account in a sentence: `Prod (111122223333)`.
    pub fn account_text(&self, id: &AccountId) -> String {
        self.observed.accounts.text(id)
    }
}

/// A principal at the beginning of a sentence: `Group Admins`.
pub fn principal_text(principal: &PrincipalName) -> String {
    match principal {
        PrincipalName::User(name) => format!("User {name}"),
        PrincipalName::Group(name) => format!("Group {name}"),
    }
}
