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

use super::{Finding, Guide, Outcome, Plan, State, Step, StepReport, Trouble};
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
    guide: &'a dyn Guide,
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
    wish: RefCell<Option<Trouble>>,
}

/// Findings by slug.
type Findings = BTreeMap<&'static str, Finding>;

impl<'a> Walk<'a> {
    /// A walk over `steps`, which stand in the order of the checklist.
    pub fn new(
        steps: &'a [Box<dyn Step>],
        guide: &'a dyn Guide,
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
            guide,
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
        let findings = self.survey().await;
        let mut reports = self.reports(&findings);
        let trouble = self.reconsider(&mut reports).err();
        let trouble = trouble.or_else(|| self.trouble_before(&findings));
        Outcome {
            reports,
            trouble,
            region: None,
        }
    }

    /// Looks and asks, and plans what would be done; changes nothing.
    pub async fn plan(&self) -> Outcome {
        let mut findings = self.survey().await;
        let asked = self.ask_everything(&mut findings).await.err();
        let mut reports = self.reports(&findings);
        let trouble = self.reconsider(&mut reports).err().or(asked);
        let trouble = trouble.or_else(|| self.trouble_before(&findings));
        Outcome {
            reports,
            trouble,
            region: None,
        }
    }

    /// Goes all the way.
    pub async fn run(&self) -> Outcome {
        // First of all: a run that is killed in its first look has been told what it was told.
        if let Err(error) = self.save_answers() {
            return Outcome {
                reports: Vec::new(),
                trouble: Some(error.into()),
                region: None,
            };
        }
        let mut findings = self.survey().await;
        loop {
            let outcome = self.run_from(findings).await;
            if !self.wants_back.take() {
                return outcome;
            }
            // Back from a question in a step, before anything was changed: the review is where values are changed.
            self.stopped.set(false);
            findings = self.survey().await;
        }
    }

    async fn run_from(&self, mut findings: Findings) -> Outcome {
        let agreed = match self.agree(&mut findings).await {
            Ok(agreed) => agreed,
            Err(trouble) => {
                return Outcome {
                    reports: self.reports(&findings),
                    trouble: Some(trouble),
                    region: None,
                };
            }
        };
        let before = self.trouble_before(&findings);
        if before.is_some() || self.is_refused(&findings) {
            // What may not even be looked at is not worked around: better to say so before anything changes.
            return Outcome {
                reports: self.reports(&findings),
                trouble: before,
                region: None,
            };
        }
        if !agreed {
            let said = if self.has_changed.get() {
                "Go on later with: idc-setup run"
            } else {
                "Nothing was changed. Go on later with: idc-setup run"
            };
            self.guide.say(None, said);
            return Outcome {
                reports: self.reports(&findings),
                trouble: None,
                region: None,
            };
        }
        self.execute(findings).await
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
    fn trouble_before(&self, findings: &Findings) -> Option<Trouble> {
        let finding = |step: &dyn Step| findings.get(step.info().slug);
        let waits =
            |step: &dyn Step| self.is_walked(step) && finding(step).is_some_and(|finding| finding.waits_for.is_some());
        self.steps.iter().enumerate().find_map(|(index, step)| {
            let is_before = self.steps[index..].iter().any(|later| waits(later.as_ref()));
            let trouble = finding(step.as_ref())?.trouble.clone();
            trouble.filter(|_| is_before && !self.is_walked(step.as_ref()))
        })
    }

    /// Whether a look of a step that is walked was refused for lack of rights or credentials, or has shown what would be in
    /// the way of a later step.
    fn is_refused(&self, findings: &Findings) -> bool {
        self.steps
            .iter()
            .filter(|step| self.is_walked(step.as_ref()) && !step.info().is_recommendation())
            .any(|step| {
                let trouble = findings
                    .get(step.info().slug)
                    .and_then(|finding| finding.trouble.as_ref());
                trouble.is_some_and(|trouble| trouble.kind.exit() == 4 || trouble.stops_all)
            })
    }

    /// Looks at everything that is walked or that others stand on, all at the same time.
    async fn survey(&self) -> Findings {
        for slot in self.steps.iter().flat_map(|step| step.provides()) {
            slot.forget();
        }
        let shown = if self.is_shown.replace(true) {
            None
        } else {
            let walked = self.steps.iter().filter(|step| self.is_walked(step.as_ref()));
            self.guide.survey(&walked.map(|step| step.info()).collect::<Vec<_>>())
        };
        let shown = shown.as_deref();
        let looks = self.steps.iter().map(|step| async move {
            let slug = step.info().slug;
            if self.is_walked(step.as_ref()) || step.info().feeds_others {
                let finding = self.look_at(step.as_ref()).await;
                close(step.as_ref(), &finding.is);
                if let Some(shown) = shown.filter(|_| self.is_walked(step.as_ref())) {
                    shown.found(step.info(), &finding);
                }
                return Some((slug, finding));
            }
            close(step.as_ref(), "It was not looked at.");
            None
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    async fn look_at(&self, step: &dyn Step) -> Finding {
        step.look().await.unwrap_or_else(Finding::unknown)
    }

    /// The steps that were asked for, as far as they have got without changing anything.
    fn reports(&self, findings: &Findings) -> Vec<StepReport> {
        let mut stuck = false;
        let mut reports = Vec::new();
        for step in self.steps.iter().filter(|step| self.is_wanted(step.as_ref())) {
            let mut report = self.report(step.as_ref(), findings.get(step.info().slug));
            if stuck && report.finding.waits_for.is_some() {
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

    fn report(&self, step: &dyn Step, finding: Option<&Finding>) -> StepReport {
        let finding = finding.cloned().unwrap_or_else(|| Finding::missing("Not looked at."));
        if !self.is_walked(step) {
            let finding = Finding {
                is: "Not wanted in this run.".to_owned(),
                ..finding
            };
            return StepReport::new(step.info(), finding, Plan::default()).skipped();
        }
        let report = match step.plan(&finding) {
            Ok(plan) => StepReport::new(step.info(), finding, plan),
            Err(trouble) => StepReport::new(step.info(), finding, Plan::default()).failed(trouble),
        };
        self.progress.read(|record| {
            let known = record.steps.get(report.info.slug);
            let known = known.filter(|known| known.state == report.state.word());
            let since = known.map(|known| known.since.unwrap_or(known.at));
            StepReport { since, ..report }
        })
    }

    /// Writes the explicit answers down, so that the next run does not ask again.
    fn save_answers(&self) -> Result<(), ProgressError> {
        let answers = self.answers.borrow();
        self.progress.change(|record| {
            let explicit = |name: &str| answers.all_explicit().any(|(key, _)| key.name() == name);
            // What this version does not know stays; what was said and is no longer, goes.
            record
                .answers
                .retain(|name, _| Key::named(name).is_none() || explicit(name));
            for (key, answer) in answers.all_explicit() {
                let saved = record.answers.get(key.name());
                if saved.is_none_or(|saved| saved.value != answer.value) {
                    let saved = SavedAnswer {
                        value: answer.value.clone(),
                        at: Timestamp::now(),
                    };
                    record.answers.insert(key.name().to_owned(), saved);
                }
            }
        })
    }

    /// Writes down how a step was last seen.
    fn record(&self, report: &StepReport) -> Result<(), Trouble> {
        self.progress.change(|record| {
            let (state, now) = (report.state.word(), Timestamp::now());
            let known = record.steps.get(report.info.slug).filter(|known| known.state == state);
            let seen = StepRecord {
                state: state.to_owned(),
                is: report.finding.is.clone(),
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
