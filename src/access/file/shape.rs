//! Compares a file with the tables that it can contain: unknown and missing keys, and values of another kind.

use super::FORMAT;
use super::keys::{Key, Shape, Table};
use super::source::Source;
use super::tree::{Entry, Node, Value};
use crate::access::mistake::Mistake;

/// The mistakes in the keys of a table and of the tables within it.
pub fn mistakes(source: &Source, node: &Node, table: &Table) -> Vec<Mistake> {
    let mut checker = Checker {
        source,
        mistakes: Vec::new(),
    };
    checker.check_table(node, table);
    checker.mistakes
}

struct Checker<'a> {
    source: &'a Source,
    mistakes: Vec<Mistake>,
}

impl Checker<'_> {
    fn add(&mut self, at: usize, message: String, suggestion: impl Into<String>) {
        self.mistakes.push(self.source.mistake(at, message, suggestion));
    }

    fn check_table(&mut self, node: &Node, table: &Table) {
        for entry in node.entries() {
            match table.key(&entry.key) {
                Some(key) => self.check_entry(entry, key),
                None => self.add_unknown(entry, table),
            }
        }
        for key in table.keys.iter().filter(|key| key.is_required) {
            if node.get(key.name).is_none() {
                let message = format!("{} is missing in {}.", key.name, table.name);
                self.add(node.span.start, message, key.about);
            }
        }
    }

    fn add_unknown(&mut self, entry: &Entry, table: &Table) {
        let suggestion = if let Some(similar) = table.similar(&entry.key) {
            format!("A similar key is {similar}.")
        } else {
            let keys: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
            format!("The keys are {}.", keys.join(", "))
        };
        let message = format!("{:?} is not a key of {}.", entry.key, table.name);
        self.add(entry.key_span.start, message, suggestion);
    }

    fn check_entry(&mut self, entry: &Entry, key: &Key) {
        let node = &entry.node;
        match (key.shape, &node.value) {
            (Shape::Format, Value::Number(number)) if number.as_i64() == Some(FORMAT) => {}
            (Shape::Format, Value::Number(_)) => {
                let message = format!("This version reads format {FORMAT}.");
                let pair = self.source.pair("format", &FORMAT.to_string());
                let suggestion = format!("Write {pair}, or use a version of idc-setup that reads this format.");
                self.add(node.span.start, message, suggestion);
            }
            (Shape::Count(most), Value::Number(number)) if number.as_u64().is_some_and(|n| n <= u64::from(most)) => {}
            (Shape::OneOf(words), Value::Text(text)) => self.check_word(node, key, words, text),
            (Shape::SomeTexts, Value::List(items)) if items.is_empty() => {
                let message = format!("{} must have at least one item.", key.name);
                self.add(node.span.start, message, key.about);
            }
            (Shape::Texts | Shape::SomeTexts, Value::List(items)) => {
                for item in items {
                    self.check_text(item, "An item of ", key);
                }
            }
            (Shape::TextMap, Value::Table(entries)) => {
                for entry in entries {
                    self.check_text(&entry.node, "A value of ", key);
                }
            }
            (Shape::Text, Value::Text(_))
            | (Shape::Bool, Value::Bool(_))
            | (Shape::Day, Value::Text(_) | Value::Date(_))
            | (Shape::Document, Value::Text(_) | Value::Table(_)) => {}
            (Shape::Table(table), Value::Table(_)) => self.check_table(node, table),
            (Shape::Tables(table), Value::List(items)) => {
                for item in items {
                    match item.value {
                        Value::Table(_) => self.check_table(item, table),
                        _ => self.add_other_kind(item, "An item of ", key, "a table"),
                    }
                }
            }
            (Shape::Named(table), Value::Table(entries)) => {
                for entry in entries {
                    match entry.node.value {
                        Value::Table(_) => self.check_table(&entry.node, table),
                        _ => self.add_other_kind(&entry.node, "A value of ", key, "a table"),
                    }
                }
            }
            (Shape::Text, _) => self.check_text(node, "", key),
            (shape, _) => self.add_other_kind(node, "", key, &expected(shape)),
        }
    }

    fn check_word(&mut self, node: &Node, key: &Key, words: &[&str], text: &str) {
        if words.contains(&text) {
            return;
        }
        let message = format!("{} must be {}, not {text:?}.", key.name, words.join(" or "));
        self.add(node.span.start, message, key.about);
    }

    fn check_text(&mut self, node: &Node, part: &str, key: &Key) {
        if node.text().is_none() {
            self.add_other_kind(node, part, key, "a string");
        }
    }

    /// What to write in place of a string that should be true or false. In YAML 1.1, some words were the same as these.
    fn as_bool(&self, text: &str) -> String {
        let value = match text.to_ascii_lowercase().as_str() {
            "true" | "false" => return "Write it without quotes.".to_owned(),
            "yes" | "y" | "on" => "true",
            "no" | "n" | "off" => "false",
            _ => return "Write true or false.".to_owned(),
        };
        if self.source.is_yaml() {
            format!("{text} is a string in YAML 1.2; write {value}.")
        } else {
            format!("Write {value}.")
        }
    }

    fn add_other_kind(&mut self, node: &Node, part: &str, key: &Key, expected: &str) {
        let written = self.source.text.get(node.span.clone()).unwrap_or_default();
        let found = match node.value {
            Value::Number(_) | Value::Bool(_) => written,
            _ => node.kind(),
        };
        let message = format!("{part}{} must be {expected}, not {found}.", key.name);
        let suggestion = match (&node.value, key.shape) {
            (Value::Number(_) | Value::Bool(_) | Value::Date(_), _) if expected == "a string" => {
                format!("Write it in quotes: {written:?}.")
            }
            (Value::Text(text), Shape::Texts | Shape::SomeTexts) => format!("Write a list: [{text:?}]."),
            (Value::Text(text), Shape::Bool) => self.as_bool(text),
            (Value::Text(text), Shape::Count(_) | Shape::Format) => as_number(text),
            (_, Shape::Tables(table)) => format!("In TOML, write {}; in YAML and JSON, write a list.", table.name),
            (_, Shape::Count(_) | Shape::Format | Shape::Bool | Shape::Day) => format!("Write {expected}."),
            _ => key.about.to_owned(),
        };
        self.add(node.span.start, message, suggestion);
    }
}

/// What to write in place of a string that should be a number: `20` for `"20%"`.
fn as_number(text: &str) -> String {
    let digits = text.trim_start().split(|c: char| !c.is_ascii_digit()).next();
    match digits.filter(|digits| !digits.is_empty()) {
        Some(digits) if digits == text => "Write it without quotes.".to_owned(),
        Some(digits) => format!("Write a number, such as {digits}."),
        None => "Write a number.".to_owned(),
    }
}

/// What a value must be, as in "must be a string".
fn expected(shape: Shape) -> String {
    match shape {
        Shape::Text | Shape::OneOf(_) => "a string".to_owned(),
        Shape::Format => FORMAT.to_string(),
        Shape::Bool => "true or false".to_owned(),
        Shape::Count(u32::MAX) => "a non-negative whole number".to_owned(),
        Shape::Count(most) => format!("a whole number from 0 to {most}"),
        Shape::Day => "a date like 2027-01-31".to_owned(),
        Shape::Texts | Shape::SomeTexts => "a list of strings".to_owned(),
        Shape::TextMap | Shape::Named(_) | Shape::Table(_) => "a table".to_owned(),
        Shape::Document => "the path of a file, or a table".to_owned(),
        Shape::Tables(_) => "a list of tables".to_owned(),
    }
}
