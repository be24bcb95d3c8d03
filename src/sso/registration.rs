//! Client registration with sso-oidc: once a run and Region.

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::aws::{Clients, Failure};

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

/// Registers when somebody needs it, and keeps the result.
#[derive(Debug, Default)]
pub struct Registrar {
    known: Mutex<Option<(String, Registration)>>,
}

impl Registrar {
    /// The registration in a Region.
    ///
    /// # Errors
    /// When sso-oidc refuses or cannot be reached.
    pub async fn get(&self, clients: &Clients, region: &str) -> Result<Registration, Failure> {
        let mut known = self.known.lock().await;
        if let Some((of, registration)) = known.as_ref()
            && of == region
        {
            return Ok(registration.clone());
        }
        let answer = clients
            .ssooidc(region)
            .register_client()
            .client_name("idc-setup")
            .client_type("public")
            .grant_types("urn:ietf:params:oauth:grant-type:device_code")
            .grant_types("refresh_token")
            .scopes("sso:account:access")
            .send()
            .await
            .map_err(|error| Failure::of("sso-oidc:RegisterClient", error))?;
        let registration = Registration {
            client_id: answer.client_id.unwrap_or_default(),
            client_secret: answer.client_secret.unwrap_or_default().into(),
            expires_at: Timestamp::from_second(answer.client_secret_expires_at).unwrap_or(Timestamp::MAX),
        };
        *known = Some((region.to_owned(), registration.clone()));
        Ok(registration)
    }
}
