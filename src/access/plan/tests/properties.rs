//! Properties of plans over random files and inventories.
//!
//! Four users, three groups, four permission sets and six accounts, of which one is suspended and two don't exist, so that
//! most combinations meet.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::access::desired::AssignmentName;
use crate::access::drift::{DriftKind, DriftSubject, drift};
use crate::access::file::{Guard, PrincipalName};
use crate::access::model::{ACTIVE_ACCOUNTS, View};
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipKey};
use crate::reconcile::SettingChange;
use crate::resources::inventory::Account;

const USERS: usize = 4;
const GROUPS: usize = 3;
const SETS: usize = 4;

/// The applies after which nothing may change any more: a rename needs two.
const MOST_APPLIES: usize = 4;

/// A user or a group that exists.
#[derive(Debug, Clone)]
struct LivePrincipal {
    is_external: bool,
    variant: u8,
}

/// A permission set that exists.
#[derive(Debug, Clone)]
struct LiveSet {
    owner: Option<&'static str>,
    variant: u8,
    is_outdated: bool,
}

/// An assignment by numbers. Principals are users, then groups, then one that is gone.
#[derive(Debug, Clone)]
struct Numbers {
    account: usize,
    permission_set: usize,
    principal: usize,
}

/// What exists, without IDs.
#[derive(Debug, Clone)]
struct Live {
    users: Vec<Option<LivePrincipal>>,
    groups: Vec<Option<LivePrincipal>>,
    members: Vec<bool>,
    permission_sets: Vec<Option<LiveSet>>,
    assignments: Vec<Numbers>,
}

/// How a file lists something.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Listing {
    No,
    Yes,
    External,
    Absent,
}

#[derive(Debug, Clone)]
struct FilePrincipal {
    listing: Listing,
    variant: u8,
    is_renamed: bool,
    is_exact: bool,
    members: Vec<bool>,
}

#[derive(Debug, Clone)]
struct FileSet {
    is_listed: bool,
    variant: u8,
    adopt: bool,
    is_exact: bool,
    is_renamed: bool,
}

/// A file.
#[derive(Debug, Clone)]
struct File {
    users: Vec<FilePrincipal>,
    groups: Vec<FilePrincipal>,
    permission_sets: Vec<FileSet>,
    assignments: Vec<Numbers>,
    absent: Vec<Numbers>,
    expired: Vec<Numbers>,
    protect: Vec<&'static str>,
    ignore: Vec<&'static str>,
}

fn user_name(number: usize) -> String {
    format!("u{}", number % USERS)
}

fn group_name(number: usize) -> String {
    format!("g{}", number % GROUPS)
}

fn set_name(number: usize) -> String {
    format!("s{}", number % SETS)
}

fn principal(number: usize) -> PrincipalName {
    match number.checked_sub(USERS) {
        None => user(&user_name(number)),
        Some(number) => group(&group_name(number)),
    }
}

fn numbers(accounts: usize, principals: usize) -> impl Strategy<Value = Numbers> {
    (1..=accounts, 0..SETS, 0..principals).prop_map(|(account, permission_set, principal)| Numbers {
        account,
        permission_set,
        principal,
    })
}

fn live_principal() -> impl Strategy<Value = Option<LivePrincipal>> {
    let principal = (prop::bool::weighted(0.2), 0..2_u8);
    prop::option::of(principal.prop_map(|(is_external, variant)| LivePrincipal { is_external, variant }))
}

fn live_set() -> impl Strategy<Value = Option<LiveSet>> {
    let owner = prop::sample::select(vec![None, Some(FILE), Some(FILE), Some(FILE), Some("other-file")]);
    let set = (owner, 0..2_u8, prop::bool::weighted(0.2));
    prop::option::weighted(
        0.8,
        set.prop_map(|(owner, variant, is_outdated)| LiveSet {
            owner,
            variant,
            is_outdated,
        }),
    )
}

