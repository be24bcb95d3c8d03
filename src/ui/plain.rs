//! The prompter for `--accessible`: line by line, with numbered choices, without redraws or colors. Also reads from a pipe.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _};
use std::rc::Rc;

use async_trait::async_trait;

use super::glossary;
use super::screen::Screen;
use super::terminal::discard_type_ahead;
use super::text;
use crate::answers::Key;
use crate::browser::Browser;
use crate::limits::{LONGEST_INPUT, MOST_TRIES};
use crate::next_step::SetupCommand;
use crate::reconcile::{Change, StepInfo};
use crate::user_error::UserError;
use crate::wizard::steps::STEPS;
use crate::wizard::{
    Confirm, Events, HumanTask, Observed, Prompter, Question, Reply, Review, ReviewReply, StepPlan, StepReport, Survey,
    Waiting,
};

/// The maximum number of choices to print, because a screen reader reads them all.
const LONGEST_LIST: usize = 60;

/// Prints questions and reads answers line by line.
#[derive(Debug)]
pub struct Plain {
    screen: Screen,
    browser: Rc<Browser>,
}

impl Plain {
    /// Returns a prompter on this screen, without colors.
    pub fn new(screen: &Screen, browser: Rc<Browser>) -> Self {
        Self {
            browser,
            screen: Screen {
                color: false,
                ..screen.clone()
            },
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
            let by_number = line
                .parse::<usize>()
                .ok()
                .and_then(|n| n.checked_sub(1))
                .filter(|n| *n < choices.len());
            let chosen = by_number.or_else(|| choices.iter().position(|choice| *choice == line));
            if chosen.is_some() {
                return Ok(chosen);
            }
            self.refuse(&mut tries, &format!("{line:?} is not one of the choices."))?;
        }
    }

