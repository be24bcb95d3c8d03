//! Tags of permission sets and instances.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::paging;
use super::super::super::refusal::{Answer, Refusal};
use super::super::super::world::{World, not_found, text};
use super::super::Request;
use super::permission_sets::tags_of;

/// A resource has at most this many tags.
const MOST_TAGS: usize = 75;

/// `ListTagsForResource`; the instance's ARN is optional there.
pub fn list(world: &mut World, request: &Request) -> Answer {
    let arn = text(request.input, "ResourceArn");
    let tags = tags_mut(world, arn)?;
    let rows = tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    paging::page(request.input, &format!("ListTagsForResource:{arn}"), "Tags", 50, rows)
}

/// `TagResource`: a key that is there gets the new value.
pub fn tag(world: &mut World, request: &Request) -> Answer {
    let new = tags_of(&request.input["Tags"]);
    let tags = tags_mut(world, text(request.input, "ResourceArn"))?;
    let more = new.keys().filter(|key| !tags.contains_key(*key)).count();
    if tags.len() + more > MOST_TAGS {
        return Err(Refusal::new(
            "ServiceQuotaExceededException",
            format!("A resource has at most {MOST_TAGS} tags."),
        ));
    }
    tags.extend(new);
    Ok(json!({}))
}

/// `UntagResource`: keys that are not there are no error.
pub fn untag(world: &mut World, request: &Request) -> Answer {
    let keys = request.input["TagKeys"].as_array().cloned().unwrap_or_default();
    let tags = tags_mut(world, text(request.input, "ResourceArn"))?;
    tags.retain(|key, _| !keys.iter().any(|gone| gone == &Value::String(key.clone())));
    Ok(json!({}))
}

fn tags_mut<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut BTreeMap<String, String>, Refusal> {
    let of_sets = world.permission_sets.iter_mut().map(|set| (&set.arn, &mut set.tags));
    let of_instances = world
        .instances
        .iter_mut()
        .map(|instance| (&instance.arn, &mut instance.tags));
    of_sets
        .chain(of_instances)
        .find(|(candidate, _)| *candidate == arn)
        .map(|(_, tags)| tags)
        .ok_or_else(|| not_found(format!("The resource {arn} was not found.")))
}
