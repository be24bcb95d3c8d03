//! AWS CloudTrail: trails, whether they log, and whether their files arrive.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::s3::{one_or_more, statements};
use crate::protocol::error::{Answer, ServiceError};
use crate::services::paging;
use crate::services::request::{Request, not_simulated};
use crate::services::request::{epoch, text};
use crate::state::default_selectors;
use crate::state::{Cloud, Identity, Trail};

/// Trails a Region can have, from "Quotas in AWS CloudTrail".
const MOST_TRAILS: usize = 5;

/// Answers an operation of `cloudtrail`.
pub fn answer(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    let input = request.input;
    match request.operation {
        "CreateTrail" => create(cloud, caller, request),
        "DescribeTrails" => Ok(describe(cloud, request)),
        "ListTrails" => {
            let rows = cloud
                .trails
                .iter()
                .map(|trail| json!({"TrailARN": trail.arn, "Name": trail.name, "HomeRegion": trail.region}));
            paging::page(input, "cloudtrail:ListTrails", "Trails", 100, rows.collect())
        }
        "GetTrail" => found(cloud, caller, request, "Name").map(|index| json!({"Trail": shape(&cloud.trails[index])})),
        "GetTrailStatus" => {
            let index = found(cloud, caller, request, "Name")?;
            Ok(status(cloud, index, request.now))
        }
        "GetEventSelectors" => {
            let trail = &cloud.trails[found(cloud, caller, request, "TrailName")?];
            Ok(json!({"TrailARN": trail.arn, "EventSelectors": trail.event_selectors}))
        }
        "PutEventSelectors" => {
            let index = at_home(cloud, caller, request, "TrailName")?;
            put_selectors(&mut cloud.trails[index], input)
        }
        "StartLogging" => {
            let index = at_home(cloud, caller, request, "Name")?;
            cloud.trails[index].logging_since.get_or_insert(request.now);
            Ok(json!({}))
        }
        "StopLogging" => {
            let index = at_home(cloud, caller, request, "Name")?;
            cloud.trails[index].logging_since = None;
            Ok(json!({}))
        }
        "DeleteTrail" => {
            let index = at_home(cloud, caller, request, "Name")?;
            cloud.trails.remove(index);
            Ok(json!({}))
        }
        other => Err(not_simulated("cloudtrail", other)),
    }
}

fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    let (input, name) = (request.input, text(request.input, "Name"));
    check_name(name)?;
    let is_multi_region = input["IsMultiRegionTrail"].as_bool().unwrap_or_default();
    let global = input["IncludeGlobalServiceEvents"].as_bool().unwrap_or(true);
    if is_multi_region && !global {
        return Err(ServiceError::new(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        ));
    }
    let here = |trail: &&Trail| trail.region == request.region;
    if cloud.trails.iter().filter(here).any(|trail| trail.name == name) {
        return Err(ServiceError::new(
            "TrailAlreadyExistsException",
            format!("Trail {name} already exists for customer: {}", caller.account),
        ));
    }
    if cloud.trails.iter().filter(here).count() >= MOST_TRAILS {
        return Err(ServiceError::new(
            "MaximumNumberOfTrailsExceededException",
            format!(
                "User: {} already has {MOST_TRAILS} trails in {}.",
                caller.account, request.region
            ),
        ));
    }
    let trail = Trail {
        name: name.to_owned(),
        arn: format!(
            "arn:{}:cloudtrail:{}:{}:trail/{name}",
            cloud.partition(),
            request.region,
            caller.account
        ),
        region: request.region.to_owned(),
        bucket: text(input, "S3BucketName").to_owned(),
        prefix: input["S3KeyPrefix"].as_str().map(str::to_owned),
        is_multi_region,
        includes_global_events: global,
        validates_files: input["EnableLogFileValidation"].as_bool().unwrap_or_default(),
        logging_since: None,
        event_selectors: default_selectors(),
    };
    if !cloud.buckets.contains_key(&trail.bucket) {
        return Err(ServiceError::new(
            "S3BucketDoesNotExistException",
            format!("S3 bucket {} does not exist!", trail.bucket),
        ));
    }
    if !may_deliver(cloud, &trail) {
        return Err(ServiceError::new(
            "InsufficientS3BucketPolicyException",
            format!("Incorrect S3 bucket policy is detected for bucket: {}", trail.bucket),
        ));
    }
    let mut answer = shape(&trail);
    if let Some(answer) = answer.as_object_mut() {
        for member in ["HomeRegion", "HasCustomEventSelectors", "HasInsightSelectors"] {
            answer.remove(member);
        }
    }
    cloud.trails.push(trail);
    Ok(answer)
}

