//! The services' own models: which operations there are, and what each accepts.
//!
//! `service_models.json` is made by `tools/service_models.py` from botocore's JSON models. Requests are
//! checked against it before a service sees them, so that `ValidationException` comes where AWS would
//! give it and in its words.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::protocol::error::ServiceError;

/// All modelled services, by botocore's name for them (`sso-admin`, `identitystore`, …).
pub static SERVICES: LazyLock<BTreeMap<String, Service>> =
    LazyLock::new(|| serde_json::from_str(include_str!("service_models.json")).unwrap_or_default());

/// One service's model.
#[derive(Debug, Deserialize)]
pub struct Service {
    /// Prefix of the `X-Amz-Target` header for the JSON protocols.
    pub target: Option<String>,
    /// `1.0` or `1.1` for the JSON protocols.
    pub json_version: Option<String>,
    /// `json`, `query`, `rest-json` or `rest-xml`.
    pub protocol: String,
    /// The API's version, as query requests name it.
    pub version: String,
    /// Of the XML that the query protocol answers.
    pub namespace: Option<String>,
    /// Name in a signature's scope.
    pub signing_name: String,
    /// Operations by name.
    pub operations: BTreeMap<String, Operation>,
    pub shapes: HashMap<String, Shape>,
}

/// One operation's model.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// HTTP method of the REST protocols.
    pub method: String,
    /// HTTP path of the REST protocols.
    pub path: String,
    /// HTTP status of success.
    pub status: u16,
    /// The member that the whole body is, where one is.
    pub payload: Option<String>,
    input: Option<String>,
}

/// The form of a value.
#[derive(Debug, Deserialize)]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: String,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    pub members: BTreeMap<String, Member>,
    pub member: Option<String>,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

/// A member of a structure.
#[derive(Debug, Deserialize)]
pub struct Member {
    pub shape: String,
    #[serde(default)]
    required: bool,
    #[serde(rename = "in")]
    location: Option<String>,
    #[serde(rename = "as")]
    wire_name: Option<String>,
}

/// Members of a REST operation that travel in the query string or a header: `(member, place, wire name)`.
pub fn members_outside_the_body(service: &str, operation: &str) -> Vec<(String, String, String)> {
    let Some((shape, _)) = input_shape(service, operation) else {
        return Vec::new();
    };
    shape
        .members
        .iter()
        .filter_map(|(name, member)| {
            let place = member.location.clone()?;
            Some((name.clone(), place, member.wire_name.clone()?))
        })
        .collect()
}

/// The rules of a request's members at the top, for tests that break them one by one.
#[cfg(test)]
pub fn rules(service: &str, operation: &str) -> Vec<Rules> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounds in the models are small"
    )]
    let bound = |value: Option<f64>| value.map(|value| value.max(0.0) as usize);
    let Some((shape, model)) = input_shape(service, operation) else {
        return Vec::new();
    };
    let members = shape.members.iter().filter_map(|(name, member)| {
        let of = model.shapes.get(&member.shape)?;
        Some(Rules {
            name: name.clone(),
            kind: of.kind.clone(),
            is_required: member.required,
            min: bound(of.min),
            max: bound(of.max),
            // One that takes anything cannot be broken.
            has_pattern: of.pattern.as_ref().is_some_and(|pattern| pattern != r"[\s\S]*"),
            has_values: !of.values.is_empty(),
        })
    });
    members.collect()
}

/// The rules of one member.
#[cfg(test)]
pub struct Rules {
    pub name: String,
    pub kind: String,
    pub is_required: bool,
    pub min: Option<usize>,
    pub max: Option<usize>,
    pub has_pattern: bool,
    pub has_values: bool,
}

/// Checks a request's members against the model.
///
/// # Errors
/// `ValidationException` with every complaint, as the services' common front words them.
pub fn validate(service: &str, operation: &str, input: &Value) -> Result<(), ServiceError> {
    let Some((shape, model)) = input_shape(service, operation) else {
        return Ok(());
    };
    let mut complaints = Vec::new();
    check(model, shape, input, "", &mut complaints);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(ServiceError::validation(&complaints))
    }
}

pub fn input_shape(service: &str, operation: &str) -> Option<(&'static Shape, &'static Service)> {
    let model = SERVICES.get(service)?;
    let name = model.operations.get(operation)?.input.as_ref()?;
    Some((model.shapes.get(name)?, model))
}

