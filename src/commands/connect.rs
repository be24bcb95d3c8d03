//! Finds credentials and a Region: from the flags, the environment, or the last run. Explains what to do if none of the
//! credentials work.

use jiff::SignedDuration;

use super::reauth;
use crate::aws::clients::RefusedEndpoint;
use crate::aws::connect::{self, ConnectError, Connection, NamedRegion, Wanted};
use crate::aws::sdk_settings::{InvalidSetting, network_settings};
use crate::aws::{AwsError, AwsErrorKind, clock};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Folder, Last};
use crate::reconcile::NOT_SUBSCRIBED;
use crate::user_error::{UserError, UserErrorKind};
use aws_config_file::files;
use aws_config_file::{Config, Paths, Section, has_section, read_credentials};

/// Whether a command writes the state file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It does and holds the lock, as `run` does.
    Write,
    /// It only reads it, without the lock, as `status` and `plan` do.
    Read,
}

/// Connects with the credentials and the Region from the flags, the environment, or the last run.
pub async fn connect_with_flags(
    cli: &Cli,
    environment: &Environment,
    folder: Option<&Folder>,
    access: Access,
) -> Result<(Connection, Option<NamedRegion>), UserError> {
    let last = folder.and_then(Folder::last);
    let wanted = Wanted {
        profile: cli.flags.profile.clone(),
        last_profile: last.as_ref().and_then(|last| last.profile.clone()),
        region: cli.flags.region.clone(),
        last_region: last.as_ref().and_then(|last| last.region.clone()),
    };
    refuse_pipes(environment, &SetupCommand::again())?;
    let region = connect::region(&wanted, environment).await.map_err(|unknown| {
        let again = SetupCommand::again().placeholder("--region", "REGION");
        UserError::usage(unknown.to_string(), again)
    })?;
    let connection = match connect::connect(&wanted, environment, region.as_ref()).await {
        Ok(connection) => connection,
        Err(error) => return Err(connect_error(error, &wanted, environment).await),
    };
    refuse_root_keys(&connection, cli.flags.allow_root_keys)?;
    if let Some(folder) = folder.filter(|_| access == Access::Write) {
        remember(folder, &connection, region.as_ref(), last.as_ref());
    }
    Ok((connection, region))
}

/// Saves profile and Region for the next run. Only a convenience, so a write error is ignored.
fn remember(folder: &Folder, connection: &Connection, region: Option<&NamedRegion>, before: Option<&Last>) {
    let last = Last {
        partition: connection.caller.partition().id().to_owned(),
        account: connection.caller.account.clone(),
        profile: connection.profile.clone(),
        region: region.map(|region| region.name.clone()),
    };
    if before != Some(&last) {
        let _ = folder.remember(&last);
    }
}

/// Refuses an AWS file that is a pipe: the first reader consumes it, and the second one would block forever.
///
/// # Errors
/// Names the file, with `again` as the command to type next.
pub fn refuse_pipes(environment: &Environment, again: &SetupCommand) -> Result<(), UserError> {
    let paths = environment.aws_files();
    let Some(path) = paths.as_ref().and_then(Paths::pipe) else {
        return Ok(());
    };
    Err(UserError::failed(
        format!(
            "{} is a pipe; the AWS tools read this file more than once.",
            path.display()
        ),
        again.clone().after("replace it with a regular file"),
    ))
}

/// Returns whether the AWS files have this profile. Also true if they cannot be read, because that is reported first.
async fn profile_exists(environment: &Environment, profile: &str) -> bool {
    let Some(paths) = environment.aws_files() else {
        return false;
    };
    let config = files::read(paths.config()).unwrap_or_default();
    let is_missing = Config::parse(&config).is_ok_and(|config| config.get(Section::Profile(profile)).is_none());
    if !is_missing {
        return true;
    }
    match read_credentials(paths.credentials()) {
        Ok(content) => has_section(&content, profile).await,
        Err(_) => true,
    }
}

async fn connect_error(error: ConnectError, wanted: &Wanted, environment: &Environment) -> UserError {
    let named = connect::profile(wanted, environment).or_else(|| environment.var("AWS_PROFILE").map(str::to_owned));
    match error {
        ConnectError::Endpoint(refused) => refused_endpoint(environment, &refused, named.as_deref()),
        ConnectError::Setting(invalid) => invalid_setting(&invalid),
        ConnectError::NoCredentials(why) => no_credentials(environment, named.as_deref(), why).await,
        ConnectError::Failed(aws_error, ahead) => {
            let network = network_settings(environment, named.as_deref()).await;
            failed_to_connect(environment, &aws_error, ahead, named.as_deref(), &network)
        }
    }
}

/// The error for a variable or a key with a value that cannot be used.
pub fn invalid_setting(invalid: &InvalidSetting) -> UserError {
    UserError::environment(
        format!("{invalid}. Nothing was sent."),
        SetupCommand::again().after(format!("correct or remove {}", invalid.name)),
    )
}

