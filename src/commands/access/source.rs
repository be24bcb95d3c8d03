//! The access file: which one is meant, and reading it.

use std::path::{Path, PathBuf};

use crate::access::file::{self, AccessFile};
use crate::access::mistake::Mistake;
use crate::next_step::{NextStep, SetupCommand};
use crate::user_error::UserError;

/// The files that are looked for if none is given, in this order.
const DEFAULTS: [&str; 4] = ["access.toml", "access.yaml", "access.yml", "access.json"];

/// Why a command ended early.
pub enum Failure {
    /// The file has mistakes.
    Mistakes(Vec<Mistake>),
    /// Something else.
    Error(UserError),
}

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Self::Error(error)
    }
}

impl From<Vec<Mistake>> for Failure {
    fn from(mistakes: Vec<Mistake>) -> Self {
        Self::Mistakes(mistakes)
    }
}

/// The path of the access file: the one that was given, or the first of the default ones that exists.
///
/// # Errors
/// If it does not exist.
pub fn path(given: Option<&Path>) -> Result<PathBuf, UserError> {
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    let again = || SetupCommand::again().positional("FILE").to("use another file");
    let export = || NextStep::other("print an access file of what exists", ["idc-setup", "export", "access"]);
    match given {
        Some(path) if exists(path) => Ok(path.to_owned()),
        Some(path) => Err(UserError::usage(
            format!("There is no file {}.", path.display()),
            [again(), export()],
        )),
        None => DEFAULTS
            .iter()
            .map(PathBuf::from)
            .find(|path| exists(path))
            .ok_or_else(|| {
                UserError::usage(
                    "There is no access file in this folder (access.toml, access.yaml, access.yml or access.json).",
                    [export(), again()],
                )
            }),
    }
}

/// Reads the access file, with the files that it includes.
///
/// # Errors
/// If it does not exist, and all its mistakes.
pub fn read(given: Option<&Path>) -> Result<AccessFile, Failure> {
    let path = path(given)?;
    Ok(file::read(&path)?)
}
