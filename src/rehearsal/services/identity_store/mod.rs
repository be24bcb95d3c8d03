//! The identity store: users, groups and who is in which.

mod changes;
mod memberships;

use serde_json::{Map, Value, json};

use super::super::paging;
use super::super::person;
use super::super::refusal::{Answer, Refusal};
use super::super::world::{Group, Identity, IdentityStore, SignIn, Stamp, User, World, epoch, not_found, text};
use super::{Request, not_simulated};

/// Names that neither a user nor a group may have.
const RESERVED: [&str; 2] = ["Administrator", "AWSAdministrators"];

/// Answers an operation of `identitystore`.
pub fn answer(world: &mut World, caller: &Identity, request: &Request) -> Answer {
    let input = request.input;
    let id = text(input, "IdentityStoreId");
    let visible_before = request.now - world.pace.spreading;
    let partition = world.partition();
    if request.operation == "GetUserId" {
        note_awaited_user(world, request);
    }
    let stamp = Stamp {
        at: request.now,
        by: caller.arn.clone(),
    };
    let store_id = id.rsplit('/').next().unwrap_or(id).to_owned();
    let new_id = world.ids.principal(&store_id);
    let in_region = world
        .instances
        .iter()
        .any(|instance| instance.store.id == store_id && instance.region == request.region);
    let store = world
        .store_mut(id)
        .filter(|_| in_region)
        .ok_or_else(|| not_found(format!("IdentityStore not present for IdentityStoreId: {id}")))?;
    let mut desk = Desk {
        store,
        partition,
        visible_before,
    };
    match request.operation {
        "UpdateUser" => desk.update_user(input),
        "DeleteUser" => desk.delete_user(input),
        "UpdateGroup" => desk.update_group(input),
        "DeleteGroup" => desk.delete_group(input),
        "DeleteGroupMembership" => desk.delete_membership(input),
        "ListGroupMembershipsForMember" => desk.list_memberships_for_member(input),
        "CreateUser" => desk.create_user(input, &new_id, &stamp),
        "DescribeUser" => desk.describe_user(input),
        "GetUserId" => desk.user_id(input),
        "ListUsers" => desk.list_users(input),
        "CreateGroup" => desk.create_group(input, &new_id, &stamp),
        "DescribeGroup" => desk.describe_group(input),
        "GetGroupId" => desk.group_id(input),
        "ListGroups" => desk.list_groups(input),
        "CreateGroupMembership" => desk.create_membership(input, &new_id, &stamp),
        "DescribeGroupMembership" => desk.describe_membership(input),
        "GetGroupMembershipId" => desk.membership_id(input),
        "ListGroupMemberships" => desk.list_memberships(input),
        "IsMemberInGroups" => desk.is_member(input),
        other => Err(not_simulated("identitystore", other)),
    }
}

fn note_awaited_user(world: &mut World, request: &Request) {
    let attribute = &request.input["AlternateIdentifier"]["UniqueAttribute"];
    if text(attribute, "AttributePath").eq_ignore_ascii_case("userName") {
        let name = text(attribute, "AttributeValue").to_owned();
        person::user_awaited(world, &name, request.now);
    }
}

/// The store, as one request sees it.
struct Desk<'a> {
    store: &'a mut IdentityStore,
    partition: &'static str,
    visible_before: jiff::Timestamp,
}