fn check(model: &Service, shape: &Shape, value: &Value, path: &str, complaints: &mut Vec<String>) {
    if shape.document {
        return;
    }
    match (shape.kind.as_str(), value) {
        ("structure", Value::Object(given)) => {
            for (name, member) in &shape.members {
                let path = join(path, name);
                match given.get(name).filter(|given| !given.is_null()) {
                    Some(value) => {
                        if let Some(shape) = model.shapes.get(&member.shape) {
                            check(model, shape, value, &path, complaints);
                        }
                    }
                    None if member.required => {
                        complaints.push(complain(&Value::Null, &path, "Member must not be null"));
                    }
                    None => {}
                }
            }
        }
        ("list", Value::Array(items)) => {
            check_size(shape, value, items.len(), path, complaints);
            if let Some(shape) = shape.member.as_ref().and_then(|name| model.shapes.get(name)) {
                for (index, item) in items.iter().enumerate() {
                    check(model, shape, item, &format!("{path}.{}.member", index + 1), complaints);
                }
            }
        }
        ("string", Value::String(text)) => check_string(shape, value, text, path, complaints),
        ("integer" | "long", Value::Number(number)) => check_number(shape, value, number.as_f64(), path, complaints),
        ("boolean", Value::Bool(_))
        | ("map", Value::Object(_))
        | ("timestamp" | "double" | "float", Value::Number(_)) => {}
        _ => complaints.push(complain(value, path, &format!("Member must be of type {}", shape.kind))),
    }
}

fn check_string(shape: &Shape, value: &Value, text: &str, path: &str, complaints: &mut Vec<String>) {
    check_size(shape, value, text.chars().count(), path, complaints);
    if !shape.values.is_empty() && !shape.values.iter().any(|allowed| allowed == text) {
        let set = shape.values.join(", ");
        complaints.push(complain(
            value,
            path,
            &format!("Member must satisfy enum value set: [{set}]"),
        ));
    }
    if let (Some(pattern), Some(regex)) = (&shape.pattern, shape.regex())
        && !regex.is_match(text)
    {
        complaints.push(complain(
            value,
            path,
            &format!("Member must satisfy regular expression pattern: {pattern}"),
        ));
    }
}

fn check_size(shape: &Shape, value: &Value, size: usize, path: &str, complaints: &mut Vec<String>) {
    #[expect(clippy::cast_precision_loss, reason = "lengths in the models are far below 2^52")]
    let size = size as f64;
    if let Some(min) = shape.min.filter(|min| size < *min) {
        let rule = format!("Member must have length greater than or equal to {min}");
        complaints.push(complain(value, path, &rule));
    }
    if let Some(max) = shape.max.filter(|max| size > *max) {
        let rule = format!("Member must have length less than or equal to {max}");
        complaints.push(complain(value, path, &rule));
    }
}

fn check_number(shape: &Shape, value: &Value, number: Option<f64>, path: &str, complaints: &mut Vec<String>) {
    let number = number.unwrap_or(f64::NAN);
    if let Some(min) = shape.min.filter(|min| number < *min) {
        let rule = format!("Member must have value greater than or equal to {min}");
        complaints.push(complain(value, path, &rule));
    }
    if let Some(max) = shape.max.filter(|max| number > *max) {
        let rule = format!("Member must have value less than or equal to {max}");
        complaints.push(complain(value, path, &rule));
    }
}

impl Shape {
    fn regex(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| Regex::new(&format!("^(?:{})$", self.pattern.as_ref()?)).ok())
            .as_ref()
    }
}

fn complain(value: &Value, path: &str, rule: &str) -> String {
    let shown = match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("Value '{shown}' at '{path}' failed to satisfy constraint: {rule}")
}

/// The front names members as Java fields: `IdentityStoreId` is reported as `identityStoreId`.
fn join(path: &str, name: &str) -> String {
    let mut letters = name.chars();
    let field: String = letters
        .next()
        .map(|c| c.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect();
    if path.is_empty() {
        field
    } else {
        format!("{path}.{field}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_pattern_of_the_models_compiles() {
        for service in SERVICES.values() {
            for (name, shape) in &service.shapes {
                assert!(shape.pattern.is_none() || shape.regex().is_some(), "{name}");
            }
        }
        assert!(SERVICES.len() >= 6);
    }

    #[test]
    fn a_missing_store_is_refused_in_the_words_of_the_service() {
        let error = validate("identitystore", "DescribeUser", &json!({"UserId": "x"})).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(
            error
                .message
                .starts_with("2 validation errors detected: Value 'null' at 'identityStoreId'")
        );
    }

    #[test]
    fn a_permission_set_name_of_33_characters_is_too_long() {
        let input = json!({"InstanceArn": "arn:aws:sso:::instance/ssoins-1234567890abcdef", "Name": "a".repeat(33)});
        let error = validate("sso-admin", "CreatePermissionSet", &input).unwrap_err();
        assert!(
            error.message.contains("length less than or equal to 32"),
            "{}",
            error.message
        );
    }
}
