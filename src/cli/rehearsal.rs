//! The hidden flag with which `rehearse` passes the rehearsal to its child process.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The rehearsal that this process belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RehearsalFlag {
    /// The URL of the simulated AWS.
    pub url: String,
    /// The flags of `rehearse` that a command to continue the rehearsal needs, with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<(String, String)>,
    /// Whether a simulated person does what only a person can do.
    #[serde(default)]
    pub has_simulated_person: bool,
}

impl FromStr for RehearsalFlag {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}
