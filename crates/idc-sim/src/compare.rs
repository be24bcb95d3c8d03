//! Replays a recording against the simulation, and lists where the answers differ.
//!
//! The recording has pseudonyms. The replay translates them to the IDs and names of the simulation, which it learns by
//! position from the responses as they come in.
//!
//! The clock of the simulation stands still, and what takes time there takes two minutes. If an answer differs, the call is
//! repeated later on a copy of the simulation: an answer that then agrees is one of a step that takes time. The differences
//! therefore do not depend on how long anything took.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::call_log::is_change;
use crate::protocol::models;
use crate::protocol::wire::{self, ParsedRequest};
use crate::recording::{self, RecordedCall};
use crate::redaction::{Redactor, SECRET, is_message};
use crate::services::{self, Request};
use crate::state::{Cloud, Timing};

/// How long steps take in the replay.
const PENDING: Duration = Duration::from_mins(2);
/// A pause after which such a step has ended.
const STEP: Duration = Duration::from_secs(121);
/// The pauses before each attempt of a call. A second lets a client poll again without `SlowDownException`.
const ATTEMPTS: [&[Duration]; 4] = [&[], &[Duration::from_secs(1)], &[STEP], &[STEP, STEP]];

/// The result of a comparison.
#[derive(Debug, Default, Serialize)]
pub struct Comparison {
    /// How many calls the recording has.
    pub calls: usize,
    /// How many of them could be replayed.
    pub replayed: usize,
    /// The differences, in the order of the calls.
    pub differences: Vec<Difference>,
    /// What is no difference: calls that could not be replayed, and steps that take time.
    pub notes: Vec<Note>,
}

/// A difference between a recorded answer and that of the simulation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The sequence number of the call.
    pub call: u64,
    /// `service:Operation`.
    pub operation: String,
    /// The member, such as `Instances[].Status`; or `outcome`, `status`, or `message`.
    pub member: String,
    /// What the recording has.
    pub recorded: String,
    /// What the simulation has.
    pub simulated: String,
}

/// A note on a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The sequence number of the call.
    pub call: u64,
    /// `service:Operation`.
    pub operation: String,
    /// The note.
    pub note: &'static str,
}

/// Replays a recording against a scenario.
///
/// # Errors
/// A message for the user if the text is not a recording.
pub fn compare(text: &str, cloud: Cloud) -> Result<Comparison, String> {
    let calls = recording::read(text)?;
    let mut replay = Replay::new(cloud, &calls);
    let mut comparison = Comparison {
        calls: calls.len(),
        ..Comparison::default()
    };
    for call in &calls {
        let operation = format!("{}:{}", call.service, call.operation);
        let note = match replay.step(call) {
            Ok((found, note)) => {
                comparison.replayed += 1;
                comparison.differences.extend(found.into_iter().map(|found| Difference {
                    call: call.n,
                    operation: operation.clone(),
                    member: found.member,
                    recorded: found.recorded,
                    simulated: found.simulated,
                }));
                note
            }
            Err(why) => Some(why),
        };
        comparison.notes.extend(note.map(|note| Note {
            call: call.n,
            operation,
            note,
        }));
    }
    Ok(comparison)
}

/// Returns the error messages and the reasons of failures in a recording, each as an entry of `recorded.json`. The situation
/// is left to fill in.
///
/// # Errors
/// A message for the user if the text is not a recording.
pub fn words(text: &str) -> Result<BTreeSet<String>, String> {
    let mut entries = BTreeSet::new();
    for call in recording::read(text)? {
        let error = call.error.map(|error| (Some(error.code), error.message));
        let reasons = failure_reasons(&call.response).into_iter().map(|reason| (None, reason));
        for (code, message) in error.into_iter().chain(reasons) {
            let message = with_values(&message, placeholder);
            let name = format!("{}-{}", call.operation, code.as_deref().unwrap_or("failure"));
            let entry = json!({
                "service": call.service, "operation": call.operation, "when": "",
                "code": code, "message": message, "sources": ["a recording"], "certainty": "high",
            });
            if !message.is_empty() {
                entries.insert(format!("{}: {entry},", json!(kebab(&name))));
            }
        }
    }
    Ok(entries)
}

/// The reasons of asynchronous failures in a response.
fn failure_reasons(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(failure_reasons).collect(),
        Value::Object(members) => {
            let reasons = members.iter().flat_map(|(name, value)| match value {
                Value::String(text) if is_message(name) && name.ends_with("Reason") => vec![text.clone()],
                other => failure_reasons(other),
            });
            reasons.collect()
        }
        _ => Vec::new(),
    }
}

/// `CreateUser` as `create-user`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            kebab.push('-');
        }
        was_lower = c.is_ascii_lowercase();
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

