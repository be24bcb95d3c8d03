//! The organization, its accounts, trusted access and delegated administrators.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::invalid_input::require_service_principal;
use super::lists::{LIST, page};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging::List;
use crate::services::request::Request;
use crate::services::request::{epoch, tags_of, text};
use crate::state::{Account, AccountRequest, Cloud, DelegatedAdministrator, Identity, Organization, Plan};

/// The service principal of Identity Center.
const SSO: &str = "sso.amazonaws.com";

/// Handles an operation on the organization or its accounts. `None` if it is another one.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Option<ServiceResult> {
    Some(match request.operation {
        "DescribeOrganization" => describe(cloud, request.now),
        "CreateOrganization" => create(cloud, caller, request),
        "ListAccounts" => list_accounts(cloud, request),
        "DescribeAccount" => describe_account(cloud, request),
        "CreateAccount" => create_account(cloud, request),
        "DescribeCreateAccountStatus" => describe_create_account_status(cloud, request),
        "ListCreateAccountStatus" => list_create_account_status(cloud, request),
        "ListAWSServiceAccessForOrganization" => list_service_access(cloud, request),
        "EnableAWSServiceAccess" | "DisableAWSServiceAccess" => set_service_access(cloud, request),
        "ListDelegatedAdministrators" => list_delegated(cloud, request),
        "ListDelegatedServicesForAccount" => list_delegated_services(cloud, request),
        "RegisterDelegatedAdministrator" => register_delegated(cloud, request),
        "DeregisterDelegatedAdministrator" => deregister_delegated(cloud, request),
        _ => return None,
    })
}

fn describe(cloud: &Cloud, now: Timestamp) -> ServiceResult {
    let visible = cloud
        .organization
        .as_ref()
        .filter(|_| cloud.has_propagated("organization", now));
    visible.map_or_else(
        || {
            Err(ServiceError::new(
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            ))
        },
        |organization| Ok(json!({ "Organization": shape(cloud, organization) })),
    )
}

fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    if cloud.organization.is_some() {
        return Err(ServiceError::new(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        ));
    }
    let feature_set = request.input["FeatureSet"].as_str().unwrap_or("ALL").to_owned();
    let id = format!("o-{}", cloud.ids.hex(10));
    cloud.organization = Some(Organization {
        created: Some(request.now),
        ..Organization::new(id, caller.account.clone(), feature_set)
    });
    cloud.accounts = vec![cloud.account.clone()];
    // Users report that creating an organization ends the Free plan immediately. This is not confirmed.
    cloud.plan = cloud.plan.map(|_| Plan::Paid);
    let response = describe(cloud, request.now);
    cloud.record_write("organization".to_owned(), request.now);
    response
}

fn list_accounts(cloud: &Cloud, request: &Request) -> ServiceResult {
    if cloud.organization.is_none() || !cloud.has_propagated("organization", request.now) {
        return describe(cloud, request.now);
    }
    // An organization can have thousands of accounts, and a page has 20: shape only those.
    let accounts: Vec<_> = cloud.all_accounts().collect();
    let shape = |account: &Account| account_shape(cloud, account);
    let list = List {
        scope: "organizations:ListAccounts",
        key: "Accounts",
        ..LIST
    };
    list.page(request.input, accounts.into_iter(), shape)
}

/// `DescribeAccount`.
fn describe_account(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let account = find_account(cloud, text(request.input, "AccountId"))?;
    Ok(json!({ "Account": account_shape(cloud, account) }))
}

/// Returns an account of the organization.
pub fn find_account<'a>(cloud: &'a Cloud, id: &str) -> Result<&'a Account, ServiceError> {
    let account = cloud.all_accounts().find(|account| account.id == id);
    account.ok_or_else(|| {
        ServiceError::new(
            "AccountNotFoundException",
            "You specified an account that doesn't exist.",
        )
    })
}

/// `CreateAccount`, which completes asynchronously. Only the management account can call it.
fn create_account(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let (name, email) = (text(request.input, "AccountName"), text(request.input, "Email"));
    let email_exists = cloud.all_accounts().any(|account| account.email == email)
        || cloud
            .account_requests
            .iter()
            .any(|request| request.account.as_ref().is_some_and(|account| account.email == email));
    let id = cloud.ids.digits(12);
    let tags = tags_of(&request.input["Tags"]);
    if let Some(organization) = &mut cloud.organization
        && !email_exists
        && !tags.is_empty()
    {
        organization.tags.insert(id.clone(), tags.into_iter().collect());
    }
    let account = Account::new(id, name, email);
    let account_request = AccountRequest {
        id: format!("car-{}", cloud.ids.hex(32)),
        created: request.now,
        due: request.now + cloud.timing.provisioning,
        account: (!email_exists).then_some(account),
        name: name.to_owned(),
        has_left: false,
    };
    let response = json!({ "CreateAccountStatus": create_account_status(&account_request, request.now) });
    cloud.account_requests.push(account_request);
    Ok(response)
}

