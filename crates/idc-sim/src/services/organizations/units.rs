//! The root, organizational units, where accounts are in them, and tags.

use serde_json::{Value, json};

use super::lists::page;
use super::organization::{account_shape, find_account, require_administrator, require_management};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::request::{Request, not_simulated, tags_of, text};
use crate::state::{Cloud, Organization, OrganizationalUnit};

/// Handles an operation on the tree of accounts.
pub fn handle(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    match request.operation {
        "ListRoots" => list_roots(cloud, request),
        "CreateOrganizationalUnit" => create(cloud, request),
        "DescribeOrganizationalUnit" => describe(cloud, request),
        "UpdateOrganizationalUnit" => update(cloud, request),
        "DeleteOrganizationalUnit" => delete(cloud, request),
        "ListOrganizationalUnitsForParent" => list_units(cloud, request),
        "ListAccountsForParent" => list_accounts(cloud, request),
        "ListChildren" => list_children(cloud, request),
        "ListParents" => list_parents(cloud, request),
        "MoveAccount" => move_account(cloud, request),
        "ListTagsForResource" => list_tags(cloud, request),
        "TagResource" | "UntagResource" => change_tags(cloud, request),
        other => Err(not_simulated("organizations", other)),
    }
}

/// Returns the organization. Every operation here needs one.
pub fn organization(cloud: &Cloud) -> Result<&Organization, ServiceError> {
    cloud.organization.as_ref().ok_or_else(not_in_use)
}

/// Returns the organization, to change it.
pub fn organization_mut(cloud: &mut Cloud) -> Result<&mut Organization, ServiceError> {
    cloud.organization.as_mut().ok_or_else(not_in_use)
}

fn not_in_use() -> ServiceError {
    ServiceError::new(
        "AWSOrganizationsNotInUseException",
        "Your account is not a member of an organization.",
    )
}

impl Organization {
    /// Returns the parent with an ID as the state stores it: empty for the root.
    fn parent<'a>(&self, id: &'a str, code: &str) -> Result<&'a str, ServiceError> {
        match id {
            root if root == self.root_id() => Ok(""),
            unit if self.units.iter().any(|known| known.id == unit) => Ok(unit),
            _ => Err(ServiceError::new(code, "You specified parent that doesn't exist.")),
        }
    }

    fn unit(&self, id: &str) -> Result<&OrganizationalUnit, ServiceError> {
        let unit = self.units.iter().find(|unit| unit.id == id);
        unit.ok_or_else(|| {
            ServiceError::new(
                "OrganizationalUnitNotFoundException",
                "You specified an organizational unit that doesn't exist.",
            )
        })
    }

    fn require_free_name(&self, parent: &str, name: &str) -> Result<(), ServiceError> {
        let mut units = self.units.iter();
        if units.any(|unit| unit.parent == parent && unit.name == name) {
            return Err(ServiceError::new(
                "DuplicateOrganizationalUnitException",
                "An OU with the same name already exists.",
            ));
        }
        Ok(())
    }

    /// Returns the ARN of what is in the organization.
    pub(super) fn arn(&self, partition: &str, kind: &str, id: &str) -> String {
        format!(
            "arn:{partition}:organizations::{}:{kind}/{}/{id}",
            self.management_account, self.id
        )
    }

    fn unit_shape(&self, partition: &str, unit: &OrganizationalUnit) -> Value {
        json!({
            "Id": unit.id,
            "Arn": self.arn(partition, "ou", &unit.id),
            "Name": unit.name,
            "Path": format!("{}{}/", self.path(&unit.parent), unit.id),
        })
    }
}

/// `ListRoots`. An organization has one.
fn list_roots(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let root = root_shape(cloud.partition(), organization(cloud)?);
    Ok(json!({ "Roots": [root] }))
}

/// Returns the root in the API's form.
pub fn root_shape(partition: &str, organization: &Organization) -> Value {
    let id = organization.root_id();
    let types = organization.policies.enabled_types.iter();
    let types: Vec<Value> = types.map(|kind| json!({"Type": kind, "Status": "ENABLED"})).collect();
    json!({
        "Id": id,
        "Arn": organization.arn(partition, "root", &id),
        "Name": "Root",
        "PolicyTypes": types,
    })
}

