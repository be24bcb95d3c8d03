//! One file a service. Each takes a request that has passed its model and answers from the world.

mod cloudtrail;
mod freetier;
mod iam;
mod identity_store;
mod organizations;
mod portal;
pub(super) mod s3;
pub(super) mod signin;
mod sso_admin;
mod sso_oidc;
mod sts;

use jiff::Timestamp;
use serde_json::Value;

use super::models;
use super::refusal::{Answer, Refusal};
use super::world::{Identity, World};

/// A request, parsed and told apart, as a service sees it.
pub struct Request<'a> {
    /// botocore's name of the service.
    pub service: &'a str,
    /// The operation's name.
    pub operation: &'a str,
    /// Region of the signature; `-` for unsigned requests.
    pub region: &'a str,
    /// Access key id of the signature; empty for unsigned requests.
    pub access_key_id: &'a str,
    /// The key that the request proves to hold, where it does.
    pub proof: Option<&'a Value>,
    /// The members.
    pub input: &'a Value,
    /// The server's clock.
    pub now: Timestamp,
}

/// Answers one request: lets due things happen, checks who asks, validates, and hands over.
pub fn answer(world: &mut World, request: &Request) -> Answer {
    world.settle(request.now);
    let signed = !matches!(request.service, "sso" | "sso-oidc" | "signin");
    let caller = if signed {
        Some(authenticate(world, request)?)
    } else {
        None
    };
    let valid = models::validate(request.service, request.operation, request.input);
    // sso-oidc speaks OAuth: it has an error of its own for what the others' common front refuses.
    valid.map_err(|refusal| match request.service {
        "sso-oidc" => sso_oidc::invalid(&refusal.message),
        "sts" | "iam" => Refusal::new("ValidationError", refusal.message),
        "s3" if refusal.message.contains("locationConstraint") => Refusal::new(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        ),
        "s3" => Refusal::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
        _ => refusal,
    })?;
    match (request.service, caller) {
        ("sts", Some(caller)) => sts::answer(&caller, request),
        ("organizations", Some(caller)) => organizations::answer(world, &caller, request),
        ("sso-admin", Some(caller)) => sso_admin::answer(world, &caller, request),
        ("identitystore", Some(caller)) => identity_store::answer(world, &caller, request),
        ("freetier", Some(_)) => freetier::answer(world, request),
        ("iam", Some(_)) => iam::answer(world, request),
        ("cloudtrail", Some(caller)) => cloudtrail::answer(world, &caller, request),
        ("s3", Some(caller)) => s3::answer(world, &caller, request),
        ("signin", _) => signin::answer(world, request),
        ("sso-oidc", _) => sso_oidc::answer(world, request),
        ("sso", _) => portal::answer(world, request),
        _ => Err(not_simulated(request.service, request.operation)),
    }
}

/// What the console does with a service for the root user: checked like a call, and neither signed nor logged.
pub fn in_console(world: &mut World, service: &str, operation: &str, input: &Value, now: Timestamp) -> Answer {
    models::validate(service, operation, input)?;
    let root = world.root();
    let region = world
        .instances
        .first()
        .map_or_else(|| world.region.clone(), |instance| instance.region.clone());
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
        "identitystore" => identity_store::answer(world, &root, &request),
        other => Err(not_simulated(other, operation)),
    }
}

/// HTTP 501 with the operation's name: an operation the rehearsal does not have is never a silent success.
pub fn not_simulated(service: &str, operation: &str) -> Refusal {
    Refusal::new(
        "NotImplemented",
        format!("The rehearsal does not simulate {service}:{operation}."),
    )
    .with_status(501)
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

fn authenticate(world: &World, request: &Request) -> Result<Identity, Refusal> {
    let [missing, unknown, expired, refused] = codes(request.service);
    if request.access_key_id.is_empty() {
        return Err(Refusal::new(missing, "Missing Authentication Token").with_status(403));
    }
    let Some(identity) = world.identities.get(request.access_key_id) else {
        return Err(Refusal::new(unknown, "The security token included in the request is invalid.").with_status(403));
    };
    if identity.expires.is_some_and(|at| at <= request.now) {
        return Err(Refusal::new(expired, "The security token included in the request is expired").with_status(403));
    }
    let action = format!("{}:{}", action_prefix(request.service), action_name(request));
    if identity.is_denied(&action) && action != "sts:GetCallerIdentity" {
        let status = if refused == "AccessDenied" { 403 } else { 400 };
        let refusal = denied(identity, &action).with_status(status);
        return Err(Refusal {
            code: refused.to_owned(),
            ..refusal
        });
    }
    Ok(identity.clone())
}

/// `AccessDeniedException` in IAM's words.
pub fn denied(identity: &Identity, action: &str) -> Refusal {
    Refusal::new(
        "AccessDeniedException",
        format!(
            "User: {} is not authorized to perform: {action} because no identity-based policy allows the {action} action",
            identity.arn
        ),
    )
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
