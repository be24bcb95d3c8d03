//! The models of the services: their operations, with the constraints on input, output and errors.
//!
//! `tools/service_models.py` generates `service_models.json` from botocore's models. Each request is validated against
//! its model before a service handles it, so that the simulation returns `ValidationException` in the same cases as
//! AWS, and with the same message. In debug builds, each response is validated too.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::constraint::{Constraint, Violation};
use crate::protocol::error::{ServiceError, ServiceResult};

/// The models of all simulated services, by botocore's names (`sso-admin`, `identitystore`, …).
pub static SERVICES: LazyLock<BTreeMap<String, Service>> =
    LazyLock::new(|| serde_json::from_str(include_str!("service_models.json")).unwrap_or_default());

/// The model of a service.
#[derive(Debug, Deserialize)]
pub struct Service {
    /// Prefix of the `X-Amz-Target` header in the JSON protocols.
    pub target: Option<String>,
    /// Version of the JSON protocols: `1.0` or `1.1`.
    pub json_version: Option<String>,
    /// The protocol: `json`, `query`, `rest-json` or `rest-xml`.
    pub protocol: String,
    /// API version, which identifies the service of a query request.
    pub version: String,
    /// XML namespace of responses in the query protocol.
    pub namespace: Option<String>,
    /// Service name in the credential scope of signatures.
    pub signing_name: String,
    /// Operations by name.
    pub operations: BTreeMap<String, Operation>,
    /// HTTP method and path of the operations that the simulation does not implement, for the REST protocols.
    pub others: BTreeMap<String, (String, String)>,
    /// Shapes by name.
    pub shapes: HashMap<String, Shape>,
}

/// The model of an operation.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// HTTP method, for the REST protocols.
    pub method: String,
    /// HTTP path and query string, for the REST protocols.
    pub path: String,
    /// HTTP status of a successful response.
    pub status: u16,
    /// The member that the body consists of, if the body is a single member.
    pub payload: Option<String>,
    input: Option<String>,
    output: Option<String>,
    /// The output member that the body consists of, if the body is a single member.
    pub output_payload: Option<String>,
    /// The errors by code.
    pub errors: BTreeMap<String, ErrorModel>,
}

/// The model of an error.
#[derive(Debug, Deserialize)]
pub struct ErrorModel {
    /// The name of its shape.
    pub shape: String,
    /// The HTTP status.
    pub status: u16,
}

/// The type of a value, with its constraints.
#[derive(Debug, Deserialize)]
pub struct Shape {
    /// The type: `structure`, `list`, `map`, `string`, `integer`, …
    #[serde(rename = "type")]
    pub kind: String,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    enum_values: Vec<String>,
    /// Whether any JSON is valid.
    #[serde(default)]
    pub document: bool,
    /// Whether it holds secrets or personal data.
    #[serde(default)]
    pub sensitive: bool,
    /// The members of a structure, by name.
    #[serde(default)]
    pub members: BTreeMap<String, Member>,
    /// The name of the shape of a list's items.
    pub member: Option<String>,
    /// The name of the element of each item of a list, in XML.
    pub member_name: Option<String>,
    /// The name of the shape of a map's keys.
    pub key: Option<String>,
    /// The name of the shape of a map's values.
    pub value: Option<String>,
    /// Whether the items of a list are not wrapped in an element, in XML.
    #[serde(default)]
    pub flat: bool,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

/// A member of a structure.
#[derive(Debug, Deserialize)]
pub struct Member {
    /// The name of its shape.
    pub shape: String,
    #[serde(default)]
    required: bool,
    /// Where it is sent, if not in the body: `querystring`, `header` or `uri`.
    #[serde(rename = "in")]
    pub location: Option<String>,
    /// The name with which it is sent, if it is another one.
    #[serde(rename = "as")]
    pub wire_name: Option<String>,
    /// Whether it is an attribute of the element, in XML.
    #[serde(default)]
    pub attribute: bool,
}

/// Returns the members of a REST operation that are not sent in the body, as `(member, location, wire name)`.
pub fn members_outside_the_body(service: &str, operation: &str) -> Vec<(String, String, String)> {
    let Some((shape, _)) = input_shape(service, operation) else {
        return Vec::new();
    };
    shape
        .members
        .iter()
        .filter_map(|(name, member)| {
            let location = member.location.clone()?;
            Some((name.clone(), location, member.wire_name.clone()?))
        })
        .collect()
}

/// Returns the constraints of a request's top-level members, for tests that violate them one by one.
#[cfg(test)]
pub fn constraints(service: &str, operation: &str) -> Vec<Constraints> {
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
        let shape = model.shapes.get(&member.shape)?;
        Some(Constraints {
            name: name.clone(),
            kind: shape.kind.clone(),
            is_required: member.required,
            min: bound(shape.min),
            max: bound(shape.max),
            // No value violates a pattern that matches everything.
            has_pattern: shape.pattern.as_ref().is_some_and(|pattern| pattern != r"[\s\S]*"),
            has_enum: !shape.enum_values.is_empty(),
        })
    });
    members.collect()
}

