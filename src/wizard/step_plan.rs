//! What a step would do: changes, and tasks for a person. A plan is a value that is computed from reads alone.

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
    /// A deep link to the page, if there is one.
    pub link: Option<String>,
    /// A code that the page also shows; the user compares the two.
    pub code: Option<String>,
    /// The click path in the console; empty if a command does the task.
    pub clicks: String,
    /// The command that does the task, if there is one.
    pub command: Option<SetupCommand>,
    /// Other ways to do the task.
    pub alternatives: NextSteps,
    /// Further information, one line each.
    pub details: Vec<String>,
    /// How completion is verified.
    pub kind: TaskKind,
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
