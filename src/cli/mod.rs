//! The command line: commands and flags, exactly as the user typed them. The module `commands` interprets them.

mod answers;
mod commands;
mod mistakes;
mod rehearsal;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use idc_sim::scenarios::SCENARIOS;

use crate::next_step::Argument;
use crate::wizard::steps::SLUGS;

pub use answers::AnswerFlags;
pub use commands::{LoginFlags, PersonFlag, QuotaFlag, RehearseFlags, Rehearsed, UndoFlags};
pub use mistakes::{Correction, Mistakes, is_list};
pub use rehearsal::RehearsalFlag;

/// Set up AWS IAM Identity Center, from a new account to short-lived credentials.
#[derive(Debug, Clone, Parser)]
#[command(name = "idc-setup", version, max_term_width = 100, args_override_self = true, help_template = HELP)]
#[command(disable_help_subcommand = true, after_help = "All flags and the exit codes: idc-setup --help", after_long_help = EXIT_CODES)]
pub struct Cli {
    /// The command; `run` if there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags that every command takes.
    #[command(flatten)]
    pub flags: Flags,
    /// The flags for answers.
    #[command(flatten)]
    pub answers: AnswerFlags,
    /// The flags as the user typed them, except for shortened names: for the commands that messages suggest, and for the child
    /// process of a rehearsal.
    #[arg(skip)]
    pub typed: Vec<Argument>,
}

/// The help of the program: what to type comes first.
const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}

Examples:
  idc-setup             Set everything up; nothing changes before you agree
  idc-setup rehearse    The same on a simulated AWS, without an account
  idc-setup login       Sign in again later

{all-args}{after-help}";

const EXIT_CODES: &str = "Exit codes: 0 success · 1 failed · 2 wrong usage or missing answers · 3 something is left to \
do · 4 no credentials or access denied · 5 something differs from what was requested · 6 another run holds the lock · \
130 interrupted";

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Set up Identity Center, or continue (the default)
    ///
    /// Checks each step of the checklist, asks, plans, applies and verifies.
    Run,
    /// Show the state of each step; change nothing
    Status,
    /// Show what a run would change; change nothing
    Plan,
    /// Undo what runs created or changed; keep what existed before
    Undo(UndoFlags),
    /// Go through the recommendations: MFA, CloudTrail, no root access keys
    ///
    /// One after the other; with --non-interactive, what flags ask for (--create-trail, --confirm mfa).
    Recommend,
    /// Print the answers of the last run
    ///
    /// As a TOML file, and as a command that asks no questions.
    Answers,
    /// Print the completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the man pages to a folder
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Sign in again with an existing profile
    ///
    /// With --cli-profile NAME. Needs no other credentials.
    Login(LoginFlags),
    /// Check credentials, account, permissions and tools; change nothing
    ///
    /// With --policy and no value: print the least-privilege IAM policy for the steps.
    Doctor,
    /// Try everything on a simulated AWS inside this program
    #[command(after_help = scenarios_help())]
    Rehearse(RehearseFlags),
}

/// The help of `--only`, which lists the steps.
fn only_help() -> String {
    format!(
        "Run only this step (repeatable). Earlier steps are checked, but never changed. Steps: {}",
        SLUGS.join(", ")
    )
}

/// The scenarios, one per line.
fn scenarios_help() -> String {
    let lines = SCENARIOS.map(|(name, what)| format!("\n  {name:18} {what}"));
    format!("Scenarios:{}", lines.concat())
}

