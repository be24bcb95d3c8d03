//! The commands of `access`, and their flags.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::next_step::Subcommand as Named;

/// `access` with one of its commands.
#[derive(Debug, Clone, Args)]
pub struct AccessArgs {
    /// The command of `access`.
    #[command(subcommand)]
    pub command: AccessCommand,
}

/// The commands of `access`.
#[derive(Debug, Clone, Subcommand)]
pub enum AccessCommand {
    /// Show what applying the access file would change; change nothing
    ///
    /// Exit code: 0 nothing to do, 3 planned changes, 5 something differs and is not changed.
    /// With --policy: print the IAM policy that reading and applying this plan needs.
    Plan(AccessPlanFlags),
    /// Make the organization as the access file says
    ///
    /// Nothing is deleted without --prune. It can be interrupted and run again at any time.
    Apply(AccessApplyFlags),
    /// Show what others have changed since; change nothing
    ///
    /// Exit code: 0 no drift, 5 drift.
    Drift(AccessDriftFlags),
    /// Show every way in which a user or group gets access; change nothing
    Explain(AccessExplainFlags),
    /// Take over existing permission sets that are as the access file says
    ///
    /// They get the tag of the access file. From then on, it owns them and their assignments.
    Adopt(AccessAdoptFlags),
    /// Take a user out of the access file, and show the plan
    ///
    /// Comments and formatting stay. The file is written only with your consent.
    Remove(AccessRemoveFlags),
}

impl AccessCommand {
    /// The command in messages and envelopes.
    pub fn subcommand(&self) -> Named {
        match self {
            Self::Plan(_) => Named::AccessPlan,
            Self::Apply(_) => Named::AccessApply,
            Self::Drift(_) => Named::AccessDrift,
            Self::Explain(_) => Named::AccessExplain,
            Self::Adopt(_) => Named::AccessAdopt,
            Self::Remove(_) => Named::AccessRemove,
        }
    }

    /// Whether it begins changes, and lets those in flight end when the user asks to end.
    pub fn ends_by_itself(&self) -> bool {
        matches!(self, Self::Apply(_) | Self::Adopt(_))
    }

    /// The access file that the user typed.
    pub fn file(&self) -> Option<&Path> {
        let file = match self {
            Self::Plan(flags) => &flags.file,
            Self::Apply(flags) => &flags.file,
            Self::Drift(flags) => &flags.file,
            Self::Explain(flags) => &flags.file,
            Self::Adopt(flags) => &flags.file,
            Self::Remove(flags) => &flags.file,
        };
        file.as_deref()
    }

    /// The positional arguments that the user typed.
    pub fn words(&self) -> Vec<String> {
        let file = self.file().map(|file| file.display().to_string());
        match self {
            Self::Plan(_) | Self::Apply(_) | Self::Drift(_) | Self::Adopt(_) => file.into_iter().collect(),
            Self::Explain(flags) => {
                let words = std::iter::once(flags.principal.clone());
                words.chain(flags.in_account.clone()).collect()
            }
            Self::Remove(flags) => {
                let words = std::iter::once(flags.user.clone());
                words.chain(file).collect()
            }
        }
    }
}

/// Flags of `access adopt`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct AccessAdoptFlags {
    /// The access file [default: access.toml, access.yaml, access.yml or access.json here]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Also take over the permission sets that the access file with this name owns, for a file that was renamed
    #[arg(long, value_name = "NAME")]
    pub from: Option<String>,
}

/// Flags of `access plan`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct AccessPlanFlags {
    /// The access file [default: access.toml, access.yaml, access.yml or access.json here]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Plan to delete what the file no longer asks for
    #[arg(long)]
    pub prune: bool,
    /// The maximum number of deletions, in place of the file's max-deletes
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<u32>,
    /// What if this user left? (repeatable)
    #[arg(long, value_name = "USER")]
    pub without_user: Vec<String>,
    /// What if this account were in another organizational unit? (repeatable) For example 111122223333=Workloads/Prod
    #[arg(long = "move", value_name = "ACCOUNT=OU")]
    pub moves: Vec<String>,
    /// What if it were this day? For example 2027-01-31
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<String>,
    /// Find every assignment of users and groups that no longer exist, with more calls
    #[arg(long)]
    pub thorough: bool,
}

/// Flags of `access apply`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct AccessApplyFlags {
    /// The access file [default: access.toml, access.yaml, access.yml or access.json here]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Delete what the file no longer asks for
    #[arg(long)]
    pub prune: bool,
    /// The maximum number of deletions, in place of the file's max-deletes
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<u32>,
    /// Print each event to stderr, as a line of JSON
    #[arg(long)]
    pub events: bool,
    /// Find every assignment of users and groups that no longer exist, with more calls
    #[arg(long)]
    pub thorough: bool,
    /// Change the permissions of the permission set that you are signed in with, without asking
    #[arg(long)]
    pub change_own_permission_set: bool,
}

/// Flags of `access drift`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct AccessDriftFlags {
    /// The access file [default: access.toml, access.yaml, access.yml or access.json here]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Find every assignment of users and groups that no longer exist, with more calls
    #[arg(long)]
    pub thorough: bool,
}

/// Flags of `access explain`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct AccessExplainFlags {
    /// The user or group: a name, user:NAME or group:NAME
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// Only this account: its ID or its name
    #[arg(value_name = "ACCOUNT")]
    pub in_account: Option<String>,
    /// The access file [default: access.toml, access.yaml, access.yml or access.json here]
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Flags of `access remove`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct AccessRemoveFlags {
    /// The name of the user who leaves
    #[arg(value_name = "USER")]
    pub user: String,
    /// The access file [default: access.toml, access.yaml, access.yml or access.json here]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Also write that the user must not exist, so that apply --prune deletes the user
    #[arg(long)]
    pub delete_user: bool,
}
