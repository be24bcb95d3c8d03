//! The terminal: dialoguer for texts and lists, one key where one key is enough, indicatif for what moves.

mod prompts;
mod waits;

pub use waits::looking;

use std::cell::Cell;
use std::rc::Rc;

use async_trait::async_trait;
use console::Style;

use super::glossary;
use super::screen::Screen;
use super::terminal::Hushed;
use super::text;
use crate::answers::Key;
use crate::browser::Browser;
use crate::checklist::{
    Change, Confirm, HumanTask, Observed, Plan, Prompter, Question, Reply, Review, ReviewReply, StepInfo, StepReport,
    Survey, UserError, Waiting,
};
use crate::steps::STEPS;

/// Speaks with a person at a terminal.
#[derive(Debug)]
pub struct Interactive {
    screen: Screen,
    browser: Rc<Browser>,
    /// How to answer has been said.
    has_explained: Cell<bool>,
    /// Keys pressed between questions do not show.
    _hushed: Hushed,
}

impl Interactive {
    /// Speaks on this screen.
    pub fn new(screen: &Screen, browser: Rc<Browser>) -> Self {
        Self {
            screen: screen.clone(),
            browser,
            has_explained: Cell::new(false),
            _hushed: Hushed::new(),
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

    fn strong(&self, words: &str) -> String {
        self.screen.paint(words, &Style::new().bold())
    }

    /// Which value is to be changed.
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

#[async_trait(?Send)]
impl Prompter for Interactive {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        if !self.has_explained.replace(true) {
            self.screen.talk("At a question: ? explains it; :back, :skip and :quit lead elsewhere. In a list: type to filter, Esc goes back.");
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
        let words = format!(
            "{} [{yes_or_no}, ? help, b back{skip}, q quit]",
            self.strong(&super::clean(&confirm.prompt))
        );
        loop {
            let reply = match self.press(&words).await? {
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

    async fn type_out(&self, words: &str) -> Result<String, UserError> {
        self.typed(words).await
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        self.lines(&text::review_lines(review, self.screen.talk_width));
        let words = format!(
            "{} [Enter: with these values, c change some, ? commands, b back, q leave]",
            self.strong("How do you want to go on?")
        );
        loop {
            match self.press(&words).await? {
                '\r' | 'g' | 'y' => {
                    self.pressed("go on");
                    return Ok(ReviewReply::GoOn);
                }
                'c' => {
                    self.pressed("change some");
                    if let Some(reply) = self.which(review).await? {
                        return Ok(reply);
                    }
                }
                'b' => {
                    self.pressed("back");
                    return Ok(ReviewReply::Back);
                }
                'q' | 'l' => {
                    self.pressed("leave");
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
        for line in text::opening_lines() {
            self.screen.talk(line);
        }
    }

    fn survey(&self, infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        (!self.screen.quiet).then(|| waits::filling(&self.screen, infos))
    }

    fn begin(&self, info: &'static StepInfo, observed: &Observed, plan: &Plan) {
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
        waits::spinner(&self.screen, info, what)
    }
}
