//! AWS Organizations: the organization, its accounts and units, policies, trusted access and delegated administrators.

mod invalid_input;
mod lists;
mod membership;
mod organization;
mod policies;
mod units;

use crate::protocol::error::ServiceResult;
use crate::services::request::Request;
use crate::state::{Cloud, Identity};

pub use invalid_input::violated;

/// Handles an operation of `organizations`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    organization::handle(cloud, caller, request)
        .or_else(|| membership::handle(cloud, request))
        .or_else(|| policies::handle(cloud, request))
        .unwrap_or_else(|| units::handle(cloud, request))
}
