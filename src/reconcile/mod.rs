//! The reconciler: what every kind of resource has in common.
//!
//! - [`plan`]: what happens to each desired item, a pure function.
//! - `retries`: changes that are retried, with an intent before the first call and the result after the last one.
//! - `ownership`: who created a resource that a read finds.
//! - `snapshot`: what was observed of the items.
//! - [`undo`]: the plan of an undo, also a pure function, and how it is applied.
//! - `context`: what resources share, among them the instance as a [`Fact`] that a step observes and others wait for.
//! - `stop`: the request to end a run, after which no change begins.
//! - `local_files`: files and folders on this machine.
//!
//! The kinds themselves are in [`crate::resources`]. This module uses no terminal and no type of an AWS SDK.

mod change;
mod context;
mod error;
mod fact;
mod local_files;
mod manually;
mod ownership;
pub mod plan;
mod resource;
mod retries;
mod snapshot;
mod step_info;
mod stop;
pub mod undo;

pub use change::{Change, ChangeKey, Consent, FieldChange, NamedConsent, SettingChange, Target};
pub use context::{CliOptions, Context, Instance};
pub use error::{NOT_SUBSCRIBED, rerun, step_error};
pub use fact::{Fact, Slot};
pub use manually::Manually;
pub use ownership::Creation;
pub use resource::{Branch, Condition, Deletion, Elsewhere, Error, Resource};
pub use retries::{CreateResult, End, create, delete_with_retries, repeat};
pub use snapshot::Snapshot;
pub use step_info::{Importance, StepInfo};
pub use stop::Stop;
