//! Mistakes in what the user gave: in flags, variables and the answers file. All of them are reported together.

use crate::next_step::{Argument, NextStep, SetupCommand};
use crate::text::clean;
use crate::user_error::UserError;

/// The first line of an error with several mistakes.
const HEADING: &str = "Several values are not valid:\n";

/// Returns whether a message is a list of mistakes. Each of its lines is already clean.
pub fn is_list(message: &str) -> bool {
    message.starts_with(HEADING)
}

/// How to correct a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Correction {
    /// Give the flag another value.
    Flag(String, &'static str),
    /// Give these arguments instead.
    Arguments(Vec<Argument>),
    /// Leave out the flag.
    Without(String),
    /// Do this first.
    First(String),
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<(String, Correction)>);

impl Mistakes {
    /// Adds a mistake, in one sentence.
    pub fn add(&mut self, sentence: String, correction: Correction) {
        self.0.push((sentence, correction));
    }

    /// Returns the value, or adds the mistake.
    pub fn checked<T>(&mut self, value: Result<T, String>, correction: Correction) -> Option<T> {
        value.map_err(|sentence| self.add(sentence, correction)).ok()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns one error with all mistakes.
    ///
    /// # Errors
    /// If there are any.
    pub fn refuse(self) -> Result<(), UserError> {
        let message = match self.0.as_slice() {
            [] => return Ok(()),
            [(sentence, _)] => sentence.clone(),
            // A value with line breaks must not look like a line of this program.
            several => {
                let lines = several.iter().map(|(sentence, _)| format!("  {}", clean(sentence)));
                format!("{HEADING}{}", lines.collect::<Vec<_>>().join("\n"))
            }
        };
        Err(UserError::usage(message, self.next()))
    }

    /// The same command, with all corrections.
    fn next(&self) -> NextStep {
        let mut first: Vec<&str> = Vec::new();
        let mut arguments: Vec<Argument> = Vec::new();
        let mut command = SetupCommand::again();
        for (_, correction) in &self.0 {
            match correction {
                Correction::Flag(flag, name) => {
                    let argument = Argument::Placeholder(flag.clone(), name);
                    if !arguments.contains(&argument) {
                        arguments.push(argument);
                    }
                }
                Correction::Arguments(others) => arguments.extend(others.iter().cloned()),
                Correction::Without(flag) => command = command.without(flag),
                Correction::First(what) if first.contains(&what.as_str()) => {}
                Correction::First(what) => first.push(what),
            }
        }
        let command = command.arguments(arguments);
        if first.is_empty() {
            command.into()
        } else {
            command.after(first.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_step::Invocation;

    fn next(error: &UserError) -> String {
        let invocation = Invocation::default();
        error.next.iter().map(|next| invocation.next_step(next)).collect()
    }

    #[test]
    fn one_mistake_is_its_own_sentence() {
        assert_eq!(Mistakes::default().refuse(), Ok(()));
        let mut mistakes = Mistakes::default();
        mistakes.add(
            "--email: no.".to_owned(),
            Correction::Flag("--email".to_owned(), "VALUE"),
        );
        let error = mistakes.refuse().unwrap_err();
        assert_eq!(error.message, "--email: no.");
        assert!(!is_list(&error.message));
        assert_eq!(next(&error), "idc-setup --email VALUE");
    }

    #[test]
    fn several_mistakes_have_one_line_each_and_one_command() {
        let mut mistakes = Mistakes::default();
        let flag = |flag: &str| Correction::Flag(flag.to_owned(), "STEP");
        mistakes.add("--only: a\nerror: \u{1b}[2Jb.".to_owned(), flag("--only"));
        mistakes.add("--only: c.".to_owned(), flag("--only"));
        mistakes.add("X: d.".to_owned(), Correction::First("correct or unset X".to_owned()));
        mistakes.add("Y: e.".to_owned(), Correction::First("correct idc.toml".to_owned()));
        mistakes.add("Y: f.".to_owned(), Correction::First("correct idc.toml".to_owned()));
        let error = mistakes.refuse().unwrap_err();
        assert!(is_list(&error.message));
        let lines: Vec<&str> = error.message.lines().collect();
        assert_eq!(lines.len(), 6, "{lines:?}");
        assert_eq!(lines[1], "  --only: a error: \u{fffd}[2Jb.");
        assert_eq!(
            next(&error),
            "correct or unset X; correct idc.toml, then: idc-setup --only STEP"
        );
    }
}
