//! Selects the credentials and the Region, and identifies the caller, so that the SDK does not guess and does not wait
//! for an instance metadata service that does not exist.

use std::sync::Arc;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig, imds};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::clients::{Clients, RefusedEndpoint};
use super::clock::ServerClock;
use super::error::{AwsError, AwsErrorKind, innermost};
use super::read_retries;
use super::regions::{self, Partition};
use super::sdk_settings::{InvalidSetting, SdkSettings, is_credential};
use crate::environment::Environment;
use crate::ids::{AccountId, RegionName};
use crate::limits::{METADATA_CONNECT_LIMIT, METADATA_READ_LIMIT, READ_LIMIT};
use crate::text::{duration_text, without_passwords};
use aws_config_file::sdk_files;

/// What the user requested, and what the last run used.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `--profile`. Takes precedence over the environment.
    pub profile: Option<String>,
    /// The profile of the last run. Used only if nothing else selects credentials.
    pub last_profile: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// The Region of the last run.
    pub last_region: Option<RegionName>,
}

/// A Region and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRegion {
    /// Such as `eu-west-1`.
    pub name: RegionName,
    /// The source, such as `AWS_REGION`.
    pub named_by: String,
}

/// A text that names no Region that this version knows. Its message suggests the most similar one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} ({named_by}) is not a Region that this version knows{hint}")]
pub struct UnknownRegion {
    text: String,
    named_by: String,
    /// A question about the Region that was meant, or a period.
    hint: String,
}

/// An AWS identity, as STS returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The ARN.
    pub arn: String,
}

impl Caller {
    /// The partition of the account.
    pub fn partition(&self) -> Partition {
        Partition::of_arn(&self.arn)
    }

    /// Whether it is the account's root user.
    pub fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }
}

/// A connection with valid credentials.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Clients for every service.
    pub clients: Clients,
    /// The caller identity.
    pub caller: Caller,
    /// The profile that was used, if one was selected.
    pub profile: Option<String>,
    /// Whether the credentials are an access key without a session token, which never expires.
    pub is_long_lived: bool,
    /// When the credentials expire, if known.
    pub ends_at: Option<Timestamp>,
}

