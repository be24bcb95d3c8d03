//! What an apply of an access file never does, and what a failure holds back.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use idc_sim::{Assignment, ExternalId, FaultKind, Identity, PermissionSet, ServiceError, User};
use serde_json::Value;

use super::support::team::{
    AFTER_NAMES, DEV, FILE, OTHER_GROUP, OTHER_USER, PROD, account, applied, edit, organization, other_group,
    other_user, team, users, write,
};
use super::support::{RunResult, TestEnv};

/// Signs in as this user, through a permission set in the management account.
fn sign_in(env: &mut TestEnv, permission_set: &str, user: &str) {
    let identity = Identity {
        arn: format!("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_{permission_set}_0123456789abcdef/{user}"),
        account: "123456789012".to_owned(),
        user_id: format!("AROAEXAMPLE:{user}"),
        expires: None,
        denied: Vec::new(),
    };
    env.credentials = env.server.cloud().issue(identity);
}

fn reasons(envelope: &Value) -> Vec<&str> {
    let refusals = envelope["plan"]["refusals"].as_array().unwrap();
    refusals
        .iter()
        .filter_map(|refusal| refusal["reason"].as_str())
        .collect()
}

/// The administrators: ada and bob in a group that has access to the management account.
fn administrators() -> String {
    const REST: &str = r#"[[group]]
name = "Admins"
members = ["ada", "bob"]
membership = "exactly"
[[permission-set]]
name = "OrgAdmin"
managed-policies = ["AdministratorAccess"]
[[assignment]]
principals = ["group:Admins"]
permission-sets = ["OrgAdmin"]
accounts = ["management"]
"#;
    ["format = 1\nname = \"admins\"\n", users(), REST].concat()
}

/// Another file, which says nothing about the permission set of the administrators.
const OTHER_FILE: &str = "format = 1\nname = \"other\"\n[[group]]\nname = \"Admins\"\nmembers = [\"bob\"]\nmembership = \
                          \"exactly\"\n";

#[test]
fn your_own_access_stays_even_if_the_file_does_not_mention_it() {
    let mut env = TestEnv::with(organization());
    write(&env, &administrators());
    env.json(&["access", "apply"]).expect(0);
    sign_in(&mut env, "OrgAdmin", "ada");
    write(&env, OTHER_FILE);
    let planned = env.json(&["access", "plan", "--prune"]).expect(5).envelope();
    assert_eq!(reasons(&planned), ["own_access"], "{planned:#}");
    env.json(&["access", "apply", "--prune"]).expect(5);
    assert_eq!(env.counts()[2], 2, "both are still members");
    // A session can have another name than the user. Then nobody's access to this account may be the caller's.
    sign_in(&mut env, "OrgAdmin", "somebody");
    let planned = env.json(&["access", "plan", "--prune"]).expect(3).envelope();
    assert!(
        reasons(&planned).is_empty(),
        "bob keeps the group's access: {planned:#}"
    );
}

#[test]
fn what_is_protected_is_not_emptied_even_if_the_file_does_not_mention_it() {
    let env = TestEnv::with(organization());
    write(&env, &administrators());
    env.json(&["access", "apply"]).expect(0);
    write(
        &env,
        "format = 1\nname = \"other\"\n[guard]\nprotect = [\"group:Admins\"]\n[[user]]\nname = \"ada\"\nabsent = \
         true\n[[user]]\nname = \"bob\"\nabsent = true\n",
    );
    let planned = env.json(&["access", "plan", "--prune"]).expect(5).envelope();
    assert_eq!(reasons(&planned), ["protected"], "{planned:#}");
    env.json(&["access", "apply", "--prune"]).expect(5);
    assert_eq!(env.counts()[2], 2);
}

/// A file that says only that ada must not exist.
const WITHOUT_ADA: &str = "format = 1\nname = \"other\"\n[[user]]\nname = \"ada\"\nabsent = true\n";

