//! The prompter for `--accessible`: line by line, with numbered choices, without redraws or colors. Also reads from a pipe.

use std::cell::Cell;
use std::io::{BufRead, Read as _};
use std::rc::Rc;

use async_trait::async_trait;

use super::glossary;
use super::screen::Screen;
use super::terminal::discard_type_ahead;
use super::{review, text};
use crate::browser::Browser;
use crate::limits::{ACCESSIBLE_QUIET, LONGEST_INPUT, MOST_TRIES};
use crate::next_step::SetupCommand;
use crate::reconcile::{Change, StepInfo};
use crate::text::clean;
use crate::user_error::UserError;
use crate::wizard::steps::STEPS;
use crate::wizard::{
    Choice, Confirm, Events, HumanTask, ListKind, Opening, Prompter, Question, Reply, Review, ReviewReply, State,
    StepReport, Survey, TaskKind, TaskPrompt, TaskReply, Waiting,
};

/// The maximum number of choices to print, because a screen reader reads them all. Longer lists are searched.
const SHORT_LIST: usize = 12;

/// Prints questions and reads answers line by line.
#[derive(Debug)]
pub struct Plain {
    screen: Screen,
    browser: Rc<Browser>,
    /// How many lines were printed so far about what goes on.
    news: Rc<Cell<u32>>,
}

impl Plain {
    /// Returns a prompter on this screen, without colors.
    pub fn new(screen: &Screen, browser: Rc<Browser>) -> Self {
        Self {
            browser,
            news: Rc::default(),
            screen: Screen {
                color: false,
                ..screen.clone()
            },
        }
    }

    /// Prints a line about what goes on.
    fn report(&self, line: &str) {
        self.news.set(self.news.get() + 1);
        self.screen.talk(line);
    }

    /// Like [`read`](Self::read), while other steps go on: asks again after what they print, once they are quiet.
    async fn read_meanwhile(&self, prompt: &str) -> Result<Option<String>, UserError> {
        let mut read = std::pin::pin!(self.read(prompt));
        let (mut asked, mut seen) = (self.news.get(), self.news.get());
        loop {
            if let Ok(line) = tokio::time::timeout(ACCESSIBLE_QUIET, read.as_mut()).await {
                return line;
            }
            let now = self.news.get();
            if now != asked && now == seen {
                self.screen.warn(prompt);
                asked = now;
            }
            seen = now;
        }
    }

