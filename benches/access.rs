//! Measures how long `idc-setup access apply` takes for many assignments, compared with the least time that the quotas of
//! Identity Center allow, and how many calls `idc-setup access drift` makes, compared with the fewest that page sizes allow.
//! If Terraform and its AWS provider are on this machine, it applies the smallest number of assignments too.
//!
//! Run it with `cargo bench --bench access`. All of it takes about an hour and a half. With a number, only that many assignments
//! are applied, with `1s` or `3s` only those that take so long, and with the name of a fault or `clean` only with that one or
//! without faults: `cargo bench --bench access -- 500 1s clean`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its results")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use idc_sim::{
    Account, Assignment, Cloud, Fault, FaultKind, Group, Options, PermissionSet, Role, ServiceError, Stamp, scenarios,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use support::TestEnv;

const PROGRAM: &str = env!("CARGO_BIN_EXE_idc-setup");
const INSTANCE: &str = "ssoins-7223a1b2c3d4e5f6";
/// Each account gets each of these permission sets, for each of the groups: the longest chain of requests in an account.
const SETS: u32 = 5;
const GROUPS: u32 = 2;

/// Requests per second that Identity Center accepts, and assignments that it processes at the same time.
const RATE: u32 = 20;
const OUTSTANDING: u32 = 10;

/// A simulated AWS with quotas, and a home folder.
fn with_quotas(runtime: &Runtime, cloud: Cloud, faults: Vec<Fault>) -> TestEnv {
    let options = Options {
        quota: Some(RATE),
        keep_calls: true,
        faults,
        ..Options::default()
    };
    TestEnv::new(runtime, cloud, options)
}

