//! Which accounts the lists of selectors in an access file match, with its account sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::file::AccountSet;
use super::matching::{AccountIds, Organization, is_glob};
use super::mistake::{Located, Mistake, Place};
use super::selector::{Selection, Selector, SelectorError, unknown_set};

/// The accounts that a selector, selection or set matches.
#[derive(Debug, Clone)]
struct Matched<'a> {
    ids: Rc<AccountIds<'a>>,
    /// Whether the management account is meant if it is among them: it is named as `management` or by its ID.
    names_management: bool,
    /// Whether the management account was left out because nothing names it.
    leaves_out_management: bool,
    /// Whether to match no account is no mistake.
    may_be_empty: bool,
}

/// Why a selector has no accounts.
#[derive(Debug, Clone)]
enum Problem {
    /// A mistake that is reported wherever the selector stands.
    Mistake(SelectorError),
    /// A mistake in the account set, which is reported there.
    InSet,
}

/// What a list of selectors is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The accounts of an `[[assignment]]`: never the management account, unless a selector names it.
    Assignment,
    /// The accounts of a set, which can be an exception elsewhere.
    Set,
    /// Exceptions.
    Exception,
}

/// The accounts and exceptions of an `[[assignment]]` or an account set.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'f> {
    /// The accounts.
    pub accounts: &'f [Located<Selection>],
    /// The accounts that are not meant.
    pub except: &'f [Located<Selection>],
    /// Where the table is.
    pub place: &'f Place,
}

/// Finds the accounts of selections. Each selector is searched once, however often the file has it.
pub struct Selections<'a> {
    organization: &'a Organization<'a>,
    /// The account sets of the file.
    tables: &'a BTreeMap<String, AccountSet>,
    /// The accounts of the sets; `None` for a set with a mistake.
    sets: BTreeMap<&'a str, Option<Matched<'a>>>,
    /// The accounts of the other selectors.
    found: HashMap<&'a Selector, Result<Matched<'a>, Problem>>,
    /// The `[[assignment]]` tables whose selectors match the management account and do not name it.
    without_management: BTreeSet<&'a Place>,
}

