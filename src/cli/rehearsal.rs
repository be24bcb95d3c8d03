//! The hidden flag with which `rehearse` passes the rehearsal to its child process.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::next_step::RehearsalArguments;

/// The rehearsal that this process belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RehearsalFlag {
    /// The URL of the simulated AWS.
    pub url: String,
    /// `--keep DIR`, as it was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// `--world NAME`, as it was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// Other flags for the simulated AWS, with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<(String, String)>,
}

impl RehearsalFlag {
    /// Returns the arguments that the commands to type next need.
    pub fn arguments(&self) -> RehearsalArguments {
        RehearsalArguments {
            keep: self.keep.clone(),
            world: self.world.clone(),
            others: self.others.clone(),
        }
    }
}

impl FromStr for RehearsalFlag {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}
