//! Consent: one confirmation for all changes that can be undone, and a separate one for each of the others.

use super::turn::Turn;
use super::{Observations, Walk};
use crate::next_step::{NextSteps, SetupCommand};
use crate::reconcile::{Change, Consent, Importance, NamedConsent, StepInfo};
use crate::user_error::UserError;
use crate::wizard::{Confirm, Events, HumanTask, Prompter, Reply, StepPlan, TaskKind};

/// The user's decision about a plan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// The user agreed to all changes.
    Given,
    /// The user did not agree to all changes. The task says how to agree later.
    Refused(Box<HumanTask>),
}

impl Walk<'_> {
    /// Remembers the changes in the review, so that the walk asks again only about new ones.
    pub(super) fn agree_to_planned(&self, observations: &Observations) {
        let mut agreed = self.agreed.borrow_mut();
        for step in self.steps {
            let plan = observations
                .get(step.info().slug)
                .and_then(|observed| step.plan(observed).ok());
            for change in plan.unwrap_or_default().changes {
                if change.consent == Consent::Reversible {
                    agreed.insert(change.key());
                }
            }
        }
    }

    /// Asks for the consents that a plan's changes still need.
    pub(super) async fn agreement(
        &self,
        info: &'static StepInfo,
        plan: &StepPlan,
        turn: &Turn<'_>,
    ) -> Result<Agreement, UserError> {
        let unreviewed: Vec<&Change> = plan
            .changes
            .iter()
            .filter(|change| change.consent == Consent::Reversible && !self.agreed.borrow().contains(&change.key()))
            .collect();
        if !unreviewed.is_empty() && self.prompter.can_ask() && !self.options.yes {
            let question = Confirm {
                lines: unreviewed.iter().map(|change| change.sentence.clone()).collect(),
                prompt: "The account has changed since the review. Make these changes now?".to_owned(),
                default: true,
                help: unreviewed.iter().map(|change| change.command.clone()).collect(),
                ..Confirm::default()
            };
            if !self.confirm(info, question, turn).await? {
                return Ok(Agreement::Refused(Box::new(not_agreed(info, &unreviewed[0].sentence))));
            }
            self.agreed.borrow_mut().extend(unreviewed.into_iter().map(Change::key));
        }
        for change in &plan.changes {
            match &change.consent {
                Consent::Reversible => {}
                Consent::Named(consents) => {
                    for consent in consents {
                        if !self.has_consent(info, change, consent, turn).await? {
                            return Ok(Agreement::Refused(Box::new(needs_flag(info, change, consent))));
                        }
                    }
                }
                Consent::File { path, diff } => {
                    if !self.is_edit_wanted(info, path, diff, turn).await? {
                        return Ok(Agreement::Refused(Box::new(not_agreed(info, &change.sentence))));
                    }
                }
            }
        }
        Ok(Agreement::Given)
    }

    /// Whether flags give all consents that a change needs.
    pub(super) fn is_requested(&self, change: &Change) -> bool {
        match &change.consent {
            Consent::Named(consents) => consents
                .iter()
                .all(|consent| self.options.consents.contains(consent.flag)),
            Consent::Reversible | Consent::File { .. } => true,
        }
    }

    async fn has_consent(
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
            lines.push("This can't be undone.".to_owned());
        }
        let question = Confirm {
            lines,
            prompt: "Do you agree?".to_owned(),
            help: vec![format!("$ {}", change.command)],
            next: SetupCommand::run()
                .switch(format!("--{}", consent.flag))
                .to("agree without being asked")
                .into(),
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
            help: vec!["Lines with + are added. All other lines stay unchanged, byte for byte.".to_owned()],
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

    /// Asks a yes-or-no question. Until the first change, Back returns to the review; after it, Back only shows a
    /// message.
    pub(super) async fn confirmed(&self, question: &Confirm, turn: &Turn<'_>) -> Result<bool, UserError> {
        turn.wait_for_turn().await;
        loop {
            if self.stopped.get() {
                // The user quit at an earlier step in the meantime.
                return Ok(false);
            }
            match turn.confirm(question).await? {
                Reply::Value(answer) => return Ok(answer),
                Reply::Skip => return Ok(false),
                Reply::Back if self.has_changed.get() => {
                    self.prompter.say(
                        None,
                        "You can't go back: something has already been changed. To reverse that, use undo.",
                    );
                }
                Reply::Back => {
                    self.wants_review.set(true);
                    return Err(UserError::left());
                }
                Reply::Quit => return Err(UserError::left()),
            }
        }
    }
}

fn needs_flag(info: &StepInfo, change: &Change, consent: &NamedConsent) -> HumanTask {
    HumanTask {
        sentence: format!("This change needs your consent and was not made: {}", change.sentence),
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
