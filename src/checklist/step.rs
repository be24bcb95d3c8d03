//! The contract between a step and the walk.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answers::Key;

use super::{Change, Choice, HumanTask, Observed, Permission, Plan, Prompter, Question, Slot, UserError};

/// How much a step matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// Nothing works without it.
    Required,
    /// It is wiser with it.
    Recommended,
    /// As you like.
    Optional,
    /// One of the three that come after the steps: it never decides how a run ends, unless `--strict` asks.
    Recommendation,
}

impl Importance {
    /// The word on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Recommended => "recommended",
            Self::Optional => "optional",
            Self::Recommendation => "recommendation",
        }
    }
}

/// A line of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepInfo {
    /// From 1; the recommendations go on after the steps. 0: what is done outside the checklist.
    pub number: u8,
    /// For `--only` and `--skip`.
    pub slug: &'static str,
    /// As a heading.
    pub title: &'static str,
    /// How much it matters.
    pub importance: Importance,
    /// Why, in one sentence.
    pub why: &'static str,
    /// Later steps stand on what its look finds, so it is looked at even when it is skipped.
    pub feeds_others: bool,
    /// The IAM actions that its looks and changes need.
    pub permissions: &'static [Permission],
}

impl StepInfo {
    /// Whether it is one of the recommendations after the steps.
    pub fn is_recommendation(&self) -> bool {
        self.importance == Importance::Recommendation
    }

    /// As messages name it: `Step 4 permission-set`.
    pub fn name(&self) -> String {
        match self.importance {
            _ if self.number == 0 => self.title.to_owned(),
            Importance::Recommendation => format!("Recommendation {}", self.slug),
            _ => format!("Step {} {}", self.number, self.slug),
        }
    }
}

/// A step of the checklist.
///
/// Steps share facts (the instance, the user's id) among themselves: a look waits for the facts it needs, so
/// that looks and changes of independent steps run at the same time. After each pass over a step the walk
/// closes the facts it did not bring, so that nobody waits for what does not come.
#[async_trait(?Send)]
pub trait Step {
    /// Its line of the checklist.
    fn info(&self) -> &'static StepInfo;

    /// Looks at the live account: reads only.
    ///
    /// # Errors
    /// When it cannot be found out; the walk makes that an unknown finding.
    async fn look(&self) -> Result<Observed, UserError>;

    /// What has to be asked, given what was found: only what is open.
    fn questions(&self, observed: &Observed) -> Vec<Question>;

    /// Whether the account knows what there is to choose from for an answer of this step.
    fn has_choices(&self, _key: Key) -> bool {
        false
    }

    /// What there is to choose from.
    ///
    /// # Errors
    /// When it cannot be found out.
    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        Ok(Vec::new())
    }

    /// Whether an answer alters what a look finds, where nothing was found before; otherwise nobody has to look again
    /// for it.
    fn looks_for(&self, _key: Key) -> bool {
        true
    }

    /// What would be done, given what was found.
    ///
    /// # Errors
    /// When an answer that it needs is missing.
    fn plan(&self, observed: &Observed) -> Result<Plan, UserError>;

    /// Makes one change: intent before it, result after it.
    ///
    /// # Errors
    /// When it fails; what was done before stays done and recorded.
    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError>;

    /// Waits in the step's own way for a person, at most `limit`; `None` when nobody came.
    ///
    /// # Errors
    /// When waiting cannot go on.
    async fn attend(
        &self,
        _task: &HumanTask,
        _limit: Duration,
        _guide: &dyn Prompter,
    ) -> Result<Option<Observed>, UserError> {
        Ok(None)
    }

    /// The person said that a task is done.
    ///
    /// # Errors
    /// When it cannot be recorded.
    fn confirmed(&self, _topic: &'static str) -> Result<(), UserError> {
        Ok(())
    }

    /// What later steps have shown about this one, without another look.
    fn reconsider(&self, _finding: &Observed) -> Option<Observed> {
        None
    }

    /// The facts it brings for other steps.
    fn provides(&self) -> Vec<&dyn Slot> {
        Vec::new()
    }
}
