//! Client registrations, kept beside the tokens as the AWS CLI keeps its own: a sign-in within 90 days needs no new
//! one, whoever registered.

use std::path::Path;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::files;
use crate::token_cache::stamp;

/// What every registration asks for.
pub const SCOPE: &str = "sso:account:access";

/// A client that is registered with sso-oidc. `Debug` shows nothing secret.
#[derive(Debug, Clone)]
pub struct CachedRegistration {
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// From then on it has to register again.
    pub expires_at: Timestamp,
    /// Registered for the authorization code; otherwise for the device code.
    pub is_for_authorization_code: bool,
}

/// The name that the AWS CLI gives the file: the SHA-1 of what the registration is for, as JSON with sorted keys.
pub fn name_of(region: &str, session: &str, start_url: &str) -> String {
    let quoted_header = |text: &str| Value::from(text).to_string();
    format!(
        "{{\"region\": {}, \"scopes\": [{}], \"session_name\": {}, \"startUrl\": {}, \"tool\": \"botocore\"}}",
        quoted_header(region),
        quoted_header(SCOPE),
        quoted_header(session),
        quoted_header(start_url)
    )
}

/// Reads a registration; `None` when there is none that can be used.
pub fn read_registration(path: &Path) -> Option<CachedRegistration> {
    let content: Value = serde_json::from_slice(&files::read(path).ok()?).ok()?;
    let grants = content["grantTypes"].as_array();
    Some(CachedRegistration {
        client_id: content["clientId"].as_str()?.to_owned(),
        client_secret: content["clientSecret"].as_str()?.to_owned().into(),
        expires_at: content["expiresAt"].as_str()?.parse().ok()?,
        is_for_authorization_code: grants
            .is_some_and(|grants| grants.iter().any(|grant| grant == "authorization_code")),
    })
}

/// The file's text. It holds the client's secret: it goes into that file and nowhere else.
pub fn registration_json(kept: &CachedRegistration) -> String {
    let mut content = json!({
        "clientId": kept.client_id,
        "clientSecret": kept.client_secret.expose_secret(),
        "expiresAt": stamp(kept.expires_at),
        "scopes": [SCOPE],
    });
    if kept.is_for_authorization_code {
        content["grantTypes"] = json!(["authorization_code", "refresh_token"]);
    }
    content.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_cache::write_cache_file;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        for is_for_authorization_code in [true, false] {
            let kept = CachedRegistration {
                client_id: "c".to_owned(),
                client_secret: "very-secret".to_owned().into(),
                expires_at: "2027-02-22T10:00:00Z".parse().unwrap(),
                is_for_authorization_code,
            };
            write_cache_file(&path, &registration_json(&kept)).unwrap();
            let read = read_registration(&path).unwrap();
            assert_eq!(read.is_for_authorization_code, is_for_authorization_code);
            assert_eq!(read.expires_at, kept.expires_at);
            assert!(!format!("{read:?}").contains("very-secret"));
        }
    }
}
