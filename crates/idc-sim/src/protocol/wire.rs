//! The wire protocols: finds the service and the operation of an HTTP request, deserializes its input, and serializes
//! the response.

use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::protocol::models::{self, Operation, SERVICES, Service};
use crate::protocol::xml;

/// An API request. Its service and operation come from the target header, the path and the signature scope.
#[derive(Debug, Clone)]
pub struct ParsedRequest {
    /// botocore's name of the service.
    pub service: &'static str,
    /// The name of the operation.
    pub operation: String,
    /// Region in the signature, or `-` for an unsigned request.
    pub region: String,
    /// Access key ID in the signature, or an empty string for an unsigned request.
    pub access_key_id: String,
    /// The public key (a JWK) in the request's `DPoP` proof, if it has one.
    pub proof: Option<Value>,
    /// The input members.
    pub input: Value,
    model: &'static Service,
}

/// An HTTP response.
#[derive(Debug, Clone, Default)]
pub struct WireResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers, including `content-type`.
    pub headers: Vec<(&'static str, String)>,
    /// The error code, for the call log.
    pub error: Option<String>,
    /// The body.
    pub body: String,
}

/// Parses an API request. Returns `None` if the request is not for a simulated service.
pub fn parse(head: &Parts, body: &[u8]) -> Option<ParsedRequest> {
    let scope = signature_scope(head).unwrap_or_default();
    let (service, operation, input) = json_request(head, body)
        .or_else(|| query_request(head, body))
        .or_else(|| s3_request(head, &scope, body))
        .or_else(|| rest_request(head, body))?;
    Some(ParsedRequest {
        service,
        operation,
        region: if scope.region.is_empty() {
            "-".to_owned()
        } else {
            scope.region
        },
        access_key_id: scope.access_key_id,
        proof: header(head, "dpop").and_then(crate::protocol::dpop::public_key),
        input,
        model: SERVICES.get(service)?,
    })
}

/// Service, operation and input of a request.
type Request = (&'static str, String, Value);

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns the services that use this protocol.
fn services(protocol: &str) -> impl Iterator<Item = (&'static str, &'static Service)> {
    let services = SERVICES.iter().filter(move |(_, model)| model.protocol == protocol);
    services.map(|(name, model)| (name.as_str(), model))
}

fn json_request(head: &Parts, body: &[u8]) -> Option<Request> {
    let (prefix, operation) = header(head, "x-amz-target")?.rsplit_once('.')?;
    // CloudTrail's target starts with a package name in botocore's model, and without one in the models of the other
    // SDKs.
    let matches_target = |model: &Service| {
        let target = model.target.as_deref();
        target.is_some_and(|target| target == prefix || target.rsplit('.').next() == Some(prefix))
    };
    let (service, _) = services("json").find(|(_, model)| matches_target(model))?;
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

/// Parses a path-style S3 request, such as `PUT /bucket?policy`: the path names the bucket, and the first query
/// parameter the subresource. The signature scope distinguishes it from requests for other services.
fn s3_request(head: &Parts, scope: &Scope, body: &[u8]) -> Option<Request> {
    let (service, model) = services("rest-xml").find(|(_, model)| model.signing_name == scope.service)?;
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = head.uri.query().unwrap_or_default();
    let matches_query = |operation: &Operation| match operation.path.split_once('?') {
        Some((_, subresource)) => {
            let subresource = subresource.split('=').next().unwrap_or(subresource);
            form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == subresource)
        }
        None => form_urlencoded::parse(query.as_bytes()).all(|(key, _)| key == "x-id"),
    };
    let found = model.operations.iter().find(|(_, operation)| {
        head.method == operation.method.as_str() && key.is_empty() && !bucket.is_empty() && matches_query(operation)
    });
    let Some((operation, operation_model)) = found else {
        return Some((service, format!("{} {}", head.method, head.uri.path()), json!({})));
    };
    let mut input = query_and_header_members(service, operation, head);
    input.insert("Bucket".to_owned(), json!(bucket));
    let shape = models::input_shape(service, operation).map(|(shape, _)| shape);
    if let (Some(payload), Ok(text), false) = (&operation_model.payload, std::str::from_utf8(body), body.is_empty())
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
        let (operation, operation_model) = model
            .operations
            .iter()
            .find(|(_, operation)| head.method == operation.method.as_str() && head.uri.path() == operation.path)?;
        let mut members = query_and_header_members(service, operation, head);
        match (&operation_model.payload, json_members(body)) {
            (Some(payload), body) => {
                members.insert(payload.clone(), body);
            }
            (None, Value::Object(body)) => members.extend(body),
            (None, _) => {}
        }
        Some((service, operation.clone(), Value::Object(members)))
    })
}

