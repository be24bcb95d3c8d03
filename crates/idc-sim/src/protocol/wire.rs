//! The services' protocols: which service and operation a request is for, and how answers are written.

use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use crate::protocol::error::{Answer, ServiceError};
use crate::protocol::models::{self, Operation, SERVICES, Service};
use crate::protocol::xml;

/// A request, told apart by target header, path and signature scope.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// botocore's name of the service.
    pub service: &'static str,
    /// The operation's name.
    pub operation: String,
    /// Region of the signature, `-` without one.
    pub region: String,
    /// Access key id of the signature, empty without one.
    pub access_key_id: String,
    /// The key that the request proves to hold (`DPoP`), where it does: its public half, as sent.
    pub proof: Option<Value>,
    /// The members.
    pub input: Value,
    model: &'static Service,
}

/// An answer on the wire.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    /// HTTP status.
    pub status: u16,
    /// Headers, `content-type` among them.
    pub headers: Vec<(&'static str, String)>,
    /// The error's code, for the call log.
    pub error: Option<String>,
    /// The body.
    pub body: String,
}

/// Reads a request. `None` where no simulated service takes such a one.
pub fn parse(head: &Parts, body: &[u8]) -> Option<Parsed> {
    let scope = signature(head).unwrap_or_default();
    let (service, operation, input) = json_request(head, body)
        .or_else(|| query_request(head, body))
        .or_else(|| s3_request(head, &scope, body))
        .or_else(|| rest_request(head, body))?;
    Some(Parsed {
        service,
        operation,
        region: if scope.region.is_empty() {
            "-".to_owned()
        } else {
            scope.region
        },
        access_key_id: scope.key,
        proof: header(head, "dpop").and_then(crate::protocol::dpop::public_key),
        input,
        model: SERVICES.get(service)?,
    })
}

type Request = (&'static str, String, Value);

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

fn services(protocol: &str) -> impl Iterator<Item = (&'static str, &'static Service)> {
    let of = SERVICES.iter().filter(move |(_, model)| model.protocol == protocol);
    of.map(|(name, model)| (name.as_str(), model))
}

fn json_request(head: &Parts, body: &[u8]) -> Option<Request> {
    let (prefix, operation) = header(head, "x-amz-target")?.rsplit_once('.')?;
    // CloudTrail's target has a package before it in botocore's model, and none in the other SDKs'.
    let is_it = |model: &Service| {
        let target = model.target.as_deref();
        target.is_some_and(|target| target == prefix || target.rsplit('.').next() == Some(prefix))
    };
    let (service, _) = services("json").find(|(_, model)| is_it(model))?;
    Some((service, operation.to_owned(), json_members(body)))
}

fn query_request(head: &Parts, body: &[u8]) -> Option<Request> {
    if head.uri.path() != "/" || head.method != "POST" {
        return None;
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let member = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let (operation, version) = (member("Action")?, member("Version")?);
    let (service, _) = services("query").find(|(_, model)| model.version == version)?;
    let input = xml::from_form(service, &operation, &form);
    Some((service, operation, input))
}

/// `PUT /bucket?policy`: the address is a bucket, and the query's first word says what of it. A path-style
/// request for another service never carries S3's scope.
fn s3_request(head: &Parts, scope: &Scope, body: &[u8]) -> Option<Request> {
    let (service, model) = services("rest-xml").find(|(_, model)| model.signing_name == scope.service)?;
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = head.uri.query().unwrap_or_default();
    let asked = |operation: &Operation| match operation.path.split_once('?') {
        Some((_, of)) => {
            let of = of.split('=').next().unwrap_or(of);
            form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == of)
        }
        None => form_urlencoded::parse(query.as_bytes()).all(|(key, _)| key == "x-id"),
    };
    let found = model.operations.iter().find(|(_, operation)| {
        head.method == operation.method.as_str() && key.is_empty() && !bucket.is_empty() && asked(operation)
    });
    let Some((operation, rules)) = found else {
        return Some((service, format!("{} {}", head.method, head.uri.path()), json!({})));
    };
    let mut input = outside_the_body(service, operation, head);
    input.insert("Bucket".to_owned(), json!(bucket));
    let shape = models::input_shape(service, operation).map(|(shape, _)| shape);
    if let (Some(payload), Ok(text), false) = (&rules.payload, std::str::from_utf8(body), body.is_empty())
        && let Some(shape) = shape.and_then(|shape| model.shapes.get(&shape.members.get(payload)?.shape))
    {
        let value = match shape.kind.as_str() {
            "structure" => xml::from_xml(model, shape, text),
            _ => json!(text),
        };
        input.insert(payload.clone(), value);
    }
    Some((service, operation.clone(), Value::Object(input)))
}

fn rest_request(head: &Parts, body: &[u8]) -> Option<Request> {
    services("rest-json").find_map(|(service, model)| {
        let (operation, rules) = model
            .operations
            .iter()
            .find(|(_, rules)| head.method == rules.method.as_str() && head.uri.path() == rules.path)?;
        let mut members = outside_the_body(service, operation, head);
        match (&rules.payload, json_members(body)) {
            (Some(payload), body) => {
                members.insert(payload.clone(), body);
            }
            (None, Value::Object(body)) => members.extend(body),
            (None, _) => {}
        }
        Some((service, operation.clone(), Value::Object(members)))
    })
}

fn json_members(body: &[u8]) -> Value {
    if body.is_empty() {
        return json!({});
    }
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

/// Members that travel in the query string or in headers.
fn outside_the_body(service: &str, operation: &str, head: &Parts) -> Map<String, Value> {
    let query = head.uri.query().unwrap_or_default();
    let members = models::members_outside_the_body(service, operation).into_iter();
    let given = members.filter_map(|(member, place, wire_name)| {
        let value = match place.as_str() {
            "querystring" => form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| *key == wire_name)
                .map(|(_, value)| value.into_owned())?,
            _ => header(head, &wire_name)?.to_owned(),
        };
        let number = value
            .parse::<u64>()
            .ok()
            .filter(|_| matches!(member.as_str(), "maxResults" | "MaxKeys"));
        Some((member, number.map_or(Value::String(value), Value::from)))
    });
    given.collect()
}

/// What an AWS signature in the `Authorization` header says of itself.
#[derive(Debug, Default)]
struct Scope {
    key: String,
    region: String,
    service: String,
}

fn signature(head: &Parts) -> Option<Scope> {
    let scope = header(head, "authorization")?
        .split("Credential=")
        .nth(1)?
        .split(',')
        .next()?;
    let mut parts = scope.split('/');
    let (key, _date) = (parts.next()?.to_owned(), parts.next()?);
    let (region, service) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Scope { key, region, service })
}

