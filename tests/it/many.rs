//! Many users, groups, memberships, permission sets and assignments, at the level of the reconciler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use idc_setup::aws::Clients;
use idc_setup::aws::clock::ServerClock;
use idc_setup::aws::connect::{Caller, sdk_config};
use idc_setup::aws::sdk_settings::SdkSettings;
use idc_setup::aws::waiting::Timing;
use idc_setup::environment::Environment;
use idc_setup::ids::AccountId;
use idc_setup::progress::{Progress, ProgressError, ResourceKind};
use idc_setup::reconcile::apply::Outcome;
use idc_setup::reconcile::plan::{Action, Node, Policy, plan};
use idc_setup::reconcile::{Context, Fact, Importance, Instance, StepInfo, Stop};
use idc_setup::resources::batch::Batch;
use idc_setup::resources::item::{Item, ItemField};
use idc_setup::resources::permission_set::PermissionSetSpec;
use idc_setup::resources::user::UserSpec;
use idc_setup::user_error::UserError;
use idc_sim::{Account, Cloud, CustomerPolicy, scenarios};

use super::support::{RUNTIME, TestEnv, is_mutating};
use super::undo::persistent_state;

const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const READ: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const BILLING: &str = "arn:aws:iam::aws:policy/job-function/Billing";

pub const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "access",
    short: "access",
    title: "Access",
    importance: Importance::Required,
    why: "",
    feeds_others: false,
    permissions: &[],
};

/// An organization with Identity Center and this many accounts besides the management account.
pub fn organization(accounts: usize) -> Cloud {
    let mut cloud = scenarios::named("enabled").unwrap();
    for n in 0..accounts {
        cloud.accounts.push(Account::new(
            account(n),
            format!("Account {n}"),
            format!("account-{n}@example.com"),
        ));
    }
    // The customer managed policies that the permission sets refer to.
    for account in &mut cloud.accounts {
        account.policies = [("Deploy", "/"), ("Logs", "/team/a/"), ("Own", "/a/"), ("Limit", "/")]
            .map(|(name, path)| CustomerPolicy {
                name: name.to_owned(),
                path: path.to_owned(),
            })
            .to_vec();
    }
    cloud
}

fn account(n: usize) -> String {
    format!("{:012}", 200_000_000_000 + n)
}

/// The state file. A child that another test starts at the same time inherits the lock for a moment.
async fn opened(env: &TestEnv, account: &AccountId) -> Progress {
    for _ in 0..100 {
        match Progress::open(&env.state_file(), "aws", account) {
            Err(ProgressError::Locked(None)) => tokio::time::sleep(Duration::from_millis(20)).await,
            other => return other.unwrap(),
        }
    }
    panic!("the state file stays locked");
}

/// What all resources share, for the simulated AWS of a test. It holds the lock of the state file.
pub async fn context(env: &TestEnv) -> Context {
    let key = &env.credentials;
    let credentials = Credentials::new(
        &key.access_key_id,
        &key.secret_access_key,
        Some(key.session_token.clone()),
        None,
        "test",
    );
    let credentials = SharedCredentialsProvider::new(credentials);
    let settings = SdkSettings::load(&Environment::default(), None).await.unwrap();
    let config = sdk_config(None, &"us-east-1".parse().unwrap(), &settings, credentials).await;
    let config = config.to_builder().endpoint_url(env.server.url()).build();
    let account = "123456789012".parse().unwrap();
    let progress = opened(env, &account).await;
    let instance = env.server.cloud().instances[0].clone();
    let context = Context {
        clients: Clients::new(&config, ServerClock::default()),
        caller: Caller {
            account: account.clone(),
            arn: "arn:aws:iam::123456789012:root".to_owned(),
        },
        bootstrap_region: "us-east-1".parse().unwrap(),
        instance: Fact::default(),
        progress,
        timing: Timing::REHEARSAL,
        paths: None,
        stop: Stop::default(),
    };
    let region: idc_setup::ids::RegionName = instance.region.parse().unwrap();
    context
        .progress
        .change(|record| record.region = Some(region.clone()))
        .unwrap();
    context.instance.set(Instance {
        arn: instance.arn.parse().unwrap(),
        store: instance.store.id.parse().unwrap(),
        region,
        owner: account,
    });
    context
}

fn policies(arns: &[&str]) -> BTreeSet<String> {
    arns.iter().map(|&arn| arn.to_owned()).collect()
}

