//! Permission sets, their AWS managed policies and tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::paging;
use super::super::super::refusal::{Answer, Refusal};
use super::super::super::world::{PermissionSet, World, epoch, not_found, text};
use super::super::Request;
use super::instance_with_permission_sets;

/// `CreatePermissionSet`.
pub fn create(world: &mut World, request: &Request) -> Answer {
    let input = request.input;
    let instance = instance_with_permission_sets(world, request)?.id().to_owned();
    let name = text(input, "Name");
    if of_instance(world, &instance).any(|set| set.name == name) {
        return Err(Refusal::new(
            "ConflictException",
            format!("PermissionSet with name {name} already exists."),
        ));
    }
    let session_duration = input["SessionDuration"].as_str().unwrap_or("PT1H").to_owned();
    check_duration(&session_duration)?;
    let partition = world.partition();
    let arn = format!(
        "arn:{partition}:sso:::permissionSet/{instance}/ps-{}",
        world.ids.hex(16)
    );
    let set = PermissionSet {
        arn,
        name: name.to_owned(),
        description: input["Description"].as_str().map(str::to_owned),
        session_duration,
        relay_state: input["RelayState"].as_str().map(str::to_owned),
        created: request.now,
        tags: tags_of(&input["Tags"]),
        managed_policies: Vec::new(),
        inline_policy: None,
        customer_policies: Vec::new(),
        boundary: None,
    };
    let answer = json!({"PermissionSet": shape(&set)});
    world.permission_sets.push(set);
    Ok(answer)
}

/// `DescribePermissionSet`.
pub fn describe(world: &World, request: &Request) -> Answer {
    Ok(json!({"PermissionSet": shape(find(world, request)?)}))
}

/// `ListPermissionSets`: ARNs, newest last.
pub fn list(world: &World, request: &Request) -> Answer {
    let instance = instance_with_permission_sets(world, request)?.id();
    let visible_before = request.now - world.pace.spreading;
    let rows = of_instance(world, instance)
        .filter(|set| set.created <= visible_before)
        .map(|set| json!(set.arn))
        .collect();
    paging::page(
        request.input,
        &format!("ListPermissionSets:{instance}"),
        "PermissionSets",
        100,
        rows,
    )
}

/// `UpdatePermissionSet`; what was provisioned stays as it was until it is provisioned again.
pub fn update(world: &mut World, request: &Request) -> Answer {
    if let Some(duration) = request.input["SessionDuration"].as_str() {
        check_duration(duration)?;
    }
    let set = find_mut(world, request)?;
    for (member, field) in [
        ("Description", &mut set.description),
        ("RelayState", &mut set.relay_state),
    ] {
        if let Some(value) = request.input[member].as_str() {
            *field = Some(value.to_owned());
        }
    }
    if let Some(value) = request.input["SessionDuration"].as_str() {
        value.clone_into(&mut set.session_duration);
    }
    Ok(json!({}))
}

/// `AttachManagedPolicyToPermissionSet`.
pub fn attach(world: &mut World, request: &Request) -> Answer {
    let policy = text(request.input, "ManagedPolicyArn").to_owned();
    let set = find_mut(world, request)?;
    if set.managed_policies.contains(&policy) {
        let name = policy.rsplit('/').next().unwrap_or_default();
        return Err(Refusal::new(
            "ConflictException",
            format!(
                "ManagedPolicy with name {name} is already attached to PermissionSet {}.",
                set.name
            ),
        ));
    }
    let key = format!("policy:{}:{policy}", set.arn);
    set.managed_policies.push(policy);
    world.note_write(key, request.now);
    Ok(json!({}))
}

