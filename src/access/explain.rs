//! Every way in which a user or group has access, or would have it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter;

use jiff::civil::Date;

use super::desired::{AssignmentName, Desired, DesiredAssignment, DesiredGroup, DesiredUser, Expired};
use super::file::{AccessFile, Assignment, Extent, PrincipalName};
use super::mistake::Place;
use crate::ids::{AccountId, GroupId, Principal};
use crate::resources::inventory::Inventory;

/// A way to a permission set in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The account.
    pub account: AccountId,
    /// The name of the account; `None` if the organization no longer contains it.
    pub account_name: Option<String>,
    /// The state of the account, such as `SUSPENDED`; `None` if it is active or no longer in the organization.
    pub account_state: Option<String>,
    /// The name of the permission set.
    pub permission_set: String,
    /// The group that has the permission set; `None` if the user or group that was asked about has it itself.
    pub group: Option<ThroughGroup>,
    /// The lines of the file that ask for the assignment.
    pub lines: Vec<Line>,
    /// The line of the file that asked for it until a day that has passed.
    pub expired: Option<Expired>,
    /// The line of the file that says that the assignment must not exist.
    pub absent: Option<Place>,
    /// Whether the assignment exists.
    pub is_assigned: bool,
    /// Whether the access exists, and whether the file asks for it.
    pub state: WayState,
}

/// The group through which a user has a permission set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThroughGroup {
    /// The name of the group.
    pub name: String,
    /// Where the file lists the group.
    pub place: Option<Place>,
    /// Where the file lists the user among the members.
    pub listed: Option<Place>,
    /// Whether the user is a member now.
    pub is_member: bool,
    /// What the file says about members that it does not list.
    pub others: Others,
}

/// What an access file says about the members of a group that it does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Others {
    /// They are removed: the membership is `exactly`.
    Removed,
    /// They stay, and the file does not ask for them: the membership is `at-least`.
    Stay,
    /// The file leaves the members alone: it does not list the group, or an external identity provider manages it.
    Unmanaged,
}

impl ThroughGroup {
    /// Whether the file asks for the membership, or leaves the members of the group alone.
    pub fn is_asked_for(&self) -> bool {
        self.listed.is_some() || self.others == Others::Unmanaged
    }

    /// Whether the user is a member after the file was applied.
    fn stays(&self) -> bool {
        self.listed.is_some() || self.others != Others::Removed
    }
}

/// A line of the file that asks for an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it is.
    pub place: Place,
    /// Why it exists.
    pub reason: Option<String>,
    /// From this day on, it does not ask for it any more.
    pub until: Option<Date>,
}

/// Whether access exists, and whether the file asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WayState {
    /// The access exists, and the file asks for it.
    AsDesired,
    /// The file asks for it, but the assignment or the membership does not exist yet.
    OnlyDesired,
    /// The access exists, and the file does not ask for it.
    NotDesired,
    /// The access exists in an account that is not active. The file asks for nothing there, whatever it lists.
    Inactive,
}

