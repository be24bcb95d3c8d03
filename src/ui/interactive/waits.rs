//! The displays of waits: the row of a step, or a spinner.

use std::cell::Cell;
use std::rc::Rc;

use indicatif::{ProgressBar, ProgressStyle};

use super::board::Board;
use crate::limits::FRAME;
use crate::reconcile::StepInfo;
use crate::text::clean;
use crate::ui::rail::Mark;
use crate::ui::screen::Screen;
use crate::ui::terminal::RawInput;
use crate::wizard::{Observed, Survey, Waiting};

/// The spinner of a wait.
struct Spinner {
    bar: ProgressBar,
    screen: Screen,
    /// The echo of a key would break the line, so that the next frame begins on another one.
    _input: RawInput,
}

/// Shows a spinner with what is awaited.
pub fn spinner(screen: &Screen, what: &str) -> Box<dyn Waiting> {
    Box::new(Spinner::new(screen, what))
}

impl Spinner {
    fn new(screen: &Screen, what: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        if screen.ascii {
            bar.set_style(ProgressStyle::default_spinner().tick_chars("-\\|/ "));
        }
        bar.set_message(screen.encode(&clean(what)));
        bar.enable_steady_tick(FRAME);
        Self {
            bar,
            screen: screen.clone(),
            _input: RawInput::new(),
        }
    }
}

impl Waiting for Spinner {
    fn say(&self, status: &str) {
        self.bar.set_message(self.screen.encode(&clean(status)));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The first check of all steps: a spinner that counts.
struct Counting {
    spinner: Spinner,
    checked: Cell<usize>,
    all: usize,
}

/// Shows how many steps have been checked.
pub fn counting(screen: &Screen, all: usize) -> Box<dyn Survey> {
    Box::new(Counting {
        spinner: Spinner::new(screen, "Checking the account…"),
        checked: Cell::new(0),
        all,
    })
}

impl Survey for Counting {
    fn checked(&self, _info: &StepInfo, _observed: &Observed) {
        self.checked.set(self.checked.get() + 1);
        let status = format!("Checking the account: {} of {}", self.checked.get(), self.all);
        self.spinner.say(&status);
    }
}

/// A wait in the row of a step.
struct InRow {
    board: Rc<Board>,
    number: u8,
}

/// Shows what is awaited in the row of a step.
pub fn row(board: Rc<Board>, info: &StepInfo, what: &str) -> Box<dyn Waiting> {
    let waiting = InRow {
        board,
        number: info.number,
    };
    waiting.say(what);
    Box::new(waiting)
}

impl Waiting for InRow {
    fn say(&self, status: &str) {
        self.board.set(self.number, Mark::Working, status);
    }
}
