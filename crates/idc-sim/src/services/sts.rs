//! AWS STS: the identity of the caller.

use serde_json::json;

use crate::protocol::error::ServiceResult;
use crate::services::request::{Request, not_simulated};
use crate::state::Identity;

/// Handles an operation of `sts`.
pub fn handle(caller: &Identity, request: &Request) -> ServiceResult {
    match request.operation {
        "GetCallerIdentity" => Ok(json!({
            "UserId": caller.user_id,
            "Account": caller.account,
            "Arn": caller.arn,
        })),
        other => Err(not_simulated("sts", other)),
    }
}
