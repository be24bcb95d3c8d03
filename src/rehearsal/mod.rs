//! The rehearsal: a simulated AWS behind real HTTP, so that the SDKs, boto3 and the AWS CLI talk to it unchanged.
//!
//! A request goes `server` → `protocol` (which service, which operation) → `models` (would AWS accept its
//! shape) → `services` (one file a service) → `world` (the state, and what is due). `faults` stands between
//! protocol and service. This module knows nothing of the wizard.

mod authorize;
mod big;
mod call_log;
mod faults;
mod ids;
mod models;
mod pages;
mod paging;
mod person;
mod proof;
mod protocol;
mod records;
mod refusal;
mod server;
mod services;
mod sessions;
#[cfg(test)]
mod tests;
mod texts;
mod trails;
mod world;
pub mod worlds;

pub use call_log::CallLine;
pub use faults::{Fault, FaultKind, Hold, read_faults};
pub use person::{NewUser, Person, PersonKind};
pub use refusal::Refusal;
pub use server::{Options, Server};
pub use world::{
    Account, ApplicationAssignment, Assignment, Credentials, Group, Identity, IdentityStore, Instance, Membership,
    Organization, Pace, PermissionSet, Plan, Stamp, User, World,
};
