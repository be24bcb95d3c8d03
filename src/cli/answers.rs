//! The flags for answers, one for each key.

use clap::{Arg, ArgAction, ArgMatches, Args, Command as ClapCommand, FromArgMatches};

use crate::answers::{KEYS, Key};

/// The answer flags that the user gave, in the order of the checklist.
#[derive(Debug, Clone, Default)]
pub struct AnswerFlags {
    /// The key and the value as the user typed it.
    pub typed: Vec<(Key, String)>,
    /// The values of `--answer`, as the user typed them.
    pub pairs: Vec<String>,
}

impl AnswerFlags {
    /// Returns whether `--policy` was given without a value.
    pub fn is_policy_requested(&self) -> bool {
        self.typed
            .iter()
            .any(|(key, text)| *key == Key::Policy && text.is_empty())
    }

    /// Returns whether a flag gives this answer: its own one, or `--answer`.
    pub fn gives(&self, key: Key) -> bool {
        let is_given = self.typed.iter().any(|(typed, _)| *typed == key);
        let mut names = self.pairs.iter().filter_map(|pair| pair.split_once('='));
        is_given || names.any(|(name, _)| name == key.name())
    }

    /// The flag that gives any answer by its key.
    fn pair() -> Arg {
        let help = "Any answer, by its key in the answers file (repeatable)";
        Arg::new("answer")
            .long("answer")
            .global(true)
            .action(ArgAction::Append)
            .value_name("KEY=VALUE")
            .help(help)
            .long_help(format!(
                "{help}, such as email=ada@example.com. The same as the flag of the key"
            ))
    }

    /// Returns what follows `--policy`, if something does. For `access plan`, whose `--policy` takes no value, it is the file.
    pub fn after_policy(&self) -> Option<&str> {
        let policy = self.typed.iter().rfind(|(key, _)| *key == Key::Policy);
        policy.map(|(_, text)| text.as_str()).filter(|text| !text.is_empty())
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
        if let Some(pairs) = matches.get_many::<String>("answer") {
            self.pairs = pairs.cloned().collect();
        }
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
        command.arg(Self::pair()).args(KEYS.map(Self::arg))
    }

    fn augment_args_for_update(command: ClapCommand) -> ClapCommand {
        Self::augment_args(command)
    }
}
