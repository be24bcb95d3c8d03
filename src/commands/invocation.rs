//! How this process was called, for the commands that messages suggest.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::answers::{KEYS, Key};
use crate::cli::{Cli, Command, ExportedTo, RehearseFlags, Rehearsed};
use crate::next_step::{Argument, Invocation, Subcommand};

/// The flags of `rehearse` that a command to continue the rehearsal needs.
const OF_THE_REHEARSAL: [&str; 6] = ["--keep", "--world", "--latency", "--faults", "--quota", "--person"];

/// The scenario file in the folder of `--keep`.
pub(super) const KEPT_SCENARIO: &str = "scenario.toml";

/// The flags of `profiles` that still apply when it runs again.
const OF_PROFILES: [&str; 7] = [
    "--template",
    "--filter",
    "--prune",
    "--sso-session",
    "--cli-profile",
    "--cli-region",
    "--use-device-code",
];

/// The flags of `join` that still apply when it runs again.
const OF_JOIN: [&str; 8] = [
    "--region",
    "--sso-session",
    "--template",
    "--account",
    "--role",
    "--all",
    "--cli-region",
    "--use-device-code",
];

/// The flags of every `export` that say what to export, and where to.
const OF_AN_EXPORT: [&str; 3] = ["--dir", "--only-created", "--name"];

/// The flags that only an export for Argo CD has.
pub const OF_ARGO_CD: [&str; 7] = [
    "--format",
    "--cluster",
    "--capability",
    "--role-arn",
    "--admin",
    "--editor",
    "--viewer",
];

/// The flags of the commands of `access` that the same command needs again.
const OF_ACCESS: [&str; 9] = [
    "--prune",
    "--max-deletes",
    "--without-user",
    "--move",
    "--as-of",
    "--file",
    "--thorough",
    "--from",
    "--delete-user",
];

/// Returns how this process was called, for the commands to type next.
pub(super) fn invocation(cli: &Cli) -> Invocation {
    let answers: Vec<String> = KEYS.iter().map(|key| key.flag()).collect();
    let is_answer =
        |flag: &str| ["--answers", "--answer"].contains(&flag) || answers.iter().any(|answer| answer == flag);
    let rehearsal = match (&cli.flags.rehearsal, &cli.command) {
        (Some(rehearsal), _) => {
            let flags = rehearsal.flags.iter().cloned();
            Some(flags.map(|(flag, value)| Argument::Value(flag, value)).collect())
        }
        (None, Some(Command::Rehearse(flags))) => Some(of_the_rehearsal(cli, kept(flags).is_some())),
        _ => None,
    };
    Invocation {
        subcommand: match &cli.command {
            Some(Command::Rehearse(flags)) if flags.line.is_none() => rehearsed(flags.what),
            _ => subcommand(cli),
        },
        rehearsal,
        state: typed(cli, |flag| flag == "--state"),
        credentials: typed(cli, |flag| {
            ["--profile", "--allow-root-keys", "--region"].contains(&flag)
        }),
        answers: typed(cli, is_answer).into_iter().map(as_own_flag).collect(),
        walk: typed(cli, |flag| {
            ["--only", "--skip", "--update", "--strict", "--use-device-code"].contains(&flag)
        }),
        own: match &cli.command {
            Some(Command::Rehearse(RehearseFlags { line: Some(line), .. })) => {
                line.arguments.iter().cloned().map(Argument::Word).collect()
            }
            Some(Command::Undo(_) | Command::Rehearse(_)) => {
                typed(cli, |flag| ["--step", "--include-changed", "--serve"].contains(&flag))
            }
            Some(Command::Login(_)) => typed(cli, |flag| flag == "--cli-profile"),
            Some(Command::Profiles(_)) => typed(cli, |flag| OF_PROFILES.contains(&flag)),
            Some(Command::Join(flags)) => with_word(cli, flags.start_url.as_deref(), &OF_JOIN),
            Some(Command::Export(flags)) => {
                let own = [&OF_AN_EXPORT[..], &OF_ARGO_CD].concat();
                with_word(cli, flags.what.map(ExportedTo::name), &own)
            }
            Some(Command::Access(access)) => {
                let flags = typed(cli, |flag| OF_ACCESS.contains(&flag));
                let words = access.command.words().into_iter().map(Argument::Word);
                flags.into_iter().chain(words).collect()
            }
            _ => Vec::new(),
        },
        answers_saved: AtomicBool::new(false),
    }
}

