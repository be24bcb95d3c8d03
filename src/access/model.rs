//! Access files and inventories for tests, and a model of what changes do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;

use super::desired::{AssignmentName, Desired, DesiredAssignment, DesiredGroup, DesiredSet, DesiredUser, Expired};
use super::file::{Extent, Guard, Pattern, PatternKind, PrincipalName};
use super::mistake::{Located, Place};
use super::plan::{Action, Attribute, AttributeChange, Change};
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::progress::{Setting, Settings};
use crate::reconcile::{FieldChange, Instance};
use crate::resources::inventory::{ACCESS_TAG, Account, Accounts, Group, Inventory, PermissionSet, User};
use crate::resources::permission_set::PermissionSetSpec;

/// The name of the access file.
pub const FILE: &str = "acme";

/// The number of accounts that are active.
pub const ACTIVE_ACCOUNTS: usize = 3;

/// A line of the file.
pub fn place(line: usize) -> Place {
    Place {
        file: Path::new("access.toml").into(),
        line,
        column: 1,
    }
}

/// The account whose ID repeats this digit. Accounts 1 to 3 are active, account 4 is suspended, the others don't exist.
pub fn account(digit: usize) -> AccountId {
    digit.to_string().repeat(12).parse().unwrap()
}

pub fn user(name: &str) -> PrincipalName {
    PrincipalName::User(name.to_owned())
}

pub fn group(name: &str) -> PrincipalName {
    PrincipalName::Group(name.to_owned())
}

pub fn assignment_name(digit: usize, permission_set: &str, principal: PrincipalName) -> AssignmentName {
    AssignmentName {
        account: account(digit),
        permission_set: permission_set.to_owned(),
        principal,
    }
}

/// A permission set; each variant differs in a property and in a policy.
pub fn spec(name: &str, variant: u8) -> PermissionSetSpec {
    PermissionSetSpec {
        name: name.to_owned(),
        description: Some(format!("Variant {variant}")),
        managed_policies: Some(BTreeSet::from([format!("arn:aws:iam::aws:policy/Policy{variant}")])),
        tags: Some(BTreeMap::from([("team".to_owned(), "platform".to_owned())])),
        ..PermissionSetSpec::default()
    }
}

/// An instance with accounts, and nothing else.
pub fn inventory() -> Inventory {
    let accounts = (1..=4).map(|digit| {
        let state = if digit <= ACTIVE_ACCOUNTS {
            "ACTIVE"
        } else {
            "SUSPENDED"
        };
        Account {
            id: account(digit),
            name: format!("Account {digit}"),
            email: String::new(),
            state: state.to_owned(),
            path: Vec::new(),
            tags: None,
        }
    });
    Inventory {
        instance: Instance {
            arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap(),
            store: "d-1234567890".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            owner: account(9),
        },
        accounts: Accounts {
            management: Some(account(9)),
            all: accounts.map(|account| (account.id.clone(), account)).collect(),
            units: BTreeMap::new(),
        },
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        memberships: BTreeMap::new(),
        groups_read: BTreeSet::new(),
        members_read: BTreeSet::new(),
        permission_sets: BTreeMap::new(),
        assignments: BTreeSet::new(),
        assignments_read: BTreeSet::new(),
        reads_every_pair: true,
    }
}

/// What a test adds to an inventory.
pub trait Fill {
    fn add_user(&mut self, id: &str, user: User) -> UserId;
    fn add_group(&mut self, id: &str, group: Group) -> GroupId;
    fn add_member(&mut self, group: &str, user: &str);
    fn add_set(&mut self, id: &str, spec: &PermissionSetSpec, owner: Option<&str>) -> PermissionSetArn;
    fn assign(&mut self, digit: usize, permission_set: &str, principal: Principal);
    fn id_of(&self, principal: &PrincipalName) -> Option<Principal>;
}

impl Fill for Inventory {
    fn add_user(&mut self, id: &str, user: User) -> UserId {
        let id: UserId = format!("user-{id}").parse().unwrap();
        assert!(self.user_named(&user.name).is_none(), "the user {} exists", user.name);
        assert!(self.users.insert(id.clone(), user).is_none(), "the ID {id} is used");
        id
    }

