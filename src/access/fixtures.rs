//! An access file and an organization for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use jiff::civil::date;

use super::desired::Desired;
use super::file::{
    AccessFile, AccountSet, Assignment, Defaults, Extent, Group, Guard, PermissionSet, PrincipalName, User,
};
use super::known::KnownNames;
use super::mistake::{Located, Mistake, Place};
use super::resolve::resolve;
use super::selector::Selection;
use crate::aws::regions::Partition;
use crate::ids::AccountId;
use crate::resources::inventory::{Account, Accounts, Unit};

pub const MANAGEMENT: &str = "100000000000";
pub const TOOLS: &str = "111111111111";
pub const SHOP: &str = "222222222222";
pub const PAYMENTS: &str = "333333333333";
pub const SHOP_DEV: &str = "444444444444";
pub const CLOSED: &str = "555555555555";
pub const SCRATCH: &str = "666666666666";

pub const ROOT: &str = "r-abcd";
pub const WORKLOADS: &str = "ou-abcd-workload";
pub const PROD: &str = "ou-abcd-prodprod";
pub const PCI: &str = "ou-abcd-pcipcipc";
pub const DEV: &str = "ou-abcd-devdevde";
pub const SANDBOX: &str = "ou-abcd-sandboxe";

pub fn id(id: &str) -> AccountId {
    id.parse().unwrap()
}

pub fn place(line: usize) -> Place {
    Place {
        file: Rc::from(Path::new("access.toml")),
        line,
        column: 1,
    }
}

pub fn located<T>(value: T, line: usize) -> Located<T> {
    Located {
        value,
        place: place(line),
    }
}

pub fn account(number: &str, name: &str, path: &[&str], env: &str) -> (AccountId, Account) {
    let account = Account {
        id: id(number),
        name: name.to_owned(),
        email: String::new(),
        state: "ACTIVE".to_owned(),
        path: path.iter().map(|&unit| unit.to_owned()).collect(),
        tags: Some(BTreeMap::from([("env".to_owned(), env.to_owned())])),
    };
    (account.id.clone(), account)
}

pub fn unit(name: &str, parent: Option<&str>) -> Unit {
    Unit {
        name: name.to_owned(),
        parent: parent.map(str::to_owned),
    }
}

/// The root has the units Workloads (with Prod, which has PCI, and Dev) and Sandbox.
pub fn organization() -> Accounts {
    let (closed, mut of_closed) = account(CLOSED, "old-prod", &[ROOT, WORKLOADS, PROD], "prod");
    of_closed.state = "SUSPENDED".to_owned();
    Accounts {
        management: Some(id(MANAGEMENT)),
        all: BTreeMap::from([
            account(MANAGEMENT, "acme", &[ROOT], "prod"),
            account(TOOLS, "shared-tools", &[ROOT, WORKLOADS], "shared"),
            account(SHOP, "shop-prod", &[ROOT, WORKLOADS, PROD], "prod"),
            account(PAYMENTS, "pay-prod", &[ROOT, WORKLOADS, PROD, PCI], "prod"),
            account(SHOP_DEV, "shop-dev", &[ROOT, WORKLOADS, DEV], "dev"),
            (closed, of_closed),
            account(SCRATCH, "ada-scratch", &[ROOT, SANDBOX], "dev"),
        ]),
        units: BTreeMap::from([
            (ROOT.to_owned(), unit("Root", None)),
            (WORKLOADS.to_owned(), unit("Workloads", Some(ROOT))),
            (PROD.to_owned(), unit("Prod", Some(WORKLOADS))),
            (PCI.to_owned(), unit("PCI", Some(PROD))),
            (DEV.to_owned(), unit("Dev", Some(WORKLOADS))),
            (SANDBOX.to_owned(), unit("Sandbox", Some(ROOT))),
        ]),
    }
}

pub fn selections(texts: &[&str], line: usize) -> Vec<Located<Selection>> {
    texts
        .iter()
        .map(|text| located(Selection::parse(text).unwrap(), line))
        .collect()
}

pub fn account_set(line: usize, accounts: &[&str], except: &[&str]) -> AccountSet {
    AccountSet {
        place: place(line),
        accounts: selections(accounts, line),
        except: selections(except, line),
        may_be_empty: false,
    }
}

pub fn principal(text: &str) -> PrincipalName {
    match text.split_once(':').unwrap() {
        ("user", name) => PrincipalName::User(name.to_owned()),
        (_, name) => PrincipalName::Group(name.to_owned()),
    }
}

/// An assignment of the permission set Admin.
pub fn assignment(line: usize, who: &[&str], accounts: &[&str]) -> Assignment {
    Assignment {
        place: place(line),
        principals: who.iter().map(|text| located(principal(text), line)).collect(),
        permission_sets: vec![located("Admin".to_owned(), line)],
        accounts: selections(accounts, line),
        except: Vec::new(),
        until: None,
        reason: None,
        is_absent: false,
    }
}

pub fn user(line: usize, name: &str) -> User {
    User {
        place: place(line),
        name: located(name.to_owned(), line),
        email: None,
        given_name: None,
        family_name: None,
        display_name: None,
        previous_names: Vec::new(),
        is_external: false,
        is_absent: false,
    }
}

pub fn group(line: usize, name: &str, members: &[&str]) -> Group {
    Group {
        place: place(line),
        name: located(name.to_owned(), line),
        description: None,
        members: members.iter().map(|&member| located(member.to_owned(), line)).collect(),
        membership: Extent::AtLeast,
        previous_names: Vec::new(),
        is_external: false,
        is_absent: false,
    }
}

pub fn permission_set(line: usize, name: &str) -> PermissionSet {
    PermissionSet {
        place: place(line),
        name: located(name.to_owned(), line),
        description: None,
        session_duration: None,
        relay_state: None,
        managed_policies: Vec::new(),
        customer_managed_policies: Vec::new(),
        inline_policy: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
        previous_names: Vec::new(),
        adopt: false,
        assignments: Extent::Exactly,
    }
}

/// The users ada and ben, the group platform with ada, the permission set Admin, and no assignments.
pub fn file() -> AccessFile {
    AccessFile {
        files: vec!["access.toml".into()],
        name: located("acme".to_owned(), 1),
        instance: None,
        defaults: Defaults::default(),
        guard: Guard::default(),
        account_sets: BTreeMap::new(),
        users: vec![user(2, "ada"), user(3, "ben")],
        groups: vec![group(4, "platform", &["ada"])],
        permission_sets: vec![permission_set(5, "Admin")],
        assignments: Vec::new(),
    }
}

/// The user zoe, the group Admins and the permission set `ReadOnly` exist.
pub fn names() -> KnownNames {
    KnownNames {
        users: ["zoe".to_owned()].into(),
        groups: ["Admins".to_owned()].into(),
        permission_sets: ["ReadOnly".to_owned()].into(),
    }
}

/// What the file asks for on 2026-11-30.
pub fn resolved(file: &AccessFile, accounts: &Accounts) -> Result<Desired, Vec<Mistake>> {
    resolve(file, accounts, &names(), Partition::Aws, date(2026, 11, 30))
}

/// Ada is Admin in these accounts.
pub fn with_accounts(accounts: &[&str], except: &[&str]) -> AccessFile {
    let mut line = assignment(10, &["user:ada"], accounts);
    line.except = selections(except, 11);
    AccessFile {
        assignments: vec![line],
        ..file()
    }
}
