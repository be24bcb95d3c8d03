//! The number of calls of `idc-setup access plan` in a large organization.

use std::collections::BTreeMap;

use idc_sim::{Account, Cloud, OrganizationalUnit, scenarios};

use super::support::team::write;
use super::support::{TestEnv, is_mutating};

const ACCOUNTS: usize = 5000;
/// Organizational units in the root, and in each of these.
const TOP_UNITS: usize = 20;
const UNITS_IN_EACH: usize = 9;

/// The calls besides those that depend on the size: credentials, the instance, the organization and its root.
const OTHERS: usize = 10;

/// An access file for the 25 accounts in one organizational unit: two groups, two permission sets, and one assignment in
/// each account.
const FILE: &str = r#"format = 1
name = "large"

[[group]]
name = "platform"

[[group]]
name = "audit"

[[permission-set]]
name = "Admin"
managed-policies = ["AdministratorAccess"]

[[permission-set]]
name = "Read"
managed-policies = ["ReadOnlyAccess"]

[[assignment]]
principals = ["group:platform"]
permission-sets = ["Admin"]
accounts = ["ou:Top 7/Part 3/**"]
"#;

/// An organization with 5,000 accounts, spread over 200 organizational units.
fn large_organization() -> Cloud {
    let mut cloud = scenarios::named("enabled").unwrap();
    let organization = cloud.organization.as_mut().unwrap();
    let mut units = Vec::new();
    for top in 0..TOP_UNITS {
        let parent = format!("ou-exam-{top:08}");
        units.push(OrganizationalUnit {
            id: parent.clone(),
            name: format!("Top {top}"),
            parent: String::new(),
        });
        units.extend((0..UNITS_IN_EACH).map(|part| OrganizationalUnit {
            id: format!("ou-exam-{:08}", 1000 * (top + 1) + part),
            name: format!("Part {part}"),
            parent: parent.clone(),
        }));
    }
    let ids: Vec<String> = units.iter().map(|unit| unit.id.clone()).collect();
    assert_eq!(ids.len(), 200);
    organization.units.extend(units);
    let accounts = (0..ACCOUNTS).map(|n| Account {
        parent: ids[n % ids.len()].clone(),
        ..Account::new(
            format!("{:012}", 200_000_000_000 + n),
            format!("Account {n}"),
            format!("account-{n}@example.com"),
        )
    });
    cloud.accounts.extend(accounts);
    cloud
}

/// The number of calls of each operation since the log was cleared.
fn calls(env: &TestEnv) -> BTreeMap<String, usize> {
    let calls = env.server.calls();
    assert!(!calls.iter().any(is_mutating));
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation).or_default() += 1;
    }
    counts
}

/// Asserts that a plan made the calls that lists need with their page sizes, and few others.
#[track_caller]
fn assert_floor(calls: &BTreeMap<String, usize>, of_identity_center: usize) {
    let of = |operation: &str| calls.get(operation).copied().unwrap_or_default();
    let pages = (ACCOUNTS + 1).div_ceil(20);
    assert_eq!(of("ListAccounts"), pages, "{calls:#?}");
    // The units in the root, and in the first unit of the path.
    assert_eq!(of("ListOrganizationalUnitsForParent"), 2, "{calls:#?}");
    // The tags of accounts are not read, and neither are accounts one by one.
    assert_eq!(of("ListTagsForResource"), of("DescribePermissionSet"), "{calls:#?}");
    for unneeded in ["ListAccountsForParent", "DescribeAccount"] {
        assert_eq!(of(unneeded), 0, "{calls:#?}");
    }
    let all: usize = calls.values().sum();
    let floor = pages + 2 + of_identity_center;
    assert!(
        all <= floor + OTHERS,
        "{all} calls; {floor} and at most {OTHERS} others were expected: {calls:#?}"
    );
}

#[test]
fn a_plan_for_5000_accounts_in_200_units_makes_the_fewest_calls() {
    let env = TestEnv::with(large_organization());
    write(&env, FILE);
    env.json(&["access", "plan"]).expect(3);
    // The users, the groups and the permission sets.
    assert_floor(&calls(&env), 3);
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), [0, 2, 0, 2, 25]);
    env.server.clear_calls();
    env.json(&["access", "plan"]).expect(0);
    // Also the members of the two groups; of each of the two permission sets its properties, its tags, its four kinds of
    // policies, and the accounts that have it or an earlier version; and the assignments in each of the 25 accounts, which are
    // few enough to be read there.
    assert_floor(&calls(&env), 3 + 2 + 2 * 8 + 25);
}
