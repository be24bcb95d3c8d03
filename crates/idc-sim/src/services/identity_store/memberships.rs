//! Group memberships in an identity store.

use serde_json::{Value, json};

use super::store_request::{StoreRequest, bare_id, duplicate, no_such};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging::List;
use crate::services::request::{epoch, text};
use crate::state::{Membership, Stamp};

/// The type of the resource in errors.
const MEMBERSHIP: &str = "GROUP_MEMBERSHIP";

impl StoreRequest<'_> {
    /// `DeleteGroupMembership`.
    pub fn delete_membership(&mut self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "MembershipId"));
        let removed = self.store.memberships.remove(id);
        removed.ok_or_else(|| no_such(MEMBERSHIP, id))?;
        Ok(json!({}))
    }

    /// `ListGroupMembershipsForMember`.
    pub fn list_memberships_for_member(&self, input: &Value) -> ServiceResult {
        let user = bare_id(text(&input["MemberId"], "UserId"));
        self.user(user)?;
        let scope = format!("ListGroupMembershipsForMember:{user}");
        self.page_of_memberships(input, &scope, |membership| membership.user == user)
    }

    /// `CreateGroupMembership`.
    pub fn create_membership(&mut self, input: &Value, id: &str, stamp: &Stamp) -> ServiceResult {
        let (group, user) = self.group_and_user(input)?;
        // A membership that has not propagated to reads still conflicts with a write.
        let is_same = |membership: &Membership| membership.group == group && membership.user == user;
        if self.store.memberships.values().any(is_same) {
            return Err(duplicate(Words::AlreadyMember));
        }
        self.store.memberships.insert(
            id.to_owned(),
            Membership {
                group,
                user,
                created: stamp.clone(),
            },
        );
        Ok(json!({
            "IdentityStoreId": self.store.id,
            "MembershipId": id,
            "MembershipArn": self.arn("membership", id),
        }))
    }

    /// `DescribeGroupMembership`.
    pub fn describe_membership(&self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "MembershipId"));
        let membership = self.store.memberships.get(id);
        let membership = membership.ok_or_else(|| no_such(MEMBERSHIP, id))?;
        Ok(self.membership_shape(id, membership))
    }

    /// Returns a membership in the API's form.
    pub fn membership_shape(&self, id: &str, membership: &Membership) -> Value {
        json!({
            "IdentityStoreId": self.store.id,
            "MembershipId": id,
            "MembershipArn": self.arn("membership", id),
            "GroupId": membership.group,
            "MemberId": {"UserId": membership.user},
            "CreatedAt": epoch(membership.created.at),
            "CreatedBy": membership.created.by,
        })
    }

    /// `GetGroupMembershipId`.
    pub fn get_membership_id(&self, input: &Value) -> ServiceResult {
        let (group, user) = self.group_and_user(input)?;
        self.find_membership(&group, &user)
            .map(|id| {
                json!({
                    "IdentityStoreId": self.store.id,
                    "MembershipId": id,
                    "MembershipArn": self.arn("membership", id),
                })
            })
            .ok_or_else(|| no_such(MEMBERSHIP, ""))
    }

    /// `ListGroupMemberships`.
    pub fn list_memberships(&self, input: &Value) -> ServiceResult {
        let group = bare_id(text(input, "GroupId"));
        self.group(group)?;
        let scope = format!("ListGroupMemberships:{group}");
        self.page_of_memberships(input, &scope, |membership| membership.group == group)
    }

    /// Returns one page of the memberships that are listed, oldest first.
    fn page_of_memberships(
        &self,
        input: &Value,
        scope: &str,
        is_listed: impl Fn(&Membership) -> bool,
    ) -> ServiceResult {
        let memberships = self.store.memberships.iter();
        let mut listed: Vec<_> = memberships.filter(|(_, membership)| is_listed(membership)).collect();
        listed.sort_by_key(|(_, membership)| membership.created.at);
        let list = List {
            scope,
            key: "GroupMemberships",
            ..List::DEFAULT
        };
        // A group can have thousands of members, and a page has 100: shape only those.
        list.page(input, listed.into_iter(), |(id, membership)| {
            self.membership_shape(id, membership)
        })
    }

    /// `IsMemberInGroups`.
    pub fn is_member_in_groups(&self, input: &Value) -> ServiceResult {
        let user = bare_id(text(&input["MemberId"], "UserId"));
        self.user(user)?;
        let groups = input["GroupIds"].as_array().cloned().unwrap_or_default();
        let results: Vec<Value> = groups
            .iter()
            .filter_map(Value::as_str)
            .map(|group| {
                json!({
                    "GroupId": group,
                    "MemberId": {"UserId": user},
                    "MembershipExists": self.find_membership(bare_id(group), user).is_some(),
                })
            })
            .collect();
        Ok(json!({"Results": results}))
    }

    /// Returns the IDs of the group and the user of a request, if both exist.
    fn group_and_user(&self, input: &Value) -> Result<(String, String), ServiceError> {
        let group = bare_id(text(input, "GroupId"));
        let user = bare_id(text(&input["MemberId"], "UserId"));
        self.group(group)?;
        self.user(user)?;
        Ok((group.to_owned(), user.to_owned()))
    }

    /// Returns the ID of the membership of a user in a group, if its creation has propagated.
    fn find_membership(&self, group: &str, user: &str) -> Option<&str> {
        self.store
            .memberships
            .iter()
            .find(|(_, membership)| {
                membership.group == group && membership.user == user && membership.created.at <= self.visible_before
            })
            .map(|(id, _)| id.as_str())
    }
}
