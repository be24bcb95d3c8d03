//! The paths of the AWS files.

use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use crate::files;

/// The AWS files of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    config: PathBuf,
    credentials: PathBuf,
    cache: PathBuf,
}

impl Paths {
    /// The files of the user with this home folder. `variable` looks up environment variables: `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE` name other files.
    pub fn new<'a>(home: &Path, variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        let aws = home.join(".aws");
        let file = |name: &str, default: &str| {
            let path = variable(name).map_or_else(|| aws.join(default), |path| expand(path, home, &variable));
            // An absolute path stays valid when it is recorded and later used from another folder.
            std::path::absolute(&path).unwrap_or(path)
        };
        Self {
            config: file("AWS_CONFIG_FILE", "config"),
            credentials: file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            cache: aws.join("sso").join("cache"),
        }
    }

    /// `~/.aws/config`, or what `AWS_CONFIG_FILE` names.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// `~/.aws/credentials`, or what `AWS_SHARED_CREDENTIALS_FILE` names.
    pub fn credentials(&self) -> &Path {
        &self.credentials
    }

    /// The first of the two files that is a pipe: the SDK would wait forever for a program that writes to it.
    pub fn pipe(&self) -> Option<&Path> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt as _;
            let is_pipe = |path: &&Path| path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo());
            [self.config(), self.credentials()].into_iter().find(is_pipe)
        }
        #[cfg(not(unix))]
        None
    }

    /// The folder of cached tokens.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The cached token of an SSO session. The file name is the SHA-1 of the session name.
    pub fn token(&self, session: &str) -> PathBuf {
        self.cached(session)
    }

    /// The cached client registration of an SSO session, with the file name that the AWS CLI uses.
    pub fn registration(&self, region: &str, session: &str, start_url: &str) -> PathBuf {
        self.cached(&crate::registration_cache::name_of(region, session, start_url))
    }

    fn cached(&self, text: &str) -> PathBuf {
        let hex = files::hex(&Sha1::digest(text.as_bytes()));
        self.cache.join(format!("{hex}.json"))
    }
}

/// Replaces `~` at the start of a path with the home folder, and `$NAME` and `${NAME}` with variables, as the AWS CLI does. A
/// variable that is not set stays as it is.
fn expand<'a>(path: &str, home: &Path, variable: &impl Fn(&str) -> Option<&'a str>) -> PathBuf {
    let mut expanded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let in_braces = after.strip_prefix('{').and_then(|after| after.split_once('}'));
        let end = after
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(after.len());
        let (name, behind) = in_braces.unwrap_or(after.split_at(end));
        match variable(name) {
            Some(value) => expanded.push_str(value),
            None => expanded.push_str(&rest[before.len()..rest.len() - behind.len()]),
        }
        rest = behind;
    }
    expanded.push_str(rest);
    match expanded.strip_prefix('~') {
        Some("") => home.to_owned(),
        Some(below) if below.starts_with('/') => home.join(below.trim_start_matches('/')),
        _ => PathBuf::from(expanded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_named_as_the_aws_cli_does() {
        let paths = Paths {
            config: PathBuf::new(),
            credentials: PathBuf::new(),
            cache: PathBuf::from("/c"),
        };
        // sha1(json.dumps({...}, sort_keys=True)) in Python.
        assert_eq!(
            paths.registration("us-east-1", "my-sso", "https://d-9067aabbcc.awsapps.com/start"),
            Path::new("/c/86bf91bc32cb03b9119a979f5335ed8128683628.json")
        );
    }

    #[test]
    fn the_files_are_in_the_home_folder_unless_variables_name_others() {
        let home = tempfile::tempdir().unwrap();
        let (home, aws) = (home.path(), home.path().join(".aws"));
        let none = Paths::new(home, |_| None);
        assert_eq!(none.config(), aws.join("config"));
        assert_eq!(none.credentials(), aws.join("credentials"));
        assert_eq!(none.cache(), aws.join("sso").join("cache"));

        let both = Paths::new(home, |name| match name {
            "AWS_CONFIG_FILE" => Some("~/custom/config"),
            "AWS_SHARED_CREDENTIALS_FILE" => Some("work/credentials"),
            _ => None,
        });
        assert_eq!(both.config(), home.join("custom").join("config"));
        let here = std::env::current_dir().unwrap();
        assert_eq!(both.credentials(), here.join("work").join("credentials"));
        assert_eq!(both.cache(), none.cache());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_place_of_a_file_is_found() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::new(home.path(), |_| None);
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        assert_eq!(paths.pipe(), None, "no files");
        std::fs::write(paths.config(), "").unwrap();
        assert_eq!(paths.pipe(), None, "a regular file");
        for path in [paths.credentials(), paths.config()] {
            let _ = std::fs::remove_file(path);
            let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
            assert!(made.success());
            assert_eq!(paths.pipe(), Some(path));
        }
    }

    #[test]
    fn paths_are_expanded_as_the_aws_cli_does() {
        let variables = |name: &str| match name {
            "HOME" => Some("/ada"),
            "A_1" => Some("a"),
            _ => None,
        };
        for (text, path) in [
            ("~/c", "/ada/c"),
            ("~", "/ada"),
            ("~root/c", "~root/c"),
            ("$HOME/c", "/ada/c"),
            ("${HOME}/c$A_1.x", "/ada/ca.x"),
            ("/$UNSET/${UNSET}/$", "/$UNSET/${UNSET}/$"),
            ("/c~$", "/c~$"),
        ] {
            let expanded = expand(text, Path::new("/ada"), &variables);
            assert_eq!(expanded, Path::new(path), "{text}");
        }
    }

    #[test]
    fn a_token_is_named_after_its_session() {
        let paths = Paths {
            config: PathBuf::new(),
            credentials: PathBuf::new(),
            cache: PathBuf::from("/c"),
        };
        // The output of `printf my-sso | sha1sum`.
        assert_eq!(
            paths.token("my-sso"),
            Path::new("/c/0ad374308c5a4e22f723adf10145eafad7c4031c.json")
        );
    }
}
