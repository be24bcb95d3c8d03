//! Consent: one confirmation for all changes that can be undone, and a separate one for each of the others.

use super::{AgreedKey, Walk};
use crate::next_step::{NextSteps, SetupCommand};
use crate::reconcile::{Change, Consent, Importance, NamedConsent, StepInfo};
use crate::user_error::UserError;
use crate::wizard::{Confirm, HumanTask, Reply, Review, Step, StepPlan, TaskKind};

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
    pub(super) fn agree_to(&self, review: &Review) {
        self.agreed.borrow_mut().extend(review.all_changes().map(agreed_key));
    }

    fn is_agreed(&self, change: &Change) -> bool {
        self.agreed.borrow().contains(&agreed_key(change))
    }

    /// Asks for the consents that a plan's changes still need.
    pub(super) async fn agreement(&self, step: &dyn Step, plan: &StepPlan) -> Result<Agreement, UserError> {
        let info = step.info();
        let unreviewed: Vec<&Change> = plan
            .changes
            .iter()
            .filter(|change| change.consent == Consent::Reversible && !self.is_agreed(change))
            .collect();
        if !unreviewed.is_empty() && self.prompter.can_ask() && !self.options.yes {
            let question = Confirm {
                lines: unreviewed.iter().map(|change| change.sentence.clone()).collect(),
                prompt: "The account has changed since the review. Make these changes now?".to_owned(),
                default: true,
                help: unreviewed.iter().map(|change| change.command.clone()).collect(),
                ..Confirm::default()
            };
            self.wait_for_turn(step).await;
            if !self.confirm(info, question).await? {
                return Ok(Agreement::Refused(Box::new(not_agreed(info, &unreviewed[0].sentence))));
            }
            self.agreed.borrow_mut().extend(unreviewed.into_iter().map(agreed_key));
        }
        for change in plan.changes.iter().filter(|change| !self.is_agreed(change)) {
            match &change.consent {
                Consent::Reversible => {}
                Consent::Named(consents) => {
                    for consent in consents {
                        if !self.has_consent(step, change, consent).await? {
                            return Ok(Agreement::Refused(Box::new(needs_flag(change, consent))));
                        }
                    }
                }
                Consent::File { path, diff } => {
                    if !self.is_edit_wanted(step, path, diff).await? {
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

    async fn has_consent(&self, step: &dyn Step, change: &Change, consent: &NamedConsent) -> Result<bool, UserError> {
        if self.options.consents.contains(consent.flag) {
            return Ok(true);
        }
        if !self.prompter.can_ask() || !self.is_asked_about(step.info()) {
            return Ok(false);
        }
        let question = Confirm {
            lines: vec![change.sentence.clone(), consent.stake.clone()],
            prompt: "Do you agree?".to_owned(),
            help: vec![format!("$ {}", change.command)],
            next: SetupCommand::run()
                .switch(format!("--{}", consent.flag))
                .to("agree without being asked")
                .into(),
            ..Confirm::default()
        };
        self.wait_for_turn(step).await;
        self.confirm(step.info(), question).await
    }

    async fn is_edit_wanted(&self, step: &dyn Step, path: &str, diff: &str) -> Result<bool, UserError> {
        if self.options.yes || !self.prompter.can_ask() {
            for line in diff.lines() {
                self.prompter.say(None, line);
            }
            return Ok(true);
        }
        let question = Confirm {
            lines: diff.lines().map(str::to_owned).collect(),
            prompt: format!("Write this to {path}?"),
            help: vec!["Lines with + are added. All other lines stay unchanged, byte for byte.".to_owned()],
            ..Confirm::default()
        };
        self.wait_for_turn(step).await;
        self.confirm(step.info(), question).await
    }

    async fn confirm(&self, info: &StepInfo, question: Confirm) -> Result<bool, UserError> {
        let question = Confirm {
            can_skip: info.importance != Importance::Required,
            ..question
        };
        self.confirmed(question).await
    }

    /// Asks a yes-or-no question. Until the first change, Back returns to the review; after it, Back only shows a
    /// message that says why.
    async fn confirmed(&self, question: Confirm) -> Result<bool, UserError> {
        let question = Confirm {
            can_go_back: true,
            ..question
        };
        loop {
            if self.stop.is_requested() {
                // The user quit at an earlier step in the meantime, and did not refuse this.
                return Err(UserError::left());
            }
            match self.unless_stopped(self.prompter.confirm(&question)).await?? {
                Reply::Value(answer) => return Ok(answer),
                Reply::Skip => return Ok(false),
                Reply::Back if self.has_changed.get() => {
                    self.prompter.say(
                        None,
                        "You can't go back: something has already been changed. To reverse that, use undo.",
                    );
                }
                Reply::Back if self.options.asks_recommendations => {
                    self.prompter.say(
                        None,
                        "There is nothing to go back to. Press n to leave it, or q to quit.",
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

/// The diff without the address of the access portal, which is not known before the instance exists.
fn without_address(diff: &str) -> String {
    let lines = diff.lines().map(|line| match line.split_once('=') {
        Some((key, _)) if key.trim_start_matches('+').trim() == "sso_start_url" => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Identifies what the user agreed to: for an edit of a file, its exact diff.
fn agreed_key(change: &Change) -> AgreedKey {
    let diff = match &change.consent {
        Consent::File { diff, .. } => Some(without_address(diff)),
        _ => None,
    };
    (change.key(), diff)
}

fn needs_flag(change: &Change, consent: &NamedConsent) -> HumanTask {
    HumanTask {
        sentence: format!("This change needs your consent and was not made: {}", change.sentence),
        brief: "give your consent",
        link: None,
        code: None,
        path: String::new(),
        choices: Vec::new(),
        command: Some(SetupCommand::again().switch(format!("--{}", consent.flag))),
        alternatives: NextSteps::default(),
        afterward: None,
        help: Vec::new(),
        details: vec![consent.stake.clone()],
        kind: TaskKind::Own,
        proof: None,
    }
}

fn not_agreed(info: &StepInfo, sentence: &str) -> HumanTask {
    HumanTask {
        sentence: format!("You did not agree to this: {sentence}"),
        brief: "",
        link: None,
        code: None,
        path: String::new(),
        choices: Vec::new(),
        command: Some(SetupCommand::run().value("--only", info.slug)),
        alternatives: NextSteps::default(),
        afterward: None,
        help: Vec::new(),
        details: Vec::new(),
        kind: TaskKind::Own,
        proof: None,
    }
}
