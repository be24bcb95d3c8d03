//! Every operation of a run with every fault: it gets through, or stops with the step, AWS's words, the next command and
//! the right exit code; and run again on a healthy server, it ends. What came of each is kept in `docs/faults.md`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use idc_sim::FaultKind;

use super::support::faulty::{self, Wrong, ended, named, says_it, struck};
use super::support::kept_table::KeptTable;
use super::support::{ANSWERS, Ran, TestEnv, WILLING};

fn args() -> Vec<&'static str> {
    [&["run", "--output=json", "--create-trail"], &WILLING[..], &ANSWERS[..]].concat()
}

/// Every operation that a whole run on a fresh account uses.
fn operations() -> Vec<String> {
    let env = faulty::env(named("fresh"));
    ended(&env, &args()).expect(0);
    faulty::operations(&env, 0)
}

/// What came of one fault at the first call of one operation.
fn cell(operation: &str, fault: &Wrong) -> String {
    let env = faulty::env(named("fresh"));
    let ran = struck(&env, operation, fault, &args());
    let came_of_it = if ran.code == 0 {
        through(operation, &ran, fault)
    } else {
        let envelope = ran.envelope();
        let steps = envelope["steps"].as_array().unwrap().iter();
        let troubled = steps.filter(|step| !step["error"].is_null() && step["importance"] != "recommendation");
        let mut errors: Vec<(String, serde_json::Value)> = troubled
            .map(|step| (step["slug"].as_str().unwrap().to_owned(), step["error"].clone()))
            .collect();
        if !envelope["error"].is_null() {
            errors.insert(0, ("before the steps".to_owned(), envelope["error"].clone()));
        }
        let open = envelope["steps"].as_array().unwrap().iter().find(|step| {
            ["different", "blocked", "waiting_for_person", "to_do"].contains(&step["state"].as_str().unwrap())
        });
        if let Some((step, error)) = errors.first() {
            says_it(error, operation, fault);
            format!("{} at {step}", ran.code)
        } else {
            // Nothing failed; something is not as it was asked for, and says so with a way on.
            let step = open.unwrap_or_else(|| panic!("{operation}: exit {} and nothing open: {envelope:#}", ran.code));
            format!(
                "{}, {} at {}",
                ran.code,
                step["state"].as_str().unwrap(),
                step["slug"].as_str().unwrap()
            )
        }
    };
    env.server.heal();
    let again = ended(&env, &args());
    assert_eq!(again.code, 0, "{operation}: run again: {}", again.summary());
    assert_eq!(env.counts(), [1; 5], "{operation}");
    let kept = env.state();
    assert_eq!(kept["intents"], serde_json::json!([]), "{operation}");
    // On a fresh account all of it was made by the two runs, whatever came between.
    for resource in kept["resources"].as_array().unwrap() {
        let is_ours = resource["origin"] == "created" || resource["kind"] == "instance";
        assert!(is_ours, "{operation}: {resource}");
    }
    came_of_it
}

/// It ended well; a recommendation that did not is told, with the way on.
fn through(operation: &str, ran: &Ran, fault: &Wrong) -> String {
    let envelope = ran.envelope();
    let mut steps = envelope["steps"].as_array().unwrap().iter();
    let Some(told) = steps.find(|step| !step["error"].is_null()) else {
        return "through".to_owned();
    };
    assert_eq!(told["importance"], "recommendation", "{operation}: {told:#}");
    says_it(&told["error"], operation, fault);
    format!("through, told at {}", told["slug"].as_str().unwrap())
}

#[test]
fn every_operation_with_every_fault_gets_through_or_stops_well_and_ends_when_run_again() {
    let kept = KeptTable {
        file: "docs/faults.md",
        about: "# Every operation with every fault\n\n\
            What comes of a fault at the first call of an operation, at its second, or at each (*for good*), in a whole run on a fresh account with `--create-trail`: \
            it gets *through*, or it stops with an exit code at a step; a recommendation that fails is *told* and ends no run. Run again on a healthy server, every one of them ends \
            with everything there once. Made by `FULL_SWEEPS=1 UPDATE_FAULTS=1 cargo test faults`.\n\n",
    };
    // A prime step meets every fault and many operations.
    kept.is_what_comes_of(&operations(), 67, cell);
}