impl Parsed {
    /// Writes an answer in this request's protocol.
    pub fn write(&self, answer: &Answer, request_id: &str) -> Wire {
        let status = match answer {
            Ok(_) => self
                .model
                .operations
                .get(&self.operation)
                .map_or(200, |operation| operation.status),
            Err(error) => error.status,
        };
        let wire = Wire {
            status,
            error: answer.as_ref().err().map(|error| error.code.clone()),
            ..Wire::default()
        };
        match self.model.protocol.as_str() {
            "query" => self.write_query(answer, request_id, wire),
            "rest-xml" => write_s3(self, answer, request_id, wire),
            _ => self.write_json(answer, wire),
        }
    }

    fn write_json(&self, answer: &Answer, mut wire: Wire) -> Wire {
        let is_rest = self.model.protocol == "rest-json";
        let content_type = match &self.model.json_version {
            Some(version) => format!("application/x-amz-json-{version}"),
            None => "application/json".to_owned(),
        };
        wire.headers.push(("content-type", content_type));
        wire.body = match answer {
            Ok(Value::Null) => String::new(),
            Ok(value) => value.to_string(),
            Err(error) if is_rest => rest_error(error).to_string(),
            Err(error) => error.json_body().to_string(),
        };
        if let Some(code) = &wire.error {
            wire.headers.push(("x-amzn-errortype", code.clone()));
        }
        wire
    }

    fn write_query(&self, answer: &Answer, request_id: &str, mut wire: Wire) -> Wire {
        let namespace = self.model.namespace.as_deref();
        let operation = &self.operation;
        wire.headers.push(("content-type", "text/xml".to_owned()));
        wire.body = match answer {
            Ok(value) => {
                // The result comes first: the SDKs read it so, whatever its name.
                let result = xml::to_xml(&format!("{operation}Result"), None, value);
                let metadata = xml::to_xml("ResponseMetadata", None, &json!({"RequestId": request_id}));
                let namespace = namespace.unwrap_or_default();
                format!("<{operation}Response xmlns=\"{namespace}\">{result}{metadata}</{operation}Response>")
            }
            Err(error) => {
                let error = json!({"Type": "Sender", "Code": error.code, "Message": error.message});
                let response = json!({"Error": error, "RequestId": request_id});
                xml::to_xml("ErrorResponse", namespace, &response)
            }
        };
        wire
    }
}

const BUCKET_REGION: &str = "x-amz-bucket-region";

/// S3 answers with headers, and with a document of one root element or with text.
fn write_s3(request: &Parsed, answer: &Answer, request_id: &str, mut wire: Wire) -> Wire {
    const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
    wire.headers.push(("content-type", "application/xml".to_owned()));
    wire.headers.push(("x-amz-request-id", request_id.to_owned()));
    wire.body = match answer {
        Ok(Value::String(text)) => text.clone(),
        Ok(value) => {
            let mut root = String::new();
            for (name, value) in value.as_object().into_iter().flatten() {
                match (name.as_str(), value.as_str()) {
                    ("location", Some(value)) => wire.headers.push(("location", value.to_owned())),
                    (BUCKET_REGION, Some(value)) => wire.headers.push((BUCKET_REGION, value.to_owned())),
                    _ => root = xml::to_xml(name, Some(NAMESPACE), value),
                }
            }
            root
        }
        // The answer to a HEAD has no body, so that nothing but the status tells what is wrong.
        Err(_) if request.operation == "HeadBucket" => String::new(),
        Err(error) => {
            let mut members = error.extra.clone();
            members.remove(BUCKET_REGION);
            members.insert("Code".to_owned(), json!(error.code));
            members.insert("Message".to_owned(), json!(error.message));
            members.insert("RequestId".to_owned(), json!(request_id));
            xml::to_xml("Error", None, &Value::Object(members))
        }
    };
    if let Err(error) = answer
        && let Some(region) = error.extra.get(BUCKET_REGION).and_then(Value::as_str)
    {
        wire.headers.push((BUCKET_REGION, region.to_owned()));
    }
    wire
}

fn rest_error(error: &ServiceError) -> Value {
    let mut body = error.extra.clone();
    if !body.contains_key("error") {
        body.insert("message".to_owned(), json!(error.message));
    }
    Value::Object(body)
}
