//! The flags of single commands.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::next_step::Argument;

/// Flags of `login`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct LoginFlags {
    /// Sign in anew, also where the last sign-in is still good
    #[arg(long)]
    pub again: bool,
}

/// Flags of `undo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct UndoFlags {
    /// Only what this step has made
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Also what was changed since it was made
    #[arg(long)]
    pub include_changed: bool,
}

impl UndoFlags {
    /// The arguments that give these flags again.
    pub fn arguments(&self) -> Vec<Argument> {
        let step = self
            .step
            .iter()
            .map(|step| Argument::Value("--step".to_owned(), step.clone()));
        let changed = self
            .include_changed
            .then(|| Argument::Switch("--include-changed".to_owned()));
        step.chain(changed).collect()
    }

    /// The same, for a child process.
    pub fn to_args(&self) -> Vec<String> {
        let step = self.step.iter().map(|step| format!("--step={step}"));
        let changed = self.include_changed.then(|| "--include-changed".to_owned());
        step.chain(changed).collect()
    }
}

/// Flags of `rehearse`.
#[derive(Debug, Clone, Default, Args)]
pub struct RehearseFlags {
    /// What to rehearse
    #[arg(value_enum, default_value_t = Rehearsed::Run)]
    pub what: Rehearsed,
    /// The world to start in, by name (see below) or as a TOML file [default: fresh, or the kept one]
    #[arg(long, value_name = "NAME")]
    pub world: Option<String>,
    /// Only serve the simulated AWS, until Ctrl-C
    #[arg(long)]
    pub serve: bool,
    /// Port on 127.0.0.1 [default: any that is free]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
    pub port: u16,
    /// Write a JSON line for each call to this file
    #[arg(long, value_name = "FILE")]
    pub calls: Option<PathBuf>,
    /// Let each call take this much longer, such as 80ms
    #[arg(long, value_name = "DURATION")]
    pub latency: Option<String>,
    /// Let calls go wrong as this TOML file says
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Take only so many requests a second: `aws` has Identity Center's 20 over all its APIs
    #[arg(long, value_enum, value_name = "WHOSE")]
    pub quota: Option<QuotaFlag>,
    /// Write the world as it is at the end to this TOML file
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Keep home folder and world here, and go on with them
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Whether somebody does the human tasks [default: auto, or as the world has it]
    #[arg(long, value_enum)]
    pub person: Option<PersonFlag>,
    /// What `rehearse undo` takes back
    #[command(flatten)]
    pub undo: UndoFlags,
    /// What `login` knows
    #[command(flatten)]
    pub login: LoginFlags,
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
    /// `idc-setup login`, where a home is kept
    Login,
    /// `idc-setup undo`, where a home is kept
    Undo,
}

/// How many requests a rehearsal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QuotaFlag {
    /// 20 a second over all of Identity Center's APIs
    Aws,
}

/// Who does the human tasks of a rehearsal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PersonFlag {
    /// Somebody does them, a moment after they are asked for
    #[default]
    Auto,
    /// You do them yourself, in a browser, on the rehearsal's pages
    Pages,
    /// Nobody does them
    Never,
}
