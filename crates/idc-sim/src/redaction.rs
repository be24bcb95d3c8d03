//! Redaction of API calls: real values become pseudonyms of the same form, and secrets are left out.
//!
//! A value is kept only if it is known to say nothing about the account: a value of an enumeration, a Boolean, a number, a
//! Region, the ARN of an AWS managed policy, or a member in [`KEPT_MEMBERS`]. Everything else is replaced. The same value
//! always gets the same pseudonym, and the table of both exists only in memory.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use crate::protocol::models::{Service, Shape};

/// What stands for a secret.
pub const SECRET: &str = "(secret)";

/// Members whose text is defined by the services.
const KEPT_MEMBERS: [&str; 14] = [
    "ActionNames",
    "AttributePath",
    "EvalActionName",
    "EventSource",
    "ExcludeManagementEventSources",
    "Field",
    "ServicePrincipal",
    "SessionDuration",
    "clientType",
    "error",
    "grantType",
    "grantTypes",
    "scopes",
    "tokenType",
];

/// Members with sentences of a service. They keep their words, without the values in them.
const MESSAGES: [&str; 9] = [
    "EncryptionStatusReason",
    "FailureReason",
    "LatestDeliveryError",
    "Message",
    "Reason",
    "StatusReason",
    "error_description",
    "message",
    "reason",
];

/// Members with secrets, in lower case. Names with `secret` or `password` are secret too.
const SECRET_MEMBERS: [&str; 14] = [
    "accesskeyid",
    "accesstoken",
    "assertion",
    "code",
    "codeverifier",
    "contextassertion",
    "devicecode",
    "idtoken",
    "refreshtoken",
    "sessiontoken",
    "subjecttoken",
    "tokencode",
    "usercode",
    "x-amz-security-token",
];

/// The parts of ARNs, paths and URLs that services define.
const PATH_WORDS: [&str; 30] = [
    "*",
    "AWSLogs",
    "account",
    "application",
    "assumed-role",
    "aws-reserved",
    "aws-service-role",
    "callback",
    "device",
    "directory",
    "federated-user",
    "group",
    "identitystore",
    "instance",
    "membership",
    "mfa",
    "oauth",
    "organization",
    "ou",
    "permissionSet",
    "policy",
    "portal",
    "role",
    "root",
    "saml-provider",
    "service-role",
    "sso.amazonaws.com",
    "start",
    "trail",
    "user",
];

/// The domains of AWS, and the names in front of them that services define.
const AWS_DOMAINS: [&str; 8] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazon.com",
    "awsapps.com",
    "awsapps.cn",
    "app.aws",
    "api.aws",
    "aws.com",
];
const HOST_WORDS: [&str; 11] = [
    "aws",
    "console",
    "device",
    "home",
    "oidc",
    "portal",
    "s3",
    "signin",
    "sso",
    "start",
    "us-gov-home",
];

/// The beginnings of IDs.
const ID_PREFIXES: [&str; 10] = ["apl-", "car-", "d-", "o-", "ou-", "p-", "ps-", "r-", "ssoins-", "tl-"];

/// The keys of policy documents, and the beginnings of condition operators.
const POLICY_KEYS: [&str; 16] = [
    "AWS",
    "Action",
    "CanonicalUser",
    "Condition",
    "Effect",
    "Federated",
    "Id",
    "NotAction",
    "NotPrincipal",
    "NotResource",
    "Principal",
    "Resource",
    "Service",
    "Sid",
    "Statement",
    "Version",
];
const CONDITION_OPERATORS: [&str; 10] = [
    "Arn",
    "Binary",
    "Bool",
    "Date",
    "ForAllValues:",
    "ForAnyValue:",
    "IpAddress",
    "NotIpAddress",
    "Numeric",
    "String",
];

/// The pseudonyms so far.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The pseudonym of each real value.
    known: HashMap<String, String>,
    /// How many pseudonyms of each kind there are.
    counts: HashMap<&'static str, u32>,
    /// The number of each access key ID.
    signers: HashMap<String, u32>,
    /// The first time of all, in seconds since the Unix epoch.
    first_time: Option<f64>,
}

/// Where a value is: the name of its member, and its shape if the model has one.
#[derive(Clone, Copy)]
struct Place<'a> {
    service: Option<&'static Service>,
    shape: Option<&'static Shape>,
    name: &'a str,
}

