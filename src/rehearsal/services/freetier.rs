//! AWS Free Tier: the plan a new account is on.

use serde_json::json;

use super::super::refusal::Answer;
use super::super::world::{Plan, World, not_found};
use super::{Request, not_simulated};

/// Answers an operation of `freetier`.
pub fn answer(world: &World, request: &Request) -> Answer {
    if request.operation != "GetAccountPlanState" {
        return Err(not_simulated("freetier", request.operation));
    }
    let Some(plan) = world.plan else {
        return Err(not_found("No account plan was found for this account."));
    };
    let mut state = json!({
        "accountId": world.account.id,
        "accountPlanType": match plan { Plan::Free => "FREE", Plan::Paid => "PAID" },
        "accountPlanStatus": "ACTIVE",
    });
    if plan == Plan::Free {
        state["accountPlanRemainingCredits"] = json!({"amount": 100.0, "unit": "USD"});
        state["accountPlanExpirationDate"] = json!("2027-05-24T00:00:00Z");
    }
    Ok(state)
}
