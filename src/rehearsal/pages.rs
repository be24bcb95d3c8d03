//! What a browser sees of the rehearsal: which service is not simulated, and where a link would have led.

use super::protocol::Wire;
use super::services::not_simulated;
use super::world::World;

/// The page at `path`; anything that is neither a page nor a simulated operation is 501, by name.
pub fn page(world: &World, path: &str) -> Wire {
    let told = if path.starts_with("/console/") {
        "In a real run this link opens the AWS console."
    } else if path.starts_with("/portal/") {
        "In a real run this link opens the AWS access portal."
    } else {
        let refusal = not_simulated("HTTP", path);
        return Wire {
            status: refusal.status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: refusal.json_body().to_string(),
            error: Some(refusal.code),
        };
    };
    let person = if world.person.present {
        "The rehearsed person does it by themselves, a moment after it is asked for."
    } else {
        "This rehearsal has no person, so it stays undone."
    };
    html(200, &format!("{told} {person}"))
}

/// A page with one sentence. It is ours, so it needs no escaping.
pub fn html(status: u16, words: &str) -> Wire {
    Wire {
        status,
        headers: vec![("content-type", "text/html; charset=utf-8".to_owned())],
        error: None,
        body: format!(
            "<!doctype html><html lang=\"en\"><title>REHEARSAL</title><h1>REHEARSAL</h1><p>{words}</p></html>"
        ),
    }
}
