//! Lossless edits of `~/.aws/config`, and the SSO cache that the AWS CLI and the SDKs share.
//!
//! A [`Config`] is the text of `~/.aws/config`. It reads and sets properties of profiles and SSO sessions, and keeps
//! every other byte: comments, order, blank lines, line endings, and sections of other tools.
//!
//! ```
//! use aws_config_file::{Config, Section};
//!
//! let text = "# my profiles\n[default]\nregion = eu-west-1   # home\n";
//! let mut config = Config::parse(text.as_bytes())?;
//! config.set(Section::Profile("admin"), &[("sso_session", Some("my-sso")), ("output", Some("json"))]);
//! assert_eq!(config.text(), format!("{text}\n[profile admin]\nsso_session = my-sso\noutput = json\n"));
//!
//! config.remove(Section::Profile("admin"), &["sso_session".to_owned(), "output".to_owned()]);
//! assert_eq!(config.text(), format!("{text}\n"));
//! # Ok::<(), aws_config_file::ParseError>(())
//! ```
//!
//! [`CachedToken`] and [`CachedRegistration`] are the files in `~/.aws/sso/cache`, in the AWS CLI's own format.
//! [`files`] writes all of these atomically. [`parse_with_sdk`] reads a config file with the parser of the AWS SDK; the
//! tests of this crate compare the editor with it.

mod cli;
mod config;
mod credentials;
pub mod files;
mod limits;
mod line;
mod paths;
mod profiles;
mod registration_cache;
mod sdk;
mod token_cache;

pub use aws_runtime::env_config::file::EnvConfigFiles;
pub use cli::{CliProperty, CliReading, CliSection, parse_with_cli};
pub use config::{Config, ParseError, Section, SsoSession};
pub use credentials::{has_keys, has_section, read_credentials};
pub use limits::{LARGEST_FILE_MB, LONGEST_WRITE, MOST_LINKS, TOKEN_WINDOW};
pub use line::{redacted, without_trailing_comment};
pub use paths::Paths;
pub use profiles::{ProfileEdit, ProfileSection};
pub use registration_cache::{CachedRegistration, SCOPE, read_registration, registration_json};
pub use sdk::{AwsFile, check_readable, parse_with_sdk, sdk_files};
pub use token_cache::{CachedToken, read_token, token_json, write_cache_file};