impl<'a> Place<'a> {
    fn child(self, name: &'a str, shape: Option<&String>) -> Self {
        let shape = self
            .service
            .zip(shape)
            .and_then(|(service, shape)| service.shapes.get(shape));
        Self { shape, name, ..self }
    }

    fn is_secret(self) -> bool {
        // In the other services, the models mark personal data in this way, which gets pseudonyms.
        let is_of_tokens =
            |service: &Service| ["sts", "awsssoportal", "sso-oauth", "signin"].contains(&service.signing_name.as_str());
        let is_sensitive = self.shape.is_some_and(|shape| shape.sensitive);
        is_secret_name(self.name) || (is_sensitive && self.service.is_some_and(is_of_tokens))
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_MEMBERS.contains(&name.as_str()) || name.contains("secret") || name.contains("password")
}

/// Returns whether a member holds a sentence of a service.
pub fn is_message(name: &str) -> bool {
    MESSAGES.contains(&name)
}

/// Returns whether a text has the form of a Region name, such as `eu-west-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [area, middle @ .., number] => {
            area.len() == 2
                && !middle.is_empty()
                && is_word(area)
                && middle.iter().all(is_word)
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

fn is_email(text: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@/:".contains(c));
    text.split_once('@')
        .is_some_and(|(user, domain)| is_plain(user) && is_plain(domain) && domain.contains('.'))
}

/// An action such as `sso:ListInstances` or `s3:*`.
fn is_action(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, name)| {
        let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !service.is_empty()
            && service.bytes().all(is_lower)
            && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '*')
            && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'*')
    })
}

fn is_access_key(text: &str) -> bool {
    (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && text.len() >= 16
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The kind of an ID, and how many bytes at its beginning are the same for all IDs of this kind.
fn id_form(text: &str) -> Option<(&'static str, usize)> {
    let is_short = |rest: &str| {
        rest.len() >= 4
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let has_prefix = |prefix: &&&'static str| text.strip_prefix(**prefix).is_some_and(is_short);
    if let Some(prefix) = ID_PREFIXES.iter().find(has_prefix) {
        return Some((*prefix, prefix.len()));
    }
    let all = |is_it: fn(&u8) -> bool| text.bytes().all(|byte| is_it(&byte));
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let is_uuid = matches!(lengths.as_slice(), [8, 4, 4, 4, 12] | [10, 8, 4, 4, 4, 12]);
    if is_uuid && all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') {
        return Some(("uuid", 0));
    }
    if text.len() == 12 && all(u8::is_ascii_digit) {
        return Some(("account", 0));
    }
    if (text.len() >= 6 && all(u8::is_ascii_digit)) || (text.len() >= 16 && all(u8::is_ascii_hexdigit)) {
        return Some(("digits", 0));
    }
    let is_principal = text.len() >= 16 && text.starts_with('A');
    (is_principal && all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())).then_some(("principal", 4))
}

/// Whether a word of a message can be an ID or a token.
fn is_id_like(word: &str) -> bool {
    let is_name = word
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=.~".contains(&byte));
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    id_form(word).is_some()
        || is_access_key(word)
        || (is_name && (word.len() >= 32 || (word.len() >= 8 && digits >= 3)))
}

/// The kind of the pseudonyms of a member.
fn kind_of(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "username" | "rolesessionname" => "user",
        "description" => "text",
        "bucket" | "s3bucketname" => "bucket",
        "clientid" => "client",
        "nexttoken" | "marker" | "continuationtoken" | "nextcontinuationtoken" => "page",
        _ => "name",
    }
}

impl Redactor {
    /// Returns the number of an access key ID, or `None` for an unsigned request.
    pub fn signer(&mut self, access_key_id: &str) -> Option<u32> {
        if access_key_id.is_empty() {
            return None;
        }
        let next = u32::try_from(self.signers.len()).unwrap_or(u32::MAX).saturating_add(1);
        Some(*self.signers.entry(access_key_id.to_owned()).or_insert(next))
    }

