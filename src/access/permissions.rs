//! The IAM permissions that reading an organization and applying a plan needs.

use std::collections::BTreeSet;

use super::plan::{Action, Plan};
use super::resolve::AccountNeeds;
use crate::aws::Permission;
use crate::progress::Setting;
use crate::reconcile::FieldChange;
use crate::resources::{assignment, instance};

/// What a plan needs.
#[derive(Debug, Clone, Default)]
pub struct Needed {
    /// To read the organization, and to make the plan.
    pub reads: BTreeSet<Permission>,
    /// To apply the plan.
    pub changes: BTreeSet<Permission>,
}

/// To read the accounts and the instance.
const READS: &[Permission] = &[
    Permission::look("organizations:DescribeOrganization"),
    Permission::look("organizations:ListAccounts"),
    Permission::look("organizations:ListDelegatedAdministrators"),
    Permission::look("identitystore:ListUsers"),
    Permission::look("identitystore:ListGroups"),
    Permission::look("identitystore:ListGroupMemberships"),
    Permission::look("identitystore:ListGroupMembershipsForMember"),
    Permission::look("sso:ListPermissionSets"),
    Permission::look("sso:DescribePermissionSet"),
    Permission::look("sso:ListTagsForResource"),
    Permission::look("sso:ListManagedPoliciesInPermissionSet"),
    Permission::look("sso:ListCustomerManagedPolicyReferencesInPermissionSet"),
    Permission::look("sso:GetInlinePolicyForPermissionSet"),
    Permission::look("sso:GetPermissionsBoundaryForPermissionSet"),
    Permission::look("sso:ListAccountsForProvisionedPermissionSet"),
    Permission::look("sso:ListAccountAssignments"),
    Permission::look("sso:ListAccountAssignmentsForPrincipal"),
];

/// To read organizational units.
const READ_UNITS: [Permission; 3] = [
    Permission::look("organizations:ListRoots"),
    Permission::look("organizations:ListOrganizationalUnitsForParent"),
    Permission::look("organizations:ListAccountsForParent"),
];

/// To read the tags of accounts.
const READ_TAGS: Permission = Permission::look("organizations:ListTagsForResource");

/// To provision a permission set, besides the permissions on roles.
const PROVISION: &[Permission] = &[
    Permission::change("sso:ProvisionPermissionSet"),
    Permission::change("sso:DescribePermissionSetProvisioningStatus"),
];

/// To delete an assignment and to wait for it, besides the permissions on roles.
const DELETE_ASSIGNMENT: &[Permission] = &[
    Permission::change("sso:DeleteAccountAssignment"),
    Permission::change("sso:DescribeAccountAssignmentDeletionStatus"),
    Permission::change("sso:ListAccountAssignmentDeletionStatus"),
];

/// What reading the organization and applying the plan needs. `needs` are the parts of the organization that selectors name.
pub fn of(plan: &Plan, needs: &AccountNeeds) -> Needed {
    let of_instance = instance::PERMISSIONS.iter().filter(|permission| !permission.changes);
    let mut needed = Needed {
        reads: READS.iter().chain(of_instance).copied().collect(),
        changes: BTreeSet::new(),
    };
    if !needs.unit_paths.is_empty() || !needs.unit_ids.is_empty() {
        needed.reads.extend(READ_UNITS);
    }
    needed.reads.extend(needs.tags.then_some(READ_TAGS));
    for change in &plan.changes {
        add(&change.action, &mut needed.changes);
    }
    // Reads that only changes make are a part of the changes.
    let changes = std::mem::take(&mut needed.changes);
    needed.changes = changes.difference(&needed.reads).copied().collect();
    needed
}

