//! The wizard: what a step is, what it observes, what it would change, and the walk over all steps.
//!
//! Each step goes through `look → ask → plan → (confirm) → apply → verify → record`. The walk depends on no particular
//! step, no terminal and no AWS service. The steps are in [`steps`], one module each.

mod evidence;
mod observed;
mod prompter;
mod report;
mod step;
mod step_plan;
pub mod steps;
mod walk;

pub use evidence::{Activation, Evidence};
pub use observed::{Observed, Status};
pub use prompter::{
    Choice, Confirm, Events, ListKind, Opening, Prompter, Question, Reply, Review, ReviewReply, ReviewedValue, Survey,
    TaskPrompt, TaskReply, Waiting, while_shown,
};
pub use report::{Outcome, State, StepReport};
pub use step::{Applied, Step};
pub use step_plan::{HumanTask, Proof, StepPlan, TaskKind};
pub use walk::{Ahead, NextState, OpenQuestion, OpenTask, Options, StepError, Walk};
