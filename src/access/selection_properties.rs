//! Property tests of selectors: random lists in random organizations, against a model without an index.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::file::AccountSet;
use super::fixtures::{
    MANAGEMENT, ROOT, account, account_set, assignment, file, id, resolved, selections, unit, with_accounts,
};
use super::mistake::Located;
use super::selector::Selection;
use crate::ids::AccountId;
use crate::resources::inventory::{Account, Accounts};

/// The selectors of the property tests.
const POOL: [&str; 12] = [
    "all",
    "management",
    "name:a*",
    "name:*b?",
    "ou:A",
    "ou:A/**",
    "ou:A/B",
    "ou:ou-abcd-cccccccc/**",
    "tag:env=x",
    "tag:env=*",
    "100000000002",
    "@set",
];

fn random_organization() -> impl Strategy<Value = Accounts> {
    let paths: [&[&str]; 4] = [
        &[ROOT],
        &[ROOT, "ou-abcd-aaaaaaaa"],
        &[ROOT, "ou-abcd-aaaaaaaa", "ou-abcd-bbbbbbbb"],
        &[ROOT, "ou-abcd-cccccccc"],
    ];
    let one = (
        select(vec!["a", "b", "ab"]),
        select(paths.to_vec()),
        select(vec!["x", "y"]),
        any::<bool>(),
    );
    prop::collection::vec(one, 3..7).prop_map(|list| {
        let all = list
            .into_iter()
            .enumerate()
            .map(|(number, (name, path, env, is_active))| {
                let (id, name) = (
                    format!("{:012}", 100_000_000_000_usize + number),
                    format!("{name}{number}"),
                );
                let (id, mut account) = account(&id, &name, path, env);
                if !is_active {
                    account.state = "SUSPENDED".to_owned();
                }
                (id, account)
            });
        Accounts {
            management: Some(id(MANAGEMENT)),
            all: all.collect(),
            units: BTreeMap::from([
                (ROOT.to_owned(), unit("Root", None)),
                ("ou-abcd-aaaaaaaa".to_owned(), unit("A", Some(ROOT))),
                ("ou-abcd-bbbbbbbb".to_owned(), unit("B", Some("ou-abcd-aaaaaaaa"))),
                ("ou-abcd-cccccccc".to_owned(), unit("C", Some(ROOT))),
            ]),
        }
    })
}

/// One or two selectors of the pool with `&` between them, without those after `most`.
fn random_list(size: Range<usize>, most: usize) -> impl Strategy<Value = Vec<String>> {
    let one = subsequence(POOL[..most].to_vec(), 1..=2).prop_map(|parts| parts.join(" & "));
    prop::collection::vec(one, size)
}

/// The account set of the model, with its accounts and exceptions.
struct Model<'a> {
    accounts: &'a Accounts,
    set: (&'a [String], &'a [String]),
}

