//! The policies of an organization, its accounts, and its errors.

use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::caller::Caller;

const SERVICE: &str = "organizations";
const DENY_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Principal":"*"}]}"#;
const DENY_S3: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#;

/// Calls an operation that succeeds.
fn ok(it: &mut Caller, operation: &str, input: Value) -> Value {
    it.answer(SERVICE, operation, input).unwrap()
}

/// Calls an operation that fails, and returns the error code, followed by the reason if it has one.
fn refused(it: &mut Caller, operation: &str, input: Value) -> String {
    let error = it.error(SERVICE, operation, input);
    match error.extra.get("Reason").and_then(Value::as_str) {
        Some(reason) => format!("{} {reason}", error.code),
        None => error.code,
    }
}

fn root(it: &mut Caller) -> String {
    let roots = ok(it, "ListRoots", json!({}));
    roots["Roots"][0]["Id"].as_str().unwrap().to_owned()
}

/// The input of `CreatePolicy`.
fn new(name: &str, kind: &str, content: &str) -> Value {
    json!({"Name": name, "Description": "", "Type": kind, "Content": content})
}

fn policy(it: &mut Caller, kind: &str, content: &str) -> String {
    let made = ok(it, "CreatePolicy", new("Mine", kind, content));
    made["Policy"]["PolicySummary"]["Id"].as_str().unwrap().to_owned()
}

fn member(it: &mut Caller) -> String {
    let input = json!({"Email": "dev@example.com", "AccountName": "Dev"});
    let request = ok(it, "CreateAccount", input)["CreateAccountStatus"]["Id"].clone();
    it.now += 1.minute();
    let status = ok(
        it,
        "DescribeCreateAccountStatus",
        json!({ "CreateAccountRequestId": request }),
    );
    let id = &status["CreateAccountStatus"]["AccountId"];
    id.as_str().unwrap().to_owned()
}

#[test]
fn a_new_account_has_the_tags_of_its_request() {
    let mut it = Caller::new();
    let tags = json!([{"Key": "env", "Value": "dev"}]);
    let input = json!({"Email": "tagged@example.com", "AccountName": "Tagged", "Tags": tags});
    ok(&mut it, "CreateAccount", input);
    it.now += 1.minute();
    let rows = ok(&mut it, "ListAccounts", json!({}));
    let mut rows = rows["Accounts"].as_array().unwrap().iter();
    let account = rows.find(|row| row["Name"] == "Tagged").unwrap();
    let listed = ok(&mut it, "ListTagsForResource", json!({"ResourceId": account["Id"]}));
    assert_eq!(listed["Tags"], tags);
}

