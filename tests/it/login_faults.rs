//! Every operation of signing in again with every fault: it gets through, or stops in AWS's words with the next command and
//! the right exit code; and once more on a healthy server, somebody is signed in. Kept in `docs/login-faults.md`.

use super::support::faulty::{Wrong, ended, env, named, operations, says_it, struck};
use super::support::kept_table::KeptTable;
use super::support::{ANSWERS, TestEnv, WILLING};

const LOGIN: [&str; 4] = ["login", "--again", "--wait=60s", "--output=json"];

fn signed_in() -> TestEnv {
    let env = env(named("enabled"));
    let args = [&["run", "--output=json"], &WILLING[..], &ANSWERS[..]].concat();
    ended(&env, &args).expect(0);
    env.server.clear_calls();
    env
}

fn cell(operation: &str, fault: &Wrong) -> String {
    let env = signed_in();
    let ran = struck(&env, operation, fault, &LOGIN);
    let envelope = ran.envelope();
    let came_of_it = if ran.code == 0 {
        let caller = envelope["signed_in_as"]["arn"].as_str().unwrap().to_owned();
        assert!(caller.ends_with("/Admin"), "{operation} with {}: {caller}", fault.name);
        "through".to_owned()
    } else {
        says_it(&envelope["error"], operation, fault);
        ran.code.to_string()
    };
    env.server.heal();
    ended(&env, &LOGIN).expect(0);
    came_of_it
}

#[test]
fn every_operation_of_signing_in_again_with_every_fault_gets_through_or_stops_well() {
    let env = signed_in();
    ended(&env, &LOGIN).expect(0);
    let kept = KeptTable {
        file: "docs/login-faults.md",
        about: "# Every operation of signing in again with every fault\n\n\
            What comes of a fault at the first call of an operation, at its second, or at each (*for good*), when `login --again` signs in \
            on a finished account: it gets *through*, or it stops with an exit code. Once more on a healthy server, somebody \
            is signed in. Made by `FULL_SWEEPS=1 UPDATE_FAULTS=1 cargo test login_faults`.\n\n",
    };
    kept.is_what_comes_of(&operations(&env, 0), 29, cell);
}
