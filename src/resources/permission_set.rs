//! A permission set with its policies, boundary and tags, all of which are compared and changed as settings.
//!
//! AWS has no lookup by name, so each permission set is described until the name matches. A change to a permission set
//! that is already provisioned needs `ProvisionPermissionSet`.
//!
//! An intent to create or update stays open until a read shows every setting, and the accounts have the latest version. So
//! a run that was killed in between is completed by the next one.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_iam::types::PolicyScopeType;
use aws_sdk_ssoadmin::types::{
    CustomerManagedPolicyReference, PermissionsBoundary, ProvisionTargetType, ProvisioningStatus, StatusValues, Tag,
};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::assignment;
use crate::answers::values::SessionDuration;
use crate::aws::{AwsError, AwsErrorKind, Permission, unless_gone, waiting};
use crate::ids::{AccountId, AssignmentKey, PermissionSetArn};
use crate::limits::{
    CALL_LIMIT, CREATE_ATTEMPTS, OPERATION_LIMIT, PATIENT_READS, PROPAGATION_LIMIT, PROVISIONING_OF_ONE, SETS_AT_ONCE,
};
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Entry, Intent, Origin, Record, Replaced, ResourceId, ResourceKind, Setting, Settings, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, CreateResult, Deletion, End, Error, FieldChange, Instance, Resource,
    SettingChange, StepInfo, Target, create as create_with_retries, rerun, step_error,
};
use crate::shell::quoted;
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
pub const INTENT_TAG: &str = "idc-setup:intent";

/// What the keys of tags begin with that are never removed: AWS sets tags of its own, which nobody else can remove, and this
/// program's tags say who owns a permission set.
const RESERVED_TAGS: [&str; 2] = ["aws:", "idc-setup:"];

/// The description of the permission sets that the wizard creates.
const DESCRIPTION: &str = "Made by idc-setup";

/// The value of a policy that is attached.
const ATTACHED: &str = "attached";

/// What a permission set should look like. A field that is `None` is not compared; a new permission set then has AWS's
/// default. An empty text or collection means that the setting must be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionSetSpec {
    /// The name: 1 to 32 characters.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The session duration.
    pub duration: Option<SessionDuration>,
    /// The URL that console sessions begin with.
    pub relay_state: Option<String>,
    /// The ARNs of the AWS managed policies.
    pub managed_policies: Option<BTreeSet<String>>,
    /// The customer managed policies, each as its path and name: `/team/Deploy`.
    pub customer_managed_policies: Option<BTreeSet<String>>,
    /// The inline policy, a JSON document.
    pub inline_policy: Option<String>,
    /// The permissions boundary: the ARN of an AWS managed policy, or the path and name of a customer managed one.
    pub boundary: Option<String>,
    /// The tags.
    pub tags: Option<BTreeMap<String, String>>,
}

impl PermissionSetSpec {
    /// The wanted settings.
    pub fn settings(&self) -> Settings {
        // Every field is named, so that a new one cannot be forgotten.
        let Self {
            name: _,
            description,
            duration,
            relay_state,
            managed_policies,
            customer_managed_policies,
            inline_policy,
            boundary,
            tags,
        } = self;
        let single = [
            (Setting::Description, description.clone()),
            (Setting::SessionDuration, duration.map(SessionDuration::iso)),
            (Setting::RelayState, relay_state.clone()),
            (Setting::InlinePolicy, inline_policy.as_deref().map(compact_json)),
            (Setting::PermissionsBoundary, boundary.clone()),
        ];
        let present = |value: String| Some(value).filter(|value| !value.is_empty());
        let mut settings: Settings = single
            .into_iter()
            .filter_map(|(setting, value)| value.map(|value| (setting, present(value))))
            .collect();
        let attached = || Some(ATTACHED.to_owned());
        let managed = managed_policies.iter().flatten().cloned().map(Setting::Policy);
        let customer = customer_managed_policies.iter().flatten().cloned();
        let customer = customer.map(Setting::CustomerManagedPolicy);
        settings.extend(managed.chain(customer).map(|policy| (policy, attached())));
        let tags = tags.iter().flatten();
        settings.extend(tags.map(|(key, value)| (Setting::Tag(key.clone()), Some(value.clone()))));
        settings
    }

    /// Whether a setting must be absent if the specification does not list it.
    fn is_exhaustive(&self, setting: &Setting) -> bool {
        match setting {
            Setting::Policy(_) => self.managed_policies.is_some(),
            Setting::CustomerManagedPolicy(_) => self.customer_managed_policies.is_some(),
            Setting::Tag(key) => self.tags.is_some() && !RESERVED_TAGS.iter().any(|prefix| key.starts_with(*prefix)),
            _ => false,
        }
    }

    /// The settings that differ from the observed ones.
    pub fn differences(&self, observed: &Settings) -> Vec<SettingChange> {
        let mut wanted = self.settings();
        let others = observed.keys().filter(|setting| self.is_exhaustive(setting));
        for other in others {
            wanted.entry(other.clone()).or_insert(None);
        }
        let change = |(setting, after): (Setting, Option<String>)| SettingChange {
            before: value(observed, &setting),
            setting,
            after,
        };
        wanted
            .into_iter()
            .map(change)
            .filter(|change| change.before != change.after)
            .collect()
    }

    /// The settings that `CreatePermissionSet` sets.
    pub fn at_creation(&self) -> Settings {
        let mut settings = self.settings();
        settings
            .retain(|setting, value| value.is_some() && (is_property(setting) || matches!(setting, Setting::Tag(_))));
        if self.description.is_none() {
            settings.insert(Setting::Description, Some(DESCRIPTION.to_owned()));
        }
        settings
    }

    /// The settings that are applied to a new permission set after its creation.
    pub fn after_creation(&self) -> Vec<FieldChange> {
        let created = self.at_creation();
        grouped(self.differences(&created))
    }

    /// The parts that must be read to compare it.
    pub fn parts(&self) -> Parts {
        Parts {
            managed_policies: self.managed_policies.is_some(),
            customer_managed_policies: self.customer_managed_policies.is_some(),
            inline_policy: self.inline_policy.is_some(),
            boundary: self.boundary.is_some(),
            tags: self.tags.is_some(),
        }
    }
}

/// The parts of a permission set that `DescribePermissionSet` does not return.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// The AWS managed policies.
    pub managed_policies: bool,
    /// The customer managed policies.
    pub customer_managed_policies: bool,
    /// The inline policy.
    pub inline_policy: bool,
    /// The permissions boundary.
    pub boundary: bool,
    /// The tags.
    pub tags: bool,
}

impl Parts {
    /// All of them.
    pub const ALL: Self = Self {
        managed_policies: true,
        customer_managed_policies: true,
        inline_policy: true,
        boundary: true,
        tags: true,
    };

