//! Dispatches an API request to its service, after authentication and validation.

use jiff::Timestamp;
use serde_json::Value;

use super::request::{Request, denied, not_simulated, text};
use super::{
    cloudtrail, eks, freetier, iam, identity_store, organizations, portal, s3, signin, sso_admin, sso_oidc, sts,
};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::protocol::models;
use crate::state::{Cloud, Identity};

/// Handles an API request: applies changes that are due, authenticates the caller, validates the input, and calls the
/// service.
pub fn handle(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    cloud.settle(request.now);
    let model = models::SERVICES.get(request.service);
    if model.is_none_or(|model| !model.operations.contains_key(request.operation)) {
        return Err(not_simulated(request.service, request.operation));
    }
    let is_signed = !matches!(request.service, "sso" | "sso-oidc" | "signin");
    let caller = if is_signed {
        Some(authenticate(cloud, request)?)
    } else {
        None
    };
    check_input(request)?;
    match (request.service, caller) {
        ("sts", Some(caller)) => sts::handle(cloud, &caller, request),
        ("organizations", Some(caller)) => organizations::handle(cloud, &caller, request),
        ("sso-admin", Some(caller)) => sso_admin::handle(cloud, &caller, request),
        ("identitystore", Some(caller)) => identity_store::handle(cloud, &caller, request),
        ("eks", Some(caller)) => eks::handle(cloud, &caller, request),
        ("freetier", Some(_)) => freetier::handle(cloud, request),
        ("iam", Some(caller)) => iam::handle(cloud, &caller, request),
        ("cloudtrail", Some(caller)) => cloudtrail::handle(cloud, &caller, request),
        ("s3", Some(caller)) => s3::handle(cloud, &caller, request),
        ("signin", _) => signin::handle(cloud, request),
        ("sso-oidc", _) => sso_oidc::handle(cloud, request),
        ("sso", _) => portal::handle(cloud, request),
        _ => Err(not_simulated(request.service, request.operation)),
    }
}

/// Validates the input of a request against the model, and rejects it with the error of the service.
fn check_input(request: &Request) -> Result<(), ServiceError> {
    let violations = models::violations(request.service, request.operation, request.input);
    let Some(first) = violations.first() else {
        return Ok(());
    };
    let error = ServiceError::validation(&violations);
    // sso-oidc returns OAuth errors. Organizations, and the query and S3 protocols, have their own errors for invalid
    // input.
    Err(match request.service {
        "sso-oidc" => sso_oidc::invalid_request(&error.message),
        "organizations" => organizations::violated(first.constraint).unwrap_or(error),
        "sts" | "iam" => ServiceError::new("ValidationError", error.message),
        "s3" if error.message.contains("locationConstraint") => ServiceError::new(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        ),
        "s3" => ServiceError::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
        _ => error,
    })
}

/// Performs an operation for the root user on behalf of the console. The input is validated as in a call, but there is
/// no signature and no entry in the call log.
pub fn handle_in_console(
    cloud: &mut Cloud,
    service: &str,
    operation: &str,
    input: &Value,
    now: Timestamp,
) -> ServiceResult {
    models::validate(service, operation, input)?;
    let root = cloud.root();
    let region = cloud
        .instances
        .first()
        .map_or_else(|| cloud.region.clone(), |instance| instance.region.clone());
    let request = Request {
        service,
        operation,
        region: &region,
        access_key_id: "",
        proof: None,
        input,
        now,
    };
    match service {
        "identitystore" => identity_store::handle(cloud, &root, &request),
        other => Err(not_simulated(other, operation)),
    }
}

/// Returns the service's error codes for a missing signature, an unknown access key, expired credentials, and a denied
/// action. They depend on the protocol.
fn authentication_error_codes(service: &str) -> [&'static str; 4] {
    match service {
        "sts" | "iam" => [
            "MissingAuthenticationToken",
            "InvalidClientTokenId",
            "ExpiredToken",
            "AccessDenied",
        ],
        "s3" => ["AccessDenied", "InvalidAccessKeyId", "ExpiredToken", "AccessDenied"],
        _ => [
            "MissingAuthenticationTokenException",
            "UnrecognizedClientException",
            "ExpiredTokenException",
            "AccessDeniedException",
        ],
    }
}

/// Returns the identity of the caller, if it is known and allowed to perform the action.
fn authenticate(cloud: &Cloud, request: &Request) -> Result<Identity, ServiceError> {
    let [missing, unknown, expired, access_denied] = authentication_error_codes(request.service);
    if request.access_key_id.is_empty() {
        return Err(ServiceError::new(missing, "Missing Authentication Token").with_status(403));
    }
    let root = cloud.accepts_any_key.then(|| cloud.root());
    let Some(identity) = cloud.identities.get(request.access_key_id).or(root.as_ref()) else {
        return Err(
            ServiceError::new(unknown, "The security token included in the request is invalid.").with_status(403),
        );
    };
    if identity.expires.is_some_and(|at| at <= request.now) {
        return Err(
            ServiceError::new(expired, "The security token included in the request is expired").with_status(403),
        );
    }
    let action = format!("{}:{}", action_prefix(request.service), action_name(request));
    if identity.is_denied(&action) && action != "sts:GetCallerIdentity" {
        let status = if access_denied == "AccessDenied" { 403 } else { 400 };
        let error = match request.service {
            "identitystore" => identity_store::denied(cloud, identity, &action, request.input),
            "sso-admin" => denied(identity, &action, &sso_admin::resource(cloud, request.input)),
            "s3" => {
                let bucket = text(request.input, "Bucket");
                denied(identity, &action, &format!("arn:{}:s3:::{bucket}", cloud.partition()))
            }
            _ => denied(identity, &action, "*"),
        };
        let error = error.with_status(status);
        return Err(ServiceError {
            code: access_denied.to_owned(),
            ..error
        });
    }
    Ok(identity.clone())
}

/// Returns the IAM action of an operation, without its prefix. It has the name of the operation except for some
/// operations of S3 ("Service Authorization Reference").
fn action_name<'a>(request: &Request<'a>) -> &'a str {
    match (request.service, request.operation) {
        ("s3", "HeadBucket") => "ListBucket",
        ("s3", "PutPublicAccessBlock") => "PutBucketPublicAccessBlock",
        ("s3", "GetPublicAccessBlock") => "GetBucketPublicAccessBlock",
        (_, operation) => operation,
    }
}

/// Returns the prefix of a service's IAM actions.
fn action_prefix(service: &str) -> &str {
    match service {
        "sso-admin" => "sso",
        other => other,
    }
}
