//! Signing in to the access portal for one profile, and checking the caller identity. Step 8 and `idc-setup login` use
//! it.

use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::super::facts::Profile;
use crate::aws::connect::{self, Caller};
use crate::aws::error::innermost;
use crate::aws::sdk_settings::SdkSettings;
use crate::aws::waiting::Timing;
use crate::aws::{AwsError, Clients};
use crate::browser::Browser;
use crate::ids::RegionName;
use crate::limits::{PROPAGATION_LIMIT, READ_ATTEMPTS, READ_LIMIT};
use crate::next_step::SetupCommand;
use crate::reconcile::{StepInfo, step_error};
use crate::sso::{Grant, Registrar, Registration};
use crate::text::{duration_text, one_line};
use crate::user_error::UserError;
use crate::wizard::Prompter;
use aws_config_file::{CachedToken, Paths};

/// What a check during the wait for a sign-in shows.
pub(super) const NOT_YET: &str = "Checked: nobody has signed in yet.";

/// The SSO session of a profile, and everything needed to sign in to it.
pub struct Session<'a> {
    /// The step that error messages start with.
    pub info: &'static StepInfo,
    /// The command to try again.
    pub again: SetupCommand,
    /// Clients for sso-oidc and the portal, which need no credentials.
    pub clients: &'a Clients,
    /// The client registrations of this run.
    pub registrar: &'a Registrar,
    /// The browser that opens the pages.
    pub browser: &'a Browser,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// Pauses between attempts.
    pub timing: Timing,
    /// The paths of the AWS files.
    pub paths: &'a Paths,
    /// The profile.
    pub profile: &'a Profile,
    /// Identity Center's Region.
    pub region: RegionName,
    /// The user name that should sign in; empty if it is not known.
    pub user: String,
    /// What to do if the user cannot sign in.
    pub help: Option<String>,
}

/// The result of [`Session::identify`].
pub enum Answer {
    /// The caller identity.
    Caller(Identity),
    /// The token is not valid, so the user has to sign in. Holds the portal's error, if the portal was called.
    SignInAgain(Option<Box<AwsError>>),
    /// The portal returned `No access`.
    NoAccess,
}

/// The caller identity of a profile.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As STS returns it.
    pub caller: Caller,
    /// When the credentials expire.
    pub ends_at: Option<Timestamp>,
}

/// A successful sign-in: the token, and the registration that received it.
pub struct SignedIn {
    /// The token.
    pub token: CachedToken,
    /// The registration, in the form that is cached.
    pub registration: aws_config_file::CachedRegistration,
}

