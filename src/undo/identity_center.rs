//! How what was made in Identity Center stands now: a thing that somebody else has come to use is *changed*.

use aws_sdk_ssoadmin::types::PrincipalType;

use super::look::{Sight, unless_gone};
use super::permission_set;
use crate::aws::{Failure, FailureKind};
use crate::progress::{How, Resource, ResourceKind};
use crate::steps::{Instance, Setting, create_user};

/// How it stands.
pub async fn sight(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    match resource.kind {
        ResourceKind::AccountAssignment => assignment(setting, instance, resource).await,
        ResourceKind::PermissionSet => permission_set::sight(setting, instance, resource).await,
        ResourceKind::GroupMembership => membership(setting, instance, resource).await,
        ResourceKind::Group => group(setting, instance, resource).await,
        ResourceKind::User => user(setting, instance, resource).await,
        _ => Ok(Sight::Gone),
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
    setting: &Setting,
    instance: &Instance,
    account: &str,
    set: &str,
) -> Result<Vec<(String, String)>, Failure> {
    let mut pages = setting
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
        let assignment = assignment.map_err(|error| Failure::of("sso:ListAccountAssignments", error));
        let Some(assignment) = unless_gone(assignment)? else {
            return Ok(Vec::new());
        };
        let kind = assignment.principal_type.map(|kind| kind.as_str().to_owned());
        found.push((kind.unwrap_or_default(), assignment.principal_id.unwrap_or_default()));
    }
    Ok(found)
}

async fn assignment(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    let Some((account, set, principal)) = parts(&resource.id) else {
        return Ok(Sight::Gone);
    };
    let found = principals(setting, instance, account, set).await?;
    let Some((kind, _)) = found.iter().find(|(_, id)| id == principal) else {
        return Ok(Sight::Gone);
    };
    // Who has come into a group that we made stands on this; who was in one that was there had no access before it.
    let is_ours = ours(setting, ResourceKind::Group)
        .iter()
        .any(|group| group == principal);
    if kind != PrincipalType::User.as_str() && is_ours {
        let other = other_member(setting, instance, principal).await?;
        return Ok(other.map_or(Sight::There, |name| {
            Sight::Changed(format!("somebody else has come to have access by it: {name}"))
        }));
    }
    Ok(Sight::There)
}

/// Somebody in a group whom we have not put there, by name.
async fn other_member(setting: &Setting, instance: &Instance, group: &str) -> Result<Option<String>, Failure> {
    let mut members = setting
        .clients
        .identitystore(&instance.region)
        .list_group_memberships()
        .identity_store_id(&instance.store)
        .group_id(group)
        .into_paginator()
        .items()
        .send();
    let ours = ours(setting, ResourceKind::GroupMembership);
    while let Some(member) = members.next().await {
        let member = member.map_err(|error| Failure::of("identitystore:ListGroupMemberships", error));
        let Some(member) = unless_gone(member)? else {
            return Ok(None);
        };
        let user = member.member_id.and_then(|member| member.as_user_id().ok().cloned());
        let user = user.unwrap_or_default();
        if !ours.contains(&format!("{group}/{user}")) {
            return Ok(Some(user_name(setting, instance, user).await));
        }
    }
    Ok(None)
}

