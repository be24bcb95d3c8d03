//! Access checks, and finding the instance of a request.

use serde_json::Value;

use crate::protocol::error::ServiceError;
use crate::services::request::{Request, denied, not_found, text};
use crate::state::{Cloud, Identity, Instance};

/// Rejects a caller who is not an administrator of the instance. A member account can only list and describe its
/// organization's instance. A delegated administrator can do everything except in the management account.
pub fn require_administrator(cloud: &Cloud, caller: &Identity, request: &Request) -> Result<(), ServiceError> {
    let arn = instance_arn(cloud, request.input);
    let owner = cloud.instance(arn).map(|instance| instance.owner.as_str());
    let is_open_to_members = matches!(request.operation, "ListInstances" | "DescribeInstance");
    if is_open_to_members || owner.is_none_or(|owner| owner == caller.account) {
        return Ok(());
    }
    let is_delegated = cloud.is_delegated_administrator(&caller.account);
    let targets_management_account = owner == Some(text(request.input, "TargetId"));
    if is_delegated && !targets_management_account {
        return Ok(());
    }
    let resource = resource(cloud, request.input);
    Err(denied(caller, &format!("sso:{}", request.operation), &resource))
}

/// Returns the ARN of the instance that a request is about: the one that it names, or that of its application or issuer.
fn instance_arn<'a>(cloud: &'a Cloud, input: &'a Value) -> &'a str {
    let (application, issuer) = (text(input, "ApplicationArn"), text(input, "TrustedTokenIssuerArn"));
    let of_application = cloud.applications.iter().find(|candidate| candidate.arn == application);
    let of_issuer = cloud
        .trusted_token_issuers
        .iter()
        .find(|candidate| candidate.arn == issuer);
    input["InstanceArn"]
        .as_str()
        .or(of_application.map(|application| application.instance.as_str()))
        .or(of_issuer.map(|issuer| issuer.instance.as_str()))
        .unwrap_or_default()
}

/// Returns the resource that an error names: the account, the permission set, or else the instance.
pub fn resource(cloud: &Cloud, input: &Value) -> String {
    let account = input["TargetId"].as_str().or_else(|| input["AccountId"].as_str());
    if let Some(account) = account {
        return format!("arn:{}:sso:::account/{account}", cloud.partition());
    }
    let arns = [
        "PermissionSetArn",
        "ApplicationArn",
        "TrustedTokenIssuerArn",
        "ResourceArn",
        "InstanceArn",
    ];
    let mut present = arns.into_iter().filter_map(|member| input[member].as_str());
    present.next().unwrap_or("*").to_owned()
}

/// Returns the active instance with the request's `InstanceArn`, if it is in the Region of the request.
pub fn instance<'a>(cloud: &'a Cloud, request: &Request) -> Result<&'a Instance, ServiceError> {
    let arn = text(request.input, "InstanceArn");
    cloud
        .instance(arn)
        .filter(|instance| instance.is_in(request.region, request.now) && instance.active_at <= request.now)
        .ok_or_else(|| not_found(format!("The instance {arn} was not found.")))
}

/// Like [`instance`], but rejects an instance that does not support permission sets.
pub fn instance_with_permission_sets<'a>(cloud: &'a Cloud, request: &Request) -> Result<&'a Instance, ServiceError> {
    let instance = instance(cloud, request)?;
    let is_organization_instance = cloud
        .organization
        .as_ref()
        .is_some_and(|organization| organization.management_account == instance.owner);
    if !is_organization_instance {
        return Err(ServiceError::new(
            "ValidationException",
            "The operation is not supported for an account instance of IAM Identity Center.",
        ));
    }
    if !instance.permission_sets_enabled {
        return Err(ServiceError::new(
            "ValidationException",
            "Permission sets are not enabled for this instance.",
        ));
    }
    Ok(instance)
}
