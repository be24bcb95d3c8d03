//! The files that the AWS CLI and the SDKs share: `~/.aws/config` and the SSO token cache.

mod config;
mod paths;
mod token_cache;

pub use config::{BadConfig, Config, Section};
pub use paths::Paths;
pub use token_cache::{CachedToken, read_token, token_text, write_token};