/// The flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Use this profile's credentials
    ///
    /// Even if the environment has others.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region for calls, and the default for Identity Center's [default: AWS_REGION, the profile's, the last run's]
    #[arg(hide_short_help = true, long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Store progress in this file
    #[arg(hide_short_help = true, long, global = true, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Read answers from this TOML file
    #[arg(hide_short_help = true, long = "answers", global = true, value_name = "FILE")]
    pub answers_file: Option<PathBuf>,
    /// Ask no questions: use the given answers, then defaults
    ///
    /// Makes all changes that can be undone.
    #[arg(long, global = true)]
    pub non_interactive: bool,
    /// Ask line by line, with numbered choices and no redraws; also reads from a pipe (or set
    /// `IDC_SETUP_ACCESSIBLE=1`)
    #[arg(hide_short_help = true, long, global = true, conflicts_with = "non_interactive")]
    pub accessible: bool,
    /// Don't ask for confirmation of changes that can be undone
    #[arg(hide_short_help = true, long, global = true)]
    pub yes: bool,
    /// How long to wait for a person, such as 10m [default: no limit; with --non-interactive 0, or 60s in a rehearsal]
    #[arg(hide_short_help = true, long, global = true, value_name = "DURATION")]
    pub wait: Option<String>,
    #[arg(hide_short_help = true, long, global = true, value_name = "STEP", help = only_help())]
    /// The steps of `--only`.
    pub only: Vec<String>,
    /// Skip this step (repeatable)
    #[arg(hide_short_help = true, long, global = true, value_name = "STEP")]
    pub skip: Vec<String>,
    /// If this step differs from your answers, change it: permission-set or cli-profile (repeatable)
    #[arg(hide_short_help = true, long, global = true, value_name = "STEP")]
    pub update: Vec<String>,
    /// Confirm that you have done this: activation, access-portal or mfa (repeatable)
    #[arg(hide_short_help = true, long = "confirm", global = true, value_name = "TOPIC")]
    pub confirmed: Vec<String>,
    /// Discard the saved answers; keep the record of what was created
    #[arg(hide_short_help = true, long, global = true)]
    pub fresh: bool,
    /// Agree to create an organization, which can't be undone by idc-setup
    #[arg(hide_short_help = true, long, global = true)]
    pub create_organization: bool,
    /// Agree that creating an organization ends the Free plan and its credits
    #[arg(hide_short_help = true, long, global = true)]
    pub accept_free_plan_end: bool,
    /// Agree to enable permission sets, which can't be undone
    #[arg(hide_short_help = true, long, global = true)]
    pub enable_permission_sets: bool,
    /// Create a trail for management events, with a bucket, if no existing trail is sufficient
    #[arg(hide_short_help = true, long, global = true)]
    pub create_trail: bool,
    /// Allow access keys of the root user, which are refused otherwise
    #[arg(hide_short_help = true, long, global = true)]
    pub allow_root_keys: bool,
    /// Let the recommendations affect the exit code
    #[arg(hide_short_help = true, long, global = true)]
    pub strict: bool,
    /// Don't open pages in a browser; print their links
    #[arg(hide_short_help = true, long, global = true)]
    pub no_browser: bool,
    /// Sign in with a device code, even if this machine has a browser
    #[arg(hide_short_help = true, long, global = true)]
    pub use_device_code: bool,
    /// Print text, json, or mermaid (status only)
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, hide_possible_values = true, hide_default_value = true, value_name = "FORMAT")]
    pub output: Output,
    /// Don't use colors (or set NO_COLOR)
    #[arg(hide_short_help = true, long, global = true)]
    pub no_color: bool,
    /// Show only errors and what is left to do
    #[arg(hide_short_help = true, short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log each change; -vv: every call
    ///
    /// With the `aws` command of each change. `IDC_SETUP_LOG` sets a filter.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// The rehearsal, as JSON (set by `rehearse`)
    #[arg(long, global = true, hide = true, value_name = "JSON")]
    pub rehearsal: Option<RehearsalFlag>,
}

/// The format of the output on stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for people.
    #[default]
    Text,
    /// One JSON envelope.
    Json,
    /// A Mermaid diagram of who has access to what (status only).
    Mermaid,
}

impl Cli {
    /// Parses a command line, which begins with the name of the program.
    ///
    /// # Errors
    /// When a flag or a value is not valid. clap also reports help and version as errors.
    pub fn parse_line<A: Into<OsString> + Clone>(line: impl IntoIterator<Item = A>) -> Result<Self, clap::Error> {
        let command = Self::command();
        let matches = command.clone().try_get_matches_from(line)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        cli.typed = typed(&command, &matches);
        if let Some((name, matches)) = matches.subcommand()
            && let Some(command) = command.find_subcommand(name)
        {
            cli.typed.extend(typed(command, matches));
        }
        Ok(cli)
    }
}

impl Rehearsed {
    /// The name of the command.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Returns whether the command accepts a flag, such as `--only`.
    pub fn accepts(self, flag: &str) -> bool {
        let root = Cli::command();
        let own = root.find_subcommand(self.name());
        let mut accepted = own.into_iter().chain([&root]).flat_map(clap::Command::get_arguments);
        accepted.any(|accepted| {
            accepted
                .get_long()
                .is_some_and(|long| flag.strip_prefix("--") == Some(long))
        })
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
}
