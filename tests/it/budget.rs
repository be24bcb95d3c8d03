//! How many requests a run makes; the call log says.

use super::support::Stage;

#[test]
fn from_enabled_a_run_makes_at_most_32_requests() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let calls = stage.counted_calls();
    println!("{} requests from `enabled`", calls.len());
    let names: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert!(calls.len() <= 32, "{} requests: {names:?}", calls.len());
}

#[test]
fn independent_steps_do_not_wait_for_each_other() {
    let stage = Stage::new("enabled");
    stage.go(&[]).expect(0);
    let calls = stage.server.calls();
    let of = |operation: &str| calls.iter().find(|call| call.operation == operation).expect("a call");
    let (user, set) = (of("CreateUser"), of("CreatePermissionSet"));
    let together = user.start_us < set.end_us && set.start_us < user.end_us;
    let (group, membership) = (of("CreateGroup"), of("CreateGroupMembership"));
    assert!(group.end_us <= membership.start_us);
    // At the least neither is begun only after the whole of the other's step.
    let verified = of("DescribePermissionSet");
    assert!(together || user.start_us < verified.start_us, "{calls:?}");
}

#[test]
fn nothing_is_called_before_the_caller_is_known() {
    let stage = Stage::new("enabled");
    stage.json(&["status"]).expect(3);
    assert_eq!(stage.server.calls()[0].operation, "GetCallerIdentity");
}