#[test]
fn a_deleted_user_leaves_no_assignment_of_a_permission_set_that_the_file_does_not_name() {
    let env = applied();
    write(&env, WITHOUT_ADA);
    let planned = env.json(&["access", "plan", "--prune"]).expect(3).envelope();
    let kinds: Vec<&str> = planned["plan"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|change| change["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["delete_assignment", "delete_user"], "{planned:#}");
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(env.counts(), [1, 1, 1, 2, 2]);
}

#[test]
fn drift_notes_what_is_assigned_to_somebody_who_no_longer_exists_and_is_not_owned() {
    let env = applied();
    write(&env, WITHOUT_ADA);
    let is_ada = |user: &User| user.attributes["UserName"] == "ada";
    env.server.cloud().instances[0]
        .store
        .users
        .retain(|_, user| !is_ada(user));
    env.run(&["access", "drift", "--thorough"])
        .expect(0)
        .expect_text("Read is assigned in Dev 1 (333333333333) to a user that no longer exists");
    let envelope = env.json(&["access", "drift", "--thorough"]).expect(0).envelope();
    assert_eq!(envelope["notes"][0]["kind"], "orphaned", "{envelope:#}");
}

#[test]
fn a_protected_group_keeps_its_access() {
    let env = applied();
    edit(
        &env,
        "[account-sets]",
        "[guard]\nprotect = [\"group:platform\"]\n\n[account-sets]",
    );
    edit(&env, "principals = [\"group:platform\"]", "principals = [\"user:ada\"]");
    let planned = env.json(&["access", "plan", "--prune"]).expect(5).envelope();
    assert_eq!(reasons(&planned), ["protected"], "{planned:#}");
    let before = env.counts();
    env.json(&["access", "apply", "--prune"]).expect(5);
    // Two are created, and none is deleted.
    assert_eq!(env.counts()[4], before[4] + 2);
}

#[test]
fn a_suspended_account_does_not_keep_a_permission_set_from_being_changed() {
    let env = applied();
    let suspended = PROD[1];
    {
        let mut cloud = env.server.cloud();
        let mut accounts = cloud.accounts.iter_mut();
        accounts.find(|account| account.id == suspended).unwrap().is_suspended = true;
    }
    edit(&env, "session-duration = \"8h\"", "session-duration = \"4h\"");
    env.json(&["access", "apply"]).expect(0);
    // The role in the suspended account cannot be changed, and is not planned forever.
    env.json(&["access", "plan"]).expect(0);
    let calls = env.server.calls();
    assert!(calls.iter().any(|call| call.operation == "ProvisionPermissionSet"));
}

/// An organization in which the permission set Admin is to be provisioned in 21 accounts one by one, because one more account
/// that has it is suspended. AWS takes this long for each.
fn to_provision(provisioning: Duration) -> TestEnv {
    let mut cloud = organization();
    for number in 1..=20 {
        let id = format!("4444444444{number:02}");
        cloud
            .accounts
            .push(account(&id, &format!("Prod {id}"), "ou-exam-prod0000"));
    }
    let env = TestEnv::with(cloud);
    write(&env, FILE);
    env.json(&["access", "apply"]).expect(0);
    {
        let mut cloud = env.server.cloud();
        cloud.timing.provisioning = provisioning;
        for account in &mut cloud.accounts {
            account.is_suspended |= account.id == PROD[1];
        }
    }
    edit(&env, "session-duration = \"8h\"", "session-duration = \"4h\"");
    env
}

#[test]
fn accounts_are_provisioned_at_the_same_time_and_hold_back_only_their_own_assignments() {
    let env = to_provision(Duration::from_secs(2));
    let before = env.server.cloud().operations.len();
    edit(
        &env,
        "principals = [\"user:ada\"]",
        "principals = [\"user:ada\", \"user:bob\"]",
    );
    env.json(&["access", "apply"]).expect(0);

    let cloud = env.server.cloud();
    // The subject of a provisioning request has no principal.
    let (provisioned, assigned): (Vec<_>, Vec<_>) = cloud.operations[before..]
        .iter()
        .partition(|operation| operation.subject.principal.is_empty());
    assert_eq!((provisioned.len(), assigned.len()), (21, 1));
    let at_once = provisioned.iter().map(|one| {
        let others = provisioned.iter();
        others
            .filter(|other| other.created <= one.created && one.created < other.due)
            .count()
    });
    let at_once = at_once.max().unwrap();
    assert!((5..=10).contains(&at_once), "{at_once} at the same time");
    let last = provisioned.iter().map(|operation| operation.due).max().unwrap();
    assert!(
        assigned[0].created < last,
        "bob waits for accounts that he has no access to"
    );
}

#[test]
fn a_stop_leaves_the_accounts_that_are_not_requested_to_the_next_apply() {
    let env = to_provision(Duration::from_secs(3));
    let before = env.server.cloud().operations.len();
    let requested = || env.server.cloud().operations.len() - before;
    let child = env
        .command(&["access", "apply", "--output=json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while requested() == 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing is provisioned");
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let result = RunResult::new(child.wait_with_output().unwrap()).expect(130).envelope();
    assert!(requested() <= 10, "{} of 21 accounts", requested());
    let outcome = &result["outcome"];
    assert_eq!(outcome["stopped"], true, "{outcome:#}");
    assert_eq!(outcome["not_begun"].as_array().unwrap().len(), 1, "{outcome:#}");
    assert!(outcome["failed"].as_array().unwrap().is_empty(), "{outcome:#}");

    env.server.cloud().timing.provisioning = Duration::from_millis(150);
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(requested(), 21, "no account twice");
    env.json(&["access", "plan"]).expect(0);
}

#[test]
fn accounts_that_are_not_provisioned_are_named_with_the_reasons() {
    let env = to_provision(Duration::from_millis(150));
    let protected = || FaultKind::FailLater("The role is protected.".to_owned());
    env.fault("ProvisionPermissionSet", 1, protected());
    env.fault("ProvisionPermissionSet", 2, protected());
    let refused = ServiceError::new("ValidationException", "The account refuses it.");
    env.fault("ProvisionPermissionSet", 3, FaultKind::Refuse(refused));
    let result = env.json(&["access", "apply"]).expect(1).envelope();
    let failed = result["outcome"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{result:#}");
    let message = failed[0]["message"].as_str().unwrap();
    assert!(message.starts_with("Access: in 2 accounts, Prod "), "{message}");
    for part in [
        ": provisioning failed: The role is protected; in 1 account, Prod ",
        ": sso:ProvisionPermissionSet returned ValidationException: The account refuses it.",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }

    // Expired credentials end the apply, whatever else fails.
    env.fault("ProvisionPermissionSet", 1, protected());
    let expired = ServiceError::new(
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    env.fault("ProvisionPermissionSet", 2, FaultKind::Refuse(expired));
    env.json(&["access", "apply"]).expect(4);
    env.json(&["access", "apply"]).expect(0);
    env.json(&["access", "plan"]).expect(0);
}

#[test]
fn assignments_in_a_suspended_account_are_noted_and_no_drift() {
    let env = applied();
    for account in &mut env.server.cloud().accounts {
        account.is_suspended |= account.id == PROD[1];
    }
    let note = "The account Prod 2 (222222222222) is SUSPENDED and was skipped; 1 assignment stays there.";
    env.run(&["access", "plan", "--prune"]).expect(0).expect_text(note);
    env.run(&["access", "drift"])
        .expect(0)
        .expect_text("No drift")
        .expect_text(note);
}

#[test]
fn an_expired_assignment_that_the_file_does_not_own_is_named_until_it_is_absent() {
    let env = team();
    edit(&env, "name = \"Read\"", "name = \"Read\"\nassignments = \"at-least\"");
    env.json(&["access", "apply"]).expect(0);
    let count = env.counts()[4];
    edit(&env, "reason = \"TICKET-1\"", "until = 2020-01-31");
    let planned = env.json(&["access", "plan", "--prune"]).expect(5).envelope();
    assert_eq!(reasons(&planned), ["expired"], "{planned:#}");
    let drift = env.json(&["access", "drift"]).expect(5).envelope();
    assert_eq!(drift["drift"][0]["user"], "ada", "{drift:#}");
    assert_eq!(drift["drift"].as_array().unwrap().len(), 1, "{drift:#}");
    env.run(&["access", "drift"])
        .expect(5)
        .expect_text("Write absent = true in place of until");
    assert_eq!(env.counts()[4], count);

    edit(&env, "until = 2020-01-31", "absent = true");
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(env.counts()[4], count - 1);
    env.json(&["access", "drift"]).expect(0);
}

#[test]
fn accounts_that_are_ignored_keep_their_roles_as_they_are() {
    let env = applied();
    let version = |account: &str| {
        let cloud = env.server.cloud();
        let role = cloud.roles.iter().find(|role| role.account == account).unwrap();
        role.version.clone()
    };
    let before = version(PROD[1]);
    edit(&env, "session-duration = \"8h\"", "session-duration = \"4h\"");
    edit(
        &env,
        "[account-sets]",
        &format!("[guard]\nignore = [\"account:{}\"]\n\n[account-sets]", PROD[1]),
    );
    env.json(&["access", "apply"]).expect(0);
    assert_eq!(version(PROD[1]), before);
    assert_ne!(version(PROD[0]), before);
}

#[test]
fn a_failed_assignment_holds_back_neither_others_nor_removals_of_other_people() {
    let env = applied();
    // bob leaves, and a new group gets access that AWS refuses.
    edit(&env, "members = [\"ada\", \"bob\"]", "members = [\"ada\"]");
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    write(
        &env,
        &format!(
            "{text}\n[[group]]\nname = \"audit\"\n\n[[assignment]]\nprincipals = [\"group:audit\"]\npermission-sets = \
             [\"Read\"]\naccounts = [\"@prod\"]\n"
        ),
    );
    let refused = ServiceError::new("ValidationException", "The policy of the account refuses it.");
    env.fault("CreateAccountAssignment", 1, FaultKind::Refuse(refused));
    let result = env.json(&["access", "apply", "--prune"]).expect(1).envelope();
    let failed = result["outcome"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{result:#}");
    let not_begun = result["outcome"]["not_begun"].as_array().unwrap();
    assert!(not_begun.is_empty(), "{result:#}");
    // The other assignment of the same permission set exists, and bob is not in the group.
    assert_eq!(env.counts(), [2, 2, 1, 2, 4]);
}

#[test]
fn who_moves_between_groups_stays_in_the_old_one_if_the_new_one_fails() {
    let env = applied();
    edit(&env, "members = [\"ada\", \"bob\"]", "members = [\"ada\"]");
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    write(
        &env,
        &format!("{text}\n[[group]]\nname = \"audit\"\nmembers = [\"bob\"]\n"),
    );
    let refused = ServiceError::new("ValidationException", "no");
    env.fault("CreateGroupMembership", 1, FaultKind::Refuse(refused));
    env.json(&["access", "apply", "--prune"]).expect(1);
    assert_eq!(env.counts()[2], 2, "bob is still in the group platform");
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(env.counts()[2], 2, "bob is in the group audit");
    env.json(&["access", "plan"]).expect(0);
}

#[test]
fn an_account_keeps_its_last_assignment_if_the_new_one_fails() {
    let env = applied();
    edit(
        &env,
        "principals = [\"user:ada\"]\npermission-sets = [\"Read\"]",
        "principals = [\"group:platform\"]\npermission-sets = [\"Admin\"]",
    );
    let refused = ServiceError::new("ValidationException", "no");
    env.fault("CreateAccountAssignment", 1, FaultKind::Refuse(refused));
    env.json(&["access", "apply", "--prune"]).expect(1);
    assert_eq!(env.counts()[4], 3, "ada still has access to the account");
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(env.counts()[4], 3, "the group has it now");
    env.json(&["access", "plan"]).expect(0);
}

#[test]
fn a_user_who_cannot_be_deleted_yet_keeps_all_access() {
    let env = applied();
    {
        let mut cloud = env.server.cloud();
        let created = jiff::Timestamp::now();
        let arn = "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-00000000000000f0".to_owned();
        let ada = cloud.instances[0].store.find_user_id("ada").unwrap();
        cloud
            .permission_sets
            .push(PermissionSet::administrator(arn.clone(), "Foreign".to_owned(), created));
        cloud.assignments.push(Assignment {
            account: DEV.to_owned(),
            permission_set: arn,
            principal_type: "USER".to_owned(),
            principal: ada,
        });
    }
    // ada leaves, and a change of a permission set fails that she has as well.
    edit(&env, "members = [\"ada\", \"bob\"]", "members = [\"bob\"]");
    let text = std::fs::read_to_string(env.path("access.toml")).unwrap();
    let (kept, _) = text.split_once("[[assignment]]\nprincipals = [\"user:ada\"]").unwrap();
    let attributes = "email = \"ada@example.com\"\ngiven-name = \"Ada\"\nfamily-name = \"Lovelace\"";
    let kept = kept
        .replace(attributes, "absent = true")
        .replace("name = \"Read\"\n", "name = \"Read\"\nsession-duration = \"2h\"\n");
    write(&env, &kept);
    let refused = ServiceError::new("ValidationException", "no");
    env.fault("UpdatePermissionSet", 1, FaultKind::Refuse(refused));
    env.json(&["access", "apply", "--prune"]).expect(1);
    assert_eq!(env.counts()[0], 2, "ada is not deleted");
    assert_eq!(env.counts()[4], 4, "and keeps what the file does not own");
    env.json(&["access", "apply", "--prune"]).expect(0);
    assert_eq!(env.counts(), [1, 1, 1, 3, 2]);
}

#[test]
fn an_email_address_can_move_from_one_user_to_another() {
    let env = applied();
    edit(&env, "email = \"bob@example.com\"", "email = \"bob@new.example.com\"");
    edit(&env, "email = \"ada@example.com\"", "email = \"bob@example.com\"");
    env.json(&["access", "apply"]).expect(0);
    env.json(&["access", "plan"]).expect(0);
}

/// The user eve and the group audit, to be added to the file of the team.
const MORE: &str = r#"
[[user]]
name = "eve"
email = "eve@example.com"
given-name = "Eve"
family-name = "Day"

[[group]]
name = "audit"
description = "Reads everything"
members = ["eve"]
"#;

#[test]
fn users_and_groups_that_somebody_else_creates_in_the_meantime_get_the_attributes_of_the_file() {
    let env = applied();
    write(&env, &format!("{FILE}{MORE}"));
    let result = env.run_while(&["access", "apply", "--output=json"], AFTER_NAMES, |cloud| {
        let store = &mut cloud.instances[0].store;
        store.users.insert(OTHER_USER.to_owned(), other_user("eve"));
        store
            .groups
            .insert(OTHER_GROUP.to_owned(), other_group("audit", Vec::new()));
    });
    result.expect(0);
    let store = env.server.cloud().instances[0].store.clone();
    let eve = &store.users[OTHER_USER].attributes;
    assert_eq!(eve["Name"]["FamilyName"], "Day");
    assert_eq!(eve["Emails"][0]["Value"], "eve@example.com");
    assert_eq!(
        store.groups[OTHER_GROUP].description.as_deref(),
        Some("Reads everything")
    );
    env.json(&["access", "plan"]).expect(0);
}

#[test]
fn what_an_identity_provider_creates_in_the_meantime_is_not_changed() {
    let env = applied();
    write(&env, &format!("{FILE}{MORE}"));
    let id = ExternalId {
        issuer: "https://example.com".to_owned(),
        id: "1".to_owned(),
    };
    let result = env.run_while(&["access", "apply", "--output=json"], AFTER_NAMES, |cloud| {
        let groups = &mut cloud.instances[0].store.groups;
        groups.insert(OTHER_GROUP.to_owned(), other_group("audit", vec![id]));
    });
    let outcome = result.expect(1).envelope()["outcome"].clone();
    let failed = outcome["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{outcome:#}");
    let message = failed[0]["message"].as_str().unwrap();
    assert!(
        message.contains("an external identity provider created the group audit"),
        "{message}"
    );
    let group = env.server.cloud().instances[0].store.groups[OTHER_GROUP].clone();
    assert_eq!(group.description.as_deref(), Some("Mine"));
}

#[test]
fn a_short_outage_of_the_network_is_bridged() {
    let env = team();
    let server = env.server.clone();
    let refused = FaultKind::Refused(std::time::Duration::from_millis(200));
    server.fault(idc_sim::Fault {
        operation: Some("CreateAccountAssignment".to_owned()),
        nth: Some(2),
        kind: refused,
    });
    env.json(&["access", "apply"]).expect(0);
    env.json(&["access", "plan"]).expect(0);
}

#[test]
fn credentials_that_expire_during_an_apply_end_it_at_once() {
    let env = team();
    let expired = ServiceError::new(
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    env.fault_always("ListAccountAssignmentCreationStatus", FaultKind::Refuse(expired));
    let started = std::time::Instant::now();
    env.json(&["access", "apply"]).expect(4);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}
