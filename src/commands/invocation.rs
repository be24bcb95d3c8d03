//! How this process was called, for the commands that messages suggest.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use crate::answers::Key;
use crate::cli::{Cli, Command};
use crate::next_step::{Argument, Invocation, RehearsalArguments, Subcommand};

/// Returns how this process was called, for the commands to type next.
pub(super) fn invocation(cli: &Cli) -> Invocation {
    let flags = &cli.flags;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let value = |flag: &str, value: String| Argument::Value(flag.to_owned(), value);
    let mut credentials = Vec::new();
    if flags.allow_root_keys {
        credentials.push(Argument::Switch("--allow-root-keys".to_owned()));
    }
    credentials.extend(flags.region.clone().map(|region| value("--region", region)));
    let mut answers: Vec<Argument> = path(&flags.answers_file)
        .map(|file| value("--answers", file))
        .into_iter()
        .collect();
    for (key, text) in &cli.answers.typed {
        answers.push(match key {
            Key::NoGroup => Argument::Switch(key.flag()),
            _ => value(&key.flag(), text.clone()),
        });
    }
    let switch = |flag: &str| Argument::Switch(flag.to_owned());
    let mut walk = Vec::new();
    for (flag, steps) in [
        ("--only", &flags.only),
        ("--skip", &flags.skip),
        ("--update", &flags.update),
    ] {
        walk.extend(steps.iter().map(|step| value(flag, step.clone())));
    }
    walk.extend(flags.strict.then(|| switch("--strict")));
    walk.extend(flags.use_device_code.then(|| switch("--use-device-code")));
    let own = match &cli.command {
        Some(Command::Undo(flags)) => flags.arguments(),
        Some(Command::Rehearse(flags)) => flags.undo.arguments(),
        Some(Command::Login(_)) => {
            let typed = cli.answers.typed.iter().filter(|(key, _)| *key == Key::CliProfile);
            typed.map(|(key, name)| value(&key.flag(), name.clone())).collect()
        }
        _ => Vec::new(),
    };
    Invocation {
        subcommand: subcommand(cli),
        rehearsal: rehearsal_arguments(cli),
        state: path(&flags.state),
        profile: flags.profile.clone(),
        credentials,
        answers,
        walk,
        own,
        answers_saved: AtomicBool::new(false),
    }
}

/// Returns the arguments of the rehearsal, in `rehearse` itself and in its child process.
fn rehearsal_arguments(cli: &Cli) -> Option<RehearsalArguments> {
    if let Some(rehearsal) = &cli.flags.rehearsal {
        return Some(rehearsal.arguments());
    }
    match &cli.command {
        Some(Command::Rehearse(flags)) => Some(RehearsalArguments {
            keep: flags.keep.as_ref().map(|folder| folder.display().to_string()),
            world: flags.world.clone(),
            others: flags.simulation_arguments(),
        }),
        _ => None,
    }
}

/// The subcommand on the command line.
pub(super) fn subcommand(cli: &Cli) -> Subcommand {
    match &cli.command {
        Some(Command::Status) => Subcommand::Status,
        Some(Command::Plan) => Subcommand::Plan,
        Some(Command::Doctor) => Subcommand::Doctor,
        Some(Command::Undo(_)) => Subcommand::Undo,
        Some(Command::Answers) => Subcommand::Answers,
        Some(Command::Completions { .. }) => Subcommand::Completions,
        Some(Command::Man { .. }) => Subcommand::Man,
        Some(Command::Login(_)) => Subcommand::Login,
        Some(Command::Rehearse(_)) => Subcommand::Rehearse,
        Some(Command::Run) | None => Subcommand::Run,
    }
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory, Parser};

    use super::*;

    /// Flags that a suggested command does not repeat, with the reason.
    const NOT_REPEATED: [(&str, &str); 20] = [
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
        ("confirm", "recorded in the state file"),
        ("fresh", "done once"),
        ("again", "done once"),
        ("serve", "the served simulation has no suggestions"),
        ("port", "the served simulation has no suggestions"),
        ("calls", "describes one rehearsal"),
        ("dump", "describes one rehearsal"),
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
        let mut commands = vec![(&root, None)];
        for command in root.get_subcommands() {
            commands.push((command, Some(command.get_name())));
        }
        let mut checked = 0;
        for (command, name) in commands {
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help" | "version")) else {
                    continue;
                };
                let flag = match argument.get_action() {
                    ArgAction::SetTrue | ArgAction::Count => format!("--{long}"),
                    _ => format!("--{long}={}", sample(argument)),
                };
                let typed = ["idc-setup"].into_iter().chain(name).chain([flag.as_str()]);
                let cli = Cli::try_parse_from(typed).unwrap_or_else(|error| panic!("{flag}: {error}"));
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
