//! Texts, and choices: short lists with dialoguer, whose prompts block, so they run on a thread of their own; long ones are
//! searched ([`search_list`](super::search_list)).
//!
//! A letter is a part of a text, so that a text accepts the letters of other keys after a colon. A text that is refused stays
//! in the field, to be corrected.

use console::{Style, Term, measure_text_width};
use dialoguer::Select;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};

use super::Interactive;
use super::field::{Field, Label};
use super::keys::{Keys, Press};
use super::list::{List, fitted};
use super::search_list::Picked;
use crate::next_step::SetupCommand;
use crate::text::clean;
use crate::ui::{glossary, text};
use crate::user_error::UserError;
use crate::wizard::{Choice, ListKind, Question, Reply};

/// The last row of an open list.
const OTHER: &str = "type another value";

/// The rows of a list that needs no search.
const SHORT_LIST: usize = 8;

/// The columns that a field should have at least beside its question.
const NARROW: usize = 16;

/// The last row of a short list with help.
const HELP: &str = "? help";

impl Interactive {
    fn theme(&self) -> Box<dyn Theme + Send> {
        if self.screen.color && !self.screen.ascii {
            Box::new(ColorfulTheme::default())
        } else {
            Box::new(SimpleTheme)
        }
    }

    /// Runs a prompt on a thread for blocking work. Ctrl-C ends the run.
    async fn prompt<T: Send + 'static>(
        &self,
        prompt: impl FnOnce(&dyn Theme) -> dialoguer::Result<T> + Send + 'static,
    ) -> Result<T, UserError> {
        let _held = self.screen.log.hold();
        let theme = self.theme();
        match tokio::task::spawn_blocking(move || prompt(theme.as_ref())).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(dialoguer::Error::IO(error))) if error.kind() == std::io::ErrorKind::Interrupted => {
                Err(UserError::interrupted())
            }
            Ok(Err(dialoguer::Error::IO(error))) => Err(UserError::failed(
                format!("The terminal cannot be read: {error}."),
                SetupCommand::again(),
            )),
            Err(_) => Err(UserError::interrupted()),
        }
    }

    /// Writes lines below the line of the cursor, and returns to it.
    pub(super) fn write_below(lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let term = Term::stderr();
        let columns = usize::from(term.size().1).max(20);
        let fit = |line: &String| console::truncate_str(line, columns - 1, "").into_owned();
        let fitting: Vec<String> = lines.iter().map(fit).collect();
        let below = fitting.join("\r\n");
        // The terminal is gone; reading fails next.
        let _ = term.write_str(&format!("\r\n{below}\x1b[{}A\r", lines.len()));
    }

    /// Clears what is below the line of the cursor, and the line itself.
    pub(super) fn clear_below() {
        let _ = Term::stderr().write_str("\r\x1b[J");
    }

    /// Takes a field, what is below it, and the lines above it off the screen. After an interruption, the field stays.
    pub(super) fn close_field(above: usize, was_interrupted: bool) {
        if was_interrupted {
            let _ = Term::stderr().write_str("\r\n\x1b[J");
        } else {
            Self::clear_below();
            super::erase(above);
        }
    }

    /// Prints the question if the terminal is too narrow for it and its field.
    pub(super) fn label(&self, prompt: &str, default: Option<&str>, columns: usize) -> Label {
        let mark = self.screen.paint("?", &Style::new().yellow());
        let asked = self.screen.encode(&clean(prompt));
        let asked = self.screen.paint(&asked, &Style::new().bold());
        let shown = default.map(|default| format!("({}) ", clean(default)));
        let shown = shown.map_or_else(String::new, |default| self.screen.paint(&default, &Style::new().dim()));
        let (question, arrow) = (format!("{mark} {asked} {shown}"), self.screen.encode("›"));
        let label = format!("{question}{arrow} ");
        if measure_text_width(&label) + NARROW <= columns {
            return Label { label, above: 0 };
        }
        // The terminal is gone if this fails; reading fails next.
        drop(Term::stderr().write_str(&format!("{question}\r\n")));
        Label {
            label: format!("{arrow} "),
            above: self.screen.rows_of(&question),
        }
    }

    /// Reads one line, with this text already in the field. `below` is shown below the field. `None` after Esc.
    async fn line(
        &self,
        prompt: &str,
        default: Option<&str>,
        initial: &str,
        below: &[String],
    ) -> Result<Option<String>, UserError> {
        let _held = self.screen.log.hold();
        let term = Term::stderr();
        // The terminal is gone if this fails; reading fails next.
        let write = |text: &str| drop(term.write_str(text));
        let columns = usize::from(term.size().1).max(20);
        let Label { label, above } = self.label(prompt, default, columns);
        let label_width = measure_text_width(&label);
        Self::write_below(below);
        let mut field = Field::new(&clean(initial));
        let keys = Keys::start();
        let ended = loop {
            let (text, cursor) = field.visible(columns - label_width);
            write(&format!("\r{label}{text}\x1b[K\r\x1b[{}C", label_width + cursor));
            match keys.next().await {
                Ok(Press::Enter) => break Ok(Some(field.text())),
                Ok(Press::Escape) => break Ok(None),
                Ok(press) => field.press(press),
                Err(_) => break Err(UserError::interrupted()),
            }
        };
        Self::close_field(above, ended.is_err());
        let line = ended?.map(|line| line.trim().to_owned());
        Ok(line.map(|line| match default {
            Some(default) if line.is_empty() => default.to_owned(),
            _ => line,
        }))
    }

    /// Prints an answered question.
    fn answered(&self, prompt: &str, value: &str) {
        if self.is_editing.get() {
            return;
        }
        let mark = self.screen.paint(&self.screen.encode("✔"), &Style::new().green());
        let value = self.screen.paint(&clean(value), &Style::new().cyan());
        let line = format!("{mark} {} · {value}", clean(prompt));
        self.screen.raw(&line);
        self.ticks.borrow_mut().push(self.screen.rows_of(&line));
    }

    /// Asks for a text until it is valid for the answer, or the user goes elsewhere.
    pub(super) async fn value(&self, question: &Question) -> Result<Reply<String>, UserError> {
        let key = question.key;
        let mut initial = String::new();
        let columns = usize::from(Term::stderr().size().1).max(20);
        let back = if question.can_go_back { "   Esc back" } else { "" };
        let skip = if question.can_skip { "   :s skip" } else { "" };
        let keys = self.hint_lines(&format!("Enter accept   :? help{back}{skip}   :q quit"), columns);
        let mut below = keys.clone();
        // An Enter right after the help was meant to leave it.
        let mut has_helped = false;
        loop {
            // An empty field accepts it, also after a refused text was deleted.
            let default = question.default.as_deref();
            let Some(line) = self.line(&question.prompt, default, &initial, &below).await? else {
                if question.can_go_back {
                    return Ok(Reply::Back);
                }
                self.say_nothing_before();
                continue;
            };
            // After a refused text, the letter comes behind it.
            let typed = line
                .rfind(':')
                .filter(|_| !initial.is_empty())
                .map_or(&line[..], |at| &line[at..]);
            let is_key = [":b", ":back", ":s", ":skip", ":q", ":quit", ":?"].contains(&typed);
            let is_leaving = std::mem::take(&mut has_helped) && default == Some(&line[..]);
            match if is_key { typed } else { &line[..] } {
                line if is_leaving => {
                    let accept = format!("Press Enter again to accept {}.", clean(line));
                    below = self.hint_lines(&accept, columns);
                    below.extend(keys.clone());
                }
                ":b" | ":back" if question.can_go_back => return Ok(Reply::Back),
                ":b" | ":back" => self.say_nothing_before(),
                ":s" | ":skip" => return Ok(Reply::Skip),
                ":q" | ":quit" => return Ok(Reply::Quit),
                "?" | ":?" => {
                    initial.clear();
                    has_helped = true;
                    below = help_lines(question)
                        .into_iter()
                        .flat_map(|line| self.screen.wrapped(&format!("  {}", line.trim_start())))
                        .collect();
                    below.extend(keys.clone());
                }
                line => match key.check(line) {
                    Ok(value) => {
                        self.answered(question.answered_title(), &value);
                        return Ok(Reply::Value(value));
                    }
                    Err(why) => {
                        line.clone_into(&mut initial);
                        let sign = self.screen.paint(&self.screen.encode("✘"), &Style::new().red());
                        let why = crate::text::capitalized(&clean(&why.to_string()));
                        below = self.screen.wrapped(&format!("{sign} {why}."));
                        below.extend(keys.clone());
                    }
                },
            }
        }
    }

    /// Asks for any text, which may be empty.
    pub(super) async fn typed(&self, text: &str) -> Result<String, UserError> {
        Ok(self.line(text, None, "", &[]).await?.unwrap_or_default())
    }

    /// Asks for one of the choices of a question. Esc goes back.
    pub(super) async fn chosen(&self, question: &Question) -> Result<Reply<String>, UserError> {
        // A long list only shows its beginning, so the default comes first.
        let mut choices = question.choices.clone();
        let current = choices
            .iter()
            .position(|choice| Some(&choice.value) == question.default.as_ref());
        if let Some(current) = current {
            let mut choice = choices.remove(current);
            if let Some(source) = &question.default_source {
                // The Region of a rehearsal is not the user's.
                let is_example = self.screen.is_rehearsal();
                let source = if is_example { "the rehearsal's example" } else { source };
                choice.label = format!("{}   {source}", choice.label);
            }
            choices.insert(0, choice);
        }
        let count = choices.len();
        if question.is_open {
            choices.push(Choice::of(OTHER));
        }
        let help = help_lines(question);
        let list = List {
            text: &question.prompt,
            choices: &choices,
            kept: usize::from(question.is_open),
            kind: question.list,
            help: &help,
            can_go_back: question.can_go_back,
        };
        // From the text, going back leads to the list.
        let typed = Question {
            can_go_back: true,
            ..question.clone()
        };
        loop {
            match self.choose(&list).await? {
                Reply::Value(index) if index == count => match self.value(&typed).await? {
                    Reply::Back => {}
                    reply => return Ok(reply),
                },
                Reply::Value(index) => {
                    let value = &choices[index].value;
                    let named = question.choices.iter().find(|choice| choice.value == *value);
                    let label = named.map_or(value, |choice| &choice.label);
                    let words: Vec<&str> = label.split_whitespace().collect();
                    self.answered(question.answered_title(), &words.join(" "));
                    return Ok(Reply::Value(value.clone()));
                }
                Reply::Back => return Ok(Reply::Back),
                Reply::Skip => return Ok(Reply::Skip),
                Reply::Quit => return Ok(Reply::Quit),
            }
        }
    }

    /// Asks for one of the choices and returns its index. Esc goes back, and the help can be read if there is some.
    pub(super) async fn choose(&self, list: &List<'_>) -> Result<Reply<usize>, UserError> {
        loop {
            let picked = if list.kind == ListKind::Searched || list.choices.len() > SHORT_LIST {
                self.search(list).await?
            } else {
                self.select(list).await?
            };
            match picked {
                Picked::Row(index) => return Ok(Reply::Value(index)),
                Picked::Back if list.can_go_back => return Ok(Reply::Back),
                Picked::Back => self.say_nothing_before(),
                Picked::Help => {
                    self.read(list.help).await?;
                    // What was meant to leave the help chooses nothing.
                    self.settle().await;
                }
            }
        }
    }

    /// Asks for a row of a short list, with dialoguer.
    async fn select(&self, list: &List<'_>) -> Result<Picked, UserError> {
        let columns = usize::from(Term::stderr().size().1).max(20);
        let cut = self.screen.encode("…");
        let labels = list.choices.iter().map(|choice| &choice.label[..]);
        let rows: Vec<String> = labels
            .chain((!list.help.is_empty()).then_some(HELP))
            .map(|row| fitted(&self.screen.encode(&clean(row)), columns - 4, &cut))
            .collect();
        // A line that is broken is not redrawn in place.
        let short = list.text.split(" (").next().unwrap_or(list.text);
        let text = if list.text.chars().count() + 8 > columns {
            short
        } else {
            list.text
        };
        let text = self.screen.encode(&clean(text));
        let back = if list.can_go_back { "   Esc back" } else { "" };
        let hints = self.hint_lines(&format!("↑ ↓ choose   Enter accept{back}   Ctrl-C quit"), columns);
        for hint in &hints {
            self.screen.raw(hint);
        }
        let count = list.choices.len();
        let chosen = self
            .prompt(move |theme| {
                Select::with_theme(theme)
                    .with_prompt(text)
                    .items(&rows)
                    .default(0)
                    .report(false)
                    .interact_on_opt(&Term::stderr())
            })
            .await?;
        super::erase(hints.len());
        Ok(match chosen {
            Some(index) if index == count => Picked::Help,
            Some(index) => Picked::Row(index),
            None => Picked::Back,
        })
    }

    /// Says that there is nothing to go back to.
    pub(super) fn say_nothing_before(&self) {
        self.screen.warn(&format!("  {}", text::NOTHING_BEFORE));
    }

    /// The keys below a question, dimmed, on as many lines as they need.
    pub(super) fn hint_lines(&self, keys: &str, columns: usize) -> Vec<String> {
        let lines = super::between_keys(keys, columns);
        lines
            .iter()
            .map(|line| format!("  {}", self.screen.keys(line)))
            .collect()
    }
}

/// What an answer is for, its flag, and the terms that explain it, unless the question has its own help.
fn help_lines(question: &Question) -> Vec<String> {
    if !question.help.is_empty() {
        return question.help.clone();
    }
    let key = question.key;
    let flag = format!("Flag {}, variable {}.", key.flag(), key.variable());
    let lines = [key.help().to_owned(), flag];
    lines.into_iter().chain(glossary::lines_of(key)).collect()
}
