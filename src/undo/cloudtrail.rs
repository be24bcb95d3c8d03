//! A trail and its bucket: how they stand now, and how they go.

use aws_sdk_cloudtrail::types::Trail;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;

use super::look::{Observation, unless_gone};
use crate::aws::AwsError;
use crate::progress::{Origin, Resource, ResourceKind};
use crate::steps::Context;

/// Where a trail is, by its ARN.
pub fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// How the trail stands. One that somebody has made more of, or that writes elsewhere by now, is *changed*.
pub async fn trail(context: &Context, resource: &Resource) -> Result<Observation, AwsError> {
    let answer = context
        .clients
        .cloudtrail(region_of(&resource.id))
        .describe_trails()
        .trail_name_list(&resource.id)
        .include_shadow_trails(false)
        .send()
        .await
        .map_err(|error| AwsError::of("cloudtrail:DescribeTrails", error))?;
    Ok(match answer.trail_list().first() {
        None => Observation::Gone,
        Some(trail) => more_of_it(context, trail).map_or(Observation::There, Observation::Changed),
    })
}

/// What a trail does by now that it was not made for.
fn more_of_it(context: &Context, trail: &Trail) -> Option<String> {
    let is_our_bucket = context.progress.read(|record| {
        let mut buckets = record
            .resources
            .iter()
            .filter(|other| other.kind == ResourceKind::Bucket);
        buckets.any(|bucket| Some(bucket.id.as_str()) == trail.s3_bucket_name())
    });
    let said = [
        (
            !is_our_bucket,
            format!(
                "it writes to the bucket {} now",
                trail.s3_bucket_name().unwrap_or("of somebody")
            ),
        ),
        (
            trail.is_organization_trail == Some(true),
            "it records the whole organization now".to_owned(),
        ),
        (
            trail.has_custom_event_selectors == Some(true) || trail.has_insight_selectors == Some(true),
            "somebody has chosen what it records".to_owned(),
        ),
        (
            trail.cloud_watch_logs_log_group_arn.is_some() || trail.sns_topic_arn.is_some(),
            "somebody has it tell CloudWatch or SNS".to_owned(),
        ),
    ];
    said.into_iter().find_map(|(is_so, why)| is_so.then_some(why))
}

/// Where a bucket is: as it was written down when it was made.
pub fn bucket_region(context: &Context, resource: &Resource) -> String {
    resource.region.clone().unwrap_or_else(|| context.wanted_region())
}

/// How the bucket stands. What is in it, or comes into it, keeps it.
pub async fn bucket(context: &Context, resource: &Resource) -> Result<Observation, AwsError> {
    let (region, name) = (bucket_region(context, resource), &resource.id);
    let (client, owner) = (context.clients.s3(&region), &context.caller.account);
    let there = client
        .head_bucket()
        .bucket(name)
        .expected_bucket_owner(owner)
        .send()
        .await;
    match there {
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
        Some(listed) if listed.contents().is_empty() => Ok(more_writers(context, &region, resource)
            .await?
            .map_or(Observation::There, Observation::Changed)),
        Some(_) => Ok(Observation::Stays(keeps_files(name))),
    }
}

/// Why the bucket is more than a trail's by now: its policy says something else than it was made with. Without one nobody
/// has come to write to it.
async fn more_writers(context: &Context, region: &str, resource: &Resource) -> Result<Option<String>, AwsError> {
    let Some(made_with) = &resource.text else {
        return Ok(None);
    };
    let answer = context
        .clients
        .s3(region)
        .get_bucket_policy()
        .bucket(&resource.id)
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
    let is_same = Some(now) == parsed(made_with);
    Ok((!is_same).then(|| "somebody has changed its policy".to_owned()))
}

fn keeps_files(bucket: &str) -> String {
    format!("the trail's files are in it; whoever does not need them adds --force: aws s3 rb s3://{bucket} --force")
}

/// A trail that is not ours and has this bucket.
async fn other_writer(context: &Context, region: &str, bucket: &str) -> Result<Option<String>, AwsError> {
    let answer = context
        .clients
        .cloudtrail(region)
        .describe_trails()
        .include_shadow_trails(true)
        .send()
        .await
        .map_err(|error| AwsError::of("cloudtrail:DescribeTrails", error))?;
    let is_ours = |trail: &Trail| {
        let arn = trail.trail_arn().unwrap_or_default();
        context
            .progress
            .read(|record| record.origin(ResourceKind::Trail, arn) == Some(Origin::Created))
    };
    let mut trails = answer.trail_list.unwrap_or_default().into_iter();
    let other = trails.find(|trail| trail.s3_bucket_name() == Some(bucket) && !is_ours(trail));
    Ok(other.and_then(|trail| trail.name))
}

/// Deletes the trail; one that is not there is deleted.
pub async fn delete_trail(context: &Context, resource: &Resource) -> Result<(), AwsError> {
    let answer = context
        .clients
        .cloudtrail(region_of(&resource.id))
        .delete_trail()
        .name(&resource.id)
        .send()
        .await
        .map_err(|error| AwsError::of("cloudtrail:DeleteTrail", error));
    match answer {
        Err(aws_error) if aws_error.is("TrailNotFoundException") => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Deletes the bucket, if it is empty. `Some`: why it stays.
pub async fn delete_bucket(context: &Context, resource: &Resource) -> Result<Option<String>, AwsError> {
    let answer = context
        .clients
        .s3(&bucket_region(context, resource))
        .delete_bucket()
        .bucket(&resource.id)
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await
        .map_err(|error| AwsError::of("s3:DeleteBucket", error));
    match answer {
        Ok(_) => Ok(None),
        Err(aws_error) if aws_error.is("NoSuchBucket") => Ok(None),
        // A file may have come in since the look; older versions of files show in no list.
        Err(aws_error) if aws_error.is("BucketNotEmpty") => Ok(Some(keeps_files(&resource.id))),
        Err(aws_error) => Err(aws_error),
    }
}