fn live() -> impl Strategy<Value = Live> {
    let parts = (
        prop::collection::vec(live_principal(), USERS),
        prop::collection::vec(live_principal(), GROUPS),
        prop::collection::vec(any::<bool>(), USERS * GROUPS),
        prop::collection::vec(live_set(), SETS),
        prop::collection::vec(numbers(6, USERS + GROUPS + 1), 0..16),
    );
    parts.prop_map(|(users, groups, members, permission_sets, assignments)| Live {
        users,
        groups,
        members,
        permission_sets,
        assignments,
    })
}

fn file_principal() -> impl Strategy<Value = FilePrincipal> {
    let listings = vec![
        Listing::No,
        Listing::Yes,
        Listing::Yes,
        Listing::Yes,
        Listing::External,
        Listing::Absent,
    ];
    let parts = (
        prop::sample::select(listings),
        0..2_u8,
        prop::bool::weighted(0.3),
        any::<bool>(),
        prop::collection::vec(any::<bool>(), USERS),
    );
    parts.prop_map(|(listing, variant, is_renamed, is_exact, members)| FilePrincipal {
        listing,
        variant,
        is_renamed,
        is_exact,
        members,
    })
}

fn file_set() -> impl Strategy<Value = FileSet> {
    let parts = (
        prop::bool::weighted(0.7),
        0..2_u8,
        any::<bool>(),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.3),
    );
    parts.prop_map(|(is_listed, variant, adopt, is_exact, is_renamed)| FileSet {
        is_listed,
        variant,
        adopt,
        is_exact,
        is_renamed,
    })
}

fn patterns(patterns: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    let some = prop::sample::subsequence(patterns.to_vec(), 0..=patterns.len());
    prop_oneof![2 => Just(Vec::new()), 1 => some]
}

fn file() -> impl Strategy<Value = File> {
    const PROTECT: &[&str] = &["user:u0", "group:g0", "permission-set:s0", "account:22*"];
    const IGNORE: &[&str] = &["user:u1", "group:g1", "permission-set:s1", "account:Account 3"];
    let parts = (
        prop::collection::vec(file_principal(), USERS),
        prop::collection::vec(file_principal(), GROUPS),
        prop::collection::vec(file_set(), SETS),
        prop::collection::vec(numbers(ACTIVE_ACCOUNTS, USERS + GROUPS), 0..16),
        prop::collection::vec(numbers(ACTIVE_ACCOUNTS, USERS + GROUPS), 0..2),
        prop::collection::vec(numbers(ACTIVE_ACCOUNTS, USERS + GROUPS), 0..2),
        patterns(PROTECT),
        patterns(IGNORE),
    );
    parts.prop_map(
        |(users, groups, permission_sets, assignments, absent, expired, protect, ignore)| File {
            users,
            groups,
            permission_sets,
            assignments,
            absent,
            expired,
            protect,
            ignore,
        },
    )
}

impl Live {
    /// The inventory. With `is_reversed`, IDs sort in the opposite order of names.
    fn inventory(&self, is_reversed: bool) -> Inventory {
        let id = |number: usize| format!("{}", if is_reversed { 9 - number } else { number });
        let mut live = inventory();
        for (number, principal) in self.users.iter().enumerate() {
            if let Some(LivePrincipal { is_external, variant }) = principal {
                let mut user = live_user(&user_name(number));
                user.is_external = *is_external;
                user.given_name = Some(format!("Given {variant}"));
                live.add_user(&id(number), user);
            }
        }
        for (number, principal) in self.groups.iter().enumerate() {
            if let Some(LivePrincipal { is_external, variant }) = principal {
                let mut group = live_group(&group_name(number));
                group.is_external = *is_external;
                group.description = Some(format!("Group {variant}"));
                live.add_group(&id(number), group);
            }
        }
        for (number, _) in self.members.iter().enumerate().filter(|(_, is_member)| **is_member) {
            let (group, user) = (number / USERS, number % USERS);
            if self.groups[group].is_some() && self.users[user].is_some() {
                live.add_member(&group_name(group), &user_name(user));
            }
        }
        for (number, set) in self.permission_sets.iter().enumerate() {
            if let Some(set) = set {
                live.add_set(&id(number), &spec(&set_name(number), set.variant), set.owner);
            }
        }
        for numbers in &self.assignments {
            let name = set_name(numbers.permission_set);
            let principal = match numbers.principal {
                number if number == USERS + GROUPS => Some(Principal::User("user-gone".parse().unwrap())),
                number => live.id_of(&principal(number)),
            };
            let exists = live.permission_set_named(&name).is_some();
            if let Some(principal) = principal
                && exists
            {
                live.assign(numbers.account, &name, principal);
            }
        }
        for set in live.permission_sets.values_mut() {
            let number: usize = set.name[1..].parse().unwrap();
            if self.permission_sets[number].as_ref().is_some_and(|set| set.is_outdated) {
                set.outdated_accounts.clone_from(&set.accounts);
            }
        }
        live
    }
}

