//! A command line of `rehearse` whose command has words and flags of its own: `rehearse access plan --prune --keep DIR`.

use std::ffi::OsString;

use clap::{Arg, CommandFactory as _, ValueEnum as _};

use super::{Cli, Rehearsed};
use crate::next_step::{NextCommand, NextStep};
use crate::user_error::UserError;

/// The two command lines in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RehearsedLine {
    /// The name of the program, and the first words: `idc-setup rehearse access`.
    words: Vec<OsString>,
    /// The flags of the rehearsal: `--keep DIR`.
    flags: Vec<OsString>,
    /// The command line of the rehearsed command: `idc-setup access plan --prune`.
    pub command: Vec<OsString>,
}

impl RehearsedLine {
    /// Takes a command line apart. `None` if it rehearses no command with a command line of its own.
    pub fn of(line: &[OsString]) -> Option<Self> {
        let parser = Cli::command();
        let rehearse = parser.find_subcommand("rehearse")?;
        let (program, arguments) = line.split_first()?;
        let mut lines = Self {
            words: vec![program.clone()],
            flags: Vec::new(),
            command: vec![program.clone()],
        };
        let mut words = 0;
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy();
            if text == "--" {
                lines.command.push(argument.clone());
                lines.command.extend(arguments.by_ref().cloned());
            } else if let Some(flag) = text.strip_prefix("--") {
                let name = flag.split('=').next().unwrap_or_default();
                let own = flag_named(rehearse, name);
                let line = match own {
                    Some(_) => &mut lines.flags,
                    None => &mut lines.command,
                };
                line.push(argument.clone());
                let takes_next = own.or_else(|| flag_named(&parser, name)).is_some_and(needs_value);
                if takes_next && !flag.contains('=') {
                    line.extend(arguments.next().cloned());
                }
            } else if text.starts_with('-') {
                lines.command.push(argument.clone());
            } else {
                words += 1;
                match words {
                    1 if text == "rehearse" => lines.words.push(argument.clone()),
                    1 => return None,
                    2 => {
                        let is_command = parser.find_subcommand(&*text).is_some();
                        let what = Rehearsed::from_str(&text, false).ok();
                        // A word that is no command is taken for a mistyped one, with a command line of its own.
                        if what.map_or(is_command, |what| !what.has_line()) {
                            return None;
                        }
                        lines.words.push(argument.clone());
                        lines.command.push(argument.clone());
                    }
                    _ => lines.command.push(argument.clone()),
                }
            }
        }
        (words > 1).then_some(lines)
    }

    /// The command line of the rehearsal: `idc-setup rehearse access --keep DIR`.
    pub fn rehearsal(&self) -> Vec<OsString> {
        self.words.iter().chain(&self.flags).cloned().collect()
    }

    /// The error of the rehearsed command line, with suggestions that stay in the rehearsal.
    pub fn in_rehearsal(&self, error: UserError) -> UserError {
        let next: Vec<NextStep> = error.next.iter().map(|next| self.rehearsed(next)).collect();
        UserError {
            next: next.into(),
            ..error
        }
    }

    /// A suggestion in this rehearsal, if its command can be rehearsed. The help is the same everywhere.
    fn rehearsed(&self, next: &NextStep) -> NextStep {
        let mut next = next.clone();
        if let Some(NextCommand::Other(words)) = &mut next.command
            && words.first().is_some_and(|program| program == "idc-setup")
            && words.last().is_some_and(|last| last != "--help")
            && words.iter().any(|word| Rehearsed::from_str(word, false).is_ok())
        {
            words.insert(1, "rehearse".to_owned());
            // What follows `--` is no flag.
            let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
            let flags = self.flags.iter().map(|flag| flag.to_string_lossy().into_owned());
            words.splice(end..end, flags);
        }
        next
    }
}

/// The flag with this name, of the command or of one of its commands.
fn flag_named<'a>(command: &'a clap::Command, name: &str) -> Option<&'a Arg> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(name));
    own.or_else(|| command.get_subcommands().find_map(|inner| flag_named(inner, name)))
}

/// Whether the next argument is the value of the flag. After `--policy`, it need not be.
fn needs_value(flag: &Arg) -> bool {
    let is_optional = flag.get_num_args().is_some_and(|count| count.min_values() == 0);
    flag.get_action().takes_values() && !is_optional
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two lines without the name of the program.
    fn split(line: &str) -> Option<(String, String)> {
        let words: Vec<OsString> = ["idc-setup"]
            .into_iter()
            .chain(line.split(' '))
            .map(OsString::from)
            .collect();
        let text = |words: &[OsString]| {
            let words: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
            words.join(" ")
        };
        RehearsedLine::of(&words).map(|lines| (text(&lines.rehearsal()), text(&lines.command)))
    }

    #[test]
    fn the_flags_of_rehearse_are_taken_out_wherever_they_are() {
        for (line, rehearsal, command) in [
            ("rehearse access plan", "rehearse access", "access plan"),
            (
                "rehearse --keep kept access plan --prune --world=team mine.toml -v",
                "rehearse access --keep kept --world=team",
                "access plan --prune mine.toml -v",
            ),
            (
                "rehearse access explain --file mine.toml --keep kept ada",
                "rehearse access --keep kept",
                "access explain --file mine.toml ada",
            ),
            (
                "--output json rehearse export access --name x --quota aws",
                "rehearse export --quota aws",
                "--output json export access --name x",
            ),
            (
                "rehearse access plan --policy --keep kept mine.toml",
                "rehearse access --keep kept",
                "access plan --policy mine.toml",
            ),
            (
                "rehearse access remove -- --keep",
                "rehearse access",
                "access remove -- --keep",
            ),
            ("rehearse next --keep=kept", "rehearse next --keep=kept", "next"),
            ("rehearse acces plan", "rehearse acces", "acces plan"),
        ] {
            assert_eq!(split(line), Some((rehearsal.to_owned(), command.to_owned())), "{line}");
        }
    }

    #[test]
    fn other_lines_are_not_taken_apart() {
        for line in [
            "access plan",
            "rehearse",
            "rehearse status --keep kept",
            "rehearse --keep access",
            "rehearse man pages",
            "help rehearse",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
