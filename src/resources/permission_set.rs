//! A permission set, with the AWS managed policies that are attached to it.
//!
//! AWS has no lookup by name, so each permission set is described until the name matches. A change to a permission set
//! that is already provisioned needs `ProvisionPermissionSet`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::PolicyScopeType;
use aws_sdk_ssoadmin::types::{ProvisionTargetType, StatusValues, Tag};
use futures_util::stream::{self, StreamExt};

use super::assignment;
use crate::answers::values::SessionDuration;
use crate::aws::{AwsError, AwsErrorKind, Permission, unless_gone, waiting};
use crate::ids::{AccountId, AssignmentKey, AttachmentKey, PermissionSetArn};
use crate::limits::{OPERATION_LIMIT, SETS_AT_ONCE};
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{
    Entry, Intent, Origin, Record, Replaced, ResourceId, ResourceKind, ResourceName, Setting, Settings, Verb,
};
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, CreateResult, Deletion, Error, Instance, Resource, StepInfo,
    create as create_with_retries, repeat, rerun, step_error,
};
use crate::text::duration_text;
use crate::user_error::UserError;

/// What creating and updating a permission set needs.
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("iam:ListPolicies"),
    Permission::look("sso:ListPermissionSets"),
    Permission::look("sso:DescribePermissionSet"),
    Permission::look("sso:ListManagedPoliciesInPermissionSet"),
    Permission::look("sso:ListTagsForResource"),
    Permission::look("sso:ListAccountsForProvisionedPermissionSet"),
    Permission::change("sso:CreatePermissionSet"),
    Permission::change("sso:TagResource"),
    Permission::change("sso:AttachManagedPolicyToPermissionSet"),
    Permission::change("sso:DetachManagedPolicyFromPermissionSet"),
    Permission::change("sso:UpdatePermissionSet"),
    Permission::change("sso:ProvisionPermissionSet"),
    Permission::change("sso:DescribePermissionSetProvisioningStatus"),
];

/// What undo needs, also to find what someone else added to a permission set.
pub const UNDO_PERMISSIONS: &[Permission] = &[
    Permission::look("sso:ListManagedPoliciesInPermissionSet"),
    Permission::look("sso:GetInlinePolicyForPermissionSet"),
    Permission::look("sso:ListCustomerManagedPolicyReferencesInPermissionSet"),
    Permission::look("sso:GetPermissionsBoundaryForPermissionSet"),
    Permission::change("sso:DeletePermissionSet"),
];

/// The tag that identifies a permission set as created by this program until its creation is recorded.
const INTENT_TAG: &str = "idc-setup:intent";

/// The description of the permission sets that this program creates. Undo compares it, so it must not change.
const DESCRIPTION: &str = "Made by idc-setup";

/// The value of a policy that is attached, in a record of earlier settings.
const ATTACHED: &str = "attached";

/// What a permission set should look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSetSpec {
    /// The name.
    pub name: String,
    /// The ARN of the AWS managed policy.
    pub policy: String,
    /// The session duration.
    pub duration: Option<SessionDuration>,
}

/// A change to a permission set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// Set the session duration.
    Duration(SessionDuration),
    /// Attach this policy.
    Attach(String),
    /// Detach this policy.
    Detach(String),
    /// Provision it in all accounts that have it.
    Provision,
}

impl PermissionSetSpec {
    /// What a policy on this permission set is called in progress.
    fn attachment_name(&self, policy: &str) -> ResourceName {
        ResourceName::Attachment {
            permission_set: self.name.clone(),
            policy: policy.to_owned(),
        }
    }

    /// Recognizes this permission set's attachments, of any policy: the next run can replace a policy that turned out not
    /// to exist.
    fn is_own_attachment(&self) -> impl Fn(&ResourceName) -> bool + use<> {
        let own = self.name.clone();
        move |name| matches!(name, ResourceName::Attachment { permission_set, .. } if *permission_set == own)
    }

    /// Whether this program created the permission set and has not attached its policy yet.
    pub fn is_attachment_pending(&self, context: &Context) -> bool {
        context.progress.read(|record| self.has_pending_attachment(record))
    }

    /// Whether an intent to attach a policy is open.
    pub fn has_pending_attachment(&self, record: &Record) -> bool {
        record.is_any_open(ResourceKind::PolicyAttachment, self.is_own_attachment())
    }

    /// The intent that stays open from the creation of a permission set until its policy is attached.
    fn attachment_intent(&self, creation: &Intent) -> Intent {
        Intent {
            kind: ResourceKind::PolicyAttachment,
            name: self.attachment_name(&self.policy),
            ..creation.clone()
        }
    }

