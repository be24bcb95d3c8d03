//! What a plan never deletes: what `protect` names, the caller's own access, and more than the limits of deletions allow.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Guard, Pattern, PatternKind, PrincipalName};
use super::known::KnownNames;
use super::lookup::Lookup;
use super::mistake::Located;
use super::plan::{Action, CallerAccess, Change, Refusal, RefusalReason};
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::resources::inventory::{Accounts, Inventory};
use crate::text::{listed, matches_wildcards};

/// The patterns of `protect` or `ignore`.
#[derive(Debug, Clone, Copy)]
pub struct Patterns<'a> {
    patterns: &'a [Located<Pattern>],
    accounts: &'a Accounts,
}

impl<'a> Patterns<'a> {
    /// The patterns. Those of accounts match IDs and names.
    pub fn new(patterns: &'a [Located<Pattern>], accounts: &'a Accounts) -> Self {
        Self { patterns, accounts }
    }

    fn matches(&self, kind: PatternKind, name: &str) -> bool {
        let mut patterns = self.patterns.iter().map(|pattern| &pattern.value);
        patterns.any(|pattern| pattern.kind == kind && matches_wildcards(&pattern.glob, name))
    }

    /// Whether a pattern matches the user with this name.
    pub fn user(&self, name: &str) -> bool {
        self.matches(PatternKind::User, name)
    }

    /// Whether a pattern matches the group with this name.
    pub fn group(&self, name: &str) -> bool {
        self.matches(PatternKind::Group, name)
    }

    /// Whether a pattern matches the user or group.
    pub fn principal(&self, name: &PrincipalName) -> bool {
        match name {
            PrincipalName::User(name) => self.user(name),
            PrincipalName::Group(name) => self.group(name),
        }
    }

    /// Whether a pattern matches the user or group by this name, or by the one that it has before the plan renames it.
    pub fn principal_of(&self, lookup: &Lookup<'_>, name: &PrincipalName) -> bool {
        !self.patterns.is_empty()
            && (self.principal(name) || lookup.name_now(name).is_some_and(|now| self.principal(&now)))
    }

    /// Whether a pattern matches the permission set with this name.
    pub fn permission_set(&self, name: &str) -> bool {
        self.matches(PatternKind::PermissionSet, name)
    }

    /// Whether a pattern matches the ID or the name of the account.
    pub fn account(&self, id: &AccountId) -> bool {
        let account = self.accounts.all.get(id);
        self.matches(PatternKind::Account, id)
            || account.is_some_and(|account| self.matches(PatternKind::Account, &account.name))
    }
}

/// What must be read to know whether a plan would empty something that is protected.
#[derive(Debug, Default)]
pub struct Guarded {
    /// The names of groups.
    pub groups: BTreeSet<String>,
    /// The names of permission sets.
    pub permission_sets: BTreeSet<String>,
}

/// What `protect` names, of what exists. Any permission set can be the last one of a protected account.
pub fn guarded(guard: &Guard, names: &KnownNames) -> Guarded {
    let mut guarded = Guarded::default();
    for pattern in guard.protect.iter().map(|pattern| &pattern.value) {
        let matching = |names: &BTreeSet<String>| -> Vec<String> {
            names
                .iter()
                .filter(|name| matches_wildcards(&pattern.glob, name))
                .cloned()
                .collect()
        };
        match pattern.kind {
            PatternKind::Group => guarded.groups.extend(matching(&names.groups)),
            PatternKind::PermissionSet => guarded.permission_sets.extend(matching(&names.permission_sets)),
            PatternKind::Account => guarded.permission_sets.extend(names.permission_sets.iter().cloned()),
            PatternKind::User => {}
        }
    }
    guarded
}

/// What the file owns, to compare the number of deletions with.
#[derive(Debug, Clone, Copy)]
pub struct Owned<'a> {
    /// The number of permission sets, assignments and memberships.
    pub count: usize,
    /// The permission sets all of whose assignments are owned.
    pub exact_sets: &'a BTreeSet<PermissionSetArn>,
}

/// The deletions of a plan, of which guards take some out.
#[derive(Debug)]
pub struct Deletions {
    /// The deletions, in order.
    pub changes: Vec<Change>,
    /// The assignments that are deleted only because their user or group is.
    with_principal: BTreeSet<AssignmentKey>,
    /// What the guards say.
    pub refusals: Vec<Refusal>,
}

/// What exists, by ID and by the names of the file.
struct Existing<'a> {
    observed: &'a Inventory,
    lookup: &'a Lookup<'a>,
}

