//! The policies of an organization.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The type of service control policies (SCPs).
pub const SERVICE_CONTROL_POLICY: &str = "SERVICE_CONTROL_POLICY";

/// The type of resource control policies (RCPs).
pub const RESOURCE_CONTROL_POLICY: &str = "RESOURCE_CONTROL_POLICY";

/// The AWS managed policies. They allow everything, and are attached to everything.
static MANAGED: LazyLock<[OrganizationPolicy; 2]> = LazyLock::new(|| {
    let managed = |kind: &str, name: &str, description: &str, principal: &str| OrganizationPolicy {
        id: format!("p-{name}"),
        name: name.to_owned(),
        description: description.to_owned(),
        kind: kind.to_owned(),
        content: format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{principal}"Action":"*","Resource":"*"}}]}}"#
        ),
    };
    [
        managed(
            SERVICE_CONTROL_POLICY,
            "FullAWSAccess",
            "Allows access to every operation",
            "",
        ),
        managed(
            RESOURCE_CONTROL_POLICY,
            "RCPFullAWSAccess",
            "Allows access to every resource",
            r#""Principal":"*","#,
        ),
    ]
});

/// A policy of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPolicy {
    /// Its ID: `p-…`.
    pub id: String,
    /// Its name, unique among the policies of its type.
    pub name: String,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// Its type, such as `SERVICE_CONTROL_POLICY`.
    pub kind: String,
    /// The policy, a JSON document.
    pub content: String,
}

impl OrganizationPolicy {
    /// Returns whether it is an AWS managed policy, which cannot be changed.
    pub fn is_managed(&self) -> bool {
        MANAGED.iter().any(|managed| managed.id == self.id)
    }
}

/// A policy and what it is attached to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyAttachment {
    /// The ID of the policy.
    pub policy: String,
    /// The ID of the root, the organizational unit or the account.
    pub target: String,
}

/// The policies of an organization, their types, and what they are attached to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganizationPolicies {
    /// The types that are enabled in the root.
    pub enabled_types: BTreeSet<String>,
    /// The policies that were created, oldest first.
    pub created: Vec<OrganizationPolicy>,
    /// What they are attached to.
    pub attached: Vec<PolicyAttachment>,
    /// What AWS managed policies were detached from. They are attached to everything else.
    pub detached: Vec<PolicyAttachment>,
}

impl OrganizationPolicies {
    /// Returns all policies: the AWS managed ones first. The one for resources exists once its type is enabled.
    pub fn all(&self) -> impl Iterator<Item = &OrganizationPolicy> {
        let managed = MANAGED
            .iter()
            .filter(move |policy| policy.kind == SERVICE_CONTROL_POLICY || self.enabled_types.contains(&policy.kind));
        managed.chain(&self.created)
    }

    /// Returns whether a policy is attached to a target.
    pub fn is_attached(&self, policy: &OrganizationPolicy, target: &str) -> bool {
        let is_it = |attachment: &PolicyAttachment| attachment.policy == policy.id && attachment.target == target;
        if policy.is_managed() {
            !self.detached.iter().any(is_it)
        } else {
            self.attached.iter().any(is_it)
        }
    }

    /// Attaches a policy to a target, or detaches it.
    pub fn set_attached(&mut self, policy: &OrganizationPolicy, target: &str, is_attached: bool) {
        let attachment = PolicyAttachment {
            policy: policy.id.clone(),
            target: target.to_owned(),
        };
        let (list, is_listed) = if policy.is_managed() {
            (&mut self.detached, !is_attached)
        } else {
            (&mut self.attached, is_attached)
        };
        list.retain(|other| *other != attachment);
        if is_listed {
            list.push(attachment);
        }
    }

    /// Disables a type, and returns whether it was enabled. Its policies are detached from everything. If it is enabled
    /// again, only the AWS managed policy is attached.
    pub fn disable(&mut self, kind: &str) -> bool {
        let of_type: BTreeSet<String> = self
            .all()
            .filter(|policy| policy.kind == kind)
            .map(|policy| policy.id.clone())
            .collect();
        self.attached.retain(|attachment| !of_type.contains(&attachment.policy));
        self.detached.retain(|attachment| !of_type.contains(&attachment.policy));
        self.enabled_types.remove(kind)
    }

    /// Detaches everything from a target that no longer exists.
    pub fn forget_target(&mut self, target: &str) {
        self.attached.retain(|attachment| attachment.target != target);
        self.detached.retain(|attachment| attachment.target != target);
    }
}
