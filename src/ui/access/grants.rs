//! Which access a plan gives and takes: by person, and by account.

use std::collections::{BTreeMap, BTreeSet};

use super::words;
use crate::access::plan::{Action, Change};
use crate::ids::AccountId;
use crate::resources::inventory::{Accounts, Inventory};
use crate::text::listed;

/// A permission set that somebody gets or loses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetOfPrincipal {
    /// Whether it is taken.
    pub is_taken: bool,
    /// The name of the permission set.
    pub permission_set: String,
}

/// The accounts in which each user and group gets or loses each permission set.
pub type ByPerson = BTreeMap<String, BTreeMap<SetOfPrincipal, BTreeSet<AccountId>>>;

/// How many assignments are created and deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// The number of accounts.
    pub accounts: usize,
    /// Assignments that are created.
    pub given: usize,
    /// Assignments that are deleted.
    pub taken: usize,
}

impl Balance {
    /// `+12 -2`.
    pub fn text(self) -> String {
        let given = (self.given > 0).then(|| format!("+{}", self.given));
        let taken = (self.taken > 0).then(|| format!("-{}", self.taken));
        given.into_iter().chain(taken).collect::<Vec<_>>().join(" ")
    }
}

/// An assignment that a plan creates or deletes.
struct Grant {
    who: String,
    set: SetOfPrincipal,
    account: AccountId,
}

fn grant(change: &Change) -> Option<Grant> {
    let (who, permission_set, account, is_taken) = match &change.action {
        Action::CreateAssignment(name) => (
            words::principal(&name.principal),
            &name.permission_set,
            &name.account,
            false,
        ),
        Action::DeleteAssignment {
            key,
            permission_set,
            principal,
        } => {
            let who = principal
                .as_ref()
                .map_or_else(|| words::gone(&key.principal), words::principal);
            (who, permission_set, &key.account, true)
        }
        _ => return None,
    };
    Some(Grant {
        who,
        set: SetOfPrincipal {
            is_taken,
            permission_set: permission_set.clone(),
        },
        account: account.clone(),
    })
}

/// Groups the assignments by user and group.
pub fn by_person(changes: &[Change]) -> ByPerson {
    let mut people = ByPerson::new();
    for grant in changes.iter().filter_map(grant) {
        let sets = people.entry(grant.who).or_default();
        sets.entry(grant.set).or_default().insert(grant.account);
    }
    people
}

/// Counts the assignments of each account.
pub fn by_account(changes: &[Change]) -> BTreeMap<AccountId, Balance> {
    let mut accounts: BTreeMap<AccountId, Balance> = BTreeMap::new();
    for grant in changes.iter().filter_map(grant) {
        let balance = accounts.entry(grant.account).or_default();
        balance.accounts = 1;
        if grant.set.is_taken {
            balance.taken += 1;
        } else {
            balance.given += 1;
        }
    }
    accounts
}

/// Counts the assignments of each organizational unit; `None` if the names of the units were not read.
pub fn by_unit(changes: &[Change], inventory: &Inventory) -> Option<BTreeMap<String, Balance>> {
    let mut units: BTreeMap<String, Balance> = BTreeMap::new();
    for (account, balance) in by_account(changes) {
        let unit = units.entry(unit_of(&inventory.accounts, &account)?).or_default();
        unit.accounts += 1;
        unit.given += balance.given;
        unit.taken += balance.taken;
    }
    Some(units)
}

/// Whether names of organizational units were read. They are read only if the access file names one.
fn has_units(accounts: &Accounts) -> bool {
    accounts.units.values().any(|unit| unit.parent.is_some())
}

/// The organizational unit of an account: `Workloads/Prod`, down to the deepest one whose name was read. Accounts in no unit
/// are in the root. `None` if no names were read.
pub fn unit_of(accounts: &Accounts, id: &AccountId) -> Option<String> {
    if !has_units(accounts) {
        return None;
    }
    let Some(account) = accounts.all.get(id) else {
        return Some("outside the organization".to_owned());
    };
    let mut below_root = account.path.iter().filter(|unit| !unit.starts_with("r-")).peekable();
    if below_root.peek().is_none() {
        return Some("Root".to_owned());
    }
    let names = below_root.map_while(|unit| Some(accounts.units.get(unit)?.name.as_str()));
    let names: Vec<&str> = names.collect();
    Some(if names.is_empty() {
        "other organizational units".to_owned()
    } else {
        names.join("/")
    })
}

