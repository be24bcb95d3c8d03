//! What users of other tools complain about, each a test with the complaint as its name: it must not happen here.

use std::collections::BTreeSet;
use std::time::Duration;

use idc_sim::{Assignment, FaultKind, Group, OrganizationalUnit, PermissionSet, Stamp};
use serde_json::Value;

use super::support::team::{self, COUNTS, DEV, PROD, account, applied, edit, organization, team};
use super::support::{TestEnv, is_mutating};

fn mutating(env: &TestEnv) -> Vec<String> {
    let calls = env.server.calls().into_iter().filter(is_mutating);
    calls.map(|call| call.operation).collect()
}

/// The accounts in which a permission set is assigned.
fn accounts_of(env: &TestEnv, name: &str) -> BTreeSet<String> {
    let cloud = env.server.cloud();
    let set = cloud.permission_sets.iter().find(|set| set.name == name).unwrap();
    let assignments = cloud.assignments.iter().filter(|one| one.permission_set == set.arn);
    assignments.map(|one| one.account.clone()).collect()
}

/// The ARN of a permission set of somebody else.
fn arn_of_other(n: u32) -> String {
    format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{n:016x}")
}

fn changes(env: &TestEnv, args: &[&str], code: i32) -> Vec<Value> {
    let envelope = env.json(args).expect(code).envelope();
    envelope["plan"]["changes"].as_array().unwrap().clone()
}

/// A lookup of a group fails at plan time because the same change creates it.
#[test]
fn a_new_group_is_not_found_at_plan_time() {
    let env = team();
    let planned = changes(&env, &["access", "plan"], 3);
    let of_group = planned.iter().filter(|change| change["group"] == "platform");
    let kinds: BTreeSet<&str> = of_group.map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["add_member", "create_assignment", "create_group"])
    );
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), COUNTS);
}

/// Assignments are identified by their place in a list.
#[test]
fn assignments_are_destroyed_and_recreated_after_a_reorder() {
    let env = applied();
    let (head, assignments) = team::FILE.split_once("[[assignment]]").unwrap();
    let (first, second) = assignments.split_once("[[assignment]]").unwrap();
    let reordered = head.replace("[\"ada\", \"bob\"]", "[\"bob\", \"ada\"]");
    team::write(
        &env,
        &format!("{reordered}[[assignment]]{second}\n[[assignment]]{first}"),
    );
    let before = mutating(&env).len();
    assert_eq!(changes(&env, &["access", "plan", "--prune"], 0), [Value::Null; 0]);
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(mutating(&env).len(), before);
}

/// What is taken out of a list is forgotten, and stays in AWS.
#[test]
fn a_principal_removed_from_the_list_keeps_access() {
    let env = applied();
    edit(&env, "principals = [\"group:platform\"]", "principals = [\"user:bob\"]");
    // It is named even before it is deleted.
    let planned = env.json(&["access", "plan"]).expect(3).envelope();
    assert_eq!(planned["plan"]["unpruned"].as_array().unwrap().len(), 2, "{planned:#}");
    env.json(&["access", "apply", "--prune"]).expect(0);
    let cloud = env.server.cloud();
    let groups = cloud.assignments.iter().filter(|one| one.principal_type == "GROUP");
    assert_eq!(groups.count(), 0);
    assert_eq!(cloud.assignments.len(), 3);
}

/// Only the accounts directly in an organizational unit get access.
#[test]
fn organizational_units_are_not_recursive() {
    let below = "444444444444";
    for (selector, expected) in [
        ("ou:Workloads/**", &[PROD[0], PROD[1], DEV, below][..]),
        ("ou:Workloads/Prod/**", &[PROD[0], PROD[1], below]),
        // Direct children only, where that is what the file says.
        ("ou:Workloads/Prod", &PROD),
    ] {
        let mut cloud = organization();
        cloud.organization.as_mut().unwrap().units.push(OrganizationalUnit {
            id: "ou-exam-pci00000".to_owned(),
            name: "PCI".to_owned(),
            parent: "ou-exam-prod0000".to_owned(),
        });
        cloud.accounts.push(account(below, "Prod PCI", "ou-exam-pci00000"));
        let env = TestEnv::with(cloud);
        team::write(&env, &team::FILE.replace("ou:Workloads/Prod/**", selector));
        env.json(&["access", "apply"]).expect(0);
        let expected: BTreeSet<String> = expected.iter().map(|&account| account.to_owned()).collect();
        assert_eq!(accounts_of(&env, "Admin"), expected, "{selector}");
    }
}

/// Accounts are resolved once, when the rule is written.
#[test]
fn accounts_added_later_are_not_seen() {
    let env = applied();
    let new = account("555555555555", "Prod 3", "ou-exam-prod0000");
    env.server.cloud().accounts.push(new);
    let planned = changes(&env, &["access", "plan"], 3);
    assert_eq!(planned.len(), 1, "{planned:#?}");
    assert_eq!(planned[0]["account"], "555555555555");
    env.json(&["access", "apply"]).expect(0);
    assert!(accounts_of(&env, "Admin").contains("555555555555"));
}

