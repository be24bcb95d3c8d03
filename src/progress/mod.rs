//! Progress: the saved answers, and the resources of each step with their origin: created, existing or confirmed.
//!
//! It records answers and origins. It never decides whether a resource exists; only the live account does.

mod edit;
mod last;
mod lock;
mod record;
mod replaced;
mod resource_id;
mod resource_kind;
mod store;

pub use edit::{Edit, Lines};
pub use last::Last;
pub use lock::{Holder, Lock, LockError};
pub use record::{Attestation, Entry, FORMAT, HandedOver, Intent, Origin, Record, SavedAnswer, StepRecord, Verb};
pub use replaced::{Drift, Replaced, Setting, Settings};
pub use resource_id::{ResourceId, ResourceName};
pub use resource_kind::ResourceKind;
pub use store::{Folder, Progress, ProgressError, holder_text};
