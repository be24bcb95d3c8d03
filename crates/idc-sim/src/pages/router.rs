//! Routes a browser's request to its page.

use super::front::{index, mailbox};
use super::request::PageRequest;
use super::{authorize, console, portal};
use serde_json::json;

use crate::protocol::wire::WireResponse;
use crate::services::not_simulated;
use crate::state::Cloud;

/// Returns the requested page. A path that is neither a page nor a simulated operation gets an HTTP 501 error that
/// names it.
pub fn page(cloud: &mut Cloud, request: &PageRequest) -> WireResponse {
    cloud.settle(request.now);
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let page = match parts.as_slice() {
        [""] if !request.is_post() => Some(index(cloud, request)),
        ["authorize"] => Some(authorize::page(cloud, request)),
        ["v1", "authorize"] => Some(authorize::login_page(cloud, request)),
        ["mail"] => Some(mailbox(cloud, request)),
        ["console", rest @ ..] => console::page(cloud, request, rest),
        ["portal", rest @ ..] => portal::page(cloud, request, rest),
        _ => None,
    };
    page.unwrap_or_else(|| {
        let error = not_simulated("HTTP", request.path);
        WireResponse {
            status: error.status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: json!({"__type": error.code, "Message": error.message}).to_string(),
            error: Some(error.code),
        }
    })
}
