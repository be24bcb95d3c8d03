//! Prompts: a text, a list, or one key. They block, so they run on a thread of their own.
//!
//! The text input of dialoguer ignores Esc, so texts accept `?`, `:back`, `:skip` and `:quit`. Lists accept Esc and have
//! rows for the same actions. Prompts that take one key use letters.

use console::{Key as Pressed, Term};
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{FuzzySelect, Input, Select};

use super::super::terminal::discard_type_ahead;
use super::Interactive;
use crate::answers::Key;
use crate::next_step::SetupCommand;
use crate::text::clean;
use crate::user_error::UserError;
use crate::wizard::{Choice, Question, Reply};

/// The last rows of a list, which are not choices.
const OTHER: &str = "type another value";
const BACK: &str = "← back";
const SKIP: &str = "skip this step";
const QUIT: &str = "quit (progress is saved)";

/// The maximum length of a simple list. Longer lists are searched by typing.
const SHORT: usize = 12;

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
        let work = move || {
            discard_type_ahead();
            prompt(theme.as_ref())
        };
        match tokio::task::spawn_blocking(work).await {
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

    /// Asks for a text until it is valid for the answer, or the user goes elsewhere.
    pub(super) async fn value(&self, key: Key, text: &str, default: Option<&str>) -> Result<Reply<String>, UserError> {
        loop {
            let (text, default) = (self.screen.encode(&clean(text)), default.map(clean));
            let line: String = self
                .prompt(move |theme| {
                    let mut input =
                        Input::<String>::with_theme(theme)
                            .with_prompt(text)
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

    /// Asks for any text, which may be empty.
    pub(super) async fn typed(&self, text: &str) -> Result<String, UserError> {
        let text = self.screen.encode(&clean(text));
        let ask = move |theme: &dyn Theme| {
            let input = Input::<String>::with_theme(theme).with_prompt(text).allow_empty(true);
            input.interact_text()
        };
        Ok(self.prompt(ask).await?.trim().to_owned())
    }

    /// Asks for one of the choices of a question. Esc goes back.
    pub(super) async fn chosen(&self, question: &Question) -> Result<Reply<String>, UserError> {
        // A long list only shows its beginning, so the default comes first.
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

    /// Asks for a row of a list and returns its index.
    pub(super) async fn choose(&self, text: &str, rows: Vec<String>, start: usize) -> Result<Reply<usize>, UserError> {
        let count = rows.len();
        let actions = [BACK, SKIP, QUIT].map(str::to_owned);
        let encode = |row: String| self.screen.encode(&clean(&row));
        let rows: Vec<String> = rows.into_iter().chain(actions).map(encode).collect();
        let text = self.screen.encode(&clean(text));
        let chosen = self
            .prompt(move |theme| {
                let term = Term::stderr();
                if count > SHORT {
                    let list = FuzzySelect::with_theme(theme)
                        .with_prompt(text)
                        .items(&rows)
                        .default(start)
                        .max_length(SHORT);
                    list.interact_on_opt(&term)
                } else {
                    let list = Select::with_theme(theme).with_prompt(text).items(&rows).default(start);
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

    /// Waits for one key. Returns a letter in lower case, Enter as `\r`, and Esc as `b`.
    pub(super) async fn press(&self, text: &str) -> Result<char, UserError> {
        let text = self.screen.encode(text);
        let pressed = self.prompt(move |_| {
            let term = Term::stderr();
            term.write_str(&format!("{text} "))?;
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
            // The next message must not be on the line of the prompt.
            self.pressed("");
        }
        pressed
    }

    /// Ends the line of a prompt with the meaning of the pressed key.
    pub(super) fn pressed(&self, meaning: &str) {
        self.screen.warn(meaning);
    }
}
