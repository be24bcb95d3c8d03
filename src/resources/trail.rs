//! A CloudTrail trail for management events, and the S3 bucket that it writes to.
//!
//! Bucket, public access block, policy, trail, logging, delivery: each name contains the nonce of the intent, so that a
//! run after a kill recognizes what this program created, and finishes it. Failed delivery is billed ("AWS CloudTrail
//! pricing"). If a call after the trail's creation fails, the trail is deleted again.

use async_trait::async_trait;
use aws_sdk_cloudtrail::operation::get_trail_status::GetTrailStatusOutput;
use aws_sdk_cloudtrail::types;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration};
use serde_json::json;

use crate::aws::{AwsError, Permission, unless_gone, waiting};
use crate::ids::{RegionName, region_of_arn};
use crate::limits::FIRST_SIGN;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Entry, Origin, ResourceId, ResourceKind, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{
    Branch, Change, Condition, Consent, Context, Deletion, Error, NamedConsent, Resource, StepInfo, Target, rerun,
    step_error,
};
use crate::user_error::UserError;

/// What reading and creating a trail needs. The names of some S3 actions differ from those of the operations (Service Authorization
/// Reference).
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("cloudtrail:DescribeTrails"),
    Permission::look("cloudtrail:GetTrailStatus"),
    Permission::look("cloudtrail:GetEventSelectors"),
    Permission::change_on(TRAILS, "cloudtrail:CreateTrail"),
    Permission::change_on(TRAILS, "cloudtrail:StartLogging"),
    Permission::change_on(TRAILS, "cloudtrail:DeleteTrail"),
    Permission::change_on(BUCKETS, "s3:CreateBucket"),
    // `HeadBucket`.
    Permission::change_on(BUCKETS, "s3:ListBucket"),
    Permission::change_on(BUCKETS, "s3:PutBucketPublicAccessBlock"),
    Permission::change_on(BUCKETS, "s3:PutBucketPolicy"),
    // Deleted with the trail while it is empty.
    Permission::change_on(BUCKETS, "s3:DeleteBucket"),
];

/// What undo needs.
pub const UNDO_PERMISSIONS: &[Permission] = &[
    Permission::change_on(TRAILS, "cloudtrail:DeleteTrail"),
    Permission::change_on(BUCKETS, "s3:GetBucketPolicy"),
    Permission::change_on(BUCKETS, "s3:DeleteBucket"),
];

/// What an export needs to read the trail and its bucket.
pub const EXPORT_PERMISSIONS: &[Permission] = &[
    Permission::look("cloudtrail:DescribeTrails"),
    Permission::look("cloudtrail:GetTrailStatus"),
    Permission::look("s3:GetBucketPolicy"),
    Permission::look("s3:GetBucketPublicAccessBlock"),
];

const TRAILS: &str = "arn:*:cloudtrail:*:*:trail/idc-setup-*";
const BUCKETS: &str = "arn:*:s3:::idc-setup-trail-*";

/// The flag that allows creating a trail.
pub const CREATE_TRAIL: &str = "create-trail";

/// The name of the change in progress. The trail's own name contains the nonce of the intent.
const NAME: &str = "management-events";

/// The properties of a trail that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedTrail {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The bucket that it writes to.
    pub bucket: String,
    /// Its home Region, in which it can be changed.
    pub region: RegionName,
}

/// The result of reading the trails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trails {
    /// This trail records management events in all Regions.
    Sufficient(DescribedTrail),
    /// This trail would be sufficient, but its log files are not delivered, for this reason.
    NotDelivered(DescribedTrail, String),
    /// None of this many trails is sufficient.
    Insufficient(usize),
}

/// The trail with this name, if it exists in its home Region; or all trails that are visible in a Region.
async fn describe(context: &Context, region: &RegionName, name: Option<&str>) -> Result<Vec<types::Trail>, AwsError> {
    let answer = context
        .clients
        .cloudtrail(region)
        .describe_trails()
        .set_trail_name_list(name.map(|name| vec![name.to_owned()]))
        .include_shadow_trails(name.is_none())
        .send()
        .await
        .map_err(|error| AwsError::of("cloudtrail:DescribeTrails", error))?;
    Ok(answer.trail_list.unwrap_or_default())
}

