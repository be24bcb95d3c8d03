//! The three recommendations that end the checklist. They never decide how a run ends, unless `--strict` asks.

pub mod cloudtrail;
pub mod mfa;
pub mod root_access_keys;
