//! The interface between a step and the walk.

use std::time::Duration;

use async_trait::async_trait;

use super::{Choice, HumanTask, Observed, Prompter, Question, Status, StepPlan};
use crate::answers::Key;
use crate::reconcile::plan::{Address, Node};
use crate::reconcile::{Change, Slot, Snapshot, StepInfo};
use crate::resources::item::{ItemField, ItemState};
use crate::user_error::UserError;

/// Whether a change was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was applied.
    Yes,
    /// What it changes exists for another reason, so the account must be read again before the next change.
    LookAgain,
}

/// A step of the checklist.
///
/// Steps share facts, such as the instance and the user's id. [`look`](Self::look) waits for the facts it needs, so
/// independent steps run concurrently. After each pass over a step, the walk closes the facts that the step did not
/// set, so that nobody waits for them.
#[async_trait(?Send)]
pub trait Step {
    /// The static description.
    fn info(&self) -> &'static StepInfo;

    /// Observes the state in the live account. Only reads.
    ///
    /// # Errors
    /// If the state cannot be determined. The walk reports it as unknown.
    async fn look(&self) -> Result<Observed, UserError>;

    /// The questions that are still open in the observed state.
    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        Vec::new()
    }

    /// Whether the step can read the choices for an answer from the account.
    fn has_choices(&self, _key: Key) -> bool {
        false
    }

    /// The choices for an answer.
    ///
    /// # Errors
    /// If they cannot be read.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        Ok(Vec::new())
    }

    /// Whether an answer can change the observed state from missing to something else. If not, the walk does not check
    /// the step again for it.
    fn looks_for(&self, _key: Key) -> bool {
        true
    }

    /// The answers whose difference from the account can be settled by changing the account, with `--update` or when the
    /// user agrees.
    fn updatable(&self) -> &'static [Key] {
        &[]
    }

    /// The answers that are not saved if the account refuses them.
    fn refusable(&self) -> &'static [Key] {
        self.updatable()
    }

    /// Wants the account changed to the answers, as `--update` does.
    fn want_update(&self) {}

    /// Whether this step shows and applies an item of the plan.
    fn covers(&self, address: &Address) -> bool;

    /// What all steps have observed.
    fn snapshot(&self) -> &Snapshot<ItemState>;

    /// The nodes of the whole plan, in order, for what was last observed.
    fn nodes(&self) -> Vec<Node<ItemField>>;

    /// Adds to `plan` the changes or the task that an open node of this step stands for.
    ///
    /// # Errors
    /// If it cannot be described, for example because a file cannot be read.
    fn present(&self, node: &Node<ItemField>, observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError>;

    /// What this step would do in the observed state, now or after the steps that it waits for.
    ///
    /// # Errors
    /// If a change cannot be described.
    fn plan(&self, observed: &Observed) -> Result<StepPlan, UserError> {
        self.planned(observed, &|_| true)
    }

    /// What this step can do now: the part of [`plan`](Self::plan) that waits for no other step.
    ///
    /// # Errors
    /// If a change cannot be described.
    fn ready(&self, observed: &Observed) -> Result<StepPlan, UserError> {
        self.planned(observed, &|node| node.after.iter().all(|other| self.covers(other)))
    }

    /// The changes and tasks of this step's open nodes that are wanted.
    ///
    /// # Errors
    /// If a change cannot be described.
    fn planned(
        &self,
        observed: &Observed,
        is_wanted: &dyn Fn(&Node<ItemField>) -> bool,
    ) -> Result<StepPlan, UserError> {
        let mut plan = StepPlan::default();
        if matches!(observed.status, Status::Blocked | Status::Unknown) {
            return Ok(plan);
        }
        let nodes = self.nodes().into_iter();
        for node in nodes.filter(|node| node.action.is_open() && self.covers(&node.address)) {
            if is_wanted(&node) {
                self.present(&node, observed, &mut plan)?;
            }
        }
        Ok(plan)
    }

    /// Applies one change. Records the intent before it and the result after it.
    ///
    /// # Errors
    /// If the change fails. Earlier changes remain in effect and recorded.
    ///
    /// A step that covers only tasks of a person has no changes to apply.
    async fn apply(&self, _change: &Change, _prompter: &dyn Prompter) -> Result<Applied, UserError> {
        Ok(Applied::Yes)
    }

    /// Waits for a person in the step's own way, at most for `limit`. `None`: the person did not act in time.
    ///
    /// # Errors
    /// If waiting fails.
    async fn attend(
        &self,
        _task: &HumanTask,
        _limit: Duration,
        _prompter: &dyn Prompter,
    ) -> Result<Option<Observed>, UserError> {
        Ok(None)
    }

    /// Records that a person confirmed a task.
    ///
    /// # Errors
    /// If it cannot be recorded.
    fn confirmed(&self, _topic: &'static str) -> Result<(), UserError> {
        Ok(())
    }

    /// The state in view of what later steps have shown, without reading the account again. `None`: unchanged.
    fn reconsider(&self, _observed: &Observed) -> Option<Observed> {
        None
    }

    /// The facts that the step sets for other steps.
    fn provides(&self) -> Vec<&dyn Slot> {
        Vec::new()
    }
}
