//! The walk over the checklist: survey, questions, review, and then each step until it is done or waits.

mod ahead;
mod ask;
mod consent;
mod execute;

pub use ahead::{Ahead, NextState, OpenQuestion, OpenTask, StepError};

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use jiff::Timestamp;
use tracing::Instrument as _;

use super::{Observed, Outcome, Prompter, State, Step, StepPlan, StepReport};
use crate::answers::{Answers, Key};
use crate::progress::{Progress, ProgressError, SavedAnswer, StepRecord};
use crate::reconcile::plan::Address;
use crate::reconcile::{ChangeKey, StepInfo, Stop};
use crate::user_error::{UserError, UserErrorKind};

/// The options of a walk.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The slugs of the steps to walk; all steps if empty.
    pub only: BTreeSet<String>,
    /// The slugs of the steps to skip.
    pub skip: BTreeSet<String>,
    /// Do not ask about changes that can be undone.
    pub yes: bool,
    /// How long to wait for a person; `None` waits as long as necessary.
    pub wait: Option<Duration>,
    /// The consents that were given, by flag.
    pub consents: BTreeSet<String>,
    /// The polling interval while a person does a task.
    pub person_pause: Duration,
    /// Whether to ask about the recommendations too, and not only about the steps.
    pub asks_recommendations: bool,
}

/// A walk over the checklist.
pub struct Walk<'a> {
    steps: &'a [Box<dyn Step>],
    prompter: &'a dyn Prompter,
    answers: &'a RefCell<Answers>,
    progress: &'a Progress,
    options: Options,
    skipped: RefCell<BTreeSet<&'static str>>,
    agreed: RefCell<BTreeSet<AgreedKey>>,
    /// The reports of the steps before the work.
    before: RefCell<Vec<StepReport>>,
    /// The reports of the steps that have ended.
    ended: RefCell<BTreeMap<&'static str, StepReport>>,
    /// The user quit, or the credentials expired: no other change begins.
    stop: &'a Stop,
    /// The answered questions, in order, for going back.
    history: RefCell<Vec<Key>>,
    /// The first check of all steps has been shown.
    is_shown: Cell<bool>,
    /// Something was changed in this run: going back is no longer possible.
    has_changed: Cell<bool>,
    /// The steps are being executed.
    is_working: Cell<bool>,
    /// The steps whose task the user says is done, which a later step proves.
    attended: RefCell<BTreeSet<&'static str>>,
    /// The user wants to return to the review.
    wants_review: Cell<bool>,
    /// Set when the user quits or interrupts the run.
    user_exit: RefCell<Option<UserError>>,
}

/// Identifies an agreed change: with the diff, if it edits a file.
type AgreedKey = (ChangeKey, Option<String>);

/// Observed states by slug.
type Observations = BTreeMap<&'static str, Observed>;

