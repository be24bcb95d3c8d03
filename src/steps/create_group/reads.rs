//! What the directory has of groups and memberships, and the calls that make them.

use aws_sdk_identitystore::types::{AlternateIdentifier, MemberId, UniqueAttribute};
use aws_smithy_types::Document;

use super::super::create_user::unbuilt;
use super::super::facts::{Instance, User};
use super::super::setting::Setting;
use super::CreateGroup;
use crate::answers::Key;
use crate::aws::{Failure, FailureKind};

impl CreateGroup {
    pub(super) async fn group_id(&self, instance: &Instance, name: &str) -> Result<Option<String>, Failure> {
        let attribute = UniqueAttribute::builder()
            .attribute_path("displayName")
            .attribute_value(Document::String(name.to_owned()))
            .build()
            .map_err(|error| unbuilt("identitystore:GetGroupId", &error))?;
        let answer = self
            .setting
            .clients
            .identitystore(&instance.region)
            .get_group_id()
            .identity_store_id(&instance.store)
            .alternate_identifier(AlternateIdentifier::UniqueAttribute(attribute))
            .send()
            .await
            .map_err(|error| Failure::of("identitystore:GetGroupId", error));
        match answer {
            Ok(answer) => Ok(Some(answer.group_id)),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn membership_id(
        &self,
        instance: &Instance,
        group: &str,
        user: &User,
    ) -> Result<Option<String>, Failure> {
        let answer = self
            .setting
            .clients
            .identitystore(&instance.region)
            .get_group_membership_id()
            .identity_store_id(&instance.store)
            .group_id(group)
            .member_id(MemberId::UserId(user.id.clone()))
            .send()
            .await
            .map_err(|error| Failure::of("identitystore:GetGroupMembershipId", error));
        match answer {
            Ok(answer) => Ok(Some(answer.membership_id)),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn create_group_once(&self, instance: &Instance) -> Result<String, Failure> {
        self.setting
            .clients
            .identitystore_once(&instance.region)
            .create_group()
            .identity_store_id(&instance.store)
            .display_name(self.setting.text(Key::Group))
            .send()
            .await
            .map_err(|error| Failure::of("identitystore:CreateGroup", error))
            .and_then(|answer| Failure::unless_without_id("identitystore:CreateGroup", answer.group_id))
    }

    pub(super) async fn create_membership_once(
        &self,
        instance: &Instance,
        group: &str,
        user: &User,
    ) -> Result<String, Failure> {
        self.setting
            .clients
            .identitystore_once(&instance.region)
            .create_group_membership()
            .identity_store_id(&instance.store)
            .group_id(group)
            .member_id(MemberId::UserId(user.id.clone()))
            .send()
            .await
            .map_err(|error| Failure::of("identitystore:CreateGroupMembership", error))
            .and_then(|answer| Failure::unless_without_id("identitystore:CreateGroupMembership", answer.membership_id))
    }
}

impl Setting {
    /// Whether the user is in the group.
    pub(in super::super) async fn is_member(
        &self,
        instance: &Instance,
        group: &str,
        user: &User,
    ) -> Result<bool, Failure> {
        let answer = self
            .clients
            .identitystore(&instance.region)
            .is_member_in_groups()
            .identity_store_id(&instance.store)
            .member_id(MemberId::UserId(user.id.clone()))
            .group_ids(group)
            .send()
            .await
            .map_err(|error| Failure::of("identitystore:IsMemberInGroups", error));
        match answer {
            Ok(answer) => Ok(answer.results().iter().any(|result| result.membership_exists)),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}