/// Runs a command of `access`, and returns its envelope.
fn access(env: &TestEnv, arguments: &[&str]) -> Value {
    let output = env
        .command(PROGRAM)
        // A service on this machine is otherwise limited only after its first refusal.
        .env("IDC_SETUP_REQUESTS_PER_SECOND", RATE.to_string())
        .arg("access")
        .args(arguments)
        .args(["--output", "json"])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An organization with these accounts, groups and permission sets, which the access file owns.
fn organization(accounts: u32, sets: u32, groups: u32) -> Cloud {
    let mut cloud = scenarios::named("enabled").unwrap();
    let at = jiff::Timestamp::now();
    let by = cloud.root().arn;
    for n in 0..accounts {
        let email = format!("account-{n}@example.com");
        cloud
            .accounts
            .push(Account::new(account(n), format!("Account {n}"), email));
    }
    for n in 0..groups {
        let id = cloud.ids.principal_id();
        let group = Group {
            display_name: format!("Group {n}"),
            description: None,
            created: Stamp { at, by: by.clone() },
            external_ids: Vec::new(),
        };
        cloud.instances[0].store.groups.insert(id, group);
    }
    for n in 0..sets {
        let mut set = PermissionSet::administrator(set_arn(n), format!("Set{n}"), at);
        set.tags.insert("idc-setup:access".to_owned(), "bench".to_owned());
        cloud.permission_sets.push(set);
    }
    cloud
}

fn account(n: u32) -> String {
    format!("{:012}", 200_000_000_000_u64 + u64::from(n))
}

fn set_arn(n: u32) -> String {
    format!("arn:aws:sso:::permissionSet/{INSTANCE}/ps-{n:016x}")
}

/// An access file that gives each of the groups each of the permission sets in each account.
fn access_file(sets: u32, groups: u32) -> String {
    let mut text = "format = 1\nname = \"bench\"\n".to_owned();
    for n in 0..groups {
        writeln!(text, "[[group]]\nname = \"Group {n}\"").unwrap();
    }
    for n in 0..sets {
        writeln!(
            text,
            "[[permission-set]]\nname = \"Set{n}\"\nmanaged-policies = [\"AdministratorAccess\"]"
        )
        .unwrap();
    }
    let groups: Vec<String> = (0..groups).map(|n| format!("\"group:Group {n}\"")).collect();
    let sets: Vec<String> = (0..sets).map(|n| format!("\"Set{n}\"")).collect();
    let (groups, sets) = (groups.join(", "), sets.join(", "));
    writeln!(
        text,
        "[[assignment]]\nprincipals = [{groups}]\npermission-sets = [{sets}]\naccounts = [\"all\"]"
    )
    .unwrap();
    text
}

/// What is injected into one of twenty requests.
const FAULTS: [&str; 5] = ["clean", "throttled", "too-many", "conflicts", "fail-late"];

/// A fault in one of twenty requests.
fn faults(name: &str, count: u32) -> Vec<Fault> {
    let refuse = |code: &'static str, message: &'static str| FaultKind::Refuse(ServiceError::new(code, message));
    let kind = || match name {
        "throttled" => refuse("ThrottlingException", "Rate exceeded"),
        "too-many" => refuse(
            "ThrottlingException",
            "There are too many requests processing. Please try again later.",
        ),
        "conflicts" => refuse("ConflictException", "There is a conflicting operation in process."),
        _ => FaultKind::FailLater("Received a 404 status error".to_owned()),
    };
    let numbers = (1..=count / 20 + 5).filter(|_| name != "clean");
    numbers
        .map(|n| Fault {
            operation: Some("CreateAccountAssignment".to_owned()),
            nth: Some(n * 20),
            kind: kind(),
        })
        .collect()
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    let has = |argument: &str| arguments.iter().any(|other| other == argument);
    let only: Option<u32> = arguments.iter().find_map(|arg| arg.parse().ok());
    let is_any_length = !has("1s") && !has("3s");
    reads(&runtime);
    println!("\n## Assignments\n");
    println!("| assignments | each takes | 5 % of the requests | wall time | floor | ratio | requests | refused |");
    println!("|---:|---:|---|---:|---:|---:|---:|---:|");
    for count in [100, 500, 2000] {
        if only.is_some_and(|only| only != count) {
            continue;
        }
        for seconds in [1, 3] {
            if !is_any_length && !has(&format!("{seconds}s")) {
                continue;
            }
            for fault in FAULTS {
                if !FAULTS.into_iter().any(has) || has(fault) {
                    assignments(&runtime, count, seconds, fault);
                }
            }
        }
    }
    terraform(&runtime, 100);
}

/// Measures an apply of this many assignments, each of which takes this long.
fn assignments(runtime: &Runtime, count: u32, seconds: u32, fault: &str) {
    let mut cloud = organization(count / (SETS * GROUPS), SETS, GROUPS);
    cloud.timing.provisioning = Duration::from_secs(u64::from(seconds));
    let env = with_quotas(runtime, cloud, faults(fault, count));
    std::fs::write(env.home.path().join("access.toml"), access_file(SETS, GROUPS)).unwrap();
    let started = Instant::now();
    let result = access(&env, &["apply", "--non-interactive"]);
    let wall = started.elapsed().as_secs_f64();
    let calls = u32::try_from(env.server.calls().len()).unwrap();
    let refused = env
        .server
        .calls()
        .iter()
        .filter(|call| call.outcome == "ThrottlingException")
        .count();
    let floor = [
        f64::from(calls) / f64::from(RATE),
        f64::from(count * seconds) / f64::from(OUTSTANDING),
        f64::from(SETS * GROUPS * seconds),
    ];
    let floor = floor.into_iter().fold(0.0, f64::max);
    let failed = result["outcome"]["failed"].as_array().map_or(0, Vec::len);
    let done = env.server.cloud().assignments.len();
    let incomplete = if failed > 0 || done != usize::try_from(count).unwrap() {
        format!(" INCOMPLETE: {done} done, {failed} failed")
    } else {
        String::new()
    };
    println!(
        "| {count} | {seconds} s | {fault} | {wall:.1} s | {floor:.1} s | {:.2} | {calls} | {refused} |{incomplete}",
        wall / floor
    );
}

/// Counts the calls of `drift` with nothing to do.
fn reads(runtime: &Runtime) {
    let (accounts, sets, groups) = (200, 10, 50);
    let mut cloud = organization(accounts, sets, groups);
    let ids: Vec<String> = cloud.instances[0].store.groups.keys().cloned().collect();
    let versions: BTreeMap<String, String> = cloud
        .permission_sets
        .iter()
        .map(|set| (set.arn.clone(), set.version()))
        .collect();
    let mut text = access_file(sets, groups);
    text.truncate(text.find("[[assignment]]").unwrap());
    for (n, id) in (0_u32..).zip(&ids) {
        // Each group has one permission set in 40 accounts.
        let first = n % 5 * 40;
        let name = cloud.instances[0].store.groups[id].display_name.clone();
        let set = n % sets;
        let numbers = first..first + 40;
        let listed: Vec<String> = numbers.clone().map(|n| format!("\"{}\"", account(n))).collect();
        writeln!(
            text,
            "[[assignment]]\nprincipals = [\"group:{name}\"]\npermission-sets = [\"Set{set}\"]\naccounts = [{}]",
            listed.join(", ")
        )
        .unwrap();
        for account in numbers.map(account) {
            cloud.assignments.push(Assignment {
                account: account.clone(),
                permission_set: set_arn(set),
                principal_type: "GROUP".to_owned(),
                principal: id.clone(),
            });
            if !cloud
                .roles
                .iter()
                .any(|role| role.account == account && role.permission_set == set_arn(set))
            {
                cloud.roles.push(Role {
                    name: format!("AWSReservedSSO_Set{set}_0123456789abcdef"),
                    id: String::new(),
                    managed_policies: Vec::new(),
                    version: versions[&set_arn(set)].clone(),
                    permission_set: set_arn(set),
                    account,
                });
            }
        }
    }
    let pairs = u32::try_from(cloud.roles.len()).unwrap();
    let env = with_quotas(runtime, cloud, Vec::new());
    std::fs::write(env.home.path().join("access.toml"), text).unwrap();
    let started = Instant::now();
    let result = access(&env, &["drift"]);
    let wall = started.elapsed().as_secs_f64();
    let drift = result["drift"].as_array().map_or(0, Vec::len);
    let mut by_operation: BTreeMap<String, u32> = BTreeMap::new();
    for call in env.server.calls() {
        *by_operation.entry(call.operation.clone()).or_default() += 1;
    }
    let calls: u32 = by_operation.values().sum();
    // The caller, the organization and the instance; accounts by 20; lists of users, groups and permission sets; for each
    // permission set its properties, tags, four kinds of policies, and the accounts that have it or an earlier version.
    let others = 3 + (accounts + 1).div_ceil(20) + 3 + sets * 8;
    let by_principal = groups;
    let floor = others + by_principal.min(pairs);
    println!(
        "## Reads of `access drift` with nothing to do: {accounts} accounts, {sets} permission sets, {groups} groups\n"
    );
    println!("| calls | floor | ratio | by account and set | by user and group | wall time | drift |");
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    println!(
        "| {calls} | {floor} | {:.2} | {} | {} | {wall:.1} s | {drift} |",
        f64::from(calls) / f64::from(floor),
        others + pairs,
        others + by_principal
    );
    for (operation, count) in by_operation {
        println!("  {count:5} {operation}");
    }
}

/// Measures Terraform with the same assignments, if it and its provider are on this machine.
fn terraform(runtime: &Runtime, count: u32) {
    let Some(config) = std::env::var_os("TF_CLI_CONFIG_FILE").map(PathBuf::from) else {
        println!("\nTerraform was not measured: TF_CLI_CONFIG_FILE names no configuration with a plugin folder.");
        return;
    };
    let mut cloud = organization(count / (SETS * GROUPS), SETS, GROUPS);
    cloud.timing.provisioning = Duration::from_secs(1);
    let groups: Vec<String> = cloud.instances[0].store.groups.keys().cloned().collect();
    let env = with_quotas(runtime, cloud, Vec::new());
    let mut text = format!(
        "terraform {{\n  required_providers {{\n    aws = {{ source = \"hashicorp/aws\", version = \"5.100.0\" }}\n  }}\n}}\n\
         provider \"aws\" {{\n  region = \"us-east-1\"\n  skip_metadata_api_check = true\n  endpoints {{\n    sso = \"{0}\"\n    \
         ssoadmin = \"{0}\"\n    sts = \"{0}\"\n  }}\n}}\n",
        env.server.url()
    );
    for n in 0..count / (SETS * GROUPS) {
        for set in 0..SETS {
            for (index, group) in groups.iter().enumerate() {
                writeln!(
                    text,
                    "resource \"aws_ssoadmin_account_assignment\" \"a{n}_{set}_{index}\" {{\n  instance_arn = \
                     \"arn:aws:sso:::instance/{INSTANCE}\"\n  permission_set_arn = \"{}\"\n  principal_id = \"{group}\"\n  \
                     principal_type = \"GROUP\"\n  target_id = \"{}\"\n  target_type = \"AWS_ACCOUNT\"\n}}",
                    set_arn(set),
                    account(n)
                )
                .unwrap();
            }
        }
    }
    std::fs::write(env.home.path().join("main.tf"), text).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = env.command("terraform");
        command
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TF_CLI_CONFIG_FILE", &config)
            .args(arguments)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !run(&["init", "-no-color"]) {
        println!("\nTerraform was not measured: its provider cannot be installed.");
        return;
    }
    let started = Instant::now();
    let is_done = run(&["apply", "-auto-approve", "-no-color"]);
    let wall = started.elapsed().as_secs_f64();
    println!(
        "\n## Terraform\n\n| assignments | each takes | wall time | requests | complete |\n|---:|---:|---:|---:|---|"
    );
    println!(
        "| {count} | 1 s | {wall:.1} s | {} | {is_done} |",
        env.server.calls().len()
    );
}
