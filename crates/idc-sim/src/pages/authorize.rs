//! The authorization endpoints of the code flow with PKCE: where a browser is sent, and sent back from. One is
//! Identity Center's, for the access portal; the other is AWS Sign-In's, for `aws login`.

use jiff::{Span, Timestamp};

use super::html::{form, page as html_page, sentence, text};
use super::request::PageRequest;
use super::sign_in::{first_sign_in, signed_in};
use crate::protocol::wire::Wire;
use crate::state::person;
use crate::state::{AuthorizationCode, Cloud, LoginCode, PersonKind};

const TITLE: &str = "Sign-in";

/// `/authorize`: the person signs in and allows it, and the browser goes back with a code.
pub fn page(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let wanted = match Wanted::of(cloud, request) {
        Ok(wanted) => wanted,
        Err(why) => return sentence(400, TITLE, why),
    };
    let user = match cloud.person.kind {
        PersonKind::Never => return sentence(400, TITLE, "This rehearsal has no person, so nobody signs in."),
        PersonKind::Auto => match person::sign_in(cloud, &wanted.instance) {
            Some(user) => user,
            None => return sentence(400, TITLE, "There is no user to sign in as."),
        },
        PersonKind::Pages => match signed_in(cloud, request, &wanted.instance) {
            None => return first_sign_in(request, &wanted.instance),
            Some(_) if !request.is_post() => return ask_consent(request),
            Some(_) if request.sent("what") != "allow" => {
                return back(&wanted.redirect_uri, "error", "access_denied", request);
            }
            Some(user) => user,
        },
    };
    let code = cloud.ids.letters(48);
    let back = back(&wanted.redirect_uri, "code", &code, request);
    cloud.codes.insert(
        code,
        AuthorizationCode {
            client: wanted.client,
            redirect_uri: wanted.redirect_uri,
            challenge: wanted.challenge,
            instance: wanted.instance,
            user,
            expires: in_a_minute(request.now),
        },
    );
    back
}

fn ask_consent(request: &PageRequest) -> Wire {
    let address = request.address();
    let body = [
        text("Allow the program on this machine that asked for it to access your AWS accounts?"),
        form(&address, &[("what", "allow")], "", "Allow access"),
        form(&address, &[("what", "deny")], "", "Deny access"),
    ];
    html_page(200, "Allow access?", &body.concat())
}

/// `/v1/authorize` of AWS Sign-In: the console session, root's here, is lent to a program on this machine.
pub fn console_session(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    let redirect_uri = request.asked("redirect_uri");
    let is_loopback = is_same_place("http://127.0.0.1/oauth/callback", &redirect_uri);
    let challenge = request.asked("code_challenge");
    let complete = request.asked("response_type") == "code"
        && request.asked("code_challenge_method") == "SHA-256"
        && request.asked("client_id") == "arn:aws:signin:::devtools/same-device"
        && !challenge.is_empty();
    if !is_loopback || !complete {
        let why = "Only aws login on this machine is simulated, with an SHA-256 code_challenge.";
        return sentence(400, TITLE, why);
    }
    match cloud.person.kind {
        PersonKind::Never => return sentence(400, TITLE, "This rehearsal has no person, so nobody signs in."),
        PersonKind::Pages if !request.is_post() => {
            let body = form(
                &request.address(),
                &[("what", "allow")],
                "",
                "Continue as the root user",
            );
            return html_page(200, "Continue with an active session", &body);
        }
        PersonKind::Pages | PersonKind::Auto => {}
    }
    let code = cloud.ids.letters(48);
    let login = LoginCode {
        client: request.asked("client_id"),
        redirect_uri: redirect_uri.clone(),
        challenge,
        identity: cloud.root(),
        expires: in_a_minute(request.now),
    };
    let back = back(&redirect_uri, "code", &code, request);
    cloud.login_codes.insert(code, login);
    back
}

fn in_a_minute(now: Timestamp) -> Timestamp {
    now.saturating_add(Span::new().minutes(1)).unwrap_or(Timestamp::MAX)
}

/// To the program that asked, with the state it gave.
fn back(redirect_uri: &str, name: &str, value: &str, request: &PageRequest) -> Wire {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair(name, value)
        .append_pair("state", &request.asked("state"));
    let mut wire = sentence(302, TITLE, "The browser goes back to the program that asked.");
    wire.headers
        .push(("location", format!("{redirect_uri}?{}", query.finish())));
    wire
}

/// What a client asks for, checked.
struct Wanted {
    client: String,
    redirect_uri: String,
    challenge: String,
    instance: String,
}

impl Wanted {
    fn of(cloud: &Cloud, request: &PageRequest) -> Result<Self, &'static str> {
        let (id, redirect_uri) = (request.asked("client_id"), request.asked("redirect_uri"));
        let client = cloud.clients.get(&id).filter(|client| client.expires > request.now);
        let client = client.ok_or("This client is not registered.")?;
        let mut registered = client.redirect_uris.iter();
        if !registered.any(|registered| is_same_place(registered, &redirect_uri)) {
            return Err("This redirect_uri is not the one that was registered.");
        }
        let challenge = request.asked("code_challenge");
        let is_pkce = request.asked("code_challenge_method") == "S256" && !challenge.is_empty();
        if request.asked("response_type") != "code" || !is_pkce {
            return Err("Only response_type=code with an S256 code_challenge is taken.");
        }
        let issuer = client
            .issuer
            .as_deref()
            .unwrap_or_default()
            .trim_end_matches(['/', '#']);
        let known = cloud.instances.iter().find(|instance| {
            instance.active_at <= request.now && instance.start_urls().iter().any(|url| issuer == url)
        });
        Ok(Self {
            client: id,
            redirect_uri,
            challenge,
            instance: known
                .ok_or("The client's issuerUrl is no access portal here.")?
                .arn
                .clone(),
        })
    }
}

/// A loopback address is registered without its port, which is known only when somebody listens.
fn is_same_place(registered: &str, given: &str) -> bool {
    let without_port = given
        .strip_prefix("http://127.0.0.1:")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(port, _)| port.parse::<u16>().is_ok())
        .map(|(_, path)| format!("http://127.0.0.1/{path}"));
    registered == given || without_port.is_some_and(|given| registered == given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_to_a_loopback_port_and_nowhere_else() {
        let registered = "http://127.0.0.1/oauth/callback";
        assert!(is_same_place(registered, "http://127.0.0.1:8912/oauth/callback"));
        assert!(!is_same_place(registered, "http://127.0.0.1:8912/other"));
        assert!(!is_same_place(
            registered,
            "http://127.0.0.1:8912@evil.example/oauth/callback"
        ));
    }
}