/// `DescribeCreateAccountStatus`.
fn describe_create_account_status(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let id = text(request.input, "CreateAccountRequestId");
    let found = cloud.account_requests.iter().find(|candidate| candidate.id == id);
    found.map_or_else(
        || {
            Err(ServiceError::new(
                "CreateAccountStatusNotFoundException",
                "You specified an unrecognized CreateAccountRequestId.",
            ))
        },
        |found| Ok(json!({ "CreateAccountStatus": create_account_status(found, request.now) })),
    )
}

/// `ListCreateAccountStatus`, of all requests or of those with one of some states.
fn list_create_account_status(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let states = request.input["States"].as_array();
    let rows = cloud
        .account_requests
        .iter()
        .map(|candidate| create_account_status(candidate, request.now))
        .filter(|status| states.is_none_or(|states| states.contains(&status["State"])))
        .collect();
    let scope = "organizations:ListCreateAccountStatus";
    page(request.input, scope, "CreateAccountStatuses", 20, rows)
}

/// Returns the `CreateAccountStatus` of a request.
fn create_account_status(request: &AccountRequest, now: Timestamp) -> Value {
    let mut status = json!({
        "Id": request.id,
        "AccountName": request.name,
        "RequestedTimestamp": epoch(request.created),
        "State": "IN_PROGRESS",
    });
    if request.due <= now {
        status["CompletedTimestamp"] = epoch(request.due);
        if let Some(account) = &request.account {
            status["State"] = json!("SUCCEEDED");
            status["AccountId"] = json!(account.id);
        } else {
            status["State"] = json!("FAILED");
            status["FailureReason"] = json!("EMAIL_ALREADY_EXISTS");
        }
    }
    status
}

/// `ListAWSServiceAccessForOrganization`. Identity Center has trusted access once it is enabled.
fn list_service_access(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let mut services = cloud
        .organization
        .as_ref()
        .map_or_else(BTreeMap::new, |organization| organization.trusted_services.clone());
    if let Some(instance) = cloud.instances.first() {
        services.insert(SSO.to_owned(), instance.created);
    }
    let rows = services
        .iter()
        .map(|(service, since)| json!({"ServicePrincipal": service, "DateEnabled": epoch(*since)}))
        .collect();
    let scope = "organizations:ListAWSServiceAccess";
    page(request.input, scope, "EnabledServicePrincipals", 20, rows)
}

/// `EnableAWSServiceAccess` and `DisableAWSServiceAccess`.
fn set_service_access(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let service = text(request.input, "ServicePrincipal").to_owned();
    require_service_principal(&service)?;
    if let Some(organization) = &mut cloud.organization {
        if request.operation == "EnableAWSServiceAccess" {
            organization.trusted_services.entry(service).or_insert(request.now);
        } else {
            organization.trusted_services.remove(&service);
        }
    }
    Ok(Value::Null)
}

/// `ListDelegatedAdministrators`, of all services or of one.
fn list_delegated(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let service = request.input["ServicePrincipal"].as_str();
    service.map_or(Ok(()), require_service_principal)?;
    let rows = cloud
        .all_accounts()
        .filter_map(|account| {
            let delegations = cloud.delegated_administrators.iter();
            let since = delegations
                .filter(|delegation| delegation.account == account.id)
                .filter(|delegation| service.is_none_or(|service| delegation.service == service))
                .map(|delegation| delegation.since)
                .min()?;
            let mut shape = account_shape(cloud, account);
            // A delegated administrator has no paths.
            shape.as_object_mut()?.remove("Paths");
            shape["DelegationEnabledDate"] = epoch(since);
            Some(shape)
        })
        .collect();
    let scope = "organizations:ListDelegatedAdministrators";
    page(request.input, scope, "DelegatedAdministrators", 20, rows)
}

/// `ListDelegatedServicesForAccount`.
fn list_delegated_services(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let account = text(request.input, "AccountId");
    find_account(cloud, account)?;
    let rows: Vec<Value> = cloud
        .delegated_administrators
        .iter()
        .filter(|delegation| delegation.account == account)
        .map(|delegation| {
            json!({"ServicePrincipal": delegation.service, "DelegationEnabledDate": epoch(delegation.since)})
        })
        .collect();
    if rows.is_empty() {
        return Err(not_registered());
    }
    let scope = format!("organizations:ListDelegatedServicesForAccount:{account}");
    page(request.input, &scope, "DelegatedServices", 20, rows)
}

