//! Building blocks of the pages: a card in one column, without scripts and external resources. Each page contains the
//! word REHEARSAL, has at most one primary action, and can be used with the keyboard alone.

use std::fmt::Write as _;

use super::style::{ICON, STYLE};
use crate::protocol::wire::WireResponse;
pub use crate::protocol::xml::escape;

/// What the last page of each task says.
const DONE: &str = "Done, return to your terminal.";

/// Forbids scripts, frames, and everything that is not in the page itself. Forms are not restricted, because the consent
/// page redirects to the program that requested access.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// What a page stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing: the page belongs to the rehearsal itself.
    Rehearsal,
    /// The AWS Management Console.
    Console,
    /// AWS Sign-In and the access portal.
    Portal,
    /// The mailbox of the users.
    Mailbox,
}

impl Place {
    /// Returns its name, or an empty string.
    fn name(self) -> &'static str {
        match self {
            Self::Rehearsal => "",
            Self::Console => "AWS Management Console",
            Self::Portal => "AWS access portal",
            Self::Mailbox => "Mailbox",
        }
    }
}

/// How prominent an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The one action that most users want.
    Primary,
    /// Any other action.
    Quiet,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Quiet => "quiet",
        }
    }
}

/// A page under construction. The first text field has the focus, or else the primary action, or else the heading.
pub struct Page {
    status: u16,
    place: Place,
    title: String,
    body: String,
    has_error: bool,
    has_focus: bool,
    is_heading_focused: bool,
}

impl Page {
    /// Starts a page with this heading.
    pub fn new(place: Place, title: &str) -> Self {
        Self {
            status: 200,
            place,
            title: title.to_owned(),
            body: String::new(),
            has_error: false,
            has_focus: false,
            is_heading_focused: false,
        }
    }

    /// Sets the HTTP status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds HTML.
    pub fn html(mut self, html: &str) -> Self {
        self.body.push_str(html);
        self
    }

    /// Adds a paragraph. An empty text adds nothing.
    pub fn text(self, text: &str) -> Self {
        if text.is_empty() {
            return self;
        }
        self.html(&format!("<p>{}</p>", escape(text)))
    }

    /// Adds a heading of a section.
    pub fn section(self, heading: &str) -> Self {
        self.html(&format!("<h2>{}</h2>", escape(heading)))
    }

    /// Adds a hint that the real page does not have.
    pub fn hint(self, html: &str) -> Self {
        self.html(&format!(
            "<p class=\"hint\"><strong>In this rehearsal:</strong> {html}</p>"
        ))
    }

    /// Adds an error message, to be shown above the form that caused it. An empty message adds nothing.
    pub fn error(mut self, message: &str) -> Self {
        if message.is_empty() {
            return self;
        }
        self.has_error = true;
        self.html(&format!(
            "<p class=\"error\" id=\"error\" role=\"alert\">{}</p>",
            escape(message)
        ))
    }

    /// Says that the task of this page is done. The heading has the focus, because the next step is in the terminal.
    pub fn done(mut self) -> Self {
        self.is_heading_focused = !self.focus_on(true).is_empty();
        self.html(&format!(
            "<p class=\"done\" role=\"status\"><span class=\"mark\" aria-hidden=\"true\">✓</span><strong>{DONE}</strong></p>"
        ))
    }

    /// Adds a link that looks like a button.
    pub fn action(mut self, look: Look, url: &str, label: &str) -> Self {
        let focus = self.focus_on(look == Look::Primary);
        self.html(&format!(
            "<p class=\"actions\"><a class=\"button {}\" href=\"{}\"{focus}>{}</a></p>",
            look.class(),
            escape(url),
            escape(label)
        ))
    }

