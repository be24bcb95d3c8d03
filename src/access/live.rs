//! Reads what an instance contains, with as few calls as the task allows.
//!
//! Assignments are read for each account that has a permission set, if these are few or if this needs fewer calls, and else for
//! each user and group. `docs/access.md` says what this means for drift.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::file::PrincipalName;
use super::resolve::{AccountNeeds, KnownNames};
use crate::aws::{AwsError, unless_gone};
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::limits::{PATIENT_READS, READS_AT_ONCE};
use crate::progress::Setting;
use crate::reconcile::{Context, Importance, Instance, StepInfo, rerun};
use crate::resources::inventory::{ACCESS_TAG, Accounts, Group, Inventory, PermissionSet, User};
use crate::resources::permission_set::{Described, Parts};
use crate::resources::{assignment, group, membership, organization, permission_set, user};
use crate::user_error::UserError;

/// How messages name this feature.
pub const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "access",
    short: "Access",
    title: "Access",
    importance: Importance::Required,
    why: "",
    feeds_others: false,
    permissions: &[],
};

/// What is read of an instance. Users, groups, and the names and tags of permission sets are always read.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The names of permission sets whose parts and assignments are read.
    pub permission_sets: BTreeSet<String>,
    /// The permission sets with this owner are read like those that are named.
    pub owner: Option<String>,
    /// The names of groups whose memberships are read.
    pub groups: BTreeSet<String>,
    /// The names of users whose memberships are read.
    pub member_of: BTreeSet<String>,
    /// The users and groups of which every assignment is read, also those of permission sets that are not read.
    pub principals: BTreeSet<PrincipalName>,
    /// Every permission set, assignment and membership is read.
    pub all: bool,
    /// Assignments are read for each account that has a permission set. Only this shows every assignment of a user or group
    /// that no longer exists.
    pub every_pair: bool,
}

/// Reads again after a transient error, besides the retries of the SDK: an organization takes thousands of calls.
async fn patiently<T, F>(mut read: impl FnMut() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut attempts = 1;
    loop {
        match read().await {
            Err(aws_error) if aws_error.is_transient() && attempts < PATIENT_READS => attempts += 1,
            other => return other,
        }
    }
}

/// Reads the accounts of the organization, and the organizational units and tags that selectors need.
///
/// # Errors
/// When AWS does not answer.
pub async fn read_accounts(context: &Context, needs: &AccountNeeds) -> Result<Accounts, UserError> {
    let (organization, all) = tokio::try_join!(
        patiently(|| organization::find(context)),
        patiently(|| organization::inventory(context)),
    )
    .map_err(rerun(&INFO))?;
    let mut accounts = Accounts {
        management: organization.map(|organization| organization.management_account),
        all,
        units: BTreeMap::new(),
    };
    if accounts.management.is_some() {
        let needs_units = !needs.unit_paths.is_empty() || !needs.unit_ids.is_empty();
        let has_paths = accounts.all.values().all(|account| !account.path.is_empty());
        if needs_units && !has_paths {
            read_tree(context, &mut accounts).await.map_err(rerun(&INFO))?;
        } else {
            for path in &needs.unit_paths {
                read_units(context, &mut accounts, path).await.map_err(rerun(&INFO))?;
            }
        }
    }
    if needs.tags {
        read_tags(context, &mut accounts).await.map_err(rerun(&INFO))?;
    }
    Ok(accounts)
}

/// The root, read once.
async fn read_root(context: &Context, accounts: &mut Accounts) -> Result<String, AwsError> {
    if let Some((id, _)) = accounts.units.iter().find(|(_, unit)| unit.parent.is_none()) {
        return Ok(id.clone());
    }
    let (id, unit) = patiently(|| organization::root(context)).await?;
    accounts.units.insert(id.clone(), unit);
    Ok(id)
}

/// Reads the units along a path of names. The siblings that come with them are kept, for suggestions.
async fn read_units(context: &Context, accounts: &mut Accounts, path: &[String]) -> Result<(), AwsError> {
    let mut parent = read_root(context, accounts).await?;
    for name in path {
        let is_read = accounts
            .units
            .values()
            .any(|unit| unit.parent.as_ref() == Some(&parent));
        if !is_read {
            let units = patiently(|| organization::units_in(context, &parent)).await?;
            accounts.units.extend(units);
        }
        let mut units = accounts.units.iter();
        let found = units.find(|(_, unit)| unit.parent.as_ref() == Some(&parent) && unit.name == *name);
        let Some((id, _)) = found else { return Ok(()) };
        parent.clone_from(id);
    }
    Ok(())
}

