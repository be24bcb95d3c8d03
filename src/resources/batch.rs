//! Many desired items at once: observed with few calls, and applied concurrently.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{Mutex, Notify};

use super::item::{Item, ItemField, ItemState};
use super::permission_set::{self, PermissionSetSpec, Settled};
use super::{assignment, group, membership, user};
use crate::aws::waiting;
use crate::ids::{AccountId, AssignmentKey, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::limits::{CHANGES_AT_ONCE, FEWEST_REQUESTS, MOST_REQUESTS, READS_AT_ONCE, REQUESTS_AT_FIRST};
use crate::next_step::SetupCommand;
use crate::progress::{Entry, Origin, ResourceId, ResourceKind, ResourceName};
use crate::reconcile::apply::{Outcome, apply};
use crate::reconcile::plan::{Action, Address, Desired as _, Node};
use crate::reconcile::{Change, Context, Error, FieldChange, Instance, StepInfo, rerun};
use crate::user_error::UserError;

/// Observes and applies desired items of one instance.
pub struct Batch<'a> {
    context: &'a Context,
    info: &'static StepInfo,
    instance: Instance,
    ids: RefCell<Ids>,
    accounts: RefCell<BTreeMap<AccountId, Rc<Mutex<()>>>>,
    requests: RequestBound,
}

/// The ids of what exists, by name.
#[derive(Debug, Default)]
struct Ids {
    users: BTreeMap<String, UserId>,
    groups: BTreeMap<String, GroupId>,
    permission_sets: BTreeMap<String, PermissionSetArn>,
}

impl<'a> Batch<'a> {
    /// A batch that has observed nothing yet. `info` names it in messages and intents.
    ///
    /// # Errors
    /// When there is no instance.
    pub async fn new(context: &'a Context, info: &'static StepInfo) -> Result<Self, UserError> {
        Ok(Self {
            context,
            info,
            instance: context.known_instance().await?,
            ids: RefCell::default(),
            accounts: RefCell::default(),
            requests: RequestBound::default(),
        })
    }

    fn failed(&self) -> impl Fn(Error) -> UserError {
        let info = self.info;
        move |error| error.of_step(info, SetupCommand::again())
    }

    /// Observes the items, and settles what killed runs left pending. What exists without a record is recorded as
    /// existing.
    ///
    /// # Errors
    /// When something cannot be read, or the origins cannot be saved.
    pub async fn observe(&self, desired: &[Item]) -> Result<BTreeMap<Address, ItemState>, UserError> {
        let mut observed = BTreeMap::new();
        let (users, groups, sets) = tokio::join!(self.users(desired), self.groups(desired), self.sets(desired));
        observed.extend(users?);
        observed.extend(groups?);
        observed.extend(sets?);
        let (memberships, assignments) = tokio::join!(self.memberships(desired), self.assignments(desired));
        observed.extend(memberships?);
        observed.extend(assignments?);
        Ok(observed)
    }

    async fn users(&self, desired: &[Item]) -> Result<Vec<(Address, ItemState)>, UserError> {
        let specs = desired.iter().filter_map(|item| match item {
            Item::User { spec, .. } => Some((item.address(), spec)),
            _ => None,
        });
        let (context, instance) = (self.context, &self.instance);
        let found = stream::iter(specs).map(async |(address, spec)| {
            let id = user::find_id(context, instance, &spec.name, &spec.email).await;
            let Some(id) = id.map_err(rerun(self.info))? else {
                return Ok::<_, UserError>(None);
            };
            self.ids.borrow_mut().users.insert(spec.name.clone(), id.clone());
            let settle = async |_: &ResourceName| {
                let user = user::describe(context, instance, &id).await?;
                Ok(user::settle(context, &user, &spec.name)?)
            };
            self.found(address, &id, settle).await
        });
        self.existing(found.buffer_unordered(READS_AT_ONCE).try_collect().await?)
    }

