//! The current state of a permission set that was created.

use aws_sdk_ssoadmin::types::PermissionSet;

use super::check::{Observation, unless_gone};
use super::identity_center::{created_ids, principals};
use crate::answers::values::SessionDuration;
use crate::aws::AwsError;
use crate::ids::{AccountId, AssignmentKey, AttachmentKey, PermissionSetArn};
use crate::progress::{Origin, Resource, ResourceId, ResourceKind, ResourceName, Verb};
use crate::steps::{Context, Instance, permission_set};

/// The current state. A permission set that is assigned to someone else, or that someone changed, is left.
///
/// # Errors
/// When AWS does not answer.
pub async fn observation(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    let Ok(arn) = resource.id.single().parse::<PermissionSetArn>() else {
        return Ok(Observation::Gone);
    };
    let admin = context.clients.ssoadmin(&instance.region);
    let described = admin
        .describe_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(&arn)
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
        .permission_set_arn(&arn)
        .into_paginator()
        .items()
        .send();
    let created = created_ids(context, ResourceKind::AccountAssignment);
    while let Some(account) = accounts.next().await {
        let account = account.map_err(|error| AwsError::of("sso:ListAccountsForProvisionedPermissionSet", error))?;
        let account: AccountId = AwsError::require_id("sso:ListAccountsForProvisionedPermissionSet", &account)?;
        for principal in principals(context, instance, &account, &arn).await? {
            let key = AssignmentKey {
                account: account.clone(),
                permission_set: arn.clone(),
                principal: principal.clone(),
            };
            if !created.contains(&ResourceId::from(key)) {
                return Ok(Observation::InUse(format!(
                    "it is also assigned to {principal} in account {account}"
                )));
            }
        }
    }
    let change = change(context, instance, (resource, &arn), &set).await?;
    Ok(change.map_or(Observation::Exists, Observation::Changed))
}

/// How a permission set differs from what it was created with.
async fn change(
    context: &Context,
    instance: &Instance,
    (resource, arn): (&Resource, &PermissionSetArn),
    set: &PermissionSet,
) -> Result<Option<String>, AwsError> {
    if let Some(change) = property_change(context, resource, set) {
        return Ok(Some(change));
    }
    if permission_set::has_other_tags(context, instance, arn).await? {
        return Ok(Some("someone tagged it".to_owned()));
    }
    if let Some(document) = added_document(context, instance, arn).await? {
        return Ok(Some(format!("it now has {document}")));
    }
    policy_change(context, instance, (resource, arn)).await
}

/// How its own properties differ from those that it was created with.
fn property_change(context: &Context, resource: &Resource, set: &PermissionSet) -> Option<String> {
    let parsed = |text: &str| text.parse::<SessionDuration>().ok();
    if let (Some(original), Some(now)) = (&resource.text, &set.session_duration)
        && parsed(original) != parsed(now)
        && !is_update_pending(context, resource)
    {
        let in_text = |text: &str| parsed(text).map_or_else(|| text.to_owned(), |time| time.to_string());
        return Some(format!(
            "its session duration changed from {} to {}",
            in_text(original),
            in_text(now)
        ));
    }
    let description = set.description.as_deref();
    if description.is_some_and(|text| text != permission_set::DESCRIPTION) {
        return Some("someone changed its description".to_owned());
    }
    let state = set.relay_state.as_deref();
    let has_relay_state = state.is_some_and(|state| !state.is_empty());
    has_relay_state.then(|| "it now has a relay state".to_owned())
}

/// A document that the wizard never adds: an inline policy, a reference to a customer managed policy, a boundary.
async fn added_document(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<&'static str>, AwsError> {
    let admin = context.clients.ssoadmin(&instance.region);
    let inline = admin.get_inline_policy_for_permission_set();
    let inline = inline.instance_arn(&instance.arn).permission_set_arn(arn).send().await;
    let inline = inline.map_err(|error| AwsError::of("sso:GetInlinePolicyForPermissionSet", error))?;
    if inline.inline_policy.is_some_and(|policy| !policy.is_empty()) {
        return Ok(Some("an inline policy"));
    }
    let customer_managed = admin.list_customer_managed_policy_references_in_permission_set();
    let customer_managed = customer_managed
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await;
    let customer_managed = customer_managed
        .map_err(|error| AwsError::of("sso:ListCustomerManagedPolicyReferencesInPermissionSet", error))?;
    if !customer_managed.customer_managed_policy_references().is_empty() {
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

/// Whether a killed run was changing the session duration and the result is unknown.
fn is_update_pending(context: &Context, resource: &Resource) -> bool {
    context.progress.read(|record| {
        let mut pending = record.intents(Verb::Update, resource.kind, &resource.name);
        pending.next().is_some()
    })
}

/// The name in progress of a policy that is attached to this permission set.
fn attachment(permission_set: &Resource, policy: &str) -> ResourceName {
    ResourceName::Attachment {
        permission_set: permission_set.name.single().to_owned(),
        policy: policy.to_owned(),
    }
}

/// An AWS managed policy that neither we nor a killed run attached, or one of ours that someone detached.
async fn policy_change(
    context: &Context,
    instance: &Instance,
    (resource, arn): (&Resource, &PermissionSetArn),
) -> Result<Option<String>, AwsError> {
    let mut missing = context.progress.read(|record| {
        let resources = record.resources.iter();
        let created =
            resources.filter(|other| other.kind == ResourceKind::PolicyAttachment && other.origin == Origin::Created);
        let policies = created.filter_map(|other| match &other.id {
            ResourceId::Attachment(key) if key.permission_set == *arn => Some(key.policy.clone()),
            _ => None,
        });
        policies.collect::<Vec<_>>()
    });
    for policy in permission_set::policies(context, instance, arn).await? {
        missing.retain(|created| *created != policy);
        let is_ours = context.progress.read(|record| {
            let id = ResourceId::from(AttachmentKey {
                permission_set: arn.clone(),
                policy: policy.clone(),
            });
            record.origin(ResourceKind::PolicyAttachment, &id) == Some(Origin::Created)
                || record.is_any_open(ResourceKind::PolicyAttachment, |name| {
                    *name == attachment(resource, &policy)
                })
        });
        if !is_ours {
            return Ok(Some(format!("someone attached the policy {policy}")));
        }
    }
    // An interrupted update of ours may have detached it.
    let was_to_be_detached = |policy: &String| {
        context.progress.read(|record| {
            let name = attachment(resource, policy);
            record
                .intents(Verb::Delete, ResourceKind::PolicyAttachment, &name)
                .next()
                .is_some()
        })
    };
    let gone = missing.into_iter().find(|policy| !was_to_be_detached(policy));
    Ok(gone.map(|policy| format!("someone detached the policy {policy}")))
}
