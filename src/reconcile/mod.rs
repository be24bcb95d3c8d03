//! The reconciler: what every kind of resource has in common. It records intents before changes and results after them,
//! retries, determines who created a resource, and undoes what was created.
//!
//! The kinds themselves are in [`crate::resources`]. This module uses no terminal and no type of an AWS SDK.

mod change;
mod context;
mod create;
mod error;
mod fact;
mod local_files;
mod ownership;
pub mod plan;
mod resource;
mod step_info;
pub mod undo;

pub use change::{Change, Consent, NamedConsent};
pub use context::{CliOptions, Context, Instance};
pub use create::{CreateResult, End, create, repeat};
pub use error::{rerun, step_error};
pub use fact::{Fact, Slot};
pub use ownership::Creation;
pub use resource::{Branch, Condition, Deletion, Elsewhere, Error, Resource};
pub use step_info::{Importance, StepInfo};
