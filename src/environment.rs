//! What a process is given apart from its arguments, as one value: nothing else asks `std::env`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Variables, folder and terminals of this process.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Variables that are valid Unicode; empty ones count as absent.
    variables: BTreeMap<String, String>,
    /// Whether somebody can be asked: terminals on stdin *and* stderr.
    pub is_terminal: bool,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
}

impl Environment {
    /// This process's.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            is_terminal: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
        }
    }

    /// A variable's value; `None` when it is absent or empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The home folder, as the AWS tools determine it.
    pub fn home(&self) -> Option<PathBuf> {
        self.var("HOME").or_else(|| self.var("USERPROFILE")).map(PathBuf::from)
    }

    /// Whether the environment holds credentials, which the SDK's default chain takes before any profile.
    pub fn has_credentials(&self) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| self.var(name).is_some());
        (self.var("AWS_ACCESS_KEY_ID").is_some() && self.var("AWS_SECRET_ACCESS_KEY").is_some())
            || any(&[
                // Containers, CloudShell among them, and pods.
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
            ])
    }
}
