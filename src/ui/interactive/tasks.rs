//! The task of the user on the screen, and the keys that work meanwhile.

use std::cell::Cell;
use std::rc::Rc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use console::Term;
use tokio::time::Instant;

use super::Interactive;
use super::board::{Board, Line, Task};
use super::keys::{Keys, Press};
use crate::browser::Browser;
use crate::limits::ENTER_HABIT;
use crate::log::HeldLog;
use crate::reconcile::StepInfo;
use crate::text::clean;
use crate::ui::rail::Mark;
use crate::ui::screen::Screen;
use crate::ui::terminal::discard_type_ahead;
use crate::ui::text;
use crate::user_error::UserError;
use crate::wizard::{HumanTask, TaskKind, TaskPrompt, TaskReply};

/// A task on the screen. Dropping it takes the task off the screen.
struct ShownTask {
    board: Option<Rc<Board>>,
    screen: Screen,
    browser: Rc<Browser>,
    keys: Keys,
    link: Option<String>,
    help: String,
    needs_confirmation: bool,
    has_confirmed: Cell<bool>,
    /// The help is on the screen.
    is_helping: Cell<bool>,
    last_key: Rc<Cell<Option<Instant>>>,
    /// Log lines would tear the task.
    _held: HeldLog,
}

impl Interactive {
    /// Shows a task below the list of steps, or below what was printed before.
    pub(super) fn shown_task(
        &self,
        info: &'static StepInfo,
        task: &HumanTask,
        meanwhile: &[&'static StepInfo],
    ) -> Box<dyn TaskPrompt> {
        self.screen.bell();
        let opened = text::opened_line(task, &self.browser);
        let keys = hints(info, task, self.browser.why_unavailable().is_none());
        // Outside the checklist, the task has the place to itself.
        let own = || self.redraws().then(|| Rc::new(Board::new(&self.screen, Vec::new())));
        let board = self.board().or_else(own);
        if let Some(board) = &board {
            board.set(info.number, Mark::NeedsYou, format!("needs you: {}", task.brief));
            let mut lines = lines(task, &self.screen);
            lines.extend(opened.map(Line::Text));
            lines.extend(text::simulated_line(task, &self.screen).map(Line::Text));
            board.show(Some(Task {
                heading: clean(task.sentence.trim_end_matches('.')),
                lines,
                meanwhile: meanwhile.iter().map(|info| info.number).collect(),
                awaited: awaited(task).map(|what| (what.to_owned(), std::time::Instant::now())),
                status: None,
                keys,
            }));
        } else {
            self.screen.warn("");
            for line in text::task_lines(task, &self.screen) {
                self.screen.warn(&line);
            }
            for line in text::lines_below_task(opened, task, meanwhile, &self.screen) {
                self.screen.talk(&format!("  {line}"));
            }
            self.screen.warn(&format!("  {keys}"));
        }
        discard_type_ahead();
        Box::new(ShownTask {
            board,
            screen: self.screen.clone(),
            browser: Rc::clone(&self.browser),
            keys: Keys::start(),
            link: task.link.clone(),
            needs_confirmation: task.needs_confirmation(),
            has_confirmed: Cell::new(false),
            is_helping: Cell::new(false),
            help: [info.why.to_owned()]
                .into_iter()
                .chain(task.help.clone())
                .chain(without_link(task))
                .collect::<Vec<_>>()
                .join(" "),
            last_key: Rc::clone(&self.last_key),
            _held: self.screen.log.hold(),
        })
    }
}

/// What the program waits for, if an API shows it.
fn awaited(task: &HumanTask) -> Option<&'static str> {
    match task.kind {
        TaskKind::Seen => Some("Waiting until AWS shows it…"),
        TaskKind::Own => Some("Waiting for the sign-in…"),
        TaskKind::Checked | TaskKind::Confirmed(_) => None,
    }
}

/// The keys that work during a task.
fn hints(info: &StepInfo, task: &HumanTask, has_browser: bool) -> String {
    let first = match task.kind {
        TaskKind::Seen | TaskKind::Own => "r check again",
        TaskKind::Checked => "Enter done, check it",
        TaskKind::Confirmed(_) if task.needs_confirmation() => "y+Enter done",
        TaskKind::Confirmed(_) => "Enter done",
    };
    let mut keys = vec![first];
    if task.link.is_some() {
        if has_browser {
            keys.push("o open page");
        }
        keys.push("c copy link");
    }
    if info.is_recommendation() {
        keys.extend(["s skip for now", "? why", "q quit"]);
    } else {
        keys.extend(["? why", "q stop, do this later"]);
    }
    keys.join("   ")
}

