//! Drift: how what an access file owns differs from the file. Three kinds are told apart: somebody changed it, it was edited
//! and not provisioned, and a user, group or account that it needs is gone. What is in an account that is not active is no
//! drift: AWS can't change it there.

use std::collections::BTreeSet;

use super::attributes;
use super::desired::{AssignmentName, Desired, DesiredAssignment, DesiredGroup, DesiredSet};
use super::file::{Extent, PrincipalName};
use super::guards::Patterns;
use super::lookup::{Lookup, principal_text};
use super::mistake::Place;
use super::plan::{Action, AttributeChange, Change, Note, NoteKind, Plan, Refusal, RefusalReason};
use crate::answers::values::SessionDuration;
use crate::ids::{AccountId, AssignmentKey, Principal, UserId};
use crate::progress::Setting;
use crate::reconcile::SettingChange;
use crate::resources::inventory::{Account, Inventory, PermissionSet};
use crate::text::few;

/// The most accounts that a sentence names.
const MOST_ACCOUNTS: usize = 5;

/// A difference between what the file owns and the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What kind of difference it is.
    pub kind: DriftKind,
    /// What differs.
    pub what: DriftSubject,
    /// Who and what, as a sentence.
    pub text: String,
    /// The line of the file; `None` for what the file does not mention.
    pub place: Option<Place>,
    /// The setting of a permission set, as observed and as in the file; `None` for everything else.
    pub setting: Option<SettingChange>,
}

/// The kinds of drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriftKind {
    /// Somebody changed it, or the file was changed and not applied since.
    Changed,
    /// A permission set was edited, and accounts still have its earlier version.
    NotProvisioned,
    /// A user or group no longer exists, or an account is not in the organization.
    Gone,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriftSubject {
    /// A user.
    User {
        /// The user name.
        name: String,
    },
    /// A group.
    Group {
        /// Its name.
        name: String,
    },
    /// A permission set that the file does not list, that does not exist, or that the file does not own yet.
    PermissionSet {
        /// Its name.
        name: String,
    },
    /// A setting of a permission set.
    Setting {
        /// The name of the permission set.
        permission_set: String,
        /// The setting.
        setting: Setting,
    },
    /// The roles of a permission set.
    Roles {
        /// The name of the permission set.
        permission_set: String,
        /// The accounts whose role has an earlier version.
        accounts: BTreeSet<AccountId>,
    },
    /// An assignment.
    Assignment {
        /// The account.
        account: AccountId,
        /// The name of the permission set.
        permission_set: String,
        /// Who has access; `None` if the user or group no longer exists.
        principal: Option<PrincipalName>,
    },
    /// A member of a group.
    Member {
        /// The name of the group.
        group: String,
        /// The user name; `None` if the user no longer exists.
        user: Option<String>,
    },
}

/// Finds the drift of everything that the file owns or lists: users and groups that no external identity provider manages,
/// permission sets with its tag, the assignments of those that list them all, and the members of groups that list them all.
///
/// `plan` is the plan without deletions. Whatever it changes is drift, too, and so are the expired assignments that it
/// refuses to delete.
pub fn drift(desired: &Desired, observed: &Inventory, plan: &Plan) -> Vec<Drift> {
    let mut search = Search::new(desired, observed);
    search.users();
    search.groups();
    search.permission_sets();
    search.assignments();
    search.missing_assignments();
    search.absent_assignments();
    search.expired_assignments(&plan.refusals);
    for (name, group) in &desired.groups {
        search.members(name, group);
    }
    search.planned(&plan.changes);
    let mut found = search.found;
    found.sort_by(|one, other| (one.kind, &one.what, &one.text).cmp(&(other.kind, &other.what, &other.text)));
    found
}

/// The permission sets that have a new name in the file, and that still exist with the earlier one. That is not drift, because
/// an apply creates the new one, and only a later one deletes the earlier one.
pub fn renamed_later(desired: &Desired, observed: &Inventory) -> Vec<Note> {
    let search = Search::new(desired, observed);
    let sets = observed.permission_sets.values();
    let owned = sets.filter_map(|set| search.owned(set));
    let renamed = owned.filter(OwnedSet::is_renamed);
    let notes = renamed.map(|renamed| {
        let (old, new) = (&renamed.set.name, renamed.name);
        let assignments = observed.assignments.iter();
        let count = assignments.filter(|key| key.permission_set == renamed.set.arn).count();
        let assignments = match count {
            1 => "1 assignment".to_owned(),
            count => format!("{count} assignments"),
        };
        Note {
            kind: NoteKind::RenamedLater,
            text: format!(
                "The permission set {old} is renamed to {new}, and still exists with {assignments}. An apply with --prune \
                 deletes {old} once {new} has its assignments."
            ),
            place: renamed.place().cloned(),
        }
    });
    notes.collect()
}

