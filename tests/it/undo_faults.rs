//! Every operation of an undo with every fault: it gets through, or stops with the thing, AWS's words, the next command and
//! the right exit code; and undone again on a healthy server, it ends. What came of each is kept in `docs/undo-faults.md`.

use super::support::faulty::{Wrong, ended, env, named, operations, says_it, struck};
use super::support::kept_table::KeptTable;
use super::support::{ANSWERS, Ran, TestEnv, WILLING};
use super::undo::lasting;

const UNDO: [&str; 3] = ["undo", "--yes", "--output=json"];

/// An account where everything was made, and what it was before.
fn made() -> (TestEnv, serde_json::Value) {
    let env = env(named("enabled"));
    let before = lasting(&env.server.cloud());
    let args = [&["run", "--output=json", "--create-trail"], &WILLING[..], &ANSWERS[..]].concat();
    ended(&env, &args).expect(0);
    env.empty_buckets();
    (env, before)
}

/// The first thing that is still to be removed.
fn stopped_at(ran: &Ran) -> String {
    let envelope = ran.envelope();
    let removals = envelope["removals"].as_array().unwrap();
    let open = removals.iter().find(|removal| removal["disposition"] == "delete");
    open.map_or_else(
        || "before the plan".to_owned(),
        |removal| format!("at {}", removal["kind"].as_str().unwrap()),
    )
}

/// What came of one fault at the first call of one operation.
fn cell(operation: &str, fault: &Wrong) -> String {
    let (env, before) = made();
    let ran = struck(&env, operation, fault, &UNDO);
    let came_of_it = if ran.code == 0 {
        "through".to_owned()
    } else {
        let envelope = ran.envelope();
        if !envelope["error"].is_null() {
            says_it(&envelope["error"], operation, fault);
        }
        let has_changed = || {
            let mut removals = envelope["removals"].as_array().unwrap().iter();
            ran.code == 5 && removals.any(|removal| removal["disposition"] == "changed")
        };
        let leads_back = envelope["error"]["next"].to_string().contains("idc-setup undo");
        assert!(leads_back || has_changed(), "{operation}: {envelope:#}");
        format!("{} {}", ran.code, stopped_at(&ran))
    };
    env.server.heal();
    let again = ended(&env, &UNDO);
    assert_eq!(again.code, 0, "{operation}: undone again: {}", again.summary());
    assert_eq!(lasting(&env.server.cloud()), before, "{operation}");
    came_of_it
}

#[test]
fn every_operation_of_an_undo_with_every_fault_gets_through_or_stops_well_and_ends_when_undone_again() {
    let (env, _) = made();
    let since = env.server.calls().len();
    ended(&env, &UNDO).expect(0);
    let kept = KeptTable {
        file: "docs/undo-faults.md",
        about: "# Every operation of an undo with every fault\n\n\
            What comes of a fault at the first call of an operation, at its second, or at each (*for good*), when everything that a whole run with `--create-trail` \
            has made is taken back: it gets *through*, or it stops with an exit code at a thing. Undone again on a healthy \
            server, every one of them leaves the account as it was. Made by \
            `FULL_SWEEPS=1 UPDATE_FAULTS=1 cargo test undo_faults`.\n\n",
    };
    kept.is_what_comes_of(&operations(&env, since), 113, cell);
}
