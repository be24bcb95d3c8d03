//! AWS CloudTrail: trails, their event selectors, logging, and the delivery of log files.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::s3::{statements, string_list};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::{Request, not_simulated};
use crate::services::request::{epoch, text};
use crate::state::default_selectors;
use crate::state::{Cloud, Identity, Trail};

/// Maximum number of trails in a Region ("Quotas in AWS CloudTrail").
const MAX_TRAILS: usize = 5;

/// Handles an operation of `cloudtrail`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
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
        "GetTrail" => {
            trail_index(cloud, caller, request, "Name").map(|index| json!({"Trail": shape(&cloud.trails[index])}))
        }
        "GetTrailStatus" => {
            let index = trail_index(cloud, caller, request, "Name")?;
            Ok(trail_status(cloud, index, request.now))
        }
        "GetEventSelectors" => {
            let trail = &cloud.trails[trail_index(cloud, caller, request, "TrailName")?];
            Ok(json!({"TrailARN": trail.arn, "EventSelectors": trail.event_selectors}))
        }
        "PutEventSelectors" => {
            let index = trail_index_in_home_region(cloud, caller, request, "TrailName")?;
            put_event_selectors(&mut cloud.trails[index], input)
        }
        "UpdateTrail" => update(cloud, caller, request),
        "ListTags" => list_tags(cloud, input),
        // The simulation records no events.
        "LookupEvents" => Ok(json!({ "Events": [] })),
        "StartLogging" => {
            let index = trail_index_in_home_region(cloud, caller, request, "Name")?;
            cloud.trails[index].logging_since.get_or_insert(request.now);
            Ok(json!({}))
        }
        "StopLogging" => {
            let index = trail_index_in_home_region(cloud, caller, request, "Name")?;
            let trail = &mut cloud.trails[index];
            if trail.logging_since.take().is_some() {
                trail.logging_stopped = Some(request.now);
            }
            Ok(json!({}))
        }
        "DeleteTrail" => {
            let index = trail_index_in_home_region(cloud, caller, request, "Name")?;
            cloud.trails.remove(index);
            Ok(json!({}))
        }
        other => Err(not_simulated("cloudtrail", other)),
    }
}

fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
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
    let in_region = |trail: &&Trail| trail.region == request.region;
    if cloud.trails.iter().filter(in_region).any(|trail| trail.name == name) {
        return Err(ServiceError::new(
            "TrailAlreadyExistsException",
            format!("Trail {name} already exists for customer: {}", caller.account),
        ));
    }
    if cloud.trails.iter().filter(in_region).count() >= MAX_TRAILS {
        return Err(ServiceError::new(
            "MaximumNumberOfTrailsExceededException",
            format!(
                "User: {} already has {MAX_TRAILS} trails in {}.",
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
        logging_stopped: None,
        event_selectors: default_selectors(),
    };
    require_delivery(cloud, &trail)?;
    let response = without_details(shape(&trail));
    cloud.trails.push(trail);
    Ok(response)
}

/// `UpdateTrail`: replaces the settings that are given.
fn update(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let input = request.input;
    let index = trail_index_in_home_region(cloud, caller, request, "Name")?;
    let mut trail = cloud.trails[index].clone();
    if let Some(bucket) = input["S3BucketName"].as_str() {
        bucket.clone_into(&mut trail.bucket);
    }
    if let Some(prefix) = input["S3KeyPrefix"].as_str() {
        trail.prefix = Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty());
    }
    for (member, setting) in [
        ("IsMultiRegionTrail", &mut trail.is_multi_region),
        ("IncludeGlobalServiceEvents", &mut trail.includes_global_events),
        ("EnableLogFileValidation", &mut trail.validates_files),
    ] {
        *setting = input[member].as_bool().unwrap_or(*setting);
    }
    require_delivery(cloud, &trail)?;
    let response = without_details(shape(&trail));
    cloud.trails[index] = trail;
    Ok(response)
}

/// Refuses a trail whose bucket does not exist, or whose bucket policy does not let `CloudTrail` write.
fn require_delivery(cloud: &Cloud, trail: &Trail) -> Result<(), ServiceError> {
    if !cloud.buckets.contains_key(&trail.bucket) {
        return Err(ServiceError::new(
            "S3BucketDoesNotExistException",
            format!("S3 bucket {} does not exist!", trail.bucket),
        ));
    }
    if !can_deliver(cloud, trail) {
        return Err(ServiceError::new(
            "InsufficientS3BucketPolicyException",
            format!("Incorrect S3 bucket policy is detected for bucket: {}", trail.bucket),
        ));
    }
    Ok(())
}

/// Returns the shape of a trail without what the operations that change it leave out.
fn without_details(mut shape: Value) -> Value {
    if let Some(shape) = shape.as_object_mut() {
        for member in ["HomeRegion", "HasCustomEventSelectors", "HasInsightSelectors"] {
            shape.remove(member);
        }
    }
    shape
}

/// `ListTags`, of trails.
fn list_tags(cloud: &Cloud, input: &Value) -> ServiceResult {
    let mut rows = Vec::new();
    for arn in string_list(&input["ResourceIdList"]) {
        if !cloud.trails.iter().any(|trail| trail.arn == arn) {
            let message = format!("Unable to find resource {arn}");
            return Err(ServiceError::new("ResourceNotFoundException", message));
        }
        rows.push(json!({"ResourceId": arn, "TagsList": []}));
    }
    Ok(json!({ "ResourceTagList": rows }))
}

/// Validates a trail name ("Trail naming requirements" in the CloudTrail user guide).
fn check_name(name: &str) -> Result<(), ServiceError> {
    let invalid_name = |message: &str| Err(ServiceError::new("InvalidTrailNameException", message));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(3..=128).contains(&name.len()) {
        return invalid_name(
            "Trail name too long or too short. Minimum allowed length: 3 characters. Maximum: 128 characters.",
        );
    }
    let edges = [name.chars().next(), name.chars().next_back()];
    if !name.chars().all(allowed) || !edges.into_iter().flatten().all(|c| c.is_ascii_alphanumeric()) {
        return invalid_name(
            "Trail name must start and end with a letter or number, and have only letters, numbers, periods, underscores, or dashes.",
        );
    }
    Ok(())
}

/// `DescribeTrails`: trails of the Region, and with shadow trails those of all Regions that log this one too.
fn describe(cloud: &Cloud, request: &Request) -> Value {
    let names = string_list(&request.input["trailNameList"]);
    let include_shadow_trails = request.input["includeShadowTrails"].as_bool().unwrap_or(true);
    let trails = cloud.trails.iter().filter(|trail| {
        let is_visible = trail.region == request.region || (trail.is_multi_region && include_shadow_trails);
        let is_named = |name: &String| *name == trail.name || *name == trail.arn;
        is_visible && (names.is_empty() || names.iter().any(is_named))
    });
    json!({"trailList": trails.map(shape).collect::<Vec<_>>()})
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

/// Returns the index of the trail that `member` names, by ARN or by name. A name works only in a Region where the trail
/// is visible.
fn trail_index(cloud: &Cloud, caller: &Identity, request: &Request, member: &str) -> Result<usize, ServiceError> {
    let name = text(request.input, member);
    if name.starts_with("arn:") && !name.contains(":trail/") {
        let message = format!("The ARN {name} is not a valid trail ARN.");
        return Err(ServiceError::new("CloudTrailARNInvalidException", message));
    }
    let matches = |trail: &Trail| {
        trail.arn == name || (trail.name == name && (trail.region == request.region || trail.is_multi_region))
    };
    cloud.trails.iter().position(matches).ok_or_else(|| {
        let message = format!("Unknown trail: {name} for the user: {}", caller.account);
        ServiceError::new("TrailNotFoundException", message)
    })
}

/// Like [`trail_index`], for operations that work only in the trail's home Region.
fn trail_index_in_home_region(
    cloud: &Cloud,
    caller: &Identity,
    request: &Request,
    member: &str,
) -> Result<usize, ServiceError> {
    let index = trail_index(cloud, caller, request, member)?;
    let home_region = &cloud.trails[index].region;
    if home_region == request.region {
        return Ok(index);
    }
    Err(ServiceError::new(
        "InvalidHomeRegionException",
        format!("The trail can be changed only in its home Region, {home_region}."),
    ))
}

fn put_event_selectors(trail: &mut Trail, input: &Value) -> ServiceResult {
    let selectors = input["EventSelectors"]
        .as_array()
        .filter(|selectors| (1..=5).contains(&selectors.len()));
    let Some(selectors) = selectors else {
        return Err(ServiceError::new(
            "InvalidEventSelectorsException",
            "A trail must have one to five event selectors.",
        ));
    };
    let complete = |selector: &Value| {
        let mut selector = selector.clone();
        for (member, default) in [
            ("DataResources", json!([])),
            ("ExcludeManagementEventSources", json!([])),
            ("IncludeManagementEvents", json!(true)),
            ("ReadWriteType", json!("All")),
        ] {
            if selector[member].is_null() {
                selector[member] = default;
            }
        }
        selector
    };
    trail.event_selectors = selectors.iter().map(complete).collect();
    Ok(json!({"TrailARN": trail.arn, "EventSelectors": trail.event_selectors}))
}

/// `GetTrailStatus`. The first log file is delivered some minutes after logging starts. The simulation uses the
/// provisioning time instead.
fn trail_status(cloud: &mut Cloud, index: usize, now: Timestamp) -> Value {
    let trail = cloud.trails[index].clone();
    // The strings are empty until there is something to say, as in recordings.
    let mut status = json!({
        "IsLogging": trail.logging_since.is_some(),
        "TimeLoggingStarted": "",
        "TimeLoggingStopped": "",
        "LatestDeliveryAttemptTime": "",
        "LatestDeliveryAttemptSucceeded": "",
        "LatestNotificationAttemptTime": "",
        "LatestNotificationAttemptSucceeded": "",
    });
    if let Some(stopped) = trail.logging_stopped {
        status["StopLoggingTime"] = epoch(stopped);
        status["TimeLoggingStopped"] = json!(seconds(stopped));
    }
    let Some(since) = trail.logging_since else {
        return status;
    };
    status["StartLoggingTime"] = epoch(since);
    status["TimeLoggingStarted"] = json!(seconds(since));
    let first_delivery = since + cloud.timing.provisioning;
    if !cloud.is_finished(&trail.arn, first_delivery, now) {
        cloud.record_poll(&trail.arn);
        return status;
    }
    status["LatestDeliveryAttemptTime"] = json!(seconds(first_delivery));
    if can_deliver(cloud, &trail) {
        status["LatestDeliveryTime"] = epoch(first_delivery);
        status["LatestDeliveryAttemptSucceeded"] = json!(seconds(first_delivery));
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
        let is_deleted = !cloud.buckets.contains_key(&trail.bucket);
        status["LatestDeliveryError"] = json!(if is_deleted { "NoSuchBucket" } else { "AccessDenied" });
    }
    status
}

/// Returns a time in whole seconds: `2026-11-29T14:00:00Z`.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns whether the bucket policy allows CloudTrail to read the bucket's ACL and to write the trail's log files.
fn can_deliver(cloud: &Cloud, trail: &Trail) -> bool {
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
    let log_file = format!("{bucket}/{prefix}AWSLogs/{}/x", cloud.account.id);
    let is_allowed = |action: &str, resource: &str| {
        statements(&document).iter().any(|statement| {
            let covers = |pattern: &String| {
                pattern == resource
                    || pattern
                        .strip_suffix('*')
                        .is_some_and(|prefix| resource.starts_with(prefix))
            };
            statement["Effect"] == "Allow"
                && string_list(&statement["Principal"]["Service"])
                    .iter()
                    .any(|service| service == "cloudtrail.amazonaws.com")
                && string_list(&statement["Action"])
                    .iter()
                    .any(|pattern| pattern == action || pattern == "s3:*")
                && string_list(&statement["Resource"]).iter().any(covers)
                && condition_holds(&statement["Condition"], trail)
        })
    };
    is_allowed("s3:GetBucketAcl", &bucket) && is_allowed("s3:PutObject", &log_file)
}

/// Evaluates the condition of a statement in the context of a delivery by CloudTrail. An unknown condition key does not
/// hold.
fn condition_holds(condition: &Value, trail: &Trail) -> bool {
    let account = trail.arn.split(':').nth(4).unwrap_or_default();
    let operators = condition
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, keys)| keys.as_object());
    operators.flatten().all(|(key, values)| {
        let values = string_list(values);
        match key.to_ascii_lowercase().as_str() {
            "aws:sourcearn" => values.contains(&trail.arn),
            "aws:sourceaccount" => values.iter().any(|value| value == account),
            "s3:x-amz-acl" => values.iter().any(|value| value == "bucket-owner-full-control"),
            _ => false,
        }
    })
}
