//! The other policies of a permission set: the inline policy, references to customer managed policies, and the
//! permissions boundary.

use serde_json::{Value, json};

use super::permission_sets::{find, find_mut};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging;
use crate::services::request::Request;
use crate::services::request::{not_found, text};
use crate::state::{Cloud, CustomerPolicy};

/// `PutInlinePolicyToPermissionSet`: sets or replaces the inline policy, which must be a JSON document.
pub fn put_inline(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let policy = text(request.input, "InlinePolicy");
    let document: Option<Value> = serde_json::from_str(policy).ok();
    let has_statement = document.is_some_and(|document| match &document["Statement"] {
        Value::Array(statements) => !statements.is_empty(),
        statement => statement.is_object(),
    });
    if !has_statement {
        return Err(Words::InvalidInlinePolicy.error(&[]));
    }
    find_mut(cloud, request)?.inline_policy = Some(policy.to_owned());
    Ok(json!({}))
}

/// `GetInlinePolicyForPermissionSet`: an empty string if there is no inline policy.
pub fn get_inline(cloud: &Cloud, request: &Request) -> ServiceResult {
    let policy = find(cloud, request)?.inline_policy.as_deref();
    Ok(json!({"InlinePolicy": policy.unwrap_or_default()}))
}

/// `DeleteInlinePolicyFromPermissionSet`.
pub fn delete_inline(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    find_mut(cloud, request)?.inline_policy = None;
    Ok(json!({}))
}

/// `AttachCustomerManagedPolicyReferenceToPermissionSet`.
pub fn attach_customer(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let policy = reference(&request.input["CustomerManagedPolicyReference"]);
    let set = find_mut(cloud, request)?;
    if set.customer_policies.contains(&policy) {
        return Err(Words::CustomerPolicyAttached.error(&[("name", &policy.name), ("path", &policy.path)]));
    }
    set.require_room_for_a_policy()?;
    set.customer_policies.push(policy);
    Ok(json!({}))
}

/// `DetachCustomerManagedPolicyReferenceFromPermissionSet`.
pub fn detach_customer(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let policy = reference(&request.input["CustomerManagedPolicyReference"]);
    let set = find_mut(cloud, request)?;
    let before = set.customer_policies.len();
    set.customer_policies.retain(|attached| *attached != policy);
    if set.customer_policies.len() == before {
        return Err(Words::CustomerPolicyNotAttached.error(&[("name", &policy.name), ("path", &policy.path)]));
    }
    Ok(json!({}))
}

/// `ListCustomerManagedPolicyReferencesInPermissionSet`.
pub fn list_customer(cloud: &Cloud, request: &Request) -> ServiceResult {
    let set = find(cloud, request)?;
    let rows = set
        .customer_policies
        .iter()
        .map(|policy| json!({"Name": policy.name, "Path": policy.path}))
        .collect();
    let scope = format!("ListCustomerManagedPolicyReferencesInPermissionSet:{}", set.arn);
    paging::page(request.input, &scope, "CustomerManagedPolicyReferences", 20, rows)
}

/// `PutPermissionsBoundaryToPermissionSet`: an AWS managed or a customer managed policy.
pub fn put_boundary(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let boundary = &request.input["PermissionsBoundary"];
    let kinds = ["CustomerManagedPolicyReference", "ManagedPolicyArn"];
    if kinds.into_iter().filter(|kind| !boundary[kind].is_null()).count() != 1 {
        return Err(ServiceError::new(
            "ValidationException",
            "Exactly one of CustomerManagedPolicyReference and ManagedPolicyArn must be given.",
        ));
    }
    find_mut(cloud, request)?.boundary = Some(boundary.clone());
    Ok(json!({}))
}

/// `GetPermissionsBoundaryForPermissionSet`.
pub fn get_boundary(cloud: &Cloud, request: &Request) -> ServiceResult {
    let set = find(cloud, request)?;
    let boundary = set.boundary.as_ref();
    boundary.map_or_else(
        || {
            Err(not_found(format!(
                "PermissionSet {} has no permissions boundary.",
                set.name
            )))
        },
        |boundary| Ok(json!({ "PermissionsBoundary": boundary })),
    )
}

/// `DeletePermissionsBoundaryFromPermissionSet`.
pub fn delete_boundary(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    find_mut(cloud, request)?.boundary = None;
    Ok(json!({}))
}

fn reference(input: &Value) -> CustomerPolicy {
    CustomerPolicy {
        name: text(input, "Name").to_owned(),
        path: input["Path"].as_str().unwrap_or("/").to_owned(),
    }
}