/// What differs in one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    member: String,
    recorded: String,
    simulated: String,
}

/// A value of the simulation, and the same value redacted.
#[derive(Clone, Copy)]
struct Simulated<'a> {
    redacted: &'a Value,
    raw: &'a Value,
}

#[derive(Clone)]
struct Replay {
    cloud: Cloud,
    now: Timestamp,
    /// Redacts the simulation's answers: what it does not change is defined by the services.
    redactor: Redactor,
    /// The simulation's value for each pseudonym of the recording.
    known: HashMap<String, String>,
    /// The simulation's last value of each secret member, in lower case.
    secrets: HashMap<String, String>,
    /// The simulation's access key ID for each signer.
    keys: HashMap<u32, String>,
    /// What differs in the current answer.
    found: Vec<Found>,
    /// Whether an asynchronous step is finished only in one of the two.
    is_pending: bool,
}

impl Replay {
    fn new(mut cloud: Cloud, calls: &[RecordedCall]) -> Self {
        // The scenario is in the Region of the recording.
        if let Some(first) = calls.iter().find(|call| call.region != "-") {
            let before = std::mem::replace(&mut cloud.region, first.region.clone());
            for instance in cloud.instances.iter_mut().filter(|instance| instance.region == before) {
                instance.region.clone_from(&first.region);
            }
        }
        cloud.timing = Timing {
            enabling: PENDING,
            provisioning: PENDING,
            person: PENDING,
            propagation: Duration::ZERO,
            polls: None,
        };
        "http://127.0.0.1".clone_into(&mut cloud.base_url);
        let root = cloud.root();
        let key = cloud.issue(root).access_key_id;
        let signer = calls.iter().find_map(|call| call.signer);
        Self {
            cloud,
            now: Timestamp::now(),
            redactor: Redactor::default(),
            known: HashMap::new(),
            secrets: HashMap::new(),
            keys: signer.map(|signer| (signer, key)).into_iter().collect(),
            found: Vec::new(),
            is_pending: false,
        }
    }

    /// Replays a call. Returns what differs, and a note; or why the call cannot be replayed.
    fn step(&mut self, call: &RecordedCall) -> Result<(Vec<Found>, Option<&'static str>), &'static str> {
        let code = call.error.as_ref().map_or("", |error| error.code.as_str());
        match call.status {
            None => return Err("not replayed: there was no response"),
            Some(500..) => return Err("not replayed: the service failed"),
            Some(_) if code.contains("Throttl") || code.contains("TooManyRequests") => {
                return Err("not replayed: the service refused the rate");
            }
            Some(_) => {}
        }
        let key = self.key(call)?;
        let input = self
            .translated("", &call.request)
            .ok_or("not replayed: it needs a secret that no recorded call returned")?;
        if is_change(&call.operation) {
            // The names that a change gives are the pseudonyms from now on.
            for text in texts(&call.request).into_iter().filter(|text| *text != SECRET) {
                let real = self.real(text);
                self.known.entry(text.to_owned()).or_insert(real);
            }
        }
        let mut first = None;
        for pauses in ATTEMPTS {
            let mut attempt = self.clone();
            for pause in pauses {
                attempt.now += *pause;
                attempt.cloud.settle(attempt.now);
            }
            attempt.perform(call, &key, &input);
            if attempt.found.is_empty() {
                *self = attempt;
                let note = "asynchronous: the answer is that of a step that takes time and has ended";
                return Ok((Vec::new(), pauses.contains(&STEP).then_some(note)));
            }
            first.get_or_insert(attempt);
        }
        if let Some(attempt) = first {
            *self = attempt;
        }
        let found = std::mem::take(&mut self.found);
        if self.is_pending {
            return Ok((
                Vec::new(),
                Some("asynchronous: the step has ended in one of the two only"),
            ));
        }
        Ok((found, None))
    }

    /// The access key ID that signs a call. A new signer has the credentials that a response returned last.
    fn key(&mut self, call: &RecordedCall) -> Result<String, &'static str> {
        let Some(signer) = call.signer else {
            return Ok(String::new());
        };
        if !self.keys.contains_key(&signer)
            && let Some(issued) = self.secrets.get("accesskeyid")
        {
            self.keys.insert(signer, issued.clone());
        }
        let key = self.keys.get(&signer).cloned();
        key.ok_or("not replayed: no recorded call returned the credentials that signed it")
    }

