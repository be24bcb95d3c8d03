//! The one place that prints: talk goes to stderr, results to stdout; a closed pipe is no panic, and nothing
//! that AWS or a file returned can steer the terminal.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::{Style, Term};

use crate::checklist::{State, UserError, UserErrorKind};
use crate::next_step::{Invocation, NextSteps, SetupCommand};

/// Where everything is printed.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    /// Say only what went wrong and what is left.
    pub quiet: bool,
    /// 1: the command of each change; 2: what each look saw.
    pub verbose: u8,
    /// Whether colours are wanted and can be shown.
    pub colour: bool,
    /// Only ASCII can be shown: our own marks get by with it.
    pub ascii: bool,
    /// Columns of the terminal on stderr; `None` where lines are not wrapped.
    pub talk_width: Option<usize>,
    /// Columns of the terminal on stdout.
    pub result_width: Option<usize>,
    /// How this process was called, for the commands to type next.
    pub invocation: Arc<Invocation>,
    /// A result could not be written although somebody was reading; the same for all clones.
    pub result_lost: Arc<AtomicBool>,
}

/// One line without control characters: a name can neither move the cursor, nor recolour the screen, nor begin a line that
/// passes for one of ours.
pub fn clean(text: &str) -> String {
    clean_lines(text).replace('\n', " ")
}

/// [`clean`], for text of ours that is several lines.
pub fn clean_lines(text: &str) -> String {
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_unseen(c);
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// What turns the direction of writing, breaks a line or takes no room.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A line, after blank ones.
fn clean_line(line: &str) -> String {
    let text = line.trim_start_matches('\n');
    format!("{}{}", &line[..line.len() - text.len()], clean(text))
}

/// JSON in which such letters are escaped: they can only stand within strings.
fn escaped(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if (c.is_control() && c != '\n') || is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
        text
    })
}

/// Our own marks in ASCII. What AWS or a person has called something stays as it is.
pub fn in_ascii(text: &str) -> String {
    const MARKS: [(&str, &str); 11] = [
        ("→", "->"),
        ("←", "<-"),
        ("·", "-"),
        ("…", "..."),
        ("✓", "x"),
        ("├─", "|-"),
        ("└─", "`-"),
        ("│", "|"),
        ("“", "\""),
        ("”", "\""),
        ("≤", "<="),
    ];
    MARKS
        .iter()
        .fold(text.to_owned(), |text, (mark, ascii)| text.replace(mark, ascii))
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
        self.raw(&clean_line(line));
    }

    /// A line of a command's result.
    pub fn result(&self, line: &str) {
        self.raw_result(&clean_line(line));
    }

    /// A result in JSON: for programs to read, so nothing in it is spelt otherwise.
    pub fn json(&self, json: &str) {
        self.verbatim(&format!("{}\n", escaped(json)));
    }

    /// An error in its one shape: what happened, why as AWS put it, what to type next.
    pub fn error(&self, error: &UserError) {
        let mark = self.paint("error:", &Style::new().red().bold());
        let message = match error.kind {
            // A list, in words of ours alone.
            UserErrorKind::MissingAnswers => clean_lines(&error.message),
            _ => clean(&error.message),
        };
        self.raw(&format!("{mark} {message}"));
        for line in self.next_lines(&error.next) {
            self.raw(&format!("  {}", clean(&line)));
        }
    }

    /// A state in its colour; the word says it all without one.
    pub fn state(&self, state: State) -> String {
        let style = match state {
            State::Done => Style::new().green(),
            State::ToDo | State::WaitingForPerson => Style::new().yellow(),
            State::Skipped => Style::new().dim(),
            State::Different | State::Blocked | State::Unknown | State::Failed => Style::new().red(),
        };
        self.paint(state.label(), &style)
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
        // Nobody reading any more is no reason to stop half-way through a change.
        let _ = to(
            &mut io::stderr().lock(),
            &self.spelt(line),
            now(self.talk_width, &Term::stderr()),
        );
    }

    /// A line on stdout with our own styling; what it holds has been cleaned.
    pub fn raw_result(&self, line: &str) {
        let width = now(self.result_width, &Term::stdout());
        let written = to(&mut io::stdout().lock(), &self.spelt(line), width);
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            self.result_lost.store(true, Ordering::Relaxed);
        }
    }

    /// A line on stdout whose last column begins at `column`: what does not fit goes on below it.
    pub fn result_in_columns(&self, line: &str, column: usize) {
        let written = wrapped(&mut io::stdout().lock(), line, self.result_width, Some(column));
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            self.result_lost.store(true, Ordering::Relaxed);
        }
    }

    /// A result as it is: for programs to read, and ours alone.
    pub fn verbatim(&self, text: &str) {
        let written = io::stdout().lock().write_all(text.as_bytes());
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            self.result_lost.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a result could not be written though somebody was reading, as on a full disk.
    pub fn is_result_lost(&self) -> bool {
        self.result_lost.load(Ordering::Relaxed)
    }

    /// For what is not written by this screen itself: prompts and what moves.
    pub fn spell(&self, text: &str) -> String {
        self.spelt(text)
    }

    /// The terminal's bell: a person is needed who may be looking elsewhere.
    pub fn bell(&self) {
        let terminal = Term::stderr();
        if terminal.is_term() && !self.quiet {
            let _ = terminal.write_str("\u{7}");
        }
    }

    /// As it is written in the end.
    fn spelt(&self, text: &str) -> String {
        if self.ascii { in_ascii(text) } else { text.to_owned() }
    }

    /// The ways to go on, a line each: `next: …`, then `or: …`.
    pub fn next_lines(&self, next: &NextSteps) -> Vec<String> {
        let lines = next.iter().enumerate().map(|(index, next)| {
            let word = if index == 0 { "next: " } else { "  or: " };
            format!("{word}{}", self.invocation.next_step(next))
        });
        lines.collect()
    }

    /// A command of ours as it is typed.
    pub fn command(&self, command: &SetupCommand) -> String {
        self.invocation.command_line(command)
    }

    /// Whether this is a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.invocation.rehearsal.is_some()
    }

    /// Whether this is a rehearsal of which nothing is kept.
    pub fn is_passing(&self) -> bool {
        let rehearsal = self.invocation.rehearsal.as_ref();
        rehearsal.is_some_and(|rehearsal| rehearsal.keep.is_none())
    }

    /// The same screen, which says only what went wrong and what is left.
    #[must_use]
    pub fn quieted(&self) -> Self {
        Self {
            quiet: true,
            ..self.clone()
        }
    }
}

