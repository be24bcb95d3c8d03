//! Cached client registrations, stored beside the tokens in the AWS CLI's own format, so that a sign-in within 90 days
//! needs no new registration, whichever tool registered.

use std::path::Path;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::files;
use crate::token_cache::stamp;

/// The scope of every registration.
pub const SCOPE: &str = "sso:account:access";

/// A client that is registered with sso-oidc. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct CachedRegistration {
    /// The client ID.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// When the registration expires.
    pub expires_at: Timestamp,
    /// Whether the client is registered for the authorization code; otherwise for the device code.
    pub is_for_authorization_code: bool,
}

/// The text whose SHA-1 is the file name in the AWS CLI: the parameters of the registration, as JSON with sorted keys.
pub fn name_of(region: &str, session: &str, start_url: &str) -> String {
    let json_string = |text: &str| Value::from(text).to_string();
    format!(
        "{{\"region\": {}, \"scopes\": [{}], \"session_name\": {}, \"startUrl\": {}, \"tool\": \"botocore\"}}",
        json_string(region),
        json_string(SCOPE),
        json_string(session),
        json_string(start_url)
    )
}

/// Reads a registration; `None` if there is no file, or the file is not a complete registration.
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

/// The content of the file. It contains the client secret, so write it to that file only.
pub fn registration_json(registration: &CachedRegistration) -> String {
    let mut content = json!({
        "clientId": registration.client_id,
        "clientSecret": registration.client_secret.expose_secret(),
        "expiresAt": stamp(registration.expires_at),
        "scopes": [SCOPE],
    });
    if registration.is_for_authorization_code {
        content["grantTypes"] = json!(["authorization_code", "refresh_token"]);
    }
    content.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_cache::write_cache_file;

    #[test]
    fn a_registration_is_read_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        for is_for_authorization_code in [true, false] {
            let registration = CachedRegistration {
                client_id: "c".to_owned(),
                client_secret: "very-secret".to_owned().into(),
                expires_at: "2027-02-22T10:00:00Z".parse().unwrap(),
                is_for_authorization_code,
            };
            write_cache_file(&path, &registration_json(&registration)).unwrap();
            let read = read_registration(&path).unwrap();
            assert_eq!(read.is_for_authorization_code, is_for_authorization_code);
            assert_eq!(read.expires_at, registration.expires_at);
            assert_eq!(read.client_id, "c");
            assert_eq!(read.client_secret.expose_secret(), "very-secret");
            assert!(!format!("{read:?}").contains("very-secret"));
        }
    }

    #[test]
    fn a_registration_of_the_aws_cli_is_read_if_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let complete = json!({
            "clientId": "c",
            "clientSecret": "s",
            "expiresAt": "2027-02-22T10:00:00Z",
            "scopes": ["sso:account:access"],
            "grantTypes": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        });
        let read = |content: &Value| {
            std::fs::write(&path, content.to_string()).unwrap();
            read_registration(&path)
        };
        assert!(!read(&complete).unwrap().is_for_authorization_code);
        for (key, value) in [
            ("clientId", Value::Null),
            ("clientSecret", json!(1)),
            ("expiresAt", json!("soon")),
        ] {
            let mut incomplete = complete.clone();
            incomplete[key] = value;
            assert!(read(&incomplete).is_none(), "{key}");
        }
        std::fs::write(&path, "{").unwrap();
        assert!(read_registration(&path).is_none(), "not JSON");
        assert!(read_registration(folder.path()).is_none(), "a folder");
    }
}
