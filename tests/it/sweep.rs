//! Runs that are killed before or after any request takes effect, and before or after any file is replaced. After
//! another run, the account is as after one complete run, and nothing is lost or duplicated. Tests a fixed sample of
//! kill points, and all of them with `FULL_SWEEPS=1`.

use std::fmt::Write;

use serde_json::{Value, json};

use super::support::cuts::{Cut, is_traceable, kill, requests, sample, syncs, try_each};
use super::support::{ANSWERS, TestEnv, WILLING};
use super::undo::lasting;

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
    let (mut made, mut intents) = (Vec::new(), json!([]));
    if env.state_file().exists() {
        let kept = env.state();
        intents = kept["intents"].clone();
        for resource in kept["resources"].as_array().unwrap() {
            made.push(format!(
                "{} {}",
                resource["origin"].as_str().unwrap(),
                resource["kind"].as_str().unwrap()
            ));
        }
        made.sort();
    }
    let config = std::fs::read_to_string(env.path(".aws/config")).unwrap_or_default();
    let config: Vec<&str> = config
        .lines()
        .filter(|line| !line.starts_with("sso_start_url"))
        .collect();
    json!({
        "temporary files": env.unfinished(),
        "files": env.files(".aws").len(),
        "activated": activated,
        "organization": organization,
        "instances": instances,
        "permission_sets": sets,
        "assignments": assignments,
        "trails": trails,
        "buckets": buckets,
        "created": made,
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
fn sweep(what: &str, cuts: &[Cut], prepare: impl Fn() -> TestEnv + Sync, args: &[&str], expected: &Value) {
    try_each(what, NOTHING_LOST, cuts, |cut| {
        let env = prepare();
        if !kill(&env, args, cut) {
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

fn differences(now: &Value, expected: &Value) -> String {
    let members = expected.as_object().unwrap().iter();
    let differs = members.filter(|(name, value)| now[name.as_str()] != **value);
    let lines = differs.map(|(name, value)| format!("  {name}: {}\n  not {value}", now[name.as_str()]));
    lines.fold(String::new(), |all, line| all + "\n" + &line)
}

fn answers(cloud: &str) -> Vec<&'static str> {
    let own: &[&str] = if cloud == "half-done" {
        &["--email=admin@example.com"]
    } else {
        &ANSWERS
    };
    // Include the trail, which is created last, so that its creation is interrupted too.
    let recommendations = ["--skip=mfa", "--create-trail", "--skip=root-access-keys"];
    [&["run"], &WILLING[..], own, &recommendations[..]].concat()
}

#[test]
fn the_next_run_completes_after_a_kill_at_any_request() {
    for (cloud, about) in [("fresh", 8), ("enabled", 6), ("half-done", 4)] {
        let args = answers(cloud);
        let whole = TestEnv::new(cloud);
        whole.run(&args).expect(0);
        let count = whole.server.calls().len();
        let expected = outcome(&whole);
        let cuts = sample(requests(count), about);
        sweep(
            &format!("run on {cloud}, {count} requests"),
            &cuts,
            || TestEnv::new(cloud),
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
    for (cloud, about) in [("fresh", 4), ("enabled", 4), ("half-done", 2)] {
        let args = answers(cloud);
        let whole = TestEnv::new(cloud);
        let count = syncs(&whole, &args);
        let expected = outcome(&whole);
        let cuts = sample((1..=count).map(Cut::Sync).collect(), about);
        sweep(
            &format!("run on {cloud}, {count} syncs"),
            &cuts,
            || TestEnv::new(cloud),
            &args,
            &expected,
        );
    }
}

#[test]
fn the_next_undo_completes_after_a_kill_anywhere() {
    let args = ["undo", "--yes"];
    for (cloud, about) in [("fresh", 2), ("enabled", 2), ("half-done", 1)] {
        let prepare = || {
            let env = TestEnv::new(cloud);
            env.run(&answers(cloud)).expect(0);
            // A bucket with log files is kept, and it is a matter of timing whether any were delivered.
            env.empty_buckets();
            env.server.clear_calls();
            env
        };
        let whole = prepare();
        whole.run(&args).expect(0);
        let count = whole.server.calls().len();
        let expected = outcome(&whole);
        assert_eq!(expected["assignments"], json!([]));
        let cuts = sample(requests(count), about);
        let what = format!("undo on {cloud}");
        sweep(&format!("{what}, {count} requests"), &cuts, prepare, &args, &expected);
        if is_traceable() {
            let count = syncs(&prepare(), &args);
            let cuts = sample((1..=count).map(Cut::Sync).collect(), about);
            sweep(&format!("{what}, {count} syncs"), &cuts, prepare, &args, &expected);
        }
    }
}

/// Kills a run at one point, undoes it, and runs it again. Returns a description of the problem, as [`try_each`]
/// expects.
fn taken_back(cloud: &str, args: &[&str], cut: Cut) -> Option<String> {
    let env = TestEnv::new(cloud);
    let before = lasting(&env.server.cloud());
    if !kill(&env, args, cut) {
        return None;
    }
    let undone = env.run(&["undo", "--yes"]);
    let mut after = lasting(&env.server.cloud());
    let stays = ["users", "groups", "memberships"].map(|what| after["stores"][0][what].clone());
    if before["stores"] == json!([]) && stays.iter().all(|what| *what == json!({})) {
        // The person clicked Enable while the run waited, so the instance stays.
        after["stores"] = json!([]);
    }
    // Undo keeps a bucket that contains log files.
    let buckets = after["buckets"].as_object_mut().unwrap();
    buckets.retain(|_, bucket| bucket["objects"] == json!([]));
    let mut wrong = differences(&after, &before);
    if undone.code != 0 || env.path(".aws").exists() || env.unfinished() != 0 {
        let _ = write!(
            wrong,
            "\nundo: exit {}\n{}{}",
            undone.code, undone.stdout, undone.stderr
        );
    }
    let again = env.run(args);
    if again.code != 0 {
        let _ = write!(wrong, "\nagain: exit {}\n{}{}", again.code, again.stdout, again.stderr);
    }
    Some(wrong)
}

#[test]
fn undo_deletes_what_a_run_killed_anywhere_created() {
    for (cloud, about) in [("fresh", 3), ("enabled", 3), ("half-done", 2)] {
        let args = answers(cloud);
        let whole = TestEnv::new(cloud);
        whole.run(&args).expect(0);
        let count = whole.server.calls().len();
        let mut cuts = sample(requests(count), about);
        if is_traceable() {
            let syncs = syncs(&TestEnv::new(cloud), &args);
            // Each point takes two runs and an undo, so even a full sweep tests only every fifth one.
            let every_fifth = (2..=syncs).step_by(5).map(Cut::Sync).collect();
            cuts.extend(sample(every_fifth, about));
        }
        let what = format!("run on {cloud} and undo, {count} requests, and syncs");
        try_each(&what, "0 resources left", &cuts, |cut| taken_back(cloud, &args, cut));
    }
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
fn updated_and_taken_back(cut: Cut) -> Option<String> {
    let (env, before) = made();
    if !kill(&env, &UPDATE, cut) {
        return None;
    }
    let again = env.run(&UPDATE);
    let set = env.server.cloud().permission_sets[0].session_duration.clone();
    let config = std::fs::read_to_string(env.path(".aws/config")).unwrap_or_default();
    let undone = env.run(&["undo", "--yes"]);
    let after = lasting(&env.server.cloud());
    let is_well = again.code == 0 && undone.code == 0 && set == "PT8H" && config.contains("output = text");
    let is_gone = after == before && !env.path(".aws").exists() && env.unfinished() == 0;
    if is_well && is_gone {
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
fn made() -> (TestEnv, Value) {
    let env = TestEnv::new("enabled");
    let before = lasting(&env.server.cloud());
    let skipped = ["run", "--skip=mfa", "--skip=cloudtrail", "--skip=root-access-keys"];
    env.run(&[&skipped[..], &WILLING[..], &ANSWERS[..]].concat()).expect(0);
    env.server.clear_calls();
    (env, before)
}

#[test]
fn an_update_killed_anywhere_is_completed_and_undone() {
    let (whole, _) = made();
    whole.run(&UPDATE).expect(0);
    let mut cuts = sample(requests(whole.server.calls().len()), 3);
    if is_traceable() {
        let syncs = syncs(&made().0, &UPDATE);
        cuts.extend(sample((1..=syncs).map(Cut::Sync).collect(), 2));
    }
    try_each(
        "update of created resources and undo",
        NOTHING_LOST,
        &cuts,
        updated_and_taken_back,
    );
}
