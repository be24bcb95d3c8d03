//! Groups in an identity store.

use serde_json::{Value, json};

use super::store_request::{
    StoreRequest, attribute_operations, bare_id, duplicate, no_such, reject_reserved, unique_attribute, unsupported,
};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::text;
use crate::state::{Group, Stamp};

impl StoreRequest<'_> {
    /// `CreateGroup`.
    pub fn create_group(&mut self, input: &Value, id: &str, stamp: &Stamp) -> ServiceResult {
        let name = text(input, "DisplayName");
        if name.is_empty() {
            return Err(ServiceError::new("ValidationException", ""));
        }
        reject_reserved(name)?;
        if self.store.groups.values().any(|group| group.display_name == name) {
            return Err(duplicate("DisplayName"));
        }
        let group = Group {
            display_name: name.to_owned(),
            description: input["Description"].as_str().map(str::to_owned),
            created: stamp.clone(),
        };
        self.store.groups.insert(id.to_owned(), group);
        Ok(self.write_response("Group", id))
    }

    /// `DescribeGroup`.
    pub fn describe_group(&self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "GroupId"));
        Ok(self.group_shape(id, self.group(id)?))
    }

    /// Returns a group in the API's form.
    pub fn group_shape(&self, id: &str, group: &Group) -> Value {
        let mut shape = json!({"DisplayName": group.display_name});
        if let Some(description) = &group.description {
            shape["Description"] = json!(description);
        }
        self.add_metadata(&mut shape, "Group", id, &group.created);
        shape
    }

    /// `GetGroupId`, by display name.
    pub fn get_group_id(&self, input: &Value) -> ServiceResult {
        let (path, value) = unique_attribute(input)?;
        if path != "displayname" {
            return Err(unsupported(&path));
        }
        self.store
            .groups
            .iter()
            .find(|(_, group)| group.created.at <= self.visible_before && group.display_name == value)
            .map(|(id, _)| self.id_response("Group", id))
            .ok_or_else(|| no_such("GROUP"))
    }

    /// `ListGroups`.
    pub fn list_groups(&self, input: &Value) -> ServiceResult {
        let rows = self
            .store
            .groups
            .iter()
            .map(|(id, group)| self.group_shape(id, group))
            .collect();
        paging::page(input, &format!("ListGroups:{}", self.store.id), "Groups", 100, rows)
    }

    /// `UpdateGroup`: changes the display name or the description.
    pub fn update_group(&mut self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "GroupId")).to_owned();
        let mut group = self.group(&id)?.clone();
        for (path, value) in attribute_operations(input) {
            let value = value.and_then(Value::as_str).map(str::to_owned);
            match (path.to_ascii_lowercase().as_str(), value) {
                ("displayname", Some(name)) => group.display_name = name,
                ("description", value) => group.description = value,
                _ => return Err(unsupported(path)),
            }
        }
        reject_reserved(&group.display_name)?;
        let has_same_name =
            |(other_id, other): (&String, &Group)| *other_id != id && other.display_name == group.display_name;
        if self.store.groups.iter().any(has_same_name) {
            return Err(duplicate("DisplayName"));
        }
        self.store.groups.insert(id.clone(), group);
        Ok(self.write_response("Group", &id))
    }

    /// `DeleteGroup`. Deletes the memberships of the group too.
    pub fn delete_group(&mut self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "GroupId"));
        self.store.groups.remove(id).ok_or_else(|| no_such("GROUP"))?;
        self.store.memberships.retain(|_, membership| membership.group != id);
        Ok(json!({}))
    }
}
