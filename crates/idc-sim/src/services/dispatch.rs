//! Takes a request to its service: who calls, whether AWS would accept its shape, and who answers.

use jiff::Timestamp;
use serde_json::Value;

use super::request::{Request, denied, not_simulated};
use super::{cloudtrail, freetier, iam, identity_store, organizations, portal, s3, signin, sso_admin, sso_oidc, sts};
use crate::protocol::error::{Answer, ServiceError};
use crate::protocol::models;
use crate::state::{Cloud, Identity};

/// Answers one request: lets due things happen, checks who asks, validates, and hands over.
pub fn answer(cloud: &mut Cloud, request: &Request) -> Answer {
    cloud.settle(request.now);
    let signed = !matches!(request.service, "sso" | "sso-oidc" | "signin");
    let caller = if signed {
        Some(authenticate(cloud, request)?)
    } else {
        None
    };
    let valid = models::validate(request.service, request.operation, request.input);
    // sso-oidc speaks OAuth: it has an error of its own for what the others' common front refuses.
    valid.map_err(|error| match request.service {
        "sso-oidc" => sso_oidc::invalid(&error.message),
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
    })?;
    match (request.service, caller) {
        ("sts", Some(caller)) => sts::answer(&caller, request),
        ("organizations", Some(caller)) => organizations::answer(cloud, &caller, request),
        ("sso-admin", Some(caller)) => sso_admin::answer(cloud, &caller, request),
        ("identitystore", Some(caller)) => identity_store::answer(cloud, &caller, request),
        ("freetier", Some(_)) => freetier::answer(cloud, request),
        ("iam", Some(_)) => iam::answer(cloud, request),
        ("cloudtrail", Some(caller)) => cloudtrail::answer(cloud, &caller, request),
        ("s3", Some(caller)) => s3::answer(cloud, &caller, request),
        ("signin", _) => signin::answer(cloud, request),
        ("sso-oidc", _) => sso_oidc::answer(cloud, request),
        ("sso", _) => portal::answer(cloud, request),
        _ => Err(not_simulated(request.service, request.operation)),
    }
}

/// What the console does with a service for the root user: checked like a call, and neither signed nor logged.
pub fn in_console(cloud: &mut Cloud, service: &str, operation: &str, input: &Value, now: Timestamp) -> Answer {
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
        "identitystore" => identity_store::answer(cloud, &root, &request),
        other => Err(not_simulated(other, operation)),
    }
}

/// The codes of a refused signature differ by protocol: JSON, query, S3.
fn codes(service: &str) -> [&'static str; 4] {
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

fn authenticate(cloud: &Cloud, request: &Request) -> Result<Identity, ServiceError> {
    let [missing, unknown, expired, refused] = codes(request.service);
    if request.access_key_id.is_empty() {
        return Err(ServiceError::new(missing, "Missing Authentication Token").with_status(403));
    }
    let Some(identity) = cloud.identities.get(request.access_key_id) else {
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
        let status = if refused == "AccessDenied" { 403 } else { 400 };
        let error = denied(identity, &action).with_status(status);
        return Err(ServiceError {
            code: refused.to_owned(),
            ..error
        });
    }
    Ok(identity.clone())
}

/// Nearly everywhere the action is called as the operation is; S3 has names of its own ("Service Authorization
/// Reference").
fn action_name<'a>(request: &Request<'a>) -> &'a str {
    match (request.service, request.operation) {
        ("s3", "HeadBucket") => "ListBucket",
        ("s3", "PutPublicAccessBlock") => "PutBucketPublicAccessBlock",
        ("s3", "GetPublicAccessBlock") => "GetBucketPublicAccessBlock",
        (_, operation) => operation,
    }
}

fn action_prefix(service: &str) -> &str {
    match service {
        "sso-admin" => "sso",
        other => other,
    }
}
