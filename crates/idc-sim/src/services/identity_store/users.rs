//! Users in an identity store.

use serde_json::{Map, Value, json};

use super::store_request::{
    StoreRequest, attribute_operations, bare_id, duplicate, no_such, reject_reserved, unique_attribute, unsupported,
};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::text;
use crate::state::{SignIn, Stamp, User};

impl StoreRequest<'_> {
    /// `CreateUser`.
    pub fn create_user(&mut self, input: &Value, id: &str, stamp: &Stamp) -> ServiceResult {
        require_user_attributes(input)?;
        let name = text(input, "UserName");
        reject_reserved(name)?;
        let email = input["Emails"][0]["Value"].as_str();
        for user in self.store.users.values() {
            if user.name() == name {
                return Err(duplicate("UserName"));
            }
            if email.is_some() && user.email() == email {
                return Err(duplicate("Emails"));
            }
        }
        let mut attributes: Map<String, Value> = input.as_object().cloned().unwrap_or_default();
        attributes.remove("IdentityStoreId");
        self.store.users.insert(
            id.to_owned(),
            User {
                attributes,
                created: stamp.clone(),
                activated: false,
                sign_in: SignIn::default(),
            },
        );
        Ok(self.write_response("User", id))
    }

    /// `DescribeUser`.
    pub fn describe_user(&self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "UserId"));
        let user = self.user(id)?;
        Ok(self.user_shape(id, user))
    }

    /// Returns a user in the API's form.
    pub fn user_shape(&self, id: &str, user: &User) -> Value {
        let mut shape = Value::Object(user.attributes.clone());
        self.add_metadata(&mut shape, "User", id, &user.created);
        shape["UserStatus"] = json!("ENABLED");
        shape
    }

    /// `GetUserId`, by user name or email address.
    pub fn get_user_id(&mut self, input: &Value) -> ServiceResult {
        let (path, value) = unique_attribute(input)?;
        let found = match path.as_str() {
            "username" => self.store.find_user_id(value),
            "emails.value" => {
                let has_email = |user: &User| user.email() == Some(value);
                self.store
                    .users
                    .iter()
                    .find(|(_, user)| has_email(user))
                    .map(|(id, _)| id.clone())
            }
            other => return Err(unsupported(other)),
        };
        let id = found.ok_or_else(|| no_such("USER"))?;
        self.user(&id)?;
        Ok(self.id_response("User", &id))
    }

    /// `ListUsers`. The only filter is by user name.
    pub fn list_users(&self, input: &Value) -> ServiceResult {
        let user_name = input["Filters"][0]["AttributeValue"].as_str();
        let rows = self
            .store
            .users
            .iter()
            .filter(|(_, user)| user_name.is_none_or(|name| user.name() == name))
            .map(|(id, user)| self.user_shape(id, user))
            .collect();
        paging::page(input, &format!("ListUsers:{}", self.store.id), "Users", 100, rows)
    }

    /// `UpdateUser`: sets or removes attributes.
    pub fn update_user(&mut self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "UserId")).to_owned();
        let mut attributes = self.user(&id)?.attributes.clone();
        for (path, value) in attribute_operations(input) {
            set_attribute(&mut attributes, path, value)?;
        }
        let name = attributes.get("UserName").and_then(Value::as_str).unwrap_or_default();
        reject_reserved(name)?;
        let email = attributes.get("Emails").map(|emails| emails[0]["Value"].clone());
        for (_, other) in self.store.users.iter().filter(|(other_id, _)| **other_id != id) {
            if other.name() == name {
                return Err(duplicate("UserName"));
            }
            let other_email = other.email();
            if other_email.is_some() && email.as_ref().and_then(Value::as_str) == other_email {
                return Err(duplicate("Emails"));
            }
        }
        if let Some(user) = self.store.users.get_mut(&id) {
            user.attributes = attributes;
        }
        Ok(self.write_response("User", &id))
    }

    /// `DeleteUser`. Deletes the memberships of the user too.
    pub fn delete_user(&mut self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "UserId"));
        self.store.users.remove(id).ok_or_else(|| no_such("USER"))?;
        self.store.memberships.retain(|_, membership| membership.user != id);
        Ok(json!({}))
    }
}

/// Rejects a user without the attributes that the service requires. The model requires only the identity store ID, and
/// the error message of the service is empty.
fn require_user_attributes(input: &Value) -> Result<(), ServiceError> {
    let is_complete = !text(input, "UserName").is_empty()
        && !text(input, "DisplayName").is_empty()
        && !text(&input["Name"], "GivenName").is_empty()
        && !text(&input["Name"], "FamilyName").is_empty()
        && input["Emails"][0]["Value"].is_string();
    is_complete
        .then_some(())
        .ok_or_else(|| ServiceError::new("ValidationException", ""))
}

/// Sets or removes an attribute. The path `name.givenName` means `Name.GivenName`. A list is replaced completely.
fn set_attribute(attributes: &mut Map<String, Value>, path: &str, value: Option<&Value>) -> Result<(), ServiceError> {
    const SUPPORTED: [&str; 17] = [
        "UserName",
        "Name",
        "DisplayName",
        "NickName",
        "ProfileUrl",
        "Emails",
        "Addresses",
        "PhoneNumbers",
        "UserType",
        "Title",
        "PreferredLanguage",
        "Locale",
        "Timezone",
        "Photos",
        "Website",
        "Birthdate",
        "Roles",
    ];
    let parts: Vec<String> = path.split('.').map(capitalized).collect();
    if !SUPPORTED.contains(&parts[0].as_str()) {
        return Err(unsupported(path));
    }
    let value = value.cloned().map(with_capitalized_keys);
    match (parts.as_slice(), value) {
        ([attribute], Some(value)) => {
            attributes.insert(attribute.clone(), value);
        }
        ([attribute], None) => {
            attributes.remove(attribute);
        }
        ([attribute, member], value) => {
            attributes.entry(attribute.clone()).or_insert_with(|| json!({}))[member.as_str()] =
                value.unwrap_or_default();
        }
        _ => return Err(unsupported(path)),
    }
    Ok(())
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Converts the keys of an attribute value to the form of `CreateUser`. Clients may send them in lower camel case, as
/// in SCIM.
fn with_capitalized_keys(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (capitalized(&key), with_capitalized_keys(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(with_capitalized_keys).collect(),
        other => other,
    }
}