/// Three permission sets with every kind of setting.
fn permission_sets() -> Vec<PermissionSetSpec> {
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    vec![
        PermissionSetSpec {
            name: "Admin".to_owned(),
            duration: Some("4h".parse().unwrap()),
            managed_policies: Some(policies(&[ADMIN, READ])),
            ..PermissionSetSpec::default()
        },
        PermissionSetSpec {
            name: "Deploy".to_owned(),
            description: Some("Deployments".to_owned()),
            relay_state: Some("https://console.aws.amazon.com/ecs".to_owned()),
            customer_managed_policies: Some(policies(&["/Deploy", "/team/a/Logs"])),
            inline_policy: Some(
                r#"{ "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}] }"#
                    .to_owned(),
            ),
            ..PermissionSetSpec::default()
        },
        PermissionSetSpec {
            name: "Audit".to_owned(),
            managed_policies: Some(policies(&[READ])),
            boundary: Some(BILLING.to_owned()),
            tags: Some(BTreeMap::from([tag("team", "audit"), tag("cost", "1")])),
            ..PermissionSetSpec::default()
        },
    ]
}

fn sets(specs: Vec<PermissionSetSpec>) -> impl Iterator<Item = Item> {
    specs.into_iter().map(|spec| Item::PermissionSet {
        spec,
        sets_duration: true,
    })
}

/// Users in groups, and each group with each permission set in each account.
pub fn team(users: usize, groups: usize, accounts: usize) -> Vec<Item> {
    let group = |n: usize| format!("Group {n}");
    let mut items: Vec<Item> = sets(permission_sets()).collect();
    for n in 0..users {
        let name = format!("user-{n}");
        items.push(Item::User {
            spec: UserSpec {
                email: format!("{name}@example.com"),
                given_name: "Given".to_owned(),
                family_name: format!("{n}"),
                display_name: name.clone(),
                name: name.clone(),
            },
            in_console: false,
        });
        for group in [group(n % groups), group((n + 1) % groups)] {
            items.push(Item::Membership {
                group,
                user: name.clone(),
            });
        }
    }
    for principal in (0..groups).map(group) {
        items.push(Item::Group(principal.clone()));
        for spec in permission_sets() {
            items.extend((0..accounts).map(|n| Item::Assignment {
                account: account(n).parse().unwrap(),
                permission_set: spec.name.clone(),
                principal: principal.clone(),
                is_group: true,
            }));
        }
    }
    items
}

fn updates() -> Policy {
    Policy {
        updates: BTreeSet::from([ResourceKind::PermissionSet]),
    }
}

async fn planned(context: &Context, desired: &[Item], policy: &Policy) -> Vec<Node<ItemField>> {
    let batch = Batch::new(context, &INFO).await.unwrap();
    let observed = batch.observe(desired).await.unwrap();
    context.progress.read(|record| plan(desired, &observed, record, policy))
}

async fn applied(context: &Context, desired: &[Item], policy: &Policy) -> Outcome {
    let batch = Batch::new(context, &INFO).await.unwrap();
    let observed = batch.observe(desired).await.unwrap();
    let nodes = context.progress.read(|record| plan(desired, &observed, record, policy));
    batch.apply(desired, &nodes).await
}

pub async fn apply_all(env: &TestEnv, desired: &[Item]) {
    let context = context(env).await;
    let outcome = applied(&context, desired, &updates()).await;
    assert!(outcome.failed.is_empty() && outcome.waiting.is_empty(), "{outcome:#?}");
    let left = planned(&context, desired, &Policy::default()).await;
    let left: Vec<_> = left.iter().filter(|node| node.action != Action::Keep).collect();
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(context.progress.read(|record| record.intents.len()), 0);
}

