//! AWS Organizations: whether there is one, and making it.

use serde_json::{Value, json};

use super::super::paging;
use super::super::refusal::{Answer, Refusal};
use super::super::world::{Identity, Organization, Plan, World};
use super::{Request, not_simulated};

/// Answers an operation of `organizations`.
pub fn answer(world: &mut World, caller: &Identity, request: &Request) -> Answer {
    match request.operation {
        "DescribeOrganization" => describe(world),
        "CreateOrganization" => create(world, caller, request),
        "ListAccounts" => list_accounts(world, request),
        other => Err(not_simulated("organizations", other)),
    }
}

fn describe(world: &World) -> Answer {
    world.organization.as_ref().map_or_else(
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
    });
    world.accounts = vec![world.account.clone()];
    // Reported, not confirmed: an organization ends the Free plan at once.
    world.plan = world.plan.map(|_| Plan::Paid);
    describe(world)
}

fn list_accounts(world: &World, request: &Request) -> Answer {
    if world.organization.is_none() {
        return describe(world);
    }
    let rows = world
        .all_accounts()
        .map(|account| {
            json!({
                "Id": account.id,
                "Arn": account_arn(world, &account.id),
                "Email": account.email,
                "Name": account.name,
                "Status": "ACTIVE",
                "State": "ACTIVE",
                "JoinedMethod": if account.id == world.account.id { "INVITED" } else { "CREATED" },
            })
        })
        .collect();
    paging::page(request.input, "organizations:ListAccounts", "Accounts", 20, rows)
}

fn shape(world: &World, organization: &Organization) -> Value {
    let management = &organization.management_account;
    let email = world
        .all_accounts()
        .find(|account| &account.id == management)
        .map_or("root@example.com", |account| account.email.as_str());
    json!({
        "Id": organization.id,
        "Arn": format!("arn:{}:organizations::{management}:organization/{}", world.partition(), organization.id),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": account_arn(world, management),
        "MasterAccountId": management,
        "MasterAccountEmail": email,
        "AvailablePolicyTypes": [],
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
