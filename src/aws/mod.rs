//! Everything about AWS that is independent of the checklist: clients, errors, waiting, Regions, URLs.

mod call_log;
pub mod clients;
pub mod clock;
pub mod connect;
pub mod console;
pub mod error;
mod http;
pub mod portal_address;
pub mod regions;
pub mod retry;
mod truncation;
pub mod waiting;

pub use clients::Clients;
pub use error::{AwsError, AwsErrorKind};
pub use regions::Partition;