    async fn value(&self, key: Key, prompt: &str, default: Option<&str>) -> Result<Reply<String>, UserError> {
        let choices = key.choices();
        let one_of = if choices.is_empty() {
            String::new()
        } else {
            format!(", one of {}", choices.join(", "))
        };
        let hint = default.map_or(one_of.clone(), |default| format!("{one_of} [{default}]"));
        let mut tries = 0;
        loop {
            let Some(line) = self.read(&format!("{prompt}{hint} (?, :back, :skip, :quit):")).await? else {
                return Ok(Reply::Quit);
            };
            let line = if line.is_empty() {
                default.unwrap_or_default().to_owned()
            } else {
                line
            };
            match line.as_str() {
                "?" => {
                    self.screen.warn(&format!("{} Flag: {}.", key.help(), key.flag()));
                    for line in glossary::lines_of(key) {
                        self.screen.warn(&line);
                    }
                }
                ":back" => return Ok(Reply::Back),
                ":skip" => return Ok(Reply::Skip),
                ":quit" => return Ok(Reply::Quit),
                _ => match key.check(&line) {
                    Ok(value) => return Ok(Reply::Value(value)),
                    Err(why) => self.refuse(&mut tries, &format!("Invalid value: {why}."))?,
                },
            }
        }
    }
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

/// Prints the results of the first check in the order of the checklist, each as soon as all earlier ones are known.
struct InOrder {
    screen: Screen,
    slugs: Vec<&'static str>,
    lines: std::cell::RefCell<BTreeMap<&'static str, String>>,
}

impl Survey for InOrder {
    fn checked(&self, info: &StepInfo, observed: &Observed) {
        let mut lines = self.lines.borrow_mut();
        let printed = self.slugs.iter().take_while(|slug| lines.contains_key(*slug)).count();
        lines.insert(info.slug, text::survey_line(info, Some(observed)));
        for slug in self.slugs.iter().skip(printed) {
            let Some(line) = lines.get(slug) else { return };
            self.screen.talk(line);
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
    fn show_task(&self, _info: &'static StepInfo, task: &HumanTask) {
        for line in text::task_lines(task, &self.screen) {
            self.screen.warn(&line);
        }
        if let Some(line) = text::opened_line(task, &self.browser) {
            self.screen.talk(&line);
        }
    }

    fn change(&self, _info: &'static StepInfo, change: &Change) {
        if self.screen.verbose >= 1 {
            self.screen.talk(&format!("$ {}", change.command));
        }
    }

    fn open(&self) {
        for line in text::opening_lines(&self.screen) {
            self.screen.talk(&line);
        }
    }

    fn survey(&self, infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        self.screen.talk("Checking the account:");
        Some(Box::new(InOrder {
            screen: self.screen.clone(),
            slugs: infos.iter().map(|info| info.slug).collect(),
            lines: std::cell::RefCell::default(),
        }))
    }

    fn begin(&self, info: &'static StepInfo, observed: &Observed, plan: &StepPlan) {
        self.screen.talk("");
        self.screen.talk(&text::heading(info, STEPS));
        for line in text::begin_lines(info, observed, plan) {
            self.screen.talk(&line);
        }
    }

    fn end(&self, report: &StepReport) {
        for line in text::end_lines(report, STEPS, &self.screen) {
            self.screen.talk(&line);
        }
    }

    fn say(&self, _info: Option<&'static StepInfo>, line: &str) {
        self.screen.talk(line);
    }

    fn wait(&self, _info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        self.screen.talk(&format!("Waiting: {what}"));
        Box::new(Lines::new(&self.screen))
    }
}

#[async_trait(?Send)]
impl Prompter for Plain {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        let (shown, more) = question.choices.split_at(question.choices.len().min(LONGEST_LIST));
        for choice in shown {
            self.screen.warn(&format!("  {}", choice.label));
        }
        if !more.is_empty() {
            self.screen
                .warn(&format!("  and {} more; you can type any of them.", more.len()));
        }
        self.value(question.key, &question.prompt, question.default.as_deref())
            .await
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        for line in &confirm.lines {
            self.screen.warn(line);
        }
        let hint = if confirm.default { "[yes]" } else { "[no]" };
        let skip = if confirm.can_skip { ":skip, " } else { "" };
        let mut tries = 0;
        loop {
            let line = self
                .read(&format!(
                    "{} yes or no? {hint} (?, :back, {skip}:quit):",
                    confirm.prompt
                ))
                .await?;
            match line.as_deref().map(str::to_ascii_lowercase).as_deref() {
                None | Some(":quit") => return Ok(Reply::Quit),
                Some(":back") => return Ok(Reply::Back),
                Some(":skip") if confirm.can_skip => return Ok(Reply::Skip),
                Some("?") => {
                    for line in &confirm.help {
                        self.screen.warn(line);
                    }
                    for line in self.screen.next_lines(&confirm.next) {
                        self.screen.warn(&line);
                    }
                }
                Some("") => return Ok(Reply::Value(confirm.default)),
                Some("y" | "yes") => return Ok(Reply::Value(true)),
                Some("n" | "no") => return Ok(Reply::Value(false)),
                Some(other) => self.refuse(&mut tries, &format!("{other:?} is neither yes nor no."))?,
            }
        }
    }

    async fn type_out(&self, text: &str) -> Result<String, UserError> {
        Ok(self.read(&format!("{text}:")).await?.unwrap_or_default())
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        for line in text::review_lines(review, self.screen.talk_width) {
            self.screen.warn(&line);
        }
        let options = [
            "Continue with these values",
            "Change a value",
            "Quit",
            "Show the commands",
            "Back to the last question",
        ];
        let options = options.map(str::to_owned);
        loop {
            match self.choose("How do you want to continue?", &options).await? {
                Some(0) => return Ok(ReviewReply::GoOn),
                Some(1) => {
                    let mut names = vec!["(back)".to_owned()];
                    names.extend(review.values.iter().map(|(key, ..)| key.title().to_owned()));
                    let Some(index) = self.choose("Which value?", &names).await? else {
                        return Ok(ReviewReply::Quit);
                    };
                    if let Some((key, ..)) = index.checked_sub(1).and_then(|index| review.values.get(index)) {
                        return Ok(ReviewReply::Change(*key));
                    }
                }
                Some(3) => {
                    for line in text::command_lines(review).into_iter().chain(glossary::all_lines()) {
                        self.screen.warn(&line);
                    }
                }
                Some(4) => return Ok(ReviewReply::Back),
                _ => return Ok(ReviewReply::Quit),
            }
        }
    }
}
