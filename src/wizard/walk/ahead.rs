//! What comes next: the first step that is not done, and who has to do something for it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::Walk;
use crate::exit_code::ExitCode;
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::reconcile::{Change, Consent, Importance, NamedConsent, StepInfo};
use crate::user_error::UserError;
use crate::wizard::{HumanTask, Outcome, Question, State, StepReport};

/// What a walk would find and ask now.
#[derive(Debug, Default)]
pub struct Ahead {
    /// The state of each step, and what it would still do.
    pub outcome: Outcome,
    /// The questions that a walk would ask. Empty if no answer can help.
    pub questions: Vec<OpenQuestion>,
    /// The flags of the consents that were given, without dashes.
    pub given: BTreeSet<String>,
    /// The topics that a person has confirmed. A run needs them again, because looking ahead records nothing.
    pub confirmed: Vec<String>,
}

/// A question that a walk would ask.
#[derive(Debug)]
pub struct OpenQuestion {
    /// The step that asks it.
    pub info: &'static StepInfo,
    /// The question.
    pub question: Question,
    /// An answer to suggest, which counts only if the user accepts it.
    pub suggestion: Option<String>,
}

/// What has to happen next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextState {
    /// Nothing: all steps are done.
    Done,
    /// Somebody has to give answers that have no default.
    NeedsAnswers,
    /// Somebody has to consent to changes that can't be undone or that cost something.
    NeedsConsent,
    /// Nobody: a run makes the next change.
    Ready,
    /// A person has to do a task.
    NeedsPerson,
    /// Something differs from what was requested, and nothing allows changing it.
    Differs,
    /// Something outside this program must be resolved first.
    Blocked,
    /// The state could not be determined. The error says why.
    #[default]
    Unknown,
}

/// How long the suggested command waits for a person.
const WAIT: &str = "10m";

impl Walk<'_> {
    /// Checks all steps, and lists the questions that a walk would ask. Asks nothing and changes nothing.
    pub async fn look_ahead(&self) -> Ahead {
        let observations = self.survey().await;
        let mut questions = Vec::new();
        // As in a run: ask nothing if an answer cannot help.
        if self.refusal(&observations).is_none() {
            let answers = self.answers.borrow();
            let open = self.questions(&observations).into_iter();
            questions.extend(open.map(|(step, question)| OpenQuestion {
                info: step.info(),
                suggestion: answers.suggestion(question.key).map(str::to_owned),
                question,
            }));
        }
        let mut reports = self.reports(&observations);
        let error = self.reconsider(&mut reports).err();
        let error = error.or_else(|| self.prerequisite_error(&observations));
        Ahead {
            outcome: self.outcome(reports, error),
            questions,
            given: self.options.consents.clone(),
            confirmed: Vec::new(),
        }
    }
}

impl Ahead {
    /// The steps that are not done, in order. Recommendations count only if `strict` is set.
    pub fn open(&self, strict: bool) -> Vec<&StepReport> {
        let reports = self.outcome.reports.iter();
        let counted = reports.filter(|report| strict || !report.info.is_recommendation());
        counted
            .filter(|report| !matches!(report.state, State::Done | State::Skipped))
            .collect()
    }

    /// The step that comes next: the first that has something to do, or else the first that is not done.
    pub fn step(&self, strict: bool) -> Option<&StepReport> {
        let open = self.open(strict);
        let first = *open.first()?;
        // What could not be checked comes first: nothing is certain without it.
        if matches!(first.state, State::Unknown | State::Failed) || first.observed.blocks_all {
            return Some(first);
        }
        let tasks = self.tasks(strict);
        let is_asked = |report: &StepReport| self.questions.iter().any(|open| open.info == report.info);
        let is_person = |report: &StepReport| tasks.iter().any(|open| open.report.info == report.info);
        let acting = open
            .iter()
            .find(|report| !report.plan.changes.is_empty() || is_asked(report) || is_person(report));
        Some(acting.copied().unwrap_or(first))
    }

    /// The consents that a change needs and that were not given.
    pub fn missing_consents<'c>(&'c self, change: &'c Change) -> impl Iterator<Item = &'c NamedConsent> {
        let consents = match &change.consent {
            Consent::Named(consents) => &consents[..],
            Consent::Reversible | Consent::File { .. } => &[],
        };
        consents
            .iter()
            .filter(move |consent| !self.given.contains(consent.flag))
    }

    /// The steps that differ and that nothing allows to change, besides the one that comes next.
    pub fn differing(&self, strict: bool) -> Vec<&StepReport> {
        let next = self.step(strict).map(|report| report.info.slug);
        let mut open = self.open(strict);
        open.retain(|report| report.state == State::Different && Some(report.info.slug) != next);
        open
    }

