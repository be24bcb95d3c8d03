//! The interface between the checklist and its user: [`Events`] reports, [`Prompter`] also asks.

use std::pin::pin;

use async_trait::async_trait;
use futures_util::future::{Either, select};

use super::{HumanTask, Observed, StepReport};
use crate::answers::Key;
use crate::ids::AccountId;
use crate::next_step::NextSteps;
use crate::reconcile::{Change, Consent, StepInfo};
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
    /// Where the default comes from, such as `from AWS_REGION`.
    pub default_source: Option<String>,
    /// The choices; empty if the user types a text.
    pub choices: Vec<Choice>,
    /// Texts other than the choices are also accepted.
    pub is_open: bool,
    /// The step can be skipped here.
    pub can_skip: bool,
    /// There is an earlier question. Otherwise, a prompter never replies with [`Reply::Back`].
    pub can_go_back: bool,
    /// There is an answer already, which only a prompter that can ask lets the user confirm.
    pub is_confirmation: bool,
    /// What `?` shows, in place of the help of the answer and its flag. Empty if these apply.
    pub help: Vec<String>,
    /// What an answered question is called, in place of the title of the answer.
    pub title: Option<&'static str>,
    /// How the choices are shown.
    pub list: ListKind,
}

/// How choices are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListKind {
    /// A short list in full, and a longer one to be searched.
    #[default]
    ByLength,
    /// To be searched, however few there are.
    Searched,
}

/// One of the choices of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The answer.
    pub value: String,
    /// What the user sees and searches, such as a name and an id.
    pub label: String,
    /// Other words that find it, such as the country of a Region.
    pub keywords: &'static str,
}

impl Choice {
    /// Whether each word of a filter is in the label or in the keywords, in any case.
    pub fn matches(&self, filter: &str) -> bool {
        let all = format!("{} {}", self.label, self.keywords).to_lowercase();
        let filter = filter.to_lowercase();
        filter.split_whitespace().all(|word| all.contains(word))
    }

    /// A choice whose label is its value.
    pub fn of(value: impl Into<String>) -> Self {
        let value = value.into();
        Self {
            label: value.clone(),
            value,
            keywords: "",
        }
    }
}

impl Question {
    /// What an answered question is called.
    pub fn answered_title(&self) -> &'static str {
        self.title.unwrap_or_else(|| self.key.title())
    }

    /// A question for an answer, with the title of the answer as its text.
    pub fn of(key: Key) -> Self {
        Self {
            key,
            prompt: key.title().to_owned(),
            default: None,
            default_source: None,
            choices: Vec::new(),
            is_open: false,
            can_skip: false,
            can_go_back: false,
            is_confirmation: false,
            help: Vec::new(),
            title: None,
            list: ListKind::ByLength,
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
    /// Lines that `d` shows, such as a whole difference; empty if there is nothing more to show.
    pub details: Vec<String>,
    /// The commands that `?` shows below the help.
    pub next: NextSteps,
    /// The user can skip the step here.
    pub can_skip: bool,
    /// There is something to go back to. Otherwise, a prompter never replies with [`Reply::Back`].
    pub can_go_back: bool,
}

/// Everything that is about to happen, for the user to review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The answers in effect.
    pub values: Vec<ReviewedValue>,
    /// The planned changes, by step.
    pub changes: Vec<(&'static StepInfo, Vec<Change>)>,
    /// The tasks that the user will be asked to do.
    pub tasks: Vec<HumanTask>,
    /// The steps that are done already, with what was observed.
    pub done: Vec<(&'static StepInfo, String)>,
    /// What differs from the answers and stays as it is, so that steps after it wait.
    pub problems: Vec<String>,
}

/// An answer in a [`Review`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedValue {
    /// The key of the answer.
    pub key: Key,
    /// The value.
    pub value: String,
    /// The source in words: `default`, `entered`.
    pub source: String,
    /// The value exists in the account already.
    pub is_existing: bool,
}

impl Review {
    /// The value of an answer; empty if there is none.
    pub fn value(&self, key: Key) -> &str {
        self.values
            .iter()
            .find(|value| value.key == key)
            .map_or("", |value| &value.value)
    }

    /// All planned changes, in the order of the checklist.
    pub fn all_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().flat_map(|(_, changes)| changes)
    }

    /// Whether everything can be undone and nothing costs anything, so that `--yes` agrees to it.
    pub fn needs_no_consent(&self) -> bool {
        self.all_changes()
            .all(|change| !matches!(change.consent, Consent::Named(_)))
    }
}

/// What the wizard knows when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The account.
    pub account: AccountId,
    /// Who the caller is, what the account is, and what to know about them, one sentence each.
    pub situation: Vec<String>,
    /// An earlier run has changed this account.
    pub is_resumed: bool,
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

/// The reply to a [`TaskPrompt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskReply {
    /// The user has done the task, or wants it to be checked now.
    Done,
    /// The user will do it later.
    Later,
    /// Quit; progress is saved.
    Quit,
}

/// A task that is shown to the user. Dropping it ends the display.
#[async_trait(?Send)]
pub trait TaskPrompt {
    /// Shows what a check has found.
    fn say(&self, status: &str);

    /// Waits for the user's reply. A prompter that cannot ask waits forever. The future can be dropped and started again.
    async fn reply(&self) -> Result<TaskReply, UserError>;
}

/// Waits for `work` while a task is shown. `checked` is shown if the user asks for a check and the work goes on.
///
/// # Errors
/// If the user quits or wants to do the task later.
pub async fn while_shown<T>(
    task: &dyn TaskPrompt,
    checked: &str,
    work: impl Future<Output = T>,
) -> Result<T, UserError> {
    let mut work = pin!(work);
    loop {
        match select(work.as_mut(), task.reply()).await {
            Either::Left((result, _)) => return Ok(result),
            Either::Right((reply, _)) => match reply? {
                TaskReply::Done => task.say(checked),
                TaskReply::Later | TaskReply::Quit => return Err(UserError::left()),
            },
        }
    }
}

/// The display of a wait. Dropping it ends the display.
pub trait Waiting {
    /// Updates the status text.
    fn say(&self, text: &str);
}

/// Reports what happens. Nothing is asked.
pub trait Events {
    /// The wizard starts; the account has been identified.
    fn open(&self, _opening: &Opening) {}

    /// The first check of all steps begins.
    fn survey(&self, _infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        None
    }

    /// The work begins on these steps.
    fn work(&self, _reports: &[StepReport]) {}

    /// The work has ended or was stopped.
    fn work_ended(&self) {}

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
    /// Whether it can ask the user.
    fn can_ask(&self) -> bool;

    /// Asks for a value until it passes [`Key::check`].
    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError>;

    /// Asks a yes-or-no question.
    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError>;

    /// Shows a task that only a person can do, and opens its page if possible. `meanwhile` are the steps that go on by
    /// themselves.
    fn task(&self, info: &'static StepInfo, task: &HumanTask, meanwhile: &[&'static StepInfo]) -> Box<dyn TaskPrompt>;

    /// Asks the user to type a word in full, as a deliberate confirmation.
    async fn type_out(&self, text: &str) -> Result<String, UserError>;

    /// Shows everything that is about to happen and asks how to continue.
    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError>;
}
