//! The animated displays: the list of the first check, and the spinners of waits.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::super::screen::Screen;
use super::super::text;
use crate::limits::LONG_WAIT;
use crate::reconcile::StepInfo;
use crate::text::clean;
use crate::wizard::steps::STEPS;
use crate::wizard::{Observed, Survey, Waiting};

/// The spinner of a wait.
struct Spinner {
    bar: ProgressBar,
    mark: String,
    screen: Screen,
}

/// Shows a spinner with the step, what it waits for, and the elapsed time.
pub fn spinner(screen: &Screen, info: &StepInfo, what: &str) -> Box<dyn Waiting> {
    let bar = ProgressBar::new_spinner();
    let hint = screen.encode(&format!(
        "This can take minutes. You can stop with Ctrl-C and continue later: {}",
        screen.command(&screen.invocation.again())
    ));
    let style = ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}{hint}").map(|style| {
        let style = style.with_key("hint", move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            if state.elapsed() >= LONG_WAIT {
                let _ = write!(out, "\n    {hint}");
            }
        });
        if screen.ascii {
            style.tick_chars("-\\|/ ")
        } else {
            style
        }
    });
    if let Ok(style) = style {
        bar.set_style(style);
    }
    let mark = text::mark(info, STEPS);
    bar.set_message(screen.encode(&format!("{mark} {}", clean(what))));
    bar.enable_steady_tick(Duration::from_millis(120));
    Box::new(Spinner {
        bar,
        mark,
        screen: screen.clone(),
    })
}

/// Shows a spinner for a check outside a step.
pub fn checking(screen: &Screen, what: &str) -> Box<dyn Waiting> {
    let bar = ProgressBar::new_spinner();
    bar.set_message(screen.encode(&clean(what)));
    bar.enable_steady_tick(Duration::from_millis(120));
    let mark = String::new();
    Box::new(Spinner {
        bar,
        mark,
        screen: screen.clone(),
    })
}

impl Waiting for Spinner {
    fn say(&self, status: &str) {
        let message = format!("{} {}", self.mark, clean(status));
        self.bar.set_message(self.screen.encode(&message));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The checklist, one line per step, which fills in as results arrive.
struct Filling {
    _all: MultiProgress,
    lines: BTreeMap<&'static str, ProgressBar>,
    screen: Screen,
}

/// Truncates a line to the width of the terminal, because it is redrawn.
fn fitting(screen: &Screen, line: &str) -> String {
    let width = screen.talk_width.unwrap_or(80).saturating_sub(3);
    console::truncate_str(&screen.encode(line), width, "").into_owned()
}

/// Shows the checklist during the first check.
pub fn filling(screen: &Screen, infos: &[&'static StepInfo]) -> Box<dyn Survey> {
    let all = MultiProgress::new();
    let style = ProgressStyle::with_template("  {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let lines = infos.iter().map(|info| {
        let bar = all.add(ProgressBar::new_spinner().with_style(style.clone()));
        bar.set_message(fitting(screen, &text::survey_line(info, None)));
        bar.tick();
        (info.slug, bar)
    });
    Box::new(Filling {
        lines: lines.collect(),
        _all: all,
        screen: screen.clone(),
    })
}

impl Survey for Filling {
    fn checked(&self, info: &StepInfo, observed: &Observed) {
        if let Some(bar) = self.lines.get(info.slug) {
            bar.finish_with_message(fitting(&self.screen, &text::survey_line(info, Some(observed))));
        }
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        for bar in self.lines.values().filter(|bar| !bar.is_finished()) {
            bar.finish();
        }
    }
}