    /// Reads a line of input; `None` at its end.
    async fn read(&self, prompt: &str) -> Result<Option<String>, UserError> {
        let _held = self.screen.log.hold();
        discard_type_ahead();
        self.screen.warn(prompt);
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            let count = std::io::stdin().lock().take(LONGEST_INPUT).read_line(&mut line)?;
            if line.len() as u64 == LONGEST_INPUT {
                return Err(std::io::Error::other(format!(
                    "a line is longer than {LONGEST_INPUT} bytes"
                )));
            }
            Ok((count > 0).then(|| line.trim().to_owned()))
        });
        match read.await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(UserError::failed(
                format!("The answer cannot be read: {error}."),
                SetupCommand::again(),
            )),
            Err(_) => Err(UserError::interrupted()),
        }
    }

    /// Says why a line of input is not valid. After too many of them, a program and not a person is typing.
    fn refuse(&self, tries: &mut u32, why: &str) -> Result<(), UserError> {
        *tries += 1;
        if *tries >= MOST_TRIES {
            let why = format!("There were {MOST_TRIES} invalid answers in succession. The last one: {why}");
            return Err(UserError::usage(why, SetupCommand::again()));
        }
        self.screen.warn(why);
        Ok(())
    }

    /// Asks for a choice and returns its index; `None` at the end of input.
    async fn choose(&self, prompt: &str, choices: &[String]) -> Result<Option<usize>, UserError> {
        for (index, choice) in choices.iter().enumerate() {
            self.screen.warn(&format!("  {}) {choice}", index + 1));
        }
        let mut tries = 0;
        loop {
            let Some(line) = self
                .read(&format!("{prompt} Type a number from 1 to {} [1]:", choices.len()))
                .await?
            else {
                return Ok(None);
            };
            if line.is_empty() {
                return Ok(Some(0));
            }
            let named = || choices.iter().position(|choice| *choice == line);
            let chosen = number(&line, choices.len()).or_else(named);
            if chosen.is_some() {
                return Ok(chosen);
            }
            self.refuse(&mut tries, &format!("{line:?} is not one of the choices."))?;
        }
    }

    /// Asks for one of many choices, by value, by a part of its name, or by its number in the last list.
    async fn searched(&self, question: &Question) -> Result<Reply<String>, UserError> {
        let all: Vec<&Choice> = question.choices.iter().collect();
        self.screen.warn(&format!(
            "There are {} choices. Type one, a part of its name to search, or :l to list them all.",
            all.len()
        ));
        let default = question.default.as_deref().unwrap_or_default();
        let mut listed: Vec<&Choice> = Vec::new();
        let mut tries = 0;
        loop {
            let prompt = format!(
                "{} [{default}] (? help, {}:q quit):",
                question.prompt,
                back_key(question)
            );
            let Some(line) = self.read(&prompt).await? else {
                return Ok(Reply::Quit);
            };
            let line = if line.is_empty() { default } else { &line };
            match line {
                "?" => self.help(question),
                ":l" | ":list" => {
                    listed.clone_from(&all);
                    self.numbered(&listed);
                }
                ":b" | ":back" if question.can_go_back => return Ok(Reply::Back),
                ":b" | ":back" => self.refuse(&mut tries, text::NOTHING_BEFORE)?,
                ":s" | ":skip" => return Ok(Reply::Skip),
                ":q" | ":quit" => return Ok(Reply::Quit),
                line => {
                    if let Some(choice) = by_number(line, &listed) {
                        return Ok(self.found(question, choice));
                    }
                    if all.iter().any(|choice| choice.value == line) {
                        return Ok(Reply::Value(line.to_owned()));
                    }
                    // Any text can be valid for the answer, and none of the choices.
                    if let Ok(value) = question.key.check(line)
                        && question.list == ListKind::ByLength
                    {
                        return Ok(Reply::Value(value));
                    }
                    let found: Vec<&Choice> = all.iter().filter(|choice| choice.matches(line)).copied().collect();
                    match &found[..] {
                        [] => self.refuse(&mut tries, &format!("Nothing matches {line:?}."))?,
                        [one] => return Ok(self.found(question, one)),
                        several => {
                            self.numbered(several);
                            let count = several.len();
                            self.refuse(&mut tries, &format!("{count} choices match {line:?}. Type a number."))?;
                            listed = found;
                        }
                    }
                }
            }
        }
    }

    fn numbered(&self, choices: &[&Choice]) {
        for (index, choice) in choices.iter().enumerate() {
            self.screen.warn(&format!("  {}) {}", index + 1, choice.label));
        }
    }

    /// Says which choice was found.
    fn found(&self, question: &Question, choice: &Choice) -> Reply<String> {
        let words: Vec<&str> = choice.label.split_whitespace().collect();
        self.screen.warn(&format!(
            "{}: {}. Type :b to change it.",
            question.answered_title(),
            words.join(" ")
        ));
        Reply::Value(choice.value.clone())
    }

    /// Prints what an answer is for and its flag, unless the question has its own help.
    fn help(&self, question: &Question) {
        let key = question.key;
        for line in &question.help {
            self.screen.warn(line);
        }
        if question.help.is_empty() {
            self.screen.warn(&format!("{} Flag: {}.", key.help(), key.flag()));
            for line in glossary::lines_of(key) {
                self.screen.warn(&line);
            }
        }
    }

    async fn value(&self, question: &Question) -> Result<Reply<String>, UserError> {
        let (key, prompt, default) = (question.key, &question.prompt, question.default.as_deref());
        let skip = if question.can_skip { ":s skip, " } else { "" };
        let back = back_key(question);
        let choices = key.choices();
        let one_of = if choices.is_empty() {
            String::new()
        } else {
            format!(", one of {}", choices.join(", "))
        };
        let hint = default.map_or(one_of.clone(), |default| format!("{one_of} [{default}]"));
        let listed: Vec<&Choice> = question.choices.iter().collect();
        let mut tries = 0;
        loop {
            let Some(line) = self
                .read(&format!("{prompt}{hint} (? help, {back}{skip}:q quit):"))
                .await?
            else {
                return Ok(Reply::Quit);
            };
            let line = if line.is_empty() {
                default.unwrap_or_default().to_owned()
            } else {
                line
            };
            match line.as_str() {
                "?" => self.help(question),
                ":b" | ":back" if question.can_go_back => return Ok(Reply::Back),
                ":b" | ":back" => self.refuse(&mut tries, text::NOTHING_BEFORE)?,
                ":s" | ":skip" => return Ok(Reply::Skip),
                ":q" | ":quit" => return Ok(Reply::Quit),
                _ => {
                    if let Some(choice) = by_number(&line, &listed) {
                        return Ok(Reply::Value(choice.value.clone()));
                    }
                    match key.check(&line) {
                        Ok(value) => return Ok(Reply::Value(value)),
                        Err(why) => self.refuse(&mut tries, &format!("Invalid value: {why}."))?,
                    }
                }
            }
        }
    }
}

