//! Credentials that have ended, or were never there: the command that gets new ones.

use std::collections::BTreeMap;

use crate::aws_cli;
use crate::environment::Environment;
use aws_config_file::files;
use aws_config_file::{Config, Section};

/// ` --profile NAME`, where one was named.
pub fn flag(profile: Option<&str>) -> String {
    profile.map_or_else(String::new, |profile| format!(" --profile {profile}"))
}

/// How credentials are renewed, by where they came from.
pub fn of(environment: &Environment, profile: Option<&str>) -> String {
    if profile.is_none() && environment.has_credentials() {
        return if environment.var("AWS_EXECUTION_ENV") == Some("CloudShell") {
            "reload the page of AWS CloudShell".to_owned()
        } else if environment.var("AWS_ACCESS_KEY_ID").is_some() {
            "get new ones from where AWS_ACCESS_KEY_ID came, or do without: unset AWS_ACCESS_KEY_ID \
             AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; aws login"
                .to_owned()
        } else {
            "whoever runs this container gives it new ones: start it again".to_owned()
        };
    }
    of_session(environment, profile).unwrap_or_else(|| format!("aws login{}", flag(profile)))
}

/// The command that begins a profile's session anew; `None` where the profile has none.
pub fn of_session(environment: &Environment, profile: Option<&str>) -> Option<String> {
    let paths = environment.aws_files()?;
    let config = Config::parse(&files::read(paths.config()).ok()?).ok()?;
    let mut name = profile.unwrap_or("default").to_owned();
    // A role's credentials end with those of the profile that they come from.
    for _ in 0..5 {
        let properties = config.get(Section::Profile(&name))?;
        if let Some(command) = of_properties(&name, profile, &properties) {
            return Some(command);
        }
        properties.get("source_profile")?.clone_into(&mut name);
    }
    None
}

fn of_properties(name: &str, asked: Option<&str>, properties: &BTreeMap<String, String>) -> Option<String> {
    let has = |key: &str| properties.contains_key(key);
    let named = flag(Some(name).filter(|name| *name != "default" || asked.is_some()));
    if has("login_session") {
        Some(format!("aws login{named}"))
    } else if has("sso_session") {
        Some(format!("idc-setup login --cli-profile {name}"))
    } else if has("sso_start_url") {
        Some(format!("aws sso login{named}"))
    } else if has("credential_process") {
        Some(format!("renew what credential_process of profile {name} gives"))
    } else {
        None
    }
}

/// The ways in without any access key, best first.
pub fn ways_in(environment: &Environment) -> String {
    let has_cli = environment.program("aws").is_some();
    let install = if has_cli {
        String::new()
    } else {
        format!("\n       (no AWS CLI is installed here: {})", aws_cli::INSTALL_PAGE)
    };
    format!(
        "one of these ways in, best first; none needs an access key:\n    1. aws login (AWS CLI {} or later) signs in \
         through the console, as root too; then: idc-setup run{install}\n    2. AWS CloudShell, a terminal in the console \
         (https://console.aws.amazon.com/cloudshell/home): idc-setup run, there\n    3. a profile that you have (aws \
         configure list-profiles shows them): idc-setup run --profile NAME",
        aws_cli::LOGIN_SINCE
    )
}
