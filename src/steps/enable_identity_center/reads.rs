//! Reads the state of the account: its organization, its plan, and its Identity Center instance in any Region.

use std::cell::Cell;

use aws_sdk_organizations::types::OrganizationFeatureSet;
use aws_sdk_ssoadmin::types::RegionScope;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;

use super::super::context::{Context, timestamp};
use crate::aws::{AwsError, AwsErrorKind};
use crate::ids::{AccountId, IdentityStoreId, InstanceArn, RegionName};
use crate::limits::REGIONS_AT_ONCE;

const LIST_INSTANCES: &str = "sso:ListInstances";

/// The account's organization.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: String,
    pub management_account: AccountId,
    pub all_features: bool,
}

/// An instance of Identity Center that the account can see.
#[derive(Debug, Clone)]
pub struct ListedInstance {
    pub arn: InstanceArn,
    pub store: IdentityStoreId,
    pub owner: AccountId,
    pub region: RegionName,
    pub status: String,
    pub reason: Option<String>,
    /// Whether permission sets are enabled; `None` if the API does not report it.
    pub permission_sets: Option<bool>,
}

/// The kind of an instance, as seen from this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceKind {
    OrganizationInstance,
    AccountInstance,
    OfAnotherAccount,
}

/// The plan of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    Free,
    Paid,
    Unknown,
}

impl PlanState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Paid => "paid",
            Self::Unknown => "unknown",
        }
    }

    pub fn named(name: &str) -> Self {
        match name {
            "free" => Self::Free,
            "paid" => Self::Paid,
            _ => Self::Unknown,
        }
    }
}

/// The state of the account.
#[derive(Debug, Clone)]
pub struct AccountState {
    pub organization: Option<Organization>,
    pub instance: Option<ListedInstance>,
    /// Read only while there is no organization: creating one ends the Free plan.
    pub plan: Option<PlanState>,
    /// Whether this account is a delegated administrator of its organization's instance.
    pub is_delegated: bool,
}

impl AccountState {
    /// The organization's management account.
    pub fn management_account(&self) -> Option<&AccountId> {
        let organization = self.organization.as_ref();
        organization.map(|organization| &organization.management_account)
    }

    /// The API reports no kind: it follows from the owner, and from whether the owner is the management account.
    pub fn kind_of(&self, seen: &ListedInstance, account: &AccountId) -> InstanceKind {
        let manages = self
            .organization
            .as_ref()
            .is_some_and(|organization| organization.management_account == *account);
        match (seen.owner == *account, manages) {
            (true, true) => InstanceKind::OrganizationInstance,
            (true, false) => InstanceKind::AccountInstance,
            (false, _) if self.is_delegated && self.management_account() == Some(&seen.owner) => {
                InstanceKind::OrganizationInstance
            }
            (false, _) => InstanceKind::OfAnotherAccount,
        }
    }
}

/// Reads the whole state, concurrently where possible.
pub async fn account_state(context: &Context, swept: &Cell<bool>) -> Result<AccountState, AwsError> {
    let (organization, instances) = tokio::join!(organization(context), instances(context, swept));
    let (organization, instances) = (organization?, instances?);
    let mut state = AccountState {
        organization,
        instance: None,
        plan: None,
        is_delegated: false,
    };
    let account = &context.caller.account;
    let is_member = state
        .management_account()
        .is_some_and(|management| management != account);
    if is_member && instances.iter().any(|seen| seen.owner != *account) {
        state.is_delegated = is_delegated(context).await?;
    }
    // The organization instance of this account takes precedence over any other visible instance.
    let rank = |seen: &ListedInstance| match state.kind_of(seen, account) {
        InstanceKind::OrganizationInstance => 0,
        InstanceKind::AccountInstance => 1,
        InstanceKind::OfAnotherAccount => 2,
    };
    let mut instance = instances.into_iter().min_by_key(rank);
    if let Some(seen) = &mut instance
        && state.kind_of(seen, account) == InstanceKind::OrganizationInstance
        && seen.status == "ACTIVE"
    {
        seen.permission_sets = permission_sets(context, seen).await?;
    }
    state.instance = instance;
    if state.organization.is_none() && state.instance.is_none() {
        state.plan = Some(plan(context).await);
    }
    Ok(state)
}

