//! Reads YAML 1.2, with its core schema: `yes` and `no` are strings, and so is a date.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Number;

use super::source::Source;
use super::tree::{Entry, Node, Value};
use crate::access::mistake::Mistake;
use crate::limits::{DEEPEST_NESTING, MOST_ALIASED_VALUES};

/// Reads a YAML document. An empty one is an empty table.
///
/// # Errors
/// The first syntax error, or the first value that no access file can contain.
pub fn parse(source: &Source) -> Result<Node, Vec<Mistake>> {
    let mut builder = Builder::new(source);
    for event in Parser::new_from_str(&source.text) {
        let (event, span) = event.map_err(|error| {
            let at = builder.offset(error.marker().index());
            vec![source.syntax_mistake(at, "YAML", error.info())]
        })?;
        builder.add_event(event, span).map_err(|mistake| vec![mistake])?;
    }
    Ok(builder.root.unwrap_or(Node {
        value: Value::Table(Vec::new()),
        span: 0..0,
    }))
}

/// A list or table that is not complete yet.
struct Open {
    collection: Collection,
    start: usize,
    anchor: usize,
}

enum Collection {
    List(Vec<Node>),
    Table {
        entries: Vec<Entry>,
        key: Option<(String, Range<usize>)>,
    },
}

struct Builder<'a> {
    source: &'a Source,
    /// The byte of each character.
    offsets: Vec<usize>,
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    aliased_values: usize,
    documents: usize,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            offsets: source.text.char_indices().map(|(at, _)| at).collect(),
            root: None,
            open: Vec::new(),
            anchors: HashMap::new(),
            aliased_values: 0,
            documents: 0,
        }
    }

    /// The byte of a character.
    fn offset(&self, index: usize) -> usize {
        self.offsets.get(index).copied().unwrap_or(self.source.text.len())
    }

    fn add_event(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        let start = self.offset(span.start.index());
        let end = self.offset(span.end.index()).max(start);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "The file has more than one YAML document.";
                    let suggestion = "Keep one of them, and write the others to files that include names.";
                    return Err(self.source.mistake(start, message, suggestion));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.add_scalar(&text, style, tag.as_deref(), anchor, start..end)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Collection::List(Vec::new()), start, anchor, tag.as_deref(), "seq")?;
            }
            Event::MappingStart(anchor, tag) => {
                let table = Collection::Table {
                    entries: Vec::new(),
                    key: None,
                };
                self.begin(table, start, anchor, tag.as_deref(), "map")?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(end)?,
            Event::Alias(anchor) => self.add_alias(anchor, start)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        collection: Collection,
        start: usize,
        anchor: usize,
        tag: Option<&Tag>,
        own_tag: &str,
    ) -> Result<(), Mistake> {
        if self.open.len() >= DEEPEST_NESTING {
            return Err(self.source.nesting_mistake(start));
        }
        if self.expects_key() {
            return Err(self.not_a_key(start));
        }
        if tag.is_some_and(|tag| !(tag.is_yaml_core_schema() && tag.suffix == own_tag)) {
            return Err(self.has_tag(start));
        }
        self.open.push(Open {
            collection,
            start,
            anchor,
        });
        Ok(())
    }

    fn not_a_key(&self, at: usize) -> Mistake {
        let suggestion = "Write a name as the key, in quotes if necessary.";
        self.source.mistake(at, "A key must be a string.", suggestion)
    }

    fn has_tag(&self, at: usize) -> Mistake {
        let suggestion = "Remove the tag, which begins with an exclamation mark.";
        self.source.mistake(at, "Tags of YAML are not supported.", suggestion)
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                collection: Collection::Table { key: None, .. },
                ..
            })
        )
    }

    fn end(&mut self, end: usize) -> Result<(), Mistake> {
        let Some(Open {
            collection,
            start,
            anchor,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let is_flow = self.source.text[start..].starts_with(['[', '{']);
        let (value, first) = match collection {
            Collection::List(items) => {
                let first = items.first().map(|item| item.span.start);
                (Value::List(items), first)
            }
            Collection::Table { entries, .. } => {
                let first = entries.first().map(|entry| entry.key_span.start);
                (Value::Table(entries), first)
            }
        };
        let mut node = Node {
            value,
            span: start..end,
        };
        if !is_flow {
            // The parser reports the end of a block where the next token begins.
            let start = first.unwrap_or(start);
            node.span = start..start;
            node.span = start..node.end();
        }
        self.add(node, anchor)
    }

    fn add_alias(&mut self, anchor: usize, start: usize) -> Result<(), Mistake> {
        let Some(node) = self.anchors.get(&anchor) else {
            let message = "The alias is within the value that it stands for.";
            return Err(self.source.mistake(start, message, "Write a value in its place."));
        };
        let shape = Measure::of(node);
        self.aliased_values += shape.values;
        if self.aliased_values > MOST_ALIASED_VALUES {
            let message = format!("The aliases of the file stand for more than {MOST_ALIASED_VALUES} values.");
            return Err(self.source.mistake(start, message, "Use fewer aliases."));
        }
        if self.open.len() + shape.depth > DEEPEST_NESTING {
            return Err(self.source.nesting_mistake(start));
        }
        let node = node.clone();
        if !self.expects_key() {
            return self.add(node, 0);
        }
        match node.value {
            Value::Text(text) => self.add_key(&text, start..start),
            _ => Err(self.not_a_key(start)),
        }
    }

    fn add_scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        anchor: usize,
        span: Range<usize>,
    ) -> Result<(), Mistake> {
        let is_plain = match tag {
            None => style == ScalarStyle::Plain,
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => false,
            Some(_) => return Err(self.has_tag(span.start)),
        };
        if self.expects_key() {
            let key = Node {
                value: Value::Text(text.to_owned()),
                span: span.clone(),
            };
            if anchor > 0 {
                self.anchors.insert(anchor, key);
            }
            return self.add_key(text, span);
        }
        let value = if is_plain {
            plain(text)
        } else {
            Value::Text(text.to_owned())
        };
        // A value that is left out has no place of its own.
        let span = if text.is_empty() && is_plain {
            span.start..span.start
        } else {
            span
        };
        self.add(Node { value, span }, anchor)
    }

    fn add_key(&mut self, text: &str, span: Range<usize>) -> Result<(), Mistake> {
        if text == "<<" {
            let message = "Merge keys are not part of YAML 1.2, and are not supported.";
            return Err(self
                .source
                .mistake(span.start, message, "Write the keys of the other table here."));
        }
        if let Some(Open {
            collection: Collection::Table { key, .. },
            ..
        }) = self.open.last_mut()
        {
            *key = Some((text.to_owned(), span));
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Mistake> {
        if self.expects_key() {
            return Err(self.not_a_key(node.span.start));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.collection) {
            None => self.root = Some(node),
            Some(Collection::List(items)) => items.push(node),
            Some(Collection::Table { entries, key }) => {
                if let Some((key, key_span)) = key.take() {
                    entries.push(Entry { key, key_span, node });
                }
            }
        }
        Ok(())
    }
}

/// The size of a value.
struct Measure {
    values: usize,
    depth: usize,
}

impl Measure {
    fn of(node: &Node) -> Self {
        let entries = node.entries().iter().map(|entry| &entry.node);
        let inner = node.items().iter().chain(entries).map(Self::of);
        let mut measure = inner.fold(Self { values: 1, depth: 0 }, |sum, inner| Self {
            values: sum.values + inner.values,
            depth: sum.depth.max(inner.depth),
        });
        measure.depth += 1;
        measure
    }
}

/// The value of a text without quotes ("Core Schema", YAML 1.2.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let number = number(text).map(Value::Number);
    number.unwrap_or_else(|| Value::Text(text.to_owned()))
}

fn number(text: &str) -> Option<Number> {
    let radix = [("0x", 16), ("0o", 8)].into_iter().find_map(|(prefix, radix)| {
        let digits = text.strip_prefix(prefix)?;
        let is_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        is_digits.then(|| u64::from_str_radix(digits, radix).ok())
    });
    if let Some(number) = radix {
        return number.map(Number::from);
    }
    let unsigned = text.trim_start_matches(['-', '+']);
    let is_number = text.len() - unsigned.len() <= 1
        && unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !is_number {
        return None;
    }
    let integer = text.parse::<i64>().ok().map(Number::from);
    integer.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    fn parse_text(text: &str) -> Result<Node, Vec<Mistake>> {
        parse(&Source::new(Path::new("a.yaml"), text))
    }

    #[test]
    fn values_follow_the_core_schema() {
        let text =
            "a: yes\nb: true\nc: 2027-01-31\nd: 012\ne: '5'\nf: 1.5\ng: 0x1F\nh: ~\ni: 1.2.3\nj: !!str 5\nk: -7\n";
        let expected = serde_json::json!({
            "a": "yes", "b": true, "c": "2027-01-31", "d": 12, "e": "5", "f": 1.5, "g": 31, "h": null, "i": "1.2.3",
            "j": "5", "k": -7
        });
        assert_eq!(parse_text(text).unwrap().to_json(), expected);
        assert_eq!(parse_text("").unwrap().to_json(), serde_json::json!({}));
    }

    #[test]
    fn aliases_are_followed_within_limits() {
        let text = "a: &x [1, 2]\nb: *x\n";
        assert_eq!(
            parse_text(text).unwrap().to_json(),
            serde_json::json!({"a": [1, 2], "b": [1, 2]})
        );
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            writeln!(bomb, "a{level}: &a{level} [{before}]").unwrap();
        }
        assert!(parse_text(&bomb).unwrap_err()[0].message.contains("aliases"));
        assert!(parse_text("a: &a [*a]\n").is_err());
        assert!(parse_text(&format!("a: {}", "[".repeat(1000))).is_err());
        assert!(parse_text(&"- ".repeat(1000)).is_err());
    }

    #[test]
    fn what_no_access_file_needs_is_refused_with_its_place() {
        for (text, line) in [
            ("a: 1\n---\nb: 1\n", 2),
            ("a:\n  [x]: 1\n", 2),
            ("a: !custom x\n", 1),
            ("a: &x {b: 1}\nc:\n  <<: *x\n", 3),
            ("a: [1\nb: 2\n", 1),
        ] {
            let mistakes = parse_text(text).unwrap_err();
            assert!(mistakes[0].place.line >= line, "{text}: {mistakes:?}");
        }
    }

    #[test]
    fn a_block_ends_where_its_last_value_ends() {
        let text = "a:\n  - b: 1\n    c: x # comment\n\n# next\nd: 2\n";
        let root = parse_text(text).unwrap();
        let list = root.get("a").unwrap();
        assert_eq!(&text[list.span.clone()], "b: 1\n    c: x");
        assert_eq!(&text[list.items()[0].span.clone()], "b: 1\n    c: x");
    }
}
