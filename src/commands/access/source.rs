//! The access file: which one is meant, and reading it.

use std::path::{Path, PathBuf};

use crate::access::default_file::{self, exists};
use crate::access::file::{self, AccessFile};
use crate::access::mistake::Mistake;
use crate::access::nearest::nearest;
use crate::next_step::{NextStep, SetupCommand};
use crate::user_error::UserError;

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
    let again = || taken.placeholder().to("use another file");
    let export = || {
        let export = SetupCommand::export("access").positional("> access.toml");
        export.to("write an access file of what exists")
    };
    if let Some(path) = given {
        if exists(path) {
            return Ok(path.to_owned());
        }
        let meant = meant_instead(path).map(|name| taken.with(&name).to(format!("use {name}")));
        let mut next: Vec<NextStep> = meant.into_iter().chain([again()]).collect();
        // The redirection would replace a file of this name.
        if !exists(Path::new("access.toml")) {
            next.push(export());
        }
        return Err(UserError::usage(format!("There is no file {}.", path.display()), next));
    }
    let found = default_file::existing();
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

/// The file that a path without a file most likely means: one in its folder with a similar name, or else the default one.
fn meant_instead(path: &Path) -> Option<String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let listed = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(listed).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_access_file = |name: &str| {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| ["toml", "yaml", "yml", "json"].contains(&extension))
    };
    let names: Vec<String> = names.filter(|name| is_access_file(name)).collect();
    let typed = path.file_name()?.to_str()?;
    let similar = nearest(typed, names.iter().map(String::as_str));
    let similar = similar.map(|name| folder.join(name).display().to_string());
    similar.or_else(|| default_file::existing().first().map(|name| (*name).to_owned()))
}

/// Reads the access file, with the files that it includes.
///
/// # Errors
/// If it does not exist, and all its mistakes.
pub fn read(given: Option<&Path>, taken: Taken<'_>) -> Result<AccessFile, Failure> {
    let path = path(given, taken)?;
    file::read(&path).map_err(Failure::in_file)
}
