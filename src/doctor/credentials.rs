//! Whose credentials are used, where they come from, and when they expire.

use jiff::Timestamp;

use super::row::Row;
use crate::aws::connect::Connection;
use crate::environment::Environment;
use crate::next_step::NextStep;
use crate::wizard::steps::WizardContext;

/// What is known about the credentials besides the caller.
#[derive(Debug, Clone)]
pub struct Held {
    /// Where the credentials come from, in words.
    pub origin: String,
    /// They are a long-term access key, without a session token.
    pub is_long_lived: bool,
    /// When they expire, if that is known.
    pub ends_at: Option<Timestamp>,
}

impl Held {
    /// The credentials of a connection.
    pub fn of(connection: &Connection, environment: &Environment) -> Self {
        let origin = if let Some(profile) = &connection.profile {
            format!("profile {profile}")
        } else if environment.var("AWS_ACCESS_KEY_ID").is_some() {
            "AWS_ACCESS_KEY_ID in the environment".to_owned()
        } else if environment.var("AWS_EXECUTION_ENV") == Some("CloudShell") {
            "AWS CloudShell".to_owned()
        } else if environment.has_credentials() {
            "this container's role".to_owned()
        } else {
            format!("profile {}", environment.var("AWS_PROFILE").unwrap_or("default"))
        };
        Self {
            origin,
            is_long_lived: connection.is_long_lived,
            ends_at: connection.ends_at,
        }
    }
}

/// The row of the credentials.
pub fn row(context: &WizardContext, held: &Held) -> Row {
    let caller = &context.caller;
    let who = if caller.is_root() {
        format!("the root user of account {}", caller.account)
    } else {
        caller.arn.clone()
    };
    let origin = &held.origin;
    if held.is_long_lived {
        return Row::note(
            "credentials",
            format!("You are {who}, with a long-term access key ({origin})."),
        )
        .or(NextStep::other(
            "use temporary credentials, and delete the key once you can sign in",
            ["aws", "login"],
        ));
    }
    let until = held.ends_at.map_or_else(String::new, |at| {
        format!(", until {}", at.strftime("%Y-%m-%d %H:%M UTC"))
    });
    Row::ok(
        "credentials",
        format!("You are {who}, with temporary credentials ({origin}{until})."),
    )
}
