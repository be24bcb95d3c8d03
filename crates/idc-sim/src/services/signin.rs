//! AWS Sign-In (`signin`): the token operation of `aws login`, which gives a program credentials of a console session.

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::protocol::pkce;
use crate::protocol::pkce::base64url;
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::{Cloud, Identity};

/// Lifetime of the credentials, in seconds. The session that they belong to lasts twelve hours.
const CREDENTIALS_LIFETIME: i64 = 900;

/// Handles an operation of `signin`. Its requests carry a `DPoP` proof instead of a signature.
pub fn handle(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    if request.operation != "CreateOAuth2Token" {
        return Err(not_simulated("signin", request.operation));
    }
    let input = &request.input["tokenInput"];
    let proof = request
        .proof
        .ok_or_else(|| access_denied("INVALID_REQUEST", "The request has no DPoP proof."))?;
    match text(input, "grantType") {
        "refresh_token" => redeem_refresh_token(cloud, request, input, proof),
        _ => redeem_authorization_code(cloud, request, input, proof),
    }
}

/// Redeems a refresh token, which can be used once and only with the key that it was issued for.
fn redeem_refresh_token(cloud: &mut Cloud, request: &Request, input: &Value, proof: &Value) -> ServiceResult {
    let expired = || access_denied("TOKEN_EXPIRED", "The refresh token is invalid or has expired.");
    let token = text(input, "refreshToken");
    let session = cloud.login_sessions.get(token).cloned().ok_or_else(expired)?;
    if session.expires <= request.now {
        return Err(expired());
    }
    if session.key.is_some_and(|key| key != *proof) {
        return Err(access_denied(
            "INVALID_REQUEST",
            "The DPoP proof contains a different key.",
        ));
    }
    cloud.login_sessions.remove(token);
    Ok(issue_credentials(cloud, &session.identity, proof, request.now))
}

/// Redeems an authorization code with its PKCE verifier. The code becomes invalid even if the attempt fails.
fn redeem_authorization_code(cloud: &mut Cloud, request: &Request, input: &Value, proof: &Value) -> ServiceResult {
    let code = cloud.login_codes.remove(text(input, "code"));
    let challenge = pkce::challenge(text(input, "codeVerifier"));
    let code = code
        .filter(|code| {
            code.client == text(input, "clientId")
                && code.redirect_uri == text(input, "redirectUri")
                && code.challenge == challenge
                && code.expires > request.now
        })
        .ok_or_else(|| access_denied("AUTHCODE_EXPIRED", "The authorization code is invalid or has expired."))?;
    Ok(issue_credentials(cloud, &code.identity, proof, request.now))
}

/// Issues credentials and a new refresh token for an identity.
fn issue_credentials(cloud: &mut Cloud, identity: &Identity, proof: &Value, now: Timestamp) -> Value {
    let credentials = cloud.issue(Identity {
        expires: Some(seconds_after(now, CREDENTIALS_LIFETIME)),
        ..identity.clone()
    });
    let refresh_token = cloud.start_login_session(identity, Some(proof), now);
    let part = |value: Value| base64url(value.to_string().as_bytes());
    let claims = json!({"sub": identity.arn, "iss": "REHEARSAL", "iat": now.as_second(), "exp": now.as_second() + CREDENTIALS_LIFETIME});
    json!({ "tokenOutput": {
        "accessToken": {
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key,
            "sessionToken": credentials.session_token,
        },
        "tokenType": "aws_sigv4",
        "expiresIn": CREDENTIALS_LIFETIME,
        "refreshToken": refresh_token,
        "idToken": format!("{}.{}.{}", part(json!({"alg": "none", "typ": "JWT"})), part(claims), base64url(b"REHEARSAL")),
    }})
}

fn access_denied(error: &str, message: &str) -> ServiceError {
    ServiceError::new("AccessDeniedException", message)
        .with("error", error)
        .with("message", message)
}

fn seconds_after(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Span::new().seconds(seconds))
        .unwrap_or(Timestamp::MAX)
}
