//! The number and the order of requests in a run, from the call log.

use super::support::{SKIP_RECOMMENDATIONS, TestEnv, is_mutating};

#[test]
fn a_run_on_the_enabled_scenario_makes_at_most_32_requests() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    let calls = env.counted_calls();
    let names: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert!(calls.len() <= 32, "{} requests: {names:?}", calls.len());
}

#[test]
fn independent_steps_do_not_wait_for_each_other() {
    let env = TestEnv::new("enabled");
    env.slow_down(300);
    env.run_setup(&[]).expect(0);
    let calls = env.server.calls();
    let of = |operation: &str| calls.iter().find(|call| call.operation == operation).expect("a call");
    let (user, set) = (of("CreateUser"), of("CreatePermissionSet"));
    let do_overlap = user.start_us < set.end_us && set.start_us < user.end_us;
    assert!(
        do_overlap,
        "with a latency of 300 ms, the calls overlap unless one waits for the other: {calls:?}"
    );
    let (group, membership) = (of("CreateGroup"), of("CreateGroupMembership"));
    assert!(group.end_us <= membership.start_us);
}

#[test]
fn nothing_is_called_before_the_caller_is_known() {
    let env = TestEnv::new("enabled");
    env.json(&["status"]).expect(3);
    assert_eq!(env.server.calls()[0].operation, "GetCallerIdentity");
}

#[test]
fn nobody_is_assigned_a_permission_set_before_its_policy_is_attached() {
    for latency in [0, 15] {
        let env = TestEnv::new("enabled");
        env.slow_down(latency);
        env.run_setup(&[]).expect(0);
        let calls = env.server.calls();
        let of = |operation: &str| calls.iter().find(|call| call.operation == operation).expect("a call");
        assert!(of("AttachManagedPolicyToPermissionSet").end_us <= of("CreateAccountAssignment").start_us);
    }
}

#[test]
fn a_second_run_changes_nothing_and_makes_at_most_15_calls() {
    let env = TestEnv::new("enabled");
    env.run_setup(&[]).expect(0);
    env.server.clear_calls();
    env.run_setup(&[]).expect(0);
    let calls = env.server.calls();
    let names: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert!(!calls.iter().any(is_mutating), "{names:?}");
    assert!(calls.len() <= 15, "{} calls: {names:?}", calls.len());
}

#[test]
fn at_most_eleven_calls_wait_for_each_other_until_the_account_is_assigned() {
    let chain = || {
        let env = TestEnv::new("enabled");
        env.slow_down(300);
        let steps = ["--skip=access-portal", "--skip=cli-profile", "--skip=sign-in"];
        env.run_setup(&[&steps[..], &SKIP_RECOMMENDATIONS[..]].concat());
        let mut calls = env.server.calls();
        calls.sort_by_key(|call| call.end_us);
        let (mut chain, mut end) = (Vec::new(), 0);
        for call in calls {
            if call.start_us >= end {
                end = call.end_us;
                chain.push(call.operation);
            }
        }
        chain
    };
    // A busy machine can only make independent calls wait for each other.
    let chains: Vec<_> = (0..3).map(|_| chain()).take_while(|chain| chain.len() > 11).collect();
    assert!(chains.len() < 3, "{chains:#?}");
}
