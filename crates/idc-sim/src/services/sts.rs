//! AWS STS: the identity of the caller, and temporary credentials.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::request::{Request, denied, not_simulated, text};
use crate::state::{Cloud, Identity};

/// Handles an operation of `sts`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    match request.operation {
        "GetCallerIdentity" => Ok(json!({
            "UserId": caller.user_id,
            "Account": caller.account,
            "Arn": caller.arn,
        })),
        "AssumeRole" => assume_role(cloud, caller, request),
        "GetSessionToken" => session_token(cloud, caller, request),
        other => Err(not_simulated("sts", other)),
    }
}

/// `AssumeRole`: a role of an account of the organization. Trust policies are not evaluated, but only roles that are not
/// reserved for Identity Center can be assumed, and not by the root user.
fn assume_role(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let (arn, session) = (text(request.input, "RoleArn"), text(request.input, "RoleSessionName"));
    let (account, role) = arn
        .split_once(":iam::")
        .and_then(|(_, rest)| rest.split_once(":role/"))
        .ok_or_else(|| ServiceError::new("ValidationError", format!("{arn} is invalid")))?;
    let name = role.rsplit('/').next().unwrap_or(role);
    let is_known = cloud.all_accounts().any(|candidate| candidate.id == account);
    if caller.arn.ends_with(":root") {
        return Err(ServiceError::new("AccessDenied", "Roles may not be assumed by root accounts.").with_status(403));
    }
    if !is_known || role.starts_with("aws-reserved/") {
        return Err(ServiceError {
            code: "AccessDenied".to_owned(),
            ..denied(caller, "sts:AssumeRole", arn).with_status(403)
        });
    }
    let id = format!("{}:{session}", cloud.ids.role_id());
    let arn = format!("arn:{}:sts::{account}:assumed-role/{name}/{session}", cloud.partition());
    let identity = Identity {
        arn: arn.clone(),
        account: account.to_owned(),
        user_id: id.clone(),
        ..caller.clone()
    };
    let credentials = temporary(cloud, identity, request, 3600);
    Ok(json!({"AssumedRoleUser": {"AssumedRoleId": id, "Arn": arn}, "Credentials": credentials}))
}

/// `GetSessionToken`. Temporary credentials cannot call it.
fn session_token(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    if request.access_key_id.starts_with("ASIA") {
        return Err(
            ServiceError::new("AccessDenied", "Cannot call GetSessionToken with session credentials").with_status(403),
        );
    }
    let credentials = temporary(cloud, caller.clone(), request, 43_200);
    Ok(json!({ "Credentials": credentials }))
}

/// Issues temporary credentials for an identity.
fn temporary(cloud: &mut Cloud, identity: Identity, request: &Request, default_seconds: i64) -> Value {
    let seconds = request.input["DurationSeconds"].as_i64().unwrap_or(default_seconds);
    let expires = request
        .now
        .saturating_add(jiff::Span::new().seconds(seconds))
        .unwrap_or(Timestamp::MAX);
    let credentials = cloud.issue(Identity {
        expires: Some(expires),
        ..identity
    });
    json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}