/// The organizational units of an account, from below the root down: `Workloads/Prod`. A unit whose name was not read has its
/// ID. `None` if the account is in no unit, or if AWS did not return its units.
pub fn path_of(accounts: &Accounts, id: &AccountId) -> Option<String> {
    let path = accounts.all.get(id)?.path.iter();
    let below_root = path.filter(|unit| !unit.starts_with("r-"));
    let name_of = |unit: &String| {
        let known = accounts.units.get(unit);
        known.map_or_else(|| unit.clone(), |known| known.name.clone())
    };
    let names: Vec<String> = below_root.map(name_of).collect();
    (!names.is_empty()).then(|| names.join("/"))
}

fn is_group(who: &str) -> bool {
    who.starts_with("group ") || who.starts_with("deleted group ")
}

/// The users and groups, the permission sets and the accounts that get access (or lose it) in one sentence:
/// `Give 3 permission sets in 200 accounts to 12 groups (480 assignments).`
pub fn summary(people: &ByPerson, is_taken: bool) -> Option<String> {
    let mut whos = BTreeSet::new();
    let (mut sets, mut count) = (BTreeSet::new(), 0);
    let mut accounts: BTreeSet<&AccountId> = BTreeSet::new();
    for (who, own) in people {
        for (set, in_accounts) in own.iter().filter(|(set, _)| set.is_taken == is_taken) {
            whos.insert(who);
            sets.insert(&set.permission_set);
            accounts.extend(in_accounts);
            count += in_accounts.len();
        }
    }
    if count == 0 {
        return None;
    }
    let groups = whos.iter().filter(|who| is_group(who)).count();
    let users = whos.len() - groups;
    let counts = [(groups, "group"), (users, "user")]
        .into_iter()
        .filter(|(count, _)| *count > 0);
    let who: Vec<String> = counts.map(|(count, what)| words::counted(count, what)).collect();
    let (who, sets) = (listed(&who), words::counted(sets.len(), "permission set"));
    let accounts = words::counted(accounts.len(), "account");
    let count = words::counted(count, "assignment");
    Some(if is_taken {
        format!("Take {sets} in {accounts} from {who} ({count}).")
    } else {
        format!("Give {sets} in {accounts} to {who} ({count}).")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::desired::AssignmentName;
    use crate::access::file::PrincipalName;
    use crate::resources::inventory::{Account, Unit};

    fn create(account: &str, set: &str, group: &str) -> Change {
        Change {
            action: Action::CreateAssignment(AssignmentName {
                account: account.parse().unwrap(),
                permission_set: set.to_owned(),
                principal: PrincipalName::Group(group.to_owned()),
            }),
            place: None,
        }
    }

    #[test]
    fn assignments_are_grouped_by_person_and_by_account() {
        let changes = [
            create("111122223333", "Admin", "platform"),
            create("444455556666", "Admin", "platform"),
            create("444455556666", "Read", "audit"),
        ];
        let people = by_person(&changes);
        assert_eq!(people.keys().collect::<Vec<_>>(), ["group audit", "group platform"]);
        assert_eq!(
            summary(&people, false).unwrap(),
            "Give 2 permission sets in 2 accounts to 2 groups (3 assignments)."
        );
        assert_eq!(summary(&people, true), None);
        let account: AccountId = "444455556666".parse().unwrap();
        assert_eq!(by_account(&changes)[&account].text(), "+2");
    }

    #[test]
    fn an_account_is_in_the_deepest_unit_whose_name_was_read() {
        let id: AccountId = "111122223333".parse().unwrap();
        let unit = |name: &str, parent: Option<&str>| Unit {
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
        };
        let account = Account {
            id: id.clone(),
            name: "Prod".to_owned(),
            email: String::new(),
            state: "ACTIVE".to_owned(),
            path: ["r-1", "ou-1", "ou-2"].map(str::to_owned).to_vec(),
            tags: None,
        };
        let mut accounts = Accounts {
            all: BTreeMap::from([(id.clone(), account)]),
            ..Accounts::default()
        };
        assert_eq!(unit_of(&accounts, &id), None);
        assert_eq!(path_of(&accounts, &id).as_deref(), Some("ou-1/ou-2"));
        accounts.units.insert("r-1".to_owned(), unit("Root", None));
        assert_eq!(unit_of(&accounts, &id), None);
        accounts.units.insert("ou-1".to_owned(), unit("Workloads", Some("r-1")));
        assert_eq!(unit_of(&accounts, &id).as_deref(), Some("Workloads"));
        assert_eq!(path_of(&accounts, &id).as_deref(), Some("Workloads/ou-2"));
        accounts.units.insert("ou-2".to_owned(), unit("Prod", Some("ou-1")));
        assert_eq!(unit_of(&accounts, &id).as_deref(), Some("Workloads/Prod"));
    }
}