    /// Redacts the members of a request, a response or an error. The names of the members stay.
    pub fn members(&mut self, shape: Option<(&'static Shape, &'static Service)>, value: &Value) -> Value {
        let (shape, service) = shape.unzip();
        let place = Place {
            service,
            shape,
            name: "",
        };
        match value {
            Value::Object(members) if shape.is_none() => {
                let redacted = members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.value(Place { name, ..place }, value)));
                Value::Object(redacted.collect())
            }
            other => self.value(place, other),
        }
    }

    fn value(&mut self, place: Place, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => self.number(place, number),
            _ if place.is_secret() => json!(SECRET),
            Value::String(text) => self.string(place, text),
            Value::Array(items) => {
                let item = place.child(place.name, place.shape.and_then(|shape| shape.member.as_ref()));
                items.iter().map(|value| self.value(item, value)).collect()
            }
            Value::Object(members) => self.object(place, members),
        }
    }

    fn object(&mut self, place: Place, members: &Map<String, Value>) -> Value {
        let shape = place.shape.filter(|shape| !shape.document);
        let attribute = members.get("AttributePath").and_then(Value::as_str);
        let mut redacted = Map::new();
        for (name, value) in members {
            let (key, place) = match shape {
                Some(shape) if shape.kind == "structure" => {
                    let member = shape.members.get(name).map(|member| &member.shape);
                    let name_of_value = attribute.filter(|_| name == "AttributeValue").unwrap_or(name);
                    (name.clone(), place.child(name_of_value, member))
                }
                Some(shape) => {
                    let keys = place.service.zip(shape.key.as_ref());
                    let keys = keys.and_then(|(service, keys)| service.shapes.get(keys));
                    let key = if keys.is_some_and(Shape::is_enumeration) {
                        name.clone()
                    } else {
                        self.text("name", name)
                    };
                    (key, place.child(place.name, shape.value.as_ref()))
                }
                None => (self.text("name", name), place.child(name, None)),
            };
            redacted.insert(key, self.value(place, value));
        }
        Value::Object(redacted)
    }

    fn number(&mut self, place: Place, number: &Number) -> Value {
        let seconds = number.as_f64().unwrap_or_default();
        let is_time = place.shape.is_some_and(|shape| shape.kind == "timestamp");
        // Some times are plain numbers, in seconds or in milliseconds. Nothing else is as large.
        if seconds >= 1e11 {
            self.time(seconds / 1000.0)
        } else if is_time || seconds >= 1e9 {
            self.time(seconds)
        } else {
            Value::Number(number.clone())
        }
    }

    /// The seconds from the first time to this one.
    fn time(&mut self, seconds: f64) -> Value {
        let first = *self.first_time.get_or_insert(seconds);
        json!(((seconds - first) * 1000.0).round() / 1000.0)
    }

    fn string(&mut self, place: Place, text: &str) -> Value {
        let is_constant = |c: char| c.is_ascii_uppercase() || c == '_';
        let is_of_enumeration =
            |shape: &Shape| shape.is_enum_value(text) || (shape.is_enumeration() && text.chars().all(is_constant));
        let is_word = |c: char| c.is_ascii_alphanumeric() || ":._-*".contains(c);
        let is_kept_member = KEPT_MEMBERS.contains(&place.name)
            && text.len() <= 64
            && text.chars().all(is_word)
            && id_form(text).is_none()
            && !is_access_key(text);
        if matches!(text, "" | "*" | "true" | "false")
            || is_region(text)
            || is_kept_member
            || place.shape.is_some_and(is_of_enumeration)
        {
            return json!(text);
        }
        if is_message(place.name) {
            return json!(self.message(text));
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return self.time(time.as_duration().as_secs_f64());
        }
        if text.starts_with('{')
            && let Ok(document @ Value::Object(_)) = serde_json::from_str::<Value>(text)
        {
            return json!(self.document("", &document).to_string());
        }
        json!(self.text(kind_of(place.name), text))
    }

    /// Redacts a policy document. Its grammar and its actions stay.
    fn document(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let redacted = members.iter().map(|(key, value)| {
                    if is_secret_name(key) {
                        return (key.clone(), json!(SECRET));
                    }
                    let value = self.document(key, value);
                    let key = if is_policy_key(key) {
                        key.clone()
                    } else {
                        self.text("name", key)
                    };
                    (key, value)
                });
                Value::Object(redacted.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.document(key, item)).collect(),
            Value::String(text) => {
                let is_kept = match key {
                    "Action" | "NotAction" => text == "*" || is_action(text),
                    "Effect" => matches!(text.as_str(), "Allow" | "Deny"),
                    "Version" => matches!(text.as_str(), "2012-10-17" | "2008-10-17"),
                    "Service" => is_service_word(text),
                    _ => matches!(text.as_str(), "*" | "true" | "false"),
                };
                if is_kept {
                    value.clone()
                } else {
                    json!(self.text("name", text))
                }
            }
            // It can be a time.
            Value::Number(number) if number.as_f64().is_some_and(|number| number >= 1e9) => json!(0),
            other => other.clone(),
        }
    }

    /// Redacts a text that is not a sentence.
    fn text(&mut self, kind: &'static str, text: &str) -> String {
        if is_email(text) {
            self.piece(kind, text)
        } else if text.starts_with("arn:") {
            self.arn(text)
        } else if text.contains("://") {
            self.url(text)
        } else if text.contains(['/', ':']) && !text.contains(char::is_whitespace) {
            self.path(text)
        } else {
            self.piece(kind, text)
        }
    }

    fn arn(&mut self, text: &str) -> String {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &[_, partition, service, region, account, resource] = parts.as_slice() else {
            return self.path(text);
        };
        let is_lower = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
        };
        if account == "aws" && partition.starts_with("aws") && is_lower(service) {
            return text.to_owned();
        }
        let mut kept = |is_kept: bool, part: &str| {
            if is_kept {
                part.to_owned()
            } else {
                self.piece("name", part)
            }
        };
        let partition = kept(partition.starts_with("aws") && partition.len() <= 10, partition);
        let service = kept(is_lower(service) && id_form(service).is_none(), service);
        let region = kept(region.is_empty() || is_region(region), region);
        let account = self.piece("name", account);
        let resource = self.path(resource);
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    fn url(&mut self, text: &str) -> String {
        let Some((scheme, rest)) = text.split_once("://") else {
            return self.path(text);
        };
        let (rest, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // A user name, a password and a port are left out.
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        let scheme = match scheme {
            "http" | "https" => scheme.to_owned(),
            other => self.piece("name", other),
        };
        let domain = AWS_DOMAINS
            .iter()
            .filter_map(|domain| Some((host.strip_suffix(domain)?.strip_suffix('.')?, domain)))
            .min_by_key(|(name, _)| name.len());
        let host = match domain {
            _ if matches!(host, "127.0.0.1" | "localhost" | "") || AWS_DOMAINS.contains(&host) => host.to_owned(),
            Some((name, domain)) => {
                let labels = name.split('.').map(|label| {
                    if is_region(label) || HOST_WORDS.contains(&label) {
                        label.to_owned()
                    } else {
                        self.piece("name", label)
                    }
                });
                let labels: Vec<String> = labels.collect();
                format!("{}.{domain}", labels.join("."))
            }
            None => format!("{}.example.com", self.piece("host", host)),
        };
        let path = self.path(path);
        let tail = match tail.trim_matches(['#', '/', '?']) {
            "" => tail,
            _ => "?(secret)",
        };
        format!("{scheme}://{host}{path}{tail}")
    }

    /// Redacts the parts between `/` and `:`.
    fn path(&mut self, text: &str) -> String {
        let mut redacted = String::with_capacity(text.len());
        for part in text.split_inclusive(['/', ':']) {
            let word = part.trim_end_matches(['/', ':']);
            if PATH_WORDS.contains(&word) || is_region(word) {
                redacted.push_str(word);
            } else {
                redacted.push_str(&self.piece("name", word));
            }
            redacted.push_str(&part[word.len()..]);
        }
        redacted
    }

    /// Returns the pseudonym of a single name or ID.
    fn piece(&mut self, kind: &'static str, text: &str) -> String {
        if text.is_empty() || text == "*" {
            return text.to_owned();
        }
        if is_access_key(text) {
            return SECRET.to_owned();
        }
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let form = id_form(text);
        let kind = if is_email(text) {
            "email"
        } else {
            form.map_or(kind, |(kind, _)| kind)
        };
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let n = *count;
        let pseudonym = match form {
            _ if kind == "email" => format!("user-{n}@example.com"),
            Some((_, fixed)) => {
                let (beginning, rest) = text.split_at(fixed);
                let groups = rest.split('-').map(|group| format!("{n:0width$}", width = group.len()));
                format!("{beginning}{}", groups.collect::<Vec<_>>().join("-"))
            }
            None => format!("{kind}-{n}"),
        };
        self.known.insert(text.to_owned(), pseudonym.clone());
        pseudonym
    }

    /// Redacts a sentence: every known value in it, and everything that looks like an ID, an ARN, a URL or an address.
    pub fn message(&mut self, text: &str) -> String {
        let mut held = Held::default();
        let mut text: String = text.chars().filter(|c| !Held::is_mark(*c)).collect();
        let mut known: Vec<(String, String)> = self
            .known
            .iter()
            .filter(|(real, _)| text.contains(real.as_str()))
            .map(|(real, pseudonym)| (real.clone(), pseudonym.clone()))
            .collect();
        known.sort_by_key(|(real, _)| Reverse(real.len()));
        // Names of several words would fall apart in the next step, and single words would break ARNs.
        let (several, single): (Vec<_>, Vec<_>) = known
            .into_iter()
            .partition(|(real, _)| real.contains(|c: char| !is_word_of_message(c)));
        for (real, pseudonym) in several {
            text = replaced(&text, &real, held.mark(pseudonym));
        }
        let mut rest = String::with_capacity(text.len());
        for part in text.split_inclusive(|c: char| !is_word_of_message(c)) {
            let word = part.trim_end_matches(|c: char| !is_word_of_message(c) || ".:!?".contains(c));
            match self.word(word) {
                Some(pseudonym) => rest.push(held.mark(pseudonym)),
                None => rest.push_str(word),
            }
            rest.push_str(&part[word.len()..]);
        }
        for (real, pseudonym) in single {
            rest = replaced(&rest, &real, held.mark(pseudonym));
        }
        held.restored(&rest)
    }

    /// Returns the pseudonym of a word of a message that is no plain word.
    fn word(&mut self, word: &str) -> Option<String> {
        if word.contains("://") || word.starts_with("arn:") || is_email(word) {
            return Some(self.text("name", word));
        }
        if is_region(word) || is_action(word) {
            return None;
        }
        if word.contains(['/', ':']) {
            let has_id = word.split(['/', ':']).any(is_id_like);
            return has_id.then(|| self.path(word));
        }
        is_id_like(word).then(|| self.piece("name", word))
    }
}