/// Every way in which a user or group has access, or would have it after the file was applied, in all accounts or in one;
/// sorted by account, permission set and group.
///
/// A user has the access of the groups whose members list the user in the file, or that have the user as a member now. The
/// file does not ask for a membership that it does not list, unless it leaves the members of the group alone.
pub fn explain(
    file: &AccessFile,
    desired: &Desired,
    observed: &Inventory,
    principal: &PrincipalName,
    account: Option<&AccountId>,
) -> Vec<Way> {
    let view = View { desired, observed };
    let lines: BTreeMap<&Place, &Assignment> = file.assignments.iter().map(|line| (&line.place, line)).collect();
    let holders = view.holders(principal);
    let wanted = view.wanted(&holders);
    let assigned = view.assigned(&holders);
    let is_meant = |name: &AssignmentName| account.is_none_or(|account| name.account == *account);
    let mut names: Vec<&AssignmentName> = wanted
        .keys()
        .copied()
        .chain(&assigned)
        .filter(|name| is_meant(name))
        .collect();
    names.sort_unstable_by_key(|&name| (&name.account, &name.permission_set, through(&holders, name)));
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let holder = holders.get(&name.principal)?;
            let is_assigned = assigned.contains(name);
            let wanted = wanted.get(name).copied();
            let live_account = observed.accounts.all.get(&name.account);
            let inactive = live_account.filter(|account| !account.is_active());
            let state = match holder.state(is_assigned, wanted.is_some())? {
                WayState::NotDesired if inactive.is_some() => WayState::Inactive,
                state => state,
            };
            let places = wanted.into_iter().flat_map(|wanted| &wanted.places);
            Some(Way {
                account: name.account.clone(),
                account_name: live_account.map(|account| account.name.clone()),
                account_state: inactive.map(|account| account.state.clone()),
                permission_set: name.permission_set.clone(),
                group: holder.through.clone(),
                lines: places.map(|place| line(place, lines.get(place).copied())).collect(),
                expired: desired.expired.get(name).cloned(),
                absent: desired.absent_assignments.get(name).cloned(),
                is_assigned,
                state,
            })
        })
        .collect()
}

/// The name of the group of an assignment; `None`, which comes first, if the assignment is not through a group.
fn through<'h>(holders: &'h BTreeMap<PrincipalName, Holder>, name: &AssignmentName) -> Option<&'h str> {
    let group = holders.get(&name.principal)?.through.as_ref()?;
    Some(group.name.as_str())
}

fn line(place: &Place, assignment: Option<&Assignment>) -> Line {
    Line {
        place: place.clone(),
        reason: assignment.and_then(|assignment| assignment.reason.clone()),
        until: assignment.and_then(|assignment| assignment.until.as_ref().map(|until| until.value)),
    }
}

/// A user or group whose assignments give access.
struct Holder {
    /// The user or group, if it exists.
    existing: Option<Principal>,
    /// The group, if the access is not its own.
    through: Option<ThroughGroup>,
    /// Whether the file says that the user or a group must not exist.
    is_absent: bool,
}

impl Holder {
    /// The state of an assignment; `None` if there is no access, and there will be none.
    fn state(&self, is_assigned: bool, is_wanted: bool) -> Option<WayState> {
        let is_member = self.through.as_ref().is_none_or(|group| group.is_member);
        if is_assigned && is_member {
            let is_asked_for = self.through.as_ref().is_none_or(ThroughGroup::is_asked_for);
            let is_desired = is_wanted && is_asked_for && !self.is_absent;
            return Some(if is_desired {
                WayState::AsDesired
            } else {
                WayState::NotDesired
            });
        }
        // A new member gets what the group has, also what the file does not ask for. A member that stays gets what the
        // group gets.
        let stays = self.through.as_ref().is_none_or(ThroughGroup::stays);
        let will_exist = (is_wanted || is_assigned) && stays && !self.is_absent;
        will_exist.then_some(WayState::OnlyDesired)
    }
}

/// What is desired and what exists.
struct View<'a> {
    desired: &'a Desired,
    observed: &'a Inventory,
}

impl<'a> View<'a> {
    /// Whose assignments give a user or group access, by their names in the file.
    fn holders(&self, principal: &PrincipalName) -> BTreeMap<PrincipalName, Holder> {
        match principal {
            PrincipalName::Group(name) => {
                let (name, group) = self.desired_group(name);
                let holder = Holder {
                    existing: self.existing_group(name, group).map(Principal::Group),
                    through: None,
                    is_absent: group.is_some_and(|group| group.is_absent),
                };
                BTreeMap::from([(PrincipalName::Group(name.to_owned()), holder)])
            }
            PrincipalName::User(name) => self.holders_of_user(name),
        }
    }

