//! Instances: which there are, in which Region, in what state.

use super::access;
use serde_json::{Value, json};

use crate::protocol::error::{Answer, ServiceError};
use crate::services::paging;
use crate::services::request::{Request, denied};
use crate::services::request::{epoch, text};
use crate::state::person;
use crate::state::{Cloud, Identity, Instance};

/// `ListInstances`, of the call's Region or of all.
pub fn list(cloud: &mut Cloud, request: &Request) -> Answer {
    person::instance_awaited(cloud, request.region, request.now);
    let all = text(request.input, "RegionScope") == "ALL_REGIONS";
    let rows = cloud
        .instances
        .iter()
        .filter(|instance| all || instance.region == request.region)
        .map(|instance| shape(instance, request))
        .collect();
    paging::page(request.input, "ListInstances", "Instances", 10, rows)
}

/// `DescribeInstance`; an instance that is not there is not this caller's to see.
pub fn describe(cloud: &Cloud, caller: &Identity, request: &Request) -> Answer {
    let arn = text(request.input, "InstanceArn");
    let instance = cloud
        .instance(arn)
        .filter(|instance| instance.region == request.region)
        .ok_or_else(|| denied(caller, "sso:DescribeInstance"))?;
    let mut answer = shape(instance, request);
    answer["PermissionSetsEnabled"] = json!(instance.permission_sets_enabled);
    answer["EncryptionConfigurationDetails"] = json!({"KeyType": "AWS_OWNED_KMS_KEY", "EncryptionStatus": "ENABLED"});
    Ok(answer)
}

/// `CreateInstance` makes account instances only, and a management account gets none.
pub fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    if cloud.is_management_account() {
        return Err(ServiceError::new(
            "AccessDeniedException",
            "Organization management account is not allowed to perform the operation",
        ));
    }
    if cloud.instances.iter().any(|instance| instance.owner == caller.account) {
        return Err(ServiceError::new(
            "ConflictException",
            "An instance already exists for this account.",
        ));
    }
    let arn = cloud.enable(request.region, request.now);
    if let Some(instance) = cloud.instances.iter_mut().find(|instance| instance.arn == arn) {
        instance.name = request.input["Name"].as_str().map(str::to_owned);
        instance.tags = super::permission_sets::tags_of(&request.input["Tags"]);
    }
    Ok(json!({ "InstanceArn": arn }))
}

/// `UpdateInstance`: the name, or permission sets on, for good; one of them at a time.
pub fn update(cloud: &mut Cloud, request: &Request) -> Answer {
    let arn = access::instance(cloud, request)?.arn.clone();
    let (name, switch) = (&request.input["Name"], &request.input["PermissionSetsEnabled"]);
    if !name.is_null() && !switch.is_null() {
        return Err(ServiceError::new(
            "ValidationException",
            "Only one of the attributes can be updated at a time.",
        ));
    }
    if switch == &json!(false) {
        return Err(ServiceError::new(
            "ValidationException",
            "Permission sets cannot be disabled.",
        ));
    }
    for instance in cloud.instances.iter_mut().filter(|instance| instance.arn == arn) {
        if let Some(name) = name.as_str() {
            instance.name = Some(name.to_owned());
        }
        instance.permission_sets_enabled |= switch == &json!(true);
    }
    Ok(json!({}))
}

/// `DeleteInstance`: an account instance by its owner; an organization's is deleted in the console.
pub fn delete(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    let arn = text(request.input, "InstanceArn");
    let instance = cloud
        .instance(arn)
        .filter(|instance| instance.region == request.region && instance.owner == caller.account)
        .ok_or_else(|| denied(caller, "sso:DeleteInstance"))?;
    if cloud.is_management_account() {
        return Err(ServiceError::new(
            "AccessDeniedException",
            format!(
                "The instance {} of an organization cannot be deleted with this operation.",
                instance.id()
            ),
        ));
    }
    cloud.instances.retain(|instance| instance.arn != arn);
    Ok(json!({}))
}

/// `ListRegions`: the Regions of an instance; one, for none is replicated here.
pub fn list_regions(cloud: &Cloud, request: &Request) -> Answer {
    let instance = access::instance(cloud, request)?;
    let rows = vec![region(instance)];
    paging::page(
        request.input,
        &format!("ListRegions:{}", instance.arn),
        "Regions",
        10,
        rows,
    )
}

fn region(instance: &Instance) -> Value {
    json!({
        "RegionName": instance.region,
        "Status": "ACTIVE",
        "AddedDate": epoch(instance.created),
        "IsPrimaryRegion": true,
    })
}

fn shape(instance: &Instance, request: &Request) -> Value {
    let status = if instance.active_at <= request.now {
        "ACTIVE"
    } else {
        "CREATE_IN_PROGRESS"
    };
    let partition = instance.arn.split(':').nth(1).unwrap_or("aws");
    let mut shape = json!({
        "InstanceArn": instance.arn,
        "IdentityStoreId": instance.store.id,
        "IdentityStoreArn": format!("arn:{partition}:identitystore::{}:identitystore/{}", instance.owner, instance.store.id),
        "OwnerAccountId": instance.owner,
        "CreatedDate": epoch(instance.created),
        "Status": status,
        "PrimaryRegion": instance.region,
        "Regions": [region(instance)],
    });
    if let Some(name) = &instance.name {
        shape["Name"] = json!(name);
    }
    shape
}
