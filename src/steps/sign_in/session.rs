//! Signing in to the portal for one profile, and who that then is: step 8's work, and `idc-setup login`'s.

use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::super::context::step_error;
use super::super::facts::Profile;
use super::refusal;
use crate::aws::connect::{self, Caller};
use crate::aws::error::innermost;
use crate::aws::waiting::Timing;
use crate::aws::{AwsError, Clients};
use crate::browser::Browser;
use crate::checklist::{Prompter, StepInfo, UserError};
use crate::limits::{READ_ATTEMPTS, READ_LIMIT, SPREAD_LIMIT};
use crate::next_step::SetupCommand;
use crate::sso::{Grant, Registrar, Registration};
use crate::text::lasting;
use crate::text::one_line;
use aws_config_file::{CachedToken, Paths};

/// One profile's SSO session, and what signing in to it needs.
pub struct Session<'a> {
    /// Whose words errors begin with.
    pub info: &'static StepInfo,
    /// The command that tries again.
    pub again: SetupCommand,
    /// For sso-oidc and the portal, which need no credentials.
    pub clients: &'a Clients,
    /// Registers once.
    pub registrar: &'a Registrar,
    /// Where pages are opened.
    pub browser: &'a Browser,
    /// `--use-device-code`.
    pub use_device_code: bool,
    /// Pauses between attempts.
    pub timing: Timing,
    /// Where tokens are.
    pub paths: &'a Paths,
    /// The profile.
    pub profile: &'a Profile,
    /// Identity Center's Region.
    pub region: String,
    /// Who is to sign in; empty where that is not known.
    pub user: String,
}

/// What asking through the profile brings.
pub enum Answer {
    /// Credentials, and whose.
    Caller(Identity),
    /// The token is worth nothing: somebody has to sign in. With what the portal said to it, where it was asked.
    SignInAgain(Option<Box<AwsError>>),
    /// The portal says `No access`.
    NoAccess,
}

/// Who a profile is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As STS tells it.
    pub caller: Caller,
    /// When the credentials end.
    pub ends_at: Option<Timestamp>,
}

/// A sign-in that has succeeded: the token, and the registration that it was given to.
pub struct SignedIn {
    /// The token.
    pub token: CachedToken,
    /// The registration, as it is kept.
    pub registration: aws_config_file::CachedRegistration,
}

