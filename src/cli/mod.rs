//! What was typed, nothing else: which command, which flags. What it means is decided in `commands`.

mod answers;
mod commands;
mod rehearsal;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::answers::Key;
use crate::steps::SLUGS;
use idc_sim::scenarios::SCENARIOS;

pub use answers::AnswerFlags;
pub use commands::{LoginFlags, PersonFlag, QuotaFlag, RehearseFlags, Rehearsed, UndoFlags};
pub use rehearsal::RehearsalFlag;

/// From a fresh AWS account to short-lived credentials through IAM Identity Center.
#[derive(Debug, Clone, Parser)]
#[command(name = "idc-setup", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// Without a command: run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of every command.
    #[command(flatten)]
    pub flags: Flags,
    /// Flags for answers.
    #[command(flatten)]
    pub answers: AnswerFlags,
}

const EXIT_CODES: &str = "Exit codes: 0 all that was asked holds · 1 failed · 2 wrong usage · 3 a person has something \
left to do · 4 no credentials or not allowed · 5 something is different from what was asked · 6 another run holds the \
lock · 130 interrupted";

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Walk the checklist: look, ask, plan, apply, verify (the default)
    Run,
    /// Look at the live account; change nothing
    Status,
    /// Look, and show what would be done; change nothing
    Plan,
    /// Take back what was made, in reverse order; never what was found
    Undo(UndoFlags),
    /// Print the answers of the last run: as a TOML file, and as one line without questions
    Answers,
    /// Print a shell's completions, such as: idc-setup completions bash
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write man pages into a folder
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Sign in again later, with a profile that is there (--cli-profile); needs no other credentials
    Login(LoginFlags),
    /// Say where you stand: credentials, account, rights, tools; change nothing. With --policy alone: print the least IAM
    /// policy that the steps can be walked with
    Doctor,
    /// Walk the whole checklist against a simulated AWS inside this program
    #[command(after_help = worlds_help())]
    Rehearse(RehearseFlags),
}

/// `--only`, with the steps there are.
fn only_help() -> String {
    format!(
        "Only this step (repeatable); the ones before it are looked at and never changed. Steps: {}",
        SLUGS.join(", ")
    )
}

/// The worlds, a line each.
fn worlds_help() -> String {
    let lines = SCENARIOS.map(|(name, what)| format!("\n  {name:18} {what}"));
    format!("Worlds:{}", lines.concat())
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Use this profile's credentials, whatever the environment holds
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Region for calls, and the default for Identity Center's [default: AWS_REGION, the profile's, the last run's]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Keep progress in this file
    #[arg(long, global = true, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Read answers from this TOML file
    #[arg(long = "answers", global = true, value_name = "FILE")]
    pub answers_file: Option<PathBuf>,
    /// Ask nothing: take answers, then defaults; do what can be taken back
    #[arg(long, global = true)]
    pub non_interactive: bool,
    /// Ask line by line, with numbered choices and without redraws; also reads a pipe (its variable
    /// does the same for good)
    #[arg(long, global = true, conflicts_with = "non_interactive")]
    pub accessible: bool,
    /// Do not ask for confirmation of what can be taken back
    #[arg(long, global = true)]
    pub yes: bool,
    /// How long to wait for a person, such as 10m [default: as long as it takes; 0 with --non-interactive, 60s if that
    /// is rehearsed]
    #[arg(long, global = true, value_name = "DURATION")]
    pub wait: Option<String>,
    #[arg(long, global = true, value_name = "STEP", help = only_help())]
    /// Slugs of `--only`.
    pub only: Vec<String>,
    /// Without this step (repeatable)
    #[arg(long, global = true, value_name = "STEP")]
    pub skip: Vec<String>,
    /// Change what differs in this step: permission-set or cli-profile (repeatable)
    #[arg(long, global = true, value_name = "STEP")]
    pub update: Vec<String>,
    /// Say that this was done by hand: activation, access-portal or mfa (repeatable)
    #[arg(long = "confirm", global = true, value_name = "TOPIC")]
    pub confirmed: Vec<String>,
    /// Forget the saved answers; keep who made what
    #[arg(long, global = true)]
    pub fresh: bool,
    /// Agree to make an organization, which cannot be taken back
    #[arg(long, global = true)]
    pub create_organization: bool,
    /// Agree that making an organization ends the Free plan and its credits
    #[arg(long, global = true)]
    pub accept_free_plan_end: bool,
    /// Agree to turn permission sets on, which cannot be taken back
    #[arg(long, global = true)]
    pub enable_permission_sets: bool,
    /// Make a trail for management events, with a bucket, where there is none that is enough
    #[arg(long, global = true)]
    pub create_trail: bool,
    /// Start with access keys of the root user, which is refused otherwise
    #[arg(long, global = true)]
    pub allow_root_keys: bool,
    /// Let the recommendations decide the exit code too
    #[arg(long, global = true)]
    pub strict: bool,
    /// Open no pages; print their links
    #[arg(long, global = true)]
    pub no_browser: bool,
    /// Sign in with a device code, also where a browser on this machine could be used
    #[arg(long, global = true)]
    pub use_device_code: bool,
    /// Output on stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// No colours (NO_COLOR does the same)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Say only what went wrong and what is left to do
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show the `aws` command of each change, and what each look saw
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// The rehearsal, as JSON (set by `rehearse`)
    #[arg(long, global = true, hide = true, value_name = "JSON")]
    pub rehearsal: Option<RehearsalFlag>,
}

