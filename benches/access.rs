//! Measures how long `idc-setup access apply` takes for many assignments, compared with the least time that the quotas of
//! Identity Center allow.
//!
//! Run it with `cargo bench --bench access`. All of it takes about half an hour; with a number, only that many
//! assignments: `cargo bench --bench access -- 100`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its results")]

use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use idc_setup::access::apply::{Events, apply};
use idc_setup::access::desired::AssignmentName;
use idc_setup::access::file::PrincipalName;
use idc_setup::access::live::{self, Directory, Scope};
use idc_setup::access::plan::{Action, Change, Plan};
use idc_setup::access::resolve::AccountNeeds;
use idc_setup::aws::Clients;
use idc_setup::aws::clock::ServerClock;
use idc_setup::aws::connect::{Caller, sdk_config};
use idc_setup::aws::sdk_settings::SdkSettings;
use idc_setup::aws::waiting::Timing;
use idc_setup::environment::Environment;
use idc_setup::progress::Progress;
use idc_setup::reconcile::{Context, Fact, Instance, Stop};
use idc_sim::{
    Account, Cloud, Fault, FaultKind, Group, Options, PermissionSet, Server, ServiceError, Stamp, scenarios,
};

struct Quiet;
impl Events for Quiet {}

const SETS: usize = 5;
const GROUPS: usize = 2;

fn organization(accounts: usize, operation: Duration) -> Cloud {
    let mut cloud = scenarios::named("enabled").unwrap();
    let at = jiff::Timestamp::now();
    let created = Stamp {
        at,
        by: cloud.root().arn,
    };
    for n in 0..accounts {
        let (id, email) = (
            format!("{:012}", 200_000_000_000 + n),
            format!("account-{n}@example.com"),
        );
        cloud.accounts.push(Account::new(id, format!("Account {n}"), email));
    }
    for n in 0..GROUPS {
        let id = cloud.ids.principal_id();
        let group = Group {
            display_name: format!("Group {n}"),
            description: None,
            created: created.clone(),
            external_ids: Vec::new(),
        };
        cloud.instances[0].store.groups.insert(id, group);
    }
    for n in 0..SETS {
        let arn = format!("arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-{n:016x}");
        let mut set = PermissionSet::administrator(arn, format!("Set{n}"), at);
        set.tags.insert("idc-setup:access".to_owned(), "bench".to_owned());
        cloud.permission_sets.push(set);
    }
    cloud.timing.provisioning = operation.try_into().unwrap();
    cloud
}

async fn context(server: &Server, key: &idc_sim::Credentials, folder: &std::path::Path) -> Context {
    let credentials = Credentials::new(
        &key.access_key_id,
        &key.secret_access_key,
        Some(key.session_token.clone()),
        None,
        "bench",
    );
    let settings = SdkSettings::load(&Environment::default(), None).await.unwrap();
    let config = sdk_config(
        None,
        &"us-east-1".parse().unwrap(),
        &settings,
        SharedCredentialsProvider::new(credentials),
    )
    .await;
    let config = config.to_builder().endpoint_url(server.url()).build();
    let account: idc_setup::ids::AccountId = "123456789012".parse().unwrap();
    let instance = server.cloud().instances[0].clone();
    let context = Context {
        clients: Clients::new(&config, ServerClock::default()),
        caller: Caller {
            account: account.clone(),
            arn: "arn:aws:iam::123456789012:root".to_owned(),
        },
        bootstrap_region: "us-east-1".parse().unwrap(),
        instance: Fact::default(),
        progress: Progress::open(&folder.join("state.json"), "aws", &account).unwrap(),
        timing: Timing::REHEARSAL,
        paths: None,
        stop: Stop::default(),
    };
    context.instance.set(Instance {
        arn: instance.arn.parse().unwrap(),
        store: instance.store.id.parse().unwrap(),
        region: instance.region.parse().unwrap(),
        owner: account,
    });
    context
}