/// One account that refuses an assignment ends the whole deployment.
#[test]
fn a_suspended_account_rolls_everything_back() {
    let mut cloud = organization();
    for account in cloud.accounts.iter_mut().filter(|account| account.id == PROD[1]) {
        account.is_suspended = true;
    }
    let env = TestEnv::with(cloud);
    team::write(&env, team::FILE);
    let result = env.run(&["access", "plan"]).expect(3);
    assert!(
        result.stdout.contains("Prod 2"),
        "the account is named: {}",
        result.stdout
    );
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(accounts_of(&env, "Admin"), BTreeSet::from([PROD[0].to_owned()]));
    assert_eq!(accounts_of(&env, "Read"), BTreeSet::from([DEV.to_owned()]));
}

/// Each run provisions every permission set in every account.
#[test]
fn everything_is_provisioned_again_on_each_run() {
    let env = applied();
    let provisioned = |env: &TestEnv| {
        let operations = mutating(env);
        operations
            .iter()
            .filter(|name| *name == "ProvisionPermissionSet")
            .count()
    };
    let before = provisioned(&env);
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(provisioned(&env), before);
    // A changed set is provisioned once, and the other one is not.
    edit(&env, "session-duration = \"8h\"", "session-duration = \"4h\"");
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(provisioned(&env), before + 1);
}

/// A misspelled group is a line in a log, and the pipeline is green.
#[test]
fn unknown_principals_are_only_logged() {
    let env = team();
    edit(
        &env,
        "principals = [\"group:platform\"]",
        "principals = [\"group:platfrom\"]",
    );
    let result = env.run(&["access", "apply"]).expect(2);
    assert!(result.stderr.contains("platfrom"), "{}", result.stderr);
    assert!(result.stderr.contains("platform"), "a suggestion: {}", result.stderr);
    assert_eq!(mutating(&env), [""; 0]);
}

/// The tool takes everything in the instance for its own.
#[test]
fn all_assignments_that_are_not_listed_are_deleted() {
    let env = applied();
    {
        let mut cloud = env.server.cloud();
        let arn = arn_of_other(0xaa);
        let created = cloud.instances[0].created;
        let user = cloud.instances[0].store.find_user_id("bob").unwrap();
        let foreign = PermissionSet::administrator(arn.clone(), "Foreign".to_owned(), created);
        cloud.permission_sets.push(foreign);
        cloud.assignments.push(Assignment {
            account: DEV.to_owned(),
            permission_set: arn,
            principal_type: "USER".to_owned(),
            principal: user,
        });
    }
    let (kept, _) = team::FILE.split_once("[[assignment]]").unwrap();
    team::write(&env, kept);
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(accounts_of(&env, "Foreign"), BTreeSet::from([DEV.to_owned()]));
    assert_eq!(env.counts()[4], 1);
    assert_eq!(env.counts()[3], 3);
}

/// The request was accepted, and that is called success.
#[test]
fn in_progress_is_reported_as_success() {
    let mut cloud = organization();
    cloud.timing.provisioning = Duration::from_millis(1500);
    let env = TestEnv::with(cloud);
    team::write(&env, team::FILE);
    let outcome = env.json(&["access", "apply"]).expect(0).envelope();
    // When it says that it is done, it is.
    assert_eq!(env.counts(), COUNTS);
    assert_eq!(outcome["outcome"]["done"], 10);
}

/// The 101st account does not exist.
#[test]
fn only_the_first_page_is_read() {
    let mut cloud = organization();
    cloud.timing.provisioning = Duration::from_millis(1);
    for n in 0..130 {
        let id = format!("{}", 500_000_000_000_u64 + n);
        cloud
            .accounts
            .push(account(&id, &format!("Prod {n}x"), "ou-exam-prod0000"));
    }
    // AWS lists them before those that the file creates.
    let created = cloud.instances[0].created;
    for n in 0..130 {
        let other = PermissionSet::administrator(arn_of_other(n), format!("Other{n}"), created);
        cloud.permission_sets.push(other);
    }
    let env = TestEnv::with(cloud);
    let users: Vec<String> = (0..130)
        .map(|n| {
            format!(
                "[[user]]\nname = \"user-{n}\"\nemail = \"user-{n}@example.com\"\ngiven-name = \"U\"\nfamily-name = \"{n}\"\n\n"
            )
        })
        .collect();
    let users = users.concat();
    let members: Vec<String> = (0..130).map(|n| format!("\"user-{n}\"")).collect();
    let group = format!(
        "[[group]]\nname = \"everybody\"\nmembership = \"exactly\"\nmembers = [{}]\n",
        members.join(", ")
    );
    let file = format!("{}\n{users}{group}", team::FILE);
    team::write(&env, &file);
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(env.counts(), [132, 2, 132, 132, 133]);
    let again = env.json(&["access", "plan", "--prune"]).expect(0).envelope();
    assert_eq!(again["plan"]["unchanged"], 132 + 2 + 132 + 2 + 133);
    // Groups, and assignments of one permission set in one account.
    add_groups_with_access(&env, "Read", DEV, 130);
    let groups: Vec<String> = (0..130).map(|n| format!("[[group]]\nname = \"team-{n}\"\n")).collect();
    let principals: Vec<String> = (0..130).map(|n| format!("\"group:team-{n}\"")).collect();
    let assignment = format!(
        "[[assignment]]\nprincipals = [{}]\npermission-sets = [\"Read\"]\naccounts = [\"{DEV}\"]\n",
        principals.join(", ")
    );
    team::write(&env, &format!("{file}{}{assignment}", groups.concat()));
    let again = env.json(&["access", "plan", "--prune"]).expect(0).envelope();
    assert_eq!(again["plan"]["unchanged"], 132 + 132 + 132 + 2 + 263);
}

