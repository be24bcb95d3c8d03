//! From a command line to the command with its flags, or to what is printed instead.

use std::ffi::OsString;
use std::fmt;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory as _, FromArgMatches as _};

use super::rehearsed_line::RehearsedLine;
use super::{Cli, Command, CommandLine, Rehearsed, Requested, own_flags, pages, refusal, tree};
use crate::next_step::Argument;
use crate::user_error::UserError;

/// Why a command line starts no command.
#[derive(Debug)]
pub enum NoCommand {
    /// The user asked for the help or the version, which clap prints.
    Help(clap::Error),
    /// The user asked for a page of `help`.
    Page(String),
    /// The command line is not valid.
    Refused(UserError),
}

impl fmt::Display for NoCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Help(help) => help.fmt(f),
            Self::Page(page) => page.fmt(f),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl Cli {
    /// Parses a command line, which begins with the name of the program.
    ///
    /// # Errors
    /// When a flag or a value is not valid, or the command does not take it; and for help and the version.
    pub fn parse_line<A: Into<OsString> + Clone>(line: impl IntoIterator<Item = A>) -> Result<Self, NoCommand> {
        let line: Vec<OsString> = line.into_iter().map(Into::into).collect();
        match RehearsedLine::of(&line) {
            Some(lines) => Self::parse_rehearsed(&lines),
            None => Self::parse_whole(&line),
        }
    }

    /// Parses the line of the rehearsed command, as if it were not rehearsed, and that of the rehearsal.
    fn parse_rehearsed(lines: &RehearsedLine) -> Result<Self, NoCommand> {
        let child = Self::parse_whole(&lines.command).map_err(|why| match why {
            NoCommand::Refused(error) => NoCommand::Refused(lines.in_rehearsal(error)),
            other => other,
        })?;
        let mut cli = Self::parse_whole(&lines.rehearsal())?;
        // How to print, and whether to ask, also applies to the rehearsal.
        cli.flags = child.flags;
        cli.answers = child.answers;
        if let Some(Command::Rehearse(flags)) = &mut cli.command {
            let arguments = lines.command.iter().skip(1);
            flags.line = Some(CommandLine {
                command: Requested::of(&lines.command).command,
                arguments: arguments.map(|word| word.to_string_lossy().into_owned()).collect(),
            });
        }
        Ok(cli)
    }

    fn parse_whole(line: &[OsString]) -> Result<Self, NoCommand> {
        // This one knows which command takes which flags, and has the help.
        let own = match tree::program_with_help().try_get_matches_from(line) {
            Ok(matches) => {
                if let Some(("help", help)) = matches.subcommand() {
                    return Err(help_about(help.get_one::<String>("what").map(String::as_str)));
                }
                Ok(())
            }
            Err(error) if error.use_stderr() => Err(error),
            Err(help) => return Err(NoCommand::Help(help)),
        };
        // This one accepts each flag before and after each command, and has the values.
        let parser = Self::command();
        let parsed = parser.clone().try_get_matches_from(line);
        let requested = Requested::of(line);
        let refused = |error: &clap::Error| NoCommand::Refused(refusal::of_clap(error, requested, line));
        let matches = match (parsed, &own) {
            (Ok(matches), _) => matches,
            (Err(_), Err(error)) => return Err(refused(error)),
            (Err(error), Ok(())) => return Err(refused(&error)),
        };
        let mut cli = Self::from_arg_matches(&matches).map_err(|error| refused(&error))?;
        cli.typed = typed(&parser, &matches);
        let (mut command, mut inner) = (&parser, &matches);
        while let Some((name, matches)) = inner.subcommand()
            && let Some(found) = command.find_subcommand(name)
        {
            cli.typed.extend(typed(found, matches));
            (command, inner) = (found, matches);
        }
        // The parent of a rehearsal gives its child what the rehearsed command may need.
        if cli.flags.rehearsal.is_some() {
            return Ok(cli);
        }
        let misplaced = requested.misplaced(&cli.typed);
        match own {
            _ if !misplaced.is_empty() => Err(NoCommand::Refused(refusal::misplaced(&misplaced, requested))),
            Err(error) => Err(refused(&error)),
            Ok(()) => Ok(cli),
        }
    }
}

/// What `idc-setup help` prints: a page, the help of a command, or that of the program.
fn help_about(what: Option<&str>) -> NoCommand {
    if let Some(page) = what.and_then(pages::page) {
        return NoCommand::Page(page);
    }
    let line = ["idc-setup"].into_iter().chain(what).chain(["--help"]);
    match tree::program_with_help().try_get_matches_from(line) {
        Err(help) => NoCommand::Help(help),
        Ok(_) => NoCommand::Page(String::new()),
    }
}