/// Returns the flags that a command to continue the rehearsal needs. A kept rehearsal continues in its saved scenario.
pub(super) fn of_the_rehearsal(cli: &Cli, is_kept: bool) -> Vec<Argument> {
    typed(cli, |flag| {
        OF_THE_REHEARSAL.contains(&flag) && !(is_kept && flag == "--world")
    })
}

/// Returns the folder of `--keep` if it already contains a rehearsal.
pub(super) fn kept(flags: &RehearseFlags) -> Option<&Path> {
    let folder = flags.keep.as_deref();
    folder.filter(|folder| folder.join(KEPT_SCENARIO).exists())
}

/// Returns `--answer KEY=VALUE` as the flag of the key, so that a correction replaces it. Another argument stays as it is.
fn as_own_flag(argument: Argument) -> Argument {
    let Argument::Value(flag, pair) = &argument else {
        return argument;
    };
    let Some((name, value)) = pair.split_once('=').filter(|_| flag == "--answer") else {
        return argument;
    };
    match Key::named(name) {
        Some(Key::NoGroup) if Key::NoGroup.check(value).is_ok_and(|value| value == "true") => {
            Argument::Switch(Key::NoGroup.flag())
        }
        Some(Key::NoGroup) | None => argument,
        Some(key) => Argument::Value(key.flag(), value.to_owned()),
    }
}

/// Returns some of the flags that the user typed.
pub(super) fn typed(cli: &Cli, is_wanted: impl Fn(&str) -> bool) -> Vec<Argument> {
    let typed = cli.typed.iter().filter(|argument| is_wanted(argument.flag()));
    typed.cloned().collect()
}

/// Returns the positional argument of a command and these of the flags that the user typed.
fn with_word(cli: &Cli, word: Option<&str>, flags: &[&str]) -> Vec<Argument> {
    let word = word.map(|word| Argument::Word(word.to_owned()));
    let flags = typed(cli, |flag| flags.contains(&flag));
    word.into_iter().chain(flags).collect()
}

/// The subcommand that is rehearsed. Errors of the rehearsal of a run are errors of `rehearse`.
pub(super) fn rehearsed(what: Rehearsed) -> Subcommand {
    match what {
        Rehearsed::Run => Subcommand::Rehearse,
        Rehearsed::Status => Subcommand::Status,
        Rehearsed::Plan => Subcommand::Plan,
        Rehearsed::Doctor => Subcommand::Doctor,
        Rehearsed::Recommend => Subcommand::Recommend,
        Rehearsed::Login => Subcommand::Login,
        Rehearsed::Undo => Subcommand::Undo,
        Rehearsed::Next => Subcommand::Next,
        Rehearsed::Access => Subcommand::Access,
        Rehearsed::Export => Subcommand::Export,
        Rehearsed::Join => Subcommand::Join,
        Rehearsed::Profiles => Subcommand::Profiles,
    }
}

/// The subcommand that is rehearsed, also which one of `access`.
pub(super) fn rehearsed_command(flags: &RehearseFlags) -> Subcommand {
    let line = flags.line.as_ref();
    line.map_or_else(|| rehearsed(flags.what), |line| line.command)
}

