//! Device authorization: the user approves in any browser, and we poll until then.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::registration::{PortalAddress, Registration};
use crate::aws::{AwsError, Clients};
use crate::ids::RegionName;
use crate::limits::{CODE_LIFETIME, SHORTEST_INTERVAL};
use aws_config_file::CachedToken;

/// A device authorization that the user has to approve.
#[derive(Debug, Clone)]
pub struct Authorization {
    device_code: SecretString,
    start_url: String,
    region: RegionName,
    /// The code that the page shows, for the user to compare.
    pub user_code: String,
    /// The URL of the page, with the code filled in.
    pub page: String,
    /// The pause between two polls.
    pub interval: Duration,
    /// How long the code is valid.
    pub expires_in: Duration,
}

/// The result of a poll.
#[derive(Debug)]
pub enum Poll {
    /// The user has approved.
    Token(Box<CachedToken>),
    /// Not approved yet.
    Pending,
    /// Not approved yet; the pause grows by five seconds.
    SlowDown,
    /// The code has expired.
    Expired,
    /// The user denied the request.
    Refused(Box<AwsError>),
}

/// Starts a device authorization.
///
/// # Errors
/// `InvalidRequestException` if the start URL or the Region is wrong.
pub async fn start(
    clients: &Clients,
    region: &RegionName,
    registration: &Registration,
    start_url: &str,
) -> Result<Authorization, AwsError> {
    let answer = clients
        .ssooidc(region)
        .start_device_authorization()
        .client_id(&registration.client_id)
        .client_secret(registration.client_secret.expose_secret())
        .start_url(start_url)
        .send()
        .await
        .map_err(|error| AwsError::of("sso-oidc:StartDeviceAuthorization", error))?;
    let seconds = |n: i32| Duration::from_secs(u64::try_from(n).unwrap_or_default());
    let page = answer.verification_uri_complete.or(answer.verification_uri);
    Ok(Authorization {
        device_code: answer.device_code.unwrap_or_default().into(),
        start_url: start_url.to_owned(),
        region: region.to_owned(),
        user_code: answer.user_code.unwrap_or_default(),
        page: page.unwrap_or_default(),
        interval: seconds(answer.interval).max(SHORTEST_INTERVAL),
        // RFC 8628 requires a lifetime. If it is missing, use AWS's usual ten minutes.
        expires_in: Some(seconds(answer.expires_in))
            .filter(|time| !time.is_zero())
            .unwrap_or(CODE_LIFETIME),
    })
}

/// Polls once whether the user has approved.
///
/// # Errors
/// Every error that is not a [`Poll`] result: another service error, or no connection.
pub async fn poll(
    clients: &Clients,
    registration: &Registration,
    authorization: &Authorization,
) -> Result<Poll, AwsError> {
    let answer = clients
        .ssooidc_once(&authorization.region)
        .create_token()
        .client_id(&registration.client_id)
        .client_secret(registration.client_secret.expose_secret())
        .grant_type("urn:ietf:params:oauth:grant-type:device_code")
        .device_code(authorization.device_code.expose_secret())
        .send()
        .await
        .map_err(|error| AwsError::of("sso-oidc:CreateToken", error));
    match answer {
        Ok(token) => {
            let at = PortalAddress {
                region: &authorization.region,
                start_url: &authorization.start_url,
            };
            Ok(Poll::Token(Box::new(registration.token(&at, token))))
        }
        Err(aws_error) if aws_error.is("AuthorizationPendingException") => Ok(Poll::Pending),
        Err(aws_error) if aws_error.is("SlowDownException") => Ok(Poll::SlowDown),
        Err(aws_error) if aws_error.is("ExpiredTokenException") => Ok(Poll::Expired),
        Err(aws_error) if aws_error.is("AccessDeniedException") => Ok(Poll::Refused(Box::new(aws_error))),
        Err(aws_error) => Err(aws_error),
    }
}
