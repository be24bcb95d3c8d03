//! The state of the simulated AWS, and the changes that happen in it as time passes. Nothing here depends on HTTP.

mod applications;
mod cloud;
mod ids;
mod large_org;
mod model;
pub mod person;
pub mod scenarios;
mod sessions;
mod settle;
mod trails;

pub use applications::{AdditionalRegion, Application, Capability, Cluster, TrustedTokenIssuer};
pub use cloud::Cloud;
pub use model::*;
pub use sessions::*;
pub use trails::{Bucket, Trail, default_selectors};