/// Reads all trails that are visible in a Region, which include the multi-Region trails.
///
/// # Errors
/// When AWS does not answer.
pub async fn observe(context: &Context, region: &RegionName) -> Result<Trails, AwsError> {
    let trails = describe(context, region, None).await?;
    let mut undelivered = None;
    for trail in trails.iter().filter(|trail| trail.is_multi_region_trail == Some(true)) {
        let known = known(region, trail);
        let status = status(context, &known).await?;
        if status.is_logging != Some(true) || !records_management_events(context, trail, &known).await? {
            continue;
        }
        match status.latest_delivery_error.filter(|error| !error.is_empty()) {
            None => return Ok(Trails::Sufficient(known)),
            Some(error) => undelivered = Some(Trails::NotDelivered(known, error)),
        }
    }
    Ok(undelivered.unwrap_or(Trails::Insufficient(trails.len())))
}

/// The logging and delivery status of a trail.
async fn status(context: &Context, trail: &DescribedTrail) -> Result<GetTrailStatusOutput, AwsError> {
    let client = context.clients.cloudtrail(&trail.region);
    let answer = client.get_trail_status().name(&trail.arn).send().await;
    answer.map_err(|error| AwsError::of("cloudtrail:GetTrailStatus", error))
}

fn known(region: &RegionName, trail: &types::Trail) -> DescribedTrail {
    let home = trail.home_region.as_deref().and_then(|home| home.parse().ok());
    DescribedTrail {
        name: trail.name.clone().unwrap_or_default(),
        arn: trail.trail_arn.clone().unwrap_or_default(),
        bucket: trail.s3_bucket_name.clone().unwrap_or_default(),
        region: home.unwrap_or_else(|| region.clone()),
    }
}

/// Whether it records both read and write management events. A trail without custom event selectors records all of them.
async fn records_management_events(
    context: &Context,
    trail: &types::Trail,
    known: &DescribedTrail,
) -> Result<bool, AwsError> {
    if trail.has_custom_event_selectors != Some(true) {
        return Ok(true);
    }
    let client = context.clients.cloudtrail(&known.region);
    let answer = client.get_event_selectors().trail_name(&known.arn).send().await;
    let answer = answer.map_err(|error| AwsError::of("cloudtrail:GetEventSelectors", error))?;
    let simple = answer.event_selectors().iter().any(|selector| {
        let reads_and_writes = selector
            .read_write_type
            .as_ref()
            .is_none_or(|kind| kind.as_str() == "All");
        selector.include_management_events != Some(false) && reads_and_writes
    });
    let advanced = answer.advanced_event_selectors().iter().any(|selector| {
        let fields = selector.field_selectors();
        let is_management = fields
            .iter()
            .any(|field| field.field() == "eventCategory" && field.equals().iter().any(|value| value == "Management"));
        // Any other field leaves some of the events out.
        is_management && fields.iter().all(|field| field.field() == "eventCategory")
    });
    Ok(simple || advanced)
}

/// An existing trail with its recorded origin.
pub fn entry(context: &Context, trail: &DescribedTrail) -> Entry {
    context.entry(ResourceKind::Trail, &trail.name, trail.arn.as_str())
}

/// The change that creates a trail and its bucket.
pub fn creation() -> Change {
    let stake = "The first copy of management events is free of charge. The bucket's storage costs a few cents a month in \
                 a quiet account.";
    Change {
        verb: Verb::Create,
        kind: ResourceKind::Trail,
        name: NAME.into(),
        field: None,
        sentence: "Create a bucket and a multi-Region trail that writes management events to it.".to_owned(),
        command: "aws cloudtrail create-trail --name NAME --s3-bucket-name BUCKET --is-multi-region-trail \
                  --enable-log-file-validation"
            .to_owned(),
        consent: Consent::Named(vec![NamedConsent {
            flag: CREATE_TRAIL,
            stake: stake.to_owned(),
            is_final: false,
        }]),
    }
}

