//! What other tools need: ids, addresses and names, if they exist.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::checklist::StepReport;

/// Ids, addresses and names for other tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outputs {
    /// The ARN of the Identity Center instance: `arn:aws:sso:::instance/ssoins-…`.
    pub instance_arn: Option<String>,
    /// The id of the identity store: `d-…`.
    pub identity_store_id: Option<String>,
    /// The Region of Identity Center.
    pub region: Option<String>,
    /// The URL of the access portal.
    pub start_url: Option<String>,
    /// The id of the user in the identity store.
    pub user_id: Option<String>,
    /// The id of the group in the identity store.
    pub group_id: Option<String>,
    /// The ARN of the permission set: `arn:aws:sso:::permissionSet/…`.
    pub permission_set_arn: Option<String>,
    /// The id of the assigned account.
    pub account: Option<String>,
    /// The profile in `~/.aws/config`.
    pub profile: Option<String>,
}

impl Outputs {
    /// Collects them from what the steps observed.
    pub fn of(reports: &[StepReport]) -> Self {
        let observed = |slug: &str, name: &str| {
            let report = reports.iter().find(|report| report.info.slug == slug)?;
            report.observed.evidence.get(name).cloned()
        };
        Self {
            instance_arn: observed("enable-identity-center", "instance"),
            identity_store_id: observed("enable-identity-center", "identity_store"),
            region: observed("enable-identity-center", "region"),
            start_url: observed("access-portal", "start_url"),
            user_id: observed("create-user", "user_id"),
            group_id: observed("create-group", "group_id"),
            permission_set_arn: observed("permission-set", "permission_set_arn"),
            account: observed("account-assignment", "account"),
            profile: observed("cli-profile", "profile"),
        }
    }

    /// Returns the `argoCd` part of the configuration of an EKS capability (`eks:CreateCapability`, type `ARGOCD`), with the
    /// group as administrators, or the user if there is no group. `None` if something is still missing.
    pub fn argo_cd(&self) -> Option<Value> {
        let identity = match (&self.group_id, &self.user_id) {
            (Some(group), _) => json!({"id": group, "type": "SSO_GROUP"}),
            (None, Some(user)) => json!({"id": user, "type": "SSO_USER"}),
            (None, None) => return None,
        };
        Some(json!({"argoCd": {
            "awsIdc": {"idcInstanceArn": self.instance_arn.as_ref()?, "idcRegion": self.region.as_ref()?},
            "rbacRoleMappings": [{"role": "ADMIN", "identities": [identity]}],
        }}))
    }
}
