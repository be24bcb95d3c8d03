//! Applies a plan.
//!
//! - `graph`: which changes wait for which.
//! - `requests`: the assignments, which AWS completes later: how many at once, in which order, and how they ended.
//! - `direct`: all other changes.
//! - `estimate`: how long a plan takes.
//!
//! Nothing is removed before everything is created, and not at all if something could not be created: a person who moves
//! from one group to another has access all the time. No state is kept: after an interruption, the next plan contains what
//! is left.

mod direct;
mod estimate;
mod graph;
mod requests;

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use self::graph::Graph;
use self::requests::{Answer, Requests};
use super::file::PrincipalName;
use super::plan::{Action, Change, Plan};
use crate::ids::{AssignmentKey, GroupId, MembershipKey, PermissionSetArn, Principal, UserId};
use crate::limits::CHANGES_AT_ONCE;
use crate::reconcile::{Context, Instance};
use crate::resources::inventory::Inventory;
use crate::user_error::UserError;

pub use self::estimate::{Estimate, estimate};

/// What an apply tells while it runs.
pub trait Events {
    /// A change begins.
    fn begun(&self, _change: &Change) {}

    /// A change is done.
    fn done(&self, _change: &Change) {}

    /// A change failed for good.
    fn failed(&self, _change: &Change, _why: &UserError) {}

    /// This many assignment requests are in progress, and this many changes have not begun.
    fn waiting(&self, _in_progress: usize, _queued: usize) {}
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The number of changes that are done.
    pub done: usize,
    /// What failed, and why.
    pub failed: Vec<(Change, UserError)>,
    /// What was not begun: it waits for something that failed, or the apply was stopped.
    pub not_begun: Vec<Change>,
    /// Whether the apply was asked to stop.
    pub stopped: bool,
    /// The requests to Identity Center, with retries.
    pub requests: u64,
    /// The requests that were refused because of the rate.
    pub refused: u64,
}

/// The IDs of what exists, by name.
#[derive(Debug, Default)]
struct Ids {
    users: BTreeMap<String, UserId>,
    groups: BTreeMap<String, GroupId>,
    permission_sets: BTreeMap<String, PermissionSetArn>,
}

impl Ids {
    fn of(inventory: &Inventory) -> Self {
        let users = inventory.users.iter();
        let groups = inventory.groups.iter();
        let sets = inventory.permission_sets.values();
        Self {
            users: users.map(|(id, user)| (user.name.clone(), id.clone())).collect(),
            groups: groups.map(|(id, group)| (group.name.clone(), id.clone())).collect(),
            permission_sets: sets.map(|set| (set.name.clone(), set.arn.clone())).collect(),
        }
    }

    fn principal(&self, name: &PrincipalName) -> Option<Principal> {
        match name {
            PrincipalName::User(name) => self.users.get(name).cloned().map(Principal::User),
            PrincipalName::Group(name) => self.groups.get(name).cloned().map(Principal::Group),
        }
    }

    fn membership(&self, group: &str, user: &str) -> Option<MembershipKey> {
        Some(MembershipKey {
            group: self.groups.get(group)?.clone(),
            user: self.users.get(user)?.clone(),
        })
    }

    /// What identifies the assignment that an action creates or deletes; `None` for other actions, and if something that it
    /// needs does not exist.
    fn assignment(&self, action: &Action) -> Option<AssignmentKey> {
        match action {
            Action::CreateAssignment(name) => Some(AssignmentKey {
                account: name.account.clone(),
                permission_set: self.permission_sets.get(&name.permission_set)?.clone(),
                principal: self.principal(&name.principal)?,
            }),
            Action::DeleteAssignment { key, .. } => Some(key.clone()),
            _ => None,
        }
    }
}

/// What all parts of an apply share.
struct Shared<'a> {
    context: &'a Context,
    instance: &'a Instance,
    events: &'a dyn Events,
    ids: RefCell<Ids>,
}

/// A call that ended.
enum Ended {
    Direct(usize, Result<(), UserError>),
    Request(Answer),
}

type Calls<'a> = FuturesUnordered<LocalBoxFuture<'a, Ended>>;

/// Applies a plan. A failure stops only what depends on it, and the removals. After a request to stop
/// ([`Context::stop`]), nothing new begins, and what is in progress ends.
pub async fn apply(context: &Context, inventory: &Inventory, plan: &Plan, events: &dyn Events) -> Outcome {
    let shared = Shared {
        context,
        instance: &inventory.instance,
        events,
        ids: RefCell::new(Ids::of(inventory)),
    };
    let before = context.clients.identity_center_requests();
    let mut graph = Graph::new(plan, inventory);
    let mut requests = Requests::new(&shared);
    let mut calls: Calls = FuturesUnordered::new();
    let mut direct_calls = 0;
    let mut outcome = Outcome::default();
    let mut is_ended = false;
    loop {
        outcome.stopped |= context.stop.is_requested();
        let may_start = !outcome.stopped && !is_ended;
        if may_start {
            for index in graph.ready(CHANGES_AT_ONCE.saturating_sub(direct_calls)) {
                let change = graph.change(index);
                if graph::is_assignment(&change.action) {
                    requests.add(index, change);
                } else {
                    events.begun(change);
                    direct_calls += 1;
                    let shared = &shared;
                    calls.push(Box::pin(async move {
                        Ended::Direct(index, direct::make(shared, change).await)
                    }));
                }
            }
            requests.start(&graph, &mut calls);
        }
        let mut finished = requests.take_known();
        if finished.is_empty() {
            let wake = requests.watch(may_start, &mut calls);
            events.waiting(requests.in_progress(), graph.open() + requests.queued());
            if calls.is_empty() && wake.is_none() {
                break;
            }
            let ended = tokio::select! {
                Some(ended) = calls.next(), if !calls.is_empty() => Some(ended),
                () = sleep_until(wake) => None,
                () = context.stop.requested(), if !outcome.stopped => None,
            };
            finished = match ended {
                None => Vec::new(),
                Some(Ended::Direct(index, result)) => {
                    direct_calls -= 1;
                    vec![(index, result)]
                }
                Some(Ended::Request(answer)) => requests.answered(answer, &mut calls),
            };
        }
        for (index, result) in finished {
            let change = graph.change(index);
            match result {
                Ok(()) => {
                    events.done(change);
                    outcome.done += 1;
                    graph.done(index);
                }
                Err(error) => {
                    events.failed(change, &error);
                    is_ended |= error.ends_run();
                    outcome.failed.push((change.clone(), error));
                }
            }
        }
    }
    let mut not_begun = graph.not_begun();
    not_begun.extend(requests.not_begun());
    not_begun.sort_unstable();
    outcome.not_begun = not_begun.into_iter().map(|index| graph.change(index).clone()).collect();
    let after = context.clients.identity_center_requests();
    outcome.requests = after.sent - before.sent;
    outcome.refused = after.refused - before.refused;
    outcome
}

/// Waits until this time; forever if there is none.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
