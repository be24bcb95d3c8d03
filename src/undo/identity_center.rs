//! The current state of resources that were created in Identity Center. A resource that someone else has started to use
//! is *changed*.

use aws_sdk_identitystore::types::MemberId;
use aws_sdk_ssoadmin::types::{AccountAssignment, PrincipalType};

use super::check::{Observation, unless_gone};
use super::permission_set;
use crate::aws::{AwsError, AwsErrorKind};
use crate::ids::{AccountId, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::progress::{Origin, Resource, ResourceId, ResourceKind};
use crate::steps::{Context, Instance, create_user};

const LIST_ASSIGNMENTS: &str = "sso:ListAccountAssignments";

/// The current state of a resource.
///
/// # Errors
/// When AWS does not answer.
pub async fn observation(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    match resource.kind {
        ResourceKind::AccountAssignment => assignment(context, instance, resource).await,
        ResourceKind::PermissionSet => permission_set::observation(context, instance, resource).await,
        ResourceKind::GroupMembership => membership(context, instance, resource).await,
        ResourceKind::Group => group(context, instance, resource).await,
        ResourceKind::User => user(context, instance, resource).await,
        _ => Ok(Observation::Gone),
    }
}

/// The principals that are assigned a permission set in an account.
///
/// # Errors
/// When AWS does not answer.
pub async fn principals(
    context: &Context,
    instance: &Instance,
    account: &AccountId,
    set: &PermissionSetArn,
) -> Result<Vec<Principal>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments()
        .instance_arn(&instance.arn)
        .account_id(account)
        .permission_set_arn(set)
        .into_paginator()
        .items()
        .send();
    let mut principals = Vec::new();
    while let Some(assignment) = pages.next().await {
        let assignment = assignment.map_err(|error| AwsError::of(LIST_ASSIGNMENTS, error));
        let Some(assignment) = unless_gone(assignment)? else {
            return Ok(Vec::new());
        };
        principals.push(principal(&assignment)?);
    }
    Ok(principals)
}

fn principal(assignment: &AccountAssignment) -> Result<Principal, AwsError> {
    let id = assignment.principal_id().unwrap_or_default();
    Ok(match &assignment.principal_type {
        Some(PrincipalType::User) => Principal::User(AwsError::require_id(LIST_ASSIGNMENTS, id)?),
        _ => Principal::Group(AwsError::require_id(LIST_ASSIGNMENTS, id)?),
    })
}

async fn assignment(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    let ResourceId::Assignment(key) = &resource.id else {
        return Ok(Observation::Gone);
    };
    let assigned = principals(context, instance, &key.account, &key.permission_set).await?;
    if !assigned.contains(&key.principal) {
        return Ok(Observation::Gone);
    }
    // Members that someone added to a group that we created depend on this assignment. The members of an existing group
    // had no access before it.
    if let Principal::Group(group) = &key.principal
        && created_ids(context, ResourceKind::Group).contains(&ResourceId::from(group))
    {
        let other = other_member(context, instance, group).await?;
        return Ok(other.map_or(Observation::Exists, |name| {
            Observation::Changed(format!("someone else has access through it: {name}"))
        }));
    }
    Ok(Observation::Exists)
}

/// The name of a group member whom we did not add.
async fn other_member(context: &Context, instance: &Instance, group: &GroupId) -> Result<Option<String>, AwsError> {
    let mut members = context
        .clients
        .identitystore(&instance.region)
        .list_group_memberships()
        .identity_store_id(&instance.store)
        .group_id(group)
        .into_paginator()
        .items()
        .send();
    let created = created_ids(context, ResourceKind::GroupMembership);
    while let Some(member) = members.next().await {
        let member = member.map_err(|error| AwsError::of("identitystore:ListGroupMemberships", error));
        let Some(member) = unless_gone(member)? else {
            return Ok(None);
        };
        let user = member.member_id.and_then(|member| member.as_user_id().ok().cloned());
        let user = AwsError::require_id("identitystore:ListGroupMemberships", &user.unwrap_or_default())?;
        let group = group.clone();
        let key = MembershipKey { group, user };
        if !created.contains(&ResourceId::from(key.clone())) {
            return Ok(Some(user_name(context, instance, key.user).await));
        }
    }
    Ok(None)
}

/// The name of a user; the id if the user cannot be read.
async fn user_name(context: &Context, instance: &Instance, id: UserId) -> String {
    let described = context
        .clients
        .identitystore(&instance.region)
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(&id)
        .send()
        .await;
    described
        .ok()
        .and_then(|user| user.user_name)
        .unwrap_or_else(|| id.into())
}

async fn membership(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    Ok(match membership_id(context, instance, resource).await? {
        Some(_) => Observation::Exists,
        None => Observation::Gone,
    })
}

/// The ID of a membership, which is required to delete it.
///
/// # Errors
/// When AWS does not answer.
pub async fn membership_id(
    context: &Context,
    instance: &Instance,
    resource: &Resource,
) -> Result<Option<String>, AwsError> {
    let ResourceId::Membership(key) = &resource.id else {
        return Ok(None);
    };
    let answer = context
        .clients
        .identitystore(&instance.region)
        .get_group_membership_id()
        .identity_store_id(&instance.store)
        .group_id(&key.group)
        .member_id(MemberId::UserId(key.user.to_string()))
        .send()
        .await
        .map_err(|error| AwsError::of("identitystore:GetGroupMembershipId", error));
    Ok(unless_gone(answer)?.map(|answer| answer.membership_id))
}

