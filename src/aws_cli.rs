//! The AWS CLI of this machine: where it is, which version, and what it says of a profile.
//!
//! It is run by its absolute path, found in the absolute folders of `PATH`, and only to ask: nothing here depends on it.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::sync::OnceCell;

use crate::environment::Environment;
use crate::limits::AWS_CLI_LIMIT;
use crate::text::lasting;

/// `sso-session` sections are understood since this version ("AWS CLI changelog").
pub const SESSIONS_SINCE: Version = Version(2, 9);
/// Signing in with PKCE is there since this version ("AWS CLI changelog").
pub const PKCE_SINCE: Version = Version(2, 22);
/// `aws login` is there since this version ("AWS CLI changelog").
pub const LOGIN_SINCE: Version = Version(2, 32);
/// Where it says how to install it, on every system.
pub const INSTALL_PAGE: &str = "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html";

/// What would answer for somebody else than the profile, or wait for somebody.
const NOT_PASSED_ON: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CLI_AUTO_PROMPT",
];

/// Major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

/// An AWS CLI that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCli {
    /// Absolute.
    pub path: PathBuf,
    /// As `aws --version` has it.
    pub version: Version,
    /// The same with its last number: `2.36.12`.
    pub version_words: String,
}

/// Why a profile has no caller identity by the AWS CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It could not be run, or did not end in time: that says nothing about the profile.
    NotRun(String),
    /// It refused, in these words.
    Refused(String),
}

/// Looks for the AWS CLI when somebody wants to know, once.
#[derive(Debug, Default)]
pub struct Finder {
    environment: Option<Environment>,
    found: OnceCell<Option<AwsCli>>,
}

impl Finder {
    /// Looks in this environment.
    pub fn of(environment: &Environment) -> Self {
        Self {
            environment: Some(environment.clone()),
            found: OnceCell::new(),
        }
    }

    /// The AWS CLI, if there is one; none where nobody wanted it to be looked for.
    pub async fn get(&self) -> Option<&AwsCli> {
        let look = || async {
            match &self.environment {
                Some(environment) => AwsCli::find(environment).await,
                None => None,
            }
        };
        self.found.get_or_init(look).await.as_ref()
    }
}

impl AwsCli {
    /// The first `aws` in `PATH`; `None` without one, or when what has this name does not answer like it.
    pub async fn find(environment: &Environment) -> Option<Self> {
        let path = environment.program("aws")?;
        let mut command = tokio::process::Command::new(&path);
        command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(AWS_CLI_LIMIT, command.output()).await.ok()?.ok()?;
        // Version 1 of old writes it to stderr.
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        let version_words = words.strip_prefix("aws-cli/")?.split_whitespace().next()?.to_owned();
        let mut numbers = version_words.split('.').map_while(|number| number.parse().ok());
        let version = Version(numbers.next()?, numbers.next()?);
        Some(Self {
            path,
            version,
            version_words,
        })
    }

    /// The ARN that it is with a profile, whatever else the environment holds.
    ///
    /// # Errors
    /// [`Silence`].
    pub async fn caller_arn(&self, profile: &str) -> Result<String, Silence> {
        let mut command = tokio::process::Command::new(&self.path);
        command
            .args(["sts", "get-caller-identity", "--output", "json", "--profile", profile])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .env("AWS_PAGER", "")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        for name in NOT_PASSED_ON {
            command.env_remove(name);
        }
        let output = match tokio::time::timeout(AWS_CLI_LIMIT, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Err(Silence::NotRun(error.to_string())),
            Err(_) => {
                let why = format!("it did not end in {}", lasting(AWS_CLI_LIMIT));
                return Err(Silence::NotRun(why));
            }
        };
        let answer = serde_json::from_slice::<serde_json::Value>(&output.stdout);
        match answer.ok().and_then(|answer| answer["Arn"].as_str().map(str::to_owned)) {
            Some(arn) if output.status.success() => Ok(arn),
            _ => {
                let words = String::from_utf8_lossy(&output.stderr);
                let last = words.lines().rev().find(|line| !line.trim().is_empty());
                Err(Silence::Refused(last.unwrap_or("no reason given").trim().to_owned()))
            }
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The command that installs it on this system, or the page that says how.
pub fn how_to_install() -> String {
    if cfg!(target_os = "macos") {
        format!("brew install awscli, or see {INSTALL_PAGE}")
    } else if cfg!(target_os = "linux") {
        let machine = std::env::consts::ARCH;
        format!(
            "curl -o awscliv2.zip https://awscli.amazonaws.com/awscli-exe-linux-{machine}.zip && unzip -q awscliv2.zip && \
             sudo ./aws/install (see {INSTALL_PAGE})"
        )
    } else {
        format!("see {INSTALL_PAGE}")
    }
}
