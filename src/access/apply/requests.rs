//! The assignments of a plan. AWS accepts a request to create or delete an assignment, and completes it later.
//!
//! - AWS processes a bounded number of requests at the same time, and one in each account. The account with the most requests
//!   left goes first.
//! - Requests in progress are polled all at once, with a list. A request that is no longer listed has ended, and makes room for
//!   the next one; the list of failed requests shows from time to time which of them failed.
//! - A request that AWS refuses is made again: later if the rate or the number of requests is exceeded, and after others if
//!   AWS still changes something in the account.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::graph::Graph;
use super::outstanding::refusal_pause;
use super::shared::{Shared, missing};
use crate::access::live::INFO;
use crate::access::plan::{Action, Change};
use crate::aws::{AwsError, AwsErrorKind, TOO_MANY_OPERATIONS};
use crate::ids::{AccountId, AssignmentKey};
use crate::limits::{
    ATTEMPTS_OF_FAILED, FAILURES_PAUSE, LONGEST_POLL, MOST_REFUSALS, OPERATION_LIMIT, PROPAGATION_LIMIT, READ_LIMIT,
    SHORTEST_POLL,
};
use crate::next_step::SetupCommand;
use crate::reconcile::step_error;
use crate::resources::assignment::{self, Operation, RequestEnd};
use crate::text::duration_text;
use crate::user_error::UserError;

/// The end of a change: its index in the plan, and whether it failed.
pub type Finished = (usize, Result<(), UserError>);

/// The answer to a call.
pub enum Answer {
    /// A request was made: its ID and, if it has ended already, how.
    Started(usize, Result<(String, Option<RequestEnd>), AwsError>),
    /// The requests in progress of everybody, by a list that was requested at this time.
    Listed(Operation, Instant, Result<BTreeSet<String>, AwsError>),
    /// The failed requests of everybody, by a list that was requested at this time.
    /// `None` if there are too many.
    Failures(Operation, Instant, Result<Option<BTreeSet<String>>, AwsError>),
    /// How a request ended.
    Described(usize, Result<Option<RequestEnd>, AwsError>),
    /// Whether an assignment exists after AWS refused or failed the request.
    Checked(usize, Result<bool, AwsError>, UserError),
}

/// A call that ended.
pub enum Ended {
    /// A change that AWS completes at once.
    Direct(usize, Result<(), UserError>),
    /// A call for an assignment.
    Request(Answer),
}

/// The calls in progress.
pub type Calls<'a> = FuturesUnordered<LocalBoxFuture<'a, Ended>>;

/// A change of an assignment.
struct Job {
    key: Option<AssignmentKey>,
    operation: Operation,
    account: AccountId,
    /// What is retried: refusals because of the rate or a conflict, unanswered calls.
    refusals: u32,
    failures: u32,
    /// When it was first requested.
    since: Option<Instant>,
    /// It is not requested again before this time.
    not_before: Option<Instant>,
}

/// A request in progress.
struct Running {
    job: usize,
    at: Instant,
    /// Whether a list showed it. AWS may list a new request late.
    was_listed: bool,
    /// Whether its status is being read.
    is_described: bool,
}

/// A request that is no longer in progress. Whether it failed is not known yet.
struct Over {
    job: usize,
    request: String,
    at: Instant,
}

/// What is requested in an account.
#[derive(Default)]
struct Lane {
    queue: VecDeque<usize>,
    /// The assignment whose request is in progress.
    current: Option<usize>,
    not_before: Option<Instant>,
}

/// The assignments.
pub struct Requests<'a> {
    shared: &'a Shared<'a>,
    jobs: BTreeMap<usize, Job>,
    lanes: BTreeMap<AccountId, Lane>,
    running: BTreeMap<String, Running>,
    over: Vec<Over>,
    /// Calls that request something and are not answered yet.
    starting: usize,
    polling: Polling,
    /// Answers that are known without a call.
    known: Vec<Finished>,
}

/// When requests are polled.
struct Polling {
    /// A list is being read.
    is_listing: bool,
    next_list: Option<Instant>,
    /// The failed requests are being read.
    reads_failures: bool,
    next_failures: Option<Instant>,
    /// How long requests took, the latest ones more than the earlier ones.
    typical: Option<Duration>,
    /// Lists are not available: each request is described.
    each: bool,
    /// The list of failed requests is not available, or too long: each request that ended is described.
    describes_ended: bool,
    /// Since when no call shows how requests ended.
    failing: Option<Failing>,
}