fn faults(name: &str, count: usize) -> Vec<Fault> {
    let every = |operation: &str, kind: &dyn Fn() -> FaultKind| -> Vec<Fault> {
        (1..=count / 20 + 5)
            .map(|n| Fault {
                operation: Some(operation.to_owned()),
                nth: Some(u32::try_from(n * 20).unwrap()),
                kind: kind(),
            })
            .collect()
    };
    let refuse =
        |code: &'static str, message: &'static str| move || FaultKind::Refuse(ServiceError::new(code, message));
    match name {
        "throttled" => every(
            "CreateAccountAssignment",
            &refuse("ThrottlingException", "Rate exceeded"),
        ),
        "too many" => every(
            "CreateAccountAssignment",
            &refuse(
                "ThrottlingException",
                "There are too many requests processing. Please try again later.",
            ),
        ),
        "conflicts" => every(
            "CreateAccountAssignment",
            &refuse("ConflictException", "There is a conflicting operation in process."),
        ),
        "late failures" => every("CreateAccountAssignment", &|| {
            FaultKind::FailLater("Received a 404 status error".to_owned())
        }),
        _ => Vec::new(),
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let only: Option<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).next();
    println!(
        "{:>6} {:>4} {:14} {:>8} {:>8} {:>6} {:>8} {:>8}",
        "N", "L", "faults", "wall", "floor", "ratio", "requests", "refused"
    );
    for count in [100, 500, 2000]
        .into_iter()
        .filter(|count| only.is_none_or(|only| only == *count))
    {
        for seconds in [1, 3] {
            for fault in ["", "throttled", "too many", "conflicts", "late failures"] {
                measure(&runtime, count, seconds, fault);
            }
        }
    }
}

fn measure(runtime: &tokio::runtime::Runtime, count: usize, seconds: u64, fault: &str) {
    let length = Duration::from_secs(seconds);
    let accounts = count / (SETS * GROUPS);
    let mut cloud = organization(accounts, length);
    let root = cloud.root();
    let key = cloud.issue(root);
    let options = Options {
        quota: Some(20),
        keep_calls: true,
        faults: faults(fault, count),
        ..Options::default()
    };
    let server = runtime.block_on(Server::start(cloud, options)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let outcome = runtime.block_on(async {
        let context = context(&server, &key, folder.path()).await;
        let instance = context.known_instance().await.unwrap();
        let found = live::read_accounts(&context, &AccountNeeds::default()).await.unwrap();
        let directory = Directory::read(&context, &instance).await.unwrap();
        let scope = Scope {
            owner: Some("bench".to_owned()),
            ..Scope::default()
        };
        let inventory = live::read(&context, &instance, found, directory, &scope).await.unwrap();
        let mut plan = Plan::default();
        for account in inventory.accounts.all.keys().filter(|id| id.starts_with('2')) {
            for set in 0..SETS {
                for group in 0..GROUPS {
                    plan.changes.push(Change {
                        action: Action::CreateAssignment(AssignmentName {
                            account: account.clone(),
                            permission_set: format!("Set{set}"),
                            principal: PrincipalName::Group(format!("Group {group}")),
                        }),
                        place: None,
                    });
                }
            }
        }
        apply(&context, &inventory, &plan, &Quiet).await
    });
    let wall = started.elapsed().as_secs_f64();
    let calls = server.calls().len();
    let chain = (SETS * GROUPS) as f64 * length.as_secs_f64();
    let floor = (calls as f64 / 20.0)
        .max(count as f64 * length.as_secs_f64() / 10.0)
        .max(chain);
    println!(
        "{count:>6} {seconds:>3}s {fault:14} {wall:>7.1}s {floor:>7.1}s {:>6.2} {:>8} {:>8}  done {} failed {}",
        wall / floor,
        calls,
        outcome.refused,
        outcome.done,
        outcome.failed.len()
    );
    for (change, error) in outcome.failed.iter().take(2) {
        println!("    {change:?}: {}", error.message);
    }
}
