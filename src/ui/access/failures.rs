//! What was made before a stop, what failed, by reason, and what was not begun.

use super::counts::{self, Verb};
use super::words;
use crate::access::apply::Outcome;
use crate::access::plan::Change;
use crate::text::listed;

/// The most changes that are named for one reason.
pub const MOST_EXAMPLES: usize = 3;

/// Changes that failed for the same reason.
#[derive(Debug, PartialEq)]
pub struct Failures<'a> {
    /// The reason, as a sentence.
    pub reason: &'a str,
    /// The changes.
    pub changes: Vec<&'a Change>,
}

/// The changes that failed, by reason, in the order in which they failed.
pub fn by_reason(outcome: &Outcome) -> Vec<Failures<'_>> {
    let mut all: Vec<Failures<'_>> = Vec::new();
    for (change, error) in &outcome.failed {
        match all.iter_mut().find(|own| own.reason == error.message) {
            Some(own) => own.changes.push(change),
            None => all.push(Failures {
                reason: &error.message,
                changes: vec![change],
            }),
        }
    }
    all
}

/// How many changes were made: `3 changes`, and after a stop `3 of 10 changes`.
pub fn made(outcome: &Outcome) -> String {
    let done = outcome.done.len();
    if !outcome.stopped {
        return words::counted(done, "change");
    }
    let all = done + outcome.failed.len() + outcome.not_begun.len() + outcome.in_progress.len();
    format!("{done} of {}", words::counted(all, "change"))
}

/// What was made before a stop: `Done: 2 users, 3 assignments created; 1 group changed.` Otherwise, the lines of the progress
/// and the plan say it.
pub fn done(outcome: &Outcome) -> Option<String> {
    let verbs = [
        (Verb::Create, "created"),
        (Verb::Change, "changed"),
        (Verb::Delete, "deleted"),
    ];
    let parts: Vec<String> = verbs
        .into_iter()
        .map(|(verb, name)| (counts::text(counts::of(&outcome.done, verb)), name))
        .filter(|(counts, _)| !counts.is_empty())
        .map(|(counts, name)| format!("{counts} {name}"))
        .collect();
    (outcome.stopped && !parts.is_empty()).then(|| format!("Done: {}.", parts.join("; ")))
}

/// What was not begun, and why: `Not begun: 13 removals, because 24 changes failed.`
pub fn not_begun(outcome: &Outcome) -> Option<String> {
    let removals = outcome.not_begun.iter().filter(|change| change.action.is_deletion());
    let removals = removals.count();
    let others = outcome.not_begun.len() - removals;
    let counts = [(others, "change"), (removals, "removal")].into_iter();
    let counts: Vec<String> = counts
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| words::counted(count, what))
        .collect();
    let why = match outcome.failed.len() {
        _ if outcome.stopped => ", because the apply was stopped".to_owned(),
        0 => String::new(),
        failed => format!(", because {} failed", words::counted(failed, "change")),
    };
    (!counts.is_empty()).then(|| format!("Not begun: {}{why}.", listed(&counts)))
}

/// What is not known to have ended: `Unknown: 3 changes were in progress. AWS may still complete them.`
pub fn in_progress(outcome: &Outcome) -> Option<String> {
    match outcome.in_progress.len() {
        0 => None,
        1 => Some("Unknown: 1 change was in progress. AWS may still complete it.".to_owned()),
        count => Some(format!(
            "Unknown: {count} changes were in progress. AWS may still complete them."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::plan::Action;
    use crate::ids::PermissionSetArn;
    use crate::next_step::NextSteps;
    use crate::user_error::UserError;

    fn group(name: &str) -> Change {
        Change {
            action: Action::CreateGroup {
                name: name.to_owned(),
                description: None,
            },
            place: None,
        }
    }

    fn removal() -> Change {
        let arn = "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-00000000000000aa";
        Change {
            action: Action::DeletePermissionSet {
                arn: arn.parse::<PermissionSetArn>().unwrap(),
                name: "Admin".to_owned(),
            },
            place: None,
        }
    }

    #[test]
    fn failures_with_the_same_reason_are_counted_together() {
        let failed = |name: &str, why: &str| (group(name), UserError::failed(why, NextSteps::default()));
        let outcome = Outcome {
            failed: vec![failed("a", "One."), failed("b", "Two."), failed("c", "One.")],
            not_begun: vec![group("d"), removal(), removal()],
            ..Outcome::default()
        };
        let groups = by_reason(&outcome);
        let counts: Vec<(&str, usize)> = groups.iter().map(|own| (own.reason, own.changes.len())).collect();
        assert_eq!(counts, [("One.", 2), ("Two.", 1)]);
        assert_eq!(
            not_begun(&outcome).unwrap(),
            "Not begun: 1 change and 2 removals, because 3 changes failed."
        );
    }

    #[test]
    fn a_stop_says_what_was_made() {
        let mut outcome = Outcome {
            done: vec![group("a"), group("b"), removal()],
            not_begun: vec![group("c")],
            in_progress: vec![group("d")],
            stopped: true,
            ..Outcome::default()
        };
        assert_eq!(made(&outcome), "3 of 5 changes");
        assert_eq!(
            done(&outcome).unwrap(),
            "Done: 2 groups created; 1 permission set deleted."
        );
        outcome.stopped = false;
        assert_eq!(made(&outcome), "3 changes");
        assert_eq!(done(&outcome), None);
    }

    #[test]
    fn what_was_not_begun_after_a_stop_is_not_said_to_have_failed() {
        let outcome = Outcome {
            not_begun: vec![group("a")],
            in_progress: vec![group("b")],
            stopped: true,
            ..Outcome::default()
        };
        assert_eq!(
            not_begun(&outcome).unwrap(),
            "Not begun: 1 change, because the apply was stopped."
        );
        assert_eq!(
            in_progress(&outcome).unwrap(),
            "Unknown: 1 change was in progress. AWS may still complete it."
        );
        assert_eq!(not_begun(&Outcome::default()), None);
    }
}
