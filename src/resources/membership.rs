//! The membership of a user in a group of the identity store.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_identitystore::types::MemberId;

use crate::aws::{AwsError, Permission, timestamp, unless_gone};
use crate::ids::{GroupId, MembershipId, MembershipKey, UserId};
use crate::progress::{Entry, Origin, ResourceId, ResourceKind, ResourceName, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, Creation, Deletion, Error, Instance, Resource, StepInfo,
};
use crate::user_error::UserError;

/// What creating a membership needs.
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("identitystore:IsMemberInGroups"),
    Permission::look("identitystore:GetGroupMembershipId"),
    Permission::look("identitystore:DescribeGroupMembership"),
    Permission::change("identitystore:CreateGroupMembership"),
];

/// What undo needs, also to find other members of a group.
pub const UNDO_PERMISSIONS: &[Permission] = &[
    Permission::look("identitystore:ListGroupMemberships"),
    Permission::look("identitystore:ListGroupMembershipsForMember"),
    Permission::change("identitystore:DeleteGroupMembership"),
];

/// Whether the user is in the group.
///
/// # Errors
/// When AWS does not answer.
pub async fn exists(context: &Context, instance: &Instance, key: &MembershipKey) -> Result<bool, AwsError> {
    let answer = context
        .clients
        .identitystore(&instance.region)
        .is_member_in_groups()
        .identity_store_id(&instance.store)
        .member_id(MemberId::UserId(key.user.to_string()))
        .group_ids(&key.group)
        .send()
        .await
        .map_err(|error| AwsError::of("identitystore:IsMemberInGroups", error));
    let answer = unless_gone(answer)?;
    Ok(answer.is_some_and(|answer| answer.results().iter().any(|result| result.membership_exists)))
}

/// The ID of a membership, if it exists.
///
/// # Errors
/// When AWS does not answer.
pub async fn find(
    context: &Context,
    instance: &Instance,
    key: &MembershipKey,
) -> Result<Option<MembershipId>, AwsError> {
    const OPERATION: &str = "identitystore:GetGroupMembershipId";
    let answer = context
        .clients
        .identitystore(&instance.region)
        .get_group_membership_id()
        .identity_store_id(&instance.store)
        .group_id(&key.group)
        .member_id(MemberId::UserId(key.user.to_string()))
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error));
    let answer = unless_gone(answer)?;
    answer
        .map(|answer| AwsError::require_id(OPERATION, &answer.membership_id))
        .transpose()
}

/// The memberships of a group.
///
/// # Errors
/// When AWS does not answer.
pub async fn of_group(
    context: &Context,
    instance: &Instance,
    group: &GroupId,
) -> Result<BTreeMap<MembershipKey, MembershipId>, AwsError> {
    const OPERATION: &str = "identitystore:ListGroupMemberships";
    let mut pages = context
        .clients
        .identitystore(&instance.region)
        .list_group_memberships()
        .identity_store_id(&instance.store)
        .group_id(group)
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut memberships = BTreeMap::new();
    while let Some(membership) = pages.next().await {
        let Some(membership) = unless_gone(membership.map_err(|error| AwsError::of(OPERATION, error)))? else {
            break;
        };
        let user = membership
            .member_id
            .as_ref()
            .and_then(|member| member.as_user_id().ok());
        let user = AwsError::require_id(OPERATION, user.map_or("", String::as_str))?;
        let id = AwsError::require_id(OPERATION, &membership.membership_id)?;
        let group = group.clone();
        memberships.insert(MembershipKey { group, user }, id);
    }
    Ok(memberships)
}

/// The memberships of a user.
///
/// # Errors
/// When AWS does not answer.
pub async fn of_user(
    context: &Context,
    instance: &Instance,
    user: &UserId,
) -> Result<BTreeMap<MembershipKey, MembershipId>, AwsError> {
    const OPERATION: &str = "identitystore:ListGroupMembershipsForMember";
    let mut pages = context
        .clients
        .identitystore(&instance.region)
        .list_group_memberships_for_member()
        .identity_store_id(&instance.store)
        .member_id(MemberId::UserId(user.to_string()))
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut memberships = BTreeMap::new();
    while let Some(membership) = pages.next().await {
        let membership = membership.map_err(|error| AwsError::of(OPERATION, error))?;
        let group = AwsError::require_id(OPERATION, membership.group_id.as_deref().unwrap_or_default())?;
        let id = AwsError::require_id(OPERATION, &membership.membership_id)?;
        let user = user.clone();
        memberships.insert(MembershipKey { group, user }, id);
    }
    Ok(memberships)
}

/// Deletes a membership, with a single attempt. A membership that does not exist is no error.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn delete(context: &Context, instance: &Instance, id: &MembershipId) -> Result<(), AwsError> {
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .delete_group_membership()
        .identity_store_id(&instance.store)
        .membership_id(id)
        .send()
        .await;
    unless_gone(answer.map_err(|error| AwsError::of("identitystore:DeleteGroupMembership", error)))?;
    Ok(())
}

