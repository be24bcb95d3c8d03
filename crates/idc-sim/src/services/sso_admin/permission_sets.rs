//! Permission sets and their AWS managed policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::instance_with_permission_sets;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging;
use crate::services::request::Request;
use crate::services::request::{epoch, text};
use crate::state::{Cloud, PermissionSet};

/// Maximum number of permission sets of an instance ("IAM Identity Center quotas").
const MAX_SETS: usize = 3500;

/// Returns the error for one more than a quota allows, in the words that were recorded for policies.
pub fn over_quota(what: &str, limit: usize, of: &str) -> ServiceError {
    ServiceError::new(
        "ServiceQuotaExceededException",
        format!(
            "You have exceeded AWS SSO limits. Cannot create {what} more than {limit} for id {of}. Please refer to \
             https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html"
        ),
    )
}

/// `CreatePermissionSet`.
pub fn create(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let input = request.input;
    let instance = instance_with_permission_sets(cloud, request)?.id().to_owned();
    let name = text(input, "Name");
    if of_instance(cloud, &instance).any(|set| set.name == name) {
        return Err(ServiceError::new(
            "ConflictException",
            format!("PermissionSet with name {name} already exists."),
        ));
    }
    let session_duration = input["SessionDuration"].as_str().unwrap_or("PT1H").to_owned();
    check_duration(&session_duration)?;
    if of_instance(cloud, &instance).count() >= MAX_SETS {
        return Err(over_quota("PermissionSet", MAX_SETS, &instance));
    }
    let partition = cloud.partition();
    let arn = format!(
        "arn:{partition}:sso:::permissionSet/{instance}/ps-{}",
        cloud.ids.hex(16)
    );
    let set = PermissionSet {
        arn,
        name: name.to_owned(),
        description: input["Description"].as_str().map(str::to_owned),
        session_duration,
        relay_state: input["RelayState"].as_str().map(str::to_owned),
        created: request.now,
        tags: tags_of(&input["Tags"]),
        managed_policies: Vec::new(),
        inline_policy: None,
        customer_policies: Vec::new(),
        boundary: None,
    };
    let response = json!({"PermissionSet": shape(&set)});
    cloud.permission_sets.push(set);
    Ok(response)
}

/// `DescribePermissionSet`.
pub fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    Ok(json!({"PermissionSet": shape(find(cloud, request)?)}))
}

/// `ListPermissionSets`: the ARNs, newest last.
pub fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    let instance = instance_with_permission_sets(cloud, request)?.id();
    let visible_before = request.now - cloud.timing.propagation;
    let rows = of_instance(cloud, instance)
        .filter(|set| set.created <= visible_before)
        .map(|set| json!(set.arn))
        .collect();
    paging::page(
        request.input,
        &format!("ListPermissionSets:{instance}"),
        "PermissionSets",
        100,
        rows,
    )
}

/// `UpdatePermissionSet`. It replaces the description, the relay state and the session duration: a member that is left out
/// is cleared, or set to its default. The change affects an account only when the permission set is provisioned there
/// again.
pub fn update(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    if let Some(duration) = request.input["SessionDuration"].as_str() {
        check_duration(duration)?;
    }
    let set = find_mut(cloud, request)?;
    for (member, field) in [
        ("Description", &mut set.description),
        ("RelayState", &mut set.relay_state),
    ] {
        *field = request.input[member].as_str().map(str::to_owned);
    }
    let duration = request.input["SessionDuration"].as_str().unwrap_or("PT1H");
    duration.clone_into(&mut set.session_duration);
    Ok(json!({}))
}

/// `AttachManagedPolicyToPermissionSet`.
pub fn attach(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let policy = text(request.input, "ManagedPolicyArn").to_owned();
    let set = find_mut(cloud, request)?;
    if set.managed_policies.contains(&policy) {
        return Err(Words::ManagedPolicyAttached.error(&[("id", set.id()), ("arn", &policy)]));
    }
    set.require_room_for_a_policy()?;
    let key = format!("policy:{}:{policy}", set.arn);
    set.managed_policies.push(policy);
    cloud.record_write(key, request.now);
    Ok(json!({}))
}

/// `DetachManagedPolicyFromPermissionSet`.
pub fn detach(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let policy = text(request.input, "ManagedPolicyArn").to_owned();
    let set = find_mut(cloud, request)?;
    let before = set.managed_policies.len();
    set.managed_policies.retain(|attached| *attached != policy);
    if set.managed_policies.len() == before {
        return Err(Words::ManagedPolicyNotAttached.error(&[("arn", &policy)]));
    }
    Ok(json!({}))
}

