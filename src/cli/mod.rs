//! The command line: commands and flags, exactly as the user typed them. The module `commands` interprets them.

mod access;
mod answers;
mod commands;
mod mistakes;
mod own_flags;
mod pages;
mod parse;
mod refusal;
mod rehearsal;
mod rehearsed_line;
mod tree;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, ArgMatches, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use idc_sim::scenarios::SCENARIOS;

use crate::next_step::{Argument, Subcommand as Named};
use crate::wizard::steps::SLUGS;

pub use access::{
    AccessAdoptFlags, AccessApplyFlags, AccessArgs, AccessCommand, AccessDriftFlags, AccessExplainFlags,
    AccessPlanFlags, AccessRemoveFlags,
};
pub use answers::AnswerFlags;
pub use commands::{
    CommandLine, ExportFlags, ExportedTo, JoinFlags, LoginFlags, PersonFlag, ProfilesArgs, ProfilesCommand,
    ProfilesRemoveFlags, ProfilesSyncFlags, QuotaFlag, RehearseFlags, Rehearsed, UndoFlags,
};
pub use mistakes::{Correction, Mistakes, is_list};
pub use parse::NoCommand;
pub use rehearsal::RehearsalFlag;
pub use tree::program;

/// Set up AWS IAM Identity Center, from a new account to temporary credentials.
#[derive(Debug, Clone, Parser)]
#[command(name = "idc-setup", args_override_self = true, disable_help_subcommand = true)]
pub struct Cli {
    /// The command; `run` if there is none.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of all commands.
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
    /// Show the next step, for agents and scripts
    ///
    /// Changes nothing. Shows the answers and consents that are needed, what only a person can do, and the command that continues.
    Next,
    /// Undo what runs created or changed
    ///
    /// What existed before a run stays.
    Undo(UndoFlags),
    /// Go through the recommendations for the account
    ///
    /// MFA for all users, a CloudTrail trail, and no access keys but MFA for root. One after the other; with --non-interactive, what flags ask for (--create-trail, --confirm mfa).
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
    /// With --cli-profile NAME. Needs no other credentials, and signs in to all profiles of the same SSO session.
    Login(LoginFlags),
    /// Get profiles for an access portal from its URL
    ///
    /// Needs no administrator and no other credentials: only the URL of the access portal.
    /// Finds the Region, signs in, and writes a profile for each role that you choose.
    Join(JoinFlags),
    /// Write a profile for each role that you have
    ///
    /// Without a command, this is `profiles sync`.
    Profiles(ProfilesArgs),
    /// Check credentials, permissions and tools
    ///
    /// Changes nothing.
    /// With --policy: print the IAM policy that the steps need.
    Doctor,
    /// Give a whole team access, from one file
    ///
    /// The access file says who has which permission set in which account. See docs/access.md.
    Access(AccessArgs),
    /// Write what exists for another tool
    ///
    /// As an access file, for Terraform, for CloudFormation, or what Argo CD needs. Changes nothing in AWS.
    Export(ExportFlags),
    /// Try everything on a simulated AWS in this program
    #[command(after_help = scenarios_help())]
    Rehearse(RehearseFlags),
}

/// The long help of `--only`, which lists the steps.
fn only_help() -> String {
    format!(
        "Only this step (repeatable). Earlier steps are checked, but never changed. Steps: {}",
        SLUGS.join(", ")
    )
}

/// The scenarios, one per line.
fn scenarios_help() -> String {
    let lines = SCENARIOS.map(|(name, what)| format!("\n  {name:18} {what}"));
    format!(
        "Also takes what the rehearsed command takes: --email for a run, plan --prune for access. access, export, join and \
         profiles start from the scenario team, and the others from fresh.\n\nScenarios:{}",
        lines.concat()
    )
}