/// Calls that show how requests ended, and that fail.
struct Failing {
    since: Instant,
}

impl<'a> Requests<'a> {
    /// No assignments yet.
    pub fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            jobs: BTreeMap::new(),
            lanes: BTreeMap::new(),
            running: BTreeMap::new(),
            over: Vec::new(),
            starting: 0,
            polling: Polling {
                is_listing: false,
                next_list: None,
                reads_failures: false,
                next_failures: None,
                typical: None,
                each: false,
                describes_ended: false,
                failing: None,
            },
            known: Vec::new(),
        }
    }

    /// Adds a change of an assignment that may begin.
    pub fn add(&mut self, index: usize, change: &Change) {
        let (operation, account) = match &change.action {
            Action::CreateAssignment(name) => (Operation::Create, name.account.clone()),
            Action::DeleteAssignment { key, .. } => (Operation::Delete, key.account.clone()),
            _ => return,
        };
        let job = Job {
            key: self.shared.ids.borrow().assignment(&change.action),
            operation,
            account: account.clone(),
            refusals: 0,
            failures: 0,
            since: None,
            not_before: None,
        };
        if job.key.is_none() {
            let error = missing("the user, the group or the permission set");
            self.known.push((index, Err(error)));
            return;
        }
        self.jobs.insert(index, job);
        self.lanes.entry(account).or_default().queue.push_back(index);
    }

    /// The number of requests in progress.
    pub fn in_progress(&self) -> usize {
        self.running.len() + self.starting
    }

    /// The number of assignments that are not requested yet.
    pub fn queued(&self) -> usize {
        self.lanes.values().map(|lane| lane.queue.len()).sum()
    }

    /// The assignments that were not requested.
    pub fn not_begun(&self) -> Vec<usize> {
        self.lanes
            .values()
            .flat_map(|lane| lane.queue.iter().copied())
            .collect()
    }

    /// Requests as many assignments as AWS takes.
    pub fn start(&mut self, graph: &Graph<'_>, calls: &mut Calls<'a>) {
        let now = Instant::now();
        let shared = self.shared;
        let outstanding = &shared.outstanding;
        while outstanding.has_room(self.in_progress()) && outstanding.not_before() <= now {
            let Some(index) = self.next(now) else { break };
            let Some(job) = self.jobs.get_mut(&index) else { break };
            if job.since.is_none() {
                shared.events.begun(graph.change(index));
            }
            job.since.get_or_insert(now);
            let (Some(key), operation) = (job.key.clone(), job.operation) else {
                continue;
            };
            self.starting += 1;
            calls.push(Box::pin(async move {
                let started = assignment::start(shared.context, shared.instance, &key, operation).await;
                Ended::Request(Answer::Started(index, started))
            }));
        }
    }

    /// Takes the next assignment: from the account with the most assignments left in which AWS changes nothing.
    fn next(&mut self, now: Instant) -> Option<usize> {
        let is_past = |at: Option<Instant>| at.is_none_or(|at| at <= now);
        let jobs = &self.jobs;
        let can_start = |index: &usize| jobs.get(index).is_some_and(|job| is_past(job.not_before));
        let lanes = self.lanes.values_mut();
        let free =
            lanes.filter(|lane| lane.current.is_none() && is_past(lane.not_before) && lane.queue.iter().any(can_start));
        let lane = free.max_by_key(|lane| lane.queue.len())?;
        let position = lane.queue.iter().position(can_start)?;
        lane.current = lane.queue.remove(position);
        lane.current
    }

    /// Begins the calls that show how requests ended. Returns when something can be done again without an answer.
    pub fn watch(&mut self, may_start: bool, calls: &mut Calls<'a>) -> Option<Instant> {
        let now = Instant::now();
        let mut wake: Vec<Instant> = Vec::new();
        let oldest = self.running.values().map(|running| running.at).min();
        if let Some(oldest) = oldest.filter(|_| !self.polling.is_listing) {
            let at = self.polling.next_list.max(Some(oldest + self.polling.first_look()));
            match at {
                Some(at) if at > now => wake.push(at),
                _ => self.poll(now, calls),
            }
        }
        if !self.over.is_empty() && !self.polling.reads_failures {
            // At the end, nothing is gained by waiting for more.
            let is_last = self.running.is_empty() && self.starting == 0 && self.polling.failing.is_none();
            match self.polling.next_failures {
                Some(at) if at > now && !is_last => wake.push(at),
                _ => self.read_failures(now, calls),
            }
        }
        if may_start {
            wake.extend(self.next_start(now));
        }
        wake.into_iter().min()
    }

    /// When an assignment that waits can be requested; `None` if an answer comes first.
    fn next_start(&self, now: Instant) -> Option<Instant> {
        if !self.shared.outstanding.has_room(self.in_progress()) {
            return None;
        }
        let free = self.lanes.values().filter(|lane| lane.current.is_none());
        let times = free.flat_map(|lane| {
            let jobs = lane.queue.iter().filter_map(|index| self.jobs.get(index));
            jobs.map(|job| job.not_before.max(lane.not_before).unwrap_or(now))
        });
        times.min().map(|at| at.max(self.shared.outstanding.not_before()))
    }

    /// Reads which requests are in progress.
    fn poll(&mut self, now: Instant, calls: &mut Calls<'a>) {
        if self.polling.each {
            self.polling.next_list = Some(now + self.polling.interval());
            let waiting = self.running.iter_mut().filter(|(_, running)| !running.is_described);
            for (request, running) in waiting {
                running.is_described = true;
                if let Some(job) = self.jobs.get(&running.job) {
                    describe(self.shared, running.job, job.operation, request.clone(), calls);
                }
            }
            return;
        }
        // Creations and deletions are in different lists, and never in progress at the same time.
        let jobs = self.running.values().filter_map(|running| self.jobs.get(&running.job));
        let Some(operation) = jobs.map(|job| job.operation).min() else {
            return;
        };
        self.polling.is_listing = true;
        let shared = self.shared;
        calls.push(Box::pin(async move {
            let ids = assignment::requests_in_progress(shared.context, shared.instance, operation).await;
            Ended::Request(Answer::Listed(operation, now, ids))
        }));
    }

    /// Reads which requests failed.
    fn read_failures(&mut self, now: Instant, calls: &mut Calls<'a>) {
        if self.polling.describes_ended {
            self.describe_over(calls);
            return;
        }
        let jobs = self.over.iter().filter_map(|over| self.jobs.get(&over.job));
        let Some(operation) = jobs.map(|job| job.operation).min() else {
            self.over.clear();
            return;
        };
        self.polling.reads_failures = true;
        let shared = self.shared;
        calls.push(Box::pin(async move {
            let ids = assignment::failed_requests(shared.context, shared.instance, operation).await;
            Ended::Request(Answer::Failures(operation, now, ids))
        }));
    }

    /// Takes an answer. Returns the changes that have ended.
    pub fn answered(&mut self, answer: Answer, calls: &mut Calls<'a>) -> Vec<Finished> {
        match answer {
            Answer::Started(index, started) => self.started(index, started, calls),
            Answer::Listed(operation, at, ids) => self.listed(operation, at, ids, calls),
            Answer::Failures(operation, at, ids) => self.failures(operation, at, ids, calls),
            Answer::Described(index, end) => self.described(index, end, calls),
            Answer::Checked(index, exists, error) => self.checked(index, exists, error),
        }
    }

    /// Changes that ended without a call.
    pub fn take_known(&mut self) -> Vec<Finished> {
        std::mem::take(&mut self.known)
    }

    /// Ends a change. A late answer about one that has ended is ignored.
    fn finish(&mut self, index: usize, result: Result<(), UserError>) -> Vec<Finished> {
        self.free(index, None);
        if self.jobs.remove(&index).is_none() {
            return Vec::new();
        }
        self.running.retain(|_, running| running.job != index);
        self.over.retain(|over| over.job != index);
        vec![(index, result)]
    }

    fn started(
        &mut self,
        index: usize,
        started: Result<(String, Option<RequestEnd>), AwsError>,
        calls: &mut Calls<'a>,
    ) -> Vec<Finished> {
        self.starting -= 1;
        match started {
            Ok((request, None)) => {
                self.shared.outstanding.accepted();
                let running = Running {
                    job: index,
                    at: Instant::now(),
                    was_listed: false,
                    is_described: false,
                };
                self.running.insert(request, running);
                Vec::new()
            }
            Ok((_, Some(end))) => {
                self.shared.outstanding.accepted();
                self.free(index, None);
                self.ended(index, end, calls)
            }
            Err(aws_error) => self.refused(index, &aws_error, calls),
        }
    }

    /// The account of a job takes the next request, at this time at the earliest.
    fn free(&mut self, index: usize, not_before: Option<Instant>) {
        let lane = self.jobs.get(&index).and_then(|job| self.lanes.get_mut(&job.account));
        if let Some(lane) = lane.filter(|lane| lane.current == Some(index)) {
            lane.current = None;
            lane.not_before = not_before;
        }
    }

    /// Puts a job back at the front of its account, to be requested again after a pause.
    fn again(&mut self, index: usize, pause: Duration, pauses_account: bool) {
        let at = Instant::now() + pause;
        self.free(index, pauses_account.then_some(at));
        if let Some(job) = self.jobs.get_mut(&index) {
            job.not_before = Some(at);
            let lane = self.lanes.entry(job.account.clone()).or_default();
            lane.queue.push_front(index);
        }
    }

    fn refused(&mut self, index: usize, aws_error: &AwsError, calls: &mut Calls<'a>) -> Vec<Finished> {
        let Some(job) = self.jobs.get_mut(&index) else {
            return Vec::new();
        };
        job.refusals += 1;
        let refusals = job.refusals;
        let age = job.since.map(|since| since.elapsed()).unwrap_or_default();
        let pause = aws_error.retry_after.unwrap_or_else(|| refusal_pause(refusals));
        let is_conflict = aws_error.kind == AwsErrorKind::Conflict;
        let is_over = match aws_error.kind {
            AwsErrorKind::Conflict | AwsErrorKind::Throttled => age >= OPERATION_LIMIT,
            AwsErrorKind::NotFound => age >= PROPAGATION_LIMIT,
            _ => !aws_error.is_transient() || refusals >= MOST_REFUSALS,
        };
        if aws_error.kind == AwsErrorKind::Throttled && aws_error.message.contains(TOO_MANY_OPERATIONS) {
            self.shared.outstanding.refused(self.in_progress());
        }
        if is_over {
            return self.finish(index, Err(failure(aws_error)));
        }
        // A conflict can also mean that the assignment exists, or that an earlier attempt is in progress.
        if is_conflict && refusals.is_multiple_of(3) {
            self.check(index, failure(aws_error), calls);
            return Vec::new();
        }
        self.again(index, pause, is_conflict);
        Vec::new()
    }

    /// Reads whether the assignment is as wanted after all.
    fn check(&self, index: usize, error: UserError, calls: &mut Calls<'a>) {
        let shared = self.shared;
        let key = self.jobs.get(&index).and_then(|job| job.key.clone());
        calls.push(Box::pin(async move {
            let exists = match &key {
                Some(key) => assignment::exists(shared.context, shared.instance, key).await,
                None => Ok(false),
            };
            Ended::Request(Answer::Checked(index, exists, error))
        }));
    }

    fn checked(&mut self, index: usize, exists: Result<bool, AwsError>, error: UserError) -> Vec<Finished> {
        let Some(job) = self.jobs.get(&index) else {
            return Vec::new();
        };
        match exists {
            Ok(exists) if exists == (job.operation == Operation::Create) => return self.finish(index, Ok(())),
            Err(aws_error) if aws_error.kind == AwsErrorKind::Credentials => {
                return self.finish(index, Err(failure(&aws_error)));
            }
            _ => {}
        }
        let age = job.since.map(|since| since.elapsed()).unwrap_or_default();
        if job.failures >= ATTEMPTS_OF_FAILED || age >= OPERATION_LIMIT {
            return self.finish(index, Err(error));
        }
        let attempts = job.refusals.max(job.failures);
        self.again(index, refusal_pause(attempts), true);
        Vec::new()
    }

    /// A call that shows how requests ended has failed. Without credentials, or after a while, all of them end.
    fn unknown(&mut self, aws_error: &AwsError) -> Vec<Finished> {
        let now = Instant::now();
        let since = self.polling.failing.get_or_insert(Failing { since: now }).since;
        let is_over = aws_error.kind == AwsErrorKind::Credentials || now - since >= READ_LIMIT;
        if !is_over {
            return self.too_late();
        }
        let running = self.running.values().map(|running| running.job);
        let waiting: BTreeSet<usize> = running.chain(self.over.iter().map(|over| over.job)).collect();
        let ends = waiting.into_iter();
        ends.flat_map(|index| self.finish(index, Err(failure(aws_error))))
            .collect()
    }

    fn listed(
        &mut self,
        operation: Operation,
        at: Instant,
        ids: Result<BTreeSet<String>, AwsError>,
        calls: &mut Calls<'a>,
    ) -> Vec<Finished> {
        self.polling.is_listing = false;
        let now = Instant::now();
        self.polling.next_list = Some(now + self.polling.interval());
        let ids = match ids {
            Ok(ids) => ids,
            Err(aws_error) => {
                self.polling.next_list = Some(now + LONGEST_POLL);
                // Some emulators do not have the list, and a caller may not be allowed to read it.
                let is_missing = !aws_error.is_transient() && aws_error.kind != AwsErrorKind::Credentials;
                self.polling.each |= is_missing;
                return if is_missing {
                    Vec::new()
                } else {
                    self.unknown(&aws_error)
                };
            }
        };
        self.polling.failing = None;
        let mut ended: Vec<String> = Vec::new();
        for (request, running) in &mut self.running {
            let is_same = self
                .jobs
                .get(&running.job)
                .is_some_and(|job| job.operation == operation);
            if !is_same || running.at > at {
                continue;
            }
            if ids.contains(request) {
                running.was_listed = true;
            } else if running.is_described {
                // The answer says how it ended. With two answers, a failed assignment would be requested twice.
            } else if running.was_listed && !self.polling.is_early(now - running.at) {
                ended.push(request.clone());
            } else {
                // It was never listed, or ended so early that the list may be wrong.
                running.is_described = true;
                describe(self.shared, running.job, operation, request.clone(), calls);
            }
        }
        for request in ended {
            if let Some(running) = self.running.remove(&request) {
                self.polling.took(now - running.at);
                self.free(running.job, None);
                let job = running.job;
                self.over.push(Over { job, request, at: now });
            }
        }
        self.too_late()
    }

    /// The requests that take too long. AWS may complete them later.
    fn too_late(&mut self) -> Vec<Finished> {
        let running = self.running.values().map(|running| (running.job, running.at));
        let over = self.over.iter().map(|over| (over.job, over.at));
        let late = running.chain(over).filter(|(_, at)| at.elapsed() >= OPERATION_LIMIT);
        let late: Vec<usize> = late.map(|(job, _)| job).collect();
        let mut finished = Vec::new();
        for index in late {
            let error = UserError::failed(
                format!(
                    "{}: AWS did not finish the request within {}.",
                    INFO.name(),
                    duration_text(OPERATION_LIMIT)
                ),
                SetupCommand::again(),
            );
            finished.extend(self.finish(index, Err(error)));
        }
        finished
    }

    fn failures(
        &mut self,
        operation: Operation,
        at: Instant,
        ids: Result<Option<BTreeSet<String>>, AwsError>,
        calls: &mut Calls<'a>,
    ) -> Vec<Finished> {
        self.polling.reads_failures = false;
        self.polling.next_failures = Some(Instant::now() + FAILURES_PAUSE);
        let ids = match ids {
            Ok(Some(ids)) => ids,
            Err(aws_error) if aws_error.is_transient() || aws_error.kind == AwsErrorKind::Credentials => {
                return self.unknown(&aws_error);
            }
            Ok(None) | Err(_) => {
                self.polling.describes_ended = true;
                self.describe_over(calls);
                return Vec::new();
            }
        };
        self.polling.failing = None;
        let jobs = &self.jobs;
        let is_covered =
            |over: &Over| over.at <= at && jobs.get(&over.job).is_some_and(|job| job.operation == operation);
        let (covered, open): (Vec<Over>, Vec<Over>) = self.over.drain(..).partition(is_covered);
        self.over = open;
        let mut finished = Vec::new();
        for over in covered {
            if ids.contains(&over.request) {
                describe(self.shared, over.job, operation, over.request, calls);
            } else {
                finished.extend(self.finish(over.job, Ok(())));
            }
        }
        finished
    }

    /// Reads the status of each request that ended.
    fn describe_over(&mut self, calls: &mut Calls<'a>) {
        for over in std::mem::take(&mut self.over) {
            if let Some(job) = self.jobs.get(&over.job) {
                describe(self.shared, over.job, job.operation, over.request, calls);
            }
        }
    }

    fn described(
        &mut self,
        index: usize,
        end: Result<Option<RequestEnd>, AwsError>,
        calls: &mut Calls<'a>,
    ) -> Vec<Finished> {
        if !self.jobs.contains_key(&index) {
            return Vec::new();
        }
        let request = self.running.iter().find(|(_, running)| running.job == index);
        let request = request.map(|(request, _)| request.clone());
        match (end, request) {
            (Ok(Some(end)), request) => {
                self.polling.failing = None;
                if let Some(running) = request.and_then(|request| self.running.remove(&request)) {
                    self.polling.took(running.at.elapsed());
                    self.free(index, None);
                }
                self.ended(index, end, calls)
            }
            (Err(aws_error), _) if !aws_error.is_transient() => self.finish(index, Err(failure(&aws_error))),
            // It is in progress, or AWS did not answer: the next poll shows it.
            (end, Some(request)) => {
                if let Some(running) = self.running.get_mut(&request) {
                    running.is_described = false;
                }
                match end {
                    Err(aws_error) => self.unknown(&aws_error),
                    Ok(_) => self.too_late(),
                }
            }
            (_, None) => {
                let error = UserError::failed(
                    format!("{}: AWS does not say how the request ended.", INFO.name()),
                    SetupCommand::again(),
                );
                self.check(index, error, calls);
                Vec::new()
            }
        }
    }

    /// A request ended. A failed one is made again a few times: its cause may be gone, such as a user that was not visible yet.
    fn ended(&mut self, index: usize, end: RequestEnd, calls: &mut Calls<'a>) -> Vec<Finished> {
        let Err(reason) = end else {
            return self.finish(index, Ok(()));
        };
        let Some(job) = self.jobs.get_mut(&index) else {
            return Vec::new();
        };
        job.failures += 1;
        let Some(key) = &job.key else { return Vec::new() };
        let error = assignment::failed(&INFO, self.shared.instance, key, job.operation, &reason);
        self.check(index, error, calls);
        Vec::new()
    }
}