impl File {
    /// What the file asks for. With `is_reversed`, its lines are in the opposite order.
    fn desired(&self, is_reversed: bool) -> Desired {
        let line = |number: usize| place(if is_reversed { 900 - number } else { 100 + number });
        let mut file = desired();
        file.guard.max_deletes = u32::MAX;
        file.guard.max_delete_percent = 100;
        file.guard.protect = self.protect.iter().copied().map(pattern).collect();
        file.guard.ignore = self.ignore.iter().copied().map(pattern).collect();
        for (number, listed) in self
            .users
            .iter()
            .enumerate()
            .filter(|(_, user)| user.listing != Listing::No)
        {
            let mut user = desired_user(&user_name(number));
            user.place = line(number);
            user.given_name = Some(format!("Given {}", listed.variant));
            user.is_external = listed.listing == Listing::External;
            user.is_absent = listed.listing == Listing::Absent;
            let previous = listed.is_renamed.then(|| user_name(number + 1));
            user.previous_names.extend(previous);
            file.users.insert(user_name(number), user);
        }
        for (number, listed) in self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| group.listing != Listing::No)
        {
            let members = listed.members.iter().enumerate().filter(|(_, is_member)| **is_member);
            let members = members
                .map(|(number, _)| number)
                .filter(|number| !self.is_absent(*number));
            let members: Vec<String> = members.map(user_name).collect();
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            let extent = if listed.is_exact {
                Extent::Exactly
            } else {
                Extent::AtLeast
            };
            let mut group = desired_group(&members, extent);
            group.place = line(10 + number);
            group.description = Some(format!("Group {}", listed.variant));
            group.is_external = listed.listing == Listing::External;
            group.is_absent = listed.listing == Listing::Absent;
            let previous = listed.is_renamed.then(|| group_name(number + 1));
            group.previous_names.extend(previous);
            file.groups.insert(group_name(number), group);
        }
        for (number, listed) in self.permission_sets.iter().enumerate().filter(|(_, set)| set.is_listed) {
            let mut set = desired_set(spec(&set_name(number), listed.variant));
            set.place = line(20 + number);
            set.adopt = listed.adopt;
            set.assignments = if listed.is_exact {
                Extent::Exactly
            } else {
                Extent::AtLeast
            };
            let previous = listed.is_renamed.then(|| set_name(number + 1));
            set.previous_names.extend(previous);
            file.permission_sets.insert(set_name(number), set);
        }
        for (number, numbers) in self.assignments.iter().enumerate() {
            if !self.is_absent(numbers.principal) {
                let mut assignment = desired_assignment(None);
                assignment.places = [line(30 + number)].into();
                file.assignments.insert(numbers.name(), assignment);
            }
        }
        for numbers in &self.absent {
            file.assignments.remove(&numbers.name());
            file.absent_assignments.insert(numbers.name(), line(60));
        }
        for name in self.expired.iter().map(Numbers::name) {
            if !file.assignments.contains_key(&name) && !file.absent_assignments.contains_key(&name) {
                file.expired.insert(name, expired(date(2026, 11, 1)));
            }
        }
        file
    }

    /// Whether the file says that the principal must not exist.
    fn is_absent(&self, principal: usize) -> bool {
        let listed = match principal.checked_sub(USERS) {
            None => &self.users[principal],
            Some(group) => &self.groups[group],
        };
        listed.listing == Listing::Absent
    }
}