/// The instructions, numbered in the order in which the user follows them.
fn lines(task: &HumanTask, screen: &Screen) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut number = 0;
    let mut step = |text: String| {
        number += 1;
        Line::Text(format!("{number}  {text}"))
    };
    if let Some(link) = &task.link {
        lines.push(step("Open".to_owned()));
        lines.push(Line::Verbatim(clean(link)));
    }
    if let Some(code) = &task.code {
        lines.push(step(format!("Compare the code: {}", clean(code))));
    }
    match &task.link {
        Some(_) if !task.choices.is_empty() => lines.push(step(clean(&chosen(&task.choices)))),
        Some(_) => {}
        None => lines.extend(task.clicks().map(|clicks| step(clean(&clicks)))),
    }
    if let Some(command) = &task.command {
        lines.push(step("Run".to_owned()));
        lines.push(Line::Verbatim(screen.command(command)));
    }
    lines.extend(task.afterward.iter().map(|then| step(clean(then))));
    lines.extend(
        task.details
            .iter()
            .map(|detail| Line::Text(format!("·  {}", clean(detail)))),
    );
    lines
}

/// `Choose "A", then "B".`
fn chosen(choices: &[String]) -> String {
    let quoted: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
    format!("Choose {}.", quoted.join(", then "))
}

/// How to find the page without its link.
fn without_link(task: &HumanTask) -> Option<String> {
    let is_linked = task.link.is_some() && !task.path.is_empty();
    is_linked.then(|| format!("Without the link: {}.", task.path))
}

impl ShownTask {
    fn note(&self, status: &str) {
        match &self.board {
            Some(board) => board.say(status),
            None => self.screen.talk(&format!("  {status}")),
        }
    }

    fn open(&self, link: &str) {
        if self.browser.reopen(link) {
            self.note("Opened the page in your browser.");
        } else {
            self.note("There is no browser to open it. Press c to copy the link.");
        }
    }

    /// Copies a link to the clipboard of the terminal (OSC 52), which also works over SSH.
    fn copy(&self, link: &str) {
        let encoded = BASE64_STANDARD.encode(link);
        let term = Term::stderr();
        let copied = term.write_str(&format!("\u{1b}]52;c;{encoded}\u{7}"));
        if copied.and_then(|()| term.flush()).is_ok() {
            self.note("Copied the link, if your terminal allows it.");
        }
    }
}

impl Drop for ShownTask {
    fn drop(&mut self) {
        if let Some(board) = &self.board {
            board.show(None);
        }
    }
}

#[async_trait(?Send)]
impl TaskPrompt for ShownTask {
    fn say(&self, status: &str) {
        self.note(status);
    }

    async fn reply(&self) -> Result<TaskReply, UserError> {
        loop {
            let Ok(press) = self.keys.next().await.map(Press::lowered) else {
                return Err(UserError::interrupted());
            };
            let is_habit = self
                .last_key
                .get()
                .is_some_and(|pressed| pressed.elapsed() < ENTER_HABIT);
            match press {
                Press::Enter if is_habit => continue,
                // An Enter that was meant to leave the help.
                Press::Enter if self.is_helping.take() => {
                    self.note("");
                    continue;
                }
                Press::Enter if !self.needs_confirmation || self.has_confirmed.get() => return Ok(TaskReply::Done),
                Press::Enter => {
                    self.note("No API shows this. If you have done it, press y and Enter.");
                    continue;
                }
                Press::Char('y') if self.needs_confirmation => {
                    self.has_confirmed.set(true);
                    self.is_helping.set(false);
                    self.note("Press Enter to confirm that you have done it.");
                    continue;
                }
                _ => self.last_key.set(Some(Instant::now())),
            }
            match (press, &self.link) {
                (Press::Char('r'), _) if !self.needs_confirmation => return Ok(TaskReply::Done),
                (Press::Char('s'), _) => return Ok(TaskReply::Later),
                (Press::Char('q'), _) => return Ok(TaskReply::Quit),
                (Press::Char('o'), Some(link)) => self.open(link),
                (Press::Char('c'), Some(link)) => self.copy(link),
                // A second time, or another key, takes it away.
                (Press::Char('?'), _) if !self.is_helping.replace(true) => {
                    self.note(&self.help);
                }
                (..) if self.is_helping.get() => self.note(""),
                _ => {}
            }
        }
    }
}
