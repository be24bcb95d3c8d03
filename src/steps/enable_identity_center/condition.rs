//! What kind of account this is, before anything is changed in it.

use super::reads::{Drift, PlanState};
use crate::checklist::Observed;
use crate::next_step::{NextSteps, SetupCommand};

/// What kind of account it is, as far as Identity Center is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In no organization.
    Standalone,
    /// In no organization, and on the Free plan, which making one is reported to end.
    StandaloneOnFreePlan,
    /// The management account of an organization with all features.
    Management,
    /// The management account of an organization with consolidated billing only.
    BillingOnly,
    /// A member that administers the organization's Identity Center.
    DelegatedAdministrator,
    /// Any other member.
    Member,
}

/// The account, and what step 1 makes of it.
#[derive(Debug)]
pub struct Condition {
    /// What kind of account.
    pub kind: Kind,
    /// The same in one sentence.
    pub sentence: String,
    /// What to type or do about it, where something is.
    pub next: NextSteps,
    /// Where Identity Center stands.
    pub identity_center: Observed,
}

/// From what was read.
pub fn of(drift: &Drift, account: &str, identity_center: Observed) -> Condition {
    let (kind, sentence, next) = account_sentence(drift, account);
    Condition {
        kind,
        sentence,
        next,
        identity_center,
    }
}

fn account_sentence(drift: &Drift, account: &str) -> (Kind, String, NextSteps) {
    let Some(organization) = &drift.organization else {
        return standalone(drift, account);
    };
    let (id, management) = (&organization.id, &organization.management_account);
    if management != account {
        return member(drift, account, management);
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
            .after("console → AWS Organizations → Settings → Enable all features")
            .into(),
    )
}

fn standalone(drift: &Drift, account: &str) -> (Kind, String, NextSteps) {
    let alone = format!("Account {account} is in no organization; step 1 makes one, which cannot be taken back.");
    let consent = "--create-organization";
    match drift.plan {
        Some(PlanState::Free) => (
            Kind::StandaloneOnFreePlan,
            format!(
                "{alone} It is on the Free plan: making an organization is reported to move it to the Paid plan at once \
                 and to end its credits."
            ),
            [
                SetupCommand::run().to("be asked first"),
                SetupCommand::run()
                    .switch(consent)
                    .switch("--accept-free-plan-end")
                    .to("agree in advance"),
            ]
            .into(),
        ),
        Some(PlanState::Unknown) => (
            Kind::Standalone,
            format!("{alone} Its plan could not be found out: if it is the Free plan, that reportedly ends with it."),
            asked_or_agreed(consent),
        ),
        _ => (Kind::Standalone, alone, asked_or_agreed(consent)),
    }
}

fn asked_or_agreed(consent: &str) -> NextSteps {
    [
        SetupCommand::run().to("be asked first"),
        SetupCommand::run().switch(consent).to("agree in advance"),
    ]
    .into()
}

fn member(drift: &Drift, account: &str, management: &str) -> (Kind, String, NextSteps) {
    if drift.is_delegated {
        return (
            Kind::DelegatedAdministrator,
            format!(
                "Account {account} administers Identity Center for the organization of account {management}: it may do \
                 everything but give access to account {management} itself."
            ),
            NextSteps::default(),
        );
    }
    (
        Kind::Member,
        format!(
            "Account {account} is a member of the organization of account {management}, where Identity Center is enabled."
        ),
        SetupCommand::run()
            .placeholder("--profile", "NAME")
            .to(format!("use credentials of account {management}"))
            .into(),
    )
}
