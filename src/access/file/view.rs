//! A table whose keys are read, with their places.

use super::keys::Table;
use super::source::Source;
use super::tree::{Entry, Node, Value};
use crate::access::mistake::{Located, Place};

/// A table of a file. What it should not contain is read as if it was left out: [`shape`](super::shape) reports it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The file.
    pub source: &'a Source,
    /// The table.
    pub node: &'a Node,
    /// Its keys.
    pub table: &'static Table,
}

impl<'a> View<'a> {
    /// Where the table is.
    pub fn place(&self) -> Place {
        self.source.place(self.node.span.start)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        debug_assert!(self.table.key(key).is_some(), "{key} is not in the list of keys");
        self.node.get(key)
    }

    /// A table within this one.
    pub fn table(&self, key: &str, table: &'static Table) -> Option<Self> {
        let node = self.get(key).filter(|node| matches!(node.value, Value::Table(_)))?;
        Some(Self { node, table, ..*self })
    }

    /// The tables of a list.
    pub fn tables(&self, key: &str, table: &'static Table) -> Vec<Self> {
        let items = self.get(key).map(Node::items).unwrap_or_default();
        let tables = items.iter().filter(|node| matches!(node.value, Value::Table(_)));
        tables.map(|node| Self { node, table, ..*self }).collect()
    }

    /// The entries of a table whose keys are names.
    pub fn entries(&self, key: &str) -> &'a [Entry] {
        self.get(key).map(Node::entries).unwrap_or_default()
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<Located<String>> {
        self.get(key).and_then(|node| located(self.source, node))
    }

    /// A list of strings.
    pub fn texts(&self, key: &str) -> Vec<Located<String>> {
        let items = self.get(key).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|node| located(self.source, node)).collect()
    }

    /// Whether a switch is on.
    pub fn is_on(&self, key: &str) -> bool {
        matches!(
            self.get(key),
            Some(Node {
                value: Value::Bool(true),
                ..
            })
        )
    }

    /// A whole number.
    pub fn count(&self, key: &str) -> Option<u32> {
        match &self.get(key)?.value {
            Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
            _ => None,
        }
    }
}

/// A text with its place; `None` if it is another value.
fn located(source: &Source, node: &Node) -> Option<Located<String>> {
    Some(Located {
        value: node.text()?.to_owned(),
        place: source.place(node.span.start),
    })
}