/// `ListManagedPoliciesInPermissionSet`.
pub fn list_policies(cloud: &Cloud, request: &Request) -> ServiceResult {
    let set = find(cloud, request)?;
    let rows = set
        .managed_policies
        .iter()
        .filter(|arn| cloud.has_propagated(&format!("policy:{}:{arn}", set.arn), request.now))
        .map(|arn| json!({"Name": arn.rsplit('/').next(), "Arn": arn}))
        .collect();
    let scope = format!("ListManagedPoliciesInPermissionSet:{}", set.arn);
    paging::page(request.input, &scope, "AttachedManagedPolicies", 20, rows)
}

/// `DeletePermissionSet`. A permission set that is assigned or provisioned cannot be deleted.
pub fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let set = find(cloud, request)?;
    let arn = set.arn.clone();
    let is_assigned = cloud
        .assignments
        .iter()
        .any(|assignment| assignment.permission_set == arn);
    if is_assigned || cloud.roles.iter().any(|role| role.permission_set == arn) {
        return Err(Words::PermissionSetInUse.error(&[]));
    }
    cloud.permission_sets.retain(|set| set.arn != arn);
    Ok(json!({}))
}

/// Returns the permission set with the request's `PermissionSetArn`, once its creation has propagated.
pub fn find<'a>(cloud: &'a Cloud, request: &Request) -> Result<&'a PermissionSet, ServiceError> {
    instance_with_permission_sets(cloud, request)?;
    let arn = text(request.input, "PermissionSetArn");
    let visible_before = request.now - cloud.timing.propagation;
    cloud
        .permission_sets
        .iter()
        .find(|set| set.arn == arn && set.created <= visible_before)
        .ok_or_else(|| unknown(arn))
}

/// The error for a permission set that does not exist. It names the last part of the ARN only.
fn unknown(arn: &str) -> ServiceError {
    let id = arn.rsplit('/').next().unwrap_or(arn);
    Words::PermissionSetNotFound.error(&[("id", id)])
}

/// Like [`find`], but returns a mutable reference.
pub fn find_mut<'a>(cloud: &'a mut Cloud, request: &Request) -> Result<&'a mut PermissionSet, ServiceError> {
    let arn = find(cloud, request)?.arn.clone();
    let set = cloud.permission_sets.iter_mut().find(|set| set.arn == arn);
    set.ok_or_else(|| unknown(&arn))
}

/// Returns the permission sets of the instance with this ID.
fn of_instance<'a>(cloud: &'a Cloud, instance: &str) -> impl Iterator<Item = &'a PermissionSet> {
    let segment = format!("/{instance}/");
    cloud
        .permission_sets
        .iter()
        .filter(move |set| set.arn.contains(&segment))
}

/// Maximum number of managed policies of a permission set, AWS managed and customer managed together.
const MAX_POLICIES: usize = 20;

impl PermissionSet {
    /// Rejects another managed policy if there are as many as the quota allows.
    pub(super) fn require_room_for_a_policy(&self) -> Result<(), ServiceError> {
        if self.customer_policies.len() + self.managed_policies.len() < MAX_POLICIES {
            return Ok(());
        }
        let limit = MAX_POLICIES.to_string();
        Err(Words::TooManyPolicies.error(&[("limit", &limit), ("id", self.id())]))
    }
}

fn shape(set: &PermissionSet) -> Value {
    let mut shape = json!({
        "Name": set.name,
        "PermissionSetArn": set.arn,
        "CreatedDate": epoch(set.created),
        "SessionDuration": set.session_duration,
    });
    if let Some(description) = &set.description {
        shape["Description"] = json!(description);
    }
    if let Some(relay_state) = &set.relay_state {
        shape["RelayState"] = json!(relay_state);
    }
    shape
}

/// Returns the tags of a request, by key.
pub fn tags_of(tags: &Value) -> BTreeMap<String, String> {
    let rows = tags.as_array().into_iter().flatten();
    rows.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
        .collect()
}

/// Validates a session duration: between 1 and 12 hours.
fn check_duration(duration: &str) -> Result<(), ServiceError> {
    let hours = duration
        .parse::<jiff::Span>()
        .ok()
        .and_then(|span| span.total(jiff::Unit::Hour).ok());
    match hours {
        Some(hours) if (1.0..=12.0).contains(&hours) => Ok(()),
        _ => Err(ServiceError::new(
            "ValidationException",
            "Session duration must be between 1 hour and 12 hours.",
        )),
    }
}
