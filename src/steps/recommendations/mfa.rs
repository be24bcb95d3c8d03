//! MFA for all users: no public API reads or sets it, so a person looks, and says so.

use std::rc::Rc;

use async_trait::async_trait;

use super::super::setting::Setting;
use crate::checklist::{
    Change, Finding, Found, Guide, HumanTask, Need, Plan, Question, Step, StepInfo, TaskKind, Trouble,
};

/// This recommendation's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 9,
    slug: "mfa",
    title: "Require MFA for all users",
    need: Need::Recommendation,
    why: "A password alone is too little for an account that can do everything.",
    feeds_others: false,
    rights: &[],
};

/// The topic of a person's word that they have looked.
pub const MFA: &str = INFO.slug;

/// MFA for all users.
pub struct Mfa {
    setting: Rc<Setting>,
}

impl Mfa {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self { setting }
    }
}

#[async_trait(?Send)]
impl Step for Mfa {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Finding, Trouble> {
        let setting = &self.setting;
        let Ok(instance) = setting.facts.instance.get().await else {
            return Ok(Finding::waits_for("Waits for step 1."));
        };
        if setting.told.contains(MFA) {
            setting.keep_word(MFA, &instance.arn, false)?;
        }
        let word = setting.progress.read(|record| record.word(MFA, &instance.arn).cloned());
        let Some(word) = word else {
            return Ok(Finding::missing(
                "No API tells whether every user needs MFA; nobody has said so.",
            ));
        };
        let on = word.at.strftime("%Y-%m-%d").to_string();
        let mut finding = Finding::done(format!("Somebody looked on {on}: every user needs MFA.")).with("told-on", on);
        finding.told = true;
        Ok(finding)
    }

    fn questions(&self, _finding: &Finding) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        let instance = self.setting.facts.instance.now();
        if let Some(instance) = instance.filter(|_| finding.found == Found::Missing && finding.waits_for.is_none()) {
            let place = self.setting.console.settings(&instance.region, &instance.arn);
            plan.tasks.push(HumanTask {
                sentence: "Look whether every user needs MFA.".to_owned(),
                link: Some(place.link),
                code: None,
                clicks: place.clicks,
                details: vec![
                    "\"Prompt users for MFA\" says \"Every time they sign in\" or \"Only when their sign-in context \
                     changes\", not \"Never\"."
                        .to_owned(),
                    "\"If a user does not yet have a registered MFA device\" says \"Require them to register an MFA device \
                     at sign-in\". New instances come so."
                        .to_owned(),
                    "No API reads this; to say that you have looked: --told mfa.".to_owned(),
                ],
                kind: TaskKind::Told(MFA),
            });
        }
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, _guide: &dyn Guide) -> Result<(), Trouble> {
        Ok(())
    }

    fn told(&self, topic: &'static str) -> Result<(), Trouble> {
        match self.setting.facts.instance.now() {
            Some(instance) => self.setting.keep_word(topic, &instance.arn, false),
            None => Ok(()),
        }
    }
}
