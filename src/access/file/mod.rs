//! The access file: its contents, as written. TOML is the native format; YAML and JSON have the same keys.
//!
//! `resolve` turns it into what is desired, with the accounts of the organization.
//!
//! - [`source`]: the text of a file; [`tree`]: the values in it, each with its place; [`format`](mod@format): the three formats.
//! - [`include`](mod@include): the first file and those that it includes; [`reach`]: which files they can name.
//! - [`keys`]: every table with its keys, from which come the checks of [`shape`] and the [`schema`](schema()).
//! - [`decode`]: one file, with the [`rules`] of its values and its inline [`policy`] documents; [`whole`]: all files
//!   together; [`read()`]: everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::civil::Date;

use super::mistake::{Located, Place};
use super::selector::Selection;
use crate::answers::values::SessionDuration;

pub mod cut;
pub mod decode;
pub mod format;
pub mod from_json;
pub mod from_toml;
pub mod from_yaml;
pub mod include;
pub mod keys;
pub mod policy;
pub mod reach;
pub mod read;
pub mod rules;
#[cfg(test)]
pub mod samples;
pub mod schema;
pub mod shape;
pub mod source;
pub mod tombstone;
pub mod tree;
pub mod view;
pub mod whole;

pub use read::{parse, read};
pub use schema::schema;

/// The format that this version reads.
pub const FORMAT: i64 = 1;

/// An access file with the files that it includes.
#[derive(Debug, Clone)]
pub struct AccessFile {
    /// The path of the first file, and those that it includes, in the order of reading.
    pub files: Vec<PathBuf>,
    /// The name. Permission sets that the file owns have it as the value of a tag.
    pub name: Located<String>,
    /// The only instance that the file may be applied to: `ssoins-…`, or its ARN.
    pub instance: Option<Located<String>>,
    /// The values of permission sets that do not have their own.
    pub defaults: Defaults,
    /// The limits of what may be changed.
    pub guard: Guard,
    /// The sets of accounts, by name.
    pub account_sets: BTreeMap<String, AccountSet>,
    /// The users.
    pub users: Vec<User>,
    /// The groups.
    pub groups: Vec<Group>,
    /// The permission sets.
    pub permission_sets: Vec<PermissionSet>,
    /// The assignments.
    pub assignments: Vec<Assignment>,
}

/// `[defaults]`
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// The session duration of permission sets.
    pub session_duration: Option<SessionDuration>,
    /// The tags of permission sets.
    pub tags: BTreeMap<String, String>,
}

/// `[guard]`
#[derive(Debug, Clone)]
pub struct Guard {
    /// The maximum number of deletions in one apply.
    pub max_deletes: u32,
    /// The maximum percentage of what the file owns that one apply may delete. Checked if it owns at least
    /// [`FEWEST_FOR_PERCENT`](Self::FEWEST_FOR_PERCENT) items.
    pub max_delete_percent: u32,
    /// What is never deleted and never emptied.
    pub protect: Vec<Located<Pattern>>,
    /// What is neither changed nor reported as drift.
    pub ignore: Vec<Located<Pattern>>,
}

impl Guard {
    /// From this number of owned items on, [`max_delete_percent`](Self::max_delete_percent) is checked.
    pub const FEWEST_FOR_PERCENT: usize = 20;
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_deletes: 10,
            max_delete_percent: 20,
            protect: Vec::new(),
            ignore: Vec::new(),
        }
    }
}

/// A pattern of `protect` or `ignore`: `group:Admins`, `permission-set:AWS*`, `user:ada`, `account:222222222222`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The kind of what it matches.
    pub kind: PatternKind,
    /// The name with `*` and `?`; for an account, the ID or the name.
    pub glob: String,
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            PatternKind::User => "user",
            PatternKind::Group => "group",
            PatternKind::PermissionSet => "permission-set",
            PatternKind::Account => "account",
        };
        write!(f, "{kind}:{}", self.glob)
    }
}

/// What a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A permission set.
    PermissionSet,
    /// An account.
    Account,
}

/// `[account-sets] NAME = { accounts, except, may-be-empty }`
#[derive(Debug, Clone)]
pub struct AccountSet {
    /// Where it is.
    pub place: Place,
    /// The accounts.
    pub accounts: Vec<Located<Selection>>,
    /// The accounts that are not in it.
    pub except: Vec<Located<Selection>>,
    /// Whether it may match no accounts.
    pub may_be_empty: bool,
}

