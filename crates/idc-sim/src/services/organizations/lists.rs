//! Lists of the service: their size, and the error for a foreign token.

use serde_json::Value;

use super::invalid_input;
use crate::protocol::error::ServiceResult;
use crate::services::paging::List;

/// How most lists of the service are paginated.
pub const LIST: List<'static> = List {
    default_size: 20,
    invalid_token: invalid_input::invalid_token,
    ..List::DEFAULT
};

/// Returns one page of `items`, as [`paging::page`](crate::services::paging::page) does, with the service's own error
/// for a token that was not returned by this list.
pub fn page(input: &Value, scope: &str, key: &str, default_size: usize, items: Vec<Value>) -> ServiceResult {
    let list = List {
        scope,
        key,
        default_size,
        ..LIST
    };
    list.page(input, items.into_iter(), |item| item)
}
