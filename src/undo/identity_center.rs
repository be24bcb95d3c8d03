//! How what was made in Identity Center stands now: a thing that somebody else has come to use is *changed*.

use aws_sdk_ssoadmin::types::PrincipalType;

use super::look::{Observation, unless_gone};
use super::permission_set;
use crate::aws::{AwsError, AwsErrorKind};
use crate::progress::{Origin, Resource, ResourceKind};
use crate::steps::{Context, Instance, create_user};

/// How it stands.
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

/// Account, permission set and principal of an assignment's id.
pub fn parts(id: &str) -> Option<(&str, &str, &str)> {
    let (account, rest) = id.split_once('/')?;
    let (set, principal) = rest.rsplit_once('/')?;
    Some((account, set, principal))
}

/// Everybody who has a permission set in an account.
pub async fn principals(
    context: &Context,
    instance: &Instance,
    account: &str,
    set: &str,
) -> Result<Vec<(String, String)>, AwsError> {
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
    let mut found = Vec::new();
    while let Some(assignment) = pages.next().await {
        let assignment = assignment.map_err(|error| AwsError::of("sso:ListAccountAssignments", error));
        let Some(assignment) = unless_gone(assignment)? else {
            return Ok(Vec::new());
        };
        let kind = assignment.principal_type.map(|kind| kind.as_str().to_owned());
        found.push((kind.unwrap_or_default(), assignment.principal_id.unwrap_or_default()));
    }
    Ok(found)
}

async fn assignment(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    let Some((account, set, principal)) = parts(&resource.id) else {
        return Ok(Observation::Gone);
    };
    let found = principals(context, instance, account, set).await?;
    let Some((kind, _)) = found.iter().find(|(_, id)| id == principal) else {
        return Ok(Observation::Gone);
    };
    // Who has come into a group that we made stands on this; who was in one that was there had no access before it.
    let is_ours = ours(context, ResourceKind::Group)
        .iter()
        .any(|group| group == principal);
    if kind != PrincipalType::User.as_str() && is_ours {
        let other = other_member(context, instance, principal).await?;
        return Ok(other.map_or(Observation::There, |name| {
            Observation::Changed(format!("somebody else has come to have access by it: {name}"))
        }));
    }
    Ok(Observation::There)
}

/// Somebody in a group whom we have not put there, by name.
async fn other_member(context: &Context, instance: &Instance, group: &str) -> Result<Option<String>, AwsError> {
    let mut members = context
        .clients
        .identitystore(&instance.region)
        .list_group_memberships()
        .identity_store_id(&instance.store)
        .group_id(group)
        .into_paginator()
        .items()
        .send();
    let ours = ours(context, ResourceKind::GroupMembership);
    while let Some(member) = members.next().await {
        let member = member.map_err(|error| AwsError::of("identitystore:ListGroupMemberships", error));
        let Some(member) = unless_gone(member)? else {
            return Ok(None);
        };
        let user = member.member_id.and_then(|member| member.as_user_id().ok().cloned());
        let user = user.unwrap_or_default();
        if !ours.contains(&format!("{group}/{user}")) {
            return Ok(Some(user_name(context, instance, user).await));
        }
    }
    Ok(None)
}

/// As people call a user; the id where that cannot be found out.
async fn user_name(context: &Context, instance: &Instance, id: String) -> String {
    let described = context
        .clients
        .identitystore(&instance.region)
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(&id)
        .send()
        .await;
    described.ok().and_then(|user| user.user_name).unwrap_or(id)
}

/// Group and user of a membership's id.
pub fn group_and_user(id: &str) -> Option<(&str, &str)> {
    id.split_once('/')
}

async fn membership(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    Ok(match membership_id(context, instance, resource).await? {
        Some(_) => Observation::There,
        None => Observation::Gone,
    })
}

/// The membership's own id, by which it is deleted.
pub async fn membership_id(
    context: &Context,
    instance: &Instance,
    resource: &Resource,
) -> Result<Option<String>, AwsError> {
    let Some((group, user)) = group_and_user(&resource.id) else {
        return Ok(None);
    };
    let answer = context
        .clients
        .identitystore(&instance.region)
        .get_group_membership_id()
        .identity_store_id(&instance.store)
        .group_id(group)
        .member_id(aws_sdk_identitystore::types::MemberId::UserId(user.to_owned()))
        .send()
        .await
        .map_err(|error| AwsError::of("identitystore:GetGroupMembershipId", error));
    Ok(unless_gone(answer)?.map(|answer| answer.membership_id))
}

