//! What the account has besides Identity Center, as far as the recommendations look at it: the root user's keys,
//! trails, and their buckets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
            public_access_block: all_blocked(),
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

/// All four ways are blocked: new buckets are so since April 2023.
pub fn all_blocked() -> BTreeMap<String, bool> {
    let ways = [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ];
    ways.into_iter().map(|way| (way.to_owned(), true)).collect()
}