/// An assignment that exists or that the plan creates, by names.
struct Assigned<'a> {
    account: &'a AccountId,
    permission_set: &'a str,
    /// `None` if the user or group no longer exists.
    principal: Option<&'a PrincipalName>,
}

/// The number of assignments of something that is protected.
#[derive(Debug, Default)]
struct Count {
    before: usize,
    deleted: usize,
    created: usize,
}

impl Deletions {
    /// Deletions that no guard has seen. The assignments in `with_principal` stay if their user or group does.
    pub fn new(changes: Vec<Change>, with_principal: BTreeSet<AssignmentKey>) -> Self {
        Self {
            changes,
            with_principal,
            refusals: Vec::new(),
        }
    }

    /// Takes out what would leave a protected group without members, or a protected user, group, permission set or account
    /// without assignments. What the plan adds to them counts.
    pub fn keep_protected(
        &mut self,
        protect: &Patterns<'_>,
        lookup: &Lookup<'_>,
        observed: &Inventory,
        added_members: &[Change],
        created_assignments: &[Change],
    ) {
        for (id, group) in &observed.groups {
            let name = lookup.group_name(id).unwrap_or(&group.name);
            if protect.group(name) || protect.group(&group.name) {
                self.keep_members(id, name, observed, added_members);
            }
        }
        let existing = Existing { observed, lookup };
        self.keep_assignments(&existing, created_assignments, |assigned| {
            let is_protected = protect.permission_set(assigned.permission_set);
            is_protected.then(|| format!("the permission set {}", assigned.permission_set))
        });
        self.keep_assignments(&existing, created_assignments, |assigned| {
            let is_protected = protect.account(assigned.account);
            is_protected.then(|| format!("the account {}", lookup.account_text(assigned.account)))
        });
        self.keep_assignments(&existing, created_assignments, |assigned| {
            let principal = assigned.principal?;
            protect.principal_of(lookup, principal).then(|| match principal {
                PrincipalName::User(name) => format!("the user {name}"),
                PrincipalName::Group(name) => format!("the group {name}"),
            })
        });
    }

    /// Takes out changes, and the assignments that would go only with a user or group which therefore stays. Returns a
    /// sentence about these users and groups, with a space before it; an empty text if there are none.
    fn take_out(&mut self, is_taken: impl Fn(&Change) -> bool) -> String {
        let (taken, others): (Vec<Change>, Vec<Change>) =
            std::mem::take(&mut self.changes).into_iter().partition(is_taken);
        self.changes = others;
        self.keep_with_principals();
        let staying = taken.iter().filter_map(|change| match &change.action {
            Action::DeleteUser { name, .. } => Some(format!("the user {name}")),
            Action::DeleteGroup { name, .. } => Some(format!("the group {name}")),
            _ => None,
        });
        let staying: Vec<String> = staying.collect();
        match staying.as_slice() {
            [] => String::new(),
            [one] => format!(" Therefore {one} is not deleted."),
            several => format!(" Therefore {} are not deleted.", listed(several)),
        }
    }

    /// Takes out the assignments that would go only with their user or group, if that one stays.
    fn keep_with_principals(&mut self) {
        let removed = Removed::new(&self.changes);
        let with_principal = &self.with_principal;
        self.changes.retain(|change| match &change.action {
            Action::DeleteAssignment { key, .. } => {
                !with_principal.contains(key) || removed.principals.contains(&key.principal)
            }
            _ => true,
        });
    }

    /// Keeps a protected group from being emptied.
    fn keep_members(&mut self, id: &GroupId, name: &str, observed: &Inventory, added_members: &[Change]) {
        let memberships = observed.memberships.keys().filter(|key| key.group == *id);
        let members: BTreeSet<&UserId> = memberships.map(|key| &key.user).collect();
        let leaving = |change: &Change| match &change.action {
            Action::RemoveMember { key, .. } if key.group == *id => Some(key.user.clone()),
            Action::DeleteUser { id: user, .. } if members.contains(user) => Some(user.clone()),
            _ => None,
        };
        let left: BTreeSet<UserId> = self.changes.iter().filter_map(leaving).collect();
        let is_joined = added_members
            .iter()
            .any(|change| matches!(&change.action, Action::AddMember { group, .. } if group == name));
        if left.is_empty() || left.len() < members.len() || is_joined {
            return;
        }
        let staying = self.take_out(|change| leaving(change).is_some());
        self.refuse(
            RefusalReason::Protected,
            format!("The group {name} is protected, and would lose its last member.{staying}"),
            format!("List another member first, or remove the group {name} from protect."),
        );
    }

