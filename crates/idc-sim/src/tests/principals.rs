//! Users, groups and what is assigned to them.

use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::caller::Caller;
use crate::state::Assignment;

#[test]
fn an_empty_name_is_a_missing_name() {
    let mut it = Caller::new();
    let error = it.error("identitystore", "CreateUser", json!({"UserName": "u", "Name": {}}));
    assert!(
        error.message.contains("displayname") && error.message.contains("name:"),
        "{error:?}"
    );
    let input = json!({"UserName": "u", "DisplayName": "U", "Name": {}});
    let error = it.error("identitystore", "CreateUser", input);
    assert!(error.message.starts_with("name:"), "{error:?}");
}

#[test]
fn memberships_are_listed_in_the_order_of_creation() {
    let mut it = Caller::new();
    let group = it
        .answer("identitystore", "CreateGroup", json!({"DisplayName": "Many"}))
        .unwrap()["GroupId"]
        .clone();
    let mut expected = Vec::new();
    for n in 0..12 {
        it.now += 1.second();
        let name = format!("user-{n}");
        let user = json!({"UserName": name, "DisplayName": name, "Name": {"GivenName": "U", "FamilyName": "V"}});
        let user = it.answer("identitystore", "CreateUser", user).unwrap()["UserId"].clone();
        let input = json!({"GroupId": group, "MemberId": {"UserId": user}});
        let made = it.answer("identitystore", "CreateGroupMembership", input).unwrap();
        expected.push(made["MembershipId"].clone());
    }
    let listed = it
        .answer("identitystore", "ListGroupMemberships", json!({ "GroupId": group }))
        .unwrap();
    let rows = listed["GroupMemberships"].as_array().unwrap().iter();
    let listed: Vec<Value> = rows.map(|row| row["MembershipId"].clone()).collect();
    assert_eq!(listed, expected);
}

#[test]
fn assignments_of_a_principal_are_those_of_its_type() {
    let mut it = Caller::new();
    let (account, permission_set) = (it.cloud.account.id.clone(), it.set());
    it.cloud.assignments = ["USER", "GROUP"]
        .map(|kind| Assignment {
            account: account.clone(),
            permission_set: permission_set.clone(),
            principal_type: kind.to_owned(),
            principal: "11111111-2222-4333-8444-000000000001".to_owned(),
        })
        .to_vec();
    for kind in ["USER", "GROUP"] {
        let input = json!({"PrincipalId": "11111111-2222-4333-8444-000000000001", "PrincipalType": kind});
        let listed = it
            .answer("sso-admin", "ListAccountAssignmentsForPrincipal", input)
            .unwrap();
        let rows = listed["AccountAssignments"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{listed}");
        assert_eq!(rows[0]["PrincipalType"], kind);
    }
}
