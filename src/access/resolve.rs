//! Turns an access file into what it asks for, with the accounts of the organization in place of selectors.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::desired::{AssignmentName, Desired, DesiredAssignment, DesiredGroup, DesiredSet, DesiredUser, Expired};
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
        without_management: found.without_management,
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
    skipped: BTreeSet<AccountId>,
    without_management: BTreeSet<Place>,
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
                // Who is gone has no assignment that must not exist. A name that is similar to another one is a mistake.
                Some(_) if line.is_absent && self.known.is_gone(&principal.value) => {}
                Some(mistake) => mistakes.push(mistake),
                None => principals.push(&principal.value),
            }
        }
        let mut sets = Vec::new();
        for set in &line.permission_sets {
            match self.known.permission_set(set) {
                Some(_) if line.is_absent && self.known.is_gone_set(&set.value) => {}
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
            self.found.skipped.insert(id.clone());
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
        found.without_management = self.selections.without_management();
        let (wanted, absent) = (&found.wanted, &found.absent);
        found
            .expired
            .retain(|name, _| !wanted.contains_key(name) && !absent.contains_key(name));
        mistakes.extend(contradictions(self.accounts, wanted, absent));
        found
    }
}

/// The assignments that one line asks for and that another line says must not exist. There is one mistake for each pair of
/// lines, and not for each account.
fn contradictions(
    accounts: &Accounts,
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
            message: format!(
                "{principal} must not have {permission_set} in {}, but {other} asks for it.",
                accounts.text(account)
            ),
            suggestion: "Remove one of the two, or add the account to the exceptions of one.".to_owned(),
        }
    });
    mistakes.collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use jiff::civil::date;

    use super::super::file::AccountSet;
    use super::super::fixtures::{
        CLOSED, MANAGEMENT, PAYMENTS, PROD, ROOT, SANDBOX, SCRATCH, SHOP, SHOP_DEV, TOOLS, WORKLOADS, account,
        account_set, assignment, file, group, id, located, names, organization, place, principal, resolved, selections,
        unit, user, with_accounts,
    };
    use super::super::what_if;
    use super::*;

    fn mistakes(file: &AccessFile) -> Vec<Mistake> {
        resolved(file, &organization()).unwrap_err()
    }

    /// The accounts in which ada has access.
    fn accounts_of(desired: &Desired) -> Vec<&str> {
        let names = desired.assignments.keys();
        names
            .filter(|name| name.principal == principal("user:ada"))
            .map(|name| &*name.account)
            .collect()
    }

    fn set(file: &mut AccessFile, name: &str, set: AccountSet) {
        file.account_sets.insert(name.to_owned(), set);
    }

    #[track_caller]
    fn assert_accounts(accounts: &[&str], except: &[&str], expected: &[&str]) {
        let desired = resolved(&with_accounts(accounts, except), &organization()).unwrap();
        assert_eq!(accounts_of(&desired), expected, "{accounts:?} except {except:?}");
    }

    #[track_caller]
    fn assert_mistake(file: &AccessFile, message: &str, suggestion: &str) {
        let mistakes = mistakes(file);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].message.contains(message), "{mistakes:?}");
        assert!(mistakes[0].message.ends_with('.'), "{mistakes:?}");
        let actual = &mistakes[0].suggestion;
        assert!(actual.contains(suggestion), "{mistakes:?}");
    }

    #[test]
    fn every_selector_means_its_accounts() {
        assert_accounts(&[SHOP], &[], &[SHOP]);
        assert_accounts(&["name:shop-*"], &[], &[SHOP, SHOP_DEV]);
        assert_accounts(&["name:shop-de?"], &[], &[SHOP_DEV]);
        assert_accounts(&["ou:Workloads"], &[], &[TOOLS]);
        assert_accounts(&["ou:Workloads/**"], &[], &[TOOLS, SHOP, PAYMENTS, SHOP_DEV]);
        assert_accounts(&["ou:Workloads/Prod"], &[], &[SHOP]);
        assert_accounts(&["ou:Workloads/Prod/**"], &[], &[SHOP, PAYMENTS]);
        assert_accounts(&["ou:ou-abcd-prodprod/**"], &[], &[SHOP, PAYMENTS]);
        assert_accounts(&["ou:r-abcd/**"], &[], &[TOOLS, SHOP, PAYMENTS, SHOP_DEV, SCRATCH]);
        assert_accounts(&["tag:env=prod"], &[], &[SHOP, PAYMENTS]);
        assert_accounts(&["tag:env=*d*"], &[], &[TOOLS, SHOP, PAYMENTS, SHOP_DEV, SCRATCH]);
        assert_accounts(&["all"], &[], &[TOOLS, SHOP, PAYMENTS, SHOP_DEV, SCRATCH]);
        assert_accounts(&["management"], &[], &[MANAGEMENT]);
    }

    #[test]
    fn selectors_unite_intersect_and_except() {
        assert_accounts(&[SHOP, "name:ada-*", SHOP], &[], &[SHOP, SCRATCH]);
        assert_accounts(&["ou:Workloads/** & tag:env=prod"], &[], &[SHOP, PAYMENTS]);
        assert_accounts(&["all"], &["ou:Workloads/**"], &[SCRATCH]);
        assert_accounts(&["all", SHOP], &["name:shop-*", "tag:env=shared"], &[PAYMENTS, SCRATCH]);
    }

    #[test]
    fn the_management_account_gets_access_only_if_it_is_named() {
        assert_accounts(&[MANAGEMENT], &[], &[MANAGEMENT]);
        assert_accounts(&["management & tag:env=prod"], &[], &[MANAGEMENT]);
        // An exception covers it anyway.
        assert_accounts(&["management", SHOP_DEV], &["tag:env=prod"], &[SHOP_DEV]);
        assert_accounts(&["management", SHOP_DEV], &["all & name:shop-*"], &[MANAGEMENT]);
        for selector in ["name:acme", "ou:r-abcd"] {
            let file = with_accounts(&[selector], &[]);
            assert_mistake(&file, "matches only the management account", "add management");
        }
    }

    #[test]
    fn lines_that_leave_out_the_management_account_are_noted() {
        let cases: [(&[&str], &[&str], bool); 6] = [
            (&["tag:env=prod"], &[], true),
            (&["name:*"], &[SHOP], true),
            (&["all & tag:env=prod"], &[], false),
            (&["tag:env=prod", "management"], &[], false),
            (&["tag:env=prod"], &["management"], false),
            (&[SHOP], &[], false),
        ];
        for (accounts, except, is_noted) in cases {
            let desired = resolved(&with_accounts(accounts, except), &organization()).unwrap();
            assert_eq!(desired.without_management.len(), usize::from(is_noted), "{accounts:?}");
        }
    }

    #[test]
    fn a_set_of_accounts_means_the_same_everywhere() {
        let mut file = with_accounts(&["@prod & name:shop-*", "@rest"], &[]);
        set(
            &mut file,
            "prod",
            account_set(6, &["ou:Workloads/Prod/**"], &[PAYMENTS]),
        );
        set(&mut file, "rest", account_set(7, &["all"], &["@prod", "tag:env=dev"]));
        let desired = resolved(&file, &organization()).unwrap();
        assert_eq!(accounts_of(&desired), [TOOLS, SHOP, PAYMENTS]);
    }

    #[test]
    fn a_set_by_tag_excepts_the_management_account_but_does_not_include_it() {
        let mut file = with_accounts(&["management", SHOP_DEV], &["@frozen"]);
        set(&mut file, "frozen", account_set(6, &["tag:env=prod"], &[]));
        assert_eq!(accounts_of(&resolved(&file, &organization()).unwrap()), [SHOP_DEV]);
        let mut file = with_accounts(&["@frozen"], &[]);
        set(&mut file, "frozen", account_set(6, &["tag:env=prod"], &[]));
        assert_eq!(
            accounts_of(&resolved(&file, &organization()).unwrap()),
            [SHOP, PAYMENTS]
        );
        set(
            &mut file,
            "frozen",
            account_set(6, &["tag:env=prod", "management"], &[]),
        );
        let desired = resolved(&file, &organization()).unwrap();
        assert_eq!(accounts_of(&desired), [MANAGEMENT, SHOP, PAYMENTS]);
    }

    #[test]
    fn a_set_may_be_empty_if_it_says_so() {
        let mut file = with_accounts(&["@later", SHOP], &["@frozen"]);
        for (name, tag) in [("later", "tag:env=test"), ("frozen", "tag:frozen=true")] {
            let empty = AccountSet {
                may_be_empty: true,
                ..account_set(6, &[tag], &[])
            };
            set(&mut file, name, empty);
        }
        assert_eq!(accounts_of(&resolved(&file, &organization()).unwrap()), [SHOP]);
        file.assignments[0].accounts.pop();
        assert!(resolved(&file, &organization()).unwrap().assignments.is_empty());
    }

    #[test]
    fn an_exception_that_may_be_empty_may_not_leave_nothing() {
        let frozen = AccountSet {
            may_be_empty: true,
            ..account_set(6, &["tag:env=dev"], &[])
        };
        let mut file = with_accounts(&["name:shop-dev"], &["@frozen"]);
        set(&mut file, "frozen", frozen.clone());
        assert_mistake(
            &file,
            "This assignment has no accounts left after its exceptions",
            "into an account set with may-be-empty = true",
        );

        let mut file = with_accounts(&["@active"], &[]);
        set(&mut file, "frozen", frozen);
        let active = account_set(7, &["name:shop-dev"], &["@frozen"]);
        set(&mut file, "active", active.clone());
        assert_mistake(
            &file,
            "The account set active has no accounts left after its exceptions",
            "set may-be-empty = true in this account set",
        );

        let active = AccountSet {
            may_be_empty: true,
            ..active
        };
        set(&mut file, "active", active);
        assert!(resolved(&file, &organization()).unwrap().assignments.is_empty());
    }

    #[test]
    fn accounts_that_are_not_active_are_skipped_and_named() {
        for selector in ["tag:env=prod", CLOSED, "name:old-prod"] {
            let desired = resolved(&with_accounts(&[selector, SHOP], &[]), &organization()).unwrap();
            assert!(!accounts_of(&desired).contains(&CLOSED));
            assert!(desired.skipped_accounts.contains(&id(CLOSED)));
        }
    }

    #[test]
    fn a_closed_account_does_not_make_the_name_of_a_new_one_ambiguous() {
        let mut accounts = organization();
        accounts
            .all
            .extend([account("777777777777", "old-prod", &[ROOT], "prod")]);
        let file = with_accounts(&["name:old-prod"], &[]);
        assert_eq!(accounts_of(&resolved(&file, &accounts).unwrap()), ["777777777777"]);
        accounts
            .all
            .extend([account("888888888888", "old-prod", &[ROOT], "prod")]);
        let mistakes = resolved(&file, &accounts).unwrap_err();
        assert!(mistakes[0].message.contains("ambiguous"), "{mistakes:?}");
        assert_eq!(mistakes[0].suggestion, "Use the IDs: 777777777777, 888888888888.");
    }

    #[test]
    fn a_moved_account_gets_the_access_of_its_new_unit() {
        let file = with_accounts(&["ou:Workloads/Prod/**"], &[]);
        let mut accounts = organization();
        what_if::move_account(&mut accounts, &id(SCRATCH), "Workloads/Prod/PCI").unwrap();
        what_if::move_account(&mut accounts, &id(SHOP), SANDBOX).unwrap();
        assert_eq!(accounts.all[&id(SHOP)].path, [ROOT, SANDBOX]);
        assert_eq!(accounts_of(&resolved(&file, &accounts).unwrap()), [PAYMENTS, SCRATCH]);
    }

    #[test]
    fn a_renamed_account_is_found_by_its_new_name_and_its_id() {
        let mut accounts = organization();
        accounts.all.get_mut(&id(SCRATCH)).unwrap().name = "shop-test".to_owned();
        let file = with_accounts(&["name:shop-*"], &[]);
        assert_eq!(
            accounts_of(&resolved(&file, &accounts).unwrap()),
            [SHOP, SHOP_DEV, SCRATCH]
        );
        let by_id = with_accounts(&[SCRATCH], &[]);
        assert_eq!(accounts_of(&resolved(&by_id, &accounts).unwrap()), [SCRATCH]);
        assert!(resolved(&with_accounts(&["name:ada-scratch"], &[]), &accounts).is_err());
    }

    #[test]
    fn a_suspended_account_loses_no_other_access() {
        let mut accounts = organization();
        accounts.all.get_mut(&id(SHOP)).unwrap().state = "SUSPENDED".to_owned();
        let desired = resolved(&with_accounts(&["ou:Workloads/Prod/**"], &[]), &accounts).unwrap();
        assert_eq!(accounts_of(&desired), [PAYMENTS]);
        assert!(desired.skipped_accounts.contains(&id(SHOP)));
        // If all accounts of a selector are suspended, it still means them.
        accounts.all.get_mut(&id(PAYMENTS)).unwrap().state = "PENDING_CLOSURE".to_owned();
        let desired = resolved(&with_accounts(&["ou:Workloads/Prod/**"], &[]), &accounts).unwrap();
        assert!(desired.assignments.is_empty());
    }

    #[test]
    fn a_new_account_gets_the_access_of_its_unit() {
        let mut accounts = organization();
        let path = [ROOT, WORKLOADS, PROD];
        accounts.all.extend([account("777777777777", "new", &path, "prod")]);
        let desired = resolved(&with_accounts(&["ou:Workloads/Prod/**"], &[]), &accounts).unwrap();
        assert_eq!(accounts_of(&desired), [SHOP, PAYMENTS, "777777777777"]);
    }

    #[test]
    fn a_selector_without_accounts_is_a_mistake_with_a_suggestion() {
        for (selector, message, suggestion) in [
            (
                "999999999999",
                "The account 999999999999 is not in the organization",
                "",
            ),
            (
                "222222222221",
                "is not in the organization",
                "The nearest ID is that of shop-prod (222222222222).",
            ),
            ("name:shop-prd", "name:shop-prd matches no account", "shop-prod"),
            ("name:x*", "name:x* matches no account", "may-be-empty"),
            (
                "tag:evn=prod",
                "tag:evn=prod matches no account",
                "The nearest key of a tag is env.",
            ),
            ("tag:env=prdo", "tag:env=prdo matches no account", "is prod"),
            (
                "ou:Workloads/Prod & tag:env=dev",
                "No account matches all of",
                "may-be-empty",
            ),
            ("ou:Workload", "\"Workload\" below the root", "Workloads"),
            ("ou:Workloads/Prd/PCI", "\"Prd\" in Workloads", "Workloads/Prod"),
            ("ou:PCI", "\"PCI\" below the root", "Did you mean Workloads/Prod/PCI?"),
            ("ou:Workloads/*Prod", "\"*Prod\" in Workloads", "exact"),
            ("ou:workloads/Prod", "\"workloads\" below the root", "Workloads"),
            (
                "ou:ou-abcd-prodprox",
                "no organizational unit ou-abcd-prodprox",
                "ou-abcd-prodprod",
            ),
            ("@prod", "There is no account set prod", ""),
        ] {
            assert_mistake(&with_accounts(&[selector], &[]), message, suggestion);
            let may_except_nothing = selector.contains(['*', '=']) && !selector.contains("*Prod");
            if !may_except_nothing {
                assert_mistake(&with_accounts(&[SHOP], &[selector]), message, suggestion);
            }
        }
        assert_mistake(&with_accounts(&[], &[]), "names no accounts", "Add a selector");
        assert_mistake(
            &with_accounts(&[SHOP], &["name:shop-*"]),
            "no accounts left",
            "may-be-empty",
        );
    }

    #[test]
    fn an_exception_may_match_no_account_today() {
        for selector in [
            "tag:frozen=true",
            "name:*-frozen",
            "all & tag:frozen=true",
            "ou:Workloads/Prod & tag:env=dev",
        ] {
            assert_accounts(&[SHOP], &[selector], &[SHOP]);
        }
        for selector in ["name:frozen", "999999999999", "ou:Frozen", "ou:Frozen & tag:env=prod"] {
            assert_eq!(mistakes(&with_accounts(&[SHOP], &[selector])).len(), 1, "{selector}");
        }
    }

    #[test]
    fn the_suggestion_for_an_empty_set_is_to_allow_it_there() {
        let mut file = with_accounts(&[SHOP], &["@frozen"]);
        set(&mut file, "frozen", account_set(6, &["tag:env=none*"], &[]));
        assert_mistake(
            &file,
            "tag:env=none* matches no account",
            "set may-be-empty = true in this account set",
        );
    }

    #[test]
    fn an_empty_unit_suggests_the_units_below_it() {
        let mut accounts = organization();
        what_if::move_account(&mut accounts, &id(TOOLS), "Sandbox").unwrap();
        let mistakes = resolved(&with_accounts(&["ou:Workloads"], &[]), &accounts).unwrap_err();
        let suggestion = &mistakes[0].suggestion;
        assert!(
            suggestion.contains("ou:Workloads/** matches the 4 accounts"),
            "{suggestion}"
        );
    }

    #[test]
    fn two_units_of_one_name_are_ambiguous() {
        let mut accounts = organization();
        accounts
            .units
            .insert("ou-abcd-prodtwo2".to_owned(), unit("Prod", Some(SANDBOX)));
        let mistakes = resolved(&with_accounts(&["ou:Prod"], &[]), &accounts).unwrap_err();
        let suggestion = &mistakes[0].suggestion;
        assert_eq!(suggestion, "The name is ambiguous: Workloads/Prod and Sandbox/Prod.");
        accounts
            .units
            .insert("ou-abcd-prodtwo2".to_owned(), unit("Prod", Some(WORKLOADS)));
        let mistakes = resolved(&with_accounts(&["ou:Workloads/Prod"], &[]), &accounts).unwrap_err();
        assert!(mistakes[0].message.contains("ambiguous"), "{mistakes:?}");
    }

    #[test]
    fn selectors_are_refused_if_what_they_need_was_not_read() {
        let mut accounts = organization();
        accounts.all.get_mut(&id(SHOP)).unwrap().tags = None;
        assert!(resolved(&with_accounts(&["tag:env=dev"], &[]), &accounts).is_err());
        assert!(resolved(&with_accounts(&["ou:Sandbox"], &[]), &accounts).is_ok());
        accounts.all.get_mut(&id(SHOP)).unwrap().path.clear();
        assert!(resolved(&with_accounts(&["ou:Sandbox"], &[]), &accounts).is_err());
        assert!(resolved(&with_accounts(&["all"], &[]), &accounts).is_ok());
    }

    #[test]
    fn account_sets_that_contain_each_other_are_one_mistake() {
        let mut file = with_accounts(&["@user"], &[]);
        set(&mut file, "a", account_set(6, &["@b"], &[]));
        set(&mut file, "b", account_set(7, &["all"], &["@c"]));
        set(&mut file, "c", account_set(8, &["@a", SHOP], &[]));
        set(&mut file, "user", account_set(9, &["@c"], &[]));
        assert_mistake(&file, "contain each other: @a → @b → @c → @a", "Take one of them out");
        assert_eq!(mistakes(&file)[0].place, place(8));
        let mut file = self::file();
        set(&mut file, "own", account_set(6, &["@own"], &[]));
        assert_mistake(&file, "contain each other: @own → @own", "");
    }

    #[test]
    fn a_long_chain_of_sets_is_followed() {
        let mut file = with_accounts(&["@s00000"], &[]);
        for number in 0..5000 {
            let next = format!("@s{:05}", number + 1);
            set(&mut file, &format!("s{number:05}"), account_set(6, &[&next], &[]));
        }
        set(&mut file, "s05000", account_set(6, &[SHOP], &[]));
        assert_eq!(accounts_of(&resolved(&file, &organization()).unwrap()), [SHOP]);
    }

    #[test]
    fn an_unknown_name_is_a_mistake_with_a_suggestion() {
        for (who, message, suggestion) in [
            (
                "user:adda",
                "The user adda is neither in the file nor",
                "The nearest name is ada.",
            ),
            ("group:platfrom", "The group platfrom is neither", "platform"),
            (
                "group:zoe",
                "The group zoe is neither",
                "There is a user with this name: user:zoe.",
            ),
            ("user:platform", "The user platform is neither", "group:platform"),
            (
                "user:somebody",
                "The user somebody is neither",
                "Add a [[user]] with this name.",
            ),
            ("user:countess", "The user countess is now ada.", "Write ada"),
            ("user:gone", "The user gone must not exist", "absent = true"),
        ] {
            let mut file = file();
            file.users[0].previous_names = vec![located("countess".to_owned(), 2)];
            file.users.push(User {
                is_absent: true,
                ..user(20, "gone")
            });
            file.assignments = vec![assignment(10, &[who], &[SHOP])];
            assert_mistake(&file, message, suggestion);
            if let Some(name) = who.strip_prefix("user:") {
                file.assignments.clear();
                file.groups = vec![group(4, "team", &[name])];
                let (wrong, right) = (mistakes(&file), message.trim_end_matches('.'));
                assert!(wrong[0].message.contains(right), "{wrong:?}");
            }
        }
    }

    #[test]
    fn names_that_exist_or_that_the_file_creates_are_known() {
        let mut file = file();
        let who = ["user:zoe", "group:Admins", "user:ben", "group:platform"];
        file.assignments = vec![assignment(10, &who, &[SHOP])];
        file.assignments[0]
            .permission_sets
            .push(located("ReadOnly".to_owned(), 10));
        file.groups.push(group(12, "new", &["zoe", "ben"]));
        assert_eq!(resolved(&file, &organization()).unwrap().assignments.len(), 8);
        file.assignments[0]
            .permission_sets
            .push(located("Readonly".to_owned(), 10));
        assert_mistake(&file, "The permission set Readonly is neither", "ReadOnly");
    }

    #[test]
    fn a_previous_name_belongs_to_one_thing() {
        let mut file = file();
        file.users[0].previous_names = vec![located("ben".to_owned(), 2)];
        assert_mistake(&file, "ben cannot be a previous name of the user ada", "");
        file.users[0].previous_names = vec![located("countess".to_owned(), 2)];
        file.users[1].previous_names = vec![located("countess".to_owned(), 3)];
        assert_mistake(&file, "also a previous name of the user ada", "");
    }

    #[test]
    fn every_mistake_is_reported_at_once_in_the_order_of_the_file() {
        let mut file = file();
        file.assignments = vec![
            assignment(30, &["user:x", "group:y"], &["name:none", "ou:None"]),
            assignment(20, &["user:z"], &["@none"]),
        ];
        file.assignments[0].permission_sets.push(located("None".to_owned(), 31));
        file.groups[0].members.push(located("nobody".to_owned(), 4));
        file.permission_sets[0].managed_policies = vec![located("not a policy".to_owned(), 5)];
        set(&mut file, "unused", account_set(6, &["tag:none=1"], &["999999999999"]));
        let lines: Vec<usize> = mistakes(&file).iter().map(|mistake| mistake.place.line).collect();
        assert_eq!(lines, [4, 5, 6, 6, 20, 20, 30, 30, 30, 30, 31]);
    }

    #[test]
    fn access_ends_on_its_last_day() {
        let mut file = with_accounts(&[SHOP], &[]);
        file.assignments[0].until = Some(located(date(2026, 12, 1), 10));
        file.assignments[0].reason = Some("TICKET-1".to_owned());
        let desired = resolved(&file, &organization()).unwrap();
        let wanted = desired.assignments.values().next().unwrap();
        assert_eq!(wanted.until, Some(date(2026, 12, 1)));
        assert_eq!(wanted.reasons, BTreeSet::from(["TICKET-1".to_owned()]));

        file.assignments[0].until = Some(located(date(2026, 11, 30), 10));
        let desired = resolved(&file, &organization()).unwrap();
        assert!(desired.assignments.is_empty());
        let expired = desired.expired.values().next().unwrap();
        assert_eq!((expired.until, &expired.place), (date(2026, 11, 30), &place(10)));

        // Another line asks for it.
        let mut other = assignment(12, &["user:ada"], &[SHOP]);
        other.until = Some(located(date(2027, 1, 1), 12));
        file.assignments.push(other);
        let desired = resolved(&file, &organization()).unwrap();
        assert!(desired.expired.is_empty());
        assert_eq!(
            desired.assignments.values().next().unwrap().until,
            Some(date(2027, 1, 1))
        );
        file.assignments.push(assignment(13, &["user:ada"], &[SHOP]));
        let desired = resolved(&file, &organization()).unwrap();
        let wanted = desired.assignments.values().next().unwrap();
        assert_eq!((wanted.until, wanted.places.len()), (None, 2));
    }

    #[test]
    fn a_person_who_left_does_not_break_a_line_that_has_ended() {
        let mut file = file();
        file.assignments = vec![assignment(10, &["user:contractor", "user:ada"], &[SHOP])];
        assert_eq!(mistakes(&file).len(), 1);
        file.assignments[0].until = Some(located(date(2026, 1, 1), 10));
        assert_eq!(resolved(&file, &organization()).unwrap().expired.len(), 1);
    }

    #[test]
    fn what_must_not_exist_cannot_be_asked_for() {
        let mut file = with_accounts(&["all"], &[]);
        file.assignments.push(Assignment {
            is_absent: true,
            ..assignment(12, &["user:ada", "user:ben"], &["ou:Workloads/Prod/**"])
        });
        assert_mistake(
            &file,
            "user:ada must not have Admin in shop-prod (222222222222), but access.toml:10:1",
            "",
        );
        file.assignments[0].except = selections(&["ou:Workloads/Prod/**"], 10);
        let desired = resolved(&file, &organization()).unwrap();
        assert_eq!(accounts_of(&desired), [TOOLS, SHOP_DEV, SCRATCH]);
        assert_eq!(desired.absent_assignments.len(), 4);
        // A user who must not exist must have no access either.
        file.users[1].is_absent = true;
        assert!(resolved(&file, &organization()).is_ok());
    }

    #[test]
    fn a_permission_set_is_specified_completely() {
        let mut file = file();
        file.defaults.tags = BTreeMap::from([
            ("team".to_owned(), "all".to_owned()),
            ("managed-by".to_owned(), "idc-setup".to_owned()),
        ]);
        let spec = |file: &AccessFile| {
            let desired = resolve(file, &organization(), &names(), Partition::China, date(2026, 11, 30));
            desired.unwrap().permission_sets["Admin"].spec.clone()
        };
        let empty = spec(&file);
        assert_eq!((empty.description, empty.duration), (None, "1h".parse().ok()));
        assert_eq!(empty.managed_policies, Some(BTreeSet::new()));
        assert_eq!(empty.customer_managed_policies, Some(BTreeSet::new()));
        let absent = Some(String::new());
        assert_eq!((&empty.relay_state, &empty.inline_policy), (&absent, &absent));
        assert_eq!(empty.boundary, absent);

        file.defaults.session_duration = "8h".parse().ok();
        let admin = &mut file.permission_sets[0];
        let policies = ["ReadOnlyAccess", "arn:aws-cn:iam::aws:policy/job-function/Billing"];
        admin.managed_policies = policies.map(|policy| located(policy.to_owned(), 5)).to_vec();
        let policies = ["Deploy", "team/Build", "/team/Test"];
        admin.customer_managed_policies = policies.map(|policy| located(policy.to_owned(), 5)).to_vec();
        admin.permissions_boundary = Some(located("customer:team/Limit".to_owned(), 5));
        admin.tags = BTreeMap::from([("team".to_owned(), "platform".to_owned())]);
        let full = spec(&file);
        assert_eq!(full.duration, "8h".parse().ok());
        let managed: Vec<String> = full.managed_policies.unwrap().into_iter().collect();
        let expected = ["ReadOnlyAccess", "job-function/Billing"];
        assert_eq!(
            managed,
            expected.map(|name| format!("arn:aws-cn:iam::aws:policy/{name}"))
        );
        let customer: Vec<String> = full.customer_managed_policies.unwrap().into_iter().collect();
        assert_eq!(customer, ["/Deploy", "/team/Build", "/team/Test"]);
        assert_eq!(full.boundary.as_deref(), Some("/team/Limit"));
        let tags: Vec<(String, String)> = full.tags.unwrap().into_iter().collect();
        let expected = [("managed-by", "idc-setup"), ("team", "platform")];
        assert_eq!(tags, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        file.permission_sets[0].session_duration = Some(located("2h".parse().unwrap(), 5));
        assert_eq!(spec(&file).duration, "2h".parse().ok());
    }

    #[test]
    fn a_policy_that_cannot_exist_is_a_mistake() {
        let of_account = "arn:aws:iam::123456789012:policy/team/Deploy";
        for (policy, suggestion) in [
            ("not a policy", "ReadOnlyAccess"),
            ("arn:aws-cn:iam::aws:policy/ReadOnlyAccess", "Write ReadOnlyAccess"),
            (of_account, "Write team/Deploy in customer-managed-policies"),
        ] {
            let mut file = file();
            file.permission_sets[0].managed_policies = vec![located(policy.to_owned(), 5)];
            assert_mistake(&file, policy, suggestion);
        }
        for (policy, suggestion) in [
            (of_account, "Write team/Deploy"),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", "managed-policies"),
            ("team//Deploy", "team/Deploy"),
            ("team/", "team/Deploy"),
        ] {
            let mut file = file();
            file.permission_sets[0].customer_managed_policies = vec![located(policy.to_owned(), 5)];
            assert_mistake(&file, policy, suggestion);
        }
        let mut file = file();
        file.permission_sets[0].permissions_boundary = Some(located(of_account.to_owned(), 5));
        assert_mistake(&file, of_account, "Write customer:team/Deploy.");
    }

    #[test]
    fn only_what_selectors_use_must_be_read() {
        assert_eq!(needs(&file()), AccountNeeds::default());
        let mut file = with_accounts(&["all", "ou:ou-abcd-prodprod/**"], &["name:x"]);
        set(
            &mut file,
            "tagged",
            account_set(6, &["all"], &["tag:a=b & ou:Workloads/Prod"]),
        );
        let needs = needs(&file);
        assert!(needs.tags);
        assert_eq!(needs.unit_ids, BTreeSet::from([PROD.to_owned()]));
        let path = vec!["Workloads".to_owned(), "Prod".to_owned()];
        assert_eq!(needs.unit_paths, BTreeSet::from([path]));
    }

    /// 5,000 accounts in 200 organizational units, and 2,000 lines.
    #[test]
    fn a_large_organization_is_resolved_quickly() {
        let mut accounts = Accounts::default();
        accounts.units.insert(ROOT.to_owned(), unit("Root", None));
        for number in 0..200 {
            let id = format!("ou-abcd-{number:08}");
            accounts.units.insert(id, unit(&format!("Unit{number}"), Some(ROOT)));
        }
        for number in 0..5000 {
            let path = format!("ou-abcd-{:08}", number % 200);
            let (id, name) = (format!("{:012}", 1_000_000 + number), format!("account-{number}"));
            accounts
                .all
                .extend([account(&id, &name, &[ROOT, &path], &format!("env-{}", number % 50))]);
        }
        let mut file = file();
        for number in 0..2000 {
            let (unit, name) = (format!("ou:Unit{}/**", number % 200), format!("name:account-{number}*"));
            let both = format!("all & tag:env=env-{}", number % 50);
            let who = if number % 2 == 0 { "user:ada" } else { "group:platform" };
            file.assignments
                .push(assignment(number + 10, &[who], &[&unit, &name, &both]));
        }
        let begun = Instant::now();
        let desired = resolved(&file, &accounts).unwrap();
        let taken = begun.elapsed();
        assert_eq!(desired.assignments.len(), 9_220);
        // Less than a second in a release build; the machines of tests can be slow and busy.
        assert!(taken < Duration::from_secs(20), "{taken:?}");
    }
}
