//! A prompter that follows a script. An unexpected question is a failure, and so is an unused line of the script.

use std::cell::RefCell;
use std::collections::VecDeque;

use async_trait::async_trait;
use idc_setup::answers::Key;
use idc_setup::reconcile::StepInfo;
use idc_setup::user_error::UserError;
use idc_setup::wizard::{
    Confirm, Events, HumanTask, Observed, Prompter, Question, Reply, Review, ReviewReply, StepPlan, StepReport, Waiting,
};

/// One line of a script.
#[derive(Debug, Clone)]
pub enum Line {
    /// The question with this key, and the reply.
    Ask(Key, Reply<&'static str>),
    /// The reply to the review.
    Review(ReviewReply),
    /// A confirmation that contains this text, and the reply.
    Confirm(&'static str, Reply<bool>),
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

struct Silent;

impl Waiting for Silent {
    fn say(&self, _words: &str) {}
}

impl Events for ScriptedPrompter {
    fn show_task(&self, _info: &'static StepInfo, _task: &HumanTask) {}

    fn begin(&self, _info: &'static StepInfo, _observed: &Observed, _plan: &StepPlan) {}

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
        let words = format!("{}\n{}", confirm.lines.join("\n"), confirm.prompt);
        match self.next(&words) {
            Line::Confirm(expected, reply) if words.contains(expected) => Ok(reply),
            other => panic!("asked {words:?}, scripted {other:?}"),
        }
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
