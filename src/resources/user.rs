//! A user in the identity store.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_identitystore::operation::describe_user::DescribeUserOutput;
use aws_sdk_identitystore::types::{Email, Name};
use aws_smithy_types::Document;

use super::{attribute, inventory, membership, principal};
use crate::aws::{AwsError, AwsErrorKind, Permission, timestamp, unless_gone};
use crate::ids::{Principal, UserId};
use crate::progress::{Entry, Origin, ResourceKind, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, Creation, Deletion, Error, Instance, Resource, StepInfo,
};
use crate::shell::quoted;
use crate::user_error::UserError;
use aws_config_file::files;

/// What creating a user needs.
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("identitystore:GetUserId"),
    Permission::look("identitystore:DescribeUser"),
    Permission::change("identitystore:CreateUser"),
];

/// What undo needs.
pub const UNDO_PERMISSIONS: &[Permission] = &[Permission::change("identitystore:DeleteUser")];

/// What reading all users needs.
pub const LIST_PERMISSIONS: &[Permission] = &[Permission::look("identitystore:ListUsers")];

/// What changing users in place needs.
pub const UPDATE_PERMISSIONS: &[Permission] = &[Permission::change("identitystore:UpdateUser")];

/// What a user should look like. An empty value is not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSpec {
    /// The name the user signs in with.
    pub name: String,
    /// The primary email address.
    pub email: String,
    /// The first name.
    pub given_name: String,
    /// The last name.
    pub family_name: String,
    /// The name that the access portal shows.
    pub display_name: String,
}

impl UserSpec {
    /// The digest that [`DescribedUser::digest`] has after this user was created.
    fn digest(&self) -> String {
        let values = [&self.name, &self.given_name, &self.family_name, &self.display_name];
        digest(
            values.map(|value| Some(value.as_str())),
            std::iter::once(self.email.as_str()),
            "",
        )
    }
}

/// A user as `DescribeUser` returns it.
#[derive(Debug, Clone)]
pub struct DescribedUser {
    /// Its ID.
    pub id: UserId,
    /// The attributes that this program sets; `None` if the user has no such attribute.
    pub name: Option<String>,
    /// The first email address.
    pub email: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// The name that the access portal shows.
    pub display_name: Option<String>,
    is_external: bool,
    creation: Creation,
    digest: String,
}

impl DescribedUser {
    /// The same as [`list`] returns it.
    pub fn into_listed(self) -> inventory::User {
        inventory::User {
            name: self.name.unwrap_or_default(),
            email: self.email,
            given_name: self.given_name,
            family_name: self.family_name,
            display_name: self.display_name,
            is_external: self.is_external,
        }
    }
}

/// A digest of a user's attributes, to detect changes to them without storing personal data.
fn digest<'a>(values: [Option<&str>; 4], emails: impl Iterator<Item = &'a str>, more: &str) -> String {
    let emails: Vec<&str> = emails.collect();
    files::digest(serde_json::json!([values, emails, more]).to_string().as_bytes())
}

/// The digest of a user in the directory.
fn digest_of(user: &DescribeUserOutput) -> String {
    let name = user.name.as_ref();
    let values = [
        user.user_name(),
        name.and_then(|name| name.given_name()),
        name.and_then(|name| name.family_name()),
        user.display_name(),
    ];
    // Attributes that this tool never sets, but that the console can set.
    let more = [
        user.nick_name(),
        user.profile_url(),
        user.user_type(),
        user.title(),
        user.preferred_language(),
        user.locale(),
        user.timezone(),
        name.and_then(|name| name.middle_name()),
        name.and_then(|name| name.formatted()),
    ];
    let mut more: Vec<String> = more.into_iter().flatten().map(str::to_owned).collect();
    more.extend(
        user.phone_numbers()
            .iter()
            .filter_map(|number| number.value().map(str::to_owned)),
    );
    more.extend(
        user.addresses()
            .iter()
            .filter_map(|address| address.street_address().map(str::to_owned)),
    );
    digest(
        values,
        user.emails().iter().filter_map(|email| email.value()),
        &more.concat(),
    )
}

