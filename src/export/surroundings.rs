//! What the wizard makes besides the instance: the organization, and the CloudTrail trail with its bucket.

use super::view::Selection;
use crate::aws::AwsError;
use crate::ids::AccountId;
use crate::progress::ResourceKind;
use crate::reconcile::{Context, Importance, StepInfo};
use crate::resources::organization;
use crate::resources::trail::{self, TrailWithBucket};

/// The export in errors, and what it needs besides reading the instance.
pub const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "export",
    short: "export",
    title: "Export",
    importance: Importance::Required,
    why: "Another tool takes over what exists.",
    feeds_others: false,
    permissions: &[organization::ACCOUNT_PERMISSIONS, trail::EXPORT_PERMISSIONS],
};

/// The organization of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationState {
    /// `o-…`.
    pub id: String,
    /// Whether all features are enabled, and not only consolidated billing.
    pub all_features: bool,
}

/// What exists besides the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The account of the caller.
    pub account: AccountId,
    /// The organization, if this account manages it.
    pub organization: Option<OrganizationState>,
    /// The trail that this program created.
    pub trail: Option<TrailWithBucket>,
}

/// Reads what exists and is selected.
///
/// # Errors
/// When AWS does not answer.
pub async fn read(context: &Context, selection: &Selection) -> Result<Surroundings, AwsError> {
    let account = context.caller.account.clone();
    let organization = organization::find(context).await?;
    let organization = organization.filter(|organization| {
        let id = organization.id.as_str();
        organization.management_account == account && selection.includes(ResourceKind::Organization, id)
    });
    Ok(Surroundings {
        account,
        organization: organization.map(|organization| OrganizationState {
            id: organization.id,
            all_features: organization.all_features,
        }),
        trail: trail::created(context).await?,
    })
}
