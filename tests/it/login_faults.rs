//! Every operation of signing in again with every fault: it gets through, or stops in AWS's words with the next command and
//! the right exit code; and once more on a healthy server, somebody is signed in. Kept in `docs/login-faults.md`.

use super::support::faulty::{Wrong, ended, named, operations, says_it, stage, struck};
use super::support::kept_table::KeptTable;
use super::support::{ANSWERS, Stage, WILLING};

const LOGIN: [&str; 4] = ["login", "--again", "--wait=60s", "--output=json"];

fn signed_in() -> Stage {
    let stage = stage(named("enabled"));
    let args = [&["run", "--output=json"], &WILLING[..], &ANSWERS[..]].concat();
    ended(&stage, &args).expect(0);
    stage.server.clear_calls();
    stage
}

fn cell(operation: &str, fault: &Wrong) -> String {
    let stage = signed_in();
    let ran = struck(&stage, operation, fault, &LOGIN);
    let envelope = ran.envelope();
    let came_of_it = if ran.code == 0 {
        let caller = envelope["caller"]["arn"].as_str().unwrap().to_owned();
        assert!(caller.ends_with("/Admin"), "{operation} with {}: {caller}", fault.name);
        "through".to_owned()
    } else {
        says_it(&envelope["error"], operation, fault);
        ran.code.to_string()
    };
    stage.server.heal();
    ended(&stage, &LOGIN).expect(0);
    came_of_it
}

#[test]
fn every_operation_of_signing_in_again_with_every_fault_gets_through_or_stops_well() {
    let stage = signed_in();
    ended(&stage, &LOGIN).expect(0);
    let kept = KeptTable {
        file: "docs/login-faults.md",
        about: "# Every operation of signing in again with every fault\n\n\
            What comes of a fault at the first call of an operation, at its second, or at each (*for good*), when `login --again` signs in \
            on a finished account: it gets *through*, or it stops with an exit code. Once more on a healthy server, somebody \
            is signed in. Made by `FULL_SWEEPS=1 UPDATE_FAULTS=1 cargo test login_faults`.\n\n",
    };
    kept.is_what_comes_of(&operations(&stage, 0), 29, cell);
}
