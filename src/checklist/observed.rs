//! What a look at the live account shows for a step.

use std::collections::BTreeMap;

use super::UserError;
use crate::next_step::{NextStep, NextSteps};
use crate::progress::Resource;
use crate::text::one_line;

const PENDING_REQUEST: &str = "pending_request";

/// What is, as far as a step is concerned.
#[derive(Debug, Clone)]
pub struct Observed {
    /// In one word.
    pub status: Status,
    /// In one sentence.
    pub summary: String,
    /// In detail: what was seen, by name.
    pub evidence: BTreeMap<&'static str, String>,
    /// The things that make the step up, with whose they are.
    pub resources: Vec<Resource>,
    /// Ways out, where it is different, blocked or unknown.
    pub next: NextSteps,
    /// It could not be looked at before an earlier step is done; then it is as good as missing.
    pub waits_for: Option<String>,
    /// What the look failed with, where it is unknown.
    pub error: Option<UserError>,
    /// The step rests on a person's word.
    pub confirmed: bool,
}

/// A finding in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
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

impl Observed {
    /// A finding with a word and a sentence.
    pub fn new(status: Status, summary: impl Into<String>) -> Self {
        Self {
            status,
            // Names of others' choosing are in it.
            summary: one_line(&summary.into()),
            evidence: BTreeMap::new(),
            resources: Vec::new(),
            next: NextSteps::default(),
            waits_for: None,
            error: None,
            confirmed: false,
        }
    }

    /// It is as it should be.
    pub fn done(summary: impl Into<String>) -> Self {
        Self::new(Status::Done, summary)
    }

    /// It is not there, or not complete.
    pub fn missing(summary: impl Into<String>) -> Self {
        Self::new(Status::Missing, summary)
    }

    /// It says something else; `next` is how to go on.
    pub fn different(summary: impl Into<String>, next: impl Into<NextStep>) -> Self {
        Self::new(Status::Different, summary).or_next(next)
    }

    /// Something is in the way; `next` is how to go on.
    pub fn blocked(summary: impl Into<String>, next: impl Into<NextStep>) -> Self {
        Self::new(Status::Blocked, summary).or_next(next)
    }

    /// It could not be found out.
    pub fn unknown(error: UserError) -> Self {
        let mut observed = Self::new(Status::Unknown, error.message.clone());
        observed.next = error.next.clone();
        observed.error = Some(error);
        observed
    }

    /// It cannot be looked at yet.
    pub fn waits_for(what: impl Into<String>) -> Self {
        let what = what.into();
        let mut observed = Self::missing(what.clone());
        observed.waits_for = Some(what);
        observed
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
    pub fn or_next(mut self, next: impl Into<NextStep>) -> Self {
        self.next = self.next.or(next);
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
        self.status == Status::Done
    }
}