/// What `--update` does to a set that was found, on an account where accounts have it.
fn updating() -> Vec<&'static str> {
    let updates = [
        "--session-duration=8h",
        "--update=permission-set",
        "--email=admin@example.com",
    ];
    [&["run", "--output=json"], &WILLING[..], &updates[..]].concat()
}

/// What came of one fault at the first call of an operation that only an update uses.
fn cell_of_an_update(operation: &str, fault: &Wrong) -> String {
    let env = faulty::env(super::undo_updates::other_set());
    let ran = struck(&env, operation, fault, &updating());
    let came_of_it = if ran.code == 0 {
        through(operation, &ran, fault)
    } else {
        let envelope = ran.envelope();
        let mut steps = envelope["steps"].as_array().unwrap().iter();
        let step = steps.find(|step| !step["error"].is_null()).unwrap();
        says_it(&step["error"], operation, fault);
        format!("{} at {}", ran.code, step["slug"].as_str().unwrap())
    };
    env.server.heal();
    let again = ended(&env, &updating());
    assert_eq!(again.code, 0, "{operation}: run again: {}", again.summary());
    assert_eq!(env.state()["intents"], serde_json::json!([]), "{operation}");
    let cloud = env.server.cloud();
    let (set, role) = (&cloud.permission_sets[0], &cloud.roles[0]);
    assert_eq!(set.session_duration, "PT8H", "{operation}");
    assert_eq!(
        set.managed_policies,
        ["arn:aws:iam::aws:policy/AdministratorAccess"],
        "{operation}"
    );
    assert_eq!(role.managed_policies, set.managed_policies, "{operation}: provisioned");
    came_of_it
}

#[test]
fn every_operation_of_an_update_with_every_fault_gets_through_or_stops_well_and_ends_when_run_again() {
    let env = faulty::env(super::undo_updates::other_set());
    ended(&env, &updating()).expect(0);
    let of_a_run = operations();
    let mut own = faulty::operations(&env, 0);
    own.retain(|operation| !of_a_run.contains(operation));
    let changes = [
        "UpdatePermissionSet",
        "AttachManagedPolicyToPermissionSet",
        "DetachManagedPolicyFromPermissionSet",
        "ProvisionPermissionSet",
    ];
    own.extend(
        changes
            .map(|operation| format!("sso-admin:{operation}"))
            .into_iter()
            .filter(|operation| of_a_run.contains(operation)),
    );
    own.sort();
    own.dedup();
    let kept = KeptTable {
        file: "docs/update-faults.md",
        about: "# Every operation of an update with every fault\n\n\
            What comes of a fault at the first call of an operation, at its second, or at each (*for good*), that `--update=permission-set` uses besides \
            those of `faults.md`, on an account where the set is there and says something else: it gets *through*, or it stops \
            with an exit code at a step. Run again on a healthy server, every one of them ends with the set as it was asked for, \
            in every account that has it. Made by `FULL_SWEEPS=1 UPDATE_FAULTS=1 cargo test faults`.\n\n",
    };
    kept.is_what_comes_of(&own, 41, cell_of_an_update);
}

/// Another person's machine: the same account, a home of its own.
fn elsewhere(env: &TestEnv, home: &Path) -> Command {
    let mut command = env.command(&args());
    command.env("HOME", home).current_dir(home);
    command
}

/// The things of a kind that a run names, by whose they are.
fn how(ran: &Ran, kind: &str) -> Vec<String> {
    let envelope = ran.envelope();
    let steps = envelope["steps"].as_array().unwrap().iter();
    let resources = steps.flat_map(|step| step["resources"].as_array().unwrap().clone());
    let of_kind = resources.filter(|resource| resource["kind"] == kind);
    of_kind
        .map(|resource| resource["origin"].as_str().unwrap().to_owned())
        .collect()
}

