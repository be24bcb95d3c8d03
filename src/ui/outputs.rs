//! What the next tool needs: ids, addresses and names, once they are there.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::checklist::StepReport;

/// Ids, addresses and names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outputs {
    /// `arn:aws:sso:::instance/ssoins-…`.
    pub instance_arn: Option<String>,
    /// `d-…`.
    pub identity_store_id: Option<String>,
    /// Identity Center's Region.
    pub region: Option<String>,
    /// The access portal.
    pub start_url: Option<String>,
    /// Of the user in the identity store.
    pub user_id: Option<String>,
    /// Of the group in the identity store.
    pub group_id: Option<String>,
    /// `arn:aws:sso:::permissionSet/…`.
    pub permission_set_arn: Option<String>,
    /// The assigned account.
    pub account: Option<String>,
    /// In `~/.aws/config`.
    pub profile: Option<String>,
}

impl Outputs {
    /// From what the steps have found.
    pub fn of(reports: &[StepReport]) -> Self {
        let found = |slug: &str, name: &str| {
            let report = reports.iter().find(|report| report.info.slug == slug)?;
            report.observed.evidence.get(name).cloned()
        };
        Self {
            instance_arn: found("enable-identity-center", "instance"),
            identity_store_id: found("enable-identity-center", "identity_store"),
            region: found("enable-identity-center", "region"),
            start_url: found("access-portal", "start_url"),
            user_id: found("create-user", "user_id"),
            group_id: found("create-group", "group_id"),
            permission_set_arn: found("permission-set", "permission_set_arn"),
            account: found("account-assignment", "account"),
            profile: found("cli-profile", "profile"),
        }
    }

    /// The `argoCd` part of an EKS capability's configuration (`eks:CreateCapability`, type `ARGOCD`): the group, or the
    /// user where there is none, as its administrators. `None` before all of it is there.
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
