//! Making a trail: bucket, public access block, policy, trail, logging, delivery. Each name has the intent's
//! nonce in it, so that after a kill what is there can be told to be ours, and is finished.
//!
//! Misdelivery is billed ("AWS CloudTrail pricing"): when a call after the trail's creation fails, the trail is
//! taken back.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration};
use serde_json::json;

use super::super::super::context::{Context, rerun, step_error};
use super::INFO;
use super::reads::{self, Trail};
use crate::aws::{AwsError, waiting};
use crate::checklist::UserError;
use crate::limits::FIRST_SIGN;
use crate::progress::{Origin, Resource, ResourceKind, Verb};

/// Makes a trail, or finishes the one that an interrupted run has begun.
pub async fn make(context: &Context, name: &str) -> Result<Trail, UserError> {
    let pending = context.open_intents(ResourceKind::Trail, name).into_iter().next();
    let intent = match pending {
        Some(intent) => intent,
        None => context.intend(&INFO, (Verb::Create, ResourceKind::Trail, name), None)?,
    };
    let (account, region) = (&context.caller.account, context.wanted_region());
    let trail_name = trail_name(&intent.nonce);
    let trail = Trail {
        arn: format!(
            "arn:{}:cloudtrail:{region}:{account}:trail/{trail_name}",
            context.partition().id()
        ),
        name: trail_name,
        bucket: format!("idc-setup-trail-{account}-{}", intent.nonce),
        region,
    };
    keep(context, &trail)?;
    bucket(context, &trail).await.map_err(rerun(&INFO))?;
    start(context, &trail).await?;
    context.settle(Verb::Create, ResourceKind::Trail, name, None)?;
    Ok(trail)
}

/// A trail that an interrupted run has made is ours.
pub fn settle(context: &Context, trail: &Trail) -> Result<(), UserError> {
    let intents = context.open_intents(ResourceKind::Trail, super::TRAIL);
    if intents.iter().any(|intent| trail_name(&intent.nonce) == trail.name) {
        context.settle(Verb::Create, ResourceKind::Trail, super::TRAIL, None)?;
    }
    Ok(())
}

fn trail_name(nonce: &str) -> String {
    format!("idc-setup-{nonce}")
}

/// Both are ours from the intent on, since nobody else can have the nonce in a name: whatever cuts the run short, undo
/// finds what is there of them.
fn keep(context: &Context, trail: &Trail) -> Result<(), UserError> {
    let mut bucket = Resource::new(Origin::Created, ResourceKind::Bucket, &trail.bucket, &trail.bucket);
    bucket.region = Some(trail.region.clone());
    bucket.text = Some(policy(context, trail));
    let resource = Resource::new(Origin::Created, ResourceKind::Trail, &trail.name, &trail.arn);
    context.progress.change(|record| {
        record.keep(bucket);
        record.keep(resource);
    })?;
    Ok(())
}

/// A bucket of this account with this name is ours: the name has the nonce in it. Nobody else's is taken.
async fn bucket(context: &Context, trail: &Trail) -> Result<(), AwsError> {
    let (client, name, account) = (
        context.clients.s3(&trail.region),
        &trail.bucket,
        &context.caller.account,
    );
    let there = client
        .head_bucket()
        .bucket(name)
        .expected_bucket_owner(account)
        .send()
        .await;
    if there.is_err() {
        let place = (trail.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(trail.region.as_str()))
                .build()
        });
        let created = client
            .create_bucket()
            .bucket(name)
            .set_create_bucket_configuration(place)
            .send()
            .await;
        match created.map_err(|error| AwsError::of("s3:CreateBucket", error)) {
            // A retry after a lost reply says so.
            Err(aws_error) if aws_error.is("BucketAlreadyOwnedByYou") => {}
            other => drop(other?),
        }
    }
    let blocked = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
        .build();
    let answer = client
        .put_public_access_block()
        .bucket(name)
        .expected_bucket_owner(account)
        .public_access_block_configuration(blocked)
        .send()
        .await;
    answer.map_err(|error| AwsError::of("s3:PutPublicAccessBlock", error))?;
    let answer = client
        .put_bucket_policy()
        .bucket(name)
        .expected_bucket_owner(account)
        .policy(policy(context, trail))
        .send()
        .await;
    answer.map_err(|error| AwsError::of("s3:PutBucketPolicy", error))?;
    Ok(())
}

