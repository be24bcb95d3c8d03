//! Steps run concurrently, but their output appears in the order of the checklist: what a step reports before its turn
//! is buffered, and whatever needs the user waits for the turn. So the user reads one step after the other, and never
//! waits for work that could run in the background.

use std::cell::{Cell, RefCell};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::reconcile::{Change, StepInfo};
use crate::user_error::UserError;
use crate::wizard::{
    Confirm, Events, HumanTask, Observed, Prompter, Question, Reply, Review, ReviewReply, StepPlan, StepReport, Waiting,
};

/// The index of the step whose turn it is.
pub(super) struct Turns {
    now: watch::Sender<usize>,
}

impl Turns {
    /// Starts with the first step.
    pub(super) fn new() -> Self {
        Self {
            now: watch::Sender::new(0),
        }
    }
}

/// The channel between one step and the user.
pub(super) struct Turn<'a> {
    prompter: &'a dyn Prompter,
    /// The index of the step; `None` if the order does not matter.
    order: Option<(&'a Turns, usize)>,
    is_now: Cell<bool>,
    buffered: RefCell<Vec<Event>>,
}

/// An event before the turn.
enum Event {
    Begin(&'static StepInfo, Box<Observed>, Box<StepPlan>),
    Say(Option<&'static StepInfo>, String),
    Change(&'static StepInfo, Box<Change>),
    End(Box<StepReport>),
}

impl<'a> Turn<'a> {
    /// A channel without an order.
    pub(super) fn free(prompter: &'a dyn Prompter) -> Self {
        Self {
            prompter,
            order: None,
            is_now: Cell::new(true),
            buffered: RefCell::default(),
        }
    }

    /// The channel of the `index`-th step.
    pub(super) fn nth(prompter: &'a dyn Prompter, turns: &'a Turns, index: usize) -> Self {
        Self {
            order: Some((turns, index)),
            is_now: Cell::new(false),
            ..Self::free(prompter)
        }
    }

    /// Waits for the turn, then reports the buffered events.
    pub(super) async fn wait_for_turn(&self) {
        if let Some((turns, index)) = self.order
            && !self.is_now.get()
        {
            // The sender lives as long as the walk, so this cannot fail.
            let _ = turns.now.subscribe().wait_for(|now| *now >= index).await;
            self.is_now.set(true);
        }
        for event in self.buffered.take() {
            match event {
                Event::Begin(info, observed, plan) => self.prompter.begin(info, &observed, &plan),
                Event::Say(info, line) => self.prompter.say(info, &line),
                Event::Change(info, change) => self.prompter.change(info, &change),
                Event::End(report) => self.prompter.end(&report),
            }
        }
    }

    /// Ends the turn. The turn of the next step begins.
    pub(super) async fn pass_on(&self) {
        self.wait_for_turn().await;
        if let Some((turns, index)) = self.order {
            turns.now.send_replace(index + 1);
        }
    }

    fn buffer(&self, event: Event) {
        self.buffered.borrow_mut().push(event);
    }
}

/// A wait before the turn; it is not displayed.
struct Hidden;

impl Waiting for Hidden {
    fn say(&self, _text: &str) {}
}

impl Events for Turn<'_> {
    fn show_task(&self, info: &'static StepInfo, task: &HumanTask) {
        self.prompter.show_task(info, task);
    }

    fn begin(&self, info: &'static StepInfo, observed: &Observed, plan: &StepPlan) {
        if self.is_now.get() {
            self.prompter.begin(info, observed, plan);
        } else {
            self.buffer(Event::Begin(info, Box::new(observed.clone()), Box::new(plan.clone())));
        }
    }

    fn end(&self, report: &StepReport) {
        if self.is_now.get() {
            self.prompter.end(report);
        } else {
            self.buffer(Event::End(Box::new(report.clone())));
        }
    }

    fn change(&self, info: &'static StepInfo, change: &Change) {
        if self.is_now.get() {
            self.prompter.change(info, change);
        } else {
            self.buffer(Event::Change(info, Box::new(change.clone())));
        }
    }

    fn say(&self, info: Option<&'static StepInfo>, line: &str) {
        if self.is_now.get() {
            self.prompter.say(info, line);
        } else {
            self.buffer(Event::Say(info, line.to_owned()));
        }
    }

    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        if self.is_now.get() {
            self.prompter.wait(info, what)
        } else {
            Box::new(Hidden)
        }
    }
}

#[async_trait(?Send)]
impl Prompter for Turn<'_> {
    fn can_ask(&self) -> bool {
        self.prompter.can_ask()
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        self.wait_for_turn().await;
        self.prompter.ask(question).await
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        self.wait_for_turn().await;
        self.prompter.confirm(confirm).await
    }

    async fn type_out(&self, text: &str) -> Result<String, UserError> {
        self.wait_for_turn().await;
        self.prompter.type_out(text).await
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        self.wait_for_turn().await;
        self.prompter.review(review).await
    }
}
