//! What happens while a plan is applied: a bar with an estimate and a line for each group of accounts, or lines of JSON.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::counts::Verb;
use super::grants;
use super::json::{ChangeOut, Event};
use super::view::PlanView;
use super::words;
use crate::access::apply::{Events, Outcome};
use crate::access::plan::{Action, Change, Plan};
use crate::ids::AccountId;
use crate::limits::{FRAME, PROGRESS_LINES};
use crate::resources::inventory::Accounts;
use crate::text::clean;
use crate::ui::screen::Screen;
use crate::ui::terminal::RawInput;
use crate::user_error::UserError;

/// How progress is shown.
enum Display {
    /// A bar below the lines.
    Bar(ProgressBar),
    /// Only lines.
    Lines,
    /// Each event as a line of JSON.
    Events,
}

/// Shows what happens while a plan is applied. Dropping it ends the display.
pub struct ApplyProgress<'a> {
    screen: &'a Screen,
    accounts: &'a Accounts,
    display: Display,
    groups: RefCell<BTreeMap<String, Group>>,
    all: usize,
    ended: Cell<usize>,
    /// What became of each change that was begun, by its address in the plan.
    known: RefCell<BTreeMap<usize, State>>,
    /// The reasons of failures so far. Each is shown once.
    reasons: RefCell<BTreeSet<String>>,
    failed: Cell<usize>,
    in_progress: Cell<usize>,
    is_stopping: Cell<bool>,
    began: Instant,
    /// When the next line about the progress is due, from the beginning; only without a bar.
    next_line: Cell<Duration>,
    estimate: Duration,
    /// An echo of Ctrl-C would go below the bar, which could then not be cleared.
    _input: Option<RawInput>,
}

/// What became of a change.
#[derive(Debug, Clone)]
enum State {
    /// It was begun.
    Begun,
    /// It was made.
    Done,
    /// It failed.
    Failed(Box<UserError>),
}

/// A change of the plan, of which there can be several that are equal.
fn address(change: &Change) -> usize {
    std::ptr::from_ref(change).addr()
}

/// Changes that are shown in one line: the assignments of an organizational unit, or the changes of one kind.
#[derive(Debug, Default)]
struct Group {
    all: usize,
    created: usize,
    changed: usize,
    deleted: usize,
    failed: usize,
    accounts: BTreeSet<AccountId>,
}

impl Group {
    fn is_over(&self) -> bool {
        self.all == self.created + self.changed + self.deleted + self.failed
    }

