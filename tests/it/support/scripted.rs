//! A prompter that follows a script. An unexpected question is a failure, and so is an unused line of the script.

use std::cell::RefCell;
use std::collections::VecDeque;

use async_trait::async_trait;
use idc_setup::answers::Key;
use idc_setup::reconcile::StepInfo;
use idc_setup::user_error::UserError;
use idc_setup::wizard::{
    Confirm, Events, HumanTask, Prompter, Question, Reply, Review, ReviewReply, StepReport, TaskKind, TaskPrompt,
    TaskReply, Waiting,
};

/// One line of a script.
#[derive(Debug, Clone)]
pub enum Line {
    /// The question with this key, and the reply.
    Ask(Key, Reply<&'static str>),
    /// The reply to the review.
    Review(ReviewReply),
    /// A task that no API shows, whose sentence contains this text, and the reply.
    Task(&'static str, TaskReply),
}

/// A prompter that follows a script.
#[derive(Debug)]
pub struct ScriptedPrompter {
    lines: RefCell<VecDeque<Line>>,
    /// The reviews that were shown.
    pub reviews: RefCell<Vec<Review>>,
}

impl ScriptedPrompter {
    pub fn new(lines: impl IntoIterator<Item = Line>) -> Self {
        Self {
            lines: RefCell::new(lines.into_iter().collect()),
            reviews: RefCell::default(),
        }
    }

    fn next(&self, what: &str) -> Line {
        let line = self.lines.borrow_mut().pop_front();
        line.unwrap_or_else(|| panic!("no lines left in the script for this question: {what}"))
    }

    /// Asserts that no lines are left in the script.
    pub fn finish(&self) {
        assert!(
            self.lines.borrow().is_empty(),
            "left in the script: {:?}",
            self.lines.borrow()
        );
    }
}

/// A task with a prepared reply; without one, only the account shows that it is done.
pub struct PreparedTask(pub Option<Result<TaskReply, UserError>>);

#[async_trait(?Send)]
impl TaskPrompt for PreparedTask {
    fn say(&self, _status: &str) {}

    async fn reply(&self) -> Result<TaskReply, UserError> {
        match &self.0 {
            Some(reply) => reply.clone(),
            None => std::future::pending().await,
        }
    }
}

/// A wait that shows nothing.
pub struct Silent;

impl Waiting for Silent {
    fn say(&self, _words: &str) {}
}

impl Events for ScriptedPrompter {
    fn end(&self, _report: &StepReport) {}

    fn say(&self, _info: Option<&'static StepInfo>, _line: &str) {}

    fn wait(&self, _info: &'static StepInfo, _what: &str) -> Box<dyn Waiting> {
        Box::new(Silent)
    }
}

#[async_trait(?Send)]
impl Prompter for ScriptedPrompter {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        match self.next(&format!("{question:?}")) {
            Line::Ask(key, reply) if key == question.key => Ok(match reply {
                Reply::Value(value) => Reply::Value(value.to_owned()),
                Reply::Back => Reply::Back,
                Reply::Skip => Reply::Skip,
                Reply::Quit => Reply::Quit,
            }),
            other => panic!("asked {question:?}, scripted {other:?}"),
        }
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        panic!("asked {confirm:?}")
    }

    fn task(
        &self,
        _info: &'static StepInfo,
        task: &HumanTask,
        _meanwhile: &[&'static StepInfo],
    ) -> Box<dyn TaskPrompt> {
        let reply = match task.kind {
            TaskKind::Seen | TaskKind::Own => None,
            TaskKind::Checked | TaskKind::Confirmed(_) => match self.next(&task.sentence) {
                Line::Task(expected, reply) if task.sentence.contains(expected) => Some(reply),
                other => panic!("shown {task:?}, scripted {other:?}"),
            },
        };
        Box::new(PreparedTask(reply.map(Ok)))
    }

    async fn type_out(&self, words: &str) -> Result<String, UserError> {
        panic!("asked to type out: {words}")
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        self.reviews.borrow_mut().push(review.clone());
        match self.next(&format!("{review:?}")) {
            Line::Review(reply) => Ok(reply),
            other => panic!("shown the review, scripted {other:?}"),
        }
    }
}
