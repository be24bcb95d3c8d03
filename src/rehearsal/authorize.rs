//! The authorization endpoint of the code flow with PKCE: where a browser is sent, and sent back from.

use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};

use super::pages;
use super::person;
use super::proof::base64url;
use super::protocol::Wire;
use super::world::{AuthorizationCode, World};

/// `GET /authorize`: the person signs in and allows it, and the browser goes back with a code.
pub fn page(world: &mut World, query: &str, now: Timestamp) -> Wire {
    match authorize(world, query, now) {
        Ok(location) => {
            let mut wire = pages::html(302, "Signed in. The browser goes back to the program that asked.");
            wire.headers.push(("location", location));
            wire
        }
        Err(why) => pages::html(400, why),
    }
}

/// S256: the challenge of a verifier, in base64url without padding.
pub fn challenge(verifier: &str) -> String {
    base64url(&Sha256::digest(verifier.as_bytes()))
}

fn authorize(world: &mut World, query: &str, now: Timestamp) -> Result<String, &'static str> {
    let members: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let member = |name: &str| {
        let found = members.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (client_id, redirect_uri) = (member("client_id"), member("redirect_uri"));
    let client = world.clients.get(&client_id).filter(|client| client.expires > now);
    let client = client.ok_or("This client is not registered.")?;
    if !client
        .redirect_uris
        .iter()
        .any(|registered| is_same_place(registered, &redirect_uri))
    {
        return Err("This redirect_uri is not the one that was registered.");
    }
    let challenge = member("code_challenge");
    if member("response_type") != "code" || member("code_challenge_method") != "S256" || challenge.is_empty() {
        return Err("Only response_type=code with an S256 code_challenge is taken.");
    }
    let issuer = client.issuer.clone().unwrap_or_default();
    let known = world.instances.iter().find(|instance| {
        instance.active_at <= now
            && instance
                .start_urls()
                .iter()
                .any(|url| issuer.trim_end_matches(['/', '#']) == url)
    });
    let instance = known
        .ok_or("The client's issuerUrl is no access portal here.")?
        .arn
        .clone();
    if !world.person.present {
        return Err("This rehearsal has no person, so nobody signs in.");
    }
    let user = person::sign_in(world, &instance).ok_or("There is no user to sign in as.")?;
    let code = world.ids.letters(48);
    world.codes.insert(
        code.clone(),
        AuthorizationCode {
            client: client_id,
            redirect_uri: redirect_uri.clone(),
            challenge,
            instance,
            user,
            expires: now.saturating_add(Span::new().minutes(1)).unwrap_or(Timestamp::MAX),
        },
    );
    let mut back = form_urlencoded::Serializer::new(String::new());
    back.append_pair("code", &code).append_pair("state", &member("state"));
    Ok(format!("{redirect_uri}?{}", back.finish()))
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
