//! AWS Sign-In: the token call behind `aws login`, which lends a program the console session's rights.

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::super::authorize;
use super::super::proof::base64url;
use super::super::refusal::{Answer, Refusal};
use super::super::world::{Identity, LoginSession, World, text};
use super::{Request, not_simulated};

/// Credentials last a quarter of an hour; the session they come from, twelve hours.
const LASTS: i64 = 900;

/// Answers an operation of `signin`; its requests carry a proof of possession and no signature.
pub fn answer(world: &mut World, request: &Request) -> Answer {
    if request.operation != "CreateOAuth2Token" {
        return Err(not_simulated("signin", request.operation));
    }
    let input = &request.input["tokenInput"];
    let proof = request
        .proof
        .ok_or_else(|| refused("INVALID_REQUEST", "The request has no DPoP proof."))?;
    match text(input, "grantType") {
        "refresh_token" => refresh(world, request, input, proof),
        _ => redeem(world, request, input, proof),
    }
}

/// Twelve hours of a console session for this identity, as signing in gives it.
pub fn session(world: &mut World, identity: &Identity, proof: Option<&Value>, now: Timestamp) -> String {
    let token = world.ids.letters(64);
    world.login_sessions.insert(
        token.clone(),
        LoginSession {
            identity: Identity {
                expires: None,
                ..identity.clone()
            },
            key: proof.cloned(),
            expires: later(now, 12 * 3600),
        },
    );
    token
}

/// A refresh token is used up by its use, and works for the key it was given to.
fn refresh(world: &mut World, request: &Request, input: &Value, proof: &Value) -> Answer {
    let expired = || refused("TOKEN_EXPIRED", "The refresh token is invalid or has expired.");
    let token = text(input, "refreshToken");
    let session = world.login_sessions.get(token).cloned().ok_or_else(expired)?;
    if session.expires <= request.now {
        return Err(expired());
    }
    if session.key.is_some_and(|key| key != *proof) {
        return Err(refused("INVALID_REQUEST", "The DPoP proof is of another key."));
    }
    world.login_sessions.remove(token);
    Ok(grant(world, &session.identity, proof, request.now))
}

fn redeem(world: &mut World, request: &Request, input: &Value, proof: &Value) -> Answer {
    let code = world.login_codes.remove(text(input, "code"));
    let verifier = authorize::challenge(text(input, "codeVerifier"));
    let code = code
        .filter(|code| {
            code.client == text(input, "clientId")
                && code.redirect_uri == text(input, "redirectUri")
                && code.challenge == verifier
                && code.expires > request.now
        })
        .ok_or_else(|| refused("AUTHCODE_EXPIRED", "The authorization code is invalid or has expired."))?;
    Ok(grant(world, &code.identity, proof, request.now))
}

fn grant(world: &mut World, identity: &Identity, proof: &Value, now: Timestamp) -> Value {
    let credentials = world.issue(Identity {
        expires: Some(later(now, LASTS)),
        ..identity.clone()
    });
    let refresh_token = session(world, identity, Some(proof), now);
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

fn refused(error: &str, why: &str) -> Refusal {
    Refusal::new("AccessDeniedException", why)
        .with("error", error)
        .with("message", why)
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Span::new().seconds(seconds))
        .unwrap_or(Timestamp::MAX)
}
