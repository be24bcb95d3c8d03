//! Groups of an identity store.

use serde_json::{Value, json};

use super::store_request::{
    StoreRequest, missing, operations, refuse_reserved, short, taken, unique_attribute, unsupported,
};
use crate::protocol::error::{Answer, ServiceError};
use crate::services::paging;
use crate::services::request::text;
use crate::state::{Group, Stamp};

impl StoreRequest<'_> {
    pub fn create_group(&mut self, input: &Value, id: &str, stamp: &Stamp) -> Answer {
        let name = text(input, "DisplayName");
        if name.is_empty() {
            return Err(ServiceError::new("ValidationException", ""));
        }
        refuse_reserved(name)?;
        if self.store.groups.values().any(|group| group.display_name == name) {
            return Err(taken("DisplayName"));
        }
        let group = Group {
            display_name: name.to_owned(),
            description: input["Description"].as_str().map(str::to_owned),
            created: stamp.clone(),
        };
        self.store.groups.insert(id.to_owned(), group);
        Ok(self.made("Group", id))
    }

    pub fn describe_group(&self, input: &Value) -> Answer {
        let id = short(text(input, "GroupId"));
        Ok(self.group_shape(id, self.group(id)?))
    }

    pub fn group_shape(&self, id: &str, group: &Group) -> Value {
        let mut shape = json!({"DisplayName": group.display_name});
        if let Some(description) = &group.description {
            shape["Description"] = json!(description);
        }
        self.add_identity(&mut shape, "Group", id, &group.created);
        shape
    }

    pub fn group_id(&self, input: &Value) -> Answer {
        let (path, value) = unique_attribute(input)?;
        if path != "displayname" {
            return Err(unsupported(&path));
        }
        self.store
            .groups
            .iter()
            .find(|(_, group)| group.created.at <= self.visible_before && group.display_name == value)
            .map(|(id, _)| self.named("Group", id))
            .ok_or_else(|| missing("GROUP"))
    }

    pub fn list_groups(&self, input: &Value) -> Answer {
        let rows = self
            .store
            .groups
            .iter()
            .map(|(id, group)| self.group_shape(id, group))
            .collect();
        paging::page(input, &format!("ListGroups:{}", self.store.id), "Groups", 100, rows)
    }

    /// `UpdateGroup`: name or description.
    pub fn update_group(&mut self, input: &Value) -> Answer {
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
        let same_name = |(other, there): (&String, &Group)| *other != id && there.display_name == group.display_name;
        if self.store.groups.iter().any(same_name) {
            return Err(taken("DisplayName"));
        }
        self.store.groups.insert(id.clone(), group);
        Ok(self.made("Group", &id))
    }

    /// `DeleteGroup`.
    pub fn delete_group(&mut self, input: &Value) -> Answer {
        let id = short(text(input, "GroupId"));
        self.store.groups.remove(id).ok_or_else(|| missing("GROUP"))?;
        self.store.memberships.retain(|_, membership| membership.group != id);
        Ok(json!({}))
    }
}