impl Rehearsed {
    /// Returns whether the command accepts a flag, such as `--only`.
    pub fn accepts(self, flag: &str) -> bool {
        if let Some(shared) = own_flags::shared(flag) {
            return shared.is_of(self.subcommand());
        }
        let parser = Cli::command();
        let mut own = parser
            .find_subcommand(self.name())
            .into_iter()
            .flat_map(clap::Command::get_arguments);
        own.any(|own| own.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long)))
    }
}

/// The flags of a command that the user typed, in the order of their definition.
fn typed(command: &clap::Command, matches: &ArgMatches) -> Vec<Argument> {
    let mut typed = Vec::new();
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let Some(long) = argument.get_long() else { continue };
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let flag = format!("--{long}");
        match argument.get_action() {
            ArgAction::SetTrue => typed.push(Argument::Switch(flag)),
            ArgAction::Count => {
                typed.extend((0..matches.get_count(id)).map(|_| Argument::Switch(flag.clone())));
            }
            _ => {
                let values = matches.get_raw(id).into_iter().flatten();
                typed.extend(values.map(|value| Argument::Value(flag.clone(), value.to_string_lossy().into_owned())));
            }
        }
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_step::Subcommand as Named;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn of_a_flag_that_is_repeated_the_last_value_counts() {
        let line = [
            "idc-setup",
            "--wait=1s",
            "--email=a@b.c",
            "run",
            "--wait=2s",
            "--email=d@e.f",
            "--yes",
            "--yes",
        ];
        let cli = Cli::parse_line(line).unwrap();
        assert_eq!(cli.flags.wait.as_deref(), Some("2s"));
        let typed: Vec<String> = cli.typed.iter().map(Argument::word).collect();
        assert_eq!(typed, ["--yes", "--wait=2s", "--email=d@e.f"]);
        let rehearse = [
            "idc-setup",
            "rehearse",
            "--world=fresh",
            "--world=enabled",
            "--skip=mfa",
            "--skip=sign-in",
        ];
        let cli = Cli::parse_line(rehearse).unwrap();
        assert_eq!(cli.flags.skip, ["mfa", "sign-in"]);
        assert!(matches!(cli.command, Some(Command::Rehearse(flags)) if flags.world.as_deref() == Some("enabled")));
    }

    #[test]
    fn flags_are_accepted_before_and_after_the_command_and_passed_to_the_child() {
        let typed = [
            "idc-setup",
            "--email",
            "a@example.com",
            "rehearse",
            "--no-group",
            "--skip=sign-in",
            "-vv",
            "--yes",
            "--policy",
            "--keep=here",
        ];
        let cli = Cli::parse_line(typed).unwrap();
        let passed: Vec<String> = cli
            .typed
            .iter()
            .filter(|argument| Rehearsed::Run.accepts(argument.flag()))
            .map(Argument::word)
            .collect();
        assert_eq!(
            passed,
            [
                "--yes",
                "--skip=sign-in",
                "--verbose",
                "--verbose",
                "--email=a@example.com",
                "--no-group",
                "--policy=",
            ],
        );
        let again = Cli::parse_line(["idc-setup", "run"].map(str::to_owned).into_iter().chain(passed)).unwrap();
        assert_eq!(again.answers.typed, cli.answers.typed);
        assert_eq!(again.flags.verbose, 2);
        assert_eq!(again.flags.skip, ["sign-in"]);
    }

    #[test]
    fn a_rehearsed_command_with_words_has_its_own_line() {
        let line = "--quiet rehearse --keep here access plan --prune mine.toml --latency 80ms";
        let cli = Cli::parse_line(["idc-setup"].into_iter().chain(line.split(' '))).unwrap();
        assert!(cli.flags.quiet);
        let Some(Command::Rehearse(flags)) = cli.command else {
            panic!("{:?}", cli.command);
        };
        assert_eq!(
            (flags.what, flags.latency.as_deref()),
            (Rehearsed::Access, Some("80ms"))
        );
        let line = flags.line.unwrap();
        assert_eq!(line.command, Named::AccessPlan);
        assert_eq!(line.arguments, ["--quiet", "access", "plan", "--prune", "mine.toml"]);
        let refused = Cli::parse_line(["idc-setup", "rehearse", "access", "aply"]).unwrap_err();
        assert!(refused.to_string().contains("A similar one is apply."), "{refused}");
        let help = Cli::parse_line(["idc-setup", "rehearse", "access", "plan", "--help"]).unwrap_err();
        assert!(help.to_string().contains("--max-deletes"), "{help}");
    }

    /// What the error of a command line suggests first.
    fn first_suggestion(line: &str) -> String {
        match Cli::parse_line(["idc-setup"].into_iter().chain(line.split(' '))) {
            Err(NoCommand::Refused(error)) => {
                let first = error.next.first().unwrap();
                crate::next_step::Invocation::default().next_step(first)
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_mistyped_word_is_corrected_in_the_whole_line() {
        for (line, suggested) in [
            ("acces plan mine.toml", "use it: idc-setup access plan mine.toml"),
            ("access plna --prune", "use it: idc-setup access plan --prune"),
            (
                "access plan --prun mine.toml",
                "use it: idc-setup access plan --prune mine.toml",
            ),
            ("undo --stpe=mfa", "use it: idc-setup undo --step=mfa"),
            ("rehearse status --kep k", "use it: idc-setup rehearse status --keep k"),
            (
                "rehearse access aply --keep k",
                "use it: idc-setup rehearse access apply --keep k",
            ),
            (
                "rehearse --keep k profiles remov",
                "use it: idc-setup rehearse profiles remove --keep k",
            ),
            ("rehearse acces plan", "use it: idc-setup rehearse access plan"),
            (
                "rehearse access plan --prun --keep k",
                "use it: idc-setup rehearse access plan --prune --keep k",
            ),
            (
                "rehearse profiles --filter account=x --keep k",
                "name the command: idc-setup rehearse profiles sync --filter EXPR --keep k",
            ),
            // There would be another mistake.
            ("acces", "list the commands: idc-setup --help"),
            ("--emial", "list the flags: idc-setup --help"),
        ] {
            assert_eq!(first_suggestion(line), suggested, "{line}");
        }
    }

    #[test]
    fn a_command_that_cannot_be_rehearsed_is_named_without_a_rehearsal() {
        assert_eq!(first_suggestion("rehearse answes"), "use it: idc-setup answers");
        let refused = Cli::parse_line(["idc-setup", "rehearse", "nonsense", "plan"]).unwrap_err();
        assert_eq!(refused.to_string(), "idc-setup has no command \"nonsense\".");
    }

    #[test]
    fn a_suggested_command_takes_the_flags_that_it_repeats() {
        use crate::answers::KEYS;
        use crate::next_step::{Invocation, SetupCommand};
        let value = |flag: &str| match flag {
            "--allow-root-keys" | "--strict" | "--use-device-code" | "--no-group" => Argument::Switch(flag.to_owned()),
            _ => Argument::Value(flag.to_owned(), "x".to_owned()),
        };
        let values = |flags: &[&str]| flags.iter().copied().map(value).collect::<Vec<_>>();
        let keys = KEYS.map(crate::answers::Key::flag);
        let suggesting = Invocation {
            state: values(&["--state"]),
            credentials: values(&["--profile", "--allow-root-keys", "--region"]),
            answers: keys.iter().map(|flag| value(flag)).collect(),
            walk: values(&["--only", "--skip", "--update", "--strict", "--use-device-code"]),
            ..Invocation::default()
        };
        for command in ["run", "status", "plan", "doctor", "undo", "login", "answers"] {
            let line = suggesting.command_line(&SetupCommand::new(Named::named(command)));
            assert!(line.contains(" --state x"), "{line}");
            Cli::parse_line(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn a_flag_is_accepted_before_its_command_and_refused_before_others() {
        for (line, misplaced) in [
            ("--email a@b.c run", None),
            ("--profile x status", None),
            ("--cli-profile x login", None),
            ("--yes --state x undo", None),
            ("--non-interactive --yes status", None),
            ("--email a@b.c undo", Some("--email")),
            ("--yes answers", Some("--yes")),
            ("undo --only mfa", Some("--only")),
            ("doctor --email a@b.c", Some("--email")),
            ("--quiet completions bash", Some("--quiet")),
            ("rehearse --email a@b.c", None),
            ("rehearse undo --email a@b.c", Some("--email")),
            ("rehearse doctor --policy", None),
            ("rehearse status --non-interactive", None),
            ("rehearse access plan --prune --keep here", None),
            ("rehearse access plan --email a@b.c", Some("--email")),
            ("rehearse join --all --yes --world team", None),
        ] {
            let parsed = Cli::parse_line(["idc-setup"].into_iter().chain(line.split(' ')));
            match (parsed, misplaced) {
                (Ok(_), None) => {}
                (Err(NoCommand::Refused(error)), Some(flag)) => {
                    assert!(
                        error
                            .message
                            .contains(&format!("does not take {flag}. It is a flag of ")),
                        "{error}"
                    );
                }
                (parsed, _) => panic!("{line}: {parsed:?}"),
            }
        }
    }
}