    async fn groups(&self, desired: &[Item]) -> Result<Vec<(Address, ItemState)>, UserError> {
        let names = desired.iter().filter_map(|item| match item {
            Item::Group(name) => Some((item.address(), name)),
            _ => None,
        });
        let (context, instance) = (self.context, &self.instance);
        let found = stream::iter(names).map(async |(address, name)| {
            let Some(id) = group::find(context, instance, name).await.map_err(rerun(self.info))? else {
                return Ok::<_, UserError>(None);
            };
            self.ids.borrow_mut().groups.insert(name.clone(), id.clone());
            let settle = async |_: &ResourceName| group::settle(context, instance, name, &id).await;
            self.found(address, &id, settle).await
        });
        self.existing(found.buffer_unordered(READS_AT_ONCE).try_collect().await?)
    }

    /// The states of what exists. What has no record yet is recorded as existing, in one write.
    fn existing(&self, found: Vec<Option<(Address, Entry)>>) -> Result<Vec<(Address, ItemState)>, UserError> {
        let found: Vec<(Address, Entry)> = found.into_iter().flatten().collect();
        let is_known = |entry: &Entry| {
            self.context
                .progress
                .read(|record| record.origin(entry.kind, &entry.id).is_some())
        };
        let new: Vec<Entry> = found
            .iter()
            .map(|(_, entry)| entry.clone())
            .filter(|entry| !is_known(entry))
            .collect();
        if !new.is_empty() {
            self.context.progress.change(|record| {
                for entry in new {
                    record.keep(entry);
                }
            })?;
        }
        Ok(found
            .into_iter()
            .map(|(address, _)| (address, ItemState::Exists))
            .collect())
    }

    /// The entry of an item that exists. `settle` determines its origin if a killed run may have created it.
    async fn found(
        &self,
        address: Address,
        id: impl Into<ResourceId>,
        settle: impl AsyncFnOnce(&ResourceName) -> Result<Entry, Error>,
    ) -> Result<Option<(Address, Entry)>, UserError> {
        let Address::Resource(kind, name) = &address else {
            return Ok(None);
        };
        if !self.context.open_intents(*kind, name).is_empty() {
            settle(name).await.map_err(self.failed())?;
        }
        let entry = Entry::new(Origin::Existing, *kind, name, id);
        Ok(Some((address, entry)))
    }

    async fn sets(&self, desired: &[Item]) -> Result<Vec<(Address, ItemState)>, UserError> {
        let specs: BTreeMap<&str, &PermissionSetSpec> = desired
            .iter()
            .filter_map(|item| match item {
                Item::PermissionSet { spec, .. } => Some((spec.name.as_str(), spec)),
                _ => None,
            })
            .collect();
        if specs.is_empty() {
            return Ok(Vec::new());
        }
        let (context, instance) = (self.context, &self.instance);
        let names: BTreeSet<&str> = specs.keys().copied().collect();
        let found = permission_set::named(context, instance, &names).await;
        let states = stream::iter(found.map_err(rerun(self.info))?).map(async |mut set| {
            let spec = specs[set.name.as_str()];
            let parts = permission_set::read_parts(context, instance, &mut set, spec.parts());
            parts.await.map_err(rerun(self.info))?;
            let entry = permission_set::settle_origin(context, instance, &set)
                .await
                .map_err(self.failed())?;
            let state = permission_set::state(context, instance, spec, &set, entry.origin);
            let state = state.await.map_err(rerun(self.info))?;
            let settled = Settled {
                is_as_specified: spec.differences(&set.settings).is_empty(),
                is_outdated: state.is_outdated,
            };
            permission_set::settle_changes(context, &set, settled)?;
            let mut ids = self.ids.borrow_mut();
            ids.permission_sets.insert(set.name.clone(), set.arn.clone());
            let address = Address::new(ResourceKind::PermissionSet, set.name.as_str());
            Ok::<_, UserError>((address, ItemState::PermissionSet(state)))
        });
        states.buffer_unordered(READS_AT_ONCE).try_collect().await
    }

