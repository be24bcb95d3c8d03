//! Settings of an application: who must be assigned, sessions, grants, access scopes and authentication methods.

use serde_json::{Value, json};

use super::applications::{find, find_mut};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::{Request, not_found, text};
use crate::state::Cloud;

/// Maximum number of access scopes of an application ("IAM Identity Center quotas").
const MAX_SCOPES: usize = 25;

/// Each grant type with the member of the grant's union that describes it.
const GRANTS: [(&str, &str); 4] = [
    ("authorization_code", "AuthorizationCode"),
    ("refresh_token", "RefreshToken"),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", "JwtBearer"),
    ("urn:ietf:params:oauth:grant-type:token-exchange", "TokenExchange"),
];

/// `GetApplicationAssignmentConfiguration`.
pub fn get_assignment(cloud: &Cloud, request: &Request) -> ServiceResult {
    Ok(json!({"AssignmentRequired": find(cloud, request)?.requires_assignment}))
}

/// `PutApplicationAssignmentConfiguration`.
pub fn put_assignment(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    find_mut(cloud, request)?.requires_assignment = request.input["AssignmentRequired"] == json!(true);
    Ok(json!({}))
}

/// `GetApplicationSessionConfiguration`.
pub fn get_session(cloud: &Cloud, request: &Request) -> ServiceResult {
    let is_enabled = find(cloud, request)?.has_background_sessions;
    let status = if is_enabled { "ENABLED" } else { "DISABLED" };
    Ok(json!({"UserBackgroundSessionApplicationStatus": status}))
}

/// `PutApplicationSessionConfiguration`.
pub fn put_session(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let application = find_mut(cloud, request)?;
    if let Some(status) = request.input["UserBackgroundSessionApplicationStatus"].as_str() {
        application.has_background_sessions = status == "ENABLED";
    }
    Ok(json!({}))
}

/// `GetApplicationGrant`.
pub fn get_grant(cloud: &Cloud, request: &Request) -> ServiceResult {
    let grant = find(cloud, request)?.grants.get(text(request.input, "GrantType"));
    let grant = grant.ok_or_else(|| missing("grant", text(request.input, "GrantType")))?;
    Ok(json!({ "Grant": grant }))
}

/// `PutApplicationGrant`. The grant must describe the grant type.
pub fn put_grant(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let (kind, grant) = (text(request.input, "GrantType"), &request.input["Grant"]);
    let member = GRANTS.iter().find(|(name, _)| *name == kind).map(|(_, member)| *member);
    if member.is_none_or(|member| grant[member].is_null()) {
        return Err(ServiceError::new(
            "ValidationException",
            format!("The grant does not describe the grant type {kind}."),
        ));
    }
    let issuers = grant["JwtBearer"]["AuthorizedTokenIssuers"]
        .as_array()
        .into_iter()
        .flatten();
    let mut arns = issuers.filter_map(|issuer| issuer["TrustedTokenIssuerArn"].as_str());
    let is_unknown = |arn: &&str| !cloud.trusted_token_issuers.iter().any(|issuer| issuer.arn == **arn);
    if let Some(arn) = arns.find(is_unknown) {
        return Err(not_found(format!("The trusted token issuer {arn} was not found.")));
    }
    let grants = &mut find_mut(cloud, request)?.grants;
    grants.insert(kind.to_owned(), grant.clone());
    Ok(Value::Null)
}

/// `DeleteApplicationGrant`.
pub fn delete_grant(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let kind = text(request.input, "GrantType");
    let removed = find_mut(cloud, request)?.grants.remove(kind);
    removed.map(|_| Value::Null).ok_or_else(|| missing("grant", kind))
}

/// `ListApplicationGrants`.
pub fn list_grants(cloud: &Cloud, request: &Request) -> ServiceResult {
    let application = find(cloud, request)?;
    let grants = application.grants.iter();
    let rows = grants
        .map(|(kind, grant)| json!({"GrantType": kind, "Grant": grant}))
        .collect();
    let scope = format!("ListApplicationGrants:{}", application.arn);
    paging::page(request.input, &scope, "Grants", 100, rows)
}

