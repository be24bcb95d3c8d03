//! The edit of `~/.aws/config`: one atomic write, with the diff that is shown before.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use crate::aws_files::{self, Problem};
use crate::next_step::SetupCommand;
use crate::resources::cli_config::{self, LEGACY_KEYS, OTHER_CREDENTIALS};
use crate::user_error::UserError;
use aws_config_file::files;
use aws_config_file::{AwsFile, Config, Paths, Section, parse_with_cli, parse_with_sdk, read_credentials};

/// The config file as it is.
#[derive(Debug, Clone)]
pub struct CurrentFile {
    path: PathBuf,
    text: String,
    /// Its lines.
    pub config: Config,
    /// The names of the profiles in the credentials file.
    pub reserved: BTreeSet<String>,
    /// The profiles that a profile in the credentials file names as its `source_profile`.
    pub sources: BTreeSet<String>,
}

/// An edit of the config file that has not been written yet.
#[derive(Debug, Clone)]
pub struct FileChange {
    path: PathBuf,
    before: String,
    after: String,
    /// The difference, in which the values of other tools are left out.
    pub diff: String,
}

fn unusable(problem: &Problem) -> UserError {
    UserError::usage(problem.to_string(), problem.next(SetupCommand::again()))
}

impl CurrentFile {
    /// Reads the config file. One that does not exist is empty.
    ///
    /// # Errors
    /// If one of the AWS tools cannot read the AWS files, or they cannot be written.
    pub async fn read(paths: &Paths) -> Result<Self, UserError> {
        aws_files::readable(paths).await.map_err(|problem| unusable(&problem))?;
        aws_files::writable(paths).map_err(|problem| unusable(&problem))?;
        let path = paths.config();
        let bytes = match files::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|error| Problem::in_text(path, error)),
        };
        let config = bytes.and_then(|bytes| Config::parse(&bytes).map_err(|error| Problem::in_text(path, error)));
        let config = config.map_err(|problem| unusable(&problem))?;
        let credentials = read_credentials(paths.credentials()).unwrap_or_default();
        let credentials = String::from_utf8_lossy(&credentials);
        let credentials = parse_with_sdk(AwsFile::Credentials, &credentials).await;
        let credentials = credentials.unwrap_or_default();
        let reserved: BTreeSet<String> = credentials.profiles().map(str::to_owned).collect();
        let sections = reserved.iter().filter_map(|name| credentials.get_profile(name));
        let sources = sections.filter_map(|section| section.get("source_profile"));
        let sources = sources.map(str::to_owned).collect();
        Ok(Self {
            path: path.to_owned(),
            text: config.text(),
            config,
            reserved,
            sources,
        })
    }

    /// The difference to another text, in which the values of other tools are left out.
    pub fn diff_to(&self, after: &Config) -> String {
        cli_config::diff(&self.path, &self.text, &after.text())
    }

    /// The change to another text, which may write this session and these profiles.
    ///
    /// # Errors
    /// If the AWS CLI and the AWS SDKs would read the session or one of the profiles differently.
    pub async fn change_to(
        &self,
        after: &Config,
        session: &str,
        profiles: &BTreeSet<String>,
    ) -> Result<FileChange, UserError> {
        check_profiles(after, profiles)
            .await
            .map_err(|why| unusable(&Problem::in_text(&self.path, why)))?;
        let of_session = (Section::SsoSession(session), &["sso_start_url", "sso_region"][..]);
        aws_files::agreement(&self.config, after, &[of_session])
            .await
            .map_err(|why| unusable(&Problem::in_text(&self.path, why)))?;
        let after = after.text();
        Ok(FileChange {
            path: self.path.clone(),
            diff: cli_config::diff(&self.path, &self.text, &after),
            before: self.text.clone(),
            after,
        })
    }
}

/// Checks that the AWS CLI and the AWS SDKs read the same values of profiles, with one pass over the file.
async fn check_profiles(after: &Config, profiles: &BTreeSet<String>) -> Result<(), String> {
    let text = after.text();
    let of_cli = parse_with_cli(&text).map_err(|error| error.to_string())?;
    let of_cli = of_cli.profiles();
    let of_sdk = parse_with_sdk(AwsFile::Config, &text).await?;
    let keys = ["sso_session", "sso_account_id", "sso_role_name", "region"];
    let keys = keys.iter().chain(&LEGACY_KEYS).chain(&OTHER_CREDENTIALS);
    let sections = after.profiles();
    for section in sections.iter().filter(|section| profiles.contains(&section.name)) {
        let (cli, sdk) = (of_cli.get(&section.name), of_sdk.get_profile(&section.name));
        for key in keys.clone() {
            let cli = cli
                .and_then(|section| section.get(key))
                .map(|property| property.value.as_str());
            let sdk = sdk.and_then(|section| section.get(key));
            if cli != sdk || sdk != section.get(key) {
                return Err(format!(
                    "the AWS CLI and the AWS SDKs read different values of {key} in the profile {}; put a comment on a \
                     line of its own, and use no special white space and no section [DEFAULT]",
                    section.name
                ));
            }
        }
    }
    Ok(())
}

impl FileChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.before == self.after
    }

    /// Writes the file, unless it has changed since it was read.
    ///
    /// # Errors
    /// If the file has changed, or cannot be written.
    pub fn write(&self) -> Result<(), UserError> {
        let folder = self.path.parent().map_or(Ok(()), files::make_private_folder);
        // A run must not write at the same time. Without the folder, this would lock another one.
        let _lock = files::lock_folder_of(&self.path);
        folder
            .and_then(|()| files::edit_atomically(&self.path, self.before.as_bytes(), self.after.as_bytes()))
            .map_err(|error| {
                let problem = Problem::unwritable(&self.path, &error);
                UserError::failed(problem.to_string(), problem.next(SetupCommand::again()))
            })
    }
}