    fn add_group(&mut self, id: &str, group: Group) -> GroupId {
        let id: GroupId = format!("group-{id}").parse().unwrap();
        assert!(
            self.group_named(&group.name).is_none(),
            "the group {} exists",
            group.name
        );
        assert!(self.groups.insert(id.clone(), group).is_none(), "the ID {id} is used");
        self.groups_read.insert(id.clone());
        id
    }

    fn add_member(&mut self, group: &str, user: &str) {
        let key = MembershipKey {
            group: self.group_named(group).unwrap().0.clone(),
            user: self.user_named(user).unwrap().0.clone(),
        };
        let id = format!("membership-{}-{}", key.group, key.user).parse().unwrap();
        assert!(self.memberships.insert(key, id).is_none(), "{user} is in {group}");
    }

    fn add_set(&mut self, id: &str, spec: &PermissionSetSpec, owner: Option<&str>) -> PermissionSetArn {
        let arn: PermissionSetArn = format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{id}")
            .parse()
            .unwrap();
        let mut settings: Settings = spec.at_creation();
        settings.extend(spec.settings());
        if let Some(owner) = owner {
            settings.insert(Setting::Tag(ACCESS_TAG.to_owned()), Some(owner.to_owned()));
        }
        assert!(self.permission_set_named(&spec.name).is_none(), "{} exists", spec.name);
        let set = PermissionSet {
            arn: arn.clone(),
            name: spec.name.clone(),
            owner: settings.get(&Setting::Tag(ACCESS_TAG.to_owned())).cloned().flatten(),
            settings,
            is_complete: true,
            accounts: BTreeSet::new(),
            outdated_accounts: BTreeSet::new(),
        };
        assert!(
            self.permission_sets.insert(arn.clone(), set).is_none(),
            "the ID {id} is used"
        );
        self.assignments_read.insert(arn.clone());
        arn
    }

    fn assign(&mut self, digit: usize, permission_set: &str, principal: Principal) {
        let arn = self.permission_set_named(permission_set).unwrap().arn.clone();
        let set = self.permission_sets.get_mut(&arn).unwrap();
        set.accounts.insert(account(digit));
        self.assignments.insert(AssignmentKey {
            account: account(digit),
            permission_set: arn,
            principal,
        });
    }

    fn id_of(&self, principal: &PrincipalName) -> Option<Principal> {
        match principal {
            PrincipalName::User(name) => self.user_named(name).map(|(id, _)| Principal::User(id.clone())),
            PrincipalName::Group(name) => self.group_named(name).map(|(id, _)| Principal::Group(id.clone())),
        }
    }
}

/// A user with the attributes that [`desired_user`] gives it.
pub fn live_user(name: &str) -> User {
    User {
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        given_name: Some("Given".to_owned()),
        family_name: Some("Family".to_owned()),
        display_name: Some("Given Family".to_owned()),
        is_external: false,
    }
}

pub fn live_group(name: &str) -> Group {
    Group {
        name: name.to_owned(),
        description: None,
        is_external: false,
    }
}

