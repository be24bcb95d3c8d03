//! How steps and the walk speak to a person, whatever the person sits at.

use async_trait::async_trait;

use super::{Change, HumanTask, Observed, Plan, StepInfo, StepReport, UserError};
use crate::answers::Key;

/// A question with a text for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which answer it is.
    pub key: Key,
    /// The words of the question.
    pub prompt: String,
    /// What Enter takes.
    pub default: Option<String>,
    /// What there is to choose from; empty where any text may do.
    pub choices: Vec<Choice>,
    /// Other texts than the choices may do, too.
    pub is_open: bool,
}

/// One of the choices of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The answer.
    pub value: String,
    /// What a person sees and searches: names and ids.
    pub label: String,
}

impl Choice {
    /// A choice that is called what it is.
    pub fn of(value: impl Into<String>) -> Self {
        let value = value.into();
        Self {
            label: value.clone(),
            value,
        }
    }
}

impl Question {
    /// A question for an answer, in the answer's own words.
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

/// What a person answers: a value, or where to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<T> {
    /// The answer.
    Value(T),
    /// To the question before.
    Back,
    /// Without this step.
    Skip,
    /// Leave; progress is kept.
    Quit,
}

/// A yes-or-no question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirm {
    /// What is shown before it, a line each.
    pub lines: Vec<String>,
    /// The words of the question.
    pub prompt: String,
    /// What Enter takes.
    pub default: bool,
    /// What `?` shows, a line each.
    pub help: Vec<String>,
    /// The step can be left out here.
    pub can_skip: bool,
}

/// Everything that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Name, value and source of each answer that counts.
    pub values: Vec<(Key, String, String)>,
    /// What will change, by step.
    pub changes: Vec<(&'static StepInfo, Vec<PlannedChange>)>,
    /// What a person will be asked to do.
    pub tasks: Vec<String>,
}

/// A change as a review shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// In words.
    pub sentence: String,
    /// As an `aws` command.
    pub command: String,
}

/// What the person makes of a [`Review`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewReply {
    /// Go on with these values.
    GoOn,
    /// Change this one.
    Change(Key),
    /// To the last question again.
    Back,
    /// Leave; progress is kept.
    Quit,
}

/// The first look at everything, as it fills in; dropping it ends the display.
pub trait Survey {
    /// A step has been looked at.
    fn found(&self, info: &StepInfo, observed: &Observed);
}

/// Something that is being waited for; dropping it ends the display.
pub trait Waiting {
    /// How it stands.
    fn say(&self, words: &str);
}

/// The person's side of the conversation.
#[async_trait(?Send)]
pub trait Prompter {
    /// Whether anybody can be asked.
    fn can_ask(&self) -> bool;

    /// Asks for a value until it passes `key.check`.
    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError>;

    /// Asks for a yes or a no.
    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError>;

    /// Has a word typed out, which nobody does without meaning it.
    async fn type_out(&self, words: &str) -> Result<String, UserError>;

    /// Shows everything that is about to happen and asks how to go on.
    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError>;

    /// Shows a human task, and opens its page where that can be done.
    fn show_task(&self, info: &'static StepInfo, task: &HumanTask);

    /// The very first words, before anything is looked at.
    fn open(&self) {}

    /// Everything is about to be looked at for the first time.
    fn survey(&self, _infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        None
    }

    /// A step begins, and this is how it stands.
    fn begin(&self, info: &'static StepInfo, observed: &Observed, plan: &Plan);

    /// A step has ended.
    fn end(&self, report: &StepReport);

    /// A change is about to be made.
    fn change(&self, _info: &'static StepInfo, _change: &Change) {}

    /// One line about a step: what is, what was changed.
    fn say(&self, info: Option<&'static StepInfo>, line: &str);

    /// Something is being waited for.
    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting>;
}
