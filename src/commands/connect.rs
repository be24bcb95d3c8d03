//! Whose credentials and which Region: what is asked for, the environment's, the last run's; and what to say when
//! there are none that work.

use jiff::SignedDuration;

use super::prepare::Access;
use super::reauth;
use crate::aws::clock;
use crate::aws::connect::{self, ConnectError, Connection, NamedRegion, Wanted};
use crate::aws::{AwsError, AwsErrorKind};
use crate::checklist::{AwsWords, UserError, UserErrorKind};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Folder, Last};
use aws_config_file::files;
use aws_config_file::{Config, Paths, Section, credentials_have_section};

/// Credentials and Region: what is asked for, the environment's, the last run's.
pub async fn connect_as_asked(
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
    refuse_pipes(environment, &SetupCommand::run())?;
    let region = connect::region(&wanted, environment).await;
    if let Some(problem) = region.as_ref().and_then(connect::unknown_region) {
        return Err(UserError::usage(
            problem,
            SetupCommand::run().placeholder("--region", "REGION"),
        ));
    }
    let connection = connect::connect(&wanted, environment, region.as_ref())
        .await
        .map_err(|error| connect_trouble(error, &wanted, environment))?;
    refuse_root_keys(&connection, cli.flags.allow_root_keys)?;
    if let Some(folder) = folder.filter(|_| access == Access::Write) {
        remember(folder, &connection, region.as_ref(), last.as_ref());
    }
    Ok((connection, region))
}

/// A convenience: when it cannot be written, the next run needs its flags again.
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

/// An AWS file that is a pipe is read by nobody here: each reader would wait for it, and the second one for ever.
///
/// # Errors
/// It is named, with `again` as what to type then.
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

/// Whether the AWS files have such a profile; where they cannot be read, that is for the SDK to say.
fn is_profile_there(environment: &Environment, profile: &str) -> bool {
    let Some(paths) = environment.aws_files() else {
        return false;
    };
    let config = files::read(paths.config()).unwrap_or_default();
    let in_config = Config::parse(&config).is_ok_and(|config| config.get(Section::Profile(profile)).is_none());
    !in_config || credentials_have_section(paths.credentials(), profile).unwrap_or(true)
}

fn connect_trouble(error: ConnectError, wanted: &Wanted, environment: &Environment) -> UserError {
    let named = connect::profile(wanted, environment).or_else(|| environment.var("AWS_PROFILE").map(str::to_owned));
    match error {
        ConnectError::PlainHttp(service, address) => plain_http(environment, &service, &address, named.as_deref()),
        ConnectError::NoCredentials(why) => no_credentials(environment, named.as_deref(), why),
        ConnectError::Failed(aws_error, ahead) => failed_to_connect(environment, &aws_error, ahead, named.as_deref()),
    }
}

/// Credentials and tokens go to no machine that everybody on the way can listen to.
pub fn plain_http(environment: &Environment, service: &str, address: &str, profile: Option<&str>) -> UserError {
    let own = format!("AWS_ENDPOINT_URL_{service}");
    let named_by = [own.as_str(), "AWS_ENDPOINT_URL"]
        .into_iter()
        .find(|name| environment.var(name) == Some(address))
        .map_or_else(
            || {
                format!(
                    "endpoint_url of profile {} in the AWS config file",
                    profile.unwrap_or("default")
                )
            },
            str::to_owned,
        );
    UserError::usage(
        format!(
            "{named_by} leads to {address}: plain http to another machine, which everybody on the way can read. Nothing was sent."
        ),
        SetupCommand::run().after(format!("use an https address, or remove {named_by}")),
    )
}

fn no_credentials(environment: &Environment, profile: Option<&str>, why: Option<String>) -> UserError {
    if let Some(profile) = profile
        && !is_profile_there(environment, profile)
    {
        return UserError::new(
            UserErrorKind::NoCredentials,
            format!("There is no profile {profile} in the AWS config file."),
            NextStep::other("list the profiles", ["aws", "configure", "list-profiles"])
                .then(SetupCommand::run().placeholder("--profile", "NAME")),
        );
    }
    let message = match why {
        Some(why) => format!(
            "There are no AWS credentials to start with: {}.",
            why.trim_end_matches('.')
        ),
        None => "There are no AWS credentials to start with.".to_owned(),
    };
    let next = reauth::renew_session_then_run(environment, profile)
        .map_or_else(|| reauth::ways_in(environment), NextSteps::from);
    UserError::new(UserErrorKind::NoCredentials, message, next)
}

/// Root's access keys work, and are refused all the same: what this program is for is to be rid of them.
fn refuse_root_keys(connection: &Connection, is_allowed: bool) -> Result<(), UserError> {
    if !connection.is_root_key() || is_allowed {
        return Ok(());
    }
    Err(UserError::new(
        UserErrorKind::NotAllowed,
        "These are access keys of the root user: they may do everything, they never end, and whoever finds them has the \
         account. Nothing needs them.",
        [
            NextStep::other(
                "sign in as root without any key (AWS CLI 2.32 or later)",
                ["aws", "login"],
            )
            .then(SetupCommand::run()),
            SetupCommand::run().to("in AWS CloudShell (https://console.aws.amazon.com/cloudshell/home)"),
            SetupCommand::run()
                .switch("--allow-root-keys")
                .to("use the keys once more"),
        ],
    ))
}

fn failed_to_connect(
    environment: &Environment,
    aws_error: &AwsError,
    ahead: Option<SignedDuration>,
    profile: Option<&str>,
) -> UserError {
    let skew = ahead.and_then(clock::skew_words);
    let (kind, next): (_, NextSteps) = match (aws_error.kind, skew) {
        (_, Some(skew)) => (
            UserErrorKind::Failed,
            SetupCommand::run().after(format!("{skew}: set the clock")).into(),
        ),
        (AwsErrorKind::Credentials, None) => (UserErrorKind::NoCredentials, reauth::renew(environment, profile).into()),
        (AwsErrorKind::Denied, None) => (
            UserErrorKind::NotAllowed,
            SetupCommand::run()
                .placeholder("--profile", "NAME")
                .to("use other credentials")
                .into(),
        ),
        _ => (
            UserErrorKind::Failed,
            SetupCommand::run().after("check the network and the Region").into(),
        ),
    };
    UserError {
        kind,
        message: format!(
            "AWS did not say who we are. {}.",
            aws_error.sentence().trim_end_matches('.')
        ),
        aws: Some(AwsWords {
            operation: aws_error.operation.clone(),
            code: aws_error.code.clone(),
            message: aws_error.message.clone(),
        }),
        next,
        stops_all: false,
    }
}
