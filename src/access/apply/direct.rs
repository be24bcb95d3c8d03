//! The changes that AWS completes at once: users, groups, memberships and permission sets.

use crate::access::attributes;
use crate::access::live::INFO;
use crate::access::plan::{Action, Attribute, AttributeChange, Change};
use crate::aws::{AwsError, AwsErrorKind};
use crate::ids::{GroupId, PermissionSetArn, UserId};
use crate::next_step::SetupCommand;
use crate::progress::Setting;
use crate::reconcile::{CreateResult, FieldChange, create, repeat, rerun, step_error};
use crate::resources::inventory::ACCESS_TAG;
use crate::resources::permission_set::{self, Parts, PermissionSetSpec};
use crate::resources::user::UserSpec;
use crate::resources::{group, membership, user};
use crate::user_error::UserError;

use super::provisioning::provision;
use super::shared::{Shared, missing};

/// Makes a change.
///
/// # Errors
/// When AWS refuses, or does not answer after all retries. [`UserError::interrupted`] if a stop was requested before everything
/// was provisioned.
pub async fn make(shared: &Shared<'_>, change: &Change) -> Result<(), UserError> {
    let (context, instance, timing) = (shared.context, shared.instance, shared.context.timing);
    match &change.action {
        Action::CreateUser(spec) => create_user(shared, spec).await,
        Action::UpdateUser { id, name, changes } => {
            update_user(shared, id, changes).await?;
            let mut ids = shared.ids.borrow_mut();
            ids.users.remove(name);
            ids.users.insert(new_name(changes, name), id.clone());
            Ok(())
        }
        Action::CreateGroup { name, description } => create_group(shared, name, description.as_deref()).await,
        Action::UpdateGroup { id, name, changes } => {
            update_group(shared, id, changes).await?;
            let mut ids = shared.ids.borrow_mut();
            ids.groups.remove(name);
            ids.groups.insert(new_name(changes, name), id.clone());
            Ok(())
        }
        Action::AddMember { group, user } => add_member(shared, group, user).await,
        Action::CreatePermissionSet(spec) => create_set(shared, spec).await,
        Action::UpdatePermissionSet {
            arn,
            name,
            changes,
            provision_in,
            ..
        } => {
            update_set(shared, arn, changes).await?;
            shared.updated.borrow_mut().push(name.clone());
            shared.outstanding.notify();
            if changes.contains(&FieldChange::Provision) {
                provision(shared, arn, provision_in.as_ref()).await?;
            }
            Ok(())
        }
        Action::RemoveMember { id, .. } => {
            let delete = || membership::delete(context, instance, id);
            repeat(timing, delete).await.map_err(rerun(&INFO))
        }
        Action::DeletePermissionSet { arn, .. } => {
            let delete = || permission_set::delete(context, instance, arn);
            repeat(timing, delete).await.map_err(rerun(&INFO))
        }
        Action::DeleteGroup { id, .. } => {
            let delete = || group::delete(context, instance, id);
            repeat(timing, delete).await.map_err(rerun(&INFO))
        }
        Action::DeleteUser { id, .. } => {
            let delete = || user::delete(context, instance, id);
            repeat(timing, delete).await.map_err(rerun(&INFO))
        }
        // `requests` makes these.
        Action::CreateAssignment(_) | Action::DeleteAssignment { .. } => Ok(()),
    }
}

async fn create_user(shared: &Shared<'_>, spec: &UserSpec) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let attempt = || user::create(context, instance, spec);
    // Only a user with this name is the same one. A conflict because of the email address is an error.
    let look = || user::find_id(context, instance, &spec.name, "");
    let result = create(context.timing, attempt, look).await.result;
    let id = match result.map_err(rerun(&INFO))? {
        CreateResult::Created(id) => id,
        CreateResult::Existing(id) | CreateResult::Undecided(id) => {
            let user = user::describe(context, instance, &id).await.map_err(rerun(&INFO))?;
            let user = user.into_listed();
            let changes = attributes::of_new_user(&user, spec);
            if user.is_external && !changes.is_empty() {
                return Err(managed_elsewhere("user", &spec.name, &changes));
            }
            if !changes.is_empty() {
                update_user(shared, &id, &changes).await?;
            }
            id
        }
    };
    shared.ids.borrow_mut().users.insert(spec.name.clone(), id);
    Ok(())
}

async fn update_user(shared: &Shared<'_>, id: &UserId, changes: &[AttributeChange]) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let values = values(changes, user_path);
    let update = || user::update(context, instance, id, &values);
    repeat(context.timing, update).await.map_err(rerun(&INFO))
}

async fn create_group(shared: &Shared<'_>, name: &str, description: Option<&str>) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let attempt = || group::create(context, instance, name, description);
    let look = || group::find(context, instance, name);
    let result = create(context.timing, attempt, look).await.result;
    let id = match result.map_err(rerun(&INFO))? {
        CreateResult::Created(id) => id,
        CreateResult::Existing(id) | CreateResult::Undecided(id) => {
            let group = group::read(context, instance, &id).await.map_err(rerun(&INFO))?;
            let group = group.ok_or_else(|| missing(&format!("the group {name}")))?;
            let changes = attributes::of_group(&group, name, description);
            if group.is_external && !changes.is_empty() {
                return Err(managed_elsewhere("group", name, &changes));
            }
            if !changes.is_empty() {
                update_group(shared, &id, &changes).await?;
            }
            id
        }
    };
    shared.ids.borrow_mut().groups.insert(name.to_owned(), id);
    Ok(())
}

