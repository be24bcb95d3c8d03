//! Code shared by the requests for users, groups and memberships.

use serde_json::{Value, json};

use crate::protocol::error::ServiceError;
use crate::recorded::Words;
use crate::services::request::{epoch, text};
use crate::state::{Choices, Group, IdentityStore, Stamp, User};

/// Names that users and groups cannot have.
const RESERVED: [&str; 2] = ["Administrator", "AWSAdministrators"];

/// The context of a request to an identity store.
pub struct StoreRequest<'a> {
    /// The identity store.
    pub store: &'a mut IdentityStore,
    /// The partition of ARNs.
    pub partition: &'static str,
    /// What the simulation does where recordings disagree.
    pub choices: Choices,
    /// Reads return only resources that were created by this time. Later writes have not propagated yet.
    pub visible_before: jiff::Timestamp,
}

impl StoreRequest<'_> {
    /// Returns the user with this ID, if its creation has propagated.
    pub fn user(&self, id: &str) -> Result<&User, ServiceError> {
        let user = self
            .store
            .users
            .get(id)
            .filter(|user| user.created.at <= self.visible_before);
        user.ok_or_else(|| no_such("USER", id))
    }

    /// Returns the group with this ID, if its creation has propagated.
    pub fn group(&self, id: &str) -> Result<&Group, ServiceError> {
        let group = self
            .store
            .groups
            .get(id)
            .filter(|group| group.created.at <= self.visible_before);
        group.ok_or_else(|| no_such("GROUP", id))
    }

    /// Returns the ARN of a user, a group or a membership.
    pub fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:{}:identitystore:::{kind}/{id}", self.partition)
    }

    /// Returns the response of `GetUserId` and `GetGroupId`: the ID and the ARN.
    pub fn id_response(&self, kind: &str, id: &str) -> Value {
        json!({
            "IdentityStoreId": self.store.id,
            format!("{kind}Id"): id,
            format!("{kind}Arn"): self.arn(&kind.to_ascii_lowercase(), id),
        })
    }

    /// Returns the response of an operation that writes a user or a group: the ID, the ARN and the revision.
    pub fn write_response(&self, kind: &str, id: &str) -> Value {
        let mut response = self.id_response(kind, id);
        response["Revision"] = json!("1");
        response
    }

    /// Adds the ID, the ARN and the metadata of a user or a group to its shape.
    pub fn add_metadata(&self, shape: &mut Value, kind: &str, id: &str, created: &Stamp) {
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

/// Rejects a reserved name.
pub fn reject_reserved(name: &str) -> Result<(), ServiceError> {
    if RESERVED.contains(&name) {
        return Err(ServiceError::new(
            "ValidationException",
            format!("The name {name} is reserved."),
        ));
    }
    Ok(())
}

/// What identifies a user or a group, other than its ID.
pub enum Identifier<'a> {
    /// An attribute whose values are unique.
    Attribute {
        /// The path of the attribute, such as `emails.value`.
        path: &'a str,
        /// Its value.
        value: &'a str,
    },
    /// The ID that an identity provider has given.
    External {
        /// The identity provider.
        issuer: &'a str,
        /// The ID.
        id: &'a str,
    },
}

/// Returns the `AlternateIdentifier` of a request.
pub fn alternate_identifier(input: &Value) -> Result<Identifier<'_>, ServiceError> {
    let (attribute, external) = (
        &input["AlternateIdentifier"]["UniqueAttribute"],
        &input["AlternateIdentifier"]["ExternalId"],
    );
    if external.is_object() {
        return Ok(Identifier::External {
            issuer: text(external, "Issuer"),
            id: text(external, "Id"),
        });
    }
    let value = attribute["AttributeValue"].as_str().ok_or_else(|| {
        ServiceError::new(
            "ValidationException",
            "AlternateIdentifier must name a UniqueAttribute with a string.",
        )
    })?;
    if value.is_empty() {
        return Err(Words::AttributeValueEmpty.error(&[]));
    }
    Ok(Identifier::Attribute {
        path: text(attribute, "AttributePath"),
        value,
    })
}

/// Returns the values that a request filters by. Only one attribute can be filtered by.
pub fn filters<'a>(input: &'a Value, attribute: &str) -> Result<Vec<&'a str>, ServiceError> {
    let rows = input["Filters"].as_array().into_iter().flatten();
    rows.map(|filter| {
        let path = text(filter, "AttributePath");
        let is_known = path.eq_ignore_ascii_case(attribute);
        is_known
            .then_some(text(filter, "AttributeValue"))
            .ok_or_else(|| unsupported(path))
    })
    .collect()
}

/// Returns the error for an attribute path that is not supported.
pub fn unsupported(path: &str) -> ServiceError {
    ServiceError::new(
        "ValidationException",
        format!("The attribute path {path} is not supported."),
    )
}

/// Returns the error for a value that must be unique and is in use.
pub fn duplicate(words: Words) -> ServiceError {
    words.error(&[]).with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION")
}

/// Returns the error for a user, a group or a membership that does not exist. The ID is empty if the request has none.
pub fn no_such(kind: &str, id: &str) -> ServiceError {
    let error = Words::NotInStore.error(&[("kind", kind)]).with("ResourceType", kind);
    if id.is_empty() {
        error
    } else {
        error.with("ResourceId", id)
    }
}

/// Returns the ID in an ID or an ARN. Operations accept both.
pub fn bare_id(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// Returns the changes of an update: attribute paths with their new values. An attribute without a value is removed.
pub fn attribute_operations(input: &Value) -> Vec<(&str, Option<&Value>)> {
    let rows = input["Operations"].as_array().into_iter().flatten();
    rows.map(|row| {
        (
            text(row, "AttributePath"),
            Some(&row["AttributeValue"]).filter(|value| !value.is_null()),
        )
    })
    .collect()
}
