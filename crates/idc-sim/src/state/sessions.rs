//! Identities, OIDC clients, authorization codes, and the sessions of the access portal and of AWS Sign-In.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The identity that an access key was issued for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `Arn` in the response of `sts:GetCallerIdentity`.
    pub arn: String,
    /// The ID of its account.
    pub account: String,
    /// `UserId` in the response of `sts:GetCallerIdentity`.
    pub user_id: String,
    /// When the credentials expire. From then on, calls fail with `ExpiredTokenException`. `None` means never.
    pub expires: Option<Timestamp>,
    /// The actions that the identity is not allowed to perform: `sso:CreatePermissionSet`, `identitystore:*`, `*`. A
    /// `*` is supported at the end only.
    pub denied: Vec<String>,
}

impl Identity {
    /// Returns whether the identity is denied this action.
    pub fn is_denied(&self, action: &str) -> bool {
        self.denied.iter().any(|rule| {
            rule == "*" || rule == action || rule.strip_suffix('*').is_some_and(|prefix| action.starts_with(prefix))
        })
    }
}

/// Temporary credentials. `Cloud::identities` holds the identity that they were issued for.
#[derive(Clone)]
pub struct Credentials {
    /// The access key ID, which is the key in `Cloud::identities`.
    pub access_key_id: String,
    /// The secret access key. The simulation does not verify signatures, so any value works.
    pub secret_access_key: String,
    /// The session token. The simulation does not verify it.
    pub session_token: String,
}

/// A client that is registered with `sso-oidc`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The `clientSecret` that `RegisterClient` returned.
    pub secret: String,
    /// When the registration expires: 90 days after `RegisterClient`.
    pub expires: Timestamp,
    /// The redirect URIs that the client may use. A loopback address matches with any port.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The `issuerUrl` of the registration, if given: the start URL of an access portal.
    #[serde(default)]
    pub issuer: Option<String>,
}

/// An authorization code of `sso-oidc` that has not been redeemed yet. A code can be redeemed once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCode {
    /// The ID of the client that requested it.
    pub client: String,
    /// The redirect URI that it was sent to.
    pub redirect_uri: String,
    /// The PKCE challenge: the SHA-256 hash of the verifier, in base64url.
    pub challenge: String,
    /// The ARN of the instance.
    pub instance: String,
    /// The ID of the user who signed in.
    pub user: String,
    /// When the code expires: one minute after it was issued.
    pub expires: Timestamp,
}

/// A device authorization, as started by `StartDeviceAuthorization`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The ID of the client that started it.
    pub client: String,
    /// The code that the person types or compares: `ABCD-EFGH`.
    pub user_code: String,
    /// The ARN of the instance that the `startUrl` belongs to.
    pub instance: String,
    /// When the device code expires: ten minutes after it was issued.
    pub expires: Timestamp,
    /// When the client last polled `CreateToken`.
    pub polled: Option<Timestamp>,
    /// When the simulated person approves it, if that is scheduled.
    pub person_at: Option<Timestamp>,
    /// The person's decision.
    pub decision: Decision,
}

/// A person's decision on a [`Device`] authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Not decided yet.
    Pending,
    /// Approved by the user with this ID.
    Approved(String),
    /// Denied.
    Refused,
}

/// A session of the access portal's API, identified by its access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalSession {
    /// The ARN of the instance.
    pub instance: String,
    /// The ID of the user.
    pub user: String,
    /// When the access token expires: one hour after it was issued.
    pub expires: Timestamp,
}

/// A browser that is signed in to the access portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserSession {
    /// The ARN of the instance.
    pub instance: String,
    /// The ID of the user.
    pub user: String,
}

/// A console session that a program uses through `aws login`, identified by its refresh token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSession {
    /// The identity that signed in.
    pub identity: Identity,
    /// The public key (a JWK) that the `DPoP` proof must contain, or `None` to accept any key.
    #[serde(default)]
    pub key: Option<Value>,
    /// When the session expires: twelve hours after it started.
    pub expires: Timestamp,
}

/// An authorization code of AWS Sign-In that has not been redeemed yet. A code can be redeemed once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginCode {
    /// The ID of the client that requested it.
    pub client: String,
    /// The redirect URI that it was sent to.
    pub redirect_uri: String,
    /// The PKCE challenge: the SHA-256 hash of the verifier, in base64url.
    pub challenge: String,
    /// The identity that signed in.
    pub identity: Identity,
    /// When the code expires: one minute after it was issued.
    pub expires: Timestamp,
}
