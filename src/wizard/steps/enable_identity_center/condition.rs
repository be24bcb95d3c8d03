//! The kind of account, determined before anything is changed in it.

use super::account_state::AccountState;
use crate::ids::AccountId;
use crate::next_step::{NextSteps, SetupCommand};
use crate::resources::organization::AccountPlan;
use crate::wizard::Observed;

/// The kinds of accounts that make a difference to Identity Center.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not in an organization.
    Standalone,
    /// Not in an organization, and on the Free plan, which creating an organization is reported to end.
    StandaloneOnFreePlan,
    /// The management account of an organization with all features.
    Management,
    /// The management account of an organization with consolidated billing only.
    BillingOnly,
    /// A member account that is a delegated administrator of the organization's Identity Center.
    DelegatedAdministrator,
    /// Any other member account.
    Member,
}

/// The condition of the account, as step 1 reads it.
#[derive(Debug)]
pub struct Condition {
    /// The kind of account.
    pub kind: Kind,
    /// The same in one sentence.
    pub sentence: String,
    /// What to do about it, if anything.
    pub next: NextSteps,
    /// The state of Identity Center.
    pub identity_center: Observed,
}

impl Condition {
    /// The account and Identity Center in one sentence, for somebody who is about to change them.
    pub fn in_short(&self) -> String {
        let evidence = &self.identity_center.evidence;
        let center = match (&evidence.region, self.identity_center.is_done()) {
            (Some(region), true) => format!("Identity Center is enabled in {region}"),
            (Some(_), false) => self.identity_center.summary.trim_end_matches('.').to_owned(),
            (None, _) => "Identity Center is not enabled yet".to_owned(),
        };
        match self.kind {
            Kind::Standalone => {
                "No Identity Center yet. It needs an organization, of which this account becomes the management account."
                    .to_owned()
            }
            Kind::StandaloneOnFreePlan => "No Identity Center yet. It needs an organization, and creating one ends the \
                                           Free plan of this account and its credits."
                .to_owned(),
            Kind::Management => format!("Management account of its organization; {center}."),
            Kind::DelegatedAdministrator => {
                format!("Delegated administrator; {center}. It can't give access to the management account.")
            }
            Kind::BillingOnly | Kind::Member => self.sentence.clone(),
        }
    }
}

/// Determines the condition from what was read.
pub fn of(state: &AccountState, account: &AccountId, identity_center: Observed) -> Condition {
    let (kind, sentence, next) = account_sentence(state, account);
    Condition {
        kind,
        sentence,
        next,
        identity_center,
    }
}

fn account_sentence(state: &AccountState, account: &AccountId) -> (Kind, String, NextSteps) {
    let Some(organization) = &state.organization else {
        return standalone(state, account);
    };
    let (id, management) = (&organization.id, &organization.management_account);
    if management != account {
        return member(state, account, management);
    }
    if organization.all_features {
        let sentence = format!("Account {account} is the management account of organization {id}, with all features.");
        return (Kind::Management, sentence, NextSteps::default());
    }
    (
        Kind::BillingOnly,
        format!(
            "Account {account} is the management account of organization {id}, which has consolidated billing only; \
             Identity Center needs all features."
        ),
        SetupCommand::run()
            .after("console → AWS Organizations → Settings → Enable all features (invited accounts must approve, and it can't be reverted)")
            .into(),
    )
}

fn standalone(state: &AccountState, account: &AccountId) -> (Kind, String, NextSteps) {
    let summary =
        format!("Account {account} is not in an organization; step 1 creates one, which can't be undone by idc-setup.");
    let consent = "--create-organization";
    match state.plan {
        Some(AccountPlan::Free) => (
            Kind::StandaloneOnFreePlan,
            format!(
                "{summary} It is on the Free plan: creating an organization is reported to move it to the Paid plan \
                 immediately and to end its credits."
            ),
            [
                SetupCommand::run().to("confirm when asked"),
                SetupCommand::run()
                    .switch(consent)
                    .switch("--accept-free-plan-end")
                    .to("confirm in advance"),
            ]
            .into(),
        ),
        Some(AccountPlan::Unknown) => (
            Kind::Standalone,
            format!(
                "{summary} Its plan could not be determined: if it is the Free plan, creating an organization \
                 reportedly ends it."
            ),
            ask_or_consent(consent),
        ),
        _ => (Kind::Standalone, summary, ask_or_consent(consent)),
    }
}

fn ask_or_consent(consent: &str) -> NextSteps {
    [
        SetupCommand::run().to("confirm when asked"),
        SetupCommand::run().switch(consent).to("confirm in advance"),
    ]
    .into()
}

fn member(state: &AccountState, account: &str, management: &str) -> (Kind, String, NextSteps) {
    if state.is_delegated {
        return (
            Kind::DelegatedAdministrator,
            format!(
                "Account {account} is a delegated administrator of Identity Center for management account \
                 {management}. It can do everything except grant access to account {management}."
            ),
            NextSteps::default(),
        );
    }
    (
        Kind::Member,
        format!(
            "Account {account} is a member of an organization. Set up Identity Center in its management account, \
             {management}."
        ),
        SetupCommand::run()
            .placeholder("--profile", "NAME")
            .to(format!("use credentials of account {management}"))
            .into(),
    )
}
