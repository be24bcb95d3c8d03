//! What the wizard knows of AWS apart from the checklist: clients, failures, waiting, Regions, addresses.

pub mod clients;
pub mod clock;
pub mod connect;
pub mod console;
pub mod failure;
mod http;
pub mod portal_address;
pub mod regions;
pub mod retry;
pub mod waiting;
mod whole;

pub use clients::Clients;
pub use failure::{Failure, FailureKind};
pub use regions::Partition;
