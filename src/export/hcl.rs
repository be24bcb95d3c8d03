//! The constructs of HCL that an export needs, written as `terraform fmt` writes them.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::escape::{by_code, comment, is_escaped};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A string. Nothing in it is interpolated.
    Text(String),
    Bool(bool),
    /// A reference to something else: `local.instance_arn`.
    Reference(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
    /// `jsonencode(…)` of a document.
    Encoded(Json),
}

/// A block with a type, labels and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    kind: String,
    labels: Vec<String>,
    body: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Attribute(String, Value),
    Block(Block),
    Comment(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(is_true: bool) -> Self {
        Self::Bool(is_true)
    }
}

impl Value {
    /// A reference to something else.
    pub fn reference(expression: impl Into<String>) -> Self {
        Self::Reference(expression.into())
    }
}

impl Block {
    pub fn new(kind: &str, labels: &[&str]) -> Self {
        Self {
            kind: kind.to_owned(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            body: Vec::new(),
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.push(Item::Attribute(name.to_owned(), value.into()));
        self
    }

    /// Adds an attribute, if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a block.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.body.push(Item::Block(block));
        self
    }

    /// Adds a comment.
    #[must_use]
    pub fn comment(mut self, text: &str) -> Self {
        self.body.push(Item::Comment(comment(text)));
        self
    }

    /// The text, which ends with a line break.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let labels = self.labels.iter().map(|label| format!(" {}", string(label)));
        let labels: String = labels.collect();
        if self.body.is_empty() {
            let _ = writeln!(text, "{indent}{}{labels} {{}}", self.kind);
            return;
        }
        let _ = writeln!(text, "{indent}{}{labels} {{", self.kind);
        let lines: Vec<Line> = self.body.iter().map(|item| line(item, depth + 1)).collect();
        for written in aligned(&lines) {
            let _ = writeln!(text, "{indent}  {written}");
        }
        let _ = writeln!(text, "{indent}}}");
    }
}

/// A line of a body, or several: a name with its value, or something that is written already.
struct Line {
    name: Option<String>,
    value: String,
}

fn line(item: &Item, depth: usize) -> Line {
    match item {
        Item::Attribute(name, written) => Line {
            name: Some(name.clone()),
            value: value(written, depth),
        },
        Item::Block(block) => {
            let mut text = String::new();
            block.write(&mut text, depth);
            Line {
                name: None,
                value: text.trim().to_owned(),
            }
        }
        Item::Comment(text) => Line {
            name: None,
            value: format!("# {text}"),
        },
    }
}

/// The lines with their equals signs in one column, as far as the values are on one line.
fn aligned(lines: &[Line]) -> Vec<String> {
    let is_short = |line: &Line| line.name.is_some() && !line.value.contains('\n');
    let mut written = Vec::new();
    for run in lines.chunk_by(|one, other| is_short(one) && is_short(other)) {
        let widths = run.iter().filter_map(|line| line.name.as_ref());
        let width = widths.map(|name| name.chars().count()).max().unwrap_or(0);
        written.extend(run.iter().map(|line| match &line.name {
            Some(name) => format!("{name:width$} = {}", line.value),
            None => line.value.clone(),
        }));
    }
    written
}

fn value(written: &Value, depth: usize) -> String {
    match written {
        Value::Text(text) => string(text),
        Value::Bool(is_true) => is_true.to_string(),
        Value::Reference(expression) => expression.clone(),
        Value::List(items) => list(items.iter().map(|item| value(item, depth + 1)).collect(), depth),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, member)| (name.as_str(), value(member, depth + 1)));
            object(members.collect(), depth)
        }
        Value::Encoded(document) => format!("jsonencode({})", json(document, depth)),
    }
}

