//! Runs that are killed before or after any request takes effect, and before or after any file is replaced. After
//! another run, the account is as after one complete run, and nothing is lost or duplicated. Tests a fixed sample of
//! kill points, and all of them with `FULL_SWEEPS=1`.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::by_name::differences;
use super::support::kill_points::{KillPoint, is_full_sweep, is_traceable, kill, requests, sample, syncs, try_each};
use super::support::{ANSWERS, CREATIONS, NON_INTERACTIVE, TestEnv};
use super::undo::persistent_state;

/// Returns the state of the account and the files, by name instead of ID, because IDs differ from run to run.
fn outcome(env: &TestEnv) -> Value {
    let cloud = env.server.cloud();
    let mut instances = Vec::new();
    let mut names = std::collections::BTreeMap::new();
    for instance in &cloud.instances {
        for (id, user) in &instance.store.users {
            names.insert(id.clone(), user.name().to_owned());
        }
        for (id, group) in &instance.store.groups {
            names.insert(id.clone(), group.display_name.clone());
        }
        let members = instance.store.memberships.values();
        let members: Vec<String> = members
            .map(|member| format!("{}/{}", names[&member.group], names[&member.user]))
            .collect();
        instances.push(json!({
            "region": instance.region,
            "users": instance.store.users.values().map(|user| user.attributes.clone()).collect::<Vec<_>>(),
            "groups": instance.store.groups.values().map(|group| group.display_name.clone()).collect::<Vec<_>>(),
            "members": members,
        }));
    }
    let sets = cloud.permission_sets.iter();
    let sets: Vec<Value> = sets
        .map(|set| json!([set.name, set.session_duration, set.managed_policies]))
        .collect();
    for set in &cloud.permission_sets {
        names.insert(set.arn.clone(), set.name.clone());
    }
    let assignments = cloud.assignments.iter();
    let assignments: Vec<Value> = assignments
        .map(|one| json!([one.account, names.get(&one.permission_set), names.get(&one.principal)]))
        .collect();
    let organization = cloud.organization.is_some();
    let activated = cloud
        .instances
        .iter()
        .flat_map(|instance| instance.store.users.values())
        .filter(|user| user.activated)
        .count();
    // The names of a trail and its bucket are random, and log files can arrive at any time.
    let trails: Vec<Value> = cloud
        .trails
        .iter()
        .map(|trail| {
            let bucket = cloud.buckets.get(&trail.bucket);
            json!([
                trail.logging_since.is_some(),
                bucket.is_some_and(|bucket| bucket.policy.is_some())
            ])
        })
        .collect();
    let buckets = cloud.buckets.len();
    drop(cloud);
    let (mut created, mut intents) = (Vec::new(), json!([]));
    if env.state_file().exists() {
        let kept = env.state();
        intents = kept["intents"].clone();
        for resource in kept["resources"].as_array().unwrap() {
            created.push(format!(
                "{} {}",
                resource["origin"].as_str().unwrap(),
                resource["kind"].as_str().unwrap()
            ));
        }
        created.sort();
    }
    let config = std::fs::read_to_string(env.path(".aws/config")).unwrap_or_default();
    let config: Vec<&str> = config
        .lines()
        .filter(|line| !line.starts_with("sso_start_url"))
        .collect();
    json!({
        "temporary files": env.count_temporary_files(),
        "files": env.files(".aws").len(),
        "activated": activated,
        "organization": organization,
        "instances": instances,
        "permission_sets": sets,
        "assignments": assignments,
        "trails": trails,
        "buckets": buckets,
        "created": created,
        "intents": intents,
        "config": config,
    })
}

/// Removes the flags whose answers the killed run has saved, because the next run must not ask for them again.
fn without_known_answers<'a>(env: &TestEnv, args: &[&'a str]) -> Vec<&'a str> {
    let kept = if env.state_file().exists() {
        env.state()
    } else {
        Value::Null
    };
    let is_known = |arg: &str| {
        let key = arg.strip_prefix("--").and_then(|arg| arg.split_once('='));
        key.is_some_and(|(key, value)| kept["answers"][key]["value"] == value)
    };
    args.iter().copied().filter(|arg| !is_known(arg)).collect()
}

