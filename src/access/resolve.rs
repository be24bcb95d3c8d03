//! Turns an access file into what it asks for, with the accounts of the organization in place of selectors.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::desired::{
    AssignmentName, Desired, DesiredAssignment, DesiredGroup, DesiredSet, DesiredUser, Expired, SkippedAccount,
};
use super::file::{AccessFile, Assignment, Group, User};
use super::known::Known;
pub use super::known::KnownNames;
use super::matching::Organization;
use super::mistake::{Located, Mistake, Place};
use super::selections::{Lists, Selections};
use super::selector::{Selector, UnitReference};
use super::specification::specification;
use crate::aws::regions::Partition;
use crate::ids::AccountId;
use crate::resources::inventory::Accounts;

/// The parts of the organization that the selectors of a file need. The accounts themselves are always read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountNeeds {
    /// The tags of every active account.
    pub tags: bool,
    /// The paths of organizational units, from below the root down. To find a unit and to suggest another one, the units on
    /// the path must be read with those beside them.
    pub unit_paths: BTreeSet<Vec<String>>,
    /// The IDs of organizational units and roots.
    pub unit_ids: BTreeSet<String>,
}

impl AccountNeeds {
    /// Adds an organizational unit.
    pub fn add_unit(&mut self, unit: &UnitReference) {
        match unit {
            UnitReference::Id(id) => self.unit_ids.insert(id.clone()),
            UnitReference::Path(names) => self.unit_paths.insert(names.clone()),
        };
    }

    fn add(&mut self, selector: &Selector) {
        match selector {
            Selector::Unit { unit, .. } => self.add_unit(unit),
            Selector::Tag { .. } => self.tags = true,
            Selector::Id(_) | Selector::Name(_) | Selector::All | Selector::Management | Selector::Set(_) => {}
        }
    }
}

/// Which parts of the organization the selectors of a file need.
pub fn needs(file: &AccessFile) -> AccountNeeds {
    let mut needs = AccountNeeds::default();
    let of_sets = file.account_sets.values().map(|set| (&set.accounts, &set.except));
    let of_assignments = file.assignments.iter().map(|line| (&line.accounts, &line.except));
    for (accounts, except) in of_sets.chain(of_assignments) {
        let selections = accounts.iter().chain(except);
        for selector in selections.flat_map(|selection| &selection.value.all_of) {
            needs.add(selector);
        }
    }
    needs
}

/// What the file asks for.
///
/// The mistakes of an assignment whose `until` has passed are not reported, because it asks for nothing: its users can
/// be gone already.
///
/// # Errors
/// All mistakes in the file, in the order of their places.
pub fn resolve(
    file: &AccessFile,
    accounts: &Accounts,
    names: &KnownNames,
    partition: Partition,
    today: Date,
) -> Result<Desired, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let organization = Organization::new(accounts);
    let known = Known::new(file, names, &mut mistakes);
    let selections = Selections::new(&organization, &file.account_sets, &mut mistakes);
    let groups: BTreeMap<String, DesiredGroup> = file
        .groups
        .iter()
        .map(|group| {
            let wrong = group.members.iter().filter_map(|member| known.member(member));
            if !group.is_absent {
                mistakes.extend(wrong);
            }
            (group.name.value.clone(), desired_group(group))
        })
        .collect();
    let permission_sets: BTreeMap<String, DesiredSet> = file
        .permission_sets
        .iter()
        .map(|set| {
            let desired = DesiredSet {
                place: set.place.clone(),
                spec: specification(set, &file.defaults, partition, &mut mistakes),
                previous_names: texts(&set.previous_names),
                adopt: set.adopt,
                assignments: set.assignments,
            };
            (set.name.value.clone(), desired)
        })
        .collect();
    let mut collector = Collector::new(accounts, known, selections, today);
    for line in &file.assignments {
        collector.add(line, &mut mistakes);
    }
    let found = collector.finish(&mut mistakes);
    if !mistakes.is_empty() {
        mistakes.sort_by(|one, other| one.place.cmp(&other.place));
        mistakes.dedup();
        return Err(mistakes);
    }
    Ok(Desired {
        name: file.name.value.clone(),
        instance: file.instance.clone(),
        guard: file.guard.clone(),
        users: file
            .users
            .iter()
            .map(|user| (user.name.value.clone(), desired_user(user)))
            .collect(),
        groups,
        permission_sets,
        assignments: found.wanted,
        absent_assignments: found.absent,
        expired: found.expired,
        skipped_accounts: found.skipped,
        uses_tags: needs(file).tags,
    })
}

fn desired_user(user: &User) -> DesiredUser {
    let text = |value: Option<&Located<String>>| value.map(|value| value.value.clone());
    DesiredUser {
        place: user.place.clone(),
        email: text(user.email.as_ref()),
        given_name: text(user.given_name.as_ref()),
        family_name: text(user.family_name.as_ref()),
        display_name: text(user.display_name.as_ref()),
        previous_names: texts(&user.previous_names),
        is_external: user.is_external,
        is_absent: user.is_absent,
    }
}

fn desired_group(group: &Group) -> DesiredGroup {
    let member = |member: &Located<String>| (member.value.clone(), member.place.clone());
    DesiredGroup {
        place: group.place.clone(),
        description: group.description.as_ref().map(|description| description.value.clone()),
        members: group.members.iter().map(member).collect(),
        membership: group.membership,
        previous_names: texts(&group.previous_names),
        is_external: group.is_external,
        is_absent: group.is_absent,
    }
}

