//! The flags for answers, one for each key.

use clap::{Arg, ArgAction, ArgMatches, Args, Command as ClapCommand, FromArgMatches};

use crate::answers::{KEYS, Key};

/// The answer flags that the user gave, in the order of the checklist.
#[derive(Debug, Clone, Default)]
pub struct AnswerFlags {
    /// The key and the value as the user typed it.
    pub typed: Vec<(Key, String)>,
}

impl AnswerFlags {
    /// Returns whether `--policy` was given without a value.
    pub fn is_policy_requested(&self) -> bool {
        self.typed
            .iter()
            .any(|(key, text)| *key == Key::Policy && text.is_empty())
    }

    fn arg(key: Key) -> Arg {
        let default = key
            .default_text()
            .map_or_else(String::new, |default| format!(" [default: {default}]"));
        let arg = Arg::new(key.name())
            .long(key.name())
            .global(true)
            .help(format!("{}{default}", key.title()))
            .long_help(format!(
                "{}{default} [env: {}]",
                key.help().replace('`', ""),
                key.variable()
            ));
        if key == Key::NoGroup {
            arg.action(ArgAction::SetTrue)
        } else if key == Key::Policy {
            // `doctor --policy` takes no value. For the other commands, an empty value is refused like any invalid one.
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
