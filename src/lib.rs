//! x
pub mod answers;
pub mod aws;
pub mod aws_files;
pub mod checklist;
pub mod environment;
pub mod files;
pub mod progress;
pub mod rehearsal;
pub mod sso;
