//! MFA for all users. No public API reads or changes this setting, so the user checks it and confirms it.

use std::rc::Rc;

use async_trait::async_trait;

use super::super::context::WizardContext;
use crate::next_step::SetupCommand;
use crate::reconcile::plan::{Address, Node, Task};
use crate::reconcile::{Importance, Snapshot, StepInfo};
use crate::resources::item::{ItemField, ItemState};
use crate::user_error::UserError;
use crate::wizard::{HumanTask, Observed, Step, StepPlan, TaskKind};

/// This recommendation's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 9,
    slug: "mfa",
    short: "MFA",
    title: "Require MFA for all users",
    importance: Importance::Recommendation,
    why: "A password alone is not enough for an account with full access.",
    feeds_others: false,
    permissions: &[],
};

/// The `--confirm` topic: the user has checked the setting.
pub const MFA: &str = INFO.slug;

/// MFA for all users.
pub struct Mfa {
    context: Rc<WizardContext>,
}

impl Mfa {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
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
        let Ok(instance) = context.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1."));
        };
        if context.confirmed.contains(MFA) {
            context.keep_word(MFA, &instance.arn, false)?;
        }
        let attestation = context
            .progress
            .read(|record| record.attestation(MFA, &instance.arn).cloned());
        let done = attestation.as_ref().map(|_| ItemState::Exists);
        context.snapshot.set(Address::Task(Task::RequireMfa), done);
        let Some(attestation) = attestation else {
            return Ok(Observed::missing(
                "No API reports whether MFA is required for all users, and nobody has confirmed it.",
            ));
        };
        let on = jiff::tz::Offset::UTC.to_datetime(attestation.at).date();
        let mut observed = Observed::done(format!("MFA is required for all users (confirmed on {on})."))
            .with(|evidence| evidence.confirmed_on = Some(on));
        observed.confirmed = true;
        Ok(observed)
    }

    fn covers(&self, address: &Address) -> bool {
        *address == Address::Task(Task::RequireMfa)
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, _node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        let instance = self.context.instance.now();
        let place = instance.map(|instance| self.context.console.settings(&instance.region, &instance.arn));
        plan.tasks.push(HumanTask {
            sentence: "Check that MFA is required for all users.".to_owned(),
            brief: "check the MFA settings",
            link: place.as_ref().map(|place| place.link.clone()),
            code: None,
            path: place.as_ref().map_or_else(
                || "console → IAM Identity Center → Settings → Authentication".to_owned(),
                |place| place.path.clone(),
            ),
            choices: place.map_or_else(Vec::new, |place| place.choices),
            command: None,
            alternatives: SetupCommand::recommend()
                .value("--confirm", MFA)
                .to("confirm that you checked them")
                .into(),
            afterward: None,
            help: Vec::new(),
            details: vec![
                "\"Prompt users for MFA\" is \"Every time they sign in\" or \"Only when their sign-in context \
                 changes\", not \"Never\"."
                    .to_owned(),
                "\"If a user does not yet have a registered MFA device\" is \"Require them to register an MFA device \
                 at sign-in\". This is the default for new instances."
                    .to_owned(),
                "No API reads these settings.".to_owned(),
            ],
            kind: TaskKind::Confirmed(MFA),
            proof: None,
        });
        Ok(())
    }

    fn confirmed(&self, topic: &'static str) -> Result<(), UserError> {
        match self.context.instance.now() {
            Some(instance) => self.context.keep_word(topic, &instance.arn, false),
            None => Ok(()),
        }
    }
}
