//! Plain, fast HTML: no scripts, one column, labels that belong to their fields, and the word REHEARSAL.

use std::fmt::Write as _;

use crate::protocol::wire::Wire;
pub use crate::protocol::xml::escape;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;\
    color:#16191f;background:#fff}header{background:#ffe08a;padding:.3rem .6rem;font-weight:600}\
    label{display:block;margin:.6rem 0}input[type=text],input[type=email],input[type=password]{display:block;width:100%;\
    font:inherit;padding:.3rem;box-sizing:border-box}button{font:inherit;padding:.4rem 1rem;margin:.6rem .6rem .6rem 0}\
    .error{border-left:4px solid #b00020;padding-left:.6rem}code{font-size:1.3rem;letter-spacing:.1em}\
    @media(prefers-color-scheme:dark){body{color:#eee;background:#16191f}header{color:#16191f}a{color:#8ab4ff}}";

/// A page; `body` is HTML.
pub fn page(status: u16, title: &str, body: &str) -> Wire {
    Wire {
        status,
        headers: vec![
            ("content-type", "text/html; charset=utf-8".to_owned()),
            ("cache-control", "no-store".to_owned()),
        ],
        error: None,
        body: format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>{title} · REHEARSAL</title><style>{STYLE}</style></head><body>\
             <header>REHEARSAL: a simulated AWS. Nothing here is real.</header><main><h1>{title}</h1>{body}</main></body></html>",
            title = escape(title)
        ),
    }
}

/// A page with one sentence.
pub fn sentence(status: u16, title: &str, words: &str) -> Wire {
    page(status, title, &text(words))
}

/// A paragraph.
pub fn text(words: &str) -> String {
    format!("<p>{}</p>", escape(words))
}

/// What went wrong, before the form that may be sent again.
pub fn error(words: &str) -> String {
    format!("<p class=\"error\" role=\"alert\">{}</p>", escape(words))
}

/// A link.
pub fn link(to: &str, words: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(to), escape(words))
}

/// Sends the browser on.
pub fn go_to(place: &str) -> Wire {
    let mut wire = page(303, "One moment", &link(place, "Go on"));
    wire.headers.push(("location", place.to_owned()));
    wire
}

/// A form that is sent by POST. `fields` is HTML; `hidden` are names and values that go along.
pub fn form(action: &str, hidden: &[(&str, &str)], fields: &str, button: &str) -> String {
    let mut out = format!("<form method=\"post\" action=\"{}\">", escape(action));
    for (name, value) in hidden {
        let _ = write!(
            out,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escape(value)
        );
    }
    let _ = write!(
        out,
        "{fields}<button type=\"submit\">{}</button></form>",
        escape(button)
    );
    out
}

/// A field with its label.
pub fn field(kind: &str, name: &str, label: &str, value: &str) -> String {
    let (label, value) = (escape(label), escape(value));
    format!("<label>{label}<input type=\"{kind}\" id=\"{name}\" name=\"{name}\" value=\"{value}\" required></label>")
}

/// One of several ways.
pub fn choice(name: &str, value: &str, label: &str, chosen: bool) -> String {
    let checked = if chosen { " checked" } else { "" };
    let label = escape(label);
    format!("<label><input type=\"radio\" name=\"{name}\" value=\"{value}\"{checked}> {label}</label>")
}

/// Yes or no.
pub fn tick(name: &str, label: &str, chosen: bool) -> String {
    let checked = if chosen { " checked" } else { "" };
    let label = escape(label);
    format!("<label><input type=\"checkbox\" name=\"{name}\" value=\"on\"{checked}> {label}</label>")
}
