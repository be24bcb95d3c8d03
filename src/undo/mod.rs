//! The way back: what progress says was *made* is removed again, in reverse order; what was found never is.
//!
//! A plan is made from reads alone: each thing is to be removed, gone already, changed since (and left, unless that is
//! wanted), or stays. Removing is another function; each removal is looked at afterwards. Both can be killed and run again:
//! a thing is written off only when a look does not find it any more.

mod cleanup;
mod cloudtrail;
mod command;
mod files;
mod identity_center;
mod look;
mod pending;
mod permission_set;
mod plan;
mod remove;
mod restore;
mod self_lockout;

use schemars::JsonSchema;
use serde::Serialize;

use crate::checklist::{Permission, StepReport, UserError};
use crate::progress::{Origin, Resource, ResourceKind};
use crate::steps::Context;
use crate::text::one_line;

/// What removing needs to be allowed to do, and looking whether somebody else has come to use a thing.
pub const PERMISSIONS: [Permission; 20] = [
    Permission::look("identitystore:ListGroupMemberships"),
    Permission::look("identitystore:ListGroupMembershipsForMember"),
    Permission::look("sso:ListAccountAssignmentsForPrincipal"),
    Permission::look("sso:ListApplicationAssignmentsForPrincipal"),
    Permission::look("sso:ListManagedPoliciesInPermissionSet"),
    Permission::look("sso:GetInlinePolicyForPermissionSet"),
    Permission::look("sso:ListCustomerManagedPolicyReferencesInPermissionSet"),
    Permission::look("sso:GetPermissionsBoundaryForPermissionSet"),
    Permission::change("sso:DeleteAccountAssignment"),
    Permission::change("sso:DescribeAccountAssignmentDeletionStatus"),
    Permission::change("sso:DeletePermissionSet"),
    Permission::change("identitystore:DeleteGroupMembership"),
    Permission::change("identitystore:DeleteGroup"),
    Permission::change("identitystore:DeleteUser"),
    Permission::change_on(ROLES, "iam:DeleteRole"),
    Permission::change_on(ROLES, "iam:DeleteRolePolicy"),
    Permission::change_on(ROLES, "iam:DetachRolePolicy"),
    Permission::change_on("arn:*:cloudtrail:*:*:trail/idc-setup-*", "cloudtrail:DeleteTrail"),
    Permission::change_on("arn:*:s3:::idc-setup-trail-*", "s3:GetBucketPolicy"),
    Permission::change_on("arn:*:s3:::idc-setup-trail-*", "s3:DeleteBucket"),
];

const ROLES: &str = "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*";

/// One thing that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removal {
    /// What, which, and its id.
    #[serde(flatten)]
    pub resource: Resource,
    /// The slug of the step that made it.
    pub step: &'static str,
    /// What becomes of it.
    pub disposition: Disposition,
    /// Why it is left, where it is; what is put back, where something is.
    pub why: Option<String>,
    /// The `aws` command that would remove it, or what is done to which file.
    pub command: String,
    /// Somebody else stands on it, so that AWS would not let it go.
    #[serde(skip)]
    pub in_use: bool,
    /// It is in files of another environment, whose undo is the way to it.
    #[serde(skip)]
    pub is_elsewhere: bool,
}

/// What becomes of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It is removed.
    Delete,
    /// It is not there any more.
    Gone,
    /// It is not as it was made: left, unless that is wanted.
    Changed,
    /// It stays in any case.
    Stays,
    /// It was removed.
    Deleted,
    /// It was found, and says again what it said before `--update`.
    Restore,
    /// It says again what it said before.
    Restored,
}

impl Disposition {
    /// The word on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Stays => "stays",
            Self::Deleted => "deleted",
            Self::Restore => "restore",
            Self::Restored => "restored",
        }
    }

    /// Something is still to be done.
    pub fn is_to_do(self) -> bool {
        matches!(self, Self::Delete | Self::Restore)
    }
}

impl Removal {
    /// `user Admin`.
    pub fn name(&self) -> String {
        format!("{} {}", self.resource.kind, one_line(&self.resource.name))
    }
}

pub use cleanup::{remove_folders, settle as settle_files};
pub use pending::{go_by, other_answers};
pub use plan::{as_agreed, plan};

/// Takes one thing back: intent before it, written off after a look has not found it any more. What is gone is written off;
/// what stays, stays; what somebody has come to use since the plan was made is left.
///
/// # Errors
/// When it cannot be taken back, or still shows afterwards. It can be done again.
pub async fn take_back(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    let is_ours = removal.resource.origin == Origin::Created;
    if removal.disposition == Disposition::Delete {
        look::again(context, reports, removal).await?;
    }
    match removal.disposition {
        Disposition::Delete => remove::remove(context, reports, removal).await,
        Disposition::Restore => restore::restore(context, reports, removal).await,
        Disposition::Gone if is_ours => remove::write_off(context, &removal.resource, removal.step),
        Disposition::Gone => restore::write_off(context, &removal.resource),
        _ => Ok(()),
    }
}

/// What stands on one another: where one cannot be removed, those after it cannot either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// Each for itself: files, and what is put back.
    Alone,
    /// From the assignment down to the user.
    IdentityCenter,
    /// The trail, and its bucket.
    CloudTrail,
}

impl Removal {
    /// Where it hangs.
    pub fn branch(&self) -> Branch {
        match self.resource.kind {
            ResourceKind::Trail | ResourceKind::Bucket => Branch::CloudTrail,
            kind if kind.is_local() || self.resource.origin != Origin::Created => Branch::Alone,
            _ => Branch::IdentityCenter,
        }
    }
}
