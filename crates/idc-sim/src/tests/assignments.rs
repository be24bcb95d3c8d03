//! What becomes of assignments and provisioning that overlap.

use jiff::ToSpan as _;
use serde_json::json;

use super::caller::Caller;
use crate::state::Outcome;

#[test]
fn a_permission_set_can_be_deleted_although_it_was_being_provisioned_when_its_last_assignment_went() {
    // Terraform deletes policies and assignments at the same time, and provisions after each policy.
    let mut it = Caller::new();
    let (set, group, account) = (it.set(), it.group(), it.cloud.account.id.clone());
    let target = json!({"PermissionSetArn": set, "TargetId": account, "TargetType": "AWS_ACCOUNT",
        "PrincipalType": "GROUP", "PrincipalId": group});
    let provision = json!({"PermissionSetArn": set, "TargetType": "ALL_PROVISIONED_ACCOUNTS"});
    it.answer("sso-admin", "DeleteAccountAssignment", target).unwrap();
    it.answer("sso-admin", "ProvisionPermissionSet", provision.clone())
        .unwrap();
    it.now += 1.minute();
    it.answer("sso-admin", "DeletePermissionSet", json!({ "PermissionSetArn": set }))
        .unwrap();
    assert!(
        it.cloud
            .operations
            .iter()
            .all(|operation| operation.outcome == Outcome::Succeeded)
    );
    assert!(it.cloud.roles.is_empty());
}

#[test]
fn provisioning_where_nothing_is_provisioned_succeeds_and_creates_no_role() {
    let mut it = Caller::new();
    it.cloud.assignments.clear();
    it.cloud.roles.clear();
    let input = json!({"PermissionSetArn": it.set(), "TargetType": "ALL_PROVISIONED_ACCOUNTS"});
    let answer = it.answer("sso-admin", "ProvisionPermissionSet", input).unwrap();
    let status = &answer["PermissionSetProvisioningStatus"];
    assert!(status["AccountId"].is_null(), "{status}");
    it.now += 1.minute();
    let request = json!({"ProvisionPermissionSetRequestId": status["RequestId"]});
    let answer = it
        .answer("sso-admin", "DescribePermissionSetProvisioningStatus", request)
        .unwrap();
    assert_eq!(answer["PermissionSetProvisioningStatus"]["Status"], "SUCCEEDED");
    assert!(it.cloud.roles.is_empty());
}

#[test]
fn the_published_quotas_of_permission_sets_are_enforced() {
    let mut it = Caller::new();
    let first = it.cloud.permission_sets[0].clone();
    let role = it.cloud.roles[0].clone();
    let numbered = |n: usize| format!("{}{n:04}", &first.arn[..first.arn.len() - 4]);
    for n in 0..3498 {
        let arn = numbered(n);
        if n < 499 {
            let mut role = role.clone();
            role.permission_set.clone_from(&arn);
            it.cloud.roles.push(role);
        }
        let mut set = first.clone();
        (set.arn, set.name) = (arn, format!("set-{n}"));
        it.cloud.permission_sets.push(set);
    }
    it.answer("sso-admin", "CreatePermissionSet", json!({"Name": "last"}))
        .unwrap();
    let error = it.error("sso-admin", "CreatePermissionSet", json!({"Name": "more"}));
    assert_eq!(error.code, "ServiceQuotaExceededException");
    // 500 are provisioned in the account. One of them can be assigned to others, and no new one.
    let (account, group) = (it.cloud.account.id.clone(), it.group());
    let assign = |set: String| {
        json!({"PermissionSetArn": set, "TargetId": account, "TargetType": "AWS_ACCOUNT", "PrincipalType": "GROUP",
            "PrincipalId": group})
    };
    it.answer("sso-admin", "CreateAccountAssignment", assign(numbered(0)))
        .unwrap();
    let error = it.error("sso-admin", "CreateAccountAssignment", assign(numbered(600)));
    assert_eq!(error.code, "ServiceQuotaExceededException");
    assert!(
        error.message.contains("more than 500 for id 123456789012"),
        "{}",
        error.message
    );
}
