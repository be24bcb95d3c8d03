//! The prompter that asks nothing: for `--non-interactive`, and for `status` and `plan` without a terminal.

use async_trait::async_trait;

use super::screen::Screen;
use super::text;
use crate::next_step::SetupCommand;
use crate::reconcile::{Change, StepInfo};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::steps::STEPS;
use crate::wizard::{
    Confirm, Events, HumanTask, Prompter, Question, Reply, Review, ReviewReply, StepReport, TaskPrompt, TaskReply,
    Waiting,
};

/// Reports progress and asks nothing.
#[derive(Debug, Clone)]
pub struct NonInteractive {
    screen: Screen,
}

impl NonInteractive {
    /// Returns a prompter on this screen.
    pub fn new(screen: &Screen) -> Self {
        Self { screen: screen.clone() }
    }
}

/// A wait that shows nothing while it goes on.
pub(super) struct Silent;

impl Waiting for Silent {
    fn say(&self, _text: &str) {}
}

/// A task that nobody answers: only the account shows that it is done.
pub(super) struct Unanswered {
    pub(super) screen: Screen,
}

#[async_trait(?Send)]
impl TaskPrompt for Unanswered {
    fn say(&self, status: &str) {
        self.screen.talk(&format!("  {status}"));
    }

    async fn reply(&self) -> Result<TaskReply, UserError> {
        std::future::pending().await
    }
}

fn cannot_ask() -> UserError {
    UserError::new(
        UserErrorKind::MissingAnswers,
        "A question has to be answered, but this command cannot ask questions.",
        SetupCommand::again().to("run it in a terminal"),
    )
}

impl Events for NonInteractive {
    fn change(&self, info: &'static StepInfo, change: &Change) {
        if self.screen.verbose >= 1 {
            self.say(Some(info), &format!("$ {}", change.command));
        }
    }

    fn end(&self, report: &StepReport) {
        if self.screen.quiet {
            return;
        }
        for line in text::end_lines(report, STEPS, &self.screen) {
            self.screen.raw(&line);
        }
    }

    fn say(&self, info: Option<&'static StepInfo>, line: &str) {
        self.screen.talk(&text::marked(info, STEPS, line));
    }

    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        self.say(Some(info), &format!("Waiting: {what}"));
        Box::new(Silent)
    }
}

#[async_trait(?Send)]
impl Prompter for NonInteractive {
    fn can_ask(&self) -> bool {
        false
    }

    async fn ask(&self, _question: &Question) -> Result<Reply<String>, UserError> {
        Err(cannot_ask())
    }

    async fn confirm(&self, _confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        Err(cannot_ask())
    }

    fn task(&self, info: &'static StepInfo, task: &HumanTask, _meanwhile: &[&'static StepInfo]) -> Box<dyn TaskPrompt> {
        self.say(Some(info), "A person is needed:");
        for line in text::task_lines(task, &self.screen) {
            self.screen.talk(&format!("  {line}"));
        }
        Box::new(Unanswered {
            screen: self.screen.clone(),
        })
    }

    async fn type_out(&self, _text: &str) -> Result<String, UserError> {
        Err(cannot_ask())
    }

    async fn review(&self, _review: &Review) -> Result<ReviewReply, UserError> {
        Err(cannot_ask())
    }
}
