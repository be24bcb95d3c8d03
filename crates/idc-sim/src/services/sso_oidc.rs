//! IAM Identity Center's OIDC service (`sso-oidc`): clients, device codes, tokens.

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use crate::protocol::error::{Answer, ServiceError};
use crate::protocol::pkce;
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::person;
use crate::state::{Client, Cloud, Decision, Device, PortalSession};

/// Seconds between two polls that a client must keep.
const INTERVAL: i64 = 1;

/// Answers an operation of `sso-oidc`; its requests are not signed.
pub fn answer(cloud: &mut Cloud, request: &Request) -> Answer {
    match request.operation {
        "RegisterClient" => register(cloud, request),
        "StartDeviceAuthorization" => start(cloud, request),
        "CreateToken" => token(cloud, request),
        other => Err(not_simulated("sso-oidc", other)),
    }
}

fn register(cloud: &mut Cloud, request: &Request) -> Answer {
    let input = request.input;
    if text(input, "clientType") != "public" {
        return Err(oidc(
            "InvalidClientMetadataException",
            "invalid_client_metadata",
            "Only public clients can register",
        ));
    }
    let (id, secret) = (cloud.ids.letters(32), cloud.ids.letters(64));
    let expires = later(request.now, 90 * 24 * 3600);
    cloud.clients.insert(
        id.clone(),
        Client {
            secret: secret.clone(),
            expires,
            redirect_uris: strings(&input["redirectUris"]),
            issuer: input["issuerUrl"].as_str().map(str::to_owned),
        },
    );
    Ok(json!({
        "clientId": id,
        "clientSecret": secret,
        "clientIdIssuedAt": request.now.as_second(),
        "clientSecretExpiresAt": expires.as_second(),
    }))
}

fn start(cloud: &mut Cloud, request: &Request) -> Answer {
    check_client(cloud, request)?;
    let start_url = text(request.input, "startUrl").trim_end_matches(['/', '#']);
    let instance = cloud
        .instances
        .iter()
        .find(|instance| instance.active_at <= request.now && instance.start_urls().iter().any(|url| url == start_url))
        .map(|instance| instance.arn.clone())
        .ok_or_else(|| oidc("InvalidRequestException", "invalid_request", "Invalid startUrl"))?;
    let (code, user_code) = (cloud.ids.letters(48), cloud.ids.user_code());
    cloud.devices.insert(
        code.clone(),
        Device {
            client: text(request.input, "clientId").to_owned(),
            user_code: user_code.clone(),
            instance,
            expires: later(request.now, 600),
            polled: None,
            person_at: None,
            decision: Decision::Pending,
        },
    );
    let page = format!("{}/portal/device", cloud.base_url);
    Ok(json!({
        "deviceCode": code,
        "userCode": user_code,
        "verificationUri": page,
        "verificationUriComplete": format!("{page}?user_code={user_code}"),
        "expiresIn": 600,
        "interval": INTERVAL,
    }))
}

fn token(cloud: &mut Cloud, request: &Request) -> Answer {
    check_client(cloud, request)?;
    match text(request.input, "grantType") {
        "urn:ietf:params:oauth:grant-type:device_code" => device_token(cloud, request),
        "authorization_code" => code_token(cloud, request),
        "refresh_token" => refreshed_token(cloud, request),
        other => Err(oidc(
            "UnsupportedGrantTypeException",
            "unsupported_grant_type",
            &format!("Grant type {other} is not supported"),
        )),
    }
}

