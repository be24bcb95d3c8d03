//! Whose credentials and which Region: what is asked for, the environment's, the last run's; and what to say when
//! there are none that work.

use super::prepare::Access;
use crate::aws::connect::{self, ConnectError, Connection, NamedRegion, Wanted};
use crate::aws::{Failure, FailureKind};
use crate::aws_files::{Config, Paths, Section};
use crate::checklist::{AwsWords, Trouble, TroubleKind};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::progress::{Folder, Last};

/// Credentials and Region: what is asked for, the environment's, the last run's.
pub async fn connect_as_asked(
    cli: &Cli,
    environment: &Environment,
    folder: Option<&Folder>,
    access: Access,
) -> Result<(Connection, Option<NamedRegion>), Trouble> {
    let last = folder.and_then(Folder::last);
    let wanted = Wanted {
        profile: cli.flags.profile.clone(),
        last_profile: last.as_ref().and_then(|last| last.profile.clone()),
        region: cli.flags.region.clone(),
        last_region: last.as_ref().and_then(|last| last.region.clone()),
    };
    let region = connect::region(&wanted, environment).await;
    if let Some(problem) = region.as_ref().and_then(connect::unknown_region) {
        return Err(Trouble::usage(problem, "idc-setup run --region REGION"));
    }
    let connection = connect::connect(&wanted, environment, region.as_ref())
        .await
        .map_err(|error| connect_trouble(error, &wanted, environment))?;
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

/// Whether the AWS files have such a profile; where they cannot be read, that is for the SDK to say.
fn is_profile_there(environment: &Environment, profile: &str) -> bool {
    let Some(paths) = Paths::of(environment) else {
        return false;
    };
    let config = std::fs::read(paths.config()).unwrap_or_default();
    let in_config = Config::parse(&config).is_ok_and(|config| config.get(Section::Profile(profile)).is_none());
    let credentials = std::fs::read_to_string(paths.credentials()).unwrap_or_default();
    let header = format!("[{profile}]");
    !in_config || credentials.lines().any(|line| line.trim() == header)
}

fn connect_trouble(error: ConnectError, wanted: &Wanted, environment: &Environment) -> Trouble {
    let named = connect::profile(wanted, environment).or_else(|| environment.var("AWS_PROFILE").map(str::to_owned));
    if let (ConnectError::NoCredentials(_), Some(profile)) = (&error, &named)
        && !is_profile_there(environment, profile)
    {
        return Trouble::new(
            TroubleKind::NoCredentials,
            format!("There is no profile {profile} in the AWS config file."),
            "aws configure list-profiles (shows the ones there are), then: idc-setup run --profile NAME",
        );
    }
    let profile = wanted
        .profile
        .as_deref()
        .map_or_else(String::new, |profile| format!(" --profile {profile}"));
    match error {
        ConnectError::NoCredentials(why) => Trouble::new(
            TroubleKind::NoCredentials,
            match why {
                Some(why) => format!(
                    "There are no AWS credentials to start with: {}.",
                    why.trim_end_matches('.')
                ),
                None => "There are no AWS credentials to start with.".to_owned(),
            },
            format!(
                "get some without any access key: aws login{profile} (AWS CLI 2.32 or later), or open AWS CloudShell in \
                 the console, or name a profile: idc-setup run --profile NAME"
            ),
        ),
        ConnectError::Failed(failure) => failed_to_connect(&failure, &profile),
    }
}

fn failed_to_connect(failure: &Failure, profile: &str) -> Trouble {
    let (kind, next) = match failure.kind {
        FailureKind::Credentials => (
            TroubleKind::NoCredentials,
            format!("renew the credentials: aws login{profile}, then: idc-setup run{profile}"),
        ),
        FailureKind::Denied => (
            TroubleKind::NotAllowed,
            "use other credentials: idc-setup run --profile NAME".to_owned(),
        ),
        _ => (
            TroubleKind::Failed,
            "check the network and the Region, then: idc-setup run".to_owned(),
        ),
    };
    Trouble {
        kind,
        message: format!(
            "AWS did not say who we are. {}.",
            failure.sentence().trim_end_matches('.')
        ),
        aws: Some(AwsWords {
            operation: failure.operation.clone(),
            code: failure.code.clone(),
            message: failure.message.clone(),
        }),
        next,
    }
}