    /// What has to happen next.
    pub fn state(&self, strict: bool) -> NextState {
        let open = self.open(strict);
        if self.outcome.error.is_some() {
            return NextState::Unknown;
        }
        let Some(step) = self.step(strict) else {
            return NextState::Done;
        };
        match step.state {
            State::Different => return NextState::Differs,
            State::Blocked => return NextState::Blocked,
            State::Unknown | State::Failed => return NextState::Unknown,
            State::Done | State::Skipped | State::ToDo | State::WaitingForPerson => {}
        }
        if self.questions.iter().any(|open| !open.question.is_confirmation) {
            return NextState::NeedsAnswers;
        }
        let mut changes = open.iter().flat_map(|report| &report.plan.changes);
        if changes.any(|change| self.missing_consents(change).next().is_some()) {
            return NextState::NeedsConsent;
        }
        let slugs: BTreeSet<&str> = open.iter().map(|report| report.info.slug).collect();
        let is_next = |report: &&StepReport| !report.waits_for.iter().any(|slug| slugs.contains(slug));
        if open
            .iter()
            .any(|report| !report.plan.changes.is_empty() && is_next(report))
        {
            return NextState::Ready;
        }
        if !self.tasks(strict).is_empty() {
            return NextState::NeedsPerson;
        }
        // A run looks again at what AWS is still processing.
        if step.waits_for.is_empty() && step.observed.waits_for.is_none() {
            NextState::Ready
        } else {
            NextState::Blocked
        }
    }

    /// The tasks that a person has to do, each with the report of its step. Those that a later task includes are left out, unless
    /// a required step waits for them.
    pub fn tasks(&self, strict: bool) -> Vec<OpenTask<'_>> {
        let open = self.open(strict);
        let is_open = |slug: &str| open.iter().any(|report| report.info.slug == slug);
        let is_included = |task: &HumanTask| {
            let proof = task.proof.filter(|proof| !proof.comes_first);
            proof.is_some_and(|proof| is_open(proof.step))
        };
        let tasks = open.iter().copied().flat_map(|report| {
            let tasks = report.plan.tasks.iter();
            tasks.map(move |task| (report, task))
        });
        let tasks = tasks.map(|(report, task)| OpenTask {
            report,
            task,
            is_included: is_included(task),
        });
        let is_named = |open: &OpenTask<'_>| !open.is_included || open.report.info.importance == Importance::Required;
        tasks.filter(is_named).collect()
    }

    /// The error that explains an unknown state, with its step.
    pub fn error(&self, strict: bool) -> Option<StepError<'_>> {
        if let Some(error) = &self.outcome.error {
            return Some(StepError { step: None, error });
        }
        let first = self.step(strict)?;
        first.error.as_ref().map(|error| StepError {
            step: Some(first.info.slug),
            error,
        })
    }

    /// What can be done about a step that differs, is blocked, or could not be checked. Best first.
    pub fn ways_out(&self, strict: bool) -> NextSteps {
        if let Some(error) = &self.outcome.error {
            return error.next.clone();
        }
        if let (Some(step), NextState::Differs | NextState::Blocked | NextState::Unknown) =
            (self.step(strict), self.state(strict))
        {
            step.observed.next.clone()
        } else {
            // They do not hinder what comes next, and can be changed at any time.
            let differing = self.differing(strict).into_iter();
            let ways: Vec<NextStep> = differing
                .flat_map(|report| report.observed.next.iter().cloned())
                .collect();
            ways.into()
        }
    }

    /// The command that continues. Answers and consents have to be added to it.
    pub fn command(&self, strict: bool) -> Option<SetupCommand> {
        match self.state(strict) {
            NextState::Done => None,
            NextState::Differs | NextState::Blocked | NextState::Unknown => self.ways_out(strict).command().cloned(),
            NextState::NeedsAnswers | NextState::NeedsConsent | NextState::Ready | NextState::NeedsPerson => {
                let command = SetupCommand::run().switch("--non-interactive");
                let open = self.open(strict);
                let changes = || open.iter().flat_map(|report| &report.plan.changes);
                let is_needed = |flag: &&String| {
                    let mut needed = changes().filter_map(|change| match &change.consent {
                        Consent::Named(consents) => Some(consents),
                        Consent::Reversible | Consent::File { .. } => None,
                    });
                    needed.any(|consents| consents.iter().any(|consent| consent.flag == flag.as_str()))
                };
                let given = self.given.iter().filter(is_needed);
                let command = given.fold(command, |command, flag| command.switch(format!("--{flag}")));
                let topics = self.confirmed.iter();
                let command = topics.fold(command, |command, topic| command.value("--confirm", topic));
                let has_tasks = !self.tasks(strict).is_empty();
                Some(if has_tasks {
                    command.value("--wait", WAIT)
                } else {
                    command
                })
            }
        }
    }

    /// The exit code: that of the steps, or 2 if answers are missing.
    pub fn exit_code(&self, strict: bool) -> ExitCode {
        let of_answers = (self.state(strict) == NextState::NeedsAnswers).then_some(ExitCode::Usage);
        ExitCode::greatest(of_answers.into_iter().chain([self.outcome.exit_code(strict)]))
    }
}