/// A file that lists nothing.
pub fn desired() -> Desired {
    Desired {
        name: FILE.to_owned(),
        instance: None,
        guard: Guard::default(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        permission_sets: BTreeMap::new(),
        assignments: BTreeMap::new(),
        absent_assignments: BTreeMap::new(),
        expired: BTreeMap::new(),
        skipped_accounts: BTreeSet::new(),
        without_management: BTreeSet::new(),
        uses_tags: false,
    }
}

pub fn desired_user(name: &str) -> DesiredUser {
    DesiredUser {
        place: place(1),
        email: Some(format!("{name}@example.com")),
        given_name: Some("Given".to_owned()),
        family_name: Some("Family".to_owned()),
        display_name: None,
        previous_names: Vec::new(),
        is_external: false,
        is_absent: false,
    }
}

pub fn desired_group(members: &[&str], membership: Extent) -> DesiredGroup {
    DesiredGroup {
        place: place(2),
        description: None,
        members: members.iter().map(|user| ((*user).to_owned(), place(2))).collect(),
        membership,
        previous_names: Vec::new(),
        is_external: false,
        is_absent: false,
    }
}

pub fn desired_set(spec: PermissionSetSpec) -> DesiredSet {
    DesiredSet {
        place: place(3),
        spec,
        previous_names: Vec::new(),
        adopt: false,
        assignments: Extent::Exactly,
    }
}

pub fn desired_assignment(until: Option<Date>) -> DesiredAssignment {
    DesiredAssignment {
        places: BTreeSet::from([place(4)]),
        reasons: BTreeSet::new(),
        until,
    }
}

pub fn expired(until: Date) -> Expired {
    Expired { place: place(5), until }
}

/// A pattern as a file gives it: `group:Admins`.
pub fn pattern(text: &str) -> Located<Pattern> {
    let (kind, glob) = text.split_once(':').unwrap();
    let kind = match kind {
        "user" => PatternKind::User,
        "group" => PatternKind::Group,
        "permission-set" => PatternKind::PermissionSet,
        _ => PatternKind::Account,
    };
    let value = Pattern {
        kind,
        glob: glob.to_owned(),
    };
    Located { value, place: place(6) }
}

/// What exists after changes are applied in order. Panics if AWS would refuse one of them.
pub fn apply_to(inventory: &Inventory, changes: &[Change]) -> Inventory {
    let mut after = inventory.clone();
    for change in changes {
        apply(&mut after, &change.action);
    }
    after
}

fn apply(after: &mut Inventory, action: &Action) {
    match action {
        Action::CreateUser(spec) => {
            let user = User {
                name: spec.name.clone(),
                email: Some(spec.email.clone()),
                given_name: Some(spec.given_name.clone()),
                family_name: Some(spec.family_name.clone()),
                display_name: Some(spec.display_name.clone()),
                is_external: false,
            };
            after.add_user(&format!("created-{}", spec.name), user);
        }
        Action::UpdateUser { id, changes, .. } => update_user(after, id, changes),
        Action::CreateGroup { name, description } => {
            let group = Group {
                name: name.clone(),
                description: description.clone(),
                is_external: false,
            };
            after.add_group(&format!("created-{name}"), group);
        }
        Action::UpdateGroup { id, changes, .. } => update_group(after, id, changes),
        Action::AddMember { group, user } => after.add_member(group, user),
        Action::CreatePermissionSet(spec) => {
            after.add_set(&format!("created-{}", spec.name), spec, None);
        }
        Action::UpdatePermissionSet { arn, changes, .. } => update_set(after, arn, changes),
        Action::CreateAssignment(name) => {
            assert!(
                after.accounts.all[&name.account].is_active(),
                "{} is not active",
                name.account
            );
            let principal = after.id_of(&name.principal).unwrap();
            let digit = usize::from(name.account.as_bytes()[0] - b'0');
            let count = after.assignments.len();
            after.assign(digit, &name.permission_set, principal);
            assert_eq!(after.assignments.len(), count + 1, "the assignment exists");
        }
        Action::RemoveMember { key, .. } => {
            assert!(after.memberships.remove(key).is_some(), "the membership does not exist");
        }
        Action::DeleteAssignment { key, .. } => delete_assignment(after, key),
        Action::DeletePermissionSet { arn, .. } => {
            let is_used = after.assignments.iter().any(|key| key.permission_set == *arn);
            assert!(!is_used, "the permission set is assigned");
            assert!(
                after.permission_sets.remove(arn).is_some(),
                "the permission set does not exist"
            );
        }
        Action::DeleteGroup { id, .. } => {
            assert!(after.groups.remove(id).is_some(), "the group does not exist");
            after.memberships.retain(|key, _| key.group != *id);
        }
        Action::DeleteUser { id, .. } => {
            assert!(after.users.remove(id).is_some(), "the user does not exist");
            after.memberships.retain(|key, _| key.user != *id);
        }
    }
}

fn update_user(after: &mut Inventory, id: &UserId, changes: &[AttributeChange]) {
    for change in changes {
        if change.attribute == Attribute::Name {
            assert!(
                after.user_named(&change.after).is_none(),
                "the user {} exists",
                change.after
            );
        }
        let user = after.users.get_mut(id).unwrap();
        let value = Some(change.after.clone());
        match change.attribute {
            Attribute::Name => user.name.clone_from(&change.after),
            Attribute::Email => user.email = value,
            Attribute::GivenName => user.given_name = value,
            Attribute::FamilyName => user.family_name = value,
            Attribute::DisplayName => user.display_name = value,
            Attribute::Description => panic!("a user has no description"),
        }
    }
}

fn update_group(after: &mut Inventory, id: &GroupId, changes: &[AttributeChange]) {
    for change in changes {
        if change.attribute == Attribute::Name {
            assert!(
                after.group_named(&change.after).is_none(),
                "the group {} exists",
                change.after
            );
        }
        let group = after.groups.get_mut(id).unwrap();
        match change.attribute {
            Attribute::Name => group.name.clone_from(&change.after),
            Attribute::Description => group.description = Some(change.after.clone()),
            _ => panic!("a group has no such attribute"),
        }
    }
}

fn update_set(after: &mut Inventory, arn: &PermissionSetArn, changes: &[FieldChange]) {
    let set = after.permission_sets.get_mut(arn).unwrap();
    for change in changes {
        for setting in change.settings() {
            let before = set.settings.get(&setting.setting).cloned().flatten();
            assert_eq!(before, setting.before);
            set.settings.insert(setting.setting.clone(), setting.after.clone());
            if !matches!(setting.setting, Setting::Tag(_)) {
                set.outdated_accounts.clone_from(&set.accounts);
            }
        }
        if *change == FieldChange::Provision {
            set.outdated_accounts.clear();
        }
    }
    set.settings.retain(|_, value| value.is_some());
    set.owner = set
        .settings
        .get(&Setting::Tag(ACCESS_TAG.to_owned()))
        .cloned()
        .flatten();
}

fn delete_assignment(after: &mut Inventory, key: &AssignmentKey) {
    assert!(after.assignments.remove(key), "the assignment does not exist");
    let is_left = after
        .assignments
        .iter()
        .any(|other| other.account == key.account && other.permission_set == key.permission_set);
    if !is_left {
        let set = after.permission_sets.get_mut(&key.permission_set).unwrap();
        set.accounts.remove(&key.account);
        set.outdated_accounts.remove(&key.account);
    }
}

/// An inventory by names, to compare two that have other IDs. IDs stand for principals that no longer exist.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    pub users: BTreeMap<String, User>,
    pub groups: BTreeMap<String, Group>,
    pub members: BTreeSet<(String, String)>,
    pub permission_sets: BTreeMap<String, Settings>,
    pub outdated: BTreeSet<(String, AccountId)>,
    pub assignments: BTreeSet<(AccountId, String, String)>,
}

