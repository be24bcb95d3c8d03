//! The walk over the checklist: survey, questions, review, and then each step until it is done or waits.

mod ask;
mod consent;
mod execute;
mod turn;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{ExitCode, Observed, Outcome, Plan, Prompter, State, Step, StepReport, UserError};
use crate::answers::{Answers, Key};
use crate::progress::{Progress, ProgressError, SavedAnswer, StepRecord};

/// How a walk is to go.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Slugs; all steps when empty.
    pub only: BTreeSet<String>,
    /// Slugs.
    pub skip: BTreeSet<String>,
    /// No confirmation of what can be taken back.
    pub yes: bool,
    /// How long to wait for a person; `None` is as long as it takes.
    pub wait: Option<Duration>,
    /// Named consents that were given, by flag.
    pub consents: BTreeSet<String>,
    /// The pause between two looks while a person does something.
    pub person_pause: Duration,
}

/// A walk over the checklist.
pub struct Walk<'a> {
    steps: &'a [Box<dyn Step>],
    prompter: &'a dyn Prompter,
    answers: &'a RefCell<Answers>,
    progress: &'a Progress,
    options: Options,
    skipped: RefCell<BTreeSet<&'static str>>,
    agreed: RefCell<BTreeSet<String>>,
    /// A change has failed, or the person has left: no other is begun.
    stopped: Cell<bool>,
    /// What was asked, in order: back leads along it.
    history: RefCell<Vec<Key>>,
    /// The first look at everything has been shown.
    is_shown: Cell<bool>,
    /// Something was changed in this run: back leads no further.
    has_changed: Cell<bool>,
    /// The person wants to be back at the review.
    wants_back: Cell<bool>,
    /// Why the person has left.
    wish: RefCell<Option<UserError>>,
}

/// Findings by slug.
type Observations = BTreeMap<&'static str, Observed>;

impl<'a> Walk<'a> {
    /// A walk over `steps`, which stand in the order of the checklist.
    pub fn new(
        steps: &'a [Box<dyn Step>],
        prompter: &'a dyn Prompter,
        answers: &'a RefCell<Answers>,
        progress: &'a Progress,
        options: Options,
    ) -> Self {
        let skipped = steps
            .iter()
            .map(|step| step.info().slug)
            .filter(|slug| options.skip.contains(*slug))
            .collect();
        Self {
            steps,
            prompter,
            answers,
            progress,
            options,
            skipped: RefCell::new(skipped),
            agreed: RefCell::default(),
            stopped: Cell::new(false),
            history: RefCell::default(),
            is_shown: Cell::new(false),
            has_changed: Cell::new(false),
            wants_back: Cell::new(false),
            wish: RefCell::default(),
        }
    }

    /// Looks, asks nothing, changes nothing.
    pub async fn look(&self) -> Outcome {
        let observations = self.survey().await;
        let mut reports = self.reports(&observations);
        let error = self.reconsider(&mut reports).err();
        let error = error.or_else(|| self.trouble_before(&observations));
        Outcome {
            reports,
            error,
            region: None,
        }
    }

    /// Looks and asks, and plans what would be done; changes nothing.
    pub async fn plan(&self) -> Outcome {
        let mut observations = self.survey().await;
        let asked = self.ask_everything(&mut observations).await.err();
        let mut reports = self.reports(&observations);
        let error = self.reconsider(&mut reports).err().or(asked);
        let error = error.or_else(|| self.trouble_before(&observations));
        Outcome {
            reports,
            error,
            region: None,
        }
    }

    /// Goes all the way.
    pub async fn run(&self) -> Outcome {
        // First of all: a run that is killed in its first look has been told what it was told.
        if let Err(error) = self.save_answers() {
            return Outcome {
                reports: Vec::new(),
                error: Some(error.into()),
                region: None,
            };
        }
        let mut observations = self.survey().await;
        loop {
            let outcome = self.run_from(observations).await;
            if !self.wants_back.take() {
                return outcome;
            }
            // Back from a question in a step, before anything was changed: the review is where values are changed.
            self.stopped.set(false);
            observations = self.survey().await;
        }
    }

    async fn run_from(&self, mut observations: Observations) -> Outcome {
        let agreed = match self.agree(&mut observations).await {
            Ok(agreed) => agreed,
            Err(error) => {
                return Outcome {
                    reports: self.reports(&observations),
                    error: Some(error),
                    region: None,
                };
            }
        };
        let before = self.trouble_before(&observations);
        if before.is_some() || self.is_refused(&observations) {
            // What may not even be looked at is not worked around: better to say so before anything changes.
            return Outcome {
                reports: self.reports(&observations),
                error: before,
                region: None,
            };
        }
        if !agreed {
            let said = if self.has_changed.get() {
                "Go on later with: idc-setup run"
            } else {
                "Nothing was changed. Go on later with: idc-setup run"
            };
            self.prompter.say(None, said);
            return Outcome {
                reports: self.reports(&observations),
                error: None,
                region: None,
            };
        }
        self.execute(observations).await
    }

    /// Whether the step was asked for.
    fn is_wanted(&self, step: &dyn Step) -> bool {
        self.options.only.is_empty() || self.options.only.contains(step.info().slug)
    }

    /// Whether the step was asked for and not skipped.
    fn is_walked(&self, step: &dyn Step) -> bool {
        self.is_wanted(step) && !self.skipped.borrow().contains(step.info().slug)
    }

