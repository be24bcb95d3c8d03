//! AWS IAM: the account summary, roles, AWS managed policies, and the policy simulator.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging::List;
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::{Cloud, Identity, Role};

/// Handles an operation of `iam`.
pub fn handle(cloud: &Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    match request.operation {
        "GetAccountSummary" => Ok(account_summary(cloud)),
        "GetRole" => get_role(cloud, request),
        "ListRoles" => list_roles(cloud, request),
        "GetUser" => get_user(cloud, caller, request),
        "GetPolicy" => get_policy(cloud, request),
        "ListAttachedRolePolicies" => list_attached(cloud, request),
        "ListSAMLProviders" => Ok(list_saml_providers(cloud)),
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

/// The date of creation of what the simulation does not record one for.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// `GetRole`: a role that Identity Center has created in the account, or a role that an identity has assumed.
fn get_role(cloud: &Cloud, request: &Request) -> ServiceResult {
    let (name, account) = (text(request.input, "RoleName"), cloud.account.id.as_str());
    if let Some(role) = find_role(cloud, name) {
        return Ok(json!({ "Role": role_shape(cloud, role) }));
    }
    let session = format!(":assumed-role/{name}/");
    let has_assumed = |identity: &Identity| identity.account == account && identity.arn.contains(&session);
    if !cloud.identities.values().any(has_assumed) {
        return Err(no_such_entity("role", name));
    }
    let principal = json!({"AWS": format!("arn:{}:iam::{account}:root", cloud.partition())});
    Ok(json!({"Role": {
        "Path": "/",
        "RoleName": name,
        "RoleId": "AROA0000000000000001A",
        "Arn": format!("arn:{}:iam::{account}:role/{name}", cloud.partition()),
        "CreateDate": CREATED,
        "AssumeRolePolicyDocument": trust_policy(&principal, "sts:AssumeRole"),
        "MaxSessionDuration": 3600,
    }}))
}

/// Returns a role that Identity Center has created in the account.
fn find_role<'a>(cloud: &'a Cloud, name: &str) -> Option<&'a Role> {
    let mut roles = cloud.roles.iter();
    roles.find(|role| role.account == cloud.account.id && role.name == name)
}

/// The path of the roles of Identity Center, which contains the Region except in us-east-1.
fn reserved_path(cloud: &Cloud) -> String {
    match cloud.instances.first() {
        Some(instance) if instance.region != "us-east-1" => {
            format!("/aws-reserved/sso.amazonaws.com/{}/", instance.region)
        }
        _ => "/aws-reserved/sso.amazonaws.com/".to_owned(),
    }
}

fn role_shape(cloud: &Cloud, role: &Role) -> Value {
    let path = reserved_path(cloud);
    let principal = json!({ "Federated": saml_provider(cloud) });
    json!({
        "Path": path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": format!("arn:{}:iam::{}:role{path}{}", cloud.partition(), role.account, role.name),
        "CreateDate": CREATED,
        "AssumeRolePolicyDocument": trust_policy(&principal, "sts:AssumeRoleWithSAML"),
        "MaxSessionDuration": 43_200,
    })
}

/// A trust policy, as IAM returns it: URL-encoded.
fn trust_policy(principal: &Value, action: &str) -> String {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": action},
    ]});
    form_urlencoded::byte_serialize(policy.to_string().as_bytes()).collect()
}

/// The ARN of the SAML provider that Identity Center creates in an account.
fn saml_provider(cloud: &Cloud) -> String {
    let account = &cloud.account.id;
    format!(
        "arn:{}:iam::{account}:saml-provider/AWSSSO_rehearsal_DO_NOT_DELETE",
        cloud.partition()
    )
}

/// `ListRoles`: those of Identity Center.
fn list_roles(cloud: &Cloud, request: &Request) -> ServiceResult {
    let prefix = request.input["PathPrefix"].as_str().unwrap_or("/");
    let is_listed = reserved_path(cloud).starts_with(prefix);
    let roles = cloud
        .roles
        .iter()
        .filter(|role| is_listed && role.account == cloud.account.id);
    let rows = roles.map(|role| role_shape(cloud, role)).collect();
    page(request.input, "iam:ListRoles", "Roles", rows)
}

