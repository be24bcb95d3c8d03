//! Renews an access token with its refresh token, without the user.

use secrecy::ExposeSecret;

use super::registration::{PortalAddress, Registration};
use crate::aws::{AwsError, Clients};
use aws_config_file::CachedToken;

/// Errors that mean that the user has to sign in again.
const SIGN_IN_AGAIN: [&str; 5] = [
    "InvalidGrantException",
    "ExpiredTokenException",
    "InvalidClientException",
    "UnauthorizedClientException",
    "AccessDeniedException",
];

/// Renews a token; `None` if it has no refresh token, or the service no longer accepts it. An attempt can use up the
/// refresh token, so there is no retry, and the new token has to be saved.
///
/// # Errors
/// If sso-oidc returns another error or cannot be reached.
pub async fn refresh(
    clients: &Clients,
    at: &PortalAddress<'_>,
    token: &CachedToken,
) -> Result<Option<CachedToken>, AwsError> {
    let Some(refresh_token) = &token.refresh_token else {
        return Ok(None);
    };
    let registration = Registration {
        client_id: token.client_id.clone(),
        client_secret: token.client_secret.clone(),
        expires_at: token.registration_expires_at,
    };
    let answer = clients
        .ssooidc_once(at.region)
        .create_token()
        .client_id(&registration.client_id)
        .client_secret(registration.client_secret.expose_secret())
        .grant_type("refresh_token")
        .refresh_token(refresh_token.expose_secret())
        .send()
        .await
        .map_err(|error| AwsError::of("sso-oidc:CreateToken", error));
    match answer {
        Ok(output) => {
            let renewed = registration.token(at, output);
            let refresh_token = renewed.refresh_token.clone().or_else(|| token.refresh_token.clone());
            Ok(Some(CachedToken {
                refresh_token,
                ..renewed
            }))
        }
        Err(aws_error) if SIGN_IN_AGAIN.iter().any(|code| aws_error.is(code)) => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}
