//! The flags of individual commands.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::export::argo_cd;
use crate::next_step::Subcommand as Named;

/// Flags of `login`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct LoginFlags {
    /// Sign in again even if the current sign-in is still valid
    #[arg(long)]
    pub again: bool,
}

/// `profiles` with one of its commands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ProfilesArgs {
    /// The command of `profiles`; `sync` if there is none.
    #[command(subcommand)]
    pub command: Option<ProfilesCommand>,
}

/// The commands of `profiles`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ProfilesCommand {
    /// Add and update a profile for each role
    ///
    /// For all accounts and permission sets that the access portal offers to you. Other profiles stay as they are.
    Sync(ProfilesSyncFlags),
    /// Remove the profiles that idc-setup wrote
    ///
    /// Only those with the mark of idc-setup. Without a filter on names, this needs no call to AWS.
    Remove(ProfilesRemoveFlags),
}

impl ProfilesArgs {
    /// The command in messages.
    pub fn subcommand(&self) -> Named {
        match &self.command {
            Some(ProfilesCommand::Remove(_)) => Named::ProfilesRemove,
            Some(ProfilesCommand::Sync(_)) | None => Named::ProfilesSync,
        }
    }
}

/// Flags of `profiles sync`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ProfilesSyncFlags {
    /// The template for the names of the profiles
    #[arg(long, value_name = "TEMPLATE", help = TEMPLATE_HELP)]
    pub template: Option<String>,
    /// Conditions on the roles
    #[arg(
        long,
        value_name = "EXPR",
        help = "Only roles that match, such as account=prod-* or permission_set=Admin* (repeatable)"
    )]
    pub filter: Vec<String>,
    /// Also remove managed profiles whose role the access portal no longer offers
    #[arg(long)]
    pub prune: bool,
}

/// Flags of `profiles remove`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ProfilesRemoveFlags {
    /// Conditions on the roles of the profiles
    #[arg(
        long,
        value_name = "EXPR",
        help = "Only profiles whose role matches, such as account_id=1234* or account=prod-* (repeatable)"
    )]
    pub filter: Vec<String>,
}

/// The help of `--template`.
const TEMPLATE_HELP: &str = "Name the profiles by this template, with {account}, {account_id}, {permission_set} and {email} \
                             [default: the last one, or {account}-{permission_set}]";

/// Flags of `join`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct JoinFlags {
    /// The URL of the access portal
    #[arg(
        value_name = "START_URL",
        help = "The URL of the access portal, such as https://d-1234567890.awsapps.com/start"
    )]
    pub start_url: Option<String>,
    /// Write a profile for every role, without asking which
    #[arg(long)]
    pub all: bool,
    /// Only the roles of this permission set
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// The template for the names of the profiles
    #[arg(long, value_name = "TEMPLATE", help = TEMPLATE_HELP)]
    pub template: Option<String>,
}

/// Flags of `undo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct UndoFlags {
    /// Undo only what this step created or changed
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Also undo resources that somebody changed after they were created
    #[arg(long)]
    pub include_changed: bool,
}

/// Flags of `export`.
#[derive(Debug, Clone, Default, Args)]
pub struct ExportFlags {
    /// The tool that takes over
    #[arg(value_enum)]
    pub what: Option<ExportedTo>,
    /// Write files to this folder, and never over files that an export did not write [default: print them]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Only what idc-setup created, as recorded
    #[arg(long)]
    pub only_created: bool,
    /// Record that the tool manages these resources from now on, so that undo leaves them
    #[arg(long)]
    pub hand_over: bool,
    /// Export nothing, and record that the tool no longer manages what was handed over to it
    #[arg(long)]
    pub take_back: bool,
    /// The name of the access file [default: the one that owns permission sets, or access]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Of argo-cd: what to print [default: json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<argo_cd::Format>,
    /// Of argo-cd: the name or the ARN of the EKS cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Of argo-cd: the name of the capability [default: argocd]
    #[arg(long, value_name = "NAME")]
    pub capability: Option<String>,
    /// Of argo-cd: the role of the capability [default: a new one]
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Of argo-cd: a group that administers Argo CD, or user:NAME (repeatable)
    #[arg(long = "admin", value_name = "GROUP")]
    pub admins: Vec<String>,
    /// Of argo-cd: a group that changes applications, or user:NAME (repeatable)
    #[arg(long = "editor", value_name = "GROUP")]
    pub editors: Vec<String>,
    /// Of argo-cd: a group that only looks, or user:NAME (repeatable)
    #[arg(long = "viewer", value_name = "GROUP")]
    pub viewers: Vec<String>,
}

