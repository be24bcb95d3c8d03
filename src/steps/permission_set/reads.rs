//! Reads the permission sets of the instance. AWS has no lookup by name, so each one is described until the name matches.

use aws_sdk_iam::types::PolicyScopeType;
use aws_sdk_ssoadmin::types::{StatusValues, Tag};
use futures_util::stream::{self, StreamExt};

use super::super::context::Context;
use super::super::facts::Instance;
use super::INTENT_TAG;
use crate::answers::values::SessionDuration;
use crate::aws::{AwsError, AwsErrorKind};
use crate::checklist::Choice;
use crate::ids::PermissionSetArn;
use crate::limits::SETS_AT_ONCE;
use crate::progress::ResourceKind;

/// A permission set.
#[derive(Debug, Clone)]
pub struct Described {
    pub arn: PermissionSetArn,
    pub name: String,
    /// `None` if AWS returns no duration, or one outside 1 to 12 hours.
    pub duration: Option<SessionDuration>,
    /// ARNs; filled in by [`policies`].
    pub policies: Vec<String>,
}

impl Described {
    /// The session duration as text; `unknown` without one.
    pub fn duration_text(&self) -> String {
        self.duration
            .map_or_else(|| "unknown".to_owned(), |duration| duration.to_string())
    }
}

/// Finds the permission set with this name. The one that an earlier run recorded is checked first.
pub async fn find(context: &Context, instance: &Instance, name: &str) -> Result<Option<Described>, AwsError> {
    let recorded = context.progress.read(|record| {
        let has_this_name = |resource: &&crate::progress::Resource| {
            resource.kind == ResourceKind::PermissionSet && resource.name.single() == name
        };
        let recorded = record.resources.iter().rev().find(has_this_name)?;
        recorded.id.single().parse::<PermissionSetArn>().ok()
    });
    if let Some(arn) = recorded
        && let Some(set) = describe(context, instance, &arn).await?
        && set.name == name
    {
        return Ok(Some(set));
    }
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_permission_sets()
        .instance_arn(&instance.arn)
        .max_results(100)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of("sso:ListPermissionSets", error))?;
        let arns = page.permission_sets.unwrap_or_default();
        let arns = arns
            .iter()
            .map(|arn| AwsError::require_id("sso:ListPermissionSets", arn));
        let arns = arns.collect::<Result<Vec<PermissionSetArn>, _>>()?;
        let mut sets = stream::iter(&arns)
            .map(|arn| describe(context, instance, arn))
            .buffer_unordered(SETS_AT_ONCE);
        while let Some(set) = sets.next().await {
            if let Some(set) = set?
                && set.name == name
            {
                return Ok(Some(set));
            }
        }
    }
    Ok(None)
}

/// Describes one permission set; `None` if it does not exist, or is not visible yet.
pub async fn describe(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<Described>, AwsError> {
    let answer = context
        .clients
        .ssoadmin(&instance.region)
        .describe_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DescribePermissionSet", error));
    match answer {
        Ok(answer) => Ok(answer.permission_set.map(|set| Described {
            arn: arn.clone(),
            name: set.name.unwrap_or_default(),
            duration: set.session_duration.and_then(|duration| duration.parse().ok()),
            policies: Vec::new(),
        })),
        // For a recorded ARN of another instance, AWS reports an invalid request instead of "not found".
        Err(aws_error) if matches!(aws_error.kind, AwsErrorKind::NotFound | AwsErrorKind::Invalid) => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}

/// The ARNs of the AWS managed policies that are attached to a permission set.
pub async fn policies(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<Vec<String>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_managed_policies_in_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .into_paginator()
        .items()
        .send();
    let mut policies = Vec::new();
    while let Some(policy) = pages.next().await {
        let policy = policy.map_err(|error| AwsError::of("sso:ListManagedPoliciesInPermissionSet", error))?;
        policies.extend(policy.arn);
    }
    Ok(policies)
}

/// The value of the permission set's tag `idc-setup:intent`, if it has one.
pub async fn intent_tag(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<String>, AwsError> {
    let tags = tags(context, instance, arn).await?;
    Ok(tags.into_iter().find(|tag| tag.key == INTENT_TAG).map(|tag| tag.value))
}

/// Whether a permission set has tags other than the one that this program adds.
///
/// # Errors
/// If the call to AWS fails.
pub async fn has_other_tags(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<bool, AwsError> {
    let tags = tags(context, instance, arn).await?;
    Ok(tags.iter().any(|tag| tag.key != INTENT_TAG))
}

/// The tags of a permission set; empty if it does not exist, or if an emulator does not support tags.
async fn tags(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<Vec<Tag>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_tags_for_resource()
        .instance_arn(&instance.arn)
        .resource_arn(arn)
        .into_paginator()
        .items()
        .send();
    let mut tags = Vec::new();
    while let Some(tag) = pages.next().await {
        match tag.map_err(|error| AwsError::of("sso:ListTagsForResource", error)) {
            Ok(tag) => tags.push(tag),
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotImplemented => return Ok(Vec::new()),
            Err(aws_error) => return Err(aws_error),
        }
    }
    Ok(tags)
}

/// Whether the permission set is provisioned in any account.
pub async fn is_provisioned(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<bool, AwsError> {
    let answer = context
        .clients
        .ssoadmin(&instance.region)
        .list_accounts_for_provisioned_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:ListAccountsForProvisionedPermissionSet", error))?;
    Ok(!answer.account_ids().is_empty())
}

/// The result of a provisioning request; `None` while it is in progress.
pub async fn provisioning(
    context: &Context,
    instance: &Instance,
    request_id: &str,
) -> Result<Option<Result<(), String>>, AwsError> {
    let answer = context
        .clients
        .ssoadmin(&instance.region)
        .describe_permission_set_provisioning_status()
        .instance_arn(&instance.arn)
        .provision_permission_set_request_id(request_id)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DescribePermissionSetProvisioningStatus", error))?;
    let Some(status) = answer.permission_set_provisioning_status else {
        return Ok(None);
    };
    Ok(match status.status {
        Some(StatusValues::Succeeded) => Some(Ok(())),
        Some(StatusValues::Failed) => Some(Err(status
            .failure_reason
            .unwrap_or_else(|| "no reason given".to_owned()))),
        _ => None,
    })
}

/// All AWS managed policies.
pub async fn aws_policies(context: &Context) -> Result<Vec<Choice>, AwsError> {
    let mut pages = context
        .clients
        .iam(&context.bootstrap_region)
        .list_policies()
        .scope(PolicyScopeType::Aws)
        .max_items(1000)
        .into_paginator()
        .items()
        .send();
    let mut policies = Vec::new();
    while let Some(policy) = pages.next().await {
        let policy = policy.map_err(|error| AwsError::of("iam:ListPolicies", error))?;
        let path = policy.arn().and_then(|arn| arn.split_once(":policy/"));
        policies.extend(path.map(|(_, path)| Choice::of(path)));
    }
    policies.sort_by_key(|policy: &Choice| policy.value.to_lowercase());
    Ok(policies)
}
