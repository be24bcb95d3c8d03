//! What the last run worked with, so that the next run needs fewer flags and `status` works without credentials.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, RegionName};

/// The account, profile and Region of the last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// The account.
    pub account: AccountId,
    /// The bootstrap profile, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The Region, if it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionName>,
}