/// `CreateOrganizationalUnit`.
fn create(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let (partition, random) = (cloud.partition(), cloud.ids.hex(8));
    let organization = organization_mut(cloud)?;
    let name = text(request.input, "Name");
    let parent = organization.parent(text(request.input, "ParentId"), "ParentNotFoundException")?;
    organization.require_free_name(parent, name)?;
    let unit = OrganizationalUnit {
        id: format!("ou-{}-{random}", organization.root_id().trim_start_matches("r-")),
        name: name.to_owned(),
        parent: parent.to_owned(),
    };
    let tags = tags_of(&request.input["Tags"]);
    if !tags.is_empty() {
        organization.tags.insert(unit.id.clone(), tags.into_iter().collect());
    }
    let shape = organization.unit_shape(partition, &unit);
    organization.units.push(unit);
    Ok(json!({ "OrganizationalUnit": shape }))
}

/// `DescribeOrganizationalUnit`.
fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let organization = organization(cloud)?;
    let unit = organization.unit(text(request.input, "OrganizationalUnitId"))?;
    Ok(json!({ "OrganizationalUnit": organization.unit_shape(cloud.partition(), unit) }))
}

/// `UpdateOrganizationalUnit`: changes the name.
fn update(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let partition = cloud.partition();
    let organization = organization_mut(cloud)?;
    let mut unit = organization.unit(text(request.input, "OrganizationalUnitId"))?.clone();
    if let Some(name) = request.input["Name"].as_str().filter(|name| *name != unit.name) {
        organization.require_free_name(&unit.parent, name)?;
        name.clone_into(&mut unit.name);
    }
    let shape = organization.unit_shape(partition, &unit);
    for known in organization.units.iter_mut().filter(|known| known.id == unit.id) {
        known.name.clone_from(&unit.name);
    }
    Ok(json!({ "OrganizationalUnit": shape }))
}

/// `DeleteOrganizationalUnit`. It must be empty.
fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let id = organization(cloud)?
        .unit(text(request.input, "OrganizationalUnitId"))?
        .id
        .clone();
    let has_accounts = cloud.accounts.iter().any(|account| account.parent == id);
    let organization = organization_mut(cloud)?;
    if has_accounts || organization.units.iter().any(|unit| unit.parent == id) {
        return Err(ServiceError::new(
            "OrganizationalUnitNotEmptyException",
            "The organizational unit (OU) is not empty.",
        ));
    }
    organization.units.retain(|unit| unit.id != id);
    organization.tags.remove(&id);
    organization.policies.forget_target(&id);
    Ok(Value::Null)
}

/// `ListOrganizationalUnitsForParent`.
fn list_units(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let organization = organization(cloud)?;
    let id = text(request.input, "ParentId");
    let parent = organization.parent(id, "ParentNotFoundException")?;
    let units = organization.units.iter().filter(|unit| unit.parent == parent);
    let rows = units
        .map(|unit| organization.unit_shape(cloud.partition(), unit))
        .collect();
    let scope = format!("organizations:ListOrganizationalUnitsForParent:{id}");
    page(request.input, &scope, "OrganizationalUnits", 20, rows)
}

/// `ListAccountsForParent`.
fn list_accounts(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let id = text(request.input, "ParentId");
    let parent = organization(cloud)?.parent(id, "ParentNotFoundException")?;
    let accounts = cloud.all_accounts().filter(|account| account.parent == parent);
    let rows = accounts.map(|account| account_shape(cloud, account)).collect();
    let scope = format!("organizations:ListAccountsForParent:{id}");
    page(request.input, &scope, "Accounts", 20, rows)
}

