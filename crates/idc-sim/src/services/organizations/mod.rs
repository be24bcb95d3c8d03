//! AWS Organizations: the organization, its accounts and units, policies, trusted access and delegated administrators.

mod invalid_input;
mod membership;
mod organization;
mod policies;
mod units;

use serde_json::Value;

use crate::protocol::error::ServiceResult;
use crate::services::paging::List;
use crate::services::request::Request;
use crate::state::{Cloud, Identity};

pub use invalid_input::violated;

/// Handles an operation of `organizations`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    organization::handle(cloud, caller, request)
        .or_else(|| membership::handle(cloud, request))
        .or_else(|| policies::handle(cloud, request))
        .unwrap_or_else(|| units::handle(cloud, request))
}

/// How most lists of the service are paginated.
const LIST: List<'static> = List {
    default_size: 20,
    invalid_token: invalid_input::invalid_token,
    ..List::DEFAULT
};

/// Returns one page of `items`, as [`paging::page`](crate::services::paging::page) does, with the service's own error
/// for a token that was not returned by this list.
fn page(input: &Value, scope: &str, key: &str, default_size: usize, items: Vec<Value>) -> ServiceResult {
    let list = List {
        scope,
        key,
        default_size,
        ..LIST
    };
    list.page(input, items.into_iter(), |item| item)
}
