//! What can be wrong with the AWS files. `run`, `login`, `undo` and `doctor` check the same before anybody is asked and
//! before anything is changed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aws_config_file::{
    AwsFile, Config, Paths, Section, check_readable, files, parse_with_cli, parse_with_sdk, read_credentials,
};

use crate::next_step::{NextStep, SetupCommand};

/// Why an AWS file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Why, as the end of a sentence that begins with the path.
    why: String,
    /// What to do about it.
    remedy: Remedy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// The text of the file must be corrected.
    Correct,
    /// The file or its folder needs other permissions, or the disk needs space.
    Permit,
    /// The file cannot be replaced where it is.
    UseAnother,
    /// Another program wrote to the file, so that another attempt can succeed.
    TryAgain,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.", self.path.display(), self.why)
    }
}

impl Problem {
    /// A line of the file that one of the AWS tools cannot use: `line 3 is not UTF-8`.
    pub fn in_text(path: &Path, why: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            why: format!("cannot be used: {why}"),
            remedy: Remedy::Correct,
        }
    }

    fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self {
            path: path.to_owned(),
            why: format!("cannot be read: {error}"),
            remedy: Remedy::Permit,
        }
    }

    /// The file cannot be written.
    pub fn unwritable(path: &Path, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            _ if files::is_changed(error) => Remedy::TryAgain,
            io::ErrorKind::Other => Remedy::UseAnother,
            _ => Remedy::Permit,
        };
        Self {
            path: path.to_owned(),
            why: format!("cannot be written: {error}"),
            remedy,
        }
    }

    /// What to do first, and then the command to run again.
    pub fn next(&self, again: SetupCommand) -> NextStep {
        match self.remedy {
            Remedy::Correct => again.after(format!("correct {}", self.path.display())),
            Remedy::Permit => again.after("free up disk space or fix the file permissions"),
            Remedy::UseAnother => again.after("use another file (AWS_CONFIG_FILE), or make this one an ordinary file"),
            Remedy::TryAgain => again.into(),
        }
    }
}

/// Checks that the AWS CLI and the AWS SDKs can read both files. A file that does not exist is empty.
///
/// # Errors
/// The first problem of a file.
pub async fn readable(paths: &Paths) -> Result<(), Problem> {
    let config = match files::read(paths.config()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        content => content.map_err(|error| Problem::unreadable(paths.config(), &error))?,
    };
    let path = paths.credentials();
    let credentials = read_credentials(path).map_err(|error| Problem::unreadable(path, &error))?;
    for (path, file, content) in [
        (paths.config(), AwsFile::Config, config),
        (path, AwsFile::Credentials, credentials),
    ] {
        check_readable(file, &content)
            .await
            .map_err(|why| Problem::in_text(path, why))?;
    }
    Ok(())
}

/// Checks that the config file, and the cached files of the SSO sessions in it, can be written. [`readable`] reports a config
/// file that cannot be read.
///
/// # Errors
/// The first problem of a file.
pub fn writable(paths: &Paths) -> Result<(), Problem> {
    let config = files::read(paths.config()).unwrap_or_default();
    let sessions = Config::parse(&config).map_or_else(|_| Vec::new(), |config| config.sso_sessions());
    let cached = sessions.iter().flat_map(|session| {
        [
            paths.token(&session.name),
            paths.registration(&session.region, &session.name, &session.start_url),
        ]
    });
    let config = paths.config().to_owned();
    // A new session has a new name, so any will do for the folder.
    for path in [config, paths.token("")].into_iter().chain(cached) {
        files::check_writable(&path).map_err(|error| Problem::unwritable(&path, &error))?;
    }
    Ok(())
}

/// Checks that the files that a sign-in writes can be written.
///
/// # Errors
/// The first problem of a file.
pub fn cache_writable(paths: &Paths, session: &str, region: &str, start_url: &str) -> Result<(), Problem> {
    for path in [paths.token(session), paths.registration(region, session, start_url)] {
        files::check_writable(&path).map_err(|error| Problem::unwritable(&path, &error))?;
    }
    Ok(())
}

/// Checks that the AWS CLI and the AWS SDKs read the same values of sections, as `after` has them. Line numbers refer to
/// `before`, which is the text that the user sees.
///
/// # Errors
/// The first line that they read differently, and why.
pub async fn agreement(before: &Config, after: &Config, sections: &[(Section<'_>, &[&str])]) -> Result<(), String> {
    let text = after.text();
    let of_cli = parse_with_cli(&text).map_err(|error| error.to_string())?;
    let of_sdk = parse_with_sdk(AwsFile::Config, &text).await?;
    for &(section, keys) in sections {
        let Some(expected) = after.get(section) else { continue };
        let header = before.header_line(section).or(after.header_line(section)).unwrap_or(1);
        let of_sdk = |key: &str| match section {
            Section::Profile(name) => of_sdk.get_profile(name).map(|section| section.get(key)),
            Section::SsoSession(name) => of_sdk.sso_session(name).map(|section| section.get(key)),
        };
        let Some(of_cli) = of_cli.get(section) else {
            return Err(format!(
                "line {header} has a header that the AWS SDKs read and the AWS CLI does not"
            ));
        };
        if of_sdk("").is_none() {
            let why = "has a header that the AWS CLI reads and the AWS SDKs do not, such as a quoted name";
            return Err(format!("line {header} {why}"));
        }
        if let Some((key, property)) = of_cli.first_rejected() {
            let line = property.line;
            return Err(format!(
                "line {line} has a value of {key} that the AWS CLI does not accept"
            ));
        }
        for key in keys {
            let inherited = of_cli.get(key).map(|property| property.line);
            let of_cli = of_cli.get(key).map(|property| property.value.as_str());
            let of_sdk = of_sdk(key).flatten();
            if of_cli != of_sdk || of_sdk != expected.get(*key).map(String::as_str) {
                let line = before.property_line(section, key).or(inherited).unwrap_or(header);
                return Err(format!(
                    "the AWS CLI and the AWS SDKs read different values of {key} in line {line}; put a comment on a line \
                     of its own, and use no special white space and no section [DEFAULT]"
                ));
            }
        }
    }
    Ok(())
}
