//! AWS IAM: the account summary, roles, AWS managed policies, and the policy simulator.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging::List;
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::{Cloud, Identity};

/// Handles an operation of `iam`.
pub fn handle(cloud: &Cloud, request: &Request) -> ServiceResult {
    match request.operation {
        "GetAccountSummary" => Ok(account_summary(cloud)),
        "GetRole" => get_role(cloud, request),
        "ListPolicies" => list_policies(cloud, request),
        "SimulatePrincipalPolicy" => simulate_principal_policy(cloud, request),
        other => Err(not_simulated("iam", other)),
    }
}

/// `GetAccountSummary`. IAM users exist only as identities of a scenario file.
fn account_summary(cloud: &Cloud) -> Value {
    let account = cloud.account.id.as_str();
    let roles = cloud.roles.iter().filter(|role| role.account == account).count();
    let users: BTreeSet<&str> = cloud
        .identities
        .values()
        .filter(|identity| identity.account == account && identity.arn.contains(":user/"))
        .map(|identity| identity.arn.as_str())
        .collect();
    let entries = [
        ("AccessKeysPerUserQuota", 2),
        ("AccountAccessKeysPresent", usize::from(cloud.root_user.access_keys)),
        ("AccountMFAEnabled", usize::from(cloud.root_user.mfa)),
        ("AccountPasswordPresent", 1),
        ("AccountSigningCertificatesPresent", 0),
        ("AssumeRolePolicySizeQuota", 2048),
        ("AttachedPoliciesPerGroupQuota", 10),
        ("AttachedPoliciesPerRoleQuota", 10),
        ("AttachedPoliciesPerUserQuota", 10),
        ("GlobalEndpointTokenVersion", 1),
        ("GroupPolicySizeQuota", 5120),
        ("Groups", 0),
        ("GroupsPerUserQuota", 10),
        ("GroupsQuota", 300),
        ("InstanceProfiles", 0),
        ("InstanceProfilesQuota", 1000),
        ("MFADevices", usize::from(cloud.root_user.mfa)),
        ("MFADevicesInUse", usize::from(cloud.root_user.mfa)),
        ("Policies", 0),
        ("PoliciesQuota", 1500),
        ("PolicySizeQuota", 6144),
        ("PolicyVersionsInUse", 0),
        ("PolicyVersionsInUseQuota", 10_000),
        ("Providers", usize::from(roles > 0)),
        ("RolePolicySizeQuota", 10_240),
        ("Roles", roles),
        ("RolesQuota", 1000),
        ("ServerCertificates", 0),
        ("ServerCertificatesQuota", 20),
        ("SigningCertificatesPerUserQuota", 2),
        ("UserPolicySizeQuota", 2048),
        ("Users", users.len()),
        ("UsersQuota", 5000),
        ("VersionsPerPolicyQuota", 5),
    ];
    let entries: Map<String, Value> = entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    json!({ "SummaryMap": entries })
}

/// `GetRole`: a role that Identity Center has created in the account, or a role that an identity has assumed.
fn get_role(cloud: &Cloud, request: &Request) -> ServiceResult {
    let (name, account) = (text(request.input, "RoleName"), cloud.account.id.as_str());
    let reserved = cloud
        .roles
        .iter()
        .find(|role| role.account == account && role.name == name);
    let session = format!(":assumed-role/{name}/");
    let has_assumed = |identity: &Identity| identity.account == account && identity.arn.contains(&session);
    if reserved.is_none() && !cloud.identities.values().any(has_assumed) {
        return Err(no_such_entity("role", name));
    }
    let path = match (reserved, cloud.instances.first()) {
        (Some(_), Some(instance)) if instance.region != "us-east-1" => {
            format!("/aws-reserved/sso.amazonaws.com/{}/", instance.region)
        }
        (Some(_), _) => "/aws-reserved/sso.amazonaws.com/".to_owned(),
        (None, _) => "/".to_owned(),
    };
    let principal = match reserved {
        Some(_) => {
            json!({"Federated": format!("arn:{}:iam::{account}:saml-provider/AWSSSO_rehearsal_DO_NOT_DELETE", cloud.partition())})
        }
        None => json!({"AWS": format!("arn:{}:iam::{account}:root", cloud.partition())}),
    };
    let trust_policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": if reserved.is_some() { "sts:AssumeRoleWithSAML" } else { "sts:AssumeRole" }},
    ]});
    let document: String = form_urlencoded::byte_serialize(trust_policy.to_string().as_bytes()).collect();
    Ok(json!({"Role": {
        "Path": path,
        "RoleName": name,
        "RoleId": reserved.map_or("AROA0000000000000001", |role| role.id.as_str()),
        "Arn": format!("arn:{}:iam::{account}:role{path}{name}", cloud.partition()),
        "CreateDate": "2026-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": document,
        "MaxSessionDuration": 3600,
    }}))
}

