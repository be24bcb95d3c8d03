//! Client registration with sso-oidc: once a run, Region and kind of sign-in.

use std::path::Path;
use std::time::Duration;

use aws_sdk_ssooidc::operation::create_token::CreateTokenOutput;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::pkce::REDIRECT;
use crate::aws::{AwsError, Clients};
use crate::limits::REGISTRATION_WINDOW;
use aws_config_file::{CachedRegistration, CachedToken, SCOPE};

/// A registered public client. `Debug` shows nothing secret.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// When it ends, 90 days after registration.
    pub expires_at: Timestamp,
}

impl Registration {
    /// As it is kept in a file.
    pub fn to_keep(&self, grant: Grant<'_>) -> CachedRegistration {
        CachedRegistration {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            expires_at: self.expires_at,
            is_for_authorization_code: matches!(grant, Grant::Code(_)),
        }
    }

    /// The token that was given to this client, as it is kept. `at`: Region and portal address.
    pub fn token(&self, at: (&str, &str), given: CreateTokenOutput) -> CachedToken {
        let (region, start_url) = at;
        let lifetime = Duration::from_secs(u64::try_from(given.expires_in).unwrap_or_default());
        CachedToken {
            start_url: start_url.to_owned(),
            region: region.to_owned(),
            access_token: given.access_token.unwrap_or_default().into(),
            expires_at: Timestamp::now() + lifetime,
            refresh_token: given.refresh_token.map(Into::into),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            registration_expires_at: self.expires_at,
        }
    }
}

/// For which kind of sign-in a client is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant<'a> {
    /// The device code.
    Device,
    /// The authorization code, for the portal at this address.
    Code(&'a str),
}

/// Registers when somebody needs it, and keeps the results.
#[derive(Debug, Default)]
pub struct Registrar {
    known: Mutex<Vec<(String, Registration)>>,
}

impl Registrar {
    /// The registration in a Region.
    ///
    /// # Errors
    /// When sso-oidc refuses or cannot be reached.
    pub async fn get(&self, clients: &Clients, region: &str, grant: Grant<'_>) -> Result<Registration, AwsError> {
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

    /// The registration that is kept in a file, if it is for this grant and good for a while; else as
    /// [`get`](Self::get).
    ///
    /// # Errors
    /// When sso-oidc refuses or cannot be reached.
    pub async fn get_kept(
        &self,
        clients: &Clients,
        region: &str,
        grant: Grant<'_>,
        path: &Path,
    ) -> Result<Registration, AwsError> {
        let is_for_authorization_code = matches!(grant, Grant::Code(_));
        let soon = Timestamp::now() + REGISTRATION_WINDOW;
        let kept = aws_config_file::read_registration(path)
            .filter(|kept| kept.is_for_authorization_code == is_for_authorization_code && kept.expires_at > soon);
        match kept {
            Some(kept) => Ok(Registration {
                client_id: kept.client_id,
                client_secret: kept.client_secret,
                expires_at: kept.expires_at,
            }),
            None => self.get(clients, region, grant).await,
        }
    }
}
