//! A group in the identity store.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_identitystore::operation::describe_group::DescribeGroupOutput;
use aws_smithy_types::Document;

use super::{attribute, inventory, membership, principal, user};
use crate::aws::{AwsError, Permission, timestamp, unless_gone};
use crate::ids::{GroupId, Principal};
use crate::progress::{Entry, Origin, ResourceKind, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, Creation, Deletion, Error, Instance, Resource, StepInfo,
};
use crate::shell::quoted;
use crate::user_error::UserError;

/// What creating a group needs.
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("identitystore:GetGroupId"),
    Permission::look("identitystore:DescribeGroup"),
    Permission::change("identitystore:CreateGroup"),
];

/// What undo needs.
pub const UNDO_PERMISSIONS: &[Permission] = &[Permission::change("identitystore:DeleteGroup")];

/// What reading all groups needs.
pub const LIST_PERMISSIONS: &[Permission] = &[Permission::look("identitystore:ListGroups")];

/// What changing groups in place needs.
pub const UPDATE_PERMISSIONS: &[Permission] = &[Permission::change("identitystore:UpdateGroup")];

/// Finds a group by its name.
///
/// # Errors
/// When AWS does not answer.
pub async fn find(context: &Context, instance: &Instance, name: &str) -> Result<Option<GroupId>, AwsError> {
    const OPERATION: &str = "identitystore:GetGroupId";
    let answer = context
        .clients
        .identitystore(&instance.region)
        .get_group_id()
        .identity_store_id(&instance.store)
        .alternate_identifier(attribute::identifier(OPERATION, "displayName", name)?)
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error));
    let answer = unless_gone(answer)?;
    answer
        .map(|answer| AwsError::require_id(OPERATION, &answer.group_id))
        .transpose()
}

async fn describe(
    context: &Context,
    instance: &Instance,
    id: &GroupId,
) -> Result<Option<DescribeGroupOutput>, AwsError> {
    let answer = context
        .clients
        .identitystore(&instance.region)
        .describe_group()
        .identity_store_id(&instance.store)
        .group_id(id)
        .send()
        .await;
    unless_gone(answer.map_err(|error| AwsError::of("identitystore:DescribeGroup", error)))
}

/// Reads a group; `None` if it does not exist.
///
/// # Errors
/// When AWS does not answer.
pub async fn read(context: &Context, instance: &Instance, id: &GroupId) -> Result<Option<inventory::Group>, AwsError> {
    let group = describe(context, instance, id).await?;
    Ok(group.map(|group| inventory::Group {
        is_external: !group.external_ids().is_empty(),
        name: group.display_name.unwrap_or_default(),
        description: group.description.filter(|text| !text.is_empty()),
    }))
}

/// Determines and records the origin of an existing group.
///
/// # Errors
/// When the group cannot be read, or the origin cannot be saved.
pub async fn settle(context: &Context, instance: &Instance, name: &str, id: &GroupId) -> Result<Entry, Error> {
    let creation = async || {
        let group = describe(context, instance, id).await?;
        Ok(group.map(|group| Creation {
            at: timestamp(group.created_at),
            by: group.created_by,
        }))
    };
    context.settle_origin(ResourceKind::Group, name, id, creation).await
}

/// The change that creates a group.
pub fn creation(context: &Context, name: &str) -> Change {
    Change {
        verb: Verb::Create,
        kind: ResourceKind::Group,
        name: name.into(),
        field: None,
        sentence: format!("Create the group {name} in the Identity Center directory."),
        command: format!(
            "aws identitystore create-group {} --display-name {}",
            context.cli_options().store,
            quoted(name)
        ),
        consent: Consent::Reversible,
    }
}

/// Creates a group and records it. `None` if it exists for another reason; the next check determines its origin.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn make(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    change: &Change,
) -> Result<Option<GroupId>, UserError> {
    let name = change.name.single();
    let attempt = |_| create(context, instance, name, None);
    let look = || find(context, instance, name);
    let Some((id, _)) = context.make(info, change, attempt, look).await? else {
        return Ok(None);
    };
    let entry = Entry::new(Origin::Created, change.kind, &change.name, &id);
    context.settle(change.verb, change.kind, &change.name, Some(entry))?;
    Ok(Some(id))
}