/// The error of a call for which the next run is the remedy.
fn failure(aws_error: &AwsError) -> UserError {
    step_error(&INFO, aws_error, SetupCommand::again())
}

/// Begins to read how a request ended.
fn describe<'a>(shared: &'a Shared<'a>, index: usize, operation: Operation, request: String, calls: &mut Calls<'a>) {
    calls.push(Box::pin(async move {
        let end = assignment::request_end(shared.context, shared.instance, operation, &request).await;
        Ended::Request(Answer::Described(index, end))
    }));
}

impl Polling {
    /// A request took this long.
    fn took(&mut self, time: Duration) {
        self.typical = Some(
            self.typical
                .map_or(time, |typical| typical.mul_f64(0.8) + time.mul_f64(0.2)),
        );
    }

    /// Whether a request that ended after this time ended much earlier than others.
    fn is_early(&self, after: Duration) -> bool {
        self.typical.is_some_and(|typical| after < typical.mul_f64(0.3))
    }

    /// The time from one list to the next: a small part of what a request takes.
    fn interval(&self) -> Duration {
        let part = self.typical.map_or(SHORTEST_POLL, |typical| typical / 30);
        part.clamp(SHORTEST_POLL, LONGEST_POLL)
    }

    /// The time from a request to the first list that can show its end.
    fn first_look(&self) -> Duration {
        let most = self.typical.map_or(SHORTEST_POLL, |typical| typical.mul_f64(0.8));
        most.max(SHORTEST_POLL)
    }
}
