//! AWS Organizations: the organization, its accounts and units, trusted access and delegated administrators.

mod organization;
mod units;

use crate::protocol::error::ServiceResult;
use crate::services::request::Request;
use crate::state::{Cloud, Identity};

/// Handles an operation of `organizations`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    organization::handle(cloud, caller, request).unwrap_or_else(|| units::handle(cloud, request))
}
