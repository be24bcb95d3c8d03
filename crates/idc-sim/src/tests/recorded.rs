//! Each recorded message is what the simulation answers in its situation.

use jiff::ToSpan as _;
use regex::Regex;
use serde_json::{Value, json};

use super::caller::Caller;
use super::{call, root_key};
use crate::protocol::error::ServiceError;
use crate::recorded::{self, Words};
use crate::state::{CustomerPolicy, PortalSession, scenarios};

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn user(name: &str) -> Value {
    json!({"UserName": name, "DisplayName": "U", "Name": {"GivenName": "U", "FamilyName": "V"}})
}

fn without(mut value: Value, members: &[&str]) -> Value {
    for member in members {
        value.as_object_mut().unwrap().remove(*member);
    }
    value
}

/// Brings about the situation in which AWS answers with these words.
#[expect(clippy::too_many_lines, reason = "one table of situations")]
fn provoke(words: Words) -> Result<String, ServiceError> {
    const STORE: &str = "identitystore";
    const ADMIN: &str = "sso-admin";
    let mut it = Caller::new();
    let set = it.set();
    let own = json!({"PermissionSetArn": set, "CustomerManagedPolicyReference": {"Name": "Own", "Path": "/team/"}});
    let other = json!({"PermissionSetArn": set, "ManagedPolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    Err(match words {
        Words::GroupNameTaken => it.error(STORE, "CreateGroup", json!({"DisplayName": "Admins"})),
        Words::AlreadyMember => {
            let input = json!({"GroupId": it.group(), "MemberId": {"UserId": it.user()}});
            it.error(STORE, "CreateGroupMembership", input)
        }
        Words::UserNameTaken => it.error(STORE, "CreateUser", user("Admin")),
        Words::UserNameMissing => it.error(STORE, "CreateUser", without(user("u"), &["UserName"])),
        Words::DisplayNameAndNameMissing => it.error(STORE, "CreateUser", without(user("u"), &["DisplayName", "Name"])),
        Words::UserAttributeMissing => it.error(STORE, "CreateUser", without(user("u"), &["DisplayName"])),
        Words::UserAttributeMissingUnnamed => {
            it.cloud.choices.names_missing_attributes = false;
            it.error(STORE, "CreateUser", without(user("u"), &["Name"]))
        }
        Words::NotAUniqueAttribute => {
            let attribute = json!({"AttributePath": "InvalidPath", "AttributeValue": "x"});
            let input = json!({"AlternateIdentifier": {"UniqueAttribute": attribute}});
            it.error(STORE, "GetUserId", input)
        }
        Words::AttributeValueEmpty => {
            let attribute = json!({"AttributePath": "userName", "AttributeValue": ""});
            let input = json!({"AlternateIdentifier": {"UniqueAttribute": attribute}});
            it.error(STORE, "GetUserId", input)
        }
        Words::NotInStore => {
            let input = json!({"MembershipId": "9067aabbcc-00000000-0000-4000-8000-000000000000"});
            let error = it.error(STORE, "DescribeGroupMembership", input);
            assert_eq!(error.extra["ResourceType"], "GROUP_MEMBERSHIP");
            error
        }
        Words::DeniedInStore => {
            let mut it = Caller::denied(&["identitystore:DescribeUser"]);
            let input = json!({"UserId": it.user()});
            it.error(STORE, "DescribeUser", input)
        }
        Words::Denied => {
            let mut it = Caller::denied(&["sso:DescribePermissionSet"]);
            it.error(ADMIN, "DescribePermissionSet", json!({ "PermissionSetArn": set }))
        }
        Words::ManagedPolicyAttached => {
            let input = json!({"PermissionSetArn": set, "ManagedPolicyArn": ADMINISTRATOR});
            it.error(ADMIN, "AttachManagedPolicyToPermissionSet", input)
        }
        Words::ManagedPolicyNotAttached => it.error(ADMIN, "DetachManagedPolicyFromPermissionSet", other),
        Words::CustomerPolicyAttached => {
            let attach = "AttachCustomerManagedPolicyReferenceToPermissionSet";
            it.answer(ADMIN, attach, own.clone()).unwrap();
            it.error(ADMIN, attach, own)
        }
        Words::CustomerPolicyNotAttached => {
            it.error(ADMIN, "DetachCustomerManagedPolicyReferenceFromPermissionSet", own)
        }
        Words::PermissionSetNotFound => {
            let arn = "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-00000000000000ff";
            let error = it.error(ADMIN, "DescribePermissionSet", json!({ "PermissionSetArn": arn }));
            assert!(
                error.message.ends_with("with id ps-00000000000000ff"),
                "{}",
                error.message
            );
            error
        }
        Words::PermissionSetInUse => it.error(ADMIN, "DeletePermissionSet", json!({ "PermissionSetArn": set })),
        Words::InvalidInlinePolicy => {
            let policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
            let input = json!({"PermissionSetArn": set, "InlinePolicy": policy});
            it.error(ADMIN, "PutInlinePolicyToPermissionSet", input)
        }
        Words::TooManyPolicies => {
            let policies = (1..20).map(|n| format!("arn:aws:iam::aws:policy/Policy{n}"));
            it.cloud.permission_sets[0].managed_policies.extend(policies);
            it.error(ADMIN, "AttachManagedPolicyToPermissionSet", other)
        }
        Words::TooManyOutstanding | Words::ConflictingOperation => {
            it.cloud.has_quotas = true;
            it.cloud.choices.outstanding_requests = if words == Words::TooManyOutstanding { 1 } else { 2 };
            let input = json!({"PermissionSetArn": set, "TargetId": it.cloud.account.id, "TargetType": "AWS_ACCOUNT",
                "PrincipalType": "GROUP", "PrincipalId": it.group()});
            it.answer(ADMIN, "CreateAccountAssignment", input.clone()).unwrap();
            let error = it.error(ADMIN, "CreateAccountAssignment", input.clone());
            it.now += 1.minute();
            it.answer(ADMIN, "CreateAccountAssignment", input).unwrap();
            error
        }
        // The server answers it: tests/it/fault_files.rs.
        Words::RateExceeded => Words::RateExceeded.error(&[]),
        Words::InstanceExists => {
            it.cloud = scenarios::named("account-instance").unwrap();
            it.key = root_key(&mut it.cloud);
            let (key, now) = (it.key.clone(), it.now);
            call(&mut it.cloud, &key, ADMIN, "CreateInstance", &json!({}), now).unwrap_err()
        }
        Words::NoAccess => {
            let key = it.key.clone();
            let (user, instance) = (it.user(), it.cloud.instances[0].arn.clone());
            let session = PortalSession {
                instance,
                user,
                expires: it.now + 1.hour(),
            };
            it.cloud.sessions.insert("token".to_owned(), session);
            let input = json!({"accessToken": "token", "accountId": "111111111111", "roleName": "None"});
            call(&mut it.cloud, &key, "sso", "GetRoleCredentials", &input, it.now).unwrap_err()
        }
        Words::UnknownDeviceCode => {
            let register = json!({"clientName": "test", "clientType": "public"});
            let client = it.answer("sso-oidc", "RegisterClient", register).unwrap();
            let input = json!({"clientId": client["clientId"], "clientSecret": client["clientSecret"],
                "grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": "none"});
            let error = it.error("sso-oidc", "CreateToken", input);
            let words = error.extra["error_description"].as_str().unwrap().to_owned();
            ServiceError {
                message: words,
                ..error
            }
        }
        Words::AssignmentMissing => {
            it.cloud.assignments.clear();
            let group = it.group();
            return Ok(it.reason("DeleteAccountAssignment", &group));
        }
        Words::AssigneeMissing => {
            return Ok(it.reason("CreateAccountAssignment", "90000000-0000-7000-8000-000000000000"));
        }
        Words::CustomerPolicyMissing => {
            it.answer(ADMIN, "AttachCustomerManagedPolicyReferenceToPermissionSet", own)
                .unwrap();
            let group = it.group();
            let reason = it.reason("CreateAccountAssignment", &group);
            assert!(reason.ends_with(":policy/team/Own"), "{reason}");
            // With the policy in the account, it succeeds.
            it.cloud.accounts[0].policies.push(CustomerPolicy {
                name: "Own".to_owned(),
                path: "/team/".to_owned(),
            });
            let created = it.cloud.operations.len();
            let input = json!({"PermissionSetArn": set, "TargetId": it.cloud.account.id, "TargetType": "AWS_ACCOUNT",
                "PrincipalType": "GROUP", "PrincipalId": group});
            it.answer(ADMIN, "CreateAccountAssignment", input).unwrap();
            it.cloud.settle(it.now + 1.minute());
            assert_eq!(it.cloud.operations[created].outcome, crate::state::Outcome::Succeeded);
            return Ok(reason);
        }
        Words::ProvisionNotFound => {
            it.cloud.choices.provisions_without_assignment = false;
            it.cloud.assignments.clear();
            return Ok(it.reason("ProvisionPermissionSet", ""));
        }
        Words::DeniedByIam => {
            let mut it = Caller::denied(&["iam:CreateRole"]);
            let group = it.group();
            return Ok(it.reason("CreateAccountAssignment", &group));
        }
        Words::AccountSuspended => {
            it.cloud.accounts[0].is_suspended = true;
            let group = it.group();
            return Ok(it.reason("CreateAccountAssignment", &group));
        }
    })
}

#[test]
fn every_recorded_message_is_answered_in_its_situation() {
    let placeholder = Regex::new(r"\\\{[a-z_]+\\\}").unwrap();
    let mut count = 0;
    for (words, recorded) in recorded::all() {
        let (code, message) = match provoke(words) {
            Ok(reason) => (None, reason),
            Err(error) => (Some(error.code), error.message),
        };
        assert_eq!(code, recorded.code, "{words:?}");
        let pattern = placeholder
            .replace_all(&regex::escape(&recorded.message), ".+")
            .into_owned();
        assert!(
            Regex::new(&format!("^{pattern}$")).unwrap().is_match(&message),
            "{words:?}: {message:?} is not {pattern:?}"
        );
        assert!(
            !message.contains(['{', '}']) || words == Words::AssignmentMissing,
            "{words:?}: {message}"
        );
        assert!(!recorded.sources.is_empty() && ["high", "medium", "low"].contains(&recorded.certainty.as_str()));
        count += 1;
    }
    assert!(count >= 32, "{count}");
}
