//! The Regions of an instance.

use serde_json::{Value, json};

use jiff::Timestamp;

use super::access;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::{Request, epoch, not_found, text};
use crate::state::{AdditionalRegion, Cloud, Instance};

/// Returns the Regions of an instance in the API's form, the primary one first.
pub fn of(instance: &Instance, now: Timestamp) -> Vec<Value> {
    let primary = json!({
        "RegionName": instance.region,
        "Status": "ACTIVE",
        "AddedDate": epoch(instance.created),
        "IsPrimaryRegion": true,
    });
    let others = instance
        .additional_regions
        .iter()
        .filter(|region| region.gone_at.is_none_or(|gone| gone > now));
    let others = others.map(|region| {
        json!({
            "RegionName": region.name,
            "Status": status(region, now),
            "AddedDate": epoch(region.added),
            "IsPrimaryRegion": false,
        })
    });
    std::iter::once(primary).chain(others).collect()
}

fn status(region: &AdditionalRegion, now: Timestamp) -> &'static str {
    match region {
        AdditionalRegion { gone_at: Some(_), .. } => "REMOVING",
        AdditionalRegion { active_at, .. } if *active_at <= now => "ACTIVE",
        _ => "ADDING",
    }
}

/// `ListRegions`.
pub fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    let instance = access::instance(cloud, request)?;
    let scope = format!("ListRegions:{}", instance.arn);
    paging::page(request.input, &scope, "Regions", 10, of(instance, request.now))
}

/// `DescribeRegion`.
pub fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    let instance = access::instance(cloud, request)?;
    let name = text(request.input, "RegionName");
    let regions = of(instance, request.now).into_iter();
    let mut named = regions.filter(|region| region["RegionName"] == name);
    named.next().ok_or_else(|| not_added(name))
}

/// `AddRegion`, which completes asynchronously. Only an organization instance can be replicated. The simulation does not
/// require what AWS also requires: a multi-Region key, and an external identity provider.
pub fn add(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let instance = access::instance_with_permission_sets(cloud, request)?;
    let (arn, name) = (instance.arn.clone(), text(request.input, "RegionName"));
    if of(instance, request.now)
        .iter()
        .any(|region| region["RegionName"] == name)
    {
        return Err(ServiceError::new(
            "ConflictException",
            format!("The instance is in the Region {name} already."),
        ));
    }
    let region = AdditionalRegion {
        name: name.to_owned(),
        added: request.now,
        active_at: request.now + cloud.timing.enabling,
        gone_at: None,
    };
    for instance in cloud.instances.iter_mut().filter(|instance| instance.arn == arn) {
        instance.additional_regions.retain(|other| other.name != name);
        instance.additional_regions.push(region.clone());
    }
    Ok(json!({"Status": "ADDING"}))
}

/// `RemoveRegion`, which completes asynchronously. The primary Region stays.
pub fn remove(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let instance = access::instance(cloud, request)?;
    let (arn, name) = (instance.arn.clone(), text(request.input, "RegionName"));
    if instance.region == name {
        return Err(ServiceError::new(
            "ValidationException",
            format!("The Region {name} is the primary Region of the instance and cannot be removed."),
        ));
    }
    let gone = request.now + cloud.timing.enabling;
    let regions = cloud.instances.iter_mut().filter(|instance| instance.arn == arn);
    let mut named = regions
        .flat_map(|instance| &mut instance.additional_regions)
        .filter(|region| region.name == name && region.gone_at.is_none_or(|gone| gone > request.now));
    let region = named.next().ok_or_else(|| not_added(name))?;
    region.gone_at.get_or_insert(gone);
    Ok(json!({"Status": "REMOVING"}))
}

fn not_added(name: &str) -> ServiceError {
    not_found(format!("The instance is not in the Region {name}."))
}
