//! Terraform with the real AWS provider, against the simulated AWS. Without it, one line says that nothing was tested.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use super::TestEnv;

/// A folder with a configuration, initialized.
pub struct Terraform<'a> {
    env: &'a TestEnv,
    folder: &'a Path,
}

impl<'a> Terraform<'a> {
    /// Initializes the configuration in this folder; `None` without Terraform or the provider. Where the provider comes from is
    /// Terraform's own configuration (`TF_CLI_CONFIG_FILE`).
    pub fn init(env: &'a TestEnv, folder: &'a Path) -> Option<Self> {
        let terraform = Self { env, folder };
        let why = match terraform.command(&["init", "-no-color"]).output() {
            Ok(output) if output.status.success() => return Some(terraform),
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
        // Write to stderr directly: the test harness hides the output of the print macros if the test passes.
        let _ = writeln!(std::io::stderr(), "\n*** NOT TESTED against Terraform: {why} ***\n");
        None
    }

    fn command(&self, args: &[&str]) -> Command {
        let credentials = &self.env.credentials;
        let mut command = Command::new("terraform");
        command
            .args(args)
            .current_dir(self.folder)
            .env("TF_IN_AUTOMATION", "1")
            .env("NO_PROXY", "127.0.0.1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", self.folder.join("no-config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", self.folder.join("no-credentials"))
            .env("AWS_ENDPOINT_URL", self.env.server.url())
            .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key)
            .env("AWS_SESSION_TOKEN", &credentials.session_token)
            .env_remove("AWS_PROFILE");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("terraform runs")
    }

    /// The line of a plan that counts what changes.
    pub fn plan(&self) -> String {
        let output = self.run(&["plan", "-no-color", "-input=false"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}\n{errors}");
        let line = text
            .lines()
            .find(|line| line.starts_with("Plan:") || line.starts_with("No changes."));
        let line = line.unwrap_or_else(|| panic!("no plan in {text}"));
        assert!(
            !text.contains("will be updated in-place") && !text.contains("must be replaced"),
            "{text}"
        );
        line.to_owned()
    }

    /// Applies the configuration.
    pub fn apply(&self) {
        let output = self.run(&["apply", "-no-color", "-input=false", "-auto-approve"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Asserts that the files are formatted as Terraform formats them.
    pub fn check_format(&self) {
        let output = self.run(&["fmt", "-check", "-diff", "-no-color"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