/// "Trail naming requirements" of the CloudTrail user guide.
fn check_name(name: &str) -> Result<(), ServiceError> {
    let refused = |why: &str| Err(ServiceError::new("InvalidTrailNameException", why));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(3..=128).contains(&name.len()) {
        return refused(
            "Trail name too long or too short. Minimum allowed length: 3 characters. Maximum: 128 characters.",
        );
    }
    let edges = [name.chars().next(), name.chars().next_back()];
    if !name.chars().all(allowed) || !edges.into_iter().flatten().all(|c| c.is_ascii_alphanumeric()) {
        return refused(
            "Trail name must start and end with a letter or number, and have only letters, numbers, periods, underscores, or dashes.",
        );
    }
    Ok(())
}

fn describe(cloud: &Cloud, request: &Request) -> Value {
    let names = one_or_more(&request.input["trailNameList"]);
    let shadows = request.input["includeShadowTrails"].as_bool().unwrap_or(true);
    let seen = cloud.trails.iter().filter(|trail| {
        let here = trail.region == request.region || (trail.is_multi_region && shadows);
        let is_wanted = |name: &String| *name == trail.name || *name == trail.arn;
        here && (names.is_empty() || names.iter().any(is_wanted))
    });
    json!({"trailList": seen.map(shape).collect::<Vec<_>>()})
}

fn shape(trail: &Trail) -> Value {
    let mut shape = json!({
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "IncludeGlobalServiceEvents": trail.includes_global_events,
        "IsMultiRegionTrail": trail.is_multi_region,
        "HomeRegion": trail.region,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.validates_files,
        "HasCustomEventSelectors": trail.event_selectors != default_selectors(),
        "HasInsightSelectors": false,
        "IsOrganizationTrail": false,
    });
    if let Some(prefix) = &trail.prefix {
        shape["S3KeyPrefix"] = json!(prefix);
    }
    shape
}

/// The trail by name or ARN: by name only where it is seen from.
fn found(cloud: &Cloud, caller: &Identity, request: &Request, member: &str) -> Result<usize, ServiceError> {
    let named = text(request.input, member);
    if named.starts_with("arn:") && !named.contains(":trail/") {
        let why = format!("The ARN {named} is not a valid trail ARN.");
        return Err(ServiceError::new("CloudTrailARNInvalidException", why));
    }
    let is_it = |trail: &Trail| {
        trail.arn == named || (trail.name == named && (trail.region == request.region || trail.is_multi_region))
    };
    cloud.trails.iter().position(is_it).ok_or_else(|| {
        let why = format!("Unknown trail: {named} for the user: {}", caller.account);
        ServiceError::new("TrailNotFoundException", why)
    })
}

/// [`found`], for what works in the trail's home Region only.
fn at_home(cloud: &Cloud, caller: &Identity, request: &Request, member: &str) -> Result<usize, ServiceError> {
    let index = found(cloud, caller, request, member)?;
    let home = &cloud.trails[index].region;
    if home == request.region {
        return Ok(index);
    }
    Err(ServiceError::new(
        "InvalidHomeRegionException",
        format!("The trail's home Region is {home}; call from there."),
    ))
}

