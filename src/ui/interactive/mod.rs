//! The prompter for a terminal: dialoguer for texts and lists, single keys for the other questions, indicatif for spinners.

mod prompts;
mod waits;

pub use waits::checking;

use std::cell::Cell;
use std::rc::Rc;

use async_trait::async_trait;
use console::Style;

use super::glossary;
use super::non_interactive::Silent;
use super::screen::Screen;
use super::terminal::EchoOff;
use super::text;
use crate::answers::Key;
use crate::browser::Browser;
use crate::reconcile::{Change, StepInfo};
use crate::user_error::UserError;
use crate::wizard::steps::STEPS;
use crate::wizard::{
    Confirm, Events, HumanTask, Observed, Prompter, Question, Reply, Review, ReviewReply, StepPlan, StepReport, Survey,
    Waiting,
};

/// Asks questions and shows progress in a terminal.
#[derive(Debug)]
pub struct Interactive {
    screen: Screen,
    browser: Rc<Browser>,
    /// Whether the help on how to answer has been shown.
    has_explained: Cell<bool>,
    /// Hides keys that are pressed between questions.
    _echo_off: EchoOff,
}

impl Interactive {
    /// Returns a prompter on this screen.
    pub fn new(screen: &Screen, browser: Rc<Browser>) -> Self {
        Self {
            screen: screen.clone(),
            browser,
            has_explained: Cell::new(false),
            _echo_off: EchoOff::new(),
        }
    }

    fn help(&self, key: Key) {
        self.screen.warn(&format!("  {}", key.help()));
        self.lines(&glossary::lines_of(key));
        self.screen.warn(&format!(
            "  Flag {}, variable {}. Also: :back, :skip, :quit.",
            key.flag(),
            key.variable()
        ));
    }

    fn lines(&self, lines: &[String]) {
        for line in lines {
            self.screen.warn(line);
        }
    }

    /// Whether displays are redrawn in place. Log lines would tear them.
    fn redraws(&self) -> bool {
        self.screen.verbose == 0
    }

    fn strong(&self, label: &str) -> String {
        self.screen.paint(label, &Style::new().bold())
    }

    /// Asks which value to change.
    async fn which(&self, review: &Review) -> Result<Option<ReviewReply>, UserError> {
        let names = review
            .values
            .iter()
            .map(|(key, value, _)| format!("{}: {value}", key.title()));
        Ok(match self.choose("Which value?", names.collect(), 0).await? {
            Reply::Value(index) => Some(ReviewReply::Change(review.values[index].0)),
            Reply::Quit => Some(ReviewReply::Quit),
            Reply::Back | Reply::Skip => None,
        })
    }
}

impl Events for Interactive {
    fn show_task(&self, _info: &'static StepInfo, task: &HumanTask) {
        self.screen.bell();
        self.screen.warn("");
        self.lines(&text::task_lines(task, &self.screen));
        if let Some(line) = text::opened_line(task, &self.browser) {
            self.screen.talk(&line);
        }
    }

    fn change(&self, _info: &'static StepInfo, change: &Change) {
        if self.screen.verbose >= 1 {
            self.screen.talk(&format!("  $ {}", change.command));
        }
    }

    fn open(&self) {
        for line in text::opening_lines(&self.screen) {
            self.screen.talk(&line);
        }
    }

    fn survey(&self, infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        (!self.screen.quiet && self.redraws()).then(|| waits::filling(&self.screen, infos))
    }

    fn begin(&self, info: &'static StepInfo, observed: &Observed, plan: &StepPlan) {
        if self.screen.quiet {
            return;
        }
        self.screen.talk("");
        let heading = self.strong(&text::heading(info, STEPS));
        self.screen.raw(&heading);
        for line in text::begin_lines(info, observed, plan) {
            self.screen.talk(&format!("  {line}"));
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

    fn say(&self, _info: Option<&'static StepInfo>, line: &str) {
        self.screen.talk(&format!("  {line}"));
    }

    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        if self.redraws() {
            return waits::spinner(&self.screen, info, what);
        }
        self.screen.talk(&format!("  Waiting: {what}"));
        Box::new(Silent)
    }
}

#[async_trait(?Send)]
impl Prompter for Interactive {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        if !self.has_explained.replace(true) {
            self.screen.talk("At a question, ? shows help, and :back, :skip and :quit are also answers. In a list, type to filter, or press Esc to go back.");
        }
        if question.choices.is_empty() {
            return self
                .value(question.key, &question.prompt, question.default.as_deref())
                .await;
        }
        self.screen.warn(&format!("  {}", question.key.help()));
        self.chosen(question).await
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        self.lines(&confirm.lines);
        let yes_or_no = if confirm.default { "Y/n" } else { "y/N" };
        let skip = if confirm.can_skip { ", s skip" } else { "" };
        let prompt = format!(
            "{} [{yes_or_no}, ? help, b back{skip}, q quit]",
            self.strong(&crate::text::clean(&confirm.prompt))
        );
        loop {
            let reply = match self.press(&prompt).await? {
                '\r' => Reply::Value(confirm.default),
                'y' => Reply::Value(true),
                'n' => Reply::Value(false),
                'b' => Reply::Back,
                's' if confirm.can_skip => Reply::Skip,
                'q' => Reply::Quit,
                '?' => {
                    self.pressed("help");
                    for line in &confirm.help {
                        self.screen.warn(&format!("  {line}"));
                    }
                    for line in self.screen.next_lines(&confirm.next) {
                        self.screen.warn(&format!("  {line}"));
                    }
                    continue;
                }
                _ => {
                    self.pressed("?");
                    continue;
                }
            };
            self.pressed(match reply {
                Reply::Value(true) => "yes",
                Reply::Value(false) => "no",
                Reply::Back => "back",
                Reply::Skip => "skip",
                Reply::Quit => "quit",
            });
            return Ok(reply);
        }
    }

    async fn type_out(&self, text: &str) -> Result<String, UserError> {
        self.typed(text).await
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        self.lines(&text::review_lines(review, self.screen.talk_width));
        let prompt = format!(
            "{} [Enter continue, c change a value, ? commands, b back, q quit]",
            self.strong("How do you want to continue?")
        );
        loop {
            match self.press(&prompt).await? {
                '\r' | 'g' | 'y' => {
                    self.pressed("continue");
                    return Ok(ReviewReply::GoOn);
                }
                'c' => {
                    self.pressed("change a value");
                    if let Some(reply) = self.which(review).await? {
                        return Ok(reply);
                    }
                }
                'b' => {
                    self.pressed("back");
                    return Ok(ReviewReply::Back);
                }
                'q' | 'l' => {
                    self.pressed("quit");
                    return Ok(ReviewReply::Quit);
                }
                '?' => {
                    self.pressed("commands");
                    self.lines(&text::command_lines(review));
                    self.lines(&glossary::all_lines());
                }
                _ => self.pressed("?"),
            }
        }
    }
}
