//! A running server, and the environment variables that point other programs to it.

use std::path::Path;

use crate::server::{Options, Server};
use crate::shell;
use crate::state::{Cloud, Credentials};

/// A running server, with temporary credentials of the root user.
pub struct Simulation {
    /// The server. It stops when the runtime that it was started on is dropped.
    pub server: Server,
    credentials: Credentials,
    region: String,
}

impl Simulation {
    /// Serves this state on 127.0.0.1, and issues credentials for the account's root user.
    ///
    /// # Errors
    /// When the port is in use or the call log cannot be created.
    pub async fn start(mut cloud: Cloud, options: Options) -> std::io::Result<Self> {
        let root = cloud.root();
        let credentials = cloud.issue(root);
        let region = cloud.region.clone();
        Ok(Self {
            server: Server::start(cloud, options).await?,
            credentials,
            region,
        })
    }

    /// Returns the environment variables that point any AWS tool to the server, with the root user's credentials.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.server.url()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.credentials.secret_access_key.clone()),
            ("AWS_SESSION_TOKEN", self.credentials.session_token.clone()),
            ("AWS_REGION", self.region.clone()),
            // boto3 does not read AWS_REGION.
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Returns the commands that set the variables: `export` lines for a POSIX shell to `eval`, and on Windows lines for
    /// PowerShell.
    ///
    /// They set [`variables`](Self::variables), a home folder, and the variable that tells `idc-setup` that it talks to
    /// a simulation. If the environment has a proxy, they also set `NO_PROXY` and `no_proxy`, so that other tools do not
    /// send requests for 127.0.0.1 through it. The last line sets `HOME`. On Windows, the line before it sets
    /// `USERPROFILE`.
    pub fn exports(&self, home: &Path) -> Vec<String> {
        let mut variables = self.variables();
        variables.push(("IDC_SETUP_REHEARSAL", self.server.url()));
        if let Some(list) = no_proxy(|name| std::env::var(name).ok()) {
            // Python prefers the name in lower case, other tools the one in upper case.
            variables.push(("NO_PROXY", list.clone()));
            variables.push(("no_proxy", list));
        }
        let home = home.display().to_string();
        if cfg!(windows) {
            // The AWS CLI and Python look only there.
            variables.push(("USERPROFILE", home.clone()));
        }
        variables.push(("HOME", home));
        variables
            .into_iter()
            .map(|(name, value)| shell::export(name, &value))
            .collect()
    }
}

/// Returns a value for `NO_PROXY` that adds 127.0.0.1 to the current one, or `None` if the environment has no proxy.
fn no_proxy(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let first_set = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
    };
    first_set(["HTTP_PROXY", "http_proxy"]).or_else(|| first_set(["ALL_PROXY", "all_proxy"]))?;
    let current = first_set(["NO_PROXY", "no_proxy"]);
    Some(current.map_or_else(|| "127.0.0.1".to_owned(), |current| format!("127.0.0.1,{current}")))
}
