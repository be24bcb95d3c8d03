//! The access file: which one is meant, and reading it.

use std::path::{Path, PathBuf};

use crate::access::file::{self, AccessFile};
use crate::access::mistake::Mistake;
use crate::next_step::{NextStep, SetupCommand};
use crate::user_error::UserError;

/// The files that are looked for if none is given, in this order.
const DEFAULTS: [&str; 4] = ["access.toml", "access.yaml", "access.yml", "access.json"];

/// How a command takes the access file.
#[derive(Debug, Clone, Copy)]
pub enum Taken<'a> {
    /// As the only positional argument.
    Only,
    /// After this positional argument.
    After(&'a str),
    /// With `--file`.
    Flag,
}

impl Taken<'_> {
    /// The same command with a file that the user fills in.
    fn placeholder(self) -> SetupCommand {
        match self {
            Self::Only => SetupCommand::again().positional("FILE"),
            Self::After(word) => SetupCommand::again().word(word).positional("FILE"),
            Self::Flag => SetupCommand::again().placeholder("--file", "FILE"),
        }
    }

    /// The same command with this file.
    fn with(self, file: &str) -> SetupCommand {
        match self {
            Self::Only => SetupCommand::again().word(file),
            Self::After(word) => SetupCommand::again().word(word).word(file),
            Self::Flag => SetupCommand::again().value("--file", file),
        }
    }
}

/// Why a command ended early.
pub enum Failure {
    /// The file has mistakes.
    Mistakes {
        /// All that were found.
        mistakes: Vec<Mistake>,
        /// Whether its names were looked up in the organization.
        are_names_checked: bool,
    },
    /// Something else.
    Error(UserError),
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// Mistakes that show without the organization, so that no name was looked up there.
    pub fn in_file(mistakes: Vec<Mistake>) -> Self {
        Self::Mistakes {
            mistakes,
            are_names_checked: false,
        }
    }

    /// Mistakes that show in the organization.
    pub fn in_organization(mistakes: Vec<Mistake>) -> Self {
        Self::Mistakes {
            mistakes,
            are_names_checked: true,
        }
    }
}

/// The path of the access file: the one that was given, or the default one that exists.
///
/// # Errors
/// If it does not exist, or if several of the default ones exist.
pub fn path(given: Option<&Path>, taken: Taken<'_>) -> Result<PathBuf, UserError> {
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    let again = || taken.placeholder().to("use another file");
    let export = || {
        let export = SetupCommand::export("access").positional("> access.toml");
        export.to("write an access file of what exists")
    };
    if let Some(path) = given {
        return if exists(path) {
            Ok(path.to_owned())
        } else {
            Err(UserError::usage(
                format!("There is no file {}.", path.display()),
                [again(), export()],
            ))
        };
    }
    let found: Vec<&str> = DEFAULTS.into_iter().filter(|name| exists(Path::new(name))).collect();
    match found[..] {
        [one] => Ok(PathBuf::from(one)),
        [] => Err(UserError::usage(
            "There is no access file in this folder (access.toml, access.yaml, access.yml or access.json).",
            [export(), again()],
        )),
        _ => {
            let next: Vec<NextStep> = found
                .iter()
                .map(|name| taken.with(name).to(format!("use {name}")))
                .collect();
            Err(UserError::usage(
                format!("This folder has several access files: {}.", found.join(", ")),
                next,
            ))
        }
    }
}

/// Reads the access file, with the files that it includes.
///
/// # Errors
/// If it does not exist, and all its mistakes.
pub fn read(given: Option<&Path>, taken: Taken<'_>) -> Result<AccessFile, Failure> {
    let path = path(given, taken)?;
    file::read(&path).map_err(Failure::in_file)
}