    /// `40 created, 2 failed in 20 accounts`.
    fn text(&self) -> String {
        let counts = [
            (self.created, "created"),
            (self.changed, "changed"),
            (self.deleted, "deleted"),
            (self.failed, "failed"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        let accounts = match self.accounts.len() {
            0 => String::new(),
            count => format!(" in {}", words::counted(count, "account")),
        };
        format!("{}{accounts}", counts.join(", "))
    }
}

impl<'a> ApplyProgress<'a> {
    /// Begins the display of a plan. `has_bar` if the terminal can be redrawn.
    pub fn new(screen: &'a Screen, view: &PlanView<'a>, has_bar: bool, has_events: bool) -> Self {
        let changes = &view.plan.changes;
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for change in changes {
            let group = groups.entry(group_of(change, &view.inventory.accounts)).or_default();
            group.all += 1;
            group.accounts.extend(account_of(change).cloned());
        }
        let has_bar = has_bar && !has_events && !screen.quiet;
        let progress = Self {
            screen,
            accounts: &view.inventory.accounts,
            display: match (has_events, has_bar) {
                (true, _) => Display::Events,
                (false, true) => Display::Bar(bar(screen, changes.len())),
                (false, false) => Display::Lines,
            },
            groups: RefCell::new(groups),
            all: changes.len(),
            ended: Cell::new(0),
            known: RefCell::default(),
            reasons: RefCell::default(),
            failed: Cell::new(0),
            in_progress: Cell::new(0),
            is_stopping: Cell::new(false),
            began: Instant::now(),
            next_line: Cell::new(PROGRESS_LINES),
            estimate: view.duration,
            _input: has_bar.then(RawInput::new),
        };
        progress.event(|| Event::Started {
            changes: changes.len(),
            estimated_calls: view.calls,
            estimated_seconds: view.duration.as_secs(),
        });
        progress.update();
        progress
    }

    /// What became of the plan so far, for an apply that is ended at once. It does not count the requests.
    pub fn so_far(&self, plan: &Plan) -> Outcome {
        let known = self.known.borrow();
        let mut outcome = Outcome {
            stopped: true,
            ..Outcome::default()
        };
        for change in &plan.changes {
            match known.get(&address(change)) {
                None => outcome.not_begun.push(change.clone()),
                Some(State::Begun) => outcome.in_progress.push(change.clone()),
                Some(State::Failed(error)) => outcome.failed.push((change.clone(), UserError::clone(error))),
                Some(State::Done) => {
                    outcome.done.push(change.clone());
                    if let Action::CreateUser(spec) = &change.action {
                        outcome.new_users.insert(spec.name.clone(), None);
                    }
                }
            }
        }
        outcome
    }

    /// The user asked to end.
    pub fn stopping(&self) {
        self.is_stopping.set(true);
        self.event(|| Event::Stopping);
        self.line("Stopping as soon as AWS has answered. Ctrl-C again stops at once.");
        self.update();
    }

    /// Prints an event, if events are wanted.
    fn event(&self, event: impl FnOnce() -> Event) {
        if matches!(self.display, Display::Events)
            && let Ok(json) = serde_json::to_string(&event())
        {
            self.screen.event(&json);
        }
    }

    /// Prints a line above the bar.
    fn line(&self, line: &str) {
        match &self.display {
            Display::Bar(bar) => bar.suspend(|| self.screen.talk(line)),
            Display::Lines => self.screen.talk(line),
            Display::Events => {}
        }
    }

    /// Updates the bar, or prints a line if one is due.
    fn update(&self) {
        match &self.display {
            Display::Bar(bar) => {
                bar.set_position(u64::try_from(self.ended.get()).unwrap_or(u64::MAX));
                bar.set_message(self.message());
            }
            Display::Lines => {
                if let Some(line) = self.due_line() {
                    self.line(&line);
                }
            }
            Display::Events => {}
        }
    }

    /// `120 of 500 changes done, about 40 seconds left`, if a line is due and something is left.
    fn due_line(&self) -> Option<String> {
        let elapsed = self.began.elapsed();
        if elapsed < self.next_line.get() || self.ended.get() == self.all {
            return None;
        }
        // At fixed times, so that a line that comes late does not put off the next one.
        let periods = elapsed.as_secs() / PROGRESS_LINES.as_secs() + 1;
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        self.next_line.set(PROGRESS_LINES.saturating_mul(periods));
        let done = self.ended.get() - self.failed.get();
        let all = words::counted(self.all, "change");
        Some(format!("{done} of {all} done{}", self.message()))
    }

    /// How long the rest takes if that is known, what is in progress, and how much has failed; each after a comma.
    fn message(&self) -> String {
        let in_progress = match self.in_progress.get() {
            0 => String::new(),
            count => format!(", {count} in progress"),
        };
        let failed = match self.failed.get() {
            0 => String::new(),
            count => format!(", {count} failed"),
        };
        let left = if self.is_stopping.get() {
            ", stopping".to_owned()
        } else {
            let left = remaining(self.estimate, self.began.elapsed(), self.ended.get(), self.all);
            left.map_or_else(String::new, |left| format!(", about {} left", words::rough_time(left)))
        };
        format!("{left}{in_progress}{failed}")
    }

    /// A change has ended: counts it, and prints its group if it was the last one.
    fn end(&self, change: &Change, is_done: bool) {
        self.ended.set(self.ended.get() + 1);
        let name = group_of(change, self.accounts);
        let mut groups = self.groups.borrow_mut();
        let Some(group) = groups.get_mut(&name) else { return };
        match (is_done, Verb::of(change)) {
            (false, _) => group.failed += 1,
            (true, Verb::Create) => group.created += 1,
            (true, Verb::Change) => group.changed += 1,
            (true, Verb::Delete) => group.deleted += 1,
        }
        if group.is_over() {
            let sign = if group.failed == 0 { "✔" } else { "✘" };
            self.line(&format!("{sign} {}: {}", clean(&name), group.text()));
        }
        drop(groups);
        self.update();
    }
}

impl Events for ApplyProgress<'_> {
    fn begun(&self, change: &Change) {
        self.known.borrow_mut().insert(address(change), State::Begun);
        self.event(|| Event::Begun {
            change: ChangeOut::of(change, self.accounts),
        });
    }

    fn done(&self, change: &Change) {
        self.known.borrow_mut().insert(address(change), State::Done);
        self.end(change, true);
        self.event(|| Event::Done {
            change: ChangeOut::of(change, self.accounts),
            ended: self.ended.get(),
            of: self.all,
        });
    }

    fn failed(&self, change: &Change, why: &UserError) {
        self.known
            .borrow_mut()
            .insert(address(change), State::Failed(Box::new(why.clone())));
        self.failed.set(self.failed.get() + 1);
        // With a thousand failures for one reason, the others would only push it off the screen.
        if self.reasons.borrow_mut().insert(why.message.clone()) {
            let sentence = words::sentence(&change.action, self.accounts);
            self.line(&format!("✘ Failed: {sentence} {}", why.message));
        }
        self.end(change, false);
        self.event(|| Event::Failed {
            change: ChangeOut::of(change, self.accounts),
            message: why.message.clone(),
            ended: self.ended.get(),
            of: self.all,
        });
    }

    fn waiting(&self, in_progress: usize, queued: usize) {
        if self.in_progress.replace(in_progress) != in_progress {
            self.event(|| Event::Waiting {
                in_flight: in_progress,
                queued,
            });
        }
        self.update();
    }
}

impl Drop for ApplyProgress<'_> {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

fn bar(screen: &Screen, all: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos} of {len}{msg}") {
        let chars = if screen.ascii { "=> " } else { "━╸ " };
        bar.set_style(style.progress_chars(chars));
    }
    bar.enable_steady_tick(FRAME);
    bar
}

