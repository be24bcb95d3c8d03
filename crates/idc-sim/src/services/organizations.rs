//! AWS Organizations: whether there is one, and making it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::protocol::error::{Answer, ServiceError};
use crate::services::paging;
use crate::services::request::{Request, not_simulated};
use crate::services::request::{epoch, text};
use crate::state::{Account, AccountRequest, Cloud, Identity, Organization, Plan};

/// Answers an operation of `organizations`.
pub fn answer(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    match request.operation {
        "DescribeOrganization" => describe(cloud, request.now),
        "CreateOrganization" => create(cloud, caller, request),
        "ListAccounts" => list_accounts(cloud, request),
        "CreateAccount" => create_account(cloud, request),
        "DescribeCreateAccountStatus" => describe_account_request(cloud, request),
        "ListAWSServiceAccessForOrganization" => list_service_access(cloud, request),
        "ListDelegatedAdministrators" => list_delegated(cloud, request),
        other => Err(not_simulated("organizations", other)),
    }
}

fn describe(cloud: &Cloud, now: Timestamp) -> Answer {
    let seen = cloud
        .organization
        .as_ref()
        .filter(|_| cloud.has_propagated("organization", now));
    seen.map_or_else(
        || {
            Err(ServiceError::new(
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            ))
        },
        |organization| Ok(json!({ "Organization": shape(cloud, organization) })),
    )
}

fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
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
    // Reported, not confirmed: an organization ends the Free plan at once.
    cloud.plan = cloud.plan.map(|_| Plan::Paid);
    let answer = describe(cloud, request.now);
    cloud.note_write("organization".to_owned(), request.now);
    answer
}

fn list_accounts(cloud: &Cloud, request: &Request) -> Answer {
    if cloud.organization.is_none() || !cloud.has_propagated("organization", request.now) {
        return describe(cloud, request.now);
    }
    // An organization may have thousands, and a page has twenty.
    let accounts: Vec<_> = cloud.all_accounts().collect();
    let shape = |account: &Account| account_shape(cloud, account);
    let names = ("MaxResults", "NextToken");
    let list = ("organizations:ListAccounts", "Accounts");
    paging::page_of(request.input, list, names, 20, accounts.into_iter(), shape)
}

/// `CreateAccount`: by the management account, done a moment later.
fn create_account(cloud: &mut Cloud, request: &Request) -> Answer {
    require_management(cloud, request)?;
    let (name, email) = (text(request.input, "AccountName"), text(request.input, "Email"));
    let taken = cloud.all_accounts().any(|account| account.email == email)
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
    let made = AccountRequest {
        id: format!("car-{}", cloud.ids.hex(32)),
        created: request.now,
        due: request.now + cloud.timing.provisioning,
        account: (!taken).then_some(account),
        name: name.to_owned(),
    };
    let answer = json!({ "CreateAccountStatus": account_request(&made, request.now) });
    cloud.account_requests.push(made);
    Ok(answer)
}

/// `DescribeCreateAccountStatus`.
fn describe_account_request(cloud: &Cloud, request: &Request) -> Answer {
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
        |found| Ok(json!({ "CreateAccountStatus": account_request(found, request.now) })),
    )
}

fn account_request(made: &AccountRequest, now: Timestamp) -> Value {
    let mut status = json!({
        "Id": made.id,
        "AccountName": made.name,
        "RequestedTimestamp": epoch(made.created),
        "State": "IN_PROGRESS",
    });
    if made.due <= now {
        status["CompletedTimestamp"] = epoch(made.due);
        if let Some(account) = &made.account {
            status["State"] = json!("SUCCEEDED");
            status["AccountId"] = json!(account.id);
        } else {
            status["State"] = json!("FAILED");
            status["FailureReason"] = json!("EMAIL_ALREADY_EXISTS");
        }
    }
    status
}

/// `ListAWSServiceAccessForOrganization`: Identity Center has it once it is enabled.
fn list_service_access(cloud: &Cloud, request: &Request) -> Answer {
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

/// `ListDelegatedAdministrators`, of Identity Center.
fn list_delegated(cloud: &Cloud, request: &Request) -> Answer {
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
            shape["DelegationEnabledDate"] = epoch(joined(cloud, account));
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

/// Some operations are the management account's alone.
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
    let is_first = cloud
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
        "JoinedMethod": if is_first { "INVITED" } else { "CREATED" },
        "JoinedTimestamp": epoch(joined(cloud, account)),
    })
}

/// When an account joined; scenarios do not say it of those they come with.
fn joined(cloud: &Cloud, account: &Account) -> Timestamp {
    let asked = cloud
        .account_requests
        .iter()
        .find(|request| request.account.as_ref().is_some_and(|made| made.id == account.id));
    let organization = cloud.organization.as_ref();
    let made = organization.filter(|organization| organization.management_account == account.id);
    let with_the_world = Timestamp::constant(1_767_225_600, 0);
    let first = made
        .and_then(|organization| organization.created)
        .unwrap_or(with_the_world);
    asked.map_or(first, |request| request.due)
}

fn shape(cloud: &Cloud, organization: &Organization) -> Value {
    let management = &organization.management_account;
    let email = cloud
        .all_accounts()
        .find(|account| &account.id == management)
        .map_or("root@example.com", |account| account.email.as_str());
    // "Do not use": it names what an organization with all features begins with, and nothing later.
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