fn texts(values: &[Located<String>]) -> Vec<String> {
    values.iter().map(|value| value.value.clone()).collect()
}

/// What the assignments of a file ask for.
#[derive(Default)]
struct Found {
    wanted: BTreeMap<AssignmentName, DesiredAssignment>,
    absent: BTreeMap<AssignmentName, Place>,
    expired: BTreeMap<AssignmentName, Expired>,
    skipped: BTreeMap<AccountId, SkippedAccount>,
}

/// Collects what the assignments of a file ask for, line after line.
struct Collector<'a> {
    accounts: &'a Accounts,
    known: Known<'a>,
    selections: Selections<'a>,
    today: Date,
    found: Found,
}

impl<'a> Collector<'a> {
    fn new(accounts: &'a Accounts, known: Known<'a>, selections: Selections<'a>, today: Date) -> Self {
        Self {
            accounts,
            known,
            selections,
            today,
            found: Found::default(),
        }
    }

    fn add(&mut self, line: &'a Assignment, mistakes: &mut Vec<Mistake>) {
        // What must not exist has no last day.
        let until = line.until.as_ref().map(|until| until.value).filter(|_| !line.is_absent);
        let passed = until.filter(|until| *until <= self.today);
        let mut wrong = Vec::new();
        let names = self.names(line, &mut wrong);
        if passed.is_none() {
            mistakes.append(&mut wrong);
        }
        for name in names {
            if line.is_absent {
                self.found.absent.entry(name).or_insert_with(|| line.place.clone());
            } else if let Some(until) = passed {
                self.expire(name, &line.place, until);
            } else {
                self.want(name, line, until);
            }
        }
    }

    /// The assignments that a line means, as far as it has no mistakes.
    fn names(&mut self, line: &'a Assignment, mistakes: &mut Vec<Mistake>) -> Vec<AssignmentName> {
        let mut principals = Vec::new();
        for principal in &line.principals {
            match self.known.principal(principal, line.is_absent) {
                Some(mistake) => mistakes.push(mistake),
                None => principals.push(&principal.value),
            }
        }
        let mut sets = Vec::new();
        for set in &line.permission_sets {
            match self.known.permission_set(set) {
                Some(mistake) => mistakes.push(mistake),
                None => sets.push(&set.value),
            }
        }
        let lists = Lists {
            accounts: &line.accounts,
            except: &line.except,
            place: &line.place,
        };
        let Some(ids) = self.selections.of_assignment(&lists, mistakes) else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for &id in &*ids {
            if !self.is_active(id) {
                continue;
            }
            for &set in &sets {
                names.extend(principals.iter().map(|&principal| AssignmentName {
                    account: id.clone(),
                    permission_set: set.clone(),
                    principal: principal.clone(),
                }));
            }
        }
        names
    }

    /// Whether an account is active. Others are noted.
    fn is_active(&mut self, id: &AccountId) -> bool {
        let Some(account) = self.accounts.all.get(id) else {
            return false;
        };
        if !account.is_active() {
            self.found.skipped.entry(id.clone()).or_insert_with(|| SkippedAccount {
                name: account.name.clone(),
                state: account.state.clone(),
            });
        }
        account.is_active()
    }

    fn want(&mut self, name: AssignmentName, line: &Assignment, until: Option<Date>) {
        match self.found.wanted.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(DesiredAssignment {
                    places: BTreeSet::from([line.place.clone()]),
                    reasons: line.reason.iter().cloned().collect(),
                    until,
                });
            }
            Entry::Occupied(mut entry) => {
                let wanted = entry.get_mut();
                wanted.places.insert(line.place.clone());
                wanted.reasons.extend(line.reason.clone());
                wanted.until = match (wanted.until, until) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    _ => None,
                };
            }
        }
    }

    /// Notes an assignment whose last day has passed; of several lines, that with the latest day.
    fn expire(&mut self, name: AssignmentName, place: &Place, until: Date) {
        let expired = Expired {
            place: place.clone(),
            until,
        };
        match self.found.expired.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(expired);
            }
            Entry::Occupied(mut entry) => {
                if entry.get().until < until {
                    entry.insert(expired);
                }
            }
        }
    }

    fn finish(self, mistakes: &mut Vec<Mistake>) -> Found {
        let mut found = self.found;
        let (wanted, absent) = (&found.wanted, &found.absent);
        found
            .expired
            .retain(|name, _| !wanted.contains_key(name) && !absent.contains_key(name));
        mistakes.extend(contradictions(wanted, absent));
        found
    }
}

/// The assignments that one line asks for and that another line says must not exist. There is one mistake for each pair of
/// lines, and not for each account.
fn contradictions(
    wanted: &BTreeMap<AssignmentName, DesiredAssignment>,
    absent: &BTreeMap<AssignmentName, Place>,
) -> Vec<Mistake> {
    let mut pairs: BTreeMap<(&Place, &Place), &AssignmentName> = BTreeMap::new();
    for (name, place) in absent {
        for other in wanted.get(name).into_iter().flat_map(|wanted| &wanted.places) {
            pairs.entry((place, other)).or_insert(name);
        }
    }
    let mistakes = pairs.into_iter().map(|((place, other), name)| {
        let AssignmentName {
            account,
            permission_set,
            principal,
        } = name;
        Mistake {
            place: place.clone(),
            message: format!("{principal} must not have {permission_set} in {account}, but {other} asks for it."),
            suggestion: Some("Remove one of the two, or add the account to the exceptions of one.".to_owned()),
        }
    });
    mistakes.collect()
}
