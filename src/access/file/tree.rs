//! What a file contains, whatever its format: values, each with its place in the text.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Number;

use super::source::Source;
use crate::access::mistake::Mistake;

/// A value in a file.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The bytes of the text that it consists of. For a table of TOML with a header, the header.
    pub span: Range<usize>,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// No value: `null` in YAML and JSON.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A date, a time, or both, of TOML.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table, in the order of the file.
    Table(Vec<Entry>),
}

/// A key of a table with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub key_span: Range<usize>,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The value of a key of this table; `None` without one.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let entry = self.entries().iter().find(|entry| entry.key == key);
        entry.map(|entry| &entry.node)
    }

    /// The entries of this table; none if it is no table.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items of this list; none if it is no list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// This text; `None` if it is no text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The kind of the value, as in "must be a string, not a number".
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "empty",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Date(_) => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The byte after the value and everything in it.
    pub fn end(&self) -> usize {
        let items = self.items().iter().map(Self::end);
        let entries = self
            .entries()
            .iter()
            .map(|entry| entry.node.end().max(entry.key_span.end));
        items.chain(entries).fold(self.span.end, usize::max)
    }

    /// The value as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text(text) | Value::Date(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(entries) => {
                let members = entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.node.to_json()))
                    .collect();
                serde_json::Value::Object(members)
            }
        }
    }
}

/// The keys that a table, or one in it, has more than once.
pub fn repeated_keys(source: &Source, node: &Node) -> Vec<Mistake> {
    let mut mistakes = repeated_entries(source, node.entries());
    let values = node.entries().iter().map(|entry| &entry.node);
    for value in values.chain(node.items()) {
        mistakes.extend(repeated_keys(source, value));
    }
    mistakes
}

fn repeated_entries(source: &Source, entries: &[Entry]) -> Vec<Mistake> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut mistakes = Vec::new();
    for entry in entries {
        let start = entry.key_span.start;
        let seen = *first.entry(&entry.key).or_insert(start);
        if seen != start {
            let message = format!("The key {:?} is given twice.", entry.key);
            let suggestion = format!("The first one is at {}. Keep one of them.", source.place(seen));
            mistakes.push(source.mistake(start, message, suggestion));
        }
    }
    mistakes
}