/// What an export is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportedTo {
    /// An access file, for idc-setup access
    Access,
    /// Resources and import blocks, for Terraform or OpenTofu
    Terraform,
    /// Templates and what they import
    Cloudformation,
    /// The capability of Amazon EKS, or an Argo CD of your own
    ArgoCd,
}

impl ExportedTo {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Terraform => "terraform",
            Self::Cloudformation => "cloudformation",
            Self::ArgoCd => "argo-cd",
        }
    }
}

/// Flags of `rehearse`.
#[derive(Debug, Clone, Default, Args)]
pub struct RehearseFlags {
    /// The command to rehearse, followed by what it takes, such as access plan --prune
    #[arg(value_enum, default_value_t = Rehearsed::Run)]
    pub what: Rehearsed,
    /// The scenario to start from: a name (see below) or a TOML file [default: fresh or team, or the one in --keep DIR]
    #[arg(long, value_name = "NAME")]
    pub world: Option<String>,
    /// Only serve the simulated AWS for other tools, until Ctrl-C
    #[arg(long)]
    pub serve: bool,
    /// The port on 127.0.0.1 [default: a free port]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
    pub port: u16,
    /// Log each API call to this file, as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub calls: Option<PathBuf>,
    /// Add this latency to each API call, such as 80ms
    #[arg(long, value_name = "DURATION")]
    pub latency: Option<String>,
    /// Inject the faults that this TOML file describes
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Limit the request rate, as AWS does
    #[arg(long, value_enum, value_name = "QUOTA")]
    pub quota: Option<QuotaFlag>,
    /// At the end, write the state of the simulated AWS to this TOML file, as a scenario to start from
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Keep the simulated AWS and the home folder in this folder, and continue with them next time
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Who does the tasks that need a person [default: auto, or as the scenario says]
    #[arg(long, value_enum)]
    pub person: Option<PersonFlag>,
    /// Flags of `rehearse undo`
    #[command(flatten)]
    pub undo: UndoFlags,
    /// Flags of `rehearse login`
    #[command(flatten)]
    pub login: LoginFlags,
    /// The command line of the rehearsed command, if it has one of its own.
    #[arg(skip)]
    pub line: Option<CommandLine>,
}

/// The command line of a rehearsed command that has words and flags of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The command, such as `access plan`.
    pub command: Named,
    /// The arguments as the user typed them, without those of `rehearse`.
    pub arguments: Vec<String>,
}

/// Commands that can be rehearsed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Rehearsed {
    /// `idc-setup run`
    #[default]
    Run,
    /// `idc-setup status`
    Status,
    /// `idc-setup plan`
    Plan,
    /// `idc-setup doctor`
    Doctor,
    /// `idc-setup recommend`
    Recommend,
    /// `idc-setup login`, in a kept rehearsal
    Login,
    /// `idc-setup undo`, in a kept rehearsal
    Undo,
    /// `idc-setup next`
    Next,
    /// A command of `idc-setup access`
    Access,
    /// `idc-setup export`
    Export,
    /// `idc-setup join`
    Join,
    /// `idc-setup profiles`
    Profiles,
}

impl Rehearsed {
    /// Whether everything on the command line that is not of `rehearse` is the command line of the rehearsed command. The
    /// others take no words, and their flags are also flags of `rehearse`.
    pub fn has_line(self) -> bool {
        matches!(
            self,
            Self::Next | Self::Access | Self::Export | Self::Join | Self::Profiles
        )
    }
}

/// The request rate that a rehearsal accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QuotaFlag {
    /// 20 requests per second across all APIs of Identity Center
    Aws,
}

/// Who does the human tasks of a rehearsal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PersonFlag {
    /// A simulated person does them, shortly after they are requested
    #[default]
    Auto,
    /// You do them in a browser, on the pages of the rehearsal
    Pages,
    /// Nobody does them
    Never,
}