/// The flags of all commands. The parser accepts each of them everywhere, before and after the command.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Use this profile's credentials
    ///
    /// Even if the environment has others.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region for calls, and the default for Identity Center's [default: AWS_REGION, the profile's, the last run's]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Keep progress in this file [default: one for each account]
    #[arg(long, global = true, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Read answers from this TOML file
    #[arg(long = "answers", global = true, value_name = "FILE")]
    pub answers_file: Option<PathBuf>,
    /// Ask no questions: use the given answers, then defaults
    ///
    /// Makes all changes that can be undone.
    #[arg(long, global = true)]
    pub non_interactive: bool,
    /// Ask line by line, with numbered choices and no redraws; also reads from a pipe (or set
    /// `IDC_SETUP_ACCESSIBLE=1`)
    #[arg(long, global = true, conflicts_with = "non_interactive")]
    pub accessible: bool,
    /// Don't ask for confirmation of changes that can be undone
    #[arg(long, global = true)]
    pub yes: bool,
    /// How long to wait for a person, such as 10m [default: no limit; with --non-interactive 0, or 60s in a rehearsal]
    #[arg(long, global = true, value_name = "DURATION")]
    pub wait: Option<String>,
    /// Only this step (repeatable); earlier steps are checked, but never changed
    #[arg(long, global = true, value_name = "STEP", long_help = only_help())]
    pub only: Vec<String>,
    /// Skip this step (repeatable)
    #[arg(long, global = true, value_name = "STEP")]
    pub skip: Vec<String>,
    /// If this step differs from your answers, change it: permission-set or cli-profile (repeatable)
    #[arg(long, global = true, value_name = "STEP")]
    pub update: Vec<String>,
    /// Confirm that you have done this: activation, access-portal or mfa (repeatable)
    #[arg(long = "confirm", global = true, value_name = "TOPIC")]
    pub confirmed: Vec<String>,
    /// Discard the saved answers; keep the record of what was created
    #[arg(long, global = true)]
    pub fresh: bool,
    /// Agree to create an organization, which can't be undone by idc-setup
    #[arg(long, global = true)]
    pub create_organization: bool,
    /// Agree that creating an organization ends the Free plan and its credits
    #[arg(long, global = true)]
    pub accept_free_plan_end: bool,
    /// Agree to enable permission sets, which can't be undone
    #[arg(long, global = true)]
    pub enable_permission_sets: bool,
    /// Create a trail for management events, with a bucket, if no existing trail is sufficient
    #[arg(long, global = true)]
    pub create_trail: bool,
    /// Allow access keys of the root user, which are refused otherwise
    #[arg(long, global = true)]
    pub allow_root_keys: bool,
    /// Let the recommendations affect the exit code
    #[arg(long, global = true)]
    pub strict: bool,
    /// Don't open pages in a browser; print their links
    #[arg(long, global = true)]
    pub no_browser: bool,
    /// Sign in with a device code, even if this machine has a browser (or set
    /// `IDC_SETUP_USE_DEVICE_CODE=1`)
    #[arg(long, global = true)]
    pub use_device_code: bool,
    /// Print text, json, mermaid (status only), or markdown (access only)
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, hide_possible_values = true, hide_default_value = true, value_name = "FORMAT")]
    pub output: Output,
    /// Don't use colors (or set NO_COLOR)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Show only errors and what is left to do
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log each change; -vv: every call
    ///
    /// With the `aws` command of each change. `IDC_SETUP_LOG` sets a filter.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Record each API call in this new file, without secrets, names and IDs
    ///
    /// To compare AWS with the simulation. Read the file before you share it.
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
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
    /// A Mermaid diagram of the access that the steps give (status only).
    Mermaid,
    /// A comment for a pull request, in Markdown (commands of `access` only).
    Markdown,
}

/// The command on a command line, even on one that is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested {
    /// The command; `run` if there is none.
    pub command: Named,
    /// Whether the command line names it.
    is_named: bool,
    /// The command that is rehearsed.
    pub rehearsed: Option<Rehearsed>,
}

impl Requested {
    /// Finds the command on a command line, which begins with the name of the program.
    pub fn of<A: Into<OsString> + Clone>(line: impl IntoIterator<Item = A>) -> Self {
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(line);
        let named = matches.as_ref().ok().and_then(ArgMatches::subcommand);
        let rehearsed = named.filter(|(name, _)| *name == "rehearse").map(|(_, matches)| {
            let what = matches.try_get_one::<Rehearsed>("what").ok().flatten();
            what.copied().unwrap_or_default()
        });
        let command = named.map_or(Named::Run, |(name, matches)| match matches.subcommand_name() {
            Some(inner) => Named::named(&format!("{name} {inner}")),
            None => Named::named(name),
        });
        Self {
            command,
            is_named: named.is_some(),
            rehearsed,
        }
    }

    /// The command in messages: `idc-setup undo`, or `idc-setup rehearse undo`.
    fn title(self) -> String {
        let name = self.is_named.then(|| self.command.name().to_owned());
        let rehearsed = self.rehearsed.filter(|what| *what != Rehearsed::Run);
        let words = name.into_iter().chain(rehearsed.map(Rehearsed::name));
        words.fold("idc-setup".to_owned(), |title, word| format!("{title} {word}"))
    }
}

impl Rehearsed {
    /// The name of the command.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
