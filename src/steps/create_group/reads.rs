//! Reads groups and memberships from the directory, and makes the calls that create them.

use aws_sdk_identitystore::types::{AlternateIdentifier, MemberId, UniqueAttribute};
use aws_smithy_types::Document;

use super::super::context::Context;
use super::super::create_user::unbuilt;
use super::super::facts::{Instance, User};
use super::CreateGroup;
use crate::answers::Key;
use crate::aws::{AwsError, AwsErrorKind};
use crate::ids::{GroupId, MembershipId};

impl CreateGroup {
    pub(super) async fn find_group(&self, instance: &Instance, name: &str) -> Result<Option<GroupId>, AwsError> {
        let attribute = UniqueAttribute::builder()
            .attribute_path("displayName")
            .attribute_value(Document::String(name.to_owned()))
            .build()
            .map_err(|error| unbuilt("identitystore:GetGroupId", &error))?;
        let answer = self
            .context
            .clients
            .identitystore(&instance.region)
            .get_group_id()
            .identity_store_id(&instance.store)
            .alternate_identifier(AlternateIdentifier::UniqueAttribute(attribute))
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:GetGroupId", error));
        match answer {
            Ok(answer) => AwsError::require_id("identitystore:GetGroupId", &answer.group_id).map(Some),
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(None),
            Err(aws_error) => Err(aws_error),
        }
    }

    pub(super) async fn find_membership(
        &self,
        instance: &Instance,
        group: &GroupId,
        user: &User,
    ) -> Result<Option<MembershipId>, AwsError> {
        let answer = self
            .context
            .clients
            .identitystore(&instance.region)
            .get_group_membership_id()
            .identity_store_id(&instance.store)
            .group_id(group)
            .member_id(MemberId::UserId(user.id.to_string()))
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:GetGroupMembershipId", error));
        match answer {
            Ok(answer) => AwsError::require_id("identitystore:GetGroupMembershipId", &answer.membership_id).map(Some),
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(None),
            Err(aws_error) => Err(aws_error),
        }
    }

    pub(super) async fn create_group_once(&self, instance: &Instance) -> Result<GroupId, AwsError> {
        self.context
            .clients
            .identitystore_once(&instance.region)
            .create_group()
            .identity_store_id(&instance.store)
            .display_name(self.context.text(Key::Group))
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:CreateGroup", error))
            .and_then(|answer| AwsError::require_id("identitystore:CreateGroup", &answer.group_id))
    }

    pub(super) async fn create_membership_once(
        &self,
        instance: &Instance,
        group: &GroupId,
        user: &User,
    ) -> Result<MembershipId, AwsError> {
        self.context
            .clients
            .identitystore_once(&instance.region)
            .create_group_membership()
            .identity_store_id(&instance.store)
            .group_id(group)
            .member_id(MemberId::UserId(user.id.to_string()))
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:CreateGroupMembership", error))
            .and_then(|answer| AwsError::require_id("identitystore:CreateGroupMembership", &answer.membership_id))
    }
}

impl Context {
    /// Whether the user is in the group.
    pub(in super::super) async fn is_member(
        &self,
        instance: &Instance,
        group: &GroupId,
        user: &User,
    ) -> Result<bool, AwsError> {
        let answer = self
            .clients
            .identitystore(&instance.region)
            .is_member_in_groups()
            .identity_store_id(&instance.store)
            .member_id(MemberId::UserId(user.id.to_string()))
            .group_ids(group)
            .send()
            .await
            .map_err(|error| AwsError::of("identitystore:IsMemberInGroups", error));
        match answer {
            Ok(answer) => Ok(answer.results().iter().any(|result| result.membership_exists)),
            Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(false),
            Err(aws_error) => Err(aws_error),
        }
    }
}