/// As people call a user; the id where that cannot be found out.
async fn user_name(setting: &Setting, instance: &Instance, id: String) -> String {
    let described = setting
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

async fn membership(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    Ok(match membership_id(setting, instance, resource).await? {
        Some(_) => Sight::There,
        None => Sight::Gone,
    })
}

/// The membership's own id, by which it is deleted.
pub async fn membership_id(
    setting: &Setting,
    instance: &Instance,
    resource: &Resource,
) -> Result<Option<String>, Failure> {
    let Some((group, user)) = group_and_user(&resource.id) else {
        return Ok(None);
    };
    let answer = setting
        .clients
        .identitystore(&instance.region)
        .get_group_membership_id()
        .identity_store_id(&instance.store)
        .group_id(group)
        .member_id(aws_sdk_identitystore::types::MemberId::UserId(user.to_owned()))
        .send()
        .await
        .map_err(|error| Failure::of("identitystore:GetGroupMembershipId", error));
    Ok(unless_gone(answer)?.map(|answer| answer.membership_id))
}

async fn group(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    if let Some(name) = other_member(setting, instance, &resource.id).await? {
        return Ok(Sight::Changed(format!("somebody else is in it: {name}")));
    }
    let described = setting
        .clients
        .identitystore(&instance.region)
        .describe_group()
        .identity_store_id(&instance.store)
        .group_id(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| Failure::of("identitystore:DescribeGroup", error));
    Ok(match unless_gone(described)? {
        None => Sight::Gone,
        Some(group) if group.display_name.as_ref().is_some_and(|name| *name != resource.name) => {
            Sight::Changed(format!("it is called {} now", group.display_name.unwrap_or_default()))
        }
        // It was made without one.
        Some(group) if group.description.as_ref().is_some_and(|words| !words.is_empty()) => {
            Sight::Changed("it has a description now".to_owned())
        }
        Some(_) => assigned_by_others(setting, instance, resource, PrincipalType::Group).await?,
    })
}

async fn user(setting: &Setting, instance: &Instance, resource: &Resource) -> Result<Sight, Failure> {
    let store = setting.clients.identitystore(&instance.region);
    let described = store
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(&resource.id)
        .send()
        .await;
    let described = described.map_err(|error| Failure::of("identitystore:DescribeUser", error));
    match unless_gone(described)? {
        None => return Ok(Sight::Gone),
        Some(user) if user.user_name.as_ref().is_some_and(|name| *name != resource.name) => {
            let name = user.user_name.unwrap_or_default();
            return Ok(Sight::Changed(format!("it is called {name} now")));
        }
        Some(user)
            if resource
                .text
                .as_ref()
                .is_some_and(|made| *made != create_user::digest_of(&user)) =>
        {
            return Ok(Sight::Changed(
                "it does not say any more what it was made with".to_owned(),
            ));
        }
        Some(_) => {}
    }
    let memberships = ours(setting, ResourceKind::GroupMembership);
    let mut groups = store
        .list_group_memberships_for_member()
        .identity_store_id(&instance.store)
        .member_id(aws_sdk_identitystore::types::MemberId::UserId(resource.id.clone()))
        .into_paginator()
        .items()
        .send();
    while let Some(group) = groups.next().await {
        let group = group.map_err(|error| Failure::of("identitystore:ListGroupMembershipsForMember", error))?;
        let group = group.group_id.unwrap_or_default();
        if !memberships.contains(&format!("{group}/{}", resource.id)) {
            return Ok(Sight::Changed(format!(
                "somebody has put it into another group: {group}"
            )));
        }
    }
    assigned_by_others(setting, instance, resource, PrincipalType::User).await
}

/// Ids of what was made.
pub(super) fn ours(setting: &Setting, kind: ResourceKind) -> Vec<String> {
    setting.progress.read(|record| {
        let made = record.resources.iter();
        let made = made.filter(|other| other.kind == kind && other.how == How::Made);
        made.map(|other| other.id.clone()).collect()
    })
}

/// Whether somebody else has given a user or a group access to an account or an application.
async fn assigned_by_others(
    setting: &Setting,
    instance: &Instance,
    principal: &Resource,
    kind: PrincipalType,
) -> Result<Sight, Failure> {
    let assignments = ours(setting, ResourceKind::AccountAssignment);
    let mut given = setting
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
        let assignment = assignment.map_err(|error| Failure::of("sso:ListAccountAssignmentsForPrincipal", error))?;
        // What comes to a user through a group is the group's.
        let is_direct = assignment.principal_id.as_deref() == Some(principal.id.as_str());
        let (account, set) = (
            assignment.account_id.unwrap_or_default(),
            assignment.permission_set_arn.unwrap_or_default(),
        );
        if is_direct && !assignments.contains(&format!("{account}/{set}/{}", principal.id)) {
            return Ok(Sight::Changed(format!(
                "somebody has given it access to account {account}"
            )));
        }
    }
    let application = application_of(setting, instance, principal, kind).await?;
    Ok(application.map_or(Sight::There, |application| {
        Sight::Changed(format!("somebody has given it the application {application}"))
    }))
}

/// An application that a user or a group may use itself, by its ARN: Argo CD may stand on it. An emulator that does not know
/// applications has none.
async fn application_of(
    setting: &Setting,
    instance: &Instance,
    principal: &Resource,
    kind: PrincipalType,
) -> Result<Option<String>, Failure> {
    let mut given = setting
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
        match assignment.map_err(|error| Failure::of("sso:ListApplicationAssignmentsForPrincipal", error)) {
            Ok(assignment) if assignment.principal_id.as_deref() == Some(principal.id.as_str()) => {
                return Ok(Some(assignment.application_arn.unwrap_or_default()));
            }
            Ok(_) => {}
            Err(failure) if failure.kind == FailureKind::NotThere => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
    Ok(None)
}
