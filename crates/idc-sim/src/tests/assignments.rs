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
