//! Pages with tokens that are opaque and checked: a token works for the list that gave it, nowhere else.

use serde_json::{Value, json};

use crate::protocol::error::{Answer, ServiceError};

/// One page of `items` as `{key: [...], "NextToken": …}`.
///
/// `input` holds the request's `MaxResults` and `NextToken`; `scope` names the list, so that a token of
/// another one is refused.
///
/// # Errors
/// `ValidationException` for a token that this list did not give.
pub fn page(input: &Value, scope: &str, key: &str, default_size: usize, items: Vec<Value>) -> Answer {
    page_named(input, scope, key, ("MaxResults", "NextToken"), default_size, items)
}

/// [`page`] for services whose members start with a small letter.
pub fn page_named(
    input: &Value,
    scope: &str,
    key: &str,
    (size_member, token_member): (&str, &str),
    default_size: usize,
    items: Vec<Value>,
) -> Answer {
    let items = items.into_iter();
    page_of(
        input,
        (scope, key),
        (size_member, token_member),
        default_size,
        items,
        |item| item,
    )
}

/// [`page`] of which only what is on it is given its shape.
///
/// # Errors
/// As [`page`].
pub fn page_of<T>(
    input: &Value,
    (scope, key): (&str, &str),
    (size_member, token_member): (&str, &str),
    default_size: usize,
    items: impl ExactSizeIterator<Item = T>,
    shape: impl Fn(T) -> Value,
) -> Answer {
    let size = input[size_member]
        .as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(default_size)
        .max(1);
    let start = match input[token_member].as_str() {
        None | Some("") => 0,
        Some(token) => read(token, scope)
            .ok_or_else(|| ServiceError::new("ValidationException", "The provided pagination token is invalid."))?,
    };
    let total = items.len();
    let rows: Vec<Value> = items.skip(start).take(size).map(shape).collect();
    let end = start + rows.len();
    let mut body = json!({ key: rows });
    if end < total {
        body[token_member] = json!(write(end, scope));
    }
    Ok(body)
}

fn write(offset: usize, scope: &str) -> String {
    format!("{:016x}{:08x}", digest(scope, offset), offset)
}

fn read(token: &str, scope: &str) -> Option<usize> {
    let (check, offset) = token.split_at_checked(16)?;
    let offset = usize::from_str_radix(offset, 16).ok()?;
    (u64::from_str_radix(check, 16).ok()? == digest(scope, offset)).then_some(offset)
}

/// FNV-1a: enough to tell a foreign token from one of ours.
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
    fn a_token_of_another_list_is_refused() {
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