/// Creates a trail, or finishes the one that an interrupted run started.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn create_or_finish(
    context: &Context,
    info: &'static StepInfo,
    region: RegionName,
) -> Result<DescribedTrail, UserError> {
    let pending = context.open_intents(ResourceKind::Trail, NAME).into_iter().next();
    let intent = match pending {
        Some(intent) => intent,
        None => context.intend(info, Target::new(Verb::Create, ResourceKind::Trail, NAME), None)?,
    };
    let account = &context.caller.account;
    let trail_name = trail_name(&intent.nonce);
    let trail = DescribedTrail {
        arn: format!(
            "arn:{}:cloudtrail:{region}:{account}:trail/{trail_name}",
            context.partition().id()
        ),
        name: trail_name,
        bucket: format!("idc-setup-trail-{account}-{}", intent.nonce),
        region,
    };
    record(context, &trail)?;
    create_bucket(context, &trail).await.map_err(rerun(info))?;
    start(context, info, &trail).await?;
    context.settle(Verb::Create, ResourceKind::Trail, NAME, None)?;
    Ok(trail)
}

/// Settles the intent whose trail an interrupted run created.
///
/// # Errors
/// When the origin cannot be saved.
pub fn settle(context: &Context, trail: &DescribedTrail) -> Result<(), UserError> {
    let intents = context.open_intents(ResourceKind::Trail, NAME);
    if intents.iter().any(|intent| trail_name(&intent.nonce) == trail.name) {
        context.settle(Verb::Create, ResourceKind::Trail, NAME, None)?;
    }
    Ok(())
}

fn trail_name(nonce: &str) -> String {
    format!("idc-setup-{nonce}")
}

/// Records the bucket and the trail as created before they exist. Nobody else can have the nonce in a name, and undo finds
/// whatever exists of them, wherever the run is interrupted.
fn record(context: &Context, trail: &DescribedTrail) -> Result<(), UserError> {
    let mut bucket = Entry::new(Origin::Created, ResourceKind::Bucket, &trail.bucket, &trail.bucket);
    bucket.region = Some(trail.region.clone());
    bucket.text = Some(policy(context, trail));
    let resource = Entry::new(Origin::Created, ResourceKind::Trail, &trail.name, &trail.arn);
    context.progress.change(|record| {
        record.keep(bucket);
        record.keep(resource);
    })?;
    Ok(())
}

/// Whether this account has a bucket with this name.
async fn bucket_exists(context: &Context, region: &RegionName, name: &str) -> Result<bool, AwsError> {
    let head = context
        .clients
        .s3(region)
        .head_bucket()
        .bucket(name)
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await;
    match head {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(HeadBucketError::is_not_found) => Ok(false),
        Err(error) => Err(AwsError::of_head("s3:HeadBucket", error)),
    }
}

