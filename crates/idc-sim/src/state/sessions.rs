//! Who is who: identities behind access keys, clients, codes and sessions of the access portal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whom an access key belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// As `sts:GetCallerIdentity` tells it.
    pub arn: String,
    /// The account.
    pub account: String,
    /// `UserId` of `sts:GetCallerIdentity`.
    pub user_id: String,
    /// From then on: `ExpiredTokenException`.
    pub expires: Option<Timestamp>,
    /// Actions (`sso:CreatePermissionSet`, `iam:CreateRole`, `identitystore:*`) it may not do.
    pub denied: Vec<String>,
}

impl Identity {
    /// Whether the action is refused to this identity.
    pub fn is_denied(&self, action: &str) -> bool {
        self.denied.iter().any(|rule| {
            rule == "*" || rule == action || rule.strip_suffix('*').is_some_and(|start| action.starts_with(start))
        })
    }
}

/// Credentials for a program, with the identity they stand for in `Cloud::identities`.
#[derive(Clone)]
pub struct Credentials {
    /// Key of `Cloud::identities`.
    pub access_key_id: String,
    /// Simulated, so not a secret, and still never printed by the wizard.
    pub secret_access_key: String,
    /// Simulated.
    pub session_token: String,
}

/// A client registered with sso-oidc.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    /// What `RegisterClient` gave out.
    pub secret: String,
    /// 90 days after registration.
    pub expires: Timestamp,
    /// Where it may have codes sent; a loopback address with any port.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The portal it was registered for, where it said so.
    #[serde(default)]
    pub issuer: Option<String>,
}

/// An authorization code that waits to be redeemed, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The client it was given to.
    pub client: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// SHA-256 of the verifier, in base64url.
    pub challenge: String,
    /// The instance's ARN.
    pub instance: String,
    /// Who signed in.
    pub user: String,
    /// One minute.
    pub expires: Timestamp,
}

/// A device authorization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Device {
    /// The client that started it.
    pub client: String,
    /// What the person types or compares.
    pub user_code: String,
    /// The instance whose portal was named.
    pub instance: String,
    /// Ten minutes.
    pub expires: Timestamp,
    /// When the client last asked.
    pub polled: Option<Timestamp>,
    /// When the rehearsed person will have approved it.
    pub person_at: Option<Timestamp>,
    /// What the person has made of it.
    pub decision: Decision,
}

/// What a person has made of a [`Device`] authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Nothing yet.
    Pending,
    /// The user with this id has approved it.
    Approved(String),
    /// It was refused.
    Refused,
}

/// A signed-in session of the access portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortalSession {
    /// The instance's ARN.
    pub instance: String,
    /// The user's id.
    pub user: String,
    /// One hour after the token was given.
    pub expires: Timestamp,
}

/// A browser that is signed in to the access portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BrowserSession {
    /// The instance's ARN.
    pub instance: String,
    /// The user's id.
    pub user: String,
}

/// A console session that `aws login` has lent to a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginSession {
    /// Whose it is.
    pub identity: Identity,
    /// The public key that its owner must prove to hold, as JSON has it; any, when `None`.
    #[serde(default)]
    pub key: Option<Value>,
    /// Twelve hours after signing in.
    pub expires: Timestamp,
}

/// An authorization code of AWS Sign-In that waits to be redeemed, once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginCode {
    /// The client it was given to.
    pub client: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// SHA-256 of the verifier, in base64url.
    pub challenge: String,
    /// Who signed in.
    pub identity: Identity,
    /// One minute.
    pub expires: Timestamp,
}
