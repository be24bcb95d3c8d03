//! The credentials that a `credential_process` prints ("Process credential provider", AWS SDKs and Tools Reference Guide).
//! The provider of the SDK reads its output without a limit, and repeats in its errors what the program prints, which can be
//! secret.

use std::time::{Duration, SystemTime};

use aws_config::profile::ProfileSet;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::process::Command;

use crate::limited_output::{Group, output_of};

/// The credentials of a program. `Debug` omits the command, which can contain secrets.
pub struct CredentialProcess {
    command: String,
}

impl std::fmt::Debug for CredentialProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialProcess").finish_non_exhaustive()
    }
}

/// The keys for which the SDK does not run the program of a profile.
const OTHERS: [&str; 7] = [
    "role_arn",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
    "aws_access_key_id",
];

/// What the program prints. Times are in ISO 8601 format.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

impl CredentialProcess {
    /// The program of the selected profile, if its credentials come from one.
    pub fn of(profiles: &ProfileSet) -> Option<Self> {
        let profile = profiles.get_profile(profiles.selected_profile())?;
        let command = profile.get("credential_process")?.to_owned();
        let has_others = OTHERS.into_iter().any(|key| profile.get(key).is_some());
        (cfg!(unix) && !has_others).then_some(Self { command })
    }

    async fn credentials(&self) -> provider::Result {
        let failed = |why: String| CredentialsError::provider_error(format!("the credential_process {why}"));
        // As the AWS CLI and the SDKs do, in a shell.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &self.command]);
        // It may ask for a password in the terminal, which only the group of this process can read.
        let output = output_of(command, Group::Shared).await;
        let output = output.map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            return Err(failed(format!("failed ({})", output.status)));
        }
        // The error of the parser can contain a part of the output.
        let printed: Printed = serde_json::from_slice(&output.stdout)
            .map_err(|_| failed("did not print credentials in the documented format".to_owned()))?;
        if printed.version != 1 {
            return Err(failed(format!("printed the unknown version {}", printed.version)));
        }
        let seconds = printed.expiration.and_then(|at| u64::try_from(at.as_second()).ok());
        let expires = seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        Ok(Credentials::new(
            printed.access_key_id,
            printed.secret_access_key,
            printed.session_token,
            expires,
            "CredentialProcess",
        ))
    }
}

impl ProvideCredentials for CredentialProcess {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
