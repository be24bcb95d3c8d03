//! The scenario `team`: a company with several accounts and people, to try the commands for a team.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp};
use serde_json::json;

use super::cloud::Cloud;
use super::model::{
    Account, Assignment, CustomerPolicy, Group, Membership, NewUser, OrganizationalUnit, PermissionSet, SignIn, Stamp,
    User,
};

/// An organizational unit, with the name of the one that contains it.
struct UnitRow {
    id: &'static str,
    name: &'static str,
    parent: &'static str,
}

/// A member account.
struct AccountRow {
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    /// The values of the tags `env` and `team`. An empty one is left out.
    env: &'static str,
    team: &'static str,
}

/// A user.
struct UserRow {
    name: &'static str,
    given_name: &'static str,
    family_name: &'static str,
}

/// A permission set, and who has it in which accounts.
struct AccessRow {
    permission_set: usize,
    principal: Principal,
    accounts: &'static [&'static str],
}

/// A user or a group, by its position in the lists.
#[derive(Clone, Copy)]
enum Principal {
    User(usize),
    Group(usize),
}

const MANAGEMENT: &str = "123456789012";

const WORKLOADS: &str = "ou-exam-workload";
const PROD: &str = "ou-exam-prod0000";
const EU: &str = "ou-exam-prodeu00";
const DEV: &str = "ou-exam-dev00000";
const SECURITY: &str = "ou-exam-security";
const SANDBOX: &str = "ou-exam-sandbox0";

const fn unit(id: &'static str, name: &'static str, parent: &'static str) -> UnitRow {
    UnitRow { id, name, parent }
}

const UNITS: [UnitRow; 6] = [
    unit(WORKLOADS, "Workloads", ""),
    unit(PROD, "Prod", WORKLOADS),
    unit(EU, "EU", PROD),
    unit(DEV, "Dev", WORKLOADS),
    unit(SECURITY, "Security", ""),
    unit(SANDBOX, "Sandbox", ""),
];

const fn account(
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    env: &'static str,
    team: &'static str,
) -> AccountRow {
    AccountRow {
        id,
        name,
        unit,
        env,
        team,
    }
}

/// Two of them have the same name, and one has characters that a profile name and a file name cannot have.
const ACCOUNTS: [AccountRow; 12] = [
    account("111122223333", "Dev 1", DEV, "dev", "web"),
    account("222233334444", "Dev 2", DEV, "dev", "data"),
    account("333344445555", "Prod 1", PROD, "prod", "web"),
    account("444455556666", "Prod 2", PROD, "prod", "data"),
    account("555566667777", "Prod EU", EU, "prod", "web"),
    account("666677778888", "Zürich (prod) / \"data\"", EU, "prod", "data"),
    account("777788889999", "Audit", SECURITY, "", "security"),
    account("888899990000", "Log archive", SECURITY, "", "security"),
    account("999900001111", "Sandbox", SANDBOX, "sandbox", "web"),
    account("101020203030", "Sandbox", SANDBOX, "sandbox", "data"),
    account(SUSPENDED, "Old shop", SANDBOX, "", ""),
    account("303040405050", "Shared services", WORKLOADS, "prod", ""),
];

const SUSPENDED: &str = "202030304040";

const fn user(name: &'static str, given_name: &'static str, family_name: &'static str) -> UserRow {
    UserRow {
        name,
        given_name,
        family_name,
    }
}

/// The users, oldest first. The simulated person signs in as the last one.
const USERS: [UserRow; 6] = [
    user("maria", "Maria", "Santos"),
    user("jonas", "Jonas", "Lindqvist"),
    user("priya", "Priya", "Raman"),
    user("tomas", "Tomáš", "Novák"),
    user("wei", "Wei", "Zhang"),
    user("Admin", "Alex", "Rivera"),
];
const WEI: usize = 4;

