//! Access for a whole team, described in a file: who has which permission set in which account.
//!
//! - [`file`]: the contents of the file, as written, with every mistake in it ([`mistake`]).
//! - [`selector`]: which accounts are meant.
//! - [`desired`]: the file with the accounts of the organization in place of selectors.
//! - [`plan`]: what would change, a pure function of what is desired and of the [inventory](crate::resources::inventory).
//!
//! No state file is needed. Ownership of permission sets rests on a tag, and everything else on explicit words in the
//! file.

pub mod desired;
pub mod file;
pub mod mistake;
pub mod plan;
pub mod selector;
