//! Updates and removals. What hangs on a thing goes with it: a user's and a group's memberships.

use serde_json::{Map, Value, json};

use super::super::super::paging;
use super::super::super::refusal::{Answer, Refusal};
use super::super::super::world::text;
use super::{Desk, missing, refuse_reserved, short, taken};

impl Desk<'_> {
    /// `UpdateUser`: attribute by attribute; one without a value is taken out.
    pub(super) fn update_user(&mut self, input: &Value) -> Answer {
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
    pub(super) fn delete_user(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "UserId"));
        self.store.users.remove(id).ok_or_else(|| missing("USER"))?;
        self.store.memberships.retain(|_, membership| membership.user != id);
        Ok(json!({}))
    }

    /// `UpdateGroup`: name or description.
    pub(super) fn update_group(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "GroupId")).to_owned();
        let mut group = self.group(&id)?.clone();
        for (path, value) in operations(input) {
            let value = value.and_then(Value::as_str).map(str::to_owned);
            match (path.to_ascii_lowercase().as_str(), value) {
                ("displayname", Some(name)) => group.display_name = name,
                ("description", value) => group.description = value,
                _ => return Err(unsupported(path)),
            }
        }
        refuse_reserved(&group.display_name)?;
        let same_name =
            |(other, there): (&String, &super::Group)| *other != id && there.display_name == group.display_name;
        if self.store.groups.iter().any(same_name) {
            return Err(taken("DisplayName"));
        }
        self.store.groups.insert(id.clone(), group);
        Ok(self.made("Group", &id))
    }

    /// `DeleteGroup`.
    pub(super) fn delete_group(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "GroupId"));
        self.store.groups.remove(id).ok_or_else(|| missing("GROUP"))?;
        self.store.memberships.retain(|_, membership| membership.group != id);
        Ok(json!({}))
    }

    /// `DeleteGroupMembership`.
    pub(super) fn delete_membership(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "MembershipId"));
        self.store.memberships.remove(id).ok_or_else(|| missing("MEMBERSHIP"))?;
        Ok(json!({}))
    }

    /// `ListGroupMembershipsForMember`.
    pub(super) fn list_memberships_for_member(&self, input: &Value) -> Answer {
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
}

fn operations(input: &Value) -> Vec<(&str, Option<&Value>)> {
    let rows = input["Operations"].as_array().into_iter().flatten();
    rows.map(|row| {
        (
            text(row, "AttributePath"),
            Some(&row["AttributeValue"]).filter(|value| !value.is_null()),
        )
    })
    .collect()
}

/// `name.givenName` is `Name.GivenName`; lists are replaced whole, their members named as in `CreateUser`.
fn set(attributes: &mut Map<String, Value>, path: &str, value: Option<&Value>) -> Result<(), Refusal> {
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

fn unsupported(path: &str) -> Refusal {
    Refusal::new(
        "ValidationException",
        format!("The attribute path {path} is not supported."),
    )
}