    /// Keeps what `protected` names from losing its last assignment.
    fn keep_assignments(
        &mut self,
        existing: &Existing<'_>,
        created_assignments: &[Change],
        protected: impl Fn(&Assigned<'_>) -> Option<String>,
    ) {
        let observed = existing.observed;
        let protected_by = |key: &AssignmentKey| {
            let set = observed.permission_sets.get(&key.permission_set)?;
            protected(&Assigned {
                account: &key.account,
                permission_set: &set.name,
                principal: existing.lookup.principal_name(&key.principal).as_ref(),
            })
        };
        let mut counts: BTreeMap<String, Count> = BTreeMap::new();
        let removed = Removed::new(&self.changes);
        for key in &observed.assignments {
            if let Some(name) = protected_by(key) {
                let count = counts.entry(name).or_default();
                count.before += 1;
                count.deleted += usize::from(removed.contains(key));
            }
        }
        for change in created_assignments {
            if let Action::CreateAssignment(created) = &change.action
                && let Some(name) = protected(&Assigned {
                    account: &created.account,
                    permission_set: &created.permission_set,
                    principal: Some(&created.principal),
                })
            {
                counts.entry(name).or_default().created += 1;
            }
        }
        counts.retain(|_, count| count.deleted > 0 && count.deleted == count.before && count.created == 0);
        if counts.is_empty() {
            return;
        }
        let keys = observed.assignments.iter();
        let kept = keys.filter(|key| protected_by(key).is_some_and(|name| counts.contains_key(&name)));
        let kept: Vec<&AssignmentKey> = kept.collect();
        let staying = self.take_out(|change| kept.iter().any(|key| removes(&change.action, key)));
        for name in counts.into_keys() {
            self.refuse(
                RefusalReason::Protected,
                format!("It would delete the last assignment of {name}, which is protected.{staying}"),
                format!("List another assignment first, or remove {name} from protect."),
            );
        }
    }

    /// Takes out what would delete the access that the caller uses, unless they have it in another way that stays.
    pub fn keep_own_access(&mut self, caller: &CallerAccess, observed: &Inventory) {
        let user = observed.user_named(&caller.user).map(|(id, _)| id);
        let ways = ways(caller, user, observed);
        let is_kept = ways
            .iter()
            .any(|way| way.is_certain && !self.changes.iter().any(|change| way.is_broken_by(&change.action)));
        let is_own = |change: &Change| match &change.action {
            Action::DeleteUser { id, .. } if Some(id) == user => true,
            action => !is_kept && ways.iter().any(|way| way.is_broken_by(action)),
        };
        let (own, others): (Vec<Change>, Vec<Change>) = std::mem::take(&mut self.changes).into_iter().partition(is_own);
        self.changes = others;
        self.keep_with_principals();
        for change in own {
            let what = match &change.action {
                // The refusal to delete the user or group says it.
                Action::DeleteAssignment { key, .. } if self.with_principal.contains(key) => continue,
                Action::RemoveMember { group, user, .. } => format!("removes {user} from the group {group}"),
                Action::DeleteGroup { name, .. } => format!("deletes the group {name}"),
                Action::DeleteUser { name, .. } => format!("deletes the user {name}"),
                _ => format!("deletes an assignment of {}", caller.permission_set),
            };
            self.refuse(
                RefusalReason::OwnAccess,
                format!(
                    "It {what}, which is your own access: {} in {}.",
                    caller.permission_set, caller.account
                ),
                "Run it with other credentials, or get this access in another way first.".to_owned(),
            );
        }
    }

    /// Takes out permission sets of which an assignment stays.
    pub fn keep_sets_with_assignments(&mut self, observed: &Inventory) {
        let removed = Removed::new(&self.changes);
        let left = observed
            .assignments
            .iter()
            .filter(|key| !removed.assignments.contains(key));
        let left: BTreeSet<&PermissionSetArn> = left.map(|key| &key.permission_set).collect();
        self.changes.retain(|change| match &change.action {
            Action::DeletePermissionSet { arn, .. } => !left.contains(arn),
            _ => true,
        });
    }

    /// Says that there are more deletions than the limits allow. A number that the caller gives replaces both limits.
    pub fn exceeded_limit(&self, owned: &Owned<'_>, guard: &Guard, max_deletes: Option<u32>) -> Option<Refusal> {
        let count = self.changes.len();
        let is_owned = |change: &&Change| match &change.action {
            Action::RemoveMember { .. } | Action::DeletePermissionSet { .. } => true,
            Action::DeleteAssignment { key, .. } => owned.exact_sets.contains(&key.permission_set),
            _ => false,
        };
        let from_owned = self.changes.iter().filter(is_owned).count();
        let number = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let max = max_deletes.unwrap_or(guard.max_deletes);
        let percent = guard.max_delete_percent;
        let what = if count > number(max) {
            format!("The plan has {count} deletions, and at most {max} are allowed.")
        } else if max_deletes.is_none()
            && owned.count >= Guard::FEWEST_FOR_PERCENT
            && from_owned.saturating_mul(100) > number(percent).saturating_mul(owned.count)
        {
            format!(
                "The plan deletes {from_owned} of the {} items that the file owns, and at most {percent} percent are \
                 allowed.",
                owned.count
            )
        } else {
            return None;
        };
        let deletions = match count {
            1 => "this deletion".to_owned(),
            count => format!("all {count} deletions"),
        };
        Some(Refusal {
            reason: RefusalReason::TooManyDeletes,
            what,
            suggestion: format!("Nothing is deleted. To make {deletions}, add --max-deletes {count}."),
            place: None,
            assignment: None,
        })
    }

    fn refuse(&mut self, reason: RefusalReason, what: String, suggestion: String) {
        self.refusals.push(Refusal {
            reason,
            what,
            suggestion,
            place: None,
            assignment: None,
        });
    }
}

/// What deletions take away.
struct Removed {
    assignments: BTreeSet<AssignmentKey>,
    principals: BTreeSet<Principal>,
}

impl Removed {
    fn new(changes: &[Change]) -> Self {
        let assignments = changes.iter().filter_map(|change| match &change.action {
            Action::DeleteAssignment { key, .. } => Some(key.clone()),
            _ => None,
        });
        let principals = changes.iter().filter_map(|change| change.action.deleted_principal());
        Self {
            assignments: assignments.collect(),
            principals: principals.collect(),
        }
    }

