//! The resources that the IAM actions of a plan can be limited to. The types of resources are those in the Service
//! Authorization Reference, for IAM Identity Center and for its identity store.

use std::collections::BTreeSet;

use super::plan::{Action, Plan};
use crate::aws::{Partition, Permission};
use crate::ids::AccountId;
use crate::reconcile::Instance;

/// The most accounts that a policy names, since a managed policy has at most 6,144 characters.
const MOST_ACCOUNTS: usize = 50;

/// The types of resources that an action needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Types {
    /// Those that the permission declares.
    Declared,
    /// The identity store, and what is in it.
    IdentityStore,
    /// The instance.
    Instance,
    /// The instance, and permission sets.
    PermissionSets,
    /// The instance, permission sets, and any account.
    AnyAccount,
    /// The instance, permission sets, and the accounts whose assignments change.
    ChangedAccounts,
}

impl Types {
    fn of(action: &str) -> Self {
        match action {
            "sso:CreateAccountAssignment" | "sso:DeleteAccountAssignment" => Self::ChangedAccounts,
            // A permission set is provisioned wherever it is assigned.
            "sso:ListAccountAssignments" | "sso:ProvisionPermissionSet" => Self::AnyAccount,
            "sso:DescribeAccountAssignmentCreationStatus"
            | "sso:DescribeAccountAssignmentDeletionStatus"
            | "sso:DescribePermissionSetProvisioningStatus"
            | "sso:ListAccountAssignmentCreationStatus"
            | "sso:ListAccountAssignmentDeletionStatus"
            | "sso:ListAccountAssignmentsForPrincipal"
            | "sso:ListPermissionSets" => Self::Instance,
            // A new permission set has no ARN yet.
            "sso:AttachCustomerManagedPolicyReferenceToPermissionSet"
            | "sso:AttachManagedPolicyToPermissionSet"
            | "sso:CreatePermissionSet"
            | "sso:DeleteInlinePolicyFromPermissionSet"
            | "sso:DeletePermissionSet"
            | "sso:DeletePermissionsBoundaryFromPermissionSet"
            | "sso:DescribePermissionSet"
            | "sso:DetachCustomerManagedPolicyReferenceFromPermissionSet"
            | "sso:DetachManagedPolicyFromPermissionSet"
            | "sso:GetInlinePolicyForPermissionSet"
            | "sso:GetPermissionsBoundaryForPermissionSet"
            | "sso:ListAccountsForProvisionedPermissionSet"
            | "sso:ListCustomerManagedPolicyReferencesInPermissionSet"
            | "sso:ListManagedPoliciesInPermissionSet"
            | "sso:ListTagsForResource"
            | "sso:PutInlinePolicyToPermissionSet"
            | "sso:PutPermissionsBoundaryToPermissionSet"
            | "sso:TagResource"
            | "sso:UntagResource"
            | "sso:UpdatePermissionSet" => Self::PermissionSets,
            action if action.starts_with("identitystore:") => Self::IdentityStore,
            // Among others, those that find the instance.
            _ => Self::Declared,
        }
    }
}

/// The resources that a plan reads and changes.
#[derive(Debug, Clone)]
pub struct PlanResources<'a> {
    partition: Partition,
    instance: &'a Instance,
    /// The accounts whose assignments change.
    accounts: BTreeSet<&'a AccountId>,
}

impl<'a> PlanResources<'a> {
    /// The resources of a plan.
    pub fn new(plan: &'a Plan, instance: &'a Instance, partition: Partition) -> Self {
        let accounts = plan.changes.iter().filter_map(|change| match &change.action {
            Action::CreateAssignment(name) => Some(&name.account),
            Action::DeleteAssignment { key, .. } => Some(&key.account),
            _ => None,
        });
        Self {
            partition,
            instance,
            accounts: accounts.collect(),
        }
    }

