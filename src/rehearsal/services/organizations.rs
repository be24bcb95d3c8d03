//! AWS Organizations: whether there is one, and making it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::paging;
use super::super::refusal::{Answer, Refusal};
use super::super::world::{Account, AccountRequest, Identity, Organization, Plan, World, epoch, text};
use super::{Request, not_simulated};

/// Answers an operation of `organizations`.
pub fn answer(world: &mut World, caller: &Identity, request: &Request) -> Answer {
    match request.operation {
        "DescribeOrganization" => describe(world, request.now),
        "CreateOrganization" => create(world, caller, request),
        "ListAccounts" => list_accounts(world, request),
        "CreateAccount" => create_account(world, request),
        "DescribeCreateAccountStatus" => describe_account_request(world, request),
        "ListAWSServiceAccessForOrganization" => list_service_access(world, request),
        "ListDelegatedAdministrators" => list_delegated(world, request),
        other => Err(not_simulated("organizations", other)),
    }
}

fn describe(world: &World, now: Timestamp) -> Answer {
    let seen = world
        .organization
        .as_ref()
        .filter(|_| world.has_spread("organization", now));
    seen.map_or_else(
        || {
            Err(Refusal::new(
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            ))
        },
        |organization| Ok(json!({ "Organization": shape(world, organization) })),
    )
}

fn create(world: &mut World, caller: &Identity, request: &Request) -> Answer {
    if world.organization.is_some() {
        return Err(Refusal::new(
            "AlreadyInOrganizationException",
            "The AWS account is already a member of an organization.",
        ));
    }
    let feature_set = request.input["FeatureSet"].as_str().unwrap_or("ALL").to_owned();
    world.organization = Some(Organization {
        id: format!("o-{}", world.ids.hex(10)),
        management_account: caller.account.clone(),
        feature_set,
        created: Some(request.now),
    });
    world.accounts = vec![world.account.clone()];
    // Reported, not confirmed: an organization ends the Free plan at once.
    world.plan = world.plan.map(|_| Plan::Paid);
    let answer = describe(world, request.now);
    world.note_write("organization".to_owned(), request.now);
    answer
}

fn list_accounts(world: &World, request: &Request) -> Answer {
    if world.organization.is_none() || !world.has_spread("organization", request.now) {
        return describe(world, request.now);
    }
    // An organization may have thousands, and a page has twenty.
    let accounts: Vec<_> = world.all_accounts().collect();
    let shape = |account: &Account| account_shape(world, account);
    let names = ("MaxResults", "NextToken");
    let list = ("organizations:ListAccounts", "Accounts");
    paging::page_of(request.input, list, names, 20, accounts.into_iter(), shape)
}

/// `CreateAccount`: by the management account, done a moment later.
fn create_account(world: &mut World, request: &Request) -> Answer {
    require_management(world, request)?;
    let (name, email) = (text(request.input, "AccountName"), text(request.input, "Email"));
    let taken = world.all_accounts().any(|account| account.email == email)
        || world
            .account_requests
            .iter()
            .any(|request| request.account.as_ref().is_some_and(|account| account.email == email));
    let id = world.ids.digits(12);
    let account = Account {
        id,
        name: name.to_owned(),
        email: email.to_owned(),
    };
    let made = AccountRequest {
        id: format!("car-{}", world.ids.hex(32)),
        created: request.now,
        due: request.now + world.pace.provisioning,
        account: (!taken).then_some(account),
        name: name.to_owned(),
    };
    let answer = json!({ "CreateAccountStatus": account_request(&made, request.now) });
    world.account_requests.push(made);
    Ok(answer)
}

/// `DescribeCreateAccountStatus`.
fn describe_account_request(world: &World, request: &Request) -> Answer {
    require_management(world, request)?;
    let id = text(request.input, "CreateAccountRequestId");
    let found = world.account_requests.iter().find(|candidate| candidate.id == id);
    found.map_or_else(
        || {
            Err(Refusal::new(
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
fn list_service_access(world: &World, request: &Request) -> Answer {
    require_management(world, request)?;
    let rows = world
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
fn list_delegated(world: &World, request: &Request) -> Answer {
    // "can be called only from the management account or by a member account that is a delegated administrator".
    if !world.delegated_administrators.contains(&world.account.id) {
        require_management(world, request)?;
    }
    let principal = request.input["ServicePrincipal"].as_str();
    let rows = world
        .all_accounts()
        .filter(|account| world.delegated_administrators.contains(&account.id))
        .filter(|_| principal.is_none_or(|principal| principal == "sso.amazonaws.com"))
        .map(|account| {
            let mut shape = account_shape(world, account);
            shape["DelegationEnabledDate"] = epoch(joined(world, account));
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
fn require_management(world: &World, request: &Request) -> Result<(), Refusal> {
    if world.organization.is_none() {
        return describe(world, request.now).map(|_| ());
    }
    if world.is_management_account() {
        return Ok(());
    }
    Err(Refusal::new(
        "AccessDeniedException",
        "You don't have permissions to access this resource.",
    ))
}

fn account_shape(world: &World, account: &Account) -> Value {
    let is_first = world
        .organization
        .as_ref()
        .is_some_and(|organization| organization.management_account == account.id);
    json!({
        "Id": account.id,
        "Arn": account_arn(world, &account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "JoinedMethod": if is_first { "INVITED" } else { "CREATED" },
        "JoinedTimestamp": epoch(joined(world, account)),
    })
}

/// When an account joined; worlds do not say it of those they come with.
fn joined(world: &World, account: &Account) -> Timestamp {
    let asked = world
        .account_requests
        .iter()
        .find(|request| request.account.as_ref().is_some_and(|made| made.id == account.id));
    let organization = world.organization.as_ref();
    let made = organization.filter(|organization| organization.management_account == account.id);
    let with_the_world = Timestamp::constant(1_767_225_600, 0);
    let first = made
        .and_then(|organization| organization.created)
        .unwrap_or(with_the_world);
    asked.map_or(first, |request| request.due)
}

fn shape(world: &World, organization: &Organization) -> Value {
    let management = &organization.management_account;
    let email = world
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
        "Arn": format!("arn:{}:organizations::{management}:organization/{}", world.partition(), organization.id),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": account_arn(world, management),
        "MasterAccountId": management,
        "MasterAccountEmail": email,
        "AvailablePolicyTypes": policies,
    })
}

fn account_arn(world: &World, account: &str) -> String {
    let (id, management) = world.organization.as_ref().map_or(("", account), |organization| {
        (organization.id.as_str(), organization.management_account.as_str())
    });
    format!(
        "arn:{}:organizations::{management}:account/{id}/{account}",
        world.partition()
    )
}