/// All groups of the identity store.
///
/// # Errors
/// When AWS does not answer.
pub async fn list(context: &Context, instance: &Instance) -> Result<BTreeMap<GroupId, inventory::Group>, AwsError> {
    const OPERATION: &str = "identitystore:ListGroups";
    let mut pages = context
        .clients
        .identitystore(&instance.region)
        .list_groups()
        .identity_store_id(&instance.store)
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut groups = BTreeMap::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| AwsError::of(OPERATION, error))?;
        let described = inventory::Group {
            is_external: !group.external_ids().is_empty(),
            name: group.display_name.unwrap_or_default(),
            description: group.description.filter(|text| !text.is_empty()),
        };
        groups.insert(AwsError::require_id(OPERATION, &group.group_id)?, described);
    }
    Ok(groups)
}

/// Sets attributes of a group, by their paths in the API: `displayName` and `description`.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn update(
    context: &Context,
    instance: &Instance,
    id: &GroupId,
    attributes: &[(&str, &str)],
) -> Result<(), AwsError> {
    const OPERATION: &str = "identitystore:UpdateGroup";
    let operations = attributes
        .iter()
        .map(|(path, value)| attribute::set(OPERATION, path, Document::String((*value).to_owned())));
    context
        .clients
        .identitystore_once(&instance.region)
        .update_group()
        .identity_store_id(&instance.store)
        .group_id(id)
        .set_operations(Some(operations.collect::<Result<_, _>>()?))
        .send()
        .await
        .map(|_| ())
        .map_err(|error| AwsError::of(OPERATION, error))
}

/// Deletes a group, with a single attempt. A group that does not exist is no error.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn delete(context: &Context, instance: &Instance, id: &GroupId) -> Result<(), AwsError> {
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .delete_group()
        .identity_store_id(&instance.store)
        .group_id(id)
        .send()
        .await;
    unless_gone(answer.map_err(|error| AwsError::of("identitystore:DeleteGroup", error)))?;
    Ok(())
}

/// Creates a group, with a single attempt.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn create(
    context: &Context,
    instance: &Instance,
    name: &str,
    description: Option<&str>,
) -> Result<GroupId, AwsError> {
    const OPERATION: &str = "identitystore:CreateGroup";
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .create_group()
        .identity_store_id(&instance.store)
        .display_name(name)
        .set_description(description.map(str::to_owned))
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error))?;
    AwsError::require_id(OPERATION, &answer.group_id)
}

/// The kind.
pub struct Group;

#[async_trait(?Send)]
impl Resource for Group {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Group
    }

    fn step(&self) -> &'static str {
        "create-group"
    }

    fn branch(&self) -> Branch {
        Branch::IdentityCenter
    }

    /// A group that someone else uses is *changed*: it has another member, or is assigned elsewhere.
    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let instance = context.known_instance().await?;
        let Ok(id) = entry.id.single().parse::<GroupId>() else {
            return Ok(Condition::Gone);
        };
        if let Some(other) = membership::other_member(context, &instance, &id).await? {
            let name = user::name_of(context, &instance, &other).await;
            return Ok(Condition::Changed(format!("it has another member: {name}")));
        }
        let Some(group) = describe(context, &instance, &id).await? else {
            return Ok(Condition::Gone);
        };
        if let Some(name) = group.display_name.filter(|name| *name != entry.name.single()) {
            return Ok(Condition::Changed(format!("its name is now {name}")));
        }
        // It was created without a description.
        if group.description.is_some_and(|text| !text.is_empty()) {
            return Ok(Condition::Changed("it now has a description".to_owned()));
        }
        let other = principal::other_use(context, &instance, &Principal::Group(id)).await?;
        Ok(Condition::of_change(other))
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        let instance = context.known_instance().await?;
        if let Ok(id) = entry.id.single().parse() {
            delete(context, &instance, &id).await?;
        }
        Ok(Deletion::Deleted)
    }

    fn delete_manually(&self, context: &Context, entry: &Entry) -> Manually {
        let store = context.cli_options().store;
        Manually::Command(format!(
            "aws identitystore delete-group {store} --group-id {}",
            entry.id
        ))
    }
}
