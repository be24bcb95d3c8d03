//! The settings that the AWS SDK would otherwise read by itself from variables and files. They are read and checked here,
//! because the SDK panics on some values that the AWS CLI ignores or reports.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::profile::ProfileSet;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::credential_process::CredentialProcess;
use super::http;
use crate::environment::Environment;
use crate::limits::MOST_REQUESTS_PER_SECOND;
use aws_config_file::{EnvConfigFiles, Paths, files, sdk_files};

/// What the SDK gets instead of reading it by itself.
#[derive(Debug, Clone)]
pub struct SdkSettings {
    /// The text of the AWS files.
    pub files: EnvConfigFiles,
    /// The client for all calls.
    pub http: SharedHttpClient,
    /// The program that returns the credentials of the profile, if it has one.
    pub process: Option<Arc<CredentialProcess>>,
    /// The requests per second to Identity Center, if the user has set them.
    pub requests_per_second: Option<u32>,
}

/// The variable with the requests per second to Identity Center.
const REQUESTS_PER_SECOND: &str = "IDC_SETUP_REQUESTS_PER_SECOND";

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {why}")]
pub struct InvalidSetting {
    /// The variable, or the key with its place.
    pub name: String,
    /// Why, as the end of a sentence that begins with the name. Without the value, which can be secret.
    pub why: String,
}

/// The variables with credentials.
const CREDENTIALS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// The variables that name a file which is read to its end: a device or a pipe might have none.
const SINGLE_FILES: [&str; 4] = [
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

impl SdkSettings {
    /// Reads the settings from the environment, and from the profile that is selected.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub async fn load(environment: &Environment, profile: Option<&str>) -> Result<Self, InvalidSetting> {
        for name in CREDENTIALS {
            if environment.var(name).is_some_and(|value| !is_credential(value)) {
                return Err(InvalidSetting {
                    name: name.to_owned(),
                    why: "contains a line ending or another character that no credential contains".to_owned(),
                });
            }
        }
        for name in SINGLE_FILES {
            let path = environment.var(name).map(Path::new);
            let metadata = path.and_then(|path| path.metadata().ok());
            if metadata.is_some_and(|metadata| !metadata.is_file()) {
                return Err(InvalidSetting {
                    name: name.to_owned(),
                    why: "names something that is not a regular file".to_owned(),
                });
            }
        }
        let requests_per_second = requests_per_second(environment)?;
        let files = sdk_files(environment.aws_files().as_ref());
        let profiles = profiles(&files, profile).await;
        let replaced = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .find(|name| environment.var(name).is_some());
        if let Some(name) = replaced
            && rustls_native_certs::load_native_certs().certs.is_empty()
        {
            return Err(InvalidSetting {
                name: name.to_owned(),
                why: "replaces the certificates of this system, but points to no certificates".to_owned(),
            });
        }
        let http = http::client(match ca_bundle(environment, profiles.as_ref()) {
            Some((name, path)) => trusting(name, &path)?,
            None => TlsContext::default(),
        });
        let http = match &environment.recorder {
            Some(recorder) => recorder.client(http),
            None => http,
        };
        let process = profiles.as_ref().and_then(CredentialProcess::of).map(Arc::new);
        Ok(Self {
            files,
            http,
            process,
            requests_per_second,
        })
    }

    /// The current text of the files, with the same client. For a profile of SSO, which needs no program.
    pub fn reload(paths: &Paths, http: SharedHttpClient) -> Self {
        Self {
            files: sdk_files(Some(paths)),
            http,
            process: None,
            requests_per_second: None,
        }
    }
}

/// The requests per second to Identity Center that the user allows. All programs that use the organization's Identity Center
/// share one quota, so a user can leave a part of it to others.
fn requests_per_second(environment: &Environment) -> Result<Option<u32>, InvalidSetting> {
    let Some(text) = environment.var(REQUESTS_PER_SECOND) else {
        return Ok(None);
    };
    let rate = text.trim().parse().ok();
    let rate = rate.filter(|rate| (1..=MOST_REQUESTS_PER_SECOND).contains(rate));
    rate.map(Some).ok_or_else(|| InvalidSetting {
        name: REQUESTS_PER_SECOND.to_owned(),
        why: format!("is not a whole number from 1 to {MOST_REQUESTS_PER_SECOND}"),
    })
}

/// Whether a text can be a part of credentials, which are sent in headers.
pub fn is_credential(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The profiles of the files, with one selected; `None` if they cannot be read.
async fn profiles(files: &EnvConfigFiles, profile: Option<&str>) -> Option<ProfileSet> {
    let profile = profile.map(|name| name.to_owned().into());
    let (fs, env) = (Fs::from_slice(&[]), Env::real());
    aws_config::profile::load(&fs, &env, files, profile).await.ok()
}

/// The file with the certificates to trust instead of those of the platform, and the setting that names it ("AWS SDKs and
/// Tools Reference Guide", general configuration).
fn ca_bundle(environment: &Environment, profiles: Option<&ProfileSet>) -> Option<(&'static str, PathBuf)> {
    if let Some(path) = environment.var("AWS_CA_BUNDLE") {
        return Some(("AWS_CA_BUNDLE", PathBuf::from(path)));
    }
    let profiles = profiles?;
    let profile = profiles.get_profile(profiles.selected_profile())?;
    Some((
        "ca_bundle in the AWS config file",
        PathBuf::from(profile.get("ca_bundle")?),
    ))
}

/// A context that trusts only the certificates in a file. They are checked, because the HTTP client expects them to be valid.
fn trusting(name: &str, path: &Path) -> Result<TlsContext, InvalidSetting> {
    let invalid = |why: String| InvalidSetting {
        name: name.to_owned(),
        why: format!("names {}, which {why}", path.display()),
    };
    let content = files::read(path).map_err(|error| invalid(format!("cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&content) {
        let certificate = certificate.map_err(|_| invalid("is not in PEM format".to_owned()))?;
        roots
            .add(certificate)
            .map_err(|_| invalid("contains an invalid certificate".to_owned()))?;
    }
    if roots.is_empty() {
        return Err(invalid("contains no certificate".to_owned()));
    }
    let trusted = TrustStore::empty()
        .with_native_roots(false)
        .with_pem_certificate(content);
    let tls = TlsContext::builder().with_trust_store(trusted).build();
    tls.map_err(|error| invalid(format!("cannot be used: {error}")))
}

/// The settings that lead calls elsewhere than to the public endpoints, by name. They are named if a call fails to connect.
pub async fn network_settings(environment: &Environment, profile: Option<&str>) -> Vec<String> {
    const VARIABLES: [&str; 8] = [
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "AWS_CA_BUNDLE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];
    const KEYS: [&str; 4] = [
        "use_fips_endpoint",
        "use_dualstack_endpoint",
        "ca_bundle",
        "endpoint_url",
    ];
    let is_on = |value: &str| !value.eq_ignore_ascii_case("false");
    let variables = VARIABLES
        .into_iter()
        .map(str::to_owned)
        .chain(environment.endpoint_variables());
    let mut named: Vec<String> = variables
        .filter(|name| environment.var(name).is_some_and(is_on))
        .collect();
    let profiles = profiles(&sdk_files(environment.aws_files().as_ref()), profile).await;
    if let Some(profile) = profiles
        .as_ref()
        .and_then(|all| all.get_profile(all.selected_profile()))
    {
        let keys = KEYS.into_iter().filter(|key| profile.get(key).is_some_and(is_on));
        named.extend(keys.map(|key| format!("{key} of the profile {}", profile.name())));
    }
    named
}
