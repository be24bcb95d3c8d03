//! Nobody is asked: `--non-interactive`, `status` and `plan` from a pipe.

use async_trait::async_trait;

use super::screen::Screen;
use super::text;
use crate::checklist::{
    Change, Confirm, HumanTask, Observed, Plan, Prompter, Question, Reply, Review, ReviewReply, StepInfo, StepReport,
    UserError, UserErrorKind, Waiting,
};
use crate::steps::STEPS;

/// Says what happens and asks nothing.
#[derive(Debug, Clone)]
pub struct NonInteractive {
    screen: Screen,
}

impl NonInteractive {
    /// Speaks on this screen.
    pub fn new(screen: &Screen) -> Self {
        Self { screen: screen.clone() }
    }
}

struct Silent;

impl Waiting for Silent {
    fn say(&self, _words: &str) {}
}

fn nobody() -> UserError {
    UserError::new(
        UserErrorKind::MissingAnswers,
        "A question came up, and nobody can be asked.",
        "idc-setup run, in a terminal",
    )
}

#[async_trait(?Send)]
impl Prompter for NonInteractive {
    fn can_ask(&self) -> bool {
        false
    }

    async fn ask(&self, _question: &Question) -> Result<Reply<String>, UserError> {
        Err(nobody())
    }

    async fn confirm(&self, _confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        Err(nobody())
    }

    async fn type_out(&self, _words: &str) -> Result<String, UserError> {
        Err(nobody())
    }

    async fn review(&self, _review: &Review) -> Result<ReviewReply, UserError> {
        Err(nobody())
    }

    fn show_task(&self, info: &'static StepInfo, task: &HumanTask) {
        self.say(Some(info), "A person is needed:");
        for line in text::task_lines(task, &self.screen) {
            self.screen.talk(&format!("  {line}"));
        }
    }

    fn change(&self, info: &'static StepInfo, change: &Change) {
        if self.screen.verbose >= 1 {
            self.say(Some(info), &format!("$ {}", change.command));
        }
    }

    fn begin(&self, _info: &'static StepInfo, _finding: &Observed, _plan: &Plan) {}

    fn end(&self, report: &StepReport) {
        if self.screen.quiet {
            return;
        }
        for line in text::end_lines(report, STEPS, &self.screen) {
            self.screen.raw(&line);
        }
    }

    fn say(&self, info: Option<&'static StepInfo>, line: &str) {
        match info {
            Some(info) => self.screen.talk(&format!("{} {line}", text::mark(info, STEPS))),
            None => self.screen.talk(line),
        }
    }

    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        self.say(Some(info), &format!("Waiting: {what}"));
        Box::new(Silent)
    }
}