/// `DetachManagedPolicyFromPermissionSet`.
pub fn detach(world: &mut World, request: &Request) -> Answer {
    let policy = text(request.input, "ManagedPolicyArn").to_owned();
    let set = find_mut(world, request)?;
    let before = set.managed_policies.len();
    set.managed_policies.retain(|attached| *attached != policy);
    if set.managed_policies.len() == before {
        return Err(not_found(format!(
            "The policy {policy} is not attached to PermissionSet {}.",
            set.name
        )));
    }
    Ok(json!({}))
}

/// `ListManagedPoliciesInPermissionSet`.
pub fn list_policies(world: &World, request: &Request) -> Answer {
    let set = find(world, request)?;
    let rows = set
        .managed_policies
        .iter()
        .filter(|arn| world.has_spread(&format!("policy:{}:{arn}", set.arn), request.now))
        .map(|arn| json!({"Name": arn.rsplit('/').next(), "Arn": arn}))
        .collect();
    let scope = format!("ListManagedPoliciesInPermissionSet:{}", set.arn);
    paging::page(request.input, &scope, "AttachedManagedPolicies", 20, rows)
}

/// `DeletePermissionSet`; one that is assigned or provisioned stays.
pub fn delete(world: &mut World, request: &Request) -> Answer {
    let set = find(world, request)?;
    let (arn, name) = (set.arn.clone(), set.name.clone());
    let assigned = world
        .assignments
        .iter()
        .any(|assignment| assignment.permission_set == arn);
    if assigned || world.roles.iter().any(|role| role.permission_set == arn) {
        return Err(Refusal::new(
            "ConflictException",
            format!("PermissionSet with name {name} is in use: it is assigned or provisioned to accounts."),
        ));
    }
    world.permission_sets.retain(|set| set.arn != arn);
    Ok(json!({}))
}

/// The set that `PermissionSetArn` names, once its creation has spread.
pub fn find<'a>(world: &'a World, request: &Request) -> Result<&'a PermissionSet, Refusal> {
    instance_with_permission_sets(world, request)?;
    let arn = text(request.input, "PermissionSetArn");
    let visible_before = request.now - world.pace.spreading;
    world
        .permission_sets
        .iter()
        .find(|set| set.arn == arn && set.created <= visible_before)
        .ok_or_else(|| not_found(format!("Could not find PermissionSet with id {arn}")))
}

/// [`find`], to change it.
pub fn find_mut<'a>(world: &'a mut World, request: &Request) -> Result<&'a mut PermissionSet, Refusal> {
    let arn = find(world, request)?.arn.clone();
    let set = world.permission_sets.iter_mut().find(|set| set.arn == arn);
    set.ok_or_else(|| not_found("Could not find PermissionSet"))
}

fn of_instance<'a>(world: &'a World, instance: &str) -> impl Iterator<Item = &'a PermissionSet> {
    let part = format!("/{instance}/");
    world.permission_sets.iter().filter(move |set| set.arn.contains(&part))
}

fn shape(set: &PermissionSet) -> Value {
    let mut shape = json!({
        "Name": set.name,
        "PermissionSetArn": set.arn,
        "CreatedDate": epoch(set.created),
        "SessionDuration": set.session_duration,
    });
    if let Some(description) = &set.description {
        shape["Description"] = json!(description);
    }
    if let Some(relay_state) = &set.relay_state {
        shape["RelayState"] = json!(relay_state);
    }
    shape
}

/// Tags by key, as a request has them.
pub fn tags_of(tags: &Value) -> BTreeMap<String, String> {
    let rows = tags.as_array().into_iter().flatten();
    rows.map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
        .collect()
}

/// Between one and twelve hours.
fn check_duration(duration: &str) -> Result<(), Refusal> {
    let hours = duration
        .parse::<jiff::Span>()
        .ok()
        .and_then(|span| span.total(jiff::Unit::Hour).ok());
    match hours {
        Some(hours) if (1.0..=12.0).contains(&hours) => Ok(()),
        _ => Err(Refusal::new(
            "ValidationException",
            "Session duration must be between 1 hour and 12 hours.",
        )),
    }
}
