//! An organization, and an access file whose permission sets have every kind of setting.

use std::fmt::Write as _;

use idc_sim::{Account, Cloud, CustomerPolicy, scenarios};

use super::TestEnv;
use super::team::write;

/// The permission sets. [`MORE`] marks where settings of the first one can be added.
const PERMISSION_SETS: &str = r#"
[[permission-set]]
name = "Admin"
session-duration = "4h"
managed-policies = ["AdministratorAccess", "ReadOnlyAccess"]
# More.

[[permission-set]]
name = "Deploy"
description = "Deployments"
relay-state = "https://console.aws.amazon.com/ecs"
customer-managed-policies = ["Deploy", "team/a/Logs"]

[permission-set.inline-policy]
Version = "2012-10-17"
Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }]

[[permission-set]]
name = "Audit"
managed-policies = ["ReadOnlyAccess"]
permissions-boundary = "job-function/Billing"
tags = { team = "audit", cost = "1" }
"#;

/// The line of the file after which settings of the permission set `Admin` can be added.
pub const MORE: &str = "# More.";

/// An organization with Identity Center and this many accounts besides the management account.
pub fn organization(accounts: usize) -> Cloud {
    let mut cloud = scenarios::named("enabled").unwrap();
    for n in 0..accounts {
        let email = format!("account-{n}@example.com");
        cloud
            .accounts
            .push(Account::new(account(n), format!("Account {n}"), email));
    }
    // The customer managed policies that the permission sets refer to.
    for account in &mut cloud.accounts {
        account.policies = [("Deploy", "/"), ("Logs", "/team/a/"), ("Own", "/a/"), ("Limit", "/")]
            .map(|(name, path)| CustomerPolicy {
                name: name.to_owned(),
                path: path.to_owned(),
            })
            .to_vec();
    }
    cloud
}

fn account(n: usize) -> String {
    format!("{:012}", 200_000_000_000 + n)
}

/// A list of texts.
fn list(texts: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = texts.map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// An access file with users, of whom each is in two groups, and three permission sets. The groups have the first one in all
/// accounts, the second one in the first account, and the third one in the last account.
pub fn file(users: usize, groups: usize, accounts: usize) -> String {
    let mut text = "format = 1\nname = \"many\"\n".to_owned();
    for n in 0..users {
        writeln!(
            text,
            "\n[[user]]\nname = \"user-{n}\"\nemail = \"user-{n}@example.com\"\ngiven-name = \"Given\"\n\
             family-name = \"{n}\""
        )
        .unwrap();
    }
    for group in 0..groups {
        let members = (0..users).filter(|n| [n % groups, (n + 1) % groups].contains(&group));
        let members = list(members.map(|n| format!("user-{n}")));
        writeln!(text, "\n[[group]]\nname = \"Group {group}\"\nmembers = {members}").unwrap();
    }
    text.push_str(PERMISSION_SETS);
    let principals = list((0..groups).map(|n| format!("group:Group {n}")));
    for (set, accounts) in [
        ("Admin", 0..accounts),
        ("Deploy", 0..1),
        ("Audit", accounts - 1..accounts),
    ] {
        let accounts = list(accounts.map(account));
        writeln!(
            text,
            "\n[[assignment]]\nprincipals = {principals}\npermission-sets = [\"{set}\"]\naccounts = {accounts}"
        )
        .unwrap();
    }
    text
}

/// The number of users, groups, memberships, permission sets and assignments that [`file`] asks for.
pub fn counts(users: usize, groups: usize, accounts: usize) -> [usize; 5] {
    [users, groups, users * groups.min(2), 3, groups * (accounts + 2)]
}

/// The organization after the access file was applied.
pub fn applied(users: usize, groups: usize, accounts: usize) -> TestEnv {
    let env = TestEnv::with(organization(accounts));
    write(&env, &file(users, groups, accounts));
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), counts(users, groups, accounts));
    env
}
