//! The index page, which links to the other pages, and the mailbox.

use super::html;
use crate::state::{Cloud, PersonKind};

/// Returns a paragraph about who does the tasks that need a person.
pub fn person_note(cloud: &Cloud) -> String {
    html::paragraph(match cloud.person.kind {
        PersonKind::Auto => {
            "A simulated person does these tasks automatically, shortly after a program starts to wait for them."
        }
        PersonKind::Pages => "You do the tasks that need a person.",
        PersonKind::Never => "Nobody does the tasks that need a person.",
    })
}

/// Returns the body of the index page.
pub fn index(cloud: &Cloud) -> String {
    let pages = [
        ("/console/singlesignon/home", "IAM Identity Center in the console"),
        (
            "/console/iam/security_credentials",
            "The root user's security credentials",
        ),
        ("/portal/start", "The access portal"),
        ("/mail", "The mailbox of everybody in this rehearsal"),
    ];
    let links = pages.map(|(path, label)| format!("<li>{}</li>", html::link(path, label)));
    format!("{}<ul>{}</ul>", person_note(cloud), links.concat())
}

/// Returns the body of the mailbox page, with the newest email first.
pub fn mailbox(cloud: &Cloud) -> String {
    if cloud.mails.is_empty() {
        return html::paragraph("There are no emails.");
    }
    let mails = cloud.mails.iter().rev().map(|mail| {
        let link = mail
            .link
            .as_ref()
            .map(|link| format!("<p>{}</p>", html::link(link, "Follow the link")));
        format!(
            "<article><h2>{}</h2><p>From {} to {}</p>{}{}</article>",
            html::escape(&mail.subject),
            html::escape(&mail.from),
            html::escape(&mail.to),
            html::paragraph(&mail.text),
            link.unwrap_or_default()
        )
    });
    mails.collect()
}
