//! The observed state of a step in the live account.

use super::Evidence;
use crate::next_step::{NextStep, NextSteps};
use crate::progress::Entry;
use crate::text::one_line;
use crate::user_error::UserError;

/// What a step has observed in the account and on this machine.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The state in one word.
    pub status: Status,
    /// The state in one sentence.
    pub summary: String,
    /// The observed values.
    pub evidence: Evidence,
    /// The resources that the step is about, with their origin.
    pub resources: Vec<Entry>,
    /// What to do next if the status is different, blocked or unknown.
    pub next: NextSteps,
    /// Set if the step cannot be checked until an earlier step is done. The status is then missing.
    pub waits_for: Option<String>,
    /// The error that made the status unknown.
    pub error: Option<UserError>,
    /// The state was confirmed by a person; no API shows it.
    pub confirmed: bool,
    /// Nothing else can be done in this account before this is resolved.
    pub blocks_all: bool,
}

/// An observed state in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everything is as requested.
    Done,
    /// It does not exist, or is incomplete.
    Missing,
    /// It exists, but differs from what was requested.
    Different,
    /// Something outside this program must be resolved first.
    Blocked,
    /// The state could not be determined.
    Unknown,
}

impl Observed {
    /// An observation with a status and a summary.
    pub fn new(status: Status, summary: impl Into<String>) -> Self {
        Self {
            status,
            // It can contain names that other people chose.
            summary: one_line(&summary.into()),
            evidence: Evidence::default(),
            resources: Vec::new(),
            next: NextSteps::default(),
            waits_for: None,
            error: None,
            confirmed: false,
            blocks_all: false,
        }
    }

    /// Everything is as requested.
    pub fn done(summary: impl Into<String>) -> Self {
        Self::new(Status::Done, summary)
    }

    /// It does not exist, or is incomplete.
    pub fn missing(summary: impl Into<String>) -> Self {
        Self::new(Status::Missing, summary)
    }

    /// It exists, but differs from what was requested. `next` says how to resolve that.
    pub fn different(summary: impl Into<String>, next: impl Into<NextStep>) -> Self {
        Self::new(Status::Different, summary).or_next(next)
    }

    /// Something outside this program must be resolved first. `next` says how.
    pub fn blocked(summary: impl Into<String>, next: impl Into<NextStep>) -> Self {
        Self::new(Status::Blocked, summary).or_next(next)
    }

    /// The state could not be determined because of `error`.
    pub fn unknown(error: UserError) -> Self {
        let mut observed = Self::new(Status::Unknown, error.message.clone());
        observed.next = error.next.clone();
        observed.error = Some(error);
        observed
    }

    /// The step cannot be checked until an earlier step is done.
    pub fn waits_for(what: impl Into<String>) -> Self {
        let what = what.into();
        let mut observed = Self::missing(what.clone());
        observed.waits_for = Some(what);
        observed
    }

    /// Sets observed values.
    #[must_use]
    pub fn with(mut self, set: impl FnOnce(&mut Evidence)) -> Self {
        set(&mut self.evidence);
        self
    }

    /// Adds a resource.
    #[must_use]
    pub fn of(mut self, resource: Entry) -> Self {
        self.resources.push(resource);
        self
    }

    /// Adds an alternative to the next steps.
    #[must_use]
    pub fn or_next(mut self, next: impl Into<NextStep>) -> Self {
        self.next = self.next.or(next);
        self
    }

    /// Adds the id of our request that AWS is still processing.
    #[must_use]
    pub fn under_way(self, request: impl Into<String>) -> Self {
        self.with(|evidence| evidence.pending_request = Some(request.into()))
    }

    /// Whether AWS is still processing one of our requests.
    pub fn is_under_way(&self) -> bool {
        self.evidence.pending_request.is_some()
    }

    /// Whether everything is as requested.
    pub fn is_done(&self) -> bool {
        self.status == Status::Done
    }
}
