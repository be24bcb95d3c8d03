//! A simulated AWS behind real HTTP: the SDKs, boto3 and the AWS CLI talk to it unchanged.
//!
//! It answers IAM Identity Center (`sso-admin`, the identity store, `sso-oidc`, the access portal), AWS Organizations and
//! AWS Sign-In, and as much of IAM, CloudTrail, S3, STS and the Free Tier API as setting up Identity Center needs.
//!
//! # The tour
//!
//! A request goes `server` → `protocol` (which service and operation it is for, and whether AWS would accept its shape) →
//! `services` (one file a service) → `state` (a [`Cloud`], and what happens in it as time passes). `faults` stands between
//! protocol and service. A browser's request goes to `pages` instead. Imports point the same way: `state` knows neither
//! services nor HTTP, services know neither pages nor the server.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # runtime.block_on(async {
//! use idc_sim::{Options, Simulation, scenarios};
//!
//! let cloud = scenarios::named("enabled").ok_or("no such scenario")?;
//! let simulation = Simulation::start(cloud, Options::default()).await?;
//! assert!(simulation.server.url().starts_with("http://127.0.0.1:"));
//! // Set these for the program under test.
//! assert!(simulation.variables().iter().any(|(name, _)| *name == "AWS_ENDPOINT_URL"));
//! # Ok(())
//! # })
//! # }
//! ```

mod call_log;
mod faults;
mod pages;
mod protocol;
mod server;
mod services;
mod simulation;
mod state;
#[cfg(test)]
mod tests;

pub use call_log::CallLine;
pub use faults::{Fault, FaultKind, Hold, read_faults};
pub use protocol::error::ServiceError;
pub use server::{Options, Server};
pub use simulation::Simulation;
pub use state::{
    Account, ApplicationAssignment, Assignment, Cloud, Credentials, Group, Identity, IdentityStore, Instance,
    Membership, NewUser, Organization, PermissionSet, Person, PersonKind, Plan, Stamp, Timing, User, scenarios,
};
