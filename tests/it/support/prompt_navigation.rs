//! A prompter that gives the usual answers, except at one prompt, where it goes back, skips, quits, or is interrupted.

use std::cell::{Cell, RefCell};

use super::scripted::{PreparedTask, Silent};
use async_trait::async_trait;
use idc_setup::answers::Key;
use idc_setup::reconcile::StepInfo;
use idc_setup::user_error::UserError;
use idc_setup::wizard::{
    Confirm, Events, HumanTask, Prompter, Question, Reply, Review, ReviewReply, StepReport, TaskKind, TaskPrompt,
    TaskReply, Waiting,
};

/// What to do at the one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detour {
    /// Go back to the previous question.
    Back,
    /// Skip the step.
    Skip,
    /// Quit.
    Quit,
    /// Press Ctrl-C.
    Interrupt,
}

/// A prompter that gives the usual answers and takes at most one detour.
#[derive(Debug, Default)]
pub struct DetourPrompter {
    detour: Option<(usize, Detour)>,
    count: Cell<usize>,
    /// The prompts that were shown, in order.
    pub prompts: RefCell<Vec<String>>,
    /// The keys of the questions that were asked.
    pub asked: RefCell<Vec<Key>>,
}

impl DetourPrompter {
    /// Creates a prompter without a detour.
    pub fn without_detour() -> Self {
        Self::default()
    }

    /// Creates a prompter that takes a detour at the n-th prompt, counted from 0.
    pub fn with_detour(at: usize, detour: Detour) -> Self {
        Self {
            detour: Some((at, detour)),
            ..Self::default()
        }
    }

    fn at(&self, prompt: &str) -> Result<Option<Detour>, UserError> {
        let n = self.count.get();
        self.count.set(n + 1);
        assert!(n < 60, "too many prompts: {:?}", self.prompts.borrow());
        // Remove paths, which differ from run to run.
        let prompt = prompt.split(" /").next().unwrap_or_default();
        self.prompts.borrow_mut().push(prompt.to_owned());
        match self.detour.filter(|(at, _)| *at == n) {
            Some((_, Detour::Interrupt)) => Err(UserError::interrupted()),
            other => Ok(other.map(|(_, detour)| detour)),
        }
    }
}

impl Events for DetourPrompter {
    fn end(&self, _report: &StepReport) {}

    fn say(&self, _info: Option<&'static StepInfo>, _line: &str) {}

    fn wait(&self, _info: &'static StepInfo, _what: &str) -> Box<dyn Waiting> {
        Box::new(Silent)
    }
}

#[async_trait(?Send)]
impl Prompter for DetourPrompter {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        let detour = self.at(&question.prompt)?;
        self.asked.borrow_mut().push(question.key);
        let usual = match question.key {
            Key::IdentityCenterRegion => "us-east-1",
            Key::Email => "ada@example.com",
            Key::GivenName => "Ada",
            Key::FamilyName => "Lovelace",
            other => panic!("asked for {other:?}"),
        };
        Ok(match detour {
            Some(Detour::Back) => Reply::Back,
            Some(Detour::Skip) => Reply::Skip,
            Some(Detour::Quit) => Reply::Quit,
            _ => Reply::Value(usual.to_owned()),
        })
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        Ok(match self.at(&confirm.prompt)? {
            Some(Detour::Back) => Reply::Back,
            Some(Detour::Skip) if confirm.can_skip => Reply::Skip,
            Some(Detour::Quit) => Reply::Quit,
            _ => Reply::Value(true),
        })
    }

    fn task(
        &self,
        _info: &'static StepInfo,
        task: &HumanTask,
        _meanwhile: &[&'static StepInfo],
    ) -> Box<dyn TaskPrompt> {
        let reply = match task.kind {
            TaskKind::Seen | TaskKind::Own => None,
            TaskKind::Checked | TaskKind::Confirmed(_) => Some(self.at(&task.sentence).map(|detour| match detour {
                Some(Detour::Skip) => TaskReply::Later,
                Some(Detour::Quit) => TaskReply::Quit,
                _ => TaskReply::Done,
            })),
        };
        Box::new(PreparedTask(reply))
    }

    async fn type_out(&self, words: &str) -> Result<String, UserError> {
        panic!("asked to type out: {words}")
    }

    async fn review(&self, _review: &Review) -> Result<ReviewReply, UserError> {
        Ok(match self.at("review")? {
            Some(Detour::Back) => ReviewReply::Back,
            Some(Detour::Quit) => ReviewReply::Quit,
            _ => ReviewReply::GoOn,
        })
    }
}
