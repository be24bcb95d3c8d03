//! Applications and their providers.

use serde_json::{Value, json};

use super::access;
use super::permission_sets::tags_of;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging;
use crate::services::request::{Request, epoch, not_found, text};
use crate::state::{Application, Cloud, Identity};

/// The provider of customer managed OAuth 2.0 applications, the only ones that the API creates.
const CUSTOM: &str = "custom";

/// The providers that the simulation has, with their protocol and display name. AWS has many more: those of its own
/// applications, and a catalog of SAML applications.
const PROVIDERS: [(&str, &str, &str); 2] = [
    (CUSTOM, "OAUTH", "Custom OAuth 2.0 application"),
    ("custom-saml", "SAML", "Custom SAML 2.0 application"),
];

/// `ListApplicationProviders`.
pub fn list_providers(cloud: &Cloud, request: &Request) -> ServiceResult {
    let rows = PROVIDERS
        .iter()
        .map(|provider| provider_shape(cloud, *provider))
        .collect();
    paging::page(
        request.input,
        "ListApplicationProviders",
        "ApplicationProviders",
        100,
        rows,
    )
}

/// `DescribeApplicationProvider`.
pub fn describe_provider(cloud: &Cloud, request: &Request) -> ServiceResult {
    let arn = text(request.input, "ApplicationProviderArn");
    let mut shapes = PROVIDERS.iter().map(|provider| provider_shape(cloud, *provider));
    let found = shapes.find(|shape| shape["ApplicationProviderArn"] == arn);
    found.ok_or_else(|| not_found(format!("The application provider {arn} was not found.")))
}

fn provider_shape(cloud: &Cloud, (id, protocol, name): (&str, &str, &str)) -> Value {
    json!({
        "ApplicationProviderArn": provider_arn(cloud, id),
        "FederationProtocol": protocol,
        "DisplayData": {"DisplayName": name},
    })
}

fn provider_arn(cloud: &Cloud, id: &str) -> String {
    format!("arn:{}:sso::aws:applicationProvider/{id}", cloud.partition())
}

/// `CreateApplication`. SAML applications can be created only in the console.
pub fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let input = request.input;
    let instance = access::instance(cloud, request)?;
    let (instance, store) = (instance.arn.clone(), instance.store_arn());
    let provider = text(input, "ApplicationProviderArn");
    if provider != provider_arn(cloud, CUSTOM) {
        return Err(ServiceError::new(
            "ValidationException",
            format!("Applications of the provider {provider} cannot be created with this operation."),
        ));
    }
    let (token, name) = (input["ClientToken"].as_str(), text(input, "Name"));
    let mut existing = cloud.applications.iter();
    let repeated = existing.find(|other| token.is_some() && other.client_token.as_deref() == token);
    if let Some(repeated) = repeated {
        if repeated.name == name && repeated.instance == instance {
            return Ok(json!({"ApplicationArn": repeated.arn, "InstanceArn": instance, "IdentityStoreArn": store}));
        }
        return Err(ServiceError::new(
            "ConflictException",
            "The client token was used for a request with other values.",
        ));
    }
    let arn = new_arn(cloud, &caller.account, &instance);
    let mut application = Application {
        description: input["Description"].as_str().map(str::to_owned),
        is_enabled: input["Status"] != "DISABLED",
        created_from: request.region.to_owned(),
        client_token: token.map(str::to_owned),
        tags: tags_of(&input["Tags"]),
        ..Application::new(arn.clone(), &instance, provider, name, request.now)
    };
    set_portal(&mut application, &input["PortalOptions"]);
    cloud.applications.push(application);
    Ok(json!({"ApplicationArn": arn, "InstanceArn": instance, "IdentityStoreArn": store}))
}

/// Returns an ARN for a new application.
pub fn new_arn(cloud: &mut Cloud, account: &str, instance: &str) -> String {
    let (partition, instance) = (cloud.partition(), instance.rsplit('/').next().unwrap_or_default());
    let id = cloud.ids.hex(16);
    format!("arn:{partition}:sso::{account}:application/{instance}/apl-{id}")
}

fn set_portal(application: &mut Application, options: &Value) {
    for (member, value) in options.as_object().into_iter().flatten() {
        application.portal[member] = value.clone();
    }
}

/// `DescribeApplication`.
pub fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    Ok(shape(cloud, find(cloud, request)?))
}

/// `ListApplications`, of all accounts and providers or of one.
pub fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    let instance = access::instance(cloud, request)?;
    let filter = &request.input["Filter"];
    let (account, provider) = (
        filter["ApplicationAccount"].as_str(),
        filter["ApplicationProvider"].as_str(),
    );
    let rows = cloud
        .applications
        .iter()
        .filter(|application| application.instance == instance.arn)
        .filter(|application| account.is_none_or(|account| application.account == account))
        .filter(|application| provider.is_none_or(|provider| application.provider == provider))
        .map(|application| shape(cloud, application))
        .collect();
    let scope = format!("ListApplications:{}", instance.arn);
    paging::page(request.input, &scope, "Applications", 100, rows)
}

/// `UpdateApplication`: members that are left out stay.
pub fn update(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let input = request.input;
    let application = find_mut(cloud, request)?;
    if let Some(name) = input["Name"].as_str() {
        name.clone_into(&mut application.name);
    }
    if let Some(description) = input["Description"].as_str() {
        application.description = Some(description.to_owned());
    }
    if let Some(status) = input["Status"].as_str() {
        application.is_enabled = status == "ENABLED";
    }
    set_portal(application, &input["PortalOptions"]);
    Ok(json!({}))
}

/// `DeleteApplication`, with its assignments.
pub fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let arn = find(cloud, request)?.arn.clone();
    cloud.applications.retain(|application| application.arn != arn);
    cloud
        .application_assignments
        .retain(|assignment| assignment.application != arn);
    Ok(json!({}))
}

/// Returns the application of a request.
pub fn find<'a>(cloud: &'a Cloud, request: &Request) -> Result<&'a Application, ServiceError> {
    let arn = text(request.input, "ApplicationArn");
    let mut applications = cloud.applications.iter();
    applications
        .find(|application| application.arn == arn)
        .ok_or_else(|| unknown(arn))
}

/// Like [`find`], to change it.
pub fn find_mut<'a>(cloud: &'a mut Cloud, request: &Request) -> Result<&'a mut Application, ServiceError> {
    let arn = text(request.input, "ApplicationArn");
    let mut applications = cloud.applications.iter_mut();
    applications
        .find(|application| application.arn == arn)
        .ok_or_else(|| unknown(arn))
}

fn unknown(arn: &str) -> ServiceError {
    not_found(format!("The application {arn} was not found."))
}

fn shape(cloud: &Cloud, application: &Application) -> Value {
    let mut shape = json!({
        "ApplicationArn": application.arn,
        "ApplicationProviderArn": application.provider,
        "Name": application.name,
        "ApplicationAccount": application.account,
        "InstanceArn": application.instance,
        "Status": if application.is_enabled { "ENABLED" } else { "DISABLED" },
        "PortalOptions": application.portal,
        "CreatedDate": epoch(application.created),
    });
    if let Some(instance) = cloud.instance(&application.instance) {
        shape["IdentityStoreArn"] = json!(instance.store_arn());
    }
    if !application.created_from.is_empty() {
        shape["CreatedFrom"] = json!(application.created_from);
    }
    if let Some(description) = &application.description {
        shape["Description"] = json!(description);
    }
    shape
}
