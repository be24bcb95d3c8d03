//! What an access file asks for, with the accounts of an organization in place of selectors.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::file::{Extent, Guard, PrincipalName};
use super::mistake::{Located, Place};
use crate::ids::AccountId;
use crate::progress::Setting;
use crate::reconcile::SettingChange;
use crate::resources::inventory::{ACCESS_TAG, ASSIGNMENTS_TAG, PermissionSet};
use crate::resources::permission_set::PermissionSetSpec;

/// What should exist, and what must not.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The name of the access file: the value of the tag of the permission sets that it owns.
    pub name: String,
    /// The only instance that it may be applied to.
    pub instance: Option<Located<String>>,
    /// The limits of what may be changed.
    pub guard: Guard,
    /// The users, by name.
    pub users: BTreeMap<String, DesiredUser>,
    /// The groups, by name.
    pub groups: BTreeMap<String, DesiredGroup>,
    /// The permission sets, by name.
    pub permission_sets: BTreeMap<String, DesiredSet>,
    /// The assignments that should exist.
    pub assignments: BTreeMap<AssignmentName, DesiredAssignment>,
    /// The assignments that must not exist, even if the file does not own their permission set.
    pub absent_assignments: BTreeMap<AssignmentName, Place>,
    /// The assignments that were wanted until a day that has passed, and that nothing else asks for.
    pub expired: BTreeMap<AssignmentName, Expired>,
    /// The accounts that selectors match and that are not active.
    pub skipped_accounts: BTreeSet<AccountId>,
    /// The `[[assignment]]` tables whose selectors match the management account and do not name it.
    pub without_management: BTreeSet<Place>,
    /// The OU and tag selectors need this of the accounts; used to say what was read.
    pub uses_tags: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredUser {
    /// Where it is.
    pub place: Place,
    /// The email address.
    pub email: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// The name that the access portal shows. For a new user, the first and last name are the default.
    pub display_name: Option<String>,
    /// Names that it had before.
    pub previous_names: Vec<String>,
    /// It is never created or changed.
    pub is_external: bool,
    /// It must not exist.
    pub is_absent: bool,
}

impl DesiredUser {
    /// A user that must not exist.
    pub fn absent(place: Place) -> Self {
        Self {
            place,
            email: None,
            given_name: None,
            family_name: None,
            display_name: None,
            previous_names: Vec::new(),
            is_external: false,
            is_absent: true,
        }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredGroup {
    /// Where it is.
    pub place: Place,
    /// The description.
    pub description: Option<String>,
    /// The user names of its members, and where they are.
    pub members: BTreeMap<String, Place>,
    /// Whether others are removed.
    pub membership: Extent,
    /// Names that it had before.
    pub previous_names: Vec<String>,
    /// It is never created or changed.
    pub is_external: bool,
    /// It must not exist.
    pub is_absent: bool,
}

/// A permission set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredSet {
    /// Where it is.
    pub place: Place,
    /// What it should look like, with the tags of the defaults but without the tag of the owner.
    pub spec: PermissionSetSpec,
    /// Names that it had before.
    pub previous_names: Vec<String>,
    /// An existing one that differs may be changed.
    pub adopt: bool,
    /// Whether other assignments of it are deleted.
    pub assignments: Extent,
}

impl DesiredSet {
    /// The settings of an existing permission set that differ. The tags that idc-setup sets itself are not among them.
    pub fn differences(&self, set: &PermissionSet) -> Vec<SettingChange> {
        let is_own = |key: &str| [ACCESS_TAG, ASSIGNMENTS_TAG].contains(&key);
        let is_owner = |change: &SettingChange| matches!(&change.setting, Setting::Tag(key) if is_own(key));
        let mut differences = self.spec.differences(&set.settings);
        differences.retain(|change| !is_owner(change));
        differences
    }
}

/// Identifies an assignment by names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssignmentName {
    /// The account.
    pub account: AccountId,
    /// The name of the permission set.
    pub permission_set: String,
    /// Who has access.
    pub principal: PrincipalName,
}

/// An assignment that should exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredAssignment {
    /// Every `[[assignment]]` that asks for it.
    pub places: BTreeSet<Place>,
    /// The reasons that these give.
    pub reasons: BTreeSet<String>,
    /// The latest day on which it is wanted; `None` if it is wanted without a limit.
    pub until: Option<Date>,
}

/// An assignment that is no longer wanted because of its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The `[[assignment]]`.
    pub place: Place,
    /// The day.
    pub until: Date,
}
