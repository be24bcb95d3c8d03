//! The checklist: what a step is, what it observes, what it would change, and the walk over all steps.
//!
//! Each step goes through `look → ask → plan → (confirm) → apply → verify → record`. This module depends on no
//! particular step, no terminal and no AWS service.

mod evidence;
mod fact;
mod observed;
mod permission;
mod plan;
mod prompter;
mod report;
mod step;
mod user_error;
mod walk;

pub use evidence::{AccountPlan, Activation, Evidence};
pub use fact::{Fact, Slot};
pub use observed::{Observed, Status};
pub use permission::Permission;
pub use plan::{Change, Consent, HumanTask, NamedConsent, Plan, TaskKind};
pub use prompter::{
    Choice, Confirm, Events, PlannedChange, Prompter, Question, Reply, Review, ReviewReply, Survey, Waiting,
};
pub use report::{Outcome, State, StepReport};
pub use step::{Importance, Step, StepInfo};
pub use user_error::{ServiceMessage, UserError, UserErrorKind};
pub use walk::{Options, Walk};