/// Finds the ID of a user by an attribute: `userName` or `emails.value`.
async fn id_by(context: &Context, instance: &Instance, path: &str, value: &str) -> Result<Option<UserId>, AwsError> {
    const OPERATION: &str = "identitystore:GetUserId";
    let answer = context
        .clients
        .identitystore(&instance.region)
        .get_user_id()
        .identity_store_id(&instance.store)
        .alternate_identifier(attribute::identifier(OPERATION, path, value)?)
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error));
    let answer = unless_gone(answer)?;
    answer
        .map(|answer| AwsError::require_id(OPERATION, &answer.user_id))
        .transpose()
}

/// Finds a user's ID by user name, then by email address.
///
/// # Errors
/// When AWS does not answer.
pub async fn find_id(
    context: &Context,
    instance: &Instance,
    name: &str,
    email: &str,
) -> Result<Option<UserId>, AwsError> {
    if email.is_empty() {
        return id_by(context, instance, "userName", name).await;
    }
    let (by_name, by_email) = tokio::try_join!(
        id_by(context, instance, "userName", name),
        id_by(context, instance, "emails.value", email)
    )?;
    Ok(by_name.or(by_email))
}

/// Finds a user by user name, then by email address.
///
/// # Errors
/// When AWS does not answer.
pub async fn find(
    context: &Context,
    instance: &Instance,
    name: &str,
    email: &str,
) -> Result<Option<DescribedUser>, AwsError> {
    if let Some(user) = find_recorded(context, instance, name).await? {
        return Ok(Some(user));
    }
    match find_id(context, instance, name, email).await? {
        Some(id) => Ok(Some(describe(context, instance, &id).await?)),
        None => Ok(None),
    }
}

/// The user that is recorded under this name, if it still has that name: one call instead of two.
async fn find_recorded(context: &Context, instance: &Instance, name: &str) -> Result<Option<DescribedUser>, AwsError> {
    let id = context.progress.read(|record| {
        let mut users = record.resources.iter().rev();
        let user = users.find(|entry| entry.kind == ResourceKind::User && entry.name.single() == name)?;
        user.id.single().parse().ok()
    });
    let Some(id) = id else { return Ok(None) };
    match describe(context, instance, &id).await {
        Ok(user) => Ok((user.name.as_deref() == Some(name)).then_some(user)),
        // The ID may be from another instance; the service then reports it as invalid, not as not found.
        Err(aws_error) if matches!(aws_error.kind, AwsErrorKind::NotFound | AwsErrorKind::Invalid) => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}

/// Describes a user.
///
/// # Errors
/// When AWS does not answer, or the user does not exist.
pub async fn describe(context: &Context, instance: &Instance, id: &UserId) -> Result<DescribedUser, AwsError> {
    let user = context
        .clients
        .identitystore(&instance.region)
        .describe_user()
        .identity_store_id(&instance.store)
        .user_id(id)
        .send()
        .await
        .map_err(|error| AwsError::of("identitystore:DescribeUser", error))?;
    let digest = digest_of(&user);
    let is_external = !user.external_ids().is_empty();
    let email = user.emails().first().and_then(|email| email.value().map(str::to_owned));
    let (given_name, family_name) = user
        .name
        .map_or((None, None), |name| (name.given_name, name.family_name));
    Ok(DescribedUser {
        id: id.clone(),
        name: user.user_name,
        email,
        given_name,
        family_name,
        display_name: user.display_name,
        is_external,
        creation: Creation {
            at: timestamp(user.created_at),
            by: user.created_by,
        },
        digest,
    })
}

/// The name of a user; the ID if the user cannot be read.
pub async fn name_of(context: &Context, instance: &Instance, id: &UserId) -> String {
    let user = describe(context, instance, id).await.ok();
    user.and_then(|user| user.name).unwrap_or_else(|| id.to_string())
}

/// Determines and records the origin of an existing user. `name` is the name to record: a user that was found by its
/// email address may have another name than the requested one.
///
/// # Errors
/// When the origin cannot be saved.
pub fn settle(context: &Context, user: &DescribedUser, name: &str) -> Result<Entry, UserError> {
    let intents = context.open_intents(ResourceKind::User, name);
    let mut entry = context.entry(ResourceKind::User, name, &user.id);
    if context.is_ours(&intents, &user.creation) {
        entry.origin = Origin::Created;
        entry.text = Some(user.digest.clone());
    }
    context.settle(Verb::Create, ResourceKind::User, name, Some(entry.clone()))?;
    Ok(entry)
}

/// The entry of a user that this program has just created.
fn created(spec: &UserSpec, id: UserId) -> Entry {
    let entry = Entry::new(Origin::Created, ResourceKind::User, &spec.name, id);
    entry.with_text(Some(spec.digest()))
}

/// Creates a user and records it. `None` if it exists for another reason; the next check determines its origin.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn make(
    context: &Context,
    info: &'static StepInfo,
    instance: &Instance,
    spec: &UserSpec,
    change: &Change,
) -> Result<Option<UserId>, UserError> {
    let attempt = |_| create(context, instance, spec);
    let look = || find_id(context, instance, &spec.name, &spec.email);
    let Some((id, _)) = context.make(info, change, attempt, look).await? else {
        return Ok(None);
    };
    let entry = created(spec, id.clone());
    context.settle(change.verb, change.kind, &change.name, Some(entry))?;
    Ok(Some(id))
}