    fn holders_of_user(&self, name: &str) -> BTreeMap<PrincipalName, Holder> {
        let (name, user) = self.desired_user(name);
        let is_absent = user.is_some_and(|user| user.is_absent);
        let previous = user
            .into_iter()
            .flat_map(|user| &user.previous_names)
            .map(String::as_str);
        let id = iter::once(name)
            .chain(previous)
            .find_map(|name| self.observed.user_named(name));
        let id = id.map(|(id, _)| id);
        let direct = Holder {
            existing: id.cloned().map(Principal::User),
            through: None,
            is_absent,
        };
        let mut holders = BTreeMap::from([(PrincipalName::User(name.to_owned()), direct)]);
        let memberships = self.observed.memberships.keys();
        let existing: BTreeSet<&GroupId> = memberships
            .filter(|key| Some(&key.user) == id)
            .map(|key| &key.group)
            .collect();
        let listing = self
            .desired
            .groups
            .iter()
            .filter(|(_, group)| group.members.contains_key(name));
        let names = existing
            .iter()
            .filter_map(|id| self.observed.groups.get(*id))
            .map(|group| self.desired_group(&group.name).0)
            .chain(listing.map(|(name, _)| name.as_str()));
        for group_name in names {
            let group = self.desired.groups.get(group_name);
            let group_id = self.existing_group(group_name, group);
            let listed = group.and_then(|group| group.members.get(name)).cloned();
            let is_external = group_id
                .as_ref()
                .and_then(|id| self.observed.groups.get(id))
                .is_some_and(|group| group.is_external);
            let others = match group {
                None => Others::Unmanaged,
                Some(group) if group.is_external || is_external => Others::Unmanaged,
                Some(group) if group.membership == Extent::Exactly => Others::Removed,
                Some(_) => Others::Stay,
            };
            let holder = Holder {
                is_absent: is_absent || group.is_some_and(|group| group.is_absent),
                through: Some(ThroughGroup {
                    name: group_name.to_owned(),
                    place: group.map(|group| group.place.clone()),
                    listed,
                    is_member: group_id.as_ref().is_some_and(|id| existing.contains(id)),
                    others,
                }),
                existing: group_id.map(Principal::Group),
            };
            holders.insert(PrincipalName::Group(group_name.to_owned()), holder);
        }
        holders
    }

