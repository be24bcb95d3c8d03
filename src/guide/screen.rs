//! The one place that prints: talk goes to stderr, results to stdout; a closed pipe is no panic, and nothing
//! that AWS or a file returned can steer the terminal.

use std::io::{self, Write};

use console::Style;

use crate::checklist::{State, Trouble};

/// Where everything is printed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Screen {
    /// Say only what went wrong and what is left.
    pub quiet: bool,
    /// 1: the command of each change; 2: what each look saw.
    pub verbose: u8,
    /// Whether colours are wanted and can be shown.
    pub colour: bool,
}

/// Text without control characters, so that a name cannot move the cursor or recolour the screen.
pub fn clean(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

impl Screen {
    /// A line of the conversation; nothing with `-q`.
    pub fn talk(&self, line: &str) {
        if !self.quiet {
            self.warn(line);
        }
    }

    /// A line that is said even with `-q`.
    pub fn warn(&self, line: &str) {
        to(&mut io::stderr().lock(), &clean(line));
    }

    /// The result of a command.
    pub fn result(&self, text: &str) {
        to(&mut io::stdout().lock(), &clean(text));
    }

    /// An error in its one shape: what happened, why as AWS put it, what to type next.
    pub fn trouble(&self, trouble: &Trouble) {
        let error = self.paint("error:", &Style::new().red().bold());
        self.raw(&format!("{error} {}", clean(&trouble.message)));
        self.raw(&format!("  next: {}", clean(&trouble.next)));
    }

    /// A state in its colour; the word says it all without one.
    pub fn state(&self, state: State) -> String {
        let style = match state {
            State::Done => Style::new().green(),
            State::ToDo | State::WaitingForPerson => Style::new().yellow(),
            State::Skipped => Style::new().dim(),
            State::Different | State::Blocked | State::Unknown | State::Failed => Style::new().red(),
        };
        self.paint(state.word(), &style)
    }

    /// Text in a style, when colours are on.
    pub fn paint(&self, text: &str, style: &Style) -> String {
        if self.colour {
            style.clone().force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// A line on stderr with our own styling; what it holds has been cleaned.
    pub fn raw(&self, line: &str) {
        to(&mut io::stderr().lock(), line);
    }

    /// A line on stdout with our own styling; what it holds has been cleaned.
    pub fn raw_result(&self, line: &str) {
        to(&mut io::stdout().lock(), line);
    }
}

/// Nobody reading any more is no reason to stop half-way through a change.
fn to(stream: &mut dyn Write, line: &str) {
    let _ = writeln!(stream, "{line}").and_then(|()| stream.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[2Jb\rc\u{202e}d\ne"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\ne"
        );
    }
}
