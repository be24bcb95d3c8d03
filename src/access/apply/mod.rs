//! Applies a plan.
//!
//! - `graph`: which changes wait for which.
//! - `requests`: the assignments, which AWS completes later: how many at once, in which order, and how they ended.
//! - `direct`: all other changes.
//! - `provisioning`: how the accounts get the latest version of a permission set.
//! - `outstanding`: how many requests AWS processes at the same time.
//! - `shared`: what these share.
//! - `estimate`: how long a plan takes.
//!
//! Nothing is removed before everything else has ended: a person who moves from one group to another has access all the
//! time. If something failed, what should take its place is not removed. No state is kept: after an interruption, the next
//! plan contains what is left.

mod direct;
mod estimate;
mod graph;
mod outstanding;
mod provisioning;
mod requests;
mod shared;

use std::collections::BTreeMap;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use self::graph::Graph;
use self::requests::{Calls, Ended, Requests};
use self::shared::{Ids, Shared};
use super::plan::{Action, Change, Plan};
use crate::ids::UserId;
use crate::limits::{CHANGES_AT_ONCE, PROGRESS_LINES};
use crate::reconcile::Context;
use crate::resources::inventory::Inventory;
use crate::user_error::UserError;

pub use self::estimate::{Estimate, estimate};
pub use self::shared::Events;

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is done.
    pub done: Vec<Change>,
    /// What failed, and why.
    pub failed: Vec<(Change, UserError)>,
    /// What was not begun: it waits for something that failed, or the apply was stopped. Also permission sets that were not
    /// provisioned everywhere before the stop.
    pub not_begun: Vec<Change>,
    /// What was begun, and is not known to have ended, because the apply was ended at once.
    pub in_progress: Vec<Change>,
    /// The users that were created, by name, with their IDs as far as they are known.
    pub new_users: BTreeMap<String, Option<UserId>>,
    /// Whether the apply was asked to stop.
    pub stopped: bool,
    /// The requests to Identity Center, with retries.
    pub requests: u64,
    /// The requests that were refused because of the rate.
    pub refused: u64,
}

/// Applies a plan. A failure stops only what needs it, and removals of the same user, group or permission set. After a request to stop
/// ([`Context::stop`]), nothing new begins, and what is in progress ends.
pub async fn apply(context: &Context, inventory: &Inventory, plan: &Plan, events: &dyn Events) -> Outcome {
    let shared = Shared::new(context, inventory, events);
    let before = context.clients.identity_center_requests();
    let mut graph = Graph::new(plan, inventory);
    let mut requests = Requests::new(&shared);
    let mut calls: Calls = FuturesUnordered::new();
    let mut direct_calls = 0;
    let mut outcome = Outcome::default();
    let mut is_ended = false;
    let mut interrupted = Vec::new();
    // A single change can take long, and the progress is shown meanwhile.
    let mut lines = tokio::time::interval_at(Instant::now() + PROGRESS_LINES, PROGRESS_LINES);
    loop {
        outcome.stopped |= context.stop.is_requested();
        let may_start = !outcome.stopped && !is_ended;
        for name in shared.updated.take() {
            graph.updated(&name);
        }
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
            shared.outstanding.set_assignments(requests.in_progress());
            events.waiting(requests.in_progress(), graph.open() + requests.queued());
            if calls.is_empty() && wake.is_none() {
                break;
            }
            let ended = tokio::select! {
                Some(ended) = calls.next(), if !calls.is_empty() => Some(ended),
                () = sleep_until(wake) => None,
                () = shared.outstanding.changed(), if may_start => None,
                () = context.stop.requested(), if !outcome.stopped => None,
                _ = lines.tick() => None,
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
                    outcome.done.push(change.clone());
                    graph.done(index);
                }
                Err(error) if error.kind.is_user_exit() => {
                    outcome.stopped = true;
                    interrupted.push(index);
                }
                Err(error) => {
                    events.failed(change, &error);
                    is_ended |= error.ends_run();
                    graph.failed(index);
                    outcome.failed.push((change.clone(), error));
                }
            }
        }
    }
    let mut not_begun = graph.not_begun();
    not_begun.extend(requests.not_begun());
    not_begun.extend(interrupted);
    not_begun.sort_unstable();
    outcome.not_begun = not_begun.into_iter().map(|index| graph.change(index).clone()).collect();
    outcome.new_users = new_users(plan, &shared.ids.borrow());
    let after = context.clients.identity_center_requests();
    outcome.requests = after.sent - before.sent;
    outcome.refused = after.refused - before.refused;
    outcome
}

/// The users that the plan creates, and that were created.
fn new_users(plan: &Plan, ids: &Ids) -> BTreeMap<String, Option<UserId>> {
    let created = plan.changes.iter().filter_map(|change| match &change.action {
        Action::CreateUser(spec) => ids.users.get_key_value(&spec.name),
        _ => None,
    });
    created.map(|(name, id)| (name.clone(), Some(id.clone()))).collect()
}

/// Waits until this time; forever if there is none.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
