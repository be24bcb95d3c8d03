//! Tags of permission sets, instances, applications and trusted token issuers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::permission_sets::tags_of;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::Request;
use crate::services::request::{not_found, text};
use crate::state::Cloud;

/// Maximum number of tags of a resource.
const MAX_TAGS: usize = 75;

/// `ListTagsForResource`. `InstanceArn` is optional.
pub fn list(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let arn = text(request.input, "ResourceArn");
    let tags = tags_mut(cloud, arn)?;
    let rows = tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    paging::page(request.input, &format!("ListTagsForResource:{arn}"), "Tags", 50, rows)
}

/// `TagResource`. Replaces the values of keys that exist.
pub fn tag(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let new = tags_of(&request.input["Tags"]);
    let tags = tags_mut(cloud, text(request.input, "ResourceArn"))?;
    let added = new.keys().filter(|key| !tags.contains_key(*key)).count();
    if tags.len() + added > MAX_TAGS {
        return Err(ServiceError::new(
            "ServiceQuotaExceededException",
            format!("A resource has at most {MAX_TAGS} tags."),
        ));
    }
    tags.extend(new);
    Ok(json!({}))
}

/// `UntagResource`. Keys that do not exist are ignored.
pub fn untag(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let keys = request.input["TagKeys"].as_array().cloned().unwrap_or_default();
    let tags = tags_mut(cloud, text(request.input, "ResourceArn"))?;
    tags.retain(|key, _| !keys.iter().any(|removed| removed == &Value::String(key.clone())));
    Ok(json!({}))
}

/// Returns the tags of the resource with this ARN.
fn tags_mut<'a>(cloud: &'a mut Cloud, arn: &str) -> Result<&'a mut BTreeMap<String, String>, ServiceError> {
    let of_sets = cloud.permission_sets.iter_mut().map(|set| (&set.arn, &mut set.tags));
    let of_instances = cloud
        .instances
        .iter_mut()
        .map(|instance| (&instance.arn, &mut instance.tags));
    let of_applications = cloud
        .applications
        .iter_mut()
        .map(|application| (&application.arn, &mut application.tags));
    let of_issuers = cloud
        .trusted_token_issuers
        .iter_mut()
        .map(|issuer| (&issuer.arn, &mut issuer.tags));
    of_sets
        .chain(of_instances)
        .chain(of_applications)
        .chain(of_issuers)
        .find(|(candidate, _)| *candidate == arn)
        .map(|(_, tags)| tags)
        .ok_or_else(|| not_found(format!("The resource {arn} was not found.")))
}