    async fn memberships(&self, desired: &[Item]) -> Result<Vec<(Address, ItemState)>, UserError> {
        let mut wanted: BTreeMap<UserId, Vec<(Address, GroupId)>> = BTreeMap::new();
        for item in desired {
            if let Item::Membership { group, user } = item
                && let Some(key) = self.membership_key(group, user)
            {
                wanted.entry(key.user).or_default().push((item.address(), key.group));
            }
        }
        let (context, instance) = (self.context, &self.instance);
        let found = stream::iter(wanted).map(async |(user, groups)| {
            let ids: Vec<GroupId> = groups.iter().map(|(_, group)| group.clone()).collect();
            let member_of = membership::member_of(context, instance, &user, &ids).await;
            let member_of = member_of.map_err(rerun(self.info))?;
            let mut entries = Vec::new();
            for (address, group) in groups.into_iter().filter(|(_, group)| member_of.contains(group)) {
                let key = MembershipKey {
                    group,
                    user: user.clone(),
                };
                let settle = async |name: &ResourceName| membership::settle(context, instance, name, &key).await;
                entries.push(self.found(address, key.clone(), settle).await?);
            }
            Ok::<_, UserError>(entries)
        });
        let found: Vec<Vec<_>> = found.buffer_unordered(READS_AT_ONCE).try_collect().await?;
        self.existing(found.into_iter().flatten().collect())
    }

    async fn assignments(&self, desired: &[Item]) -> Result<Vec<(Address, ItemState)>, UserError> {
        let mut wanted: BTreeMap<(AccountId, PermissionSetArn), Vec<(Address, Principal)>> = BTreeMap::new();
        for item in desired {
            if let Some(key) = self.assignment_key(item) {
                let pair = (key.account, key.permission_set);
                wanted.entry(pair).or_default().push((item.address(), key.principal));
            }
        }
        let (context, instance) = (self.context, &self.instance);
        let found = stream::iter(wanted).map(async |((account, set), wanted)| {
            let existing = assignment::principals(context, instance, &account, &set).await;
            let existing = existing.map_err(rerun(self.info))?;
            let mut entries = Vec::new();
            for (address, principal) in wanted.into_iter().filter(|(_, wanted)| existing.contains(wanted)) {
                let key = AssignmentKey {
                    account: account.clone(),
                    permission_set: set.clone(),
                    principal,
                };
                let settle = async |name: &ResourceName| assignment::settle(context, instance, name, &key).await;
                entries.push(self.found(address, key.clone(), settle).await?);
            }
            Ok::<_, UserError>(entries)
        });
        let found: Vec<Vec<_>> = found.buffer_unordered(READS_AT_ONCE).try_collect().await?;
        self.existing(found.into_iter().flatten().collect())
    }

    fn membership_key(&self, group: &str, user: &str) -> Option<MembershipKey> {
        let ids = self.ids.borrow();
        Some(MembershipKey {
            group: ids.groups.get(group)?.clone(),
            user: ids.users.get(user)?.clone(),
        })
    }

    /// What identifies an assignment, if its principal and its permission set exist.
    fn assignment_key(&self, item: &Item) -> Option<AssignmentKey> {
        let Item::Assignment {
            account,
            permission_set,
            principal,
            is_group,
        } = item
        else {
            return None;
        };
        let ids = self.ids.borrow();
        let principal = if *is_group {
            Principal::Group(ids.groups.get(principal)?.clone())
        } else {
            Principal::User(ids.users.get(principal)?.clone())
        };
        Some(AssignmentKey {
            account: account.clone(),
            permission_set: ids.permission_sets.get(permission_set)?.clone(),
            principal,
        })
    }

    /// Applies the changes of a plan for these items.
    pub async fn apply(&self, desired: &[Item], nodes: &[Node<ItemField>]) -> Outcome {
        let items: BTreeMap<Address, &Item> = desired.iter().map(|item| (item.address(), item)).collect();
        apply(nodes, CHANGES_AT_ONCE, async |node| match items.get(&node.address) {
            Some(item) => self.make(item, &node.action).await,
            None => Ok(()),
        })
        .await
    }

