//! What an instance of IAM Identity Center contains: accounts, users, groups, memberships, permission sets and assignments,
//! as observed. The access file is compared with it, and the exports are made from it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::progress::{Setting, Settings};
use crate::reconcile::Instance;

/// The tag of the permission sets that an access file owns. Its value is the `name` of the file.
pub const ACCESS_TAG: &str = "idc-setup:access";

/// The tag of the permission sets whose assignments an access file does not all own. Its value is [`AT_LEAST`].
pub const ASSIGNMENTS_TAG: &str = "idc-setup:assignments";

/// The value of [`ASSIGNMENTS_TAG`].
pub const AT_LEAST: &str = "at-least";

/// The accounts of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The management account.
    pub management: Option<AccountId>,
    /// All accounts, also those that are not active.
    pub all: BTreeMap<AccountId, Account>,
    /// The organizational units whose names were read, by ID.
    pub units: BTreeMap<UnitId, Unit>,
}

impl Accounts {
    /// An account in text: `Prod (111122223333)`, or the ID of one that is not in the organization.
    pub fn text(&self, id: &AccountId) -> String {
        account_text(id, self.all.get(id).map(|account| account.name.as_str()))
    }
}

/// An account in text: `Prod (111122223333)`, or the ID of one without a name.
pub fn account_text(id: &AccountId, name: Option<&str>) -> String {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    }
}

/// The ID of a root or an organizational unit: `r-…` or `ou-…`.
pub type UnitId = String;

/// A root or an organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The name.
    pub name: String,
    /// The unit that contains it; `None` for a root.
    pub parent: Option<UnitId>,
}

/// An account of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The ID.
    pub id: AccountId,
    /// The name.
    pub name: String,
    /// The email address of its root user; empty if AWS does not return it.
    pub email: String,
    /// The state, such as `ACTIVE` or `SUSPENDED`, as AWS returns it.
    pub state: String,
    /// The root and the organizational units that contain it, from the root down; empty if AWS does not return them.
    pub path: Vec<UnitId>,
    /// The tags; `None` if they were not read.
    pub tags: Option<BTreeMap<String, String>>,
}

impl Account {
    /// Whether the account is active. Others cannot get assignments.
    pub fn is_active(&self) -> bool {
        self.state == "ACTIVE"
    }
}

/// A user of the identity store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The name that the user signs in with.
    pub name: String,
    /// The primary email address, or the first one.
    pub email: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// The name that the access portal shows.
    pub display_name: Option<String>,
    /// Whether it has external IDs: an external identity provider manages it.
    pub is_external: bool,
}

/// A group of the identity store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// Whether it has external IDs: an external identity provider manages it.
    pub is_external: bool,
}

/// A permission set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSet {
    /// The ARN.
    pub arn: PermissionSetArn,
    /// The name.
    pub name: String,
    /// The settings that were read. Those of permission sets that no file names have only the properties and tags.
    pub settings: Settings,
    /// Whether all parts (policies, boundary) were read.
    pub is_complete: bool,
    /// The value of the tag [`ACCESS_TAG`].
    pub owner: Option<String>,
    /// The accounts that have a role of it; empty if they were not read.
    pub accounts: BTreeSet<AccountId>,
    /// The accounts whose role has an earlier version; empty if they were not read.
    pub outdated_accounts: BTreeSet<AccountId>,
}

impl PermissionSet {
    /// Whether it has assignments that the access file which owns it may not list.
    pub fn has_other_assignments(&self) -> bool {
        let tag = self.settings.get(&Setting::Tag(ASSIGNMENTS_TAG.to_owned()));
        tag.and_then(Option::as_deref) == Some(AT_LEAST)
    }
}

/// What was observed. Collections that were not needed, and not read, are empty.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The instance.
    pub instance: Instance,
    /// The accounts.
    pub accounts: Accounts,
    /// The users.
    pub users: BTreeMap<UserId, User>,
    /// The groups.
    pub groups: BTreeMap<GroupId, Group>,
    /// The memberships of the groups that were asked for.
    pub memberships: BTreeMap<MembershipKey, MembershipId>,
    /// The groups whose memberships were read.
    pub groups_read: BTreeSet<GroupId>,
    /// The users whose memberships were read.
    pub members_read: BTreeSet<UserId>,
    /// The permission sets.
    pub permission_sets: BTreeMap<PermissionSetArn, PermissionSet>,
    /// The assignments of the permission sets that were asked for. They can be of users, groups and accounts that no
    /// longer exist.
    pub assignments: BTreeSet<AssignmentKey>,
    /// The permission sets whose assignments were all read.
    pub assignments_read: BTreeSet<PermissionSetArn>,
    /// Whether assignments were read for each account that has a permission set, so that those of every user and group that
    /// no longer exists are among them.
    pub reads_every_pair: bool,
}

impl Inventory {
    /// The user with this name.
    pub fn user_named(&self, name: &str) -> Option<(&UserId, &User)> {
        self.users.iter().find(|(_, user)| user.name == name)
    }

    /// The group with this name.
    pub fn group_named(&self, name: &str) -> Option<(&GroupId, &Group)> {
        self.groups.iter().find(|(_, group)| group.name == name)
    }

    /// The permission set with this name.
    pub fn permission_set_named(&self, name: &str) -> Option<&PermissionSet> {
        self.permission_sets.values().find(|set| set.name == name)
    }

    /// The name of a principal; `None` if it does not exist.
    pub fn principal_name(&self, principal: &Principal) -> Option<&str> {
        match principal {
            Principal::User(id) => self.users.get(id).map(|user| user.name.as_str()),
            Principal::Group(id) => self.groups.get(id).map(|group| group.name.as_str()),
        }
    }
}
