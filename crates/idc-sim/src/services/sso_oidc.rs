//! The OIDC service of IAM Identity Center (`sso-oidc`): client registration, device authorization and tokens.

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::protocol::pkce;
use crate::recorded::Words;
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::person;
use crate::state::{Client, Cloud, Decision, Device, PortalSession};

/// Minimum time between two polls of a client, in seconds.
const POLL_INTERVAL: i64 = 1;

/// Handles an operation of `sso-oidc`. Its requests are not signed.
pub fn handle(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    match request.operation {
        "RegisterClient" => register_client(cloud, request),
        "StartDeviceAuthorization" => start_device_authorization(cloud, request),
        "CreateToken" => create_token(cloud, request),
        other => Err(not_simulated("sso-oidc", other)),
    }
}

fn register_client(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let input = request.input;
    if text(input, "clientType") != "public" {
        return Err(oidc_error(
            "InvalidClientMetadataException",
            "invalid_client_metadata",
            "Only public clients can register",
        ));
    }
    let (id, secret) = (cloud.ids.alphanumeric(32), cloud.ids.alphanumeric(64));
    let expires = seconds_after(request.now, 90 * 24 * 3600);
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

fn start_device_authorization(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    check_client(cloud, request)?;
    let start_url = text(request.input, "startUrl").trim_end_matches(['/', '#']);
    let instance = cloud
        .instances
        .iter()
        .find(|instance| instance.active_at <= request.now && instance.start_urls().iter().any(|url| url == start_url))
        .map(|instance| instance.arn.clone())
        .ok_or_else(|| oidc_error("InvalidRequestException", "invalid_request", "Invalid startUrl"))?;
    let (code, user_code) = (cloud.ids.alphanumeric(48), cloud.ids.user_code());
    cloud.devices.insert(
        code.clone(),
        Device {
            client: text(request.input, "clientId").to_owned(),
            user_code: user_code.clone(),
            instance,
            expires: seconds_after(request.now, 600),
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
        "interval": POLL_INTERVAL,
    }))
}

fn create_token(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    check_client(cloud, request)?;
    match text(request.input, "grantType") {
        "urn:ietf:params:oauth:grant-type:device_code" => redeem_device_code(cloud, request),
        "authorization_code" => redeem_authorization_code(cloud, request),
        "refresh_token" => redeem_refresh_token(cloud, request),
        other => Err(oidc_error(
            "UnsupportedGrantTypeException",
            "unsupported_grant_type",
            &format!("Grant type {other} is not supported"),
        )),
    }
}

fn redeem_device_code(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let code = text(request.input, "deviceCode").to_owned();
    let client = text(request.input, "clientId").to_owned();
    person::schedule_approval(cloud, &code, request.now);
    let device = cloud
        .devices
        .get_mut(&code)
        .filter(|device| device.client == client)
        .ok_or_else(|| {
            let words = Words::UnknownDeviceCode.text(&[]);
            oidc_error("InvalidGrantException", "invalid_grant", &words)
        })?;
    if device.expires <= request.now {
        return Err(oidc_error(
            "ExpiredTokenException",
            "expired_token",
            "Device code expired",
        ));
    }
    // Tolerate polls that are up to 10 % early.
    let is_too_soon = device
        .polled
        .is_some_and(|at| at + Span::new().milliseconds(POLL_INTERVAL * 900) > request.now);
    device.polled = Some(request.now);
    match device.decision.clone() {
        Decision::Pending if is_too_soon => Err(oidc_error("SlowDownException", "slow_down", "Slow down")),
        Decision::Pending => Err(oidc_error(
            "AuthorizationPendingException",
            "authorization_pending",
            "Authorization pending",
        )),
        Decision::Refused => Err(oidc_error(
            "AccessDeniedException",
            "access_denied",
            "The request was denied by the user",
        )),
        Decision::Approved(user) => {
            let instance = device.instance.clone();
            cloud.devices.remove(&code);
            Ok(issue_tokens(cloud, &client, &instance, &user, request.now))
        }
    }
}

/// Redeems an authorization code with its PKCE verifier. The code becomes invalid even if the attempt fails.
fn redeem_authorization_code(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let invalid = || oidc_error("InvalidGrantException", "invalid_grant", "Invalid grant provided");
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
    Ok(issue_tokens(cloud, &client, &code.instance, &code.user, request.now))
}

/// Redeems a refresh token, which can be used once.
fn redeem_refresh_token(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let invalid = || {
        oidc_error(
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
    Ok(issue_tokens(cloud, &client, &instance, &user, request.now))
}

/// Starts a session of the access portal, and returns its tokens.
fn issue_tokens(cloud: &mut Cloud, client: &str, instance: &str, user: &str, now: Timestamp) -> Value {
    let access_token = format!("aoa{}", cloud.ids.alphanumeric(60));
    let refresh_token = format!("aor{}", cloud.ids.alphanumeric(60));
    cloud.sessions.insert(
        access_token.clone(),
        PortalSession {
            instance: instance.to_owned(),
            user: user.to_owned(),
            expires: seconds_after(now, 3600),
        },
    );
    cloud.refresh_tokens.insert(
        refresh_token.clone(),
        (client.to_owned(), instance.to_owned(), user.to_owned()),
    );
    json!({"accessToken": access_token, "tokenType": "Bearer", "expiresIn": 3600, "refreshToken": refresh_token})
}

fn check_client(cloud: &Cloud, request: &Request) -> Result<(), ServiceError> {
    let client = cloud.clients.get(text(request.input, "clientId"));
    match client {
        Some(client) if client.secret == text(request.input, "clientSecret") && client.expires > request.now => Ok(()),
        _ => Err(oidc_error("InvalidClientException", "invalid_client", "Invalid client provided").with_status(401)),
    }
}

/// Returns the error for invalid input.
pub fn invalid_request(message: &str) -> ServiceError {
    oidc_error("InvalidRequestException", "invalid_request", message)
}

/// Returns an error with the members of an OAuth error.
fn oidc_error(code: &str, error: &str, description: &str) -> ServiceError {
    ServiceError::new(code, description)
        .with("error", error)
        .with("error_description", description)
}

fn strings(value: &Value) -> Vec<String> {
    let rows = value.as_array().into_iter().flatten();
    rows.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn seconds_after(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(Span::new().seconds(seconds))
        .unwrap_or(Timestamp::MAX)
}