    /// The user that has this name or had it before, with the name in the file.
    fn desired_user<'n>(&self, name: &'n str) -> (&'n str, Option<&'a DesiredUser>)
    where
        'a: 'n,
    {
        if let Some(user) = self.desired.users.get(name) {
            return (name, Some(user));
        }
        let renamed = self
            .desired
            .users
            .iter()
            .find(|(_, user)| user.previous_names.iter().any(|old| old == name));
        match renamed {
            Some((new, user)) => (new.as_str(), Some(user)),
            None => (name, None),
        }
    }

    /// The group that has this name or had it before, with the name in the file.
    fn desired_group<'n>(&self, name: &'n str) -> (&'n str, Option<&'a DesiredGroup>)
    where
        'a: 'n,
    {
        if let Some(group) = self.desired.groups.get(name) {
            return (name, Some(group));
        }
        let renamed = self
            .desired
            .groups
            .iter()
            .find(|(_, group)| group.previous_names.iter().any(|old| old == name));
        match renamed {
            Some((new, group)) => (new.as_str(), Some(group)),
            None => (name, None),
        }
    }

    /// The group that exists with this name or with one that it had before.
    fn existing_group(&self, name: &str, group: Option<&DesiredGroup>) -> Option<GroupId> {
        let previous = group
            .into_iter()
            .flat_map(|group| &group.previous_names)
            .map(String::as_str);
        let mut names = iter::once(name).chain(previous);
        let (id, _) = names.find_map(|name| self.observed.group_named(name))?;
        Some(id.clone())
    }

    /// The desired assignments of the holders.
    fn wanted(&self, holders: &BTreeMap<PrincipalName, Holder>) -> BTreeMap<&'a AssignmentName, &'a DesiredAssignment> {
        let assignments = self.desired.assignments.iter();
        assignments
            .filter(|(name, _)| holders.contains_key(&name.principal))
            .collect()
    }

    /// The existing assignments of the holders.
    fn assigned(&self, holders: &BTreeMap<PrincipalName, Holder>) -> BTreeSet<AssignmentName> {
        let names: HashMap<&Principal, &PrincipalName> = holders
            .iter()
            .filter_map(|(name, holder)| Some((holder.existing.as_ref()?, name)))
            .collect();
        let assignments = self.observed.assignments.iter().filter_map(|key| {
            let principal = names.get(&key.principal).copied()?;
            let set = self.observed.permission_sets.get(&key.permission_set);
            Some(AssignmentName {
                account: key.account.clone(),
                permission_set: set.map_or_else(|| key.permission_set.to_string(), |set| set.name.clone()),
                principal: principal.clone(),
            })
        });
        assignments.collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::fixtures::{
        CLOSED, PAYMENTS, SHOP, TOOLS, assignment, file, group, id, located, organization, place, principal, resolved,
        user,
    };
    use super::*;
    use crate::ids::{AssignmentKey, MembershipKey, PermissionSetArn, UserId};
    use crate::reconcile::Instance;
    use crate::resources::inventory::{self, PermissionSet};

    fn user_id(name: &str) -> UserId {
        format!("user-{name}").parse().unwrap()
    }

    fn group_id(name: &str) -> GroupId {
        format!("group-{name}").parse().unwrap()
    }

    fn set_arn(name: &str) -> PermissionSetArn {
        format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{name}")
            .parse()
            .unwrap()
    }

    fn permission_set(name: &str) -> (PermissionSetArn, PermissionSet) {
        let set = PermissionSet {
            arn: set_arn(name),
            name: name.to_owned(),
            settings: BTreeMap::new(),
            is_complete: true,
            owner: None,
            accounts: BTreeSet::new(),
            outdated_accounts: BTreeSet::new(),
        };
        (set.arn.clone(), set)
    }

    /// The users ada, ben and zoe, the groups platform and Admins without members, and no assignments.
    fn inventory() -> Inventory {
        let users = ["ada", "ben", "zoe"].map(|name| {
            let user = inventory::User {
                name: name.to_owned(),
                ..inventory::User::default()
            };
            (user_id(name), user)
        });
        let groups = ["platform", "Admins"].map(|name| {
            let group = inventory::Group {
                name: name.to_owned(),
                ..inventory::Group::default()
            };
            (group_id(name), group)
        });
        Inventory {
            instance: Instance {
                arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap(),
                store: "d-1234567890".parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
                owner: id("100000000000"),
            },
            accounts: organization(),
            users: users.into(),
            groups: groups.into(),
            memberships: BTreeMap::new(),
            groups_read: BTreeSet::new(),
            members_read: BTreeSet::new(),
            permission_sets: ["Admin", "ReadOnly"].map(permission_set).into(),
            assignments: BTreeSet::new(),
            assignments_read: BTreeSet::new(),
            reads_every_pair: true,
        }
    }

    fn join(inventory: &mut Inventory, group: &str, user: &str) {
        let key = MembershipKey {
            group: group_id(group),
            user: user_id(user),
        };
        let id = format!("membership-{group}-{user}").parse().unwrap();
        inventory.memberships.insert(key, id);
    }

    fn assign(inventory: &mut Inventory, account: &str, set: &str, who: &str) {
        inventory.assignments.insert(AssignmentKey {
            account: id(account),
            permission_set: set_arn(set),
            principal: match principal(who) {
                PrincipalName::User(name) => Principal::User(user_id(&name)),
                PrincipalName::Group(name) => Principal::Group(group_id(&name)),
            },
        });
    }

    fn explained(file: &AccessFile, inventory: &Inventory, who: &str) -> Vec<Way> {
        let desired = resolved(file, &organization()).unwrap();
        explain(file, &desired, inventory, &principal(who), None)
    }

    /// The account, permission set, group and state of each way.
    fn summary(ways: &[Way]) -> Vec<String> {
        ways.iter()
            .map(|way| {
                let group = way.group.as_ref().map_or("-", |group| group.name.as_str());
                format!("{} {} {group} {:?}", way.account, way.permission_set, way.state)
            })
            .collect()
    }

    #[test]
    fn every_way_is_found_with_its_group_and_lines() {
        let mut file = file();
        let mut direct = assignment(10, &["user:ada"], &[SHOP]);
        direct.reason = Some("TICKET-1".to_owned());
        direct.until = Some(located(date(2027, 1, 31), 10));
        file.assignments = vec![direct, assignment(11, &["group:platform"], &[SHOP, PAYMENTS])];
        let mut observed = inventory();
        join(&mut observed, "platform", "ada");
        join(&mut observed, "Admins", "ada");
        assign(&mut observed, SHOP, "Admin", "user:ada");
        assign(&mut observed, SHOP, "Admin", "group:platform");
        assign(&mut observed, TOOLS, "ReadOnly", "group:Admins");
        assign(&mut observed, TOOLS, "ReadOnly", "user:ben");
        let ways = explained(&file, &observed, "user:ada");
        let expected = [
            format!("{TOOLS} ReadOnly Admins NotDesired"),
            format!("{SHOP} Admin - AsDesired"),
            format!("{SHOP} Admin platform AsDesired"),
            format!("{PAYMENTS} Admin platform OnlyDesired"),
        ];
        assert_eq!(summary(&ways), expected);
        let line = Line {
            place: place(10),
            reason: Some("TICKET-1".to_owned()),
            until: Some(date(2027, 1, 31)),
        };
        assert_eq!(
            (&ways[1].lines, &ways[1].account_name),
            (&vec![line], &Some("shop-prod".to_owned()))
        );
        let through = ThroughGroup {
            name: "platform".to_owned(),
            place: Some(place(4)),
            listed: Some(place(4)),
            is_member: true,
            others: Others::Stay,
        };
        assert_eq!(ways[2].group, Some(through));
        assert!(ways[0].lines.is_empty());
        // A group has only what is assigned to it.
        let ways = explained(&file, &observed, "group:platform");
        let expected = [
            format!("{SHOP} Admin - AsDesired"),
            format!("{PAYMENTS} Admin - OnlyDesired"),
        ];
        assert_eq!(summary(&ways), expected);
        // One account.
        let desired = resolved(&file, &organization()).unwrap();
        let account = id(PAYMENTS);
        let ways = explain(&file, &desired, &observed, &principal("user:ada"), Some(&account));
        assert_eq!(summary(&ways), [format!("{PAYMENTS} Admin platform OnlyDesired")]);
        assert!(explained(&file, &observed, "user:nobody").is_empty());
    }

    #[test]
    fn the_file_does_not_ask_for_a_member_that_it_does_not_list() {
        let mut file = file();
        file.assignments = vec![assignment(11, &["group:platform"], &[SHOP])];
        let mut observed = inventory();
        join(&mut observed, "platform", "ben");
        assign(&mut observed, SHOP, "Admin", "group:platform");
        let ways = explained(&file, &observed, "user:ben");
        assert_eq!(summary(&ways), [format!("{SHOP} Admin platform NotDesired")]);
        let through = ways[0].group.as_ref().unwrap();
        assert_eq!((&through.listed, through.others), (&None, Others::Stay));
        assert_eq!(through.place, Some(place(4)));
        // What the group gets, a member that stays gets too.
        observed.assignments.clear();
        let ways = explained(&file, &observed, "user:ben");
        assert_eq!(summary(&ways), [format!("{SHOP} Admin platform OnlyDesired")]);
        assign(&mut observed, SHOP, "Admin", "group:platform");
        file.groups[0].membership = Extent::Exactly;
        let ways = explained(&file, &observed, "user:ben");
        assert_eq!(summary(&ways), [format!("{SHOP} Admin platform NotDesired")]);
        file.groups[0].is_external = true;
        let ways = explained(&file, &observed, "user:ben");
        assert_eq!(summary(&ways), [format!("{SHOP} Admin platform AsDesired")]);
        // A listed member who is not yet one gets what the group has, also what the file does not ask for.
        file.assignments.clear();
        let ways = explained(&file, &observed, "user:ada");
        assert_eq!(summary(&ways), [format!("{SHOP} Admin platform OnlyDesired")]);
        assert!(ways[0].is_assigned && ways[0].lines.is_empty());
    }

    #[test]
    fn a_renamed_user_or_group_is_found_by_both_names() {
        let mut file = file();
        let mut renamed = user(2, "ada.l");
        renamed.previous_names = vec![located("ada".to_owned(), 2)];
        file.users = vec![renamed];
        let mut team = group(4, "team", &["ada.l"]);
        team.previous_names = vec![located("platform".to_owned(), 4)];
        file.groups = vec![team];
        file.assignments = vec![assignment(10, &["user:ada.l", "group:team"], &[SHOP])];
        let mut observed = inventory();
        join(&mut observed, "platform", "ada");
        assign(&mut observed, SHOP, "Admin", "user:ada");
        assign(&mut observed, SHOP, "Admin", "group:platform");
        for who in ["user:ada", "user:ada.l"] {
            let ways = explained(&file, &observed, who);
            let expected = [
                format!("{SHOP} Admin - AsDesired"),
                format!("{SHOP} Admin team AsDesired"),
            ];
            assert_eq!(summary(&ways), expected, "{who}");
        }
        let ways = explained(&file, &observed, "group:platform");
        assert_eq!(summary(&ways), [format!("{SHOP} Admin - AsDesired")]);
    }

    #[test]
    fn access_in_an_account_that_is_not_active_is_neither_desired_nor_not() {
        let mut file = file();
        file.assignments = vec![assignment(10, &["user:ada"], &[SHOP, CLOSED])];
        let mut observed = inventory();
        assign(&mut observed, CLOSED, "Admin", "user:ada");
        let ways = explained(&file, &observed, "user:ada");
        let expected = [
            format!("{SHOP} Admin - OnlyDesired"),
            format!("{CLOSED} Admin - Inactive"),
        ];
        assert_eq!(summary(&ways), expected);
        assert_eq!(ways[1].account_state.as_deref(), Some("SUSPENDED"));
    }

    #[test]
    fn access_that_has_ended_or_must_not_exist_is_not_desired() {
        let mut file = file();
        let mut ended = assignment(10, &["user:ada"], &[SHOP]);
        ended.until = Some(located(date(2026, 11, 1), 10));
        let mut absent = assignment(11, &["user:ada"], &[PAYMENTS]);
        absent.is_absent = true;
        file.assignments = vec![ended, absent];
        let mut observed = inventory();
        assert!(explained(&file, &observed, "user:ada").is_empty());
        assign(&mut observed, SHOP, "Admin", "user:ada");
        assign(&mut observed, PAYMENTS, "Admin", "user:ada");
        let ways = explained(&file, &observed, "user:ada");
        let expected = [
            format!("{SHOP} Admin - NotDesired"),
            format!("{PAYMENTS} Admin - NotDesired"),
        ];
        assert_eq!(summary(&ways), expected);
        assert_eq!(ways[0].expired.as_ref().map(|expired| &expired.place), Some(&place(10)));
        assert_eq!(ways[1].absent, Some(place(11)));
    }
}