    /// Makes a call, and notes what differs.
    fn perform(&mut self, call: &RecordedCall, key: &str, input: &Value) {
        const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
        self.is_pending = false;
        let request = ParsedRequest::new(&call.service, &call.operation, &call.region, key, input.clone());
        let Some(request) = request else {
            self.differ("outcome", "a response", "the service is not simulated");
            return;
        };
        let (service, operation) = (request.service, call.operation.as_str());
        self.redactor.members(models::input_shape(service, operation), input);
        let result = services::handle(
            &mut self.cloud,
            &Request {
                service,
                operation,
                region: &call.region,
                access_key_id: key,
                proof: None,
                input,
                now: self.now,
            },
        );
        // Through the same protocol as the recorded response, so that both lose the same members.
        let response = request.write_response(&result, REQUEST_ID);
        let mut headers = response.headers.iter();
        let error_type = headers.find(|(name, _)| *name == "x-amzn-errortype");
        let error_type = error_type.map(|(_, code)| code.as_str());
        let body = response.body.as_bytes();
        let answer = wire::read_response(service, operation, response.status, error_type, body);
        let (redacted, error) = recording::redacted(&mut self.redactor, service, operation, &answer);
        let theirs = call.error.as_ref().map_or("ok", |error| error.code.as_str());
        let ours = error.as_ref().map_or("ok", |(code, _)| code.as_str());
        if theirs != ours {
            self.differ("outcome", theirs, ours);
            return;
        }
        if let Some(status) = call.status.filter(|status| *status != response.status) {
            self.differ("status", &status.to_string(), &response.status.to_string());
        }
        if let (Some(theirs), Some((_, ours))) = (&call.error, &error)
            && template(&theirs.message) != template(ours)
        {
            self.differ("message", &theirs.message, ours);
        }
        let simulated = Simulated {
            redacted: &redacted,
            raw: &answer.members,
        };
        self.walk("", "", &call.response, simulated);
    }