struct Search<'a> {
    desired: &'a Desired,
    observed: &'a Inventory,
    lookup: Lookup<'a>,
    ignore: Patterns<'a>,
    found: Vec<Drift>,
}

/// A permission set with the tag of the file.
#[derive(Clone, Copy)]
struct OwnedSet<'a> {
    set: &'a PermissionSet,
    /// The name that the file uses: that of its successor, if it is renamed.
    name: &'a str,
    /// What the file says about it; `None` if it does not list it.
    wanted: Option<&'a DesiredSet>,
}

impl<'a> OwnedSet<'a> {
    fn is_renamed(&self) -> bool {
        self.set.name != self.name
    }

    fn place(&self) -> Option<&'a Place> {
        self.wanted.map(|wanted| &wanted.place)
    }

    /// Whether the file lists all of its assignments.
    fn is_exact(&self) -> bool {
        self.wanted.is_none_or(|wanted| wanted.assignments == Extent::Exactly)
    }
}

/// How a user or group that the file lists differs from it.
enum Difference {
    Missing,
    /// It exists and must not.
    Present,
    Attributes(Vec<AttributeChange>),
}

impl Difference {
    /// The differences as sentences about `subject`, such as `The user ada`.
    fn texts(&self, subject: &str) -> Vec<String> {
        match self {
            Self::Missing => vec![format!("{subject} does not exist.")],
            Self::Present => vec![format!("{subject} exists, but is marked as absent in the file.")],
            Self::Attributes(changes) => changes.iter().map(|change| attribute_text(subject, change)).collect(),
        }
    }
}

fn attribute_text(subject: &str, change: &AttributeChange) -> String {
    let (attribute, after) = (attributes::text(change.attribute), &change.after);
    match change.before.as_ref().filter(|before| !before.is_empty()) {
        Some(before) => format!("{subject} has the {attribute} {before}; the file says {after}."),
        None => format!("{subject} has no {attribute}; the file says {after}."),
    }
}

impl<'a> Search<'a> {
    fn new(desired: &'a Desired, observed: &'a Inventory) -> Self {
        Self {
            desired,
            observed,
            lookup: Lookup::new(desired, observed),
            ignore: Patterns::new(&desired.guard.ignore, &observed.accounts),
            found: Vec::new(),
        }
    }

    fn add(&mut self, kind: DriftKind, what: DriftSubject, text: String, place: Option<&Place>) {
        self.found.push(Drift {
            kind,
            what,
            text,
            place: place.cloned(),
            setting: None,
        });
    }

    fn users(&mut self) {
        let (desired, observed) = (self.desired, self.observed);
        for (name, wanted) in &desired.users {
            let user = self.lookup.user(name).and_then(|id| observed.users.get(id));
            let is_external = wanted.is_external || user.is_some_and(|user| user.is_external);
            if is_external || self.is_ignored_user(name) {
                continue;
            }
            let difference = match user {
                None if wanted.is_absent => continue,
                None => Difference::Missing,
                Some(_) if wanted.is_absent => Difference::Present,
                Some(user) => Difference::Attributes(attributes::of_user(user, name, wanted)),
            };
            // Of one that is renamed, people know the name that it has now.
            let subject = format!("The user {}", user.map_or(name, |user| &user.name));
            for text in difference.texts(&subject) {
                let what = DriftSubject::User { name: name.clone() };
                self.add(DriftKind::Changed, what, text, Some(&wanted.place));
            }
        }
    }

    fn groups(&mut self) {
        let (desired, observed) = (self.desired, self.observed);
        for (name, wanted) in &desired.groups {
            let group = self.lookup.group(name).and_then(|id| observed.groups.get(id));
            let is_external = wanted.is_external || group.is_some_and(|group| group.is_external);
            if is_external
                || self
                    .ignore
                    .principal_of(&self.lookup, &PrincipalName::Group(name.clone()))
            {
                continue;
            }
            let difference = match group {
                None if wanted.is_absent => continue,
                None => Difference::Missing,
                Some(_) if wanted.is_absent => Difference::Present,
                Some(group) => {
                    let description = wanted.description.as_deref();
                    Difference::Attributes(attributes::of_group(group, name, description))
                }
            };
            let subject = format!("The group {}", group.map_or(name, |group| &group.name));
            for text in difference.texts(&subject) {
                let what = DriftSubject::Group { name: name.clone() };
                self.add(DriftKind::Changed, what, text, Some(&wanted.place));
            }
        }
    }