impl Model<'_> {
    fn account(&self, id: &AccountId) -> &Account {
        &self.accounts.all[id]
    }

    fn matches(&self, selector: &str, id: &AccountId) -> bool {
        let account = self.account(id);
        let (unit, name) = (account.path.last().unwrap().as_str(), account.name.as_str());
        match selector {
            "all" => *id != *MANAGEMENT,
            "management" => *id == *MANAGEMENT,
            "name:a*" => name.starts_with('a'),
            "name:*b?" => name.len() >= 2 && name[..name.len() - 1].ends_with('b'),
            "ou:A" => unit == "ou-abcd-aaaaaaaa",
            "ou:A/**" => unit == "ou-abcd-aaaaaaaa" || unit == "ou-abcd-bbbbbbbb",
            "ou:A/B" => unit == "ou-abcd-bbbbbbbb",
            "ou:ou-abcd-cccccccc/**" => unit == "ou-abcd-cccccccc",
            "tag:env=x" => account.tags.as_ref().unwrap()["env"] == "x",
            "tag:env=*" => true,
            "@set" => self.any(self.set.0, id) && !self.any(self.set.1, id),
            number => *id == *number,
        }
    }

    fn all(&self, selection: &str, id: &AccountId) -> bool {
        selection.split(" & ").all(|selector| self.matches(selector, id))
    }

    fn any(&self, list: &[String], id: &AccountId) -> bool {
        list.iter().any(|selection| self.all(selection, id))
    }

    /// Whether a selection means the management account if it matches it.
    fn names_management(&self, selection: &str) -> bool {
        let management = id(MANAGEMENT);
        selection.split(" & ").any(|selector| match selector {
            "management" | MANAGEMENT => true,
            "@set" => {
                let naming = |selection: &String| self.all(selection, &management) && self.names_management(selection);
                self.set.0.iter().any(naming)
            }
            _ => false,
        })
    }

    fn gives(&self, selection: &str, id: &AccountId) -> bool {
        self.all(selection, id) && (*id != *MANAGEMENT || self.names_management(selection))
    }

    fn is_empty(&self, is_in: impl Fn(&AccountId) -> bool) -> bool {
        !self.accounts.all.keys().any(is_in)
    }

    /// Whether an exception matches no account and must match one: it has no selector that depends on names, tags or a set,
    /// or an ID or organizational unit without accounts.
    fn is_wrong_exception(&self, selection: &str) -> bool {
        let is_variable = |selector: &str| selector.starts_with(['n', 't', '@']);
        let mut selectors = selection.split(" & ");
        let depends = selectors.clone().any(is_variable);
        let is_fixed_and_empty =
            selectors.any(|selector| !is_variable(selector) && self.is_empty(|id| self.matches(selector, id)));
        self.is_empty(|id| self.all(selection, id)) && (!depends || is_fixed_and_empty)
    }

    /// The accounts of an assignment; `None` if there is a mistake.
    fn resolve(&self, accounts: &[String], except: &[String]) -> Option<Vec<AccountId>> {
        let (set_accounts, set_except) = self.set;
        let has_empty = set_accounts
            .iter()
            .any(|selection| self.is_empty(|id| self.all(selection, id)))
            || set_except
                .iter()
                .chain(except)
                .any(|selection| self.is_wrong_exception(selection))
            || accounts
                .iter()
                .any(|selection| self.is_empty(|id| self.gives(selection, id)))
            || self.is_empty(|id| self.matches("@set", id));
        let is_in =
            |id: &AccountId| accounts.iter().any(|selection| self.gives(selection, id)) && !self.any(except, id);
        if has_empty || self.is_empty(is_in) {
            return None;
        }
        let ids = self
            .accounts
            .all
            .keys()
            .filter(|id| is_in(id) && self.account(id).is_active());
        Some(ids.cloned().collect())
    }
}

proptest! {
    #[test]
    fn random_lists_of_selectors_mean_what_a_simple_model_says(
        organization in random_organization(),
        set_accounts in random_list(1..3, 11),
        set_except in random_list(0..2, 11),
        accounts in random_list(1..4, 12),
        except in random_list(0..3, 12),
    ) {
        let texts = |list: &[String]| -> Vec<Located<Selection>> {
            let texts: Vec<&str> = list.iter().map(String::as_str).collect();
            selections(&texts, 6)
        };
        let mut file = with_accounts(&[], &[]);
        file.assignments[0].accounts = texts(&accounts);
        file.assignments[0].except = texts(&except);
        let accounts_of_set = AccountSet {
            accounts: texts(&set_accounts),
            except: texts(&set_except),
            ..account_set(6, &[], &[])
        };
        file.account_sets.insert("set".to_owned(), accounts_of_set);
        let model = Model { accounts: &organization, set: (set_accounts.as_slice(), set_except.as_slice()) };
        let actual = resolved(&file, &organization).ok().map(|desired| {
            desired.assignments.into_keys().map(|name| name.account).collect::<Vec<_>>()
        });
        prop_assert_eq!(actual, model.resolve(&accounts, &except));
    }

    #[test]
    fn the_order_of_a_file_does_not_matter(
        organization in random_organization(),
        lists in prop::collection::vec(random_list(1..3, 11), 1..5),
    ) {
        let mut file = file();
        for (number, list) in lists.iter().enumerate() {
            let texts: Vec<&str> = list.iter().map(String::as_str).collect();
            file.assignments.push(assignment(10 + number, &["user:ada", "group:platform"], &texts));
        }
        let forward = resolved(&file, &organization);
        file.assignments.reverse();
        for line in &mut file.assignments {
            line.accounts.reverse();
            line.principals.reverse();
        }
        match (forward, resolved(&file, &organization)) {
            (Ok(forward), Ok(backward)) => {
                prop_assert_eq!(forward.assignments, backward.assignments);
                prop_assert_eq!(forward.skipped_accounts, backward.skipped_accounts);
            }
            (Err(forward), Err(backward)) => prop_assert_eq!(forward.len(), backward.len()),
            (forward, backward) => prop_assert_eq!(forward.is_ok(), backward.is_ok()),
        }
    }
}
