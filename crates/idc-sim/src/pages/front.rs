//! The index page, which links to the other pages, and the mailbox.

use std::fmt::Write as _;

use super::html::{Look, Page, Place, escape, link, message_page};
use super::request::PageRequest;
use super::sign_in::invited_user;
use crate::protocol::wire::WireResponse;
use crate::state::{Cloud, Mail, PersonKind};

/// Returns who does the tasks that need a person, unless it is the user of the pages.
pub fn person_note(cloud: &Cloud) -> Option<&'static str> {
    match cloud.person.kind {
        PersonKind::Auto => {
            Some("A simulated person does these tasks automatically, shortly after a program starts to wait for them.")
        }
        PersonKind::Pages => None,
        PersonKind::Never => Some("Nobody does the tasks that need a person."),
    }
}

/// The index page.
pub fn index(cloud: &Cloud) -> WireResponse {
    let pages = [
        ("/console/singlesignon/home", "IAM Identity Center"),
        ("/console/iam/security_credentials", "The root user"),
        ("/portal/start", "The access portal"),
        ("/mail", "The mailbox"),
    ];
    let links: String = pages.iter().map(|(path, label)| link(path, label)).collect();
    Page::new(Place::Rehearsal, "Rehearsal")
        .text(person_note(cloud).unwrap_or_default())
        .html(&format!("<nav aria-label=\"All pages\">{links}</nav>"))
        .response()
}

/// The mailbox, with the newest email first.
pub fn mailbox(cloud: &Cloud, request: &PageRequest) -> WireResponse {
    if cloud.mails.is_empty() {
        return message_page(200, Place::Mailbox, "Emails", "There are no emails.");
    }
    let mut page = Page::new(Place::Mailbox, "Emails");
    let mut look = Look::Primary;
    let mut mails = String::new();
    for (index, mail) in cloud.mails.iter().enumerate().rev() {
        let id = format!("mail-{index}");
        let _ = write!(
            mails,
            "<article class=\"mail\"><h2 id=\"{id}\">{}</h2><p class=\"from\">From {} to {}</p><p>{}</p>",
            escape(&mail.subject),
            escape(&mail.from),
            escape(&mail.to),
            escape(&mail.text)
        );
        match &mail.link {
            Some(url) if is_valid(cloud, mail, request) => {
                let focus = page.focus_on(look == Look::Primary);
                let class = if look == Look::Primary { "primary" } else { "quiet" };
                look = Look::Quiet;
                let _ = write!(
                    mails,
                    "<p class=\"actions\"><a class=\"button {class}\" aria-describedby=\"{id}\" \
                     href=\"{}\"{focus}>Follow the link</a></p>",
                    escape(url)
                );
            }
            Some(_) => mails.push_str("<p class=\"from\">The link in this email is no longer valid.</p>"),
            None => {}
        }
        mails.push_str("</article>");
    }
    page.html(&mails).response()
}

/// Returns whether the link in an email still lets a user set a password.
fn is_valid(cloud: &Cloud, mail: &Mail, request: &PageRequest) -> bool {
    let token = mail.link.as_ref().and_then(|link| link.split("token=").nth(1));
    token.is_some_and(|token| invited_user(cloud, token, request.now).is_some())
}