impl Connection {
    /// Whether the credentials are an access key of the root user.
    pub fn is_root_key(&self) -> bool {
        self.is_long_lived && self.caller.is_root()
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// The endpoint of a service cannot be used.
    Endpoint(RefusedEndpoint),
    /// A setting of the environment or the profile cannot be used.
    Setting(InvalidSetting),
    /// No credentials were found, or they could not be loaded for this reason.
    NoCredentials(Option<String>),
    /// STS did not return the caller identity. Holds how far its clock is ahead of this machine's, if known.
    Failed(AwsError, Option<SignedDuration>),
}

/// The profile whose credentials are used, if one is selected.
pub fn profile(wanted: &Wanted, environment: &Environment) -> Option<String> {
    let nothing_else = environment.var("AWS_PROFILE").is_none() && !environment.has_credentials();
    // The AWS CLI knows this variable, and the SDKs do not.
    let default = environment.var("AWS_DEFAULT_PROFILE").map(str::to_owned);
    let otherwise = default.or_else(|| wanted.last_profile.clone());
    wanted.profile.clone().or(otherwise.filter(|_| nothing_else))
}

/// The Region: from the flag, the environment variables, the profile, or the last run.
///
/// # Errors
/// [`UnknownRegion`] if the first source that has one has a text that this version does not know.
pub async fn region(wanted: &Wanted, environment: &Environment) -> Result<Option<NamedRegion>, UnknownRegion> {
    let explicit = [
        (wanted.region.as_deref(), "--region"),
        (environment.var("AWS_REGION"), "AWS_REGION"),
        (environment.var("AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION"),
    ];
    for (text, named_by) in explicit {
        if let Some(text) = text {
            return named_region(text, named_by).map(Some);
        }
    }
    let files = sdk_files(environment.aws_files().as_ref());
    let mut builder = ProfileFileRegionProvider::builder().profile_files(files);
    let profile = profile(wanted, environment);
    if let Some(profile) = &profile {
        builder = builder.profile_name(profile);
    }
    if let Some(region) = builder.build().region().await {
        let name = profile.as_deref().or(environment.var("AWS_PROFILE"));
        return named_region(region.as_ref(), &format!("profile {}", name.unwrap_or("default"))).map(Some);
    }
    let last = wanted.last_region.as_ref();
    last.map(|last| named_region(last, "the last run")).transpose()
}

fn named_region(text: &str, named_by: &str) -> Result<NamedRegion, UnknownRegion> {
    let name = text.parse().ok().filter(regions::is_known);
    name.map_or_else(
        || {
            Err(UnknownRegion {
                text: text.to_owned(),
                named_by: named_by.to_owned(),
                hint: regions::nearest(text)
                    .map_or_else(|| ".".to_owned(), |nearest| format!("; did you mean {nearest}?")),
            })
        },
        |name| {
            Ok(NamedRegion {
                name,
                named_by: named_by.to_owned(),
            })
        },
    )
}

/// Loads credentials and gets the caller identity from STS.
///
/// # Errors
/// [`ConnectError::Failed`] if STS returns an error or cannot be reached; the others before any call.
pub async fn connect(
    wanted: &Wanted,
    environment: &Environment,
    region: Option<&NamedRegion>,
) -> Result<Connection, ConnectError> {
    let region = &region.map_or_else(|| Partition::Aws.main_region(), |region| region.name.clone());
    let profile = profile(wanted, environment);
    let settings = SdkSettings::load(environment, profile.as_deref()).await;
    let settings = settings.map_err(ConnectError::Setting)?;
    let provider = credentials(profile.as_deref(), region, &settings);
    let base = sdk_config(profile.as_deref(), region, &settings, provider.clone()).await;
    let clients = Clients::new(&base, ServerClock::default()).with_identity_center_rate(settings.requests_per_second);
    if let Some(refused) = clients.refused_endpoint() {
        return Err(ConnectError::Endpoint(refused));
    }
    let credentials = match tokio::time::timeout(READ_LIMIT, provider.provide_credentials()).await {
        Ok(Ok(credentials)) => credentials,
        Ok(Err(error)) => return Err(ConnectError::NoCredentials(failure_reason(&error, profile.as_deref()))),
        Err(_) => {
            let why = format!("no credentials provider responded within {}", duration_text(READ_LIMIT));
            return Err(ConnectError::NoCredentials(Some(why)));
        }
    };
    for part in [Some(credentials.access_key_id()), credentials.session_token()] {
        if part.is_some_and(|part| !is_credential(part)) {
            let name = profile
                .as_deref()
                .map_or_else(|| "the credentials".to_owned(), |name| format!("the profile {name}"));
            let why = format!("{name} returned a key with a character that no credential contains");
            return Err(ConnectError::NoCredentials(Some(why)));
        }
    }
    let failed = |aws_error| ConnectError::Failed(aws_error, clients.clock().ahead());
    let caller = caller(&clients, region).await.map_err(failed)?;
    Ok(Connection {
        clients,
        caller,
        profile,
        is_long_lived: credentials.session_token().is_none(),
        ends_at: credentials.expiry().and_then(|at| Timestamp::try_from(at).ok()),
    })
}

/// The caller identity of these clients.
///
/// # Errors
/// If STS does not return it.
pub async fn caller(clients: &Clients, region: &RegionName) -> Result<Caller, AwsError> {
    const OPERATION: &str = "sts:GetCallerIdentity";
    let answer = clients.sts(region).get_caller_identity().send().await;
    let answer = answer.map_err(|error| AwsError::of(OPERATION, error))?;
    let is_account = |account: &String| account.len() == 12 && account.bytes().all(|c| c.is_ascii_digit());
    match (answer.account.filter(is_account), answer.arn) {
        (Some(account), Some(arn)) => Ok(Caller {
            account: account
                .parse()
                .map_err(|_| AwsError::unreadable("sts:GetCallerIdentity"))?,
            arn,
        }),
        _ => Err(AwsError {
            operation: OPERATION.to_owned(),
            kind: AwsErrorKind::NotAws,
            code: None,
            message: "the response contains no account ID or ARN".to_owned(),
            retry_after: None,
        }),
    }
}

/// Why no credentials were loaded; `None` if the reason does not help the user. A machine that is not an EC2 instance
/// has no metadata service, for example.
fn failure_reason(error: &CredentialsError, profile: Option<&str>) -> Option<String> {
    let why = without_passwords(&innermost(error));
    // What a `credential_process` prints can hold secrets.
    let why = why
        .split("Stderr:")
        .next()
        .unwrap_or_default()
        .trim_end_matches([' ', ':', '.', ','])
        .to_owned();
    let is_not_configured = matches!(error, CredentialsError::CredentialsNotLoaded(_)) || why.contains("IMDS");
    match profile {
        Some(profile) => Some(format!("the profile {profile} returned none ({why})")),
        None if is_not_configured => None,
        None => Some(why),
    }
}

/// The credentials of one profile only, or those of the SDK's default chain, in its order, with a short timeout for
/// instance metadata.
pub fn credentials(profile: Option<&str>, region: &RegionName, settings: &SdkSettings) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_region(Some(Region::new(region.to_string())))
        .with_retry_config(read_retries::reads())
        .with_timeout_config(read_retries::limits())
        .with_http_client(settings.http.clone());
    let of_profile = ProfileFileCredentialsProvider::builder()
        .profile_files(settings.files.clone())
        .configure(&config);
    if let Some(profile) = profile {
        return match &settings.process {
            Some(process) => SharedCredentialsProvider::from(process.clone() as Arc<dyn ProvideCredentials>),
            None => SharedCredentialsProvider::new(of_profile.profile_name(profile).build()),
        };
    }
    let metadata = imds::Client::builder()
        .configure(&config)
        .connect_timeout(METADATA_CONNECT_LIMIT)
        .read_timeout(METADATA_READ_LIMIT)
        .max_attempts(1)
        .build();
    let web_identity = WebIdentityTokenCredentialsProvider::builder()
        .configure(&config)
        .build();
    let container = EcsCredentialsProvider::builder().configure(&config).build();
    let instance = ImdsCredentialsProvider::builder()
        .configure(&config)
        .imds_client(metadata)
        .build();
    let of_profile = match &settings.process {
        Some(process) => SharedCredentialsProvider::from(process.clone() as Arc<dyn ProvideCredentials>),
        None => SharedCredentialsProvider::new(of_profile.build()),
    };
    let chain = CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("Profile", of_profile)
        .or_else("WebIdentityToken", web_identity)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", instance);
    SharedCredentialsProvider::new(chain)
}

/// The SDK configuration from the environment and the profile, with these credentials and this Region.
pub async fn sdk_config(
    profile: Option<&str>,
    region: &RegionName,
    settings: &SdkSettings,
    credentials: SharedCredentialsProvider,
) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_string()))
        .profile_files(settings.files.clone())
        .retry_config(read_retries::reads())
        .timeout_config(read_retries::limits())
        .http_client(settings.http.clone())
        .credentials_provider(credentials);
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    loader.load().await
}
