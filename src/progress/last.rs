//! What the last run worked with: it spares the next one a flag, and lets `status` say something without
//! credentials.

use serde::{Deserialize, Serialize};

/// The account, profile and Region of the last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
    /// The bootstrap profile, when one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The Region, when one was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}