/// The groups, with the positions of their members.
const GROUPS: [(&str, &[usize]); 3] = [("Admins", &[5]), ("Engineers", &[0, 1, 2, 5]), ("Auditors", &[3, 5])];
const ADMINS: Principal = Principal::Group(0);
const ENGINEERS: Principal = Principal::Group(1);
const AUDITORS: Principal = Principal::Group(2);

/// The customer managed policy of the permission set `Backup`.
const BACKUP_POLICY: &str = "BackupOperator";

const ADMINISTRATOR: usize = 0;
const DEVELOPER: usize = 1;
const READ_ONLY: usize = 2;
const BACKUP: usize = 3;

const ACCESS: [AccessRow; 5] = [
    AccessRow {
        permission_set: ADMINISTRATOR,
        principal: ADMINS,
        accounts: &[MANAGEMENT, "111122223333", "333344445555", "444455556666"],
    },
    AccessRow {
        permission_set: DEVELOPER,
        principal: ENGINEERS,
        accounts: &["111122223333", "222233334444", "999900001111", "101020203030"],
    },
    AccessRow {
        permission_set: READ_ONLY,
        principal: ENGINEERS,
        accounts: &["333344445555", "444455556666", "555566667777", "666677778888"],
    },
    AccessRow {
        permission_set: READ_ONLY,
        principal: AUDITORS,
        accounts: &[MANAGEMENT, "777788889999", "888899990000"],
    },
    AccessRow {
        permission_set: BACKUP,
        principal: Principal::User(WEI),
        accounts: &["333344445555", "303040405050"],
    },
];

/// Adds accounts, users, groups, permission sets and assignments to an organization with Identity Center.
pub fn populate(cloud: &mut Cloud, created_at: Timestamp) {
    add_accounts(cloud);
    add_people(cloud, created_at);
    cloud.permission_sets = permission_sets(created_at);
    let assignments = ACCESS.iter().flat_map(|row| {
        let (principal_type, principal) = match row.principal {
            Principal::User(index) => ("USER", user_id(index)),
            Principal::Group(index) => ("GROUP", group_id(index)),
        };
        row.accounts.iter().map(move |account| Assignment {
            account: (*account).to_owned(),
            permission_set: set_arn(row.permission_set),
            principal_type: principal_type.to_owned(),
            principal: principal.clone(),
        })
    });
    for assignment in assignments {
        // It fails only if a policy or a principal is missing, which a test excludes.
        let _ = cloud.provision(&assignment);
        cloud.assignments.push(assignment);
    }
}

fn add_accounts(cloud: &mut Cloud) {
    for row in &ACCOUNTS {
        let new = Account::new(row.id, row.name, format!("aws-{}@example.com", row.id));
        cloud.accounts.push(Account {
            is_suspended: row.id == SUSPENDED,
            parent: row.unit.to_owned(),
            policies: vec![backup_policy()],
            ..new
        });
    }
    let Some(organization) = &mut cloud.organization else {
        return;
    };
    organization.units.extend(UNITS.iter().map(|row| OrganizationalUnit {
        id: row.id.to_owned(),
        name: row.name.to_owned(),
        parent: row.parent.to_owned(),
    }));
    for row in &ACCOUNTS {
        let tags = [("env", row.env), ("team", row.team)];
        let tags = tags.into_iter().filter(|(_, value)| !value.is_empty());
        let tags: BTreeMap<String, String> = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        if !tags.is_empty() {
            organization.tags.insert(row.id.to_owned(), tags);
        }
    }
}