impl Desk<'_> {
    fn create_user(&mut self, input: &Value, id: &str, stamp: &Stamp) -> Answer {
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

    fn describe_user(&self, input: &Value) -> Answer {
        let id = short(text(input, "UserId"));
        let user = self.user(id)?;
        Ok(self.user_shape(id, user))
    }

    fn user_shape(&self, id: &str, user: &User) -> Value {
        let mut shape = Value::Object(user.attributes.clone());
        self.add_identity(&mut shape, "User", id, &user.created);
        shape["UserStatus"] = json!("ENABLED");
        shape
    }

    fn user_id(&mut self, input: &Value) -> Answer {
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

    fn list_users(&self, input: &Value) -> Answer {
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

    fn create_group(&mut self, input: &Value, id: &str, stamp: &Stamp) -> Answer {
        let name = text(input, "DisplayName");
        if name.is_empty() {
            return Err(Refusal::new("ValidationException", ""));
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

    fn describe_group(&self, input: &Value) -> Answer {
        let id = short(text(input, "GroupId"));
        Ok(self.group_shape(id, self.group(id)?))
    }

    fn group_shape(&self, id: &str, group: &Group) -> Value {
        let mut shape = json!({"DisplayName": group.display_name});
        if let Some(description) = &group.description {
            shape["Description"] = json!(description);
        }
        self.add_identity(&mut shape, "Group", id, &group.created);
        shape
    }

    fn group_id(&self, input: &Value) -> Answer {
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

    fn list_groups(&self, input: &Value) -> Answer {
        let rows = self
            .store
            .groups
            .iter()
            .map(|(id, group)| self.group_shape(id, group))
            .collect();
        paging::page(input, &format!("ListGroups:{}", self.store.id), "Groups", 100, rows)
    }

    fn user(&self, id: &str) -> Result<&User, Refusal> {
        let user = self
            .store
            .users
            .get(id)
            .filter(|user| user.created.at <= self.visible_before);
        user.ok_or_else(|| missing("USER"))
    }

    fn group(&self, id: &str) -> Result<&Group, Refusal> {
        let group = self
            .store
            .groups
            .get(id)
            .filter(|group| group.created.at <= self.visible_before);
        group.ok_or_else(|| missing("GROUP"))
    }

    fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:{}:identitystore:::{kind}/{id}", self.partition)
    }

    fn named(&self, kind: &str, id: &str) -> Value {
        json!({
            "IdentityStoreId": self.store.id,
            format!("{kind}Id"): id,
            format!("{kind}Arn"): self.arn(&kind.to_ascii_lowercase(), id),
        })
    }

    fn made(&self, kind: &str, id: &str) -> Value {
        let mut answer = self.named(kind, id);
        answer["Revision"] = json!("1");
        answer
    }

    fn add_identity(&self, shape: &mut Value, kind: &str, id: &str, created: &Stamp) {
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

/// The model marks only the store as required; the service wants more and says nothing when it is missing.
fn require_user_members(input: &Value) -> Result<(), Refusal> {
    let complete = !text(input, "UserName").is_empty()
        && !text(input, "DisplayName").is_empty()
        && !text(&input["Name"], "GivenName").is_empty()
        && !text(&input["Name"], "FamilyName").is_empty()
        && input["Emails"][0]["Value"].is_string();
    complete
        .then_some(())
        .ok_or_else(|| Refusal::new("ValidationException", ""))
}

fn refuse_reserved(name: &str) -> Result<(), Refusal> {
    if RESERVED.contains(&name) {
        return Err(Refusal::new(
            "ValidationException",
            format!("The name {name} is reserved."),
        ));
    }
    Ok(())
}

fn unique_attribute(input: &Value) -> Result<(String, &str), Refusal> {
    let attribute = &input["AlternateIdentifier"]["UniqueAttribute"];
    let value = attribute["AttributeValue"].as_str().ok_or_else(|| {
        Refusal::new(
            "ValidationException",
            "AlternateIdentifier must name a UniqueAttribute with a string.",
        )
    })?;
    Ok((text(attribute, "AttributePath").to_ascii_lowercase(), value))
}

fn unsupported(path: &str) -> Refusal {
    Refusal::new(
        "ValidationException",
        format!("The attribute path {path} is not supported."),
    )
}

fn taken(what: &str) -> Refusal {
    Refusal::new("ConflictException", format!("Duplicate {what}")).with("Reason", "UNIQUENESS_CONSTRAINT_VIOLATION")
}

fn missing(kind: &str) -> Refusal {
    not_found(format!("{kind} not found.")).with("ResourceType", kind)
}

/// Ids are accepted as ARNs too.
fn short(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