/// Reads the whole tree, for a service that does not return the paths of accounts.
async fn read_tree(context: &Context, accounts: &mut Accounts) -> Result<(), AwsError> {
    let root = read_root(context, accounts).await?;
    let mut open = vec![vec![root]];
    while let Some(path) = open.pop() {
        let Some(parent) = path.last() else { continue };
        let (units, members) = tokio::try_join!(
            patiently(|| organization::units_in(context, parent)),
            patiently(|| organization::accounts_in(context, parent)),
        )?;
        for account in members {
            if let Some(account) = accounts.all.get_mut(&account) {
                account.path.clone_from(&path);
            }
        }
        for (id, unit) in units {
            open.push(path.iter().cloned().chain([id.clone()]).collect());
            accounts.units.insert(id, unit);
        }
    }
    Ok(())
}

/// Reads the tags of the accounts that can get assignments.
async fn read_tags(context: &Context, accounts: &mut Accounts) -> Result<(), AwsError> {
    let active: Vec<AccountId> = accounts
        .all
        .values()
        .filter(|account| account.is_active())
        .map(|account| account.id.clone())
        .collect();
    let tags = stream::iter(&active).map(async |id| {
        let tags = patiently(|| organization::tags_of(context, id)).await?;
        Ok::<_, AwsError>((id, tags))
    });
    let mut tags = tags.buffer_unordered(READS_AT_ONCE);
    while let Some(read) = tags.next().await {
        let (id, tags) = read?;
        if let Some(account) = accounts.all.get_mut(id) {
            account.tags = Some(tags);
        }
    }
    Ok(())
}

/// What an instance contains, without assignments and memberships: the names that a file can refer to.
#[derive(Debug, Clone)]
pub struct Directory {
    users: BTreeMap<UserId, User>,
    groups: BTreeMap<GroupId, Group>,
    sets: Vec<Described>,
}

impl Directory {
    /// Reads the users, the groups, and the properties and tags of all permission sets.
    ///
    /// # Errors
    /// When AWS does not answer.
    pub async fn read(context: &Context, instance: &Instance) -> Result<Self, UserError> {
        let (users, groups, sets) = tokio::try_join!(
            patiently(|| user::list(context, instance)),
            patiently(|| group::list(context, instance)),
            read_sets(context, instance),
        )
        .map_err(rerun(&INFO))?;
        Ok(Self { users, groups, sets })
    }

    /// The names.
    pub fn names(&self) -> KnownNames {
        KnownNames {
            users: self.users.values().map(|user| user.name.clone()).collect(),
            groups: self.groups.values().map(|group| group.name.clone()).collect(),
            permission_sets: self.sets.iter().map(|set| set.name.clone()).collect(),
        }
    }
}

/// The permission sets with their properties and tags.
async fn read_sets(context: &Context, instance: &Instance) -> Result<Vec<Described>, AwsError> {
    let arns = patiently(|| permission_set::list(context, instance)).await?;
    let parts = Parts {
        tags: true,
        ..Parts::default()
    };
    let sets = stream::iter(&arns)
        .map(async |arn| patiently(|| permission_set::describe_with_parts(context, instance, arn, parts)).await);
    let sets: Vec<Option<Described>> = sets.buffer_unordered(READS_AT_ONCE).try_collect().await?;
    Ok(sets.into_iter().flatten().collect())
}

/// Reads an instance. `directory` was read before, because the names in it decide what else is read.
///
/// # Errors
/// When AWS does not answer.
pub async fn read(
    context: &Context,
    instance: &Instance,
    accounts: Accounts,
    directory: Directory,
    scope: &Scope,
) -> Result<Inventory, UserError> {
    let is_read = |set: &Described| {
        let owner = owner_of(set);
        let is_owned = owner.is_some() && owner == scope.owner;
        scope.all || is_owned || scope.permission_sets.contains(&set.name)
    };
    let (wanted, others): (Vec<_>, Vec<_>) = directory.sets.into_iter().partition(is_read);
    let complete = stream::iter(wanted).map(|set| read_set(context, instance, set));
    let complete: Vec<Option<PermissionSet>> = complete
        .buffer_unordered(SETS_READ_AT_ONCE)
        .try_collect()
        .await
        .map_err(rerun(&INFO))?;
    let complete: Vec<PermissionSet> = complete.into_iter().flatten().collect();
    let assignments_read = complete.iter().map(|set| set.arn.clone()).collect();
    let sets = complete.into_iter().chain(others.into_iter().map(incomplete));
    let mut inventory = Inventory {
        instance: instance.clone(),
        accounts,
        users: directory.users,
        groups: directory.groups,
        memberships: BTreeMap::new(),
        groups_read: BTreeSet::new(),
        members_read: BTreeSet::new(),
        permission_sets: sets.map(|set| (set.arn.clone(), set)).collect(),
        assignments: BTreeSet::new(),
        assignments_read,
        reads_every_pair: true,
    };
    inventory.reads_every_pair = reads_every_pair(&inventory, scope);
    let (memberships, assignments) = tokio::try_join!(
        read_memberships(context, &inventory, scope),
        read_assignments(context, &inventory, scope),
    )
    .map_err(rerun(&INFO))?;
    inventory.memberships = memberships;
    inventory.assignments = assignments;
    if has_unknown_principals(&inventory) {
        // Somebody may have created them since the first read. Who is still not listed does not exist.
        (inventory.users, inventory.groups) = tokio::try_join!(
            patiently(|| user::list(context, instance)),
            patiently(|| group::list(context, instance)),
        )
        .map_err(rerun(&INFO))?;
    }
    inventory.groups_read = groups_of(&inventory, scope).into_iter().collect();
    inventory.members_read = users_of(&inventory, scope).into_iter().cloned().collect();
    Ok(inventory)
}