/// The first run's create takes long; a colleague's run, begun and ended meanwhile, makes the thing.
fn a_colleague_is_quicker(operation: &str, kind: &str) {
    let env = TestEnv::new("fresh");
    let home = tempfile::tempdir().unwrap();
    env.fault(operation, 1, FaultKind::Delay(Duration::from_secs(14)));
    let first = env
        .command(&args())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The intent is written down right before the call.
    let started = Instant::now();
    let is_begun = || {
        let text = std::fs::read_to_string(env.state_file()).unwrap_or_default();
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let intents = kept["intents"].as_array().cloned().unwrap_or_default();
        intents.iter().any(|intent| intent["kind"] == kind)
    };
    while !is_begun() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{operation} was never begun"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let colleague = Ran::of(elsewhere(&env, home.path()).output().unwrap()).expect(0);
    let ran = Ran::of(first.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{operation}: {}", ran.summary());
    assert_eq!(how(&ran, kind), ["existing"], "{operation}: the slower one's");
    assert_eq!(how(&colleague, kind), ["created"], "{operation}: the colleague's");
    assert_eq!(env.counts(), [1; 5], "{operation}");
}

#[test]
fn what_a_colleague_makes_between_look_and_create_is_found_and_never_called_ours() {
    std::thread::scope(|scope| {
        for (operation, kind) in [
            ("CreateOrganization", "organization"),
            ("CreateUser", "user"),
            ("CreateGroup", "group"),
            ("CreateGroupMembership", "group_membership"),
            ("CreatePermissionSet", "permission_set"),
            ("CreateAccountAssignment", "account_assignment"),
        ] {
            scope.spawn(move || a_colleague_is_quicker(operation, kind));
        }
    });
}

#[test]
fn two_machines_at_once_double_nothing_and_each_thing_is_made_by_one() {
    for _ in 0..3 {
        let env = TestEnv::new("organization");
        let home = tempfile::tempdir().unwrap();
        let start = |mut command: Command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (one, other) = (start(env.command(&args())), start(elsewhere(&env, home.path())));
        let (one, other) = (
            Ran::of(one.wait_with_output().unwrap()),
            Ran::of(other.wait_with_output().unwrap()),
        );
        assert_eq!((one.code, other.code), (0, 0), "{}\n{}", one.summary(), other.summary());
        let made = |ran: &Ran, kind: &str| -> usize {
            let envelope = ran.envelope();
            let steps = envelope["steps"].as_array().unwrap().iter();
            let resources = steps.flat_map(|step| step["resources"].as_array().unwrap().clone());
            resources
                .filter(|resource| resource["kind"] == kind && resource["origin"] == "created")
                .count()
        };
        for kind in [
            "user",
            "group",
            "group_membership",
            "permission_set",
            "account_assignment",
        ] {
            assert_eq!(made(&one, kind) + made(&other, kind), 1, "{kind}: made by one of them");
        }
        assert_eq!(env.counts(), [1; 5]);
    }
}

#[test]
fn of_ten_wizards_on_one_state_one_works_and_nine_say_who_does() {
    let env = TestEnv::new("enabled");
    env.slow_down(40);
    let start = |_| {
        let mut command = env.command(&args());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..10).map(start).collect();
    let ids: Vec<u32> = children.iter().map(std::process::Child::id).collect();
    let ended: Vec<Ran> = children
        .into_iter()
        .map(|child| Ran::of(child.wait_with_output().unwrap()))
        .collect();
    let worked: Vec<usize> = (0..10).filter(|n| ended[*n].code == 0).collect();
    assert_eq!(
        worked.len(),
        1,
        "{:?}",
        ended.iter().map(|ran| ran.code).collect::<Vec<_>>()
    );
    for (n, ran) in ended.iter().enumerate().filter(|(n, _)| *n != worked[0]) {
        assert_eq!(ran.code, 6, "{n}: {}", ran.summary());
        let message = ran.envelope()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("process {}", ids[worked[0]])), "{message}");
    }
}