/// Creates the bucket if it does not exist. A bucket of this account with this name was created by this program, because
/// the name contains the nonce. A bucket of another account is not used.
async fn create_bucket(context: &Context, trail: &DescribedTrail) -> Result<(), AwsError> {
    let (client, name, account) = (
        context.clients.s3(&trail.region),
        &trail.bucket,
        &context.caller.account,
    );
    // If it cannot be read, the request to create it shows why.
    let exists = bucket_exists(context, &trail.region, name).await.unwrap_or(false);
    if !exists {
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
fn policy(context: &Context, trail: &DescribedTrail) -> String {
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
async fn start(context: &Context, info: &'static StepInfo, trail: &DescribedTrail) -> Result<(), UserError> {
    if let Err(aws_error) = create_trail(context, trail).await {
        // A call whose response was lost may have created the trail.
        if !aws_error.outcome_known() {
            revert(context, info, trail).await?;
        }
        return Err(rerun(info)(aws_error));
    }
    let client = context.clients.cloudtrail(&trail.region);
    let logging = client.start_logging().name(&trail.arn).send().await;
    let logging = logging.map_err(|error| AwsError::of("cloudtrail:StartLogging", error));
    let delivered = match logging {
        Ok(_) => delivery(context, info, trail).await,
        Err(aws_error) => Err(rerun(info)(aws_error)),
    };
    if let Err(error) = delivered {
        revert(context, info, trail).await?;
        return Err(error);
    }
    Ok(())
}

/// Creates the trail. An existing trail with this name was created by an earlier attempt.
async fn create_trail(context: &Context, trail: &DescribedTrail) -> Result<(), AwsError> {
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
async fn delivery(context: &Context, info: &'static StepInfo, trail: &DescribedTrail) -> Result<(), UserError> {
    let sign = waiting::until(context.timing, FIRST_SIGN, || async {
        let status = status(context, trail).await.map_err(rerun(info))?;
        let error = status.latest_delivery_error.filter(|error| !error.is_empty());
        Ok::<_, UserError>((error.is_some() || status.latest_delivery_time.is_some()).then_some(error))
    });
    match sign.await? {
        Some(Some(error)) => Err(UserError::failed(
            format!(
                "{}: the new trail could not write to the bucket {} ({error}) and was deleted.",
                info.name(),
                trail.bucket
            ),
            SetupCommand::run()
                .value("--only", info.slug)
                .switch(format!("--{CREATE_TRAIL}")),
        )),
        _ => Ok(()),
    }
}

/// Deletes the trail, and the bucket if it is empty. The intent stays open, so that the next run continues from there.
async fn revert(context: &Context, info: &'static StepInfo, trail: &DescribedTrail) -> Result<(), UserError> {
    let deleted = delete_trail(context, &trail.region, &trail.arn).await;
    if let Err(aws_error) = deleted {
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
            info,
            &aws_error,
            NextStep::other("delete the trail yourself, because failed delivery is billed", delete),
        ));
    }
    // A bucket with objects in it stays. Its cost is negligible.
    let _ = delete_bucket(context, &trail.region, &trail.bucket).await;
    Ok(())
}

/// Deletes a trail; one that does not exist counts as deleted.
async fn delete_trail(context: &Context, region: &RegionName, name: &str) -> Result<(), AwsError> {
    let answer = context
        .clients
        .cloudtrail(region)
        .delete_trail()
        .name(name)
        .send()
        .await;
    match answer.map_err(|error| AwsError::of("cloudtrail:DeleteTrail", error)) {
        Err(aws_error) if aws_error.is("TrailNotFoundException") => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Deletes a bucket if it is empty. One that does not exist counts as deleted.
async fn delete_bucket(context: &Context, region: &RegionName, name: &str) -> Result<(), AwsError> {
    let answer = context
        .clients
        .s3(region)
        .delete_bucket()
        .bucket(name)
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await;
    match answer.map_err(|error| AwsError::of("s3:DeleteBucket", error)) {
        Err(aws_error) if aws_error.is("NoSuchBucket") => Ok(()),
        other => other.map(|_| ()),
    }
}

/// The home Region of a recorded trail, from its ARN.
fn trail_region(context: &Context, entry: &Entry) -> RegionName {
    region_of_arn(entry.id.single()).unwrap_or_else(|| context.bootstrap_region.clone())
}

/// The Region of a bucket, as recorded when it was created.
fn bucket_region(context: &Context, entry: &Entry) -> RegionName {
    let region = entry.region.clone();
    region.unwrap_or_else(|| context.bootstrap_region.clone())
}

/// What a trail does now that it did not do when it was created.
fn trail_change(context: &Context, trail: &types::Trail) -> Option<String> {
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

/// The policy of a bucket, as observed.
enum BucketPolicy {
    NoBucket,
    NoPolicy,
    /// A JSON document.
    Is(String),
}

async fn bucket_policy(context: &Context, region: &RegionName, bucket: &str) -> Result<BucketPolicy, AwsError> {
    let answer = context
        .clients
        .s3(region)
        .get_bucket_policy()
        .bucket(bucket)
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await
        .map_err(|error| AwsError::of("s3:GetBucketPolicy", error));
    match answer {
        Err(aws_error) if aws_error.is("NoSuchBucketPolicy") => Ok(BucketPolicy::NoPolicy),
        Err(aws_error) if aws_error.is("NoSuchBucket") => Ok(BucketPolicy::NoBucket),
        other => Ok(BucketPolicy::Is(other?.policy.unwrap_or_default())),
    }
}

/// How the bucket policy differs from the original one. Another policy can let others write to the bucket; without a
/// policy, nobody else can.
async fn policy_change(context: &Context, region: &RegionName, entry: &Entry) -> Result<Option<String>, AwsError> {
    let Some(original) = &entry.text else {
        return Ok(None);
    };
    let BucketPolicy::Is(now) = bucket_policy(context, region, entry.id.single()).await? else {
        return Ok(None);
    };
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let Some(now) = parsed(&now) else {
        return Err(AwsError::unreadable("s3:GetBucketPolicy"));
    };
    let is_same = Some(now) == parsed(original);
    Ok((!is_same).then(|| "someone changed its policy".to_owned()))
}

fn contains_log_files() -> String {
    "it contains log files; to delete it with them".to_owned()
}

/// A trail that the wizard did not create and that writes to this bucket.
async fn other_writer(context: &Context, region: &RegionName, bucket: &str) -> Result<Option<String>, AwsError> {
    let is_created = |trail: &types::Trail| {
        let arn = ResourceId::from(trail.trail_arn().unwrap_or_default());
        context
            .progress
            .read(|record| record.origin(ResourceKind::Trail, &arn) == Some(Origin::Created))
    };
    let mut trails = describe(context, region, None).await?.into_iter();
    let other = trails.find(|trail| trail.s3_bucket_name() == Some(bucket) && !is_created(trail));
    Ok(other.and_then(|trail| trail.name))
}

/// What of a bucket is not public.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublicAccessBlock {
    /// New public ACLs are refused.
    pub block_public_acls: bool,
    /// Public bucket policies are refused.
    pub block_public_policy: bool,
    /// Public ACLs have no effect.
    pub ignore_public_acls: bool,
    /// Only the owner and AWS services have access if the policy is public.
    pub restrict_public_buckets: bool,
}

/// A trail and its bucket, with every setting that this program gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailWithBucket {
    /// The trail.
    pub trail: DescribedTrail,
    /// Whether it records all Regions.
    pub is_multi_region: bool,
    /// Whether it records the events of global services.
    pub includes_global_events: bool,
    /// Whether digests allow to validate its log files.
    pub validates_files: bool,
    /// Whether it is recording.
    pub is_logging: bool,
    /// The policy of the bucket, a JSON document.
    pub policy: Option<String>,
    /// What of the bucket is not public; `None` if nothing is blocked.
    pub public_access_block: Option<PublicAccessBlock>,
    /// What somebody has changed since it was created, as a clause.
    pub change: Option<String>,
}

/// The trail that this program created, if it exists.
///
/// # Errors
/// When AWS does not answer.
pub async fn created(context: &Context) -> Result<Option<TrailWithBucket>, AwsError> {
    for arn in context.created_ids(ResourceKind::Trail) {
        let region = region_of_arn(arn.single()).unwrap_or_else(|| context.bootstrap_region.clone());
        let trails = describe(context, &region, Some(arn.single())).await?;
        if let Some(trail) = trails.first() {
            return Ok(Some(with_bucket(context, &region, trail).await?));
        }
    }
    Ok(None)
}

async fn with_bucket(
    context: &Context,
    region: &RegionName,
    trail: &types::Trail,
) -> Result<TrailWithBucket, AwsError> {
    let known = known(region, trail);
    let more = trail.kms_key_id.is_some() || trail.s3_key_prefix.is_some();
    let more = more.then(|| "someone gave it a KMS key or a prefix".to_owned());
    let (policy, no_bucket) = match bucket_policy(context, &known.region, &known.bucket).await? {
        BucketPolicy::Is(policy) => (Some(policy), None),
        BucketPolicy::NoPolicy => (None, None),
        BucketPolicy::NoBucket => (None, Some("its bucket no longer exists".to_owned())),
    };
    Ok(TrailWithBucket {
        is_multi_region: trail.is_multi_region_trail == Some(true),
        includes_global_events: trail.include_global_service_events == Some(true),
        validates_files: trail.log_file_validation_enabled == Some(true),
        is_logging: status(context, &known).await?.is_logging == Some(true),
        policy,
        public_access_block: public_access_block(context, &known.region, &known.bucket).await?,
        change: trail_change(context, trail).or(more).or(no_bucket),
        trail: known,
    })
}

/// What of a bucket is not public; `None` if nothing is blocked, or if there is no bucket.
async fn public_access_block(
    context: &Context,
    region: &RegionName,
    bucket: &str,
) -> Result<Option<PublicAccessBlock>, AwsError> {
    let answer = context
        .clients
        .s3(region)
        .get_public_access_block()
        .bucket(bucket)
        .expected_bucket_owner(&context.caller.account)
        .send()
        .await
        .map_err(|error| AwsError::of("s3:GetPublicAccessBlock", error));
    let answer = match answer {
        Err(aws_error) if aws_error.is("NoSuchPublicAccessBlockConfiguration") || aws_error.is("NoSuchBucket") => {
            return Ok(None);
        }
        other => other?,
    };
    Ok(answer.public_access_block_configuration.map(|block| PublicAccessBlock {
        block_public_acls: block.block_public_acls == Some(true),
        block_public_policy: block.block_public_policy == Some(true),
        ignore_public_acls: block.ignore_public_acls == Some(true),
        restrict_public_buckets: block.restrict_public_buckets == Some(true),
    }))
}

/// The kind.
pub struct Trail;

#[async_trait(?Send)]
impl Resource for Trail {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Trail
    }

    fn step(&self) -> &'static str {
        "cloudtrail"
    }

    fn branch(&self) -> Branch {
        Branch::CloudTrail
    }

    /// A trail that someone extended, or that writes to another bucket, is *changed*.
    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let region = trail_region(context, entry);
        let trails = describe(context, &region, Some(entry.id.single())).await?;
        Ok(match trails.first() {
            None => Condition::Gone,
            Some(trail) => Condition::of_change(trail_change(context, trail)),
        })
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        delete_trail(context, &trail_region(context, entry), entry.id.single()).await?;
        Ok(Deletion::Deleted)
    }

    fn delete_manually(&self, context: &Context, entry: &Entry) -> Manually {
        let region = trail_region(context, entry);
        Manually::Command(format!(
            "aws cloudtrail delete-trail --region {region} --name {}",
            entry.id
        ))
    }
}