/// Whether a list names all that may exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What the list does not name is deleted, with `--prune`.
    Exactly,
    /// What the list does not name stays.
    AtLeast,
}

/// `[[user]]`
#[derive(Debug, Clone)]
pub struct User {
    /// Where it is.
    pub place: Place,
    /// The name that the user signs in with.
    pub name: Located<String>,
    /// The email address.
    pub email: Option<Located<String>>,
    /// The first name.
    pub given_name: Option<Located<String>>,
    /// The last name.
    pub family_name: Option<Located<String>>,
    /// The name that the access portal shows; by default the first and last name.
    pub display_name: Option<Located<String>>,
    /// Names that the user had before.
    pub previous_names: Vec<Located<String>>,
    /// An external identity provider manages the user, who is never created or changed.
    pub is_external: bool,
    /// The user must not exist.
    pub is_absent: bool,
}

/// `[[group]]`
#[derive(Debug, Clone)]
pub struct Group {
    /// Where it is.
    pub place: Place,
    /// The name.
    pub name: Located<String>,
    /// The description.
    pub description: Option<Located<String>>,
    /// The user names of its members.
    pub members: Vec<Located<String>>,
    /// Whether `members` names all members. At least, by default.
    pub membership: Extent,
    /// Names that the group had before.
    pub previous_names: Vec<Located<String>>,
    /// An external identity provider manages the group, which is never created or changed.
    pub is_external: bool,
    /// The group must not exist.
    pub is_absent: bool,
}

/// `[[permission-set]]`
#[derive(Debug, Clone)]
pub struct PermissionSet {
    /// Where it is.
    pub place: Place,
    /// The name.
    pub name: Located<String>,
    /// The description.
    pub description: Option<Located<String>>,
    /// The session duration.
    pub session_duration: Option<Located<SessionDuration>>,
    /// The URL that console sessions begin with.
    pub relay_state: Option<Located<String>>,
    /// The AWS managed policies: names (`ReadOnlyAccess`, `job-function/Billing`) or ARNs.
    pub managed_policies: Vec<Located<String>>,
    /// The customer managed policies: `path/name`.
    pub customer_managed_policies: Vec<Located<String>>,
    /// The inline policy: a JSON document, read from the file or the table that `inline-policy` gives.
    pub inline_policy: Option<Located<String>>,
    /// The permissions boundary: the name or ARN of an AWS managed policy, or the `path/name` of a customer managed one with
    /// `customer:` before it.
    pub permissions_boundary: Option<Located<String>>,
    /// The tags, besides those of the defaults.
    pub tags: BTreeMap<String, String>,
    /// Names that the permission set had before.
    pub previous_names: Vec<Located<String>>,
    /// An existing permission set that differs may be changed, and becomes owned.
    pub adopt: bool,
    /// Whether the assignments name all of its assignments. Exactly, by default.
    pub assignments: Extent,
}

/// `[[assignment]]`
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Where it is.
    pub place: Place,
    /// Who gets access.
    pub principals: Vec<Located<PrincipalName>>,
    /// The names of the permission sets.
    pub permission_sets: Vec<Located<String>>,
    /// The accounts.
    pub accounts: Vec<Located<Selection>>,
    /// The accounts that are not meant.
    pub except: Vec<Located<Selection>>,
    /// From this day on (UTC), it is not wanted any more.
    pub until: Option<Located<Date>>,
    /// Why it exists.
    pub reason: Option<String>,
    /// The assignments must not exist.
    pub is_absent: bool,
}

/// A user or a group, by name: `user:ada`, `group:platform`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalName {
    /// The user with this name.
    User(String),
    /// The group with this name.
    Group(String),
}

impl PrincipalName {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Group(name) => name,
        }
    }
}

impl std::fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
        }
    }
}

impl AccessFile {
    /// The names of the groups and users that the file lists.
    pub fn principals(&self) -> BTreeSet<PrincipalName> {
        let users = self
            .users
            .iter()
            .map(|user| PrincipalName::User(user.name.value.clone()));
        let groups = self
            .groups
            .iter()
            .map(|group| PrincipalName::Group(group.name.value.clone()));
        users.chain(groups).collect()
    }
}
