//! Random access files, applied by the program: afterwards, nothing is left to do; and taking out an assignment takes exactly
//! its access away. The properties of plans themselves are tested in `src/access/plan/tests/properties.rs`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use idc_sim::Cloud;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::support::TestEnv;
use super::support::team::{DEV, PROD, organization, write};

const USERS: [&str; 2] = ["ada", "bob"];
const GROUPS: [&str; 2] = ["dev", "ops"];
const PRINCIPALS: [&str; 4] = ["user:ada", "user:bob", "group:dev", "group:ops"];
const PERMISSION_SETS: [&str; 2] = ["Admin", "Read"];
const POLICIES: [&str; 3] = ["AdministratorAccess", "ReadOnlyAccess", "job-function/Billing"];
const ACCOUNTS: [&str; 3] = [PROD[0], PROD[1], DEV];

const APPLY: [&str; 4] = ["access", "apply", "--prune", "--max-deletes=100"];
const PLAN: [&str; 4] = ["access", "plan", "--prune", "--max-deletes=100"];

/// An `[[assignment]]`.
#[derive(Debug, Clone)]
struct Grant {
    principals: Vec<&'static str>,
    permission_sets: Vec<&'static str>,
    accounts: Vec<&'static str>,
}

/// An access file.
#[derive(Debug, Clone)]
struct File {
    members: Vec<Vec<&'static str>>,
    policies: Vec<Vec<&'static str>>,
    grants: Vec<Grant>,
}

/// A principal with a permission set in an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Access {
    principal: String,
    permission_set: String,
    account: String,
}

impl Grant {
    fn access(&self) -> BTreeSet<Access> {
        let mut all = BTreeSet::new();
        for principal in &self.principals {
            for permission_set in &self.permission_sets {
                all.extend(self.accounts.iter().map(|account| Access {
                    principal: (*principal).to_owned(),
                    permission_set: (*permission_set).to_owned(),
                    account: (*account).to_owned(),
                }));
            }
        }
        all
    }
}

impl File {
    fn access(&self) -> BTreeSet<Access> {
        self.grants.iter().flat_map(Grant::access).collect()
    }

    fn text(&self) -> String {
        let mut text = "format = 1\nname = \"random\"\n".to_owned();
        for user in USERS {
            writeln!(
                text,
                "[[user]]\nname = \"{user}\"\nemail = \"{user}@example.com\"\ngiven-name = \"{user}\"\nfamily-name = \"X\""
            )
            .unwrap();
        }
        for (group, members) in GROUPS.iter().zip(&self.members) {
            writeln!(
                text,
                "[[group]]\nname = \"{group}\"\nmembers = {members:?}\nmembership = \"exactly\""
            )
            .unwrap();
        }
        for (set, policies) in PERMISSION_SETS.iter().zip(&self.policies) {
            writeln!(
                text,
                "[[permission-set]]\nname = \"{set}\"\nmanaged-policies = {policies:?}"
            )
            .unwrap();
        }
        for grant in &self.grants {
            writeln!(
                text,
                "[[assignment]]\nprincipals = {:?}\npermission-sets = {:?}\naccounts = {:?}",
                grant.principals, grant.permission_sets, grant.accounts
            )
            .unwrap();
        }
        text
    }
}

/// All access in the organization.
fn access_in(cloud: &Cloud) -> BTreeSet<Access> {
    let store = &cloud.instances[0].store;
    let name_of = |principal: &String| match store.users.get(principal) {
        Some(user) => format!("user:{}", user.name()),
        None => format!("group:{}", store.groups[principal].display_name),
    };
    let set_of = |arn: &str| {
        let set = cloud.permission_sets.iter().find(|set| set.arn == arn);
        set.unwrap().name.clone()
    };
    let all = cloud.assignments.iter().map(|assignment| Access {
        principal: name_of(&assignment.principal),
        permission_set: set_of(&assignment.permission_set),
        account: assignment.account.clone(),
    });
    all.collect()
}

fn grant() -> impl Strategy<Value = Grant> {
    let parts = (
        subsequence(PRINCIPALS.to_vec(), 1..=2),
        subsequence(PERMISSION_SETS.to_vec(), 1..=2),
        subsequence(ACCOUNTS.to_vec(), 1..=3),
    );
    parts.prop_map(|(principals, permission_sets, accounts)| Grant {
        principals,
        permission_sets,
        accounts,
    })
}

fn file() -> impl Strategy<Value = File> {
    let parts = (
        prop::collection::vec(subsequence(USERS.to_vec(), 0..=2), GROUPS.len()),
        prop::collection::vec(subsequence(POLICIES.to_vec(), 1..=3), PERMISSION_SETS.len()),
        prop::collection::vec(grant(), 1..=4),
    );
    parts.prop_map(|(members, policies, grants)| File {
        members,
        policies,
        grants,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 30, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn an_applied_file_leaves_nothing_to_do_and_without_an_assignment_exactly_its_access_is_gone(
        file in file(),
        taken_out in any::<Index>(),
    ) {
        let mut cloud = organization();
        cloud.timing.provisioning = Duration::from_millis(10);
        let env = TestEnv::with(cloud);
        write(&env, &file.text());
        env.json(&APPLY).expect(0);
        env.json(&PLAN).expect(0);
        let before = access_in(&env.server.cloud());
        prop_assert_eq!(&before, &file.access());

        let mut fewer = file.clone();
        let grant = fewer.grants.remove(taken_out.index(fewer.grants.len()));
        write(&env, &fewer.text());
        env.json(&APPLY).expect(0);
        env.json(&PLAN).expect(0);
        // What another assignment gives too stays.
        let gone: BTreeSet<Access> = grant.access().difference(&fewer.access()).cloned().collect();
        let left: BTreeSet<Access> = before.difference(&gone).cloned().collect();
        prop_assert_eq!(access_in(&env.server.cloud()), left);
    }
}
