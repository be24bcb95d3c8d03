//! The prompter for a terminal: fields, lists, single keys, and a part of the screen
//! that is redrawn in place while the work goes on.

mod board;
mod field;
mod keys;
mod list;
mod prompts;
mod search_list;
mod tasks;
mod waits;

pub use waits::spinner;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_trait::async_trait;
use console::{Style, Term};
use tokio::time::Instant;

use self::board::Board;
use self::keys::{Keys, Press};
use self::list::List;
use super::non_interactive::Silent;
use super::rail::{self, Mark, Row};
use super::screen::Screen;
use super::terminal::{RawInput, discard_type_ahead};
use super::{review, text};
use crate::answers::Key;
use crate::browser::Browser;
use crate::limits::ENTER_HABIT;
use crate::reconcile::{Change, StepInfo};
use crate::user_error::UserError;
use crate::wizard::steps::STEPS;
use crate::wizard::{
    Choice, Confirm, Events, HumanTask, ListKind, Opening, Prompter, Question, Reply, Review, ReviewReply,
    ReviewedValue, StepReport, Survey, TaskPrompt, Waiting,
};

/// Asks questions and shows progress in a terminal.
#[derive(Debug)]
pub struct Interactive {
    screen: Screen,
    browser: Rc<Browser>,
    /// The list of steps during the work.
    board: RefCell<Option<Rc<Board>>>,
    /// A question was asked, and the cursor is in it.
    is_asking: Cell<bool>,
    has_asked: Cell<bool>,
    /// The rows of each answered question above the next one, which going back takes away.
    ticks: RefCell<Vec<usize>>,
    /// A value of the review is being changed, which the next review shows.
    is_editing: Cell<bool>,
    /// When a key was pressed that answers by itself.
    last_key: Rc<Cell<Option<Instant>>>,
    /// Delivers keys at once, and hides those that are pressed between questions.
    _raw: RawInput,
}

impl Interactive {
    /// Returns a prompter on this screen.
    pub fn new(screen: &Screen, browser: Rc<Browser>) -> Self {
        Self {
            screen: screen.clone(),
            browser,
            board: RefCell::default(),
            is_asking: Cell::new(false),
            has_asked: Cell::new(false),
            ticks: RefCell::default(),
            is_editing: Cell::new(false),
            last_key: Rc::default(),
            _raw: RawInput::new(),
        }
    }

    fn lines(&self, lines: &[String]) {
        for line in lines {
            self.screen.warn(line);
        }
    }

    /// Whether displays are redrawn in place. Log lines would tear them.
    fn redraws(&self) -> bool {
        self.screen.verbose == 0 && !self.screen.quiet
    }

    fn board(&self) -> Option<Rc<Board>> {
        self.board.borrow().clone()
    }

    /// Changes the row of a step, if the list is on the screen.
    fn set(&self, info: &StepInfo, mark: Mark, detail: &str) {
        if let Some(board) = self.board() {
            board.set(info.number, mark, detail);
        }
    }

    /// Asks with the list of steps off the screen.
    async fn apart<T>(&self, asking: impl Future<Output = T>) -> T {
        let board = self.board();
        if let Some(board) = &board {
            board.hide();
        }
        let reply = asking.await;
        if let Some(board) = &board {
            board.unhide();
        }
        reply
    }

    /// Gets ready for a question: what was typed before does not answer it, and neither does the Enter of people who press
    /// it after each key.
    async fn settle(&self) {
        if let Some(pressed) = self.last_key.take() {
            tokio::time::sleep_until(pressed + ENTER_HABIT).await;
        }
        discard_type_ahead();
    }

    fn note_key(&self) {
        self.last_key.set(Some(Instant::now()));
    }

    /// Reads keys after a prompt until one of these letters, or Enter with the letter before it that needs it. Returns the
    /// letter, and Enter alone as `\r`.
    async fn letter(&self, prompt: &str, with_enter: &[char], at_once: &[char]) -> Result<char, UserError> {
        self.letter_or_enter(prompt, with_enter, at_once, None).await
    }

