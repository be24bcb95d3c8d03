//! Pagination. A token is opaque and valid only for the list that returned it.

use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};

/// Returns one page of `items` as `{key: [...], "NextToken": …}`.
///
/// `input` contains the request's `MaxResults` and `NextToken`. `scope` identifies the list, so that the token of
/// another list is rejected.
///
/// # Errors
/// `ValidationException` if the token was not returned by this list. A service with another error has a [`List`].
pub fn page(input: &Value, scope: &str, key: &str, default_size: usize, items: Vec<Value>) -> ServiceResult {
    let list = List {
        scope,
        key,
        default_size,
        ..List::DEFAULT
    };
    list.page(input, items.into_iter(), |item| item)
}

/// How a service paginates one of its lists.
pub struct List<'a> {
    /// What identifies the list, so that the token of another list is rejected.
    pub scope: &'a str,
    /// The response's member with the items.
    pub key: &'a str,
    /// The request's member for the size of a page.
    pub size: &'a str,
    /// The member for the token, in the request and in the response.
    pub token: &'a str,
    /// The size of a page if the request has none.
    pub default_size: usize,
    /// The error for a token that was not returned by this list.
    pub invalid_token: fn() -> ServiceError,
}

impl List<'static> {
    /// The names that most services use.
    pub const DEFAULT: Self = List {
        scope: "",
        key: "",
        size: "MaxResults",
        token: "NextToken",
        default_size: 100,
        invalid_token,
    };
}

fn invalid_token() -> ServiceError {
    ServiceError::new("ValidationException", "The provided pagination token is invalid.")
}

impl List<'_> {
    /// Returns one page of `items`. Calls `shape` only for the items on the page.
    ///
    /// # Errors
    /// The error of `invalid_token` if the token was not returned by this list.
    pub fn page<T>(
        &self,
        input: &Value,
        items: impl ExactSizeIterator<Item = T>,
        shape: impl Fn(T) -> Value,
    ) -> ServiceResult {
        let size = input[self.size]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(self.default_size)
            .max(1);
        let start = match input[self.token].as_str() {
            None | Some("") => 0,
            Some(token) => decode_token(token, self.scope).ok_or_else(self.invalid_token)?,
        };
        let total = items.len();
        let rows: Vec<Value> = items.skip(start).take(size).map(shape).collect();
        let end = start + rows.len();
        let mut body = json!({ self.key: rows });
        if end < total {
            body[self.token] = json!(encode_token(end, self.scope));
        }
        Ok(body)
    }
}

fn encode_token(offset: usize, scope: &str) -> String {
    format!("{:016x}{:08x}", digest(scope, offset), offset)
}

fn decode_token(token: &str, scope: &str) -> Option<usize> {
    let (checksum, offset) = token.split_at_checked(16)?;
    let offset = usize::from_str_radix(offset, 16).ok()?;
    (u64::from_str_radix(checksum, 16).ok()? == digest(scope, offset)).then_some(offset)
}

/// Returns an FNV-1a hash, which is enough to recognize the token of another list.
fn digest(scope: &str, offset: usize) -> u64 {
    scope
        .bytes()
        .chain(offset.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_another_list_is_rejected() {
        let items: Vec<Value> = (0..5).map(|n| json!(n)).collect();
        let first = page(&json!({"MaxResults": 2}), "users", "Users", 100, items.clone()).unwrap();
        let token = first["NextToken"].clone();
        let second = page(
            &json!({"MaxResults": 2, "NextToken": token}),
            "users",
            "Users",
            100,
            items.clone(),
        )
        .unwrap();
        assert_eq!(second["Users"], json!([2, 3]));
        assert!(page(&json!({"NextToken": token}), "groups", "Groups", 100, items).is_err());
    }
}
