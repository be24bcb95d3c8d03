//! The files that the AWS CLI and the SDKs share: `~/.aws/config` and the SSO token cache.

mod config;
mod credentials;
mod lines;
mod paths;
mod questions;
mod registration;
mod sdk;
mod token_cache;

pub use config::{BadConfig, Config, Section};
pub use credentials::has_section as credentials_have_section;
pub use lines::{own_part, without_values};
pub use paths::Paths;
pub use registration::{KeptRegistration, SCOPE, read_registration, registration_text};
pub use sdk::read_as_the_sdk;
pub use token_cache::{CachedToken, read_token, token_text, write_secret};
