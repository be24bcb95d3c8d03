//! Values in TOML, for files that people read and edit.

use serde_json::{Map, Value};

use super::escape::{by_code, is_escaped};

/// From this length on, a list has one value a line.
const LONG: usize = 100;

/// A string.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if is_escaped(c) => quoted.push_str(&by_code(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A key: bare if possible.
pub(super) fn key(text: &str) -> String {
    let is_bare = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { text.to_owned() } else { string(text) }
}

/// A list of strings: on one line, or with one string a line if it is long.
pub(super) fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    list(&texts.into_iter().map(string).collect::<Vec<_>>(), 0)
}

/// A table of strings on one line.
pub(super) fn table<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let entries = entries
        .into_iter()
        .map(|(name, value)| format!("{} = {}", key(name), string(value)));
    let entries: Vec<String> = entries.collect();
    if entries.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", entries.join(", "))
    }
}

/// A JSON object as a TOML table that reads back as the same JSON; `None` if TOML cannot represent it: `null`, and integers of more
/// than 64 bits.
pub(super) fn document(json: &Value) -> Option<String> {
    json.as_object().and_then(|members| object(members, 0))
}

fn object(members: &Map<String, Value>, depth: usize) -> Option<String> {
    let entries = members
        .iter()
        .map(|(name, member)| Some(format!("{} = {}", key(name), value(member, depth)?)));
    let entries = entries.collect::<Option<Vec<String>>>()?;
    if entries.is_empty() {
        return Some("{}".to_owned());
    }
    // A table stays on one line, except for the lists in it: older versions of TOML allow line breaks only there.
    Some(format!("{{ {} }}", entries.join(", ")))
}

fn value(json: &Value, depth: usize) -> Option<String> {
    match json {
        Value::Null => None,
        Value::Bool(is_true) => Some(is_true.to_string()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Some(integer.to_string()),
            (None, Some(float)) if number.is_f64() => Some(format!("{float:?}")),
            _ => None,
        },
        Value::String(text) => Some(string(text)),
        Value::Array(items) => {
            let items = items.iter().map(|item| value(item, depth + 1));
            Some(list(&items.collect::<Option<Vec<String>>>()?, depth))
        }
        Value::Object(members) => object(members, depth),
    }
}

/// A list of values that are written already.
fn list(items: &[String], depth: usize) -> String {
    let length: usize = items.iter().map(|item| item.len() + 2).sum();
    let has_lines = items.iter().any(|item| item.contains('\n') || item.starts_with('{'));
    if length < LONG && !has_lines {
        return format!("[{}]", items.join(", "));
    }
    let indent = "  ".repeat(depth);
    let lines = items.iter().map(|item| format!("{indent}  {item},\n"));
    format!("[\n{}{indent}]", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(line: &str) -> Value {
        let read: toml::Table = toml::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        serde_json::to_value(read).unwrap()["x"].clone()
    }

    #[test]
    fn a_policy_reads_back_as_the_same_json() {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:*", "ec2:Describe*"], "Resource": "arn:aws:s3:::${aws:username}/*",
             "Condition": {"NumericLessThan": {"aws:x": 1.5, "y z": [1, "two", true, -3, 1e300]}}},
            {},
        ]});
        let text = document(&policy).unwrap();
        assert_eq!(read(&format!("x = {text}")), policy, "{text}");
    }

    #[test]
    fn what_toml_cannot_represent_is_none() {
        for policy in [
            json!({"a": null}),
            json!({"a": [{"b": 18_446_744_073_709_551_615_u64}]}),
            json!("text"),
        ] {
            assert_eq!(document(&policy), None);
        }
    }

    proptest! {
        #[test]
        fn any_string_and_key_reads_back(text in any::<String>(), name in any::<String>()) {
            let quoted = string(&text);
            prop_assert!(!quoted.contains(is_escaped));
            prop_assert_eq!(read(&format!("x = {quoted}")), json!(text));
            let members = table([(name.as_str(), text.as_str())]);
            prop_assert_eq!(read(&format!("x = {members}")), json!({name: text}));
        }
    }
}
