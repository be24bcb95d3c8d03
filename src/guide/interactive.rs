//! The terminal: dialoguer for questions, indicatif for waits.
//!
//! dialoguer's text input ignores Esc, so texts take `?`, `:back`, `:skip` and `:quit`; lists take Esc and have
//! rows for the same. Prompts block, so they run beside the runtime.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use console::{Style, Term};
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Confirm as ConfirmPrompt, FuzzySelect, Input, Select};
use indicatif::{ProgressBar, ProgressStyle};

use super::screen::{Screen, clean};
use super::text;
use crate::answers::Key;
use crate::browser::Browser;
use crate::checklist::{
    Change, Confirm, Guide, HumanTask, Question, Reply, Review, ReviewReply, StepInfo, StepReport, Trouble, Waiting,
};
use crate::steps::STEPS;

/// Speaks with a person at a terminal.
#[derive(Debug)]
pub struct Interactive {
    screen: Screen,
    browser: Rc<Browser>,
    /// How to answer has been said.
    has_explained: Cell<bool>,
}

/// The row of a list that leads elsewhere.
const BACK: &str = "← back";
const SKIP: &str = "skip this step";
const QUIT: &str = "quit (progress is kept)";

impl Interactive {
    /// Speaks on this screen.
    pub fn new(screen: Screen, browser: Rc<Browser>) -> Self {
        Self {
            screen,
            browser,
            has_explained: Cell::new(false),
        }
    }

    fn theme(&self) -> Box<dyn Theme + Send> {
        if self.screen.colour {
            Box::new(ColorfulTheme::default())
        } else {
            Box::new(SimpleTheme)
        }
    }

    /// Runs a prompt beside the runtime. Ctrl-C in it ends the run.
    async fn prompt<T: Send + 'static>(
        &self,
        prompt: impl FnOnce(&dyn Theme) -> dialoguer::Result<T> + Send + 'static,
    ) -> Result<T, Trouble> {
        let theme = self.theme();
        match tokio::task::spawn_blocking(move || prompt(theme.as_ref())).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(dialoguer::Error::IO(error))) if error.kind() == std::io::ErrorKind::Interrupted => {
                Err(Trouble::interrupted())
            }
            Ok(Err(dialoguer::Error::IO(error))) => Err(Trouble::failed(
                format!("The terminal cannot be read: {error}."),
                "idc-setup run",
            )),
            Err(_) => Err(Trouble::interrupted()),
        }
    }

    /// A text that passes the answer's rules, or a way to go.
    async fn value(&self, key: Key, words: &str, default: Option<&str>) -> Result<Reply<String>, Trouble> {
        loop {
            let (words, default) = (clean(words), default.map(clean));
            let line: String = self
                .prompt(move |theme| {
                    let mut input =
                        Input::<String>::with_theme(theme)
                            .with_prompt(words)
                            .validate_with(move |line: &String| match line.trim() {
                                "?" | ":back" | ":skip" | ":quit" => Ok(()),
                                line => key.check(line).map(|_| ()),
                            });
                    if let Some(default) = default {
                        input = input.default(default);
                    }
                    input.interact_text()
                })
                .await?;
            match line.trim() {
                "?" => self.help(key),
                ":back" => return Ok(Reply::Back),
                ":skip" => return Ok(Reply::Skip),
                ":quit" => return Ok(Reply::Quit),
                line => {
                    if let Ok(value) = key.check(line) {
                        return Ok(Reply::Value(value));
                    }
                }
            }
        }
    }

    fn help(&self, key: Key) {
        self.screen.warn(&format!("  {}", key.help()));
        self.screen.warn(&format!(
            "  Flag {}, variable {}. Also: :back, :skip, :quit.",
            key.flag(),
            key.variable()
        ));
    }

    /// One of the choices; Esc goes back.
    async fn choose(&self, words: &str, choices: &[String]) -> Result<Reply<usize>, Trouble> {
        let mut rows: Vec<String> = choices.iter().map(|choice| clean(choice)).collect();
        let count = rows.len();
        rows.extend([BACK, SKIP, QUIT].map(str::to_owned));
        let words = clean(words);
        let chosen = self
            .prompt(move |theme| {
                let term = Term::stderr();
                if count > 12 {
                    let list = FuzzySelect::with_theme(theme)
                        .with_prompt(words)
                        .items(&rows)
                        .default(0)
                        .max_length(12);
                    list.interact_on_opt(&term)
                } else {
                    let list = Select::with_theme(theme).with_prompt(words).items(&rows).default(0);
                    list.interact_on_opt(&term)
                }
            })
            .await?;
        Ok(match chosen {
            Some(index) if index < count => Reply::Value(index),
            Some(index) if index == count + 1 => Reply::Skip,
            Some(index) if index == count + 2 => Reply::Quit,
            _ => Reply::Back,
        })
    }

    fn lines(&self, lines: &[String]) {
        for line in lines {
            self.screen.warn(line);
        }
    }
}