/// "Amazon S3 bucket policy for CloudTrail": this trail of this account, and nobody else.
fn policy(context: &Context, trail: &Trail) -> String {
    let bucket = format!("arn:{}:s3:::{}", context.partition().id(), trail.bucket);
    let statement = |id: &str, action: &str, resource: String, condition: serde_json::Value| {
        json!({
            "Sid": id,
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": action,
            "Resource": resource,
            "Condition": {"StringEquals": condition},
        })
    };
    let files = format!("{bucket}/AWSLogs/{}/*", context.caller.account);
    let of_the_owner = json!({"aws:SourceArn": trail.arn, "s3:x-amz-acl": "bucket-owner-full-control"});
    json!({"Version": "2012-10-17", "Statement": [
        statement("AclCheck", "s3:GetBucketAcl", bucket, json!({"aws:SourceArn": trail.arn})),
        statement("Write", "s3:PutObject", files, of_the_owner),
    ]})
    .to_string()
}

async fn start(context: &Context, trail: &Trail) -> Result<(), UserError> {
    if let Err(aws_error) = create(context, trail).await {
        // A lost reply may have left one behind.
        if !aws_error.outcome_known() {
            take_back(context, trail).await?;
        }
        return Err(rerun(&INFO)(aws_error));
    }
    let client = context.clients.cloudtrail(&trail.region);
    let logging = client.start_logging().name(&trail.arn).send().await;
    let logging = logging.map_err(|error| AwsError::of("cloudtrail:StartLogging", error));
    let delivered = match logging {
        Ok(_) => delivery(context, trail).await,
        Err(aws_error) => Err(rerun(&INFO)(aws_error)),
    };
    if let Err(error) = delivered {
        take_back(context, trail).await?;
        return Err(error);
    }
    Ok(())
}

/// One that is there under this name is what an earlier attempt has made.
async fn create(context: &Context, trail: &Trail) -> Result<(), AwsError> {
    let client = context.clients.cloudtrail(&trail.region);
    let created = client
        .create_trail()
        .name(&trail.name)
        .s3_bucket_name(&trail.bucket)
        .is_multi_region_trail(true)
        .include_global_service_events(true)
        .enable_log_file_validation(true)
        .send()
        .await;
    match created.map_err(|error| AwsError::of("cloudtrail:CreateTrail", error)) {
        Err(aws_error) if aws_error.is("TrailAlreadyExistsException") => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Waits a little for the first sign; none is no failure.
async fn delivery(context: &Context, trail: &Trail) -> Result<(), UserError> {
    let sign = waiting::until(context.timing, FIRST_SIGN, || async {
        let status = reads::status(context, trail).await.map_err(rerun(&INFO))?;
        let error = status.latest_delivery_error.filter(|error| !error.is_empty());
        Ok::<_, UserError>((error.is_some() || status.latest_delivery_time.is_some()).then_some(error))
    });
    match sign.await? {
        Some(Some(error)) => Err(UserError::failed(
            format!(
                "Recommendation cloudtrail: the new trail could not write to the bucket {} ({error}), and was taken back.",
                trail.bucket
            ),
            "idc-setup run --only cloudtrail --create-trail",
        )),
        _ => Ok(()),
    }
}

/// Deletes the trail; the bucket too while nothing is in it. The intent stays: another run goes on from there.
async fn take_back(context: &Context, trail: &Trail) -> Result<(), UserError> {
    let deleted = context
        .clients
        .cloudtrail(&trail.region)
        .delete_trail()
        .name(&trail.arn)
        .send()
        .await;
    let deleted = deleted.map_err(|error| AwsError::of("cloudtrail:DeleteTrail", error));
    match deleted {
        Err(aws_error) if !aws_error.is("TrailNotFoundException") => {
            return Err(step_error(
                &INFO,
                &aws_error,
                format!(
                    "delete the trail by hand, since failed delivery is billed: aws cloudtrail delete-trail --region {} \
                     --name {}",
                    trail.region, trail.name
                ),
            ));
        }
        _ => {}
    }
    let client = context.clients.s3(&trail.region);
    // A bucket that has something in it stays, and costs nothing to speak of.
    let _ = client
        .delete_bucket()
        .bucket(&trail.bucket)
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await;
    Ok(())
}