/// The names of the policies of a type that are attached to a target.
fn attached(it: &mut Caller, target: &str, kind: &str) -> Vec<String> {
    let answer = ok(it, "ListPoliciesForTarget", json!({"TargetId": target, "Filter": kind}));
    let rows = answer["Policies"].as_array().unwrap().iter();
    rows.map(|row| row["Name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn everything_starts_with_the_policy_that_allows_everything() {
    let mut it = Caller::new();
    let (root, account) = (root(&mut it), member(&mut it));
    let listed = ok(&mut it, "ListPolicies", json!({"Filter": "SERVICE_CONTROL_POLICY"}));
    assert_eq!(
        listed["Policies"],
        json!([{
            "Id": "p-FullAWSAccess",
            "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
            "Name": "FullAWSAccess",
            "Description": "Allows access to every operation",
            "Type": "SERVICE_CONTROL_POLICY",
            "AwsManaged": true,
        }])
    );
    let described = ok(&mut it, "DescribePolicy", json!({"PolicyId": "p-FullAWSAccess"}));
    let content: Value = serde_json::from_str(described["Policy"]["Content"].as_str().unwrap()).unwrap();
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    assert_eq!(content, json!({"Version": "2012-10-17", "Statement": [statement]}));
    for target in [&root, &account] {
        assert_eq!(attached(&mut it, target, "SERVICE_CONTROL_POLICY"), ["FullAWSAccess"]);
        assert!(attached(&mut it, target, "RESOURCE_CONTROL_POLICY").is_empty());
    }
    let input = json!({"RootId": root, "PolicyType": "RESOURCE_CONTROL_POLICY"});
    ok(&mut it, "EnablePolicyType", input);
    assert_eq!(
        attached(&mut it, &account, "RESOURCE_CONTROL_POLICY"),
        ["RCPFullAWSAccess"]
    );
    let input = json!({"PolicyId": "p-RCPFullAWSAccess", "TargetId": account});
    assert_eq!(
        refused(&mut it, "DetachPolicy", input),
        "InvalidInputException NON_DETACHABLE_POLICY"
    );
}

#[test]
fn a_policy_is_attached_only_once_its_type_is_enabled() {
    let mut it = Caller::new();
    let (root, policy) = (root(&mut it), policy(&mut it, "TAG_POLICY", r#"{"tags":{}}"#));
    let attachment = json!({"PolicyId": policy, "TargetId": root});
    assert_eq!(
        refused(&mut it, "AttachPolicy", attachment.clone()),
        "PolicyTypeNotEnabledException"
    );
    let kind = json!({"RootId": root, "PolicyType": "TAG_POLICY"});
    let enabled = ok(&mut it, "EnablePolicyType", kind.clone());
    assert_eq!(
        enabled["Root"]["PolicyTypes"],
        json!([{"Type": "TAG_POLICY", "Status": "ENABLED"}])
    );
    assert_eq!(
        refused(&mut it, "EnablePolicyType", kind.clone()),
        "PolicyTypeAlreadyEnabledException"
    );
    ok(&mut it, "AttachPolicy", attachment.clone());
    assert_eq!(
        refused(&mut it, "AttachPolicy", attachment.clone()),
        "DuplicatePolicyAttachmentException"
    );
    assert_eq!(
        refused(&mut it, "DeletePolicy", json!({ "PolicyId": policy })),
        "PolicyInUseException"
    );
    // Without its type, the policy is detached.
    ok(&mut it, "DisablePolicyType", kind.clone());
    assert_eq!(
        refused(&mut it, "DisablePolicyType", kind),
        "PolicyTypeNotEnabledException"
    );
    assert_eq!(
        refused(&mut it, "DetachPolicy", attachment),
        "PolicyNotAttachedException"
    );
    ok(&mut it, "DeletePolicy", json!({ "PolicyId": policy }));
    assert_eq!(
        refused(&mut it, "DescribePolicy", json!({ "PolicyId": policy })),
        "PolicyNotFoundException"
    );
}

#[test]
fn the_last_service_control_policy_stays() {
    let mut it = Caller::new();
    let (root, account) = (root(&mut it), member(&mut it));
    let kind = "SERVICE_CONTROL_POLICY";
    let input = json!({"RootId": root, "PolicyType": kind});
    ok(&mut it, "EnablePolicyType", input);
    let policy = policy(&mut it, kind, DENY_S3);
    let standard = json!({"PolicyId": "p-FullAWSAccess", "TargetId": account});
    assert_eq!(
        refused(&mut it, "DetachPolicy", standard.clone()),
        "ConstraintViolationException MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    );
    let own = json!({"PolicyId": policy, "TargetId": account});
    ok(&mut it, "AttachPolicy", own);
    ok(&mut it, "DetachPolicy", standard);
    assert_eq!(attached(&mut it, &account, kind), ["Mine"]);
    let targets = ok(&mut it, "ListTargetsForPolicy", json!({ "PolicyId": policy }));
    assert_eq!(targets["Targets"].as_array().unwrap().len(), 1);
    assert_eq!(targets["Targets"][0]["TargetId"], json!(account));
    let targets = ok(&mut it, "ListTargetsForPolicy", json!({"PolicyId": "p-FullAWSAccess"}));
    let kinds: Vec<&Value> = targets["Targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["Type"])
        .collect();
    assert_eq!(kinds, ["ROOT", "ACCOUNT"]);
}

#[test]
fn policies_are_checked_changed_and_tagged() {
    let mut it = Caller::new();
    let kind = "SERVICE_CONTROL_POLICY";
    let id = policy(&mut it, kind, DENY_S3);
    assert_eq!(
        refused(&mut it, "CreatePolicy", new("Mine", kind, DENY_S3)),
        "DuplicatePolicyException"
    );
    // Service control policies have no principal, and resource control policies have one.
    let malformed = [
        (kind, "no JSON"),
        (kind, "{}"),
        (kind, DENY_ALL),
        ("RESOURCE_CONTROL_POLICY", DENY_S3),
        ("TAG_POLICY", "[]"),
    ];
    for (kind, content) in malformed {
        assert_eq!(
            refused(&mut it, "CreatePolicy", new("Other", kind, content)),
            "MalformedPolicyDocumentException",
            "{kind} {content}"
        );
    }
    ok(
        &mut it,
        "CreatePolicy",
        new("Other", "RESOURCE_CONTROL_POLICY", DENY_ALL),
    );
    let changed = ok(
        &mut it,
        "UpdatePolicy",
        json!({"PolicyId": id, "Description": "changed"}),
    );
    assert_eq!(changed["Policy"]["PolicySummary"]["Description"], "changed");
    assert_eq!(changed["Policy"]["PolicySummary"]["Name"], "Mine");
    assert_eq!(changed["Policy"]["Content"], DENY_S3);
    let managed = json!({"PolicyId": "p-FullAWSAccess"});
    for operation in ["UpdatePolicy", "DeletePolicy"] {
        assert_eq!(
            refused(&mut it, operation, managed.clone()),
            "InvalidInputException IMMUTABLE_POLICY"
        );
    }
    let tags = json!([{"Key": "team", "Value": "x"}]);
    ok(&mut it, "TagResource", json!({"ResourceId": id, "Tags": tags}));
    let listed = ok(&mut it, "ListTagsForResource", json!({ "ResourceId": id }));
    assert_eq!(listed["Tags"], tags);
}

#[test]
fn without_all_features_there_are_no_policies() {
    let mut it = Caller::new();
    if let Some(organization) = &mut it.cloud.organization {
        "CONSOLIDATED_BILLING".clone_into(&mut organization.feature_set);
    }
    let kind = "SERVICE_CONTROL_POLICY";
    let input = new("Mine", kind, DENY_S3);
    let code = "PolicyTypeNotAvailableForOrganizationException";
    assert_eq!(refused(&mut it, "CreatePolicy", input), code);
    let input = json!({"RootId": root(&mut it), "PolicyType": kind});
    assert_eq!(refused(&mut it, "EnablePolicyType", input), code);
    let listed = ok(&mut it, "ListPolicies", json!({ "Filter": kind }));
    assert_eq!(listed["Policies"], json!([]));
}

#[test]
fn a_closed_account_stays_and_a_removed_one_does_not_come_back() {
    let mut it = Caller::new();
    let (own, account) = (it.cloud.account.id.clone(), member(&mut it));
    let (own, other) = (json!({ "AccountId": own }), json!({ "AccountId": account }));
    assert_eq!(
        refused(&mut it, "CloseAccount", own.clone()),
        "ConstraintViolationException CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
    );
    ok(&mut it, "CloseAccount", other.clone());
    assert_eq!(
        refused(&mut it, "CloseAccount", other.clone()),
        "AccountAlreadyClosedException"
    );
    let described = ok(&mut it, "DescribeAccount", other.clone());
    assert_eq!(described["Account"]["State"], "SUSPENDED");
    assert_eq!(
        refused(&mut it, "DeleteOrganization", json!({})),
        "OrganizationNotEmptyException"
    );
    assert_eq!(
        refused(&mut it, "RemoveAccountFromOrganization", own),
        "MasterCannotLeaveOrganizationException"
    );
    ok(&mut it, "RemoveAccountFromOrganization", other.clone());
    it.now += 1.minute();
    assert_eq!(refused(&mut it, "CloseAccount", other), "AccountNotFoundException");
    ok(&mut it, "DeleteOrganization", json!({}));
    assert_eq!(
        refused(&mut it, "DescribeOrganization", json!({})),
        "AWSOrganizationsNotInUseException"
    );
    // An account without an organization can still list its invitations.
    let handshakes = ok(&mut it, "ListHandshakesForAccount", json!({}));
    assert_eq!(handshakes["Handshakes"], json!([]));
}

#[test]
fn a_delegated_administrator_is_not_removed() {
    let mut it = Caller::new();
    let (own, account) = (it.cloud.account.id.clone(), member(&mut it));
    let delegation = |account: &str| json!({"AccountId": account, "ServicePrincipal": "sso.amazonaws.com"});
    assert_eq!(
        refused(&mut it, "RegisterDelegatedAdministrator", delegation(&own)),
        "ConstraintViolationException CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"
    );
    ok(&mut it, "RegisterDelegatedAdministrator", delegation(&account));
    let input = json!({ "AccountId": account });
    assert_eq!(
        refused(&mut it, "RemoveAccountFromOrganization", input.clone()),
        "ConstraintViolationException CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"
    );
    ok(&mut it, "DeregisterDelegatedAdministrator", delegation(&account));
    ok(&mut it, "RemoveAccountFromOrganization", input);
}

#[test]
fn each_kind_of_invalid_input_has_its_reason() {
    let mut it = Caller::new();
    let cases = [
        ("DescribeAccount", json!({}), "INPUT_REQUIRED"),
        (
            "DescribeAccount",
            json!({"AccountId": "12345678901x"}),
            "INVALID_PATTERN",
        ),
        ("ListPolicies", json!({"Filter": "NONE"}), "INVALID_ENUM"),
        ("ListAccounts", json!({"MaxResults": 21}), "MAX_VALUE_EXCEEDED"),
        ("ListAccounts", json!({"MaxResults": 0}), "MIN_VALUE_EXCEEDED"),
        (
            "EnableAWSServiceAccess",
            json!({"ServicePrincipal": ""}),
            "MIN_LENGTH_EXCEEDED",
        ),
        (
            "EnableAWSServiceAccess",
            json!({"ServicePrincipal": "a".repeat(129)}),
            "MAX_LENGTH_EXCEEDED",
        ),
        (
            "ListAccounts",
            json!({"NextToken": "of another list"}),
            "INVALID_NEXT_TOKEN",
        ),
        (
            "ListHandshakesForOrganization",
            json!({"NextToken": "of another list"}),
            "INVALID_NEXT_TOKEN",
        ),
    ];
    for (operation, input, reason) in cases {
        let expected = format!("InvalidInputException {reason}");
        assert_eq!(refused(&mut it, operation, input), expected, "{operation}");
    }
}

#[test]
fn a_service_principal_looks_like_one() {
    let mut it = Caller::new();
    for principal in [
        "ram.amazonaws.com",
        "storage-lens.s3.amazonaws.com",
        "notifications.amazon.com",
    ] {
        let input = json!({ "ServicePrincipal": principal });
        ok(&mut it, "EnableAWSServiceAccess", input.clone());
        ok(&mut it, "DisableAWSServiceAccess", input);
    }
    for principal in ["ram", "ram.example.com", ".amazonaws.com", "a..b.amazonaws.com"] {
        let input = json!({ "ServicePrincipal": principal });
        for operation in [
            "EnableAWSServiceAccess",
            "DisableAWSServiceAccess",
            "ListDelegatedAdministrators",
        ] {
            assert_eq!(
                refused(&mut it, operation, input.clone()),
                "InvalidInputException UNRECOGNIZED_SERVICE_PRINCIPAL",
                "{operation} {principal}"
            );
        }
    }
}

#[test]
fn a_target_that_does_not_exist_is_not_found() {
    let mut it = Caller::new();
    for target in ["r-zzzz", "ou-zzzz-00000000", "000000000000"] {
        let input = json!({"TargetId": target, "Filter": "SERVICE_CONTROL_POLICY"});
        assert_eq!(
            refused(&mut it, "ListPoliciesForTarget", input),
            "TargetNotFoundException"
        );
        let input = json!({"TargetId": target, "PolicyId": "p-FullAWSAccess"});
        assert_eq!(refused(&mut it, "AttachPolicy", input), "TargetNotFoundException");
    }
}
