//! IDs and ARNs as AWS returns them, each parsed once.
//!
//! The formats are those of the service models (`sso-admin` 2020-07-20, `identitystore` 2020-06-15). A value that AWS
//! returns is accepted if it can be used as an ID: formats are enforced only where this program reads parts of an ID.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text that is not a valid ID. The message is a clause without a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}")]
pub struct InvalidId {
    text: String,
    what: &'static str,
}

fn check(text: &str, what: &'static str, is_valid: bool) -> Result<(), InvalidId> {
    if is_valid {
        return Ok(());
    }
    Err(InvalidId {
        text: text.to_owned(),
        what,
    })
}

/// Whether a text is not empty and contains neither whitespace nor control characters.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $is_valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let is_valid: fn(&str) -> bool = $is_valid;
                check(text, $what, is_valid(text))?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<&$name> for String {
            fn from(id: &$name) -> Self {
                id.0.clone()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<$name> for String {
            fn eq(&self, other: &$name) -> bool {
                *self == other.0
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }
    };
}

id!(
    /// An AWS account: twelve digits.
    AccountId,
    "an account ID of 12 digits",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
);
id!(
    /// A Region as AWS returns it, such as `eu-west-1`. It may be newer than this version.
    RegionName,
    "a Region",
    |text| is_word(text) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
);
id!(
    /// An identity store: `d-…`.
    IdentityStoreId,
    "an identity store ID",
    is_word
);
id!(
    /// A user of an identity store: `[10 hexadecimal digits-]UUID`.
    UserId,
    "a user ID",
    is_word
);
id!(
    /// A group of an identity store: `[10 hexadecimal digits-]UUID`.
    GroupId,
    "a group ID",
    is_word
);
id!(
    /// A membership of a user in a group of an identity store.
    MembershipId,
    "a membership ID",
    is_word
);
id!(
    /// An instance of IAM Identity Center: `arn:aws:sso:::instance/ssoins-…`.
    InstanceArn,
    "the ARN of an instance",
    |text| is_word(text) && text.starts_with("arn:") && text.contains(":sso:::instance/")
);
id!(
    /// A permission set: `arn:aws:sso:::permissionSet/ssoins-…/ps-…`.
    PermissionSetArn,
    "the ARN of a permission set",
    |text| is_word(text) && text.starts_with("arn:")
);
impl RegionName {
    /// A Region of the program's own table.
    pub(crate) fn of_table(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}

impl InstanceArn {
    /// The last part: `ssoins-…`.
    pub fn instance_id(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// [`instance_id`](Self::instance_id) without `ssoins-`, as used in console links.
    pub fn short_id(&self) -> &str {
        let id = self.instance_id();
        id.strip_prefix("ssoins-").unwrap_or(id)
    }
}

/// Who gets access: a user or a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// A user of the identity store.
    User(UserId),
    /// A group of the identity store.
    Group(GroupId),
}

impl Principal {
    /// The ID of the user or group.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) => id,
            Self::Group(id) => id,
        }
    }

    /// The principal type in the API: `USER` or `GROUP`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::User(_) => "USER",
            Self::Group(_) => "GROUP",
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Identifies a membership. A user has at most one membership in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipKey {
    /// The group.
    pub group: GroupId,
    /// The user.
    pub user: UserId,
}

/// Identifies an account assignment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentKey {
    /// The account.
    pub account: AccountId,
    /// The permission set.
    pub permission_set: PermissionSetArn,
    /// The user or group that the permission set is assigned to.
    pub principal: Principal,
}

/// Identifies a section of a config file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SectionKey {
    /// The file.
    pub file: PathBuf,
    /// The name of the profile or SSO session.
    pub section: String,
}

/// A role session of the access portal: its permission set and its user, parsed from its ARN.
///
/// The role is named `AWSReservedSSO_NAME_HASH`, and the session is named after the user ("Referencing permission sets
/// in resource policies, Amazon EKS cluster config maps, and AWS KMS key policies", IAM Identity Center User Guide).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSession<'a> {
    /// The permission set's name.
    pub permission_set: &'a str,
    /// The user name.
    pub user: &'a str,
}

impl<'a> PortalSession<'a> {
    /// Parses the ARN of a caller; `None` if it is not such a session.
    pub fn of_arn(arn: &'a str) -> Option<Self> {
        let (_, rest) = arn.split_once(":assumed-role/AWSReservedSSO_")?;
        let (role, user) = rest.split_once('/')?;
        let (permission_set, hash) = role.rsplit_once('_')?;
        hash.chars()
            .all(|c| c.is_ascii_hexdigit())
            .then_some(Self { permission_set, user })
    }
}

/// The Region of an ARN; `None` if it has none ("Amazon Resource Names", IAM User Guide:
/// `arn:partition:service:region:account-id:resource`).
pub fn region_of_arn(arn: &str) -> Option<RegionName> {
    arn.split(':').nth(3)?.parse().ok()
}

/// The role and the session of an assumed role's ARN; `None` if it is not an assumed role.
pub fn assumed_role(arn: &str) -> Option<(&str, &str)> {
    let (_, rest) = arn.split_once(":assumed-role/")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_validated_and_serialized_unchanged() {
        let account: AccountId = "123456789012".parse().unwrap();
        assert_eq!(serde_json::to_string(&account).unwrap(), "\"123456789012\"");
        assert!("12345678901".parse::<AccountId>().is_err());
        assert!(serde_json::from_str::<AccountId>("\"x\"").is_err());
        assert!("".parse::<UserId>().is_err() && "a b".parse::<UserId>().is_err());
        let arn: InstanceArn = "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap();
        assert_eq!(arn.instance_id(), "ssoins-7223a1b2c3d4e5f6");
        assert_eq!(arn.short_id(), "7223a1b2c3d4e5f6");
    }

    #[test]
    fn a_portal_session_is_recognized_by_its_arn() {
        let session = PortalSession::of_arn(
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Power_User_0123456789abcdef/ada@example.com",
        );
        let expected = PortalSession {
            permission_set: "Power_User",
            user: "ada@example.com",
        };
        assert_eq!(session, Some(expected));
        assert_eq!(PortalSession::of_arn("arn:aws:sts::1:assumed-role/Admin/ada"), None);
        assert_eq!(
            assumed_role("arn:aws:sts::1:assumed-role/Admin/ada"),
            Some(("Admin", "ada"))
        );
        assert_eq!(assumed_role("arn:aws:iam::1:root"), None);
    }
}
