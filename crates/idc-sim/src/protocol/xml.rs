//! Deserializing form and XML requests, and serializing XML responses, for the query and REST/XML protocols.
//!
//! These requests contain only text. The type of each member (a number, a list, …) comes from the service's model.

use std::fmt::Write as _;

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

use crate::protocol::models::{Service, Shape, input_shape, output_shape};

/// Deserializes the members of a query request: `ActionNames.member.1=sso:ListInstances&…`.
pub fn from_form(service: &str, operation: &str, form: &[(String, String)]) -> Value {
    let input = input_shape(service, operation).and_then(|(shape, model)| form_value(model, shape, "", form));
    input.unwrap_or_else(|| Value::Object(Map::new()))
}

/// Deserializes the value whose form fields start with `path`. Returns `None` if the form does not contain it.
fn form_value(model: &Service, shape: &Shape, path: &str, form: &[(String, String)]) -> Option<Value> {
    let child_path = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    let field = form.iter().find(|(key, _)| key == path).map(|(_, value)| value);
    match shape.kind.as_str() {
        "structure" => {
            let members: Map<String, Value> = shape
                .members
                .iter()
                .filter_map(|(name, member)| {
                    let value = form_value(model, model.shapes.get(&member.shape)?, &child_path(name), form)?;
                    Some((name.clone(), value))
                })
                .collect();
            (path.is_empty() || !members.is_empty()).then_some(Value::Object(members))
        }
        "list" => {
            let item = model.shapes.get(shape.member.as_ref()?)?;
            let items: Vec<Value> = (1..)
                .map_while(|n| form_value(model, item, &child_path(&format!("member.{n}")), form))
                .collect();
            (field.is_some() || !items.is_empty()).then_some(Value::Array(items))
        }
        _ => field.map(|text| scalar(shape, text)),
    }
}

/// Deserializes an XML body. Returns `Null` if the body is not a well-formed document.
pub fn from_xml(model: &Service, shape: &Shape, body: &str) -> Value {
    let Ok(document) = Document::parse(body) else {
        return Value::Null;
    };
    xml_value(model, shape, document.root_element()).unwrap_or(Value::Null)
}

/// Deserializes the members of a response that are in its body. Returns `None` if the body has no such form.
pub fn from_response(service: &str, operation: &str, body: &str) -> Option<Value> {
    let (shape, model) = output_shape(service, operation)?;
    let payload = model.operations.get(operation)?.output_payload.as_deref();
    let payload_shape = payload
        .and_then(|payload| shape.members.get(payload))
        .and_then(|member| model.shapes.get(&member.shape));
    match (payload, payload_shape) {
        (Some(payload), Some(shape)) if shape.kind != "structure" => Some(json!({ payload: body })),
        (Some(payload), Some(shape)) => {
            let document = Document::parse(body).ok()?;
            let value = xml_value(model, shape, document.root_element())?;
            Some(json!({ payload: value }))
        }
        _ => {
            let document = Document::parse(body).ok()?;
            let root = document.root_element();
            // Only the query protocol wraps the members in an element of their own.
            let name = format!("{operation}Result");
            let wrapped = root.children().find(|child| child.tag_name().name() == name);
            xml_value(model, shape, wrapped.unwrap_or(root))
        }
    }
}

/// Returns the code and the message of an XML error.
pub fn error_of(body: &str) -> Option<(String, String)> {
    let document = Document::parse(body).ok()?;
    let text = |name: &str| {
        let mut nodes = document.descendants();
        let node = nodes.find(|node| node.tag_name().name() == name)?;
        Some(node.text().unwrap_or_default().to_owned())
    };
    Some((text("Code")?, text("Message").unwrap_or_default()))
}

/// Deserializes an XML element. Returns `None` if its shape is not in the model.
fn xml_value(model: &Service, shape: &Shape, node: Node) -> Option<Value> {
    let elements = || node.children().filter(Node::is_element);
    match shape.kind.as_str() {
        "structure" => {
            let members = shape.members.iter().filter_map(|(name, member)| {
                let shape = model.shapes.get(&member.shape)?;
                let element = member.wire_name.as_deref().unwrap_or(name);
                let mut own = elements().filter(|child| child.tag_name().name() == element);
                if shape.flat {
                    let item = model.shapes.get(shape.member.as_ref()?)?;
                    let items: Vec<Value> = own.filter_map(|child| xml_value(model, item, child)).collect();
                    return (!items.is_empty()).then(|| (name.clone(), Value::Array(items)));
                }
                Some((name.clone(), xml_value(model, shape, own.next()?)?))
            });
            Some(Value::Object(members.collect()))
        }
        "list" => {
            let item = model.shapes.get(shape.member.as_ref()?)?;
            Some(Value::Array(
                elements().filter_map(|child| xml_value(model, item, child)).collect(),
            ))
        }
        "map" => {
            let item = model.shapes.get(shape.value.as_ref()?)?;
            let entries = elements().filter_map(|entry| {
                let part = |name: &str| entry.children().find(|child| child.tag_name().name() == name);
                let key = part("key")?.text()?.to_owned();
                Some((key, xml_value(model, item, part("value")?)?))
            });
            Some(Value::Object(entries.collect()))
        }
        _ => Some(scalar(shape, node.text().unwrap_or_default())),
    }
}

