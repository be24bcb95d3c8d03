//! The number of calls of `idc-setup access plan` in a large organization, and of `idc-setup access drift` in others; and their
//! rate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use idc_sim::{Account, Assignment, Cloud, Group, OrganizationalUnit, PermissionSet, Role, Stamp, scenarios};

use super::support::team::{applied, write};
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

/// An organization in which each group has one permission set, in so many accounts, and nothing has drifted.
struct Spread {
    accounts: usize,
    permission_sets: usize,
    groups: usize,
    accounts_of_group: usize,
}

/// A permission set in an account.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    permission_set: usize,
    account: usize,
}

impl Spread {
    /// The permission set of a group in each of its accounts.
    fn pairs_of(&self, group: usize) -> impl Iterator<Item = Pair> {
        let (first, permission_set, accounts) = (
            group * self.accounts_of_group,
            group % self.permission_sets,
            self.accounts,
        );
        (first..first + self.accounts_of_group).map(move |n| Pair {
            permission_set,
            account: n % accounts,
        })
    }

    fn pairs(&self) -> BTreeSet<Pair> {
        (0..self.groups).flat_map(|group| self.pairs_of(group)).collect()
    }

    /// The fewest calls that page sizes allow.
    fn floor(&self) -> usize {
        let pairs = self.pairs();
        // The caller, the organization and the instance; the accounts; lists of users, groups and permission sets.
        let lists = 3 + (self.accounts + 1).div_ceil(20) + 3;
        // Of each permission set its properties, its tags, its four kinds of policies, the accounts that have an earlier
        // version, and all accounts that have it.
        let of_set = |number: usize| {
            let accounts = pairs.iter().filter(|pair| pair.permission_set == number);
            7 + accounts.count().div_ceil(100)
        };
        let permission_sets: usize = (0..self.permission_sets).map(of_set).sum();
        lists + permission_sets + self.calls_by_group().min(pairs.len())
    }

    /// The calls that read the assignments of each group.
    fn calls_by_group(&self) -> usize {
        self.groups * self.accounts_of_group.div_ceil(100)
    }

    /// The organization, after the access file was applied.
    fn cloud(&self) -> Cloud {
        let mut cloud = scenarios::named("enabled").unwrap();
        let created = cloud.instances[0].created;
        let by = cloud.root().arn;
        for n in 0..self.accounts {
            let email = format!("account-{n}@example.com");
            cloud
                .accounts
                .push(Account::new(account_id(n), format!("Account {n}"), email));
        }
        for n in 0..self.permission_sets {
            let mut set = PermissionSet::administrator(set_arn(n), format!("Set{n}"), created);
            set.tags.insert("idc-setup:access".to_owned(), "spread".to_owned());
            cloud.permission_sets.push(set);
        }
        for n in 0..self.groups {
            let id = cloud.ids.principal_id();
            let group = Group {
                display_name: format!("Group {n}"),
                description: None,
                created: Stamp {
                    at: created,
                    by: by.clone(),
                },
                external_ids: Vec::new(),
            };
            cloud.instances[0].store.groups.insert(id.clone(), group);
            cloud.assignments.extend(self.pairs_of(n).map(|pair| Assignment {
                account: account_id(pair.account),
                permission_set: set_arn(pair.permission_set),
                principal_type: "GROUP".to_owned(),
                principal: id.clone(),
            }));
        }
        for pair in self.pairs() {
            let version = cloud.permission_sets[pair.permission_set].version();
            cloud.roles.push(Role {
                name: format!("AWSReservedSSO_Set{}_0123456789abcdef", pair.permission_set),
                id: String::new(),
                managed_policies: Vec::new(),
                version,
                permission_set: set_arn(pair.permission_set),
                account: account_id(pair.account),
            });
        }
        cloud
    }

    fn file(&self) -> String {
        let mut text = "format = 1\nname = \"spread\"\n".to_owned();
        for n in 0..self.permission_sets {
            let policies = "managed-policies = [\"AdministratorAccess\"]";
            writeln!(text, "[[permission-set]]\nname = \"Set{n}\"\n{policies}").unwrap();
        }
        for n in 0..self.groups {
            let accounts = self.pairs_of(n).map(|pair| format!("\"{}\"", account_id(pair.account)));
            let accounts: Vec<String> = accounts.collect();
            writeln!(
                text,
                "[[group]]\nname = \"Group {n}\"\n[[assignment]]\nprincipals = [\"group:Group {n}\"]\n\
                 permission-sets = [\"Set{}\"]\naccounts = [{}]",
                n % self.permission_sets,
                accounts.join(", ")
            )
            .unwrap();
        }
        text
    }

    /// Looks for drift, and returns the number of calls of each operation.
    #[track_caller]
    fn calls_of_drift(&self) -> BTreeMap<String, usize> {
        let env = TestEnv::with(self.cloud());
        write(&env, &self.file());
        let envelope = env.json(&["access", "drift"]).expect(0).envelope();
        assert_eq!(envelope["drift"], serde_json::json!([]));
        let calls = calls(&env);
        let (all, floor) = (calls.values().sum::<usize>(), self.floor());
        assert!(
            all * 10 <= floor * 11,
            "{all} calls, and the floor is {floor}: {calls:#?}"
        );
        calls
    }
}

fn account_id(n: usize) -> String {
    format!("{:012}", 200_000_000_000 + n)
}

fn set_arn(n: usize) -> String {
    format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{n:016x}")
}

#[test]
fn drift_reads_assignments_by_group_where_that_takes_fewer_calls() {
    let spread = Spread {
        accounts: 120,
        permission_sets: 4,
        groups: 12,
        accounts_of_group: 110,
    };
    assert!(spread.calls_by_group() < spread.pairs().len());
    let calls = spread.calls_of_drift();
    assert_eq!(calls["ListAccountAssignmentsForPrincipal"], spread.calls_by_group());
    assert!(!calls.contains_key("ListAccountAssignments"), "{calls:#?}");
}

#[test]
fn drift_reads_assignments_by_account_where_that_takes_fewer_calls() {
    let spread = Spread {
        accounts: 60,
        permission_sets: 3,
        groups: 90,
        accounts_of_group: 1,
    };
    assert!(spread.pairs().len() < spread.calls_by_group());
    let calls = spread.calls_of_drift();
    assert_eq!(calls["ListAccountAssignments"], spread.pairs().len());
    assert!(!calls.contains_key("ListAccountAssignmentsForPrincipal"), "{calls:#?}");
}

#[test]
fn a_user_sets_the_rate_of_requests_to_identity_center() {
    const VARIABLE: &str = "IDC_SETUP_REQUESTS_PER_SECOND";
    let mut env = applied();
    env.server.clear_calls();
    for value in ["0", "1001", "2.5", "many"] {
        env.set(VARIABLE, value);
        env.run(&["access", "plan"])
            .expect(2)
            .expect_text("IDC_SETUP_REQUESTS_PER_SECOND is not a whole number from 1 to 1000. Nothing was sent.");
    }
    assert_eq!(env.server.calls().len(), 0);
    env.set(VARIABLE, "10");
    let start = Instant::now();
    env.run(&["access", "plan"]).expect(0);
    let took = start.elapsed();
    let all = env.server.calls().into_iter();
    let limited = all.filter(|call| ["sso-admin", "identitystore"].contains(&call.service.as_str()));
    // The first ten are sent at once. Without the variable, a service on this machine has no limit.
    let waiting = limited.count().saturating_sub(10);
    let least = Duration::from_millis(100) * u32::try_from(waiting).unwrap();
    assert!(waiting >= 5 && took >= least, "{waiting} calls waited, {took:?}");
}
