//! The wire protocols: finds the service and the operation of an HTTP request, deserializes its input, and serializes
//! the response.

use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::protocol::models::{self, SERVICES, Service};
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

/// A response, as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The members of the body. For an error, those other than its code and its message.
    pub members: Value,
    /// The code and the message of an error. Without a code, it is `http-STATUS`.
    pub error: Option<(String, String)>,
}

/// Reads a response. `error_type` is the header `x-amzn-errortype`. Members that are sent as headers are left out, and
/// so are the additional members of an error in XML.
pub fn read_response(service: &str, operation: &str, status: u16, error_type: Option<&str>, body: &[u8]) -> Answer {
    let model = SERVICES.get(service);
    let is_xml = model.is_some_and(|model| matches!(model.protocol.as_str(), "query" | "rest-xml"));
    let text = String::from_utf8_lossy(body);
    if status < 300 {
        let payload = model
            .and_then(|model| model.operations.get(operation))
            .and_then(|operation| operation.output_payload.as_deref());
        let members = match payload {
            _ if is_xml => xml::from_response(service, operation, &text).unwrap_or_else(|| json!({})),
            Some(payload) => json!({ payload: json_members(body) }),
            None => json_members(body),
        };
        return Answer { members, error: None };
    }
    let unnamed = || format!("http-{status}");
    if is_xml {
        let error = xml::error_of(&text).unwrap_or_else(|| (unnamed(), String::new()));
        return Answer {
            members: json!({}),
            error: Some(error),
        };
    }
    let mut members = match json_members(body) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let kind = members.remove("__type");
    // It can have a namespace in front, and a URL behind.
    let code = error_type
        .or_else(|| kind.as_ref().and_then(Value::as_str))
        .and_then(|code| code.split(':').next()?.rsplit('#').next())
        .map_or_else(unnamed, str::to_owned);
    let words = ["message", "Message", "error_description"].map(|name| members.remove(name));
    let message = words.iter().flatten().find_map(Value::as_str).unwrap_or_default();
    Answer {
        error: Some((code, message.to_owned())),
        members: Value::Object(members),
    }
}

