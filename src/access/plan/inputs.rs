//! What a plan is made from.

use jiff::civil::Date;

use super::change::Options;
use crate::access::desired::Desired;
use crate::access::file::PrincipalName;
use crate::access::guards::Patterns;
use crate::access::lookup::Lookup;
use crate::ids::AccountId;
use crate::resources::inventory::Inventory;

/// What a plan is made from.
pub(super) struct Inputs<'a> {
    /// What the file asks for.
    pub desired: &'a Desired,
    /// What exists.
    pub observed: &'a Inventory,
    /// What the plan may contain.
    pub options: &'a Options,
    /// The date in UTC.
    pub today: Date,
    /// What exists, by the names of the file.
    pub lookup: Lookup<'a>,
    /// What is left alone.
    pub ignore: Patterns<'a>,
    /// What is never deleted and never emptied.
    pub protect: Patterns<'a>,
}

impl<'a> Inputs<'a> {
    pub fn new(desired: &'a Desired, observed: &'a Inventory, options: &'a Options, today: Date) -> Self {
        Self {
            desired,
            observed,
            options,
            today,
            lookup: Lookup::new(desired, observed),
            ignore: Patterns::new(&desired.guard.ignore, &observed.accounts),
            protect: Patterns::new(&desired.guard.protect, &observed.accounts),
        }
    }

    /// The part of an assignment because of which it is ignored, as the subject of a sentence.
    pub fn ignored_part(
        &self,
        account: &AccountId,
        permission_set: &str,
        principal: Option<&PrincipalName>,
    ) -> Option<String> {
        if self.ignore.permission_set(permission_set) {
            return Some(format!("The permission set {permission_set}"));
        }
        if self.ignore.account(account) {
            return Some(format!("The account {}", self.lookup.account_text(account)));
        }
        let principal = principal?;
        self.is_ignored(principal).then(|| subject(principal))
    }

    /// Whether a user or group is left alone.
    pub fn is_ignored(&self, principal: &PrincipalName) -> bool {
        self.ignore.principal_of(&self.lookup, principal)
    }
}

/// A principal as the subject of a sentence: `The user ada`.
pub(super) fn subject(principal: &PrincipalName) -> String {
    match principal {
        PrincipalName::User(name) => format!("The user {name}"),
        PrincipalName::Group(name) => format!("The group {name}"),
    }
}
