//! The organization of the account, and the account's plan.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aws_sdk_organizations::types::{self, OrganizationFeatureSet};
use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::{self, Unit, UnitId};
use crate::aws::{AwsError, AwsErrorKind, Permission, timestamp, unless_gone, waiting};
use crate::ids::AccountId;
use crate::limits::PROPAGATION_LIMIT;
use crate::next_step::SetupCommand;
use crate::progress::{Entry, Origin, ResourceKind, ResourceName, Verb};
use crate::reconcile::Manually;
use crate::reconcile::{Change, Consent, Context, Creation, Error, NamedConsent, StepInfo, rerun};
use crate::user_error::UserError;

/// What reading and creating an organization needs.
pub const PERMISSIONS: &[Permission] = &[
    Permission::look("organizations:DescribeOrganization"),
    Permission::look("organizations:ListAccounts"),
    Permission::look("organizations:ListDelegatedAdministrators"),
    Permission::look("freetier:GetAccountPlanState"),
    Permission::change("organizations:CreateOrganization"),
    // "AWS Organizations and service-linked roles": creating an organization also creates its service-linked role.
    Permission::change_on(
        "arn:*:iam::*:role/aws-service-role/organizations.amazonaws.com/*",
        "iam:CreateServiceLinkedRole",
    ),
];

/// What listing the accounts of the organization needs.
pub const ACCOUNT_PERMISSIONS: &[Permission] = &[Permission::look("organizations:ListAccounts")];

/// What account selectors need: the accounts, and the organizational units and tags that they name.
pub const SELECTOR_PERMISSIONS: &[Permission] = &[
    Permission::look("organizations:DescribeOrganization"),
    Permission::look("organizations:ListAccounts"),
    Permission::look("organizations:ListRoots"),
    Permission::look("organizations:ListOrganizationalUnitsForParent"),
    Permission::look("organizations:ListAccountsForParent"),
    Permission::look("organizations:ListTagsForResource"),
];

/// The flag that agrees to create an organization.
pub const CREATE_ORGANIZATION: &str = "create-organization";
/// The flag that agrees to end the Free plan.
pub const ACCEPT_FREE_PLAN_END: &str = "accept-free-plan-end";

/// The name of the change in progress. An account has at most one organization.
const NAME: &str = "organization";

/// The account's organization.
#[derive(Debug, Clone)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The management account.
    pub management_account: AccountId,
    /// Whether all features are enabled, and not only consolidated billing.
    pub all_features: bool,
}

/// The plan of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountPlan {
    /// The Free plan.
    Free,
    /// The Paid plan.
    Paid,
    /// Not every account and caller can read the plan.
    Unknown,
}

/// The account's organization, if it is in one.
///
/// # Errors
/// When AWS does not answer.
pub async fn find(context: &Context) -> Result<Option<Organization>, AwsError> {
    let answer = context
        .clients
        .organizations(&context.bootstrap_region)
        .describe_organization()
        .send()
        .await
        .map_err(|error| AwsError::of("organizations:DescribeOrganization", error));
    match answer {
        Ok(answer) => answer.organization.map(parsed).transpose(),
        Err(aws_error) if aws_error.kind == AwsErrorKind::NotFound => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}

fn parsed(organization: aws_sdk_organizations::types::Organization) -> Result<Organization, AwsError> {
    let management_account = organization.master_account_id.unwrap_or_default();
    Ok(Organization {
        id: organization.id.unwrap_or_default(),
        management_account: AwsError::require_id("organizations:DescribeOrganization", &management_account)?,
        all_features: organization.feature_set.is_none_or(|set| set.as_str() == "ALL"),
    })
}

/// Whether this account is a delegated administrator of Identity Center. Only delegated administrators and the
/// management account are allowed to list them.
///
/// # Errors
/// When AWS does not answer.
pub async fn is_delegated(context: &Context) -> Result<bool, AwsError> {
    let mut pages = context
        .clients
        .organizations(&context.bootstrap_region)
        .list_delegated_administrators()
        .service_principal("sso.amazonaws.com")
        .into_paginator()
        .items()
        .send();
    while let Some(administrator) = pages.next().await {
        match administrator.map_err(|error| AwsError::of("organizations:ListDelegatedAdministrators", error)) {
            Ok(administrator) if administrator.id() == Some(context.caller.account.as_ref()) => return Ok(true),
            Ok(_) => {}
            Err(aws_error) if aws_error.kind == AwsErrorKind::Denied => return Ok(false),
            Err(aws_error) => return Err(aws_error),
        }
    }
    Ok(false)
}

/// The account's plan.
pub async fn plan(context: &Context) -> AccountPlan {
    let answer = context
        .clients
        .freetier(&context.bootstrap_region)
        .get_account_plan_state()
        .send()
        .await;
    match answer.map(|answer| answer.account_plan_type) {
        Ok(kind) if kind.as_str() == "FREE" => AccountPlan::Free,
        Ok(kind) if kind.as_str() == "PAID" => AccountPlan::Paid,
        _ => AccountPlan::Unknown,
    }
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
}

async fn list_accounts(context: &Context) -> Result<Vec<types::Account>, AwsError> {
    let mut pages = context
        .clients
        .organizations(&context.bootstrap_region)
        .list_accounts()
        .into_paginator()
        .send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of("organizations:ListAccounts", error))?;
        accounts.extend(page.accounts.unwrap_or_default());
    }
    Ok(accounts)
}

