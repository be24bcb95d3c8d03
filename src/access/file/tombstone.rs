//! Adds to a file that a user must not exist, and leaves everything else as it is written.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::format::Format;
use super::source::Source;
use super::tree::Node;

/// Text that is added to a file.
struct Insertion {
    at: usize,
    text: String,
    /// Whether the user becomes the last one, and not the first one.
    is_last: bool,
}

/// The text of a file with a `[[user]]` that has `absent = true`.
///
/// # Errors
/// The byte at which the file is written in a way that cannot be edited.
pub fn with_absent_user(path: &Path, text: &str, format: Format, user: &str) -> Result<String, usize> {
    let root = parsed(path, text, format)?;
    let insertion = insertion(path, text, format, &root, user)?;
    let Insertion {
        at,
        text: added,
        is_last,
    } = insertion;
    let (before, after) = text.split_at_checked(at).ok_or(at)?;
    let edited = format!("{before}{added}{after}");
    let is_right = parsed(path, &edited, format)?.to_json() == wanted(root.to_json(), user, is_last);
    if is_right { Ok(edited) } else { Err(at) }
}

fn parsed(path: &Path, text: &str, format: Format) -> Result<Node, usize> {
    format.parse(&Source::new(path, text)).map_err(|_| 0)
}

/// What the file should contain.
fn wanted(mut root: Json, user: &str, is_last: bool) -> Json {
    if let Some(tables) = root.as_object_mut()
        && let Json::Array(users) = tables.entry("user").or_insert_with(|| json!([]))
    {
        let at = if is_last { users.len() } else { 0 };
        users.insert(at, json!({"name": user, "absent": true}));
    }
    root
}

fn insertion(path: &Path, text: &str, format: Format, root: &Node, user: &str) -> Result<Insertion, usize> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let gap = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        newline
    };
    // A text of JSON is also one of YAML and of TOML.
    let name = Json::from(user).to_string();
    let item = if format == Format::Toml {
        format!("{{ name = {name}, absent = true }}")
    } else {
        format!("{{\"name\": {name}, \"absent\": true}}")
    };
    let last = |at: usize, text: String| Insertion {
        at,
        text,
        is_last: true,
    };
    let first = |at: usize, text: String| Insertion {
        at,
        text,
        is_last: false,
    };
    let starts_with =
        |node: &Node, prefix: &str| text.get(node.span.start..).is_some_and(|rest| rest.starts_with(prefix));
    let comma = |is_needed: bool| if is_needed { ", " } else { "" };
    let users = root.get("user");
    let first_user = users.and_then(|users| users.items().first());
    let has_headers = first_user.is_none_or(|user| starts_with(user, "[["));
    match users {
        Some(users) if starts_with(users, "[") && !(format == Format::Toml && first_user.is_some() && has_headers) => {
            Ok(first(
                users.span.start + 1,
                format!("{item}{}", comma(first_user.is_some())),
            ))
        }
        None | Some(_) if format == Format::Toml && has_headers => Ok(last(
            text.len(),
            format!("{gap}{newline}[[user]]{newline}name = {name}{newline}absent = true{newline}"),
        )),
        Some(users) => {
            let user = first_user.ok_or(users.span.start)?;
            let line_start = Source::new(path, text).line_start(user.span.start);
            let before = text.get(line_start..user.span.start).unwrap_or_default();
            if format == Format::Yaml && before.trim() == "-" {
                Ok(first(line_start, format!("{before}{item}{newline}")))
            } else {
                Err(user.span.start)
            }
        }
        None if starts_with(root, "{") => Ok(first(
            root.span.start + 1,
            format!("\"user\": [{item}]{}", comma(!root.entries().is_empty())),
        )),
        None => Ok(first(text.len(), format!("{gap}user:{newline}  - {item}{newline}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(name: &str, text: &str) -> String {
        let path = Path::new(name);
        with_absent_user(path, text, Format::of(path).unwrap(), "ada").unwrap()
    }

    #[test]
    fn a_user_that_must_not_exist_is_added_in_every_style() {
        let table = "\n[[user]]\nname = \"ada\"\nabsent = true\n";
        for (name, before, after) in [
            ("a.toml", "format = 1\n", format!("format = 1\n{table}")),
            (
                "a.toml",
                "format = 1\n\n[[user]]\nname = \"b\"",
                format!("format = 1\n\n[[user]]\nname = \"b\"\n{table}"),
            ),
            (
                "a.toml",
                "user = [{ name = \"b\" }]\n",
                "user = [{ name = \"ada\", absent = true }, { name = \"b\" }]\n".to_owned(),
            ),
            (
                "a.yaml",
                "format: 1\n",
                "format: 1\nuser:\n  - {\"name\": \"ada\", \"absent\": true}\n".to_owned(),
            ),
            (
                "a.yaml",
                "user: []\n",
                "user: [{\"name\": \"ada\", \"absent\": true}]\n".to_owned(),
            ),
            (
                "a.yaml",
                "user:\n  # leads\n  - name: b\n    email: b@example.com\n",
                "user:\n  # leads\n  - {\"name\": \"ada\", \"absent\": true}\n  - name: b\n    email: b@example.com\n"
                    .to_owned(),
            ),
            (
                "a.json",
                "{\"format\": 1}",
                "{\"user\": [{\"name\": \"ada\", \"absent\": true}], \"format\": 1}".to_owned(),
            ),
            (
                "a.json",
                "{\"user\": [{\"name\": \"b\"}]}",
                "{\"user\": [{\"name\": \"ada\", \"absent\": true}, {\"name\": \"b\"}]}".to_owned(),
            ),
        ] {
            assert_eq!(edited(name, before), after);
        }
        assert!(edited("a.toml", "format = 1\r\n").ends_with("[[user]]\r\nname = \"ada\"\r\nabsent = true\r\n"));
    }
}
