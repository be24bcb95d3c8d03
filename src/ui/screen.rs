//! The only module that prints: messages to stderr, results to stdout. A closed pipe does not cause a panic, and no text
//! from AWS or from a file can control the terminal.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::{Style, Term};

use crate::cli::is_list;
use crate::log::Sink;
use crate::next_step::{Invocation, NextSteps, SetupCommand};
use crate::text::{capitalized, clean, clean_lines, is_invisible};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::State;

/// The output of the program, on stdout and stderr.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    /// Whether to show only errors and what is left to do.
    pub quiet: bool,
    /// With 1, show the command of each change; with 2, also the observed values.
    pub verbose: u8,
    /// Whether to use colors.
    pub color: bool,
    /// Whether the terminal can only show ASCII, so that our own symbols have to be replaced.
    pub ascii: bool,
    /// The columns of the terminal on stderr; `None` if lines are not wrapped.
    pub talk_width: Option<usize>,
    /// The columns of the terminal on stdout; `None` if lines are not wrapped.
    pub result_width: Option<usize>,
    /// How this process was called, for the commands to type next.
    pub invocation: Arc<Invocation>,
    /// Whether this is a rehearsal in which a simulated person does what only a person can do.
    pub has_simulated_person: bool,
    /// Whether writing a result failed, other than by a closed pipe. All clones share it.
    pub result_lost: Arc<AtomicBool>,
    /// Where log lines go.
    pub log: Sink,
}

/// A line of what to do next.
enum NextLine {
    /// A sentence.
    Note(String),
    /// A command.
    Command(String),
}

/// Cleans a line, but keeps the line breaks in front of it.
fn clean_line(line: &str) -> String {
    let text = line.trim_start_matches('\n');
    format!("{}{}", &line[..line.len() - text.len()], clean(text))
}

/// Escapes these characters in JSON, where they can only occur within strings.
fn escaped(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if (c.is_control() && c != '\n') || is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
        text
    })
}

/// Replaces our own symbols by ASCII. Names from AWS or from the user don't change.
pub fn in_ascii(text: &str) -> String {
    const SYMBOLS: [(&str, &str); 21] = [
        ("→", "->"),
        ("←", "<-"),
        ("·", "-"),
        ("…", "..."),
        ("✓", "x"),
        ("✔", "ok"),
        ("✘", "!!"),
        ("●", "*"),
        ("–", "-"),
        ("›", ">"),
        ("❯", ">"),
        ("↑ ↓", "Up Down"),
        ("⚠", "!"),
        ("—", "-"),
        ("⠋", "-"),
        ("├─", "|-"),
        ("└─", "`-"),
        ("│", "|"),
        ("“", "\""),
        ("”", "\""),
        ("≤", "<="),
    ];
    SYMBOLS
        .iter()
        .fold(text.to_owned(), |text, (symbol, ascii)| text.replace(symbol, ascii))
}

impl Screen {
    /// Prints a line to stderr, unless `-q` is given.
    pub fn talk(&self, line: &str) {
        if !self.quiet {
            self.warn(line);
        }
    }

    /// Prints a line to stderr, even with `-q`.
    pub fn warn(&self, line: &str) {
        self.raw(&clean_line(line));
    }

    /// Prints a line of the command's result to stdout.
    pub fn result(&self, line: &str) {
        self.raw_result(&clean_line(line));
    }

    /// Prints a result as JSON. Our own symbols are not replaced, since programs read it.
    pub fn json(&self, json: &str) {
        self.verbatim(&format!("{}\n", escaped(json)));
    }

    /// Prints a JSON document on one line of stderr, for programs that follow a command while it runs.
    pub fn event(&self, json: &str) {
        // A change must not stop half-way only because nothing reads stderr any more.
        let _ = writeln!(io::stderr().lock(), "{}", escaped(json));
    }

    /// Prints an error: what happened and what to do next.
    pub fn error(&self, error: &UserError) {
        let mark = if self.talk_width.is_some() { "✘" } else { "error:" };
        let mark = self.paint(mark, &Style::new().red().bold());
        let message = match error.kind {
            // This message is a list, and contains no text from elsewhere.
            UserErrorKind::MissingAnswers => clean_lines(&error.message),
            // Each line of this list has been cleaned on its own, so that no value can begin one.
            UserErrorKind::Usage if is_list(&error.message) => clean_lines(&error.message),
            _ => clean(&error.message),
        };
        self.raw(&format!("{mark} {message}"));
        if error.kind == UserErrorKind::NoCredentials && error.next.iter().count() > 1 {
            self.print_ways_in(&error.next);
        } else {
            self.print_next(&error.next);
        }
    }

