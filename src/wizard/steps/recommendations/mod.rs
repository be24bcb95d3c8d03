//! The three recommendations at the end of the checklist. They affect the exit code only with `--strict`.

pub mod cloudtrail;
pub mod mfa;
pub mod root_access_keys;