fn put_selectors(trail: &mut Trail, input: &Value) -> Answer {
    let selectors = input["EventSelectors"]
        .as_array()
        .filter(|selectors| (1..=5).contains(&selectors.len()));
    let Some(selectors) = selectors else {
        return Err(ServiceError::new(
            "InvalidEventSelectorsException",
            "A trail takes one to five event selectors.",
        ));
    };
    trail.event_selectors = json!(selectors);
    Ok(json!({"TrailARN": trail.arn, "EventSelectors": trail.event_selectors}))
}

/// Files arrive some minutes after logging has begun; here, after the time that provisioning takes.
fn status(cloud: &mut Cloud, index: usize, now: Timestamp) -> Value {
    let trail = cloud.trails[index].clone();
    let mut status = json!({"IsLogging": trail.logging_since.is_some()});
    let Some(since) = trail.logging_since else {
        return status;
    };
    status["StartLoggingTime"] = epoch(since);
    let first = since + cloud.timing.provisioning;
    if !cloud.is_over(&trail.arn, first, now) {
        cloud.note_poll(&trail.arn);
        return status;
    }
    if may_deliver(cloud, &trail) {
        status["LatestDeliveryTime"] = epoch(first);
        if let Some(bucket) = cloud.buckets.get_mut(&trail.bucket) {
            let prefix = trail.prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
            let key = format!(
                "{prefix}AWSLogs/{}/CloudTrail/{}/first.json.gz",
                bucket.owner, trail.region
            );
            if !bucket.objects.contains(&key) {
                bucket.objects.push(key);
            }
        }
    } else {
        let gone = !cloud.buckets.contains_key(&trail.bucket);
        status["LatestDeliveryError"] = json!(if gone { "NoSuchBucket" } else { "AccessDenied" });
    }
    status
}

/// Whether the bucket's policy lets the trail read the bucket's ACL and write its files.
fn may_deliver(cloud: &Cloud, trail: &Trail) -> bool {
    let Some(policy) = cloud
        .buckets
        .get(&trail.bucket)
        .and_then(|bucket| bucket.policy.as_deref())
    else {
        return false;
    };
    let Ok(document) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let bucket = format!("arn:{}:s3:::{}", cloud.partition(), trail.bucket);
    let prefix = trail
        .prefix
        .as_ref()
        .map(|prefix| format!("{prefix}/"))
        .unwrap_or_default();
    let files = format!("{bucket}/{prefix}AWSLogs/{}/x", cloud.account.id);
    let allowed = |action: &str, resource: &str| {
        statements(&document).iter().any(|statement| {
            let covers = |pattern: &String| {
                pattern == resource
                    || pattern
                        .strip_suffix('*')
                        .is_some_and(|start| resource.starts_with(start))
            };
            statement["Effect"] == "Allow"
                && one_or_more(&statement["Principal"]["Service"])
                    .iter()
                    .any(|who| who == "cloudtrail.amazonaws.com")
                && one_or_more(&statement["Action"])
                    .iter()
                    .any(|what| what == action || what == "s3:*")
                && one_or_more(&statement["Resource"]).iter().any(covers)
                && fits(&statement["Condition"], trail)
        })
    };
    allowed("s3:GetBucketAcl", &bucket) && allowed("s3:PutObject", &files)
}

/// CloudTrail says of itself which trail and account it writes for.
fn fits(condition: &Value, trail: &Trail) -> bool {
    let account = trail.arn.split(':').nth(4).unwrap_or_default();
    let tests = condition
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, test)| test.as_object());
    tests.flatten().all(|(key, wanted)| {
        let wanted = one_or_more(wanted);
        match key.to_ascii_lowercase().as_str() {
            "aws:sourcearn" => wanted.contains(&trail.arn),
            "aws:sourceaccount" => wanted.iter().any(|wanted| wanted == account),
            "s3:x-amz-acl" => wanted.iter().any(|wanted| wanted == "bucket-owner-full-control"),
            _ => false,
        }
    })
}
