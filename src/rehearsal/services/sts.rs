//! AWS STS: who is asking.

use serde_json::json;

use super::super::refusal::Answer;
use super::super::world::Identity;
use super::{Request, not_simulated};

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
