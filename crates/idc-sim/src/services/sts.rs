//! AWS STS: who is asking.

use serde_json::json;

use crate::protocol::error::Answer;
use crate::services::request::{Request, not_simulated};
use crate::state::Identity;

/// Answers as a JSON value; the protocol layer writes it as XML.
pub fn answer(caller: &Identity, request: &Request) -> Answer {
    match request.operation {
        "GetCallerIdentity" => Ok(json!({
            "UserId": caller.user_id,
            "Account": caller.account,
            "Arn": caller.arn,
        })),
        other => Err(not_simulated("sts", other)),
    }
}
