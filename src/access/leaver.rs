//! The access that a user who leaves keeps, after everything that a plan changes and deletes.

use std::collections::{BTreeMap, BTreeSet};

use super::desired::{Desired, DesiredGroup};
use super::file::{Extent, PrincipalName};
use super::lookup::Lookup;
use super::plan::{Action, Plan};
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::resources::inventory::Inventory;
use crate::text::listed;

/// Access that a user keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAccess {
    /// The user name.
    pub user: String,
    /// The group that the user stays in; `None` if the permission sets are assigned to the user.
    pub group: Option<String>,
    /// The accounts of each permission set.
    pub permission_sets: BTreeMap<String, BTreeSet<AccountId>>,
    /// Why it stays.
    pub why: WhyKept,
}

/// Why access stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyKept {
    /// The membership of the group is `at-least`.
    AtLeast,
    /// The file does not list the group.
    UnlistedGroup,
    /// An external identity provider manages the group.
    External,
    /// The plan refuses or ignores to remove it.
    HeldBack,
    /// The file does not own the assignments.
    NotOwned,
}

impl KeptAccess {
    /// What the user keeps and why, as a sentence: `ada stays in the group break-glass, which has Admin in 12 accounts: its
    /// membership is at-least.`
    pub fn sentence(&self) -> String {
        let sets = self.permission_sets.iter();
        let sets: Vec<String> = sets
            .map(|(name, accounts)| match accounts.len() {
                1 => format!("{name} in 1 account"),
                count => format!("{name} in {count} accounts"),
            })
            .collect();
        let sets = if sets.is_empty() {
            "no access".to_owned()
        } else {
            listed(&sets)
        };
        let what = match &self.group {
            Some(group) => format!("{} stays in the group {group}, which has {sets}", self.user),
            None => format!("{} keeps {sets}, assigned directly", self.user),
        };
        let why = match self.why {
            WhyKept::AtLeast => "its membership is at-least",
            WhyKept::UnlistedGroup => "the file does not list the group",
            WhyKept::External => "an external identity provider manages it",
            WhyKept::HeldBack => "the plan refuses or ignores it",
            WhyKept::NotOwned => "the file does not own the assignments",
        };
        format!("{what}: {why}.")
    }

    /// Whether the access ends when the user is deleted, and nothing holds the deletion back.
    pub fn ends_with_user(&self) -> bool {
        match self.why {
            WhyKept::AtLeast | WhyKept::UnlistedGroup | WhyKept::NotOwned => true,
            WhyKept::External | WhyKept::HeldBack => false,
        }
    }

    /// What to do about it, as a sentence.
    pub fn suggestion(&self) -> &'static str {
        match self.why {
            WhyKept::AtLeast => "Set membership = \"exactly\" in the group, or delete the user.",
            WhyKept::UnlistedGroup => "List the group with membership = \"exactly\", or delete the user.",
            WhyKept::External => "Remove the user at the identity provider.",
            WhyKept::HeldBack => "See the refusals and notes of the plan.",
            WhyKept::NotOwned => "Add an [[assignment]] with absent = true, or delete the user.",
        }
    }
}

/// The access that a user keeps after a plan with deletions was applied. The memberships of the user and all assignments must
/// have been read.
pub fn kept(desired: &Desired, observed: &Inventory, plan: &Plan, user: &str) -> Vec<KeptAccess> {
    let Some((id, _)) = observed.user_named(user) else {
        return Vec::new();
    };
    let after = After::new(desired, observed, plan);
    if after.deleted_users.contains(id) {
        return Vec::new();
    }
    let mut kept = Vec::new();
    let permission_sets = after.permission_sets_of(&Principal::User(id.clone()));
    if !permission_sets.is_empty() {
        kept.push(KeptAccess {
            user: user.to_owned(),
            group: None,
            permission_sets,
            why: WhyKept::NotOwned,
        });
    }
    for group in after.groups_of(id) {
        let name = after.lookup.group_name(group).unwrap_or(group);
        let is_external = observed.groups.get(group).is_some_and(|group| group.is_external);
        kept.push(KeptAccess {
            user: user.to_owned(),
            group: Some(name.to_owned()),
            permission_sets: after.permission_sets_of(&Principal::Group(group.clone())),
            why: why_in_group(desired.groups.get(name), is_external),
        });
    }
    // The file says already that the user must not exist, and the plan does not delete it.
    if desired.users.get(user).is_some_and(|user| user.is_absent) {
        for access in kept.iter_mut().filter(|access| access.why != WhyKept::External) {
            access.why = WhyKept::HeldBack;
        }
    }
    kept
}

fn why_in_group(listed: Option<&DesiredGroup>, is_external: bool) -> WhyKept {
    match listed {
        _ if is_external => WhyKept::External,
        None => WhyKept::UnlistedGroup,
        Some(group) if group.is_external => WhyKept::External,
        Some(group) if group.membership == Extent::AtLeast => WhyKept::AtLeast,
        Some(_) => WhyKept::HeldBack,
    }
}

/// What exists after a plan was applied.
struct After<'a> {
    observed: &'a Inventory,
    plan: &'a Plan,
    lookup: Lookup<'a>,
    deleted_users: BTreeSet<&'a UserId>,
    deleted_groups: BTreeSet<&'a GroupId>,
    deleted_sets: BTreeSet<&'a PermissionSetArn>,
    removed_members: BTreeSet<&'a MembershipKey>,
    deleted_assignments: BTreeSet<&'a AssignmentKey>,
}

