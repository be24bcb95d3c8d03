//! The kinds of resources.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// An organization of AWS Organizations.
    Organization,
    /// An instance of IAM Identity Center.
    Instance,
    /// The setting `PermissionSetsEnabled` of the instance.
    PermissionSetsSwitch,
    /// A user in the identity store.
    User,
    /// A group in the identity store.
    Group,
    /// The membership of the user in the group.
    GroupMembership,
    /// A permission set of the instance.
    PermissionSet,
    /// The access of the user or group to the account.
    AccountAssignment,
    /// An `[sso-session]` section in `~/.aws/config`.
    SsoSession,
    /// A `[profile]` section in `~/.aws/config`.
    CliProfile,
    /// `~/.aws/config` itself, if it did not exist.
    ConfigFile,
    /// An access token in `~/.aws/sso/cache`.
    Token,
    /// A client registration with IAM Identity Center OIDC in `~/.aws/sso/cache`.
    Registration,
    /// A CloudTrail trail.
    Trail,
    /// An S3 bucket for a trail.
    Bucket,
}

impl ResourceKind {
    /// Whether it is stored in local files, which have no propagation delay.
    pub fn is_local(self) -> bool {
        matches!(
            self,
            Self::SsoSession | Self::CliProfile | Self::ConfigFile | Self::Token | Self::Registration
        )
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Organization => "organization",
            Self::Instance => "instance",
            Self::PermissionSetsSwitch => "permission sets switch",
            Self::User => "user",
            Self::Group => "group",
            Self::GroupMembership => "group membership",
            Self::PermissionSet => "permission set",
            Self::AccountAssignment => "account assignment",
            Self::SsoSession => "SSO session",
            Self::ConfigFile => "config file",
            Self::CliProfile => "CLI profile",
            Self::Token => "token",
            Self::Registration => "client registration",
            Self::Trail => "trail",
            Self::Bucket => "bucket",
        })
    }
}
