//! Creates a trail: bucket, public access block, policy, trail, logging, delivery. Each name contains the nonce of the
//! intent, so that a run after a kill recognizes what this program created, and finishes it.
//!
//! Failed delivery is billed ("AWS CloudTrail pricing"). If a call after the trail's creation fails, the trail is deleted
//! again.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration};
use serde_json::json;

use super::super::super::context::{Context, rerun, step_error};
use super::reads::{self, Trail};
use super::{CREATE_TRAIL, INFO};
use crate::aws::{AwsError, waiting};
use crate::checklist::UserError;
use crate::limits::FIRST_SIGN;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Origin, Resource, ResourceKind, Verb};

/// Creates a trail, or finishes the one that an interrupted run started.
pub async fn create_or_finish(context: &Context, name: &str) -> Result<Trail, UserError> {
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
    record(context, &trail)?;
    create_bucket(context, &trail).await.map_err(rerun(&INFO))?;
    start(context, &trail).await?;
    context.settle(Verb::Create, ResourceKind::Trail, name, None)?;
    Ok(trail)
}

/// Settles the intent whose trail an interrupted run created.
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

/// Records the bucket and the trail as created before they exist. Nobody else can have the nonce in a name, and undo finds
/// whatever exists of them, wherever the run is interrupted.
fn record(context: &Context, trail: &Trail) -> Result<(), UserError> {
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

/// Creates the bucket if it does not exist. A bucket of this account with this name was created by this program, because
/// the name contains the nonce. A bucket of another account is not used.
async fn create_bucket(context: &Context, trail: &Trail) -> Result<(), AwsError> {
    let (client, name, account) = (
        context.clients.s3(&trail.region),
        &trail.bucket,
        &context.caller.account,
    );
    let existing = client
        .head_bucket()
        .bucket(name)
        .expected_bucket_owner(account)
        .send()
        .await;
    if existing.is_err() {
        let configuration = (trail.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(&*trail.region))
                .build()
        });
        let created = client
            .create_bucket()
            .bucket(name)
            .set_create_bucket_configuration(configuration)
            .send()
            .await;
        match created.map_err(|error| AwsError::of("s3:CreateBucket", error)) {
            // A retry after a lost response gets this error.
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

/// "Amazon S3 bucket policy for CloudTrail": allows only this trail of this account.
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
    let write_condition = json!({"aws:SourceArn": trail.arn, "s3:x-amz-acl": "bucket-owner-full-control"});
    json!({"Version": "2012-10-17", "Statement": [
        statement("AclCheck", "s3:GetBucketAcl", bucket, json!({"aws:SourceArn": trail.arn})),
        statement("Write", "s3:PutObject", files, write_condition),
    ]})
    .to_string()
}

/// Creates the trail, starts logging and checks the delivery; deletes the trail again if any of these fails.
async fn start(context: &Context, trail: &Trail) -> Result<(), UserError> {
    if let Err(aws_error) = create_trail(context, trail).await {
        // A call whose response was lost may have created the trail.
        if !aws_error.outcome_known() {
            revert(context, trail).await?;
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
        revert(context, trail).await?;
        return Err(error);
    }
    Ok(())
}

/// Creates the trail. An existing trail with this name was created by an earlier attempt.
async fn create_trail(context: &Context, trail: &Trail) -> Result<(), AwsError> {
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

/// Waits briefly for the first sign of delivery. No sign within this time is not an error.
async fn delivery(context: &Context, trail: &Trail) -> Result<(), UserError> {
    let sign = waiting::until(context.timing, FIRST_SIGN, || async {
        let status = reads::status(context, trail).await.map_err(rerun(&INFO))?;
        let error = status.latest_delivery_error.filter(|error| !error.is_empty());
        Ok::<_, UserError>((error.is_some() || status.latest_delivery_time.is_some()).then_some(error))
    });
    match sign.await? {
        Some(Some(error)) => Err(UserError::failed(
            format!(
                "Recommendation cloudtrail: the new trail could not write to the bucket {} ({error}) and was deleted.",
                trail.bucket
            ),
            SetupCommand::run()
                .value("--only", INFO.slug)
                .switch(format!("--{CREATE_TRAIL}")),
        )),
        _ => Ok(()),
    }
}

/// Deletes the trail, and the bucket if it is empty. The intent stays open, so that the next run continues from there.
async fn revert(context: &Context, trail: &Trail) -> Result<(), UserError> {
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
            let delete = [
                "aws",
                "cloudtrail",
                "delete-trail",
                "--region",
                &*trail.region,
                "--name",
                trail.name.as_str(),
            ];
            return Err(step_error(
                &INFO,
                &aws_error,
                NextStep::other("delete the trail yourself, because failed delivery is billed", delete),
            ));
        }
        _ => {}
    }
    let client = context.clients.s3(&trail.region);
    // A bucket with objects in it stays. Its cost is negligible.
    let _ = client
        .delete_bucket()
        .bucket(&trail.bucket)
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await;
    Ok(())
}
