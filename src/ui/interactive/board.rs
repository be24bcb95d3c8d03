//! The part of the terminal that is redrawn in place: the list of steps, the task of the user, and the keys.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use console::{Style, Term, measure_text_width};

use crate::limits::FRAME;
use crate::log::HeldLog;
use crate::text::clean;
use crate::ui::rail::{Mark, Row};
use crate::ui::screen::Screen;
use crate::ui::text::meanwhile_line;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ASCII_FRAMES: [&str; 4] = ["-", "\\", "|", "/"];

/// A line below the list of steps.
#[derive(Debug, Clone)]
pub enum Line {
    /// Text, wrapped to the width of the terminal.
    Text(String),
    /// A link or a command, never wrapped, so that it can be copied.
    Verbatim(String),
}

/// What the board shows below the list of steps.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// The heading.
    pub heading: String,
    /// The instructions.
    pub lines: Vec<Line>,
    /// The numbers of the steps that go on by themselves.
    pub meanwhile: Vec<u8>,
    /// What is awaited, with the time since then.
    pub awaited: Option<(String, Instant)>,
    /// What the last check or key has shown.
    pub status: Option<String>,
    /// The keys.
    pub keys: String,
}

/// A part of the terminal that is redrawn in place until it is dropped; then its last state stays.
#[derive(Debug)]
pub struct Board {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
    /// Log lines would tear the board.
    _held: HeldLog,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    is_over: AtomicBool,
    screen: Screen,
    term: Term,
}

#[derive(Debug, Default)]
struct State {
    rows: Vec<Row>,
    task: Option<Task>,
    frame: usize,
    /// What is drawn, and the rows of the terminal that it takes.
    drawn: String,
    height: usize,
    /// Something else is on the screen, such as a question.
    is_hidden: bool,
}

