//! Who is in which group.

use serde_json::{Value, json};

use super::store_request::{StoreRequest, missing, short, taken};
use crate::protocol::error::{Answer, ServiceError};
use crate::services::paging;
use crate::services::request::{epoch, text};
use crate::state::{Membership, Stamp};

impl StoreRequest<'_> {
    /// `DeleteGroupMembership`.
    pub fn delete_membership(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "MembershipId"));
        self.store.memberships.remove(id).ok_or_else(|| missing("MEMBERSHIP"))?;
        Ok(json!({}))
    }

    /// `ListGroupMembershipsForMember`.
    pub fn list_memberships_for_member(&self, input: &Value) -> Answer {
        let user = short(text(&input["MemberId"], "UserId"));
        self.user(user)?;
        let rows = self
            .store
            .memberships
            .iter()
            .filter(|(_, membership)| membership.user == user)
            .map(|(id, membership)| self.membership_shape(id, membership))
            .collect();
        paging::page(
            input,
            &format!("ListGroupMembershipsForMember:{user}"),
            "GroupMemberships",
            100,
            rows,
        )
    }

    pub fn create_membership(&mut self, input: &Value, id: &str, stamp: &Stamp) -> Answer {
        let (group, user) = self.pair(input)?;
        // A write is refused by what is there, whether or not it can be read yet.
        let taken_by = |membership: &Membership| membership.group == group && membership.user == user;
        if self.store.memberships.values().any(taken_by) {
            return Err(taken("MemberId"));
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

    pub fn describe_membership(&self, input: &Value) -> Answer {
        let id = short(text(input, "MembershipId"));
        let membership = self.store.memberships.get(id).ok_or_else(|| missing("MEMBERSHIP"))?;
        Ok(self.membership_shape(id, membership))
    }

    pub fn membership_shape(&self, id: &str, membership: &Membership) -> Value {
        json!({
            "IdentityStoreId": self.store.id,
            "MembershipId": id,
            "MembershipArn": self.arn("membership", id),
            "GroupId": membership.group,
            "GroupArn": self.arn("group", &membership.group),
            "MemberId": {"UserId": membership.user},
            "MemberArn": self.arn("user", &membership.user),
            "CreatedAt": epoch(membership.created.at),
            "CreatedBy": membership.created.by,
        })
    }

    pub fn membership_id(&self, input: &Value) -> Answer {
        let (group, user) = self.pair(input)?;
        self.find_membership(&group, &user)
            .map(|id| {
                json!({
                    "IdentityStoreId": self.store.id,
                    "MembershipId": id,
                    "MembershipArn": self.arn("membership", id),
                })
            })
            .ok_or_else(|| missing("MEMBERSHIP"))
    }

    pub fn list_memberships(&self, input: &Value) -> Answer {
        let group = short(text(input, "GroupId"));
        self.group(group)?;
        let rows = self
            .store
            .memberships
            .iter()
            .filter(|(_, membership)| membership.group == group)
            .map(|(id, membership)| self.membership_shape(id, membership))
            .collect();
        paging::page(
            input,
            &format!("ListGroupMemberships:{group}"),
            "GroupMemberships",
            100,
            rows,
        )
    }

    pub fn is_member(&self, input: &Value) -> Answer {
        let user = short(text(&input["MemberId"], "UserId"));
        self.user(user)?;
        let groups = input["GroupIds"].as_array().cloned().unwrap_or_default();
        let results: Vec<Value> = groups
            .iter()
            .filter_map(Value::as_str)
            .map(|group| {
                json!({
                    "GroupId": group,
                    "MemberId": {"UserId": user},
                    "MembershipExists": self.find_membership(short(group), user).is_some(),
                })
            })
            .collect();
        Ok(json!({"Results": results}))
    }

    pub fn pair(&self, input: &Value) -> Result<(String, String), ServiceError> {
        let group = short(text(input, "GroupId"));
        let user = short(text(&input["MemberId"], "UserId"));
        self.group(group)?;
        self.user(user)?;
        Ok((group.to_owned(), user.to_owned()))
    }

    pub fn find_membership(&self, group: &str, user: &str) -> Option<&str> {
        self.store
            .memberships
            .iter()
            .find(|(_, membership)| {
                membership.group == group && membership.user == user && membership.created.at <= self.visible_before
            })
            .map(|(id, _)| id.as_str())
    }
}
