//! What a step would do: changes, and tasks for a person. A plan is a value that is computed from reads alone.

use crate::aws::console;
use crate::next_step::{NextSteps, SetupCommand};
use crate::reconcile::Change;

/// What a step would do, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepPlan {
    /// Changes through an API or to a local file.
    pub changes: Vec<Change>,
    /// What a person does after the changes.
    pub tasks: Vec<HumanTask>,
}

/// A task that only a person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HumanTask {
    /// The task in words: "Enable IAM Identity Center in us-east-1."
    pub sentence: String,
    /// The same in a few words, after "You": "choose Enable in the console".
    pub brief: &'static str,
    /// A deep link to the page, if there is one.
    pub link: Option<String>,
    /// A code that the page also shows; the user compares the two.
    pub code: Option<String>,
    /// The way to the page in the console without the link; empty if there is none.
    pub path: String,
    /// What to choose on the page, in this order.
    pub choices: Vec<String>,
    /// The command that does the task, if there is one.
    pub command: Option<SetupCommand>,
    /// Other ways to do the task.
    pub alternatives: NextSteps,
    /// What to do after that.
    pub afterward: Option<String>,
    /// Further information, one line each.
    pub details: Vec<String>,
    /// What helps only if something is unclear, one line each.
    pub help: Vec<String>,
    /// How completion is verified.
    pub kind: TaskKind,
    /// The later step that proves it, if any.
    pub proof: Option<Proof>,
}

/// A later step that proves that a task is done, so that nobody has to confirm it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The slug of the step.
    pub step: &'static str,
    /// The person has to do the task before that step. Otherwise, that step includes it.
    pub comes_first: bool,
}

impl HumanTask {
    /// The way to the page and what to choose there, joined by arrows; `None` if there is nothing to choose.
    pub fn clicks(&self) -> Option<String> {
        Some(console::arrows(&self.path, &self.choices)).filter(|clicks| !clicks.is_empty())
    }

    /// Whether nothing but the word of the person shows that it is done, so that a habitual Enter must not confirm it.
    pub fn needs_confirmation(&self) -> bool {
        matches!(self.kind, TaskKind::Confirmed(_)) && self.proof.is_none()
    }
}

/// How the completion of a human task is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskKind {
    /// An API shows it. The wizard polls until it does.
    Seen,
    /// No API shows it. A person confirms it by this name (`--confirm NAME`), unless a later step proves it.
    Confirmed(&'static str),
    /// An API shows it, but the wizard does not poll. A person says when to check.
    Checked,
    /// The step waits in its own way, as the sign-in does.
    Own,
}