    /// The parts that contain these settings.
    fn of<'a>(settings: impl IntoIterator<Item = &'a Setting>) -> Self {
        let mut parts = Self::default();
        for setting in settings {
            match setting {
                Setting::Policy(_) => parts.managed_policies = true,
                Setting::CustomerManagedPolicy(_) => parts.customer_managed_policies = true,
                Setting::InlinePolicy => parts.inline_policy = true,
                Setting::PermissionsBoundary => parts.boundary = true,
                Setting::Tag(_) => parts.tags = true,
                _ => {}
            }
        }
        parts
    }
}

/// Whether `UpdatePermissionSet` changes the setting.
fn is_property(setting: &Setting) -> bool {
    matches!(
        setting,
        Setting::Description | Setting::SessionDuration | Setting::RelayState
    )
}

/// The value of a setting; `None` if it is absent.
fn value(settings: &Settings, setting: &Setting) -> Option<String> {
    settings.get(setting).cloned().flatten()
}

/// A JSON document without insignificant white space, with sorted keys. Text that is not JSON is returned unchanged.
fn compact_json(document: &str) -> String {
    serde_json::from_str::<serde_json::Value>(document).map_or_else(|_| document.to_owned(), |value| value.to_string())
}

/// The changes in the order in which they are applied: properties in one call, then what is added, then what is removed, so
/// that a permission set is never without its policies in between.
pub fn grouped(changes: Vec<SettingChange>) -> Vec<FieldChange> {
    let (properties, others): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| is_property(&change.setting));
    let (added, removed): (Vec<_>, Vec<_>) = others.into_iter().partition(|change| change.after.is_some());
    let properties = Some(properties).filter(|properties| !properties.is_empty());
    let parts = added.into_iter().chain(removed).map(FieldChange::Part);
    properties
        .map(FieldChange::Properties)
        .into_iter()
        .chain(parts)
        .collect()
}

/// What was observed of an existing permission set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetState {
    /// Its ARN.
    pub arn: PermissionSetArn,
    /// The settings that were read.
    pub settings: Settings,
    /// Whether any account has it.
    pub is_provisioned: bool,
    /// Whether an account has an earlier version of it.
    pub is_outdated: bool,
    /// The recorded origin of this permission set, not of one that had its name before.
    pub origin: Origin,
}

impl SetState {
    /// A permission set that no account has.
    pub fn new(arn: &PermissionSetArn, settings: &Settings, origin: Origin) -> Self {
        Self {
            arn: arn.clone(),
            settings: settings.clone(),
            is_provisioned: false,
            is_outdated: false,
            origin,
        }
    }
}

/// A permission set that exists.
#[derive(Debug, Clone)]
pub struct Described {
    /// The ARN.
    pub arn: PermissionSetArn,
    /// The name.
    pub name: String,
    /// The settings that were read.
    pub settings: Settings,
}

impl Described {
    /// The session duration; `None` if AWS returns none, or one outside 1 to 12 hours.
    pub fn duration(&self) -> Option<SessionDuration> {
        value(&self.settings, &Setting::SessionDuration)?.parse().ok()
    }

    /// The session duration as text; `unknown` without one.
    pub fn duration_text(&self) -> String {
        self.duration()
            .map_or_else(|| "unknown".to_owned(), |duration| duration.to_string())
    }

    /// The ARNs of the attached AWS managed policies.
    pub fn policies(&self) -> Vec<String> {
        let policies = self.settings.keys().filter_map(|setting| match setting {
            Setting::Policy(arn) => Some(arn.clone()),
            _ => None,
        });
        policies.collect()
    }
}

/// Finds the permission set with this name. One that an earlier run recorded is checked first.
///
/// # Errors
/// If a call to AWS fails.
pub async fn find(context: &Context, instance: &Instance, name: &str) -> Result<Option<Described>, AwsError> {
    let recorded: Option<PermissionSetArn> = context.progress.read(|record| {
        let is_named = |entry: &&Entry| entry.kind == ResourceKind::PermissionSet && entry.name.single() == name;
        let latest = record.resources.iter().rfind(is_named);
        latest.and_then(|entry| entry.id.single().parse().ok())
    });
    if let Some(arn) = &recorded
        && let Some(set) = describe(context, instance, arn).await?
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
            if let Some(set) = set?.filter(|set| set.name == name) {
                return Ok(Some(set));
            }
        }
    }
    Ok(None)
}

/// The ARNs of all permission sets of the instance.
///
/// # Errors
/// If a call to AWS fails.
pub async fn list(context: &Context, instance: &Instance) -> Result<Vec<PermissionSetArn>, AwsError> {
    const OPERATION: &str = "sso:ListPermissionSets";
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_permission_sets()
        .instance_arn(&instance.arn)
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut arns = Vec::new();
    while let Some(arn) = pages.next().await {
        let arn = arn.map_err(|error| AwsError::of(OPERATION, error))?;
        arns.push(AwsError::require_id(OPERATION, &arn)?);
    }
    Ok(arns)
}

/// Describes one permission set; `None` if it does not exist, is not visible yet, or is of another instance: for a
/// recorded ARN of another instance, AWS reports an invalid request instead of "not found".
///
/// # Errors
/// If the call to AWS fails.
async fn describe(
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
    let duration = set.session_duration.map(|text| {
        let duration = text.parse::<SessionDuration>();
        duration.map_or(text, SessionDuration::iso)
    });
    let properties = [
        (Setting::Description, set.description),
        (Setting::SessionDuration, duration),
        (Setting::RelayState, set.relay_state),
    ];
    let present = properties.into_iter().filter_map(|(setting, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some((setting, Some(value)))
    });
    Ok(Some(Described {
        arn: arn.clone(),
        name: set.name.unwrap_or_default(),
        settings: present.collect(),
    }))
}

