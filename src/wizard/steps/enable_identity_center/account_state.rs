//! The state of the account: its organization, its plan, and its Identity Center instance in any Region.

use std::cell::Cell;

use super::super::context::WizardContext;
use crate::aws::AwsError;
use crate::ids::AccountId;
use crate::resources::instance::{self, ListedInstance};
use crate::resources::organization::{self, AccountPlan, Organization};

/// The kind of an instance, as seen from this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceKind {
    OrganizationInstance,
    AccountInstance,
    OfAnotherAccount,
}

/// The state of the account.
#[derive(Debug, Clone)]
pub struct AccountState {
    pub organization: Option<Organization>,
    pub instance: Option<ListedInstance>,
    /// Read only while there is no organization: creating one ends the Free plan.
    pub plan: Option<AccountPlan>,
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
pub async fn account_state(context: &WizardContext, swept: &Cell<bool>) -> Result<AccountState, AwsError> {
    let region = context.wanted_region();
    let (organization, instances) = tokio::join!(organization::find(context), instance::list(context, &region, swept));
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
        state.is_delegated = organization::is_delegated(context).await?;
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
        seen.permission_sets = instance::permission_sets(context, seen).await?;
    }
    state.instance = instance;
    if state.organization.is_none() && state.instance.is_none() {
        state.plan = Some(organization::plan(context).await);
    }
    Ok(state)
}