async fn group(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    if let Ok(group) = resource.id.single().parse()
        && let Some(name) = other_member(context, instance, &group).await?
    {
        return Ok(Observation::Changed(format!("it has another member: {name}")));
    }
    let described = context
        .clients
        .identitystore(&instance.region)
        .describe_group()
        .identity_store_id(&instance.store)
        .group_id(resource.id.single())
        .send()
        .await;
    let described = described.map_err(|error| AwsError::of("identitystore:DescribeGroup", error));
    Ok(match unless_gone(described)? {
        None => Observation::Gone,
        Some(group)
            if group
                .display_name
                .as_ref()
                .is_some_and(|name| *name != resource.name.single()) =>
        {
            Observation::Changed(format!("its name is now {}", group.display_name.unwrap_or_default()))
        }
        // It was created without a description.
        Some(group) if group.description.as_ref().is_some_and(|text| !text.is_empty()) => {
            Observation::Changed("it now has a description".to_owned())
        }
        Some(_) => assigned_by_others(context, instance, resource, PrincipalType::Group).await?,
    })
}

async fn user(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    let store = context.clients.identitystore(&instance.region);
    let described = store
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(resource.id.single())
        .send()
        .await;
    let described = described.map_err(|error| AwsError::of("identitystore:DescribeUser", error));
    match unless_gone(described)? {
        None => return Ok(Observation::Gone),
        Some(user)
            if user
                .user_name
                .as_ref()
                .is_some_and(|name| *name != resource.name.single()) =>
        {
            let name = user.user_name.unwrap_or_default();
            return Ok(Observation::Changed(format!("its name is now {name}")));
        }
        Some(user)
            if resource
                .text
                .as_ref()
                .is_some_and(|digest| *digest != create_user::digest_of(&user)) =>
        {
            return Ok(Observation::Changed("someone changed its attributes".to_owned()));
        }
        Some(_) => {}
    }
    let memberships = created_ids(context, ResourceKind::GroupMembership);
    let mut groups = store
        .list_group_memberships_for_member()
        .identity_store_id(&instance.store)
        .member_id(MemberId::UserId(resource.id.single().to_owned()))
        .into_paginator()
        .items()
        .send();
    while let Some(group) = groups.next().await {
        let group = group.map_err(|error| AwsError::of("identitystore:ListGroupMembershipsForMember", error))?;
        let group = group.group_id.unwrap_or_default();
        let is_created = |id: &ResourceId| matches!(id, ResourceId::Membership(key) if *key.group == group && *key.user == *resource.id.single());
        if !memberships.iter().any(is_created) {
            return Ok(Observation::Changed(format!(
                "it is a member of another group: {group}"
            )));
        }
    }
    assigned_by_others(context, instance, resource, PrincipalType::User).await
}

/// The ids of the created resources of a kind.
pub(super) fn created_ids(context: &Context, kind: ResourceKind) -> Vec<ResourceId> {
    context.progress.read(|record| {
        let resources = record.resources.iter();
        let created = resources.filter(|other| other.kind == kind && other.origin == Origin::Created);
        created.map(|other| other.id.clone()).collect()
    })
}

/// Whether someone else assigned a user or a group to an account or an application.
async fn assigned_by_others(
    context: &Context,
    instance: &Instance,
    principal: &Resource,
    kind: PrincipalType,
) -> Result<Observation, AwsError> {
    let assignments = created_ids(context, ResourceKind::AccountAssignment);
    let mut assigned = context
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(principal.id.single())
        .principal_type(kind.clone())
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = assigned.next().await {
        let assignment = assignment.map_err(|error| AwsError::of("sso:ListAccountAssignmentsForPrincipal", error))?;
        // An assignment that a user has through a group belongs to the group.
        let is_direct = assignment.principal_id.as_deref() == Some(principal.id.single());
        let (account, set) = (
            assignment.account_id.unwrap_or_default(),
            assignment.permission_set_arn.unwrap_or_default(),
        );
        let is_created = |id: &ResourceId| match id {
            ResourceId::Assignment(key) => {
                *key.account == account && *key.permission_set == set && key.principal.id() == principal.id.single()
            }
            _ => false,
        };
        if is_direct && !assignments.iter().any(is_created) {
            return Ok(Observation::Changed(format!(
                "someone assigned it to account {account}"
            )));
        }
    }
    let application = application_of(context, instance, principal, kind).await?;
    Ok(application.map_or(Observation::Exists, |application| {
        Observation::Changed(format!("someone assigned it to the application {application}"))
    }))
}

/// The ARN of an application that a user or a group is assigned to directly; Argo CD may depend on it. `None` if an
/// emulator does not support applications.
async fn application_of(
    context: &Context,
    instance: &Instance,
    principal: &Resource,
    kind: PrincipalType,
) -> Result<Option<String>, AwsError> {
    let mut assigned = context
        .clients
        .ssoadmin(&instance.region)
        .list_application_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(principal.id.single())
        .principal_type(kind)
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = assigned.next().await {
        match assignment.map_err(|error| AwsError::of("sso:ListApplicationAssignmentsForPrincipal", error)) {
            Ok(assignment) if assignment.principal_id.as_deref() == Some(principal.id.single()) => {
                return Ok(Some(assignment.application_arn.unwrap_or_default()));
            }
            Ok(_) => {}
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotImplemented => return Ok(None),
            Err(aws_error) => return Err(aws_error),
        }
    }
    Ok(None)
}