impl Session<'_> {
    /// The file of the token.
    pub fn token_path(&self) -> PathBuf {
        self.paths.token(&self.profile.session)
    }

    /// The file of the registration.
    pub fn registration_path(&self) -> PathBuf {
        let profile = self.profile;
        self.paths
            .registration(&self.region, &profile.session, &profile.start_url)
    }

    /// The token that is there.
    pub fn token(&self) -> Option<CachedToken> {
        aws_config_file::read_token(&self.token_path())
    }

    /// Whether there is a token that is good, or can be made so without a person.
    pub fn is_usable(&self) -> bool {
        let now = Timestamp::now();
        self.token()
            .is_some_and(|token| token.is_valid(now) || token.is_refreshable(now))
    }

    /// Has somebody sign in, by a browser of this machine or by a code; `None` when nobody came.
    ///
    /// # Errors
    /// When the sign-in is refused, or sso-oidc cannot be reached.
    pub async fn sign_in(&self, limit: Duration, prompter: &dyn Prompter) -> Result<Option<SignedIn>, UserError> {
        if prompter.can_ask() && self.browser.is_local() && !self.use_device_code {
            self.sign_in_with_browser(limit, prompter).await
        } else {
            self.sign_in_with_code(limit, prompter).await
        }
    }

    /// Credentials through the profile alone, and whose they are.
    ///
    /// # Errors
    /// When it cannot be found out.
    pub async fn ask_through(&self) -> Result<Answer, UserError> {
        let profile = self.profile;
        let provider = connect::credentials(Some(&profile.name), &profile.region).await;
        let base = connect::sdk_config(Some(&profile.name), &profile.region, provider.clone()).await;
        if let Some((service, address)) = Clients::new(&base, self.clients.clock().clone()).plain_http() {
            return Err(UserError::usage(
                format!(
                    "{}: the profile {} leads {service} to {address}: plain http to another machine, which everybody \
                     on the way can read. Nothing was sent.",
                    self.info.name(),
                    profile.name
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
                let limit = lasting(READ_LIMIT);
                let why = format!("no credentials through the profile: no answer came in {limit}.");
                return Err(self.error(&why));
            }
        };
        let ends_at = credentials.expiry().and_then(|at| Timestamp::try_from(at).ok());
        let credentials = SharedCredentialsProvider::new(credentials);
        let base = connect::sdk_config(Some(&profile.name), &profile.region, credentials).await;
        let clients = Clients::new(&base, self.clients.clock().clone());
        let caller = connect::caller(&clients, &profile.region).await;
        let caller = caller.map_err(|aws_error| self.failed(&aws_error))?;
        Ok(Answer::Caller(Identity { caller, ends_at }))
    }

    /// Credentials from the profile. The SDK's own provider does not ask again when an answer came that cannot be read.
    async fn credentials(&self, provider: &SharedCredentialsProvider) -> Result<Credentials, CredentialsError> {
        let mut attempts = 1;
        loop {
            match provider.provide_credentials().await {
                Err(error) if attempts < READ_ATTEMPTS && self.is_transient(&error) => {
                    tokio::time::sleep(self.timing.pause(attempts)).await;
                    attempts += 1;
                }
                ended => return ended,
            }
        }
    }

    /// Neither refused, nor a matter of the token that is there.
    fn is_transient(&self, error: &CredentialsError) -> bool {
        refusal::said(error).is_none_or(|aws_error| aws_error.is_transient()) && self.is_usable()
    }

    /// Asks through the profile; a fresh assignment may need a moment to reach the portal.
    ///
    /// # Errors
    /// When it cannot be found out.
    pub async fn ask_patiently(&self) -> Result<Answer, UserError> {
        let end = Instant::now() + SPREAD_LIMIT;
        for n in 0.. {
            match self.ask_through().await? {
                Answer::NoAccess if Instant::now() < end => tokio::time::sleep(self.timing.pause(n)).await,
                other => return Ok(other),
            }
        }
        Ok(Answer::NoAccess)
    }

    /// What it means that the profile gives no credentials.
    fn refused(&self, error: &(dyn std::error::Error + 'static)) -> Result<Answer, UserError> {
        let has_no_valid_token = || self.token().is_none_or(|token| !token.is_valid(Timestamp::now()));
        match refusal::said(error) {
            Some(aws_error) => match aws_error.code.as_deref() {
                Some("ForbiddenException") => Ok(Answer::NoAccess),
                Some("UnauthorizedException" | "InvalidGrantException" | "ExpiredTokenException") => {
                    Ok(Answer::SignInAgain(Some(Box::new(aws_error))))
                }
                _ => Err(self.failed(&aws_error)),
            },
            None if has_no_valid_token() => Ok(Answer::SignInAgain(None)),
            None => Err(self.error(format!(
                "no credentials through the profile: {}.",
                one_line(&innermost(error)).trim_end_matches('.')
            ))),
        }
    }

    /// Trouble of this sign-in, with the command that tries again.
    pub fn error(&self, what: impl AsRef<str>) -> UserError {
        UserError::failed(format!("{}: {}", self.info.name(), what.as_ref()), self.again.clone())
    }

    /// Trouble in our words, with those of the call that told of it.
    pub fn refused_by(&self, what: &str, aws_error: &AwsError) -> UserError {
        let said = aws_error.sentence();
        UserError {
            aws: self.failed(aws_error).aws,
            ..self.error(format!("{what} ({}).", said.trim_end_matches('.')))
        }
    }

    /// Trouble of a failed call.
    pub fn failed(&self, aws_error: &AwsError) -> UserError {
        step_error(self.info, aws_error, self.again.clone())
    }

    /// Registered for a grant: as it is kept, else anew.
    pub(super) async fn registration(&self, grant: Grant<'_>) -> Result<Registration, AwsError> {
        let path = self.registration_path();
        self.registrar.get_kept(self.clients, &self.region, grant, &path).await
    }

    /// `Sign in as Ada`, or `Sign in` where nobody knows as whom.
    pub(super) fn as_whom(&self) -> String {
        if self.user.is_empty() {
            String::new()
        } else {
            format!(" as {}", self.user)
        }
    }
}