fn add_people(cloud: &mut Cloud, created_at: Timestamp) {
    let by = cloud.root().arn;
    let Some(instance) = cloud.instances.first_mut() else {
        return;
    };
    let mut at = created_at;
    for (index, row) in USERS.iter().enumerate() {
        at = at.saturating_add(Span::new().minutes(1)).unwrap_or(created_at);
        let user = NewUser {
            name: row.name.to_owned(),
            email: format!("{}@example.com", row.name.to_lowercase()),
            given_name: row.given_name.to_owned(),
            family_name: row.family_name.to_owned(),
            display_name: format!("{} {}", row.given_name, row.family_name),
        };
        instance.store.users.insert(
            user_id(index),
            User {
                attributes: user.attributes(),
                created: Stamp { at, by: by.clone() },
                activated: true,
                sign_in: SignIn::default(),
            },
        );
    }
    let created = Stamp { at: created_at, by };
    for (index, (name, members)) in GROUPS.iter().enumerate() {
        instance.store.groups.insert(
            group_id(index),
            Group {
                display_name: (*name).to_owned(),
                description: None,
                created: created.clone(),
                external_ids: Vec::new(),
            },
        );
        for member in *members {
            instance.store.memberships.insert(
                format!("9067aabbcc-cccccccc-{index:04x}-4ccc-8ccc-{member:012x}"),
                Membership {
                    group: group_id(index),
                    user: user_id(*member),
                    created: created.clone(),
                },
            );
        }
    }
}

/// The permission sets, in the order of their positions.
fn permission_sets(created_at: Timestamp) -> Vec<PermissionSet> {
    let new = |index: usize, name: &str, description: &str, duration: &str| PermissionSet {
        description: Some(description.to_owned()),
        session_duration: duration.to_owned(),
        ..PermissionSet::administrator(set_arn(index), name.to_owned(), created_at)
    };
    let managed = |name: &str| vec![format!("arn:aws:iam::aws:policy/{name}")];
    let no_users = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": ["iam:CreateUser", "iam:CreateAccessKey"], "Resource": "*"},
    ]});
    vec![
        new(ADMINISTRATOR, "AdministratorAccess", "Everything", "PT1H"),
        PermissionSet {
            managed_policies: managed("PowerUserAccess"),
            inline_policy: Some(no_users.to_string()),
            ..new(DEVELOPER, "DeveloperAccess", "Builds and deploys", "PT8H")
        },
        PermissionSet {
            managed_policies: managed("ReadOnlyAccess"),
            ..new(READ_ONLY, "ReadOnly", "Only looks", "PT8H")
        },
        PermissionSet {
            managed_policies: Vec::new(),
            customer_policies: vec![backup_policy()],
            ..new(BACKUP, "Backup", "Makes and restores backups", "PT2H")
        },
    ]
}

fn backup_policy() -> CustomerPolicy {
    CustomerPolicy {
        name: BACKUP_POLICY.to_owned(),
        path: "/".to_owned(),
    }
}

fn user_id(index: usize) -> String {
    format!("9067aabbcc-aaaaaaaa-{index:04x}-4aaa-8aaa-aaaaaaaaaaaa")
}

fn group_id(index: usize) -> String {
    format!("9067aabbcc-bbbbbbbb-{index:04x}-4bbb-8bbb-bbbbbbbbbbbb")
}

fn set_arn(index: usize) -> String {
    format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-7223aaaabbbb{index:04x}")
}

#[cfg(test)]
mod tests {
    use super::super::person;
    use super::super::scenarios::named;
    use super::*;

    #[test]
    fn the_person_who_signs_in_has_several_roles_in_several_accounts() {
        let mut cloud = named("team").unwrap();
        let instance = cloud.instances[0].arn.clone();
        let user = person::sign_in(&mut cloud, &instance).unwrap();
        assert_eq!(cloud.instances[0].store.users[&user].name(), "Admin");
        let access = cloud.access_of(&instance, &user);
        let of = |id: &str| access.iter().filter(|(account, ..)| account.id == id).count();
        assert_eq!(of("111122223333"), 2);
        assert_eq!(access.len(), 15);
    }

    #[test]
    fn every_assignment_is_provisioned_and_every_id_is_the_same_each_time() {
        let cloud = named("team").unwrap();
        assert_eq!((cloud.assignments.len(), cloud.roles.len()), (17, 17));
        assert_eq!((cloud.account.id.as_str(), cloud.accounts.len()), (MANAGEMENT, 13));
        let other = named("team").unwrap();
        let ids = |cloud: &Cloud| cloud.roles.iter().map(|role| role.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&cloud), ids(&other));
    }
}