/// The name of a service in policies, such as `sso.amazonaws.com`.
fn is_service_word(text: &str) -> bool {
    let name = text
        .strip_suffix(".amazonaws.com")
        .or_else(|| text.strip_suffix(".amazonaws.com.cn"));
    name.is_some_and(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'.')
    })
}

/// Whether a key of a policy document belongs to its grammar, or is a condition key such as `aws:SourceArn`.
fn is_policy_key(key: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b':';
    POLICY_KEYS.contains(&key)
        || (key.bytes().all(is_letter) && CONDITION_OPERATORS.iter().any(|operator| key.starts_with(operator)))
        || is_condition_key(key)
}

/// A condition key without a value of the account in it, such as `aws:SourceArn`.
fn is_condition_key(key: &str) -> bool {
    key.split_once(':').is_some_and(|(service, name)| {
        !service.is_empty()
            && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}

fn is_word_of_message(c: char) -> bool {
    !(c.is_whitespace() || Held::is_mark(c) || "\"'`()[]{}<>,;=".contains(c))
}

/// Replaces a value where it is not a part of a longer word.
fn replaced(text: &str, real: &str, mark: char) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(real) {
        let (before, from) = rest.split_at(at);
        let after = &from[real.len()..];
        let last = before.chars().next_back().or_else(|| result.chars().next_back());
        let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        result.push_str(before);
        if touches(last) || touches(after.chars().next()) {
            result.push_str(real);
        } else {
            result.push(mark);
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// The pseudonyms of a message, each behind a mark: a private character that no other step changes.
#[derive(Default)]
struct Held(Vec<String>);

impl Held {
    const FIRST: u32 = 0xe000;
    const LAST: u32 = 0xf8ff;

    fn is_mark(c: char) -> bool {
        (Self::FIRST..=Self::LAST).contains(&u32::from(c))
    }

    /// Returns the mark of a pseudonym. A message with thousands of them loses the last ones.
    fn mark(&mut self, pseudonym: String) -> char {
        let index = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let code = Self::FIRST.saturating_add(index).min(Self::LAST);
        self.0.push(pseudonym);
        char::from_u32(code).unwrap_or('#')
    }

    fn restored(&self, text: &str) -> String {
        let mut restored = String::with_capacity(text.len());
        for c in text.chars() {
            let index = u32::from(c).checked_sub(Self::FIRST).filter(|_| Self::is_mark(c));
            let held = index.and_then(|index| self.0.get(usize::try_from(index).ok()?));
            match held {
                Some(pseudonym) => restored.push_str(pseudonym),
                None => restored.push(c),
            }
        }
        restored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_pseudonyms_of_the_same_form() {
        let mut redactor = Redactor::default();
        for (text, pseudonym) in [
            ("123456789012", "000000000001"),
            ("d-9067aabbcc", "d-0000000001"),
            ("ou-ab12-0a1b2c3d", "ou-0001-00000001"),
            ("AROAREHEARSAL0000001A", "AROA00000000000000001"),
            ("ada@corp.example.org", "user-1@example.com"),
            (
                "https://d-9067aabbcc.awsapps.com/start",
                "https://d-0000000001.awsapps.com/start",
            ),
            (
                "https://ada:x@corp.awsapps.com/start/#/?t=x",
                "https://name-1.awsapps.com/start/?(secret)",
            ),
            (
                "https://oidc.eu-west-1.amazonaws.com",
                "https://oidc.eu-west-1.amazonaws.com",
            ),
            (
                "http://127.0.0.1:8400/oauth/callback",
                "http://127.0.0.1/oauth/callback",
            ),
            ("https://idp.corp.example.org/x", "https://host-1.example.com/name-2"),
            (
                "arn:aws:iam::aws:policy/PowerUserAccess",
                "arn:aws:iam::aws:policy/PowerUserAccess",
            ),
            (
                "arn:aws:iam::123456789012:policy/own",
                "arn:aws:iam::000000000001:policy/name-3",
            ),
            ("AROAREHEARSAL0000001A:ada", "AROA00000000000000001:name-4"),
            ("AKIAREHEARSAL0000001", SECRET),
            ("own", "name-3"),
        ] {
            assert_eq!(redactor.text("name", text), pseudonym, "{text}");
        }
    }

    #[test]
    fn a_message_keeps_its_words() {
        let mut redactor = Redactor::default();
        redactor.text("name", "Ada Lovelace");
        redactor.text("name", "Ada");
        for (message, redacted) in [
            ("Duplicate UserName", "Duplicate UserName"),
            ("Ada Lovelace and Ada, not Adam.", "name-1 and name-2, not Adam."),
            (
                "Not authorized to perform: sso:ListInstances in eu-west-1 on d-9067aabbcc.",
                "Not authorized to perform: sso:ListInstances in eu-west-1 on d-0000000001.",
            ),
            (
                "Request 1f2e3d4c-70aa-4bbb-8ccc-0123456789ab failed",
                "Request 00000001-0001-0001-0001-000000000001 failed",
            ),
        ] {
            assert_eq!(redactor.message(message), redacted);
        }
    }

    #[test]
    fn a_policy_keeps_its_grammar() {
        let mut redactor = Redactor::default();
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "OurTeam", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::our-bucket/AWSLogs/123456789012/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012", "aws:PrincipalTag/team": "ours"}},
        }]});
        let redacted = redactor.document("", &policy);
        let statement = &redacted["Statement"][0];
        assert_eq!(redacted["Version"], "2012-10-17");
        assert_eq!(statement["Action"], "s3:PutObject");
        assert_eq!(statement["Principal"]["Service"], "cloudtrail.amazonaws.com");
        assert_eq!(
            statement["Condition"]["StringEquals"]["aws:SourceAccount"],
            "000000000001"
        );
        let text = redacted.to_string();
        assert!(text.contains("/AWSLogs/000000000001/*"), "{text}");
        for real in ["OurTeam", "our-bucket", "team", "ours", "123456789012"] {
            assert!(!text.contains(real), "{text}");
        }
    }

    #[test]
    fn regions_are_recognized() {
        for region in ["eu-west-1", "us-gov-east-1", "ap-southeast-7"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["", "eu", "eu-1", "eu-west-10", "ada-west-1", "eu-West-1"] {
            assert!(!is_region(other), "{other}");
        }
    }
}
