//! A trail and its bucket: their current state, and how they are deleted.

use aws_sdk_cloudtrail::types::Trail;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;

use super::check::{Observation, unless_gone};
use crate::aws::AwsError;
use crate::ids::{RegionName, region_of_arn};
use crate::progress::{Origin, Resource, ResourceId, ResourceKind};
use crate::steps::Context;

/// The home Region of a trail, from its ARN.
pub fn trail_region(context: &Context, arn: &str) -> RegionName {
    region_of_arn(arn).unwrap_or_else(|| context.wanted_region())
}

/// The current state of the trail. A trail that someone extended, or that writes to another bucket, is *changed*.
///
/// # Errors
/// When AWS does not answer.
pub async fn trail(context: &Context, resource: &Resource) -> Result<Observation, AwsError> {
    let answer = context
        .clients
        .cloudtrail(&trail_region(context, resource.id.single()))
        .describe_trails()
        .trail_name_list(resource.id.single())
        .include_shadow_trails(false)
        .send()
        .await
        .map_err(|error| AwsError::of("cloudtrail:DescribeTrails", error))?;
    Ok(match answer.trail_list().first() {
        None => Observation::Gone,
        Some(trail) => trail_change(context, trail).map_or(Observation::Exists, Observation::Changed),
    })
}

/// What a trail does now that it did not do when it was created.
fn trail_change(context: &Context, trail: &Trail) -> Option<String> {
    let is_our_bucket = context.progress.read(|record| {
        let mut buckets = record
            .resources
            .iter()
            .filter(|other| other.kind == ResourceKind::Bucket);
        buckets.any(|bucket| Some(bucket.id.single()) == trail.s3_bucket_name())
    });
    let changes = [
        (
            !is_our_bucket,
            match trail.s3_bucket_name() {
                Some(bucket) => format!("it now writes to the bucket {bucket}"),
                None => "it no longer writes to the bucket that idc-setup created".to_owned(),
            },
        ),
        (
            trail.is_organization_trail == Some(true),
            "it now records the whole organization".to_owned(),
        ),
        (
            trail.has_custom_event_selectors == Some(true) || trail.has_insight_selectors == Some(true),
            "someone changed which events it records".to_owned(),
        ),
        (
            trail.cloud_watch_logs_log_group_arn.is_some() || trail.sns_topic_arn.is_some(),
            "someone connected it to CloudWatch Logs or Amazon SNS".to_owned(),
        ),
    ];
    changes.into_iter().find_map(|(is_so, why)| is_so.then_some(why))
}

/// The Region of a bucket, as recorded when it was created.
pub fn bucket_region(context: &Context, resource: &Resource) -> RegionName {
    resource.region.clone().unwrap_or_else(|| context.wanted_region())
}

/// The current state of the bucket. It stays if it contains objects, or if another trail writes to it.
///
/// # Errors
/// When AWS does not answer.
pub async fn bucket(context: &Context, resource: &Resource) -> Result<Observation, AwsError> {
    let (region, name) = (bucket_region(context, resource), resource.id.single());
    let (client, owner) = (context.clients.s3(&region), &context.caller.account);
    let head = client
        .head_bucket()
        .bucket(name)
        .expected_bucket_owner(owner)
        .send()
        .await;
    match head {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(HeadBucketError::is_not_found) => {
            return Ok(Observation::Gone);
        }
        Err(error) => return Err(AwsError::of_head("s3:HeadBucket", error)),
    }
    if let Some(other) = other_writer(context, &region, name).await? {
        return Ok(Observation::Stays(format!("the trail {other} writes to it")));
    }
    let listed = client
        .list_objects_v2()
        .bucket(name)
        .expected_bucket_owner(owner)
        .max_keys(1)
        .send()
        .await
        .map_err(|error| AwsError::of("s3:ListObjectsV2", error));
    match unless_gone(listed)? {
        None => Ok(Observation::Gone),
        Some(listed) if listed.contents().is_empty() => Ok(policy_change(context, &region, resource)
            .await?
            .map_or(Observation::Exists, Observation::Changed)),
        Some(_) => Ok(Observation::Stays(contains_log_files(name))),
    }
}

/// How the bucket policy differs from the original one. Another policy can let others write to the bucket; without a
/// policy, nobody else can.
async fn policy_change(
    context: &Context,
    region: &RegionName,
    resource: &Resource,
) -> Result<Option<String>, AwsError> {
    let Some(original) = &resource.text else {
        return Ok(None);
    };
    let answer = context
        .clients
        .s3(region)
        .get_bucket_policy()
        .bucket(resource.id.single())
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await
        .map_err(|error| AwsError::of("s3:GetBucketPolicy", error));
    let now = match answer {
        Err(aws_error) if aws_error.is("NoSuchBucketPolicy") || aws_error.is("NoSuchBucket") => return Ok(None),
        other => other?.policy.unwrap_or_default(),
    };
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let Some(now) = parsed(&now) else {
        return Err(AwsError::unreadable("s3:GetBucketPolicy"));
    };
    let is_same = Some(now) == parsed(original);
    Ok((!is_same).then(|| "someone changed its policy".to_owned()))
}

fn contains_log_files(bucket: &str) -> String {
    format!("it contains log files; to delete it with all of them: aws s3 rb s3://{bucket} --force")
}

/// A trail that the wizard did not create and that writes to this bucket.
async fn other_writer(context: &Context, region: &RegionName, bucket: &str) -> Result<Option<String>, AwsError> {
    let answer = context
        .clients
        .cloudtrail(region)
        .describe_trails()
        .include_shadow_trails(true)
        .send()
        .await
        .map_err(|error| AwsError::of("cloudtrail:DescribeTrails", error))?;
    let is_ours = |trail: &Trail| {
        let arn = ResourceId::from(trail.trail_arn().unwrap_or_default());
        context
            .progress
            .read(|record| record.origin(ResourceKind::Trail, &arn) == Some(Origin::Created))
    };
    let mut trails = answer.trail_list.unwrap_or_default().into_iter();
    let other = trails.find(|trail| trail.s3_bucket_name() == Some(bucket) && !is_ours(trail));
    Ok(other.and_then(|trail| trail.name))
}

/// Deletes the trail; a trail that does not exist counts as deleted.
///
/// # Errors
/// When AWS refuses.
pub async fn delete_trail(context: &Context, resource: &Resource) -> Result<(), AwsError> {
    let answer = context
        .clients
        .cloudtrail(&trail_region(context, resource.id.single()))
        .delete_trail()
        .name(resource.id.single())
        .send()
        .await
        .map_err(|error| AwsError::of("cloudtrail:DeleteTrail", error));
    match answer {
        Err(aws_error) if aws_error.is("TrailNotFoundException") => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Deletes the bucket if it is empty; otherwise returns why it stays.
///
/// # Errors
/// When AWS refuses for another reason.
pub async fn delete_bucket(context: &Context, resource: &Resource) -> Result<Option<String>, AwsError> {
    let answer = context
        .clients
        .s3(&bucket_region(context, resource))
        .delete_bucket()
        .bucket(resource.id.single())
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await
        .map_err(|error| AwsError::of("s3:DeleteBucket", error));
    match answer {
        Ok(_) => Ok(None),
        Err(aws_error) if aws_error.is("NoSuchBucket") => Ok(None),
        // CloudTrail may have delivered a file since the read, and older versions of files are not listed.
        Err(aws_error) if aws_error.is("BucketNotEmpty") => Ok(Some(contains_log_files(resource.id.single()))),
        Err(aws_error) => Err(aws_error),
    }
}
