//! An instance of IAM Identity Center, and its setting that enables permission sets. No public API enables an
//! organization instance, so instances are only read.

use std::cell::Cell;

use aws_sdk_ssoadmin::types::RegionScope;
use futures_util::stream::{self, StreamExt};

use crate::aws::{AwsError, AwsErrorKind, Permission};
use crate::ids::{AccountId, IdentityStoreId, InstanceArn, RegionName};
use crate::limits::REGIONS_AT_ONCE;
use crate::progress::{Entry, Origin, ResourceKind, ResourceName, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{Change, Consent, Context, NamedConsent, StepInfo, repeat, rerun};
use crate::user_error::UserError;

/// What reading an instance and enabling permission sets needs.
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("sso:ListInstances"),
    Permission::look("sso:DescribeInstance"),
    Permission::change("sso:UpdateInstance"),
];

/// The flag that agrees to enable permission sets.
pub const ENABLE_PERMISSION_SETS: &str = "enable-permission-sets";

const LIST_INSTANCES: &str = "sso:ListInstances";

/// An instance of Identity Center that the account can see.
#[derive(Debug, Clone)]
pub struct ListedInstance {
    /// The ARN.
    pub arn: InstanceArn,
    /// The identity store.
    pub store: IdentityStoreId,
    /// The account that it belongs to.
    pub owner: AccountId,
    /// Its primary Region.
    pub region: RegionName,
    /// The status, such as `ACTIVE`.
    pub status: String,
    /// The reason for the status.
    pub reason: Option<String>,
    /// Whether permission sets are enabled; `None` if the API does not report it.
    pub permission_sets: Option<bool>,
}

/// Lists all instances in all Regions.
///
/// A server that does not support the Region scope rejects it or silently ignores it. Therefore, an empty answer is
/// confirmed by querying every Region individually, beginning with `region`, once per run.
///
/// # Errors
/// When AWS does not answer.
pub async fn list(context: &Context, region: &RegionName, swept: &Cell<bool>) -> Result<Vec<ListedInstance>, AwsError> {
    match instances_in(context, region, Some(RegionScope::AllRegions)).await {
        Ok(found) if !found.is_empty() || swept.get() => return Ok(found),
        Err(aws_error) if aws_error.kind != AwsErrorKind::Invalid => return Err(aws_error),
        _ => {}
    }
    let found = sweep_regions(context, region).await?;
    swept.set(true);
    Ok(found)
}

/// Queries each Region individually.
async fn sweep_regions(context: &Context, first: &RegionName) -> Result<Vec<ListedInstance>, AwsError> {
    let mut found = instances_in(context, first, None).await?;
    let others = context.partition().regions().filter(|other| other != first);
    let mut answers = stream::iter(others)
        .map(|region| async move {
            let answer = instances_in(context, &region, None).await;
            (region, answer)
        })
        .buffer_unordered(REGIONS_AT_ONCE);
    // In the Region that had the instance before, an unanswered call does not mean that the instance is gone.
    let known = context.progress.read(|record| record.region.clone());
    while let Some((region, answer)) = answers.next().await {
        let is_known = known.as_ref() == Some(&region);
        match answer {
            Ok(more) => found.extend(more),
            // A Region that the account has not opted into rejects its credentials, and cannot contain an instance.
            Err(aws_error)
                if !is_known && matches!(aws_error.kind, AwsErrorKind::Credentials | AwsErrorKind::NoConnection) => {}
            Err(aws_error) => return Err(aws_error),
        }
    }
    Ok(found)
}

async fn instances_in(
    context: &Context,
    region: &RegionName,
    scope: Option<RegionScope>,
) -> Result<Vec<ListedInstance>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(region)
        .list_instances()
        .set_region_scope(scope)
        .into_paginator()
        .items()
        .send();
    let account = &context.caller.account;
    let mut found = Vec::new();
    while let Some(instance) = pages.next().await {
        let instance = instance.map_err(|error| AwsError::of(LIST_INSTANCES, error))?;
        let status = instance
            .status
            .map_or_else(|| "ACTIVE".to_owned(), |status| status.as_str().to_owned());
        found.push(ListedInstance {
            arn: AwsError::require_id(LIST_INSTANCES, instance.instance_arn.as_deref().unwrap_or_default())?,
            store: AwsError::require_id(
                LIST_INSTANCES,
                instance.identity_store_id.as_deref().unwrap_or_default(),
            )?,
            owner: AwsError::require_id(LIST_INSTANCES, instance.owner_account_id.as_deref().unwrap_or(account))?,
            region: AwsError::require_id(LIST_INSTANCES, instance.primary_region.as_deref().unwrap_or(region))?,
            status,
            reason: instance.status_reason,
            permission_sets: None,
        });
    }
    Ok(found)
}

