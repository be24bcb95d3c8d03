//! The commands, each with its own flags only: for the help, the completions, the man pages, and to refuse what a command
//! does not take.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, CommandFactory as _};

use super::own_flags::SHARED_FLAGS;
use super::{Cli, pages};
use crate::next_step::Subcommand;

/// The commands in groups, in the order of the help. A command that is added to the parser belongs into one of them.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Set up", &["run", "join", "recommend", "rehearse"]),
    ("Look", &["status", "plan", "next", "doctor"]),
    ("For a team", &["access", "export"]),
    ("Change back", &["undo"]),
    ("More", &["login", "profiles", "answers", "completions", "man", "help"]),
];

/// The commands that the help names below the others, so that it fits on a screen.
const BELOW: [&str; 4] = ["answers", "completions", "man", "help"];

/// The flags in the short help of the program.
const EVERYDAY: [&str; 4] = ["profile", "non-interactive", "output", "verbose"];

/// The help of the program: what to type comes first.
const TEMPLATE: &str = "\
{about-with-newline}
Examples:
  idc-setup             Set everything up; nothing changes before you agree
  idc-setup rehearse    The same on a simulated AWS, without an account
  idc-setup login       Sign in again later

Commands:
{commands}{before-help}{all-args}{after-help}";

/// Returns the program, whose own flags are those of `run`, with its commands.
pub fn program() -> clap::Command {
    let parser = Cli::command();
    let commands = parser.get_subcommands().map(|command| {
        let name = Subcommand::named(command.get_name());
        let own = command.clone().args(flags(&parser, name)).arg(help_flag());
        let own = own.mut_subcommands(|inner| {
            let name = Subcommand::named(&format!("{} {}", command.get_name(), inner.get_name()));
            let inner = inner.args(flags(&parser, name)).arg(help_flag());
            // Only these make so many calls that their rate matters.
            if name.is_access() {
                inner.after_long_help(pages::VARIABLES)
            } else {
                inner
            }
        });
        if name == Subcommand::Rehearse {
            own.args(of_rehearsed_commands(&parser))
        } else {
            own
        }
    });
    let program = clap::Command::new("idc-setup")
        .version(env!("CARGO_PKG_VERSION"))
        .max_term_width(100)
        .args_override_self(true)
        .disable_help_subcommand(true)
        // Defined below, so that the short help of the program can hide them.
        .disable_help_flag(true)
        .disable_version_flag(true)
        .subcommands(commands)
        .subcommand(help())
        .args(flags(&parser, Subcommand::Run))
        .args([help_flag(), version_flag()])
        .after_long_help(format!("{}\n\n{}", pages::VARIABLES, pages::EXIT_CODES));
    match parser.get_about() {
        Some(about) => program.about(about.clone()),
        None => program,
    }
}

/// Returns the program with the help of `-h` and `--help`, which shows the commands in groups.
pub(super) fn program_with_help() -> clap::Command {
    let program = program();
    let template = TEMPLATE.replace("{commands}", &groups(&program));
    let everyday = everyday(&program);
    program
        .help_template(template)
        .after_help(format!(
            "{everyday}\n\nAll flags: idc-setup --help, or of one command: idc-setup COMMAND -h\n\
             Also: answers, completions SHELL, man DIR, help answers|topics|exit-codes"
        ))
        .before_long_help("\n\nUsage: idc-setup [COMMAND] [FLAGS]. Without a command, the flags are those of run.")
        // The template lists the commands, and the short help a few flags.
        .mut_subcommands(|command| command.hide(true))
        .mut_args(|arg| arg.hide_short_help(true))
}

fn help_flag() -> Arg {
    Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::Help)
        .display_order(1000)
        .help("Print a summary with -h, and everything with --help")
}

fn version_flag() -> Arg {
    Arg::new("version")
        .short('V')
        .long("version")
        .action(ArgAction::Version)
        .display_order(1001)
        .help("Print the version")
}

/// Returns the flags that the command shares with others, in the order of the table.
fn flags(parser: &clap::Command, command: Subcommand) -> Vec<Arg> {
    let listed = SHARED_FLAGS.iter().enumerate().filter_map(|(order, flag)| {
        let parsed = parsed(parser, flag.name)?;
        let arg = || flag.listed_by(command, order, parsed);
        if flag.is_listed_by(command) {
            Some(arg())
        } else {
            flag.is_tolerated_by(command).then(|| arg().hide(true))
        }
    });
    listed.collect()
}

/// Returns the flags of all other commands, since `rehearse` takes those of the command that it rehearses. Its help does not
/// list them.
fn of_rehearsed_commands(parser: &clap::Command) -> Vec<Arg> {
    let passed_on = SHARED_FLAGS.iter().enumerate().filter_map(|(order, flag)| {
        let is_own = flag.is_listed_by(Subcommand::Rehearse);
        let parsed = parsed(parser, flag.name).filter(|_| !is_own)?;
        Some(flag.listed_by(Subcommand::Rehearse, order, parsed).hide(true))
    });
    passed_on.collect()
}

fn parsed<'a>(parser: &'a clap::Command, name: &str) -> Option<&'a Arg> {
    parser.get_arguments().find(|arg| arg.get_long() == Some(name))
}

fn help() -> clap::Command {
    let commands = GROUPS.iter().flat_map(|(_, commands)| *commands).copied();
    // A command with the name of a table has its help in `COMMAND --help`.
    let commands = commands.filter(|command| !pages::NAMES.contains(command));
    let names = pages::NAMES.into_iter().chain(commands);
    clap::Command::new("help")
        .about("Print the help of a command, or a table")
        .arg(
            Arg::new("what")
                .value_name("COMMAND|TABLE")
                .value_parser(PossibleValuesParser::new(names))
                .help("The command, or a table: answers, topics, exit-codes"),
        )
        .arg(help_flag())
}

fn groups(program: &clap::Command) -> String {
    let about = |name: &str| {
        let command = program.find_subcommand(name);
        command.and_then(|command| command.get_about()).map(ToString::to_string)
    };
    let lines = GROUPS.iter().flat_map(|(group, commands)| {
        let commands = commands.iter().filter(|name| !BELOW.contains(name));
        commands.enumerate().map(move |(index, name)| {
            let group = if index == 0 { group } else { "" };
            format!("  {group:11}  {name:11}  {}", about(name).unwrap_or_default())
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The flags that everybody needs, for the short help.
fn everyday(program: &clap::Command) -> String {
    let lines = EVERYDAY.iter().filter_map(|name| {
        let arg = program.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        let short = arg.get_short().map_or_else(String::new, |short| format!("-{short}, "));
        let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
        let value = value.and_then(|names| names.first()).map(|name| format!(" <{name}>"));
        let flag = format!("{short}--{name}{}", value.unwrap_or_default());
        Some(format!("  {flag:20}  {}", arg.get_help()?))
    });
    ["Flags:".to_owned()]
        .into_iter()
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        program().debug_assert();
        program_with_help().debug_assert();
    }

    #[test]
    fn every_command_is_in_one_group() {
        let program = program();
        let mut names: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        names.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, names);
    }

    #[test]
    fn everyday_flags_are_flags_of_run() {
        let text = everyday(&program());
        assert_eq!(text.lines().count(), EVERYDAY.len() + 1, "{text}");
    }
}