/// The ARNs of the AWS managed policies that are attached to a permission set.
async fn policies(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<Vec<String>, AwsError> {
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

/// Describes a permission set with these parts, with all calls at the same time.
///
/// # Errors
/// If a call to AWS fails.
pub async fn describe_with_parts(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    parts: Parts,
) -> Result<Option<Described>, AwsError> {
    let read = async { unless_gone(part_settings(context, instance, arn, parts).await) };
    let (set, settings) = tokio::try_join!(describe(context, instance, arn), read)?;
    Ok(set.map(|mut set| {
        set.settings.extend(settings.unwrap_or_default());
        set
    }))
}

/// Reads these parts of a permission set, concurrently, and adds them to its settings.
///
/// # Errors
/// If a call to AWS fails.
pub async fn read_parts(
    context: &Context,
    instance: &Instance,
    set: &mut Described,
    parts: Parts,
) -> Result<(), AwsError> {
    let settings = part_settings(context, instance, &set.arn, parts).await?;
    set.settings.extend(settings);
    Ok(())
}

async fn part_settings(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    parts: Parts,
) -> Result<Settings, AwsError> {
    let (managed, customer, inline, boundary, tags) = tokio::try_join!(
        read_if(parts.managed_policies, Box::pin(policies(context, instance, arn))),
        read_if(
            parts.customer_managed_policies,
            Box::pin(customer_managed_policies(context, instance, arn))
        ),
        read_if(parts.inline_policy, Box::pin(inline_policy(context, instance, arn))),
        read_if(parts.boundary, Box::pin(boundary(context, instance, arn))),
        read_if(parts.tags, Box::pin(tags(context, instance, arn))),
    )?;
    let attached = || Some(ATTACHED.to_owned());
    let managed = managed.into_iter().flatten().map(Setting::Policy);
    let customer = customer.into_iter().flatten().map(Setting::CustomerManagedPolicy);
    let attached = managed.chain(customer).map(|policy| (policy, attached()));
    let mut settings: Settings = attached.collect();
    let inline = inline.flatten().map(|document| (Setting::InlinePolicy, Some(document)));
    let boundary = boundary
        .flatten()
        .map(|policy| (Setting::PermissionsBoundary, Some(policy)));
    settings.extend(inline.into_iter().chain(boundary));
    let tags = tags.into_iter().flatten().filter(|tag| tag.key != INTENT_TAG);
    settings.extend(tags.map(|tag| (Setting::Tag(tag.key), Some(tag.value))));
    Ok(settings)
}

async fn read_if<T>(is_wanted: bool, read: impl Future<Output = Result<T, AwsError>>) -> Result<Option<T>, AwsError> {
    if is_wanted { read.await.map(Some) } else { Ok(None) }
}

/// The customer managed policies that a permission set refers to, each as its path and name.
async fn customer_managed_policies(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Vec<String>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_customer_managed_policy_references_in_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .into_paginator()
        .items()
        .send();
    let mut policies = Vec::new();
    while let Some(policy) = pages.next().await {
        let policy =
            policy.map_err(|error| AwsError::of("sso:ListCustomerManagedPolicyReferencesInPermissionSet", error))?;
        policies.push(path_and_name(&policy));
    }
    Ok(policies)
}

/// `/team/Deploy` of a customer managed policy.
fn path_and_name(policy: &CustomerManagedPolicyReference) -> String {
    format!("{}{}", policy.path().unwrap_or("/"), policy.name())
}

/// The reference to the customer managed policy with this path and name.
fn reference(operation: &str, path_and_name: &str) -> Result<CustomerManagedPolicyReference, AwsError> {
    let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
    CustomerManagedPolicyReference::builder()
        .path(format!("{path}/"))
        .name(name)
        .build()
        .map_err(|error| AwsError::unbuilt(operation, &error))
}

/// The inline policy, if there is one.
async fn inline_policy(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<String>, AwsError> {
    let answer = context
        .clients
        .ssoadmin(&instance.region)
        .get_inline_policy_for_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:GetInlinePolicyForPermissionSet", error))?;
    let document = answer.inline_policy.filter(|document| !document.is_empty());
    Ok(document.as_deref().map(compact_json))
}

/// The permissions boundary, if there is one.
async fn boundary(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<Option<String>, AwsError> {
    let answer = context
        .clients
        .ssoadmin(&instance.region)
        .get_permissions_boundary_for_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:GetPermissionsBoundaryForPermissionSet", error));
    let boundary = unless_gone(answer)?.and_then(|answer| answer.permissions_boundary);
    Ok(boundary.and_then(|boundary| {
        let customer = boundary.customer_managed_policy_reference.as_ref().map(path_and_name);
        boundary.managed_policy_arn.or(customer)
    }))
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

/// The accounts that have the permission set, in this version, page by page.
fn provisioned_accounts(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    status: Option<ProvisioningStatus>,
) -> impl AsyncFnMut() -> Result<Option<AccountId>, AwsError> + use<> {
    const OPERATION: &str = "sso:ListAccountsForProvisionedPermissionSet";
    let mut accounts = context
        .clients
        .ssoadmin(&instance.region)
        .list_accounts_for_provisioned_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .set_provisioning_status(status)
        .max_results(100)
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

/// The accounts that have the permission set, or only those that have an earlier version of it.
///
/// # Errors
/// If a call to AWS fails.
pub async fn accounts(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    only_outdated: bool,
) -> Result<BTreeSet<AccountId>, AwsError> {
    let status = only_outdated.then_some(ProvisioningStatus::LatestPermissionSetNotProvisioned);
    let mut next = provisioned_accounts(context, instance, arn, status);
    let mut accounts = BTreeSet::new();
    while let Some(account) = next().await? {
        accounts.insert(account);
    }
    Ok(accounts)
}

/// Whether the permission set is provisioned in any account.
///
/// # Errors
/// If the call to AWS fails.
pub async fn is_provisioned(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<bool, AwsError> {
    let mut next = provisioned_accounts(context, instance, arn, None);
    Ok(next().await?.is_some())
}

/// Whether an account has an earlier version of the permission set.
///
/// # Errors
/// If the call to AWS fails.
pub async fn is_outdated(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<bool, AwsError> {
    let status = ProvisioningStatus::LatestPermissionSetNotProvisioned;
    let mut next = provisioned_accounts(context, instance, arn, Some(status));
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

/// Creates a permission set, without its policies, and returns its ARN. The nonce of an intent becomes a tag.
///
/// # Errors
/// If AWS refuses or does not answer.
pub async fn create_once(
    context: &Context,
    instance: &Instance,
    spec: &PermissionSetSpec,
    nonce: Option<&str>,
) -> Result<PermissionSetArn, AwsError> {
    let operation = "sso:CreatePermissionSet";
    let settings = spec.at_creation();
    let mut tags = Vec::new();
    if let Some(nonce) = nonce {
        tags.push(tag(operation, INTENT_TAG, nonce)?);
    }
    for (setting, value) in &settings {
        if let (Setting::Tag(key), Some(value)) = (setting, value) {
            tags.push(tag(operation, key, value)?);
        }
    }
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .create_permission_set()
        .instance_arn(&instance.arn)
        .name(&spec.name)
        .set_description(value(&settings, &Setting::Description))
        .set_session_duration(value(&settings, &Setting::SessionDuration))
        .set_relay_state(value(&settings, &Setting::RelayState))
        .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
        .send()
        .await
        .map_err(|error| AwsError::of(operation, error))?;
    let arn = answer.permission_set.and_then(|set| set.permission_set_arn);
    AwsError::require_id(operation, &arn.unwrap_or_default())
}

fn tag(operation: &str, key: &str, value: &str) -> Result<Tag, AwsError> {
    let tag = Tag::builder().key(key).value(value).build();
    tag.map_err(|error| AwsError::unbuilt(operation, &error))
}

/// Sets properties. All of them are sent, with the current values of the others: those that `UpdatePermissionSet` does not
/// get may be cleared. So a property is removed by leaving it out.
async fn update_properties(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    changes: &[SettingChange],
) -> Result<(), AwsError> {
    const OPERATION: &str = "sso:UpdatePermissionSet";
    let set = describe_existing(context, instance, arn).await?;
    // A new permission set may not be visible yet.
    let mut settings = set.ok_or_else(|| AwsError::not_visible(OPERATION))?.settings;
    settings.extend(
        changes
            .iter()
            .map(|change| (change.setting.clone(), change.after.clone())),
    );
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .update_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .set_description(value(&settings, &Setting::Description))
        .set_session_duration(value(&settings, &Setting::SessionDuration))
        .set_relay_state(value(&settings, &Setting::RelayState))
        .send()
        .await;
    answer.map(|_| ()).map_err(|error| AwsError::of(OPERATION, error))
}

/// Sets or removes a policy, the boundary or a tag.
async fn apply_part(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    change: &SettingChange,
) -> Result<(), AwsError> {
    /// Sends a request that names the permission set. The result has no content.
    macro_rules! call {
        ($action:literal, $operation:ident $(, $member:ident: $value:expr)*) => {{
            let client = context.clients.ssoadmin_once(&instance.region);
            let request = client.$operation().instance_arn(&instance.arn);
            let request = call!(@target request, $operation)$(.$member($value))*;
            request.send().await.map(|_| ()).map_err(|error| AwsError::of($action, error))
        }};
        (@target $request:ident, tag_resource) => { $request.resource_arn(arn) };
        (@target $request:ident, untag_resource) => { $request.resource_arn(arn) };
        (@target $request:ident, $operation:ident) => { $request.permission_set_arn(arn) };
    }
    match (&change.setting, change.after.as_deref()) {
        (Setting::Policy(policy), Some(_)) => call!(
            "sso:AttachManagedPolicyToPermissionSet",
            attach_managed_policy_to_permission_set,
            managed_policy_arn: policy
        ),
        (Setting::Policy(policy), None) => call!(
            "sso:DetachManagedPolicyFromPermissionSet",
            detach_managed_policy_from_permission_set,
            managed_policy_arn: policy
        ),
        (Setting::CustomerManagedPolicy(policy), Some(_)) => {
            let action = "sso:AttachCustomerManagedPolicyReferenceToPermissionSet";
            let policy = reference(action, policy)?;
            call!(
                "sso:AttachCustomerManagedPolicyReferenceToPermissionSet",
                attach_customer_managed_policy_reference_to_permission_set,
                customer_managed_policy_reference: policy
            )
        }
        (Setting::CustomerManagedPolicy(policy), None) => {
            let action = "sso:DetachCustomerManagedPolicyReferenceFromPermissionSet";
            let policy = reference(action, policy)?;
            call!(
                "sso:DetachCustomerManagedPolicyReferenceFromPermissionSet",
                detach_customer_managed_policy_reference_from_permission_set,
                customer_managed_policy_reference: policy
            )
        }
        (Setting::InlinePolicy, Some(document)) => call!(
            "sso:PutInlinePolicyToPermissionSet",
            put_inline_policy_to_permission_set,
            inline_policy: document
        ),
        (Setting::InlinePolicy, None) => call!(
            "sso:DeleteInlinePolicyFromPermissionSet",
            delete_inline_policy_from_permission_set
        ),
        (Setting::PermissionsBoundary, Some(policy)) => {
            let boundary = PermissionsBoundary::builder();
            let boundary = if policy.starts_with("arn:") {
                boundary.managed_policy_arn(policy)
            } else {
                let reference = reference("sso:PutPermissionsBoundaryToPermissionSet", policy)?;
                boundary.customer_managed_policy_reference(reference)
            };
            call!(
                "sso:PutPermissionsBoundaryToPermissionSet",
                put_permissions_boundary_to_permission_set,
                permissions_boundary: boundary.build()
            )
        }
        (Setting::PermissionsBoundary, None) => call!(
            "sso:DeletePermissionsBoundaryFromPermissionSet",
            delete_permissions_boundary_from_permission_set
        ),
        (Setting::Tag(key), Some(value)) => {
            let tag = tag("sso:TagResource", key, value)?;
            call!("sso:TagResource", tag_resource, tags: tag)
        }
        (Setting::Tag(key), None) => call!("sso:UntagResource", untag_resource, tag_keys: key),
        _ => update_properties(context, instance, arn, std::slice::from_ref(change)).await,
    }
}

/// Applies a change of settings, with retries. What already was as wanted at the first attempt counts as
/// [`Existing`](CreateResult::Existing).
pub async fn apply(context: &Context, instance: &Instance, arn: &PermissionSetArn, field: &FieldChange) -> End<()> {
    let changes = field.settings();
    let parts = Parts::of(changes.iter().map(|change| &change.setting));
    let is_applied = || async {
        let Some(mut set) = describe_existing(context, instance, arn).await? else {
            return Ok(None);
        };
        read_parts(context, instance, &mut set, parts).await?;
        let is_as_wanted = |change: &SettingChange| value(&set.settings, &change.setting) == change.after;
        Ok(changes.iter().all(is_as_wanted).then_some(()))
    };
    let attempts = Cell::new(0);
    let was_absent = Cell::new(false);
    let attempt = || async {
        attempts.set(attempts.get() + 1);
        match field {
            FieldChange::Properties(changes) => update_properties(context, instance, arn, changes).await,
            FieldChange::Part(change) => match apply_part(context, instance, arn, change).await {
                Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound && change.after.is_none() => {
                    was_absent.set(attempts.get() == 1);
                    Ok(())
                }
                other => other,
            },
            FieldChange::Provision => Ok(()),
        }
    };
    let mut end = create_with_retries(context.timing, attempt, is_applied).await;
    if was_absent.get() {
        end.result = Ok(CreateResult::Existing(()));
    }
    end
}

/// Where a permission set is provisioned.
#[derive(Debug, Clone, Copy)]
pub enum Provisioned<'a> {
    /// In one account.
    In(&'a AccountId),
    /// In all accounts that have it, of which there are at least so many.
    Everywhere(usize),
}

impl Provisioned<'_> {
    /// How long AWS may take, before and after it accepts the request.
    pub fn limit(self) -> Duration {
        let count = match self {
            Self::In(_) => 1,
            Self::Everywhere(count) => u32::try_from(count).unwrap_or(u32::MAX),
        };
        OPERATION_LIMIT + PROVISIONING_OF_ONE.saturating_mul(count)
    }
}

/// Provisions the permission set in all accounts that have it, and waits for the result. While AWS changes something else in
/// these accounts, or gets too many requests, the request is repeated.
async fn provision(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<(), UserError> {
    let target = Provisioned::Everywhere(0);
    let last_conflict = Instant::now() + PROPAGATION_LIMIT;
    let mut attempts = 0;
    let id = loop {
        let aws_error = match request_provisioning(context, instance, arn, target).await {
            Ok(id) => break id,
            Err(aws_error) => aws_error,
        };
        attempts += 1;
        let is_busy = matches!(
            aws_error.kind,
            AwsErrorKind::Conflict | AwsErrorKind::NotFound | AwsErrorKind::Throttled
        );
        let is_over = if is_busy {
            Instant::now() >= last_conflict
        } else {
            !aws_error.is_transient() || attempts >= CREATE_ATTEMPTS
        };
        if is_over {
            return Err(rerun(info)(aws_error));
        }
        let pause = aws_error.retry_after.unwrap_or_else(|| context.timing.pause(attempts));
        tokio::time::sleep(pause).await;
    };
    until_provisioned(context, info, instance, &id, target.limit()).await
}

/// Waits until AWS has completed a [request](request_provisioning).
///
/// # Errors
/// If AWS fails, or does not finish within the limit.
pub async fn until_provisioned(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    id: &str,
    limit: Duration,
) -> Result<(), UserError> {
    // A read that gets no answer is repeated by the next one, a few times.
    let failures = Cell::new(0);
    let read = || async {
        let status = provisioning(context, instance, id).await;
        match &status {
            Err(aws_error) if aws_error.is_transient() && failures.get() < PATIENT_READS => {
                failures.set(failures.get() + 1);
                return Ok(None);
            }
            Err(_) => {}
            Ok(_) => failures.set(0),
        }
        status
    };
    let finished = waiting::until(context.timing, limit, read).await.map_err(rerun(info))?;
    match finished {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(UserError::failed(
            format!(
                "{}: provisioning failed: {}.",
                info.name(),
                reason.trim_end_matches('.')
            ),
            SetupCommand::again().after("fix the problem that AWS reports"),
        )),
        None => Err(UserError::failed(
            format!(
                "{}: provisioning did not finish within {}.",
                info.name(),
                duration_text(limit)
            ),
            SetupCommand::again().to("provision it again"),
        )),
    }
}

/// Requests the provisioning, with a single attempt; returns the ID of the request.
///
/// # Errors
/// If AWS refuses, or does not answer.
pub async fn request_provisioning(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
    target: Provisioned<'_>,
) -> Result<String, AwsError> {
    let (target_type, account) = match target {
        Provisioned::In(account) => (ProvisionTargetType::AwsAccount, Some(account.to_string())),
        Provisioned::Everywhere(_) => (ProvisionTargetType::AllProvisionedAccounts, None),
    };
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .provision_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .target_type(target_type)
        .set_target_id(account)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:ProvisionPermissionSet", error))?;
    let status = answer.permission_set_provisioning_status;
    let request = status.and_then(|status| status.request_id);
    request.ok_or_else(|| AwsError::unreadable("sso:ProvisionPermissionSet"))
}

/// Deletes a permission set, with a single attempt. A permission set that does not exist is no error.
///
/// # Errors
/// If AWS refuses, such as while the permission set is assigned, or does not answer.
pub async fn delete(context: &Context, instance: &Instance, arn: &PermissionSetArn) -> Result<(), AwsError> {
    let answer = context
        .clients
        .ssoadmin_once(&instance.region)
        .delete_permission_set()
        .instance_arn(&instance.arn)
        .permission_set_arn(arn)
        .send()
        .await;
    unless_gone(answer.map_err(|error| AwsError::of("sso:DeletePermissionSet", error)))?;
    Ok(())
}

/// The change that creates a permission set, without its policies.
pub fn creation(context: &Context, spec: &PermissionSetSpec) -> Change {
    let (name, duration) = (&spec.name, spec.duration);
    let (text, option) = duration.map_or_else(Default::default, |duration| {
        (
            format!(" with a session duration of {duration}"),
            format!(" --session-duration {}", duration.iso()),
        )
    });
    Change {
        verb: Verb::Create,
        kind: ResourceKind::PermissionSet,
        field: None,
        sentence: format!("Create the permission set {name}{text}."),
        command: format!(
            "aws sso-admin create-permission-set {} --name {name}{option}",
            context.cli_options().instance
        ),
        name: name.as_str().into(),
        consent: Consent::Reversible,
    }
}

/// The change of one field of a permission set. The ARN is known if the permission set exists.
pub fn field_change(context: &Context, name: &str, arn: Option<&PermissionSetArn>, field: &FieldChange) -> Change {
    let instance = context.cli_options().instance;
    let arn = arn.map_or("PERMISSION_SET_ARN", |arn| arn);
    let set = format!("{instance} --permission-set-arn {arn}");
    let (sentence, command) = if *field == FieldChange::Provision {
        (
            format!("Reprovision the permission set {name} in all accounts that have it."),
            format!("aws sso-admin provision-permission-set {set} --target-type ALL_PROVISIONED_ACCOUNTS"),
        )
    } else {
        let changes = field.settings();
        let sentences: Vec<String> = changes.iter().map(|change| sentence(name, change)).collect();
        (sentences.join(" "), command(&instance, arn, changes))
    };
    Change {
        verb: Verb::Update,
        kind: ResourceKind::PermissionSet,
        name: name.into(),
        field: Some(field.clone()),
        sentence,
        command,
        consent: Consent::Reversible,
    }
}

fn sentence(name: &str, change: &SettingChange) -> String {
    let setting = &change.setting;
    match (setting, change.after.as_deref()) {
        (Setting::Policy(_) | Setting::CustomerManagedPolicy(_), Some(_)) => {
            format!("Attach the {setting} to the permission set {name}.")
        }
        (Setting::Policy(_) | Setting::CustomerManagedPolicy(_), None) => {
            format!("Detach the {setting} from the permission set {name}.")
        }
        (Setting::SessionDuration, Some(iso)) => {
            let text = iso.parse::<SessionDuration>();
            let text = text.map_or_else(|_| iso.to_owned(), |duration| duration.to_string());
            format!("Set the session duration of the permission set {name} to {text}.")
        }
        (Setting::InlinePolicy, Some(_)) => format!("Set the inline policy of the permission set {name}."),
        (_, Some(value)) => format!("Set the {setting} of the permission set {name} to {value}."),
        (_, None) => format!("Remove the {setting} of the permission set {name}."),
    }
}

/// The `aws` command that makes the changes.
fn command(instance: &str, arn: &str, changes: &[SettingChange]) -> String {
    let set = format!("{instance} --permission-set-arn {arn}");
    let customer = |policy: &str| {
        let (path, name) = policy.rsplit_once('/').unwrap_or(("", policy));
        format!("Name={name},Path={path}/")
    };
    let [change] = changes else {
        return update_command(&set, changes);
    };
    let arguments = match (&change.setting, change.after.as_deref()) {
        (Setting::Policy(policy), Some(_)) => {
            format!("attach-managed-policy-to-permission-set {set} --managed-policy-arn {policy}")
        }
        (Setting::Policy(policy), None) => {
            format!("detach-managed-policy-from-permission-set {set} --managed-policy-arn {policy}")
        }
        (Setting::CustomerManagedPolicy(policy), Some(_)) => format!(
            "attach-customer-managed-policy-reference-to-permission-set {set} --customer-managed-policy-reference {}",
            customer(policy)
        ),
        (Setting::CustomerManagedPolicy(policy), None) => format!(
            "detach-customer-managed-policy-reference-from-permission-set {set} --customer-managed-policy-reference {}",
            customer(policy)
        ),
        (Setting::InlinePolicy, Some(document)) => {
            format!(
                "put-inline-policy-to-permission-set {set} --inline-policy {}",
                quoted(document)
            )
        }
        (Setting::InlinePolicy, None) => format!("delete-inline-policy-from-permission-set {set}"),
        (Setting::PermissionsBoundary, Some(policy)) => {
            let boundary = if policy.starts_with("arn:") {
                format!("ManagedPolicyArn={policy}")
            } else {
                format!("CustomerManagedPolicyReference={{{}}}", customer(policy))
            };
            format!(
                "put-permissions-boundary-to-permission-set {set} --permissions-boundary {}",
                quoted(&boundary)
            )
        }
        (Setting::PermissionsBoundary, None) => format!("delete-permissions-boundary-from-permission-set {set}"),
        (Setting::Tag(key), Some(value)) => format!(
            "tag-resource {instance} --resource-arn {arn} --tags {}",
            quoted(&format!("Key={key},Value={value}"))
        ),
        (Setting::Tag(key), None) => {
            format!(
                "untag-resource {instance} --resource-arn {arn} --tag-keys {}",
                quoted(key)
            )
        }
        _ => return update_command(&set, changes),
    };
    format!("aws sso-admin {arguments}")
}

fn update_command(set: &str, changes: &[SettingChange]) -> String {
    let options = changes.iter().map(|change| {
        let value = change.after.as_deref().unwrap_or_default();
        match change.setting {
            Setting::SessionDuration => format!(" --session-duration {value}"),
            Setting::RelayState => format!(" --relay-state {}", quoted(value)),
            _ => format!(" --description {}", quoted(value)),
        }
    });
    format!(
        "aws sso-admin update-permission-set {set}{}",
        options.collect::<String>()
    )
}

/// Creates a permission set, without its policies. Returns `None` if it exists for another reason; the next check then
/// determines its origin. The intent stays open until [`settle_changes`] has seen all settings.
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
    let created = spec.at_creation();
    let mut intent = context.intent(info, change.target());
    intent.settings = spec.settings();
    intent.settings.extend(created.clone());
    let attempt = |nonce: String| async move { create_once(context, instance, spec, Some(&nonce)).await };
    let read = || async { Ok(find(context, instance, &spec.name).await?.map(|set| set.arn)) };
    let Some((arn, _)) = context.make_intended(info, intent, attempt, read).await? else {
        return Ok(None);
    };
    let mut entry = Entry::new(Origin::Created, change.kind, &change.name, &arn);
    entry.applied = created;
    context.progress.change(|record| record.keep(entry))?;
    Ok(Some(arn))
}

/// Changes one field of a permission set. The intent stays open until [`settle_changes`] has seen the result.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn update(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    arn: &PermissionSetArn,
    change: &Change,
) -> Result<(), UserError> {
    match &change.field {
        Some(FieldChange::Provision) => {
            provision(context, info, instance, arn).await?;
            let pending = context
                .progress
                .read(|record| pending_settings(record, change.name.single(), arn));
            let set = describe(context, instance, arn).await.map_err(rerun(info))?;
            let Some(mut set) = set else { return Ok(()) };
            let parts = Parts::of(pending.iter().flat_map(Settings::keys));
            read_parts(context, instance, &mut set, parts)
                .await
                .map_err(rerun(info))?;
            settle_changes(context, &set, Settled::default())
        }
        Some(field) => update_settings(context, info, instance, arn, change, field).await,
        None => Ok(()),
    }
}

async fn update_settings(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    arn: &PermissionSetArn,
    change: &Change,
    field: &FieldChange,
) -> Result<(), UserError> {
    let settings = |value: fn(&SettingChange) -> &Option<String>| -> Settings {
        let changes = field.settings().iter();
        let values = changes.map(|change| (change.setting.clone(), value(change).clone()));
        values.collect()
    };
    let (before, after) = (settings(|change| &change.before), settings(|change| &change.after));
    let is_created = context.origin(change.kind, arn) == Origin::Created;
    let mut intent = context.intent(info, Target::new(Verb::Update, change.kind, &change.name));
    intent.id = Some(arn.into());
    intent.settings.clone_from(&after);
    let nonce = intent.nonce.clone();
    // An interrupted run may have applied it already.
    let has_earlier_attempt = context.progress.read(|record| {
        let pending = pending_settings(record, change.name.single(), arn);
        let mut earlier = pending.iter();
        earlier.any(|earlier| after.iter().all(|(setting, value)| earlier.get(setting) == Some(value)))
    });
    let replaced = |after: Settings| Replaced {
        kind: change.kind,
        name: change.name.clone(),
        id: arn.into(),
        before: before.clone(),
        after,
        rewrites: Vec::new(),
    };
    context.must_not_be_stopped()?;
    context.progress.change(|record| {
        record.open(intent);
        if !is_created {
            record.remember(replaced(Settings::new()));
        }
    })?;
    let end = apply(context, instance, arn, field).await;
    match end.result {
        Ok(CreateResult::Existing(())) if !has_earlier_attempt => context.progress.change(|record| {
            // Someone else made the same change at the same time, so undo keeps it.
            record.drop_intent(&nonce);
            record.forget_settings(change.kind, &arn.into(), &after);
        })?,
        Ok(_) => context.progress.change(|record| {
            if is_created {
                let mut entry = Entry::new(Origin::Created, change.kind, &change.name, arn);
                entry.applied.clone_from(&after);
                record.keep(entry);
            } else {
                record.replace(replaced(after.clone()));
            }
        })?,
        Err(aws_error) => {
            if !end.unanswered && aws_error.outcome_known() {
                context.progress.change(|record| {
                    record.drop_intent(&nonce);
                    record.forget_unapplied(change.kind, &arn.into(), &after);
                })?;
            }
            return Err(step_error(info, &aws_error, after_refusal(field, &aws_error)));
        }
    }
    Ok(())
}

/// What to do after AWS refused a change.
fn after_refusal(field: &FieldChange, aws_error: &AwsError) -> NextStep {
    let is_temporary = aws_error.is_transient() || aws_error.kind == AwsErrorKind::Denied;
    match field.settings() {
        [
            SettingChange {
                setting: Setting::Policy(_),
                after: Some(_),
                ..
            },
        ] if !is_temporary => SetupCommand::again()
            .placeholder("--policy", "NAME")
            .after("check that the policy is an AWS managed policy"),
        _ => SetupCommand::again().into(),
    }
}

/// Determines and records the origin of an existing permission set: the recorded one, or the one that its tag shows.
///
/// # Errors
/// When the tags cannot be read, or the origin cannot be saved.
pub async fn settle_origin(context: &Context, instance: &Instance, set: &Described) -> Result<Entry, Error> {
    let kind = ResourceKind::PermissionSet;
    let mut entry = context.entry(kind, &set.name, &set.arn);
    let intents = context.open_intents(kind, &set.name);
    if entry.origin == Origin::Created {
        return Ok(entry);
    }
    if !intents.is_empty() {
        let nonce = intent_tag(context, instance, &set.arn).await?;
        if let Some(intent) = intents.iter().find(|intent| Some(&intent.nonce) == nonce.as_ref()) {
            entry.origin = Origin::Created;
            let mut created = entry.clone();
            created.applied.clone_from(&intent.settings);
            created
                .applied
                .retain(|setting, wanted| value(&set.settings, setting) == *wanted);
            context.progress.change(|record| record.keep(created))?;
            return Ok(entry);
        }
        // A late read does not show the tag yet. The intents stay open for the next check.
        if nonce.is_none() && intents.iter().any(|intent| is_recent(context, intent)) {
            return Ok(entry);
        }
    }
    context.settle(Verb::Create, kind, &set.name, Some(entry.clone()))?;
    Ok(entry)
}

/// Whether the effect of an intent may not be visible in every read yet.
fn is_recent(context: &Context, intent: &Intent) -> bool {
    let age = context.clients.clock().now().duration_since(intent.at).unsigned_abs();
    age < CALL_LIMIT + context.timing.propagation
}

/// What is known about a permission set when its intents are settled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settled {
    /// Every setting is as specified.
    pub is_as_specified: bool,
    /// An account has an earlier version.
    pub is_outdated: bool,
}

/// Closes the intents for a permission set whose effect a read shows: the intent to create it when every setting is as
/// specified, and an intent to update it when its settings are as intended, or when it is so old that it had no effect.
/// As long as an account has an earlier version, all of them stay open.
///
/// # Errors
/// When the result cannot be saved.
pub fn settle_changes(context: &Context, set: &Described, settled: Settled) -> Result<(), UserError> {
    let (kind, name, id) = (
        ResourceKind::PermissionSet,
        set.name.as_str().into(),
        ResourceId::from(&set.arn),
    );
    let is_over = |intent: &Intent| match intent.verb {
        Verb::Create => settled.is_as_specified,
        Verb::Update => shows(set, &intent.settings) || !is_recent(context, intent),
        Verb::Delete => false,
    };
    let is_own = |intent: &&Intent| {
        intent.kind == kind && intent.name == name && intent.id.as_ref().is_none_or(|other| *other == id)
    };
    let over: Vec<Intent> = context.progress.read(|record| {
        let own = record.intents.iter().filter(is_own);
        own.filter(|intent| is_over(intent)).cloned().collect()
    });
    if over.is_empty() || settled.is_outdated {
        return Ok(());
    }
    let is_created = context.origin(kind, &set.arn) == Origin::Created;
    context.progress.change(|record| {
        if is_created {
            // What was applied without being recorded.
            let mut entry = Entry::new(Origin::Created, kind, &name, &set.arn);
            let intended = over.iter().flat_map(|intent| intent.settings.clone());
            entry.applied = intended
                .filter(|(setting, wanted)| value(&set.settings, setting) == *wanted)
                .collect();
            record.keep(entry);
        }
        for intent in &over {
            record.drop_intent(&intent.nonce);
        }
    })?;
    Ok(())
}

/// Whether a read shows these settings.
fn shows(set: &Described, settings: &Settings) -> bool {
    settings
        .iter()
        .all(|(setting, wanted)| value(&set.settings, setting) == *wanted)
}

/// What interrupted runs were changing in a permission set, so that the next run completes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interrupted {
    /// Nothing.
    Nothing,
    /// It was being created: everything is to be completed.
    Creation,
    /// These settings were being changed, by each of the interrupted runs.
    Update(Vec<Settings>),
}

impl Interrupted {
    /// The part of these differences that the interrupted runs were changing, to the same values.
    pub fn part_of(&self, differences: &[FieldChange], is_outdated: bool) -> Vec<FieldChange> {
        let pending = match self {
            Self::Nothing => return Vec::new(),
            Self::Creation => return differences.to_vec(),
            Self::Update(pending) => pending,
        };
        let was_pending = |change: &&SettingChange| {
            let mut pending = pending.iter();
            pending.any(|settings| settings.get(&change.setting) == Some(&change.after))
        };
        let changes = differences.iter().flat_map(FieldChange::settings);
        let mut part = grouped(changes.filter(was_pending).cloned().collect());
        if is_outdated || (!part.is_empty() && differences.contains(&FieldChange::Provision)) {
            part.push(FieldChange::Provision);
        }
        part
    }
}

/// What interrupted runs were changing in the permission set with this name, according to the open intents.
pub fn interrupted(record: &Record, name: &str, arn: &PermissionSetArn, origin: Origin) -> Interrupted {
    let creations = &mut record
        .intents(Verb::Create, ResourceKind::PermissionSet, &name.into())
        .count();
    if origin == Origin::Created && *creations > 0 {
        return Interrupted::Creation;
    }
    let pending = pending_settings(record, name, arn);
    if pending.is_empty() {
        Interrupted::Nothing
    } else {
        Interrupted::Update(pending)
    }
}

/// The settings of the open intents to update this permission set. Someone may have deleted the one that an intent is
/// about, and created another one with its name.
fn pending_settings(record: &Record, name: &str, arn: &PermissionSetArn) -> Vec<Settings> {
    let (name, id) = (name.into(), ResourceId::from(arn));
    let updates = record.intents(Verb::Update, ResourceKind::PermissionSet, &name);
    let updates = updates.filter(|intent| intent.id.as_ref() == Some(&id));
    updates.map(|intent| intent.settings.clone()).collect()
}

/// What the plan needs to know of an existing permission set. Whether accounts have it, and in which version, is read only
/// if it matters: if something differs, or an earlier run was interrupted while it changed something.
///
/// # Errors
/// If a call to AWS fails.
pub async fn state(
    context: &Context,
    instance: &Instance,
    spec: &PermissionSetSpec,
    set: &Described,
    origin: Origin,
) -> Result<SetState, AwsError> {
    let arn = &set.arn;
    let mut state = SetState::new(arn, &set.settings, origin);
    let interrupted = context
        .progress
        .read(|record| interrupted(record, &set.name, arn, origin));
    let is_as_wanted = spec.differences(&set.settings).is_empty();
    if is_as_wanted && interrupted == Interrupted::Nothing {
        return Ok(state);
    }
    (state.is_provisioned, state.is_outdated) = tokio::try_join!(
        is_provisioned(context, instance, arn),
        is_outdated(context, instance, arn),
    )?;
    if let Interrupted::Update(pending) = &interrupted {
        // A late read may not show yet that the accounts have an earlier version. Provisioning again does no harm.
        let was_changed = pending.iter().any(|settings| shows(set, settings));
        state.is_outdated |= state.is_provisioned && was_changed;
    }
    Ok(state)
}

/// The current settings that undo compares; `None` if the permission set does not exist.
///
/// # Errors
/// If the call to AWS fails.
async fn current_settings(
    context: &Context,
    instance: &Instance,
    replaced: &Replaced,
) -> Result<Option<Described>, AwsError> {
    let Ok(arn) = replaced.id.single().parse() else {
        return Ok(None);
    };
    let Some(mut set) = describe(context, instance, &arn).await? else {
        return Ok(None);
    };
    read_parts(context, instance, &mut set, Parts::of(replaced.before.keys())).await?;
    Ok(Some(set))
}

/// The changes that restore the earlier settings, in order.
fn restoring(replaced: &Replaced, observed: &Settings) -> Vec<FieldChange> {
    let changes = replaced.before.iter().map(|(setting, before)| SettingChange {
        setting: setting.clone(),
        before: value(observed, setting),
        after: before.clone(),
    });
    // A session duration that AWS did not return cannot be restored.
    let is_known = |change: &SettingChange| change.setting != Setting::SessionDuration || change.after.is_some();
    let changes = changes.filter(|change| change.before != change.after && is_known(change));
    grouped(changes.collect())
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
    let set = current_settings(context, instance, replaced)
        .await
        .map_err(rerun(info))?;
    let Some(set) = set else { return Ok(()) };
    let mut intent = context.intent(info, Target::new(Verb::Update, replaced.kind, &replaced.name));
    intent.id = Some(replaced.id.clone());
    intent.settings.clone_from(&replaced.before);
    context.progress.change(|record| record.open(intent))?;
    for field in restoring(replaced, &set.settings) {
        let end = apply(context, instance, &set.arn, &field).await;
        end.result.map_err(rerun(info))?;
    }
    if is_provisioned(context, instance, &set.arn).await.map_err(rerun(info))? {
        provision(context, info, instance, &set.arn).await?;
    }
    context.settle(Verb::Update, replaced.kind, &replaced.name, None)
}

/// How a permission set differs from what this program applied, apart from what an interrupted run was changing.
async fn change_since_creation(
    context: &Context,
    instance: &Instance,
    entry: &Entry,
    set: &mut Described,
) -> Result<Option<String>, AwsError> {
    read_parts(context, instance, set, Parts::ALL).await?;
    let (applied, pending) = context.progress.read(|record| {
        let mut known = record.resources.iter();
        let known = known.find(|known| known.kind == entry.kind && known.id == entry.id);
        let applied = known.map_or_else(Settings::new, |known| known.applied.clone());
        let mut pending = pending_settings(record, entry.name.single(), &set.arn);
        let creations = record.intents(Verb::Create, entry.kind, &entry.name);
        pending.extend(creations.map(|intent| intent.settings.clone()));
        (applied, pending)
    });
    let settings: BTreeSet<&Setting> = applied.keys().chain(set.settings.keys()).collect();
    let change = settings.into_iter().find_map(|setting| {
        let (was, now) = (value(&applied, setting), value(&set.settings, setting));
        let is_pending = pending.iter().any(|settings| settings.get(setting) == Some(&now));
        // AWS sets a duration where none is requested.
        let is_default = *setting == Setting::SessionDuration && (was.is_none() || now.is_none());
        (was != now && !is_pending && !is_default).then(|| describe_change(setting, was.as_deref(), now.as_deref()))
    });
    Ok(change)
}

/// `someone attached the policy …`
fn describe_change(setting: &Setting, was: Option<&str>, now: Option<&str>) -> String {
    match (setting, was, now) {
        (Setting::Policy(_), None, _) => format!("someone attached the {setting}"),
        (Setting::Policy(_), ..) => format!("someone detached the {setting}"),
        (Setting::SessionDuration, Some(was), Some(now)) => {
            let text = |iso: &str| {
                let duration = iso.parse::<SessionDuration>();
                duration.map_or_else(|_| iso.to_owned(), |duration| duration.to_string())
            };
            format!("its session duration changed from {} to {}", text(was), text(now))
        }
        (Setting::Tag(_), None, _) => "someone tagged it".to_owned(),
        (Setting::CustomerManagedPolicy(_), None, _) => "it now has a customer managed policy".to_owned(),
        (Setting::InlinePolicy, None, _) => "it now has an inline policy".to_owned(),
        (Setting::PermissionsBoundary, None, _) => "it now has a permissions boundary".to_owned(),
        (Setting::RelayState, None, _) => "it now has a relay state".to_owned(),
        (_, _, Some(_)) => format!("someone changed its {setting}"),
        (_, _, None) => format!("someone removed its {setting}"),
    }
}

/// A principal in an account that this program did not assign the permission set to.
async fn other_assignment(
    context: &Context,
    instance: &Instance,
    arn: &PermissionSetArn,
) -> Result<Option<AssignmentKey>, AwsError> {
    let mut next = provisioned_accounts(context, instance, arn, None);
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
        let Some(mut set) = describe_existing(context, &instance, &arn).await? else {
            return Ok(Condition::Gone);
        };
        if let Some(other) = other_assignment(context, &instance, &arn).await? {
            return Ok(Condition::InUse(format!(
                "it is also assigned to {} in account {}",
                other.principal, other.account
            )));
        }
        let change = change_since_creation(context, &instance, entry, &mut set).await?;
        Ok(Condition::of_change(change))
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        let instance = context.known_instance().await?;
        if let Ok(arn) = entry.id.single().parse() {
            delete(context, &instance, &arn).await?;
        }
        Ok(Deletion::Deleted)
    }

    fn delete_manually(&self, context: &Context, entry: &Entry) -> Manually {
        let instance = context.cli_options().instance;
        Manually::Command(format!(
            "aws sso-admin delete-permission-set {instance} --permission-set-arn {}",
            entry.id
        ))
    }

    async fn settings(&self, context: &Context, replaced: &Replaced) -> Result<Option<Settings>, Error> {
        let instance = context.known_instance().await?;
        let set = current_settings(context, &instance, replaced).await?;
        Ok(set.map(|set| set.settings))
    }

    /// An interrupted run or undo has not provisioned it yet.
    fn is_restore_pending(&self, context: &Context, replaced: &Replaced) -> bool {
        context.progress.read(|record| {
            let mut pending = record.intents(Verb::Update, replaced.kind, &replaced.name);
            pending.next().is_some()
        })
    }

    async fn restore(&self, context: &Context, info: &'static StepInfo, replaced: &Replaced) -> Result<(), Error> {
        let instance = context.known_instance().await?;
        Ok(restore(context, info, &instance, replaced).await?)
    }

    fn restore_manually(&self, context: &Context, replaced: &Replaced) -> Manually {
        let (instance, arn) = (context.cli_options().instance, replaced.id.single());
        let mut commands = Vec::new();
        for field in restoring(replaced, &replaced.after) {
            commands.push(command(&instance, arn, field.settings()));
        }
        commands.push(format!(
            "aws sso-admin provision-permission-set {instance} --permission-set-arn {arn} --target-type \
             ALL_PROVISIONED_ACCOUNTS"
        ));
        Manually::Command(commands.join(" && "))
    }
}
