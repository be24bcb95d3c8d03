//! A simulated AWS that uses the real protocols over HTTP. The AWS SDKs, boto3 and the AWS CLI work with it unchanged.
//!
//! It implements IAM Identity Center (`sso-admin`, the identity store, `sso-oidc` and the access portal), AWS
//! Organizations and AWS Sign-In, and those parts of IAM, CloudTrail, S3, STS and the AWS Free Tier API that setting up
//! Identity Center needs.
//!
//! # Architecture
//!
//! - `server` receives a request. A browser's request goes to `pages`.
//! - `protocol` finds the service and the operation of an API request, and validates the input against the service's
//!   model.
//! - `faults` decides whether the call fails before or after the service handles it.
//! - `services` handles the call. There is one module for each service.
//! - `state` holds the simulated account (a [`Cloud`]) and applies the changes that are due as time passes.
//! - `redaction` and `recording` turn calls of the real AWS into a recording, which `compare` replays against the services.
//!
//! Dependencies point in the same direction: `state` does not depend on services or HTTP, and `services` does not depend on
//! pages or the server.
//!
//! # Example
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
mod compare;
mod control;
mod faults;
mod home;
mod pages;
mod protocol;
mod recorded;
mod recording;
mod redaction;
mod server;
mod services;
mod shell;
mod simulation;
mod state;
#[cfg(test)]
mod tests;

pub use call_log::CallLine;
pub use compare::{Comparison, Difference, Note, compare, words};
pub use faults::{Fault, FaultKind, Hold, read_faults};
pub use home::TemporaryHome;
pub use protocol::error::ServiceError;
pub use recording::{Exchange, RawResponse, Recording};
pub use server::{Options, Server};
pub use shell::powershell_quoted;
pub use simulation::Simulation;
pub use state::{
    Account, AdditionalRegion, Application, ApplicationAssignment, Assignment, Capability, Choices, Cloud, Cluster,
    Credentials, CustomerPolicy, DelegatedAdministrator, ExternalId, Group, Identity, IdentityStore, Instance,
    Membership, NewUser, Organization, OrganizationPolicies, OrganizationPolicy, OrganizationalUnit, PermissionSet,
    Person, PersonKind, Plan, PolicyAttachment, Role, SignIn, Stamp, Timing, TrustedTokenIssuer, User, scenarios,
};
