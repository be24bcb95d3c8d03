//! Takes a browser's request to its page.

use super::front::{front, mailbox};
use super::request::PageRequest;
use super::{authorize, console, html, portal};
use crate::protocol::wire::Wire;
use crate::services::not_simulated;
use crate::state::Cloud;

/// The page that was asked for; anything that is neither a page nor a simulated operation is 501, by name.
pub fn page(cloud: &mut Cloud, request: &PageRequest) -> Wire {
    cloud.settle(request.now);
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let page = match parts.as_slice() {
        [""] if !request.is_post() => Some(html::page(200, "Rehearsal", &front(cloud))),
        ["authorize"] => Some(authorize::page(cloud, request)),
        ["v1", "authorize"] => Some(authorize::console_session(cloud, request)),
        ["mail"] => Some(html::page(200, "Mailbox", &mailbox(cloud))),
        ["console", rest @ ..] => console::page(cloud, request, rest),
        ["portal", rest @ ..] => portal::page(cloud, request, rest),
        _ => None,
    };
    page.unwrap_or_else(|| {
        let error = not_simulated("HTTP", request.path);
        Wire {
            status: error.status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: error.json_body().to_string(),
            error: Some(error.code),
        }
    })
}