/// All accounts of the organization, sorted by name. Without an organization, this account is the only one, and the list
/// is empty.
///
/// # Errors
/// When AWS does not answer.
pub async fn accounts(context: &Context) -> Result<Vec<Account>, AwsError> {
    let accounts = unless_gone(list_accounts(context).await)?.unwrap_or_default();
    let mut accounts: Vec<Account> = accounts
        .into_iter()
        .map(|account| Account {
            id: account.id.unwrap_or_default(),
            name: account.name.unwrap_or_default(),
        })
        .collect();
    accounts.sort_by_key(|account| account.name.to_lowercase());
    Ok(accounts)
}

/// All accounts of the organization with their state and the units that contain them, without tags. An account without
/// an organization is the only one.
///
/// # Errors
/// When AWS does not answer.
pub async fn inventory(context: &Context) -> Result<BTreeMap<AccountId, inventory::Account>, AwsError> {
    const OPERATION: &str = "organizations:ListAccounts";
    let Some(accounts) = unless_gone(list_accounts(context).await)? else {
        let id = context.caller.account.clone();
        let own = inventory::Account {
            id: id.clone(),
            name: String::new(),
            email: String::new(),
            state: ACTIVE.to_owned(),
            path: Vec::new(),
            tags: None,
        };
        return Ok(BTreeMap::from([(id, own)]));
    };
    let described = accounts.into_iter().map(|account| {
        let id: AccountId = AwsError::require_id(OPERATION, account.id.as_deref().unwrap_or_default())?;
        let account = inventory::Account {
            path: account
                .paths()
                .first()
                .map(|path| units_of_path(path))
                .unwrap_or_default(),
            state: state_of(&account),
            id: id.clone(),
            name: account.name.unwrap_or_default(),
            email: account.email.unwrap_or_default(),
            tags: None,
        };
        Ok((id, account))
    });
    described.collect()
}

/// The state of an account that can be used.
const ACTIVE: &str = "ACTIVE";

/// The state. `Status` is what older services and emulators return; it was retired on 2026-09-09.
fn state_of(account: &types::Account) -> String {
    let state = account.state().map(types::AccountState::as_str);
    let status = account.status.as_ref().map(types::AccountStatus::as_str);
    state.or(status).unwrap_or(ACTIVE).to_owned()
}

/// The root and the organizational units of a path such as `o-…/r-…/ou-…/123456789012/`, from the root down.
fn units_of_path(path: &str) -> Vec<UnitId> {
    let parts = path
        .split('/')
        .filter(|part| part.starts_with("r-") || part.starts_with("ou-"));
    parts.map(str::to_owned).collect()
}