    async fn make(&self, item: &Item, action: &Action<ItemField>) -> Result<(), UserError> {
        let (context, info, instance) = (self.context, self.info, &self.instance);
        match (item, action) {
            (Item::User { spec, .. }, Action::Create) => {
                let change = user::creation(context, spec);
                let id = match user::make(context, info, instance, spec, &change).await? {
                    Some(id) => Some(id),
                    // It exists for another reason. The next observation determines its origin.
                    None => user::find_id(context, instance, &spec.name, &spec.email)
                        .await
                        .map_err(rerun(info))?,
                };
                let id = id.ok_or_else(|| self.not_visible(&change))?;
                self.ids.borrow_mut().users.insert(spec.name.clone(), id);
                Ok(())
            }
            (Item::Group(name), Action::Create) => {
                let change = group::creation(context, name);
                let id = match group::make(context, info, instance, &change).await? {
                    Some(id) => Some(id),
                    None => group::find(context, instance, name).await.map_err(rerun(info))?,
                };
                let id = id.ok_or_else(|| self.not_visible(&change))?;
                self.ids.borrow_mut().groups.insert(name.clone(), id);
                Ok(())
            }
            (Item::Membership { group, user }, Action::Create) => {
                let name = ResourceName::Membership {
                    group: group.clone(),
                    user: user.clone(),
                };
                let key = self.membership_key(group, user);
                let ids = key.as_ref().map(|key| (&key.group, &key.user)).unzip();
                let change = membership::creation(context, name, ids.0, ids.1);
                let key = key.ok_or_else(|| self.not_visible(&change))?;
                membership::make(context, info, instance, &key, &change).await?;
                Ok(())
            }
            (Item::PermissionSet { spec, .. }, Action::Create) => self.create_set(spec).await,
            (Item::PermissionSet { spec, .. }, Action::Update(fields)) => {
                let fields = fields.iter().filter_map(ItemField::of_permission_set);
                self.update_set(spec, fields.cloned().collect()).await
            }
            (Item::Assignment { .. }, Action::Create) => self.assign(item).await,
            _ => Ok(()),
        }
    }

    fn not_visible(&self, change: &Change) -> UserError {
        UserError::failed(
            format!(
                "{}: a read does not show what this change needs: {}",
                self.info.name(),
                change.sentence
            ),
            SetupCommand::again().after("wait a minute"),
        )
    }

    async fn create_set(&self, spec: &PermissionSetSpec) -> Result<(), UserError> {
        let (context, info, instance) = (self.context, self.info, &self.instance);
        let change = permission_set::creation(context, spec);
        let created = permission_set::create(context, info, instance, spec, &change).await?;
        let arn = match created {
            Some(arn) => arn,
            None => self.own_set(spec).await?,
        };
        self.ids.borrow_mut().permission_sets.insert(spec.name.clone(), arn);
        self.update_set(spec, spec.after_creation()).await
    }

    /// The permission set, if an attempt without a response created it. Someone else's is not changed.
    async fn own_set(&self, spec: &PermissionSetSpec) -> Result<PermissionSetArn, UserError> {
        let (context, info, instance) = (self.context, self.info, &self.instance);
        let set = permission_set::find(context, instance, &spec.name).await;
        if let Some(set) = set.map_err(rerun(info))? {
            let entry = permission_set::settle_origin(context, instance, &set).await;
            if entry.map_err(self.failed())?.origin == Origin::Created {
                return Ok(set.arn);
            }
        }
        Err(UserError::failed(
            format!(
                "{}: someone else created the permission set {} in the meantime, so it was not changed.",
                info.name(),
                spec.name
            ),
            SetupCommand::again(),
        ))
    }