fn add(action: &Action, needed: &mut BTreeSet<Permission>) {
    let mut identity_store = |operation: &'static str| {
        needed.insert(Permission::change(operation));
    };
    match action {
        Action::CreateUser(_) => {
            identity_store("identitystore:CreateUser");
            // Whether an unanswered call or somebody else has created it, and how it differs then.
            identity_store("identitystore:GetUserId");
            identity_store("identitystore:DescribeUser");
            identity_store("identitystore:UpdateUser");
        }
        Action::UpdateUser { .. } => identity_store("identitystore:UpdateUser"),
        Action::DeleteUser { .. } => identity_store("identitystore:DeleteUser"),
        Action::CreateGroup { .. } => {
            identity_store("identitystore:CreateGroup");
            identity_store("identitystore:GetGroupId");
            identity_store("identitystore:DescribeGroup");
            identity_store("identitystore:UpdateGroup");
        }
        Action::UpdateGroup { .. } => identity_store("identitystore:UpdateGroup"),
        Action::DeleteGroup { .. } => identity_store("identitystore:DeleteGroup"),
        Action::AddMember { .. } => {
            identity_store("identitystore:GetGroupMembershipId");
            identity_store("identitystore:CreateGroupMembership");
        }
        Action::RemoveMember { .. } => identity_store("identitystore:DeleteGroupMembership"),
        Action::CreatePermissionSet(spec) => {
            needed.insert(Permission::change("sso:CreatePermissionSet"));
            // The tag of the owner.
            needed.insert(Permission::change("sso:TagResource"));
            for field in spec.after_creation() {
                add_field(&field, needed);
            }
        }
        Action::UpdatePermissionSet { changes, .. } => {
            for field in changes {
                add_field(field, needed);
            }
        }
        Action::DeletePermissionSet { .. } => {
            needed.insert(Permission::change("sso:DeletePermissionSet"));
        }
        Action::CreateAssignment(_) => needed.extend(assignment::PERMISSIONS),
        Action::DeleteAssignment { .. } => needed.extend(DELETE_ASSIGNMENT.iter().chain(on_roles())),
    }
}

/// What Identity Center does with the caller's permissions in the management account.
fn on_roles() -> impl Iterator<Item = &'static Permission> {
    assignment::PERMISSIONS.iter().filter(|permission| permission.on != "*")
}

fn add_field(field: &FieldChange, needed: &mut BTreeSet<Permission>) {
    match field {
        FieldChange::Provision => needed.extend(PROVISION.iter().chain(on_roles())),
        FieldChange::Properties(_) => {
            needed.insert(Permission::change("sso:UpdatePermissionSet"));
        }
        FieldChange::Part(change) => {
            needed.extend(of_part(&change.setting, change.after.is_some()).map(Permission::change));
        }
    }
}

/// The action that changes a part of a permission set.
fn of_part(setting: &Setting, is_added: bool) -> Option<&'static str> {
    let action = match (setting, is_added) {
        (Setting::Policy(_), true) => "sso:AttachManagedPolicyToPermissionSet",
        (Setting::Policy(_), false) => "sso:DetachManagedPolicyFromPermissionSet",
        (Setting::CustomerManagedPolicy(_), true) => "sso:AttachCustomerManagedPolicyReferenceToPermissionSet",
        (Setting::CustomerManagedPolicy(_), false) => "sso:DetachCustomerManagedPolicyReferenceFromPermissionSet",
        (Setting::InlinePolicy, true) => "sso:PutInlinePolicyToPermissionSet",
        (Setting::InlinePolicy, false) => "sso:DeleteInlinePolicyFromPermissionSet",
        (Setting::PermissionsBoundary, true) => "sso:PutPermissionsBoundaryToPermissionSet",
        (Setting::PermissionsBoundary, false) => "sso:DeletePermissionsBoundaryFromPermissionSet",
        (Setting::Tag(_), true) => "sso:TagResource",
        (Setting::Tag(_), false) => "sso:UntagResource",
        _ => return None,
    };
    Some(action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::plan::Change;

    fn actions(plan: &Plan) -> Vec<&'static str> {
        of(plan, &AccountNeeds::default())
            .changes
            .iter()
            .map(|permission| permission.action)
            .collect()
    }

    #[test]
    fn a_plan_without_changes_needs_only_reads() {
        let plan = Plan::default();
        assert!(actions(&plan).is_empty());
        let mut needs = AccountNeeds::default();
        assert!(!of(&plan, &needs).reads.contains(&READ_TAGS));
        assert!(!of(&plan, &needs).reads.contains(&READ_UNITS[0]));
        needs.tags = true;
        needs.unit_paths.insert(vec!["Workloads".to_owned()]);
        let reads = of(&plan, &needs).reads;
        assert!(reads.contains(&READ_TAGS) && reads.contains(&READ_UNITS[0]));
        assert!(reads.iter().all(|permission| !permission.changes));
    }

    #[test]
    fn each_change_needs_only_its_own_permissions() {
        let plan = Plan {
            changes: vec![Change {
                action: Action::AddMember {
                    group: "platform".to_owned(),
                    user: "ada".to_owned(),
                },
                place: None,
            }],
            ..Plan::default()
        };
        assert_eq!(
            actions(&plan),
            [
                "identitystore:CreateGroupMembership",
                "identitystore:GetGroupMembershipId"
            ]
        );
    }

    #[test]
    fn provisioning_changes_roles_in_the_management_account() {
        let mut needed = BTreeSet::new();
        add_field(&FieldChange::Provision, &mut needed);
        assert!(needed.iter().any(|permission| permission.action == "iam:PutRolePolicy"));
    }
}
