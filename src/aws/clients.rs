//! One client a service and Region. Reads are retried by the SDK; `once` clients are for creates, which the
//! steps repeat themselves.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_smithy_types::retry::RetryConfig;

use aws_types::service_config::ServiceConfigKey;

use super::clock::ServerClock;
use super::http::is_plain_http_elsewhere;
use super::regions::Partition;
use super::retry::{self, ByContent};
use super::truncation::WholeAnswers;

/// Kind of client, Region, and whether it is without retries.
type Which = (TypeId, String, bool);

/// Clients for the services that the steps use. Each is made once a Region, so that connections and retry
/// budgets are kept.
#[derive(Debug, Clone)]
pub struct Clients {
    base: SdkConfig,
    clock: ServerClock,
    kept: Arc<Mutex<HashMap<Which, Box<dyn Any + Send>>>>,
}

/// The services that are called, by us and by the SDK's providers of credentials: "serviceId" of their models.
const SERVICE_IDS: [&str; 11] = [
    "STS",
    "SSO OIDC",
    "SSO",
    "Signin",
    "SSO Admin",
    "identitystore",
    "Organizations",
    "FreeTier",
    "IAM",
    "CloudTrail",
    "S3",
];

macro_rules! service {
    ($(#[$doc:meta])* $name:ident, $service:ident) => {
        $(#[$doc])*
        pub fn $name(&self, region: &str) -> $service::Client {
            self.client(region, false, || {
                let config = $service::config::Builder::from(&self.base)
                    .region(Region::new(region.to_owned()))
                    .interceptor(self.clock.clone())
                    .interceptor(WholeAnswers)
                    .retry_classifier(ByContent)
                    .build();
                $service::Client::from_conf(config)
            })
        }
    };
    ($(#[$doc:meta])* $name:ident, $once:ident, $service:ident) => {
        service!($(#[$doc])* $name, $service);

        /// The same, without the SDK's retries.
        pub fn $once(&self, region: &str) -> $service::Client {
            self.client(region, true, || {
                let config = $service::config::Builder::from(&self.base)
                    .region(Region::new(region.to_owned()))
                    .interceptor(self.clock.clone())
                    .interceptor(WholeAnswers)
                    .retry_config(RetryConfig::disabled())
                    .build();
                $service::Client::from_conf(config)
            })
        }
    };
}

impl Clients {
    /// Clients with these credentials and this endpoint; retries and limits are ours.
    pub fn new(base: &SdkConfig, clock: ServerClock) -> Self {
        let base = base
            .to_builder()
            .retry_config(retry::reads())
            .timeout_config(retry::limits())
            .build();
        Self {
            base,
            clock,
            kept: Arc::default(),
        }
    }

    /// The server's clock, learnt from every answer.
    pub fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// Where sso-oidc answers in a Region, without a path: as the environment or a profile has it, else AWS's own.
    pub fn oidc_address(&self, region: &str) -> String {
        let suffix = Partition::of_region(region).dns_suffix();
        self.given_endpoint("SSO OIDC").map_or_else(
            || format!("https://oidc.{region}.{suffix}"),
            |given| given.trim_end_matches('/').to_owned(),
        )
    }

    /// The first service whose endpoint is given as plain http on another machine: its name in variables
    /// (`IDENTITYSTORE`), and the address. Credentials and tokens would go there for everybody on the way to read.
    pub fn plain_http(&self) -> Option<(String, String)> {
        let plain = SERVICE_IDS.into_iter().find_map(|service| {
            let address = self.given_endpoint(service)?;
            is_plain_http_elsewhere(&address).then_some((service, address))
        });
        plain.map(|(service, address)| (service.to_uppercase().replace(' ', "_"), address))
    }

    /// A service's endpoint, where the environment or the profile gives one; a service's own counts before that of all.
    fn given_endpoint(&self, service: &str) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let special = self
            .base
            .service_config()
            .zip(key.ok())
            .and_then(|(config, key)| config.load_config(key));
        special.or_else(|| self.base.endpoint_url().map(str::to_owned))
    }

    fn client<C: Clone + Send + 'static>(&self, region: &str, once: bool, make: impl FnOnce() -> C) -> C {
        let key = (TypeId::of::<C>(), region.to_owned(), once);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.get(&key).and_then(|client| client.downcast_ref::<C>()) {
            return client.clone();
        }
        let client = make();
        kept.insert(key, Box::new(client.clone()));
        client
    }

    service!(
        /// AWS Security Token Service.
        sts, aws_sdk_sts
    );
    service!(
        /// AWS Organizations.
        organizations, organizations_once, aws_sdk_organizations
    );
    service!(
        /// AWS Free Tier.
        freetier, aws_sdk_freetier
    );
    service!(
        /// AWS IAM.
        iam, aws_sdk_iam
    );
    service!(
        /// AWS CloudTrail.
        cloudtrail, aws_sdk_cloudtrail
    );
    service!(
        /// Amazon S3.
        s3, aws_sdk_s3
    );
    service!(
        /// IAM Identity Center's administration.
        ssoadmin, ssoadmin_once, aws_sdk_ssoadmin
    );
    service!(
        /// The identity store.
        identitystore, identitystore_once, aws_sdk_identitystore
    );
    service!(
        /// Client registration and tokens; needs no credentials.
        ssooidc, ssooidc_once, aws_sdk_ssooidc
    );
    service!(
        /// The access portal's API; takes a token instead of credentials.
        sso, aws_sdk_sso
    );
}