    /// Adds what a plan changes and what was not found before: what the file lists and that is not owned yet.
    fn planned(&mut self, changes: &[Change]) {
        let found: BTreeSet<DriftSubject> = self.found.iter().map(|drift| drift.what.clone()).collect();
        let sets = found.iter().filter_map(|what| match what {
            DriftSubject::PermissionSet { name } => Some(name.clone()),
            DriftSubject::Setting { permission_set, .. } | DriftSubject::Roles { permission_set, .. } => {
                Some(permission_set.clone())
            }
            _ => None,
        });
        let sets: BTreeSet<String> = sets.collect();
        for change in changes {
            let place = change.place.as_ref();
            match &change.action {
                Action::AddMember { group, user } => {
                    let what = member(group, Some(user.as_str()));
                    if !found.contains(&what) {
                        let text = missing_member_text(group, user);
                        self.add(DriftKind::Changed, what, text, place);
                    }
                }
                Action::CreatePermissionSet(spec) => {
                    let what = DriftSubject::PermissionSet {
                        name: spec.name.clone(),
                    };
                    let text = format!("The permission set {} does not exist.", spec.name);
                    self.add(DriftKind::Changed, what, text, place);
                }
                Action::UpdatePermissionSet { name, adopts, .. } if !sets.contains(name) => {
                    let what = DriftSubject::PermissionSet { name: name.clone() };
                    let text = if *adopts {
                        format!("The file adopts the permission set {name} but does not own it yet.")
                    } else {
                        format!(
                            "The tag of the permission set {name} does not match the value of assignments in the file."
                        )
                    };
                    self.add(DriftKind::Changed, what, text, place);
                }
                Action::CreateAssignment(name) => {
                    let what = DriftSubject::Assignment {
                        account: name.account.clone(),
                        permission_set: name.permission_set.clone(),
                        principal: Some(name.principal.clone()),
                    };
                    if !found.contains(&what) {
                        self.add(DriftKind::Changed, what, self.missing_text(name), place);
                    }
                }
                // Users and groups are compared attribute by attribute, and what is deleted was found as what should not exist.
                _ => {}
            }
        }
    }

