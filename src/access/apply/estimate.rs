//! How long a plan takes, from the quotas of Identity Center.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::access::plan::{Action, Plan};
use crate::ids::AccountId;
use crate::limits::{REQUESTS_AT_FIRST, TYPICAL_OPERATION};
use crate::reconcile::FieldChange;

/// How long a plan takes, and how many calls it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The calls to Identity Center.
    pub calls: usize,
    /// The time, without retries.
    pub duration: Duration,
}

/// Estimates a plan: the calls at the allowed rate, the assignments and provisioned accounts at as many as AWS processes at
/// the same time, the longest chain of them in one account, or the permission sets that are provisioned one after the other,
/// whichever takes longest. How long AWS takes for one is not published; see [`TYPICAL_OPERATION`].
pub fn estimate(plan: &Plan, requests_per_second: u32) -> Estimate {
    let mut chains: BTreeMap<&AccountId, u32> = BTreeMap::new();
    let mut others = 0;
    // Provisioned in all accounts at once, one permission set after the other.
    let mut everywhere: u32 = 0;
    // Of as many accounts as AWS provisions at the same time, but of one permission set.
    let mut rounds = 0.0;
    for change in &plan.changes {
        match &change.action {
            Action::CreateAssignment(name) => *chains.entry(&name.account).or_default() += 1,
            Action::DeleteAssignment { key, .. } => *chains.entry(&key.account).or_default() += 1,
            Action::CreatePermissionSet(spec) => others += 1 + spec.after_creation().len(),
            Action::UpdatePermissionSet {
                changes, provision_in, ..
            } => {
                // Each change is checked, and provisioning is polled.
                others += 2 * changes.len() + 1;
                if changes.contains(&FieldChange::Provision) {
                    rounds += rounds_of(provision_in.as_ref());
                    match provision_in {
                        None => everywhere += 1,
                        Some(accounts) => {
                            for account in accounts {
                                *chains.entry(account).or_default() += 1;
                            }
                        }
                    }
                }
            }
            _ => others += 1,
        }
    }
    let operations: u32 = chains.values().sum();
    let longest = chains.values().copied().max().unwrap_or_default();
    // Each one is requested once, and polled about as often.
    let calls = others + 2 * usize::try_from(operations).unwrap_or(usize::MAX);
    let by_rate =
        Duration::from_secs_f64(u32::try_from(calls).map_or(f64::MAX, f64::from) / f64::from(requests_per_second));
    let by_bound = TYPICAL_OPERATION.mul_f64(f64::from(operations) / REQUESTS_AT_FIRST);
    let by_chain = TYPICAL_OPERATION * (longest + everywhere);
    let by_rounds = TYPICAL_OPERATION.mul_f64(rounds);
    Estimate {
        calls,
        duration: by_rate.max(by_bound).max(by_chain).max(by_rounds),
    }
}

/// How often accounts of one permission set are provisioned at the same time. All accounts at once are one request.
fn rounds_of(accounts: Option<&BTreeSet<AccountId>>) -> f64 {
    let count = accounts.map_or(1, BTreeSet::len);
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (count / REQUESTS_AT_FIRST).ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::plan::Change;

    fn provisioning(provision_in: Option<BTreeSet<AccountId>>) -> Plan {
        let action = Action::UpdatePermissionSet {
            arn: "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-1"
                .parse()
                .unwrap(),
            name: "Dev".to_owned(),
            changes: vec![FieldChange::Provision],
            adopts: false,
            provision_in,
        };
        Plan {
            changes: vec![Change { action, place: None }],
            ..Plan::default()
        }
    }

    #[test]
    fn provisioned_accounts_count_like_assignments() {
        let accounts = (1..=20).map(|number| format!("{number:012}").parse().unwrap());
        let one_by_one = estimate(&provisioning(Some(accounts.collect())), 1000);
        assert_eq!(one_by_one.duration, TYPICAL_OPERATION * 2, "20 accounts, 10 at a time");
        assert_eq!(one_by_one.calls, 3 + 2 * 20);
        let everywhere = estimate(&provisioning(None), 1000);
        assert_eq!(everywhere.duration, TYPICAL_OPERATION);
        assert_eq!(everywhere.calls, 3);
    }

    #[test]
    fn permission_sets_are_provisioned_one_after_the_other() {
        let in_one = |number: u64| {
            let account = format!("{number:012}").parse().unwrap();
            provisioning(Some(BTreeSet::from([account]))).changes
        };
        let plan = Plan {
            changes: (1..=3).flat_map(in_one).collect(),
            ..Plan::default()
        };
        assert_eq!(estimate(&plan, 1000).duration, TYPICAL_OPERATION * 3);
        let eleven = (1..=11).map(|number| format!("{number:012}").parse().unwrap());
        let eleven = provisioning(Some(eleven.collect()));
        assert_eq!(estimate(&eleven, 1000).duration, TYPICAL_OPERATION * 2);
    }
}
