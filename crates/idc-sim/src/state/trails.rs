//! The parts of the account outside Identity Center that security recommendations depend on: the root user's
//! credentials, trails, and buckets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The credentials of the account's root user.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RootUser {
    /// Whether the root user has access keys.
    pub access_keys: bool,
    /// Whether the root user has an MFA device.
    pub mfa: bool,
}

/// A CloudTrail trail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// Its name: 3 to 128 characters, unique in its home Region.
    pub name: String,
    /// Its ARN: `arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME`.
    pub arn: String,
    /// Its home Region.
    pub region: String,
    /// The name of the bucket that it delivers log files to.
    pub bucket: String,
    /// The prefix of its log files' object keys.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Whether it logs events of all Regions.
    pub is_multi_region: bool,
    /// Whether it logs events of global services, such as IAM.
    pub includes_global_events: bool,
    /// Whether log file validation is enabled.
    pub validates_files: bool,
    /// When logging started, or `None` if it is stopped.
    #[serde(default)]
    pub logging_since: Option<Timestamp>,
    /// When logging was stopped last.
    #[serde(default)]
    pub logging_stopped: Option<Timestamp>,
    /// The event selectors, in the API's JSON form.
    pub event_selectors: Value,
}

/// An S3 bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bucket {
    /// The ID of the account that owns it.
    pub owner: String,
    /// Its Region.
    pub region: String,
    /// The public access block: the four settings by their API names.
    pub public_access_block: BTreeMap<String, bool>,
    /// The bucket policy, a JSON document.
    pub policy: Option<String>,
    /// Tag values by key.
    pub tags: BTreeMap<String, String>,
    /// The keys of its objects.
    pub objects: Vec<String>,
    /// When it was created. `None` for a bucket that the scenario started with.
    pub created: Option<Timestamp>,
    /// Versioning, encryption and ownership, in the API's JSON form, if they were set.
    pub settings: BTreeMap<String, Value>,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            owner: String::new(),
            region: "us-east-1".to_owned(),
            public_access_block: block_all_public_access(),
            policy: None,
            tags: BTreeMap::new(),
            objects: Vec::new(),
            created: None,
            settings: BTreeMap::new(),
        }
    }
}

/// Returns the event selectors of a new trail: all management events.
pub fn default_selectors() -> Value {
    json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [],
        "ExcludeManagementEventSources": []}])
}

/// Returns the public access block of a new bucket. S3 turns all four settings on since April 2023.
fn block_all_public_access() -> BTreeMap<String, bool> {
    let settings = [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ];
    settings.into_iter().map(|name| (name.to_owned(), true)).collect()
}
