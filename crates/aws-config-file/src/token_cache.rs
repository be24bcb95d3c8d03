//! Cached SSO tokens, in the AWS CLI's own format, so that the CLI and the SDKs use ours and we use theirs.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::files::{self, Access};
use crate::limits::TOKEN_WINDOW;

/// A token of an SSO session. `Debug` shows nothing secret.
#[derive(Debug, Clone)]
pub struct CachedToken {
    /// The access portal that gave it.
    pub start_url: String,
    /// Identity Center's Region.
    pub region: String,
    /// For the access portal's API.
    pub access_token: SecretString,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
    /// For another access token.
    pub refresh_token: Option<SecretString>,
    /// The registered client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// From then on the client has to register again.
    pub registration_expires_at: Timestamp,
}

impl CachedToken {
    /// Whether it is good for at least another minute.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at > now + TOKEN_WINDOW
    }

    /// Whether another access token can be had without a person.
    pub fn is_refreshable(&self, now: Timestamp) -> bool {
        self.refresh_token.is_some() && self.registration_expires_at > now
    }
}

/// `2026-11-24T10:00:00Z`, as the CLI writes it.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The file's text, as the CLI has it. It holds the token: it goes into that file and nowhere else.
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

/// Writes the text of a token or a registration: 0600, in a folder of 0700 if it is new.
///
/// # Errors
/// Whatever the file system says.
pub fn write_cache_file(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        files::make_private_folder(folder)?;
    }
    files::write_atomically(path, text.as_bytes(), Access::OwnerOnly)
}

/// Reads a token; `None` when there is none that can be used.
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
    fn what_is_written_is_read_and_nothing_secret_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso").join("cache").join("t.json");
        let token = CachedToken {
            start_url: "https://d-1.awsapps.com/start".to_owned(),
            region: "us-east-1".to_owned(),
            access_token: "very-secret".to_owned().into(),
            expires_at: "2026-11-24T10:00:00Z".parse().unwrap(),
            refresh_token: Some("very-secret-too".to_owned().into()),
            client_id: "c".to_owned(),
            client_secret: "very-secret-three".to_owned().into(),
            registration_expires_at: "2027-02-22T10:00:00Z".parse().unwrap(),
        };
        write_cache_file(&path, &token_json(&token)).unwrap();
        let read = read_token(&path).unwrap();
        assert_eq!(read.access_token.expose_secret(), "very-secret");
        assert_eq!(read.expires_at, token.expires_at);
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
}
