//! What is printed of a step, and the exit code that follows.

use jiff::Timestamp;

use super::{HumanTask, Observed, Plan, Status, StepInfo, UserError};
use crate::progress::Origin;

/// A step's state in what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is as it should be.
    Done,
    /// It is not there yet.
    ToDo,
    /// It says something else than what was asked for.
    Different,
    /// Something is in the way.
    Blocked,
    /// It could not be found out.
    Unknown,
    /// A person has something to do.
    WaitingForPerson,
    /// A change failed.
    Failed,
    /// It was not wanted.
    Skipped,
}

impl State {
    /// The value in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::ToDo => "to_do",
            Self::Different => "different",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::WaitingForPerson => "waiting_for_person",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The state with this [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Done,
            Self::ToDo,
            Self::Different,
            Self::Blocked,
            Self::Unknown,
            Self::WaitingForPerson,
            Self::Failed,
            Self::Skipped,
        ];
        all.into_iter().find(|state| state.name() == name)
    }

    /// What a screen shows.
    pub fn label(self) -> &'static str {
        match self {
            Self::ToDo => "to do",
            Self::Different => "differs",
            Self::WaitingForPerson => "needs you",
            other => other.name(),
        }
    }
}

/// What is printed of a step.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// Its line of the checklist.
    pub info: &'static StepInfo,
    /// In one word.
    pub state: State,
    /// The last finding.
    pub observed: Observed,
    /// What would still be changed.
    pub plan: Plan,
    /// What a person has to do.
    pub left_to_do: Vec<HumanTask>,
    /// What failed.
    pub error: Option<UserError>,
    /// Since when it is known to be in this state.
    pub since: Option<Timestamp>,
}

impl StepReport {
    /// A report from a finding and what would be done about it.
    pub fn new(info: &'static StepInfo, observed: Observed, plan: Plan) -> Self {
        let state = match observed.status {
            Status::Different => State::Different,
            Status::Blocked => State::Blocked,
            Status::Unknown => State::Unknown,
            Status::Done if plan.tasks.is_empty() => State::Done,
            Status::Missing if !plan.changes.is_empty() || observed.waits_for.is_some() => State::ToDo,
            Status::Missing if plan.tasks.is_empty() => State::ToDo,
            Status::Done | Status::Missing => State::WaitingForPerson,
        };
        let left_to_do = if state == State::WaitingForPerson {
            plan.tasks.clone()
        } else {
            Vec::new()
        };
        Self {
            info,
            state,
            error: observed.error.clone(),
            observed,
            plan,
            left_to_do,
            since: None,
        }
    }

    /// The same step, not wanted.
    #[must_use]
    pub fn skipped(mut self) -> Self {
        self.state = State::Skipped;
        self.left_to_do.clear();
        self.plan = Plan::default();
        self.error = None;
        self
    }

    /// The same step, failed.
    #[must_use]
    pub fn failed(mut self, error: UserError) -> Self {
        self.state = State::Failed;
        self.error = Some(error);
        self
    }

    /// `made` if we made anything in it, else `told` if it rests on a word, else `found`; `None` until done.
    pub fn origin(&self) -> Option<Origin> {
        if self.state != State::Done {
            return None;
        }
        let made = self
            .observed
            .resources
            .iter()
            .any(|resource| resource.origin == Origin::Created);
        Some(match (made, self.observed.confirmed) {
            (true, _) => Origin::Created,
            (_, true) => Origin::Confirmed,
            _ => Origin::Existing,
        })
    }
}

/// How a walk over the checklist ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The steps that were asked for, in order.
    pub reports: Vec<StepReport>,
    /// What ended the walk early.
    pub error: Option<UserError>,
    /// Identity Center's Region as it was recorded, where the account itself could not be asked.
    pub region: Option<String>,
}