/// How the keys of a question name going back.
fn back_key(question: &Question) -> &'static str {
    if question.can_go_back { ":b back, " } else { "" }
}

/// The index that a number from 1 to `count` stands for.
fn number(line: &str, count: usize) -> Option<usize> {
    line.parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1))
        .filter(|index| *index < count)
}

fn by_number<'a>(line: &str, listed: &[&'a Choice]) -> Option<&'a Choice> {
    number(line, listed.len()).map(|index| listed[index])
}

struct Lines {
    screen: Screen,
    last: std::cell::RefCell<String>,
}

impl Lines {
    fn new(screen: &Screen) -> Self {
        Self {
            screen: screen.clone(),
            last: std::cell::RefCell::default(),
        }
    }
}

/// A task of the user, who types a line when it is done.
struct TypedTask {
    plain: Plain,
    /// An API shows when it is done, so no line is needed.
    is_seen: bool,
    needs_confirmation: bool,
}

#[async_trait(?Send)]
impl TaskPrompt for TypedTask {
    fn say(&self, status: &str) {
        self.plain.screen.warn(&clean(status));
    }

    async fn reply(&self) -> Result<TaskReply, UserError> {
        if self.is_seen {
            return std::future::pending().await;
        }
        let mut tries = 0;
        loop {
            let prompt = if self.needs_confirmation {
                "Type y if you have done it, s to do it later, or q to quit:"
            } else {
                "Press Enter when it is done, or type s to do it later or q to quit:"
            };
            let line = self.plain.read_meanwhile(prompt).await?;
            match line.as_deref().map(str::to_ascii_lowercase).as_deref() {
                None | Some("q" | ":q" | ":quit") => return Ok(TaskReply::Quit),
                Some("y" | "yes" | "done") => return Ok(TaskReply::Done),
                Some("" | "r") if !self.needs_confirmation => return Ok(TaskReply::Done),
                Some("s" | ":s" | ":skip" | "n" | "no") => return Ok(TaskReply::Later),
                Some(other) => self
                    .plain
                    .refuse(&mut tries, &format!("{other:?} is not one of them."))?,
            }
        }
    }
}

impl Waiting for Lines {
    /// Prints a state only when it changes.
    fn say(&self, status: &str) {
        if self.last.replace(status.to_owned()) != status {
            self.screen.talk(status);
        }
    }
}

impl Events for Plain {
    fn change(&self, _info: &'static StepInfo, change: &Change) {
        if self.screen.verbose >= 1 {
            self.report(&format!("$ {}", change.command));
        }
    }

    fn open(&self, opening: &Opening) {
        for line in text::opening_lines(opening, &self.screen) {
            self.report(&line);
        }
    }

    fn survey(&self, _infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        self.report("Checking the account.");
        None
    }

    fn end(&self, report: &StepReport) {
        if report.info.is_recommendation() && report.state == State::WaitingForPerson {
            return;
        }
        for line in text::end_lines(report, STEPS, &self.screen) {
            self.report(&line);
        }
    }

    fn say(&self, info: Option<&'static StepInfo>, line: &str) {
        self.report(&text::marked(info, STEPS, line));
    }

    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        self.say(Some(info), &format!("Waiting: {what}"));
        Box::new(Lines::new(&self.screen))
    }
}

