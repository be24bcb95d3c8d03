//! AWS Organizations: the organization, its accounts, trusted access and delegated administrators.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging::{self, List};
use crate::services::request::{Request, not_simulated};
use crate::services::request::{epoch, text};
use crate::state::{Account, AccountRequest, Cloud, Identity, Organization, Plan};

/// Handles an operation of `organizations`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    match request.operation {
        "DescribeOrganization" => describe(cloud, request.now),
        "CreateOrganization" => create(cloud, caller, request),
        "ListAccounts" => list_accounts(cloud, request),
        "CreateAccount" => create_account(cloud, request),
        "DescribeCreateAccountStatus" => describe_create_account_status(cloud, request),
        "ListAWSServiceAccessForOrganization" => list_service_access(cloud, request),
        "ListDelegatedAdministrators" => list_delegated(cloud, request),
        other => Err(not_simulated("organizations", other)),
    }
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
    cloud.organization = Some(Organization {
        id: format!("o-{}", cloud.ids.hex(10)),
        management_account: caller.account.clone(),
        feature_set,
        created: Some(request.now),
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
        default_size: 20,
        ..List::DEFAULT
    };
    list.page(request.input, accounts.into_iter(), shape)
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
    let account = Account {
        id,
        name: name.to_owned(),
        email: email.to_owned(),
    };
    let account_request = AccountRequest {
        id: format!("car-{}", cloud.ids.hex(32)),
        created: request.now,
        due: request.now + cloud.timing.provisioning,
        account: (!email_exists).then_some(account),
        name: name.to_owned(),
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
    require_management(cloud, request)?;
    let rows = cloud
        .instances
        .iter()
        .map(|instance| json!({"ServicePrincipal": "sso.amazonaws.com", "DateEnabled": epoch(instance.created)}))
        .collect();
    paging::page(
        request.input,
        "organizations:ListAWSServiceAccess",
        "EnabledServicePrincipals",
        20,
        rows,
    )
}

/// `ListDelegatedAdministrators`. Identity Center is the only service that has any.
fn list_delegated(cloud: &Cloud, request: &Request) -> ServiceResult {
    // "can be called only from the management account or by a member account that is a delegated administrator".
    if !cloud.delegated_administrators.contains(&cloud.account.id) {
        require_management(cloud, request)?;
    }
    let principal = request.input["ServicePrincipal"].as_str();
    let rows = cloud
        .all_accounts()
        .filter(|account| cloud.delegated_administrators.contains(&account.id))
        .filter(|_| principal.is_none_or(|principal| principal == "sso.amazonaws.com"))
        .map(|account| {
            let mut shape = account_shape(cloud, account);
            shape["DelegationEnabledDate"] = epoch(joined_at(cloud, account));
            shape
        })
        .collect();
    paging::page(
        request.input,
        "organizations:ListDelegatedAdministrators",
        "DelegatedAdministrators",
        20,
        rows,
    )
}

/// Rejects a call that does not come from the management account.
fn require_management(cloud: &Cloud, request: &Request) -> Result<(), ServiceError> {
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

fn account_shape(cloud: &Cloud, account: &Account) -> Value {
    let is_management = cloud
        .organization
        .as_ref()
        .is_some_and(|organization| organization.management_account == account.id);
    json!({
        "Id": account.id,
        "Arn": account_arn(cloud, &account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "JoinedMethod": if is_management { "INVITED" } else { "CREATED" },
        "JoinedTimestamp": epoch(joined_at(cloud, account)),
    })
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
