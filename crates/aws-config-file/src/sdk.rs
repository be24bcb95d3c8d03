//! The AWS files as the AWS SDKs read them. Programs that are built on the SDKs cannot use a file that they reject.

use std::error::Error;
use std::path::Path;

use aws_config::profile::{ProfileSet, load};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use crate::cli::parse_with_cli;
use crate::config::{ParseError, decoded};
use crate::line::{Line, kind};
use crate::{Paths, files};

/// One of the two AWS files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsFile {
    /// `~/.aws/config`.
    Config,
    /// `~/.aws/credentials`.
    Credentials,
}

impl From<AwsFile> for EnvConfigFileKind {
    fn from(file: AwsFile) -> Self {
        match file {
            AwsFile::Config => Self::Config,
            AwsFile::Credentials => Self::Credentials,
        }
    }
}

/// Reads the text of a file with the parser of the AWS SDK.
///
/// # Errors
/// What is wrong with the text, with the line number.
pub async fn parse_with_sdk(file: AwsFile, text: &str) -> Result<ProfileSet, String> {
    if text.starts_with('\u{feff}') {
        let why = "line 1 starts with a byte order mark, which no AWS tool reads (save the file as UTF-8 without one)";
        return Err(why.to_owned());
    }
    let files = EnvConfigFiles::builder().with_contents(file.into(), text).build();
    load(&Fs::from_slice(&[]), &Env::from_slice(&[]), &files, None)
        .await
        .map_err(|error| {
            let innermost = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            // The format is `error parsing <place> on line 3: …`.
            let why = innermost.split_once(" on line ").map(|(_, why)| why);
            why.and_then(|why| why.split_once(':')).map_or_else(
                || innermost.clone(),
                |(line, why)| format!("line {line} cannot be read ({})", why.trim()),
            )
        })
}

/// Checks that both the AWS SDKs and the AWS CLI can read the content of a file.
///
/// # Errors
/// The first line that one of them rejects, and why: `line 3 is not UTF-8`.
pub async fn check_readable(file: AwsFile, content: &[u8]) -> Result<(), String> {
    let text = decoded(content).map_err(|error: ParseError| error.to_string())?;
    parse_with_sdk(file, text).await?;
    parse_with_cli(text).map_err(|error| error.to_string())?;
    Ok(())
}

/// The AWS files for an SDK, without the properties that have no value. The AWS CLI ignores such properties, but the SDK
/// panics on an empty `endpoint_url`. A file that cannot be read is empty, and so are both without a home folder.
pub fn sdk_files(paths: Option<&Paths>) -> EnvConfigFiles {
    let text = |path: Option<&Path>| {
        let text = path.and_then(|path| files::read_text(path).ok());
        without_empty_values(&text.unwrap_or_default())
    };
    EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, text(paths.map(Paths::config)))
        .with_contents(EnvConfigFileKind::Credentials, text(paths.map(Paths::credentials)))
        .build()
}

/// A text without the properties, and the nested properties, that have no value.
fn without_empty_values(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_empty_nested = |more: &str| more.split_once('=').is_some_and(|(_, value)| value.trim().is_empty());
    let mut kept: Vec<&str> = Vec::new();
    // From the end, so that a property knows whether anything of its value is left below it.
    let mut has_more = false;
    for (index, line) in lines.iter().enumerate().rev() {
        match kind(line, index) {
            Line::Continuation(more) if is_empty_nested(more) => continue,
            Line::Continuation(_) => has_more = true,
            Line::Property(_, "") if !has_more => continue,
            Line::Property(..) | Line::Header(_) => has_more = false,
            Line::IndentedComment | Line::Other => {}
        }
        kept.push(line);
    }
    kept.reverse();
    kept.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_runtime<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn a_file_must_be_readable_for_both_tools() {
        let check = |file, text: &[u8]| with_runtime(check_readable(file, text));
        assert_eq!(check(AwsFile::Config, b"[profile a]\nregion = x\n"), Ok(()));
        assert_eq!(
            check(AwsFile::Config, b"[a]\n\xff\n").unwrap_err(),
            "line 2 is not UTF-8"
        );
        let only_for_the_cli = check(AwsFile::Credentials, b"[a]\n  x = 1\n").unwrap_err();
        assert!(
            only_for_the_cli.starts_with("line 2 cannot be read"),
            "{only_for_the_cli}"
        );
        let only_for_the_sdks = check(AwsFile::Config, b"[profile a]\n[profile a]\n").unwrap_err();
        assert!(
            only_for_the_sdks.starts_with("line 2 repeats a section"),
            "{only_for_the_sdks}"
        );
    }

    #[test]
    fn the_sdk_gets_the_text_of_both_files() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::new(home.path(), |_| None);
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        std::fs::write(paths.config(), "[profile a]\nregion = x\nendpoint_url =\n").unwrap();
        std::fs::write(paths.credentials(), "[b]\naws_access_key_id = AKIA\n").unwrap();
        let (fs, env) = (Fs::from_slice(&[]), Env::from_slice(&[]));
        let files = sdk_files(Some(&paths));
        let read = with_runtime(load(&fs, &env, &files, None)).unwrap();
        assert_eq!(
            read.get_profile("a").and_then(|profile| profile.get("region")),
            Some("x")
        );
        assert_eq!(
            read.get_profile("a").and_then(|profile| profile.get("endpoint_url")),
            None
        );
        assert!(read.get_profile("b").is_some());
        let none = sdk_files(None);
        assert!(with_runtime(load(&fs, &env, &none, None)).unwrap().is_empty());
    }

    #[test]
    fn only_properties_without_a_value_are_left_out() {
        let text = "[default]\nregion =\nendpoint_url=  # none\ns3 =\n  max = 1\n  x =\n# c\noutput = json\n\n\
                    [services s]\nsso =\n  endpoint_url =\nsts =\n  endpoint_url = http://localhost\n";
        let kept = "[default]\ns3 =\n  max = 1\n# c\noutput = json\n\n[services s]\nsts =\n  endpoint_url = http://localhost\n";
        assert_eq!(without_empty_values(text), kept);
        assert_eq!(without_empty_values(kept), kept);
    }
}