/// A task that a person has to do.
#[derive(Debug, Clone, Copy)]
pub struct OpenTask<'a> {
    /// The report of its step.
    pub report: &'a StepReport,
    /// The task.
    pub task: &'a HumanTask,
    /// Whether a later task includes it, so that nobody has to do it apart.
    pub is_included: bool,
}

/// An error with the slug of its step; `None` outside a step.
#[derive(Debug, Clone, Copy)]
pub struct StepError<'a> {
    /// The slug of the step.
    pub step: Option<&'static str>,
    /// The error.
    pub error: &'a UserError,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Key;
    use crate::reconcile::Importance;
    use crate::wizard::{Observed, StepPlan};

    const FIRST: StepInfo = info("first", Importance::Required);
    const SECOND: StepInfo = info("second", Importance::Required);
    const ADVICE: StepInfo = info("advice", Importance::Recommendation);

    const fn info(slug: &'static str, importance: Importance) -> StepInfo {
        StepInfo {
            number: 1,
            slug,
            short: "Short",
            title: "A title",
            importance,
            why: "",
            feeds_others: false,
            permissions: &[],
        }
    }

    fn ahead(observations: [(&'static StepInfo, Observed); 3]) -> Ahead {
        let reports = observations.map(|(info, observed)| StepReport::new(info, observed, StepPlan::default()));
        Ahead {
            outcome: Outcome {
                reports: reports.into(),
                ..Outcome::default()
            },
            ..Ahead::default()
        }
    }

    #[test]
    fn the_first_step_that_is_not_done_decides() {
        let done = || Observed::done("Done.");
        let all = ahead([(&FIRST, done()), (&SECOND, done()), (&ADVICE, Observed::missing("No."))]);
        assert_eq!(
            (all.state(false), all.exit_code(false)),
            (NextState::Done, ExitCode::Success)
        );
        assert_eq!(all.command(false), None);
        assert_ne!(all.state(true), NextState::Done);

        let differs = Observed::different("Other.", SetupCommand::run().value("--update", "second"));
        let one = ahead([(&FIRST, done()), (&SECOND, differs), (&ADVICE, done())]);
        assert_eq!(
            (one.state(false), one.exit_code(false)),
            (NextState::Differs, ExitCode::Differs)
        );
        assert_eq!(
            one.command(false),
            Some(SetupCommand::run().value("--update", "second"))
        );
    }

    #[test]
    fn a_step_that_has_something_to_do_comes_before_one_that_differs() {
        let differs = Observed::different("Other.", SetupCommand::run().value("--update", "first"));
        let mut open = ahead([
            (&FIRST, differs),
            (&SECOND, Observed::missing("No.")),
            (&ADVICE, Observed::done("Done.")),
        ]);
        assert_eq!(open.step(false).map(|step| step.info.slug), Some("first"));
        open.questions = vec![OpenQuestion {
            info: &SECOND,
            question: Question::of(Key::Email),
            suggestion: None,
        }];
        assert_eq!(open.step(false).map(|step| step.info.slug), Some("second"));
        assert_eq!(open.state(false), NextState::NeedsAnswers);
        assert_eq!(open.differing(false).len(), 1);
        // The way to change the other one is still named.
        let ways = open.ways_out(false);
        assert_eq!(ways.command(), Some(&SetupCommand::run().value("--update", "first")));
        assert_eq!(
            open.command(false),
            Some(SetupCommand::run().switch("--non-interactive"))
        );
    }

    #[test]
    fn only_an_answer_without_a_default_is_waited_for() {
        let mut open = ahead([
            (&FIRST, Observed::missing("No.")),
            (&SECOND, Observed::missing("No.")),
            (&ADVICE, Observed::done("Done.")),
        ]);
        let question = |is_confirmation| OpenQuestion {
            info: &FIRST,
            question: Question {
                is_confirmation,
                ..Question::of(Key::Email)
            },
            suggestion: None,
        };
        open.questions = vec![question(true)];
        assert_eq!(
            (open.state(false), open.exit_code(false)),
            (NextState::Ready, ExitCode::Incomplete)
        );
        open.questions.push(question(false));
        assert_eq!(
            (open.state(false), open.exit_code(false)),
            (NextState::NeedsAnswers, ExitCode::Usage)
        );
        assert_eq!(
            open.command(false),
            Some(SetupCommand::run().switch("--non-interactive"))
        );
    }
}
