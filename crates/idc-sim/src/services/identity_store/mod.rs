//! The identity store (`identitystore`): users, groups and memberships.

mod groups;
mod memberships;
mod store_request;
mod users;

use self::store_request::StoreRequest;
use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging;
use crate::services::request::{Request, not_simulated};
use crate::services::request::{not_found, text};
use crate::state::person;
use crate::state::{Cloud, Identity, Stamp};

/// `ListIdentityStores`: those of the instances in the Region of the request.
fn list_stores(cloud: &Cloud, request: &Request) -> ServiceResult {
    let rows = cloud
        .instances
        .iter()
        .filter(|instance| instance.is_in(request.region, request.now))
        .map(|instance| json!({"IdentityStoreId": instance.store.id, "IdentityStoreArn": instance.store_arn()}))
        .collect();
    paging::page(request.input, "ListIdentityStores", "IdentityStores", 100, rows)
}

/// Handles an operation of `identitystore`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    if request.operation == "ListIdentityStores" {
        return list_stores(cloud, request);
    }
    let input = request.input;
    let id = text(input, "IdentityStoreId");
    let visible_before = request.now - cloud.timing.propagation;
    let (partition, choices) = (cloud.partition(), cloud.choices);
    if request.operation == "GetUserId" {
        record_user_lookup(cloud, request);
    }
    let stamp = Stamp {
        at: request.now,
        by: caller.arn.clone(),
    };
    let store_id = id.rsplit('/').next().unwrap_or(id).to_owned();
    let new_id = cloud.ids.principal_id();
    let in_region = cloud
        .instances
        .iter()
        .any(|instance| instance.store.id == store_id && instance.is_in(request.region, request.now));
    let store = cloud
        .store_mut(id)
        .filter(|_| in_region)
        .ok_or_else(|| not_found(format!("IdentityStore not present for IdentityStoreId: {id}")))?;
    let mut store_request = StoreRequest {
        store,
        partition,
        choices,
        visible_before,
    };
    match request.operation {
        "UpdateUser" => store_request.update_user(input),
        "DeleteUser" => store_request.delete_user(input),
        "UpdateGroup" => store_request.update_group(input),
        "DeleteGroup" => store_request.delete_group(input),
        "DeleteGroupMembership" => store_request.delete_membership(input),
        "ListGroupMembershipsForMember" => store_request.list_memberships_for_member(input),
        "CreateUser" => store_request.create_user(input, &new_id, &stamp),
        "DescribeUser" => store_request.describe_user(input),
        "GetUserId" => store_request.get_user_id(input),
        "ListUsers" => store_request.list_users(input),
        "CreateGroup" => store_request.create_group(input, &new_id, &stamp),
        "DescribeGroup" => store_request.describe_group(input),
        "GetGroupId" => store_request.get_group_id(input),
        "ListGroups" => store_request.list_groups(input),
        "CreateGroupMembership" => store_request.create_membership(input, &new_id, &stamp),
        "DescribeGroupMembership" => store_request.describe_membership(input),
        "GetGroupMembershipId" => store_request.get_membership_id(input),
        "ListGroupMemberships" => store_request.list_memberships(input),
        "IsMemberInGroups" => store_request.is_member_in_groups(input),
        other => Err(not_simulated("identitystore", other)),
    }
}

/// Returns the error for a caller who is denied an action. It names the store and, in a second clause, what is in it.
pub fn denied(cloud: &Cloud, caller: &Identity, action: &str, input: &Value) -> ServiceError {
    let (partition, account) = (cloud.partition(), &caller.account);
    let store = text(input, "IdentityStoreId");
    let owner = cloud.instances.iter().find(|instance| instance.store.id == store);
    let owner = owner.map_or(account, |instance| &instance.owner);
    let store = format!("arn:{partition}:identitystore::{owner}:identitystore/{store}");
    let kinds = [("UserId", "user"), ("GroupId", "group"), ("MembershipId", "membership")];
    let resource = kinds.into_iter().find_map(|(member, kind)| {
        let id = input[member].as_str()?;
        Some(format!("arn:{partition}:identitystore:::{kind}/{id}"))
    });
    let words = [("caller", caller.arn.as_str()), ("action", action)];
    match &resource {
        Some(resource) => {
            Words::DeniedInStore.error(&[&words[..], &[("store", &store), ("resource", resource)]].concat())
        }
        None => Words::Denied.error(&[&words[..], &[("resource", &store)]].concat()),
    }
}

/// Tells the simulated person that a client has looked up a user by name.
fn record_user_lookup(cloud: &mut Cloud, request: &Request) {
    let attribute = &request.input["AlternateIdentifier"]["UniqueAttribute"];
    if text(attribute, "AttributePath").eq_ignore_ascii_case("userName") {
        let name = text(attribute, "AttributeValue").to_owned();
        person::record_user_lookup(cloud, &name, request.now);
    }
}
