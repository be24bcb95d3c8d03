//! Who may administer an instance, and which instance a request names.

use crate::protocol::error::ServiceError;
use crate::services::request::{Request, denied, not_found, text};
use crate::state::{Cloud, Identity, Instance};

/// A member account sees its organization's instance; only the owner and a delegated administrator work with it,
/// and the latter not on the management account.
pub fn require_administrator(cloud: &Cloud, caller: &Identity, request: &Request) -> Result<(), ServiceError> {
    let arn = text(request.input, "InstanceArn");
    let owner = cloud.instance(arn).map(|instance| instance.owner.as_str());
    let sees_only = matches!(request.operation, "ListInstances" | "DescribeInstance");
    if sees_only || owner.is_none_or(|owner| owner == caller.account) {
        return Ok(());
    }
    let delegated = cloud.delegated_administrators.contains(&caller.account);
    let on_management_account = owner == Some(text(request.input, "TargetId"));
    if delegated && !on_management_account {
        return Ok(());
    }
    Err(denied(caller, &format!("sso:{}", request.operation)))
}

/// The active organization instance that `InstanceArn` names, in the Region of the call.
pub fn instance<'a>(cloud: &'a Cloud, request: &Request) -> Result<&'a Instance, ServiceError> {
    let arn = text(request.input, "InstanceArn");
    cloud
        .instance(arn)
        .filter(|instance| instance.region == request.region && instance.active_at <= request.now)
        .ok_or_else(|| not_found(format!("The instance {arn} was not found.")))
}

/// [`instance`], refusing one that has no permission sets.
pub fn instance_with_permission_sets<'a>(cloud: &'a Cloud, request: &Request) -> Result<&'a Instance, ServiceError> {
    let instance = instance(cloud, request)?;
    let of_organization = cloud
        .organization
        .as_ref()
        .is_some_and(|organization| organization.management_account == instance.owner);
    if !of_organization {
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
