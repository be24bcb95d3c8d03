//! What the account has besides Identity Center, as far as the recommendations look at it: the root user's keys,
//! trails, and their buckets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::world::World;

/// What the account's root user has.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RootUser {
    /// Long-lived access keys.
    pub access_keys: bool,
    /// A second factor.
    pub mfa: bool,
}

/// A trail of CloudTrail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trail {
    /// 3 to 128 characters, unique in its home Region.
    pub name: String,
    /// `arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME`.
    pub arn: String,
    /// Its home Region.
    pub region: String,
    /// The bucket it writes to.
    pub bucket: String,
    /// In front of its files' names.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Whether it logs every Region.
    pub is_multi_region: bool,
    /// Whether it logs services without a Region, such as IAM.
    pub includes_global_events: bool,
    /// Whether digest files are written.
    pub validates_files: bool,
    /// Since when it logs, if it does.
    #[serde(default)]
    pub logging_since: Option<Timestamp>,
    /// As the API has them.
    pub event_selectors: Value,
}

/// A bucket of S3.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// The account.
    pub owner: String,
    /// Where it is.
    pub region: String,
    /// By the API's names of the four ways.
    pub public_access_block: BTreeMap<String, bool>,
    /// Its policy, a JSON document.
    pub policy: Option<String>,
    /// By key.
    pub tags: BTreeMap<String, String>,
    /// Names of what is in it.
    pub objects: Vec<String>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            owner: String::new(),
            region: "us-east-1".to_owned(),
            public_access_block: super::services::s3::all_blocked(),
            policy: None,
            tags: BTreeMap::new(),
            objects: Vec::new(),
        }
    }
}

/// What a trail has whose selectors nobody has put: all management events.
pub fn default_selectors() -> Value {
    json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [],
        "ExcludeManagementEventSources": []}])
}

/// A trail that is enough, with its bucket.
pub fn add_trail(world: &mut World, made: Timestamp) {
    let (account, region, bucket) = (&world.account.id, &world.region, "example-trail-4f7a1c");
    let arn = format!("arn:aws:cloudtrail:{region}:{account}:trail/management-events");
    let statement = |action: &str, resource: String| {
        json!({"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": action,
            "Resource": resource, "Condition": {"StringEquals": {"aws:SourceArn": arn}}})
    };
    let policy = json!({"Version": "2012-10-17", "Statement": [
        statement("s3:GetBucketAcl", format!("arn:aws:s3:::{bucket}")),
        statement("s3:PutObject", format!("arn:aws:s3:::{bucket}/AWSLogs/{account}/*")),
    ]});
    let trail = Trail {
        name: "management-events".to_owned(),
        arn: arn.clone(),
        region: region.clone(),
        bucket: bucket.to_owned(),
        prefix: None,
        is_multi_region: true,
        includes_global_events: true,
        validates_files: true,
        logging_since: Some(made),
        event_selectors: default_selectors(),
    };
    let bucket = Bucket {
        owner: account.clone(),
        region: region.clone(),
        policy: Some(policy.to_string()),
        ..Bucket::default()
    };
    world.buckets.insert(trail.bucket.clone(), bucket);
    world.trails.push(trail);
}