    /// What a step that is only looked at has failed with, where a later one that is walked waits.
    fn trouble_before(&self, observations: &Observations) -> Option<UserError> {
        let observed = |step: &dyn Step| observations.get(step.info().slug);
        let waits = |step: &dyn Step| {
            self.is_walked(step) && observed(step).is_some_and(|observed| observed.waits_for.is_some())
        };
        self.steps.iter().enumerate().find_map(|(index, step)| {
            let is_before = self.steps[index..].iter().any(|later| waits(later.as_ref()));
            let error = observed(step.as_ref())?.error.clone();
            error.filter(|_| is_before && !self.is_walked(step.as_ref()))
        })
    }

    /// Whether a look of a step that is walked was refused for lack of rights or credentials, or has shown what would be in
    /// the way of a later step.
    fn is_refused(&self, observations: &Observations) -> bool {
        self.steps
            .iter()
            .filter(|step| self.is_walked(step.as_ref()) && !step.info().is_recommendation())
            .any(|step| {
                let error = observations
                    .get(step.info().slug)
                    .and_then(|observed| observed.error.as_ref());
                error.is_some_and(|error| ExitCode::from(error.kind) == ExitCode::Denied || error.stops_all)
            })
    }

    /// Looks at everything that is walked or that others stand on, all at the same time.
    async fn survey(&self) -> Observations {
        for slot in self.steps.iter().flat_map(|step| step.provides()) {
            slot.forget();
        }
        let shown = if self.is_shown.replace(true) {
            None
        } else {
            let walked = self.steps.iter().filter(|step| self.is_walked(step.as_ref()));
            self.prompter
                .survey(&walked.map(|step| step.info()).collect::<Vec<_>>())
        };
        let shown = shown.as_deref();
        let looks = self.steps.iter().map(|step| async move {
            let slug = step.info().slug;
            if self.is_walked(step.as_ref()) || step.info().feeds_others {
                let observed = self.look_at(step.as_ref()).await;
                close(step.as_ref(), &observed.summary);
                if let Some(shown) = shown.filter(|_| self.is_walked(step.as_ref())) {
                    shown.found(step.info(), &observed);
                }
                return Some((slug, observed));
            }
            close(step.as_ref(), "It was not looked at.");
            None
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    async fn look_at(&self, step: &dyn Step) -> Observed {
        step.look().await.unwrap_or_else(Observed::unknown)
    }

    /// The steps that were asked for, as far as they have got without changing anything.
    fn reports(&self, observations: &Observations) -> Vec<StepReport> {
        let mut stuck = false;
        let mut reports = Vec::new();
        for step in self.steps.iter().filter(|step| self.is_wanted(step.as_ref())) {
            let mut report = self.report(step.as_ref(), observations.get(step.info().slug));
            if stuck && report.observed.waits_for.is_some() {
                // What waits behind something that nobody here can move is not planned.
                report.plan = Plan::default();
            }
            let moves = !report.plan.changes.is_empty() || !report.plan.tasks.is_empty();
            stuck |=
                matches!(report.state, State::Blocked | State::Unknown) || (report.state == State::Different && !moves);
            reports.push(report);
        }
        reports
    }

    fn report(&self, step: &dyn Step, observed: Option<&Observed>) -> StepReport {
        let observed = observed.cloned().unwrap_or_else(|| Observed::missing("Not looked at."));
        if !self.is_walked(step) {
            let observed = Observed {
                summary: "Not wanted in this run.".to_owned(),
                ..observed
            };
            return StepReport::new(step.info(), observed, Plan::default()).skipped();
        }
        let report = match step.plan(&observed) {
            Ok(plan) => StepReport::new(step.info(), observed, plan),
            Err(error) => StepReport::new(step.info(), observed, Plan::default()).failed(error),
        };
        self.progress.read(|record| {
            let known = record.steps.get(report.info.slug);
            let known = known.filter(|known| known.state == report.state.name());
            let since = known.map(|known| known.since.unwrap_or(known.at));
            StepReport { since, ..report }
        })
    }

    /// Writes the explicit answers down, so that the next run does not ask again.
    fn save_answers(&self) -> Result<(), ProgressError> {
        let answers = self.answers.borrow();
        self.progress.change(|record| {
            let explicit = |name: &str| answers.all_explicit().any(|(key, _)| key.field() == name);
            // What this version does not know stays; what was said and is no longer, goes.
            record
                .answers
                .retain(|name, _| Key::of_field(name).is_none() || explicit(name));
            for (key, answer) in answers.all_explicit() {
                let saved = record.answers.get(&key.field());
                if saved.is_none_or(|saved| saved.value != answer.value) {
                    let saved = SavedAnswer {
                        value: answer.value.clone(),
                        at: Timestamp::now(),
                    };
                    record.answers.insert(key.field(), saved);
                }
            }
        })
    }

    /// Writes down how a step was last seen.
    fn record(&self, report: &StepReport) -> Result<(), UserError> {
        self.progress.change(|record| {
            let (state, now) = (report.state.name(), Timestamp::now());
            let known = record.steps.get(report.info.slug).filter(|known| known.state == state);
            let seen = StepRecord {
                state: state.to_owned(),
                summary: report.observed.summary.clone(),
                at: now,
                since: Some(known.map_or(now, |known| known.since.unwrap_or(known.at))),
            };
            record.steps.insert(report.info.slug.to_owned(), seen);
        })?;
        Ok(())
    }
}

/// Nobody is to wait for facts that this step did not bring.
fn close(step: &dyn Step, why: &str) {
    for slot in step.provides() {
        slot.close(why);
    }
}
