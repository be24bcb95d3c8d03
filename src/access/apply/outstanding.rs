//! The requests that AWS completes later: assignments, and the provisioning of permission sets. AWS processes a bounded
//! number of them at the same time.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::limits::{
    FEWEST_REQUESTS, FIRST_REFUSAL_PAUSE, LONGEST_REFUSAL_PAUSE, MOST_REQUESTS, REQUESTS_AT_FIRST, WITHOUT_REFUSAL,
};

/// The requests in progress, and how many AWS takes.
pub struct Outstanding {
    bound: RefCell<Bound>,
    /// The assignments in progress.
    assignments: Cell<usize>,
    /// The provisioning requests in progress.
    provisioning: Cell<usize>,
    /// The provisioning requests that wait for room. They come before assignments, which can wait for them.
    waiting: Cell<usize>,
    changed: Notify,
}

impl Outstanding {
    /// No requests yet.
    pub fn new() -> Self {
        Self {
            bound: RefCell::new(Bound::new()),
            assignments: Cell::new(0),
            provisioning: Cell::new(0),
            waiting: Cell::new(0),
            changed: Notify::new(),
        }
    }

    /// Notes the number of assignments in progress.
    pub fn set_assignments(&self, count: usize) {
        if self.assignments.replace(count) > count {
            self.notify();
        }
    }

    /// Whether AWS takes another assignment besides this many.
    pub fn has_room(&self, assignments: usize) -> bool {
        let others = self.provisioning.get() + self.waiting.get();
        self.bound.borrow().has_room(assignments + others)
    }

    /// When the next assignment can be requested.
    pub fn not_before(&self) -> Instant {
        self.bound.borrow().not_before
    }

    /// AWS accepted an assignment.
    pub fn accepted(&self) {
        self.bound.borrow_mut().accepted();
    }

    /// AWS refused an assignment, besides this many, because of the number of requests.
    pub fn refused(&self, assignments: usize) {
        self.bound.borrow_mut().refused(assignments + self.provisioning.get());
    }

    /// Waits for room, and then provisions a permission set.
    pub async fn provision<T>(&self, request: impl Future<Output = T>) -> T {
        self.waiting.set(self.waiting.get() + 1);
        loop {
            let in_progress = self.assignments.get() + self.provisioning.get();
            if self.bound.borrow().has_room(in_progress) {
                break;
            }
            self.changed().await;
        }
        self.waiting.set(self.waiting.get() - 1);
        self.provisioning.set(self.provisioning.get() + 1);
        let result = request.await;
        self.provisioning.set(self.provisioning.get() - 1);
        self.notify();
        result
    }

    /// Says that something may begin.
    pub fn notify(&self) {
        self.changed.notify_waiters();
    }

    /// Ends when something may begin. Nothing is missed from this call on, also before the first poll.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

/// The number of requests that AWS processes at the same time. It grows while AWS accepts them, up to the published number
/// and, after a time without refusals, further; it shrinks when AWS refuses several in a row.
struct Bound {
    most: f64,
    /// The last refusal, or the beginning.
    since: Instant,
    /// The refusals since the last request that AWS accepted. A single one can have another cause.
    in_a_row: u32,
    /// Nothing is requested before this time.
    not_before: Instant,
}

impl Bound {
    fn new() -> Self {
        Self {
            most: REQUESTS_AT_FIRST,
            since: Instant::now(),
            in_a_row: 0,
            not_before: Instant::now(),
        }
    }

    fn has_room(&self, in_progress: usize) -> bool {
        f64::from(u32::try_from(in_progress).unwrap_or(u32::MAX)) < self.most.floor()
    }

    fn accepted(&mut self) {
        self.in_a_row = 0;
        let is_long = self.since.elapsed() >= WITHOUT_REFUSAL;
        let highest = if is_long { MOST_REQUESTS } else { REQUESTS_AT_FIRST };
        if self.most < highest {
            self.most = (self.most + 1.0 / self.most).min(highest);
        }
    }

    fn refused(&mut self, in_progress: usize) {
        self.since = Instant::now();
        self.in_a_row += 1;
        if self.in_a_row < 2 {
            return;
        }
        let in_progress = f64::from(u32::try_from(in_progress).unwrap_or(u32::MAX));
        self.most = self.most.min(in_progress.max(FEWEST_REQUESTS));
        self.not_before = self.since + refusal_pause(self.in_a_row - 1);
    }
}

/// The pause before a refused request is made again.
pub fn refusal_pause(refusals: u32) -> Duration {
    let grown = FIRST_REFUSAL_PAUSE * 2_u32.saturating_pow(refusals.saturating_sub(1).min(10));
    grown.min(LONGEST_REFUSAL_PAUSE)
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::future::{join_all, pending};
    use futures_util::poll;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn provisioning_keeps_to_the_bound_and_goes_first() {
        let outstanding = Outstanding::new();
        outstanding.set_assignments(4);
        let most = Cell::new(0);
        let request = || {
            outstanding.provision(async {
                most.set(most.get().max(outstanding.provisioning.get()));
                tokio::time::sleep(Duration::from_secs(2)).await;
            })
        };
        let begin = Instant::now();
        join_all((0..12).map(|_| request())).await;
        assert_eq!(most.get(), 6, "with 4 assignments, 6 of 10");
        assert_eq!(begin.elapsed().as_secs(), 4, "12 in two rounds");

        outstanding.set_assignments(10);
        let waiting = outstanding.provision(pending::<()>());
        tokio::pin!(waiting);
        assert_eq!(poll!(waiting.as_mut()), Poll::Pending);
        assert_eq!((outstanding.waiting.get(), outstanding.provisioning.get()), (1, 0));
        assert!(!outstanding.has_room(9), "the room of an assignment that ends is taken");
        outstanding.set_assignments(9);
        assert_eq!(poll!(waiting.as_mut()), Poll::Pending);
        assert_eq!((outstanding.waiting.get(), outstanding.provisioning.get()), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_bound_shrinks_to_what_aws_takes_and_grows_again() {
        let mut bound = Bound::new();
        assert!(bound.has_room(9) && !bound.has_room(10));
        bound.refused(6);
        assert!(bound.has_room(9), "a single refusal can have another cause");
        bound.refused(6);
        assert!(bound.has_room(5) && !bound.has_room(6));
        for _ in 0..100 {
            bound.accepted();
        }
        assert!(
            bound.has_room(9) && !bound.has_room(10),
            "not above the published number at first"
        );
        tokio::time::advance(WITHOUT_REFUSAL).await;
        for _ in 0..200 {
            bound.accepted();
        }
        assert!(bound.has_room(14) && !bound.has_room(15));
        bound.refused(0);
        bound.refused(0);
        assert!(bound.has_room(0) && !bound.has_room(1));
    }
}
