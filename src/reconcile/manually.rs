//! How a user can revert something without this program.

use schemars::JsonSchema;
use serde::Serialize;

/// How a user can revert something without this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Manually {
    /// A command for a shell.
    #[serde(rename = "command")]
    Command(String),
    /// Something that no command does, such as clicks in the console or an edit of a file.
    #[serde(rename = "manual")]
    Steps(String),
}

impl Manually {
    /// The command, or the steps.
    pub fn text(&self) -> &str {
        match self {
            Self::Command(text) | Self::Steps(text) => text,
        }
    }
}