/// Converts text to the type of the shape. Text that does not have this type stays a string, and validation rejects it
/// later.
fn scalar(shape: &Shape, text: &str) -> Value {
    let value = match shape.kind.as_str() {
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        "integer" | "long" => text.parse::<i64>().ok().map(Value::from),
        _ => None,
    };
    value.unwrap_or_else(|| Value::from(text))
}

/// Serializes a value as an element. An array repeats the element.
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

/// Serializes the members of a structure as elements, in the way that the model describes for lists and maps.
pub fn members(model: &Service, shape: &Shape, value: &Value) -> String {
    let present = shape.members.iter().filter_map(|(name, member)| {
        let value = value.get(name).filter(|value| !value.is_null())?;
        let element = match member.location {
            // It is sent as a header.
            Some(_) => return None,
            // It is in the opening tag.
            None if member.attribute => return None,
            None => member.wire_name.as_deref().unwrap_or(name),
        };
        Some(element_of(model, model.shapes.get(&member.shape)?, element, value))
    });
    present.collect()
}

/// Serializes a value as an element; for a flat list, as an element for each item.
fn element_of(model: &Service, shape: &Shape, name: &str, value: &Value) -> String {
    let shape_of = |name: &Option<String>| name.as_ref().and_then(|name| model.shapes.get(name));
    let content = match (shape.kind.as_str(), value) {
        ("structure", value) => members(model, shape, value),
        ("list", Value::Array(items)) => {
            let Some(item) = shape_of(&shape.member) else {
                return String::new();
            };
            let item_name = shape.member_name.as_deref().unwrap_or("member");
            if shape.flat {
                return items.iter().map(|value| element_of(model, item, name, value)).collect();
            }
            items
                .iter()
                .map(|value| element_of(model, item, item_name, value))
                .collect()
        }
        ("map", Value::Object(values)) => {
            let Some(item) = shape_of(&shape.value) else {
                return String::new();
            };
            let entries = values.iter().map(|(key, value)| {
                let value = element_of(model, item, "value", value);
                format!("<entry><key>{}</key>{value}</entry>", escape(key))
            });
            entries.collect()
        }
        (_, Value::String(text)) => escape(text),
        (_, Value::Null) => String::new(),
        (_, other) => other.to_string(),
    };
    format!("<{name}{}>{content}</{name}>", attributes(shape, value))
}

/// The members of a structure that are attributes of its element.
fn attributes(shape: &Shape, value: &Value) -> String {
    let present = shape.members.iter().filter(|(_, member)| member.attribute);
    let present = present.filter_map(|(name, member)| {
        let value = value.get(name)?.as_str()?;
        let name = member.wire_name.as_deref().unwrap_or(name);
        Some(format!(
            " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" {name}=\"{}\"",
            escape(value)
        ))
    });
    present.collect()
}

/// Escapes text for XML and HTML.
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
    fn form_fields_get_the_types_of_the_model() {
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
    fn the_members_of_a_response_are_read_back() {
        let (shape, model) = output_shape("iam", "GetAccountSummary").unwrap();
        let value = json!({"SummaryMap": {"Users": 2, "Roles": 0}});
        let members = members(model, shape, &value);
        let body = format!(
            "<GetAccountSummaryResponse><GetAccountSummaryResult>{members}</GetAccountSummaryResult>\
             </GetAccountSummaryResponse>"
        );
        assert_eq!(from_response("iam", "GetAccountSummary", &body), Some(value));
        let body = "<Error><Code>NoSuchBucket</Code><Message>a &amp; b</Message></Error>";
        let expected = ("NoSuchBucket".to_owned(), "a & b".to_owned());
        assert_eq!(error_of(body), Some(expected));
        assert_eq!(error_of("no XML"), None);
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
