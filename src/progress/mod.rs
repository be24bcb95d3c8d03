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
pub use record::{Attestation, FORMAT, Intent, Origin, Record, Resource, ResourceKind, SavedAnswer, StepRecord, Verb};
pub use replaced::{Drift, Replaced, Says};
pub use store::{Folder, Progress, ProgressError, holder_words};
