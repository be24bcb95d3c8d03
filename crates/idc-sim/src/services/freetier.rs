//! The AWS Free Tier API: the plan of the account.

use serde_json::json;

use crate::protocol::error::ServiceResult;
use crate::services::request::not_found;
use crate::services::request::{Request, not_simulated};
use crate::state::{Cloud, Plan};

/// Handles an operation of `freetier`.
pub fn handle(cloud: &Cloud, request: &Request) -> ServiceResult {
    if request.operation != "GetAccountPlanState" {
        return Err(not_simulated("freetier", request.operation));
    }
    let Some(plan) = cloud.plan else {
        return Err(not_found("No account plan was found for this account."));
    };
    let mut state = json!({
        "accountId": cloud.account.id,
        "accountPlanType": match plan { Plan::Free => "FREE", Plan::Paid => "PAID" },
        "accountPlanStatus": "ACTIVE",
    });
    if plan == Plan::Free {
        state["accountPlanRemainingCredits"] = json!({"amount": 100.0, "unit": "USD"});
        state["accountPlanExpirationDate"] = json!("2027-05-24T00:00:00Z");
    }
    Ok(state)
}
