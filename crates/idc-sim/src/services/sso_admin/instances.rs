//! Instances of IAM Identity Center.

use super::{access, regions};
use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::recorded::Words;
use crate::services::paging;
use crate::services::request::{Request, denied};
use crate::services::request::{epoch, text};
use crate::state::person;
use crate::state::{Cloud, Identity, Instance};

/// `ListInstances`: the instances of the request's Region, or of all Regions.
pub fn list(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    person::schedule_enable(cloud, request.region, request.now);
    let all_regions = text(request.input, "RegionScope") == "ALL_REGIONS";
    let rows = cloud
        .instances
        .iter()
        .filter(|instance| all_regions || instance.is_in(request.region, request.now))
        .map(|instance| shape(instance, request))
        .collect();
    paging::page(request.input, "ListInstances", "Instances", 10, rows)
}

/// `DescribeInstance`. For an instance that does not exist, the error is `AccessDeniedException`.
pub fn describe(cloud: &Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let arn = text(request.input, "InstanceArn");
    let instance = cloud
        .instance(arn)
        .filter(|instance| instance.is_in(request.region, request.now))
        .ok_or_else(|| denied(caller, "sso:DescribeInstance", arn))?;
    let mut response = shape(instance, request);
    response["PermissionSetsEnabled"] = json!(instance.permission_sets_enabled);
    response["EncryptionConfigurationDetails"] = json!({"KeyType": "AWS_OWNED_KMS_KEY", "EncryptionStatus": "ENABLED"});
    Ok(response)
}

/// `CreateInstance`: creates an account instance. A management account cannot have one.
pub fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    if cloud.is_management_account() {
        return Err(ServiceError::new(
            "AccessDeniedException",
            "Organization management account is not allowed to perform the operation",
        ));
    }
    if cloud.instances.iter().any(|instance| instance.owner == caller.account) {
        return Err(Words::InstanceExists.error(&[("account", &caller.account)]));
    }
    let arn = cloud.enable(request.region, request.now);
    if let Some(instance) = cloud.instances.iter_mut().find(|instance| instance.arn == arn) {
        instance.name = request.input["Name"].as_str().map(str::to_owned);
        instance.tags = super::permission_sets::tags_of(&request.input["Tags"]);
    }
    Ok(json!({ "InstanceArn": arn }))
}

/// `UpdateInstance`: changes the name or enables permission sets, but not both in one call. Permission sets cannot be
/// disabled.
pub fn update(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let arn = access::instance(cloud, request)?.arn.clone();
    let (name, permission_sets) = (&request.input["Name"], &request.input["PermissionSetsEnabled"]);
    if !name.is_null() && !permission_sets.is_null() {
        return Err(ServiceError::new(
            "ValidationException",
            "Only one of the attributes can be updated at a time.",
        ));
    }
    if permission_sets == &json!(false) {
        return Err(ServiceError::new(
            "ValidationException",
            "Permission sets cannot be disabled.",
        ));
    }
    for instance in cloud.instances.iter_mut().filter(|instance| instance.arn == arn) {
        if let Some(name) = name.as_str() {
            instance.name = Some(name.to_owned());
        }
        instance.permission_sets_enabled |= permission_sets == &json!(true);
    }
    Ok(json!({}))
}

/// `DeleteInstance`: deletes an account instance. An organization instance can be deleted only in the console.
pub fn delete(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let arn = text(request.input, "InstanceArn");
    let instance = cloud
        .instance(arn)
        .filter(|instance| instance.region == request.region && instance.owner == caller.account)
        .ok_or_else(|| denied(caller, "sso:DeleteInstance", arn))?;
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

fn shape(instance: &Instance, request: &Request) -> Value {
    let status = if instance.active_at <= request.now {
        "ACTIVE"
    } else {
        "CREATE_IN_PROGRESS"
    };
    let mut shape = json!({
        "InstanceArn": instance.arn,
        "IdentityStoreId": instance.store.id,
        "IdentityStoreArn": instance.store_arn(),
        "OwnerAccountId": instance.owner,
        "CreatedDate": epoch(instance.created),
        "Status": status,
        "PrimaryRegion": instance.region,
        "Regions": regions::of(instance, request.now),
    });
    if let Some(name) = &instance.name {
        shape["Name"] = json!(name);
    }
    shape
}