    /// Prints the ways to sign in: each command with what it does.
    fn print_ways_in(&self, ways: &NextSteps) {
        self.raw("");
        self.raw("  Sign in first, one of:");
        let commands = ways.iter().filter_map(|way| way.command.as_ref());
        let widths = commands.map(|command| self.invocation.next_command(command).chars().count());
        let width = widths.max().unwrap_or(0);
        for way in ways.iter() {
            let note = way.note.as_deref().map(clean).unwrap_or_default();
            match (&way.command, &way.then) {
                (Some(command), _) => {
                    let command = clean(&self.invocation.next_command(command));
                    self.raw(&format!("    {command:width$}   {note}"));
                }
                _ => self.unwrapped(&format!("    {note}")),
            }
        }
    }

    /// Prints what to do next: a sentence for each alternative, and its command on a line of its own, never wrapped, so
    /// that it can be copied.
    pub fn print_next(&self, next: &NextSteps) {
        for line in self.next_block(next) {
            match line {
                NextLine::Note(note) => self.raw(&format!("  {note}")),
                NextLine::Command(command) => self.unwrapped(&format!("    {command}")),
            }
        }
    }

    /// Prints the same to stdout, indented by `column`.
    pub fn result_next(&self, next: &NextSteps, column: usize) {
        let indent = " ".repeat(column);
        for line in self.next_block(next) {
            match line {
                NextLine::Note(note) => self.result_in_columns(&format!("{indent}{note}"), column),
                NextLine::Command(command) => self.unwrapped_result(&format!("{indent}  {command}")),
            }
        }
    }

    /// The lines of [`print_next`](Self::print_next).
    fn next_block(&self, next: &NextSteps) -> Vec<NextLine> {
        let mut lines = Vec::new();
        let count = next.iter().count();
        for (index, next) in next.iter().enumerate() {
            let or = if index == 0 { "" } else { "or " };
            let command = next
                .command
                .as_ref()
                .map(|command| self.invocation.next_command(command));
            let note = next.note.as_deref().map(clean);
            let note = match (&note, &command) {
                (Some(note), Some(_)) => format!("{or}{note}:"),
                (Some(note), None) if next.then.is_some() => format!("{or}{note}, then:"),
                (Some(note), None) if index + 1 < count => format!("{or}{note},"),
                (Some(note), None) => format!("{or}{note}."),
                (None, _) if index == 0 => "next:".to_owned(),
                (None, _) => "or:".to_owned(),
            };
            lines.push(NextLine::Note(if index == 0 { capitalized(&note) } else { note }));
            let has_command = command.is_some();
            lines.extend(command.map(|command| NextLine::Command(clean(&command))));
            if let Some(then) = &next.then {
                if has_command {
                    lines.push(NextLine::Note("then:".to_owned()));
                }
                lines.push(NextLine::Command(clean(&self.invocation.command_line(then))));
            }
        }
        lines
    }

    /// Prints a line to stderr as it is: the terminal breaks it if necessary, and copying it gives the whole line.
    pub fn unwrapped(&self, line: &str) {
        let _ = to(&mut io::stderr().lock(), &self.encode(&clean(line)), None);
    }

    /// Prints a line to stderr as it is, unless `-q` is given.
    pub fn talk_unwrapped(&self, line: &str) {
        if !self.quiet {
            self.unwrapped(line);
        }
    }

    /// The rows that a line takes when it is printed to stderr.
    pub fn rows_of(&self, line: &str) -> usize {
        self.wrapped(line).len().max(1)
    }

    /// A paragraph in lines of at most the width of the terminal on stderr, indented by two columns.
    pub fn paragraph(&self, text: &str) -> Vec<String> {
        let indented = format!("  {text}");
        let Some(width) = now(self.talk_width, &Term::stderr()) else {
            return vec![indented];
        };
        let options = textwrap::Options::new(width)
            .subsequent_indent("  ")
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(&indented, options).into_iter();
        lines.map(std::borrow::Cow::into_owned).collect()
    }

    /// A line as it is wrapped on stderr.
    pub fn wrapped(&self, line: &str) -> Vec<String> {
        let mut written = Vec::new();
        let width = now(self.talk_width, &Term::stderr());
        let _ = to(&mut written, &self.encode(line), width);
        String::from_utf8_lossy(&written).lines().map(str::to_owned).collect()
    }

    /// A line of keys with what they do, such as `y start   q quit`: the keys in color, the rest dim.
    pub fn keys(&self, text: &str) -> String {
        let text = self.encode(text);
        let parts = text.split("   ").map(|part| {
            let (key, does) = part.split_once(' ').unwrap_or(("", part));
            let key = self.paint(key, &Style::new().cyan());
            format!("{key} {}", self.paint(does, &Style::new().dim()))
        });
        parts.collect::<Vec<_>>().join("   ").trim_start().to_owned()
    }