/// The error for an endpoint that cannot be used. The address is not shown, because it can contain a password.
pub fn refused_endpoint(environment: &Environment, refused: &RefusedEndpoint, profile: Option<&str>) -> UserError {
    let own = format!("AWS_ENDPOINT_URL_{}", refused.service);
    let named_by = [own.as_str(), "AWS_ENDPOINT_URL"]
        .into_iter()
        .find(|name| environment.var(name) == Some(&refused.address))
        .map_or_else(
            || {
                format!(
                    "endpoint_url of profile {} in the AWS config file",
                    profile.unwrap_or("default")
                )
            },
            str::to_owned,
        );
    UserError::environment(
        format!("{named_by} {}. Nothing was sent.", refused.why),
        SetupCommand::again().after(format!("use an https address, or remove {named_by}")),
    )
}

async fn no_credentials(environment: &Environment, profile: Option<&str>, why: Option<String>) -> UserError {
    if let Some(profile) = profile
        && !profile_exists(environment, profile).await
    {
        return UserError::new(
            UserErrorKind::NoCredentials,
            format!("The profile {profile} does not exist in the AWS config file."),
            NextStep::other("list the profiles", ["aws", "configure", "list-profiles"])
                .then(SetupCommand::again().placeholder("--profile", "NAME")),
        );
    }
    if let Some(own) = reauth::own_profile(environment).filter(|_| profile.is_none()) {
        let with_profile = SetupCommand::again().value("--profile", &own.name);
        let (message, next): (String, NextStep) = if own.is_signed_in {
            (
                format!(
                    "No AWS credentials were found, but you are signed in with profile \"{}\".",
                    own.name
                ),
                with_profile.to("use them"),
            )
        } else {
            (
                format!("Your session for profile \"{}\" has expired.", own.name),
                SetupCommand::login().to("sign in again").then(with_profile),
            )
        };
        return UserError::new(UserErrorKind::NoCredentials, message, next);
    }
    let message = match why {
        Some(why) => format!("No AWS credentials were found: {}.", why.trim_end_matches('.')),
        None => "No AWS credentials were found.".to_owned(),
    };
    let next = reauth::renew_session_then_run(environment, profile)
        .map_or_else(|| reauth::ways_in(environment), NextSteps::from);
    UserError::new(UserErrorKind::NoCredentials, message, next)
}

/// Refuses access keys of the root user: the purpose of this program is to make them unnecessary.
fn refuse_root_keys(connection: &Connection, is_allowed: bool) -> Result<(), UserError> {
    if !connection.is_root_key() || is_allowed {
        return Ok(());
    }
    Err(UserError::new(
        UserErrorKind::NotAllowed,
        "These are access keys of the root user. They have full access and never expire. Anyone who finds them controls \
         the account. You don't need them.",
        [
            NextStep::other(
                "sign in as root without access keys (AWS CLI 2.32 or later)",
                ["aws", "login"],
            )
            .then(SetupCommand::again()),
            SetupCommand::again().to("use AWS CloudShell (https://console.aws.amazon.com/cloudshell/home)"),
            SetupCommand::again()
                .switch("--allow-root-keys")
                .to("use the keys anyway"),
        ],
    ))
}

fn failed_to_connect(
    environment: &Environment,
    aws_error: &AwsError,
    ahead: Option<SignedDuration>,
    profile: Option<&str>,
    network: &[String],
) -> UserError {
    let skew = ahead.and_then(clock::skew_message);
    let (kind, next): (_, NextSteps) = match (aws_error.kind, skew) {
        (_, Some(skew)) => (
            UserErrorKind::Failed,
            SetupCommand::again().after(format!("{skew}: set the clock")).into(),
        ),
        (_, None) if aws_error.is_not_subscribed() => (
            UserErrorKind::NotAllowed,
            SetupCommand::again().after(NOT_SUBSCRIBED).into(),
        ),
        (AwsErrorKind::Credentials, None) => (UserErrorKind::NoCredentials, reauth::renew(environment, profile).into()),
        (AwsErrorKind::Denied, None) => (
            UserErrorKind::NotAllowed,
            SetupCommand::again()
                .placeholder("--profile", "NAME")
                .to("use other credentials")
                .into(),
        ),
        _ if network.is_empty() => (
            UserErrorKind::Failed,
            SetupCommand::again().after("check the network and the Region").into(),
        ),
        _ => (
            UserErrorKind::Failed,
            SetupCommand::again()
                .after(format!("check the network, the Region, and {}", network.join(", ")))
                .into(),
        ),
    };
    UserError {
        kind,
        message: format!(
            "Cannot get your identity from AWS. {}.",
            aws_error.sentence().trim_end_matches('.')
        ),
        aws: Some(aws_error.into()),
        next,
        stops_all: false,
    }
}
