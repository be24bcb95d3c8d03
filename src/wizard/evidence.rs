//! What a step observed, as typed values. Screens, JSON, outputs and diagrams are made from them.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::answers::values::SessionDuration;
use crate::ids::{AccountId, GroupId, IdentityStoreId, InstanceArn, PermissionSetArn, Principal, RegionName, UserId};
use crate::resources::organization::AccountPlan;

/// The observed values of a step. A value that was not observed, or does not apply, is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
pub struct Evidence {
    /// The account: the caller's, or the one that access was assigned in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The ID of the organization: `o-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The plan of the account, read while there is no organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_plan: Option<AccountPlan>,
    /// The management account, if this account is a delegated administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administered_for: Option<AccountId>,
    /// The instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceArn>,
    /// The Region of the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionName>,
    /// The status of the instance, such as `ACTIVE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The identity store of the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_store: Option<IdentityStoreId>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The user name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// What is known about the activation of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// The name of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The permission set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_set_arn: Option<PermissionSetArn>,
    /// The ARNs of the AWS managed policies that are attached to the permission set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// The session duration of the permission set, such as `4h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub session_duration: Option<SessionDuration>,
    /// Whether the permission set is provisioned in any account, read if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_provisioned: Option<bool>,
    /// Who has the permission set in the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// The ID of our request that AWS is still processing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_request: Option<String>,
    /// The URL of the access portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_url: Option<String>,
    /// The AWS config file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The name of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The name of the SSO session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sso_session: Option<String>,
    /// The ARN that a sign-in proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_in_as: Option<String>,
    /// The user name, if another user is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_in_as_other: Option<String>,
    /// What the AWS CLI returned for the profile, or why it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_cli: Option<String>,
    /// When the profile's credentials expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub credentials_end: Option<Timestamp>,
    /// The day on which a person confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub confirmed_on: Option<Date>,
    /// The ARN of the trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail: Option<String>,
    /// The bucket that the trail writes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Whether the root user has access keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_root_access_keys: Option<bool>,
    /// Whether the root user has MFA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_root_mfa: Option<bool>,
}

/// What is known about the activation of a user, which no API returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nobody has confirmed it, and no sign-in has proved it.
    NotKnown,
    /// A person confirmed it.
    Confirmed,
    /// A sign-in proved it.
    Proved,
}

impl Evidence {
    /// The values with their names, as text for a log or a screen.
    pub fn lines(&self) -> Vec<(String, String)> {
        let Ok(Value::Object(values)) = serde_json::to_value(self) else {
            return Vec::new();
        };
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        values.into_iter().map(|(name, value)| (name, text(value))).collect()
    }
}
