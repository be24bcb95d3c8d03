//! Requests whose members come as text, and answers that go as XML: the query and REST/XML protocols.
//!
//! What a member is (a number, a list, …) stands in the service's model alone, so it is read by it.

use std::fmt::Write as _;

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use crate::protocol::models::{Service, Shape, input_shape};

/// The members of a query request: `ActionNames.member.1=sso:ListInstances&…`.
pub fn from_form(service: &str, operation: &str, form: &[(String, String)]) -> Value {
    let read = input_shape(service, operation).and_then(|(shape, model)| form_value(model, shape, "", form));
    read.unwrap_or_else(|| Value::Object(Map::new()))
}

fn form_value(model: &Service, shape: &Shape, at: &str, form: &[(String, String)]) -> Option<Value> {
    let below = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    let given = form.iter().find(|(key, _)| key == at).map(|(_, value)| value);
    match shape.kind.as_str() {
        "structure" => {
            let members: Map<String, Value> = shape
                .members
                .iter()
                .filter_map(|(name, member)| {
                    let value = form_value(model, model.shapes.get(&member.shape)?, &below(name), form)?;
                    Some((name.clone(), value))
                })
                .collect();
            (at.is_empty() || !members.is_empty()).then_some(Value::Object(members))
        }
        "list" => {
            let item = model.shapes.get(shape.member.as_ref()?)?;
            let items: Vec<Value> = (1..)
                .map_while(|n| form_value(model, item, &below(&format!("member.{n}")), form))
                .collect();
            (given.is_some() || !items.is_empty()).then_some(Value::Array(items))
        }
        _ => given.map(|text| scalar(shape, text)),
    }
}

/// The value of a member whose body is XML; `Null` where it is not such a document.
pub fn from_xml(model: &Service, shape: &Shape, body: &str) -> Value {
    let Ok(document) = Document::parse(body) else {
        return Value::Null;
    };
    xml_value(model, shape, document.root_element()).unwrap_or(Value::Null)
}

fn xml_value(model: &Service, shape: &Shape, node: Node) -> Option<Value> {
    let elements = || node.children().filter(Node::is_element);
    match shape.kind.as_str() {
        "structure" => {
            let members = elements().filter_map(|child| {
                let name = child.tag_name().name();
                let member = shape.members.get(name)?;
                Some((
                    name.to_owned(),
                    xml_value(model, model.shapes.get(&member.shape)?, child)?,
                ))
            });
            Some(Value::Object(members.collect()))
        }
        "list" => {
            let item = model.shapes.get(shape.member.as_ref()?)?;
            Some(Value::Array(
                elements().filter_map(|child| xml_value(model, item, child)).collect(),
            ))
        }
        _ => Some(scalar(shape, node.text().unwrap_or_default())),
    }
}

/// A text that is not of its kind stays a text: validation complains about it.
fn scalar(shape: &Shape, text: &str) -> Value {
    let read = match shape.kind.as_str() {
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        "integer" | "long" => text.parse::<i64>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| Value::from(text))
}

/// An element with its content; an array repeats the element.
pub fn to_xml(name: &str, namespace: Option<&str>, value: &Value) -> String {
    let mut out = String::new();
    let opening = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{name} xmlns=\"{namespace}\""));
    for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
        let content = match value {
            Value::Object(members) => members.iter().map(|(name, value)| to_xml(name, None, value)).collect(),
            Value::String(text) => escape(text),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let _ = write!(out, "<{opening}>{content}</{name}>");
    }
    out
}

/// Text as XML and HTML have it.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_is_read_by_the_model() {
        let form = [
            ("Action", "SimulatePrincipalPolicy"),
            ("PolicySourceArn", "arn:aws:iam::123456789012:user/ada"),
            ("ActionNames.member.1", "sso:ListInstances"),
            ("ActionNames.member.2", "iam:CreateRole"),
            ("MaxItems", "10"),
            ("ContextEntries.member.1.ContextKeyName", "aws:x"),
            ("ResourceArns", ""),
        ];
        let form: Vec<(String, String)> = form.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(
            from_form("iam", "SimulatePrincipalPolicy", &form),
            json!({
                "PolicySourceArn": "arn:aws:iam::123456789012:user/ada",
                "ActionNames": ["sso:ListInstances", "iam:CreateRole"],
                "MaxItems": 10,
                "ContextEntries": [{"ContextKeyName": "aws:x"}],
                "ResourceArns": [],
            })
        );
    }

    #[test]
    fn arrays_repeat_their_element_and_text_is_escaped() {
        let value = json!({"TagSet": {"Tag": [{"Key": "a<b"}, {"Key": "c"}]}, "Count": 2});
        assert_eq!(
            to_xml("Tagging", Some("urn:x"), &value),
            "<Tagging xmlns=\"urn:x\"><Count>2</Count><TagSet><Tag><Key>a&lt;b</Key></Tag><Tag><Key>c</Key></Tag></TagSet></Tagging>"
        );
    }
}
