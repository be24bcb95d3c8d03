//! An organization with a team, and its access file.

use std::collections::BTreeMap;

use idc_sim::{Account, Cloud, ExternalId, Group, OrganizationalUnit, SignIn, Stamp, User, scenarios};
use serde_json::json;

use super::TestEnv;

/// The accounts in `Workloads/Prod`.
pub const PROD: [&str; 2] = ["111111111111", "222222222222"];
/// The account in `Workloads/Dev`, with the tag `env=dev`.
pub const DEV: &str = "333333333333";

/// The access file of the team: two users in one group, two permission sets, three assignments.
pub const FILE: &str = r#"# Access of the team.
format = 1
name = "acme"

[account-sets]
prod = { accounts = ["ou:Workloads/Prod/**"] }

[[user]]
name = "ada"
email = "ada@example.com"
given-name = "Ada"
family-name = "Lovelace"

[[user]]
name = "bob"
email = "bob@example.com"
given-name = "Bob"
family-name = "Byron"

[[group]]
name = "platform"
members = ["ada", "bob"]
membership = "exactly"

[[permission-set]]
name = "Admin"
session-duration = "8h"
managed-policies = ["AdministratorAccess"]

[[permission-set]]
name = "Read"
managed-policies = ["ReadOnlyAccess"]

[[assignment]]
principals = ["group:platform"]
permission-sets = ["Admin"]
accounts = ["@prod"]

[[assignment]]
principals = ["user:ada"]
permission-sets = ["Read"]
accounts = ["name:Dev *"]
reason = "TICKET-1"
"#;

/// The users of [`FILE`], ada and bob, for other access files.
pub fn users() -> &'static str {
    let (first, end) = (FILE.find("[[user]]").unwrap(), FILE.find("[[group]]").unwrap());
    &FILE[first..end]
}

/// The number of users, groups, memberships, permission sets and assignments that [`FILE`] asks for.
pub const COUNTS: [usize; 5] = [2, 1, 2, 2, 3];

/// An account in an organizational unit.
pub fn account(id: &str, name: &str, unit: &str) -> Account {
    Account {
        parent: unit.to_owned(),
        ..Account::new(id, name, format!("account-{id}@example.com"))
    }
}

/// An organization with Identity Center, three organizational units and three member accounts.
pub fn organization() -> Cloud {
    let mut cloud = scenarios::named("enabled").unwrap();
    let organization = cloud.organization.as_mut().unwrap();
    for (id, name, parent) in [
        ("ou-exam-workload", "Workloads", ""),
        ("ou-exam-prod0000", "Prod", "ou-exam-workload"),
        ("ou-exam-dev00000", "Dev", "ou-exam-workload"),
    ] {
        organization.units.push(OrganizationalUnit {
            id: id.to_owned(),
            name: name.to_owned(),
            parent: parent.to_owned(),
        });
    }
    let tags = BTreeMap::from([("env".to_owned(), "dev".to_owned())]);
    organization.tags.insert(DEV.to_owned(), tags);
    cloud.accounts.push(account(PROD[0], "Prod 1", "ou-exam-prod0000"));
    cloud.accounts.push(account(PROD[1], "Prod 2", "ou-exam-prod0000"));
    cloud.accounts.push(account(DEV, "Dev 1", "ou-exam-dev00000"));
    cloud
}

/// A call that an apply makes after it has read which users, groups and permission sets exist.
pub const AFTER_NAMES: &str = "ListAccountsForProvisionedPermissionSet";
/// The ID of [`other_user`].
pub const OTHER_USER: &str = "a3e4c812-7071-70aa-9d3e-0123456789ab";
/// The ID of [`other_group`].
pub const OTHER_GROUP: &str = "b3e4c812-7071-70aa-9d3e-0123456789ab";

/// A user with attributes of their own, as somebody else creates it.
pub fn other_user(name: &str) -> User {
    let attributes = json!({
        "UserName": name,
        "Name": { "GivenName": "Other", "FamilyName": "Person" },
        "DisplayName": "Other Person",
        "Emails": [{ "Value": "other@example.com", "Type": "work", "Primary": true }],
    });
    User {
        attributes: attributes.as_object().unwrap().clone(),
        created: now(),
        activated: false,
        sign_in: SignIn::default(),
    }
}

/// A group with a description of its own, as somebody else creates it.
pub fn other_group(name: &str, external_ids: Vec<ExternalId>) -> Group {
    Group {
        display_name: name.to_owned(),
        description: Some("Mine".to_owned()),
        created: now(),
        external_ids,
    }
}

fn now() -> Stamp {
    Stamp {
        at: jiff::Timestamp::now(),
        by: String::new(),
    }
}

/// The organization, with the access file of the team in the current folder.
pub fn team() -> TestEnv {
    let env = TestEnv::with(organization());
    write(&env, FILE);
    env
}

/// The organization after the access file was applied.
pub fn applied() -> TestEnv {
    let env = team();
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), COUNTS);
    env
}

/// Writes the access file.
pub fn write(env: &TestEnv, text: &str) {
    std::fs::write(env.path("access.toml"), text).unwrap();
}

/// Replaces text in the access file, where it must occur.
pub fn edit(env: &TestEnv, before: &str, after: &str) {
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    assert!(text.contains(before), "{before:?} is not in:\n{text}");
    write(env, &text.replace(before, after));
}
