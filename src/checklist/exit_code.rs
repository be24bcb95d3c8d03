//! The exit code: one ordered enum, decided here.

use super::{Importance, Outcome, State, StepReport, UserErrorKind};

/// How a command ends. Ordered by weight: of several that apply, the greatest counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitCode {
    /// 0: all that was asked for holds.
    #[default]
    Success,
    /// 3: something is left, a task for a person or a planned change.
    Incomplete,
    /// 5: something differs from what was asked for, and we were not told to change it.
    Differs,
    /// 1: it failed.
    Failed,
    /// 6: another run holds the lock.
    Locked,
    /// 4: no credentials, or not allowed.
    Denied,
    /// 2: the command line or a file is wrong, or answers are missing.
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

    /// The code that counts when several apply; success when none does.
    pub fn greatest(codes: impl IntoIterator<Item = Self>) -> Self {
        codes.into_iter().max().unwrap_or_default()
    }
}

impl From<UserErrorKind> for ExitCode {
    fn from(kind: UserErrorKind) -> Self {
        match kind {
            UserErrorKind::Failed | UserErrorKind::Unknown => Self::Failed,
            UserErrorKind::Usage | UserErrorKind::MissingAnswers => Self::Usage,
            UserErrorKind::NoCredentials | UserErrorKind::NotAllowed => Self::Denied,
            UserErrorKind::Left => Self::Incomplete,
            UserErrorKind::Locked => Self::Locked,
            UserErrorKind::Interrupted => Self::Interrupted,
        }
    }
}

/// What one step contributes. The recommendations count only when `strict`.
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
    /// The exit code. The recommendations count only when `strict`.
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
    fn the_heaviest_of_several_codes_counts() {
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
