//! A flag for each answer.

use clap::{Arg, ArgAction, ArgMatches, Args, Command as ClapCommand, FromArgMatches};

use crate::answers::{KEYS, Key};

/// The flag of each answer that was typed, in the order of the checklist.
#[derive(Debug, Clone, Default)]
pub struct AnswerFlags {
    /// Key and text.
    pub typed: Vec<(Key, String)>,
}

impl AnswerFlags {
    /// Whether `--policy` was given without a value.
    pub fn is_policy_asked_for(&self) -> bool {
        self.typed
            .iter()
            .any(|(key, text)| *key == Key::Policy && text.is_empty())
    }

    fn arg(key: Key) -> Arg {
        let arg = Arg::new(key.name())
            .long(key.name())
            .global(true)
            .help(format!(
                "{}{} [env: {}]",
                key.help().replace('`', ""),
                key.default_words()
                    .map_or_else(String::new, |words| format!(" [default: {words}]")),
                key.variable()
            ))
            .help_heading("Answers");
        if key == Key::NoGroup {
            arg.action(ArgAction::SetTrue)
        } else if key == Key::Policy {
            // `doctor --policy` has no value; elsewhere an empty one is refused like any other that is wrong.
            arg.value_name("VALUE").num_args(0..=1).default_missing_value("")
        } else {
            arg.value_name("VALUE")
        }
    }
}

impl FromArgMatches for AnswerFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for key in KEYS {
            if key == Key::NoGroup {
                if matches.get_flag(key.name()) {
                    self.typed.push((key, "true".to_owned()));
                }
            } else if let Some(value) = matches.get_one::<String>(key.name()) {
                self.typed.push((key, value.clone()));
            }
        }
        Ok(())
    }
}

impl Args for AnswerFlags {
    fn augment_args(command: ClapCommand) -> ClapCommand {
        command.args(KEYS.map(Self::arg))
    }

    fn augment_args_for_update(command: ClapCommand) -> ClapCommand {
        Self::augment_args(command)
    }
}
