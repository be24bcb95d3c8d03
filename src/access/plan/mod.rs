//! What applying an access file would change: a pure function of what is desired and of what was observed.

mod assignments;
mod change;
mod draft;
mod inputs;
mod leavers;
mod members;
mod notes;
mod own;
mod planner;
mod principals;
mod retired;
mod sets;
#[cfg(test)]
mod tests;

pub use change::{
    Action, Attribute, AttributeChange, CallerAccess, Change, Note, NoteKind, Options, Plan, Refusal, RefusalReason,
};
pub use planner::plan;
