//! `idc-setup access explain`: shows every way in which a user or group gets access, and changes nothing.

use super::account::account_named;
use super::live::{READING, Reading, Situation, connect, counted, read};
use super::report::{self, Origin};
use super::source::{self, Failure, Taken};
use super::what_if::Assumptions;
use crate::access::explain::explain as find_ways;
use crate::access::file::PrincipalName;
use crate::access::nearest::nearest;
use crate::cli::{AccessExplainFlags, Cli, Output};
use crate::commands::session::{checking, say_rehearsal};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::SetupCommand;
use crate::ui::Screen;
use crate::ui::access::json::WayOut;
use crate::ui::access::{explain as explanation, markdown, text};
use crate::user_error::UserError;

/// Shows the ways and returns the exit code.
pub async fn explain(cli: &Cli, flags: &AccessExplainFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    match find(cli, flags, environment, screen).await {
        Ok(()) => ExitCode::Success,
        Err(failure) => report::fail(cli, screen, failure),
    }
}

async fn find(
    cli: &Cli,
    flags: &AccessExplainFlags,
    environment: &Environment,
    screen: &Screen,
) -> Result<(), Failure> {
    let file = source::read(flags.file.as_deref(), Taken::Flag)?;
    let waiting = checking(cli, environment, screen, READING);
    let connected = connect(cli, environment, screen).await?;
    // Access that the file does not mention can be in any permission set and through any group.
    let reading = Reading {
        all: true,
        ..Reading::default()
    };
    let situation = counted(
        waiting.as_deref(),
        &connected,
        Box::pin(read(&connected, file, &reading, &Assumptions::default())),
    )
    .await?;
    drop(waiting);
    let (desired, inventory) = (&situation.desired, &situation.inventory);
    let principal = principal_named(&situation, flags)?;
    let account = flags
        .in_account
        .as_ref()
        .map(|text| {
            let again = || SetupCommand::again().word(&flags.principal);
            account_named(&inventory.accounts, text, &|name| match name {
                Some(name) => again().word(name),
                None => again().positional("ACCOUNT"),
            })
        })
        .transpose()?;
    let ways = find_ways(&situation.file, desired, inventory, &principal, account.as_ref());
    match cli.flags.output {
        Output::Json => {
            let mut body = report::of_file(&situation.file);
            body.ways = ways.iter().map(WayOut::of).collect();
            report::envelope(screen, &Origin::of(&connected), body, None, ExitCode::Success);
        }
        Output::Markdown => screen.verbatim(&markdown::ways(&principal.to_string(), &ways)),
        _ => {
            let lines = explanation::ways(&principal.to_string(), &ways, screen.verbose > 0);
            text::print(screen, &lines);
        }
    }
    Ok(())
}

/// The user or group with this name, in the file or in Identity Center.
fn principal_named(situation: &Situation, flags: &AccessExplainFlags) -> Result<PrincipalName, UserError> {
    let text = flags.principal.as_str();
    // The account comes after the principal.
    let with_account = |command: SetupCommand| match &flags.in_account {
        Some(account) => command.word(account),
        None => command,
    };
    let again = |principal: &str| with_account(SetupCommand::again().word(principal));
    let (desired, inventory) = (&situation.desired, &situation.inventory);
    let is_user = |name: &str| desired.users.contains_key(name) || inventory.user_named(name).is_some();
    let is_group = |name: &str| desired.groups.contains_key(name) || inventory.group_named(name).is_some();
    let users = desired.users.keys();
    let users: Vec<&str> = users
        .chain(inventory.users.values().map(|user| &user.name))
        .map(String::as_str)
        .collect();
    let groups = desired.groups.keys();
    let groups: Vec<&str> = groups
        .chain(inventory.groups.values().map(|group| &group.name))
        .map(String::as_str)
        .collect();
    let unknown = |what: &str, prefix: &str, name: &str, names: &[&str]| {
        let similar = nearest(name, names.iter().copied());
        let similar_text = similar.map_or_else(String::new, |similar| format!(" A similar name is {similar}."));
        let next = match similar {
            Some(similar) => again(&format!("{prefix}{similar}")).to("explain this one"),
            None => with_account(SetupCommand::again().positional("PRINCIPAL")).to("give the exact name"),
        };
        UserError::usage(
            format!("Neither the access file nor Identity Center has a {what} {name:?}.{similar_text}"),
            next,
        )
    };
    if let Some(name) = text.strip_prefix("user:") {
        let user = is_user(name).then(|| PrincipalName::User(name.to_owned()));
        return user.ok_or_else(|| unknown("user", "user:", name, &users));
    }
    if let Some(name) = text.strip_prefix("group:") {
        let group = is_group(name).then(|| PrincipalName::Group(name.to_owned()));
        return group.ok_or_else(|| unknown("group", "group:", name, &groups));
    }
    match (is_user(text), is_group(text)) {
        (true, false) => Ok(PrincipalName::User(text.to_owned())),
        (false, true) => Ok(PrincipalName::Group(text.to_owned())),
        (false, false) => Err(unknown("user or group", "", text, &[&users[..], &groups].concat())),
        (true, true) => Err(UserError::usage(
            format!("{text:?} is a user and a group."),
            [
                again(&format!("user:{text}")).to("explain the user"),
                again(&format!("group:{text}")).to("explain the group"),
            ],
        )),
    }
}
