//! What has to be agreed to: one agreement for all that can be taken back, each of the rest by name.

use super::turn::Turn;
use super::{Observations, Walk};
use crate::checklist::{
    Change, Confirm, Consent, HumanTask, Importance, NamedConsent, Plan, Prompter, Reply, StepInfo, TaskKind, UserError,
};
use crate::next_step::{NextSteps, SetupCommand};

/// What was agreed to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Everything.
    Given,
    /// Not everything: what a person can still do about it.
    Refused(HumanTask),
}

impl Walk<'_> {
    /// Remembers what the review showed, so that it is not asked again unless it alters.
    pub(super) fn agree_to_planned(&self, observations: &Observations) {
        let mut agreed = self.agreed.borrow_mut();
        for step in self.steps {
            let plan = observations
                .get(step.info().slug)
                .and_then(|observed| step.plan(observed).ok());
            for change in plan.unwrap_or_default().changes {
                if change.consent == Consent::Reversible {
                    agreed.insert(name_of(&change));
                }
            }
        }
    }

    /// Asks for whatever agreement a plan's changes still need.
    pub(super) async fn agreement(
        &self,
        info: &'static StepInfo,
        plan: &Plan,
        turn: &Turn<'_>,
    ) -> Result<Agreement, UserError> {
        let surprising: Vec<&Change> = plan
            .changes
            .iter()
            .filter(|change| change.consent == Consent::Reversible && !self.agreed.borrow().contains(&name_of(change)))
            .collect();
        if !surprising.is_empty() && self.prompter.can_ask() && !self.options.yes {
            let question = Confirm {
                lines: surprising.iter().map(|change| change.sentence.clone()).collect(),
                prompt: "The account has changed since you agreed. Do this now?".to_owned(),
                default: true,
                help: surprising.iter().map(|change| change.command.clone()).collect(),
                ..Confirm::default()
            };
            if !self.confirm(info, question, turn).await? {
                return Ok(Agreement::Refused(not_agreed(info, &surprising[0].sentence)));
            }
            self.agreed.borrow_mut().extend(surprising.into_iter().map(name_of));
        }
        for change in &plan.changes {
            match &change.consent {
                Consent::Reversible => {}
                Consent::Named(consents) => {
                    for consent in consents {
                        if !self.is_named(info, change, consent, turn).await? {
                            return Ok(Agreement::Refused(needs_flag(info, change, consent)));
                        }
                    }
                }
                Consent::File { path, diff } => {
                    if !self.is_edit_wanted(info, path, diff, turn).await? {
                        return Ok(Agreement::Refused(not_agreed(info, &change.sentence)));
                    }
                }
            }
        }
        Ok(Agreement::Given)
    }

    /// Whether all that a change needs to be agreed to by name was agreed to before.
    pub(super) fn is_asked_for(&self, change: &Change) -> bool {
        match &change.consent {
            Consent::Named(consents) => consents
                .iter()
                .all(|consent| self.options.consents.contains(consent.flag)),
            Consent::Reversible | Consent::File { .. } => true,
        }
    }

    async fn is_named(
        &self,
        info: &'static StepInfo,
        change: &Change,
        consent: &NamedConsent,
        turn: &Turn<'_>,
    ) -> Result<bool, UserError> {
        if self.options.consents.contains(consent.flag) {
            return Ok(true);
        }
        if !self.prompter.can_ask() {
            return Ok(false);
        }
        let mut lines = vec![change.sentence.clone(), consent.stake.clone()];
        if consent.is_final {
            lines.push("This cannot be taken back.".to_owned());
        }
        let question = Confirm {
            lines,
            prompt: "Do you agree?".to_owned(),
            help: vec![
                format!("$ {}", change.command),
                format!("Without questions: idc-setup run --{}", consent.flag),
            ],
            ..Confirm::default()
        };
        self.confirm(info, question, turn).await
    }

    async fn is_edit_wanted(
        &self,
        info: &StepInfo,
        path: &str,
        diff: &str,
        turn: &Turn<'_>,
    ) -> Result<bool, UserError> {
        if self.options.yes || !self.prompter.can_ask() {
            for line in diff.lines() {
                turn.say(None, line);
            }
            return Ok(true);
        }
        let question = Confirm {
            lines: diff.lines().map(str::to_owned).collect(),
            prompt: format!("Write this to {path}?"),
            default: true,
            help: vec!["Lines with + are added, all others stay as they are, byte for byte.".to_owned()],
            ..Confirm::default()
        };
        self.confirm(info, question, turn).await
    }

    async fn confirm(&self, info: &StepInfo, question: Confirm, turn: &Turn<'_>) -> Result<bool, UserError> {
        let question = Confirm {
            can_skip: info.importance != Importance::Required,
            ..question
        };
        self.confirmed(&question, turn).await
    }

    /// A yes or a no. Back leads to the review while nothing has been changed; after that it only says so.
    pub(super) async fn confirmed(&self, question: &Confirm, turn: &Turn<'_>) -> Result<bool, UserError> {
        turn.come().await;
        loop {
            if self.stopped.get() {
                // Somebody has left at an earlier step meanwhile.
                return Ok(false);
            }
            match turn.confirm(question).await? {
                Reply::Value(answer) => return Ok(answer),
                Reply::Skip => return Ok(false),
                Reply::Back if self.has_changed.get() => {
                    self.prompter.say(
                        None,
                        "What was changed stays: there is no way back from here but undoing it.",
                    );
                }
                Reply::Back => {
                    self.wants_back.set(true);
                    return Err(UserError::left());
                }
                Reply::Quit => return Err(UserError::left()),
            }
        }
    }
}

fn name_of(change: &Change) -> String {
    format!("{:?} {} {}", change.verb, change.kind, change.name)
}

fn needs_flag(info: &StepInfo, change: &Change, consent: &NamedConsent) -> HumanTask {
    HumanTask {
        sentence: format!("Agree to this: {} Nobody did, so it was not done.", change.sentence),
        link: None,
        code: None,
        clicks: String::new(),
        command: Some(SetupCommand::run().switch(format!("--{}", consent.flag))),
        alternatives: NextSteps::default(),
        details: vec![consent.stake.clone(), format!("{} waits for it.", info.name())],
        kind: TaskKind::Own,
    }
}

fn not_agreed(info: &StepInfo, sentence: &str) -> HumanTask {
    HumanTask {
        sentence: format!("You did not agree to this: {sentence}"),
        link: None,
        code: None,
        clicks: String::new(),
        command: Some(SetupCommand::run().value("--only", info.slug)),
        alternatives: NextSteps::default(),
        details: Vec::new(),
        kind: TaskKind::Own,
    }
}
