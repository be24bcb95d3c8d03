//! Progress: the answers given, and for each step what we made, what we found and what we were told.
//!
//! It supplies answers and ownership, never the truth of whether a thing exists: that is the live account's.

mod edit;
mod last;
mod lock;
mod record;
mod replaced;
mod store;

pub use edit::{Edit, Lines};
pub use last::Last;
pub use lock::{Holder, Lock, LockError};
pub use record::{FORMAT, How, Intent, Record, Resource, ResourceKind, SavedAnswer, StepRecord, Verb, Word};
pub use replaced::{Replaced, Says, Standing};
pub use store::{Folder, Progress, ProgressError, holder_words};