/// The root of the organization: its ID and name.
///
/// # Errors
/// When AWS does not answer, or returns no root.
pub async fn root(context: &Context) -> Result<(UnitId, Unit), AwsError> {
    const OPERATION: &str = "organizations:ListRoots";
    let answer = context
        .clients
        .organizations(&context.bootstrap_region)
        .list_roots()
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error))?;
    let root = answer.roots.unwrap_or_default().into_iter().next();
    let root = root.ok_or_else(|| AwsError::unreadable(OPERATION))?;
    let id = root.id.ok_or_else(|| AwsError::unreadable(OPERATION))?;
    let name = root.name.unwrap_or_default();
    Ok((id, Unit { name, parent: None }))
}

/// The organizational units directly in a root or unit, by ID.
///
/// # Errors
/// When AWS does not answer.
pub async fn units_in(context: &Context, parent: &str) -> Result<BTreeMap<UnitId, Unit>, AwsError> {
    const OPERATION: &str = "organizations:ListOrganizationalUnitsForParent";
    let mut pages = context
        .clients
        .organizations(&context.bootstrap_region)
        .list_organizational_units_for_parent()
        .parent_id(parent)
        .into_paginator()
        .send();
    let mut units = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of(OPERATION, error))?;
        for unit in page.organizational_units.unwrap_or_default() {
            let id = unit.id.ok_or_else(|| AwsError::unreadable(OPERATION))?;
            let unit = Unit {
                name: unit.name.unwrap_or_default(),
                parent: Some(parent.to_owned()),
            };
            units.insert(id, unit);
        }
    }
    Ok(units)
}

/// The accounts directly in a root or unit.
///
/// # Errors
/// When AWS does not answer.
pub async fn accounts_in(context: &Context, parent: &str) -> Result<Vec<AccountId>, AwsError> {
    const OPERATION: &str = "organizations:ListAccountsForParent";
    let mut pages = context
        .clients
        .organizations(&context.bootstrap_region)
        .list_accounts_for_parent()
        .parent_id(parent)
        .into_paginator()
        .send();
    let mut accounts = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of(OPERATION, error))?;
        for account in page.accounts.unwrap_or_default() {
            accounts.push(AwsError::require_id(OPERATION, account.id().unwrap_or_default())?);
        }
    }
    Ok(accounts)
}

/// The tags of an account.
///
/// # Errors
/// When AWS does not answer.
pub async fn tags_of(context: &Context, account: &AccountId) -> Result<BTreeMap<String, String>, AwsError> {
    let mut pages = context
        .clients
        .organizations(&context.bootstrap_region)
        .list_tags_for_resource()
        .resource_id(account)
        .into_paginator()
        .items()
        .send();
    let mut tags = BTreeMap::new();
    while let Some(tag) = pages.next().await {
        let tag = tag.map_err(|error| AwsError::of("organizations:ListTagsForResource", error))?;
        tags.insert(tag.key, tag.value);
    }
    Ok(tags)
}

/// When this account joined its organization; `None` if that cannot be read. The origin then stays unknown, and the
/// organization counts as existing.
async fn joined(context: &Context) -> Result<Option<Creation>, AwsError> {
    let accounts = match list_accounts(context).await {
        Err(aws_error) if aws_error.kind == AwsErrorKind::Denied => return Ok(None),
        other => other?,
    };
    let mut accounts = accounts.into_iter();
    let own = accounts.find(|account| account.id.as_deref() == Some(&*context.caller.account));
    Ok(own.map(|own| Creation {
        at: timestamp(own.joined_timestamp),
        by: None,
    }))
}

/// The recorded name of an organization: its management account. Its ID is not known before it is created.
fn name_of(management_account: &AccountId) -> ResourceName {
    management_account.to_string().into()
}

/// The organization with its recorded origin.
pub fn entry(context: &Context, organization: &Organization) -> Entry {
    let name = name_of(&organization.management_account);
    context.entry(ResourceKind::Organization, name, organization.id.as_str())
}

/// Settles the open intents to create the organization that exists by now. This program created it if this account
/// joined it within the time limit of one of its calls: the management account joins when the organization is created.
///
/// # Errors
/// When AWS does not answer, or the origin cannot be saved.
pub async fn settle(context: &Context, organization: &Organization) -> Result<(), Error> {
    let kind = ResourceKind::Organization;
    let intents = context.open_intents(kind, NAME);
    let mut entry = None;
    if !intents.is_empty()
        && let Some(creation) = joined(context).await?
        && context.is_ours(&intents, &creation)
    {
        let name = name_of(&context.caller.account);
        entry = Some(Entry::new(Origin::Created, kind, name, organization.id.as_str()));
    }
    context.settle(Verb::Create, kind, NAME, entry)?;
    Ok(())
}