/// `GetApplicationAccessScope`.
pub fn get_scope(cloud: &Cloud, request: &Request) -> ServiceResult {
    let scope = text(request.input, "Scope");
    let targets = find(cloud, request)?.scopes.get(scope);
    let targets = targets.ok_or_else(|| missing("access scope", scope))?;
    Ok(scope_shape(scope, targets.as_deref()))
}

/// `PutApplicationAccessScope`.
pub fn put_scope(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let scope = text(request.input, "Scope");
    let targets = request.input["AuthorizedTargets"].as_array();
    let targets = targets.map(|targets| targets.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let scopes = &mut find_mut(cloud, request)?.scopes;
    if scopes.len() >= MAX_SCOPES && !scopes.contains_key(scope) {
        // The model declares no error for quotas here.
        return Err(ServiceError::new(
            "ValidationException",
            format!("An application has at most {MAX_SCOPES} access scopes."),
        ));
    }
    scopes.insert(scope.to_owned(), targets);
    Ok(Value::Null)
}

/// `DeleteApplicationAccessScope`.
pub fn delete_scope(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let scope = text(request.input, "Scope");
    let removed = find_mut(cloud, request)?.scopes.remove(scope);
    removed
        .map(|_| Value::Null)
        .ok_or_else(|| missing("access scope", scope))
}

/// `ListApplicationAccessScopes`.
pub fn list_scopes(cloud: &Cloud, request: &Request) -> ServiceResult {
    let application = find(cloud, request)?;
    let scopes = application.scopes.iter();
    let rows = scopes
        .map(|(scope, targets)| scope_shape(scope, targets.as_deref()))
        .collect();
    let scope = format!("ListApplicationAccessScopes:{}", application.arn);
    paging::page(request.input, &scope, "Scopes", 10, rows)
}

fn scope_shape(scope: &str, targets: Option<&[String]>) -> Value {
    let mut shape = json!({ "Scope": scope });
    if let Some(targets) = targets {
        shape["AuthorizedTargets"] = json!(targets);
    }
    shape
}

/// `GetApplicationAuthenticationMethod`.
pub fn get_method(cloud: &Cloud, request: &Request) -> ServiceResult {
    let kind = text(request.input, "AuthenticationMethodType");
    let method = find(cloud, request)?.authentication_methods.get(kind);
    let method = method.ok_or_else(|| missing("authentication method", kind))?;
    Ok(json!({ "AuthenticationMethod": method }))
}

/// `PutApplicationAuthenticationMethod`.
pub fn put_method(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let kind = text(request.input, "AuthenticationMethodType").to_owned();
    let method = request.input["AuthenticationMethod"].clone();
    find_mut(cloud, request)?.authentication_methods.insert(kind, method);
    Ok(Value::Null)
}

/// `DeleteApplicationAuthenticationMethod`.
pub fn delete_method(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let kind = text(request.input, "AuthenticationMethodType");
    let removed = find_mut(cloud, request)?.authentication_methods.remove(kind);
    removed
        .map(|_| Value::Null)
        .ok_or_else(|| missing("authentication method", kind))
}

/// `ListApplicationAuthenticationMethods`.
pub fn list_methods(cloud: &Cloud, request: &Request) -> ServiceResult {
    let application = find(cloud, request)?;
    let rows = application
        .authentication_methods
        .iter()
        .map(|(kind, method)| json!({"AuthenticationMethodType": kind, "AuthenticationMethod": method}))
        .collect();
    let scope = format!("ListApplicationAuthenticationMethods:{}", application.arn);
    paging::page(request.input, &scope, "AuthenticationMethods", 100, rows)
}

fn missing(what: &str, name: &str) -> ServiceError {
    not_found(format!("The application has no {what} {name}."))
}
