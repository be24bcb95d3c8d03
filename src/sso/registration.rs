//! Client registration with sso-oidc: once per run, Region and grant type.

use std::path::Path;
use std::time::Duration;

use aws_sdk_ssooidc::operation::create_token::CreateTokenOutput;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::aws::{AwsError, Clients};
use crate::ids::RegionName;
use crate::limits::REGISTRATION_WINDOW;
use aws_config_file::{CachedRegistration, CachedToken, SCOPE};

/// The registered redirect URI: a loopback address. The port is only known once the listener is bound.
const REDIRECT: &str = "http://127.0.0.1/oauth/callback";

/// An access portal: the Region of its Identity Center and its start URL.
#[derive(Debug, Clone, Copy)]
pub struct PortalAddress<'a> {
    /// The Region in which tokens are requested.
    pub region: &'a RegionName,
    /// The start URL.
    pub start_url: &'a str,
}

/// A registered public client. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The client ID.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// When the registration expires: 90 days after it was created.
    pub expires_at: Timestamp,
}

impl Registration {
    /// The form that is cached in a file.
    pub fn to_cached(&self, grant: Grant<'_>) -> CachedRegistration {
        CachedRegistration {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            expires_at: self.expires_at,
            is_for_authorization_code: matches!(grant, Grant::Code(_)),
        }
    }

    /// The token that this client received for a portal, in the form that is cached.
    pub fn token(&self, at: &PortalAddress<'_>, output: CreateTokenOutput) -> CachedToken {
        let lifetime = Duration::from_secs(u64::try_from(output.expires_in).unwrap_or_default());
        CachedToken {
            start_url: at.start_url.to_owned(),
            region: at.region.to_string(),
            access_token: output.access_token.unwrap_or_default().into(),
            expires_at: Timestamp::now() + lifetime,
            refresh_token: output.refresh_token.map(Into::into),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            registration_expires_at: self.expires_at,
        }
    }
}

/// The grant type that a client is registered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant<'a> {
    /// The device code.
    Device,
    /// The authorization code, for the access portal with this start URL.
    Code(&'a str),
}

/// Registers clients when they are first needed, and remembers the registrations.
#[derive(Debug, Default)]
pub struct Registrar {
    known: Mutex<Vec<(String, Registration)>>,
}

impl Registrar {
    /// The registration for a Region and a grant.
    ///
    /// # Errors
    /// If sso-oidc returns an error or cannot be reached.
    pub async fn get(
        &self,
        clients: &Clients,
        region: &RegionName,
        grant: Grant<'_>,
    ) -> Result<Registration, AwsError> {
        let key = format!("{region} {grant:?}");
        let mut known = self.known.lock().await;
        if let Some((_, registration)) = known.iter().find(|(of, _)| *of == key) {
            return Ok(registration.clone());
        }
        let request = clients
            .ssooidc(region)
            .register_client()
            .client_name("idc-setup")
            .client_type("public")
            .grant_types("refresh_token")
            .scopes(SCOPE);
        let request = match grant {
            Grant::Device => request.grant_types("urn:ietf:params:oauth:grant-type:device_code"),
            Grant::Code(start_url) => request
                .grant_types("authorization_code")
                .redirect_uris(REDIRECT)
                .issuer_url(start_url),
        };
        let answer = request.send().await;
        let answer = answer.map_err(|error| AwsError::of("sso-oidc:RegisterClient", error))?;
        let registration = Registration {
            client_id: answer.client_id.unwrap_or_default(),
            client_secret: answer.client_secret.unwrap_or_default().into(),
            expires_at: Timestamp::from_second(answer.client_secret_expires_at).unwrap_or(Timestamp::MAX),
        };
        known.push((key, registration.clone()));
        Ok(registration)
    }

    /// The cached registration in a file, if it is for this grant and does not expire soon; otherwise the one from
    /// [`get`](Self::get).
    ///
    /// # Errors
    /// If sso-oidc returns an error or cannot be reached.
    pub async fn get_cached(
        &self,
        clients: &Clients,
        region: &RegionName,
        grant: Grant<'_>,
        path: &Path,
    ) -> Result<Registration, AwsError> {
        let is_for_authorization_code = matches!(grant, Grant::Code(_));
        let soon = Timestamp::now() + REGISTRATION_WINDOW;
        let cached = aws_config_file::read_registration(path)
            .filter(|cached| cached.is_for_authorization_code == is_for_authorization_code && cached.expires_at > soon);
        match cached {
            Some(cached) => Ok(Registration {
                client_id: cached.client_id,
                client_secret: cached.client_secret,
                expires_at: cached.expires_at,
            }),
            None => self.get(clients, region, grant).await,
        }
    }
}
