//! The authorization endpoints of the authorization code flow with PKCE: one of Identity Center, for the access portal,
//! and one of AWS Sign-In, for `aws login`.

use jiff::{Span, Timestamp};

use super::html::{Form, Page, Place, message_page};
use super::request::PageRequest;
use super::sign_in::{redirect_to_sign_in, signed_in_user};
use crate::protocol::wire::WireResponse;
use crate::state::person;
use crate::state::{AuthorizationCode, Cloud, LoginCode, PersonKind};

const TITLE: &str = "Sign-in";
const NO_PERSON: &str = "This simulation has no person, so nobody can sign in.";

/// `/authorize`: after the person has signed in and allowed access, redirects the browser to the client with a code.
pub fn page(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let authorization = match AuthorizationRequest::parse(cloud, request) {
        Ok(authorization) => authorization,
        Err(message) => return message_page(400, Place::Portal, TITLE, message),
    };
    let user = match cloud.person.kind {
        PersonKind::Never => return message_page(400, Place::Portal, TITLE, NO_PERSON),
        PersonKind::Auto => match person::sign_in(cloud, &authorization.instance) {
            Some(user) => user,
            None => return message_page(400, Place::Portal, TITLE, "There is no user to sign in as."),
        },
        PersonKind::Pages => match signed_in_user(cloud, request, &authorization.instance) {
            None => return redirect_to_sign_in(request, &authorization.instance),
            Some(_) if !request.is_post() => return consent_page(request),
            Some(_) if request.form_value("what") != "allow" => {
                return redirect_to_client(&authorization.redirect_uri, "error", "access_denied", request);
            }
            Some(user) => user,
        },
    };
    let code = cloud.ids.alphanumeric(48);
    let response = redirect_to_client(&authorization.redirect_uri, "code", &code, request);
    cloud.codes.insert(
        code,
        AuthorizationCode {
            client: authorization.client,
            redirect_uri: authorization.redirect_uri,
            challenge: authorization.challenge,
            instance: authorization.instance,
            user,
            expires: one_minute_after(request.now),
        },
    );
    response
}

fn consent_page(request: &PageRequest) -> WireResponse {
    let action = request.path_and_query();
    Page::new(Place::Portal, "Allow access?")
        .text("Allow the program that opened this page to access your AWS accounts?")
        .forms(&[
            Form::primary(&action, "Allow access").hidden("what", "allow"),
            Form::quiet(&action, "Deny access").hidden("what", "deny"),
        ])
        .response()
}

/// `/v1/authorize` of AWS Sign-In: gives a program on this machine a console session of the root user.
pub fn login_page(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    let redirect_uri = request.query_value("redirect_uri");
    let is_loopback = matches_registered("http://127.0.0.1/oauth/callback", &redirect_uri);
    let challenge = request.query_value("code_challenge");
    let is_valid = request.query_value("response_type") == "code"
        && request.query_value("code_challenge_method") == "SHA-256"
        && request.query_value("client_id") == "arn:aws:signin:::devtools/same-device"
        && !challenge.is_empty();
    if !is_loopback || !is_valid {
        let message = "The simulation supports only aws login on this machine, with a SHA-256 code_challenge.";
        return message_page(400, Place::Portal, TITLE, message);
    }
    match cloud.person.kind {
        PersonKind::Never => return message_page(400, Place::Portal, TITLE, NO_PERSON),
        PersonKind::Pages if !request.is_post() => {
            let action = request.path_and_query();
            return Page::new(Place::Console, "Continue with an active session")
                .text("A program on this machine wants to use your session of the AWS Management Console.")
                .forms(&[Form::primary(&action, "Continue as the root user").hidden("what", "allow")])
                .response();
        }
        PersonKind::Pages | PersonKind::Auto => {}
    }
    let code = cloud.ids.alphanumeric(48);
    let login = LoginCode {
        client: request.query_value("client_id"),
        redirect_uri: redirect_uri.clone(),
        challenge,
        identity: cloud.root(),
        expires: one_minute_after(request.now),
    };
    let response = redirect_to_client(&redirect_uri, "code", &code, request);
    cloud.login_codes.insert(code, login);
    response
}

fn one_minute_after(now: Timestamp) -> Timestamp {
    now.saturating_add(Span::new().minutes(1)).unwrap_or(Timestamp::MAX)
}

/// Redirects the browser to the client, with the `state` of its request.
fn redirect_to_client(redirect_uri: &str, name: &str, value: &str, request: &PageRequest) -> WireResponse {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair(name, value)
        .append_pair("state", &request.query_value("state"));
    let mut response = message_page(
        302,
        Place::Portal,
        TITLE,
        "Going back to the program that requested access.",
    );
    response
        .headers
        .push(("location", format!("{redirect_uri}?{}", query.finish())));
    response
}

/// A valid authorization request.
struct AuthorizationRequest {
    client: String,
    redirect_uri: String,
    challenge: String,
    /// The ARN of the instance whose portal the client is registered for.
    instance: String,
}

impl AuthorizationRequest {
    /// Parses the query string. Returns a message for the browser if the request is not valid.
    fn parse(cloud: &Cloud, request: &PageRequest) -> Result<Self, &'static str> {
        let (id, redirect_uri) = (request.query_value("client_id"), request.query_value("redirect_uri"));
        let client = cloud.clients.get(&id).filter(|client| client.expires > request.now);
        let client = client.ok_or("This client is not registered.")?;
        let mut registered = client.redirect_uris.iter();
        if !registered.any(|registered| matches_registered(registered, &redirect_uri)) {
            return Err("This redirect_uri is not registered for the client.");
        }
        let challenge = request.query_value("code_challenge");
        let is_pkce = request.query_value("code_challenge_method") == "S256" && !challenge.is_empty();
        if request.query_value("response_type") != "code" || !is_pkce {
            return Err("The simulation supports only response_type=code with an S256 code_challenge.");
        }
        let issuer = client
            .issuer
            .as_deref()
            .unwrap_or_default()
            .trim_end_matches(['/', '#']);
        let instance = cloud.instances.iter().find(|instance| {
            instance.active_at <= request.now && instance.start_urls().iter().any(|url| issuer == url)
        });
        Ok(Self {
            client: id,
            redirect_uri,
            challenge,
            instance: instance
                .ok_or("The client's issuerUrl is not an access portal of this simulation.")?
                .arn
                .clone(),
        })
    }
}

/// Returns whether a redirect URI matches a registered one. A loopback address is registered without a port, because
/// the client knows the port only when it listens.
fn matches_registered(registered: &str, redirect_uri: &str) -> bool {
    let without_port = redirect_uri
        .strip_prefix("http://127.0.0.1:")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(port, _)| port.parse::<u16>().is_ok())
        .map(|(_, path)| format!("http://127.0.0.1/{path}"));
    registered == redirect_uri || without_port.is_some_and(|uri| registered == uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_matches_with_any_port_but_not_with_another_path_or_host() {
        let registered = "http://127.0.0.1/oauth/callback";
        assert!(matches_registered(registered, "http://127.0.0.1:8912/oauth/callback"));
        assert!(!matches_registered(registered, "http://127.0.0.1:8912/other"));
        assert!(!matches_registered(
            registered,
            "http://127.0.0.1:8912@evil.example/oauth/callback"
        ));
    }
}
