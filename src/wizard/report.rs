//! Reports: the state of each step, and the outcome of a walk.

use jiff::Timestamp;

use super::{HumanTask, Observed, Status, StepPlan};
use crate::ids::RegionName;
use crate::progress::Origin;
use crate::reconcile::StepInfo;
use crate::user_error::UserError;

/// The state of a step in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything is as requested.
    Done,
    /// It does not exist yet.
    ToDo,
    /// It differs from what was requested.
    Different,
    /// Something outside this program must be resolved first.
    Blocked,
    /// The state could not be determined.
    Unknown,
    /// A person has a task to do.
    WaitingForPerson,
    /// A change failed.
    Failed,
    /// The step was skipped.
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

    /// The label on screens.
    pub fn label(self) -> &'static str {
        match self {
            Self::ToDo => "to do",
            Self::Different => "differs",
            Self::WaitingForPerson => "needs you",
            other => other.name(),
        }
    }
}

/// The report of a step.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// The step.
    pub info: &'static StepInfo,
    /// The state in one word.
    pub state: State,
    /// The last observed state.
    pub observed: Observed,
    /// What the step would still do.
    pub plan: StepPlan,
    /// The tasks that a person has to do.
    pub left_to_do: Vec<HumanTask>,
    /// The error, if something failed.
    pub error: Option<UserError>,
    /// When the step was first recorded in this state.
    pub since: Option<Timestamp>,
    /// The slugs of the steps that come before what is left to do here.
    pub waits_for: Vec<&'static str>,
}

impl StepReport {
    /// A report from an observed state and the plan for it.
    pub fn new(info: &'static StepInfo, observed: Observed, plan: StepPlan) -> Self {
        let state = match observed.status {
            Status::Different if plan.changes.is_empty() => State::Different,
            Status::Different => State::ToDo,
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
            waits_for: Vec::new(),
        }
    }

    /// The same step, skipped.
    #[must_use]
    pub fn skipped(mut self) -> Self {
        self.state = State::Skipped;
        self.left_to_do.clear();
        self.plan = StepPlan::default();
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

    /// The origin of a step that is done: `created` if we created any of its resources, else `confirmed` if a person
    /// confirmed it, else `existing`.
    pub fn origin(&self) -> Option<Origin> {
        if self.state != State::Done {
            return None;
        }
        let is_created = self
            .observed
            .resources
            .iter()
            .any(|resource| resource.origin == Origin::Created);
        Some(match (is_created, self.observed.confirmed) {
            (true, _) => Origin::Created,
            (_, true) => Origin::Confirmed,
            _ => Origin::Existing,
        })
    }
}

/// The outcome of a walk over the checklist.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The requested steps, in order.
    pub reports: Vec<StepReport>,
    /// The error that ended the walk early.
    pub error: Option<UserError>,
    /// The recorded Region of Identity Center, if the account could not be read.
    pub region: Option<RegionName>,
    /// Whether a change was begun.
    pub has_changed: bool,
}