    /// Adds forms. Forms without visible fields are shown side by side.
    pub fn forms(mut self, forms: &[Form]) -> Self {
        let mut html = String::from("<div class=\"actions\">");
        for form in forms {
            let has_text = form.fields.iter().any(|field| field.kind.is_text());
            let text_focus = self.focus_on(has_text);
            let button_focus = self.focus_on(form.look == Look::Primary);
            html.push_str(&form.html(text_focus, button_focus, self.has_error));
        }
        html.push_str("</div>");
        self.html(&html)
    }

    /// Returns the attribute that gives the focus to an element, if it should have the focus and no other one has it.
    pub fn focus_on(&mut self, is_wanted: bool) -> &'static str {
        if !is_wanted || self.has_focus {
            return "";
        }
        self.has_focus = true;
        " autofocus"
    }

    /// Returns the finished page.
    pub fn response(mut self) -> WireResponse {
        let title = escape(&self.title);
        let error = if self.has_error { "Error: " } else { "" };
        // With the focus on the heading, a screen reader starts to read there.
        let is_heading_focused = self.is_heading_focused || !self.focus_on(true).is_empty();
        let heading_focus = if is_heading_focused {
            " tabindex=\"-1\" autofocus"
        } else {
            ""
        };
        let footer = if self.place == Place::Rehearsal {
            ""
        } else {
            "<footer><nav aria-label=\"Rehearsal\"><a href=\"/\">All tasks</a><a href=\"/mail\">Mailbox</a></nav></footer>"
        };
        let place = match self.place.name() {
            "" => String::new(),
            name => format!("<p class=\"place\">{name}</p>"),
        };
        let body = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
             <title>{error}{title} · REHEARSAL</title><link rel=\"icon\" href=\"{ICON}\"><style>{STYLE}</style></head>\
             <body><header><strong>REHEARSAL</strong> <span>A simulated AWS. Nothing is real.</span></header>\
             <main>{place}<h1{heading_focus}>{title}</h1>{}</main>{footer}</body></html>",
            self.body
        );
        WireResponse {
            status: self.status,
            headers: vec![
                ("content-type", "text/html; charset=utf-8".to_owned()),
                ("cache-control", "no-store".to_owned()),
                ("content-security-policy", CONTENT_SECURITY_POLICY.to_owned()),
            ],
            error: None,
            body,
        }
    }
}

/// A form that is submitted by POST.
pub struct Form {
    action: String,
    hidden: Vec<(&'static str, String)>,
    fields: Vec<Field>,
    button: String,
    look: Look,
}

impl Form {
    /// A form whose button is the primary action of the page.
    pub fn primary(action: &str, button: &str) -> Self {
        Self {
            action: action.to_owned(),
            hidden: Vec::new(),
            fields: Vec::new(),
            button: button.to_owned(),
            look: Look::Primary,
        }
    }

    /// A form with another action.
    pub fn quiet(action: &str, button: &str) -> Self {
        Self {
            look: Look::Quiet,
            ..Self::primary(action, button)
        }
    }

    /// Adds a hidden field.
    pub fn hidden(mut self, name: &'static str, value: &str) -> Self {
        self.hidden.push((name, value.to_owned()));
        self
    }

    /// Adds a field.
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    fn html(&self, mut text_focus: &'static str, button_focus: &'static str, has_error: bool) -> String {
        let class = if self.fields.is_empty() { "bare" } else { "filled" };
        let mut html = format!(
            "<form class=\"{class}\" method=\"post\" action=\"{}\">",
            escape(&self.action)
        );
        for (name, value) in &self.hidden {
            let _ = write!(
                html,
                "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
                escape(value)
            );
        }
        for field in &self.fields {
            let focus = if field.kind.is_text() {
                std::mem::take(&mut text_focus)
            } else {
                ""
            };
            let is_described = has_error && !focus.is_empty();
            html.push_str(&field.html(focus, is_described));
        }
        let _ = write!(
            html,
            "<button type=\"submit\" class=\"button {}\"{button_focus}>{}</button></form>",
            self.look.class(),
            escape(&self.button)
        );
        html
    }
}

/// A field of a form, with its label.
pub struct Field {
    name: &'static str,
    label: String,
    kind: Kind,
}

enum Kind {
    /// An input field: its type, its value, and what browsers and password managers may fill in.
    Text(&'static str, String, &'static str),
    /// Radio buttons: values and labels. The first one is chosen.
    Choice(&'static [(&'static str, &'static str)]),
    /// A checkbox, and whether it is checked.
    Checkbox(bool),
}

impl Kind {
    fn is_text(&self) -> bool {
        matches!(self, Self::Text(..))
    }
}

impl Field {
    /// A field for text of this type: `text`, `email` or `password`.
    pub fn text(kind: &'static str, name: &'static str, label: &str, value: &str) -> Self {
        Self::typed(Kind::Text(kind, value.to_owned(), "off"), name, label)
    }

