//! The execution of the steps: each until it is done, waits for a person, or cannot continue.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::consent::Agreement;
use super::{Observations, Walk, close};
use crate::limits::{LONGEST_WAIT, PROPAGATION_LIMIT, ROUNDS, STOP_GRACE};
use crate::next_step::SetupCommand;
use crate::progress::Origin;
use crate::reconcile::{Change, StepInfo};
use crate::resources::step_of;
use crate::user_error::UserError;
use crate::wizard::{
    Applied, HumanTask, Observed, Outcome, Proof, State, Status, Step, StepPlan, StepReport, TaskKind, TaskPrompt,
    TaskReply,
};

impl Walk<'_> {
    /// Executes all steps, concurrently unless they depend on each other. A person is asked about one step after the
    /// other.
    pub(super) async fn execute(&self, mut observations: Observations) -> Outcome {
        let walked = self.steps.iter().filter(|step| self.is_walked(step.as_ref()));
        for slot in walked.flat_map(|step| step.provides()) {
            slot.reopen();
        }
        self.ended.borrow_mut().clear();
        self.before.replace(self.reports(&observations));
        self.prompter.work(&self.before.borrow());
        self.is_working.set(true);
        let wanted = self.steps.iter().filter(|step| self.is_wanted(step.as_ref()));
        let walks = wanted.map(|step| self.execute_step(step.as_ref(), observations.remove(step.info().slug)));
        let all = join_all(walks.collect::<Vec<_>>());
        // What is in flight when the user quits gets time to end; the ledger has its intents.
        let late = async {
            self.stop.requested().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        let mut reports = match select(pin!(all), pin!(late)).await {
            Either::Left((reports, _)) => reports,
            Either::Right(_) => self.latest(),
        };
        let reconsidered = self.reconsider(&mut reports);
        self.is_working.set(false);
        self.prompter.work_ended();
        let error = self.user_exit.take().or_else(|| reconsidered.err());
        self.outcome(reports, error)
    }

    /// The reports of the steps that have ended, and for the others what was observed before the work, with what the record
    /// says was created since. What was requested without a response is not known.
    pub(super) fn latest(&self) -> Vec<StepReport> {
        let ended = self.ended.borrow();
        let latest = |report: &StepReport| {
            let slug = report.info.slug;
            if let Some(ended) = ended.get(slug) {
                return ended.clone();
            }
            let mut report = report.clone();
            self.progress.read(|record| {
                if record.intents.iter().any(|intent| intent.step == slug) {
                    report.state = State::Unknown;
                }
                let created = record.resources.iter().filter(|entry| entry.origin == Origin::Created);
                let created = created.filter(|entry| step_of(entry.kind) == slug);
                for entry in created {
                    if !report.observed.resources.contains(entry) {
                        report.observed.resources.push(entry.clone());
                    }
                }
            });
            report
        };
        self.before.borrow().iter().map(latest).collect()
    }

    /// Updates the reports with what later steps have shown about earlier ones.
    pub(super) fn reconsider(&self, reports: &mut [StepReport]) -> Result<(), UserError> {
        for report in reports {
            let step = self.steps.iter().find(|step| step.info() == report.info);
            let open = matches!(report.state, State::WaitingForPerson | State::Unknown | State::ToDo);
            let better = step.filter(|_| open).and_then(|step| {
                let observed = step.reconsider(&report.observed)?;
                let plan = step.plan(&observed).ok()?;
                Some(StepReport::new(report.info, observed, plan))
            });
            if let Some(better) = better {
                *report = better;
                self.record(report)?;
                self.prompter.end(report);
            }
        }
        Ok(())
    }

    async fn execute_step(&self, step: &dyn Step, observed: Option<Observed>) -> StepReport {
        let mut report = if self.is_walked(step) {
            self.execute_walked(step, observed).await
        } else {
            self.report(step, observed.as_ref())
        };
        for task in &mut report.left_to_do {
            task.proof = task.proof.filter(|proof| self.is_ahead(proof.step));
            if self.attended.borrow().contains(report.info.slug) {
                task.proof = task.proof.map(|proof| Proof {
                    comes_first: false,
                    ..proof
                });
            }
        }
        self.ended.borrow_mut().insert(step.info().slug, report.clone());
        step.snapshot().touch();
        self.prompter.end(&report);
        report
    }

    async fn execute_walked(&self, step: &dyn Step, observed: Option<Observed>) -> StepReport {
        let observed = match observed {
            Some(observed) if observed.waits_for.is_none() => observed,
            _ => self.look_at(step).await,
        };
        let report = self.execute_from(step, observed).await;
        close(step, &report.observed.summary);
        match self.record(&report) {
            Ok(()) => report,
            Err(error) => report.failed(error),
        }
    }

    /// Waits until all earlier steps have ended: a person is asked about one step after the other.
    pub(super) async fn wait_for_turn(&self, step: &dyn Step) {
        let earlier = self
            .steps
            .iter()
            .take_while(|other| other.info() != step.info())
            .filter(|other| self.is_walked(other.as_ref()));
        let earlier: Vec<&str> = earlier.map(|other| other.info().slug).collect();
        let is_over = || {
            let ended = self.ended.borrow();
            earlier.iter().all(|slug| ended.contains_key(slug)).then_some(())
        };
        step.snapshot().until(is_over).await;
    }

    /// The steps that go on by themselves while a person does a task of this step.
    fn meanwhile(&self, step: &dyn Step) -> Vec<&'static StepInfo> {
        let ended = self.ended.borrow();
        let waits = |other: &dyn Step| self.prerequisites(other).contains(&step.info().slug);
        let has_changes = |other: &dyn Step| {
            let mut nodes = other.nodes().into_iter();
            nodes.any(|node| node.action.is_change() && other.covers(&node.address))
        };
        self.steps
            .iter()
            .map(AsRef::as_ref)
            .filter(|other| other.info() != step.info() && !other.info().is_recommendation())
            .filter(|other| self.is_walked(*other) && !ended.contains_key(other.info().slug))
            .filter(|other| !waits(*other) && has_changes(*other))
            .map(Step::info)
            .collect()
    }

    /// Repeats plan, apply and verify until nothing is left that can be done now.
    async fn execute_from(&self, step: &dyn Step, mut observed: Observed) -> StepReport {
        let info = step.info();
        let mut applied: Vec<Change> = Vec::new();
        let mut attended = false;
        let mut is_looked_at_again = false;
        // Whether something was applied since the last read.
        let mut is_unread = false;
        let mut rounds = 0;
        while rounds < ROUNDS {
            if matches!(observed.status, Status::Blocked | Status::Unknown) || observed.waits_for.is_some() {
                break;
            }
            let plan = match self.ready(step, &observed).await {
                Ok(plan) => plan,
                Err(error) => return StepReport::new(info, observed, StepPlan::default()).failed(error),
            };
            let is_different =
                observed.status == Status::Different && plan.changes.is_empty() && (plan.tasks.is_empty() || attended);
            if is_different && !is_looked_at_again && !self.stop.is_requested() {
                // Somebody else may be creating it right now, in several calls.
                is_looked_at_again = true;
                tokio::time::sleep(self.options.person_pause / 3).await;
                observed = self.look_at(step).await;
                continue;
            }
            if is_different || self.stop.is_requested() {
                break;
            }
            if plan.changes.is_empty() {
                match self.attend(step, &observed, &plan).await {
                    Ok(Some(next)) => {
                        observed = next;
                        attended = true;
                        continue;
                    }
                    Ok(None) => break,
                    Err(error) => return self.ended_by(self.report(step, Some(&observed)), error),
                }
            }
            rounds += 1;
            let mut changes = plan.changes.iter();
            let is_applied = |change: &&Change| applied.iter().any(|applied| applied.is_same(change));
            if let Some(repeated) = changes.find(is_applied) {
                return self.report(step, Some(&observed)).failed(not_visible(repeated));
            }
            match self.agreement(step, &plan).await {
                Ok(Agreement::Given) => {}
                Ok(Agreement::Refused(task)) => return waiting(self.report(step, Some(&observed)), *task),
                Err(error) => return self.ended_by(self.report(step, Some(&observed)), error),
            }
            match self.apply_all(step, &observed, &plan).await {
                Ok((changes, Applied::Yes)) => applied.extend(changes),
                Ok((changes, Applied::LookAgain)) => {
                    applied.extend(changes);
                    observed = self.look_at(step).await;
                    continue;
                }
                Err(ended) => return *ended,
            }
            is_unread = true;
            let rest = step.plan(&observed).unwrap_or_default().changes;
            let is_applied = |change: &Change| applied.iter().any(|applied| applied.is_same(change));
            if !rest.is_empty() && !rest.iter().any(is_applied) {
                // The rest waited for other steps. One read verifies all changes of the step.
                continue;
            }
            observed = match self.verify(step, &observed, &plan).await {
                Ok(observed) => observed,
                Err(error) => return self.ended_by(self.report(step, Some(&observed)), error),
            };
            is_unread = false;
        }
        if is_unread {
            observed = self.look_at(step).await;
        }
        self.report(step, Some(&observed))
    }

    /// What the step can do, as soon as the steps that it waits for have done their part. Nothing if they ended before.
    async fn ready(&self, step: &dyn Step, observed: &Observed) -> Result<StepPlan, UserError> {
        let is_over = |slug: &&'static str| {
            let mut walked = self.steps.iter().filter(|other| self.is_walked(other.as_ref()));
            let is_walked = walked.any(|other| other.info().slug == *slug);
            !is_walked || self.ended.borrow().contains_key(slug)
        };
        let check = || {
            let ready = match step.ready(observed) {
                Ok(ready) => ready,
                Err(error) => return Some(Err(error)),
            };
            let has_part = !ready.changes.is_empty() || !ready.tasks.is_empty();
            (has_part || self.prerequisites(step).iter().all(is_over)).then_some(Ok(ready))
        };
        let ready = step.snapshot().until(check).await;
        ready.unwrap_or_else(|| Ok(StepPlan::default()))
    }

    /// Reads the state after a change. Writes take time to propagate, so a read right after a write may return the
    /// previous state, or a mix of both. In that case the state is read again.
    async fn verify(&self, step: &dyn Step, before: &Observed, plan: &StepPlan) -> Result<Observed, UserError> {
        let end = Instant::now() + PROPAGATION_LIMIT;
        let mut pause = self.options.person_pause / 3;
        loop {
            let observed = step.look().await?;
            let is_mixed = observed.status == Status::Different && before.status != Status::Different;
            let next = step.plan(&observed)?;
            let is_stale = is_mixed
                || next
                    .changes
                    .iter()
                    .any(|change| plan.changes.iter().any(|applied| applied.is_same(change)));
            if !is_stale || Instant::now() + pause > end {
                return Ok(observed);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.options.person_pause);
        }
    }

    /// Adds an error to the report of the step. Only the steps that depend on it wait then; the others go on. If the user
    /// quit, that is no failure of the step, but ends the walk.
    fn ended_by(&self, report: StepReport, error: UserError) -> StepReport {
        if error.ends_run() && !report.info.is_recommendation() {
            self.stop.request();
        }
        if error.kind.is_user_exit() {
            // If the run is ending already, the error only says that this step ends with it.
            if !self.stop.is_requested() {
                self.user_exit.replace(Some(error));
                self.stop.request();
            }
            return report;
        }
        report.failed(error)
    }

    /// Applies the changes of a plan, and returns those that were applied: all of them, or those before one whose resource
    /// must be read again.
    ///
    /// # Errors
    /// The report, if the step ended before.
    async fn apply_all(
        &self,
        step: &dyn Step,
        observed: &Observed,
        plan: &StepPlan,
    ) -> Result<(Vec<Change>, Applied), Box<StepReport>> {
        let info = step.info();
        let mut done = Vec::new();
        for change in &plan.changes {
            if self.stop.is_requested() {
                // What was applied before is reported.
                return Ok((done, Applied::LookAgain));
            }
            self.prompter.change(info, change);
            self.has_changed.set(true);
            let span = tracing::info_span!("change", step = info.slug, verb = ?change.verb, kind = change.kind.to_string(), name = change.name.to_string());
            let applied = step.apply(change, self.prompter).instrument(span.clone()).await;
            match &applied {
                Ok(_) => tracing::info!(parent: &span, "applied"),
                Err(error) => tracing::info!(parent: &span, error = ?error.kind, "failed"),
            }
            let error = match applied {
                Ok(Applied::Yes) => {
                    done.push(change.clone());
                    continue;
                }
                Ok(Applied::LookAgain) => return Ok((done, Applied::LookAgain)),
                Err(error) => error,
            };
            // What was changed before the failure remains, so report it if a read shows it.
            let observed = step.look().await.unwrap_or_else(|_| observed.clone());
            let plan = step.plan(&observed).unwrap_or_else(|_| plan.clone());
            let report = self.ended_by(StepReport::new(info, observed, plan), error);
            return Err(Box::new(report));
        }
        Ok((done, Applied::Yes))
    }

    /// Has the user do the first open task. `None`: the task was not done, or there is none.
    async fn attend(
        &self,
        step: &dyn Step,
        observed: &Observed,
        plan: &StepPlan,
    ) -> Result<Option<Observed>, UserError> {
        let Some(task) = plan.tasks.first() else {
            return Ok(None);
        };
        let limit = self.options.wait.unwrap_or(LONGEST_WAIT);
        let is_attended = match task.kind {
            TaskKind::Confirmed(_) | TaskKind::Checked => self.prompter.can_ask() && self.is_asked_about(step.info()),
            TaskKind::Seen | TaskKind::Own => !limit.is_zero(),
        };
        let proof = task.proof.filter(|proof| self.is_ahead(proof.step));
        if !is_attended || proof.is_some_and(|proof| !proof.comes_first) {
            return Ok(None);
        }
        self.wait_for_turn(step).await;
        if self.stop.is_requested() {
            // The user quit at an earlier step in the meantime.
            return Ok(None);
        }
        if task.kind == TaskKind::Own {
            return self.unless_stopped(step.attend(task, limit, self.prompter)).await?;
        }
        let task = &HumanTask { proof, ..task.clone() };
        let shown = self.prompter.task(step.info(), task, &self.meanwhile(step));
        if task.kind == TaskKind::Seen {
            let seen = self.wait_until_seen(step, task, observed, limit, shown.as_ref());
            return self.unless_stopped(seen).await?;
        }
        loop {
            match self.unless_stopped(shown.reply()).await?? {
                TaskReply::Done => {}
                TaskReply::Later if step.info().is_recommendation() => return Ok(None),
                TaskReply::Later | TaskReply::Quit => return Err(UserError::left()),
            }
            let TaskKind::Confirmed(topic) = task.kind else {
                let now = self.look_at(step).await;
                if !step.plan(&now)?.tasks.contains(task) {
                    return Ok(Some(now));
                }
                shown.say(&format!("Checked: {} It can take a minute.", now.summary));
                continue;
            };
            if proof.is_some() {
                // The later step shows whether it is done.
                self.attended.borrow_mut().insert(step.info().slug);
                return Ok(None);
            }
            step.confirmed(topic)?;
            // A confirmation changes nothing in the account, so the observed state is still valid.
            return Ok(Some(match step.reconsider(observed) {
                Some(confirmed) => confirmed,
                None => self.look_at(step).await,
            }));
        }
    }

    /// Whether a step is walked and has not ended.
    pub(super) fn is_ahead(&self, slug: &str) -> bool {
        let mut walked = self.steps.iter().filter(|step| self.is_walked(step.as_ref()));
        walked.any(|step| step.info().slug == slug) && !self.ended.borrow().contains_key(slug)
    }

    /// Polls until the task is done. If the connection is lost in the meantime, polling continues.
    async fn wait_until_seen(
        &self,
        step: &dyn Step,
        task: &HumanTask,
        before: &Observed,
        limit: Duration,
        shown: &dyn TaskPrompt,
    ) -> Result<Option<Observed>, UserError> {
        let end = Instant::now() + limit;
        loop {
            let pause = tokio::time::sleep(self.options.person_pause);
            let reply = match select(pin!(pause), shown.reply()).await {
                Either::Left(_) => None,
                Either::Right((reply, _)) => Some(reply?),
            };
            match reply {
                None | Some(TaskReply::Done) => {}
                Some(TaskReply::Later | TaskReply::Quit) => return Err(UserError::left()),
            }
            let mut failed = None;
            match step.look().await {
                Ok(observed) => {
                    let still_open = step.plan(&observed)?.tasks.contains(task);
                    if observed.status != before.status || !still_open {
                        return Ok(Some(observed));
                    }
                    if reply.is_some() {
                        shown.say(&format!("Checked: {} It can take a minute.", observed.summary));
                    }
                }
                Err(error) if !error.kind.is_failure() => return Err(error),
                Err(error) => {
                    shown.say(&format!("{} Trying again.", error.message));
                    failed = Some(error);
                }
            }
            if Instant::now() >= end {
                // If the last check failed, report its error rather than an undone task.
                return failed.map_or(Ok(None), Err);
            }
        }
    }
}

fn waiting(mut report: StepReport, task: HumanTask) -> StepReport {
    report.state = State::WaitingForPerson;
    report.left_to_do = vec![task];
    report
}

fn not_visible(change: &Change) -> UserError {
    UserError::failed(
        format!(
            "This change succeeded, but a later read does not show it: {}",
            change.sentence
        ),
        SetupCommand::status()
            .to("check until it shows")
            .then(SetupCommand::run()),
    )
}
