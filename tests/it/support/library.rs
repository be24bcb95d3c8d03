//! The library of the program, connected to the simulated AWS of a test.

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
use idc_setup::progress::{Progress, ProgressError};
use idc_setup::reconcile::{Context, Fact, Importance, Instance, StepInfo, Stop};

use super::TestEnv;

/// A step for intents.
pub const INFO: StepInfo = StepInfo {
    number: 0,
    slug: "test",
    short: "test",
    title: "Test",
    importance: Importance::Required,
    why: "",
    feeds_others: false,
    permissions: &[],
};

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
