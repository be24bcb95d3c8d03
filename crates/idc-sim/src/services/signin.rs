//! AWS Sign-In: the token call behind `aws login`, which lends a program the console session's rights.

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use crate::protocol::error::{Answer, ServiceError};
use crate::protocol::pkce;
use crate::protocol::pkce::base64url;
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::{Cloud, Identity};

/// Credentials last a quarter of an hour; the session they come from, twelve hours.
const LASTS: i64 = 900;

/// Answers an operation of `signin`; its requests carry a proof of possession and no signature.
pub fn answer(cloud: &mut Cloud, request: &Request) -> Answer {
    if request.operation != "CreateOAuth2Token" {
        return Err(not_simulated("signin", request.operation));
    }
    let input = &request.input["tokenInput"];
    let proof = request
        .proof
        .ok_or_else(|| refused("INVALID_REQUEST", "The request has no DPoP proof."))?;
    match text(input, "grantType") {
        "refresh_token" => refresh(cloud, request, input, proof),
        _ => redeem(cloud, request, input, proof),
    }
}

/// A refresh token is used up by its use, and works for the key it was given to.
fn refresh(cloud: &mut Cloud, request: &Request, input: &Value, proof: &Value) -> Answer {
    let expired = || refused("TOKEN_EXPIRED", "The refresh token is invalid or has expired.");
    let token = text(input, "refreshToken");
    let session = cloud.login_sessions.get(token).cloned().ok_or_else(expired)?;
    if session.expires <= request.now {
        return Err(expired());
    }
    if session.key.is_some_and(|key| key != *proof) {
        return Err(refused("INVALID_REQUEST", "The DPoP proof is of another key."));
    }
    cloud.login_sessions.remove(token);
    Ok(grant(cloud, &session.identity, proof, request.now))
}

fn redeem(cloud: &mut Cloud, request: &Request, input: &Value, proof: &Value) -> Answer {
    let code = cloud.login_codes.remove(text(input, "code"));
    let verifier = pkce::challenge(text(input, "codeVerifier"));
    let code = code
        .filter(|code| {
            code.client == text(input, "clientId")
                && code.redirect_uri == text(input, "redirectUri")
                && code.challenge == verifier
                && code.expires > request.now
        })
        .ok_or_else(|| refused("AUTHCODE_EXPIRED", "The authorization code is invalid or has expired."))?;
    Ok(grant(cloud, &code.identity, proof, request.now))
}

fn grant(cloud: &mut Cloud, identity: &Identity, proof: &Value, now: Timestamp) -> Value {
    let credentials = cloud.issue(Identity {
        expires: Some(later(now, LASTS)),
        ..identity.clone()
    });
    let refresh_token = cloud.start_login_session(identity, Some(proof), now);
    let part = |value: Value| base64url(value.to_string().as_bytes());
    let claims =
        json!({"sub": identity.arn, "iss": "REHEARSAL", "iat": now.as_second(), "exp": now.as_second() + LASTS});
    json!({
        "accessToken": {
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key,
            "sessionToken": credentials.session_token,
        },
        "tokenType": "aws_sigv4",
        "expiresIn": LASTS,
        "refreshToken": refresh_token,
        "idToken": format!("{}.{}.{}", part(json!({"alg": "none", "typ": "JWT"})), part(claims), base64url(b"REHEARSAL")),
    })
}

fn refused(error: &str, why: &str) -> ServiceError {
    ServiceError::new("AccessDeniedException", why)
        .with("error", error)
        .with("message", why)
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Span::new().seconds(seconds))
        .unwrap_or(Timestamp::MAX)
}
