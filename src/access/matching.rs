//! Which accounts of an organization a single selector matches.

use std::collections::{BTreeSet, HashMap};

use wildmatch::WildMatch;

use super::nearest::nearest;
use super::selector::{NO_SUCH_ID, Selector, SelectorError, UnitReference};
use super::units;
use crate::ids::AccountId;
use crate::resources::inventory::{Account, Accounts, account_text};

/// IDs of accounts.
pub type AccountIds<'a> = BTreeSet<&'a AccountId>;

/// A text of an account (its name, or the value of a tag) with the account.
type Entry<'a> = (&'a str, &'a AccountId);

/// The accounts of an organization, with what is needed to find those that a selector matches without looking at each.
pub struct Organization<'a> {
    accounts: &'a Accounts,
    /// The names, sorted.
    names: Vec<Entry<'a>>,
    /// The values of each tag, sorted.
    tags: HashMap<&'a str, Vec<Entry<'a>>>,
    /// The accounts directly in each unit.
    within: HashMap<&'a str, AccountIds<'a>>,
    /// The accounts in each unit and in all units below it.
    below: HashMap<&'a str, AccountIds<'a>>,
    /// An active account whose tags were not read.
    without_tags: Option<&'a AccountId>,
    /// An active account whose units are unknown.
    without_path: Option<&'a AccountId>,
}

impl<'a> Organization<'a> {
    /// Indexes the accounts.
    pub fn new(accounts: &'a Accounts) -> Self {
        let mut organization = Self {
            accounts,
            names: Vec::with_capacity(accounts.all.len()),
            tags: HashMap::new(),
            within: HashMap::new(),
            below: HashMap::new(),
            without_tags: None,
            without_path: None,
        };
        for (id, account) in &accounts.all {
            organization.names.push((account.name.as_str(), id));
            if let Some(unit) = account.path.last() {
                organization.within.entry(unit.as_str()).or_default().insert(id);
            }
            for unit in &account.path {
                organization.below.entry(unit.as_str()).or_default().insert(id);
            }
            for (key, value) in account.tags.iter().flatten() {
                organization
                    .tags
                    .entry(key.as_str())
                    .or_default()
                    .push((value.as_str(), id));
            }
            if account.is_active() && account.tags.is_none() {
                organization.without_tags = Some(id);
            }
            if account.is_active() && account.path.is_empty() {
                organization.without_path = Some(id);
            }
        }
        organization.names.sort_unstable();
        for values in organization.tags.values_mut() {
            values.sort_unstable();
        }
        organization
    }

    /// The management account, if the organization has one.
    pub fn management(&self) -> Option<&'a AccountId> {
        self.accounts.management.as_ref()
    }

    /// The account with an ID.
    ///
    /// # Errors
    /// When the organization does not contain it.
    pub fn with_id(&self, id: &AccountId) -> Result<AccountIds<'a>, SelectorError> {
        if let Some((known, _)) = self.accounts.all.get_key_value(id) {
            return Ok(AccountIds::from([known]));
        }
        let similar = nearest(id, self.accounts.all.keys().map(|known| &**known));
        let similar = similar.and_then(|known| self.accounts.all.values().find(|account| account.id == *known));
        let suggestion = match similar {
            Some(account) => format!(
                "The nearest ID is that of {}.",
                account_text(&account.id, Some(&account.name))
            ),
            None => NO_SUCH_ID.to_owned(),
        };
        Err(SelectorError::new(
            format!("The account {id} is not in the organization."),
            suggestion,
        ))
    }

    /// The accounts whose name matches a glob.
    ///
    /// # Errors
    /// When the glob is a plain name, and several accounts have it.
    pub fn named(&self, glob: &str) -> Result<AccountIds<'a>, SelectorError> {
        let found = matching(&self.names, glob);
        // A closed account keeps its name, often beside a new one.
        let active: Vec<&str> = found.iter().filter(|id| self.is_active(id)).map(|id| &***id).collect();
        if active.len() > 1 && !is_glob(glob) {
            return Err(SelectorError::new(
                format!("The name {glob:?} is ambiguous: {} accounts have it.", active.len()),
                format!("Use the IDs: {}.", active.join(", ")),
            ));
        }
        Ok(found)
    }

    /// The accounts in a unit, or also in those below it.
    ///
    /// # Errors
    /// When the unit is unknown or ambiguous.
    pub fn in_unit(&self, unit: &UnitReference, is_recursive: bool) -> Result<AccountIds<'a>, SelectorError> {
        if let Some(account) = self.without_path {
            return Err(SelectorError::new(
                format!("The organizational units of the account {account} are unknown, so ou:{unit} cannot be used."),
                "Use other selectors, or credentials that are allowed to list the accounts of the organization.",
            ));
        }
        let id = units::find(self.accounts, unit)?;
        let index = if is_recursive { &self.below } else { &self.within };
        Ok(index.get(id).cloned().unwrap_or_default())
    }

    /// The accounts with a tag whose value matches a glob.
    ///
    /// # Errors
    /// When the tags were not read.
    pub fn tagged(&self, key: &str, glob: &str) -> Result<AccountIds<'a>, SelectorError> {
        if let Some(account) = self.without_tags {
            return Err(SelectorError::new(
                format!("The tags of the account {account} are unknown, so tag:{key}={glob} cannot be used."),
                "Use other selectors, or credentials that are allowed to list the tags of accounts.",
            ));
        }
        Ok(self
            .tags
            .get(key)
            .map(|values| matching(values, glob))
            .unwrap_or_default())
    }

    /// All accounts but the management account.
    pub fn all(&self) -> AccountIds<'a> {
        let management = self.management();
        self.accounts.all.keys().filter(|id| Some(*id) != management).collect()
    }

    /// Why a selector that matches no account could be mistyped, as a sentence.
    pub fn suggestion(&self, selector: &Selector) -> Option<String> {
        match selector {
            Selector::Name(glob) if !is_glob(glob) => {
                let name = nearest(glob, self.names.iter().map(|(name, _)| *name))?;
                Some(format!("The nearest name is {name}."))
            }
            Selector::Unit {
                unit,
                is_recursive: false,
            } => {
                let id = units::find(self.accounts, unit).ok()?;
                let count = self.below.get(id)?.len();
                Some(format!(
                    "ou:{unit}/** matches the {count} accounts in the units below it."
                ))
            }
            Selector::Tag { key, value } => match self.tags.get(key.as_str()) {
                None => {
                    let key = nearest(key, self.tags.keys().copied())?;
                    Some(format!("The nearest key of a tag is {key}."))
                }
                Some(values) if !is_glob(value) => {
                    let value = nearest(value, values.iter().map(|(value, _)| *value))?;
                    Some(format!("The nearest value of the tag {key} is {value}."))
                }
                Some(_) => None,
            },
            _ => None,
        }
    }

    fn is_active(&self, id: &AccountId) -> bool {
        self.accounts.all.get(id).is_some_and(Account::is_active)
    }
}

/// Whether a text has wildcards.
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The accounts whose text matches a glob.
fn matching<'a>(sorted: &[Entry<'a>], glob: &str) -> AccountIds<'a> {
    let beginning = glob.split(['*', '?']).next().unwrap_or_default();
    let start = sorted.partition_point(|(text, _)| *text < beginning);
    let pattern = WildMatch::new(glob);
    sorted[start..]
        .iter()
        .take_while(|(text, _)| text.starts_with(beginning))
        .filter(|(text, _)| pattern.matches(text))
        .map(|(_, id)| *id)
        .collect()
}
