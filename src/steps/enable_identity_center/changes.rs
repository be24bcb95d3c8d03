//! The changes of this step, and the task that only a person can do.

use super::reads::PlanState;
use super::{ACCEPT_FREE_PLAN_END, ACCOUNT_PLAN, CREATE_ORGANIZATION, EnableIdentityCenter, ORGANIZATION};
use crate::checklist::{Change, Consent, HumanTask, NamedConsent, Observed, TaskKind};
use crate::next_step::NextSteps;
use crate::progress::{ResourceKind, Verb};

impl EnableIdentityCenter {
    pub(super) fn create_organization(observed: &Observed) -> Change {
        let plan = PlanState::named(observed.evidence.get(ACCOUNT_PLAN).map_or("", String::as_str));
        let mut stake = "This account becomes the management account of the organization.".to_owned();
        let mut consents = Vec::new();
        match plan {
            PlanState::Paid => {}
            PlanState::Free => consents.push(NamedConsent {
                flag: ACCEPT_FREE_PLAN_END,
                stake: "This account is on the Free plan. Creating an organization is reported to move it to the Paid \
                        plan immediately and to end its credits."
                    .to_owned(),
                is_final: true,
            }),
            PlanState::Unknown => {
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
            name: ORGANIZATION.into(),
            sentence: "Create an organization with all features.".to_owned(),
            command: "aws organizations create-organization --feature-set ALL".to_owned(),
            consent: Consent::Named(consents),
        }
    }

    pub(super) fn enable(&self) -> HumanTask {
        let region = self.context.wanted_region();
        let place = self.context.console.enable(&region);
        HumanTask {
            sentence: format!("Enable IAM Identity Center in {region}."),
            link: Some(place.link),
            code: None,
            clicks: place.clicks,
            command: None,
            alternatives: NextSteps::default(),
            details: vec![
                format!("The Region at the top right must be {region}. To change it later, you have to start over."),
                if self.context.is_external() {
                    "Identity source: connect your own (Okta, Entra ID, …) under Settings → Identity source.".to_owned()
                } else {
                    "Identity source: keep \"Identity Center directory\", unless you use Okta, Entra ID or similar."
                        .to_owned()
                },
            ],
            kind: TaskKind::Seen,
        }
    }
}