/// The kind of the bucket.
pub struct Bucket;

#[async_trait(?Send)]
impl Resource for Bucket {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Bucket
    }

    fn step(&self) -> &'static str {
        "cloudtrail"
    }

    fn branch(&self) -> Branch {
        Branch::CloudTrail
    }

    /// A bucket stays if it contains objects, or if another trail writes to it.
    async fn condition(&self, context: &Context, entry: &Entry) -> Result<Condition, Error> {
        let (region, name) = (bucket_region(context, entry), entry.id.single());
        if !bucket_exists(context, &region, name).await? {
            return Ok(Condition::Gone);
        }
        if let Some(other) = other_writer(context, &region, name).await? {
            return Ok(Condition::Stays(format!("the trail {other} writes to it")));
        }
        let listed = context
            .clients
            .s3(&region)
            .list_objects_v2()
            .bucket(name)
            .expected_bucket_owner(&context.caller.account)
            .max_keys(1)
            .send()
            .await
            .map_err(|error| AwsError::of("s3:ListObjectsV2", error));
        match unless_gone(listed)? {
            None => Ok(Condition::Gone),
            Some(listed) if listed.contents().is_empty() => {
                let change = policy_change(context, &region, entry).await?;
                Ok(Condition::of_change(change))
            }
            Some(_) => Ok(Condition::Stays(contains_log_files())),
        }
    }

    async fn delete(&self, context: &Context, entry: &Entry) -> Result<Deletion, Error> {
        let name = entry.id.single();
        match delete_bucket(context, &bucket_region(context, entry), name).await {
            // CloudTrail may have delivered a file since the read, and older versions of files are not listed.
            Err(aws_error) if aws_error.is("BucketNotEmpty") => Ok(Deletion::Kept(contains_log_files())),
            other => Ok(other.map(|()| Deletion::Deleted)?),
        }
    }

    fn delete_manually(&self, context: &Context, entry: &Entry) -> Manually {
        let region = bucket_region(context, entry);
        Manually::Command(format!("aws s3 rb s3://{} --force --region {region}", entry.id))
    }
}