/// The constraints of one member.
#[cfg(test)]
pub struct Constraints {
    pub name: String,
    pub kind: String,
    pub is_required: bool,
    pub min: Option<usize>,
    pub max: Option<usize>,
    pub has_pattern: bool,
    pub has_enum: bool,
}

/// Validates a request's members against the model.
///
/// # Errors
/// `ValidationException` with the message of AWS, which lists all violated constraints.
pub fn validate(service: &str, operation: &str, input: &Value) -> Result<(), ServiceError> {
    let violations = violations(service, operation, input);
    if violations.is_empty() {
        Ok(())
    } else {
        Err(ServiceError::validation(&violations))
    }
}

/// Returns all constraints of the model that a request violates.
pub fn violations(service: &str, operation: &str, input: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let Some((shape, model)) = input_shape(service, operation) {
        check(model, shape, input, "", Rules::All, &mut violations);
    }
    violations
}

/// Returns the input shape of an operation and the model of its service, or `None` if the operation is not in the
/// models.
pub fn input_shape(service: &str, operation: &str) -> Option<(&'static Shape, &'static Service)> {
    let model = SERVICES.get(service)?;
    let name = model.operations.get(operation)?.input.as_ref()?;
    Some((model.shapes.get(name)?, model))
}

/// Returns the output shape of an operation and the model of its service, or `None` if the operation is not in the models
/// or has no output.
pub fn output_shape(service: &str, operation: &str) -> Option<(&'static Shape, &'static Service)> {
    let model = SERVICES.get(service)?;
    let name = model.operations.get(operation)?.output.as_ref()?;
    Some((model.shapes.get(name)?, model))
}

/// Returns the shape of an error of an operation.
pub fn error_shape(service: &str, operation: &str, code: &str) -> Option<&'static Shape> {
    let model = SERVICES.get(service)?;
    let error = model.operations.get(operation)?.errors.get(code)?;
    model.shapes.get(&error.shape)
}

/// Errors that every operation can return, although no model lists them.
const COMMON_ERRORS: [&str; 15] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "ForbiddenException",
    "InternalFailure",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotImplemented",
    "ServiceUnavailable",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
];

/// Validates what a service returns against the model, and describes each difference.
pub fn response_violations(service: &str, operation: &str, result: &ServiceResult) -> Vec<String> {
    let Some(model) = SERVICES.get(service) else {
        return vec![format!("{service} has no model")];
    };
    let Some(operation_model) = model.operations.get(operation) else {
        return Vec::new();
    };
    let mut violations = Vec::new();
    match result {
        Ok(output) => match output_shape(service, operation) {
            Some((shape, model)) => {
                violations.extend(type_violations(model, shape, output, ""));
                check_known(model, shape, output, "", &mut violations);
            }
            None if output.is_null() || output == &Value::Object(serde_json::Map::new()) => {}
            None => violations.push(format!("{operation} has no output")),
        },
        Err(error) => match operation_model.errors.get(&error.code) {
            Some(known) => {
                if known.status != error.status {
                    violations.push(format!("{} has HTTP status {}", error.code, known.status));
                }
                let members = model.shapes.get(&known.shape).map(|shape| &shape.members);
                let unknown = error
                    .extra
                    .keys()
                    .filter(|name| members.is_none_or(|known| !known.contains_key(*name)));
                violations.extend(unknown.map(|name| format!("{} has no member {name}", error.code)));
                if let Some(shape) = model.shapes.get(&known.shape) {
                    for (name, value) in &error.extra {
                        let member = shape
                            .members
                            .get(name)
                            .and_then(|member| model.shapes.get(&member.shape));
                        if let Some(member) = member {
                            violations.extend(type_violations(model, member, value, name));
                        }
                    }
                }
            }
            // The errors of S3 are not in its model.
            None if service == "s3" || COMMON_ERRORS.contains(&error.code.as_str()) => {}
            None => violations.push(format!("{operation} has no error {}", error.code)),
        },
    }
    violations
}

