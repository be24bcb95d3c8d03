//! Trusted token issuers of an instance.

use serde_json::{Value, json};

use super::access;
use super::permission_sets::tags_of;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::{Request, not_found, text};
use crate::state::{Cloud, TrustedTokenIssuer};

const CONFIGURATION: &str = "TrustedTokenIssuerConfiguration";
/// The member of the configuration's union. OIDC is the only type.
const OIDC: &str = "OidcJwtConfiguration";

/// `CreateTrustedTokenIssuer`. The issuer URL is unique in the instance.
pub fn create(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let input = request.input;
    let instance = access::instance(cloud, request)?;
    let (instance, id, owner) = (instance.arn.clone(), instance.id().to_owned(), instance.owner.clone());
    let token = input["ClientToken"].as_str();
    let url = |configuration: &Value| configuration[OIDC]["IssuerUrl"].clone();
    let mut others = cloud
        .trusted_token_issuers
        .iter()
        .filter(|issuer| issuer.instance == instance);
    let same = others.find(|issuer| {
        (token.is_some() && issuer.client_token.as_deref() == token)
            || url(&issuer.configuration) == url(&input[CONFIGURATION])
    });
    if let Some(same) = same {
        let is_repeated = token.is_some() && same.client_token.as_deref() == token;
        if is_repeated && same.configuration == input[CONFIGURATION] && same.name == text(input, "Name") {
            return Ok(json!({"TrustedTokenIssuerArn": same.arn}));
        }
        return Err(ServiceError::new(
            "ConflictException",
            "A trusted token issuer with this issuer URL or client token already exists.",
        ));
    }
    let (partition, uuid) = (cloud.partition(), cloud.ids.uuid());
    let arn = format!("arn:{partition}:sso::{owner}:trustedTokenIssuer/{id}/tti-{uuid}");
    cloud.trusted_token_issuers.push(TrustedTokenIssuer {
        arn: arn.clone(),
        instance,
        name: text(input, "Name").to_owned(),
        configuration: input[CONFIGURATION].clone(),
        client_token: token.map(str::to_owned),
        tags: tags_of(&input["Tags"]),
    });
    Ok(json!({"TrustedTokenIssuerArn": arn}))
}

/// `DescribeTrustedTokenIssuer`.
pub fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    let arn = text(request.input, "TrustedTokenIssuerArn");
    let issuer = cloud.trusted_token_issuers.iter().find(|issuer| issuer.arn == arn);
    let issuer = issuer.ok_or_else(|| unknown(arn))?;
    let mut response = shape(issuer);
    response[CONFIGURATION] = issuer.configuration.clone();
    Ok(response)
}

/// `ListTrustedTokenIssuers`.
pub fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    let instance = access::instance(cloud, request)?;
    let issuers = cloud.trusted_token_issuers.iter();
    let rows = issuers
        .filter(|issuer| issuer.instance == instance.arn)
        .map(shape)
        .collect();
    let scope = format!("ListTrustedTokenIssuers:{}", instance.arn);
    paging::page(request.input, &scope, "TrustedTokenIssuers", 100, rows)
}

/// `UpdateTrustedTokenIssuer`: members that are left out stay. The issuer URL cannot change.
pub fn update(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let issuer = find_mut(cloud, text(request.input, "TrustedTokenIssuerArn"))?;
    if let Some(name) = request.input["Name"].as_str() {
        name.clone_into(&mut issuer.name);
    }
    for (member, value) in request.input[CONFIGURATION][OIDC].as_object().into_iter().flatten() {
        issuer.configuration[OIDC][member] = value.clone();
    }
    Ok(json!({}))
}

/// `DeleteTrustedTokenIssuer`.
pub fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let arn = text(request.input, "TrustedTokenIssuerArn");
    find_mut(cloud, arn)?;
    cloud.trusted_token_issuers.retain(|issuer| issuer.arn != arn);
    Ok(json!({}))
}

fn find_mut<'a>(cloud: &'a mut Cloud, arn: &str) -> Result<&'a mut TrustedTokenIssuer, ServiceError> {
    let mut issuers = cloud.trusted_token_issuers.iter_mut();
    issuers.find(|issuer| issuer.arn == arn).ok_or_else(|| unknown(arn))
}

fn unknown(arn: &str) -> ServiceError {
    not_found(format!("The trusted token issuer {arn} was not found."))
}

fn shape(issuer: &TrustedTokenIssuer) -> Value {
    json!({
        "TrustedTokenIssuerArn": issuer.arn,
        "Name": issuer.name,
        "TrustedTokenIssuerType": "OIDC_JWT",
    })
}
