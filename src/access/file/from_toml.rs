//! Reads TOML.

use std::collections::BTreeMap;

use serde_json::Number;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{SMALLER_NUMBER, Source};
use super::tree::{Entry, Node, Value};
use crate::access::mistake::Mistake;
use crate::limits::{DEEPEST_NESTING, MOST_KEY_PARTS};

/// Reads a TOML document.
///
/// # Errors
/// Every syntax error, and values that no access file can contain.
pub fn parse(source: &Source) -> Result<Node, Vec<Mistake>> {
    if let Some(at) = endless_key(&source.text) {
        let message = format!("This key has more than {MOST_KEY_PARTS} parts.");
        return Err(vec![source.mistake(at, message, "Write fewer dots, or a table.")]);
    }
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Reader::new(source, Dates::new()).document(table.get_ref());
    }
    // A date that does not exist is a mistake in a value, which must not hide the mistakes in others.
    if let Some(dates) = wrong_dates(source, &errors) {
        let text = with_texts(&source.text, &dates);
        let (table, others) = DeTable::parse_recoverable(&text);
        if others.is_empty() {
            return Reader::new(source, dates).document(table.get_ref());
        }
    }
    let mistake = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        source.syntax_mistake(at, "TOML", error.message())
    };
    Err(errors.iter().map(mistake).collect())
}

/// Where dates that do not exist begin and end, in bytes.
type Dates = BTreeMap<usize, usize>;

/// The dates that the errors are about; `None` if one of them is about something else.
fn wrong_dates(source: &Source, errors: &[toml::de::Error]) -> Option<Dates> {
    let dates = errors.iter().map(|error| {
        let start = error.span()?.start;
        let rest = source.text.as_bytes().get(start..)?;
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-:.+".contains(byte);
        let length = rest.iter().take_while(is_part).count();
        let begins_with_year = rest.iter().take(4).all(u8::is_ascii_digit) && rest.get(4) == Some(&b'-');
        (begins_with_year && length >= SHORTEST_DATE).then_some((start, start + length))
    });
    dates.collect()
}

/// The number of characters in `2027-1-1`.
const SHORTEST_DATE: usize = 8;

/// The text with a text of the same length in place of each date.
fn with_texts(text: &str, dates: &Dates) -> String {
    let mut with_texts = text.to_owned();
    for (start, end) in dates {
        let quoted = format!("\"{}\"", "-".repeat(end - start - 2));
        with_texts.replace_range(*start..*end, &quoted);
    }
    with_texts
}

/// The end of a dotted key that has too many parts. The tables that it stands for would be nested as deeply, and the parser
/// does not limit that.
fn endless_key(text: &str) -> Option<usize> {
    let mut dots = 0;
    let mut at = 0;
    while let Some(rest) = text.as_bytes().get(at..) {
        match rest {
            [] => return None,
            [b'"' | b'\'' | b'#', ..] => at += length_of_token(rest),
            [b'.', ..] => {
                dots += 1;
                at += 1;
            }
            [byte, ..] => {
                let is_part = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'\t');
                dots = if is_part { dots } else { 0 };
                at += 1;
            }
        }
        if dots > MOST_KEY_PARTS {
            return Some(at);
        }
    }
    None
}

/// The length of the string or comment that the text begins with.
fn length_of_token(text: &[u8]) -> usize {
    let delimiter: &[u8] = match text {
        [b'"', b'"', b'"', ..] => b"\"\"\"",
        [b'\'', b'\'', b'\'', ..] => b"'''",
        [b'"', ..] => b"\"",
        [b'\'', ..] => b"'",
        _ => b"\n",
    };
    let has_escapes = delimiter.starts_with(b"\"");
    let mut at = delimiter.len();
    while let Some(byte) = text.get(at) {
        if text[at..].starts_with(delimiter) {
            return at + delimiter.len();
        }
        if *byte == b'\n' && delimiter.len() == 1 {
            return at;
        }
        at += if has_escapes && *byte == b'\\' { 2 } else { 1 };
    }
    text.len()
}

