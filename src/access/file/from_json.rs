//! Reads JSON.

use serde::de::IgnoredAny;
use serde_json::Number;

use super::source::{CHECK_SYNTAX, SMALLER_NUMBER, Source};
use super::tree::{Entry, Node, Value};
use crate::access::mistake::Mistake;
use crate::limits::DEEPEST_NESTING;

/// Reads a JSON document.
///
/// # Errors
/// The first syntax error, or every value that no access file can contain.
pub fn parse(source: &Source) -> Result<Node, Vec<Mistake>> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(&source.text) {
        return Err(vec![syntax_error(source, &error)]);
    }
    // What follows only has to find the places: the syntax is valid.
    let mut reader = Reader {
        source,
        at: 0,
        mistakes: Vec::new(),
    };
    match reader.value(0) {
        Some(node) if reader.mistakes.is_empty() => Ok(node),
        _ => {
            if reader.mistakes.is_empty() {
                reader.refuse(reader.at, "This is not valid JSON.", CHECK_SYNTAX);
            }
            Err(reader.mistakes)
        }
    }
}

/// A syntax error, at its place.
fn syntax_error(source: &Source, error: &serde_json::Error) -> Mistake {
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or(&words);
    let at = source.offset(error.line(), error.column());
    source.syntax_mistake(at, "JSON", words)
}

struct Reader<'a> {
    source: &'a Source,
    at: usize,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn refuse(&mut self, at: usize, message: &str, suggestion: &str) {
        self.mistakes.push(self.source.mistake(at, message, suggestion));
    }

    /// The next byte that is no white space, which is not consumed.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.source.text.as_bytes().get(self.at..)?;
        let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += space;
        rest.get(space).copied()
    }

    /// Consumes the next byte that is no white space, if it is this one.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        let first = self.peek()?;
        let start = self.at;
        if matches!(first, b'[' | b'{') && depth >= DEEPEST_NESTING {
            self.mistakes.push(self.source.nesting_mistake(start));
            return None;
        }
        let value = match first {
            b'{' => self.table(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Value::Text(self.text()?),
            _ => self.word()?,
        };
        Some(Node {
            value,
            span: start..self.at,
        })
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut entries = Vec::new();
        while !self.takes(b'}') {
            self.peek()?;
            let start = self.at;
            let key = self.text()?;
            let key_span = start..self.at;
            if !self.takes(b':') {
                return None;
            }
            let node = self.value(depth + 1)?;
            entries.push(Entry { key, key_span, node });
            self.takes(b',');
        }
        Some(Value::Table(entries))
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.takes(b']') {
            items.push(self.value(depth + 1)?);
            self.takes(b',');
        }
        Some(Value::List(items))
    }

    fn text(&mut self) -> Option<String> {
        let start = self.at;
        let rest = self.source.text.as_bytes().get(start..)?;
        let mut is_escaped = false;
        let closing = rest.iter().skip(1).position(|byte| {
            let closes = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            closes
        })?;
        self.at = start + closing + 2;
        let text = serde_json::from_str(self.source.text.get(start..self.at)?);
        if text.is_err() {
            let message = "The text has an escape sequence that is no character.";
            self.refuse(start, message, "Write the character itself.");
        }
        Some(text.unwrap_or_default())
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Value> {
        let source: &'a Source = self.source;
        let rest = source.text.get(self.at..)?;
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => {
                if let Ok(number) = serde_json::from_str::<Number>(word) {
                    Value::Number(number)
                } else {
                    self.refuse(self.at, "The number is too large.", SMALLER_NUMBER);
                    Value::Null
                }
            }
        };
        self.at += end;
        Some(value)
    }
}
