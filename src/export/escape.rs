//! Text that every format can contain: no name can end a string, a comment or a line, or control a terminal.

use std::fmt::Write as _;

use serde_json::Value;

use crate::text::{clean, is_invisible};

/// Whether a character is written as an escape sequence: it would control a terminal, or could not be seen.
pub(super) fn is_escaped(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// The escape sequence of a character in TOML and in HCL, by its code point.
pub(super) fn by_code(c: char) -> String {
    let code = u32::from(c);
    if code > 0xffff {
        format!("\\U{code:08x}")
    } else {
        format!("\\u{code:04x}")
    }
}

/// A text for a comment: one line without control characters.
pub(super) fn comment(text: &str) -> String {
    clean(text)
}

/// A number with its noun: `1 user is`, `2 users are`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A JSON document with line breaks, in which every character is visible.
pub(super) fn json(document: &Value) -> String {
    visible(&format!("{document:#}"))
}

/// A JSON document on one line, in which every character is visible.
pub(super) fn json_line(document: &Value) -> String {
    visible(&document.to_string())
}

/// A string in JSON, which is also a double-quoted string of YAML.
pub(super) fn json_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            // YAML has no surrogate pairs. The characters outside the basic plane that need an escape are never needed.
            c if is_escaped(c) && u32::from(c) > 0xffff => quoted.push('\u{fffd}'),
            c if is_escaped(c) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Escapes characters in JSON that can only occur within strings.
fn visible(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if is_escaped(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn a_json_document_reads_back_and_has_only_visible_characters(text in any::<String>()) {
            let document = json!({ "text": text });
            for written in [json(&document), json_line(&document)] {
                prop_assert!(!written.contains(|c: char| is_escaped(c) && c != '\n'));
                prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), document.clone());
            }
        }

        #[test]
        fn a_quoted_string_is_one_line_and_valid_json(text in any::<String>()) {
            let quoted = json_string(&text);
            prop_assert!(!quoted.contains(is_escaped));
            let read: String = serde_json::from_str(&quoted).unwrap();
            if !text.chars().any(|c| is_escaped(c) && u32::from(c) > 0xffff) {
                prop_assert_eq!(read, text);
            }
        }

        #[test]
        fn a_comment_is_one_line(text in any::<String>()) {
            prop_assert!(!comment(&text).contains(|c: char| is_escaped(c) && c != '\t'));
        }
    }
}