struct Reader<'a> {
    source: &'a Source,
    /// The dates that a text of the same length stands for.
    dates: Dates,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source, dates: Dates) -> Self {
        Self {
            source,
            dates,
            mistakes: Vec::new(),
        }
    }

    fn document(mut self, table: &DeTable<'_>) -> Result<Node, Vec<Mistake>> {
        let root = Node {
            value: self.table(table, 1),
            span: 0..0,
        };
        if self.mistakes.is_empty() {
            Ok(root)
        } else {
            Err(self.mistakes)
        }
    }

    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Value {
        let mut entries = Vec::new();
        for (key, value) in table {
            entries.push(Entry {
                key: key.get_ref().to_string(),
                key_span: key.span(),
                node: self.node(value, depth),
            });
        }
        // The parser sorts by key.
        entries.sort_by_key(|entry| entry.key_span.start);
        Value::Table(entries)
    }

    fn node(&mut self, spanned: &Spanned<DeValue<'_>>, depth: usize) -> Node {
        let span = spanned.span();
        let value = match spanned.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if depth >= DEEPEST_NESTING => {
                self.mistakes.push(self.source.nesting_mistake(span.start));
                Value::Null
            }
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.node(item, depth + 1)).collect()),
            DeValue::Table(table) => self.table(table, depth + 1),
            DeValue::String(text) => match self.dates.get(&span.start) {
                Some(end) => Value::Date(self.source.text[span.start..*end].to_owned()),
                None => Value::Text(text.to_string()),
            },
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(value) => Value::Date(value.to_string()),
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(number) => Value::Number(Number::from(number)),
                Err(_) => self.refuse(span.start, "The number is too large.", SMALLER_NUMBER),
            },
            DeValue::Float(float) => match float.as_str().parse::<f64>().ok().and_then(Number::from_f64) {
                Some(number) => Value::Number(number),
                None => self.refuse(span.start, "The number is not finite.", "Write the number in digits."),
            },
        };
        Node { value, span }
    }

    fn refuse(&mut self, at: usize, message: &str, suggestion: &str) -> Value {
        self.mistakes.push(self.source.mistake(at, message, suggestion));
        Value::Null
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_key_without_end_is_refused() {
        let refused = |text: &str| parse(&Source::new(Path::new("a.toml"), text)).is_err();
        let parts = "a.".repeat(100_000);
        assert!(refused(&format!("{parts}a = 1")));
        assert!(refused(&format!("x = {{ y = \"\"\" \" \"\"\", {parts}a = 1 }}")));
        let quoted = "\"=\".".repeat(1000);
        assert!(refused(&format!("[{quoted}a]")));
        let dots = ".".repeat(1000);
        assert!(!refused(&format!("# {dots}\nx = \"{dots}\"\ny = '''{dots}'''\n")));
    }

    #[test]
    fn a_date_that_does_not_exist_is_a_value() {
        let read = |text: &str| parse(&Source::new(Path::new("a.toml"), text));
        let root = read("a = 2027-02-30\nb = [2027-13-01, 1] # x\nc = 2027-1-1\n").unwrap();
        let expected = serde_json::json!({ "a": "2027-02-30", "b": ["2027-13-01", 1], "c": "2027-1-1" });
        assert_eq!(root.to_json(), expected);
        assert!(matches!(root.get("a").unwrap().value, Value::Date(_)));
        // Not if something else is wrong with the syntax.
        assert!(read("a = 2027-02-30\nb = [\n").is_err());
        assert!(read("a = 1 2027-02-30\n").is_err());
    }

    #[test]
    fn all_syntax_errors_are_found() {
        let text = "username = \"Ada\nemail = \"x@example.com\"\ngroup = \"A\n";
        let mistakes = parse(&Source::new(Path::new("a.toml"), text)).unwrap_err();
        let lines: Vec<usize> = mistakes.iter().map(|mistake| mistake.place.line).collect();
        assert!(lines.contains(&1) && lines.contains(&3), "{mistakes:?}");
    }
}
