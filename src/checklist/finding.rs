//! What a look at the live account shows for a step.

use std::collections::BTreeMap;

use super::Trouble;
use crate::progress::Resource;
use crate::words::one_line;

const PENDING_REQUEST: &str = "pending-request";

/// What is, as far as a step is concerned.
#[derive(Debug, Clone)]
pub struct Finding {
    /// In one word.
    pub found: Found,
    /// In one sentence.
    pub is: String,
    /// In detail: what was seen, by name.
    pub evidence: BTreeMap<&'static str, String>,
    /// The things that make the step up, with whose they are.
    pub resources: Vec<Resource>,
    /// Ways out, where it is different, blocked or unknown.
    pub next: Vec<String>,
    /// It could not be looked at before an earlier step is done; then it is as good as missing.
    pub waits_for: Option<String>,
    /// What the look failed with, where it is unknown.
    pub trouble: Option<Trouble>,
    /// The step rests on a person's word.
    pub told: bool,
}

/// A finding in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is as it should be.
    Done,
    /// It is not there, or not complete.
    Missing,
    /// It is there and says something else than what was asked for.
    Different,
    /// Something has to be put out of the way first, outside this program.
    Blocked,
    /// It could not be found out.
    Unknown,
}

impl Finding {
    /// A finding with a word and a sentence.
    pub fn new(found: Found, is: impl Into<String>) -> Self {
        Self {
            found,
            // Names of others' choosing are in it.
            is: one_line(&is.into()),
            evidence: BTreeMap::new(),
            resources: Vec::new(),
            next: Vec::new(),
            waits_for: None,
            trouble: None,
            told: false,
        }
    }

    /// It is as it should be.
    pub fn done(is: impl Into<String>) -> Self {
        Self::new(Found::Done, is)
    }

    /// It is not there, or not complete.
    pub fn missing(is: impl Into<String>) -> Self {
        Self::new(Found::Missing, is)
    }

    /// It says something else; `next` is how to go on.
    pub fn different(is: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Found::Different, is).or_next(next)
    }

    /// Something is in the way; `next` is how to go on.
    pub fn blocked(is: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Found::Blocked, is).or_next(next)
    }

    /// It could not be found out.
    pub fn unknown(trouble: Trouble) -> Self {
        let mut finding = Self::new(Found::Unknown, trouble.message.clone()).or_next(trouble.next.clone());
        finding.trouble = Some(trouble);
        finding
    }

    /// It cannot be looked at yet.
    pub fn waits_for(what: impl Into<String>) -> Self {
        let what = what.into();
        let mut finding = Self::missing(what.clone());
        finding.waits_for = Some(what);
        finding
    }

    /// With one more thing seen.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.evidence.insert(name, one_line(&value.into()));
        self
    }

    /// With one more thing that makes the step up.
    #[must_use]
    pub fn of(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// With one more way out.
    #[must_use]
    pub fn or_next(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    /// With the request of ours that AWS is still working on.
    #[must_use]
    pub fn under_way(self, request: impl Into<String>) -> Self {
        self.with(PENDING_REQUEST, request)
    }

    /// Whether AWS is still working on something that we asked for.
    pub fn is_under_way(&self) -> bool {
        self.evidence.contains_key(PENDING_REQUEST)
    }

    /// Whether it is as it should be.
    pub fn is_done(&self) -> bool {
        self.found == Found::Done
    }
}
