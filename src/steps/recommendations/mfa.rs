//! MFA for all users: no public API reads or sets it, so a person looks, and says so.

use std::rc::Rc;

use async_trait::async_trait;

use super::super::context::Context;
use crate::checklist::{
    Change, HumanTask, Importance, Observed, Plan, Prompter, Question, Status, Step, StepInfo, TaskKind, UserError,
};
use crate::next_step::NextSteps;

/// This recommendation's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 9,
    slug: "mfa",
    title: "Require MFA for all users",
    importance: Importance::Recommendation,
    why: "A password alone is too little for an account that can do everything.",
    feeds_others: false,
    permissions: &[],
};

/// The topic of a person's word that they have looked.
pub const MFA: &str = INFO.slug;

/// MFA for all users.
pub struct Mfa {
    context: Rc<Context>,
}

impl Mfa {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }
}

#[async_trait(?Send)]
impl Step for Mfa {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let context = &self.context;
        let Ok(instance) = context.facts.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1."));
        };
        if context.confirmed.contains(MFA) {
            context.keep_word(MFA, &instance.arn, false)?;
        }
        let word = context
            .progress
            .read(|record| record.attestation(MFA, &instance.arn).cloned());
        let Some(word) = word else {
            return Ok(Observed::missing(
                "No API tells whether every user needs MFA; nobody has said so.",
            ));
        };
        let on = word.at.strftime("%Y-%m-%d").to_string();
        let mut observed =
            Observed::done(format!("Somebody looked on {on}: every user needs MFA.")).with("confirmed_on", on);
        observed.confirmed = true;
        Ok(observed)
    }

    fn questions(&self, _finding: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        let instance = self.context.facts.instance.now();
        if let Some(instance) = instance.filter(|_| observed.status == Status::Missing && observed.waits_for.is_none())
        {
            let place = self.context.console.settings(&instance.region, &instance.arn);
            plan.tasks.push(HumanTask {
                sentence: "Look whether every user needs MFA.".to_owned(),
                link: Some(place.link),
                code: None,
                clicks: place.clicks,
                command: None,
                alternatives: NextSteps::default(),
                details: vec![
                    "\"Prompt users for MFA\" says \"Every time they sign in\" or \"Only when their sign-in context \
                     changes\", not \"Never\"."
                        .to_owned(),
                    "\"If a user does not yet have a registered MFA device\" says \"Require them to register an MFA device \
                     at sign-in\". New instances come so."
                        .to_owned(),
                    "No API reads this; to say that you have looked: --confirm mfa.".to_owned(),
                ],
                kind: TaskKind::Confirmed(MFA),
            });
        }
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, _guide: &dyn Prompter) -> Result<(), UserError> {
        Ok(())
    }

    fn confirmed(&self, topic: &'static str) -> Result<(), UserError> {
        match self.context.facts.instance.now() {
            Some(instance) => self.context.keep_word(topic, &instance.arn, false),
            None => Ok(()),
        }
    }
}
