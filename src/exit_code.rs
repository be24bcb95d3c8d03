//! Exit codes: one ordered enum, and how an outcome maps to it.

use crate::doctor::CheckStatus;
use crate::reconcile::Importance;
use crate::user_error::UserErrorKind;
use crate::wizard::{Outcome, State, StepReport};

/// How a command ends, ordered by severity. When several codes apply, the greatest one wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitCode {
    /// 0: everything that was requested is in place.
    #[default]
    Success,
    /// 3: something is left to do: a task for a person or a planned change.
    Incomplete,
    /// 5: something differs from what was requested, and no flag allows changing it.
    Differs,
    /// 1: the command failed.
    Failed,
    /// 6: another run holds the lock.
    Locked,
    /// 4: no valid credentials, or missing permissions.
    Denied,
    /// 2: the command line or a file is invalid, or answers are missing.
    Usage,
    /// 130: interrupted.
    Interrupted,
}

impl ExitCode {
    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Denied => 4,
            Self::Differs => 5,
            Self::Locked => 6,
            Self::Interrupted => 130,
        }
    }

    /// The most severe of several codes, or success if there are none.
    pub fn greatest(codes: impl IntoIterator<Item = Self>) -> Self {
        codes.into_iter().max().unwrap_or_default()
    }
}

impl From<UserErrorKind> for ExitCode {
    fn from(kind: UserErrorKind) -> Self {
        match kind {
            UserErrorKind::Failed | UserErrorKind::Unknown => Self::Failed,
            UserErrorKind::Usage | UserErrorKind::MissingAnswers | UserErrorKind::Environment => Self::Usage,
            UserErrorKind::NoCredentials | UserErrorKind::NotAllowed => Self::Denied,
            UserErrorKind::Left => Self::Incomplete,
            UserErrorKind::Locked => Self::Locked,
            UserErrorKind::Interrupted => Self::Interrupted,
        }
    }
}

impl From<CheckStatus> for ExitCode {
    fn from(status: CheckStatus) -> Self {
        match status {
            CheckStatus::Ok | CheckStatus::Note => Self::Success,
            CheckStatus::ToDo | CheckStatus::Unknown => Self::Incomplete,
            CheckStatus::Denied => Self::Denied,
        }
    }
}

impl ExitCode {
    /// The exit code of `doctor`: 0, 3 or 4.
    pub fn of_checks(checks: impl IntoIterator<Item = CheckStatus>) -> Self {
        Self::greatest(checks.into_iter().map(Self::from))
    }

    /// The exit code of `undo`, which stopped with this kind of error, or left something that it was asked to undo.
    pub fn of_undo(error: Option<UserErrorKind>, has_left_something: bool) -> Self {
        let of_rest = has_left_something.then_some(Self::Differs);
        Self::greatest(error.map(Self::from).into_iter().chain(of_rest))
    }
}

/// The exit code of one step. Recommendations count only if `strict` is set.
fn of_step(report: &StepReport, strict: bool) -> ExitCode {
    if report.info.is_recommendation() && !strict {
        return ExitCode::Success;
    }
    let of_error = report.error.as_ref().map(|error| ExitCode::from(error.kind));
    match report.state {
        State::Done | State::Skipped => ExitCode::Success,
        State::Different => ExitCode::Differs,
        State::Blocked | State::WaitingForPerson | State::ToDo => ExitCode::Incomplete,
        State::Unknown if report.info.importance != Importance::Required => of_error.unwrap_or(ExitCode::Incomplete),
        State::Unknown | State::Failed => of_error.unwrap_or(ExitCode::Failed),
    }
}

impl Outcome {
    /// The exit code. Recommendations count only if `strict` is set.
    pub fn exit_code(&self, strict: bool) -> ExitCode {
        let of_steps = self.reports.iter().map(|report| of_step(report, strict));
        let of_walk = self.error.iter().map(|error| ExitCode::from(error.kind));
        ExitCode::greatest(of_steps.chain(of_walk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_severe_of_several_codes_wins() {
        let order = [130, 2, 4, 6, 1, 5, 3, 0];
        let all = [
            ExitCode::Interrupted,
            ExitCode::Usage,
            ExitCode::Denied,
            ExitCode::Locked,
            ExitCode::Failed,
            ExitCode::Differs,
            ExitCode::Incomplete,
            ExitCode::Success,
        ];
        assert_eq!(all.map(ExitCode::code), order);
        for (index, code) in all.into_iter().enumerate() {
            let reversed = all[index..].iter().rev().copied();
            assert_eq!(ExitCode::greatest(reversed), code);
        }
        assert_eq!(ExitCode::greatest([]), ExitCode::Success);
    }
}