/// The change that creates an organization. It can end the Free plan.
pub fn creation(plan: AccountPlan) -> Change {
    let mut stake =
        "The organization is free; your bill and resources stay as they are. It is not undone by idc-setup undo; \
                     you can delete it yourself later."
            .to_owned();
    let mut consents = Vec::new();
    match plan {
        AccountPlan::Paid => {}
        AccountPlan::Free => {
            let own = "The organization itself is free. It is not undone by idc-setup undo; you can delete it yourself later.";
            own.clone_into(&mut stake);
            consents.push(NamedConsent {
                flag: ACCEPT_FREE_PLAN_END,
                stake: "This account is on the Free plan. Creating an organization is reported to move it to the Paid \
                    plan immediately and to end its credits. That can't be undone."
                    .to_owned(),
                is_final: true,
            });
        }
        AccountPlan::Unknown => {
            stake.push_str(
                " The account's plan could not be determined: if it is the Free plan, the plan and its credits \
                 reportedly end.",
            );
        }
    }
    consents.insert(
        0,
        NamedConsent {
            flag: CREATE_ORGANIZATION,
            stake,
            is_final: true,
        },
    );
    Change {
        verb: Verb::Create,
        kind: ResourceKind::Organization,
        name: NAME.into(),
        field: None,
        sentence: "Create an organization with all features.".to_owned(),
        command: "aws organizations create-organization --feature-set ALL".to_owned(),
        consent: Consent::Named(consents),
    }
}

async fn create_once(context: &Context) -> Result<String, AwsError> {
    const OPERATION: &str = "organizations:CreateOrganization";
    let answer = context
        .clients
        .organizations_once(&context.bootstrap_region)
        .create_organization()
        .feature_set(OrganizationFeatureSet::All)
        .send()
        .await
        .map_err(|error| AwsError::of(OPERATION, error))?;
    let id = answer.organization.and_then(|organization| organization.id);
    AwsError::require_id(OPERATION, &id.unwrap_or_default())
}

/// Creates an organization with all features, and waits until it is visible.
///
/// # Errors
/// When AWS refuses, or the result cannot be saved.
pub async fn create(context: &Context, info: &'static StepInfo, change: &Change) -> Result<(), UserError> {
    let look = || async { Ok(find(context).await?.map(|organization| organization.id)) };
    let created = context.make(info, change, |_| create_once(context), look).await;
    let created = created.map_err(|error| {
        let code = error.aws.as_ref().and_then(|aws| aws.code.as_deref());
        if code == Some("ConstraintViolationException") {
            let first = "complete the account's sign-up in the console (contact information, a valid payment method)";
            return UserError {
                next: SetupCommand::again().after(first).into(),
                ..error
            };
        }
        error
    })?;
    if let Some((id, _)) = created {
        let entry = Entry::new(Origin::Created, change.kind, name_of(&context.caller.account), id);
        context.settle(change.verb, change.kind, &change.name, Some(entry))?;
    }
    // Until the organization is visible everywhere, an instance would be mistaken for an account instance.
    // Until then, AWS may also refuse to show it.
    let refused = RefCell::new(None);
    let visible = || async {
        let found = find(context).await.unwrap_or_else(|aws_error| {
            refused.replace(Some(aws_error));
            None
        });
        Ok::<_, UserError>(found)
    };
    if waiting::until(context.timing, PROPAGATION_LIMIT, visible)
        .await?
        .is_some()
    {
        return Ok(());
    }
    Err(refused.take().map_or_else(
        || {
            let why = "AWS has created the organization, but does not show it yet.";
            UserError::failed(format!("{}: {why}", info.name()), SetupCommand::again())
        },
        rerun(info),
    ))
}

/// Why undo never deletes an organization, and how the user can.
pub fn stays() -> (&'static str, Manually) {
    (
        "other accounts and services may depend on it by now; if none does, delete the Identity Center instance first, and \
         then the organization",
        Manually::Command("aws organizations delete-organization".to_owned()),
    )
}
