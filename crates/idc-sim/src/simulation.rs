//! A running server, and the variables that lead other programs to it.

use std::path::Path;

use crate::server::{Options, Server};
use crate::state::{Cloud, Credentials};

/// A running server with a session of the root user.
pub struct Simulation {
    /// The server; it ends with the runtime it was started on.
    pub server: Server,
    credentials: Credentials,
    region: String,
}

impl Simulation {
    /// Serves this state on 127.0.0.1, with credentials for the account's root user.
    ///
    /// # Errors
    /// When the port is taken or the call log cannot be written.
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

    /// Environment variables that lead any AWS tool to the server, as the root user.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.server.url()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.credentials.secret_access_key.clone()),
            ("AWS_SESSION_TOKEN", self.credentials.session_token.clone()),
            ("AWS_REGION", self.region.clone()),
            // boto3 reads only this one.
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Lines for a POSIX shell to `eval`: [`variables`](Self::variables), a home folder, and what lets `idc-setup` know
    /// that it talks to a simulation. Where the environment has a proxy, the last line keeps other tools from sending it
    /// requests for this machine.
    pub fn exports(&self, home: &Path) -> Vec<String> {
        let mut variables = self.variables();
        variables.push(("IDC_SETUP_REHEARSAL", self.server.url()));
        variables.push(("HOME", home.display().to_string()));
        variables.extend(no_proxy(|name| std::env::var(name).ok()).map(|list| ("NO_PROXY", list)));
        variables
            .into_iter()
            .map(|(name, value)| format!("export {name}={}", quoted(&value)))
            .collect()
    }
}

/// What clients must reach without a proxy; `None` where there is no proxy.
fn no_proxy(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let first = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
    };
    first(["HTTP_PROXY", "http_proxy"]).or_else(|| first(["ALL_PROXY", "all_proxy"]))?;
    let before = first(["NO_PROXY", "no_proxy"]);
    Some(before.map_or_else(|| "127.0.0.1".to_owned(), |before| format!("127.0.0.1,{before}")))
}

/// A word for a POSIX shell. Only a NUL character cannot be quoted, and no variable can hold one.
fn quoted(value: &str) -> String {
    shlex::try_quote(value).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}
