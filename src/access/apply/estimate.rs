//! How long a plan takes, from the quotas of Identity Center.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::access::plan::{Action, Plan};
use crate::ids::AccountId;
use crate::limits::{REQUESTS_AT_FIRST, TYPICAL_OPERATION};

/// How long a plan takes, and how many calls it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The calls to Identity Center.
    pub calls: usize,
    /// The time, without retries.
    pub duration: Duration,
}

/// Estimates a plan: the calls at the allowed rate, the assignments at as many as AWS processes at the same time, or the
/// longest chain of assignments in one account, whichever takes longest. How long AWS takes for an assignment is not
/// published; see [`TYPICAL_OPERATION`].
pub fn estimate(plan: &Plan, requests_per_second: u32) -> Estimate {
    let mut chains: BTreeMap<&AccountId, u32> = BTreeMap::new();
    let mut others = 0;
    for change in &plan.changes {
        match &change.action {
            Action::CreateAssignment(name) => *chains.entry(&name.account).or_default() += 1,
            Action::DeleteAssignment { key, .. } => *chains.entry(&key.account).or_default() += 1,
            Action::CreatePermissionSet(spec) => others += 1 + spec.after_creation().len(),
            // Each change is checked, and provisioning is polled.
            Action::UpdatePermissionSet { changes, .. } => others += 2 * changes.len() + 1,
            _ => others += 1,
        }
    }
    let assignments: u32 = chains.values().sum();
    let longest = chains.values().copied().max().unwrap_or_default();
    // Each assignment is requested once, and polled about as often.
    let calls = others + 2 * usize::try_from(assignments).unwrap_or(usize::MAX);
    let by_rate =
        Duration::from_secs_f64(u32::try_from(calls).map_or(f64::MAX, f64::from) / f64::from(requests_per_second));
    let by_bound = TYPICAL_OPERATION.mul_f64(f64::from(assignments) / REQUESTS_AT_FIRST);
    let by_chain = TYPICAL_OPERATION * longest;
    Estimate {
        calls,
        duration: by_rate.max(by_bound).max(by_chain),
    }
}
