//! Undo: deletes what progress records as *created*, and restores what `--update` changed. Existing resources are never
//! deleted. The order is that of [`DELETION_ORDER`](crate::resources::DELETION_ORDER), the most recent resource of a kind
//! first, and then what is restored.
//!
//! [`plan()`] is pure. [`Undo`] observes the candidates, and reverts them one by one. A resource is checked again right
//! before it is deleted, and each change is verified with a read afterwards. Both can be killed and run again: progress forgets a resource
//! only when a read no longer finds it.

mod plan;
mod refusals;

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument as _;

use super::{Branch, Condition, Context, Deletion, Error, Manually, Resource, Target, delete_with_retries};
use crate::aws::waiting;
use crate::limits::PROPAGATION_LIMIT;
use crate::next_step::SetupCommand;
use crate::progress::{Drift, Entry, HandedOver, Origin, Record, Replaced, ResourceId, ResourceKind, Settings, Verb};
use crate::reconcile::StepInfo;
use crate::user_error::{UserError, UserErrorKind};

use plan::{keep_for_others, needs};

pub use plan::{Candidate, Disposition, Observation, ObservedCandidate, Removal, as_agreed, candidates, plan};

/// What is known about the instance.
#[derive(Debug, Clone)]
pub enum InstanceState {
    /// It exists.
    Exists,
    /// It does not exist, so everything in it is gone.
    Gone,
    /// It could not be read, so nothing in it can be deleted.
    Unreadable(UserError),
}

/// An undo.
pub struct Undo<'a> {
    /// What the resources share.
    pub context: &'a Context,
    /// The kinds that can be reverted, in order.
    pub kinds: &'a [&'static dyn Resource],
    /// The steps, for messages.
    pub steps: &'a [&'static StepInfo],
    /// `--step`: only what this step created or changed.
    pub step: Option<&'a str>,
    /// `--include-changed`: also what someone changed since.
    pub include_changed: bool,
    /// Whether credentials come from a named profile.
    pub has_profile: bool,
}

/// Why an undo stopped.
#[derive(Debug)]
pub struct Stopped {
    /// The error.
    pub error: UserError,
    /// The slug of the step whose resource could not be undone, if it was a resource.
    pub step: Option<&'static str>,
}

impl From<UserError> for Stopped {
    fn from(error: UserError) -> Self {
        Self { error, step: None }
    }
}