/// The change that creates a user.
pub fn creation(context: &Context, spec: &UserSpec) -> Change {
    let text = |text: &str| {
        if text.is_empty() {
            "…".to_owned()
        } else {
            text.to_owned()
        }
    };
    let (name, email, display_name) = (text(&spec.name), text(&spec.email), text(&spec.display_name));
    let full_name = format!(
        "GivenName={},FamilyName={}",
        text(&spec.given_name),
        text(&spec.family_name)
    );
    Change {
        verb: Verb::Create,
        kind: ResourceKind::User,
        field: None,
        sentence: format!("Create the user {name} ({display_name}, {email}) in the Identity Center directory."),
        command: format!(
            "aws identitystore create-user {} --user-name {} --display-name {} --name {} --emails {}",
            context.cli_options().store,
            quoted(&name),
            quoted(&display_name),
            quoted(&full_name),
            quoted(&format!("Value={email},Type=work,Primary=true"))
        ),
        name: name.into(),
        consent: Consent::Reversible,
    }
}

/// All users of the identity store.
///
/// # Errors
/// When AWS does not answer.
pub async fn list(context: &Context, instance: &Instance) -> Result<BTreeMap<UserId, inventory::User>, AwsError> {
    const OPERATION: &str = "identitystore:ListUsers";
    let mut pages = context
        .clients
        .identitystore(&instance.region)
        .list_users()
        .identity_store_id(&instance.store)
        .max_results(100)
        .into_paginator()
        .items()
        .send();
    let mut users = BTreeMap::new();
    while let Some(user) = pages.next().await {
        let user = user.map_err(|error| AwsError::of(OPERATION, error))?;
        let primary = user.emails().iter().find(|email| email.primary());
        let email = primary.or_else(|| user.emails().first());
        let email = email.and_then(|email| email.value().map(str::to_owned));
        let is_external = !user.external_ids().is_empty();
        let (given_name, family_name) = user
            .name
            .map_or((None, None), |name| (name.given_name, name.family_name));
        let described = inventory::User {
            name: user.user_name.unwrap_or_default(),
            email,
            given_name,
            family_name,
            display_name: user.display_name,
            is_external,
        };
        users.insert(AwsError::require_id(OPERATION, &user.user_id)?, described);
    }
    Ok(users)
}

