//! Groups in an identity store.

use serde_json::{Value, json};

use super::store_request::{
    Identifier, StoreRequest, alternate_identifier, attribute_operations, bare_id, duplicate, filters, no_such,
    reject_reserved, unsupported,
};
use crate::protocol::error::ServiceResult;
use crate::recorded::Words;
use crate::services::paging::List;
use crate::services::request::text;
use crate::state::{Group, Stamp};

impl StoreRequest<'_> {
    /// `CreateGroup`.
    pub fn create_group(&mut self, input: &Value, id: &str, stamp: &Stamp) -> ServiceResult {
        let name = text(input, "DisplayName");
        if name.is_empty() {
            return Err(Words::UserAttributeMissing.error(&[("attribute", "displayname")]));
        }
        reject_reserved(name)?;
        if self.store.groups.values().any(|group| group.display_name == name) {
            return Err(duplicate(Words::GroupNameTaken));
        }
        let group = Group {
            display_name: name.to_owned(),
            description: input["Description"].as_str().map(str::to_owned),
            created: stamp.clone(),
            external_ids: Vec::new(),
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
        if !group.external_ids.is_empty() {
            let ids = group.external_ids.iter();
            shape["ExternalIds"] = ids.map(|id| json!({"Issuer": id.issuer, "Id": id.id})).collect();
        }
        self.add_metadata(&mut shape, "Group", id, &group.created);
        shape
    }

    /// `GetGroupId`, by display name or external ID.
    pub fn get_group_id(&self, input: &Value) -> ServiceResult {
        let identifier = alternate_identifier(input)?;
        let is_it = |group: &Group| match &identifier {
            Identifier::External { issuer, id } => group
                .external_ids
                .iter()
                .any(|external| external.issuer == *issuer && external.id == *id),
            Identifier::Attribute { value, .. } => group.display_name == *value,
        };
        if let Identifier::Attribute { path, .. } = &identifier
            && !path.eq_ignore_ascii_case("displayName")
        {
            return Err(Words::NotAUniqueAttribute.error(&[("path", path)]));
        }
        self.store
            .groups
            .iter()
            .find(|(_, group)| group.created.at <= self.visible_before && is_it(group))
            .map(|(id, _)| self.id_response("Group", id))
            .ok_or_else(|| no_such("GROUP", ""))
    }

    /// `ListGroups`, all or those with a display name.
    pub fn list_groups(&self, input: &Value) -> ServiceResult {
        let filters = filters(input, "DisplayName")?;
        let is_listed = |group: &Group| filters.iter().all(|name| group.display_name == *name);
        let groups: Vec<_> = self.store.groups.iter().filter(|(_, group)| is_listed(group)).collect();
        let scope = format!("ListGroups:{}", self.store.id);
        let list = List {
            scope: &scope,
            key: "Groups",
            ..List::DEFAULT
        };
        list.page(input, groups.into_iter(), |(id, group)| self.group_shape(id, group))
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
            return Err(duplicate(Words::GroupNameTaken));
        }
        self.store.groups.insert(id.clone(), group);
        Ok(self.write_response("Group", &id))
    }

    /// `DeleteGroup`. Deletes the memberships of the group too.
    pub fn delete_group(&mut self, input: &Value) -> ServiceResult {
        let id = bare_id(text(input, "GroupId"));
        self.store.groups.remove(id).ok_or_else(|| no_such("GROUP", id))?;
        self.store.memberships.retain(|_, membership| membership.group != id);
        Ok(json!({}))
    }
}