/// Describes each constraint that a value in a response violates.
fn type_violations(model: &Service, shape: &Shape, value: &Value, path: &str) -> Vec<String> {
    let mut violations = Vec::new();
    check(model, shape, value, path, Rules::Types, &mut violations);
    violations.into_iter().map(|violation| violation.description).collect()
}

/// Appends a description of each member that the model does not have.
fn check_known(model: &Service, shape: &Shape, value: &Value, path: &str, violations: &mut Vec<String>) {
    if shape.document {
        return;
    }
    let shape_of = |name: &Option<String>| name.as_ref().and_then(|name| model.shapes.get(name));
    match (shape.kind.as_str(), value) {
        ("structure", Value::Object(values)) => {
            for (name, value) in values {
                let path = member_path(path, name);
                match shape
                    .members
                    .get(name)
                    .and_then(|member| model.shapes.get(&member.shape))
                {
                    Some(shape) => check_known(model, shape, value, &path, violations),
                    None => violations.push(format!("{path} is not in the model")),
                }
            }
        }
        ("list", Value::Array(items)) => {
            if let Some(shape) = shape_of(&shape.member) {
                for item in items {
                    check_known(model, shape, item, path, violations);
                }
            }
        }
        ("map", Value::Object(values)) => {
            if let Some(shape) = shape_of(&shape.value) {
                for (key, value) in values {
                    check_known(model, shape, value, &format!("{path}.{key}"), violations);
                }
            }
        }
        _ => {}
    }
}

/// What a value is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// Everything in the model, as for requests.
    All,
    /// Types, required members and enumerations, as for responses. Their lengths and patterns depend on what a scenario
    /// contains, and real services do not keep to them either.
    Types,
}

/// Validates a value against its shape, and appends each violated constraint.
fn check(model: &Service, shape: &Shape, value: &Value, path: &str, rules: Rules, violations: &mut Vec<Violation>) {
    if shape.document {
        return;
    }
    match (shape.kind.as_str(), value) {
        ("structure", Value::Object(values)) => {
            for (name, member) in &shape.members {
                let path = member_path(path, name);
                match values.get(name).filter(|value| !value.is_null()) {
                    Some(value) => {
                        if let Some(shape) = model.shapes.get(&member.shape) {
                            check(model, shape, value, &path, rules, violations);
                        }
                    }
                    None if member.required => {
                        let required = Constraint::Required;
                        violations.push(violation(required, &Value::Null, &path, "Member must not be null"));
                    }
                    None => {}
                }
            }
        }
        ("list", Value::Array(items)) => {
            if rules == Rules::All {
                check_size(shape, value, items.len(), path, violations);
            }
            if let Some(shape) = shape.member.as_ref().and_then(|name| model.shapes.get(name)) {
                for (index, item) in items.iter().enumerate() {
                    check(model, shape, item, &format!("{path}.{}.member", index + 1), rules, violations);
                }
            }
        }
        ("string", Value::String(text)) => check_string(shape, value, text, path, rules, violations),
        ("integer" | "long", Value::Number(number)) => check_number(shape, value, number.as_f64(), path, violations),
        ("boolean", Value::Bool(_))
        | ("map", Value::Object(_))
        | ("timestamp" | "double" | "float", Value::Number(_))
        // In XML.
        | ("timestamp", Value::String(_)) => {}
        _ => violations.push(violation(
            Constraint::Type,
            value,
            path,
            &format!("Member must be of type {}", shape.kind),
        )),
    }
}

