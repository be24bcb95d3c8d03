//! Users in an identity store.

use serde_json::{Map, Value, json};

use super::store_request::{
    Identifier, StoreRequest, alternate_identifier, attribute_operations, bare_id, duplicate, filters, no_such,
    reject_reserved, unsupported,
};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging::List;
use crate::services::request::text;
use crate::state::{SignIn, Stamp, User};

impl StoreRequest<'_> {
    /// `CreateUser`.
    pub fn create_user(&mut self, input: &Value, id: &str, stamp: &Stamp) -> ServiceResult {
        self.require_user_attributes(input)?;
        let name = text(input, "UserName");
        reject_reserved(name)?;
        let email = input["Emails"][0]["Value"].as_str();
        for user in self.store.users.values() {
            if user.name() == name {
                return Err(duplicate(Words::UserNameTaken));
            }
            if email.is_some() && user.email() == email {
                return Err(duplicate_email());
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

    /// `GetUserId`, by user name, email address or external ID.
    pub fn get_user_id(&mut self, input: &Value) -> ServiceResult {
        let users = self.store.users.iter();
        let find = |is_it: &dyn Fn(&User) -> bool| {
            let mut users = users;
            users.find(|(_, user)| is_it(user)).map(|(id, _)| id.clone())
        };
        let found = match alternate_identifier(input)? {
            Identifier::External { issuer, id } => find(&|user| user.has_external_id(issuer, id)),
            Identifier::Attribute { path, value } => match path.to_ascii_lowercase().as_str() {
                "username" => self.store.find_user_id(value),
                "emails.value" => find(&|user| user.email() == Some(value)),
                _ => return Err(Words::NotAUniqueAttribute.error(&[("path", path)])),
            },
        };
        let id = found.ok_or_else(|| no_such("USER", ""))?;
        self.user(&id)?;
        Ok(self.id_response("User", &id))
    }

    /// `ListUsers`, all or those with a user name.
    pub fn list_users(&self, input: &Value) -> ServiceResult {
        let filters = filters(input, "UserName")?;
        let scope = format!("ListUsers:{}", self.store.id);
        let list = List {
            scope: &scope,
            key: "Users",
            ..List::DEFAULT
        };
        // A store can have thousands of users, and a page has 100: shape only those.
        if filters.is_empty() {
            return list.page(input, self.store.users.iter(), |(id, user)| self.user_shape(id, user));
        }
        let has_name = |user: &User| filters.iter().all(|name| user.name() == *name);
        let users: Vec<_> = self.store.users.iter().filter(|(_, user)| has_name(user)).collect();
        list.page(input, users.into_iter(), |(id, user)| self.user_shape(id, user))
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
                return Err(duplicate(Words::UserNameTaken));
            }
            let other_email = other.email();
            if other_email.is_some() && email.as_ref().and_then(Value::as_str) == other_email {
                return Err(duplicate_email());
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
        self.store.users.remove(id).ok_or_else(|| no_such("USER", id))?;
        self.store.memberships.retain(|_, membership| membership.user != id);
        Ok(json!({}))
    }

    /// Rejects a user without the attributes that the service requires. The model requires only the identity store ID.
    fn require_user_attributes(&self, input: &Value) -> Result<(), ServiceError> {
        let has = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let name = &input["Name"];
        let has_name = name.as_object().is_some_and(|members| !members.is_empty());
        let missing = |attribute| Words::UserAttributeMissing.error(&[("attribute", attribute)]);
        let error = if !has(&input["UserName"]) {
            Words::UserNameMissing.error(&[])
        } else if !has(&input["DisplayName"]) && !has_name {
            Words::DisplayNameAndNameMissing.error(&[])
        } else if !has(&input["DisplayName"]) {
            missing("displayname")
        } else if !has_name {
            missing("name")
        } else if !has(&name["GivenName"]) {
            missing("givenname")
        } else if !has(&name["FamilyName"]) {
            missing("familyname")
        } else {
            return Ok(());
        };
        Err(if self.choices.names_missing_attributes {
            error
        } else {
            Words::UserAttributeMissingUnnamed.error(&[])
        })
    }
}

/// The error for an email address that another user has. Its words are not recorded.
fn duplicate_email() -> ServiceError {
    ServiceError::new("ConflictException", "Duplicate Emails").with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION")
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