impl Numbers {
    fn name(&self) -> AssignmentName {
        assignment_name(self.account, &set_name(self.permission_set), principal(self.principal))
    }
}

/// Plans with everything allowed.
fn free_plan(desired: &Desired, live: &Inventory) -> Plan {
    plan(desired, live, &options(true), TODAY)
}

/// What exists when nothing changes any more.
fn settled(desired: &Desired, live: &Inventory) -> Inventory {
    let mut live = live.clone();
    for _ in 0..MOST_APPLIES {
        let plan = free_plan(desired, &live);
        if plan.changes.is_empty() {
            return live;
        }
        live = apply_to(&live, &plan.changes);
    }
    panic!("the plan is not empty: {:?}", free_plan(desired, &live).changes);
}

/// The names that the file changes.
fn previous_names(desired: &Desired) -> BTreeSet<String> {
    let users = desired.users.values().flat_map(|user| &user.previous_names);
    let groups = desired.groups.values().flat_map(|group| &group.previous_names);
    let sets = desired.permission_sets.values().flat_map(|set| &set.previous_names);
    users.chain(groups).chain(sets).cloned().collect()
}

/// Whether the file may change or delete the permission set.
fn is_owned(desired: &Desired, live: &Inventory, name: &str) -> bool {
    let owner = live.permission_set_named(name).unwrap().owner.as_deref();
    let is_adopted = desired.permission_sets.get(name).is_some_and(|set| set.adopt);
    owner == Some(FILE) || (owner.is_none() && is_adopted)
}

/// Whether the file may delete assignments of the permission set that it does not list.
fn has_exact_assignments(desired: &Desired, live: &Inventory, name: &str) -> bool {
    let listed = desired.permission_sets.get(name);
    is_owned(desired, live, name) && listed.is_none_or(|set| set.assignments == Extent::Exactly)
}

/// Whether the file says that an assignment must not exist, by the name that its principal has or gets.
fn is_absent(desired: &Desired, assignment: &(AccountId, String, String)) -> bool {
    let (account, set, principal) = assignment;
    desired.absent_assignments.keys().any(|absent| {
        let (type_name, name, previous) = match &absent.principal {
            PrincipalName::User(name) => ("USER", name, desired.users.get(name).map(|user| &user.previous_names)),
            PrincipalName::Group(name) => (
                "GROUP",
                name,
                desired.groups.get(name).map(|group| &group.previous_names),
            ),
        };
        let mut names = std::iter::once(name).chain(previous.into_iter().flatten());
        absent.account == *account
            && absent.permission_set == *set
            && names.any(|name| format!("{type_name}:{name}") == *principal)
    })
}

/// An action by names, without IDs.
fn text(action: &Action) -> String {
    match action {
        Action::UpdateUser { name, changes, .. } => format!("update the user {name}: {changes:?}"),
        Action::UpdateGroup { name, changes, .. } => format!("update the group {name}: {changes:?}"),
        Action::UpdatePermissionSet {
            name, changes, adopts, ..
        } => format!("update the permission set {name}: {changes:?} {adopts}"),
        Action::RemoveMember { group, user, .. } => format!("remove {user} from {group}"),
        Action::DeleteAssignment {
            key,
            permission_set,
            principal,
        } => format!("delete {} {permission_set} {principal:?}", key.account),
        Action::DeletePermissionSet { name, .. } => format!("delete the permission set {name}"),
        Action::DeleteGroup { name, .. } => format!("delete the group {name}"),
        Action::DeleteUser { name, .. } => format!("delete the user {name}"),
        other => format!("{other:?}"),
    }
}

/// Whether a change is the tag of the owner.
fn is_tag(change: &SettingChange) -> bool {
    matches!(change.setting, Setting::Tag(_))
}

