//! The part of an inventory that is exported, in a stable order.

use std::collections::HashSet;

use crate::ids::{AssignmentKey, GroupId, MembershipId, MembershipKey, PermissionSetArn, UserId};
use crate::progress::{Origin, Record, ResourceId, ResourceKind};
use crate::resources::inventory::{Group, Inventory, PermissionSet, User};

/// Identifies what was exported.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Exported {
    /// The kind.
    pub kind: ResourceKind,
    /// The ID.
    pub id: ResourceId,
}

impl Exported {
    pub(super) fn new(kind: ResourceKind, id: impl Into<ResourceId>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// What is exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
    /// Everything that exists.
    #[default]
    All,
    /// Only these resources.
    Only(HashSet<Exported>),
}

impl Selection {
    /// What this program created, as recorded.
    pub fn created(record: &Record) -> Self {
        let created = record.resources.iter();
        let created = created.filter(|entry| entry.origin == Origin::Created);
        Self::Only(created.map(|entry| Exported::new(entry.kind, &entry.id)).collect())
    }

    /// Whether a resource is exported.
    pub fn includes(&self, kind: ResourceKind, id: impl Into<ResourceId>) -> bool {
        match self {
            Self::All => true,
            Self::Only(resources) => resources.contains(&Exported::new(kind, id)),
        }
    }
}

/// The part of an inventory that is exported.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What exists.
    pub inventory: &'a Inventory,
    /// What of it is exported.
    pub selection: &'a Selection,
}

/// A membership of a user that exists in a group that exists.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The membership.
    pub id: &'a MembershipId,
    /// The group and the user.
    pub key: &'a MembershipKey,
    /// The group.
    pub group: &'a Group,
    /// The user.
    pub user: &'a User,
}

/// An assignment of a permission set and a principal that exist.
#[derive(Debug, Clone, Copy)]
pub struct Assigned<'a> {
    /// The assignment.
    pub key: &'a AssignmentKey,
    /// The permission set.
    pub set: &'a PermissionSet,
    /// The name of the user or group.
    pub principal: &'a str,
}

impl<'a> View<'a> {
    /// The part of an inventory that the selection includes.
    pub fn new(inventory: &'a Inventory, selection: &'a Selection) -> Self {
        Self { inventory, selection }
    }

    /// The users, by name.
    pub fn users(&self) -> Vec<(&'a UserId, &'a User)> {
        let users = self.inventory.users.iter();
        let mut users: Vec<_> = users.filter(|(id, _)| self.has_user(id)).collect();
        users.sort_by_key(|(id, user)| (&user.name, *id));
        users
    }

    /// The groups, by name.
    pub fn groups(&self) -> Vec<(&'a GroupId, &'a Group)> {
        let groups = self.inventory.groups.iter();
        let mut groups: Vec<_> = groups.filter(|(id, _)| self.has_group(id)).collect();
        groups.sort_by_key(|(id, group)| (&group.name, *id));
        groups
    }

    /// The memberships, by the names of the group and the user.
    pub fn members(&self) -> Vec<Member<'a>> {
        let memberships = self.inventory.memberships.iter();
        let selected =
            memberships.filter(|(key, _)| self.selection.includes(ResourceKind::GroupMembership, (*key).clone()));
        let mut members: Vec<Member> = selected.filter_map(|(key, id)| self.member(key, id)).collect();
        members.sort_by_key(|member| (&member.group.name, &member.user.name, member.key));
        members
    }

    /// Whether the members of a group were read, and the selection includes all of them.
    pub fn has_all_members(&self, group: &GroupId) -> bool {
        if !self.inventory.groups_read.contains(group) {
            return false;
        }
        let own = self.inventory.memberships.iter().filter(|(key, _)| key.group == *group);
        let mut own = own.map(|(key, id)| {
            let is_selected = self.selection.includes(ResourceKind::GroupMembership, key.clone());
            is_selected && self.member(key, id).is_some()
        });
        own.all(|is_included| is_included)
    }

    fn member(&self, key: &'a MembershipKey, id: &'a MembershipId) -> Option<Member<'a>> {
        Some(Member {
            id,
            key,
            group: self.inventory.groups.get(&key.group)?,
            user: self.inventory.users.get(&key.user)?,
        })
    }

    /// The permission sets, by name.
    pub fn permission_sets(&self) -> Vec<&'a PermissionSet> {
        let sets = self.inventory.permission_sets.values();
        let mut sets: Vec<_> = sets.filter(|set| self.has_permission_set(&set.arn)).collect();
        sets.sort_by_key(|set| (&set.name, &set.arn));
        sets
    }

    /// The assignments, by the names of the permission set and the principal, and by account.
    pub fn assignments(&self) -> Vec<Assigned<'a>> {
        let mut assigned: Vec<Assigned> = self
            .selected_assignments()
            .filter_map(|key| self.assigned(key))
            .collect();
        assigned.sort_by_key(|one| (&one.set.name, one.principal, one.key));
        assigned
    }

    /// The assignments whose user, group or permission set no longer exists.
    pub fn orphans(&self) -> Vec<&'a AssignmentKey> {
        let assignments = self.selected_assignments();
        assignments.filter(|key| self.assigned(key).is_none()).collect()
    }

    fn selected_assignments(&self) -> impl Iterator<Item = &'a AssignmentKey> + use<'a> {
        let selection = self.selection;
        let assignments = self.inventory.assignments.iter();
        assignments.filter(move |key| selection.includes(ResourceKind::AccountAssignment, (*key).clone()))
    }

    fn assigned(&self, key: &'a AssignmentKey) -> Option<Assigned<'a>> {
        Some(Assigned {
            key,
            set: self.inventory.permission_sets.get(&key.permission_set)?,
            principal: self.inventory.principal_name(&key.principal)?,
        })
    }

    /// Whether a user is exported.
    pub fn has_user(&self, id: &UserId) -> bool {
        self.selection.includes(ResourceKind::User, id)
    }

    /// Whether a group is exported.
    pub fn has_group(&self, id: &GroupId) -> bool {
        self.selection.includes(ResourceKind::Group, id)
    }

    /// Whether a permission set is exported.
    pub fn has_permission_set(&self, arn: &PermissionSetArn) -> bool {
        self.selection.includes(ResourceKind::PermissionSet, arn)
    }
}
