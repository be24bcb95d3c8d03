//! Users of an identity store.

use serde_json::{Map, Value, json};

use super::store_request::{
    StoreRequest, missing, operations, refuse_reserved, short, taken, unique_attribute, unsupported,
};
use crate::protocol::error::{Answer, ServiceError};
use crate::services::paging;
use crate::services::request::text;
use crate::state::{SignIn, Stamp, User};

impl StoreRequest<'_> {
    pub fn create_user(&mut self, input: &Value, id: &str, stamp: &Stamp) -> Answer {
        require_user_members(input)?;
        let name = text(input, "UserName");
        refuse_reserved(name)?;
        let email = input["Emails"][0]["Value"].as_str();
        for user in self.store.users.values() {
            if user.name() == name {
                return Err(taken("UserName"));
            }
            if email.is_some() && user.email() == email {
                return Err(taken("Emails"));
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
        Ok(self.made("User", id))
    }

    pub fn describe_user(&self, input: &Value) -> Answer {
        let id = short(text(input, "UserId"));
        let user = self.user(id)?;
        Ok(self.user_shape(id, user))
    }

    pub fn user_shape(&self, id: &str, user: &User) -> Value {
        let mut shape = Value::Object(user.attributes.clone());
        self.add_identity(&mut shape, "User", id, &user.created);
        shape["UserStatus"] = json!("ENABLED");
        shape
    }

    pub fn user_id(&mut self, input: &Value) -> Answer {
        let (path, value) = unique_attribute(input)?;
        let found = match path.as_str() {
            "username" => self.store.id_of(value),
            "emails.value" => {
                let has_it = |user: &User| user.email() == Some(value);
                self.store
                    .users
                    .iter()
                    .find(|(_, user)| has_it(user))
                    .map(|(id, _)| id.clone())
            }
            other => return Err(unsupported(other)),
        };
        let id = found.ok_or_else(|| missing("USER"))?;
        self.user(&id)?;
        Ok(self.named("User", &id))
    }

    pub fn list_users(&self, input: &Value) -> Answer {
        let wanted = input["Filters"][0]["AttributeValue"].as_str();
        let rows = self
            .store
            .users
            .iter()
            .filter(|(_, user)| wanted.is_none_or(|name| user.name() == name))
            .map(|(id, user)| self.user_shape(id, user))
            .collect();
        paging::page(input, &format!("ListUsers:{}", self.store.id), "Users", 100, rows)
    }

    /// `UpdateUser`: attribute by attribute; one without a value is taken out.
    pub fn update_user(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "UserId")).to_owned();
        let mut attributes = self.user(&id)?.attributes.clone();
        for (path, value) in operations(input) {
            set(&mut attributes, path, value)?;
        }
        let name = attributes.get("UserName").and_then(Value::as_str).unwrap_or_default();
        refuse_reserved(name)?;
        let email = attributes.get("Emails").map(|emails| emails[0]["Value"].clone());
        for (other, user) in self.store.users.iter().filter(|(other, _)| **other != id) {
            if user.name() == name {
                return Err(taken("UserName"));
            }
            let theirs = self.store.users[other].email();
            if theirs.is_some() && email.as_ref().and_then(Value::as_str) == theirs {
                return Err(taken("Emails"));
            }
        }
        if let Some(user) = self.store.users.get_mut(&id) {
            user.attributes = attributes;
        }
        Ok(self.made("User", &id))
    }

    /// `DeleteUser`.
    pub fn delete_user(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "UserId"));
        self.store.users.remove(id).ok_or_else(|| missing("USER"))?;
        self.store.memberships.retain(|_, membership| membership.user != id);
        Ok(json!({}))
    }
}

/// The model marks only the store as required; the service wants more and says nothing when it is missing.
fn require_user_members(input: &Value) -> Result<(), ServiceError> {
    let complete = !text(input, "UserName").is_empty()
        && !text(input, "DisplayName").is_empty()
        && !text(&input["Name"], "GivenName").is_empty()
        && !text(&input["Name"], "FamilyName").is_empty()
        && input["Emails"][0]["Value"].is_string();
    complete
        .then_some(())
        .ok_or_else(|| ServiceError::new("ValidationException", ""))
}

/// `name.givenName` is `Name.GivenName`; lists are replaced whole, their members named as in `CreateUser`.
fn set(attributes: &mut Map<String, Value>, path: &str, value: Option<&Value>) -> Result<(), ServiceError> {
    const KNOWN: [&str; 17] = [
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
    let parts: Vec<String> = path.split('.').map(upper_first).collect();
    if !KNOWN.contains(&parts[0].as_str()) {
        return Err(unsupported(path));
    }
    let value = value.cloned().map(upper_keys);
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

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A document's keys may be in small letters, as SCIM has them.
fn upper_keys(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (upper_first(&key), upper_keys(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(upper_keys).collect(),
        other => other,
    }
}