/// The account's organization, if it is in one.
pub async fn organization(context: &Context) -> Result<Option<Organization>, AwsError> {
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
async fn is_delegated(context: &Context) -> Result<bool, AwsError> {
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

/// Lists all instances in all Regions.
///
/// A server that does not support the Region scope rejects it or silently ignores it. Therefore, an empty answer is
/// confirmed by querying every Region individually, once per run.
async fn instances(context: &Context, swept: &Cell<bool>) -> Result<Vec<ListedInstance>, AwsError> {
    let region = context.wanted_region();
    match instances_in(context, &region, Some(RegionScope::AllRegions)).await {
        Ok(found) if !found.is_empty() || swept.get() => return Ok(found),
        Err(aws_error) if aws_error.kind != AwsErrorKind::Invalid => return Err(aws_error),
        _ => {}
    }
    let found = sweep_regions(context, &region).await?;
    swept.set(true);
    Ok(found)
}

/// Queries each Region individually.
async fn sweep_regions(context: &Context, first: &RegionName) -> Result<Vec<ListedInstance>, AwsError> {
    let mut found = instances_in(context, first, None).await?;
    let others = context.partition().regions().filter(|other| other != first);
    let mut answers = stream::iter(others)
        .map(|region| async move {
            let answer = instances_in(context, &region, None).await;
            (region, answer)
        })
        .buffer_unordered(REGIONS_AT_ONCE);
    // In the Region that had the instance before, an unanswered call does not mean that the instance is gone.
    let known = context.progress.read(|record| record.region.clone());
    while let Some((region, answer)) = answers.next().await {
        let is_known = known.as_ref() == Some(&region);
        match answer {
            Ok(more) => found.extend(more),
            // A Region that the account has not opted into rejects its credentials, and cannot contain an instance.
            Err(aws_error)
                if !is_known && matches!(aws_error.kind, AwsErrorKind::Credentials | AwsErrorKind::NoConnection) => {}
            Err(aws_error) => return Err(aws_error),
        }
    }
    Ok(found)
}

async fn instances_in(
    context: &Context,
    region: &RegionName,
    scope: Option<RegionScope>,
) -> Result<Vec<ListedInstance>, AwsError> {
    let mut pages = context
        .clients
        .ssoadmin(region)
        .list_instances()
        .set_region_scope(scope)
        .into_paginator()
        .items()
        .send();
    let account = &context.caller.account;
    let mut found = Vec::new();
    while let Some(instance) = pages.next().await {
        let instance = instance.map_err(|error| AwsError::of(LIST_INSTANCES, error))?;
        let status = instance
            .status
            .map_or_else(|| "ACTIVE".to_owned(), |status| status.as_str().to_owned());
        found.push(ListedInstance {
            arn: AwsError::require_id(LIST_INSTANCES, instance.instance_arn.as_deref().unwrap_or_default())?,
            store: AwsError::require_id(
                LIST_INSTANCES,
                instance.identity_store_id.as_deref().unwrap_or_default(),
            )?,
            owner: AwsError::require_id(LIST_INSTANCES, instance.owner_account_id.as_deref().unwrap_or(account))?,
            region: AwsError::require_id(LIST_INSTANCES, instance.primary_region.as_deref().unwrap_or(region))?,
            status,
            reason: instance.status_reason,
            permission_sets: None,
        });
    }
    Ok(found)
}

/// Whether permission sets are enabled; `None` if the call is not supported or not allowed.
async fn permission_sets(context: &Context, seen: &ListedInstance) -> Result<Option<bool>, AwsError> {
    let answer = context
        .clients
        .ssoadmin(&seen.region)
        .describe_instance()
        .instance_arn(&seen.arn)
        .send()
        .await
        .map_err(|error| AwsError::of("sso:DescribeInstance", error));
    match answer {
        Ok(answer) => Ok(answer.permission_sets_enabled),
        Err(AwsError {
            kind: AwsErrorKind::NotAws | AwsErrorKind::NotImplemented | AwsErrorKind::Denied,
            ..
        }) => Ok(None),
        Err(aws_error) => Err(aws_error),
    }
}

async fn plan(context: &Context) -> PlanState {
    let answer = context
        .clients
        .freetier(&context.bootstrap_region)
        .get_account_plan_state()
        .send()
        .await;
    match answer.map(|answer| answer.account_plan_type) {
        Ok(kind) if kind.as_str() == "FREE" => PlanState::Free,
        Ok(kind) if kind.as_str() == "PAID" => PlanState::Paid,
        // Not every account and caller can read the plan; the change then says so.
        _ => PlanState::Unknown,
    }
}

/// Makes one attempt to create an organization with all features, and returns its ID.
pub async fn create_organization(context: &Context) -> Result<String, AwsError> {
    let answer = context
        .clients
        .organizations_once(&context.bootstrap_region)
        .create_organization()
        .feature_set(OrganizationFeatureSet::All)
        .send()
        .await
        .map_err(|error| AwsError::of("organizations:CreateOrganization", error))?;
    let id = answer.organization.and_then(|organization| organization.id);
    AwsError::require_id("organizations:CreateOrganization", &id.unwrap_or_default())
}

/// When this account joined its organization; `None` if that cannot be read.
pub async fn joined(context: &Context) -> Result<Option<Timestamp>, AwsError> {
    let mut pages = context
        .clients
        .organizations(&context.bootstrap_region)
        .list_accounts()
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of("organizations:ListAccounts", error));
        let accounts = match page {
            // The origin then stays unknown, and the organization counts as existing.
            Err(aws_error) if aws_error.kind == AwsErrorKind::Denied => return Ok(None),
            other => other?.accounts.unwrap_or_default(),
        };
        let own = accounts
            .into_iter()
            .find(|account| account.id.as_deref() == Some(context.caller.account.as_ref()));
        if let Some(own) = own {
            return Ok(timestamp(own.joined_timestamp));
        }
    }
    Ok(None)
}