/// What stdout gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON envelope.
    Json,
    /// The access picture for a document (status only).
    Mermaid,
}

impl Cli {
    /// The arguments that hand these flags to a child of `rehearse`: everything but the command.
    pub fn to_args(&self) -> Vec<String> {
        let flags = &self.flags;
        let mut args = Vec::new();
        let mut value = |name: &str, value: Option<String>| args.extend(value.map(|value| format!("--{name}={value}")));
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        value("profile", flags.profile.clone());
        value("region", flags.region.clone());
        value("state", path(&flags.state));
        value("answers", path(&flags.answers_file));
        value("wait", flags.wait.clone());
        for (name, list) in [
            ("only", &flags.only),
            ("skip", &flags.skip),
            ("update", &flags.update),
            ("confirm", &flags.confirmed),
        ] {
            for item in list {
                value(name, Some(item.clone()));
            }
        }
        for (key, text) in self.answers.typed.iter().filter(|(key, _)| *key != Key::NoGroup) {
            value(key.name(), Some(text.clone()));
        }
        let no_group = self.answers.typed.iter().any(|(key, _)| *key == Key::NoGroup);
        for (name, on) in [
            ("non-interactive", flags.non_interactive),
            ("accessible", flags.accessible),
            ("yes", flags.yes),
            ("fresh", flags.fresh),
            ("create-organization", flags.create_organization),
            ("accept-free-plan-end", flags.accept_free_plan_end),
            ("enable-permission-sets", flags.enable_permission_sets),
            ("create-trail", flags.create_trail),
            ("allow-root-keys", flags.allow_root_keys),
            ("strict", flags.strict),
            ("no-browser", flags.no_browser),
            ("use-device-code", flags.use_device_code),
            ("no-color", flags.no_color),
            ("quiet", flags.quiet),
            ("no-group", no_group),
        ] {
            if on {
                args.push(format!("--{name}"));
            }
        }
        args.extend((0..flags.verbose).map(|_| "-v".to_owned()));
        match flags.output {
            Output::Text => {}
            Output::Json => args.push("--output=json".to_owned()),
            Output::Mermaid => args.push("--output=mermaid".to_owned()),
        }
        args
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_may_stand_before_and_after_the_command_and_reach_a_child() {
        let typed = [
            "idc-setup",
            "--email",
            "a@example.com",
            "run",
            "--no-group",
            "--skip=sign-in",
            "-vv",
            "--yes",
        ];
        let cli = Cli::try_parse_from(typed).unwrap();
        let mut args = vec!["idc-setup".to_owned()];
        args.extend(cli.to_args());
        let again = Cli::try_parse_from(&args).unwrap();
        assert_eq!(again.to_args(), cli.to_args());
        assert_eq!(cli.answers.typed.len(), 2);
        assert_eq!(again.flags.verbose, 2);
        assert_eq!(again.flags.skip, ["sign-in"]);
    }
}
