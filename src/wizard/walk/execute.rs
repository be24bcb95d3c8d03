//! The execution of the steps: each until it is done, waits for a person, or cannot continue.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::consent::Agreement;
use super::turn::{Turn, Turns};
use super::{Observations, Walk, close};
use crate::limits::{LONGEST_WAIT, PROPAGATION_LIMIT, ROUNDS};
use crate::next_step::SetupCommand;
use crate::reconcile::{Change, Importance, StepInfo};
use crate::user_error::UserError;
use crate::wizard::{
    Applied, Confirm, Events, HumanTask, Observed, Outcome, State, Status, Step, StepPlan, StepReport, TaskKind,
};

impl Walk<'_> {
    /// Executes all steps, concurrently unless they depend on each other. The user sees them one after the other.
    pub(super) async fn execute(&self, mut observations: Observations) -> Outcome {
        let walked = self.steps.iter().filter(|step| self.is_walked(step.as_ref()));
        for slot in walked.flat_map(|step| step.provides()) {
            slot.reopen();
        }
        self.ended.borrow_mut().clear();
        let turns = Turns::new();
        let wanted = self.steps.iter().filter(|step| self.is_wanted(step.as_ref()));
        let walks = wanted.enumerate().map(|(index, step)| {
            let turn = if self.prompter.can_ask() {
                Turn::nth(self.prompter, &turns, index)
            } else {
                Turn::free(self.prompter)
            };
            self.execute_step(step.as_ref(), observations.remove(step.info().slug), turn)
        });
        let mut reports = join_all(walks.collect::<Vec<_>>()).await;
        let error = self
            .user_exit
            .borrow_mut()
            .take()
            .or_else(|| self.reconsider(&mut reports).err());
        self.outcome(reports, error)
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

    async fn execute_step(&self, step: &dyn Step, observed: Option<Observed>, turn: Turn<'_>) -> StepReport {
        let report = self.execute_in_turn(step, observed, &turn).await;
        turn.end(&report);
        turn.pass_on().await;
        report
    }

    async fn execute_in_turn(&self, step: &dyn Step, observed: Option<Observed>, turn: &Turn<'_>) -> StepReport {
        if !self.is_walked(step) {
            return self.report(step, observed.as_ref());
        }
        let observed = match observed {
            Some(observed) if observed.waits_for.is_none() => observed,
            _ => self.look_at(step).await,
        };
        if observed.waits_for.is_none() && !self.stopped.get() {
            let plan = step.plan(&observed).unwrap_or_default();
            turn.begin(step.info(), &observed, &plan);
        }
        let report = self.execute_from(step, observed, turn).await;
        close(step, &report.observed.summary);
        self.ended.borrow_mut().insert(step.info().slug);
        step.snapshot().touch();
        match self.record(&report) {
            Ok(()) => report,
            Err(error) => report.failed(error),
        }
    }

    /// Repeats plan, apply and verify until nothing is left that can be done now.
    async fn execute_from(&self, step: &dyn Step, mut observed: Observed, turn: &Turn<'_>) -> StepReport {
        let info = step.info();
        let mut applied: Vec<Change> = Vec::new();
        let mut attended = false;
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
            if is_different || self.stopped.get() {
                break;
            }
            if plan.changes.is_empty() {
                match self.attend(step, &observed, &plan, turn).await {
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
            match self.agreement(info, &plan, turn).await {
                Ok(Agreement::Given) => {}
                Ok(Agreement::Refused(task)) => return waiting(self.report(step, Some(&observed)), *task),
                Err(error) => return self.ended_by(self.report(step, Some(&observed)), error),
            }
            match self.apply_all(step, &observed, &plan, turn).await {
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
            !is_walked || self.ended.borrow().contains(slug)
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
            self.stopped.set(true);
        }
        if error.kind.is_user_exit() {
            self.stopped.set(true);
            self.user_exit.replace(Some(error));
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
        turn: &Turn<'_>,
    ) -> Result<(Vec<Change>, Applied), Box<StepReport>> {
        let info = step.info();
        let mut done = Vec::new();
        for change in &plan.changes {
            if self.stopped.get() {
                return Err(Box::new(StepReport::new(info, observed.clone(), plan.clone())));
            }
            turn.change(info, change);
            self.has_changed.set(true);
            let span = tracing::info_span!("change", step = info.slug, verb = ?change.verb, kind = change.kind.to_string(), name = change.name.to_string());
            let applied = step.apply(change, turn).instrument(span.clone()).await;
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
        turn: &Turn<'_>,
    ) -> Result<Option<Observed>, UserError> {
        let Some(task) = plan.tasks.first() else {
            return Ok(None);
        };
        let info = step.info();
        let limit = self.options.wait.unwrap_or(LONGEST_WAIT);
        let is_for_a_person = !matches!(task.kind, TaskKind::Seen | TaskKind::Own) || !limit.is_zero();
        if is_for_a_person {
            turn.wait_for_turn().await;
            if self.stopped.get() {
                // The user quit at an earlier step in the meantime.
                return Ok(None);
            }
        }
        match task.kind {
            TaskKind::Confirmed(topic) if self.prompter.can_ask() => {
                turn.show_task(info, task);
                if self.is_confirmed_done(info, "Done?", turn).await? {
                    step.confirmed(topic)?;
                    // A confirmation changes nothing in the account, so the observed state is still valid.
                    return Ok(Some(match step.reconsider(observed) {
                        Some(confirmed) => confirmed,
                        None => self.look_at(step).await,
                    }));
                }
                Ok(None)
            }
            TaskKind::Checked if self.prompter.can_ask() => {
                turn.show_task(info, task);
                let prompt = "Done? Yes checks it; No leaves it for later.";
                if self.is_confirmed_done(info, prompt, turn).await? {
                    return Ok(Some(self.look_at(step).await));
                }
                Ok(None)
            }
            TaskKind::Confirmed(_) | TaskKind::Checked => Ok(None),
            _ if limit.is_zero() => Ok(None),
            TaskKind::Own => step.attend(task, limit, turn).await,
            TaskKind::Seen => {
                turn.show_task(info, task);
                self.wait_until_seen(step, task, observed, limit, turn).await
            }
        }
    }

    /// The default is No: Enter must not confirm what nobody has verified.
    async fn is_confirmed_done(&self, info: &StepInfo, prompt: &str, turn: &Turn<'_>) -> Result<bool, UserError> {
        let question = Confirm {
            prompt: prompt.to_owned(),
            default: false,
            help: vec![info.why.to_owned()],
            next: SetupCommand::run()
                .value("--only", info.slug)
                .to("answer No and do it later")
                .into(),
            can_skip: info.importance != Importance::Required,
            ..Confirm::default()
        };
        self.confirmed(&question, turn).await
    }

    /// Polls until the task is done. If the connection is lost in the meantime, polling continues.
    async fn wait_until_seen(
        &self,
        step: &dyn Step,
        task: &HumanTask,
        before: &Observed,
        limit: Duration,
        turn: &Turn<'_>,
    ) -> Result<Option<Observed>, UserError> {
        let waiting = turn.wait(step.info(), &task.sentence);
        let end = Instant::now() + limit;
        loop {
            tokio::time::sleep(self.options.person_pause).await;
            let mut failed = None;
            match step.look().await {
                Ok(observed) => {
                    let still_open = step.plan(&observed)?.tasks.contains(task);
                    if observed.status != before.status || !still_open {
                        return Ok(Some(observed));
                    }
                    waiting.say(&observed.summary);
                }
                Err(error) if !error.kind.is_failure() => return Err(error),
                Err(error) => {
                    waiting.say(&format!("{} Trying again.", error.message));
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