/// A selection of AWS managed policies, with their paths ("AWS managed policy reference").
const AWS_POLICIES: [&str; 24] = [
    "AdministratorAccess",
    "AmazonEC2FullAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonEKSClusterPolicy",
    "AmazonRDSFullAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AWSBillingReadOnlyAccess",
    "AWSCloudTrail_FullAccess",
    "AWSCloudTrail_ReadOnlyAccess",
    "AWSSSOMasterAccountAdministrator",
    "AWSSSOReadOnly",
    "CloudWatchReadOnlyAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
    "job-function/Billing",
    "job-function/DatabaseAdministrator",
    "job-function/DataScientist",
    "job-function/NetworkAdministrator",
    "job-function/SystemAdministrator",
    "job-function/ViewOnlyAccess",
];

/// `ListPolicies`. The account has no customer managed policies.
fn list_policies(cloud: &Cloud, request: &Request) -> ServiceResult {
    let input = request.input;
    let policies = AWS_POLICIES
        .iter()
        .filter(|_| input["Scope"].as_str() != Some("Local"))
        .map(|path| {
            let (folder, name) = path
                .rsplit_once('/')
                .map_or(("/".to_owned(), *path), |(folder, name)| (format!("/{folder}/"), name));
            json!({
                "PolicyName": name,
                "PolicyId": format!("ANPAREHEARSAL{:08}", name.len() * 7919 % 100_000_000),
                "Arn": format!("arn:{}:iam::aws:policy/{path}", cloud.partition()),
                "Path": folder,
                "DefaultVersionId": "v1",
                "AttachmentCount": 0,
                "PermissionsBoundaryUsageCount": 0,
                "IsAttachable": true,
                "CreateDate": "2015-02-06T18:39:46Z",
                "UpdateDate": "2015-02-06T18:39:46Z",
            })
        })
        .filter(|policy| {
            input["PathPrefix"]
                .as_str()
                .is_none_or(|prefix| text(policy, "Path").starts_with(prefix))
        })
        .filter(|_| input["OnlyAttached"] != true)
        .collect();
    page(input, "iam:ListPolicies", "Policies", policies)
}

/// Returns one page of a list in the form of IAM.
fn page(input: &Value, operation: &str, name: &str, rows: Vec<Value>) -> ServiceResult {
    let list = List {
        scope: operation,
        key: "member",
        size: "MaxItems",
        token: "Marker",
        ..List::DEFAULT
    };
    let page = list.page(input, rows.into_iter(), |row| row);
    let mut page = page.map_err(|_| invalid_input("Invalid Marker."))?;
    let marker = page["Marker"].take();
    let mut response = json!({"IsTruncated": !marker.is_null()});
    response[name] = page["member"].take();
    if !marker.is_null() {
        response["Marker"] = marker;
    }
    Ok(response)
}

fn no_such_entity(kind: &str, name: &str) -> ServiceError {
    ServiceError::new("NoSuchEntity", format!("The {kind} with name {name} cannot be found.")).with_status(404)
}

/// `SimulatePrincipalPolicy`. An action is allowed unless the identity is denied it.
fn simulate_principal_policy(cloud: &Cloud, request: &Request) -> ServiceResult {
    let input = request.input;
    let identity = find_principal(cloud, text(input, "PolicySourceArn"))?;
    let strings = |member: &str| -> Vec<String> {
        let rows = input[member].as_array().into_iter().flatten();
        rows.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut resources = strings("ResourceArns");
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let mut results = Vec::new();
    for action in strings("ActionNames") {
        if !action.contains(':') {
            return Err(invalid_input(format!("Invalid action name {action}")));
        }
        let decision = if identity.is_denied(&action) {
            "implicitDeny"
        } else {
            "allowed"
        };
        // "a single EvaluationResult per action, regardless of how many resource ARNs are provided".
        let resource_results = resources
            .iter()
            .map(|resource| json!({"EvalResourceName": resource, "EvalResourceDecision": decision}));
        results.push(json!({
            "EvalActionName": action,
            "EvalResourceName": resources[0],
            "EvalDecision": decision,
            "ResourceSpecificResults": resource_results.collect::<Vec<_>>(),
        }));
    }
    page(input, "iam:SimulatePrincipalPolicy", "EvaluationResults", results)
}

/// Returns the identity with the ARN of a user or a role. IAM rejects the ARN of the root user or of a role session.
fn find_principal(cloud: &Cloud, arn: &str) -> Result<Identity, ServiceError> {
    let (_, resource) = arn.split_once(":iam::").unwrap_or_default();
    let (account, entity) = resource.split_once(':').unwrap_or_default();
    let name = entity.rsplit('/').next().unwrap_or_default();
    let matches = |identity: &Identity| match entity.split('/').next() {
        Some("user") => identity.arn == arn,
        Some("role") => identity.account == account && identity.arn.contains(&format!(":assumed-role/{name}/")),
        _ => false,
    };
    let kind = match entity.split('/').next() {
        Some("user") => "user",
        Some("role") => "role",
        _ => {
            return Err(invalid_input(format!(
                "Invalid Entity Arn: {arn} does not clearly define entity type and name."
            )));
        }
    };
    let found = cloud.identities.values().find(|identity| matches(identity)).cloned();
    found.ok_or_else(|| no_such_entity(kind, name))
}

fn invalid_input(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidInput", message)
}
