//! Every variable, and every key of a profile, that the AWS SDK or the AWS CLI knows, with values that nobody intends: blank,
//! nonsense, and with a line ending. A command ends with a documented exit code and says what is wrong; it never panics.
//! Tests a fixed sample, and all of them with `FULL_SWEEPS=1`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::support::kill_points::is_full_sweep;
use super::support::{RunResult, TestEnv};

/// The variables in the "Settings reference" of the AWS SDKs and Tools Reference Guide and in "Configuring environment
/// variables for the AWS CLI", and those for proxies and certificates.
const VARIABLES: [&str; 64] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_RETRY_MODE",
    "AWS_MAX_ATTEMPTS",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_ENDPOINT_URL_SSO_ADMIN",
    "AWS_ENDPOINT_URL_IDENTITYSTORE",
    "AWS_ENDPOINT_URL_ORGANIZATIONS",
    "AWS_ENDPOINT_URL_CLOUDTRAIL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_SIGNIN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
    "AWS_S3_USE_ARN_REGION",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
    "AWS_CA_BUNDLE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_EC2_INSTANCE_PROFILE_NAME",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SDK_UA_APP_ID",
    "AWS_DEFAULTS_MODE",
    "AWS_EXECUTION_ENV",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_DISABLE_REQUEST_COMPRESSION",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_LOGIN_CACHE_DIRECTORY",
    "AWS_CLI_AUTO_PROMPT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// The keys of a profile in the same references.
const KEYS: [&str; 45] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_account_id",
    "region",
    "output",
    "retry_mode",
    "max_attempts",
    "endpoint_url",
    "ignore_configured_endpoint_urls",
    "services",
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "sts_regional_endpoints",
    "s3_us_east_1_regional_endpoint",
    "s3_use_arn_region",
    "s3_disable_multiregion_access_points",
    "ca_bundle",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "ec2_metadata_v1_disabled",
    "ec2_instance_profile_name",
    "metadata_service_timeout",
    "metadata_service_num_attempts",
    "role_arn",
    "role_session_name",
    "source_profile",
    "credential_source",
    "credential_process",
    "external_id",
    "duration_seconds",
    "mfa_serial",
    "web_identity_token_file",
    "login_session",
    "sso_session",
    "sso_account_id",
    "sso_role_name",
    "sso_start_url",
    "sso_region",
    "sdk_ua_app_id",
    "request_checksum_calculation",
    "response_checksum_validation",
    "disable_request_compression",
    "request_min_compression_size_bytes",
    "account_id_endpoint_mode",
];

const VALUES: [&str; 7] = ["", " \t", "none of these", "legacy", "0", "-1", "x\n"];

/// A variable or a key with a value.
#[derive(Debug, Clone, Copy)]
enum Setting {
    Variable(&'static str, &'static str),
    Key(&'static str, &'static str),
}

fn settings() -> Vec<Setting> {
    let all = |names: &'static [&'static str], setting: fn(&'static str, &'static str) -> Setting| {
        names
            .iter()
            .flat_map(move |name| VALUES.map(|value| setting(name, value)))
    };
    all(&VARIABLES, Setting::Variable)
        .chain(all(&KEYS, Setting::Key))
        .collect()
}

/// What is wrong with how a command ended.
fn problem(result: &RunResult, took: Duration) -> Option<&'static str> {
    let printed = format!("{}{}", result.stdout, result.stderr);
    if printed.contains("panicked") || printed.contains("This is a bug") {
        return Some("it panicked");
    }
    if !(0..=6).contains(&result.code) {
        return Some("the exit code is not documented");
    }
    if result.code == 1 && !result.stderr.contains("\n  ") && !printed.contains("\"next\"") {
        return Some("no next step");
    }
    (took > Duration::from_secs(40)).then_some("it took too long")
}

fn attempt(setting: Setting) -> Vec<String> {
    let mut problems = Vec::new();
    for command in [
        &["doctor"][..],
        &["plan", "--non-interactive", "--output=json"],
        &["login", "--wait=0s"],
    ] {
        let mut env = TestEnv::new("enabled");
        match setting {
            Setting::Variable(name, value) => env.set(name, value),
            Setting::Key(name, value) => {
                let indented = if name == "services" {
                    "x"
                } else {
                    value.trim_end_matches('\n')
                };
                env.write_config(format!(
                    "[default]\n{name} = {indented}\n[sso-session my-sso]\nsso_start_url = https://x.awsapps.com/start\n\
                     sso_region = us-east-1\n[profile admin]\nsso_session = my-sso\nsso_account_id = 123456789012\n\
                     sso_role_name = A\n{name} = {indented}\n"
                ));
            }
        }
        let start = Instant::now();
        let result = env.run(command);
        if let Some(problem) = problem(&result, start.elapsed()) {
            let shown: String = result.stderr.chars().take(600).collect();
            problems.push(format!(
                "{setting:?} {command:?}: {problem} (exit {}): {shown}",
                result.code
            ));
        }
    }
    problems
}

#[test]
fn no_setting_of_the_aws_tools_makes_a_command_panic() {
    let mut all = settings();
    if !is_full_sweep() {
        // Every eleventh: with seven values, each value and most names are in the sample.
        all = all.into_iter().step_by(11).collect();
    }
    let (next, problems) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(setting) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    problems.lock().unwrap().extend(attempt(*setting));
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}
