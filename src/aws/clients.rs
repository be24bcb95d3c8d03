//! One client per service and Region. The SDK retries reads. The `once` clients do not retry: they are for changes in
//! Identity Center, which `reconcile/retries.rs` repeats after checking what the last attempt did.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_types::service_config::ServiceConfigKey;

use super::call_log::CallLog;
use super::clock::ServerClock;
use super::http::{self, is_loopback};
use super::page_limit::PageLimit;
use super::rate_limit::{RateLimit, RequestCounts};
use super::read_retries::{self, RetryByResponse};
use super::regions::Partition;
use super::truncation::TruncationCheck;
use crate::ids::RegionName;

/// Type of client, Region, and whether retries are disabled.
type ClientKey = (TypeId, RegionName, bool);

/// Clients for the services that the steps use. Each is created once per Region, so that connections and retry budgets
/// are reused.
#[derive(Debug, Clone)]
pub struct Clients {
    base: SdkConfig,
    /// The same configuration with the rate limit of Identity Center.
    limited: SdkConfig,
    rate_limit: RateLimit,
    clock: ServerClock,
    kept: Arc<Mutex<HashMap<ClientKey, Box<dyn Any + Send>>>>,
}

/// The `serviceId` of every service that we or the SDK's credentials providers call.
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
        service!($(#[$doc])* $name, $service, base);
    };
    ($(#[$doc:meta])* $name:ident, $service:ident, $base:ident) => {
        $(#[$doc])*
        pub fn $name(&self, region: &RegionName) -> $service::Client {
            self.client(region, false, || {
                let config = $service::config::Builder::from(&self.$base)
                    .region(Region::new(region.to_string()))
                    .interceptor(CallLog)
                    .interceptor(self.clock.clone())
                    .interceptor(TruncationCheck)
                    .interceptor(PageLimit::default())
                    .interceptor(self.rate_limit.clone())
                    .retry_classifier(RetryByResponse)
                    .build();
                $service::Client::from_conf(config)
            })
        }
    };
    ($(#[$doc:meta])* $name:ident, once: $once:ident, $service:ident, $base:ident) => {
        service!($(#[$doc])* $name, $service, $base);

        /// The same client, without the SDK's retries.
        pub fn $once(&self, region: &RegionName) -> $service::Client {
            self.client(region, true, || {
                let config = $service::config::Builder::from(&self.$base)
                    .region(Region::new(region.to_string()))
                    .interceptor(CallLog)
                    .interceptor(self.clock.clone())
                    .interceptor(TruncationCheck)
                    .interceptor(PageLimit::default())
                    .interceptor(self.rate_limit.clone())
                    .retry_config(RetryConfig::disabled())
                    .build();
                $service::Client::from_conf(config)
            })
        }
    };
}

/// The configuration with the rate limit of Identity Center.
fn limited(base: &SdkConfig) -> (SdkConfig, RateLimit) {
    let is_local = base.endpoint_url().is_some_and(is_loopback);
    let limit = RateLimit::new(!is_local);
    let config = match base.http_client() {
        Some(client) => base.to_builder().http_client(limit.client(client)).build(),
        None => base.clone(),
    };
    (config, limit)
}

/// An endpoint that cannot be used.
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedEndpoint {
    /// The service, as in the names of variables: `IDENTITYSTORE`.
    pub service: String,
    /// The value of the setting. It can contain a password.
    pub address: String,
    /// Why, as the end of a sentence. Without a password.
    pub why: String,
}

/// Omits the address, which can contain a password.
impl fmt::Debug for RefusedEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedEndpoint")
            .field("service", &self.service)
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// Creates clients with the credentials and endpoints of `base`, and with our own retries and timeouts.
    pub fn new(base: &SdkConfig, clock: ServerClock) -> Self {
        let base = base
            .to_builder()
            .retry_config(read_retries::reads())
            .timeout_config(read_retries::limits())
            .build();
        let (limited, rate_limit) = limited(&base);
        Self {
            limited,
            rate_limit,
            base,
            clock,
            kept: Arc::default(),
        }
    }

    /// The server's clock, updated from every response.
    pub fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// The same clients, with another rate of requests to Identity Center than the one of its quota.
    #[must_use]
    pub fn with_identity_center_rate(self, per_second: Option<u32>) -> Self {
        if let Some(per_second) = per_second {
            self.rate_limit.set(per_second);
        }
        self
    }

    /// The requests per second to Identity Center that are allowed.
    pub fn identity_center_rate(&self) -> u32 {
        self.rate_limit.per_second()
    }

    /// The requests to Identity Center so far.
    pub fn identity_center_requests(&self) -> RequestCounts {
        self.rate_limit.counts()
    }

    /// The sso-oidc endpoint in a Region, without a path: the one that the environment or the profile sets, or the
    /// default.
    pub fn oidc_address(&self, region: &RegionName) -> String {
        let suffix = Partition::of_region(region).dns_suffix();
        self.configured_endpoint("SSO OIDC").map_or_else(
            || format!("https://oidc.{region}.{suffix}"),
            |endpoint| endpoint.trim_end_matches('/').to_owned(),
        )
    }

    /// The client for all calls.
    pub fn http(&self) -> Option<SharedHttpClient> {
        self.base.http_client()
    }

    /// The first service with an endpoint that cannot be used: that is no URL, or plain http on another machine, where
    /// anyone on the network path could read the credentials and tokens sent there.
    pub fn refused_endpoint(&self) -> Option<RefusedEndpoint> {
        SERVICE_IDS.into_iter().find_map(|service| {
            let address = self.configured_endpoint(service)?;
            let why = if !http::is_url(&address) {
                "is not the URL of an endpoint".to_owned()
            } else if http::is_plain_http_elsewhere(&address) {
                let shown = http::without_password(&address);
                format!("is {shown}: plain http to another machine, which is not encrypted")
            } else {
                return None;
            };
            Some(RefusedEndpoint {
                service: service.to_uppercase().replace(' ', "_"),
                address,
                why,
            })
        })
    }

    /// The endpoint of a service, if the environment or the profile sets one. A service-specific endpoint takes
    /// precedence.
    fn configured_endpoint(&self, service: &str) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let specific = self
            .base
            .service_config()
            .zip(key.ok())
            .and_then(|(config, key)| config.load_config(key));
        specific.or_else(|| self.base.endpoint_url().map(str::to_owned))
    }

    fn client<C: Clone + Send + 'static>(&self, region: &RegionName, once: bool, create: impl FnOnce() -> C) -> C {
        let key = (TypeId::of::<C>(), region.clone(), once);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.get(&key).and_then(|client| client.downcast_ref::<C>()) {
            return client.clone();
        }
        let client = create();
        kept.insert(key, Box::new(client.clone()));
        client
    }

    service!(
        /// AWS Security Token Service.
        sts, aws_sdk_sts
    );
    service!(
        /// AWS Organizations.
        organizations, once: organizations_once, aws_sdk_organizations, base
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
        /// IAM Identity Center administration.
        ssoadmin, once: ssoadmin_once, aws_sdk_ssoadmin, limited
    );
    service!(
        /// The identity store.
        identitystore, once: identitystore_once, aws_sdk_identitystore, limited
    );
    service!(
        /// Client registration and tokens. Needs no credentials.
        ssooidc, once: ssooidc_once, aws_sdk_ssooidc, base
    );
    service!(
        /// The access portal API. Takes a token instead of credentials.
        sso, aws_sdk_sso
    );
}