impl Board {
    /// Draws the rows, and keeps them up to date.
    pub fn new(screen: &Screen, rows: Vec<Row>) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                rows,
                ..State::default()
            }),
            is_over: AtomicBool::new(false),
            screen: screen.clone(),
            term: Term::stderr(),
        });
        let _ = shared.term.hide_cursor();
        shared.draw();
        let ticking = Arc::clone(&shared);
        let ticker = std::thread::spawn(move || {
            while !ticking.is_over.load(Ordering::Relaxed) {
                std::thread::sleep(FRAME);
                ticking.state().frame += 1;
                ticking.draw();
            }
        });
        Self {
            _held: screen.log.hold(),
            shared,
            ticker: Some(ticker),
        }
    }

    /// Changes the row of a step.
    pub fn set(&self, number: u8, mark: Mark, detail: impl Into<String>) {
        let mut state = self.shared.state();
        if let Some(row) = state.rows.iter_mut().find(|row| row.number == number) {
            row.mark = mark;
            row.detail = detail.into();
        }
        drop(state);
        self.shared.draw();
    }

    /// Shows a task below the list, or none.
    pub fn show(&self, task: Option<Task>) {
        self.shared.state().task = task;
        self.shared.draw();
    }

    /// Shows what the last check or key has shown.
    pub fn say(&self, status: &str) {
        if let Some(task) = &mut self.shared.state().task {
            task.status = Some(clean(status)).filter(|status| !status.is_empty());
        }
        self.shared.draw();
    }

    /// Takes the board off the screen, for a question or a message below it.
    pub fn hide(&self) {
        let mut state = self.shared.state();
        state.is_hidden = true;
        self.shared.erase(&mut state);
        let _ = self.shared.term.show_cursor();
    }

    /// Puts the board back on the screen.
    pub fn unhide(&self) {
        self.shared.state().is_hidden = false;
        let _ = self.shared.term.hide_cursor();
        self.shared.draw();
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
        self.shared.state().task = None;
        self.shared.draw();
        let _ = self.shared.term.show_cursor();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn erase(&self, state: &mut State) {
        if state.height > 0 {
            let blank = "\x1b[2K\r\n".repeat(state.height);
            let _ = write!(&self.term, "{up}\r{blank}{up}", up = up(state.height));
        }
        state.height = 0;
        state.drawn.clear();
    }

    /// Draws what has changed.
    fn draw(&self) {
        let mut state = self.state();
        if state.is_hidden {
            return;
        }
        let (terminal_rows, columns) = self.term.size();
        let (rows, columns) = (usize::from(terminal_rows), usize::from(columns).max(20));
        let mut lines = self.lines(&state, columns, false);
        let height = |lines: &[String]| lines.iter().map(|line| height_of(line, columns)).sum::<usize>();
        if height(&lines) >= rows {
            lines = self.lines(&state, columns, true);
        }
        // What does not fit would be drawn again and again, each time below the last one.
        if height(&lines) >= rows {
            lines.retain(|line| !line.is_empty());
        }
        while height(&lines) >= rows && lines.len() > 1 {
            lines.remove(0);
        }
        // Each line clears what was there before. To clear the screen below the cursor instead would move each frame into
        // the history of a terminal such as tmux, if the board begins in the first row.
        let text: String = lines
            .iter()
            .map(|line| match measure_text_width(line) % columns {
                // The cursor is in the last column, which would be cleared.
                0 if !line.is_empty() => format!("{line}\r\n"),
                _ => format!("{line}\x1b[K\r\n"),
            })
            .collect();
        if text == state.drawn {
            return;
        }
        // A terminal that knows links follows one that is broken over lines.
        let addresses = state
            .task
            .iter()
            .flat_map(|task| &task.lines)
            .filter_map(|line| match line {
                Line::Verbatim(address) if self.screen.color && address.starts_with("http") => Some(address),
                _ => None,
            });
        let clickable = addresses.fold(text.clone(), |text, address| {
            let link = format!("\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\");
            text.replace(&**address, &link)
        });
        let (before, now) = (state.height, height(&lines));
        let rest = before.saturating_sub(now);
        let below = format!("{}{}", "\x1b[2K\r\n".repeat(rest), up(rest));
        // One write, so that nothing flickers.
        let _ = self.term.write_str(&format!("{}\r{clickable}{below}", up(before)));
        let _ = self.term.flush();
        state.height = now;
        state.drawn = text;
    }

    /// The lines of the board; with `is_short`, the steps on one line.
    fn lines(&self, state: &State, columns: usize, is_short: bool) -> Vec<String> {
        let screen = &self.screen;
        let frames: &[&str] = if screen.ascii { &ASCII_FRAMES } else { &FRAMES };
        let frame = frames[state.frame % frames.len()];
        let mut lines = Vec::new();
        if is_short && !state.rows.is_empty() {
            let marks = state
                .rows
                .iter()
                .map(|row| format!("{}{}", row.sign(screen, frame), row.number));
            lines.push(marks.collect::<Vec<_>>().join(" "));
        } else {
            let more = screen.encode("…");
            let fit = |line: String| console::truncate_str(&line, columns - 1, &more).into_owned();
            lines.extend(state.rows.iter().map(|row| fit(row.line(screen, frame))));
        }
        let Some(task) = &state.task else {
            return lines;
        };
        let hanging = |text: &str, indent: &str, below: &str| {
            let options = textwrap::Options::new(columns - 1)
                .initial_indent(indent)
                .subsequent_indent(below)
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            textwrap::wrap(&screen.encode(text), options)
                .into_iter()
                .map(std::borrow::Cow::into_owned)
                .collect::<Vec<String>>()
        };
        let wrapped = |text: &str| hanging(text, "  ", "  ");
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!(
            "  {}",
            screen.paint(&screen.encode(&task.heading), &Style::new().bold())
        ));
        for line in &task.lines {
            match line {
                Line::Text(text) => lines.extend(hanging(text, "    ", "       ")),
                Line::Verbatim(text) => {
                    // What is longer than a line takes fewer of them from the margin.
                    let indent = if measure_text_width(text) + 7 < columns {
                        "       "
                    } else {
                        ""
                    };
                    lines.push(format!("{indent}{}", screen.paint(text, &Style::new().cyan())));
                }
            }
        }
        let goes_on = |number: &u8| {
            let mut rows = state.rows.iter();
            rows.any(|row| row.number == *number && matches!(row.mark, Mark::Waiting | Mark::Working))
        };
        let meanwhile: Vec<u8> = task.meanwhile.iter().copied().filter(goes_on).collect();
        lines.extend(meanwhile_line(&meanwhile).iter().flat_map(|line| wrapped(line)));
        lines.push(String::new());
        if let Some(status) = &task.status {
            lines.extend(wrapped(status));
        }
        if let Some((what, since)) = &task.awaited {
            let seconds = since.elapsed().as_secs();
            let time = format!("{}:{:02}", seconds / 60, seconds % 60);
            lines.extend(wrapped(&format!("{frame} {what} {time}")));
        }
        let keys = wrapped(&task.keys).into_iter();
        lines.extend(keys.map(|line| format!("  {}", screen.keys(line.trim_start()))));
        lines
    }
}

/// Moves the cursor up.
fn up(rows: usize) -> String {
    if rows == 0 {
        String::new()
    } else {
        format!("\x1b[{rows}A")
    }
}

/// The rows of the terminal that a line takes.
fn height_of(line: &str, columns: usize) -> usize {
    measure_text_width(line).div_ceil(columns).max(1)
}