/// The promise that the summary of a sweep states.
const NOTHING_LOST: &str = "0 lost, 0 duplicated";

/// Kills the command at every point of a list, and runs it again to the end.
fn sweep(what: &str, points: &[KillPoint], prepare: impl Fn() -> TestEnv + Sync, args: &[&str], expected: &Value) {
    try_each(what, NOTHING_LOST, points, |point| {
        let env = prepare();
        if !kill(&env, args, point) {
            return None;
        }
        let again = env.run(&without_known_answers(&env, args));
        let failed = if again.code == 0 {
            String::new()
        } else {
            format!("exit {}\n{}", again.code, again.stderr)
        };
        Some(failed + &differences(&outcome(&env), expected))
    });
}

fn answers(scenario: &str) -> Vec<&'static str> {
    let own: &[&str] = if scenario == "half-done" {
        &["--email=admin@example.com"]
    } else {
        &ANSWERS
    };
    // Include the trail, which is created last, so that its creation is interrupted too.
    let recommendations = ["--skip=mfa", "--create-trail", "--skip=root-access-keys"];
    [&["run"], &NON_INTERACTIVE[..], own, &recommendations[..]].concat()
}

#[test]
fn the_next_run_completes_after_a_kill_at_any_request() {
    for (scenario, about) in [("fresh", 6), ("enabled", 4), ("half-done", 3)] {
        let args = answers(scenario);
        let reference = TestEnv::new(scenario);
        reference.run(&args).expect(0);
        let count = reference.server.calls().len();
        let expected = outcome(&reference);
        let points = sample(requests(count), about);
        sweep(
            &format!("run on {scenario}, {count} requests"),
            &points,
            || TestEnv::new(scenario),
            &args,
            &expected,
        );
    }
}

#[test]
fn the_next_run_completes_after_a_kill_around_any_write() {
    if !is_traceable() {
        return;
    }
    for (scenario, about) in [("fresh", 3), ("enabled", 3), ("half-done", 2)] {
        let args = answers(scenario);
        let reference = TestEnv::new(scenario);
        let count = syncs(&reference, &args);
        let expected = outcome(&reference);
        let points = sample((1..=count).map(KillPoint::Sync).collect(), about);
        sweep(
            &format!("run on {scenario}, {count} syncs"),
            &points,
            || TestEnv::new(scenario),
            &args,
            &expected,
        );
    }
}

#[test]
fn the_next_undo_completes_after_a_kill_anywhere() {
    let args = ["undo", "--yes"];
    for (scenario, about) in [("fresh", 2), ("enabled", 2), ("half-done", 1)] {
        let prepare = || {
            let env = TestEnv::new(scenario);
            env.run(&answers(scenario)).expect(0);
            // A bucket with log files is kept, and it is a matter of timing whether any were delivered.
            env.empty_buckets();
            env.server.clear_calls();
            env
        };
        let reference = prepare();
        reference.run(&args).expect(0);
        let count = reference.server.calls().len();
        let expected = outcome(&reference);
        assert_eq!(expected["assignments"], json!([]));
        let points = sample(requests(count), about);
        let what = format!("undo on {scenario}");
        sweep(&format!("{what}, {count} requests"), &points, prepare, &args, &expected);
        if is_traceable() {
            let count = syncs(&prepare(), &args);
            let points = sample((1..=count).map(KillPoint::Sync).collect(), about);
            sweep(&format!("{what}, {count} syncs"), &points, prepare, &args, &expected);
        }
    }
}