/// The account of an assignment.
fn account_of(change: &Change) -> Option<&AccountId> {
    match &change.action {
        Action::CreateAssignment(name) => Some(&name.account),
        Action::DeleteAssignment { key, .. } => Some(&key.account),
        _ => None,
    }
}

/// The group in which a change is shown.
fn group_of(change: &Change, accounts: &Accounts) -> String {
    match &change.action {
        Action::CreateUser(_) | Action::UpdateUser { .. } => "Users".to_owned(),
        Action::CreateGroup { .. } | Action::UpdateGroup { .. } => "Groups".to_owned(),
        Action::AddMember { .. } => "Memberships".to_owned(),
        Action::CreatePermissionSet(_) | Action::UpdatePermissionSet { .. } => "Permission sets".to_owned(),
        Action::CreateAssignment(name) => in_unit("Access", accounts, &name.account),
        Action::RemoveMember { .. } => "Removed memberships".to_owned(),
        Action::DeleteAssignment { key, .. } => in_unit("Removed access", accounts, &key.account),
        Action::DeletePermissionSet { .. } => "Removed permission sets".to_owned(),
        Action::DeleteGroup { .. } => "Deleted groups".to_owned(),
        Action::DeleteUser { .. } => "Deleted users".to_owned(),
    }
}

/// `Access, Workloads/Prod`; with the IDs of the units if their names were not read.
fn in_unit(what: &str, accounts: &Accounts, id: &AccountId) -> String {
    match grants::unit_of(accounts, id).or_else(|| grants::path_of(accounts, id)) {
        Some(unit) => format!("{what}, {unit}"),
        None => what.to_owned(),
    }
}

