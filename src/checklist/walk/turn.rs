//! Steps work at the same time, and speak in the order of the checklist: what a step says before its turn is kept, and
//! whatever needs the person waits for it. So a person reads one step after the other, and does not wait for what could
//! be done meanwhile.

use std::cell::{Cell, RefCell};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::checklist::{
    Change, Confirm, HumanTask, Observed, Plan, Prompter, Question, Reply, Review, ReviewReply, StepInfo, StepReport,
    UserError, Waiting,
};

/// Whose turn it is.
pub(super) struct Turns {
    now: watch::Sender<usize>,
}

impl Turns {
    /// The first one's.
    pub(super) fn new() -> Self {
        Self {
            now: watch::Sender::new(0),
        }
    }
}

/// One step's way to the person.
pub(super) struct Turn<'a> {
    prompter: &'a dyn Prompter,
    /// `None`: nobody has to be kept in order.
    order: Option<(&'a Turns, usize)>,
    has_come: Cell<bool>,
    kept: RefCell<Vec<Kept>>,
}

/// What was said before the turn.
enum Kept {
    Begin(&'static StepInfo, Box<Observed>, Box<Plan>),
    Say(Option<&'static StepInfo>, String),
    Change(&'static StepInfo, Box<Change>),
    End(Box<StepReport>),
}

impl<'a> Turn<'a> {
    /// A step that speaks as it likes.
    pub(super) fn free(prompter: &'a dyn Prompter) -> Self {
        Self {
            prompter,
            order: None,
            has_come: Cell::new(true),
            kept: RefCell::default(),
        }
    }

    /// The `index`-th step to speak.
    pub(super) fn nth(prompter: &'a dyn Prompter, turns: &'a Turns, index: usize) -> Self {
        Self {
            order: Some((turns, index)),
            has_come: Cell::new(false),
            ..Self::free(prompter)
        }
    }

    /// Waits for the turn, and says what was kept.
    pub(super) async fn come(&self) {
        if let Some((turns, index)) = self.order
            && !self.has_come.get()
        {
            // The sender lives as long as the walk, so there is always a turn to come.
            let _ = turns.now.subscribe().wait_for(|now| *now >= index).await;
            self.has_come.set(true);
        }
        for kept in self.kept.take() {
            match kept {
                Kept::Begin(info, observed, plan) => self.prompter.begin(info, &observed, &plan),
                Kept::Say(info, line) => self.prompter.say(info, &line),
                Kept::Change(info, change) => self.prompter.change(info, &change),
                Kept::End(report) => self.prompter.end(&report),
            }
        }
    }

    /// The step has ended: the next one may speak.
    pub(super) async fn pass_on(&self) {
        self.come().await;
        if let Some((turns, index)) = self.order {
            turns.now.send_replace(index + 1);
        }
    }

    fn keep(&self, kept: Kept) {
        self.kept.borrow_mut().push(kept);
    }
}

/// A wait that nobody sees yet: a line says so when the turn comes.
struct Unseen;

impl Waiting for Unseen {
    fn say(&self, _words: &str) {}
}

/// What is said waits for the turn; what is asked has been waited for by the walk.
#[async_trait(?Send)]
impl Prompter for Turn<'_> {
    fn can_ask(&self) -> bool {
        self.prompter.can_ask()
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        self.come().await;
        self.prompter.ask(question).await
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        self.come().await;
        self.prompter.confirm(confirm).await
    }

    async fn type_out(&self, words: &str) -> Result<String, UserError> {
        self.come().await;
        self.prompter.type_out(words).await
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        self.come().await;
        self.prompter.review(review).await
    }

    fn show_task(&self, info: &'static StepInfo, task: &HumanTask) {
        self.prompter.show_task(info, task);
    }

    fn begin(&self, info: &'static StepInfo, observed: &Observed, plan: &Plan) {
        if self.has_come.get() {
            self.prompter.begin(info, observed, plan);
        } else {
            self.keep(Kept::Begin(info, Box::new(observed.clone()), Box::new(plan.clone())));
        }
    }

    fn end(&self, report: &StepReport) {
        if self.has_come.get() {
            self.prompter.end(report);
        } else {
            self.keep(Kept::End(Box::new(report.clone())));
        }
    }

    fn change(&self, info: &'static StepInfo, change: &Change) {
        if self.has_come.get() {
            self.prompter.change(info, change);
        } else {
            self.keep(Kept::Change(info, Box::new(change.clone())));
        }
    }

    fn say(&self, info: Option<&'static StepInfo>, line: &str) {
        if self.has_come.get() {
            self.prompter.say(info, line);
        } else {
            self.keep(Kept::Say(info, line.to_owned()));
        }
    }

    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        if self.has_come.get() {
            self.prompter.wait(info, what)
        } else {
            Box::new(Unseen)
        }
    }
}