/// `ListChildren`: the accounts or the organizational units in a parent.
fn list_children(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let organization = organization(cloud)?;
    let (id, kind) = (text(request.input, "ParentId"), text(request.input, "ChildType"));
    let parent = organization.parent(id, "ParentNotFoundException")?;
    let ids: Vec<&str> = if kind == "ACCOUNT" {
        let accounts = cloud.all_accounts().filter(|account| account.parent == parent);
        accounts.map(|account| account.id.as_str()).collect()
    } else {
        let units = organization.units.iter().filter(|unit| unit.parent == parent);
        units.map(|unit| unit.id.as_str()).collect()
    };
    let rows = ids.into_iter().map(|id| json!({"Id": id, "Type": kind})).collect();
    let scope = format!("organizations:ListChildren:{kind}:{id}");
    page(request.input, &scope, "Children", 20, rows)
}

/// `ListParents`: the one parent of an account or an organizational unit.
fn list_parents(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let organization = organization(cloud)?;
    let child = text(request.input, "ChildId");
    let account = cloud.all_accounts().find(|account| account.id == child);
    let unit = organization.units.iter().find(|unit| unit.id == child);
    let parent = account
        .map(|account| &account.parent)
        .or_else(|| unit.map(|unit| &unit.parent));
    let Some(parent) = parent else {
        return Err(ServiceError::new(
            "ChildNotFoundException",
            "You specified an invalid child.",
        ));
    };
    let kind = if parent.is_empty() {
        "ROOT"
    } else {
        "ORGANIZATIONAL_UNIT"
    };
    Ok(json!({ "Parents": [{"Id": organization.parent_id(parent), "Type": kind}] }))
}

/// `MoveAccount`, from the parent that contains it to another one.
fn move_account(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let organization = organization(cloud)?;
    let (source, destination) = (
        text(request.input, "SourceParentId"),
        text(request.input, "DestinationParentId"),
    );
    let id = find_account(cloud, text(request.input, "AccountId"))?.id.clone();
    let from = organization.parent(source, "SourceParentNotFoundException")?;
    let to = organization.parent(destination, "DestinationParentNotFoundException")?;
    let account = cloud.accounts.iter_mut().find(|account| account.id == id);
    match account {
        Some(account) if account.parent == to => Err(ServiceError::new(
            "DuplicateAccountException",
            "The account is already in the destination.",
        )),
        Some(account) if account.parent == from => {
            to.clone_into(&mut account.parent);
            Ok(Value::Null)
        }
        _ => Err(ServiceError::new(
            "SourceParentNotFoundException",
            "You specified a source parent that doesn't contain the account.",
        )),
    }
}

/// Rejects what is not the ID of the root, an organizational unit or an account.
pub fn require_target(cloud: &Cloud, id: &str) -> Result<(), ServiceError> {
    let organization = organization(cloud)?;
    let is_known = id == organization.root_id()
        || organization.units.iter().any(|unit| unit.id == id)
        || cloud.all_accounts().any(|account| account.id == id);
    if is_known {
        return Ok(());
    }
    Err(ServiceError::new(
        "TargetNotFoundException",
        "You specified a target that doesn't exist.",
    ))
}

/// Returns the ID of the request's resource, which must exist.
fn resource<'a>(cloud: &Cloud, request: &Request<'a>) -> Result<&'a str, ServiceError> {
    let id = text(request.input, "ResourceId");
    let mut policies = organization(cloud)?.policies.created.iter();
    if !policies.any(|policy| policy.id == id) {
        require_target(cloud, id)?;
    }
    Ok(id)
}

/// `ListTagsForResource`, of an account, an organizational unit, the root or a policy.
fn list_tags(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let id = resource(cloud, request)?;
    let tags = organization(cloud)?.tags.get(id).into_iter().flatten();
    let rows = tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let scope = format!("organizations:ListTagsForResource:{id}");
    page(request.input, &scope, "Tags", 50, rows)
}

/// `TagResource` and `UntagResource`.
fn change_tags(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let id = resource(cloud, request)?.to_owned();
    let tags = organization_mut(cloud)?.tags.entry(id).or_default();
    tags.extend(tags_of(&request.input["Tags"]));
    let removed = request.input["TagKeys"].as_array().cloned().unwrap_or_default();
    tags.retain(|key, _| !removed.iter().any(|removed| removed == key));
    Ok(Value::Null)
}
