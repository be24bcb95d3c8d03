//! A profile for each account and permission set that the access portal offers to the signed-in user.
//!
//! - [`role`]: what the portal offers.
//! - [`names`]: the names of the profiles, from a template.
//! - [`filter`]: which of the roles get a profile.
//! - [`plan`]: which profiles are added, changed and removed, a pure function.
//! - [`sessions`]: the SSO sessions of the file, and which of them are of the same portal.
//! - [`change`]: the edit of the file, with its diff.
//!
//! Profiles that this program writes have the property [`MARK`](crate::resources::cli_config::MARK). Only these are ever
//! changed or removed, except that `join` gives a profile of the same portal its current address if the user agrees.

pub mod change;
pub mod filter;
pub mod names;
pub mod plan;
pub mod role;
pub mod sessions;
