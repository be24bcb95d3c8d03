//! How a permission set that was made stands now.

use aws_sdk_ssoadmin::types::PermissionSet;

use super::identity_center::{ours, principals};
use super::look::{Observation, unless_gone};
use crate::answers::values::SessionDuration;
use crate::aws::AwsError;
use crate::progress::{Origin, Resource, ResourceKind, Verb};
use crate::steps::{Context, Instance, permission_set};

/// How it stands: one that somebody else has, or that says more than it was made with, is left.
pub async fn observation(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    let admin = context.clients.ssoadmin(&instance.region);
    let described = admin
        .describe_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| AwsError::of("sso:DescribePermissionSet", error));
    let Some(described) = unless_gone(described)? else {
        return Ok(Observation::Gone);
    };
    let set = described
        .permission_set
        .unwrap_or_else(|| PermissionSet::builder().build());
    let mut accounts = admin
        .list_accounts_for_provisioned_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&resource.id)
        .into_paginator()
        .items()
        .send();
    let ours = ours(context, ResourceKind::AccountAssignment);
    while let Some(account) = accounts.next().await {
        let account = account.map_err(|error| AwsError::of("sso:ListAccountsForProvisionedPermissionSet", error))?;
        for (_, principal) in principals(context, instance, &account, &resource.id).await? {
            if !ours.contains(&format!("{account}/{}/{principal}", resource.id)) {
                return Ok(Observation::InUse(format!(
                    "somebody else has it too, in account {account}: {principal}"
                )));
            }
        }
    }
    let more = more_in_it(context, instance, resource, &set).await?;
    Ok(more.map_or(Observation::There, Observation::Changed))
}

/// What a permission set of ours says by now that it was not made with.
async fn more_in_it(
    context: &Context,
    instance: &Instance,
    resource: &Resource,
    set: &PermissionSet,
) -> Result<Option<String>, AwsError> {
    if let Some(more) = said_otherwise(context, resource, set) {
        return Ok(Some(more));
    }
    if permission_set::has_other_tags(context, instance, &resource.id).await? {
        return Ok(Some("somebody has tagged it".to_owned()));
    }
    if let Some(more) = document_of_others(context, instance, &resource.id).await? {
        return Ok(Some(format!("it has {more} now")));
    }
    other_policy(context, instance, resource).await
}

/// What it says itself that it was not made with.
fn said_otherwise(context: &Context, resource: &Resource, set: &PermissionSet) -> Option<String> {
    let lasts = |text: &str| text.parse::<SessionDuration>().ok();
    if let (Some(made), Some(now)) = (&resource.text, &set.session_duration)
        && lasts(made) != lasts(now)
        && !is_update_open(context, resource)
    {
        let in_words = |text: &str| lasts(text).map_or_else(|| text.to_owned(), |time| time.to_string());
        return Some(format!(
            "a session lasts {} now, and lasted {}",
            in_words(now),
            in_words(made)
        ));
    }
    let description = set.description.as_deref();
    if description.is_some_and(|words| words != permission_set::DESCRIPTION) {
        return Some("it is described otherwise now".to_owned());
    }
    let state = set.relay_state.as_deref();
    let has_relay_state = state.is_some_and(|state| !state.is_empty());
    has_relay_state.then(|| "it has a relay state now".to_owned())
}

/// A document that a set of ours never has: an inline policy, a reference to a customer managed policy, a boundary.
async fn document_of_others(
    context: &Context,
    instance: &Instance,
    arn: &str,
) -> Result<Option<&'static str>, AwsError> {
    let admin = context.clients.ssoadmin(&instance.region);
    let inline = admin.get_inline_policy_for_permission_set();
    let inline = inline.instance_arn(&instance.arn).permission_set_arn(arn).send().await;
    let inline = inline.map_err(|error| AwsError::of("sso:GetInlinePolicyForPermissionSet", error))?;
    if inline.inline_policy.is_some_and(|policy| !policy.is_empty()) {
        return Ok(Some("an inline policy"));
    }
    let customers = admin.list_customer_managed_policy_references_in_permission_set();
    let customers = customers
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await;
    let customers =
        customers.map_err(|error| AwsError::of("sso:ListCustomerManagedPolicyReferencesInPermissionSet", error))?;
    if !customers.customer_managed_policy_references().is_empty() {
        return Ok(Some("a customer managed policy"));
    }
    let boundary = admin.get_permissions_boundary_for_permission_set();
    let boundary = boundary
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await;
    let boundary = boundary.map_err(|error| AwsError::of("sso:GetPermissionsBoundaryForPermissionSet", error));
    let boundary = unless_gone(boundary)?.and_then(|answer| answer.permissions_boundary);
    Ok(boundary.map(|_| "a permissions boundary"))
}

/// A run that was killed was about to change how long it lasts, and nobody has told of the end.
fn is_update_open(context: &Context, resource: &Resource) -> bool {
    context.progress.read(|record| {
        let mut open = record.intents(Verb::Update, resource.kind, &resource.name);
        open.next().is_some()
    })
}

/// An AWS managed policy on it that we have neither put there nor were about to, or one of ours that is not there any more.
async fn other_policy(context: &Context, instance: &Instance, resource: &Resource) -> Result<Option<String>, AwsError> {
    let mut missing = context.progress.read(|record| {
        let made = record.resources.iter();
        let made = made.filter(|other| other.kind == ResourceKind::PolicyAttachment && other.origin == Origin::Created);
        let of_it = made.filter_map(|other| other.id.strip_prefix(&format!("{}/", resource.id)).map(str::to_owned));
        of_it.collect::<Vec<_>>()
    });
    for policy in permission_set::policies(context, instance, &resource.id).await? {
        missing.retain(|made| *made != policy);
        let is_ours = context.progress.read(|record| {
            let id = format!("{}/{policy}", resource.id);
            record.origin(ResourceKind::PolicyAttachment, &id) == Some(Origin::Created)
                || record.is_any_open(ResourceKind::PolicyAttachment, &format!("{}/{policy}", resource.name))
        });
        if !is_ours {
            return Ok(Some(format!("somebody has attached the policy {policy} to it")));
        }
    }
    // An update of ours that was cut short may have taken it off.
    let was_to_go = |policy: &String| {
        context.progress.read(|record| {
            let name = format!("{}/{policy}", resource.name);
            record
                .intents(Verb::Delete, ResourceKind::PolicyAttachment, &name)
                .next()
                .is_some()
        })
    };
    let gone = missing.into_iter().find(|policy| !was_to_go(policy));
    Ok(gone.map(|policy| format!("somebody has taken the policy {policy} off it")))
}
