//! Attributes for access control of an instance.

use serde_json::{Value, json};

use super::access;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::request::{Request, not_found};
use crate::state::Cloud;

const MEMBER: &str = "InstanceAccessControlAttributeConfiguration";

/// `CreateInstanceAccessControlAttributeConfiguration`: enables the attributes.
pub fn create(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    if access::instance(cloud, request)?.attributes.is_some() {
        return Err(ServiceError::new(
            "ConflictException",
            "Attributes for access control are enabled already.",
        ));
    }
    set(cloud, request, Some(&request.input[MEMBER]))
}

/// `DescribeInstanceAccessControlAttributeConfiguration`.
pub fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    let attributes = access::instance(cloud, request)?.attributes.as_ref();
    let attributes = attributes.ok_or_else(not_enabled)?;
    Ok(json!({"Status": "ENABLED", MEMBER: attributes}))
}

/// `UpdateInstanceAccessControlAttributeConfiguration`: replaces the attributes.
pub fn update(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    access::instance(cloud, request)?
        .attributes
        .as_ref()
        .ok_or_else(not_enabled)?;
    set(cloud, request, Some(&request.input[MEMBER]))
}

/// `DeleteInstanceAccessControlAttributeConfiguration`.
pub fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    access::instance(cloud, request)?
        .attributes
        .as_ref()
        .ok_or_else(not_enabled)?;
    set(cloud, request, None)
}

fn set(cloud: &mut Cloud, request: &Request, attributes: Option<&Value>) -> ServiceResult {
    let arn = access::instance(cloud, request)?.arn.clone();
    for instance in cloud.instances.iter_mut().filter(|instance| instance.arn == arn) {
        instance.attributes = attributes.cloned();
    }
    Ok(json!({}))
}

fn not_enabled() -> ServiceError {
    not_found("Attributes for access control are not enabled.")
}
