//! A command line of `rehearse` whose command has words and flags of its own: `rehearse access plan --prune --keep DIR`.

use std::ffi::OsString;

use clap::{Arg, CommandFactory as _, ValueEnum as _};

use super::{Cli, Rehearsed};

/// The two command lines in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RehearsedLine {
    /// That of the rehearsal: `idc-setup rehearse access --keep DIR`.
    pub rehearsal: Vec<OsString>,
    /// That of the rehearsed command: `idc-setup access plan --prune`.
    pub command: Vec<OsString>,
}

impl RehearsedLine {
    /// Takes a command line apart. `None` if it rehearses no command with a command line of its own.
    pub fn of(line: &[OsString]) -> Option<Self> {
        let parser = Cli::command();
        let rehearse = parser.find_subcommand("rehearse")?;
        let (program, arguments) = line.split_first()?;
        let mut lines = Self {
            rehearsal: vec![program.clone()],
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
                    Some(_) => &mut lines.rehearsal,
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
                    1 if text == "rehearse" => lines.rehearsal.push(argument.clone()),
                    1 => return None,
                    2 => {
                        Rehearsed::from_str(&text, false).ok().filter(|what| what.has_line())?;
                        lines.rehearsal.push(argument.clone());
                        lines.command.push(argument.clone());
                    }
                    _ => lines.command.push(argument.clone()),
                }
            }
        }
        (words > 1).then_some(lines)
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
        RehearsedLine::of(&words).map(|lines| (text(&lines.rehearsal), text(&lines.command)))
    }

    #[test]
    fn the_flags_of_rehearse_are_taken_out_wherever_they_are() {
        for (line, rehearsal, command) in [
            ("rehearse access plan", "rehearse access", "access plan"),
            (
                "rehearse --keep kept access plan --prune --world=team mine.toml -v",
                "rehearse --keep kept access --world=team",
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
            "rehearse nonsense access",
            "help rehearse",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