/// Whether a user has a permission set in an account.
fn has_access(live: &Inventory, caller: &CallerAccess) -> bool {
    let (user, _) = live.user_named(&caller.user).unwrap();
    live.assignments.iter().any(|key| {
        let set = &live.permission_sets[&key.permission_set];
        let has = match &key.principal {
            Principal::User(id) => id == user,
            Principal::Group(group) => live
                .memberships
                .keys()
                .any(|membership| membership.group == *group && membership.user == *user),
        };
        has && key.account == caller.account && set.name == caller.permission_set
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_that_is_not_owned_is_changed_or_deleted(live in live(), file in file()) {
        let (live, desired) = (live.inventory(false), file.desired(false));
        let plan = free_plan(&desired, &live);
        let (before, after) = (View::of(&live), View::of(&apply_to(&live, &plan.changes)));
        for (name, settings) in &before.permission_sets {
            let is_owned = is_owned(&desired, &live, name);
            prop_assert!(is_owned || after.permission_sets.get(name) == Some(settings), "{name}");
            prop_assert!(after.permission_sets.contains_key(name) || !desired.permission_sets.contains_key(name));
        }
        let deleted = plan.changes.iter().filter_map(|change| match &change.action {
            Action::DeleteAssignment { key, .. } => Some(key),
            _ => None,
        });
        let deleted: BTreeSet<&AssignmentKey> = deleted.collect();
        let principals = plan.changes.iter().filter_map(|change| change.action.deleted_principal());
        let principals: BTreeSet<Principal> = principals.collect();
        // Nobody has what was assigned to somebody who is deleted.
        for key in deleted.into_iter().filter(|key| !principals.contains(&key.principal)) {
            let mut one = live.clone();
            one.assignments.retain(|other| other == key);
            let name = View::of(&one).assignments.pop_first().unwrap();
            let is_owned = has_exact_assignments(&desired, &live, &name.1);
            prop_assert!(is_owned || is_absent(&desired, &name), "{name:?}");
        }
        for (name, user) in &before.users {
            let is_kept = after.users.get(name) == Some(user);
            prop_assert!(is_kept || !user.is_external, "{name}");
        }
        for (name, group) in &before.groups {
            let is_kept = after.groups.get(name) == Some(group);
            prop_assert!(is_kept || !group.is_external, "{name}");
            let members = |view: &View| -> Vec<(String, String)> {
                let members = view.members.iter().filter(|(group, _)| group == name);
                members.cloned().collect()
            };
            prop_assert!(!group.is_external || plan.changes.iter().any(|change| matches!(
                change.action,
                Action::UpdateUser { .. } | Action::DeleteUser { .. }
            )) || members(&before) == members(&after), "{name}");
        }
        for change in &plan.changes {
            match &change.action {
                Action::UpdateUser { name, .. } => {
                    let mut listed = desired.users.iter();
                    prop_assert!(listed.any(|(listed, user)| listed == name || user.previous_names.contains(name)));
                }
                Action::UpdateGroup { name, .. } => {
                    let mut listed = desired.groups.iter();
                    prop_assert!(listed.any(|(listed, group)| listed == name || group.previous_names.contains(name)));
                }
                Action::AddMember { group, user } => {
                    let is_listed = desired.groups.get(group).is_some_and(|group| group.members.contains_key(user));
                    prop_assert!(is_listed, "{user} in {group}");
                }
                Action::RemoveMember { group, .. } => {
                    prop_assert_eq!(desired.groups[group].membership, Extent::Exactly);
                }
                Action::DeleteUser { name, .. } => prop_assert!(desired.users[name].is_absent),
                Action::DeleteGroup { name, .. } => prop_assert!(desired.groups[name].is_absent),
                _ => {}
            }
        }
    }

    #[test]
    fn who_is_deleted_leaves_only_what_is_ignored_or_cannot_be_changed(live in live(), file in file()) {
        let (live, desired) = (live.inventory(false), file.desired(false));
        let plan = free_plan(&desired, &live);
        let after = apply_to(&live, &plan.changes);
        let principals = plan.changes.iter().filter_map(|change| change.action.deleted_principal());
        let principals: BTreeSet<Principal> = principals.collect();
        for key in after.assignments.iter().filter(|key| principals.contains(&key.principal)) {
            let is_active = after.accounts.all.get(&key.account).is_none_or(Account::is_active);
            prop_assert!(!is_active || notes(&plan).contains(&NoteKind::Ignored), "{key:?}");
        }
    }

    #[test]
    fn what_is_ignored_stays_as_it_is(live in live(), mut file in file()) {
        file.ignore = vec!["user:u1", "group:g1", "permission-set:s1", "account:Account 3"];
        let (live, desired) = (live.inventory(false), file.desired(false));
        let plan = free_plan(&desired, &live);
        let (before, after) = (View::of(&live), View::of(&apply_to(&live, &plan.changes)));
        prop_assert_eq!(before.users.get("u1"), after.users.get("u1"));
        prop_assert_eq!(before.groups.get("g1"), after.groups.get("g1"));
        prop_assert_eq!(before.permission_sets.get("s1"), after.permission_sets.get("s1"));
        let is_ignored = |name: &&(AccountId, String, String)| {
            name.0 == account(3) || name.1 == "s1" || name.2 == "USER:u1" || name.2 == "GROUP:g1"
        };
        let assignments = |view: &View| -> Vec<(AccountId, String, String)> {
            view.assignments.iter().filter(is_ignored).cloned().collect()
        };
        // Renames of others change the names that assignments are compared by.
        let is_rename = |change: &Change| matches!(
            change.action,
            Action::UpdateUser { .. } | Action::UpdateGroup { .. } | Action::DeleteUser { .. } | Action::DeleteGroup { .. }
        );
        if !plan.changes.iter().any(is_rename) {
            prop_assert_eq!(assignments(&before), assignments(&after));
        }
    }

    #[test]
    fn a_plan_after_an_apply_is_empty(live in live(), file in file()) {
        let (live, mut desired) = (live.inventory(false), file.desired(false));
        // A protected name that the file changes is no longer protected after the rename. A note says so.
        let renamed = previous_names(&desired);
        desired.guard.protect.retain(|pattern| !renamed.contains(&pattern.value.glob));
        let first = free_plan(&desired, &live);
        let mut live = apply_to(&live, &first.changes);
        if notes(&first).contains(&NoteKind::RenamedLater) {
            live = apply_to(&live, &free_plan(&desired, &live).changes);
        }
        let second = free_plan(&desired, &live);
        prop_assert!(second.changes.is_empty(), "{:?}", second.changes);
        prop_assert!(second.unpruned.is_empty());
    }

    #[test]
    fn a_removed_line_takes_exactly_its_access_away(live in live(), file in file(), index in any::<prop::sample::Index>()) {
        let mut desired = file.desired(false);
        // What they hold back depends on all assignments: other deletions can become possible.
        desired.guard.protect.clear();
        let live = settled(&desired, &live.inventory(false));
        let listed = desired.assignments.keys().filter(|name| {
            let id = live.id_of(&name.principal);
            let set = live.permission_set_named(&name.permission_set);
            desired.permission_sets.contains_key(&name.permission_set)
                && id.zip(set).is_some_and(|(id, set)| live.assignments.iter().any(|key| {
                    key.account == name.account && key.permission_set == set.arn && key.principal == id
                }))
        });
        let listed: Vec<AssignmentName> = listed.cloned().collect();
        prop_assume!(!listed.is_empty());
        let name = index.get(&listed).clone();
        desired.assignments.remove(&name);
        let plan = free_plan(&desired, &live);
        let deleted: Vec<String> = plan.changes.iter().map(|change| text(&change.action)).collect();
        let expected = format!("delete {} {} {:?}", name.account, name.permission_set, Some(&name.principal));
        let is_guarded = !desired.guard.ignore.is_empty();
        if !has_exact_assignments(&desired, &live, &name.permission_set) {
            prop_assert!(deleted.is_empty(), "{deleted:?}");
        } else if is_guarded && deleted.is_empty() {
            prop_assert!(!plan.refusals.is_empty() || !plan.notes.is_empty());
        } else {
            prop_assert_eq!(deleted, vec![expected]);
        }
    }

    #[test]
    fn guards_hold(live in live(), file in file(), max in 0..4_u32, who in (1..=ACTIVE_ACCOUNTS, 0..SETS, 0..USERS)) {
        let (live, mut desired) = (live.inventory(false), file.desired(false));
        desired.guard.protect = ["group:g0", "permission-set:s0"].map(pattern).into();
        desired.guard.max_deletes = max;
        let caller = CallerAccess {
            account: account(who.0),
            permission_set: set_name(who.1),
            user: user_name(who.2),
        };
        let has_access_before = live.user_named(&caller.user).is_some() && has_access(&live, &caller);
        let id = live.user_named(&caller.user).map(|(id, _)| id.clone());
        let limited = plan(&desired, &live, &Options { caller: Some(caller.clone()), ..options(true) }, TODAY);
        let deletions = limited.changes.iter().filter(|change| change.action.is_deletion()).count();
        prop_assert!(u32::try_from(deletions).unwrap() <= max);

        let free = Options { max_deletes: Some(u32::MAX), caller: Some(caller.clone()), ..options(true) };
        let plan = plan(&desired, &live, &free, TODAY);
        let after = apply_to(&live, &plan.changes);
        if has_access_before {
            let id = id.unwrap();
            let renamed = CallerAccess { user: after.users[&id].name.clone(), ..caller };
            prop_assert!(has_access(&after, &renamed));
        }
        let members = |live: &Inventory, id: &GroupId| live.memberships.keys().filter(|key| key.group == *id).count();
        if let Some((id, _)) = live.group_named("g0") {
            prop_assert!(after.groups.contains_key(id));
            prop_assert!(members(&live, id) == 0 || members(&after, id) > 0);
            let g0 = Principal::Group(id.clone());
            let count = |live: &Inventory| live.assignments.iter().filter(|key| key.principal == g0).count();
            prop_assert!(count(&live) == 0 || count(&after) > 0);
        }
        if let Some(set) = live.permission_set_named("s0") {
            let count = |live: &Inventory| live.assignments.iter().filter(|key| key.permission_set == set.arn).count();
            prop_assert!(after.permission_sets.contains_key(&set.arn));
            prop_assert!(count(&live) == 0 || count(&after) > 0);
        }
    }

    #[test]
    fn no_larger_part_of_what_is_owned_is_deleted_than_the_file_allows(
        mut live in live(),
        mut file in file(),
        more in prop::collection::vec(numbers(6, USERS + GROUPS + 1), 40..140),
        percent in prop_oneof![0..=100_u32, 80..=100_u32],
    ) {
        live.assignments.extend(more);
        // Without these, what the file owns can be told without the rules of the plan.
        file.ignore.clear();
        for principal in file.users.iter_mut().chain(&mut file.groups) {
            principal.is_renamed = false;
        }
        for set in &mut file.permission_sets {
            set.is_listed = true;
            set.is_renamed = false;
        }
        let (live, mut desired) = (live.inventory(false), file.desired(false));
        desired.guard.max_delete_percent = percent;
        let is_exact = |key: &AssignmentKey| {
            has_exact_assignments(&desired, &live, &live.permission_sets[&key.permission_set].name)
        };
        let is_owned = |key: &MembershipKey| {
            let group = &live.groups[&key.group];
            desired.groups.get(&group.name).is_some_and(|listed| {
                listed.membership == Extent::Exactly && !listed.is_absent && !listed.is_external && !group.is_external
            })
        };
        let sets = live.permission_sets.values().filter(|set| set.owner.as_deref() == Some(FILE));
        let owned = sets.count()
            + live.assignments.iter().filter(|key| is_exact(key)).count()
            + live.memberships.keys().filter(|key| is_owned(key)).count();
        let unlimited = Options { max_deletes: Some(u32::MAX), ..options(true) };
        let mut expected = plan(&desired, &live, &unlimited, TODAY).changes;
        let deleted = expected.iter().filter(|change| match &change.action {
            Action::RemoveMember { .. } => true,
            Action::DeleteAssignment { key, .. } => is_exact(key),
            _ => false,
        });
        let allowed = owned * usize::try_from(percent).unwrap();
        let is_allowed = owned < Guard::FEWEST_FOR_PERCENT || deleted.count() * 100 <= allowed;
        if !is_allowed {
            expected.retain(|change| !change.action.is_deletion());
        }
        let limited = free_plan(&desired, &live);
        prop_assert_eq!(reasons(&limited).contains(&RefusalReason::TooManyDeletes), !is_allowed);
        prop_assert_eq!(limited.changes, expected);
    }

    #[test]
    fn a_kill_anywhere_and_more_applies_end_as_one_run_does(live in live(), file in file(), kill in any::<prop::sample::Index>()) {
        let (live, mut desired) = (live.inventory(false), file.desired(false));
        // What they hold back depends on all that one plan deletes.
        desired.guard.protect.clear();
        let plan = free_plan(&desired, &live);
        let killed = apply_to(&live, &plan.changes[..kill.index(plan.changes.len() + 1)]);
        prop_assert_eq!(View::of(&settled(&desired, &killed)), View::of(&settled(&desired, &live)));
    }

    #[test]
    fn the_order_of_lines_and_of_ids_changes_nothing(live in live(), file in file()) {
        let texts = |is_reversed: bool, lines_are_reversed: bool| {
            let plan = free_plan(&file.desired(lines_are_reversed), &live.inventory(is_reversed));
            let changes: Vec<String> = plan.changes.iter().map(|change| text(&change.action)).collect();
            (changes, reasons(&plan), plan.unchanged)
        };
        let (changes, refusals, unchanged) = texts(false, false);
        let (others, other_refusals, other_unchanged) = texts(true, true);
        prop_assert_eq!(changes, others);
        prop_assert_eq!(refusals, other_refusals);
        prop_assert_eq!(unchanged, other_unchanged);
    }

    #[test]
    fn nothing_has_drifted_after_an_apply(live in live(), file in file()) {
        let desired = file.desired(false);
        let live = settled(&desired, &live.inventory(false));
        let plan = free_plan(&desired, &live);
        let is_harmless = |note: &Note| {
            matches!(
                note.kind,
                NoteKind::NotOwned | NoteKind::Expired | NoteKind::SkippedAccount | NoteKind::UnmatchedPattern
            )
        };
        if plan.refusals.is_empty() && plan.notes.iter().all(is_harmless) {
            let mut found = drift(&desired, &live, &plan);
            // What is assigned to somebody who is gone stays if the file does not own it, and is named.
            found.retain(|drift| match &drift.what {
                DriftSubject::Assignment { permission_set, .. } if drift.kind == DriftKind::Gone => {
                    has_exact_assignments(&desired, &live, permission_set)
                }
                _ => true,
            });
            prop_assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn everything_that_a_plan_changes_is_drift(live in live(), file in file()) {
        let (live, desired) = (live.inventory(false), file.desired(false));
        let plan = plan(&desired, &live, &options(false), TODAY);
        let found = drift(&desired, &live, &plan);
        for change in &plan.changes {
            let name = match &change.action {
                Action::CreateUser(spec) => &spec.name,
                Action::CreateGroup { name, .. }
                | Action::UpdateUser { name, .. }
                | Action::UpdateGroup { name, .. }
                | Action::UpdatePermissionSet { name, .. } => name,
                Action::CreatePermissionSet(spec) => &spec.name,
                Action::AddMember { user, .. } => user,
                Action::CreateAssignment(name) => &name.permission_set,
                other => panic!("{other:?}"),
            };
            prop_assert!(found.iter().any(|drift| drift.text.contains(name.as_str())), "{change:?}: {found:?}");
        }
    }

    #[test]
    fn only_what_changes_the_roles_is_provisioned(live in live(), file in file()) {
        let (live, desired) = (live.inventory(false), file.desired(false));
        for change in free_plan(&desired, &live).changes {
            if let Action::UpdatePermissionSet { arn, changes, .. } = &change.action {
                let set = &live.permission_sets[arn];
                let is_needed = !set.outdated_accounts.is_empty()
                    || (!set.accounts.is_empty() && !changes.iter().flat_map(FieldChange::settings).all(is_tag));
                let provisions = changes.iter().filter(|change| **change == FieldChange::Provision).count();
                prop_assert!(provisions <= usize::from(is_needed));
                prop_assert!(provisions == 0 || changes.last() == Some(&FieldChange::Provision));
            }
        }
    }
}