impl Undo<'_> {
    /// What undo would do with each resource, based only on reads. `cached` returns the files that belong to an SSO
    /// session that is deleted.
    ///
    /// # Errors
    /// When the account cannot be checked, or undo would delete what the caller's own access depends on.
    pub async fn plan(
        &self,
        instance: &InstanceState,
        cached: impl Fn(&Entry) -> Vec<Entry>,
    ) -> Result<Vec<Removal>, UserError> {
        let context = self.context;
        let candidates = context
            .progress
            .read(|record| candidates(record, self.kinds, self.step));
        let own: Vec<_> = candidates
            .iter()
            .filter(|(candidate, _)| self.handed_over_to(&candidate.entry()).is_none())
            .cloned()
            .collect();
        refusals::self_lockout(context, self.has_profile, &own)?;
        if let Some(step) = self.step {
            context
                .progress
                .read(|record| refusals::still_needed(record, &own, step))?;
        }
        let others = self.other_handed_over(instance, &candidates).await?;
        let mut observed = Vec::new();
        for (candidate, step) in candidates {
            observed.push(self.observe(instance, candidate, step).await?);
        }
        self.recheck_what_is_gone(instance, &mut observed).await?;
        let mut removals = plan(&observed, self.include_changed);
        keep_for_others(&mut removals, &others);
        // A session that is deleted takes its cached files with it.
        let sessions: Vec<Entry> = removals
            .iter()
            .filter(|removal| {
                removal.entry.kind == ResourceKind::SsoSession && removal.disposition == Disposition::Delete
            })
            .map(|removal| removal.entry.clone())
            .collect();
        for entry in sessions.iter().flat_map(cached) {
            let step = self.row(entry.kind).map_or("", |row| row.step());
            let observed = self.observe(instance, Candidate::Created(entry), step).await?;
            removals.splice(0..0, plan(&[observed], self.include_changed));
        }
        Ok(removals)
    }

    /// The memberships and assignments that were handed over, that still exist, and that are no candidates: this program did not
    /// create them, or another step did.
    async fn other_handed_over(
        &self,
        instance: &InstanceState,
        candidates: &[(Candidate, &'static str)],
    ) -> Result<Vec<HandedOver>, UserError> {
        let candidates: Vec<Entry> = candidates.iter().map(|(candidate, _)| candidate.entry()).collect();
        let mut others = self.context.progress.read(|record| record.handed_over.clone());
        others.retain(|one| {
            let is_needing = matches!(one.id, ResourceId::Membership(_) | ResourceId::Assignment(_));
            let is_same = |entry: &Entry| entry.kind == one.kind && entry.id == one.id;
            // Those that need none of the candidates do not matter, and are not read.
            is_needing && candidates.iter().any(|entry| needs(&one.id, entry)) && !candidates.iter().any(is_same)
        });
        let mut existing = Vec::new();
        for one in others {
            let Some(row) = self.row(one.kind) else { continue };
            let entry = Entry::new(Origin::Existing, one.kind, "", one.id.clone());
            let observation = self.observation(instance, row, &Candidate::Created(entry)).await;
            if observation.map_err(self.failed(row.step()))? != Observation::Created(Condition::Gone) {
                existing.push(one);
            }
        }
        Ok(existing)
    }

    /// The tool that manages a resource, if it was handed over.
    fn handed_over_to(&self, entry: &Entry) -> Option<String> {
        let tool = |record: &Record| record.handed_over_to(entry.kind, &entry.id).map(str::to_owned);
        self.context.progress.read(tool)
    }

    fn row(&self, kind: ResourceKind) -> Option<&'static dyn Resource> {
        self.kinds.iter().copied().find(|row| row.kind() == kind)
    }

    fn info(&self, step: &str) -> &'static StepInfo {
        let info = self.steps.iter().find(|info| info.slug == step);
        info.unwrap_or(&self.steps[0])
    }

    fn failed(&self, step: &str) -> impl Fn(Error) -> UserError {
        let info = self.info(step);
        move |error| error.of_step(info, SetupCommand::undo())
    }

    async fn observe(
        &self,
        instance: &InstanceState,
        candidate: Candidate,
        step: &'static str,
    ) -> Result<ObservedCandidate, UserError> {
        let (context, entry) = (self.context, candidate.entry());
        let row = self.row(entry.kind).ok_or_else(|| {
            let why = format!("Undo does not know how to revert a {}.", entry.kind);
            UserError::failed(why, SetupCommand::undo())
        })?;
        if let Some(tool) = self.handed_over_to(&entry) {
            let observed = self.observation(instance, row, &candidate).await;
            let observation = match observed.map_err(self.failed(step))? {
                // The tool has deleted it.
                gone @ (Observation::Created(Condition::Gone) | Observation::Changed(None)) => gone,
                _ => Observation::HandedOver(tool.clone()),
            };
            return Ok(ObservedCandidate {
                candidate,
                step,
                observation,
                manually: Manually::Steps(format!("delete it with {tool}")),
            });
        }
        let manually = match &candidate {
            Candidate::Created(entry) => row.delete_manually(context, entry),
            Candidate::Changed(replaced) => row.restore_manually(context, replaced),
        };
        let observation = if let Some(elsewhere) = row.elsewhere(context, &entry) {
            Observation::Elsewhere(elsewhere)
        } else {
            self.observation(instance, row, &candidate)
                .await
                .map_err(self.failed(step))?
        };
        Ok(ObservedCandidate {
            candidate,
            step,
            observation,
            manually,
        })
    }

    async fn observation(
        &self,
        instance: &InstanceState,
        row: &dyn Resource,
        candidate: &Candidate,
    ) -> Result<Observation, Error> {
        let is_gone = row.branch() == Branch::IdentityCenter
            && match instance {
                InstanceState::Exists => false,
                InstanceState::Gone => true,
                InstanceState::Unreadable(error) => return Err(error.clone().into()),
            };
        Ok(match candidate {
            Candidate::Created(_) if is_gone => Observation::Created(Condition::Gone),
            Candidate::Created(entry) => Observation::Created(row.condition(self.context, entry).await?),
            Candidate::Changed(_) if is_gone => Observation::Changed(None),
            Candidate::Changed(replaced) => Observation::Changed(self.drift(row, replaced).await?),
        })
    }

    /// How the settings differ from what they were before; `None` if the resource no longer exists.
    async fn drift(&self, row: &dyn Resource, replaced: &Replaced) -> Result<Option<Drift>, Error> {
        let now = row.settings(self.context, replaced).await?;
        let is_pending = row.is_restore_pending(self.context, replaced);
        let pending: Vec<Settings> = self.context.progress.read(|record| {
            let updates = record.intents(Verb::Update, replaced.kind, &replaced.name);
            let updates = updates.filter(|intent| intent.id.as_ref() == Some(&replaced.id));
            updates.map(|intent| intent.settings.clone()).collect()
        });
        Ok(now.map(|now| match replaced.drift(&now, &pending) {
            Drift::AsBefore if is_pending => Drift::AsChanged,
            drift => drift,
        }))
    }

    /// AWS may answer "not found" until a change has propagated, and undo would never delete a resource that it forgot
    /// too early. So this waits for recently created resources, and checks everything else twice.
    async fn recheck_what_is_gone(
        &self,
        instance: &InstanceState,
        observed: &mut [ObservedCandidate],
    ) -> Result<(), UserError> {
        let mut pauses = 0;
        loop {
            let mut is_young = false;
            let is_gone = |observed: &ObservedCandidate| {
                observed.observation == Observation::Created(Condition::Gone)
                    && !observed.candidate.entry().kind.is_local()
            };
            let mut gone = observed.iter_mut().filter(|observed| is_gone(observed)).peekable();
            if gone.peek().is_some() {
                tokio::time::sleep(self.context.timing.pause(pauses)).await;
                pauses += 1;
            }
            for observed in gone {
                *observed = self
                    .observe(instance, observed.candidate.clone(), observed.step)
                    .await?;
                is_young |= is_gone(observed) && self.may_still_propagate(&observed.candidate.entry());
            }
            if !is_young {
                return Ok(());
            }
        }
    }

    /// Whether a resource that was created recently, and that no undo tried to delete, may not be visible yet.
    fn may_still_propagate(&self, entry: &Entry) -> bool {
        let is_requested = self.context.progress.read(|record| {
            let mut removals = record.intents(Verb::Delete, entry.kind, &entry.name);
            removals.next().is_some()
        });
        let age = entry.at.map(|at| Timestamp::now().duration_since(at));
        !is_requested && age.is_some_and(|age| age.unsigned_abs() < self.context.timing.propagation)
    }

    /// Reverts one resource after the other. If one cannot be deleted, those that it depends on stay. Without valid
    /// credentials, undo stops. `done` is called after each.
    ///
    /// # Errors
    /// The first error; a second undo continues.
    pub async fn apply(
        &self,
        instance: &InstanceState,
        removals: &mut [Removal],
        mut done: impl FnMut(&Removal, Option<&UserError>),
    ) -> Result<(), Stopped> {
        let mut stopped: Option<Stopped> = None;
        let mut blocked = Vec::new();
        for removal in removals.iter_mut() {
            let (is_to_do, branch) = (removal.disposition.is_to_do(), removal.branch(self.kinds));
            if is_to_do && blocked.contains(&branch) {
                removal.why = Some("a resource that must be deleted first was not deleted".to_owned());
                continue;
            }
            let reverted = self.revert(instance, removal).await;
            let is_left = reverted.is_err() || removal.disposition == Disposition::Changed;
            if is_to_do && is_left && branch != Branch::Independent {
                blocked.push(branch);
            }
            let Err(error) = reverted else {
                if is_to_do {
                    done(removal, None);
                }
                continue;
            };
            removal.why = Some(error.message.clone());
            done(removal, Some(&error));
            let is_final = matches!(error.kind, UserErrorKind::NoCredentials | UserErrorKind::Left);
            let step = Some(removal.step);
            stopped.get_or_insert(Stopped { error, step });
            if is_final {
                break;
            }
        }
        stopped.map_or(Ok(()), Err)
    }

    async fn revert(&self, instance: &InstanceState, removal: &mut Removal) -> Result<(), UserError> {
        let span = tracing::info_span!(
            "undo",
            kind = removal.entry.kind.to_string(),
            name = removal.entry.name.to_string()
        );
        let reverted = self.revert_once(instance, removal).instrument(span.clone()).await;
        match &reverted {
            Ok(()) => tracing::info!(parent: &span, disposition = removal.disposition.word(), "reverted"),
            Err(error) => tracing::info!(parent: &span, error = ?error.kind, "failed"),
        }
        reverted
    }

    /// Records the intent first, and forgets the resource when a read no longer finds it. A resource that is gone is
    /// forgotten too. One that someone has started to use since the plan stays.
    async fn revert_once(&self, instance: &InstanceState, removal: &mut Removal) -> Result<(), UserError> {
        let is_created = removal.entry.origin == Origin::Created;
        if removal.disposition == Disposition::Delete {
            self.check_again(instance, removal).await?;
        }
        match removal.disposition {
            Disposition::Delete => self.delete(removal).await,
            Disposition::Restore => self.restore(instance, removal).await,
            Disposition::Gone if is_created => self.forget_created(&removal.entry, removal.step),
            Disposition::Gone => self.forget_changed(&removal.entry),
            _ => Ok(()),
        }
    }

    /// Checks a resource once more right before it is deleted: deleting the previous ones takes time, and someone may
    /// have started to use this one. AWS may still show recently deleted resources, so this waits for the deletions to
    /// propagate.
    async fn check_again(&self, instance: &InstanceState, removal: &mut Removal) -> Result<(), UserError> {
        // The user agreed to delete it although it was changed.
        let is_agreed = removal.why.is_some();
        let can_delete = |now: &Removal| match now.disposition {
            Disposition::Changed => is_agreed && !now.in_use,
            Disposition::Stays => false,
            _ => true,
        };
        let limit = if removal.entry.kind.is_local() {
            Duration::ZERO
        } else {
            self.context.timing.propagation
        };
        let last = RefCell::new(None);
        let check = || async {
            let candidate = Candidate::Created(removal.entry.clone());
            let observed = self.observe(instance, candidate, removal.step).await?;
            let now = plan(&[observed], false).pop();
            let can_delete = now.as_ref().is_none_or(can_delete);
            last.replace(now);
            Ok::<_, UserError>(can_delete.then_some(()))
        };
        if waiting::until(self.context.timing, limit, check).await?.is_none()
            && let Some(now) = last.take()
        {
            *removal = now;
        }
        Ok(())
    }

    async fn delete(&self, removal: &mut Removal) -> Result<(), UserError> {
        let (context, entry) = (self.context, removal.entry.clone());
        let (info, failed) = (self.info(removal.step), self.failed(removal.step));
        let Some(row) = self.row(entry.kind) else { return Ok(()) };
        context.intend(info, Target::new(Verb::Delete, entry.kind, &entry.name), None)?;
        let deletion = delete_with_retries(context, row, &entry).await.map_err(&failed)?;
        if let Deletion::Kept(why) = deletion {
            removal.disposition = Disposition::Stays;
            removal.why = Some(why);
            context
                .progress
                .change(|record| record.close(Verb::Delete, entry.kind, &entry.name))?;
            return Ok(());
        }
        let gone = || async {
            let is_deleted = row.is_deleted(context, &entry, &deletion).await.map_err(&failed)?;
            Ok::<_, UserError>(is_deleted.then_some(()))
        };
        if waiting::until(context.timing, PROPAGATION_LIMIT, gone).await?.is_none() {
            return Err(UserError::failed(
                format!("{}: the {} was deleted but still exists.", info.name(), removal.name()),
                SetupCommand::undo().after("wait a minute"),
            ));
        }
        removal.disposition = Disposition::Deleted;
        if entry.kind.is_local() {
            removal.why = row
                .is_partly_kept(context, &entry)
                .then(|| "its header stays, with the lines that others added".to_owned());
        }
        self.forget_created(&entry, removal.step)
    }

    /// Restores one resource and verifies it with a read.
    async fn restore(&self, instance: &InstanceState, removal: &mut Removal) -> Result<(), UserError> {
        let (context, info) = (self.context, self.info(removal.step));
        let replaced = context.progress.read(|record| {
            let is_same = |other: &&Replaced| other.kind == removal.entry.kind && other.id == removal.entry.id;
            record.replaced.iter().rev().find(is_same).cloned()
        });
        let (Some(replaced), Some(row)) = (replaced, self.row(removal.entry.kind)) else {
            return Ok(());
        };
        row.restore(context, info, &replaced)
            .await
            .map_err(self.failed(removal.step))?;
        let is_restored = || async {
            let candidate = Candidate::Changed(replaced.clone());
            let observed = self.observe(instance, candidate, removal.step).await?;
            let is_restored = plan(&[observed], false)
                .iter()
                .all(|now| now.disposition == Disposition::Gone);
            Ok::<_, UserError>(is_restored.then_some(()))
        };
        // A change to a file is visible immediately.
        let limit = if replaced.kind.is_local() {
            Duration::ZERO
        } else {
            PROPAGATION_LIMIT
        };
        if waiting::until(context.timing, limit, is_restored).await?.is_none() {
            return Err(UserError::failed(
                format!(
                    "{}: the {} was restored but still has the changed values.",
                    info.name(),
                    removal.name()
                ),
                SetupCommand::undo().after("wait a minute"),
            ));
        }
        removal.disposition = Disposition::Restored;
        self.forget_changed(&removal.entry)
    }

    /// Removes a deleted resource from progress, along with its attestations and the last state of its step.
    fn forget_created(&self, entry: &Entry, step: &str) -> Result<(), UserError> {
        self.context.progress.change(|record| {
            for verb in [Verb::Create, Verb::Update, Verb::Delete] {
                record.close(verb, entry.kind, &entry.name);
            }
            record
                .resources
                .retain(|other| other.kind != entry.kind || other.id != entry.id);
            // The name of a trail that was never completed contains the nonce of its intent.
            record
                .intents
                .retain(|intent| intent.kind != entry.kind || !entry.name.single().ends_with(&intent.nonce));
            record
                .attestations
                .retain(|_, attestation| attestation.about != entry.id.single());
            record.steps.remove(step);
            record.take_back(entry.kind, &entry.id);
        })?;
        Ok(())
    }

    /// Removes a restored resource from progress.
    fn forget_changed(&self, entry: &Entry) -> Result<(), UserError> {
        self.context.progress.change(|record| {
            record.drop_replaced(entry.kind, &entry.id);
            record.take_back(entry.kind, &entry.id);
            record.close(Verb::Update, entry.kind, &entry.name);
        })?;
        Ok(())
    }
}