/// Whether a membership or an assignment is of a user or group that was not listed.
fn has_unknown_principals(inventory: &Inventory) -> bool {
    let is_unknown = |principal: &Principal| match principal {
        Principal::User(id) => !inventory.users.contains_key(id),
        Principal::Group(id) => !inventory.groups.contains_key(id),
    };
    let mut members = inventory.memberships.keys();
    let mut assigned = inventory.assignments.iter();
    members.any(|key| !inventory.users.contains_key(&key.user)) || assigned.any(|key| is_unknown(&key.principal))
}

/// Permission sets that are read at the same time, with up to six calls each.
const SETS_READ_AT_ONCE: usize = 4;

fn owner_of(set: &Described) -> Option<String> {
    set.settings
        .get(&Setting::Tag(ACCESS_TAG.to_owned()))
        .cloned()
        .flatten()
}

fn incomplete(set: Described) -> PermissionSet {
    PermissionSet {
        owner: owner_of(&set),
        arn: set.arn,
        name: set.name,
        settings: set.settings,
        is_complete: false,
        accounts: BTreeSet::new(),
        outdated_accounts: BTreeSet::new(),
    }
}

/// Reads the other parts of a permission set, and the accounts that have it; `None` if somebody deletes it meanwhile.
async fn read_set(
    context: &Context,
    instance: &Instance,
    mut set: Described,
) -> Result<Option<PermissionSet>, AwsError> {
    let parts = Parts {
        tags: false,
        ..Parts::ALL
    };
    let arn = set.arn.clone();
    let read_parts = patiently(|| async {
        let mut read = set.clone();
        permission_set::read_parts(context, instance, &mut read, parts).await?;
        Ok(read.settings)
    });
    let read = tokio::try_join!(
        read_parts,
        patiently(|| permission_set::accounts(context, instance, &arn, false)),
        patiently(|| permission_set::accounts(context, instance, &arn, true)),
    );
    let Some((settings, accounts, outdated_accounts)) = unless_gone(read)? else {
        return Ok(None);
    };
    set.settings = settings;
    Ok(Some(PermissionSet {
        is_complete: true,
        accounts,
        outdated_accounts,
        ..incomplete(set)
    }))
}

/// The groups whose memberships are read.
fn groups_of(inventory: &Inventory, scope: &Scope) -> Vec<GroupId> {
    let groups = inventory.groups.iter();
    let wanted = groups.filter(|(_, group)| scope.all || scope.groups.contains(&group.name));
    wanted.map(|(id, _)| id.clone()).collect()
}

/// The users whose memberships are read.
fn users_of<'a>(inventory: &'a Inventory, scope: &Scope) -> Vec<&'a UserId> {
    let users = inventory.users.iter();
    let wanted = users.filter(|(_, user)| !scope.all && scope.member_of.contains(&user.name));
    wanted.map(|(id, _)| id).collect()
}

async fn read_memberships(
    context: &Context,
    inventory: &Inventory,
    scope: &Scope,
) -> Result<BTreeMap<MembershipKey, MembershipId>, AwsError> {
    let instance = &inventory.instance;
    let groups = groups_of(inventory, scope);
    let of_groups = stream::iter(&groups)
        .map(|id| patiently(|| membership::of_group(context, instance, id)))
        .buffer_unordered(READS_AT_ONCE);
    let of_users = stream::iter(users_of(inventory, scope))
        .map(|id| patiently(|| membership::of_user(context, instance, id)))
        .buffer_unordered(READS_AT_ONCE);
    let (of_groups, of_users): (Vec<_>, Vec<_>) =
        tokio::try_join!(of_groups.try_collect::<Vec<_>>(), of_users.try_collect::<Vec<_>>())?;
    Ok(of_groups.into_iter().chain(of_users).flatten().collect())
}