    /// Whether nobody has access through this assignment afterwards.
    fn contains(&self, key: &AssignmentKey) -> bool {
        self.assignments.contains(key) || self.principals.contains(&key.principal)
    }
}

/// Whether nobody has access through this assignment after the action.
fn removes(action: &Action, assignment: &AssignmentKey) -> bool {
    match (action, &assignment.principal) {
        (Action::DeleteAssignment { key, .. }, _) => key == assignment,
        (Action::DeleteUser { id, .. }, Principal::User(user)) => id == user,
        (Action::DeleteGroup { id, .. }, Principal::Group(group)) => id == group,
        _ => false,
    }
}

/// How the caller gets their access: an assignment of their own, or one of a group.
struct Way<'a> {
    assignment: &'a AssignmentKey,
    membership: Option<MembershipKey>,
    /// Whether they are known to be in the group. If its members were not read, they may be.
    is_certain: bool,
}

impl Way<'_> {
    fn is_broken_by(&self, action: &Action) -> bool {
        match action {
            Action::RemoveMember { key, .. } => self.membership.as_ref() == Some(key),
            action => removes(action, self.assignment),
        }
    }
}

fn ways<'a>(caller: &CallerAccess, user: Option<&UserId>, observed: &'a Inventory) -> Vec<Way<'a>> {
    let Some(set) = observed.permission_set_named(&caller.permission_set) else {
        return Vec::new();
    };
    let assignments = observed.assignments.iter();
    let assignments = assignments.filter(|key| key.account == caller.account && key.permission_set == set.arn);
    let ways = assignments.filter_map(|assignment| {
        let way = |membership, is_certain| {
            Some(Way {
                assignment,
                membership,
                is_certain,
            })
        };
        match &assignment.principal {
            // A session can have another name than its user, such as a shortened one.
            Principal::User(_) if user.is_none() => way(None, false),
            Principal::User(id) => (Some(id) == user).then(|| way(None, true)).flatten(),
            Principal::Group(group) => {
                let membership = user.map(|user| MembershipKey {
                    group: group.clone(),
                    user: user.clone(),
                });
                match membership {
                    Some(membership) if observed.memberships.contains_key(&membership) => way(Some(membership), true),
                    Some(membership)
                        if observed.groups_read.contains(group) || observed.members_read.contains(&membership.user) =>
                    {
                        None
                    }
                    _ => way(None, false),
                }
            }
        }
    });
    ways.collect()
}
