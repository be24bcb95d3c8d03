//! Access for a whole team, described in a file: who has which permission set in which account.
//!
//! - [`file`]: the contents of the file, as written, with every mistake in it ([`mistake`]).
//! - [`selector`]: which accounts are meant, found in the organization by [`matching`], [`units`] and [`selections`].
//! - [`resolve`]: from the file to what is [`desired`], with the accounts of the organization in place of selectors.
//! - [`explain`]: every way in which a user has access, and [`what_if`]: what would be desired if something were different.
//! - [`remove`]: takes a user out of the file, and [`leaver`]: the access that such a user keeps.
//! - [`plan`]: what would change, a pure function of what is desired and of the [inventory](crate::resources::inventory).
//! - [`live`]: reads the organization and the instance, and [`apply`]: makes the changes of a plan.
//! - [`lookup`]: what the names of the file mean in the account.
//! - [`guards`]: what a plan never deletes, and [`adoption`]: taking over permission sets that exist.
//! - [`drift`]: what somebody else changed, with the [`attributes`] of users and groups, and [`orphans`]: assignments of
//!   somebody who no longer exists.
//! - [`permissions`]: the IAM permissions that a plan needs, and [`permission_resources`]: what they are limited to.
//!
//! Without a file on the command line, [`default_file`] says which one is meant.
//!
//! No state file is needed. Ownership of permission sets rests on a tag, and everything else on explicit words in the
//! file.
//!
//! What a file would change is a function of the file and of what was read:
//!
//! ```
//! use std::path::Path;
//!
//! use idc_setup::access::file;
//! use idc_setup::access::mistake::Mistake;
//! use idc_setup::access::plan::{Options, Plan, plan};
//! use idc_setup::access::resolve::{KnownNames, resolve};
//! use idc_setup::aws::Partition;
//! use idc_setup::resources::inventory::Inventory;
//! use jiff::civil::Date;
//!
//! fn changes(path: &Path, observed: &Inventory, names: &KnownNames, today: Date) -> Result<Plan, Vec<Mistake>> {
//!     let partition = Partition::of_arn(&observed.instance.arn);
//!     let file = file::read(path)?;
//!     let desired = resolve(&file, &observed.accounts, names, partition, today)?;
//!     Ok(plan(&desired, observed, &Options::default(), today))
//! }
//! ```

pub mod adoption;
pub mod apply;
pub mod attributes;
pub mod default_file;
pub mod desired;
pub mod drift;
pub mod explain;
pub mod file;
#[cfg(test)]
mod fixtures;
pub mod guards;
pub mod known;
pub mod leaver;
pub mod live;
pub mod lookup;
pub mod matching;
pub mod mistake;
#[cfg(test)]
mod model;
pub mod nearest;
pub mod orphans;
pub mod permission_resources;
pub mod permissions;
pub mod plan;
pub mod remove;
pub mod resolve;
#[cfg(test)]
mod selection_properties;
pub mod selections;
pub mod selector;
pub mod specification;
pub mod units;
pub mod what_if;
