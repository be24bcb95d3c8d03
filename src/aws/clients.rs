//! One client a service and Region. Reads are retried by the SDK; `once` clients are for creates, which the
//! steps repeat themselves.

use aws_config::{Region, SdkConfig};
use aws_smithy_types::retry::RetryConfig;

use super::clock::ServerClock;
use super::retry::{self, ByContent};

/// Clients for the services that the steps use.
#[derive(Debug, Clone)]
pub struct Clients {
    base: SdkConfig,
    clock: ServerClock,
}

macro_rules! service {
    ($(#[$doc:meta])* $name:ident, $once:ident, $service:ident) => {
        $(#[$doc])*
        pub fn $name(&self, region: &str) -> $service::Client {
            let config = $service::config::Builder::from(&self.base)
                .region(Region::new(region.to_owned()))
                .interceptor(self.clock.clone())
                .retry_classifier(ByContent)
                .build();
            $service::Client::from_conf(config)
        }

        /// The same, without the SDK's retries.
        pub fn $once(&self, region: &str) -> $service::Client {
            let config = $service::config::Builder::from(&self.base)
                .region(Region::new(region.to_owned()))
                .interceptor(self.clock.clone())
                .retry_config(RetryConfig::disabled())
                .build();
            $service::Client::from_conf(config)
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
        Self { base, clock }
    }

    /// The server's clock, learnt from every answer.
    pub fn clock(&self) -> &ServerClock {
        &self.clock
    }

    service!(
        /// AWS Security Token Service.
        sts, sts_once, aws_sdk_sts
    );
    service!(
        /// AWS Organizations.
        organizations, organizations_once, aws_sdk_organizations
    );
    service!(
        /// AWS Free Tier.
        freetier, freetier_once, aws_sdk_freetier
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
        sso, sso_once, aws_sdk_sso
    );
}