/// Whether permission sets are enabled; `None` if the call is not supported or not allowed.
///
/// # Errors
/// When AWS does not answer.
pub async fn permission_sets(context: &Context, seen: &ListedInstance) -> Result<Option<bool>, AwsError> {
    let answer = context
        .clients
        .ssoadmin(&seen.region)
        .describe_instance()
        .instance_arn(&seen.arn)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DescribeInstance", error));
    match answer {
        Ok(answer) => Ok(answer.permission_sets_enabled),
        Err(AwsError {
            kind: AwsErrorKind::NotAws | AwsErrorKind::NotImplemented | AwsErrorKind::Denied,
            ..
        }) => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}

/// Settles the open intent to enable permission sets. Before an intent is recorded, a check shows that they are not
/// enabled.
///
/// # Errors
/// When the origin cannot be saved.
pub fn settle_permission_sets(context: &Context, seen: &ListedInstance) -> Result<(), UserError> {
    if seen.permission_sets != Some(true) {
        return Ok(());
    }
    let kind = ResourceKind::PermissionSetsSwitch;
    let name = ResourceName::from(&*seen.arn);
    let is_pending = context
        .progress
        .read(|record| record.intents(Verb::Update, kind, &name).next().is_some());
    let enabled = is_pending.then(|| Entry::new(Origin::Created, kind, "permission sets", &seen.arn));
    context.settle(Verb::Update, kind, &name, enabled)
}

/// The change that enables permission sets.
pub fn enabling_permission_sets(seen: &ListedInstance) -> Change {
    Change {
        verb: Verb::Update,
        kind: ResourceKind::PermissionSetsSwitch,
        name: (&*seen.arn).into(),
        field: None,
        sentence: "Enable permission sets.".to_owned(),
        command: format!(
            "aws sso-admin update-instance --permission-sets-enabled --region {} --instance-arn {}",
            seen.region, seen.arn
        ),
        consent: Consent::Named(vec![NamedConsent {
            flag: ENABLE_PERMISSION_SETS,
            stake: "Once enabled, permission sets can't be disabled.".to_owned(),
            is_final: true,
        }]),
    }
}

/// Enables permission sets.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn enable_permission_sets(
    context: &Context,
    info: &'static StepInfo,
    region: &RegionName,
    change: &Change,
) -> Result<(), UserError> {
    let intent = context.intend(info, change.target(), None)?;
    let client = context.clients.ssoadmin_once(region);
    let answer = repeat(context.timing, || async {
        let call = client.update_instance().instance_arn(change.name.single());
        let answer = call.permission_sets_enabled(true).send().await;
        answer.map_err(|error| AwsError::of("sso:UpdateInstance", error))
    });
    if let Err(aws_error) = answer.await {
        if aws_error.outcome_known() {
            // If permission sets are enabled later, it was not by this call.
            context.progress.change(|record| record.drop_intent(&intent.nonce))?;
        }
        return Err(rerun(info)(aws_error));
    }
    let enabled = Entry::new(Origin::Created, change.kind, "permission sets", change.name.single());
    context.settle(change.verb, change.kind, &change.name, Some(enabled))
}

/// Why undo never deletes an instance or its setting, and how the user can delete the instance.
pub fn stays(kind: ResourceKind, region: &RegionName) -> (&'static str, Manually) {
    let delete = format!("console, Region {region} → IAM Identity Center → Settings → Management → Delete instance");
    if kind == ResourceKind::PermissionSetsSwitch {
        let why = "AWS has no way to disable them again, except to delete the instance with everything in it";
        return (why, Manually::Steps(delete));
    }
    (
        "it was enabled in the console and can be deleted only there, with every user and every assignment in it",
        Manually::Steps(delete),
    )
}