fn json(document: &Json, depth: usize) -> String {
    match document {
        Json::String(text) => string(text),
        Json::Array(items) => list(items.iter().map(|item| json(item, depth + 1)).collect(), depth),
        Json::Object(members) => {
            let members = members
                .iter()
                .map(|(name, member)| (name.as_str(), json(member, depth + 1)));
            object(members.collect(), depth)
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => document.to_string(),
    }
}

/// A list: on one line if its values are short.
fn list(items: Vec<String>, depth: usize) -> String {
    let length: usize = items.iter().map(|item| item.len() + 2).sum();
    if length < 100 && !items.iter().any(|item| item.contains('\n')) {
        return format!("[{}]", items.join(", "));
    }
    let indent = "  ".repeat(depth);
    let lines = items.into_iter().map(|item| format!("{indent}  {item},\n"));
    let lines: String = lines.collect();
    format!("[\n{lines}{indent}]")
}

fn object(members: Vec<(&str, String)>, depth: usize) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let lines = members.into_iter().map(|(name, value)| Line {
        name: Some(string(name)),
        value,
    });
    let lines: Vec<Line> = lines.collect();
    let indent = "  ".repeat(depth);
    let written = aligned(&lines).into_iter();
    let written = written.map(|line| format!("{indent}  {line}\n"));
    let written: String = written.collect();
    format!("{{\n{written}{indent}}}")
}

/// A string in which nothing is interpolated.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            // `$${` and `%%{` stand for `${` and `%{`.
            '$' | '%' if letters.peek() == Some(&'{') => {
                quoted.push(c);
                quoted.push(c);
            }
            c if is_escaped(c) => quoted.push_str(&by_code(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_block_is_written_as_terraform_formats_it() {
        let block = Block::new("resource", &["a", "b"])
            .comment("A comment\nwith a line break")
            .with("name", "x")
            .with("instance_arn", Value::reference("local.instance_arn"))
            .with(
                "tags",
                Value::Object(vec![("a".to_owned(), "1".into()), ("b c".to_owned(), "${d}".into())]),
            )
            .with("on", true)
            .with(
                "policy",
                Value::Encoded(json!({"Statement": [{"Action": ["a", "b"]}], "Version": "2012-10-17"})),
            )
            .block(Block::new("empty", &[]));
        insta::assert_snapshot!(block.text(), @r#"
        resource "a" "b" {
          # A comment with a line break
          name         = "x"
          instance_arn = local.instance_arn
          tags = {
            "a"   = "1"
            "b c" = "$${d}"
          }
          on = true
          policy = jsonencode({
            "Statement" = [
              {
                "Action" = ["a", "b"]
              },
            ]
            "Version" = "2012-10-17"
          })
          empty {}
        }
        "#);
    }

    /// Reads a string of HCL.
    fn read(quoted: &str) -> String {
        let inner = quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap();
        let inner = inner.replace("$${", "\u{1}").replace("%%{", "\u{2}");
        assert!(
            !inner.contains("${") && !inner.contains("%{"),
            "{quoted} is interpolated"
        );
        let inner = inner.replace('\u{1}', "${").replace('\u{2}', "%{");
        let mut text = String::new();
        let mut letters = inner.chars();
        while let Some(c) = letters.next() {
            assert_ne!(c, '"', "{quoted} ends too early");
            if c != '\\' {
                text.push(c);
                continue;
            }
            let length = match letters.next().unwrap() {
                'n' => {
                    text.push('\n');
                    continue;
                }
                'u' => 4,
                'U' => 8,
                other => {
                    text.push(other);
                    continue;
                }
            };
            let digits: String = letters.by_ref().take(length).collect();
            let code = u32::from_str_radix(&digits, 16).unwrap();
            text.push(char::from_u32(code).unwrap());
        }
        text
    }

    fn letter() -> impl Strategy<Value = char> {
        let special = prop::sample::select(vec!['$', '%', '{', '}', '"', '\\', '\n', '\u{202e}', '\u{e0041}']);
        prop_oneof![special, any::<char>()]
    }

    proptest! {
        #[test]
        fn any_string_is_one_line_that_reads_back_without_interpolation(
            letters in prop::collection::vec(letter(), 0..20),
        ) {
            let text: String = letters.into_iter().collect();
            let quoted = string(&text);
            prop_assert!(!quoted.contains(is_escaped), "{quoted:?}");
            prop_assert_eq!(read(&quoted), text);
        }
    }
}