    fn differ(&mut self, member: &str, recorded: &str, simulated: &str) {
        let found = Found {
            member: member.to_owned(),
            recorded: recorded.to_owned(),
            simulated: simulated.to_owned(),
        };
        // Once for all items of a list.
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    /// Compares a recorded value with that of the simulation. `name` is the name of the member.
    fn walk(&mut self, path: &str, name: &str, recorded: &Value, simulated: Simulated) {
        match (recorded, simulated.redacted) {
            (Value::Object(theirs), Value::Object(ours)) => {
                let is_there = |members: &Map<String, Value>, name: &String| {
                    members.get(name).is_some_and(|value| !value.is_null())
                };
                let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
                for name in names {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    match (is_there(theirs, name), is_there(ours, name)) {
                        (true, true) => {
                            let redacted = &ours[name];
                            // The keys of a map can be redacted too.
                            let raw = simulated.raw.get(name).unwrap_or(redacted);
                            self.walk(&path, name, &theirs[name], Simulated { redacted, raw });
                        }
                        (true, false) => self.differ(&path, "present", "missing"),
                        (false, true) => self.differ(&path, "missing", "present"),
                        (false, false) => {}
                    }
                }
            }
            (Value::Array(theirs), Value::Array(ours)) => {
                let raw = simulated.raw.as_array().map_or(&[][..], Vec::as_slice);
                self.walk_list(path, name, theirs, ours, raw);
            }
            (Value::String(theirs), Value::String(ours)) => {
                let raw = simulated.raw.as_str().unwrap_or(ours);
                self.compare_text(path, name, theirs, ours, raw);
            }
            (Value::Number(theirs), Value::Number(ours)) => {
                // What redaction changes is a time.
                let is_time = simulated.raw != simulated.redacted;
                if !is_time && theirs.as_f64() != ours.as_f64() {
                    self.differ(path, &theirs.to_string(), &ours.to_string());
                }
            }
            (theirs, ours) if kind(theirs) == kind(ours) => {
                if theirs != ours {
                    self.differ(path, &theirs.to_string(), &ours.to_string());
                }
            }
            (theirs, ours) => self.differ(path, kind(theirs), kind(ours)),
        }
    }

    fn walk_list(&mut self, path: &str, name: &str, theirs: &[Value], ours: &[Value], raw: &[Value]) {
        let path = format!("{path}[]");
        if theirs.len() != ours.len() {
            let items = |list: &[Value]| format!("{} items", list.len());
            self.differ(&path, &items(theirs), &items(ours));
        }
        let places = theirs.iter().enumerate();
        let places = places.map(|(index, item)| self.place_of(item, raw).unwrap_or(index));
        let places: Vec<usize> = places.collect();
        if theirs.len() == ours.len() && !places.is_sorted() {
            self.differ(&path, "in this order", "in another order");
        }
        for (item, place) in theirs.iter().zip(places) {
            if let (Some(redacted), Some(raw)) = (ours.get(place), raw.get(place)) {
                self.walk(&path, name, item, Simulated { redacted, raw });
            }
        }
    }

    /// The place of a recorded item in the list of the simulation: that of the only item with a value that is known to be
    /// the same.
    fn place_of(&self, item: &Value, raw: &[Value]) -> Option<usize> {
        texts(item).into_iter().find_map(|text| {
            let text = self.known.get(text).map_or(text, String::as_str);
            let mut holders = raw.iter().enumerate().filter(|(_, other)| texts(other).contains(&text));
            let (place, _) = holders.next()?;
            holders.next().is_none().then_some(place)
        })
    }

    fn compare_text(&mut self, path: &str, name: &str, theirs: &str, ours: &str, raw: &str) {
        const UNFINISHED: [&str; 3] = ["IN_PROGRESS", "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS"];
        if theirs == SECRET || ours == SECRET {
            self.secrets.insert(name.to_ascii_lowercase(), raw.to_owned());
            if theirs != ours {
                self.differ(path, theirs, ours);
            }
        } else if is_message(name) {
            if template(theirs) != template(ours) {
                self.differ(path, theirs, ours);
            }
        } else if theirs.contains("://") && raw.contains("://") {
            // The simulation has pages of its own.
            self.learn(theirs, raw);
        } else if raw == ours {
            self.is_pending |= theirs != ours && (UNFINISHED.contains(&theirs) || UNFINISHED.contains(&ours));
            if theirs != ours {
                self.differ(path, theirs, ours);
            }
        } else if !has_digit(theirs) {
            self.differ(path, theirs, ours);
        } else {
            self.learn(theirs, raw);
        }
    }

    /// Learns the simulation's value of a pseudonym, and of each part of an ARN or a URL.
    fn learn(&mut self, pseudonym: &str, raw: &str) {
        let theirs: Vec<&str> = pseudonym.split(|c: char| !is_name(c)).collect();
        let ours: Vec<&str> = raw.split(|c: char| !is_name(c)).collect();
        let parts = theirs.iter().zip(&ours).filter(|_| theirs.len() == ours.len());
        for (theirs, ours) in parts.filter(|(theirs, ours)| theirs != ours && has_digit(theirs)) {
            self.known
                .entry((*theirs).to_owned())
                .or_insert_with(|| (*ours).to_owned());
        }
        self.known.entry(pseudonym.to_owned()).or_insert_with(|| raw.to_owned());
    }

    /// Translates a request from pseudonyms to values of the simulation. `None` if it has a secret that is not known.
    fn translated(&self, name: &str, value: &Value) -> Option<Value> {
        match value {
            Value::String(text) if text == SECRET => {
                let secret = self.secrets.get(&name.to_ascii_lowercase())?;
                Some(json!(secret))
            }
            Value::String(text) => Some(json!(self.real(text))),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.translated(name, item));
                items.collect::<Option<Vec<_>>>().map(Value::Array)
            }
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| Some((self.real(name), self.translated(name, value)?)));
                members.collect::<Option<Map<String, Value>>>().map(Value::Object)
            }
            other => Some(other.clone()),
        }
    }

    /// The simulation's value of a pseudonym, or of the pseudonyms in a text.
    fn real(&self, text: &str) -> String {
        if let Some(real) = self.known.get(text) {
            return real.clone();
        }
        let parts = text.split_inclusive(|c: char| !is_name(c)).map(|part| {
            let word = part.trim_end_matches(|c: char| !is_name(c));
            let real = self.known.get(word).map_or(word, String::as_str);
            format!("{real}{}", &part[word.len()..])
        });
        parts.collect()
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || "-_@".contains(c)
}

/// Every pseudonym has a digit.
fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "structure",
    }
}

/// All texts in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// A message without its values, so that messages about different resources can be compared.
fn template(message: &str) -> String {
    with_values(message, |_| "#".to_owned())
}

/// Replaces the words with digits, which are pseudonyms.
fn with_values(message: &str, replacement: impl Fn(&str) -> String) -> String {
    let is_part = |c: char| c.is_alphanumeric() || "-_@.:/".contains(c);
    let parts = message.split_inclusive(|c: char| !is_part(c)).map(|part| {
        let word = part.trim_end_matches(|c: char| !is_part(c) || ".:".contains(c));
        let word_or_value = if has_digit(word) {
            replacement(word)
        } else {
            word.to_owned()
        };
        format!("{word_or_value}{}", &part[word.len()..])
    });
    parts.collect()
}

/// The placeholder of a value in `recorded.json`.
fn placeholder(value: &str) -> String {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = match value.split_once('-') {
        _ if value.starts_with("arn:") => "arn",
        _ if value.contains('@') => "email",
        _ if value.len() == 12 && is_number(value) => "account",
        Some((kind, n)) if is_number(n) && kind.bytes().all(|byte| byte.is_ascii_lowercase()) && kind.len() > 2 => kind,
        _ => "id",
    };
    format!("{{{name}}}")
}
