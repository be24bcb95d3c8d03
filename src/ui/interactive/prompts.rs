//! Prompts: a text, a list, one key. They block, so they run beside the runtime.
//!
//! dialoguer's text input ignores Esc, so texts take `?`, `:back`, `:skip` and `:quit`; lists take Esc and have rows for
//! the same; where one key answers, letters do.

use console::{Key as Pressed, Term};
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{FuzzySelect, Input, Select};

use super::super::screen::clean;
use super::super::terminal::forget_typed_ahead;
use super::Interactive;
use crate::answers::Key;
use crate::checklist::{Choice, Question, Reply, UserError};

/// The row of a list that leads elsewhere.
const OTHER: &str = "another one: type it";
const BACK: &str = "← back";
const SKIP: &str = "skip this step";
const QUIT: &str = "quit (progress is kept)";

/// Lists that are longer are searched by typing.
const SHORT: usize = 12;

impl Interactive {
    fn theme(&self) -> Box<dyn Theme + Send> {
        if self.screen.colour && !self.screen.ascii {
            Box::new(ColorfulTheme::default())
        } else {
            Box::new(SimpleTheme)
        }
    }

    /// Runs a prompt beside the runtime. Ctrl-C in it ends the run.
    async fn prompt<T: Send + 'static>(
        &self,
        prompt: impl FnOnce(&dyn Theme) -> dialoguer::Result<T> + Send + 'static,
    ) -> Result<T, UserError> {
        let theme = self.theme();
        let asked = move || {
            forget_typed_ahead();
            prompt(theme.as_ref())
        };
        match tokio::task::spawn_blocking(asked).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(dialoguer::Error::IO(error))) if error.kind() == std::io::ErrorKind::Interrupted => {
                Err(UserError::interrupted())
            }
            Ok(Err(dialoguer::Error::IO(error))) => Err(UserError::failed(
                format!("The terminal cannot be read: {error}."),
                "idc-setup run",
            )),
            Err(_) => Err(UserError::interrupted()),
        }
    }

    /// A text that passes the answer's rules, or a way to go.
    pub(super) async fn value(&self, key: Key, words: &str, default: Option<&str>) -> Result<Reply<String>, UserError> {
        loop {
            let (words, default) = (self.screen.spell(&clean(words)), default.map(clean));
            let line: String = self
                .prompt(move |theme| {
                    let mut input =
                        Input::<String>::with_theme(theme)
                            .with_prompt(words)
                            .validate_with(move |line: &String| match line.trim() {
                                "?" | ":back" | ":skip" | ":quit" => Ok(()),
                                line => key.check(line).map(|_| ()),
                            });
                    if let Some(default) = default {
                        input = input.default(default);
                    }
                    input.interact_text()
                })
                .await?;
            match line.trim() {
                "?" => self.help(key),
                ":back" => return Ok(Reply::Back),
                ":skip" => return Ok(Reply::Skip),
                ":quit" => return Ok(Reply::Quit),
                line => {
                    if let Ok(value) = key.check(line) {
                        return Ok(Reply::Value(value));
                    }
                }
            }
        }
    }

    /// Any text, an empty one too.
    pub(super) async fn typed(&self, words: &str) -> Result<String, UserError> {
        let words = self.screen.spell(&clean(words));
        let ask = move |theme: &dyn Theme| {
            let input = Input::<String>::with_theme(theme).with_prompt(words).allow_empty(true);
            input.interact_text()
        };
        Ok(self.prompt(ask).await?.trim().to_owned())
    }

    /// One of a question's choices; Esc goes back.
    pub(super) async fn chosen(&self, question: &Question) -> Result<Reply<String>, UserError> {
        // The one that counts now comes first: a list shows its beginning.
        let mut choices: Vec<&Choice> = question.choices.iter().collect();
        let current = choices
            .iter()
            .position(|choice| Some(&choice.value) == question.default.as_ref());
        if let Some(current) = current.filter(|_| choices.len() > SHORT) {
            let choice = choices.remove(current);
            choices.insert(0, choice);
        }
        let start = current.filter(|_| choices.len() <= SHORT).unwrap_or(0);
        let mut rows: Vec<String> = choices.iter().map(|choice| choice.label.clone()).collect();
        let count = rows.len();
        if question.is_open {
            rows.push(OTHER.to_owned());
        }
        match self.choose(&question.prompt, rows, start).await? {
            Reply::Value(index) if index == count => {
                self.value(question.key, &question.prompt, question.default.as_deref())
                    .await
            }
            Reply::Value(index) => Ok(Reply::Value(choices[index].value.clone())),
            Reply::Back => Ok(Reply::Back),
            Reply::Skip => Ok(Reply::Skip),
            Reply::Quit => Ok(Reply::Quit),
        }
    }

    /// A row of a list, by its number.
    pub(super) async fn choose(&self, words: &str, rows: Vec<String>, start: usize) -> Result<Reply<usize>, UserError> {
        let count = rows.len();
        let ways = [BACK, SKIP, QUIT].map(str::to_owned);
        let spell = |row: String| self.screen.spell(&clean(&row));
        let rows: Vec<String> = rows.into_iter().chain(ways).map(spell).collect();
        let words = self.screen.spell(&clean(words));
        let chosen = self
            .prompt(move |theme| {
                let term = Term::stderr();
                if count > SHORT {
                    let list = FuzzySelect::with_theme(theme)
                        .with_prompt(words)
                        .items(&rows)
                        .default(start)
                        .max_length(SHORT);
                    list.interact_on_opt(&term)
                } else {
                    let list = Select::with_theme(theme).with_prompt(words).items(&rows).default(start);
                    list.interact_on_opt(&term)
                }
            })
            .await?;
        Ok(match chosen {
            Some(index) if index < count => Reply::Value(index),
            Some(index) if index == count + 1 => Reply::Skip,
            Some(index) if index == count + 2 => Reply::Quit,
            _ => Reply::Back,
        })
    }

    /// One key: a letter in lower case, Enter as `\r`, Esc as `b`.
    pub(super) async fn press(&self, words: &str) -> Result<char, UserError> {
        let words = self.screen.spell(words);
        let pressed = self.prompt(move |_| {
            let term = Term::stderr();
            term.write_str(&format!("{words} "))?;
            let pressed = loop {
                match term.read_key()? {
                    Pressed::Char(letter) => break letter.to_ascii_lowercase(),
                    Pressed::Enter => break '\r',
                    Pressed::Escape => break 'b',
                    _ => {}
                }
            };
            Ok(pressed)
        });
        let pressed = pressed.await;
        if pressed.is_err() {
            // What is said next is not to stand on the prompt's line.
            self.pressed("");
        }
        pressed
    }

    /// Ends the line of a prompt that one key has answered, with what it meant.
    pub(super) fn pressed(&self, meaning: &str) {
        self.screen.warn(meaning);
    }
}
