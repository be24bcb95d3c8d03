//! The members of groups: added, and removed from groups that list all of their members.

use std::collections::BTreeMap;

use super::change::{Action, Change, RefusalReason};
use super::draft::Draft;
use super::inputs::Inputs;
use super::principals::Principals;
use crate::access::desired::DesiredGroup;
use crate::access::file::{Extent, PrincipalName};
use crate::access::mistake::Place;
use crate::ids::{GroupId, MembershipId, MembershipKey, UserId};

/// The observed members of a group.
type Members<'a> = BTreeMap<&'a UserId, Membership<'a>>;

#[derive(Clone, Copy)]
struct Membership<'a> {
    key: &'a MembershipKey,
    id: &'a MembershipId,
}

/// Plans the members of groups.
pub(super) fn plan(inputs: &Inputs<'_>, draft: &mut Draft, principals: &Principals) {
    let mut by_group: BTreeMap<&GroupId, Members<'_>> = BTreeMap::new();
    for (key, id) in &inputs.observed.memberships {
        let members = by_group.entry(&key.group).or_default();
        members.insert(&key.user, Membership { key, id });
    }
    let none = Members::new();
    for (name, wanted) in inputs.desired.groups.iter().filter(|(_, group)| !group.is_absent) {
        let id = inputs.lookup.group(name);
        let observed = id.and_then(|id| inputs.observed.groups.get(id));
        let group = GroupMembers {
            name,
            wanted,
            members: id.and_then(|id| by_group.get(id)).unwrap_or(&none),
            is_external: wanted.is_external || observed.is_some_and(|group| group.is_external),
            is_ignored: inputs.is_ignored(&PrincipalName::Group(name.clone())),
        };
        group.plan(inputs, draft, principals);
    }
}

/// A group that the file lists, and its members.
struct GroupMembers<'a> {
    name: &'a str,
    wanted: &'a DesiredGroup,
    members: &'a Members<'a>,
    is_external: bool,
    is_ignored: bool,
}

impl<'a> GroupMembers<'a> {
    fn plan(&self, inputs: &Inputs<'a>, draft: &mut Draft, principals: &Principals) {
        let mut is_different = false;
        for (user, place) in &self.wanted.members {
            let id = inputs.lookup.user(user);
            if id.is_some_and(|id| self.members.contains_key(id)) {
                draft.unchanged += 1;
            } else {
                is_different |= self.add(inputs, draft, principals, user, place);
            }
        }
        if self.wanted.membership == Extent::Exactly && !self.is_external {
            draft.owned_memberships += self.members.len();
        }
        if self.wanted.membership == Extent::Exactly {
            for (user, membership) in self.members {
                let name = inputs.lookup.user_name(user);
                if name.is_none_or(|name| !self.wanted.members.contains_key(name)) {
                    is_different |= self.remove(inputs, draft, name, *membership);
                }
            }
        }
        if is_different && self.is_external {
            let what = format!(
                "The members of the group {} differ, and an external identity provider manages them.",
                self.name
            );
            let suggestion = "Change them at the identity provider, or correct the file.";
            draft.refuse(RefusalReason::External, what, suggestion, Some(&self.wanted.place));
        }
    }

    /// Adds a member, unless the group is external. Returns whether the members differ.
    fn add(&self, inputs: &Inputs<'_>, draft: &mut Draft, principals: &Principals, user: &str, place: &Place) -> bool {
        if self.is_ignored_with(inputs, draft, Some(user)) {
            return false;
        }
        let (group, member) = (
            PrincipalName::Group(self.name.to_owned()),
            PrincipalName::User(user.to_owned()),
        );
        if !principals.is_usable(inputs, draft, &member, Some(place)) || self.is_external {
            return true;
        }
        if principals.is_usable(inputs, draft, &group, Some(&self.wanted.place)) {
            let action = Action::AddMember {
                group: self.name.to_owned(),
                user: user.to_owned(),
            };
            draft.added_members.push(Change {
                action,
                place: Some(place.clone()),
            });
        }
        true
    }

    /// Removes a member, unless the group is external. Returns whether the members differ.
    fn remove(&self, inputs: &Inputs<'_>, draft: &mut Draft, user: Option<&str>, membership: Membership<'_>) -> bool {
        if self.is_ignored_with(inputs, draft, user) {
            return false;
        }
        if !self.is_external {
            let action = Action::RemoveMember {
                id: membership.id.clone(),
                key: membership.key.clone(),
                group: self.name.to_owned(),
                user: user.unwrap_or(&membership.key.user).to_owned(),
            };
            draft.removed_members.push(Change { action, place: None });
        }
        true
    }

    /// Whether a membership is left alone. If so, counts it.
    fn is_ignored_with(&self, inputs: &Inputs<'_>, draft: &mut Draft, user: Option<&str>) -> bool {
        if self.is_ignored {
            draft.ignore(format!("The group {}", self.name));
            return true;
        }
        if let Some(user) = user
            && inputs.is_ignored(&PrincipalName::User(user.to_owned()))
        {
            draft.ignore(format!("The user {user}"));
            return true;
        }
        false
    }
}
