//! Texts, and lists with dialoguer. Its prompts block, so they run on a thread of their own.
//!
//! A letter is a part of a text, so that a text accepts the letters of other keys after a colon. A text that is refused stays
//! in the field, to be corrected.

use console::{Style, Term, measure_text_width};
use dialoguer::FuzzySelect;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};

use super::Interactive;
use super::field::Field;
use super::keys::{Keys, Press};
use crate::answers::Key;
use crate::next_step::SetupCommand;
use crate::text::clean;
use crate::ui::glossary;
use crate::user_error::UserError;
use crate::wizard::{Choice, Question, Reply};

/// The last row of an open list.
const OTHER: &str = "type another value";

/// The rows of a list that are shown at once, so that it fits on a small screen.
const ROWS: usize = 8;

/// The columns that a field should have at least beside its question.
const NARROW: usize = 16;

/// The keys of a text.
const TEXT_KEYS: &str = "Enter accept   :? help   Esc back   :q quit";
/// The keys of a text whose step can be skipped.
const TEXT_KEYS_WITH_SKIP: &str = "Enter accept   :? help   Esc back   :s skip   :q quit";
/// The keys of a list.
const LIST_KEYS: &str = "type to filter   ↑ ↓ choose   Enter accept   Esc back   Ctrl-C quit";
/// The keys of a list with help.
const LIST_KEYS_WITH_HELP: &str = "type to filter   Enter accept   ?+Enter help   Esc back   Ctrl-C quit";
/// The row of a list that shows the help. The list filters by what is typed, so that `?` leaves only this row.
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
    fn write_below(lines: &[String]) {
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
    fn clear_below() {
        let _ = Term::stderr().write_str("\r\x1b[J");
    }

    fn hint(&self, keys: &str) -> String {
        format!("  {}", self.screen.keys(keys))
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
        let mark = self.screen.paint("?", &Style::new().yellow());
        let asked = self
            .screen
            .paint(&self.screen.encode(&clean(prompt)), &Style::new().bold());
        let shown = default.map(|default| format!("({}) ", clean(default)));
        let shown = shown.map_or_else(String::new, |default| self.screen.paint(&default, &Style::new().dim()));
        let arrow = self.screen.encode("›");
        let mut label = format!("{mark} {asked} {shown}{arrow} ");
        // On a narrow screen, the field has a line of its own.
        let mut above = 0;
        if measure_text_width(&label) + NARROW > columns {
            let question = format!("{mark} {asked} {shown}");
            write(&format!("{question}\r\n"));
            above = self.screen.rows_of(&question);
            label = format!("{arrow} ");
        }
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
        if ended.is_err() {
            write("\r\n\x1b[J");
        } else {
            Self::clear_below();
            super::erase(above);
        }
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
        let keys = self.hint(if question.can_skip {
            TEXT_KEYS_WITH_SKIP
        } else {
            TEXT_KEYS
        });
        let mut below = vec![keys.clone()];
        // An Enter right after the help was meant to leave it.
        let mut has_helped = false;
        loop {
            let default = question.default.as_deref().filter(|_| initial.is_empty());
            let Some(line) = self.line(&question.prompt, default, &initial, &below).await? else {
                return Ok(Reply::Back);
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
                    below = vec![
                        self.hint(&format!("Press Enter again to accept {}.", clean(line))),
                        keys.clone(),
                    ];
                }
                ":b" | ":back" => return Ok(Reply::Back),
                ":s" | ":skip" => return Ok(Reply::Skip),
                ":q" | ":quit" => return Ok(Reply::Quit),
                "?" | ":?" => {
                    initial.clear();
                    has_helped = true;
                    below = help_lines(key)
                        .into_iter()
                        .flat_map(|line| self.screen.wrapped(&format!("  {}", line.trim_start())))
                        .collect();
                    below.push(keys.clone());
                }
                line => match key.check(line) {
                    Ok(value) => {
                        self.answered(question.key.title(), &value);
                        return Ok(Reply::Value(value));
                    }
                    Err(why) => {
                        line.clone_into(&mut initial);
                        let sign = self.screen.paint(&self.screen.encode("✘"), &Style::new().red());
                        let why = crate::text::capitalized(&clean(&why.to_string()));
                        below = vec![format!("{sign} {why}."), keys.clone()];
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
        let mut choices: Vec<&Choice> = question.choices.iter().collect();
        let current = choices
            .iter()
            .position(|choice| Some(&choice.value) == question.default.as_ref());
        if let Some(current) = current {
            let choice = choices.remove(current);
            choices.insert(0, choice);
        }
        let source = question.default_source.as_ref().filter(|_| current.is_some());
        // The Region of a rehearsal is not the user's.
        let example = "an example".to_owned();
        let source = source.map(|source| if self.screen.is_rehearsal() { &example } else { source });
        let label = |(index, choice): (usize, &&Choice)| match source {
            Some(source) if index == 0 => format!("{}   {source}", choice.label),
            _ => choice.label.clone(),
        };
        let mut rows: Vec<String> = choices.iter().enumerate().map(label).collect();
        let count = rows.len();
        if question.is_open {
            rows.push(OTHER.to_owned());
        }
        let help = help_lines(question.key);
        let chosen = self.choose(&question.prompt, rows, &help).await?;
        match chosen {
            Reply::Value(index) if index == count => self.value(question).await,
            Reply::Value(index) => {
                let words: Vec<&str> = choices[index].label.split_whitespace().collect();
                self.answered(question.key.title(), &words.join(" "));
                Ok(Reply::Value(choices[index].value.clone()))
            }
            Reply::Back => Ok(Reply::Back),
            Reply::Skip => Ok(Reply::Skip),
            Reply::Quit => Ok(Reply::Quit),
        }
    }

    /// Asks for a row of a list and returns its index. Esc goes back, and `?` shows the help, if there is some.
    pub(super) async fn choose(
        &self,
        text: &str,
        rows: Vec<String>,
        help: &[String],
    ) -> Result<Reply<usize>, UserError> {
        let count = rows.len();
        let mut all = rows;
        if !help.is_empty() {
            all.push(HELP.to_owned());
        }
        loop {
            match self.row(text, all.clone(), !help.is_empty()).await? {
                Some(index) if index == count => {
                    self.read(help).await?;
                    // What was meant to leave the help chooses nothing.
                    self.settle().await;
                }
                chosen => return Ok(chosen.map_or(Reply::Back, Reply::Value)),
            }
        }
    }

    /// Asks for a row of a list and returns its index, or `None` after Esc.
    async fn row(&self, text: &str, rows: Vec<String>, has_help: bool) -> Result<Option<usize>, UserError> {
        let columns = usize::from(Term::stderr().size().1).max(20);
        let encode = |row: String| {
            let row = self.screen.encode(&clean(&row));
            console::truncate_str(&row, columns - 4, "").trim_end().to_owned()
        };
        let rows: Vec<String> = rows.into_iter().map(encode).collect();
        // Room for what is typed: a line that is broken is not redrawn in place.
        let short = text.split(" (").next().unwrap_or(text);
        let text = if text.chars().count() + 24 > columns {
            short
        } else {
            text
        };
        let text = self.screen.encode(&clean(text));
        let hint = self.hint(if has_help { LIST_KEYS_WITH_HELP } else { LIST_KEYS });
        self.screen.raw(&hint);
        let chosen = self
            .prompt(move |theme| {
                FuzzySelect::with_theme(theme)
                    .with_prompt(text)
                    .items(&rows)
                    .default(0)
                    .max_length(ROWS)
                    .report(false)
                    .interact_on_opt(&Term::stderr())
            })
            .await?;
        super::erase(self.screen.rows_of(&hint));
        Ok(chosen)
    }
}

/// What an answer is for, its flag, and the terms that explain it.
fn help_lines(key: Key) -> Vec<String> {
    let flag = format!("Flag {}, variable {}.", key.flag(), key.variable());
    let lines = [key.help().to_owned(), flag];
    lines.into_iter().chain(glossary::lines_of(key)).collect()
}