    fn iso_duration(&self) -> Option<String> {
        self.duration.map(SessionDuration::iso)
    }
}

/// A permission set as `DescribePermissionSet` returns it.
#[derive(Debug, Clone)]
pub struct Described {
    /// The ARN.
    pub arn: PermissionSetArn,
    /// The name.
    pub name: String,
    /// `None` if AWS returns no duration, or one outside 1 to 12 hours.
    pub duration: Option<SessionDuration>,
    /// ARNs; filled in by [`policies`].
    pub policies: Vec<String>,
    description: Option<String>,
    relay_state: Option<String>,
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
        let has_this_name =
            |resource: &&Entry| resource.kind == ResourceKind::PermissionSet && resource.name.single() == name;
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

/// Describes one permission set; `None` if it does not exist, is not visible yet, or is of another instance: for a
/// recorded ARN of another instance, AWS reports an invalid request instead of "not found".
///
/// # Errors
/// If the call to AWS fails.
pub async fn describe(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<Described>, AwsError> {
    match describe_existing(context, instance, arn).await {
        Err(aws_error) if aws_error.kind == AwsErrorKind::Invalid => Ok(None),
        other => other,
    }
}

/// Describes one permission set; `None` only if AWS answers that it was not found.
async fn describe_existing(
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
    let Some(answer) = unless_gone(answer)? else {
        return Ok(None);
    };
    let set = answer
        .permission_set
        .ok_or_else(|| AwsError::unreadable("sso:DescribePermissionSet"))?;
    Ok(Some(Described {
        arn: arn.clone(),
        name: set.name.unwrap_or_default(),
        duration: set.session_duration.and_then(|duration| duration.parse().ok()),
        policies: Vec::new(),
        description: set.description,
        relay_state: set.relay_state,
    }))
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
async fn intent_tag(
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
async fn has_other_tags(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<bool, AwsError> {
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

/// The accounts that have the permission set, page by page.
fn provisioned_accounts(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> impl AsyncFnMut() -> Result<Option<AccountId>, AwsError> + use<> {
    const OPERATION: &str = "sso:ListAccountsForProvisionedPermissionSet";
    let mut accounts = context
        .clients
        .ssoadmin(&instance.region)
        .list_accounts_for_provisioned_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .into_paginator()
        .items()
        .send();
    async move || match accounts.next().await {
        None => Ok(None),
        Some(account) => {
            let account = account.map_err(|error| AwsError::of(OPERATION, error))?;
            AwsError::require_id(OPERATION, &account).map(Some)
        }
    }
}

/// Whether the permission set is provisioned in any account.
///
/// # Errors
/// If the call to AWS fails.
pub async fn is_provisioned(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<bool, AwsError> {
    let mut next = provisioned_accounts(context, instance, arn);
    Ok(next().await?.is_some())
}

/// The result of a provisioning request; `None` while it is in progress.
async fn provisioning(
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
pub async fn aws_policies(context: &Context) -> Result<Vec<String>, AwsError> {
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
        policies.extend(path.map(|(_, path)| path.to_owned()));
    }
    policies.sort_by_key(|policy: &String| policy.to_lowercase());
    Ok(policies)
}

/// Creates a permission set with the intent's nonce in a tag, and returns its ARN.
async fn create_once(
    context: &Context,
    instance: &Instance,
    spec: &PermissionSetSpec,
    nonce: &str,
) -> Result<PermissionSetArn, AwsError> {
    let operation = "sso:CreatePermissionSet";
    let tag = Tag::builder()
        .key(INTENT_TAG)
        .value(nonce)
        .build()
        .map_err(|error| AwsError::unbuilt(operation, &error))?;
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .create_permission_set()
        .instance_arn(&instance.arn)
        .name(&spec.name)
        .description(DESCRIPTION)
        .set_session_duration(spec.iso_duration())
        .tags(tag)
        .send()
        .await
        .map_err(|error| AwsError::of(operation, error))?;
    let arn = answer.permission_set.and_then(|set| set.permission_set_arn);
    AwsError::require_id(operation, &arn.unwrap_or_default())
}

/// Attaches an AWS managed policy.
async fn attach_once(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    policy: &str,
) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .attach_managed_policy_to_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .managed_policy_arn(policy)
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("sso:AttachManagedPolicyToPermissionSet", error))
}

/// Detaches an AWS managed policy. A policy that is not attached counts as detached: an earlier attempt whose response was
/// lost, or someone else, detached it.
async fn detach_once(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    policy: &str,
) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .detach_managed_policy_from_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .managed_policy_arn(policy)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DetachManagedPolicyFromPermissionSet", error));
    match answer {
        Err(aws_error) if aws_error.kind != AwsErrorKind::NotFound => Err(aws_error),
        _ => Ok(()),
    }
}

/// Sets the session duration, in ISO 8601 format.
async fn set_duration_once(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    duration: Option<String>,
) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .update_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .set_session_duration(duration)
        .send()
        .await;
    answer
        .map(|_| ())
        .map_err(|error| AwsError::of("sso:UpdatePermissionSet", error))
}

/// Provisions the permission set in all accounts that have it, and waits for the result.
async fn provision(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<(), UserError> {
    let client = context.clients.ssoadmin_once(&instance.region);
    let request = || async {
        let call = client
            .provision_permission_set()
            .instance_arn(&instance.arn)
            .permission_set_arn(arn)
            .target_type(ProvisionTargetType::AllProvisionedAccounts);
        call.send()
            .await
            .map_err(|error| AwsError::of("sso:ProvisionPermissionSet", error))
    };
    let answer = repeat(context.timing, request).await.map_err(rerun(info))?;
    let status = answer.permission_set_provisioning_status;
    let id = status.and_then(|status| status.request_id).unwrap_or_default();
    let read = || provisioning(context, instance, &id);
    let finished = waiting::until(context.timing, OPERATION_LIMIT, read)
        .await
        .map_err(rerun(info))?;
    match finished {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(UserError::failed(
            format!("{}: provisioning failed: {reason}.", info.name()),
            SetupCommand::again().after("fix the problem that AWS reports"),
        )),
        None => Err(UserError::failed(
            format!(
                "{}: provisioning did not finish within {}.",
                info.name(),
                duration_text(OPERATION_LIMIT)
            ),
            SetupCommand::again().to("provision it again"),
        )),
    }
}

/// The change that creates a permission set, without its policy.
pub fn creation(context: &Context, spec: &PermissionSetSpec) -> Change {
    let (name, duration) = (&spec.name, spec.duration);
    let (text, iso) = duration.map_or_else(Default::default, |duration| (duration.to_string(), duration.iso()));
    Change {
        verb: Verb::Create,
        kind: ResourceKind::PermissionSet,
        sentence: format!("Create the permission set {name} with a session duration of {text}."),
        command: format!(
            "aws sso-admin create-permission-set {} --name {name} --session-duration {iso}",
            context.cli_options().instance
        ),
        name: name.as_str().into(),
        consent: Consent::Reversible,
    }
}

/// The change that attaches or detaches a policy. The ARN is known if the permission set exists.
pub fn policy_change(
    context: &Context,
    spec: &PermissionSetSpec,
    verb: Verb,
    policy: &str,
    arn: Option<&PermissionSetArn>,
) -> Change {
    let name = &spec.name;
    let (verb_text, operation, preposition) = match verb {
        Verb::Delete => ("Detach", "detach-managed-policy-from-permission-set", "from"),
        _ => ("Attach", "attach-managed-policy-to-permission-set", "to"),
    };
    Change {
        verb,
        kind: ResourceKind::PolicyAttachment,
        name: spec.attachment_name(policy),
        sentence: format!("{verb_text} the policy {policy} {preposition} the permission set {name}."),
        command: format!(
            "aws sso-admin {operation} {} --permission-set-arn {} --managed-policy-arn {policy}",
            context.cli_options().instance,
            arn.map_or("PERMISSION_SET_ARN", |arn| arn)
        ),
        consent: Consent::Reversible,
    }
}

fn provision_change(context: &Context, spec: &PermissionSetSpec, arn: &PermissionSetArn) -> Change {
    let name = &spec.name;
    Change {
        verb: Verb::Update,
        kind: ResourceKind::Provisioning,
        sentence: format!("Reprovision the permission set {name} in all accounts that have it."),
        command: format!(
            "aws sso-admin provision-permission-set {} --permission-set-arn {arn} --target-type ALL_PROVISIONED_ACCOUNTS",
            context.cli_options().instance
        ),
        name: name.as_str().into(),
        consent: Consent::Reversible,
    }
}

fn duration_change(
    context: &Context,
    spec: &PermissionSetSpec,
    duration: SessionDuration,
    arn: &PermissionSetArn,
) -> Change {
    let name = &spec.name;
    Change {
        verb: Verb::Update,
        kind: ResourceKind::PermissionSet,
        sentence: format!("Set the session duration of the permission set {name} to {duration}."),
        command: format!(
            "aws sso-admin update-permission-set {} --permission-set-arn {arn} --session-duration {}",
            context.cli_options().instance,
            duration.iso()
        ),
        name: name.as_str().into(),
        consent: Consent::Reversible,
    }
}

/// The change of one field of an existing permission set.
pub fn field_change(context: &Context, spec: &PermissionSetSpec, arn: &PermissionSetArn, field: &Field) -> Change {
    match field {
        Field::Duration(duration) => duration_change(context, spec, *duration, arn),
        Field::Attach(policy) => policy_change(context, spec, Verb::Create, policy, Some(arn)),
        Field::Detach(policy) => policy_change(context, spec, Verb::Delete, policy, Some(arn)),
        Field::Provision => provision_change(context, spec, arn),
    }
}

/// Creates a permission set, without its policy. Returns `None` if it exists for another reason; the next check then
/// determines its origin.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn create(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    spec: &PermissionSetSpec,
    change: &Change,
) -> Result<Option<PermissionSetArn>, UserError> {
    let attempt = |nonce: String| async move { create_once(context, instance, spec, &nonce).await };
    let read = || async { Ok(find(context, instance, &spec.name).await?.map(|set| set.arn)) };
    let Some((arn, intent)) = context.make(info, change, attempt, read).await? else {
        return Ok(None);
    };
    // One write, so that a permission set without its policy is always recorded as incomplete.
    context.progress.change(|record| {
        record.open(spec.attachment_intent(&intent));
        record.close(change.verb, change.kind, &change.name);
        let created = Entry::new(Origin::Created, change.kind, &change.name, &arn);
        record.keep(created.with_text(spec.iso_duration()));
    })?;
    Ok(Some(arn))
}

/// Attaches the policy. `is_new` is set if this run created the permission set, so that no account can have it yet.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn attach(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    spec: &PermissionSetSpec,
    arn: &PermissionSetArn,
    change: &Change,
    is_new: bool,
) -> Result<(), UserError> {
    let policy = &spec.policy;
    remember(context, info, instance, spec, arn, change).await?;
    let provisioning = intend_provisioning(context, info, instance, spec, arn, is_new).await?;
    // An interrupted run may have attached the policy, so a conflict does not show that someone else did.
    let is_pending = spec.is_attachment_pending(context);
    if !is_pending {
        let attachment = (Verb::Create, ResourceKind::PolicyAttachment, &change.name);
        context.intend(info, attachment, None)?;
    }
    let end = create_with_retries(
        context.timing,
        || attach_once(context, instance, arn, policy),
        || async {
            let policies = policies(context, instance, arn).await?;
            Ok(policies.contains(policy).then_some(()))
        },
    )
    .await;
    match end.result {
        // On a permission set that this program created, the intent stays open until the step has observed the policy.
        // If AWS accepted it but does not show it yet, the next run completes it instead of reporting a difference.
        Ok(created)
            if context.origin(ResourceKind::PermissionSet, arn) == Origin::Created
                && (is_pending || created != CreateResult::Existing(())) =>
        {
            Ok(())
        }
        Ok(created) => {
            let origin = if created == CreateResult::Existing(()) {
                forget_setting(context, arn, policy)?;
                Origin::Existing
            } else {
                Origin::Created
            };
            let entry = Entry::new(origin, change.kind, &change.name, attachment_key(arn, policy));
            context.progress.change(|record| {
                record.close_all(ResourceKind::PolicyAttachment, spec.is_own_attachment());
                record.keep(entry);
            })?;
            Ok(())
        }
        Err(aws_error) => {
            drop_provisioning(context, provisioning, &aws_error)?;
            let next = if aws_error.is_transient() || aws_error.kind == AwsErrorKind::Denied {
                NextStep::from(SetupCommand::again())
            } else {
                SetupCommand::again()
                    .placeholder("--policy", "NAME")
                    .after("check that the policy is an AWS managed policy")
            };
            Err(step_error(info, &aws_error, next))
        }
    }
}

/// Applies a change to an existing permission set: its session duration, a policy to detach, or provisioning. These
/// changes are idempotent, so an interrupted one is repeated.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn update(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    spec: &PermissionSetSpec,
    arn: &PermissionSetArn,
    change: &Change,
) -> Result<(), UserError> {
    if change.kind == ResourceKind::Provisioning {
        provision(context, info, instance, arn).await?;
        return context.settle(change.verb, change.kind, &change.name, None);
    }
    remember(context, info, instance, spec, arn, change).await?;
    let provisioning = intend_provisioning(context, info, instance, spec, arn, false).await?;
    context.intend(info, (change.verb, change.kind, &change.name), None)?;
    let policy = change.name.policy().unwrap_or_default();
    let answer = repeat(context.timing, || async {
        match change.verb {
            Verb::Update => set_duration_once(context, instance, arn, spec.iso_duration()).await,
            _ => detach_once(context, instance, arn, policy).await,
        }
    });
    if let Err(aws_error) = answer.await {
        drop_provisioning(context, provisioning, &aws_error)?;
        if aws_error.outcome_known() {
            context.settle(change.verb, change.kind, &change.name, None)?;
        }
        return Err(rerun(info)(aws_error));
    }
    if change.verb == Verb::Delete {
        // Undo must not report a policy that this program detached as missing.
        return forget_attachment(context, spec, arn, policy);
    }
    let is_ours = context.origin(ResourceKind::PermissionSet, arn) == Origin::Created;
    let updated = (change.kind == ResourceKind::PermissionSet && is_ours).then(|| {
        let created = Entry::new(Origin::Created, change.kind, &change.name, arn);
        created.with_text(spec.iso_duration())
    });
    context.settle(change.verb, change.kind, &change.name, updated)
}

/// Determines and records the origin of an existing permission set: the recorded one, or the one that its tag shows.
///
/// # Errors
/// When the tags cannot be read, or the origin cannot be saved.
pub async fn settle(
    context: &Context,
    instance: &Instance,
    spec: &PermissionSetSpec,
    set: &Described,
) -> Result<Entry, Error> {
    let kind = ResourceKind::PermissionSet;
    let mut entry = context.entry(kind, &set.name, &set.arn);
    let intents = context.open_intents(kind, &set.name);
    if !intents.is_empty() && entry.origin != Origin::Created {
        let nonce = intent_tag(context, instance, &set.arn).await?;
        let matching = intents.iter().find(|intent| Some(&intent.nonce) == nonce.as_ref());
        if let Some(intent) = matching {
            entry.origin = Origin::Created;
            entry.text = set.duration.map(SessionDuration::iso);
            if set.policies.is_empty() && !spec.is_attachment_pending(context) {
                context
                    .progress
                    .change(|record| record.open(spec.attachment_intent(intent)))?;
            }
        }
    }
    context.settle(Verb::Create, kind, &set.name, Some(entry.clone()))?;
    Ok(entry)
}

/// Settles what interrupted runs left pending, once the permission set is as specified. On a permission set that this
/// program created, the policy counts as created too. On any other permission set its origin is unknown.
///
/// # Errors
/// When the result cannot be saved.
pub fn settle_attachments(context: &Context, spec: &PermissionSetSpec, set: &Described) -> Result<(), UserError> {
    let policy = &spec.policy;
    let is_ours = context.origin(ResourceKind::PermissionSet, &set.arn) == Origin::Created;
    context.progress.change(|record| {
        if is_ours && record.is_any_open(ResourceKind::PolicyAttachment, spec.is_own_attachment()) {
            record.keep(Entry::new(
                Origin::Created,
                ResourceKind::PolicyAttachment,
                spec.attachment_name(policy),
                attachment_key(&set.arn, policy),
            ));
        }
        record.close_all(ResourceKind::PolicyAttachment, spec.is_own_attachment());
    })?;
    // The policies that an interrupted update detached.
    let is_own = spec.is_own_attachment();
    let open = context.progress.read(|record| record.intents.clone());
    let detached = open
        .iter()
        .filter(|intent| intent.verb == Verb::Delete && intent.kind == ResourceKind::PolicyAttachment)
        .filter(|intent| is_own(&intent.name))
        .filter_map(|intent| intent.name.policy())
        .filter(|policy| !set.policies.iter().any(|attached| attached == policy));
    for policy in detached {
        forget_attachment(context, spec, &set.arn, policy)?;
    }
    Ok(())
}

/// Forgets a policy that this program attached and then detached.
fn forget_attachment(
    context: &Context,
    spec: &PermissionSetSpec,
    arn: &PermissionSetArn,
    policy: &str,
) -> Result<(), UserError> {
    let kind = ResourceKind::PolicyAttachment;
    let name = spec.attachment_name(policy);
    let id = ResourceId::from(attachment_key(arn, policy));
    context.progress.change(|record| {
        record.close(Verb::Delete, kind, &name);
        record.resources.retain(|other| other.kind != kind || other.id != id);
    })?;
    Ok(())
}

/// What identifies a policy on a permission set.
fn attachment_key(arn: &PermissionSetArn, policy: &str) -> AttachmentKey {
    AttachmentKey {
        permission_set: arn.clone(),
        policy: policy.to_owned(),
    }
}

/// Records, before an existing permission set changes, that it must be provisioned afterwards if any account has it.
/// Returns the intent if it is new.
async fn intend_provisioning(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    spec: &PermissionSetSpec,
    arn: &PermissionSetArn,
    is_new: bool,
) -> Result<Option<Intent>, UserError> {
    let name = spec.name.as_str();
    if is_new || is_provisioning_pending(context, name) {
        return Ok(None);
    }
    let provisioned = is_provisioned(context, instance, arn).await.map_err(rerun(info))?;
    if !provisioned {
        return Ok(None);
    }
    let provisioning = (Verb::Update, ResourceKind::Provisioning, name);
    context.intend(info, provisioning, None).map(Some)
}

/// Drops the intent to provision after AWS rejected the first change.
fn drop_provisioning(context: &Context, intent: Option<Intent>, aws_error: &AwsError) -> Result<(), UserError> {
    if let Some(intent) = intent.filter(|_| aws_error.outcome_known()) {
        context.progress.change(|record| record.drop_intent(&intent.nonce))?;
    }
    Ok(())
}

/// Records the current settings of a permission set that this program did not create, before it changes them.
async fn remember(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    spec: &PermissionSetSpec,
    arn: &PermissionSetArn,
    change: &Change,
) -> Result<(), UserError> {
    if context.origin(ResourceKind::PermissionSet, arn) == Origin::Created {
        return Ok(());
    }
    let (name, before, after) = match (change.verb, change.kind) {
        (Verb::Update, ResourceKind::PermissionSet) => {
            let set = describe(context, instance, arn).await.map_err(rerun(info))?;
            let current = set.and_then(|set| set.duration).map(SessionDuration::iso);
            // A duration that AWS does not return can't be restored.
            if current.is_none() {
                return Ok(());
            }
            (Setting::SessionDuration, current, spec.iso_duration())
        }
        (verb, ResourceKind::PolicyAttachment) => {
            let policy = change.name.policy().unwrap_or_default();
            let attached = Some(ATTACHED.to_owned());
            let (before, after) = match verb {
                Verb::Delete => (attached, None),
                _ => (None, attached),
            };
            (Setting::Policy(policy.to_owned()), before, after)
        }
        _ => return Ok(()),
    };
    let replaced = Replaced {
        kind: ResourceKind::PermissionSet,
        name: spec.name.as_str().into(),
        id: arn.into(),
        before: BTreeMap::from([(name.clone(), before)]),
        after: BTreeMap::from([(name, after)]),
        rewrites: Vec::new(),
    };
    context.progress.change(|record| record.replace(replaced))?;
    Ok(())
}

/// Drops the record of a policy that someone else attached just before this run did: undo leaves it attached.
fn forget_setting(context: &Context, arn: &PermissionSetArn, policy: &str) -> Result<(), UserError> {
    let setting = Setting::Policy(policy.to_owned());
    context.progress.change(|record| {
        let all = record.replaced.iter_mut();
        for known in all.filter(|known| known.kind == ResourceKind::PermissionSet && known.id.single() == arn.as_ref())
        {
            known.before.remove(&setting);
            known.after.remove(&setting);
        }
        record.replaced.retain(|known| !known.before.is_empty());
    })?;
    Ok(())
}

/// The current settings of a permission set; `None` if it does not exist.
///
/// # Errors
/// If the call to AWS fails.
async fn current_settings(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<Settings>, AwsError> {
    let Some(set) = describe(context, instance, arn).await? else {
        return Ok(None);
    };
    let policies = policies(context, instance, arn).await?;
    let mut current_settings: Settings = policies
        .into_iter()
        .map(|policy| (Setting::Policy(policy), Some(ATTACHED.to_owned())))
        .collect();
    current_settings.insert(Setting::SessionDuration, set.duration.map(SessionDuration::iso));
    Ok(Some(current_settings))
}

/// Whether the permission set has changed since it was last provisioned.
pub fn is_provisioning_pending(context: &Context, permission_set: impl Into<ResourceName>) -> bool {
    context
        .progress
        .read(|record| has_pending_provisioning(record, permission_set))
}

/// Whether an intent to provision the permission set is open.
pub fn has_pending_provisioning(record: &Record, permission_set: impl Into<ResourceName>) -> bool {
    let name = permission_set.into();
    let mut pending = record.intents(Verb::Update, ResourceKind::Provisioning, &name);
    pending.next().is_some()
}

/// The AWS CLI commands that restore the settings. `set` holds the options that name the instance and the permission set.
fn restore_commands(replaced: &Replaced, set: &str) -> Vec<String> {
    let command = |(setting, before): (&Setting, &Option<String>)| match (setting, before) {
        (Setting::Policy(policy), Some(_)) => {
            format!("aws sso-admin attach-managed-policy-to-permission-set {set} --managed-policy-arn {policy}")
        }
        (Setting::Policy(policy), None) => {
            format!("aws sso-admin detach-managed-policy-from-permission-set {set} --managed-policy-arn {policy}")
        }
        (_, duration) => {
            let duration = duration.as_deref().unwrap_or_default();
            format!("aws sso-admin update-permission-set {set} --session-duration {duration}")
        }
    };
    let mut commands: Vec<String> = in_order(replaced).into_iter().map(command).collect();
    commands.push(format!(
        "aws sso-admin provision-permission-set {set} --target-type ALL_PROVISIONED_ACCOUNTS"
    ));
    commands
}

/// The settings in the order in which they are restored. Detaching comes last, so that the permission set is never without
/// a policy in between.
fn in_order(replaced: &Replaced) -> Vec<(&Setting, &Option<String>)> {
    let mut changes: Vec<_> = replaced.before.iter().collect();
    changes.sort_by_key(|(_, before)| before.is_none());
    changes
}

/// Restores the earlier settings of a permission set, and provisions it.
///
/// # Errors
/// If a call to AWS fails. The restore can be repeated.
async fn restore(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    replaced: &Replaced,
) -> Result<(), UserError> {
    let Ok(arn) = &replaced.id.single().parse() else {
        return Ok(());
    };
    let current = current_settings(context, instance, arn).await.map_err(rerun(info))?;
    let Some(current) = current else {
        return Ok(());
    };
    let provisioned = is_provisioned(context, instance, arn).await;
    if provisioned.map_err(rerun(info))? && !is_provisioning_pending(context, &replaced.name) {
        let provisioning = (Verb::Update, ResourceKind::Provisioning, &replaced.name);
        context.intend(info, provisioning, None)?;
    }
    for (name, before) in in_order(replaced) {
        if current.get(name).cloned().flatten() == *before {
            continue;
        }
        let answer = match (name, before) {
            (Setting::SessionDuration, Some(_)) => {
                let set = || set_duration_once(context, instance, arn, before.clone());
                repeat(context.timing, set).await
            }
            (Setting::Policy(policy), Some(_)) => {
                repeat(context.timing, || attach_once(context, instance, arn, policy)).await
            }
            (Setting::Policy(policy), None) => {
                repeat(context.timing, || detach_once(context, instance, arn, policy)).await
            }
            _ => Ok(()),
        };
        answer.map_err(rerun(info))?;
    }
    if is_provisioning_pending(context, &replaced.name) {
        provision(context, info, instance, arn).await?;
        context.settle(Verb::Update, ResourceKind::Provisioning, &replaced.name, None)?;
    }
    Ok(())
}

/// How a permission set differs from what it was created with.
async fn change_since_creation(
    context: &Context,
    instance: &Instance,
    entry: &Entry,
    set: &Described,
) -> Result<Option<String>, AwsError> {
    if let Some(change) = property_change(context, entry, set) {
        return Ok(Some(change));
    }
    if has_other_tags(context, instance, &set.arn).await? {
        return Ok(Some("someone tagged it".to_owned()));
    }
    if let Some(document) = added_document(context, instance, &set.arn).await? {
        return Ok(Some(format!("it now has {document}")));
    }
    attachment_change(context, instance, entry, &set.arn).await
}

/// How its own properties differ from those that it was created with.
fn property_change(context: &Context, entry: &Entry, set: &Described) -> Option<String> {
    let parsed = |text: &str| text.parse::<SessionDuration>().ok();
    let original = entry
        .text
        .as_deref()
        .filter(|original| parsed(original) != set.duration);
    if let Some(original) = original
        && !is_update_pending(context, entry)
    {
        let original = parsed(original).map_or_else(|| original.to_owned(), |duration| duration.to_string());
        return Some(format!(
            "its session duration changed from {original} to {}",
            set.duration_text()
        ));
    }
    if set.description.as_deref().is_some_and(|text| text != DESCRIPTION) {
        return Some("someone changed its description".to_owned());
    }
    let has_relay_state = set.relay_state.as_deref().is_some_and(|state| !state.is_empty());
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
fn is_update_pending(context: &Context, entry: &Entry) -> bool {
    context.progress.read(|record| {
        let mut pending = record.intents(Verb::Update, entry.kind, &entry.name);
        pending.next().is_some()
    })
}

/// The name in progress of a policy that is attached to this permission set.
fn attachment(permission_set: &Entry, policy: &str) -> ResourceName {
    ResourceName::Attachment {
        permission_set: permission_set.name.single().to_owned(),
        policy: policy.to_owned(),
    }
}

/// An AWS managed policy that someone else attached, or one of this program that someone detached.
async fn attachment_change(
    context: &Context,
    instance: &Instance,
    entry: &Entry,
    arn: &PermissionSetArn,
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
    for policy in policies(context, instance, arn).await? {
        missing.retain(|created| *created != policy);
        let is_ours = context.progress.read(|record| {
            let id = ResourceId::from(AttachmentKey {
                permission_set: arn.clone(),
                policy: policy.clone(),
            });
            record.origin(ResourceKind::PolicyAttachment, &id) == Some(Origin::Created)
                || record.is_any_open(ResourceKind::PolicyAttachment, |name| {
                    *name == attachment(entry, &policy)
                })
        });
        if !is_ours {
            return Ok(Some(format!("someone attached the policy {policy}")));
        }
    }
    // An interrupted update may have detached it.
    let was_to_be_detached = |policy: &String| {
        context.progress.read(|record| {
            let name = attachment(entry, policy);
            record
                .intents(Verb::Delete, ResourceKind::PolicyAttachment, &name)
                .next()
                .is_some()
        })
    };
    let gone = missing.into_iter().find(|policy| !was_to_be_detached(policy));
    Ok(gone.map(|policy| format!("someone detached the policy {policy}")))
}

/// A principal in an account that this program did not assign the permission set to.
async fn other_assignment(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<AssignmentKey>, AwsError> {
    let mut next = provisioned_accounts(context, instance, arn);
    let created = context.created_ids(ResourceKind::AccountAssignment);
    while let Some(account) = next().await? {
        for principal in assignment::principals(context, instance, &account, arn).await? {
            let key = AssignmentKey {
                account: account.clone(),
                permission_set: arn.clone(),
                principal,
            };
            if !created.contains(&ResourceId::from(key.clone())) {
                return Ok(Some(key));
            }
        }
    }
    Ok(None)
}

/// The kind.
pub struct PermissionSet;

#[async_trait(?Send)]
impl Resource for PermissionSet {
    fn kind(&self) -> ResourceKind {
        ResourceKind::PermissionSet
    }

    fn step(&self) -> &'static str {
        "permission-set"
    }

    fn branch(&self) -> Branch {
        Branch::IdentityCenter
    }

    /// A permission set that is assigned to someone else, or that someone changed, is left.
    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let instance = context.known_instance().await?;
        let Ok(arn) = entry.id.single().parse::<PermissionSetArn>() else {
            return Ok(Condition::Gone);
        };
        let Some(set) = describe_existing(context, &instance, &arn).await? else {
            return Ok(Condition::Gone);
        };
        if let Some(other) = other_assignment(context, &instance, &arn).await? {
            return Ok(Condition::InUse(format!(
                "it is also assigned to {} in account {}",
                other.principal, other.account
            )));
        }
        let change = change_since_creation(context, &instance, entry, &set).await?;
        Ok(Condition::of_change(change))
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        let instance = context.known_instance().await?;
        let answer = context
            .clients
            .ssoadmin_once(&instance.region)
            .delete_permission_set()
            .instance_arn(&instance.arn)
            .permission_set_arn(entry.id.single())
            .send()
            .await;
        unless_gone(answer.map_err(|error| AwsError::of("sso:DeletePermissionSet", error)))?;
        Ok(Deletion::Deleted)
    }

    fn delete_command(&self, context: &Context, entry: &Entry) -> String {
        let instance = context.cli_options().instance;
        format!(
            "aws sso-admin delete-permission-set {instance} --permission-set-arn {}",
            entry.id
        )
    }

    async fn settings(&self, context: &Context, replaced: &Replaced) -> Result<Option<Settings>, Error> {
        let instance = context.known_instance().await?;
        let Ok(arn) = replaced.id.single().parse() else {
            return Ok(None);
        };
        Ok(current_settings(context, &instance, &arn).await?)
    }

    /// The roles in the accounts are not updated yet.
    fn is_restore_pending(&self, context: &Context, replaced: &Replaced) -> bool {
        is_provisioning_pending(context, &replaced.name)
    }

    async fn restore(&self, context: &Context, info: &'static StepInfo, replaced: &Replaced) -> Result<(), Error> {
        let instance = context.known_instance().await?;
        Ok(restore(context, info, &instance, replaced).await?)
    }

    fn restore_command(&self, context: &Context, replaced: &Replaced) -> String {
        let instance = context.cli_options().instance;
        let set = format!("{instance} --permission-set-arn {}", replaced.id);
        restore_commands(replaced, &set).join(" && ")
    }
}