/// How long the rest takes: at first as estimated, and later at the measured rate. `None` if it takes longer than estimated,
/// and too little has ended to measure the rate.
fn remaining(estimate: Duration, elapsed: Duration, ended: usize, all: usize) -> Option<Duration> {
    let (ended, all) = (
        u32::try_from(ended).unwrap_or(u32::MAX),
        u32::try_from(all).unwrap_or(u32::MAX),
    );
    // A tenth of the changes says more than the estimate.
    if ended == 0 || ended < all / 10 {
        return estimate.checked_sub(elapsed);
    }
    Some(elapsed.mul_f64(f64::from(all.saturating_sub(ended)) / f64::from(ended)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_step::NextSteps;
    use crate::reconcile::Instance;
    use crate::resources::inventory::{Account, Inventory, Unit};

    #[test]
    fn the_remaining_time_follows_the_measured_rate() {
        let seconds = Duration::from_secs;
        assert_eq!(remaining(seconds(100), seconds(10), 0, 50), Some(seconds(90)));
        assert_eq!(remaining(seconds(100), seconds(10), 4, 50), Some(seconds(90)));
        assert_eq!(remaining(seconds(100), seconds(10), 25, 50), Some(seconds(10)));
        assert_eq!(remaining(seconds(5), seconds(10), 0, 50), None);
        assert_eq!(remaining(seconds(5), seconds(10), 4, 50), None);
        assert_eq!(remaining(seconds(5), seconds(10), 50, 50), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_known_at_any_time_is_an_outcome() {
        let group = |name: &str| Change {
            action: Action::CreateGroup {
                name: name.to_owned(),
                description: None,
            },
            place: None,
        };
        let plan = Plan {
            // Two of them are equal, and still are two changes.
            changes: vec![group("a"), group("b"), group("b"), group("c")],
            ..Plan::default()
        };
        let inventory = Inventory {
            instance: Instance {
                arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap(),
                store: "d-1234567890".parse().unwrap(),
                region: "eu-central-1".parse().unwrap(),
                owner: "111122223333".parse().unwrap(),
            },
            accounts: Accounts::default(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            memberships: BTreeMap::new(),
            groups_read: BTreeSet::new(),
            members_read: BTreeSet::new(),
            reads_every_pair: true,
            permission_sets: BTreeMap::new(),
            assignments: BTreeSet::new(),
            assignments_read: BTreeSet::new(),
        };
        let view = PlanView {
            name: "acme",
            plan: &plan,
            inventory: &inventory,
            calls: 4,
            duration: Duration::from_secs(1),
            assumptions: &[],
        };
        let screen = Screen::default().quieted();
        let progress = ApplyProgress::new(&screen, &view, false, false);
        for change in &plan.changes[..3] {
            progress.begun(change);
        }
        progress.done(&plan.changes[0]);
        progress.failed(&plan.changes[1], &UserError::failed("It failed.", NextSteps::default()));
        // A line is due from time to time.
        assert_eq!(progress.due_line(), None);
        progress.next_line.set(Duration::ZERO);
        assert_eq!(
            progress.due_line().as_deref(),
            Some("1 of 4 changes done, about 1 second left, 1 failed")
        );
        assert_eq!(progress.due_line(), None);
        let outcome = progress.so_far(&plan);
        assert_eq!(outcome.done, [group("a")]);
        assert_eq!(outcome.failed.len(), 1);
        assert_eq!(outcome.in_progress, [group("b")]);
        assert_eq!(outcome.not_begun, [group("c")]);
        assert!(outcome.stopped);
    }

    #[test]
    fn access_is_shown_by_organizational_unit_also_without_its_name() {
        let id: AccountId = "111122223333".parse().unwrap();
        let account = Account {
            id: id.clone(),
            name: "Prod".to_owned(),
            email: String::new(),
            state: "ACTIVE".to_owned(),
            path: ["r-1", "ou-1", "ou-2"].map(str::to_owned).to_vec(),
            tags: None,
        };
        let mut accounts = Accounts {
            all: BTreeMap::from([(id.clone(), account)]),
            ..Accounts::default()
        };
        assert_eq!(in_unit("Access", &accounts, &id), "Access, ou-1/ou-2");
        let unit = |name: &str, parent: Option<&str>| Unit {
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
        };
        accounts.units.insert("r-1".to_owned(), unit("Root", None));
        accounts.units.insert("ou-1".to_owned(), unit("Workloads", Some("r-1")));
        assert_eq!(in_unit("Access", &accounts, &id), "Access, Workloads");
        accounts.units.clear();
        accounts.all.clear();
        assert_eq!(in_unit("Access", &accounts, &id), "Access");
    }

    #[test]
    fn a_group_is_over_when_each_of_its_changes_has_ended() {
        let mut group = Group {
            all: 3,
            created: 1,
            failed: 1,
            ..Group::default()
        };
        group.accounts.insert("111122223333".parse().unwrap());
        assert!(!group.is_over());
        group.created += 1;
        assert!(group.is_over());
        assert_eq!(group.text(), "2 created, 1 failed in 1 account");
    }
}