/// Kills a run at one point, undoes it, and runs it again. Returns a description of the problem, as [`try_each`]
/// expects.
fn undo_after_kill(scenario: &str, args: &[&str], point: KillPoint) -> Option<String> {
    let env = TestEnv::new(scenario);
    let before = persistent_state(&env.server.cloud());
    if !kill(&env, args, point) {
        return None;
    }
    let undone = env.run(&["undo", "--yes"]);
    let mut after = persistent_state(&env.server.cloud());
    let store = ["users", "groups", "memberships"].map(|name| after["stores"][0][name].clone());
    if before["stores"] == json!([]) && store.iter().all(|part| *part == json!({})) {
        // The person clicked Enable while the run waited, so the instance stays.
        after["stores"] = json!([]);
    }
    // Undo keeps a bucket that contains log files.
    let buckets = after["buckets"].as_object_mut().unwrap();
    buckets.retain(|_, bucket| bucket["objects"] == json!([]));
    let mut problem = differences(&after, &before);
    if undone.code != 0 || env.path(".aws").exists() || env.count_temporary_files() != 0 {
        let _ = write!(
            problem,
            "\nundo: exit {}\n{}{}",
            undone.code, undone.stdout, undone.stderr
        );
    }
    let again = env.run(args);
    if again.code != 0 {
        let _ = write!(
            problem,
            "\nagain: exit {}\n{}{}",
            again.code, again.stdout, again.stderr
        );
    }
    Some(problem)
}

#[test]
fn undo_deletes_what_a_run_killed_anywhere_created() {
    for (scenario, about) in [("fresh", 2), ("enabled", 2), ("half-done", 1)] {
        let args = answers(scenario);
        let reference = TestEnv::new(scenario);
        reference.run(&args).expect(0);
        let count = reference.server.calls().len();
        let mut points = sample(requests(count), about);
        if is_traceable() {
            let syncs = syncs(&TestEnv::new(scenario), &args);
            // Each point takes two runs and an undo, so even a full sweep tests only every fifth one.
            let every_fifth = (2..=syncs).step_by(5).map(KillPoint::Sync).collect();
            points.extend(sample(every_fifth, about));
        }
        let what = format!("run on {scenario} and undo, {count} requests, and syncs");
        try_each(&what, "0 resources left", &points, |point| {
            undo_after_kill(scenario, &args, point)
        });
    }
}

/// How long reads return the state before a write.
const LATE: Duration = Duration::from_millis(1500);

/// Returns a test environment whose reads show writes late.
fn with_late_reads() -> TestEnv {
    let mut cloud = idc_sim::scenarios::named("enabled").unwrap();
    cloud.timing.propagation = LATE;
    TestEnv::with(cloud)
}

#[test]
fn nothing_is_lost_although_reads_show_writes_late() {
    let args = answers("enabled");
    let undo = ["undo", "--yes"];
    // How often a run reads again depends on time. Every run makes at least the requests that one with prompt reads makes.
    let prompt = TestEnv::new("enabled");
    prompt.run(&args).expect(0);
    let in_run = requests(prompt.server.calls().len());
    prompt.empty_buckets();
    prompt.server.clear_calls();
    prompt.run(&undo).expect(0);
    let in_undo = requests(prompt.server.calls().len());
    // Each point takes several seconds, so even a full sweep tests only every fifth one.
    let points = |all: Vec<KillPoint>, about| sample(all.into_iter().step_by(5).collect(), about);
    let reference = with_late_reads();
    reference.run(&args).expect(0);
    let expected = outcome(&reference);
    sweep(
        "run with late reads",
        &points(in_run, 3),
        with_late_reads,
        &args,
        &expected,
    );
    let completed = || {
        let env = with_late_reads();
        env.run(&args).expect(0);
        std::thread::sleep(LATE);
        env.empty_buckets();
        env.server.clear_calls();
        env
    };
    let reference = completed();
    reference.run(&undo).expect(0);
    let expected = outcome(&reference);
    sweep("undo with late reads", &points(in_undo, 2), completed, &undo, &expected);
}