#[async_trait(?Send)]
impl Prompter for Plain {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        let choices = &question.choices;
        if choices.len() > SHORT_LIST {
            return self.searched(question).await;
        }
        self.numbered(&choices.iter().collect::<Vec<_>>());
        self.value(question).await
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        for line in &confirm.lines {
            self.screen.warn(line);
        }
        let hint = if confirm.default { "[y]" } else { "[n]" };
        let skip = if confirm.can_skip { "s to skip, " } else { "" };
        let details = if confirm.details.is_empty() {
            ""
        } else {
            "d for all lines, "
        };
        let back = if confirm.can_go_back { "b to go back, " } else { "" };
        let mut tries = 0;
        loop {
            let line = self
                .read(&format!(
                    "{} Type y or n {hint}, {skip}{details}{back}? for help, or q to quit:",
                    confirm.prompt
                ))
                .await?;
            match line.as_deref().map(str::to_ascii_lowercase).as_deref() {
                None | Some("q" | ":q" | ":quit") => return Ok(Reply::Quit),
                Some("b" | ":b" | ":back") if confirm.can_go_back => return Ok(Reply::Back),
                Some("b" | ":b" | ":back") => self.refuse(&mut tries, text::NOTHING_BEFORE)?,
                Some("s" | ":s" | ":skip") if confirm.can_skip => return Ok(Reply::Skip),
                Some("d") if !confirm.details.is_empty() => {
                    for line in &confirm.details {
                        self.screen.warn(line);
                    }
                }
                Some("?") => {
                    for line in &confirm.help {
                        self.screen.warn(line);
                    }
                    self.screen.print_next(&confirm.next);
                }
                Some("") => return Ok(Reply::Value(confirm.default)),
                Some("y" | "yes") => return Ok(Reply::Value(true)),
                Some("n" | "no") => return Ok(Reply::Value(false)),
                Some(other) => self.refuse(&mut tries, &format!("{other:?} is neither y nor n."))?,
            }
        }
    }

    fn task(&self, info: &'static StepInfo, task: &HumanTask, meanwhile: &[&'static StepInfo]) -> Box<dyn TaskPrompt> {
        self.say(Some(info), "You have something to do:");
        for line in text::task_lines(task, &self.screen) {
            self.screen.warn(&line);
        }
        let opened = text::opened_line(task, &self.browser);
        for line in text::lines_below_task(opened, task, meanwhile, &self.screen) {
            self.screen.talk(&line);
        }
        let is_seen = matches!(task.kind, TaskKind::Seen | TaskKind::Own);
        if is_seen {
            self.screen.talk("Waiting until it is done. Ctrl-C stops.");
        }
        Box::new(TypedTask {
            plain: Self {
                screen: self.screen.clone(),
                browser: Rc::clone(&self.browser),
                news: Rc::clone(&self.news),
            },
            is_seen,
            needs_confirmation: task.needs_confirmation(),
        })
    }

    async fn type_out(&self, text: &str) -> Result<String, UserError> {
        Ok(self.read(&format!("{text}:")).await?.unwrap_or_default())
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        for line in review::lines(review, &self.screen) {
            self.screen.warn(&line);
        }
        let prompt = "Type y to start, e to edit a value, d for details, a for the AWS CLI commands, b to go back, or q to quit:";
        let mut tries = 0;
        loop {
            let line = self.read(prompt).await?;
            match line.as_deref().map(str::to_ascii_lowercase).as_deref() {
                None | Some("q" | ":q" | ":quit") => return Ok(ReviewReply::Quit),
                Some("y" | "yes") => return Ok(ReviewReply::GoOn),
                Some("b" | ":b" | ":back") => return Ok(ReviewReply::Back),
                Some("e") => {
                    let mut names = vec!["(back)".to_owned()];
                    let values = &review.values;
                    names.extend(
                        values
                            .iter()
                            .map(|value| format!("{}: {}", value.key.title(), value.value)),
                    );
                    let Some(index) = self.choose("Which value?", &names).await? else {
                        return Ok(ReviewReply::Quit);
                    };
                    if let Some(value) = index.checked_sub(1).and_then(|index| values.get(index)) {
                        return Ok(ReviewReply::Change(value.key));
                    }
                }
                Some("d") => review::detail_lines(review)
                    .iter()
                    .for_each(|line| self.screen.warn(line)),
                Some("a") => review::command_lines(review)
                    .iter()
                    .for_each(|line| self.screen.unwrapped(line)),
                Some("?") => glossary::all_lines().iter().for_each(|line| self.screen.warn(line)),
                Some(other) => self.refuse(&mut tries, &format!("Type one of these letters, not {other:?}."))?,
            }
        }
    }
}
