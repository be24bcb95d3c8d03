//! The first page, which leads to all others, and the mailbox.

use super::html;
use crate::state::{Cloud, PersonKind};

/// Who does the human tasks here.
pub fn who_acts(cloud: &Cloud) -> String {
    html::text(match cloud.person.kind {
        PersonKind::Auto => "The rehearsed person does it by themselves, a moment after somebody waits for it.",
        PersonKind::Pages => "You are the person here.",
        PersonKind::Never => "This rehearsal has no person.",
    })
}

pub fn front(cloud: &Cloud) -> String {
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
    format!("{}<ul>{}</ul>", who_acts(cloud), links.concat())
}

/// Newest first, as a mailbox has them.
pub fn mailbox(cloud: &Cloud) -> String {
    if cloud.mails.is_empty() {
        return html::text("No mail has come.");
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
            html::text(&mail.text),
            link.unwrap_or_default()
        )
    });
    mails.collect()
}
