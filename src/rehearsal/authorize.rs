//! The authorization endpoints of the code flow with PKCE: where a browser is sent, and sent back from. One is
//! Identity Center's, for the access portal; the other is AWS Sign-In's, for `aws login`.

use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};

use super::pages::Visit;
use super::pages::html::{form, page as html_page, sentence, text};
use super::person;
use super::proof::base64url;
use super::protocol::Wire;
use super::world::{AuthorizationCode, LoginCode, PersonKind, World};

const TITLE: &str = "Sign-in";

/// `/authorize`: the person signs in and allows it, and the browser goes back with a code.
pub fn page(world: &mut World, visit: &Visit) -> Wire {
    let request = match Wanted::of(world, visit) {
        Ok(request) => request,
        Err(why) => return sentence(400, TITLE, why),
    };
    let user = match world.person.kind {
        PersonKind::Never => return sentence(400, TITLE, "This rehearsal has no person, so nobody signs in."),
        PersonKind::Auto => match person::sign_in(world, &request.instance) {
            Some(user) => user,
            None => return sentence(400, TITLE, "There is no user to sign in as."),
        },
        PersonKind::Pages => match super::pages::signed_in(world, visit, &request.instance) {
            None => return super::pages::first_sign_in(visit, &request.instance),
            Some(_) if !visit.is_post() => return ask_consent(visit),
            Some(_) if visit.sent("what") != "allow" => {
                return back(&request.redirect_uri, "error", "access_denied", visit);
            }
            Some(user) => user,
        },
    };
    let code = world.ids.letters(48);
    let back = back(&request.redirect_uri, "code", &code, visit);
    world.codes.insert(
        code,
        AuthorizationCode {
            client: request.client,
            redirect_uri: request.redirect_uri,
            challenge: request.challenge,
            instance: request.instance,
            user,
            expires: in_a_minute(visit.now),
        },
    );
    back
}

fn ask_consent(visit: &Visit) -> Wire {
    let address = visit.address();
    let body = [
        text("Allow the program on this machine that asked for it to access your AWS accounts?"),
        form(&address, &[("what", "allow")], "", "Allow access"),
        form(&address, &[("what", "deny")], "", "Deny access"),
    ];
    html_page(200, "Allow access?", &body.concat())
}

/// `/v1/authorize` of AWS Sign-In: the console session, root's here, is lent to a program on this machine.
pub fn console_session(world: &mut World, visit: &Visit) -> Wire {
    let redirect_uri = visit.asked("redirect_uri");
    let is_loopback = is_same_place("http://127.0.0.1/oauth/callback", &redirect_uri);
    let challenge = visit.asked("code_challenge");
    let complete = visit.asked("response_type") == "code"
        && visit.asked("code_challenge_method") == "SHA-256"
        && visit.asked("client_id") == "arn:aws:signin:::devtools/same-device"
        && !challenge.is_empty();
    if !is_loopback || !complete {
        let why = "Only aws login on this machine is simulated, with an SHA-256 code_challenge.";
        return sentence(400, TITLE, why);
    }
    match world.person.kind {
        PersonKind::Never => return sentence(400, TITLE, "This rehearsal has no person, so nobody signs in."),
        PersonKind::Pages if !visit.is_post() => {
            let body = form(&visit.address(), &[("what", "allow")], "", "Continue as the root user");
            return html_page(200, "Continue with an active session", &body);
        }
        PersonKind::Pages | PersonKind::Auto => {}
    }
    let code = world.ids.letters(48);
    let login = LoginCode {
        client: visit.asked("client_id"),
        redirect_uri: redirect_uri.clone(),
        challenge,
        identity: world.root(),
        expires: in_a_minute(visit.now),
    };
    let back = back(&redirect_uri, "code", &code, visit);
    world.login_codes.insert(code, login);
    back
}

fn in_a_minute(now: Timestamp) -> Timestamp {
    now.saturating_add(Span::new().minutes(1)).unwrap_or(Timestamp::MAX)
}

/// To the program that asked, with the state it gave.
fn back(redirect_uri: &str, name: &str, value: &str, visit: &Visit) -> Wire {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair(name, value)
        .append_pair("state", &visit.asked("state"));
    let mut wire = sentence(302, TITLE, "The browser goes back to the program that asked.");
    wire.headers
        .push(("location", format!("{redirect_uri}?{}", query.finish())));
    wire
}

/// S256: the challenge of a verifier, in base64url without padding.
pub fn challenge(verifier: &str) -> String {
    base64url(&Sha256::digest(verifier.as_bytes()))
}

/// What a client asks for, checked.
struct Wanted {
    client: String,
    redirect_uri: String,
    challenge: String,
    instance: String,
}

impl Wanted {
    fn of(world: &World, visit: &Visit) -> Result<Self, &'static str> {
        let (id, redirect_uri) = (visit.asked("client_id"), visit.asked("redirect_uri"));
        let client = world.clients.get(&id).filter(|client| client.expires > visit.now);
        let client = client.ok_or("This client is not registered.")?;
        let mut registered = client.redirect_uris.iter();
        if !registered.any(|registered| is_same_place(registered, &redirect_uri)) {
            return Err("This redirect_uri is not the one that was registered.");
        }
        let challenge = visit.asked("code_challenge");
        let is_pkce = visit.asked("code_challenge_method") == "S256" && !challenge.is_empty();
        if visit.asked("response_type") != "code" || !is_pkce {
            return Err("Only response_type=code with an S256 code_challenge is taken.");
        }
        let issuer = client
            .issuer
            .as_deref()
            .unwrap_or_default()
            .trim_end_matches(['/', '#']);
        let known = world
            .instances
            .iter()
            .find(|instance| instance.active_at <= visit.now && instance.start_urls().iter().any(|url| issuer == url));
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
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

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