async fn group(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    if let Some(name) = other_member(context, instance, &resource.id).await? {
        return Ok(Observation::Changed(format!("somebody else is in it: {name}")));
    }
    let described = context
        .clients
        .identitystore(&instance.region)
        .describe_group()
        .identity_store_id(&instance.store)
        .group_id(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| AwsError::of("identitystore:DescribeGroup", error));
    Ok(match unless_gone(described)? {
        None => Observation::Gone,
        Some(group) if group.display_name.as_ref().is_some_and(|name| *name != resource.name) => {
            Observation::Changed(format!("it is called {} now", group.display_name.unwrap_or_default()))
        }
        // It was made without one.
        Some(group) if group.description.as_ref().is_some_and(|words| !words.is_empty()) => {
            Observation::Changed("it has a description now".to_owned())
        }
        Some(_) => assigned_by_others(context, instance, resource, PrincipalType::Group).await?,
    })
}

async fn user(context: &Context, instance: &Instance, resource: &Resource) -> Result<Observation, AwsError> {
    let store = context.clients.identitystore(&instance.region);
    let described = store
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| AwsError::of("identitystore:DescribeUser", error));
    match unless_gone(described)? {
        None => return Ok(Observation::Gone),
        Some(user) if user.user_name.as_ref().is_some_and(|name| *name != resource.name) => {
            let name = user.user_name.unwrap_or_default();
            return Ok(Observation::Changed(format!("it is called {name} now")));
        }
        Some(user)
            if resource
                .text
                .as_ref()
                .is_some_and(|made| *made != create_user::digest_of(&user)) =>
        {
            return Ok(Observation::Changed(
                "it does not say any more what it was made with".to_owned(),
            ));
        }
        Some(_) => {}
    }
    let memberships = ours(context, ResourceKind::GroupMembership);
    let mut groups = store
        .list_group_memberships_for_member()
        .identity_store_id(&instance.store)
        .member_id(aws_sdk_identitystore::types::MemberId::UserId(resource.id.clone()))
        .into_paginator()
        .items()
        .send();
    while let Some(group) = groups.next().await {
        let group = group.map_err(|error| AwsError::of("identitystore:ListGroupMembershipsForMember", error))?;
        let group = group.group_id.unwrap_or_default();
        if !memberships.contains(&format!("{group}/{}", resource.id)) {
            return Ok(Observation::Changed(format!(
                "somebody has put it into another group: {group}"
            )));
        }
    }
    assigned_by_others(context, instance, resource, PrincipalType::User).await
}

/// Ids of what was made.
pub(super) fn ours(context: &Context, kind: ResourceKind) -> Vec<String> {
    context.progress.read(|record| {
        let made = record.resources.iter();
        let made = made.filter(|other| other.kind == kind && other.origin == Origin::Created);
        made.map(|other| other.id.clone()).collect()
    })
}

/// Whether somebody else has given a user or a group access to an account or an application.
async fn assigned_by_others(
    context: &Context,
    instance: &Instance,
    principal: &Resource,
    kind: PrincipalType,
) -> Result<Observation, AwsError> {
    let assignments = ours(context, ResourceKind::AccountAssignment);
    let mut given = context
        .clients
        .ssoadmin(&instance.region)
        .list_account_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(&principal.id)
        .principal_type(kind.clone())
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = given.next().await {
        let assignment = assignment.map_err(|error| AwsError::of("sso:ListAccountAssignmentsForPrincipal", error))?;
        // What comes to a user through a group is the group's.
        let is_direct = assignment.principal_id.as_deref() == Some(principal.id.as_str());
        let (account, set) = (
            assignment.account_id.unwrap_or_default(),
            assignment.permission_set_arn.unwrap_or_default(),
        );
        if is_direct && !assignments.contains(&format!("{account}/{set}/{}", principal.id)) {
            return Ok(Observation::Changed(format!(
                "somebody has given it access to account {account}"
            )));
        }
    }
    let application = application_of(context, instance, principal, kind).await?;
    Ok(application.map_or(Observation::There, |application| {
        Observation::Changed(format!("somebody has given it the application {application}"))
    }))
}

/// An application that a user or a group may use itself, by its ARN: Argo CD may stand on it. An emulator that does not know
/// applications has none.
async fn application_of(
    context: &Context,
    instance: &Instance,
    principal: &Resource,
    kind: PrincipalType,
) -> Result<Option<String>, AwsError> {
    let mut given = context
        .clients
        .ssoadmin(&instance.region)
        .list_application_assignments_for_principal()
        .instance_arn(&instance.arn)
        .principal_id(&principal.id)
        .principal_type(kind)
        .into_paginator()
        .items()
        .send();
    while let Some(assignment) = given.next().await {
        match assignment.map_err(|error| AwsError::of("sso:ListApplicationAssignmentsForPrincipal", error)) {
            Ok(assignment) if assignment.principal_id.as_deref() == Some(principal.id.as_str()) => {
                return Ok(Some(assignment.application_arn.unwrap_or_default()));
            }
            Ok(_) => {}
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotThere => return Ok(None),
            Err(aws_error) => return Err(aws_error),
        }
    }
    Ok(None)
}
