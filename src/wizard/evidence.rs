//! What a step observed, as typed values. Screens, JSON, outputs and diagrams are made from them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::answers::values::SessionDuration;
use crate::ids::{AccountId, GroupId, IdentityStoreId, InstanceArn, PermissionSetArn, Principal, RegionName, UserId};
use crate::resources::organization::AccountPlan;

/// The observed values of a step. A value that was not observed, or does not apply, is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
pub struct Evidence {
    /// The account: the caller's, or the one that access was assigned in.
    pub account: Option<AccountId>,
    /// The ID of the organization: `o-…`.
    pub organization: Option<String>,
    /// The plan of the account, read while there is no organization.
    pub account_plan: Option<AccountPlan>,
    /// The management account, if this account is a delegated administrator.
    pub administered_for: Option<AccountId>,
    /// The instance.
    pub instance: Option<InstanceArn>,
    /// The Region of the instance.
    pub region: Option<RegionName>,
    /// The status of the instance, such as `ACTIVE`.
    pub status: Option<String>,
    /// The identity store of the instance.
    pub identity_store: Option<IdentityStoreId>,
    /// The user.
    pub user_id: Option<UserId>,
    /// The user name.
    pub user_name: Option<String>,
    /// What is known about the activation of the user.
    pub activation: Option<Activation>,
    /// The name of the group.
    pub group: Option<String>,
    /// The group.
    pub group_id: Option<GroupId>,
    /// The permission set.
    pub permission_set_arn: Option<PermissionSetArn>,
    /// The ARNs of the AWS managed policies that are attached to the permission set.
    pub policies: Option<Vec<String>>,
    /// The session duration of the permission set, such as `4h`.
    #[schemars(with = "Option<String>")]
    pub session_duration: Option<SessionDuration>,
    /// Whether the permission set is provisioned in any account, read if it differs.
    pub is_provisioned: Option<bool>,
    /// Who has the permission set in the account.
    pub principal: Option<Principal>,
    /// The ID of our request that AWS is still processing.
    pub pending_request: Option<String>,
    /// The URL of the access portal.
    pub start_url: Option<String>,
    /// The AWS config file.
    pub file: Option<PathBuf>,
    /// The name of the profile.
    pub profile: Option<String>,
    /// The name of the SSO session.
    pub sso_session: Option<String>,
    /// The ARN that a sign-in proved.
    pub signed_in_as: Option<String>,
    /// The user name, if another user is signed in.
    pub signed_in_as_other: Option<String>,
    /// What the AWS CLI returned for the profile, or why it was not asked.
    pub aws_cli: Option<String>,
    /// When the profile's credentials expire.
    #[schemars(with = "Option<String>")]
    pub credentials_end: Option<Timestamp>,
    /// The day on which a person confirmed it.
    #[schemars(with = "Option<String>")]
    pub confirmed_on: Option<Date>,
    /// The ARN of the trail.
    pub trail: Option<String>,
    /// The bucket that the trail writes to.
    pub bucket: Option<String>,
    /// Whether the root user has access keys.
    pub has_root_access_keys: Option<bool>,
    /// Whether the root user has MFA.
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
    /// The values that were observed, by name.
    fn observed(&self) -> BTreeMap<String, Value> {
        let Ok(Value::Object(values)) = serde_json::to_value(self) else {
            return BTreeMap::new();
        };
        values.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// Serializes only the values that were observed.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn without_nulls<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.observed().serialize(serializer)
    }

    /// The values with their names, as text for a log or a screen.
    pub fn lines(&self) -> Vec<(String, String)> {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let observed = self.observed().into_iter();
        observed.map(|(name, value)| (name, text(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_observed_is_shown_and_texts_without_quotes() {
        let evidence = Evidence {
            user_name: Some("Ada".to_owned()),
            is_provisioned: Some(false),
            ..Evidence::default()
        };
        let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            evidence.lines(),
            [line("is_provisioned", "false"), line("user_name", "Ada")]
        );
    }
}