async fn update_group(shared: &Shared<'_>, id: &GroupId, changes: &[AttributeChange]) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let values = values(changes, group_path);
    let update = || group::update(context, instance, id, &values);
    repeat(context.timing, update).await.map_err(rerun(&INFO))
}

/// The error for what an external identity provider created in the meantime, and not as the file says. A plan refuses to
/// change it, too.
fn managed_elsewhere(kind: &str, name: &str, changes: &[AttributeChange]) -> UserError {
    let differing = changes.iter().map(|change| attributes::text(change.attribute));
    let differing: Vec<&str> = differing.collect();
    UserError::failed(
        format!(
            "{}: an external identity provider created the {kind} {name} in the meantime, but with a different {}.",
            INFO.name(),
            differing.join(", ")
        ),
        SetupCommand::again().after("correct the difference at the identity provider, or in the access file"),
    )
}

/// The error for a permission set that somebody else created in the meantime.
fn created_by_others(name: &str) -> UserError {
    UserError::failed(
        format!(
            "{}: someone else created the permission set {name} in the meantime, so it was not changed.",
            INFO.name()
        ),
        SetupCommand::again(),
    )
}

async fn add_member(shared: &Shared<'_>, group: &str, user: &str) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let key = shared.ids.borrow().membership(group, user);
    let key = key.ok_or_else(|| missing(&format!("the group {group} or the user {user}")))?;
    let attempt = || membership::create(context, instance, &key);
    let look = || membership::find(context, instance, &key);
    // It does not matter who added the member: nothing about a membership can differ.
    create(context.timing, attempt, look)
        .await
        .result
        .map(|_| ())
        .map_err(rerun(&INFO))
}

async fn create_set(shared: &Shared<'_>, spec: &PermissionSetSpec) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let attempt = || permission_set::create_once(context, instance, spec, None);
    let look = || async {
        Ok(permission_set::find(context, instance, &spec.name)
            .await?
            .map(|set| set.arn))
    };
    let result = create(context.timing, attempt, look).await.result;
    let (arn, changes) = match result.map_err(rerun(&INFO))? {
        CreateResult::Created(arn) => (arn, spec.after_creation()),
        CreateResult::Existing(arn) | CreateResult::Undecided(arn) => {
            let changes = changes_of_own(shared, spec, &arn).await?;
            (arn, changes)
        }
    };
    shared
        .ids
        .borrow_mut()
        .permission_sets
        .insert(spec.name.clone(), arn.clone());
    update_set(shared, &arn, &changes).await
}

/// What differs in a permission set that an attempt without a response created, or another apply of the same file.
async fn changes_of_own(
    shared: &Shared<'_>,
    spec: &PermissionSetSpec,
    arn: &PermissionSetArn,
) -> Result<Vec<FieldChange>, UserError> {
    let (context, instance) = (shared.context, shared.instance);
    let set = permission_set::describe_with_parts(context, instance, arn, Parts::ALL).await;
    let set = set
        .map_err(rerun(&INFO))?
        .ok_or_else(|| missing("the permission set"))?;
    let settings = set.settings;
    let tag = Setting::Tag(ACCESS_TAG.to_owned());
    let owner = spec.tags.as_ref().and_then(|tags| tags.get(ACCESS_TAG));
    if settings.get(&tag).cloned().flatten().as_ref() != owner {
        return Err(created_by_others(&spec.name));
    }
    Ok(permission_set::grouped(spec.differences(&settings)))
}

/// Changes the settings. Provisioning comes after them.
async fn update_set(shared: &Shared<'_>, arn: &PermissionSetArn, changes: &[FieldChange]) -> Result<(), UserError> {
    let (context, instance) = (shared.context, shared.instance);
    for change in changes.iter().filter(|change| **change != FieldChange::Provision) {
        let end = permission_set::apply(context, instance, arn, change).await;
        end.result.map_err(|aws_error| refused(&aws_error))?;
    }
    Ok(())
}

/// The error of a refused setting. AWS does not know a policy that the file names, for example.
fn refused(aws_error: &AwsError) -> UserError {
    let next = if matches!(aws_error.kind, AwsErrorKind::NotFound | AwsErrorKind::Invalid) {
        SetupCommand::again().after("correct the access file")
    } else {
        SetupCommand::again().into()
    };
    step_error(&INFO, aws_error, next)
}

/// The wanted values, with the paths of the attributes in the API.
fn values(changes: &[AttributeChange], path: fn(Attribute) -> &'static str) -> Vec<(&'static str, &str)> {
    let changes = changes.iter();
    changes
        .map(|change| (path(change.attribute), change.after.as_str()))
        .collect()
}

/// The path of an attribute of a user in the API.
fn user_path(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Name => "userName",
        Attribute::Email => "emails",
        Attribute::GivenName => "name.givenName",
        Attribute::FamilyName => "name.familyName",
        Attribute::DisplayName => "displayName",
        // Users have none.
        Attribute::Description => "description",
    }
}

/// The path of an attribute of a group in the API.
fn group_path(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Description => "description",
        _ => "displayName",
    }
}

fn new_name(changes: &[AttributeChange], name: &str) -> String {
    let renamed = changes.iter().find(|change| change.attribute == Attribute::Name);
    renamed.map_or_else(|| name.to_owned(), |change| change.after.clone())
}