    /// Changes the fields, and waits until reads show the result.
    async fn update_set(&self, spec: &PermissionSetSpec, fields: Vec<FieldChange>) -> Result<(), UserError> {
        let (context, info, instance) = (self.context, self.info, &self.instance);
        let arn = self.ids.borrow().permission_sets.get(&spec.name).cloned();
        let Some(arn) = arn else { return Ok(()) };
        for field in &fields {
            let change = permission_set::field_change(context, &spec.name, Some(&arn), field);
            permission_set::update(context, info, instance, &arn, &change).await?;
        }
        let as_wanted = || async {
            let Some(mut set) = permission_set::describe(context, instance, &arn).await? else {
                return Ok(None);
            };
            permission_set::read_parts(context, instance, &mut set, spec.parts()).await?;
            Ok(spec.differences(&set.settings).is_empty().then_some(set))
        };
        let seen = waiting::until(context.timing, context.timing.propagation, as_wanted).await;
        match seen.map_err(rerun(info))? {
            Some(set) => {
                let settled = Settled {
                    is_as_specified: true,
                    is_outdated: false,
                };
                permission_set::settle_changes(context, &set, settled)
            }
            // The intents stay open. The next run completes what a late read does not show.
            None => Ok(()),
        }
    }

    /// Creates an assignment. AWS changes one role in an account at a time, and takes a bounded number of requests.
    async fn assign(&self, item: &Item) -> Result<(), UserError> {
        let Item::Assignment { account, is_group, .. } = item else {
            return Ok(());
        };
        let Address::Resource(_, name) = item.address() else {
            return Ok(());
        };
        let key = self.assignment_key(item);
        let set = key.as_ref().map(|key| &key.permission_set);
        let change = assignment::creation(self.context, name, *is_group, set);
        let key = key.ok_or_else(|| self.not_visible(&change))?;
        let account = Rc::clone(self.accounts.borrow_mut().entry(account.clone()).or_default());
        let _only_one = account.lock().await;
        self.requests.begin().await;
        let made = assignment::make(self.context, self.info, &self.instance, &key, &change).await;
        self.requests.end(made.as_ref().is_ok_and(|made| !made.was_throttled));
        made.map(|_| ())
    }
}

/// The number of assignment requests that AWS processes at the same time. It grows while AWS accepts them, and halves
/// when AWS refuses one because of the rate.
#[derive(Debug)]
struct RequestBound {
    state: RefCell<Bound>,
    changed: Notify,
}

#[derive(Debug)]
struct Bound {
    running: usize,
    most: f64,
}

impl Default for RequestBound {
    fn default() -> Self {
        Self {
            state: RefCell::new(Bound {
                running: 0,
                most: REQUESTS_AT_FIRST,
            }),
            changed: Notify::new(),
        }
    }
}

impl RequestBound {
    /// Waits until another request may be made.
    async fn begin(&self) {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state.borrow_mut();
                if f64::from(u32::try_from(state.running).unwrap_or(u32::MAX)) < state.most.floor() {
                    state.running += 1;
                    return;
                }
            }
            changed.await;
        }
    }

    /// A request has ended.
    fn end(&self, was_accepted: bool) {
        {
            let mut state = self.state.borrow_mut();
            state.running -= 1;
            state.most = if was_accepted {
                (state.most + 1.0 / state.most).min(MOST_REQUESTS)
            } else {
                (state.most / 2.0).max(FEWEST_REQUESTS)
            };
        }
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// How many requests can begin now.
    async fn begun(bound: &RequestBound) -> usize {
        let mut count = 0;
        while tokio::time::timeout(Duration::from_millis(1), bound.begin())
            .await
            .is_ok()
        {
            count += 1;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn the_bound_on_requests_grows_while_aws_accepts_them_and_halves_when_it_does_not() {
        let bound = RequestBound::default();
        assert_eq!(begun(&bound).await, 10);
        bound.end(false);
        assert_eq!(begun(&bound).await, 0, "9 of at most 5 are running");
        for _ in 0..9 {
            bound.end(true);
        }
        assert_eq!(begun(&bound).await, 6);
        for _ in 0..200 {
            bound.end(true);
            bound.begin().await;
        }
        assert_eq!(begun(&bound).await, 15 - 6, "the largest bound is 15");
    }
}
