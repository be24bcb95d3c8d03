//! The services' protocols: which service and operation a request is for, and how answers are written.

use std::fmt::Write as _;

use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::models::{self, SERVICES};
use super::refusal::{Answer, Refusal};

/// A request, told apart by target header, path and signature scope.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// botocore's name of the service.
    pub service: String,
    /// The operation's name.
    pub operation: String,
    /// Region of the signature, `-` without one.
    pub region: String,
    /// Access key id of the signature, empty without one.
    pub access_key_id: String,
    /// The members.
    pub input: Value,
    protocol: Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Json,
    Query,
    Rest,
}

/// An answer on the wire.
#[derive(Debug, Clone)]
pub struct Wire {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// `x-amzn-errortype`, where the answer is an error.
    pub error_type: Option<String>,
    /// Where a browser goes from here.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

/// Reads a request. `None` where no simulated service takes such a one.
pub fn parse(head: &Parts, body: &[u8]) -> Option<Parsed> {
    let (access_key_id, region) = signature(head).unwrap_or_default();
    let region = if region.is_empty() { "-".to_owned() } else { region };
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let parsed = |service: &str, operation: &str, input: Value, protocol| Parsed {
        service: service.to_owned(),
        operation: operation.to_owned(),
        region: region.clone(),
        access_key_id: access_key_id.clone(),
        input,
        protocol,
    };
    if let Some(target) = header("x-amz-target") {
        let (prefix, operation) = target.rsplit_once('.')?;
        let (service, _) = SERVICES
            .iter()
            .find(|(_, model)| model.target.as_deref() == Some(prefix))?;
        return Some(parsed(service, operation, json_members(body), Protocol::Json));
    }
    if head.uri.path() == "/" && head.method == "POST" {
        let form: Map<String, Value> = form_urlencoded::parse(body)
            .map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())))
            .collect();
        let operation = form.get("Action")?.as_str()?.to_owned();
        return Some(parsed("sts", &operation, Value::Object(form), Protocol::Query));
    }
    for service in ["sso-oidc", "sso"] {
        let found = SERVICES
            .get(service)?
            .operations
            .iter()
            .find(|(_, operation)| head.method == operation.method.as_str() && head.uri.path() == operation.path);
        if let Some((operation, _)) = found {
            let input = rest_members(service, operation, head, body);
            return Some(parsed(service, operation, input, Protocol::Rest));
        }
    }
    None
}

fn json_members(body: &[u8]) -> Value {
    if body.is_empty() {
        return json!({});
    }
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

fn rest_members(service: &str, operation: &str, head: &Parts, body: &[u8]) -> Value {
    let mut members = match json_members(body) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let query = head.uri.query().unwrap_or_default();
    for (member, place, wire_name) in models::members_outside_the_body(service, operation) {
        let value = match place.as_str() {
            "querystring" => form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| *key == wire_name)
                .map(|(_, value)| value.into_owned()),
            _ => head
                .headers
                .get(&wire_name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
        };
        if let Some(value) = value {
            let value = value
                .parse::<u64>()
                .ok()
                .filter(|_| member == "maxResults")
                .map_or(Value::String(value), Value::from);
            members.insert(member, value);
        }
    }
    Value::Object(members)
}

/// Access key id and Region of an AWS signature in the `Authorization` header.
fn signature(head: &Parts) -> Option<(String, String)> {
    let header = head.headers.get("authorization")?.to_str().ok()?;
    let scope = header.split("Credential=").nth(1)?.split(',').next()?;
    let mut parts = scope.split('/');
    let (key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
    Some((key.to_owned(), region.to_owned()))
}

impl Parsed {
    /// Writes an answer in this request's protocol.
    pub fn write(&self, answer: &Answer, request_id: &str) -> Wire {
        match (self.protocol, answer) {
            (Protocol::Query, Ok(value)) => Wire {
                status: 200,
                content_type: "text/xml".to_owned(),
                error_type: None,
                location: None,
                body: xml_answer(&self.operation, value, request_id),
            },
            (Protocol::Query, Err(refusal)) => Wire {
                status: refusal.status,
                content_type: "text/xml".to_owned(),
                error_type: None,
                location: None,
                body: xml_error(refusal, request_id),
            },
            (_, Ok(value)) => Wire {
                status: 200,
                content_type: self.json_type(),
                error_type: None,
                location: None,
                body: if value.is_null() {
                    String::new()
                } else {
                    value.to_string()
                },
            },
            (protocol, Err(refusal)) => Wire {
                status: refusal.status,
                content_type: self.json_type(),
                error_type: Some(refusal.code.clone()),
                location: None,
                body: match protocol {
                    Protocol::Rest => rest_error(refusal).to_string(),
                    _ => refusal.json_body().to_string(),
                },
            },
        }
    }

    fn json_type(&self) -> String {
        match (
            self.protocol,
            SERVICES
                .get(&self.service)
                .and_then(|model| model.json_version.as_deref()),
        ) {
            (Protocol::Json, Some(version)) => format!("application/x-amz-json-{version}"),
            _ => "application/json".to_owned(),
        }
    }
}

fn rest_error(refusal: &Refusal) -> Value {
    let mut body = refusal.extra.clone();
    if !body.contains_key("error") {
        body.insert("message".to_owned(), json!(refusal.message));
    }
    Value::Object(body)
}

fn xml_answer(operation: &str, value: &Value, request_id: &str) -> String {
    let mut members = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let _ = write!(
            members,
            "<{name}>{}</{name}>",
            escape(value.as_str().unwrap_or_default())
        );
    }
    format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result>{members}\
         </{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
}

fn xml_error(refusal: &Refusal, request_id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{}</Code>\
         <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(&refusal.code),
        escape(&refusal.message)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
