//! What a browser sees of the rehearsal: the console's pages that no API reaches, the access portal with its
//! sign-in, and a mailbox. With `--person pages` whoever sits before the browser is the person.

mod console;
pub mod html;
mod portal;
mod sign_in;

use jiff::Timestamp;

pub use sign_in::{first_sign_in, signed_in};

use super::authorize;
use super::protocol::Wire;
use super::services::not_simulated;
use super::world::{PersonKind, World};

/// A browser's request.
pub struct Visit<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The query string as it came.
    pub query: &'a str,
    /// What a form sent.
    pub form: Vec<(String, String)>,
    /// The `Cookie` header.
    pub cookie: &'a str,
    /// The server's clock.
    pub now: Timestamp,
}

impl Visit<'_> {
    /// A member of the query string; empty where there is none.
    pub fn asked(&self, name: &str) -> String {
        let found = form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// A member of the form; empty where there is none.
    pub fn sent(&self, name: &str) -> &str {
        let found = self.form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Whether a form was sent.
    pub fn is_post(&self) -> bool {
        self.method == "POST"
    }

    /// This very address, to come back to.
    pub fn address(&self) -> String {
        if self.query.is_empty() {
            self.path.to_owned()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

/// The page that was asked for; anything that is neither a page nor a simulated operation is 501, by name.
pub fn page(world: &mut World, visit: &Visit) -> Wire {
    world.settle(visit.now);
    let parts: Vec<&str> = visit.path.trim_matches('/').split('/').collect();
    let page = match parts.as_slice() {
        [""] if !visit.is_post() => Some(html::page(200, "Rehearsal", &front(world))),
        ["authorize"] => Some(authorize::page(world, visit)),
        ["v1", "authorize"] => Some(authorize::console_session(world, visit)),
        ["mail"] => Some(html::page(200, "Mailbox", &mailbox(world))),
        ["console", rest @ ..] => console::page(world, visit, rest),
        ["portal", rest @ ..] => portal::page(world, visit, rest),
        _ => None,
    };
    page.unwrap_or_else(|| {
        let refusal = not_simulated("HTTP", visit.path);
        Wire {
            status: refusal.status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: refusal.json_body().to_string(),
            error: Some(refusal.code),
        }
    })
}

/// Who does the human tasks here.
fn who_acts(world: &World) -> String {
    html::text(match world.person.kind {
        PersonKind::Auto => "The rehearsed person does it by themselves, a moment after somebody waits for it.",
        PersonKind::Pages => "You are the person here.",
        PersonKind::Never => "This rehearsal has no person.",
    })
}

fn front(world: &World) -> String {
    let places = [
        ("/console/singlesignon/home", "IAM Identity Center in the console"),
        (
            "/console/iam/security_credentials",
            "The root user's security credentials",
        ),
        ("/portal/start", "The access portal"),
        ("/mail", "The mailbox of everybody in this rehearsal"),
    ];
    let links = places.map(|(path, words)| format!("<li>{}</li>", html::link(path, words)));
    format!("{}<ul>{}</ul>", who_acts(world), links.concat())
}

/// Newest first, as a mailbox has them.
fn mailbox(world: &World) -> String {
    if world.mails.is_empty() {
        return html::text("No mail has come.");
    }
    let mails = world.mails.iter().rev().map(|mail| {
        let link = mail
            .link
            .as_ref()
            .map(|link| format!("<p>{}</p>", html::link(link, "Follow the link")));
        format!(
            "<article><h2>{}</h2><p>From {} to {}</p>{}{}</article>",
            html::escape(&mail.subject),
            html::escape(&mail.from),
            html::escape(&mail.to),
            html::text(&mail.text),
            link.unwrap_or_default()
        )
    });
    mails.collect()
}