    /// Like [`letter`](Self::letter). If Enter alone stands for a letter, the line then shows that letter, so that each answer
    /// stays on the screen.
    async fn letter_or_enter(
        &self,
        prompt: &str,
        with_enter: &[char],
        at_once: &[char],
        enter: Option<char>,
    ) -> Result<char, UserError> {
        let _held = self.screen.log.hold();
        self.settle().await;
        let term = Term::stderr();
        let write = |text: &str| {
            // The terminal is gone; reading fails next.
            let _ = term.write_str(text);
        };
        self.is_asking.set(true);
        let columns = usize::from(term.size().1).max(20);
        let lines: Vec<String> = between_keys(prompt, columns)
            .iter()
            .map(|line| format!("  {}", self.screen.keys(line)))
            .collect();
        write(&format!("{} ", lines.join("\n")));
        let keys = Keys::start();
        let mut pending = None;
        let chosen = loop {
            let Ok(press) = keys.next().await else {
                write("\n");
                return Err(UserError::interrupted());
            };
            match press.lowered() {
                Press::Enter => {
                    if let Some(letter) = enter.filter(|_| pending.is_none()) {
                        write(&letter.to_string());
                    }
                    break pending.unwrap_or('\r');
                }
                // The rest of a typed-out "yes".
                Press::Char('e' | 's') if pending == Some('y') => {}
                Press::Char(letter) if with_enter.contains(&letter) => {
                    let erase = if pending.is_some() { "\u{8}" } else { "" };
                    write(&format!("{erase}{letter}"));
                    pending = Some(letter);
                }
                Press::Backspace if pending.take().is_some() => write("\u{8} \u{8}"),
                Press::Escape if at_once.contains(&'b') => {
                    self.note_key();
                    break 'b';
                }
                Press::Char(letter) if at_once.contains(&letter) => {
                    self.note_key();
                    break letter;
                }
                _ => {}
            }
        };
        write("\n");
        self.is_asking.set(false);
        Ok(chosen)
    }

    /// Shows lines page by page on a screen of their own, after which the terminal shows what was there before.
    async fn read(&self, lines: &[String]) -> Result<(), UserError> {
        let term = Term::stderr();
        let rows = usize::from(term.size().0).saturating_sub(2).max(4);
        let wrapped: Vec<String> = lines
            .iter()
            .flat_map(|line| self.screen.wrapped(&crate::text::clean(line)))
            .collect();
        let switch = |on: bool| {
            let _ = term.write_str(if on { "\x1b[?1049h\x1b[H" } else { "\x1b[?1049l" });
        };
        switch(true);
        let mut pages = wrapped.chunks(rows).peekable();
        let (mut number, count) = (0, pages.len());
        let mut result = Ok(());
        while let Some(page) = pages.next() {
            let _ = term.write_str("\x1b[H\x1b[J");
            for line in page {
                let _ = term.write_line(line);
            }
            number += 1;
            let keys = if pages.peek().is_some() {
                format!("Enter next page   b back   page {number} of {count} ›")
            } else {
                "Enter back ›".to_owned()
            };
            match self.letter(&keys, &[], &['b', 'q']).await {
                Ok('\r') => {}
                Ok(_) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        switch(false);
        result
    }

    /// Takes the last answer off the screen, because its question is asked again.
    fn untick(&self) {
        if let Some(rows) = self.ticks.borrow_mut().pop() {
            erase(rows);
        }
    }

    /// Asks which value to change.
    async fn which(&self, review: &Review) -> Result<Option<ReviewReply>, UserError> {
        // The Region of an instance that exists cannot be changed.
        let is_enabled = review.done.iter().any(|(info, _)| info.number == 1);
        let is_fixed = |value: &&ReviewedValue| value.key == Key::IdentityCenterRegion && is_enabled;
        let values: Vec<&ReviewedValue> = review.values.iter().filter(|value| !is_fixed(value)).collect();
        let choices: Vec<Choice> = values
            .iter()
            .map(|value| Choice::of(format!("{:22} {}", value.key.title(), value.value)))
            .collect();
        let list = List {
            text: "Which value?",
            choices: &choices,
            kept: 0,
            kind: ListKind::ByLength,
            help: &[],
            can_go_back: true,
        };
        Ok(match self.choose(&list).await? {
            Reply::Value(index) => {
                self.is_editing.set(true);
                Some(ReviewReply::Change(values[index].key))
            }
            Reply::Quit => Some(ReviewReply::Quit),
            Reply::Back | Reply::Skip => None,
        })
    }
}

impl Drop for Interactive {
    /// Leaves no remains of a question that was interrupted.
    fn drop(&mut self) {
        if self.is_asking.get() {
            let _ = Term::stderr().write_str("\r\n\x1b[J");
        }
    }
}

/// Wraps a line of keys between the keys, with room for its indentation and for the letter that is typed behind it.
fn between_keys(prompt: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for key in prompt.split("   ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + key.chars().count() + 7 <= columns => {
                line.push_str("   ");
                line.push_str(key);
            }
            _ => lines.push(key.to_owned()),
        }
    }
    lines
}

