//! What the requests for users, groups and memberships share: the store, and what of it can be read already.

use serde_json::{Value, json};

use crate::protocol::error::ServiceError;
use crate::services::request::{epoch, not_found, text};
use crate::state::{Group, IdentityStore, Stamp, User};

/// Names that neither a user nor a group may have.
const RESERVED: [&str; 2] = ["Administrator", "AWSAdministrators"];

/// The store, as one request sees it.
pub struct StoreRequest<'a> {
    pub store: &'a mut IdentityStore,
    pub partition: &'static str,
    pub visible_before: jiff::Timestamp,
}

impl StoreRequest<'_> {
    pub fn user(&self, id: &str) -> Result<&User, ServiceError> {
        let user = self
            .store
            .users
            .get(id)
            .filter(|user| user.created.at <= self.visible_before);
        user.ok_or_else(|| missing("USER"))
    }

    pub fn group(&self, id: &str) -> Result<&Group, ServiceError> {
        let group = self
            .store
            .groups
            .get(id)
            .filter(|group| group.created.at <= self.visible_before);
        group.ok_or_else(|| missing("GROUP"))
    }

    pub fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:{}:identitystore:::{kind}/{id}", self.partition)
    }

    pub fn named(&self, kind: &str, id: &str) -> Value {
        json!({
            "IdentityStoreId": self.store.id,
            format!("{kind}Id"): id,
            format!("{kind}Arn"): self.arn(&kind.to_ascii_lowercase(), id),
        })
    }

    pub fn made(&self, kind: &str, id: &str) -> Value {
        let mut answer = self.named(kind, id);
        answer["Revision"] = json!("1");
        answer
    }

    pub fn add_identity(&self, shape: &mut Value, kind: &str, id: &str, created: &Stamp) {
        shape["IdentityStoreId"] = json!(self.store.id);
        shape[format!("{kind}Id")] = json!(id);
        shape[format!("{kind}Arn")] = json!(self.arn(&kind.to_ascii_lowercase(), id));
        shape["Revision"] = json!("1");
        shape["CreatedAt"] = epoch(created.at);
        shape["CreatedBy"] = json!(created.by);
        shape["UpdatedAt"] = epoch(created.at);
        shape["UpdatedBy"] = json!(created.by);
    }
}

pub fn refuse_reserved(name: &str) -> Result<(), ServiceError> {
    if RESERVED.contains(&name) {
        return Err(ServiceError::new(
            "ValidationException",
            format!("The name {name} is reserved."),
        ));
    }
    Ok(())
}

pub fn unique_attribute(input: &Value) -> Result<(String, &str), ServiceError> {
    let attribute = &input["AlternateIdentifier"]["UniqueAttribute"];
    let value = attribute["AttributeValue"].as_str().ok_or_else(|| {
        ServiceError::new(
            "ValidationException",
            "AlternateIdentifier must name a UniqueAttribute with a string.",
        )
    })?;
    Ok((text(attribute, "AttributePath").to_ascii_lowercase(), value))
}

pub fn unsupported(path: &str) -> ServiceError {
    ServiceError::new(
        "ValidationException",
        format!("The attribute path {path} is not supported."),
    )
}

pub fn taken(what: &str) -> ServiceError {
    ServiceError::new("ConflictException", format!("Duplicate {what}"))
        .with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION")
}

pub fn missing(kind: &str) -> ServiceError {
    not_found(format!("{kind} not found.")).with("ResourceType", kind)
}

/// Ids are accepted as ARNs too.
pub fn short(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The changes of an update: each an attribute path with its new value, or without one to remove it.
pub fn operations(input: &Value) -> Vec<(&str, Option<&Value>)> {
    let rows = input["Operations"].as_array().into_iter().flatten();
    rows.map(|row| {
        (
            text(row, "AttributePath"),
            Some(&row["AttributeValue"]).filter(|value| !value.is_null()),
        )
    })
    .collect()
}
