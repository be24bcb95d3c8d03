//! The checklist: what a step is, what it finds, what it would change, and the walk over all of them.
//!
//! `look → ask → plan → (confirm) → apply → verify → record`, step by step. This module knows no step by
//! name, no terminal and no AWS service.

mod fact;
mod finding;
mod guide;
mod plan;
mod report;
mod right;
mod step;
mod trouble;
mod walk;

pub use fact::{Fact, Slot};
pub use finding::{Finding, Found};
pub use guide::{Choice, Confirm, Guide, PlannedChange, Question, Reply, Review, ReviewReply, Survey, Waiting};
pub use plan::{Change, Consent, HumanTask, NamedConsent, Plan, TaskKind};
pub use report::{Outcome, State, StepReport, exit};
pub use right::Right;
pub use step::{Need, Step, StepInfo};
pub use trouble::{AwsWords, Trouble, TroubleKind};
pub use walk::{Options, Walk};