    /// Sets what browsers and password managers may fill in.
    pub fn autocomplete(mut self, what: &'static str) -> Self {
        if let Kind::Text(_, _, autocomplete) = &mut self.kind {
            *autocomplete = what;
        }
        self
    }

    /// Radio buttons: values and labels. The first one is chosen.
    pub fn choice(name: &'static str, legend: &str, options: &'static [(&'static str, &'static str)]) -> Self {
        Self::typed(Kind::Choice(options), name, legend)
    }

    /// A checkbox.
    pub fn checkbox(name: &'static str, label: &str, is_checked: bool) -> Self {
        Self::typed(Kind::Checkbox(is_checked), name, label)
    }

    fn typed(kind: Kind, name: &'static str, label: &str) -> Self {
        Self {
            name,
            label: label.to_owned(),
            kind,
        }
    }

    fn html(&self, focus: &str, is_described: bool) -> String {
        let (name, label) = (self.name, escape(&self.label));
        match &self.kind {
            Kind::Text(kind, value, autocomplete) => {
                let described = if is_described {
                    " aria-describedby=\"error\""
                } else {
                    ""
                };
                let value = escape(value);
                format!(
                    "<div class=\"field\"><label for=\"{name}\">{label}</label><input type=\"{kind}\" id=\"{name}\" \
                     name=\"{name}\" value=\"{value}\" autocomplete=\"{autocomplete}\" autocapitalize=\"none\" \
                     spellcheck=\"false\" required{described}{focus}></div>"
                )
            }
            Kind::Choice(options) => {
                let mut html = format!("<fieldset><legend>{label}</legend>");
                for (index, (value, label)) in options.iter().enumerate() {
                    let checked = if index == 0 { " checked" } else { "" };
                    let _ = write!(
                        html,
                        "<label class=\"choice\"><input type=\"radio\" name=\"{name}\" value=\"{value}\"{checked}>\
                         <span>{}</span></label>",
                        escape(label)
                    );
                }
                html.push_str("</fieldset>");
                html
            }
            Kind::Checkbox(is_checked) => {
                let checked = if *is_checked { " checked" } else { "" };
                format!(
                    "<label class=\"choice\"><input type=\"checkbox\" name=\"{name}\" value=\"on\"{checked}>\
                     <span>{label}</span></label>"
                )
            }
        }
    }
}

/// Returns a page that contains only a message, because something is not possible.
pub fn message_page(status: u16, place: Place, title: &str, message: &str) -> WireResponse {
    Page::new(place, title).status(status).text(message).response()
}

/// Returns a link.
pub fn link(url: &str, label: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(url), escape(label))
}

/// Returns a link to the mailbox that keeps the current page open. To go back to it would submit its form again.
pub fn mailbox_in_new_tab() -> String {
    "<a href=\"/mail\" target=\"_blank\" rel=\"noopener\">Open the mailbox in a new tab</a>".to_owned()
}

/// Returns a redirect to a page of the simulation.
pub fn redirect(url: &str) -> WireResponse {
    let mut response = Page::new(Place::Rehearsal, "One moment")
        .action(Look::Primary, url, "Go on")
        .status(303)
        .response();
    response.headers.push(("location", url.to_owned()));
    response
}
