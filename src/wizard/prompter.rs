//! The interface between the checklist and its user: [`Events`] reports, [`Prompter`] also asks.

use async_trait::async_trait;

use super::{HumanTask, Observed, StepPlan, StepReport};
use crate::answers::Key;
use crate::next_step::NextSteps;
use crate::reconcile::{Change, StepInfo};
use crate::user_error::UserError;

/// A question that is answered with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The answer that is asked for.
    pub key: Key,
    /// The text of the question.
    pub prompt: String,
    /// The answer if the user presses Enter.
    pub default: Option<String>,
    /// The choices; empty if the user types a text.
    pub choices: Vec<Choice>,
    /// Texts other than the choices are also accepted.
    pub is_open: bool,
}

/// One of the choices of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The answer.
    pub value: String,
    /// What the user sees and searches, such as a name and an id.
    pub label: String,
}

impl Choice {
    /// A choice whose label is its value.
    pub fn of(value: impl Into<String>) -> Self {
        let value = value.into();
        Self {
            label: value.clone(),
            value,
        }
    }
}

impl Question {
    /// A question for an answer, with the title of the answer as its text.
    pub fn of(key: Key) -> Self {
        Self {
            key,
            prompt: key.title().to_owned(),
            default: None,
            choices: Vec::new(),
            is_open: false,
        }
    }
}

/// A reply to a question: a value, or where to go instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<T> {
    /// The answer.
    Value(T),
    /// Back to the previous question.
    Back,
    /// Skip this step.
    Skip,
    /// Quit; progress is saved.
    Quit,
}

/// A yes-or-no question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirm {
    /// Lines to show before the question.
    pub lines: Vec<String>,
    /// The text of the question.
    pub prompt: String,
    /// The answer if the user presses Enter.
    pub default: bool,
    /// Lines that `?` shows.
    pub help: Vec<String>,
    /// The commands that `?` shows below the help.
    pub next: NextSteps,
    /// The user can skip the step here.
    pub can_skip: bool,
}

/// Everything that is about to happen, for the user to review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Key, value and source of each answer in effect.
    pub values: Vec<(Key, String, String)>,
    /// The planned changes, by step.
    pub changes: Vec<(&'static StepInfo, Vec<PlannedChange>)>,
    /// The tasks that the user will be asked to do.
    pub tasks: Vec<String>,
}

/// A planned change in a [`Review`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// The change in words.
    pub sentence: String,
    /// The equivalent `aws` command.
    pub command: String,
}

/// The reply to a [`Review`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewReply {
    /// Continue with these values.
    GoOn,
    /// Change this answer.
    Change(Key),
    /// Back to the last question.
    Back,
    /// Quit; progress is saved.
    Quit,
}

/// The display of the first check of all steps, filled in as results arrive. Dropping it ends the display.
pub trait Survey {
    /// A step has been checked.
    fn checked(&self, info: &StepInfo, observed: &Observed);
}

/// The display of a wait. Dropping it ends the display.
pub trait Waiting {
    /// Updates the status text.
    fn say(&self, text: &str);
}

/// Reports what happens. Nothing is asked.
pub trait Events {
    /// Shows a human task, and opens its page if possible.
    fn show_task(&self, info: &'static StepInfo, task: &HumanTask);

    /// The wizard starts; nothing has been read from the account yet.
    fn open(&self) {}

    /// The first check of all steps begins.
    fn survey(&self, _infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        None
    }

    /// A step begins in this state, with this plan.
    fn begin(&self, info: &'static StepInfo, observed: &Observed, plan: &StepPlan);

    /// A step has ended.
    fn end(&self, report: &StepReport);

    /// A change is about to be applied.
    fn change(&self, _info: &'static StepInfo, _change: &Change) {}

    /// A line of information, about a step if `info` is given.
    fn say(&self, info: Option<&'static StepInfo>, line: &str);

    /// A wait begins.
    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting>;
}

/// Asks the user.
#[async_trait(?Send)]
pub trait Prompter: Events {
    /// Whether there is anybody to ask.
    fn can_ask(&self) -> bool;

    /// Asks for a value until it passes [`Key::check`].
    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError>;

    /// Asks a yes-or-no question.
    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError>;

    /// Asks the user to type a word in full, as a deliberate confirmation.
    async fn type_out(&self, text: &str) -> Result<String, UserError>;

    /// Shows everything that is about to happen and asks how to continue.
    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError>;
}