/// The subcommand on the command line.
pub(super) fn subcommand(cli: &Cli) -> Subcommand {
    match &cli.command {
        Some(Command::Recommend) => Subcommand::Recommend,
        Some(Command::Status) => Subcommand::Status,
        Some(Command::Plan) => Subcommand::Plan,
        Some(Command::Next) => Subcommand::Next,
        Some(Command::Doctor) => Subcommand::Doctor,
        Some(Command::Undo(_)) => Subcommand::Undo,
        Some(Command::Answers) => Subcommand::Answers,
        Some(Command::Completions { .. }) => Subcommand::Completions,
        Some(Command::Man { .. }) => Subcommand::Man,
        Some(Command::Login(_)) => Subcommand::Login,
        Some(Command::Profiles(args)) => args.subcommand(),
        Some(Command::Join(_)) => Subcommand::Join,
        Some(Command::Rehearse(_)) => Subcommand::Rehearse,
        Some(Command::Access(access)) => access.command.subcommand(),
        Some(Command::Export(_)) => Subcommand::Export,
        Some(Command::Run) | None => Subcommand::Run,
    }
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory};

    use super::*;

    /// Flags that a suggested command does not repeat, with the reason.
    const NOT_REPEATED: [(&str, &str); 24] = [
        ("accessible", "how this session is presented"),
        ("no-browser", "how this session is presented"),
        ("output", "how this session is presented"),
        ("no-color", "how this session is presented"),
        ("quiet", "how this session is presented"),
        ("verbose", "how this session is presented"),
        ("non-interactive", "suggestions are for people"),
        ("wait", "suggestions are for people"),
        ("yes", "consents are for the command that the user typed"),
        (
            "create-organization",
            "consents are for the command that the user typed",
        ),
        (
            "accept-free-plan-end",
            "consents are for the command that the user typed",
        ),
        (
            "enable-permission-sets",
            "consents are for the command that the user typed",
        ),
        ("create-trail", "consents are for the command that the user typed"),
        ("hand-over", "consents are for the command that the user typed"),
        ("take-back", "consents are for the command that the user typed"),
        (
            "change-own-permission-set",
            "consents are for the command that the user typed",
        ),
        ("confirm", "recorded in the state file"),
        ("fresh", "done once"),
        ("again", "done once"),
        ("port", "describes one rehearsal"),
        ("calls", "describes one rehearsal"),
        ("dump", "describes one rehearsal"),
        ("record", "a recording is never overwritten"),
        ("events", "how this session is presented"),
    ];

    /// A value that each flag accepts.
    fn sample(argument: &clap::Arg) -> String {
        let possible = argument.get_possible_values();
        possible
            .first()
            .map_or_else(|| "1".to_owned(), |value| value.get_name().to_owned())
    }

    #[test]
    fn a_suggested_command_repeats_every_flag_that_still_applies() {
        let root = Cli::command();
        let mut commands = vec![(&root, Vec::new())];
        for command in root.get_subcommands() {
            commands.push((command, vec![command.get_name()]));
            for inner in command.get_subcommands() {
                commands.push((inner, vec![command.get_name(), inner.get_name()]));
            }
        }
        let mut checked = 0;
        for (command, names) in commands {
            // Some commands need one.
            let positionals = command.get_positionals().filter(|argument| argument.is_required_set());
            let words: Vec<String> = positionals.map(sample).collect();
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help" | "version")) else {
                    continue;
                };
                let flag = match argument.get_action() {
                    ArgAction::SetTrue | ArgAction::Count => format!("--{long}"),
                    _ => format!("--{long}={}", sample(argument)),
                };
                let words = words.iter().map(String::as_str).chain([flag.as_str()]);
                let typed = ["idc-setup"].into_iter().chain(names.iter().copied()).chain(words);
                let cli = Cli::parse_line(typed).unwrap_or_else(|error| panic!("{flag}: {error}"));
                let invocation = invocation(&cli);
                let again = format!("{} ", invocation.command_line(&invocation.again()));
                let is_repeated = again.contains(&format!(" --{long} ")) || again.contains(&format!(" --{long}="));
                let is_listed = NOT_REPEATED.iter().any(|(listed, _)| *listed == long);
                assert!(
                    is_repeated || is_listed,
                    "{flag} is neither repeated nor listed: {again}"
                );
                assert!(!is_repeated || !is_listed, "{flag} is listed, but repeated: {again}");
                checked += 1;
            }
        }
        assert!(checked > 50, "only {checked} flags");
    }
}
