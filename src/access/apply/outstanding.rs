//! The requests that AWS completes later: assignments, and the provisioning of permission sets. AWS processes a bounded
//! number of them at the same time.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::limits::{
    FEWEST_REQUESTS, FIRST_REFUSAL_PAUSE, LONGEST_REFUSAL_PAUSE, MOST_REQUESTS, REQUESTS_AT_FIRST, WITHOUT_REFUSAL,
};
use crate::reconcile::Stop;

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

    /// When the next request can be made.
    pub fn not_before(&self) -> Instant {
        self.bound.borrow().not_before
    }

    /// AWS accepted a request.
    pub fn accepted(&self) {
        self.bound.borrow_mut().accepted();
    }

    /// AWS refused a request because of their number, besides this many assignments and the provisioning requests in
    /// progress.
    pub fn refused(&self, assignments: usize) {
        self.bound.borrow_mut().refused(assignments + self.provisioning.get());
    }

    /// Waits for room for a provisioning request; `None` after a request to stop.
    pub async fn room(&self, stop: &Stop) -> Option<Room<'_>> {
        let _waiting = Waiting::new(self);
        loop {
            if stop.is_requested() {
                return None;
            }
            let changed = self.changed();
            let not_before = self.not_before();
            let in_progress = self.assignments.get() + self.provisioning.get();
            let is_free = self.bound.borrow().has_room(in_progress);
            if is_free && not_before <= Instant::now() {
                return Some(Room::new(self));
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(not_before), if is_free => {}
                () = stop.requested() => {}
            }
        }
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

/// A provisioning request that waits for room.
struct Waiting<'a>(&'a Outstanding);

impl<'a> Waiting<'a> {
    fn new(outstanding: &'a Outstanding) -> Self {
        outstanding.waiting.set(outstanding.waiting.get() + 1);
        Self(outstanding)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
    }
}

/// The room of a provisioning request, until it is dropped.
pub struct Room<'a>(&'a Outstanding);

impl<'a> Room<'a> {
    fn new(outstanding: &'a Outstanding) -> Self {
        outstanding.provisioning.set(outstanding.provisioning.get() + 1);
        Self(outstanding)
    }

    /// AWS refused the request because of the number of requests.
    pub fn refused(self) {
        let outstanding = self.0;
        drop(self);
        outstanding.refused(outstanding.assignments.get());
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.provisioning.set(self.0.provisioning.get() - 1);
        self.0.notify();
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
        let (outstanding, stop) = (Outstanding::new(), Stop::default());
        outstanding.set_assignments(4);
        let most = Cell::new(0);
        let request = || async {
            let _room = outstanding.room(&stop).await;
            most.set(most.get().max(outstanding.provisioning.get()));
            tokio::time::sleep(Duration::from_secs(2)).await;
        };
        let begin = Instant::now();
        join_all((0..12).map(|_| request())).await;
        assert_eq!(most.get(), 6, "with 4 assignments, 6 of 10");
        assert_eq!(begin.elapsed().as_secs(), 4, "12 in two rounds");

        outstanding.set_assignments(10);
        let waiting = async {
            let _room = outstanding.room(&stop).await;
            pending::<()>().await;
        };
        tokio::pin!(waiting);
        assert_eq!(poll!(waiting.as_mut()), Poll::Pending);
        assert_eq!((outstanding.waiting.get(), outstanding.provisioning.get()), (1, 0));
        assert!(!outstanding.has_room(9), "the room of an assignment that ends is taken");
        outstanding.set_assignments(9);
        assert_eq!(poll!(waiting.as_mut()), Poll::Pending);
        assert_eq!((outstanding.waiting.get(), outstanding.provisioning.get()), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn provisioning_waits_after_refusals() {
        let (outstanding, stop) = (Outstanding::new(), Stop::default());
        for _ in 0..2 {
            outstanding.room(&stop).await.unwrap().refused();
        }
        let begin = Instant::now();
        let room = outstanding.room(&stop).await;
        assert!(begin.elapsed() >= FIRST_REFUSAL_PAUSE, "{:?}", begin.elapsed());
        assert!(room.is_some());
        assert!(!outstanding.has_room(0), "AWS took none of them");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_the_wait_for_room() {
        let (outstanding, stop) = (Outstanding::new(), Stop::default());
        outstanding.set_assignments(10);
        {
            let waiting = outstanding.room(&stop);
            tokio::pin!(waiting);
            assert!(poll!(waiting.as_mut()).is_pending());
            stop.request();
            assert!(waiting.await.is_none());
        }
        outstanding.set_assignments(0);
        assert!(outstanding.room(&stop).await.is_none(), "also if there is room");
        assert_eq!((outstanding.waiting.get(), outstanding.provisioning.get()), (0, 0));
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