/// `RegisterDelegatedAdministrator`. The management account cannot be one.
fn register_delegated(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let (account, service) = (
        text(request.input, "AccountId"),
        text(request.input, "ServicePrincipal"),
    );
    require_service_principal(service)?;
    find_account(cloud, account)?;
    if account == cloud.account.id {
        return Err(constraint_violation(
            "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
            "You cannot register management account/yourself as delegated administrator for your organization.",
        ));
    }
    let delegation = DelegatedAdministrator {
        account: account.to_owned(),
        service: service.to_owned(),
        since: request.now,
    };
    let is_same = |other: &DelegatedAdministrator| other.account == account && other.service == service;
    if cloud.delegated_administrators.iter().any(is_same) {
        return Err(ServiceError::new(
            "AccountAlreadyRegisteredException",
            "The provided account is already a delegated administrator for your organization.",
        ));
    }
    cloud.delegated_administrators.push(delegation);
    Ok(Value::Null)
}

/// `DeregisterDelegatedAdministrator`.
fn deregister_delegated(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let (account, service) = (
        text(request.input, "AccountId"),
        text(request.input, "ServicePrincipal"),
    );
    find_account(cloud, account)?;
    let before = cloud.delegated_administrators.len();
    let is_it = |delegation: &DelegatedAdministrator| delegation.account == account && delegation.service == service;
    cloud.delegated_administrators.retain(|delegation| !is_it(delegation));
    if cloud.delegated_administrators.len() == before {
        return Err(not_registered());
    }
    Ok(Value::Null)
}

fn not_registered() -> ServiceError {
    ServiceError::new(
        "AccountNotRegisteredException",
        "The provided account is not a registered delegated administrator for your organization.",
    )
}

/// Returns the error for a call that violates a limit or a rule of the service.
pub fn constraint_violation(reason: &str, message: &str) -> ServiceError {
    ServiceError::new("ConstraintViolationException", message).with("Reason", reason)
}

/// Rejects a call that does not come from the management account or a delegated administrator.
pub fn require_administrator(cloud: &Cloud, request: &Request) -> Result<(), ServiceError> {
    let mut delegations = cloud.delegated_administrators.iter();
    if delegations.any(|delegation| delegation.account == cloud.account.id) {
        return Ok(());
    }
    require_management(cloud, request)
}

/// Rejects a call that does not come from the management account.
pub fn require_management(cloud: &Cloud, request: &Request) -> Result<(), ServiceError> {
    if cloud.organization.is_none() {
        return describe(cloud, request.now).map(|_| ());
    }
    if cloud.is_management_account() {
        return Ok(());
    }
    Err(ServiceError::new(
        "AccessDeniedException",
        "You don't have permissions to access this resource.",
    ))
}

/// Returns an account in the API's form.
pub fn account_shape(cloud: &Cloud, account: &Account) -> Value {
    let is_management = cloud
        .organization
        .as_ref()
        .is_some_and(|organization| organization.management_account == account.id);
    let state = if account.is_suspended { "SUSPENDED" } else { "ACTIVE" };
    let mut shape = json!({
        "Id": account.id,
        "Arn": account_arn(cloud, &account.id),
        "Email": account.email,
        "Name": account.name,
        "State": state,
        "JoinedMethod": if is_management { "INVITED" } else { "CREATED" },
        "JoinedTimestamp": epoch(joined_at(cloud, account)),
    });
    if let Some(organization) = &cloud.organization {
        shape["Paths"] = json!([format!("{}{}/", organization.path(&account.parent), account.id)]);
    }
    if cloud.choices.accounts_have_status {
        shape["Status"] = json!(state);
    }
    shape
}

/// Returns when an account joined the organization. Accounts of the scenario joined on January 1, 2026.
fn joined_at(cloud: &Cloud, account: &Account) -> Timestamp {
    let creation = cloud
        .account_requests
        .iter()
        .find(|request| request.account.as_ref().is_some_and(|created| created.id == account.id));
    let organization = cloud.organization.as_ref();
    let managed = organization.filter(|organization| organization.management_account == account.id);
    let in_scenario = Timestamp::constant(1_767_225_600, 0);
    let otherwise = managed
        .and_then(|organization| organization.created)
        .unwrap_or(in_scenario);
    creation.map_or(otherwise, |request| request.due)
}

fn shape(cloud: &Cloud, organization: &Organization) -> Value {
    let management = &organization.management_account;
    let email = cloud
        .all_accounts()
        .find(|account| &account.id == management)
        .map_or("root@example.com", |account| account.email.as_str());
    // Deprecated: it lists the policy types that an organization with all features starts with, and is never updated.
    let policies = match organization.feature_set.as_str() {
        "ALL" => json!([{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]),
        _ => json!([]),
    };
    json!({
        "Id": organization.id,
        "Arn": format!("arn:{}:organizations::{management}:organization/{}", cloud.partition(), organization.id),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": account_arn(cloud, management),
        "MasterAccountId": management,
        "MasterAccountEmail": email,
        "AvailablePolicyTypes": policies,
    })
}

fn account_arn(cloud: &Cloud, account: &str) -> String {
    let (id, management) = cloud.organization.as_ref().map_or(("", account), |organization| {
        (organization.id.as_str(), organization.management_account.as_str())
    });
    format!(
        "arn:{}:organizations::{management}:account/{id}/{account}",
        cloud.partition()
    )
}