/// Parses an API request. Returns `None` if the request is not for a simulated service.
pub fn parse(head: &Parts, body: &[u8]) -> Option<ParsedRequest> {
    let scope = signature_scope(head).unwrap_or_default();
    let (service, operation, input) = json_request(head, body)
        .or_else(|| query_request(head, body))
        .or_else(|| rest_request(head, &scope, body))?;
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

/// Parses a request of a REST protocol: the method, the path and the query parameters determine the operation. For S3, the
/// path names the bucket. The scope of a signature distinguishes services with the same paths.
fn rest_request(head: &Parts, scope: &Scope, body: &[u8]) -> Option<Request> {
    let is_asked = |model: &Service| match (scope.service.as_str(), model.protocol.as_str()) {
        // Nobody reads a bucket without a signature here.
        ("", "rest-xml") => false,
        ("", _) => true,
        (signed, _) => model.signing_name == signed,
    };
    let services = services("rest-json").chain(services("rest-xml"));
    let (mut found, mut is_s3) = (None, None);
    for (service, model) in services.filter(|(_, model)| is_asked(model)) {
        is_s3 = is_s3.or((model.protocol == "rest-xml").then_some(service));
        let operations = model.operations.iter();
        let operations = operations.map(|(name, operation)| (name, operation.method.as_str(), operation.path.as_str()));
        let others = model.others.iter();
        let others = others.map(|(name, (method, path))| (name, method.as_str(), path.as_str()));
        for (name, method, template) in operations.chain(others) {
            if head.method != method {
                continue;
            }
            // A template with more query parameters is more specific.
            if let Some(matched) = Matched::of(template, head)
                && found
                    .as_ref()
                    .is_none_or(|(_, _, best): &(_, _, Matched)| matched.specificity > best.specificity)
            {
                found = Some((service, name, matched));
            }
        }
    }
    let Some((service, operation, matched)) = found else {
        let operation = format!("{} {}", head.method, head.uri.path());
        return is_s3.map(|service| (service, operation, json!({})));
    };
    let model = SERVICES.get(service)?;
    let mut members = members_outside_the_body(service, operation, head, &matched);
    let payload = model
        .operations
        .get(operation)
        .and_then(|operation| operation.payload.as_ref());
    let shape = models::input_shape(service, operation).map(|(shape, _)| shape);
    match payload {
        Some(payload) if model.protocol == "rest-xml" => {
            let shape = shape.and_then(|shape| model.shapes.get(&shape.members.get(payload)?.shape));
            if let (Some(shape), Ok(text), false) = (shape, std::str::from_utf8(body), body.is_empty()) {
                let value = match shape.kind.as_str() {
                    "structure" => xml::from_xml(model, shape, text),
                    _ => json!(text),
                };
                members.insert(payload.clone(), value);
            }
        }
        Some(payload) => {
            members.insert(payload.clone(), json_members(body));
        }
        None if model.protocol == "rest-xml" => {}
        None => {
            if let Value::Object(body) = json_members(body) {
                members.extend(body);
            }
        }
    }
    Some((service, operation.clone(), Value::Object(members)))
}

/// A path that matches the template of an operation, such as `/{Bucket}/{Key+}?acl`.
struct Matched {
    /// The values of the template's parameters, by name.
    parameters: Vec<(String, String)>,
    /// How much of the request the template describes.
    specificity: (usize, usize),
}

impl Matched {
    fn of(template: &str, head: &Parts) -> Option<Self> {
        let (template, wanted) = template.split_once('?').unwrap_or((template, ""));
        let query: Vec<(String, String)> = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        let wanted: Vec<(String, String)> = form_urlencoded::parse(wanted.as_bytes()).into_owned().collect();
        let is_present = |(key, value): &(String, String)| {
            let mut present = query.iter().filter(|(candidate, _)| candidate == key);
            present.any(|(_, present)| value.is_empty() || value == present)
        };
        if !wanted.iter().all(is_present) {
            return None;
        }
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let mut rest = head.uri.path().trim_start_matches('/');
        let mut parameters = Vec::new();
        let mut fixed = 0;
        for segment in template.trim_start_matches('/').split('/') {
            let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            if let Some(name) = name.and_then(|name| name.strip_suffix('+')) {
                parameters.push((name.to_owned(), decode(rest)));
                return (!rest.is_empty()).then_some(Self {
                    parameters,
                    specificity: (wanted.len(), fixed),
                });
            }
            let (part, behind) = rest.split_once('/').unwrap_or((rest, ""));
            match name {
                Some(_) if part.is_empty() => return None,
                Some(name) => parameters.push((name.to_owned(), decode(part))),
                None if part == segment => fixed += 1,
                None => return None,
            }
            rest = behind;
        }
        rest.is_empty().then_some(Self {
            parameters,
            specificity: (wanted.len(), fixed),
        })
    }
}

/// Deserializes a JSON body. An empty body is an empty object, and an invalid one is `Null`.
fn json_members(body: &[u8]) -> Value {
    if body.is_empty() {
        return json!({});
    }
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

/// Returns the members that are sent in the path, in the query string or in headers.
fn members_outside_the_body(service: &str, operation: &str, head: &Parts, matched: &Matched) -> Map<String, Value> {
    let query = head.uri.query().unwrap_or_default();
    let members = models::members_outside_the_body(service, operation).into_iter();
    let present = members.filter_map(|(member, location, wire_name)| {
        let value = match location.as_str() {
            "querystring" => form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| *key == wire_name)
                .map(|(_, value)| value.into_owned())?,
            "uri" => {
                let mut parameters = matched.parameters.iter();
                parameters.find(|(name, _)| *name == wire_name)?.1.clone()
            }
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
    /// Creates a request from its parts, or returns `None` if the service is not simulated.
    pub fn new(service: &str, operation: &str, region: &str, access_key_id: &str, input: Value) -> Option<Self> {
        let (service, model) = SERVICES.get_key_value(service)?;
        Some(Self {
            service: service.as_str(),
            operation: operation.to_owned(),
            region: region.to_owned(),
            access_key_id: access_key_id.to_owned(),
            proof: None,
            input,
            model,
        })
    }

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
            "rest-xml" => self.write_s3(result, request_id, response),
            _ => self.write_json(result, request_id, response),
        }
    }

    fn write_json(&self, result: &ServiceResult, request_id: &str, mut response: WireResponse) -> WireResponse {
        let content_type = match &self.model.json_version {
            Some(version) if self.model.protocol == "json" => format!("application/x-amz-json-{version}"),
            _ => "application/json".to_owned(),
        };
        response.headers.push(("content-type", content_type));
        response.body = match result {
            Ok(Value::Null) => String::new(),
            Ok(value) => {
                let model = self.model.operations.get(&self.operation);
                let payload = model.and_then(|operation| operation.output_payload.as_ref());
                payload.map_or(value, |payload| &value[payload]).to_string()
            }
            Err(error) => self.json_error(error, request_id).to_string(),
        };
        if let Some(code) = &response.error {
            response.headers.push(("x-amzn-errortype", code.clone()));
        }
        response
    }

    /// Returns the body of an error in the JSON protocols, with the members of its model.
    fn json_error(&self, error: &ServiceError, request_id: &str) -> Value {
        let mut body = error.extra.clone();
        // The errors of OAuth have members of their own.
        if body.contains_key("error") {
            return Value::Object(body);
        }
        let shape = models::error_shape(self.service, &self.operation, &error.code);
        let has = |name: &str| shape.is_some_and(|shape| shape.members.contains_key(name));
        let message = if has("message") || (!has("Message") && self.model.protocol == "rest-json") {
            "message"
        } else {
            "Message"
        };
        body.insert(message.to_owned(), json!(error.message));
        if has("RequestId") {
            body.insert("RequestId".to_owned(), json!(request_id));
        }
        match self.service {
            "sso" => {
                let kind = format!("com.amazonaws.switchboard.portal#{}", error.code);
                body.insert("__type".to_owned(), json!(kind));
            }
            _ if self.model.protocol == "json" => {
                body.insert("__type".to_owned(), json!(error.code));
            }
            _ => {}
        }
        Value::Object(body)
    }

    fn write_query(&self, result: &ServiceResult, request_id: &str, mut response: WireResponse) -> WireResponse {
        let namespace = self.model.namespace.as_deref();
        let operation = &self.operation;
        response.headers.push(("content-type", "text/xml".to_owned()));
        response.body = match result {
            Ok(value) => {
                let members = models::output_shape(self.service, operation)
                    .map(|(shape, model)| xml::members(model, shape, value))
                    .unwrap_or_default();
                let metadata = xml::to_xml("ResponseMetadata", None, &json!({"RequestId": request_id}));
                let namespace = namespace.unwrap_or_default();
                format!(
                    "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{members}</{operation}Result>{metadata}</{operation}Response>"
                )
            }
            Err(error) => {
                let error = json!({"Type": "Sender", "Code": error.code, "Message": error.message});
                let body = json!({"Error": error, "RequestId": request_id});
                xml::to_xml("ErrorResponse", namespace, &body)
            }
        };
        response
    }

    /// Serializes an S3 result: members for headers, and a body that is text or an XML document.
    fn write_s3(&self, result: &ServiceResult, request_id: &str, mut response: WireResponse) -> WireResponse {
        response.headers.push(("content-type", "application/xml".to_owned()));
        response.headers.push(("x-amz-request-id", request_id.to_owned()));
        response.body = match result {
            Ok(output) => {
                response.headers.extend(self.header_members(output));
                self.s3_body(output)
            }
            // The response to a HEAD request has no body: clients see only the status.
            Err(_) if self.operation.starts_with("Head") => String::new(),
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

    /// The output members that are sent as headers.
    fn header_members(&self, output: &Value) -> Vec<(&'static str, String)> {
        let Some((shape, _)) = models::output_shape(self.service, &self.operation) else {
            return Vec::new();
        };
        let members = shape.members.iter().filter_map(|(name, member)| {
            let header = member
                .wire_name
                .as_deref()
                .filter(|_| member.location.as_deref() == Some("header"))?;
            Some((header, output[name].as_str()?.to_owned()))
        });
        members.collect()
    }

    /// The body of an S3 response: the payload, or the output's members in a root element.
    fn s3_body(&self, output: &Value) -> String {
        const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
        let Some((shape, model)) = models::output_shape(self.service, &self.operation) else {
            return String::new();
        };
        let payload = self
            .model
            .operations
            .get(&self.operation)
            .and_then(|operation| operation.output_payload.as_ref());
        if let Some(payload) = payload {
            let shape = shape
                .members
                .get(payload)
                .and_then(|member| model.shapes.get(&member.shape));
            return match (shape, &output[payload]) {
                (None, _) | (_, Value::Null) => String::new(),
                (_, Value::String(text)) => text.clone(),
                (Some(shape), value) => {
                    let members = xml::members(model, shape, value);
                    format!("<{payload} xmlns=\"{NAMESPACE}\">{members}</{payload}>")
                }
            };
        }
        let root = match self.operation.as_str() {
            "GetBucketLocation" => {
                let location = output["LocationConstraint"].as_str().unwrap_or_default();
                return format!("<LocationConstraint xmlns=\"{NAMESPACE}\">{location}</LocationConstraint>");
            }
            "GetBucketAcl" => "AccessControlPolicy",
            "GetBucketTagging" => "Tagging",
            "GetBucketVersioning" => "VersioningConfiguration",
            "ListBuckets" => "ListAllMyBucketsResult",
            "ListObjects" | "ListObjectsV2" => "ListBucketResult",
            "ListObjectVersions" => "ListVersionsResult",
            other => other,
        };
        let has_body = shape.members.values().any(|member| member.location.is_none());
        if !has_body || output.is_null() {
            return String::new();
        }
        let members = xml::members(model, shape, output);
        format!("<{root} xmlns=\"{NAMESPACE}\">{members}</{root}>")
    }
}

const BUCKET_REGION: &str = "x-amz-bucket-region";
