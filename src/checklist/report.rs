//! What is printed of a step, and the exit code that follows.

use jiff::Timestamp;

use super::{HumanTask, Importance, Observed, Plan, Status, StepInfo, UserError};
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

    /// The exit code of this step alone: what is left to do, a change not made included, is 3.
    fn exit(&self, strict: bool) -> u8 {
        if self.info.is_recommendation() && !strict {
            return 0;
        }
        if let Some(error) = self.error.as_ref().filter(|_| self.state == State::Failed) {
            return error.kind.exit();
        }
        match self.state {
            State::Done | State::Skipped => 0,
            State::Different => 5,
            State::Blocked | State::WaitingForPerson | State::ToDo => 3,
            State::Unknown => match &self.error {
                Some(error) => error.kind.exit(),
                _ if self.info.importance != Importance::Required => 3,
                _ => 1,
            },
            State::Failed => 1,
        }
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

impl Outcome {
    /// The exit code: the first of 130, 2, 4, 6, 1, 5, 3 that applies, else 0. The recommendations count only
    /// when `strict`.
    pub fn exit(&self, strict: bool) -> u8 {
        let of_steps = self.reports.iter().map(|report| report.exit(strict));
        let of_walk = self.error.iter().map(|error| error.kind.exit());
        exit(of_steps.chain(of_walk))
    }
}

/// The exit code that counts when several apply.
pub fn exit(codes: impl IntoIterator<Item = u8>) -> u8 {
    const RANK: [u8; 8] = [130, 2, 4, 6, 1, 5, 3, 0];
    let rank = |code: u8| RANK.iter().position(|known| *known == code).unwrap_or(4);
    codes.into_iter().min_by_key(|code| rank(*code)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_counts() {
        assert_eq!(exit([]), 0);
        assert_eq!(exit([0, 3, 5]), 5);
        assert_eq!(exit([1, 4, 3]), 4);
        assert_eq!(exit([2, 130]), 130);
        assert_eq!(exit([6, 1]), 6);
    }
}
