//! `~/.aws/credentials`. The file is only read.

use std::io;
use std::path::Path;

use crate::cli::parse_with_cli;
use crate::files;
use crate::sdk::{AwsFile, parse_with_sdk};

/// The keys that give a profile other credentials than its section in the config file: the AWS tools merge both sections, and
/// the credentials file takes precedence.
const KEYS: [&str; 14] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "web_identity_token_file",
    "sso_account_id",
    "sso_region",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
];

/// The content of the file. A file that does not exist, or `/dev/null`, is empty.
///
/// # Errors
/// If the file cannot be read.
pub fn read_credentials(path: &Path) -> io::Result<Vec<u8>> {
    match files::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(_) if path.canonicalize().is_ok_and(|path| path == Path::new("/dev/null")) => Ok(Vec::new()),
        content => content,
    }
}

/// Whether a section of the file gives a profile credentials, which the AWS tools would use instead of SSO, or other SSO
/// settings. A section without such keys does not. A file that a tool rejects gives that tool no keys.
pub async fn has_keys(content: &[u8], profile: &str) -> bool {
    let text = String::from_utf8_lossy(content);
    let for_the_cli = parse_with_cli(&text).ok();
    let for_the_cli = for_the_cli.as_ref().and_then(|read| read.get_named(profile));
    let for_the_sdks = parse_with_sdk(AwsFile::Credentials, &text).await.ok();
    let for_the_sdks = for_the_sdks.as_ref().and_then(|read| read.get_profile(profile));
    KEYS.into_iter().any(|key| {
        for_the_cli.is_some_and(|section| section.get(key).is_some_and(|property| !property.value.is_empty()))
            || for_the_sdks.is_some_and(|section| section.get(key).is_some_and(|value| !value.is_empty()))
    })
}

/// Whether the file has a section of this name, for either tool.
pub async fn has_section(content: &[u8], profile: &str) -> bool {
    let text = String::from_utf8_lossy(content);
    parse_with_cli(&text).is_ok_and(|read| read.get_named(profile).is_some())
        || parse_with_sdk(AwsFile::Credentials, &text)
            .await
            .is_ok_and(|read| read.get_profile(profile).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_runtime<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn only_keys_in_the_section_of_the_profile_count() {
        let text = b"[other]\naws_access_key_id = AKIA\n[empty]\n[region]\nregion = eu-west-1\n[ blanks ]\n\
                     aws_secret_access_key = x\n[keys]\nAWS_ACCESS_KEY_ID = AKIA\n[unset]\naws_access_key_id =\n[other-sso]\n\
                     sso_account_id = 999999999999\n";
        for (name, expected) in [
            ("empty", false),
            ("region", false),
            ("other-sso", true),
            ("missing", false),
            ("unset", false),
            ("keys", true),
            ("blanks", true),
        ] {
            assert_eq!(with_runtime(has_keys(text, name)), expected, "{name}");
        }
        assert!(with_runtime(has_section(text, "empty")));
        // A section that only one of the tools reads.
        assert!(with_runtime(has_section(b"[a]\n  x = 1\n", "a")));
        assert!(with_runtime(has_section(b"[a]\n[a]\n", "a")));
        assert!(!with_runtime(has_section(text, "missing")));
    }

    #[test]
    fn keys_that_only_one_tool_reads_count_too() {
        // The SDKs reject indented keys, and the AWS CLI rejects a repeated section.
        assert!(with_runtime(has_keys(b"[a]\n  aws_access_key_id = AKIA\n", "a")));
        assert!(with_runtime(has_keys(b"[a]\naws_access_key_id = AKIA\n[a]\n", "a")));
    }

    #[test]
    fn a_file_that_does_not_exist_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_credentials(&folder.path().join("credentials")).unwrap(), b"");
        assert!(read_credentials(folder.path()).is_err(), "a folder");
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink("/dev/null", &link).unwrap();
            for path in [Path::new("/dev/null"), &link] {
                assert_eq!(read_credentials(path).unwrap(), b"", "{}", path.display());
            }
        }
    }
}