/// Sets attributes of a user, by their paths in the API: `userName`, `displayName`, `name.givenName`, `name.familyName`, and
/// `emails` for the only email address.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn update(
    context: &Context,
    instance: &Instance,
    id: &UserId,
    attributes: &[(&str, &str)],
) -> Result<(), AwsError> {
    const OPERATION: &str = "identitystore:UpdateUser";
    let operations = attributes.iter().map(|(path, value)| {
        let value = if *path == "emails" {
            let email = HashMap::from([
                ("value".to_owned(), Document::String((*value).to_owned())),
                ("type".to_owned(), Document::String("work".to_owned())),
                ("primary".to_owned(), Document::Bool(true)),
            ]);
            Document::Array(vec![Document::Object(email)])
        } else {
            Document::String((*value).to_owned())
        };
        attribute::set(OPERATION, path, value)
    });
    context
        .clients
        .identitystore_once(&instance.region)
        .update_user()
        .identity_store_id(&instance.store)
        .user_id(id)
        .set_operations(Some(operations.collect::<Result<_, _>>()?))
        .send()
        .await
        .map(|_| ())
        .map_err(|error| AwsError::of(OPERATION, error))
}

/// Deletes a user, with a single attempt. A user that does not exist is no error.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn delete(context: &Context, instance: &Instance, id: &UserId) -> Result<(), AwsError> {
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .delete_user()
        .identity_store_id(&instance.store)
        .user_id(id)
        .send()
        .await;
    unless_gone(answer.map_err(|error| AwsError::of("identitystore:DeleteUser", error)))?;
    Ok(())
}

/// Creates a user, with a single attempt. An empty email address means none: the API does not require one.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn create(context: &Context, instance: &Instance, spec: &UserSpec) -> Result<UserId, AwsError> {
    const OPERATION: &str = "identitystore:CreateUser";
    let name = Name::builder()
        .given_name(&spec.given_name)
        .family_name(&spec.family_name)
        .build();
    let email = || Email::builder().value(&spec.email).r#type("work").primary(true).build();
    let emails = (!spec.email.is_empty()).then(|| vec![email()]);
    let answer = context
        .clients
        .identitystore_once(&instance.region)
        .create_user()
        .identity_store_id(&instance.store)
        .user_name(&spec.name)
        .display_name(&spec.display_name)
        .name(name)
        .set_emails(emails)
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error))?;
    AwsError::require_id(OPERATION, &answer.user_id)
}

/// The kind.
pub struct User;

#[async_trait(?Send)]
impl Resource for User {
    fn kind(&self) -> ResourceKind {
        ResourceKind::User
    }

    fn step(&self) -> &'static str {
        "create-user"
    }

    fn branch(&self) -> Branch {
        Branch::IdentityCenter
    }

    /// A user whom someone else changed or uses is *changed*: the user has other attributes, is in another group, or is
    /// assigned elsewhere.
    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let instance = context.known_instance().await?;
        let Ok(id) = entry.id.single().parse::<UserId>() else {
            return Ok(Condition::Gone);
        };
        let Some(user) = unless_gone(describe(context, &instance, &id).await)? else {
            return Ok(Condition::Gone);
        };
        if let Some(name) = user.name.filter(|name| *name != entry.name.single()) {
            return Ok(Condition::Changed(format!("the user name is now {name}")));
        }
        if entry.text.as_ref().is_some_and(|digest| *digest != user.digest) {
            return Ok(Condition::Changed("someone changed the user's attributes".to_owned()));
        }
        if let Some(group) = membership::other_group(context, &instance, &id).await? {
            return Ok(Condition::Changed(format!(
                "the user is a member of another group: {group}"
            )));
        }
        let other = principal::other_use(context, &instance, &Principal::User(id)).await?;
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
        Manually::Command(format!("aws identitystore delete-user {store} --user-id {}", entry.id))
    }
}
