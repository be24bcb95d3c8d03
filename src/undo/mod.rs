//! Undo: deletes what progress records as *created*, in reverse order, and restores what `--update` changed. Existing
//! resources are never deleted.
//!
//! The plan is based only on reads: each resource will be deleted, is already gone, was changed since (and stays,
//! unless the user asks for its deletion), or stays in any case. A separate function deletes resources and verifies
//! each deletion with a read. Both can be killed and run again: progress forgets a resource only when a read no longer
//! finds it.

mod check;
mod cleanup;
mod cloudtrail;
mod command;
mod files;
mod identity_center;
mod pending;
mod permission_set;
mod plan;
mod remove;
mod restore;
mod self_lockout;

use schemars::JsonSchema;
use serde::Serialize;
use tracing::Instrument as _;

use crate::checklist::{Permission, StepReport, UserError};
use crate::next_step::SetupCommand;
use crate::progress::{Origin, Resource, ResourceKind};
use crate::steps::Context;
use crate::text::one_line;

/// The permissions that undo needs to delete resources and to check whether someone else uses them.
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

/// One resource that was created or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removal {
    /// What it is, its name, and its id.
    #[serde(flatten)]
    pub resource: Resource,
    /// The slug of the step that created it.
    pub step: &'static str,
    /// What happens to it.
    pub disposition: Disposition,
    /// Why it stays, or which values are restored.
    pub why: Option<String>,
    /// The `aws` command that deletes it, or the edit of a file.
    pub command: String,
    /// Whether someone else uses it, so that AWS would refuse to delete it.
    #[serde(skip)]
    pub in_use: bool,
    /// Set if it is in a file of another environment, which only an undo in that environment can edit.
    #[serde(skip)]
    pub elsewhere: Option<OtherEnvironment>,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It will be deleted.
    Delete,
    /// It no longer exists.
    Gone,
    /// Someone changed it since it was created. It stays, unless `--include-changed` is given.
    Changed,
    /// It stays in any case.
    Stays,
    /// It was deleted.
    Deleted,
    /// It existed before, and `--update` changed it: its earlier values will be restored.
    Restore,
    /// Its earlier values were restored.
    Restored,
}

impl Disposition {
    /// The word shown on screens.
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

    /// Whether it is still to be deleted or restored.
    pub fn is_to_do(self) -> bool {
        matches!(self, Self::Delete | Self::Restore)
    }
}

impl Removal {
    /// `user Admin`.
    pub fn name(&self) -> String {
        format!("{} {}", self.resource.kind, one_line(&self.resource.name.to_string()))
    }

    /// The undo in another environment, if it is in one.
    pub fn undo_elsewhere(&self) -> Option<SetupCommand> {
        self.elsewhere.as_ref().map(OtherEnvironment::undo)
    }
}

pub use cleanup::{remove_folders, settle as settle_files};
pub use command::OtherEnvironment;
pub use pending::{other_answers, use_answers};
pub use plan::{as_agreed, plan};

/// Deletes or restores one resource: records the intent first, and forgets the resource when a read no longer finds it.
/// A resource that is gone is forgotten too. One that someone has started to use since the plan stays.
///
/// # Errors
/// When it cannot be deleted or restored, or still exists afterwards. A second call continues.
pub async fn revert(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    let span = tracing::info_span!(
        "undo",
        kind = removal.resource.kind.to_string(),
        name = removal.resource.name.to_string()
    );
    let reverted = revert_once(context, reports, removal).instrument(span.clone()).await;
    match &reverted {
        Ok(()) => tracing::info!(parent: &span, disposition = removal.disposition.word(), "reverted"),
        Err(error) => tracing::info!(parent: &span, error = ?error.kind, "failed"),
    }
    reverted
}

async fn revert_once(context: &Context, reports: &[StepReport], removal: &mut Removal) -> Result<(), UserError> {
    let is_created = removal.resource.origin == Origin::Created;
    if removal.disposition == Disposition::Delete {
        check::again(context, reports, removal).await?;
    }
    match removal.disposition {
        Disposition::Delete => remove::remove(context, reports, removal).await,
        Disposition::Restore => restore::restore(context, reports, removal).await,
        Disposition::Gone if is_created => remove::forget(context, &removal.resource, removal.step),
        Disposition::Gone => restore::forget(context, &removal.resource),
        _ => Ok(()),
    }
}

/// Resources that depend on each other: if one cannot be deleted, those after it cannot be deleted either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// Each independent of the others: files, and what is restored.
    Independent,
    /// From the account assignment to the user.
    IdentityCenter,
    /// The trail and its bucket.
    CloudTrail,
}

impl Removal {
    /// The branch that it belongs to.
    pub fn branch(&self) -> Branch {
        match self.resource.kind {
            ResourceKind::Trail | ResourceKind::Bucket => Branch::CloudTrail,
            kind if kind.is_local() || self.resource.origin != Origin::Created => Branch::Independent,
            _ => Branch::IdentityCenter,
        }
    }
}