#[test]
fn a_run_that_is_killed_while_it_waits_for_a_change_to_show_knows_the_change_as_its_own() {
    let args = answers("enabled");
    let attempt = |operation: &str, delay: u64| {
        let env = with_late_reads();
        let before = persistent_state(&env.server.cloud());
        let mut run = env.spawn(&args);
        let end = std::time::Instant::now() + Duration::from_mins(1);
        let is_made = || {
            let calls = env.server.calls();
            calls
                .iter()
                .any(|call| call.operation == operation && call.outcome == "ok")
        };
        while !is_made() {
            assert!(std::time::Instant::now() < end, "{operation} is not called");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(delay));
        run.kill().unwrap();
        run.wait().unwrap();
        env.run(&args).expect(0);
        std::thread::sleep(LATE);
        env.empty_buckets();
        let undone = env.run(&["undo", "--yes"]);
        let after = persistent_state(&env.server.cloud());
        let left = differences(&after, &before);
        assert!(
            undone.code == 0 && left.is_empty(),
            "{operation} after {delay} ms: {}\n{left}",
            undone.stderr
        );
    };
    let delays: &[u64] = if is_full_sweep() {
        &[0, 100, 300, 600, 900, 1200]
    } else {
        &[300]
    };
    std::thread::scope(|scope| {
        for operation in CREATIONS {
            scope.spawn(move || delays.iter().for_each(|delay| attempt(operation, *delay)));
        }
    });
}

/// Updates the created permission set and the created profile.
const UPDATE: [&str; 10] = [
    "run",
    "--non-interactive",
    "--wait=60s",
    "--skip=mfa",
    "--skip=cloudtrail",
    "--skip=root-access-keys",
    "--session-duration=8h",
    "--cli-output=text",
    "--update=permission-set",
    "--update=cli-profile",
];

/// Kills an update of created resources at one point, runs it again, and undoes it. Returns a description of the
/// problem, as [`try_each`] expects.
fn undo_after_killed_update(point: KillPoint) -> Option<String> {
    let (env, before) = completed_account();
    if !kill(&env, &UPDATE, point) {
        return None;
    }
    let again = env.run(&UPDATE);
    let set = env.server.cloud().permission_sets[0].session_duration.clone();
    let config = std::fs::read_to_string(env.path(".aws/config")).unwrap_or_default();
    let undone = env.run(&["undo", "--yes"]);
    let after = persistent_state(&env.server.cloud());
    let is_successful = again.code == 0 && undone.code == 0 && set == "PT8H" && config.contains("output = text");
    let is_restored = after == before && !env.path(".aws").exists() && env.count_temporary_files() == 0;
    if is_successful && is_restored {
        return Some(String::new());
    }
    Some(format!(
        "again {}, undo {}, {set}\n{config}\n{}{}{}{}",
        again.code,
        undone.code,
        again.stderr,
        undone.stdout,
        undone.stderr,
        differences(&after, &before)
    ))
}

/// Returns a test environment after a complete run, and the state of the account before the run.
fn completed_account() -> (TestEnv, Value) {
    let env = TestEnv::new("enabled");
    let before = persistent_state(&env.server.cloud());
    let skipped = ["run", "--skip=mfa", "--skip=cloudtrail", "--skip=root-access-keys"];
    env.run(&[&skipped[..], &NON_INTERACTIVE[..], &ANSWERS[..]].concat())
        .expect(0);
    env.server.clear_calls();
    (env, before)
}

#[test]
fn an_update_killed_anywhere_is_completed_and_undone() {
    let (reference, _) = completed_account();
    reference.run(&UPDATE).expect(0);
    let mut points = sample(requests(reference.server.calls().len()), 3);
    if is_traceable() {
        let syncs = syncs(&completed_account().0, &UPDATE);
        points.extend(sample((1..=syncs).map(KillPoint::Sync).collect(), 2));
    }
    try_each(
        "update of created resources and undo",
        NOTHING_LOST,
        &points,
        undo_after_killed_update,
    );
}
