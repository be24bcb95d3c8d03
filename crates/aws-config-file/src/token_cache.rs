//! Cached SSO tokens, in the AWS CLI's own format, so that the CLI, the SDKs and this crate can use each other's
//! tokens.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::files::{self, Access};
use crate::limits::TOKEN_WINDOW;

/// The token of an SSO session. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct CachedToken {
    /// The start URL of the access portal that issued the token.
    pub start_url: String,
    /// The Region of Identity Center.
    pub region: String,
    /// The access token for the access portal API.
    pub access_token: SecretString,
    /// When the access token expires.
    pub expires_at: Timestamp,
    /// The refresh token, to get a new access token.
    pub refresh_token: Option<SecretString>,
    /// The ID of the registered client.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// When the client registration expires.
    pub registration_expires_at: Timestamp,
}

impl CachedToken {
    /// Whether the access token is valid for at least another minute.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at >= now + TOKEN_WINDOW
    }

    /// Whether a new access token can be requested without the user.
    pub fn is_refreshable(&self, now: Timestamp) -> bool {
        self.refresh_token.is_some() && self.registration_expires_at > now
    }
}

/// `2026-11-24T10:00:00Z`, as the AWS CLI writes it.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The content of the file, as the AWS CLI writes it. It contains the token, so write it to that file only.
pub fn token_json(token: &CachedToken) -> String {
    let mut content = json!({
        "startUrl": token.start_url,
        "region": token.region,
        "accessToken": token.access_token.expose_secret(),
        "expiresAt": stamp(token.expires_at),
        "clientId": token.client_id,
        "clientSecret": token.client_secret.expose_secret(),
        "registrationExpiresAt": stamp(token.registration_expires_at),
    });
    if let Some(refresh) = &token.refresh_token {
        content["refreshToken"] = json!(refresh.expose_secret());
    }
    content.to_string()
}

/// Writes the content of a token or registration file with mode 0600. A new folder gets mode 0700.
///
/// # Errors
/// The error of the file system.
pub fn write_cache_file(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        files::make_private_folder(folder)?;
    }
    files::write_atomically(path, text.as_bytes(), Access::OwnerOnly)
}

/// Reads a token; `None` if there is no file, or the file is not a complete token.
pub fn read_token(path: &Path) -> Option<CachedToken> {
    let content: Value = serde_json::from_slice(&files::read(path).ok()?).ok()?;
    let text = |name: &str| content[name].as_str().map(str::to_owned);
    let time = |name: &str| text(name)?.parse::<Timestamp>().ok();
    Some(CachedToken {
        start_url: text("startUrl")?,
        region: text("region")?,
        access_token: text("accessToken")?.into(),
        expires_at: time("expiresAt")?,
        refresh_token: text("refreshToken").map(Into::into),
        client_id: text("clientId").unwrap_or_default(),
        client_secret: text("clientSecret").unwrap_or_default().into(),
        registration_expires_at: time("registrationExpiresAt").unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_written_and_debug_shows_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso").join("cache").join("t.json");
        let token = token();
        write_cache_file(&path, &token_json(&token)).unwrap();
        let read = read_token(&path).unwrap();
        assert_eq!(read.access_token.expose_secret(), "very-secret");
        assert_eq!(read.expires_at, token.expires_at);
        assert_eq!(read.refresh_token.as_ref().unwrap().expose_secret(), "very-secret-too");
        assert_eq!(read.client_id, "c");
        assert_eq!(read.client_secret.expose_secret(), "very-secret-three");
        assert_eq!(read.registration_expires_at, token.registration_expires_at);
        assert!(!format!("{read:?}").contains("secret-"), "{read:?}");
        assert!(!format!("{read:?}").contains("very-secret"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            let folder = std::fs::metadata(path.parent().unwrap()).unwrap();
            assert_eq!(folder.permissions().mode() & 0o777, 0o700);
        }
    }

    fn token() -> CachedToken {
        CachedToken {
            start_url: "https://d-1.awsapps.com/start".to_owned(),
            region: "us-east-1".to_owned(),
            access_token: "very-secret".to_owned().into(),
            expires_at: "2026-11-24T10:00:00Z".parse().unwrap(),
            refresh_token: Some("very-secret-too".to_owned().into()),
            client_id: "c".to_owned(),
            client_secret: "very-secret-three".to_owned().into(),
            registration_expires_at: "2027-02-22T10:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_token_is_valid_until_a_minute_before_it_expires() {
        for (now, is_valid) in [
            ("2026-11-24T09:00:00Z", true),
            ("2026-11-24T09:59:00Z", true),
            ("2026-11-24T09:59:01Z", false),
            ("2026-11-24T10:00:00Z", false),
            ("2026-11-24T11:00:00Z", false),
        ] {
            assert_eq!(token().is_valid(now.parse().unwrap()), is_valid, "{now}");
        }
    }

    #[test]
    fn a_token_is_refreshable_until_the_registration_expires() {
        for (now, is_refreshable) in [
            ("2026-11-24T11:00:00Z", true),
            ("2027-02-22T09:59:59Z", true),
            ("2027-02-22T10:00:00Z", false),
            ("2027-02-22T10:00:01Z", false),
        ] {
            let now = now.parse().unwrap();
            assert_eq!(token().is_refreshable(now), is_refreshable, "{now}");
            let without_refresh_token = CachedToken {
                refresh_token: None,
                ..token()
            };
            assert!(!without_refresh_token.is_refreshable(now), "{now}");
        }
    }

    #[test]
    fn a_token_without_a_refresh_token_or_client_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.json");
        let mut content = json!({
            "startUrl": "https://d-1.awsapps.com/start",
            "region": "us-east-1",
            "accessToken": "very-secret",
            "expiresAt": "2026-11-24T10:00:00Z",
        });
        let read = |content: &Value| {
            std::fs::write(&path, content.to_string()).unwrap();
            read_token(&path)
        };
        let token = read(&content).unwrap();
        assert_eq!(token.start_url, "https://d-1.awsapps.com/start");
        assert_eq!(token.region, "us-east-1");
        assert!(!token.is_refreshable("2026-11-24T09:00:00Z".parse().unwrap()));
        content["refreshToken"] = json!("r");
        let without_client = read(&content).unwrap();
        assert!(!without_client.is_refreshable("2026-11-24T09:00:00Z".parse().unwrap()));
        for key in ["startUrl", "region", "accessToken", "expiresAt"] {
            let mut incomplete = content.clone();
            incomplete[key] = Value::Null;
            assert!(read(&incomplete).is_none(), "{key}");
        }
    }
}