    /// The ARNs, or patterns of them, that a permission is limited to.
    pub fn of(&self, permission: &Permission) -> Vec<String> {
        let instance = || self.instance.arn.to_string();
        let permission_sets = || self.arn(&format!("permissionSet/{}/*", self.instance.arn.instance_id()));
        match Types::of(permission.action) {
            Types::Declared => vec![permission.resource(self.partition)],
            Types::IdentityStore => self.identity_store(),
            Types::Instance => vec![instance()],
            Types::PermissionSets => vec![instance(), permission_sets()],
            Types::AnyAccount => vec![self.arn("account/*"), instance(), permission_sets()],
            Types::ChangedAccounts => {
                let mut resources = self.changed_accounts();
                resources.extend([instance(), permission_sets()]);
                resources
            }
        }
    }

    /// The ARN of a resource of IAM Identity Center.
    fn arn(&self, resource: &str) -> String {
        format!("arn:{}:sso:::{resource}", self.partition.id())
    }

    fn changed_accounts(&self) -> Vec<String> {
        if self.accounts.len() > MOST_ACCOUNTS {
            return vec![self.arn("account/*")];
        }
        let ids = self.accounts.iter();
        ids.map(|id| self.arn(&format!("account/{id}"))).collect()
    }

    fn identity_store(&self) -> Vec<String> {
        let (partition, Instance { owner, store, .. }) = (self.partition.id(), self.instance);
        let in_it = ["group", "membership", "user"];
        let in_it = in_it.map(|kind| format!("arn:{partition}:identitystore:::{kind}/*"));
        let store = format!("arn:{partition}:identitystore::{owner}:identitystore/{store}");
        std::iter::once(store).chain(in_it).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::desired::AssignmentName;
    use crate::access::file::PrincipalName;
    use crate::access::plan::Change;

    fn instance() -> Instance {
        Instance {
            arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap(),
            store: "d-1234567890".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            owner: "111122223333".parse().unwrap(),
        }
    }

    fn plan(accounts: usize) -> Plan {
        let assignment = |number: usize| Change {
            action: Action::CreateAssignment(AssignmentName {
                account: format!("{:012}", 444_455_550_000 + number).parse().unwrap(),
                permission_set: "Admin".to_owned(),
                principal: PrincipalName::Group("platform".to_owned()),
            }),
            place: None,
        };
        Plan {
            changes: (0..accounts).map(assignment).collect(),
            ..Plan::default()
        }
    }

    #[test]
    fn an_assignment_is_limited_to_its_accounts_unless_there_are_many() {
        const SETS: &str = "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/*";
        let instance = instance();
        let create = Permission::change("sso:CreateAccountAssignment");
        let few = plan(2);
        assert_eq!(
            PlanResources::new(&few, &instance, Partition::Aws).of(&create),
            [
                "arn:aws:sso:::account/444455550000",
                "arn:aws:sso:::account/444455550001",
                "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6",
                SETS
            ]
        );
        let many = plan(MOST_ACCOUNTS + 1);
        let resources = PlanResources::new(&many, &instance, Partition::Aws).of(&create);
        assert_eq!(resources[0], "arn:aws:sso:::account/*");
        assert_eq!(resources.len(), 3);
    }

    #[test]
    fn what_finds_the_instance_is_not_limited() {
        let (plan, instance) = (Plan::default(), instance());
        let resources = PlanResources::new(&plan, &instance, Partition::GovCloud);
        for action in [
            "sso:ListInstances",
            "sso:DescribeInstance",
            "organizations:ListAccounts",
        ] {
            assert_eq!(resources.of(&Permission::look(action)), ["*"], "{action}");
        }
        let users = resources.of(&Permission::look("identitystore:ListUsers"));
        let store = "arn:aws-us-gov:identitystore::111122223333:identitystore/d-1234567890";
        assert_eq!(users[0], store);
        let role = Permission::change_on("arn:*:iam::*:role/x", "iam:GetRole");
        assert_eq!(resources.of(&role), ["arn:aws-us-gov:iam::*:role/x"]);
    }
}
