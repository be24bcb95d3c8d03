//! Reads users from the directory, and makes the call that creates one.

use aws_sdk_identitystore::operation::describe_user::DescribeUserOutput;
use aws_sdk_identitystore::types::{AlternateIdentifier, Email, Name, UniqueAttribute};
use aws_smithy_types::Document;

use super::super::context::timestamp;
use super::super::facts::Instance;
use super::{CreateUser, DescribedUser, unbuilt};
use crate::answers::Key;
use crate::aws::{AwsError, AwsErrorKind};
use crate::ids::UserId;
use crate::progress::ResourceKind;
use aws_config_file::files;

/// A digest of a user's attributes, to detect changes to them without storing personal data.
fn digest<'a>(values: [Option<&str>; 4], emails: impl Iterator<Item = &'a str>, more: &str) -> String {
    let emails: Vec<&str> = emails.collect();
    files::digest(serde_json::json!([values, emails, more]).to_string().as_bytes())
}

/// The digest of a user in the directory.
pub fn digest_of(user: &DescribeUserOutput) -> String {
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

impl CreateUser {
    /// The digest of the user that the answers describe.
    pub(super) fn digest(&self) -> String {
        let text = |key| self.context.text(key);
        let (name, given, family) = (text(Key::Username), text(Key::GivenName), text(Key::FamilyName));
        let (display, email) = (text(Key::DisplayName), text(Key::Email));
        let values = [&name, &given, &family, &display].map(|value| Some(value.as_str()));
        digest(values, std::iter::once(email.as_str()), "")
    }

    pub(super) async fn id_by(&self, instance: &Instance, path: &str, value: &str) -> Result<Option<UserId>, AwsError> {
        let attribute = UniqueAttribute::builder()
            .attribute_path(path)
            .attribute_value(Document::String(value.to_owned()))
            .build()
            .map_err(|error| unbuilt("identitystore:GetUserId", &error))?;
        let answer = self
            .context
            .clients
            .identitystore(&instance.region)
            .get_user_id()
            .identity_store_id(&instance.store)
            .alternate_identifier(AlternateIdentifier::UniqueAttribute(attribute))
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:GetUserId", error));
        match answer {
            Ok(answer) => AwsError::require_id("identitystore:GetUserId", &answer.user_id).map(Some),
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(None),
            Err(aws_error) => Err(aws_error),
        }
    }

    /// Finds the user's ID by user name, then by email address.
    pub(super) async fn id(&self, instance: &Instance) -> Result<Option<UserId>, AwsError> {
        let (name, email) = (self.context.text(Key::Username), self.context.text(Key::Email));
        match self.id_by(instance, "userName", &name).await? {
            None if !email.is_empty() => self.id_by(instance, "emails.value", &email).await,
            by_name => Ok(by_name),
        }
    }

    /// Finds the requested user.
    pub(super) async fn find(&self, instance: &Instance) -> Result<Option<DescribedUser>, AwsError> {
        if let Some(user) = self.recorded(instance).await? {
            return Ok(Some(user));
        }
        match self.id(instance).await? {
            Some(id) => Ok(Some(self.describe(instance, &id).await?)),
            None => Ok(None),
        }
    }

    /// The user that is recorded under the requested name, if it still has that name: one call instead of two.
    async fn recorded(&self, instance: &Instance) -> Result<Option<DescribedUser>, AwsError> {
        let requested = self.context.text(Key::Username);
        let id = self.context.progress.read(|record| {
            let users = record.resources.iter().rev();
            let mut users = users.filter(|resource| resource.kind == ResourceKind::User);
            users
                .find(|user| user.name.single() == requested)?
                .id
                .single()
                .parse()
                .ok()
        });
        let Some(id) = id else { return Ok(None) };
        match self.describe(instance, &id).await {
            Ok(user) => Ok((user.name == requested).then_some(user)),
            // The ID may be from another instance; the service then reports it as invalid, not as not found.
            Err(aws_error) if matches!(aws_error.kind, AwsErrorKind::NotFound | AwsErrorKind::Invalid) => Ok(None),
            Err(aws_error) => Err(aws_error),
        }
    }

    async fn describe(&self, instance: &Instance, id: &UserId) -> Result<DescribedUser, AwsError> {
        let user = self
            .context
            .clients
            .identitystore(&instance.region)
            .describe_user()
            .identity_store_id(&instance.store)
            .user_id(id)
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:DescribeUser", error))?;
        let digest = digest_of(&user);
        let email = user.emails().first().and_then(|email| email.value().map(str::to_owned));
        let (given, family) = user
            .name
            .map_or((None, None), |name| (name.given_name, name.family_name));
        Ok(DescribedUser {
            id: id.clone(),
            name: user.user_name.clone().unwrap_or_default(),
            values: vec![
                (Key::Username, user.user_name),
                (Key::Email, email),
                (Key::GivenName, given),
                (Key::FamilyName, family),
                (Key::DisplayName, user.display_name),
            ],
            created_at: timestamp(user.created_at),
            created_by: user.created_by,
            digest,
        })
    }

    pub(super) async fn create_once(&self, instance: &Instance) -> Result<UserId, AwsError> {
        let text = |key| self.context.text(key);
        let name = Name::builder()
            .given_name(text(Key::GivenName))
            .family_name(text(Key::FamilyName))
            .build();
        let email = Email::builder()
            .value(text(Key::Email))
            .r#type("work")
            .primary(true)
            .build();
        self.context
            .clients
            .identitystore_once(&instance.region)
            .create_user()
            .identity_store_id(&instance.store)
            .user_name(text(Key::Username))
            .display_name(text(Key::DisplayName))
            .name(name)
            .emails(email)
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:CreateUser", error))
            .and_then(|answer| AwsError::require_id("identitystore:CreateUser", &answer.user_id))
    }
}