/// Determines and records the origin of an existing membership.
///
/// # Errors
/// When the membership cannot be read, or the origin cannot be saved.
pub async fn settle(
    context: &Context,
    instance: &Instance,
    name: &ResourceName,
    key: &MembershipKey,
) -> Result<Entry, Error> {
    let creation = async || {
        let Some(id) = find(context, instance, key).await? else {
            return Ok(None);
        };
        let answer = context
            .clients
            .identitystore(&instance.region)
            .describe_group_membership()
            .identity_store_id(&instance.store)
            .membership_id(id)
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:DescribeGroupMembership", error))?;
        Ok(Some(Creation {
            at: timestamp(answer.created_at),
            by: answer.created_by,
        }))
    };
    let kind = ResourceKind::GroupMembership;
    context.settle_origin(kind, name, key.clone(), creation).await
}

/// The change that adds a user to a group. The IDs are known if the group and the user exist.
pub fn creation(context: &Context, name: ResourceName, group: Option<&GroupId>, user: Option<&UserId>) -> Change {
    let (group_name, user_name) = match &name {
        ResourceName::Membership { group, user } => (group.clone(), user.clone()),
        other => (other.to_string(), String::new()),
    };
    Change {
        verb: Verb::Create,
        kind: ResourceKind::GroupMembership,
        name,
        field: None,
        sentence: format!("Add the user {user_name} to the group {group_name}."),
        command: format!(
            "aws identitystore create-group-membership {} --group-id {} --member-id UserId={}",
            context.cli_options().store,
            group.map_or("GROUP_ID", |id| id),
            user.map_or("USER_ID", |id| id)
        ),
        consent: Consent::Reversible,
    }
}

/// Adds a user to a group and records the membership. `false` if it exists for another reason; the next check determines
/// its origin.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn make(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    key: &MembershipKey,
    change: &Change,
) -> Result<bool, UserError> {
    let attempt = |_| create(context, instance, key);
    let look = || find(context, instance, key);
    let created = context.make(info, change, attempt, look).await?;
    if created.is_some() {
        let entry = Entry::new(Origin::Created, change.kind, &change.name, key.clone());
        context.settle(change.verb, change.kind, &change.name, Some(entry))?;
    }
    Ok(created.is_some())
}

/// Adds a user to a group, with a single attempt.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn create(context: &Context, instance: &Instance, key: &MembershipKey) -> Result<MembershipId, AwsError> {
    const OPERATION: &str = "identitystore:CreateGroupMembership";
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .create_group_membership()
        .identity_store_id(&instance.store)
        .group_id(&key.group)
        .member_id(MemberId::UserId(key.user.to_string()))
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error))?;
    AwsError::require_id(OPERATION, &answer.membership_id)
}

/// A group member that this program did not add.
///
/// # Errors
/// When AWS does not answer.
pub async fn other_member(context: &Context, instance: &Instance, group: &GroupId) -> Result<Option<UserId>, AwsError> {
    let created = context.created_ids(ResourceKind::GroupMembership);
    let members = of_group(context, instance, group).await?.into_keys();
    let mut others = members.filter(|key| !created.contains(&ResourceId::from(key.clone())));
    Ok(others.next().map(|key| key.user))
}

/// The ID of a group that this program did not add the user to.
///
/// # Errors
/// When AWS does not answer.
pub async fn other_group(context: &Context, instance: &Instance, user: &UserId) -> Result<Option<GroupId>, AwsError> {
    let created = context.created_ids(ResourceKind::GroupMembership);
    let groups = of_user(context, instance, user).await?.into_keys();
    let mut others = groups.filter(|key| !created.contains(&ResourceId::from(key.clone())));
    Ok(others.next().map(|key| key.group))
}

/// The kind.
pub struct Membership;

#[async_trait(?Send)]
impl Resource for Membership {
    fn kind(&self) -> ResourceKind {
        ResourceKind::GroupMembership
    }

    fn step(&self) -> &'static str {
        "create-group"
    }

    fn branch(&self) -> Branch {
        Branch::IdentityCenter
    }

    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let instance = context.known_instance().await?;
        let ResourceId::Membership(key) = &entry.id else {
            return Ok(Condition::Gone);
        };
        let id = find(context, &instance, key).await?;
        Ok(id.map_or(Condition::Gone, |_| Condition::Exists))
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        let instance = context.known_instance().await?;
        let ResourceId::Membership(key) = &entry.id else {
            return Ok(Deletion::Deleted);
        };
        let Some(id) = find(context, &instance, key).await? else {
            return Ok(Deletion::Deleted);
        };
        delete(context, &instance, &id).await?;
        Ok(Deletion::Deleted)
    }

    fn delete_manually(&self, context: &Context, entry: &Entry) -> Manually {
        let ResourceId::Membership(MembershipKey { group, user }) = &entry.id else {
            return Manually::Steps(String::new());
        };
        let store = context.cli_options().store;
        Manually::Command(format!(
            "aws identitystore delete-group-membership {store} --membership-id \"$(aws identitystore \
             get-group-membership-id {store} --group-id {group} --member-id UserId={user} --query MembershipId \
             --output text)\""
        ))
    }
}
