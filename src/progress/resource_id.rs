//! How a resource is identified: its ID in AWS or on this machine ([`ResourceId`]), and its display name
//! ([`ResourceName`]).

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resource_kind::ResourceKind;
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipKey, PermissionSetArn, SectionKey, UserId};

/// The ID of a resource in AWS or on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ResourceId {
    /// The membership of a user in a group.
    Membership(MembershipKey),
    /// The assignment of a permission set to a principal in an account.
    Assignment(AssignmentKey),
    /// A section of a config file.
    Section(SectionKey),
    /// An ID, an ARN, a unique name, or a path.
    Single(String),
}

impl ResourceId {
    /// The value of a [`Single`](Self::Single) ID; otherwise an empty string.
    pub fn single(&self) -> &str {
        match self {
            Self::Single(id) => id,
            _ => "",
        }
    }
}

impl ResourceId {
    /// The ID of a section of a config file.
    pub fn of_section(file: &Path, section: &str) -> Self {
        Self::Section(SectionKey {
            file: file.to_owned(),
            section: section.to_owned(),
        })
    }

    /// The file that this ID names, or that contains the section.
    pub fn file(&self) -> &Path {
        match self {
            Self::Section(key) => &key.file,
            other => Path::new(other.single()),
        }
    }

    /// Whether a resource of this kind can have this id.
    pub fn fits(&self, kind: ResourceKind) -> bool {
        match (kind, self) {
            (ResourceKind::GroupMembership, Self::Membership(_))
            | (ResourceKind::AccountAssignment, Self::Assignment(_))
            | (ResourceKind::SsoSession | ResourceKind::CliProfile, Self::Section(_)) => true,
            (
                ResourceKind::GroupMembership
                | ResourceKind::AccountAssignment
                | ResourceKind::SsoSession
                | ResourceKind::CliProfile,
                _,
            ) => false,
            (ResourceKind::PermissionSet, Self::Single(arn)) => arn.parse::<PermissionSetArn>().is_ok(),
            (ResourceKind::User, Self::Single(id)) => id.parse::<UserId>().is_ok(),
            (ResourceKind::Group, Self::Single(id)) => id.parse::<GroupId>().is_ok(),
            (_, Self::Single(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership(key) => write!(f, "{} in {}", key.user, key.group),
            Self::Assignment(key) => write!(f, "{} for {} in {}", key.permission_set, key.principal, key.account),
            Self::Section(key) => write!(f, "{} in {}", key.section, key.file.display()),
            Self::Single(id) => f.write_str(id),
        }
    }
}

/// The display name of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ResourceName {
    /// The membership of a user in a group.
    Membership {
        /// The group's name.
        group: String,
        /// The user name.
        user: String,
    },
    /// The assignment of a permission set to a principal in an account.
    Assignment {
        /// The account.
        account: AccountId,
        /// The permission set's name.
        permission_set: String,
        /// The group's or user's name.
        principal: String,
    },
    /// A name.
    Single(String),
}

impl ResourceName {
    /// The value of a [`Single`](Self::Single) name; otherwise an empty string.
    pub fn single(&self) -> &str {
        match self {
            Self::Single(name) => name,
            _ => "",
        }
    }

    /// The name of the permission set, if this name contains one.
    pub fn permission_set(&self) -> Option<&str> {
        match self {
            Self::Assignment { permission_set, .. } => Some(permission_set),
            _ => None,
        }
    }

    /// The name of the assigned group or user, if this name contains one.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Self::Assignment { principal, .. } => Some(principal),
            _ => None,
        }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership { group, user } => write!(f, "{user} in {group}"),
            Self::Assignment {
                account,
                permission_set,
                principal,
            } => write!(f, "{permission_set} for {principal} in {account}"),
            Self::Single(name) => f.write_str(name),
        }
    }
}

macro_rules! from {
    ($($from:ty => $to:ident :: $variant:ident),+ $(,)?) => {
        $(impl From<$from> for $to {
            fn from(value: $from) -> Self {
                Self::$variant(value)
            }
        })+
    };
}

from!(
    MembershipKey => ResourceId::Membership,
    AssignmentKey => ResourceId::Assignment,
    SectionKey => ResourceId::Section,
    String => ResourceId::Single,
    String => ResourceName::Single,
);

macro_rules! from_text {
    ($($to:ident),+) => {
        $(impl From<&str> for $to {
            fn from(text: &str) -> Self {
                Self::Single(text.to_owned())
            }
        }

        impl From<&String> for $to {
            fn from(text: &String) -> Self {
                Self::Single(text.clone())
            }
        }

        impl From<&$to> for $to {
            fn from(other: &$to) -> Self {
                other.clone()
            }
        })+
    };
}

from_text!(ResourceId, ResourceName);

macro_rules! from_id {
    ($($id:ident),+) => {
        $(impl From<&crate::ids::$id> for ResourceId {
            fn from(id: &crate::ids::$id) -> Self {
                Self::Single(id.to_string())
            }
        }

        impl From<crate::ids::$id> for ResourceId {
            fn from(id: crate::ids::$id) -> Self {
                Self::Single(id.into())
            }
        })+
    };
}

from_id!(UserId, GroupId, PermissionSetArn, InstanceArn);
