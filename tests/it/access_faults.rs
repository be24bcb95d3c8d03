//! Applies of access files that are killed, that get a fault, or that run at the same time. Another apply always completes
//! what is left, and then everything is as after one undisturbed apply. Tests a fixed sample of the changes and faults, and
//! all of them with `FULL_SWEEPS=1`. `access_commands` tests two applies on one machine.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use idc_sim::Cloud;
use serde_json::Value;

use super::support::by_name::{by_name, differences};
use super::support::fault_table::can_fail_later;
use super::support::faulty::{FaultCase, NO_RESPONSE, faults, run_to_end, run_with_fault_at};
use super::support::kill_points::{is_full_sweep, kill_at_call, sample, try_each};
use super::support::team::{organization, users, write};
use super::support::{RunResult, TestEnv, is_mutating};

const APPLY: [&str; 5] = ["access", "apply", "--prune", "--max-deletes=50", "--output=json"];

/// Two users, two groups, two permission sets with several policies, and four assignments.
static TEAM: LazyLock<String> = LazyLock::new(|| ["format = 1\nname = \"acme\"\n", users(), GROUPS_AND_SETS].concat());

/// What [`TEAM`] has besides its users.
const GROUPS_AND_SETS: &str = r#"[[group]]
name = "platform"
members = ["ada", "bob"]
membership = "exactly"

[[group]]
name = "audit"
members = ["bob"]
membership = "exactly"

[[permission-set]]
name = "Admin"
session-duration = "8h"
managed-policies = ["AdministratorAccess", "ReadOnlyAccess"]
inline-policy = { Statement = [{ Effect = "Deny", Action = "iam:*", Resource = "*" }] }
tags = { team = "platform" }

[[permission-set]]
name = "Read"
managed-policies = ["ReadOnlyAccess"]
customer-managed-policies = ["Deploy"]
permissions-boundary = "job-function/Billing"

[[assignment]]
principals = ["group:platform"]
permission-sets = ["Admin"]
accounts = ["111111111111", "222222222222"]

[[assignment]]
principals = ["group:audit", "user:ada"]
permission-sets = ["Read"]
accounts = ["333333333333"]
"#;

/// The team without one of its users, groups and permission sets, with another user, and with other settings of the
/// permission set that it keeps.
const SMALLER_TEAM: &str = r#"format = 1
name = "acme"

[[user]]
name = "ada"
absent = true

[[user]]
name = "bob"
email = "bob@example.com"
given-name = "Robert"
family-name = "Byron"

[[user]]
name = "eve"
email = "eve@example.com"
given-name = "Eve"
family-name = "Moneypenny"

[[group]]
name = "platform"
description = "Runs the platform"
members = ["bob", "eve"]
membership = "exactly"

[[group]]
name = "audit"
absent = true

[[permission-set]]
name = "Admin"
session-duration = "4h"
managed-policies = ["AdministratorAccess"]
tags = { team = "all" }

[[assignment]]
principals = ["group:platform"]
permission-sets = ["Admin"]
accounts = ["111111111111"]
"#;

/// Another file for the same organization, with its own user, group and permission set.
const OTHER_TEAM: &str = r#"format = 1
name = "other"

[[user]]
name = "carol"
email = "carol@example.com"
given-name = "Carol"
family-name = "Shaw"

[[group]]
name = "billing"
members = ["carol"]
membership = "exactly"

[[permission-set]]
name = "Billing"
managed-policies = ["job-function/Billing"]

[[assignment]]
principals = ["group:billing", "user:carol"]
permission-sets = ["Billing"]
accounts = ["111111111111", "333333333333"]
"#;

/// An organization with an access file in the home folder.
fn with_file(cloud: Cloud, file: &str) -> TestEnv {
    let env = TestEnv::with(cloud);
    write(&env, file);
    env
}

/// An organization without the team.
fn before_team() -> Cloud {
    let env = TestEnv::with(organization());
    env.add_policy("Deploy", "/");
    env.server.cloud().clone()
}

/// An organization with the team.
fn with_team() -> Cloud {
    let env = with_file(before_team(), &TEAM);
    env.run(&APPLY).expect(0);
    env.server.cloud().clone()
}

/// A situation in which an apply has something to do.
struct Situation {
    what: &'static str,
    cloud: Cloud,
    file: &'static str,
}

impl Situation {
    /// A team is created; and a part of it is deleted, and another part changed.
    fn all() -> [Self; 2] {
        [
            Self {
                what: "creating a team",
                cloud: before_team(),
                file: &TEAM,
            },
            Self {
                what: "changing and deleting a team",
                cloud: with_team(),
                file: SMALLER_TEAM,
            },
        ]
    }

    fn env(&self) -> TestEnv {
        with_file(self.cloud.clone(), self.file)
    }

    /// Applies the file without a disturbance.
    fn undisturbed(&self) -> Undisturbed {
        let env = self.env();
        env.run(&APPLY).expect(0);
        let calls = env.server.calls();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let changes = calls.iter().filter(|call| is_mutating(call)).map(|call| {
            let row = format!("{}:{}", call.service, call.operation);
            let nth = counts.entry(row.clone()).or_default();
            *nth += 1;
            ChangeCall { row, nth: *nth }
        });
        Undisturbed {
            changes: changes.collect(),
            end: by_name(&env.server.cloud()),
        }
    }
}

/// An undisturbed apply.
struct Undisturbed {
    /// The calls that change something.
    changes: Vec<ChangeCall>,
    /// What exists afterwards.
    end: Value,
}