impl Session<'_> {
    /// The path of the cached token.
    pub fn token_path(&self) -> PathBuf {
        self.paths.token(&self.profile.session)
    }

    /// The path of the cached registration.
    pub fn registration_path(&self) -> PathBuf {
        let profile = self.profile;
        self.paths
            .registration(&self.region, &profile.session, &profile.start_url)
    }

    /// The cached token, if one exists.
    pub fn token(&self) -> Option<CachedToken> {
        aws_config_file::read_token(&self.token_path())
    }

    /// Whether the cached token is valid, or can be refreshed without the user.
    pub fn is_usable(&self) -> bool {
        let now = Timestamp::now();
        self.token()
            .is_some_and(|token| token.is_valid(now) || token.is_refreshable(now))
    }

    /// Whether the user signs in with a browser on this machine, and not with a device code.
    pub fn uses_browser(&self, prompter: &dyn Prompter) -> bool {
        prompter.can_ask() && self.browser.is_local() && !self.use_device_code
    }

    /// Lets the user sign in, with a browser on this machine or with a device code; `None` if nobody signs in in time.
    ///
    /// # Errors
    /// If the sign-in is refused, or sso-oidc cannot be reached.
    pub async fn sign_in(&self, limit: Duration, prompter: &dyn Prompter) -> Result<Option<SignedIn>, UserError> {
        if self.uses_browser(prompter) {
            self.sign_in_with_browser(limit, prompter).await
        } else {
            self.sign_in_with_code(limit, prompter).await
        }
    }

    /// Gets credentials from the profile only, and their caller identity.
    ///
    /// # Errors
    /// If the caller identity cannot be determined.
    pub async fn identify(&self) -> Result<Answer, UserError> {
        let profile = self.profile;
        let Some(http) = self.clients.http() else {
            return Err(self.error("there is no HTTP client."));
        };
        // The files as they are now: step 7 has just written one.
        let settings = SdkSettings::reload(self.paths, http);
        let provider = connect::credentials(Some(&profile.name), &profile.region, &settings);
        let base = connect::sdk_config(Some(&profile.name), &profile.region, &settings, provider.clone()).await;
        if let Some(refused) = Clients::new(&base, self.clients.clock().clone()).refused_endpoint() {
            return Err(UserError::usage(
                format!(
                    "{}: the endpoint of {} for the profile {} {}. Nothing was sent.",
                    self.info.name(),
                    refused.service,
                    profile.name,
                    refused.why
                ),
                self.again
                    .clone()
                    .after("remove that endpoint_url from the AWS config file"),
            ));
        }
        let credentials = match timeout(READ_LIMIT, self.credentials(&provider)).await {
            Ok(Ok(credentials)) => credentials,
            Ok(Err(error)) => return self.refused(&error),
            Err(_) => {
                let limit = duration_text(READ_LIMIT);
                let why = format!("the profile returned no credentials: no response within {limit}.");
                return Err(self.error(&why));
            }
        };
        let ends_at = credentials.expiry().and_then(|at| Timestamp::try_from(at).ok());
        let credentials = SharedCredentialsProvider::new(credentials);
        let base = connect::sdk_config(Some(&profile.name), &profile.region, &settings, credentials).await;
        let clients = Clients::new(&base, self.clients.clock().clone());
        let caller = connect::caller(&clients, &profile.region).await;
        let caller = caller.map_err(|aws_error| self.failed(&aws_error))?;
        Ok(Answer::Caller(Identity { caller, ends_at }))
    }

    /// Credentials from the profile. The SDK's provider does not retry after a response that cannot be read.
    async fn credentials(&self, provider: &SharedCredentialsProvider) -> Result<Credentials, CredentialsError> {
        let mut attempts = 1;
        loop {
            match provider.provide_credentials().await {
                Err(error) if attempts < READ_ATTEMPTS && self.is_transient(&error) => {
                    tokio::time::sleep(self.timing.pause(attempts)).await;
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    /// Whether a retry can help: the request was not refused, and the cached token is usable.
    fn is_transient(&self, error: &CredentialsError) -> bool {
        crate::sso::service_error(error).is_none_or(|aws_error| aws_error.is_transient()) && self.is_usable()
    }

    /// [`identify`](Self::identify) with retries: a new assignment may take a moment to reach the portal.
    ///
    /// # Errors
    /// If the caller identity cannot be determined.
    pub async fn identify_with_retries(&self) -> Result<Answer, UserError> {
        let end = Instant::now() + PROPAGATION_LIMIT;
        for n in 0.. {
            match self.identify().await? {
                Answer::NoAccess if Instant::now() < end => tokio::time::sleep(self.timing.pause(n)).await,
                other => return Ok(other),
            }
        }
        Ok(Answer::NoAccess)
    }

    /// What an error of the credentials provider means.
    fn refused(&self, error: &(dyn std::error::Error + 'static)) -> Result<Answer, UserError> {
        let has_no_valid_token = || self.token().is_none_or(|token| !token.is_valid(Timestamp::now()));
        match crate::sso::service_error(error) {
            Some(aws_error) => match aws_error.code.as_deref() {
                Some("ForbiddenException") => Ok(Answer::NoAccess),
                Some("UnauthorizedException" | "InvalidGrantException" | "ExpiredTokenException") => {
                    Ok(Answer::SignInAgain(Some(Box::new(aws_error))))
                }
                _ => Err(self.failed(&aws_error)),
            },
            None if has_no_valid_token() => Ok(Answer::SignInAgain(None)),
            None => Err(self.error(format!(
                "the profile returned no credentials: {}.",
                one_line(&innermost(error)).trim_end_matches('.')
            ))),
        }
    }

    /// An error of this sign-in, with the command to try again.
    pub fn error(&self, message: impl AsRef<str>) -> UserError {
        UserError::failed(
            format!("{}: {}", self.info.name(), message.as_ref()),
            self.again.clone(),
        )
    }

    /// An error with our message, and in parentheses the AWS error that caused it.
    pub fn refused_by(&self, message: &str, aws_error: &AwsError) -> UserError {
        let sentence = aws_error.sentence();
        UserError {
            aws: self.failed(aws_error).aws,
            ..self.error(format!("{message} ({}).", sentence.trim_end_matches('.')))
        }
    }

    /// The error of a failed call.
    pub fn failed(&self, aws_error: &AwsError) -> UserError {
        step_error(self.info, aws_error, self.again.clone())
    }

    /// The client registration for a grant: the cached one, or a new one.
    pub(super) async fn registration(&self, grant: Grant<'_>) -> Result<Registration, AwsError> {
        let path = self.registration_path();
        self.registrar
            .get_cached(self.clients, &self.region, grant, &path)
            .await
    }

    /// What to know about the page on which the user signs in.
    pub(super) fn sign_in_details(&self) -> Vec<String> {
        let mfa = "The first sign-in asks you to register an MFA device.".to_owned();
        [mfa].into_iter().chain(self.help.clone()).collect()
    }

    /// ` as Ada` for messages, or nothing if the user name is not known.
    pub(super) fn as_whom(&self) -> String {
        if self.user.is_empty() {
            String::new()
        } else {
            format!(" as {}", self.user)
        }
    }
}