/// `GetUser`: an IAM user, or the caller.
fn get_user(cloud: &Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let name = request.input["UserName"].as_str();
    let identity = match name {
        None => caller,
        Some(name) => {
            let suffix = format!(":user/{name}");
            let mut users = cloud
                .identities
                .values()
                .filter(|identity| identity.account == cloud.account.id);
            let user = users.find(|identity| identity.arn.ends_with(&suffix));
            user.ok_or_else(|| no_such_entity("user", name))?
        }
    };
    let mut user = json!({
        "Path": "/",
        "UserId": identity.user_id,
        "Arn": identity.arn,
        "CreateDate": CREATED,
    });
    // The root user has no name.
    if let Some((_, name)) = identity.arn.split_once(":user/") {
        user["UserName"] = json!(name);
    } else {
        user["UserName"] = json!(cloud.account.name);
    }
    Ok(json!({ "User": user }))
}

/// `ListAttachedRolePolicies`.
fn list_attached(cloud: &Cloud, request: &Request) -> ServiceResult {
    let name = text(request.input, "RoleName");
    let role = find_role(cloud, name).ok_or_else(|| no_such_entity("role", name))?;
    let policies = role.managed_policies.iter();
    let rows = policies
        .map(|arn| json!({"PolicyArn": arn, "PolicyName": arn.rsplit('/').next()}))
        .collect();
    page(request.input, "iam:ListAttachedRolePolicies", "AttachedPolicies", rows)
}

/// `ListSAMLProviders`: that of Identity Center, once it has created a role in the account.
fn list_saml_providers(cloud: &Cloud) -> Value {
    let has_role = cloud.roles.iter().any(|role| role.account == cloud.account.id);
    let provider = has_role.then(|| json!({"Arn": saml_provider(cloud), "CreateDate": CREATED}));
    json!({ "SAMLProviderList": provider.into_iter().collect::<Vec<_>>() })
}

/// `GetPolicy`: an AWS managed policy, or a customer managed policy of the account.
fn get_policy(cloud: &Cloud, request: &Request) -> ServiceResult {
    let arn = text(request.input, "PolicyArn");
    let own = format!("arn:{}:iam::{}:policy", cloud.partition(), cloud.account.id);
    let accounts = cloud.all_accounts().filter(|account| account.id == cloud.account.id);
    let mut policies = accounts.flat_map(|account| &account.policies);
    let own = policies.find(|policy| format!("{own}{}{}", policy.path, policy.name) == arn);
    let aws = AWS_POLICIES
        .iter()
        .map(|path| aws_policy(cloud, path))
        .find(|policy| policy["Arn"] == arn);
    let policy = own.map(|policy| {
        json!({
            "PolicyName": policy.name,
            "PolicyId": "ANPA0000000000000001A",
            "Arn": arn,
            "Path": policy.path,
            "DefaultVersionId": "v1",
            "AttachmentCount": 0,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": true,
            "CreateDate": CREATED,
            "UpdateDate": CREATED,
        })
    });
    let found = policy.or(aws);
    found
        .map(|policy| json!({ "Policy": policy }))
        .ok_or_else(|| no_such_entity("policy", arn))
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
        .map(|path| aws_policy(cloud, path))
        .filter(|policy| {
            input["PathPrefix"]
                .as_str()
                .is_none_or(|prefix| text(policy, "Path").starts_with(prefix))
        })
        .filter(|_| input["OnlyAttached"] != true)
        .collect();
    page(input, "iam:ListPolicies", "Policies", policies)
}

/// Returns an AWS managed policy in the API's form.
fn aws_policy(cloud: &Cloud, path: &str) -> Value {
    let (folder, name) = path
        .rsplit_once('/')
        .map_or(("/".to_owned(), path), |(folder, name)| (format!("/{folder}/"), name));
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