impl<'a> After<'a> {
    fn new(desired: &'a Desired, observed: &'a Inventory, plan: &'a Plan) -> Self {
        let mut after = Self {
            observed,
            plan,
            lookup: Lookup::new(desired, observed),
            deleted_users: BTreeSet::new(),
            deleted_groups: BTreeSet::new(),
            deleted_sets: BTreeSet::new(),
            removed_members: BTreeSet::new(),
            deleted_assignments: BTreeSet::new(),
        };
        for change in &plan.changes {
            match &change.action {
                Action::DeleteUser { id, .. } => {
                    after.deleted_users.insert(id);
                }
                Action::DeleteGroup { id, .. } => {
                    after.deleted_groups.insert(id);
                }
                Action::DeletePermissionSet { arn, .. } => {
                    after.deleted_sets.insert(arn);
                }
                Action::RemoveMember { key, .. } => {
                    after.removed_members.insert(key);
                }
                Action::DeleteAssignment { key, .. } => {
                    after.deleted_assignments.insert(key);
                }
                _ => {}
            }
        }
        after
    }

    /// The groups that a user stays in, in the order of their names.
    fn groups_of(&self, user: &UserId) -> Vec<&'a GroupId> {
        let observed = self.observed;
        let memberships = observed.memberships.keys().filter(|key| key.user == *user);
        let kept = memberships.filter(|key| !self.removed_members.contains(key));
        let groups = kept.map(|key| &key.group);
        let mut groups: Vec<&GroupId> = groups.filter(|group| !self.deleted_groups.contains(group)).collect();
        groups.sort_by_key(|group| self.lookup.group_name(group));
        groups
    }

    /// What is assigned to a user or group, and what the plan assigns.
    fn permission_sets_of(&self, principal: &Principal) -> BTreeMap<String, BTreeSet<AccountId>> {
        let mut sets: BTreeMap<String, BTreeSet<AccountId>> = BTreeMap::new();
        let observed = self.observed;
        let own = observed.assignments.iter().filter(|key| key.principal == *principal);
        for key in own.filter(|key| !self.deleted_assignments.contains(key)) {
            if self.deleted_sets.contains(&key.permission_set) {
                continue;
            }
            let set = observed.permission_sets.get(&key.permission_set);
            let name = set.map_or_else(|| key.permission_set.to_string(), |set| set.name.clone());
            sets.entry(name).or_default().insert(key.account.clone());
        }
        let name: Option<PrincipalName> = self.lookup.principal_name(principal);
        for change in &self.plan.changes {
            if let Action::CreateAssignment(created) = &change.action
                && Some(&created.principal) == name.as_ref()
            {
                let accounts = sets.entry(created.permission_set.clone()).or_default();
                accounts.insert(created.account.clone());
            }
        }
        sets
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::access::model::{
        FILE, Fill, account, assignment_name, desired, desired_assignment, desired_group, desired_set, desired_user,
        group, inventory, live_group, live_user, pattern, spec, user,
    };
    use crate::access::plan::{Options, plan};

    fn sentences(file: &Desired, live: &Inventory) -> Vec<String> {
        let options = Options {
            prune: true,
            ..Options::default()
        };
        let plan = plan(file, live, &options, date(2026, 11, 30));
        let kept = kept(file, live, &plan, "ada");
        kept.iter().map(KeptAccess::sentence).collect()
    }

    #[test]
    fn several_permission_sets_are_listed() {
        let in_account = |digit| BTreeSet::from([account(digit)]);
        let kept = KeptAccess {
            user: "ada".to_owned(),
            group: None,
            permission_sets: BTreeMap::from([("Admin".to_owned(), in_account(1)), ("Read".to_owned(), in_account(2))]),
            why: WhyKept::NotOwned,
        };
        let expected = "ada keeps Admin in 1 account and Read in 1 account, assigned directly: the file does not own the \
                        assignments.";
        assert_eq!(kept.sentence(), expected);
    }

    #[test]
    fn a_leaver_keeps_what_the_plan_does_not_take() {
        let mut file = desired();
        let mut live = inventory();
        live.add_user("ada", live_user("ada"));
        for name in ["break-glass", "devs", "others"] {
            live.add_group(name, live_group(name));
            live.add_member(name, "ada");
        }
        file.groups
            .insert("break-glass".to_owned(), desired_group(&[], Extent::AtLeast));
        file.groups
            .insert("devs".to_owned(), desired_group(&[], Extent::Exactly));
        live.add_set("admin", &spec("Admin", 0), Some(FILE));
        file.permission_sets
            .insert("Admin".to_owned(), desired_set(spec("Admin", 0)));
        live.add_set("mine", &spec("Mine", 0), None);
        let (glass, ada) = (
            live.id_of(&group("break-glass")).unwrap(),
            live.id_of(&user("ada")).unwrap(),
        );
        live.assign(1, "Admin", glass);
        live.assign(1, "Admin", ada.clone());
        live.assign(2, "Mine", ada);
        for digit in [1, 2] {
            let name = assignment_name(digit, "Admin", group("break-glass"));
            file.assignments.insert(name, desired_assignment(None));
        }
        assert_eq!(
            sentences(&file, &live),
            [
                "ada keeps Mine in 1 account, assigned directly: the file does not own the assignments.",
                "ada stays in the group break-glass, which has Admin in 2 accounts: its membership is at-least.",
                "ada stays in the group others, which has no access: the file does not list the group.",
            ]
        );
        let mut absent = desired_user("ada");
        absent.is_absent = true;
        file.users.insert("ada".to_owned(), absent);
        assert!(sentences(&file, &live).is_empty());
        // To delete a user whom the plan keeps is no way out.
        file.guard.protect.push(pattern("group:break-glass"));
        let kept = sentences(&file, &live);
        assert_eq!(kept.len(), 3);
        for sentence in kept {
            assert!(sentence.ends_with("the plan refuses or ignores it."), "{sentence}");
        }
    }
}