impl View {
    pub fn of(inventory: &Inventory) -> Self {
        let members = inventory.memberships.keys().map(|key| {
            let (group, user) = (&inventory.groups[&key.group], &inventory.users[&key.user]);
            (group.name.clone(), user.name.clone())
        });
        let sets = inventory.permission_sets.values();
        let outdated = sets.clone().flat_map(|set| {
            let accounts = set.outdated_accounts.iter();
            accounts.map(move |account| (set.name.clone(), account.clone()))
        });
        let assignments = inventory.assignments.iter().map(|key| {
            let set = &inventory.permission_sets[&key.permission_set];
            let principal = match inventory.principal_name(&key.principal) {
                Some(name) => format!("{}:{name}", key.principal.type_name()),
                None => key.principal.id().to_owned(),
            };
            (key.account.clone(), set.name.clone(), principal)
        });
        let users = inventory.users.values();
        let groups = inventory.groups.values();
        Self {
            users: users.map(|user| (user.name.clone(), user.clone())).collect(),
            groups: groups.map(|group| (group.name.clone(), group.clone())).collect(),
            members: members.collect(),
            outdated: outdated.collect(),
            permission_sets: sets.map(|set| (set.name.clone(), set.settings.clone())).collect(),
            assignments: assignments.collect(),
        }
    }
}

/// A file with a group, a permission set and an assignment, and the same live.
pub fn small_team() -> (Desired, Inventory) {
    let mut desired = desired();
    desired
        .groups
        .insert("devs".to_owned(), desired_group(&["ada"], Extent::Exactly));
    desired.users.insert("ada".to_owned(), desired_user("ada"));
    desired
        .permission_sets
        .insert("Dev".to_owned(), desired_set(spec("Dev", 0)));
    desired
        .assignments
        .insert(assignment_name(1, "Dev", group("devs")), desired_assignment(None));
    let mut live = inventory();
    live.add_user("ada", live_user("ada"));
    let devs = live.add_group("devs", live_group("devs"));
    live.add_member("devs", "ada");
    live.add_set("dev", &spec("Dev", 0), Some(FILE));
    live.assign(1, "Dev", Principal::Group(devs));
    (desired, live)
}