/// The number of entries by origin.
fn origins(env: &TestEnv) -> BTreeMap<String, usize> {
    let mut origins = BTreeMap::new();
    for entry in env.state()["resources"].as_array().unwrap() {
        *origins.entry(entry["origin"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    origins
}

#[test]
fn many_items_are_created_once_and_undone() {
    let env = TestEnv::with(organization(3));
    let before = persistent_state(&env.server.cloud());
    let desired = team(12, 4, 3);
    RUNTIME.block_on(apply_all(&env, &desired));
    assert_eq!(env.counts(), [12, 4, 24, 3, 36]);
    assert_eq!(origins(&env)["created"], 12 + 4 + 24 + 3 + 36);
    {
        let cloud = env.server.cloud();
        let set = |name: &str| cloud.permission_sets.iter().find(|set| set.name == name).unwrap();
        let (deploy, audit) = (set("Deploy"), set("Audit"));
        assert_eq!(deploy.description.as_deref(), Some("Deployments"));
        assert_eq!(
            deploy.relay_state.as_deref(),
            Some("https://console.aws.amazon.com/ecs")
        );
        assert_eq!(deploy.customer_policies.len(), 2);
        assert_eq!(deploy.customer_policies[1].path, "/team/a/");
        assert!(deploy.inline_policy.as_ref().unwrap().contains("s3:*"));
        assert_eq!(audit.boundary.as_ref().unwrap()["ManagedPolicyArn"], BILLING);
        assert_eq!(audit.tags["team"], "audit");
    }
    // A second time, nothing is changed.
    env.server.clear_calls();
    RUNTIME.block_on(apply_all(&env, &desired));
    assert!(!env.server.calls().iter().any(is_mutating));
    env.json(&["undo", "--yes"]).expect(0);
    assert_eq!(persistent_state(&env.server.cloud()), before);
}

#[test]
fn each_field_of_a_permission_set_is_changed_and_provisioned() {
    let env = TestEnv::with(organization(2));
    RUNTIME.block_on(apply_all(&env, &team(1, 1, 2)));
    let original = permission_sets();
    let admin = |change: &dyn Fn(&mut PermissionSetSpec)| {
        let mut spec = original[0].clone();
        change(&mut spec);
        spec
    };
    let text = |text: &str| Some(text.to_owned());
    let changes: [PermissionSetSpec; 9] = [
        admin(&|spec| spec.duration = Some("8h".parse().unwrap())),
        admin(&|spec| spec.relay_state = text("https://example.com/")),
        admin(&|spec| spec.description = text("Everything")),
        admin(&|spec| spec.managed_policies = Some(policies(&[BILLING]))),
        admin(&|spec| spec.customer_managed_policies = Some(policies(&["/a/Own"]))),
        admin(&|spec| {
            spec.inline_policy = text(r#"{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}"#);
        }),
        admin(&|spec| spec.boundary = text("/Limit")),
        admin(&|spec| spec.tags = Some(BTreeMap::from([("a".to_owned(), "b".to_owned())]))),
        // Back to the first one, without what was added in the meantime.
        admin(&|spec| {
            spec.relay_state = text("");
            spec.customer_managed_policies = Some(policies(&[]));
            spec.inline_policy = text("");
            spec.boundary = Some(String::new());
            spec.tags = Some(BTreeMap::new());
        }),
    ];
    for spec in changes {
        env.server.clear_calls();
        let desired: Vec<Item> = sets(vec![spec.clone()]).collect();
        RUNTIME.block_on(apply_all(&env, &desired));
        let cloud = env.server.cloud();
        let set = cloud.permission_sets.iter().find(|set| set.name == "Admin").unwrap();
        let versions = cloud.roles.iter().filter(|role| role.permission_set == set.arn);
        assert!(versions.clone().count() == 2, "{:?}", cloud.roles);
        assert!(versions.clone().all(|role| role.version == set.version()), "{spec:?}");
        let calls = env.server.calls();
        let provisioned = calls.iter().filter(|call| call.operation == "ProvisionPermissionSet");
        assert_eq!(provisioned.count(), 1, "once for each change: {spec:?}");
    }
    // Undo knows what was applied last, and finds nothing that someone else changed.
    env.json(&["undo", "--yes"]).expect(0);
    assert_eq!(env.counts(), [0; 5]);
}

#[test]
fn what_someone_else_changed_is_named_and_undo_leaves_it() {
    let env = TestEnv::with(organization(1));
    let desired = team(2, 1, 1);
    RUNTIME.block_on(apply_all(&env, &desired));
    {
        let mut cloud = env.server.cloud();
        let sets = cloud.permission_sets.iter_mut();
        let deploy = sets.into_iter().find(|set| set.name == "Deploy").unwrap();
        deploy.inline_policy = Some(r#"{"Statement": [{"Effect": "Deny"}]}"#.to_owned());
    }
    let nodes = RUNTIME.block_on(async {
        let context = context(&env).await;
        planned(&context, &desired, &Policy::default()).await
    });
    let differs: Vec<_> = nodes
        .iter()
        .filter(|node| matches!(node.action, Action::Differs(_)))
        .map(|node| format!("{:?}", node.address))
        .collect();
    assert_eq!(differs.len(), 1, "{nodes:#?}");
    assert!(differs[0].contains("Deploy"), "{differs:?}");
    let result = env.json(&["undo", "--yes"]).expect(5);
    assert_eq!(env.server.cloud().permission_sets.len(), 1);
    assert!(
        result.envelope()["removals"]
            .to_string()
            .contains("someone changed its inline policy"),
        "{}",
        result.summary()
    );
}

#[test]
fn what_existed_before_is_adopted_and_stays_after_an_undo() {
    let env = TestEnv::with(organization(2));
    let desired = team(3, 2, 2);
    RUNTIME.block_on(apply_all(&env, &desired));
    // Another machine, which has no record.
    std::fs::remove_file(env.state_file()).unwrap();
    env.server.clear_calls();
    RUNTIME.block_on(apply_all(&env, &desired));
    assert!(!env.server.calls().iter().any(is_mutating));
    assert_eq!(
        origins(&env),
        BTreeMap::from([("existing".to_owned(), 3 + 2 + 6 + 3 + 12)])
    );
    env.json(&["undo", "--yes"]).expect(0);
    assert_eq!(env.counts(), [3, 2, 6, 3, 12]);
}

#[test]
fn a_failure_leaves_only_what_depends_on_it() {
    let env = TestEnv::with(organization(2));
    let key = env.credentials.access_key_id.clone();
    let denied = vec!["identitystore:CreateGroup".to_owned()];
    env.server.cloud().identities.get_mut(&key).unwrap().denied = denied;
    let desired = team(4, 2, 2);
    let outcome = RUNTIME.block_on(async {
        let context = context(&env).await;
        applied(&context, &desired, &updates()).await
    });
    assert_eq!(outcome.failed.len(), 2, "both groups");
    assert_eq!(outcome.done.len(), 4 + 3, "users and permission sets");
    assert_eq!(outcome.waiting.len(), 8 + 12, "memberships and assignments");
    assert!(
        outcome
            .failed
            .iter()
            .all(|(_, error)| error.message.contains("CreateGroup"))
    );
    env.server.cloud().identities.get_mut(&key).unwrap().denied.clear();
    RUNTIME.block_on(apply_all(&env, &desired));
}

#[test]
fn after_the_request_to_end_no_change_begins() {
    let env = TestEnv::with(organization(2));
    let desired = team(3, 2, 2);
    RUNTIME.block_on(async {
        let context = context(&env).await;
        context.stop.request();
        let outcome = applied(&context, &desired, &updates()).await;
        assert_eq!(outcome.done, []);
        assert!(
            outcome.failed.iter().all(|(_, error)| *error == UserError::left()),
            "{outcome:#?}"
        );
        assert_eq!(context.progress.read(|record| record.intents.len()), 0);
        context.stop.withdraw();
    });
    assert!(!env.server.calls().iter().any(is_mutating));
    RUNTIME.block_on(apply_all(&env, &desired));
}

#[test]
fn killed_anywhere_nothing_is_lost_or_created_twice() {
    let desired = team(3, 2, 2);
    let kill_after = |calls: usize| {
        let env = TestEnv::with(organization(2));
        let before = persistent_state(&env.server.cloud());
        let was_killed = RUNTIME.block_on(async {
            let (context, policy) = (context(&env).await, updates());
            let killed = async {
                while env.server.calls().len() < calls {
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
            };
            tokio::select! {
                _ = applied(&context, &desired, &policy) => false,
                () = killed => true,
            }
        });
        // A call that was in flight may still take effect.
        std::thread::sleep(Duration::from_millis(50));
        RUNTIME.block_on(apply_all(&env, &desired));
        assert_eq!(env.counts(), [3, 2, 6, 3, 12], "killed after {calls} calls");
        let origins = origins(&env);
        assert_eq!(
            origins,
            BTreeMap::from([("created".to_owned(), 26)]),
            "killed after {calls} calls"
        );
        env.json(&["undo", "--yes"]).expect(0);
        assert_eq!(
            persistent_state(&env.server.cloud()),
            before,
            "killed after {calls} calls"
        );
        was_killed
    };
    let step = if std::env::var_os("FULL_SWEEPS").is_some() {
        1
    } else {
        23
    };
    let (next, killed, is_over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let calls = 1 + step * next.fetch_add(1, Ordering::Relaxed);
                    if kill_after(calls) {
                        killed.fetch_add(1, Ordering::Relaxed);
                    } else {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let killed = killed.into_inner();
    assert!(killed > 2, "{killed}");
}

#[test]
fn no_account_gets_two_operations_at_once() {
    let mut cloud = organization(3);
    cloud.timing.provisioning = Duration::from_millis(150);
    let env = TestEnv::with(cloud);
    let desired = team(1, 2, 3);
    RUNTIME.block_on(async {
        let (context, policy) = (context(&env).await, Policy::default());
        let apply = applied(&context, &desired, &policy);
        let watch = async {
            let mut most = BTreeMap::new();
            loop {
                let mut now: BTreeMap<String, usize> = BTreeMap::new();
                for operation in &env.server.cloud().operations {
                    if serde_json::to_value(&operation.outcome).unwrap() == "Pending" {
                        *now.entry(operation.subject.account.clone()).or_default() += 1;
                    }
                }
                for (account, count) in now {
                    let most: &mut usize = most.entry(account).or_default();
                    *most = (*most).max(count);
                }
                assert!(most.values().all(|most| *most <= 1), "{most:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            outcome = apply => assert!(outcome.failed.is_empty(), "{outcome:#?}"),
            () = watch => unreachable!(),
        }
    });
    assert_eq!(env.counts()[4], 18);
}