fn device_token(cloud: &mut Cloud, request: &Request) -> Answer {
    let code = text(request.input, "deviceCode").to_owned();
    let client = text(request.input, "clientId").to_owned();
    person::approval_awaited(cloud, &code, request.now);
    let device = cloud
        .devices
        .get_mut(&code)
        .filter(|device| device.client == client)
        .ok_or_else(|| oidc("InvalidGrantException", "invalid_grant", "Invalid grant provided"))?;
    if device.expires <= request.now {
        return Err(oidc("ExpiredTokenException", "expired_token", "Device code expired"));
    }
    let too_soon = device
        .polled
        .is_some_and(|at| at + Span::new().milliseconds(INTERVAL * 900) > request.now);
    device.polled = Some(request.now);
    match device.decision.clone() {
        Decision::Pending if too_soon => Err(oidc("SlowDownException", "slow_down", "Slow down")),
        Decision::Pending => Err(oidc(
            "AuthorizationPendingException",
            "authorization_pending",
            "Authorization pending",
        )),
        Decision::Refused => Err(oidc(
            "AccessDeniedException",
            "access_denied",
            "The request was denied by the user",
        )),
        Decision::Approved(user) => {
            let instance = device.instance.clone();
            cloud.devices.remove(&code);
            Ok(grant(cloud, &client, &instance, &user, request.now))
        }
    }
}

/// An authorization code, with the verifier that only its client knows. It is used up by the attempt.
fn code_token(cloud: &mut Cloud, request: &Request) -> Answer {
    let invalid = || oidc("InvalidGrantException", "invalid_grant", "Invalid grant provided");
    let (input, client) = (request.input, text(request.input, "clientId").to_owned());
    let code = cloud.codes.remove(text(input, "code")).ok_or_else(invalid)?;
    let challenge = pkce::challenge(text(input, "codeVerifier"));
    let matches = code.client == client
        && code.redirect_uri == text(input, "redirectUri")
        && code.challenge == challenge
        && code.expires > request.now;
    if !matches {
        return Err(invalid());
    }
    Ok(grant(cloud, &client, &code.instance, &code.user, request.now))
}

fn refreshed_token(cloud: &mut Cloud, request: &Request) -> Answer {
    let invalid = || {
        oidc(
            "InvalidGrantException",
            "invalid_grant",
            "Invalid refresh token provided",
        )
    };
    let token = text(request.input, "refreshToken");
    let (client, instance, user) = cloud.refresh_tokens.get(token).cloned().ok_or_else(invalid)?;
    if client != text(request.input, "clientId") {
        return Err(invalid());
    }
    cloud.refresh_tokens.remove(token);
    Ok(grant(cloud, &client, &instance, &user, request.now))
}

fn grant(cloud: &mut Cloud, client: &str, instance: &str, user: &str, now: Timestamp) -> Value {
    let access = format!("aoa{}", cloud.ids.letters(60));
    let refresh = format!("aor{}", cloud.ids.letters(60));
    cloud.sessions.insert(
        access.clone(),
        PortalSession {
            instance: instance.to_owned(),
            user: user.to_owned(),
            expires: later(now, 3600),
        },
    );
    cloud.refresh_tokens.insert(
        refresh.clone(),
        (client.to_owned(), instance.to_owned(), user.to_owned()),
    );
    json!({"accessToken": access, "tokenType": "Bearer", "expiresIn": 3600, "refreshToken": refresh})
}

fn check_client(cloud: &Cloud, request: &Request) -> Result<(), ServiceError> {
    let known = cloud.clients.get(text(request.input, "clientId"));
    match known {
        Some(client) if client.secret == text(request.input, "clientSecret") && client.expires > request.now => Ok(()),
        _ => Err(oidc("InvalidClientException", "invalid_client", "Invalid client provided").with_status(401)),
    }
}

/// A request that is not of its operation's form.
pub fn invalid(why: &str) -> ServiceError {
    oidc("InvalidRequestException", "invalid_request", why)
}

fn oidc(code: &str, error: &str, description: &str) -> ServiceError {
    ServiceError::new(code, description)
        .with("error", error)
        .with("error_description", description)
}

fn strings(value: &Value) -> Vec<String> {
    let rows = value.as_array().into_iter().flatten();
    rows.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Span::new().seconds(seconds))
        .unwrap_or(Timestamp::MAX)
}
