//! What `rehearse` tells the command that it runs as a child: the one hidden flag.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::next_step::RehearsalArguments;

/// The rehearsal that this process is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RehearsalFlag {
    /// The simulation's address.
    pub url: String,
    /// `--keep DIR`, as it was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// `--world NAME`, as it was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
}

impl RehearsalFlag {
    /// What the commands to type next must name.
    pub fn arguments(&self) -> RehearsalArguments {
        RehearsalArguments {
            keep: self.keep.clone(),
            world: self.world.clone(),
        }
    }
}

impl FromStr for RehearsalFlag {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}
