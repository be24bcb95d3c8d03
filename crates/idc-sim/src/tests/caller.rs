//! A caller of the services, for tests.

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{call, root_key};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::state::{Cloud, scenarios};

/// A caller of a simulation in which everything is set up.
pub struct Caller {
    pub cloud: Cloud,
    pub key: String,
    pub now: Timestamp,
}

impl Caller {
    pub fn new() -> Self {
        let mut cloud = scenarios::named("complete").unwrap();
        Self {
            key: root_key(&mut cloud),
            cloud,
            now: Timestamp::now(),
        }
    }

    /// A caller who is denied these actions.
    pub fn denied(actions: &[&str]) -> Self {
        let mut caller = Self::new();
        let mut identity = caller.cloud.root();
        identity.denied = actions.iter().map(|action| (*action).to_owned()).collect();
        caller.key = caller.cloud.issue(identity).access_key_id;
        caller
    }

    pub fn answer(&mut self, service: &str, operation: &str, input: Value) -> ServiceResult {
        let mut input = input;
        let instance = &self.cloud.instances[0];
        match service {
            "identitystore" => input["IdentityStoreId"] = json!(instance.store.id),
            "sso-admin" => input["InstanceArn"] = json!(instance.arn),
            _ => {}
        }
        call(&mut self.cloud, &self.key, service, operation, &input, self.now)
    }

    pub fn error(&mut self, service: &str, operation: &str, input: Value) -> ServiceError {
        self.answer(service, operation, input).unwrap_err()
    }

    pub fn set(&self) -> String {
        self.cloud.permission_sets[0].arn.clone()
    }

    pub fn user(&self) -> String {
        self.cloud.instances[0].store.users.keys().next().unwrap().clone()
    }

    pub fn group(&self) -> String {
        self.cloud.instances[0].store.groups.keys().next().unwrap().clone()
    }

    /// Requests an asynchronous operation on the assignment of a group, and returns why it failed.
    pub fn reason(&mut self, operation: &str, group: &str) -> String {
        let input = json!({"PermissionSetArn": self.set(), "TargetId": self.cloud.account.id, "TargetType": "AWS_ACCOUNT",
            "PrincipalType": "GROUP", "PrincipalId": group});
        let (member, status) = match operation {
            "CreateAccountAssignment" => ("AccountAssignmentCreation", "DescribeAccountAssignmentCreationStatus"),
            "DeleteAccountAssignment" => ("AccountAssignmentDeletion", "DescribeAccountAssignmentDeletionStatus"),
            _ => return self.reason_of_provisioning(),
        };
        let answer = self.answer("sso-admin", operation, input).unwrap();
        let request = answer[format!("{member}Status")]["RequestId"].clone();
        self.now += 1.minute();
        let answer = self.answer("sso-admin", status, json!({ format!("{member}RequestId"): request }));
        failure(&answer.unwrap()[format!("{member}Status")])
    }

    pub fn reason_of_provisioning(&mut self) -> String {
        let input =
            json!({"PermissionSetArn": self.set(), "TargetType": "AWS_ACCOUNT", "TargetId": self.cloud.account.id});
        let answer = self.answer("sso-admin", "ProvisionPermissionSet", input).unwrap();
        let request = answer["PermissionSetProvisioningStatus"]["RequestId"].clone();
        self.now += 1.minute();
        let input = json!({ "ProvisionPermissionSetRequestId": request });
        let answer = self.answer("sso-admin", "DescribePermissionSetProvisioningStatus", input);
        failure(&answer.unwrap()["PermissionSetProvisioningStatus"])
    }
}

fn failure(status: &Value) -> String {
    assert_eq!(status["Status"], "FAILED", "{status}");
    status["FailureReason"].as_str().unwrap().to_owned()
}