impl<'a> Walk<'a> {
    /// A walk over `steps`, which are in the order of the checklist.
    pub fn new(
        steps: &'a [Box<dyn Step>],
        prompter: &'a dyn Prompter,
        answers: &'a RefCell<Answers>,
        progress: &'a Progress,
        stop: &'a Stop,
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
            before: RefCell::default(),
            ended: RefCell::default(),
            stop,
            history: RefCell::default(),
            is_shown: Cell::new(false),
            has_changed: Cell::new(false),
            is_working: Cell::new(false),
            attended: RefCell::default(),
            wants_review: Cell::new(false),
            user_exit: RefCell::default(),
        }
    }

    /// Checks all steps. Asks nothing and changes nothing.
    pub async fn look(&self) -> Outcome {
        let observations = self.survey().await;
        let mut reports = self.reports(&observations);
        let error = self.reconsider(&mut reports).err();
        let error = error.or_else(|| self.prerequisite_error(&observations));
        self.outcome(reports, error)
    }

    /// Checks all steps, asks the open questions and plans the changes. Changes nothing.
    pub async fn plan(&self) -> Outcome {
        let mut observations = self.survey().await;
        let asked = self.ask_everything(&mut observations).await.err();
        let mut reports = self.reports(&observations);
        let error = self.reconsider(&mut reports).err().or(asked);
        let error = error.or_else(|| self.prerequisite_error(&observations));
        self.outcome(reports, error)
    }

    /// Checks, asks, and executes the steps.
    pub async fn run(&self) -> Outcome {
        let saved = self.progress.read(|record| record.answers.clone());
        // First of all, so that the answers are not lost if the run is killed during the first check.
        if let Err(error) = self.save_answers() {
            return self.outcome(Vec::new(), Some(error.into()));
        }
        let mut observations = match self.unless_stopped(self.survey()).await {
            Ok(observations) => observations,
            Err(error) => return self.outcome(Vec::new(), Some(error)),
        };
        loop {
            let mut outcome = self.run_from(observations).await;
            let error = outcome.error.as_ref();
            let is_interrupted = error.is_some_and(|error| error.kind == UserErrorKind::Interrupted);
            if self.wants_review.take() && !is_interrupted {
                // The user went back from a question in a step, before the first change, to change values in the review.
                self.stop.withdraw();
                match self.unless_stopped(self.survey()).await {
                    Ok(again) => {
                        observations = again;
                        continue;
                    }
                    Err(error) => outcome.error = Some(error),
                }
            }
            if let Err(error) = self.forget_refused(&outcome.reports, &saved) {
                outcome.error.get_or_insert(error.into());
            }
            return outcome;
        }
    }

    /// Ends the run as the user asked with Ctrl-C or a signal: no other change is started.
    pub fn interrupt(&self) {
        self.user_exit.replace(Some(UserError::interrupted()));
        self.stop.request();
    }

    /// The outcome if the run ends at once, with what is in flight: what the record says.
    pub fn ended_at_once(&self) -> Outcome {
        self.outcome(self.latest(), Some(UserError::interrupted()))
    }

    /// Whether changes are being made, so that one can be in flight.
    pub fn is_working(&self) -> bool {
        self.is_working.get()
    }

    /// Waits for what involves the user, unless the run is stopped first.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, UserError> {
        match select(pin!(work), pin!(self.stop.requested())).await {
            Either::Left((result, _)) => Ok(result),
            Either::Right(_) => {
                let exit = self.user_exit.borrow().clone();
                Err(exit.unwrap_or_else(UserError::left))
            }
        }
    }

    /// Whether the user is asked about a step: about a recommendation only if that was requested.
    fn is_asked_about(&self, info: &StepInfo) -> bool {
        !info.is_recommendation() || self.options.asks_recommendations
    }

    async fn run_from(&self, mut observations: Observations) -> Outcome {
        // Ask nothing if an answer cannot help.
        if let Some(outcome) = self.refusal(&observations) {
            return outcome;
        }
        if let Err(error) = self.settle_differences(&mut observations).await {
            self.user_exit.take();
            return self.outcome(self.reports(&observations), Some(error));
        }
        let agreed = match self.agree(&mut observations).await {
            Ok(agreed) => agreed,
            Err(error) => {
                self.user_exit.take();
                return self.outcome(self.reports(&observations), Some(error));
            }
        };
        // The answers can have led to other checks.
        if let Some(outcome) = self.refusal(&observations) {
            return outcome;
        }
        if !agreed {
            return self.outcome(self.reports(&observations), Some(UserError::left()));
        }
        self.execute(observations).await
    }

    /// The outcome, with what each unfinished step waits for, and since when each step is in its state.
    fn outcome(&self, mut reports: Vec<StepReport>, error: Option<UserError>) -> Outcome {
        for report in &mut reports {
            report.since = self.progress.read(|record| {
                let known = record.steps.get(report.info.slug)?;
                (known.state == report.state.name()).then(|| known.since.unwrap_or(known.at))
            });
            let step = self.steps.iter().find(|step| step.info() == report.info);
            if let Some(step) = step.filter(|_| !matches!(report.state, State::Done | State::Skipped)) {
                report.waits_for = self.prerequisites(step.as_ref());
            }
        }
        Outcome {
            reports,
            error,
            region: None,
            has_changed: self.has_changed.get(),
        }
    }

    /// Whether the step was requested.
    fn is_wanted(&self, step: &dyn Step) -> bool {
        self.options.only.is_empty() || self.options.only.contains(step.info().slug)
    }

    /// Whether the step was requested and not skipped.
    fn is_walked(&self, step: &dyn Step) -> bool {
        self.is_wanted(step) && !self.skipped.borrow().contains(step.info().slug)
    }

    /// The steps whose changes and tasks come before those of this step, directly or not.
    fn prerequisites(&self, step: &dyn Step) -> Vec<&'static str> {
        let nodes = step.nodes();
        let mut open: Vec<&Address> = Vec::new();
        let mut before: BTreeSet<&Address> = BTreeSet::new();
        open.extend(
            nodes
                .iter()
                .map(|node| &node.address)
                .filter(|address| step.covers(address)),
        );
        while let Some(address) = open.pop() {
            for node in nodes.iter().filter(|node| node.address == *address) {
                open.extend(node.after.iter().filter(|other| before.insert(*other)));
            }
        }
        let others = self.steps.iter().filter(|other| other.info() != step.info());
        others
            .filter(|other| before.iter().any(|address| other.covers(address)))
            .map(|other| other.info().slug)
            .collect()
    }

    /// The error of a step that is only checked, if a later step in the walk waits.
    fn prerequisite_error(&self, observations: &Observations) -> Option<UserError> {
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

    /// The outcome if a check was refused, so that the walk stops before the first change.
    fn refusal(&self, observations: &Observations) -> Option<Outcome> {
        let error = self.prerequisite_error(observations);
        let is_blocked = |step: &dyn Step| {
            let observed = observations.get(step.info().slug);
            self.is_walked(step) && observed.is_some_and(|observed| observed.blocks_all)
        };
        let is_blocked = self.steps.iter().any(|step| is_blocked(step.as_ref()));
        let is_refused = error.is_some() || is_blocked || self.is_refused(observations);
        is_refused.then(|| self.outcome(self.reports(observations), error))
    }

    /// Whether the check of a step in the walk was denied for lack of permissions or credentials, or failed in a way
    /// that would stop a later step.
    fn is_refused(&self, observations: &Observations) -> bool {
        self.steps
            .iter()
            .filter(|step| self.is_walked(step.as_ref()) && !step.info().is_recommendation())
            .any(|step| {
                let error = observations
                    .get(step.info().slug)
                    .and_then(|observed| observed.error.as_ref());
                error.is_some_and(|error| error.kind.is_denied() || error.stops_all)
            })
    }

    /// Checks all steps in the walk, and those that others depend on, concurrently.
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
        let checks = self.steps.iter().map(|step| async move {
            let slug = step.info().slug;
            if self.is_walked(step.as_ref()) || step.info().feeds_others {
                let observed = self.look_at(step.as_ref()).await;
                close(step.as_ref(), &observed.summary);
                if let Some(shown) = shown.filter(|_| self.is_walked(step.as_ref())) {
                    shown.checked(step.info(), &observed);
                }
                return Some((slug, observed));
            }
            close(step.as_ref(), "The step was not checked.");
            None
        });
        join_all(checks).await.into_iter().flatten().collect()
    }

    async fn look_at(&self, step: &dyn Step) -> Observed {
        let span = tracing::debug_span!("check", step = step.info().slug);
        let observed = step
            .look()
            .instrument(span.clone())
            .await
            .unwrap_or_else(Observed::unknown);
        tracing::debug!(parent: &span, status = ?observed.status, "{:?}", observed.summary);
        observed
    }

    /// The reports of the requested steps, before any change.
    fn reports(&self, observations: &Observations) -> Vec<StepReport> {
        let mut stuck = BTreeSet::new();
        let mut reports = Vec::new();
        for step in self.steps.iter().filter(|step| self.is_wanted(step.as_ref())) {
            let mut report = self.report(step.as_ref(), observations.get(step.info().slug));
            if self
                .prerequisites(step.as_ref())
                .iter()
                .any(|slug| stuck.contains(slug))
            {
                // Nothing is planned for a step that waits for a blocked one.
                report.plan = StepPlan::default();
            }
            let has_plan = !report.plan.changes.is_empty() || !report.plan.tasks.is_empty();
            let is_stuck = matches!(report.state, State::Blocked | State::Unknown)
                || (report.state == State::Different && !has_plan);
            if is_stuck {
                stuck.insert(step.info().slug);
            }
            reports.push(report);
        }
        reports
    }

    fn report(&self, step: &dyn Step, observed: Option<&Observed>) -> StepReport {
        let observed = observed.cloned().unwrap_or_else(|| Observed::missing("Not checked."));
        if !self.is_walked(step) {
            let observed = Observed {
                summary: "Skipped in this run.".to_owned(),
                ..observed
            };
            return StepReport::new(step.info(), observed, StepPlan::default()).skipped();
        }
        match step.plan(&observed) {
            Ok(plan) => StepReport::new(step.info(), observed, plan),
            Err(error) => StepReport::new(step.info(), observed, StepPlan::default()).failed(error),
        }
    }

    /// Restores the saved answers of steps that refused new ones, so that later runs do not report them again.
    fn forget_refused(
        &self,
        reports: &[StepReport],
        saved: &BTreeMap<String, SavedAnswer>,
    ) -> Result<(), ProgressError> {
        let is_refused = |step: &&dyn Step| {
            let mut reports = reports.iter();
            reports.any(|report| report.info == step.info() && report.state == State::Different)
        };
        let steps = self.steps.iter().map(AsRef::as_ref).filter(is_refused);
        let keys: Vec<String> = steps.flat_map(Step::refusable).map(|key| key.field()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        self.progress.change(|record| {
            for key in keys {
                match saved.get(&key) {
                    Some(saved) => record.answers.insert(key, saved.clone()),
                    None => record.answers.remove(&key),
                };
            }
        })
    }

    /// Saves the explicit answers, so that the next run does not ask again.
    fn save_answers(&self) -> Result<(), ProgressError> {
        let answers = self.answers.borrow();
        self.progress.change(|record| {
            let explicit = |name: &str| answers.all_explicit().any(|(key, _)| key.field() == name);
            // Keeps answers that this version does not know, and removes those that are no longer explicit.
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

    /// Records the last state of a step.
    fn record(&self, report: &StepReport) -> Result<(), UserError> {
        self.progress.change(|record| {
            let (state, now) = (report.state.name(), Timestamp::now());
            let known = record.steps.get(report.info.slug).filter(|known| known.state == state);
            let last = StepRecord {
                state: state.to_owned(),
                summary: report.observed.summary.clone(),
                at: now,
                since: Some(known.map_or(now, |known| known.since.unwrap_or(known.at))),
            };
            record.steps.insert(report.info.slug.to_owned(), last);
        })?;
        Ok(())
    }
}

/// Closes the facts that this step did not set, so that nobody waits for them.
fn close(step: &dyn Step, why: &str) {
    for slot in step.provides() {
        slot.close(why);
    }
}
