//! Building blocks of the pages: plain HTML in one column, without scripts. Each field has a label, and each page
//! contains the word REHEARSAL.

use std::fmt::Write as _;

use crate::protocol::wire::WireResponse;
pub use crate::protocol::xml::escape;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;\
    color:#16191f;background:#fff}header{background:#ffe08a;padding:.3rem .6rem;font-weight:600}\
    label{display:block;margin:.6rem 0}input[type=text],input[type=email],input[type=password]{display:block;width:100%;\
    font:inherit;padding:.3rem;box-sizing:border-box}button{font:inherit;padding:.4rem 1rem;margin:.6rem .6rem .6rem 0}\
    .error{border-left:4px solid #b00020;padding-left:.6rem}code{font-size:1.3rem;letter-spacing:.1em}\
    @media(prefers-color-scheme:dark){body{color:#eee;background:#16191f}header{color:#16191f}a{color:#8ab4ff}}";

/// Returns a page. `body` is HTML.
pub fn html_page(status: u16, title: &str, body: &str) -> WireResponse {
    WireResponse {
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

/// Returns a page that contains only a message.
pub fn message_page(status: u16, title: &str, message: &str) -> WireResponse {
    html_page(status, title, &paragraph(message))
}

/// Returns a paragraph.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

/// Returns an error message, to be shown above the form that caused it.
pub fn error_message(text: &str) -> String {
    format!("<p class=\"error\" role=\"alert\">{}</p>", escape(text))
}

/// Returns a link.
pub fn link(url: &str, label: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(url), escape(label))
}

/// Returns a redirect to a page of the simulation.
pub fn redirect(url: &str) -> WireResponse {
    let mut response = html_page(303, "One moment", &link(url, "Go on"));
    response.headers.push(("location", url.to_owned()));
    response
}

/// Returns a form that is submitted by POST. `hidden` contains the names and values of hidden fields, and `fields` is
/// HTML.
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

/// Returns an input field with its label.
pub fn field(kind: &str, name: &str, label: &str, value: &str) -> String {
    let (label, value) = (escape(label), escape(value));
    format!("<label>{label}<input type=\"{kind}\" id=\"{name}\" name=\"{name}\" value=\"{value}\" required></label>")
}

/// Returns a radio button with its label.
pub fn radio(name: &str, value: &str, label: &str, chosen: bool) -> String {
    let checked = if chosen { " checked" } else { "" };
    let label = escape(label);
    format!("<label><input type=\"radio\" name=\"{name}\" value=\"{value}\"{checked}> {label}</label>")
}

/// Returns a checkbox with its label.
pub fn checkbox(name: &str, label: &str, chosen: bool) -> String {
    let checked = if chosen { " checked" } else { "" };
    let label = escape(label);
    format!("<label><input type=\"checkbox\" name=\"{name}\" value=\"on\"{checked}> {label}</label>")
}
