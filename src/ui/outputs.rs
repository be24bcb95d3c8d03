//! What other tools need: ids, addresses and names, if they exist.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{AccountId, GroupId, IdentityStoreId, InstanceArn, PermissionSetArn, RegionName, UserId};
use crate::wizard::{Evidence, StepReport};

/// Ids, addresses and names for other tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outputs {
    /// The ARN of the Identity Center instance: `arn:aws:sso:::instance/ssoins-…`.
    pub instance_arn: Option<InstanceArn>,
    /// The id of the identity store: `d-…`.
    pub identity_store_id: Option<IdentityStoreId>,
    /// The Region of Identity Center.
    pub region: Option<RegionName>,
    /// The URL of the access portal.
    pub start_url: Option<String>,
    /// The id of the user in the identity store.
    pub user_id: Option<UserId>,
    /// The id of the group in the identity store.
    pub group_id: Option<GroupId>,
    /// The ARN of the permission set: `arn:aws:sso:::permissionSet/…`.
    pub permission_set_arn: Option<PermissionSetArn>,
    /// The id of the assigned account.
    pub account: Option<AccountId>,
    /// The profile in `~/.aws/config`.
    pub profile: Option<String>,
}

impl Outputs {
    /// Collects them from what the steps observed.
    pub fn of(reports: &[StepReport]) -> Self {
        let empty = Evidence::default();
        let of = |slug: &str| {
            let report = reports.iter().find(|report| report.info.slug == slug);
            report.map_or(&empty, |report| &report.observed.evidence)
        };
        let instance = of("enable-identity-center");
        Self {
            instance_arn: instance.instance.clone(),
            identity_store_id: instance.identity_store.clone(),
            region: instance.region.clone(),
            start_url: of("access-portal").start_url.clone(),
            user_id: of("create-user").user_id.clone(),
            group_id: of("create-group").group_id.clone(),
            permission_set_arn: of("permission-set").permission_set_arn.clone(),
            account: of("account-assignment").account.clone(),
            profile: of("cli-profile").profile.clone(),
        }
    }
}
