//! The inline policies of permission sets: JSON files, or tables.

use std::path::Path;

use super::from_json;
use super::reach::Reach;
use super::rules::LONGEST_POLICY;
use super::source::Source;
use super::tree::{Node, Value, repeated_keys};
use crate::access::mistake::Mistake;

/// The suggestion for a document that is no policy.
const STATEMENT: &str = "Add Statement: a list of objects with Effect, Action and Resource.";

/// The JSON document that `inline-policy` means, in its shortest form.
///
/// # Errors
/// If the file cannot be read, or if the document is no policy.
pub fn document(source: &Source, node: &Node, reach: &Reach) -> Result<String, Vec<Mistake>> {
    let policy = if let Value::Text(path) = &node.value {
        read(source, node, path, reach)?
    } else {
        let dates = dates(source, node);
        if !dates.is_empty() {
            return Err(dates);
        }
        node.to_json()
    };
    let refuse = |message: &str, suggestion: &str| Err(vec![source.mistake(node.span.start, message, suggestion)]);
    if !policy.is_object() {
        return refuse("A policy must be a JSON object.", STATEMENT);
    }
    if policy.get("Statement").is_none() {
        return refuse("The policy has no Statement.", STATEMENT);
    }
    let document = policy.to_string();
    let length = document.chars().filter(|c| !c.is_whitespace()).count();
    if length > LONGEST_POLICY {
        let message = format!("The policy has {length} characters without white space. AWS allows {LONGEST_POLICY}.");
        return refuse(&message, "Move statements into a customer managed policy.");
    }
    Ok(document)
}

/// The dates of TOML in a policy, which has none: a date that does not exist would become a string of the policy.
fn dates(source: &Source, node: &Node) -> Vec<Mistake> {
    if matches!(node.value, Value::Date(_)) {
        let written = source.text.get(node.span.clone()).unwrap_or_default();
        let message = "A value in a policy must be a string, not a date or time.";
        let suggestion = format!("Write it in quotes: {written:?}.");
        return vec![source.mistake(node.span.start, message, suggestion)];
    }
    let values = node.entries().iter().map(|entry| &entry.node);
    values
        .chain(node.items())
        .flat_map(|value| dates(source, value))
        .collect()
}

fn read(source: &Source, node: &Node, path: &str, reach: &Reach) -> Result<serde_json::Value, Vec<Mistake>> {
    let at = |message: String| {
        let suggestion = "Give the path of a JSON file relative to this file, or write the policy as a table.";
        vec![source.mistake(node.span.start, message, suggestion)]
    };
    let found = reach.file_beside(&source.path, Path::new(path)).map_err(at)?;
    let content = reach.read(&found).map_err(at)?;
    let policy = Source::new(&found, &content);
    let root = from_json::parse(&policy)?;
    // A person who reads the file could miss that only the last one counts.
    let repeated = repeated_keys(&policy, &root);
    if repeated.is_empty() {
        Ok(root.to_json())
    } else {
        Err(repeated)
    }
}