/// The width as it is now: a terminal may have been resized.
fn now(width: Option<usize>, terminal: &Term) -> Option<usize> {
    let known = width?;
    let now = terminal.size_checked().map(|(_, columns)| usize::from(columns));
    Some(now.filter(|columns| *columns >= 20).unwrap_or(known))
}

/// Writes lines, wrapped between words and indented like the line they belong to. Addresses and commands are
/// not broken.
fn to(stream: &mut dyn Write, text: &str, width: Option<usize>) -> io::Result<()> {
    wrapped(stream, text, width, None)
}

/// [`to`], with what is wrapped beginning at a column, where the terminal has room for that.
fn wrapped(stream: &mut dyn Write, text: &str, width: Option<usize>, column: Option<usize>) -> io::Result<()> {
    for line in text.split('\n') {
        let Some(width) = width.filter(|width| textwrap::core::display_width(line) > *width) else {
            writeln!(stream, "{line}")?;
            continue;
        };
        let own = line.len() - line.trim_start().len() + 2;
        let indent = column.filter(|column| *column <= width / 2).unwrap_or(own);
        let indent = " ".repeat(indent.min(width / 2));
        let options = textwrap::Options::new(width)
            .subsequent_indent(&indent)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        for part in textwrap::wrap(line, options) {
            writeln!(stream, "{part}")?;
        }
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[2Jb\rc\u{202e}d\u{e0041}\ne"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd} e"
        );
        assert_eq!(clean_line("\nYou are x\nerror: y"), "\nYou are x error: y");
    }

    #[test]
    fn json_stays_json_whatever_is_in_it() {
        let json = serde_json::json!({"name": "\u{9b}2J\u{202e}“x” → é\u{7f}\u{e0041}"}).to_string();
        let read: serde_json::Value = serde_json::from_str(&escaped(&json)).unwrap();
        assert_eq!(read["name"], "\u{9b}2J\u{202e}“x” → é\u{7f}\u{e0041}");
        assert!(!escaped(&json).contains(['\u{9b}', '\u{202e}', '\u{7f}']));
    }

    #[test]
    fn long_lines_are_wrapped_between_words() {
        let mut written = Vec::new();
        to(
            &mut written,
            "  one two three https://example.com/a/long/address",
            Some(20),
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "  one two three\n    https://example.com/a/long/address\n"
        );
    }
}