/// The n-th call of an operation that changes something.
#[derive(Debug)]
struct ChangeCall {
    /// The service and the operation.
    row: String,
    nth: u32,
}

impl ChangeCall {
    fn operation(&self) -> &str {
        self.row.split_once(':').unwrap().1
    }
}

/// Applies again, and describes what is not as after an undisturbed apply; an empty string if everything is.
fn problem_of_next_apply(env: &TestEnv, expected: &Value) -> String {
    let again = run_to_end(env, &APPLY);
    let differences = differences(&by_name(&env.server.cloud()), expected);
    if again.code == 0 && differences.is_empty() {
        return String::new();
    }
    format!("exit {}\n{}\n{differences}", again.code, again.summary())
}

/// A change at which an apply is killed.
#[derive(Debug, Clone, Copy)]
struct KillAt<'a> {
    change: &'a ChangeCall,
    /// Whether it is killed before the change takes effect, or after.
    is_before: bool,
}

#[test]
fn the_next_apply_completes_after_a_kill_at_any_change() {
    for situation in Situation::all() {
        let undisturbed = situation.undisturbed();
        let changes = undisturbed.changes.iter();
        let points = changes.flat_map(|change| [true, false].map(|is_before| KillAt { change, is_before }));
        let points = sample(points.collect(), 6);
        let what = format!("{}, killed", situation.what);
        try_each(&what, "0 lost, 0 duplicated", &points, |point| {
            let env = situation.env();
            let operation = Some(point.change.operation());
            if !kill_at_call(&env, &APPLY, operation, point.change.nth, point.is_before) {
                return None;
            }
            Some(problem_of_next_apply(&env, &undisturbed.end))
        });
    }
}

/// A change with a fault.
#[derive(Clone, Copy)]
struct FaultAt<'a> {
    change: &'a ChangeCall,
    fault: &'a FaultCase,
}

impl FaultAt<'_> {
    /// Whether the service can have this fault here.
    fn is_possible(&self) -> bool {
        !self.fault.is_permanent && (!self.fault.fails_later() || can_fail_later(&self.change.row))
    }

    /// Whether the apply waits until a time limit ends.
    fn is_slow(&self) -> bool {
        // A permission set whose assignment only seems to be gone cannot be deleted.
        let seems_gone = self.fault.name == "not found" && self.change.operation() == "DeleteAccountAssignment";
        self.fault.name == NO_RESPONSE || seems_gone
    }
}

impl fmt::Debug for FaultAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, {}", self.change.row, self.change.nth, self.fault.name)
    }
}

#[test]
fn the_next_apply_completes_after_any_fault_at_any_change() {
    let faults = faults();
    for situation in Situation::all() {
        let undisturbed = situation.undisturbed();
        let changes = undisturbed.changes.iter();
        let points = changes.flat_map(|change| faults.iter().map(move |fault| FaultAt { change, fault }));
        let points = points.filter(|point| point.is_possible() && (is_full_sweep() || !point.is_slow()));
        let points = sample(points.collect(), 8);
        let what = format!("{}, with faults", situation.what);
        try_each(&what, "0 lost, 0 duplicated", &points, |point| {
            let env = situation.env();
            run_with_fault_at(&env, &point.change.row, point.change.nth, point.fault, &APPLY);
            env.server.heal();
            Some(problem_of_next_apply(&env, &undisturbed.end))
        });
    }
}

/// Applies the file in this home folder.
fn apply_from(env: &TestEnv, home: &Path, file: &str) -> Command {
    std::fs::write(home.join("access.toml"), file).unwrap();
    let mut command = env.command(&APPLY);
    command.env("HOME", home).current_dir(home);
    command
}

/// Applies both files from two home folders, at the same time.
fn apply_at_once(env: &TestEnv, files: [&str; 2]) {
    let homes = files.map(|_| tempfile::tempdir().unwrap());
    let commands = [0, 1].map(|n| apply_from(env, homes[n].path(), files[n]));
    let running = commands.map(|mut command| {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    });
    for child in running {
        RunResult::new(child.wait_with_output().unwrap()).expect(0);
    }
}

/// What exists after these files were applied one after the other.
fn one_after_the_other(files: &[&str]) -> Value {
    let env = TestEnv::with(before_team());
    for file in files {
        write(&env, file);
        env.run(&APPLY).expect(0);
    }
    by_name(&env.server.cloud())
}

#[track_caller]
fn assert_same(env: &TestEnv, expected: &Value) {
    let differences = differences(&by_name(&env.server.cloud()), expected);
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn two_machines_can_apply_the_same_file_at_once() {
    let env = TestEnv::with(before_team());
    // Each call takes a while, so that those of both applies mix.
    env.slow_down(20);
    apply_at_once(&env, [&TEAM, &TEAM]);
    assert_same(&env, &one_after_the_other(&[&TEAM]));
    apply_at_once(&env, [SMALLER_TEAM, SMALLER_TEAM]);
    assert_same(&env, &one_after_the_other(&[&TEAM, SMALLER_TEAM]));
}

#[test]
fn two_machines_can_apply_different_files_at_once_and_neither_takes_what_the_other_gave() {
    let env = TestEnv::with(before_team());
    env.slow_down(20);
    apply_at_once(&env, [&TEAM, OTHER_TEAM]);
    assert_same(&env, &one_after_the_other(&[&TEAM, OTHER_TEAM]));
    let fewer = OTHER_TEAM.replace(", \"333333333333\"", "");
    apply_at_once(&env, [SMALLER_TEAM, &fewer]);
    assert_same(&env, &one_after_the_other(&[&TEAM, OTHER_TEAM, SMALLER_TEAM, &fewer]));
}