/// Deserializes a JSON body. An empty body is an empty object, and an invalid one is `Null`.
fn json_members(body: &[u8]) -> Value {
    if body.is_empty() {
        return json!({});
    }
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

/// Returns the members that are sent in the query string or in headers.
fn query_and_header_members(service: &str, operation: &str, head: &Parts) -> Map<String, Value> {
    let query = head.uri.query().unwrap_or_default();
    let members = models::query_and_header_members(service, operation).into_iter();
    let present = members.filter_map(|(member, location, wire_name)| {
        let value = match location.as_str() {
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
    present.collect()
}

/// The credential scope of the signature in the `Authorization` header.
#[derive(Debug, Default)]
struct Scope {
    access_key_id: String,
    region: String,
    service: String,
}

fn signature_scope(head: &Parts) -> Option<Scope> {
    let scope = header(head, "authorization")?
        .split("Credential=")
        .nth(1)?
        .split(',')
        .next()?;
    let mut parts = scope.split('/');
    let (access_key_id, _date) = (parts.next()?.to_owned(), parts.next()?);
    let (region, service) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Scope {
        access_key_id,
        region,
        service,
    })
}

impl ParsedRequest {
    /// Serializes a result in the protocol of this request.
    pub fn write_response(&self, result: &ServiceResult, request_id: &str) -> WireResponse {
        let status = match result {
            Ok(_) => self
                .model
                .operations
                .get(&self.operation)
                .map_or(200, |operation| operation.status),
            Err(error) => error.status,
        };
        let response = WireResponse {
            status,
            error: result.as_ref().err().map(|error| error.code.clone()),
            ..WireResponse::default()
        };
        match self.model.protocol.as_str() {
            "query" => self.write_query(result, request_id, response),
            "rest-xml" => write_s3(self, result, request_id, response),
            _ => self.write_json(result, response),
        }
    }

    fn write_json(&self, result: &ServiceResult, mut response: WireResponse) -> WireResponse {
        let is_rest = self.model.protocol == "rest-json";
        let content_type = match &self.model.json_version {
            Some(version) => format!("application/x-amz-json-{version}"),
            None => "application/json".to_owned(),
        };
        response.headers.push(("content-type", content_type));
        response.body = match result {
            Ok(Value::Null) => String::new(),
            Ok(value) => value.to_string(),
            Err(error) if is_rest => rest_error(error).to_string(),
            Err(error) => error.json_body().to_string(),
        };
        if let Some(code) = &response.error {
            response.headers.push(("x-amzn-errortype", code.clone()));
        }
        response
    }

    fn write_query(&self, result: &ServiceResult, request_id: &str, mut response: WireResponse) -> WireResponse {
        let namespace = self.model.namespace.as_deref();
        let operation = &self.operation;
        response.headers.push(("content-type", "text/xml".to_owned()));
        response.body = match result {
            Ok(value) => {
                // The SDKs read the first element as the result, whatever its name.
                let output = xml::to_xml(&format!("{operation}Result"), None, value);
                let metadata = xml::to_xml("ResponseMetadata", None, &json!({"RequestId": request_id}));
                let namespace = namespace.unwrap_or_default();
                format!("<{operation}Response xmlns=\"{namespace}\">{output}{metadata}</{operation}Response>")
            }
            Err(error) => {
                let error = json!({"Type": "Sender", "Code": error.code, "Message": error.message});
                let body = json!({"Error": error, "RequestId": request_id});
                xml::to_xml("ErrorResponse", namespace, &body)
            }
        };
        response
    }
}

const BUCKET_REGION: &str = "x-amz-bucket-region";

/// Serializes an S3 result: members for headers, and a body that is text or an XML document.
fn write_s3(
    request: &ParsedRequest,
    result: &ServiceResult,
    request_id: &str,
    mut response: WireResponse,
) -> WireResponse {
    const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
    response.headers.push(("content-type", "application/xml".to_owned()));
    response.headers.push(("x-amz-request-id", request_id.to_owned()));
    response.body = match result {
        Ok(Value::String(text)) => text.clone(),
        Ok(value) => {
            let mut root = String::new();
            for (name, value) in value.as_object().into_iter().flatten() {
                match (name.as_str(), value.as_str()) {
                    ("location", Some(value)) => response.headers.push(("location", value.to_owned())),
                    (BUCKET_REGION, Some(value)) => response.headers.push((BUCKET_REGION, value.to_owned())),
                    _ => root = xml::to_xml(name, Some(NAMESPACE), value),
                }
            }
            root
        }
        // The response to a HEAD request has no body: clients see only the status.
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
    if let Err(error) = result
        && let Some(region) = error.extra.get(BUCKET_REGION).and_then(Value::as_str)
    {
        response.headers.push((BUCKET_REGION, region.to_owned()));
    }
    response
}

/// Returns the response body of an error in the REST/JSON protocol.
fn rest_error(error: &ServiceError) -> Value {
    let mut body = error.extra.clone();
    if !body.contains_key("error") {
        body.insert("message".to_owned(), json!(error.message));
    }
    Value::Object(body)
}
