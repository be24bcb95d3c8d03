//! The AWS CLI on this machine: its path, its version, and the caller identity that it returns for a profile.
//!
//! It is run by its absolute path, found in the absolute folders of `PATH`. It is used for checks only; nothing depends
//! on it.

use std::path::PathBuf;

use tokio::sync::OnceCell;

use crate::environment::Environment;
use crate::limited_output::{Group, output_of};
use crate::limits::AWS_CLI_LIMIT;
use crate::next_step::NextStep;
use crate::text::duration_text;

/// The first version that supports `sso-session` sections ("AWS CLI changelog").
pub const SESSIONS_SINCE: Version = Version(2, 9);
/// The first version that signs in with PKCE ("AWS CLI changelog").
pub const PKCE_SINCE: Version = Version(2, 22);
/// The first version that has `aws login` ("AWS CLI changelog").
pub const LOGIN_SINCE: Version = Version(2, 32);
/// The installation guide for all systems.
pub const INSTALL_PAGE: &str = "https://aws.amazon.com/cli/";

/// Environment variables that would select other credentials than the profile's, or prompt the user.
const REMOVED_VARIABLES: [&str; 14] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    // The profile must have its own Region.
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CLI_AUTO_PROMPT",
];

/// Major and minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

/// An AWS CLI that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCli {
    /// The absolute path.
    pub path: PathBuf,
    /// As `aws --version` prints it.
    pub version: Version,
    /// The full version: `2.36.12`.
    pub full_version: String,
}

/// Why the AWS CLI returned no caller identity for a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CliError {
    /// It could not be run, or timed out. This says nothing about the profile.
    NotRun(String),
    /// It failed with this message.
    Refused(String),
}

/// Finds the AWS CLI when it is first needed.
#[derive(Debug, Default)]
pub struct Finder {
    environment: Option<Environment>,
    found: OnceCell<Option<AwsCli>>,
}

impl Finder {
    /// A finder that searches `PATH` of this environment.
    pub fn of(environment: &Environment) -> Self {
        Self {
            environment: Some(environment.clone()),
            found: OnceCell::new(),
        }
    }

    /// The AWS CLI, if one is found. A default finder never finds one.
    pub async fn get(&self) -> Option<&AwsCli> {
        let find = || async {
            match &self.environment {
                Some(environment) => AwsCli::find(environment).await,
                None => None,
            }
        };
        self.found.get_or_init(find).await.as_ref()
    }
}

impl AwsCli {
    /// The first `aws` in `PATH`; `None` if there is none, or if `aws --version` does not print an AWS CLI version.
    pub async fn find(environment: &Environment) -> Option<Self> {
        let path = environment.program("aws")?;
        let mut command = tokio::process::Command::new(&path);
        command.arg("--version");
        let output = tokio::time::timeout(AWS_CLI_LIMIT, output_of(command, Group::Own))
            .await
            .ok()?
            .ok()?;
        // Old releases of version 1 print it to stderr.
        let output = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&output);
        let full_version = text.strip_prefix("aws-cli/")?.split_whitespace().next()?.to_owned();
        let mut numbers = full_version.split('.').map_while(|number| number.parse().ok());
        let version = Version(numbers.next()?, numbers.next()?);
        Some(Self {
            path,
            version,
            full_version,
        })
    }

    /// The caller ARN for a profile, independent of credentials in the environment.
    ///
    /// # Errors
    /// [`CliError`] if the AWS CLI returns no caller identity.
    pub async fn caller_arn(&self, profile: &str) -> Result<String, CliError> {
        let mut command = tokio::process::Command::new(&self.path);
        command
            .args(["sts", "get-caller-identity", "--output", "json", "--profile", profile])
            .env("AWS_PAGER", "")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        for name in REMOVED_VARIABLES {
            command.env_remove(name);
        }
        let output = match tokio::time::timeout(AWS_CLI_LIMIT, output_of(command, Group::Own)).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Err(CliError::NotRun(error.to_string())),
            Err(_) => {
                let why = format!("it did not finish within {}", duration_text(AWS_CLI_LIMIT));
                return Err(CliError::NotRun(why));
            }
        };
        let answer = serde_json::from_slice::<serde_json::Value>(&output.stdout);
        match answer.ok().and_then(|answer| answer["Arn"].as_str().map(str::to_owned)) {
            Some(arn) if output.status.success() => Ok(arn),
            _ => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
                Err(CliError::Refused(last.unwrap_or("no reason given").trim().to_owned()))
            }
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The command that installs the AWS CLI on this system, or the installation guide ("Installing or updating to the latest
/// version of the AWS CLI", AWS CLI User Guide).
pub fn how_to_install() -> NextStep {
    if cfg!(target_os = "macos") {
        NextStep::other(format!("install it ({INSTALL_PAGE})"), ["brew", "install", "awscli"])
    } else if cfg!(target_os = "linux") {
        let machine = std::env::consts::ARCH;
        let archive = format!("https://awscli.amazonaws.com/awscli-exe-linux-{machine}.zip");
        NextStep::sequence(
            format!("install it ({INSTALL_PAGE})"),
            &[
                &["curl", "-o", "awscliv2.zip", &archive],
                &["unzip", "-q", "awscliv2.zip"],
                &["sudo", "./aws/install", "--update"],
            ],
        )
    } else {
        NextStep::note(format!("see {INSTALL_PAGE}"))
    }
}