    /// A heading.
    pub fn heading(&self, text: &str) -> String {
        self.paint(text, &Style::new().bold())
    }

    /// Returns the label of a state, in its color.
    pub fn state(&self, state: State) -> String {
        let style = match state {
            State::Done => Style::new().green(),
            State::ToDo | State::WaitingForPerson => Style::new().yellow(),
            State::Skipped => Style::new().dim(),
            State::Different | State::Blocked | State::Unknown | State::Failed => Style::new().red(),
        };
        self.paint(state.label(), &style)
    }

    /// Applies a style to a text if colors are enabled.
    pub fn paint(&self, text: &str, style: &Style) -> String {
        if self.color {
            style.clone().force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// Prints a line with styles to stderr. The caller has cleaned its content.
    pub fn raw(&self, line: &str) {
        // A change must not stop half-way only because nothing reads stderr any more.
        let _ = to(
            &mut io::stderr().lock(),
            &self.encode(line),
            now(self.talk_width, &Term::stderr()),
        );
    }

    /// Prints a line with styles to stdout. The caller has cleaned its content.
    pub fn raw_result(&self, line: &str) {
        let width = now(self.result_width, &Term::stdout());
        let written = to(&mut io::stdout().lock(), &self.encode(line), width);
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            self.result_lost.store(true, Ordering::Relaxed);
        }
    }

    /// Prints a line to stdout as it is: the terminal breaks it if necessary, and copying it gives the whole line.
    pub fn unwrapped_result(&self, line: &str) {
        self.verbatim(&format!("{}\n", self.encode(&clean(line))));
    }

    /// Does the same with a line that has styles. The caller has cleaned its content.
    pub fn raw_unwrapped_result(&self, line: &str) {
        self.verbatim(&format!("{}\n", self.encode(line)));
    }

    /// Prints a row to stdout whose last column begins at `column`. That column is wrapped if the row does not fit.
    pub fn result_in_columns(&self, line: &str, column: usize) {
        let written = wrapped(&mut io::stdout().lock(), line, self.result_width, Some(column));
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            self.result_lost.store(true, Ordering::Relaxed);
        }
    }

    /// Prints a result unchanged, for programs to read. The caller guarantees that it is safe to print.
    pub fn verbatim(&self, text: &str) {
        let written = io::stdout().lock().write_all(text.as_bytes());
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            self.result_lost.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether writing a result failed, for example because a disk is full.
    pub fn is_result_lost(&self) -> bool {
        self.result_lost.load(Ordering::Relaxed)
    }

    /// Replaces our own symbols if the terminal can only show ASCII. Prompts and spinners need it because they print
    /// themselves.
    pub fn encode(&self, text: &str) -> String {
        if self.ascii { in_ascii(text) } else { text.to_owned() }
    }

    /// Rings the terminal's bell, because a task needs the user's attention.
    pub fn bell(&self) {
        let terminal = Term::stderr();
        if terminal.is_term() && !self.quiet {
            let _ = terminal.write_str("\u{7}");
        }
    }

    /// Returns the line to type for a command.
    pub fn command(&self, command: &SetupCommand) -> String {
        self.invocation.command_line(command)
    }

    /// Returns whether this is a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.invocation.rehearsal.is_some()
    }

    /// Returns whether this is a rehearsal that is not kept.
    pub fn is_temporary_rehearsal(&self) -> bool {
        let rehearsal = self.invocation.rehearsal.as_ref();
        rehearsal.is_some_and(|arguments| !arguments.iter().any(|argument| argument.flag() == "--keep"))
    }

    /// Returns the same screen with `quiet` set.
    #[must_use]
    pub fn quieted(&self) -> Self {
        Self {
            quiet: true,
            ..self.clone()
        }
    }
}

/// Returns the current width, since the terminal may have been resized.
fn now(width: Option<usize>, terminal: &Term) -> Option<usize> {
    let known = width?;
    let now = terminal.size_checked().map(|(_, columns)| usize::from(columns));
    Some(now.filter(|columns| *columns >= 20).unwrap_or(known))
}

/// Writes lines, wrapped between words, with the indentation of the line that they belong to. Words, such as URLs, are not
/// broken.
fn to(stream: &mut dyn Write, text: &str, width: Option<usize>) -> io::Result<()> {
    wrapped(stream, text, width, None)
}

/// Does the same as [`to`], but wrapped lines begin at `column` if the terminal is wide enough.
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
    fn a_name_cannot_control_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[2Jb\rc\u{202e}d\u{e0041}\ne"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd} e"
        );
        assert_eq!(clean_line("\nYou are x\nerror: y"), "\nYou are x error: y");
    }

    #[test]
    fn escaped_json_reads_back_with_the_same_text() {
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