impl<'a> Selections<'a> {
    /// Finds the accounts of all sets. Each set comes after those that it refers to; sets that refer to each other in a
    /// cycle are mistakes.
    pub fn new(
        organization: &'a Organization<'a>,
        sets: &'a BTreeMap<String, AccountSet>,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let mut selections = Self {
            organization,
            tables: sets,
            sets: BTreeMap::new(),
            found: HashMap::new(),
            without_management: BTreeSet::new(),
        };
        let order = Order::of(sets);
        for name in order.sorted {
            if let Some(set) = sets.get(name) {
                let matched = selections.of_set(name, set, mistakes);
                selections.sets.insert(name, matched);
            }
        }
        mistakes.extend(cycles(sets, &order.waiting));
        let waiting = order.waiting.into_keys();
        selections.sets.extend(waiting.map(|name| (name, None)));
        selections
    }

    /// The accounts of an `[[assignment]]`, also those that are not active; `None` after a mistake.
    pub fn of_assignment(&mut self, lists: &Lists<'a>, mistakes: &mut Vec<Mistake>) -> Option<Rc<AccountIds<'a>>> {
        let matched = self.of_lists(lists, Purpose::Assignment, false, mistakes)?;
        if matched.ids.is_empty() && !matched.may_be_empty {
            mistakes.push(leaves_nothing(lists, "This assignment", Purpose::Assignment));
            return None;
        }
        if matched.leaves_out_management {
            self.without_management.insert(lists.place);
        }
        Some(matched.ids)
    }

    /// The `[[assignment]]` tables so far that leave out the management account, although selectors match it.
    pub fn without_management(&self) -> BTreeSet<Place> {
        self.without_management.iter().copied().cloned().collect()
    }

    fn of_set(&mut self, name: &str, set: &'a AccountSet, mistakes: &mut Vec<Mistake>) -> Option<Matched<'a>> {
        let lists = Lists {
            accounts: &set.accounts,
            except: &set.except,
            place: &set.place,
        };
        let matched = self.of_lists(&lists, Purpose::Set, set.may_be_empty, mistakes)?;
        if matched.ids.is_empty() && !matched.may_be_empty {
            mistakes.push(leaves_nothing(&lists, &format!("The account set {name}"), Purpose::Set));
            return None;
        }
        Some(matched)
    }

    /// The union of the accounts without the exceptions.
    fn of_lists(
        &mut self,
        lists: &Lists<'a>,
        purpose: Purpose,
        may_be_empty: bool,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Matched<'a>> {
        // Both lists are searched to the end, so that all mistakes are reported.
        let accounts = self.union(lists.accounts, purpose, may_be_empty, mistakes);
        let except = self.union(lists.except, Purpose::Exception, may_be_empty, mistakes);
        let (accounts, except) = (accounts?, except?);
        let is_management = |ids: &AccountIds<'a>| self.organization.management().is_some_and(|id| ids.contains(id));
        let leaves_out_management =
            accounts.leaves_out_management && !is_management(&accounts.ids) && !is_management(&except.ids);
        let ids = if except.ids.is_disjoint(&accounts.ids) {
            accounts.ids
        } else {
            Rc::new(accounts.ids.difference(&except.ids).copied().collect())
        };
        Some(Matched {
            ids,
            names_management: accounts.names_management,
            leaves_out_management,
            // That an exception may match nothing does not mean that it may leave nothing.
            may_be_empty: may_be_empty || accounts.may_be_empty,
        })
    }

    fn union(
        &mut self,
        list: &'a [Located<Selection>],
        purpose: Purpose,
        may_be_empty: bool,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Matched<'a>> {
        let found: Vec<Option<Matched<'a>>> = list
            .iter()
            .map(|selection| self.of_selection(selection, purpose, may_be_empty, mistakes))
            .collect();
        let found: Vec<Matched<'a>> = found.into_iter().collect::<Option<_>>()?;
        let may_be_empty = found.iter().any(|matched| matched.may_be_empty);
        let leaves_out_management = found.iter().any(|matched| matched.leaves_out_management);
        let names_management = found.iter().any(|matched| {
            let management = self.organization.management();
            matched.names_management && management.is_some_and(|id| matched.ids.contains(id))
        });
        let ids = match found.as_slice() {
            [one] => Rc::clone(&one.ids),
            several => Rc::new(several.iter().flat_map(|matched| matched.ids.iter().copied()).collect()),
        };
        Some(Matched {
            ids,
            names_management,
            leaves_out_management,
            may_be_empty,
        })
    }

    /// The intersection of the selectors of a selection.
    fn of_selection(
        &mut self,
        selection: &'a Located<Selection>,
        purpose: Purpose,
        may_be_empty: bool,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Matched<'a>> {
        let mut found: Vec<Matched<'a>> = Vec::new();
        for selector in &selection.value.all_of {
            match self.of_selector(selector) {
                Ok(matched) => found.push(matched),
                Err(Problem::Mistake(error)) => mistakes.push(located(error, &selection.place)),
                Err(Problem::InSet) => {}
            }
        }
        if found.len() < selection.value.all_of.len() {
            return None;
        }
        let mut all = found.iter();
        let mut matched = all.next()?.clone();
        for other in all {
            matched = Matched {
                ids: Rc::new(matched.ids.intersection(&other.ids).copied().collect()),
                names_management: matched.names_management || other.names_management,
                leaves_out_management: false,
                may_be_empty: matched.may_be_empty || other.may_be_empty,
            };
        }
        if purpose == Purpose::Assignment && !matched.names_management {
            let count = matched.ids.len();
            matched.ids = self.keep_out_management(matched.ids);
            matched.leaves_out_management = matched.ids.len() < count;
        }
        let is_fine = may_be_empty
            || matched.may_be_empty
            || (purpose == Purpose::Exception && may_except_nothing(&selection.value, &found));
        if matched.ids.is_empty() && !is_fine {
            mistakes.push(self.matches_nothing(selection, &found, purpose));
            return None;
        }
        Some(matched)
    }

    fn keep_out_management(&self, ids: Rc<AccountIds<'a>>) -> Rc<AccountIds<'a>> {
        match self.organization.management() {
            Some(management) if ids.contains(management) => {
                Rc::new(ids.iter().copied().filter(|id| *id != management).collect())
            }
            _ => ids,
        }
    }

    fn of_selector(&mut self, selector: &'a Selector) -> Result<Matched<'a>, Problem> {
        if let Some(found) = self.found.get(selector) {
            return found.clone();
        }
        let organization = self.organization;
        let ids = match selector {
            Selector::Id(id) => organization.with_id(id),
            Selector::Name(glob) => organization.named(glob),
            Selector::Unit { unit, is_recursive } => organization.in_unit(unit, *is_recursive),
            Selector::Tag { key, value } => organization.tagged(key, value),
            Selector::All => Ok(organization.all()),
            Selector::Management => Ok(organization.management().into_iter().collect()),
            Selector::Set(name) => return self.of_reference(name),
        };
        let found = ids
            .map(|ids| Matched {
                ids: Rc::new(ids),
                names_management: matches!(selector, Selector::Id(_) | Selector::Management),
                leaves_out_management: false,
                may_be_empty: false,
            })
            .map_err(Problem::Mistake);
        self.found.insert(selector, found.clone());
        found
    }

    fn of_reference(&self, name: &str) -> Result<Matched<'a>, Problem> {
        match self.sets.get(name) {
            Some(Some(matched)) => Ok(matched.clone()),
            Some(None) => Err(Problem::InSet),
            None => {
                let known = self.tables.keys().map(String::as_str);
                Err(Problem::Mistake(unknown_set(name, known)))
            }
        }
    }

    /// Says that a selection matches no account, and which of its selectors is the reason.
    fn matches_nothing(&self, selection: &Located<Selection>, found: &[Matched<'a>], purpose: Purpose) -> Mistake {
        let selectors = &selection.value.all_of;
        let empty = selectors.iter().zip(found).find(|(_, matched)| matched.ids.is_empty());
        let only_management = found.iter().all(|matched| {
            let management = self.organization.management();
            management.is_some_and(|id| matched.ids.contains(id))
        });
        let message = match empty {
            Some((selector, _)) => format!("{selector} matches no account."),
            None if only_management => format!("{} matches only the management account.", selection.value.text),
            None => format!("No account matches all of {}.", selection.value.text),
        };
        let suggestion = match empty {
            _ if only_management => "To include it, add management or its ID.".to_owned(),
            Some((selector, _)) => self
                .organization
                .suggestion(selector)
                .unwrap_or_else(|| purpose.allowing().to_owned()),
            None => purpose.allowing().to_owned(),
        };
        located(SelectorError::new(message, suggestion), &selection.place)
    }
}

impl Purpose {
    /// How to allow that a selector matches no account.
    fn allowing(self) -> &'static str {
        match self {
            Self::Assignment => "To allow that, put it into an account set with may-be-empty = true.",
            Self::Set => "To allow that, set may-be-empty = true in this account set.",
            Self::Exception => "Correct it, or take it out of except.",
        }
    }
}

/// Whether exceptions may match no account today: those that depend on what accounts are called, on their tags or on a set.
/// An ID and an organizational unit must exist and match.
fn may_except_nothing(selection: &Selection, found: &[Matched<'_>]) -> bool {
    let mut selectors = selection.all_of.iter().zip(found);
    let mut depends = false;
    let is_fixed_and_empty = selectors.any(|(selector, matched)| {
        let is_variable = match selector {
            Selector::Tag { .. } | Selector::Set(_) => true,
            Selector::Name(name) => is_glob(name),
            Selector::Id(_) | Selector::Unit { .. } | Selector::All | Selector::Management => false,
        };
        depends |= is_variable;
        !is_variable && matched.ids.is_empty()
    });
    depends && !is_fixed_and_empty
}

fn located(error: SelectorError, place: &Place) -> Mistake {
    Mistake {
        place: place.clone(),
        message: error.message,
        suggestion: error.suggestion,
    }
}

fn leaves_nothing(lists: &Lists<'_>, what: &str, purpose: Purpose) -> Mistake {
    let error = if lists.accounts.is_empty() {
        SelectorError::new(format!("{what} names no accounts."), "Add a selector to accounts.")
    } else {
        let suggestion = match purpose {
            Purpose::Assignment => {
                "Correct its exceptions, or move its accounts and exceptions into an account set with may-be-empty = true."
            }
            Purpose::Set | Purpose::Exception => purpose.allowing(),
        };
        SelectorError::new(format!("{what} has no accounts left after its exceptions."), suggestion)
    };
    located(error, lists.place)
}

/// The sets that a set refers to, each with the place of the reference.
fn references(set: &AccountSet) -> impl Iterator<Item = (&str, &Place)> {
    set.accounts.iter().chain(&set.except).flat_map(|selection| {
        let names = selection.value.all_of.iter().filter_map(|selector| match selector {
            Selector::Set(name) => Some(name.as_str()),
            _ => None,
        });
        names.map(move |name| (name, &selection.place))
    })
}

/// The order in which account sets are searched.
struct Order<'a> {
    /// The sets, each after those that it refers to.
    sorted: Vec<&'a str>,
    /// The sets that refer to each other in a cycle, and those that refer to such sets, with those that they wait for.
    waiting: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Order<'a> {
    fn of(sets: &'a BTreeMap<String, AccountSet>) -> Self {
        let mut sorted = Vec::new();
        let mut waiting: BTreeMap<&'a str, BTreeSet<&'a str>> = BTreeMap::new();
        let mut users: BTreeMap<&'a str, Vec<&'a str>> = BTreeMap::new();
        let mut ready: BTreeSet<&'a str> = BTreeSet::new();
        for (name, set) in sets {
            let name = name.as_str();
            let needed: BTreeSet<&'a str> = references(set)
                .map(|(needed, _)| needed)
                .filter(|needed| sets.contains_key(*needed))
                .collect();
            for needed in &needed {
                users.entry(*needed).or_default().push(name);
            }
            if needed.is_empty() {
                ready.insert(name);
            } else {
                waiting.insert(name, needed);
            }
        }
        while let Some(name) = ready.pop_first() {
            sorted.push(name);
            for user in users.get(name).into_iter().flatten() {
                if let Some(needed) = waiting.get_mut(user) {
                    needed.remove(name);
                    if needed.is_empty() {
                        waiting.remove(user);
                        ready.insert(*user);
                    }
                }
            }
        }
        Self { sorted, waiting }
    }
}

/// The account sets that contain each other.
pub fn cyclic(sets: &BTreeMap<String, AccountSet>) -> Vec<Mistake> {
    cycles(sets, &Order::of(sets).waiting)
}

/// The cycles among the sets that wait for each other.
fn cycles<'a>(sets: &'a BTreeMap<String, AccountSet>, waiting: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut seen: BTreeSet<&'a str> = BTreeSet::new();
    for &start in waiting.keys() {
        let mut path: Vec<&'a str> = Vec::new();
        let mut next = start;
        // Every set that waits refers to another one that waits, so each path ends in a cycle or in an earlier path.
        while seen.insert(next) {
            path.push(next);
            match waiting.get(next).and_then(BTreeSet::first) {
                Some(&needed) => next = needed,
                None => break,
            }
        }
        let Some(begin) = path.iter().position(|name| *name == next) else {
            continue;
        };
        let Some((_, place)) = path
            .last()
            .and_then(|last| sets.get(*last))
            .and_then(|set| references(set).find(|(needed, _)| *needed == next))
        else {
            continue;
        };
        let names: Vec<String> = path[begin..]
            .iter()
            .chain([&next])
            .map(|name| format!("@{name}"))
            .collect();
        mistakes.push(located(
            SelectorError::new(
                format!("Account sets contain each other: {}.", names.join(" → ")),
                "Take one of them out of another.",
            ),
            place,
        ));
    }
    mistakes
}
