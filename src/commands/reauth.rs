//! How to get credentials when they have expired or are missing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::aws_cli;
use crate::environment::Environment;
use crate::next_step::{NextStep, NextSteps, SetupCommand};
use crate::progress::{Entry, Folder, Origin, Progress, ResourceKind};
use aws_config_file::files;
use aws_config_file::{Config, Section};

/// Returns the current command with the profile, if there is one.
fn run_again(profile: Option<&str>) -> SetupCommand {
    match profile {
        Some(profile) => SetupCommand::again().value("--profile", profile),
        None => SetupCommand::again(),
    }
}

/// Returns how to renew the credentials, depending on their source, and then the current command.
pub fn renew(environment: &Environment, profile: Option<&str>) -> NextStep {
    let step = if profile.is_none() && environment.has_credentials() {
        if environment.var("AWS_EXECUTION_ENV") == Some("CloudShell") {
            NextStep::note("reload the AWS CloudShell page")
        } else if environment.var("AWS_ACCESS_KEY_ID").is_some() {
            NextStep::other(
                "renew the credentials where AWS_ACCESS_KEY_ID comes from, or unset AWS_ACCESS_KEY_ID, \
                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN and sign in",
                ["aws", "login"],
            )
        } else {
            NextStep::note("restart the container to get new credentials")
        }
    } else {
        renew_session(environment, profile).unwrap_or_else(|| aws_login("renew the credentials", profile))
    };
    step.then(run_again(profile))
}

/// Returns how to start a new session for a profile, or `None` if the profile has no session.
pub fn renew_session(environment: &Environment, profile: Option<&str>) -> Option<NextStep> {
    let paths = environment.aws_files()?;
    let config = Config::parse(&files::read(paths.config()).ok()?).ok()?;
    let mut name = profile.unwrap_or("default").to_owned();
    // The credentials of a role expire with those of its source profile.
    for _ in 0..5 {
        let properties = config.get(Section::Profile(&name))?;
        if let Some(step) = renew_profile(&name, profile, &properties) {
            return Some(step);
        }
        properties.get("source_profile")?.clone_into(&mut name);
    }
    None
}

/// Returns [`renew_session`], and then the current command.
pub fn renew_session_then_run(environment: &Environment, profile: Option<&str>) -> Option<NextStep> {
    renew_session(environment, profile).map(|step| step.then(run_again(profile)))
}

fn aws_login(purpose: &str, profile: Option<&str>) -> NextStep {
    let mut arguments = vec!["aws", "login"];
    arguments.extend(profile.into_iter().flat_map(|profile| ["--profile", profile]));
    NextStep::other(purpose, arguments)
}

fn renew_profile(name: &str, requested: Option<&str>, properties: &BTreeMap<String, String>) -> Option<NextStep> {
    const AGAIN: &str = "sign in again";
    let has = |key: &str| properties.contains_key(key);
    let named = Some(name).filter(|name| *name != "default" || requested.is_some());
    if has("login_session") {
        Some(aws_login(AGAIN, named))
    } else if has("sso_session") {
        Some(SetupCommand::login().value("--cli-profile", name).to(AGAIN))
    } else if has("sso_start_url") {
        let mut arguments = vec!["aws", "sso", "login"];
        arguments.extend(named.into_iter().flat_map(|name| ["--profile", name]));
        Some(NextStep::other(AGAIN, arguments))
    } else if has("credential_process") {
        Some(NextStep::note(format!(
            "renew the credentials that credential_process of profile {name} returns"
        )))
    } else {
        None
    }
}

/// The profile that an earlier run wrote.
pub struct OwnProfile {
    /// The name.
    pub name: String,
    /// Whether its session gives credentials without a sign-in.
    pub is_signed_in: bool,
}

/// Returns the profile that the last run on this machine wrote, if it still has an SSO session.
pub fn own_profile(environment: &Environment) -> Option<OwnProfile> {
    let folder = Folder::of(environment)?;
    let last = folder.last()?;
    let record = Progress::read_file(&folder.state_file(&last.partition, &last.account)).ok()??;
    let written = |entry: &&Entry| entry.kind == ResourceKind::CliProfile && entry.origin == Origin::Created;
    let name = record.resources.iter().find(written)?.name.to_string();
    let paths = environment.aws_files()?;
    let config = Config::parse(&files::read(paths.config()).ok()?).ok()?;
    let session = config.get(Section::Profile(&name))?.get("sso_session")?.clone();
    let token = aws_config_file::read_token(&paths.token(&session));
    let now = Timestamp::now();
    let is_signed_in = token.is_some_and(|token| token.is_valid(now) || token.is_refreshable(now));
    Some(OwnProfile { name, is_signed_in })
}

/// Returns the ways to get credentials without access keys, the best first.
pub fn ways_in(environment: &Environment) -> NextSteps {
    let since = aws_cli::LOGIN_SINCE;
    let login = format!("in your browser, root included (AWS CLI {since} or later)");
    let mut ways = vec![
        NextStep::other(login, ["aws", "login"]).then(SetupCommand::again()),
        SetupCommand::again()
            .placeholder("--profile", "NAME")
            .to("with a profile you already have"),
        NextStep::note("AWS CloudShell: https://console.aws.amazon.com/cloudshell/home"),
        SetupCommand::rehearse().to("no account yet? Try it on a simulated AWS"),
    ];
    if environment.program("aws").is_none() {
        ways.push(NextStep::note(format!(
            "for aws login, install the AWS CLI: {}",
            aws_cli::INSTALL_PAGE
        )));
    }
    ways.into()
}