/// Takes lines off the screen that were just printed, as far as they are still on it.
fn erase(printed: usize) {
    let term = Term::stderr();
    let rows = usize::from(term.size().0);
    let _ = term.clear_last_lines(printed.min(rows.saturating_sub(1)));
}

impl Events for Interactive {
    fn open(&self, opening: &Opening) {
        if !self.screen.quiet {
            if self.screen.is_rehearsal() {
                self.screen.raw("");
            }
            for line in text::opening_lines(opening, &self.screen) {
                self.screen.raw(&line);
            }
        }
    }

    fn survey(&self, infos: &[&'static StepInfo]) -> Option<Box<dyn Survey>> {
        self.redraws().then(|| waits::counting(&self.screen, infos.len()))
    }

    fn work(&self, reports: &[StepReport]) {
        let are_recommendations = reports.iter().all(|report| report.info.is_recommendation());
        let rows = reports
            .iter()
            .filter(|report| are_recommendations || !report.info.is_recommendation())
            .map(|report| match Row::of(report) {
                // Its turn has not come.
                row if row.mark == Mark::NeedsYou => Row {
                    mark: Mark::Waiting,
                    detail: String::new(),
                    ..row
                },
                row => row,
            });
        if self.redraws() {
            self.board
                .replace(Some(Rc::new(Board::new(&self.screen, rows.collect()))));
        }
    }

    fn work_ended(&self) {
        self.board.take();
    }

    fn change(&self, info: &'static StepInfo, change: &Change) {
        self.set(info, Mark::Working, &rail::progress(change));
        if self.screen.verbose >= 1 {
            self.screen.talk(&format!("  $ {}", change.command));
        }
    }

    fn end(&self, report: &StepReport) {
        if let Some(board) = self.board() {
            let row = Row::of(report);
            board.set(row.number, row.mark, row.detail);
        } else if !self.screen.quiet && !report.info.is_recommendation() {
            for line in text::end_lines(report, STEPS, &self.screen) {
                self.screen.raw(&line);
            }
        }
    }

    fn say(&self, info: Option<&'static StepInfo>, line: &str) {
        match (self.board(), info) {
            // The row of the step shows it.
            (Some(_), Some(_)) => {}
            (Some(board), None) => {
                board.hide();
                self.screen.talk(&format!("  {line}"));
                board.unhide();
            }
            (None, _) => {
                // The answers above are no longer next to the question.
                self.ticks.take();
                self.screen.talk(&format!("  {line}"));
            }
        }
    }

    fn wait(&self, info: &'static StepInfo, what: &str) -> Box<dyn Waiting> {
        match self.board() {
            Some(board) => waits::row(board, info, what),
            None if self.redraws() => waits::spinner(&self.screen, what),
            None => {
                self.screen.talk(&format!("  Waiting: {what}"));
                Box::new(Silent)
            }
        }
    }
}

#[async_trait(?Send)]
impl Prompter for Interactive {
    fn can_ask(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Result<Reply<String>, UserError> {
        self.settle().await;
        if !self.has_asked.replace(true) {
            self.screen.warn("");
        }
        self.is_asking.set(true);
        let reply = if question.choices.is_empty() {
            self.value(question).await
        } else {
            self.chosen(question).await
        };
        self.is_asking.set(false);
        if matches!(reply, Ok(Reply::Back)) {
            self.untick();
        }
        reply
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<Reply<bool>, UserError> {
        let asking = async {
            self.screen.warn("");
            self.lines(&confirm.lines);
            let prompt = self
                .screen
                .paint(&crate::text::clean(&confirm.prompt), &Style::new().bold());
            self.screen.raw(&prompt);
            let mut has_helped = false;
            let (yes, no) = if confirm.default {
                (" (Enter)", "")
            } else {
                ("", " (Enter)")
            };
            let usual = if confirm.default { 'y' } else { 'n' };
            let back = if confirm.can_go_back { "   b back" } else { "" };
            let skip = if confirm.can_skip { "   s skip" } else { "" };
            let has_details = !confirm.details.is_empty();
            let details = if has_details { "   d details" } else { "" };
            let mut letters = vec!['b', 's', 'q', '?'];
            letters.extend(has_details.then_some('d'));
            let keys = format!("y yes{yes}   n no{no}{details}{back}{skip}   ? help   q quit ›");
            loop {
                // An Enter after the help answers nothing.
                let enter = (!has_helped).then_some(usual);
                let letter = self.letter_or_enter(&keys, &['y', 'n'], &letters, enter).await?;
                let reply = match letter {
                    // An Enter that was meant to leave the help.
                    '\r' if std::mem::take(&mut has_helped) => continue,
                    '\r' => Reply::Value(confirm.default),
                    'y' => Reply::Value(true),
                    'n' => Reply::Value(false),
                    'b' if confirm.can_go_back => Reply::Back,
                    'b' => {
                        self.say_nothing_before();
                        continue;
                    }
                    's' if confirm.can_skip => Reply::Skip,
                    'q' => Reply::Quit,
                    'd' => {
                        self.read(&confirm.details).await?;
                        continue;
                    }
                    _ => {
                        for line in &confirm.help {
                            self.screen.warn(&format!("  {line}"));
                        }
                        self.screen.print_next(&confirm.next);
                        has_helped = true;
                        continue;
                    }
                };
                return Ok(reply);
            }
        };
        self.apart(asking).await
    }

    fn task(&self, info: &'static StepInfo, task: &HumanTask, meanwhile: &[&'static StepInfo]) -> Box<dyn TaskPrompt> {
        self.shown_task(info, task, meanwhile)
    }

    async fn type_out(&self, text: &str) -> Result<String, UserError> {
        self.settle().await;
        self.typed(text).await
    }

    async fn review(&self, review: &Review) -> Result<ReviewReply, UserError> {
        let keys = "y+Enter start   e edit   d details   a commands   b back   ? help   q quit ›";
        self.is_editing.set(false);
        loop {
            let lines = review::lines(review, &self.screen);
            let mut printed: usize = lines.iter().map(|line| self.screen.rows_of(line)).sum();
            for line in &lines {
                self.screen.raw(line);
            }
            let columns = usize::from(Term::stderr().size().1).max(20);
            let key_lines = between_keys(keys, columns).len();
            let mut is_hinted = false;
            let reply = loop {
                match self.letter(keys, &['y', 'n'], &['e', 'd', 'a', 'b', 'q', '?']).await? {
                    'n' => break 'q',
                    '\r' => {
                        // In the place of the keys, so that more Enters do not scroll the review away.
                        erase(key_lines + usize::from(is_hinted));
                        self.screen.warn("  Type y and press Enter to start.");
                        is_hinted = true;
                    }
                    letter => break letter,
                }
            };
            printed += key_lines + usize::from(is_hinted);
            match reply {
                'y' => return Ok(ReviewReply::GoOn),
                'q' => return Ok(ReviewReply::Quit),
                'b' => {
                    erase(printed);
                    self.untick();
                    return Ok(ReviewReply::Back);
                }
                'e' => {
                    // The next review takes the place of this one.
                    erase(printed);
                    if let Some(reply) = self.which(review).await? {
                        // The next review has the values.
                        while !self.ticks.borrow().is_empty() {
                            self.untick();
                        }
                        return Ok(reply);
                    }
                }
                'd' => self.read(&review::detail_lines(review)).await?,
                'a' => self.read(&review::command_lines(review)).await?,
                _ => self.read(&review::help_lines()).await?,
            }
            if reply != 'e' {
                // The review takes its own place again.
                erase(printed);
            }
        }
    }
}