    /// What the file says about a permission set; `None` if it does not own it, or ignores it.
    fn owned(&self, set: &'a PermissionSet) -> Option<OwnedSet<'a>> {
        if set.owner.as_ref() != Some(&self.desired.name) || self.ignore.permission_set(&set.name) {
            return None;
        }
        let sets = &self.desired.permission_sets;
        let listed = sets.get_key_value(&set.name);
        let renamed = || {
            sets.iter()
                .find(|(_, wanted)| wanted.previous_names.contains(&set.name))
        };
        let listed = listed.or_else(renamed);
        Some(OwnedSet {
            set,
            name: listed.map_or(set.name.as_str(), |(name, _)| name.as_str()),
            wanted: listed.map(|(_, wanted)| wanted),
        })
    }

    fn permission_sets(&mut self) {
        let observed = self.observed;
        for set in observed.permission_sets.values() {
            let Some(owned) = self.owned(set) else { continue };
            match owned.wanted {
                // It can't be deleted before its assignments.
                None if self.has_what_stays(set) => {}
                None => {
                    let what = DriftSubject::PermissionSet { name: set.name.clone() };
                    let text = format!(
                        "The permission set {} has the tag of this file, but the file does not list the permission set.",
                        set.name
                    );
                    self.add(DriftKind::Changed, what, text, None);
                }
                // A renamed one is deleted by a later apply, and noted.
                Some(_) if owned.is_renamed() => {}
                Some(wanted) => self.settings(set, wanted),
            }
        }
    }

    fn settings(&mut self, set: &PermissionSet, wanted: &DesiredSet) {
        for change in wanted.differences(set) {
            self.found.push(Drift {
                kind: DriftKind::Changed,
                what: DriftSubject::Setting {
                    permission_set: set.name.clone(),
                    setting: change.setting.clone(),
                },
                text: setting_text(&set.name, &change),
                place: Some(wanted.place.clone()),
                setting: Some(change),
            });
        }
        let outdated = set.outdated_accounts.iter();
        let outdated = outdated.filter(|account| !self.ignore.account(account) && self.is_active(account));
        let outdated = outdated.cloned();
        let accounts: BTreeSet<AccountId> = outdated.collect();
        if accounts.is_empty() {
            return;
        }
        let names: Vec<String> = accounts
            .iter()
            .map(|account| self.lookup.account_text(account))
            .collect();
        let (noun, verb) = match names.len() {
            1 => ("account", "has"),
            _ => ("accounts", "have"),
        };
        let text = format!(
            "The permission set {} was edited and not provisioned: {} {noun} still {verb} the earlier version: {}.",
            set.name,
            names.len(),
            few(&names, MOST_ACCOUNTS)
        );
        let what = DriftSubject::Roles {
            permission_set: set.name.clone(),
            accounts,
        };
        self.add(DriftKind::NotProvisioned, what, text, Some(&wanted.place));
    }

    /// The assignments that exist.
    fn assignments(&mut self) {
        let observed = self.observed;
        for key in &observed.assignments {
            let set = observed.permission_sets.get(&key.permission_set);
            let Some(owned) = set.and_then(|set| self.owned(set)) else {
                continue;
            };
            if self.stays(key, owned.set) {
                continue;
            }
            let principal = self.lookup.principal_name(&key.principal);
            if let Some(text) = self.gone_text(key, owned.set, principal.as_ref()) {
                let what = subject(key, owned.set, principal);
                self.add(DriftKind::Gone, what, text, owned.place());
            } else if let Some(principal) = principal
                && owned.is_exact()
            {
                self.unlisted_assignment(key, &owned, principal);
            }
        }
    }

    /// An assignment that the file does not list.
    fn unlisted_assignment(&mut self, key: &AssignmentKey, owned: &OwnedSet<'_>, principal: PrincipalName) {
        let desired = self.desired;
        let name = AssignmentName {
            account: key.account.clone(),
            permission_set: owned.name.to_owned(),
            principal,
        };
        // What must not exist is named as such.
        if desired.assignments.contains_key(&name) || desired.absent_assignments.contains_key(&name) {
            return;
        }
        let expired = desired.expired.get(&name);
        let why = match expired {
            Some(expired) => format!("which ended on {}", expired.until),
            None => "but the file does not list this assignment".to_owned(),
        };
        let text = format!(
            "{}, {why}.",
            self.has_text(&name.principal, &owned.set.name, &key.account)
        );
        let what = subject(key, owned.set, Some(name.principal));
        self.add(DriftKind::Changed, what, text, expired.map(|expired| &expired.place));
    }

    /// What the file lists and is missing from an owned permission set that exists.
    fn missing_assignments(&mut self) {
        let desired = self.desired;
        for (name, assignment) in &desired.assignments {
            if self.is_missing(name) {
                self.missing_assignment(name, assignment);
            }
        }
    }

    fn is_missing(&self, name: &AssignmentName) -> bool {
        let set = self.lookup.permission_set(&name.permission_set);
        let is_owned = set.is_some_and(|set| self.owned(set).is_some());
        is_owned
            && !self.desired.absent_assignments.contains_key(name)
            && !self.is_ignored(&name.account, &name.permission_set, Some(&name.principal))
            && self.is_active(&name.account)
            && self
                .lookup
                .assignment(name)
                .is_some_and(|key| !self.observed.assignments.contains(&key))
    }

    fn missing_assignment(&mut self, name: &AssignmentName, assignment: &DesiredAssignment) {
        let text = self.missing_text(name);
        let what = DriftSubject::Assignment {
            account: name.account.clone(),
            permission_set: name.permission_set.clone(),
            principal: Some(name.principal.clone()),
        };
        self.add(DriftKind::Changed, what, text, assignment.places.first());
    }

    fn missing_text(&self, name: &AssignmentName) -> String {
        format!(
            "{} does not have {} in {}, but the file lists this assignment.",
            principal_text(&name.principal),
            name.permission_set,
            self.lookup.account_text(&name.account)
        )
    }

    /// What the file says must not exist, and exists.
    fn absent_assignments(&mut self) {
        let desired = self.desired;
        for (name, place) in &desired.absent_assignments {
            let key = self.lookup.assignment(name);
            let exists = key.is_some_and(|key| self.observed.assignments.contains(&key));
            if !exists
                || !self.is_active(&name.account)
                || self.is_ignored(&name.account, &name.permission_set, Some(&name.principal))
            {
                continue;
            }
            let has = self.has_text(&name.principal, &name.permission_set, &name.account);
            let text = format!("{has}, which must not exist.");
            let what = DriftSubject::Assignment {
                account: name.account.clone(),
                permission_set: name.permission_set.clone(),
                principal: Some(name.principal.clone()),
            };
            self.add(DriftKind::Changed, what, text, Some(place));
        }
    }

    /// What has reached its `until` and exists, and that the plan does not delete because the file does not own it.
    fn expired_assignments(&mut self, refusals: &[Refusal]) {
        let refused = refusals
            .iter()
            .filter(|refusal| refusal.reason == RefusalReason::Expired);
        for refusal in refused {
            let Some(name) = &refusal.assignment else { continue };
            let what = DriftSubject::Assignment {
                account: name.account.clone(),
                permission_set: name.permission_set.clone(),
                principal: Some(name.principal.clone()),
            };
            let text = format!("{} {}", refusal.what, refusal.suggestion);
            self.add(DriftKind::Changed, what, text, refusal.place.as_ref());
        }
    }

    /// The members of a group. Groups that an external identity provider manages are not owned.
    fn members(&mut self, name: &str, wanted: &DesiredGroup) {
        let Some(id) = self.lookup.group(name) else { return };
        let is_external = self.observed.groups.get(id).is_some_and(|group| group.is_external);
        if wanted.is_absent
            || wanted.is_external
            || is_external
            || self
                .ignore
                .principal_of(&self.lookup, &PrincipalName::Group(name.to_owned()))
        {
            return;
        }
        let observed = self.observed;
        let members = observed.memberships.keys().filter(|key| key.group == *id);
        let members: BTreeSet<&UserId> = members.map(|key| &key.user).collect();
        for (user, place) in &wanted.members {
            let is_missing = self.lookup.user(user).is_some_and(|id| !members.contains(id));
            if is_missing && !self.is_ignored_user(user) {
                let text = missing_member_text(name, user);
                self.add(DriftKind::Changed, member(name, Some(user.as_str())), text, Some(place));
            }
        }
        if wanted.membership == Extent::AtLeast {
            return;
        }
        for user in members {
            match self.lookup.user_name(user) {
                Some(user) if wanted.members.contains_key(user) || self.is_ignored_user(user) => {}
                Some(user) => {
                    let text = format!(
                        "User {user} is a member of the group {name}, but the file does not list the user there."
                    );
                    self.add(DriftKind::Changed, member(name, Some(user)), text, Some(&wanted.place));
                }
                None => {
                    let text = format!("The group {name} has a member that no longer exists ({user}).");
                    self.add(DriftKind::Gone, member(name, None), text, Some(&wanted.place));
                }
            }
        }
    }

    fn is_ignored_user(&self, name: &str) -> bool {
        let name = PrincipalName::User(name.to_owned());
        self.ignore.principal_of(&self.lookup, &name)
    }

    fn is_ignored(&self, account: &AccountId, permission_set: &str, principal: Option<&PrincipalName>) -> bool {
        self.ignore.permission_set(permission_set)
            || self.ignore.account(account)
            || principal.is_some_and(|principal| self.ignore.principal_of(&self.lookup, principal))
    }

    fn is_active(&self, account: &AccountId) -> bool {
        let account = self.observed.accounts.all.get(account);
        account.is_some_and(Account::is_active)
    }

    /// Whether nothing changes an assignment: it is ignored, or its account exists and is not active.
    fn stays(&self, key: &AssignmentKey, set: &PermissionSet) -> bool {
        let principal = self.lookup.principal_name(&key.principal);
        let account = self.observed.accounts.all.get(&key.account);
        self.is_ignored(&key.account, &set.name, principal.as_ref())
            || account.is_some_and(|account| !account.is_active())
    }

    /// Whether an assignment of a permission set stays.
    fn has_what_stays(&self, set: &PermissionSet) -> bool {
        let mut own = self.observed.assignments.iter();
        own.any(|key| key.permission_set == set.arn && self.stays(key, set))
    }

    /// `Group Admins has Admin in Prod (111122223333)`
    fn has_text(&self, principal: &PrincipalName, permission_set: &str, account: &AccountId) -> String {
        let who = principal_text(principal);
        format!("{who} has {permission_set} in {}", self.lookup.account_text(account))
    }

    /// What an assignment needs and no longer exists, as a sentence; `None` if everything exists.
    fn gone_text(&self, key: &AssignmentKey, set: &PermissionSet, principal: Option<&PrincipalName>) -> Option<String> {
        let account = self.lookup.account_text(&key.account);
        let Some(principal) = principal else {
            let noun = match key.principal {
                Principal::User(_) => "user",
                Principal::Group(_) => "group",
            };
            return Some(format!(
                "{} is assigned in {account} to a {noun} that no longer exists ({}).",
                set.name, key.principal
            ));
        };
        let is_gone = !self.observed.accounts.all.contains_key(&key.account);
        is_gone.then(|| {
            let has = self.has_text(principal, &set.name, &key.account);
            format!("{has}, an account that is not in the organization.")
        })
    }
}

fn subject(key: &AssignmentKey, set: &PermissionSet, principal: Option<PrincipalName>) -> DriftSubject {
    DriftSubject::Assignment {
        account: key.account.clone(),
        permission_set: set.name.clone(),
        principal,
    }
}

fn missing_member_text(group: &str, user: &str) -> String {
    format!("The file lists the user {user} as a member of the group {group}, but the user is not a member.")
}

fn member(group: &str, user: Option<&str>) -> DriftSubject {
    DriftSubject::Member {
        group: group.to_owned(),
        user: user.map(str::to_owned),
    }
}

/// How a setting differs, as a sentence. Policies are not quoted.
fn setting_text(permission_set: &str, change: &SettingChange) -> String {
    let setting = &change.setting;
    match (setting, &change.before, &change.after) {
        (Setting::Policy(_) | Setting::CustomerManagedPolicy(_), None, _) => {
            format!("The permission set {permission_set} does not have the {setting}, which the file lists.")
        }
        (Setting::Policy(_) | Setting::CustomerManagedPolicy(_), ..) => {
            format!("The permission set {permission_set} has the {setting}, which the file does not list.")
        }
        (_, Some(_), None) => {
            format!("The {setting} of the permission set {permission_set} is not in the file.")
        }
        (_, None, Some(_)) => {
            format!("The permission set {permission_set} does not have the {setting} of the file.")
        }
        (Setting::SessionDuration, Some(before), Some(after)) => {
            let (before, after) = (duration_text(before), duration_text(after));
            format!("The {setting} of the permission set {permission_set} is {before}, but the file says {after}.")
        }
        (Setting::InlinePolicy, ..) => {
            format!("The {setting} of the permission set {permission_set} differs from the file.")
        }
        (_, Some(before), Some(after)) => {
            format!("The {setting} of the permission set {permission_set} is {before:?}, but the file says {after:?}.")
        }
        (_, None, None) => format!("The {setting} of the permission set {permission_set} is as in the file."),
    }
}

/// `8h` for `PT8H`
fn duration_text(iso: &str) -> String {
    let duration = iso.parse::<SessionDuration>();
    duration.map_or_else(|_| iso.to_owned(), |duration| duration.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::access::model::{
        FILE, Fill, account, assignment_name, desired_assignment, desired_group, desired_set, desired_user, expired,
        group, live_user, pattern, place, small_team, spec, user,
    };
    use crate::access::plan::{Options, plan};
    use crate::resources::inventory::ACCESS_TAG;

    fn found(file: &Desired, live: &Inventory) -> Vec<Drift> {
        let plan = plan(file, live, &Options::default(), date(2026, 11, 30));
        drift(file, live, &plan)
    }

    fn texts(file: &Desired, live: &Inventory) -> Vec<String> {
        let found = found(file, live).into_iter();
        found.map(|drift| format!("{:?}: {}", drift.kind, drift.text)).collect()
    }

    #[test]
    fn what_is_as_the_file_says_has_no_drift() {
        let (file, live) = small_team();
        assert!(texts(&file, &live).is_empty());
        // What the file does not own is not drift.
        let mut live = live;
        let ada = live.id_of(&user("ada")).unwrap();
        live.add_set("other", &spec("Other", 0), Some("another-file"));
        live.assign(1, "Other", ada);
        assert!(texts(&file, &live).is_empty());
    }

    #[test]
    fn users_and_groups_that_differ_or_do_not_exist_are_drift() {
        let (mut file, mut live) = small_team();
        file.users.get_mut("ada").unwrap().email = Some("lovelace@example.com".to_owned());
        file.groups.get_mut("devs").unwrap().description = Some("Developers".to_owned());
        file.users.insert("fay".to_owned(), desired_user("fay"));
        file.groups
            .insert("ops".to_owned(), desired_group(&["fay"], Extent::AtLeast));
        let mut eve = desired_user("eve");
        eve.is_absent = true;
        file.users.insert("eve".to_owned(), eve);
        live.add_user("eve", live_user("eve"));
        let mut zoe = desired_user("zoe");
        zoe.is_external = true;
        file.users.insert("zoe".to_owned(), zoe);
        let devs = live.groups.values_mut().next().unwrap();
        devs.description = None;
        assert_eq!(
            texts(&file, &live),
            [
                "Changed: The user ada has the email address ada@example.com; the file says lovelace@example.com.",
                "Changed: The user eve exists, but is marked as absent in the file.",
                "Changed: The user fay does not exist.",
                "Changed: The group devs has no description; the file says Developers.",
                "Changed: The group ops does not exist.",
                "Changed: The file lists the user fay as a member of the group ops, but the user is not a member.",
            ]
        );
        file.guard.ignore.push(pattern("user:*"));
        file.guard.ignore.push(pattern("group:*"));
        assert!(texts(&file, &live).is_empty());
    }

    #[test]
    fn what_the_file_would_create_or_adopt_is_drift() {
        let (mut file, mut live) = small_team();
        let set = desired_set(spec("New", 0));
        file.permission_sets.insert("New".to_owned(), set);
        let name = assignment_name(1, "New", group("devs"));
        file.assignments.insert(name, desired_assignment(None));
        let mut old = desired_set(spec("Old", 0));
        old.adopt = true;
        file.permission_sets.insert("Old".to_owned(), old);
        live.add_set("old", &spec("Old", 0), None);
        assert_eq!(
            texts(&file, &live),
            [
                "Changed: The permission set New does not exist.",
                "Changed: The file adopts the permission set Old but does not own it yet.",
                "Changed: Group devs does not have New in Account 1 (111111111111), but the file lists this assignment.",
            ]
        );
    }

    #[test]
    fn changes_by_others_name_who_and_what() {
        let (file, mut live) = small_team();
        let ada = live.id_of(&user("ada")).unwrap();
        let devs = live.id_of(&group("devs")).unwrap();
        live.assign(2, "Dev", ada);
        live.assignments.retain(|key| key.principal != devs);
        live.add_user("eve", live_user("eve"));
        live.add_member("devs", "eve");
        live.memberships
            .retain(|key, _| Principal::User(key.user.clone()) != live_principal("ada"));
        let arn = live.permission_set_named("Dev").unwrap().arn.clone();
        let settings = &mut live.permission_sets.get_mut(&arn).unwrap().settings;
        let policy = "arn:aws:iam::aws:policy/AdministratorAccess";
        settings.insert(Setting::Policy(policy.to_owned()), Some("attached".to_owned()));
        settings.insert(Setting::Description, Some("Mine".to_owned()));
        let mut found = texts(&file, &live);
        found.sort();
        assert_eq!(
            found,
            [
                "Changed: Group devs does not have Dev in Account 1 (111111111111), but the file lists this assignment.",
                "Changed: The description of the permission set Dev is \"Mine\", but the file says \"Variant 0\".",
                "Changed: The file lists the user ada as a member of the group devs, but the user is not a member.",
                "Changed: The permission set Dev has the policy arn:aws:iam::aws:policy/AdministratorAccess, which the \
                 file does not list.",
                "Changed: User ada has Dev in Account 2 (222222222222), but the file does not list this assignment.",
                "Changed: User eve is a member of the group devs, but the file does not list the user there.",
            ]
        );
    }

    fn live_principal(name: &str) -> Principal {
        Principal::User(format!("user-{name}").parse().unwrap())
    }

    #[test]
    fn an_edited_permission_set_that_is_not_provisioned_is_another_kind() {
        let (mut file, mut live) = small_team();
        let arn = live.permission_set_named("Dev").unwrap().arn.clone();
        let set = live.permission_sets.get_mut(&arn).unwrap();
        set.outdated_accounts = [account(1), account(2)].into();
        assert_eq!(
            texts(&file, &live),
            [
                "NotProvisioned: The permission set Dev was edited and not provisioned: 2 accounts still have the earlier \
                 version: Account 1 (111111111111) and Account 2 (222222222222)."
            ]
        );
        file.guard.ignore.push(pattern("permission-set:D*"));
        assert!(texts(&file, &live).is_empty());
    }

    #[test]
    fn principals_and_accounts_that_are_gone_are_another_kind() {
        let (mut file, mut live) = small_team();
        file.permission_sets.get_mut("Dev").unwrap().assignments = Extent::AtLeast;
        let devs = live.id_of(&group("devs")).unwrap();
        live.assign(2, "Dev", live_principal("gone"));
        live.assign(5, "Dev", devs);
        assert_eq!(
            texts(&file, &live),
            [
                "Changed: The tag of the permission set Dev does not match the value of assignments in the file.",
                "Gone: Dev is assigned in Account 2 (222222222222) to a user that no longer exists (user-gone).",
                "Gone: Group devs has Dev in 555555555555, an account that is not in the organization.",
            ]
        );
    }

    #[test]
    fn what_is_in_an_account_that_is_not_active_is_no_drift() {
        let (mut file, mut live) = small_team();
        let devs = live.id_of(&group("devs")).unwrap();
        live.assign(4, "Dev", devs.clone());
        live.assign(4, "Dev", live_principal("gone"));
        assert!(texts(&file, &live).is_empty());
        // A permission set that is no longer listed stays as long as it is assigned there.
        live.add_set("old", &spec("Old", 0), Some(FILE));
        live.assign(4, "Old", devs.clone());
        assert!(texts(&file, &live).is_empty());
        live.assign(2, "Old", devs);
        assert_eq!(
            texts(&file, &live),
            ["Changed: Group devs has Old in Account 2 (222222222222), but the file does not list this assignment."]
        );
        file.guard.ignore.push(pattern("account:Account 2"));
        assert!(texts(&file, &live).is_empty());
    }

    #[test]
    fn expired_and_absent_assignments_are_named() {
        let (mut file, live) = small_team();
        let name = assignment_name(1, "Dev", group("devs"));
        file.assignments.clear();
        file.expired.insert(name.clone(), expired(date(2026, 11, 1)));
        let found = found(&file, &live);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, Some(place(5)));
        assert_eq!(
            found[0].text,
            "Group devs has Dev in Account 1 (111111111111), which ended on 2026-11-01."
        );
        // Also one that the file does not own: no apply deletes it.
        file.permission_sets.get_mut("Dev").unwrap().assignments = Extent::AtLeast;
        assert!(
            texts(&file, &live).contains(
                &"Changed: Group devs still has Dev in Account 1 (111111111111), which ended on 2026-11-01; the file does \
                  not own the assignment. Write absent = true in place of until, to delete all assignments of this \
                  [[assignment]]."
                    .to_owned()
            )
        );
        // One that the file is about to own is deleted then.
        let mut unowned = live.clone();
        for set in unowned.permission_sets.values_mut() {
            set.owner = None;
            set.settings.remove(&Setting::Tag(ACCESS_TAG.to_owned()));
        }
        let dev = file.permission_sets.get_mut("Dev").unwrap();
        dev.assignments = Extent::Exactly;
        dev.adopt = true;
        assert_eq!(
            texts(&file, &unowned),
            ["Changed: The file adopts the permission set Dev but does not own it yet."]
        );
        file.permission_sets.get_mut("Dev").unwrap().adopt = false;
        file.expired.clear();
        file.absent_assignments.insert(name, place(7));
        assert_eq!(
            texts(&file, &live),
            ["Changed: Group devs has Dev in Account 1 (111111111111), which must not exist."]
        );
    }

    #[test]
    fn a_permission_set_with_the_tag_that_is_not_listed_is_drift() {
        let (mut file, live) = small_team();
        file.assignments.clear();
        file.permission_sets.clear();
        assert_eq!(texts(&file, &live).len(), 2);
        let mut renamed = desired_set(spec("Developer", 0));
        renamed.previous_names.push("Dev".to_owned());
        file.permission_sets.insert("Developer".to_owned(), renamed);
        let name = assignment_name(1, "Developer", group("devs"));
        file.assignments.insert(name.clone(), desired_assignment(None));
        // The new one is missing. The old one is deleted by a later apply, and is not drift.
        assert_eq!(
            texts(&file, &live),
            [
                "Changed: The permission set Developer does not exist.",
                "Changed: Group devs does not have Developer in Account 1 (111111111111), but the file lists this assignment.",
            ]
        );
        // A rename of which only the later apply is left is noted.
        let mut live = live;
        let devs = live.id_of(&name.principal).unwrap();
        live.add_set("developer", &spec("Developer", 0), Some(FILE));
        live.assign(1, "Developer", devs);
        assert!(texts(&file, &live).is_empty());
        let notes = renamed_later(&file, &live);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!(
            notes[0].text,
            "The permission set Dev is renamed to Developer, and still exists with 1 assignment. An apply with --prune \
             deletes Dev once Developer has its assignments."
        );
        file.guard.ignore.push(pattern("permission-set:Dev"));
        assert!(renamed_later(&file, &live).is_empty());
    }
}
