//! The environment of the process as one value. No other module uses `std::env` for it.

use std::collections::BTreeMap;
use std::env::consts::EXE_SUFFIX;
use std::fmt;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use aws_config_file::Paths;

use crate::aws::record::Recorder;

/// The variable that says where the home folder is. Python, and with it the AWS CLI, does not read `HOME` on Windows.
pub const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// The environment variables and terminals of the process.
#[derive(Clone, Default)]
pub struct Environment {
    /// The variables that are valid Unicode and not empty. On Windows, where case does not matter, names are in upper case.
    variables: BTreeMap<String, String>,
    /// Whether the user can be asked: stdin *and* stderr are terminals.
    pub is_terminal: bool,
    /// Whether stdin is a terminal.
    pub stdin_is_terminal: bool,
    /// A variable that this program reads and that is not valid Unicode.
    unreadable: Option<String>,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether a console of Windows shows escape sequences as text.
    shows_escape_sequences: bool,
    /// Whether a marker file of a container engine exists.
    in_container: bool,
    /// Records all calls to AWS, with `--record`.
    pub recorder: Option<Recorder>,
}

/// Omits the values, which include access keys.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.variables.keys().collect();
        f.debug_struct("Environment")
            .field("variables", &names)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((without_case(name.into_string().ok()?), value.into_string().ok()?)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            unreadable: std::env::vars_os().find_map(|(name, value)| {
                let name = without_case(name.into_string().ok()?);
                let is_read = ["AWS_", "IDC_SETUP_", "SSL_CERT_"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
                    || ["HOME", "USERPROFILE", "XDG_STATE_HOME", "LOCALAPPDATA", "PATH"].contains(&name.as_str());
                (is_read && value.to_str().is_none()).then_some(name)
            }),
            is_terminal: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            shows_escape_sequences: !enable_escape_sequences(),
            in_container: ["/.dockerenv", "/run/.containerenv"]
                .iter()
                .any(|marker| Path::new(marker).exists()),
            recorder: None,
        }
    }

    /// An environment with only these variables, for tests.
    pub fn of_variables(variables: &[(&str, &str)]) -> Self {
        Self {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Self::default()
        }
    }

    /// The same environment, with a recorder.
    #[must_use]
    pub fn with_recorder(&self, recorder: Option<Recorder>) -> Self {
        Self {
            recorder,
            ..self.clone()
        }
    }

    /// Whether the terminal supports Unicode, according to the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set
    /// (POSIX locales). If none is set, the locale is `C`, except on Windows.
    pub fn is_unicode(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| self.var(name));
        locale.map_or(cfg!(windows), |locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
    }

    /// Whether the terminal only shows text line by line, without colors, and without a cursor that can be moved.
    pub fn has_dumb_terminal(&self) -> bool {
        self.shows_escape_sequences || self.var("TERM") == Some("dumb")
    }

    /// Whether the process runs in a container.
    pub fn is_in_container(&self) -> bool {
        self.in_container || self.var("container").is_some() || self.var("KUBERNETES_SERVICE_HOST").is_some()
    }

    /// Finds a program by absolute path, or by name in the absolute folders of `PATH`; never in the current folder.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let is_program = |path: &PathBuf| path.is_absolute() && is_executable(path);
        if name.contains(['/', '\\']) {
            return Some(PathBuf::from(name)).filter(is_program);
        }
        let name = format!("{}{EXE_SUFFIX}", name.strip_suffix(EXE_SUFFIX).unwrap_or(name));
        std::env::split_paths(self.var("PATH")?)
            .map(|folder| folder.join(&name))
            .find(is_program)
    }

    /// The value of a variable; `None` if it is not set or empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable that this program reads and that is not valid Unicode.
    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// The variables that set endpoints: `AWS_ENDPOINT_URL`, and those of single services.
    pub fn endpoint_variables(&self) -> impl Iterator<Item = String> {
        let names = self.variables.keys();
        names.filter(|name| name.starts_with("AWS_ENDPOINT_URL")).cloned()
    }

    /// The AWS variables that were set but blank, and are treated as not set.
    pub fn blank_variables(&self) -> Vec<&str> {
        let names = self.var(crate::blank_variables::LEFT_OUT).unwrap_or_default();
        names.split(',').filter(|name| !name.is_empty()).collect()
    }

    /// The home folder, as the AWS CLI determines it.
    pub fn home(&self) -> Option<PathBuf> {
        let other = if cfg!(windows) { "HOME" } else { "USERPROFILE" };
        self.var(HOME).or_else(|| self.var(other)).map(PathBuf::from)
    }

    /// The files of the AWS CLI and the SDKs; `None` if there is no home folder.
    pub fn aws_files(&self) -> Option<Paths> {
        Some(Paths::new(&self.home()?, |name| self.var(name)))
    }

    /// Whether the environment provides credentials, which the SDK's default chain prefers to any profile.
    pub fn has_credentials(&self) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| self.var(name).is_some());
        (self.var("AWS_ACCESS_KEY_ID").is_some() && self.var("AWS_SECRET_ACCESS_KEY").is_some())
            || any(&[
                // In containers, including CloudShell, and in pods.
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
            ])
    }
}

/// The name of a variable as [`Environment`] keeps it: Windows has `Path` and `SystemRoot`.
fn without_case(name: String) -> String {
    if cfg!(windows) { name.to_ascii_uppercase() } else { name }
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let is_executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let is_executable = true;
    metadata.is_file() && is_executable
}

/// Asks a console of Windows to interpret escape sequences on stdout and stderr, because it does not by default (Windows
/// documentation, "Console Virtual Terminal Sequences"). Returns whether it does.
#[cfg(windows)]
fn enable_escape_sequences() -> bool {
    use winapi_util::console::Console;
    [Console::stdout(), Console::stderr()]
        .into_iter()
        .flatten()
        .all(|mut console| console.set_virtual_terminal_processing(true).is_ok())
}

#[cfg(not(windows))]
fn enable_escape_sequences() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_whatever_the_case_of_their_names_on_windows() {
        let found = Environment::of_process().var("PATH").map(str::to_owned);
        assert_eq!(found, std::env::var("PATH").ok());
    }

    #[cfg(unix)]
    #[test]
    fn programs_are_found_in_absolute_folders_only() {
        let with = |path: &str| Environment::of_variables(&[("PATH", path)]).program("sh");
        assert_eq!(with("/nowhere:/bin"), Some(PathBuf::from("/bin/sh")));
        assert_eq!(with(".:bin::../bin"), None);
        assert_eq!(Environment::default().program("./sh"), None);
        assert_eq!(
            Environment::default().program("/bin/sh"),
            Some(PathBuf::from("/bin/sh"))
        );
        assert_eq!(
            Environment::default().program("/etc/passwd"),
            None,
            "it is not executable"
        );
    }
}
