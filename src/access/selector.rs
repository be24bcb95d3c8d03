//! Account selectors: which accounts an assignment or an account set means.

use crate::ids::AccountId;

/// Selectors of which an account must match all: `ou:Workloads/** & tag:env=prod`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The text, as written.
    pub text: String,
    /// The selectors.
    pub all_of: Vec<Selector>,
}

/// A selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The account with this ID.
    Id(AccountId),
    /// `name:GLOB`: accounts with such a name.
    Name(String),
    /// `ou:A/B` or `ou:ou-…`: accounts in an organizational unit.
    Unit {
        /// The names from below the root down, or the ID of the unit or root.
        unit: UnitReference,
        /// `/**`: also accounts in the units below it.
        is_recursive: bool,
    },
    /// `tag:KEY=GLOB`: accounts with such a tag.
    Tag {
        /// The key.
        key: String,
        /// The value with `*` and `?`.
        value: String,
    },
    /// `all`: all accounts but the management account.
    All,
    /// `management`: the management account.
    Management,
    /// `@SET`: the accounts of a set.
    Set(String),
}

/// How a selector names an organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitReference {
    /// By its ID, `ou-…` or `r-…`.
    Id(String),
    /// By its path of names, from below the root down.
    Path(Vec<String>),
}