/// Creates the groups `team-0`, `team-1` and so on, and assigns the permission set to each of them in the account.
fn add_groups_with_access(env: &TestEnv, permission_set: &str, account: &str, count: usize) {
    let mut cloud = env.server.cloud();
    let set = cloud.permission_sets.iter().find(|set| set.name == permission_set);
    let arn = set.unwrap().arn.clone();
    let created = Stamp {
        at: cloud.instances[0].created,
        by: cloud.root().arn,
    };
    for n in 0..count {
        let id = cloud.ids.principal_id();
        let group = Group {
            display_name: format!("team-{n}"),
            description: None,
            created: created.clone(),
            external_ids: Vec::new(),
        };
        cloud.instances[0].store.groups.insert(id.clone(), group);
        cloud.assignments.push(Assignment {
            account: account.to_owned(),
            permission_set: arn.clone(),
            principal_type: "GROUP".to_owned(),
            principal: id,
        });
    }
}

/// A source that answers with an empty list once empties the directory.
#[test]
fn all_users_are_deleted_and_recreated_by_a_bad_sync() {
    let env = applied();
    let ids = |env: &TestEnv| -> Vec<String> {
        let cloud = env.server.cloud();
        cloud.instances[0].store.users.keys().cloned().collect()
    };
    let before = ids(&env);
    team::write(&env, "format = 1\nname = \"acme\"\n");
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(ids(&env), before, "users are deleted only if the file says so by name");
    assert_eq!(env.counts(), [2, 1, 2, 0, 0], "what the file owns is deleted");
    // A rename changes the user in place, and keeps the password and MFA devices.
    team::write(&env, team::FILE);
    edit(
        &env,
        "name = \"bob\"\n",
        "name = \"robert\"\nprevious-names = [\"bob\"]\n",
    );
    edit(&env, "[\"ada\", \"bob\"]", "[\"ada\", \"robert\"]");
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(ids(&env), before);
}

/// AWS accepts the assignment, and later says that the account has no room for another role.
#[test]
fn a_failure_by_the_quota_of_1000_roles_is_reported_as_granted() {
    let env = team();
    let reason = "Cannot exceed quota for RolesPerAccount: 1000";
    // The second of three requests, and both times that it is made again.
    for nth in [2, 4, 5] {
        env.fault("CreateAccountAssignment", nth, FaultKind::FailLater(reason.to_owned()));
    }
    let outcome = env.json(&["access", "apply"]).expect(1).envelope();
    let failed = outcome["outcome"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{outcome:#}");
    assert!(failed[0]["message"].as_str().unwrap().contains(reason), "{failed:#?}");
    assert_eq!(env.counts()[4], 2);
    // The next plan says that it does not exist.
    let planned = changes(&env, &["access", "plan"], 3);
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0]["sentence"], failed[0]["change"]["sentence"]);
}

/// After a crash in the middle, nobody knows what was done.
#[test]
fn forty_of_seventy_two_are_done_and_the_rest_is_lost_after_a_crash() {
    let mut cloud = organization();
    cloud.timing.provisioning = Duration::from_millis(5);
    for n in 0..69 {
        let id = format!("{}", 500_000_000_000_u64 + n);
        cloud
            .accounts
            .push(account(&id, &format!("Prod {n}x"), "ou-exam-prod0000"));
    }
    let env = TestEnv::with(cloud);
    team::write(&env, team::FILE);
    env.kill_at(&["access", "apply"], "CreateAccountAssignment", 40, false);
    let after_the_crash = env.counts()[4];
    assert!(after_the_crash < 72, "{after_the_crash}");
    env.json(&["access", "apply"]).expect(0);
    // All of them, and none twice.
    assert_eq!(env.counts(), [2, 1, 2, 2, 72]);
    assert_eq!(accounts_of(&env, "Admin").len(), 71);
    env.json(&["access", "plan", "--prune"]).expect(0);
}