/// An account that has a permission set.
type Pair<'a> = (&'a AccountId, &'a PermissionSetArn);

/// The accounts that have a permission set which was read completely.
fn pairs(inventory: &Inventory) -> BTreeSet<Pair<'_>> {
    let sets = inventory.permission_sets.values().filter(|set| set.is_complete);
    sets.flat_map(|set| set.accounts.iter().map(|account| (account, &set.arn)))
        .collect()
}

/// Up to this number of accounts with a permission set, assignments are read in each of them, even if it takes more calls: this
/// takes a few seconds, and also shows the assignments of users and groups that no longer exist.
const FEW_PAIRS: usize = 60;

/// Whether assignments are read for each account that has a permission set, and not for each user and group.
fn reads_every_pair(inventory: &Inventory, scope: &Scope) -> bool {
    let principals = inventory.users.len() + inventory.groups.len();
    scope.every_pair || pairs(inventory).len() <= principals.max(FEW_PAIRS)
}

/// The users and groups that exist and of which every assignment is read.
fn principals_of(inventory: &Inventory, scope: &Scope) -> BTreeSet<Principal> {
    let users = inventory.users.iter();
    let users = users.filter(|(_, user)| scope.principals.contains(&PrincipalName::User(user.name.clone())));
    let groups = inventory.groups.iter();
    let groups = groups.filter(|(_, group)| scope.principals.contains(&PrincipalName::Group(group.name.clone())));
    let users = users.map(|(id, _)| Principal::User(id.clone()));
    users
        .chain(groups.map(|(id, _)| Principal::Group(id.clone())))
        .collect()
}

/// Reads the assignments of the permission sets that were read completely, and those of the users and groups that the scope
/// names.
async fn read_assignments(
    context: &Context,
    inventory: &Inventory,
    scope: &Scope,
) -> Result<BTreeSet<AssignmentKey>, AwsError> {
    let pairs = pairs(inventory);
    let named = principals_of(inventory, scope);
    if inventory.reads_every_pair {
        let mut assignments = read_pairs(context, &inventory.instance, &pairs).await?;
        if !scope.all {
            let mut of_named = read_principals(context, inventory, named.iter().cloned()).await?;
            // Those of a user include those of the user's groups.
            of_named.retain(|key| named.contains(&key.principal));
            assignments.extend(of_named);
        }
        return Ok(assignments);
    }
    let groups = inventory.groups.keys().cloned().map(Principal::Group);
    let users = inventory.users.keys().cloned().map(Principal::User);
    let mut assignments = read_principals(context, inventory, groups.chain(users)).await?;
    assignments
        .retain(|key| inventory.assignments_read.contains(&key.permission_set) || named.contains(&key.principal));
    // An account has a permission set only while somebody is assigned. Nobody who exists explains these.
    let explained: BTreeSet<Pair> = assignments
        .iter()
        .map(|key| (&key.account, &key.permission_set))
        .collect();
    // A permission set that is to be deleted must have no assignment, not even one of somebody who is gone.
    let is_retired = |set: &PermissionSetArn| {
        let set = inventory.permission_sets.get(set);
        !scope.all && set.is_some_and(|set| !scope.permission_sets.contains(&set.name))
    };
    let by_pair = pairs
        .into_iter()
        .filter(|pair| !explained.contains(pair) || is_retired(pair.1));
    let by_pair: BTreeSet<Pair> = by_pair.collect();
    let others = read_pairs(context, &inventory.instance, &by_pair).await?;
    assignments.extend(others);
    Ok(assignments)
}

async fn read_pairs(
    context: &Context,
    instance: &Instance,
    pairs: &BTreeSet<Pair<'_>>,
) -> Result<BTreeSet<AssignmentKey>, AwsError> {
    let read = stream::iter(pairs).map(async |(account, set)| {
        let principals = patiently(|| assignment::principals(context, instance, account, set)).await?;
        let keys = principals.into_iter().map(|principal| AssignmentKey {
            account: (*account).clone(),
            permission_set: (*set).clone(),
            principal,
        });
        Ok::<_, AwsError>(keys.collect::<Vec<_>>())
    });
    let read: Vec<Vec<_>> = read.buffer_unordered(READS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

async fn read_principals(
    context: &Context,
    inventory: &Inventory,
    principals: impl Iterator<Item = Principal>,
) -> Result<BTreeSet<AssignmentKey>, AwsError> {
    let read = stream::iter(principals)
        .map(async |principal| patiently(|| assignment::of_principal(context, &inventory.instance, &principal)).await);
    let read: Vec<Vec<_>> = read.buffer_unordered(READS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}