struct Spinner {
    bar: ProgressBar,
}

impl Waiting for Spinner {
    fn say(&self, words: &str) {
        self.bar.set_message(clean(words));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[async_trait(?Send)]
impl Guide for Interactive {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, Trouble> {
        if !self.has_explained.replace(true) {
            self.screen.talk("At a question: ? explains it, :back, :skip and :quit lead elsewhere. In a list: type to filter, Esc goes back.");
        }
        if question.choices.is_empty() {
            return self
                .value(question.key, &question.prompt, question.default.as_deref())
                .await;
        }
        self.screen.warn(&format!("  {}", question.key.help()));
        let reply = self.choose(&question.prompt, &question.choices).await?;
        Ok(match reply {
            Reply::Value(index) => Reply::Value(question.choices[index].clone()),
            Reply::Back => Reply::Back,
            Reply::Skip => Reply::Skip,
            Reply::Quit => Reply::Quit,
        })
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, Trouble> {
        self.lines(&confirm.lines);
        let (words, default) = (clean(&confirm.prompt), confirm.default);
        let answer = self
            .prompt(move |theme| {
                ConfirmPrompt::with_theme(theme)
                    .with_prompt(words)
                    .default(default)
                    .interact_on_opt(&Term::stderr())
            })
            .await?;
        Ok(answer.map_or(Reply::Back, Reply::Value))
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, Trouble> {
        self.lines(&text::review_lines(review));
        loop {
            let ways = ["Go on with these values", "Change a value", "Leave (progress is kept)"];
            let chosen = self
                .prompt(move |theme| {
                    let list = Select::with_theme(theme)
                        .with_prompt("How do you want to go on?")
                        .items(ways)
                        .default(0);
                    list.interact_on_opt(&Term::stderr())
                })
                .await?;
            match chosen {
                Some(0) => return Ok(ReviewReply::GoOn),
                Some(1) => {
                    let names: Vec<String> = review
                        .values
                        .iter()
                        .map(|(key, value, _)| format!("{}: {value}", key.title()))
                        .collect();
                    match self.choose("Which value?", &names).await? {
                        Reply::Value(index) => {
                            let (key, value, _) = &review.values[index];
                            match self.value(*key, key.title(), Some(value)).await? {
                                Reply::Value(value) => return Ok(ReviewReply::Change(*key, value)),
                                Reply::Quit => return Ok(ReviewReply::Quit),
                                Reply::Back | Reply::Skip => {}
                            }
                        }
                        Reply::Quit => return Ok(ReviewReply::Quit),
                        Reply::Back | Reply::Skip => {}
                    }
                }
                _ => return Ok(ReviewReply::Quit),
            }
        }
    }

    fn show_task(&self, _info: &StepInfo, task: &HumanTask) {
        self.screen.warn("");
        self.lines(&text::task_lines(task));
        if let Some(line) = text::opened_line(task, &self.browser) {
            self.screen.talk(&line);
        }
    }

    fn change(&self, _info: &StepInfo, change: &Change) {
        if self.screen.verbose >= 1 {
            self.screen.talk(&format!("  $ {}", change.command));
        }
    }

    fn begin(&self, info: &StepInfo) {
        self.screen.talk("");
        let heading = text::heading(info, STEPS);
        if !self.screen.quiet {
            self.screen.raw(&self.screen.paint(&heading, &Style::new().bold()));
        }
        self.screen.talk(&format!("  {}", info.why));
    }

    fn end(&self, report: &StepReport) {
        if self.screen.quiet {
            return;
        }
        for line in text::end_lines(report, STEPS, self.screen) {
            self.screen.raw(&line);
        }
    }

    fn say(&self, _info: Option<&StepInfo>, line: &str) {
        self.screen.talk(&format!("  {line}"));
    }

    fn wait(&self, _info: &StepInfo, what: &str) -> Box<dyn Waiting> {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(clean(what));
        bar.enable_steady_tick(Duration::from_millis(120));
        Box::new(Spinner { bar })
    }
}
