//! One file a service. Each takes a request that has passed its model and answers from the world.

mod freetier;
mod identity_store;
mod organizations;
mod portal;
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
    /// The members.
    pub input: &'a Value,
    /// The server's clock.
    pub now: Timestamp,
}

/// Answers one request: lets due things happen, checks who asks, validates, and hands over.
pub fn answer(world: &mut World, request: &Request) -> Answer {
    world.settle(request.now);
    let signed = !matches!(request.service, "sso" | "sso-oidc");
    let caller = if signed {
        Some(authenticate(world, request)?)
    } else {
        None
    };
    let valid = models::validate(request.service, request.operation, request.input);
    // sso-oidc speaks OAuth: it has an error of its own for what the others' common front refuses.
    valid.map_err(|refusal| match request.service {
        "sso-oidc" => sso_oidc::invalid(&refusal.message),
        _ => refusal,
    })?;
    match (request.service, caller) {
        ("sts", Some(caller)) => sts::answer(&caller, request),
        ("organizations", Some(caller)) => organizations::answer(world, &caller, request),
        ("sso-admin", Some(caller)) => sso_admin::answer(world, &caller, request),
        ("identitystore", Some(caller)) => identity_store::answer(world, &caller, request),
        ("freetier", Some(_)) => freetier::answer(world, request),
        ("sso-oidc", _) => sso_oidc::answer(world, request),
        ("sso", _) => portal::answer(world, request),
        _ => Err(not_simulated(request.service, request.operation)),
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

fn authenticate(world: &World, request: &Request) -> Result<Identity, Refusal> {
    let is_sts = request.service == "sts";
    if request.access_key_id.is_empty() {
        let code = if is_sts {
            "MissingAuthenticationToken"
        } else {
            "MissingAuthenticationTokenException"
        };
        return Err(Refusal::new(code, "Missing Authentication Token").with_status(403));
    }
    let Some(identity) = world.identities.get(request.access_key_id) else {
        let code = if is_sts {
            "InvalidClientTokenId"
        } else {
            "UnrecognizedClientException"
        };
        return Err(Refusal::new(code, "The security token included in the request is invalid.").with_status(403));
    };
    if identity.expires.is_some_and(|at| at <= request.now) {
        let code = if is_sts {
            "ExpiredToken"
        } else {
            "ExpiredTokenException"
        };
        return Err(Refusal::new(code, "The security token included in the request is expired").with_status(403));
    }
    let action = format!("{}:{}", action_prefix(request.service), request.operation);
    if identity.is_denied(&action) && action != "sts:GetCallerIdentity" {
        return Err(denied(identity, &action));
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

fn action_prefix(service: &str) -> &str {
    match service {
        "sso-admin" => "sso",
        other => other,
    }
}