fn check_string(shape: &Shape, value: &Value, text: &str, path: &str, rules: Rules, violations: &mut Vec<Violation>) {
    if !shape.enum_values.is_empty() && !shape.enum_values.iter().any(|allowed| allowed == text) {
        let set = shape.enum_values.join(", ");
        violations.push(violation(
            Constraint::Enumeration,
            value,
            path,
            &format!("Member must satisfy enum value set: [{set}]"),
        ));
    }
    if rules == Rules::Types {
        return;
    }
    check_size(shape, value, text.chars().count(), path, violations);
    if let (Some(pattern), Some(regex)) = (&shape.pattern, shape.regex())
        && !regex.is_match(text)
    {
        violations.push(violation(
            Constraint::Pattern,
            value,
            path,
            &format!("Member must satisfy regular expression pattern: {pattern}"),
        ));
    }
}

fn check_size(shape: &Shape, value: &Value, size: usize, path: &str, violations: &mut Vec<Violation>) {
    #[expect(clippy::cast_precision_loss, reason = "lengths in the models are far below 2^52")]
    let size = size as f64;
    if let Some(min) = shape.min.filter(|min| size < *min) {
        let constraint = format!("Member must have length greater than or equal to {min}");
        violations.push(violation(Constraint::MinLength, value, path, &constraint));
    }
    if let Some(max) = shape.max.filter(|max| size > *max) {
        let constraint = format!("Member must have length less than or equal to {max}");
        violations.push(violation(Constraint::MaxLength, value, path, &constraint));
    }
}

fn check_number(shape: &Shape, value: &Value, number: Option<f64>, path: &str, violations: &mut Vec<Violation>) {
    let number = number.unwrap_or(f64::NAN);
    if let Some(min) = shape.min.filter(|min| number < *min) {
        let constraint = format!("Member must have value greater than or equal to {min}");
        violations.push(violation(Constraint::MinValue, value, path, &constraint));
    }
    if let Some(max) = shape.max.filter(|max| number > *max) {
        let constraint = format!("Member must have value less than or equal to {max}");
        violations.push(violation(Constraint::MaxValue, value, path, &constraint));
    }
}

impl Shape {
    /// Returns whether it is an enumeration.
    pub fn is_enumeration(&self) -> bool {
        !self.enum_values.is_empty()
    }

    /// Returns whether a text is one of the values of the enumeration.
    pub fn is_enum_value(&self, text: &str) -> bool {
        self.enum_values.iter().any(|value| value == text)
    }

    /// Returns the compiled pattern, anchored at both ends.
    fn regex(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| Regex::new(&format!("^(?:{})$", self.pattern.as_ref()?)).ok())
            .as_ref()
    }
}

/// Returns a violated constraint, with its description in the format of AWS.
fn violation(constraint: Constraint, value: &Value, path: &str, words: &str) -> Violation {
    let shown = match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Violation {
        constraint,
        description: format!("Value '{shown}' at '{path}' failed to satisfy constraint: {words}"),
    }
}

/// Returns the path of a member in error messages. AWS reports members in lower camel case: `IdentityStoreId` is
/// `identityStoreId`.
fn member_path(path: &str, name: &str) -> String {
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
    fn every_pattern_in_the_models_compiles() {
        for service in SERVICES.values() {
            for (name, shape) in &service.shapes {
                assert!(shape.pattern.is_none() || shape.regex().is_some(), "{name}");
            }
        }
        assert!(SERVICES.len() >= 6);
    }

    #[test]
    fn a_missing_identity_store_id_gets_the_error_message_of_the_service() {
        let error = validate("identitystore", "DescribeUser", &json!({"UserId": "x"})).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(
            error
                .message
                .starts_with("2 validation errors detected: Value 'null' at 'identityStoreId'")
        );
    }

    #[test]
    fn a_permission_set_name_of_33_characters_is_rejected() {
        let input = json!({"InstanceArn": "arn:aws:sso:::instance/ssoins-1234567890abcdef", "Name": "a".repeat(33)});
        let error = validate("sso-admin", "CreatePermissionSet", &input).unwrap_err();
        assert!(
            error.message.contains("length less than or equal to 32"),
            "{}",
            error.message
        );
    }
}
