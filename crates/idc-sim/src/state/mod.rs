//! The state of the simulated AWS, and the changes that happen in it as time passes. Nothing here depends on HTTP.

mod applications;
mod cloud;
mod ids;
mod large_org;
mod model;
pub mod person;
mod policies;
pub mod scenarios;
mod sessions;
mod settle;
mod team;
mod trails;

pub use applications::{AdditionalRegion, Application, Capability, Cluster, TrustedTokenIssuer};
pub use cloud::Cloud;
pub use model::*;
pub use policies::{
    OrganizationPolicies, OrganizationPolicy, PolicyAttachment, RESOURCE_CONTROL_POLICY, SERVICE_CONTROL_POLICY,
};
pub use sessions::*;
pub use trails::{Bucket, Trail, default_selectors};
