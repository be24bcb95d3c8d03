//! A simulated AWS for benchmarks, and a home folder.

use std::process::{Command, Stdio};

use idc_sim::{Cloud, Credentials, Options, Server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A simulated AWS, and a home folder.
pub struct TestEnv {
    pub server: Server,
    pub home: TempDir,
    credentials: Credentials,
}

impl TestEnv {
    pub fn new(runtime: &Runtime, mut cloud: Cloud, options: Options) -> Self {
        let root = cloud.root();
        let credentials = cloud.issue(root);
        Self {
            server: runtime.block_on(Server::start(cloud, options)).unwrap(),
            home: tempfile::tempdir().unwrap(),
            credentials,
        }
    }

    /// Returns a command without the environment of this process.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.server.url())
            .env("IDC_SETUP_REHEARSAL", self.server.url())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", &self.credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.credentials.secret_access_key)
            .env("AWS_SESSION_TOKEN", &self.credentials.session_token)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}
