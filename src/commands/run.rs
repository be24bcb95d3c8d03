//! `idc-setup run`: goes through the whole checklist.

use std::rc::Rc;

use super::connect::Access;
use super::ending::{fail, finish};
use super::prepare::{Prepared, prepare};
use super::session::{browser, checking, prompter, say_rehearsal};
use crate::cli::Cli;
use crate::doctor::{self, CheckStatus};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::{SetupCommand, Subcommand};
use crate::ui::{NonInteractive, Screen};
use crate::user_error::UserError;
use crate::wizard::steps::{self, EnableIdentityCenter};

/// Runs the checklist and returns the exit code.
pub async fn run(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    let browser = match browser(cli, environment) {
        Ok(browser) => browser,
        Err(error) => return fail(cli, screen, Subcommand::Run, error),
    };
    let prompter = match prompter(cli, environment, screen, &browser) {
        Some(prompter) => prompter,
        None if cli.flags.non_interactive => Box::new(NonInteractive::new(screen)),
        None => {
            let error = UserError::usage(
                "There is no terminal for questions. Nothing was changed.",
                [
                    SetupCommand::run()
                        .switch("--non-interactive")
                        .to("give all answers as flags"),
                    SetupCommand::run().switch("--accessible").to("answer line by line"),
                ],
            );
            return fail(cli, screen, Subcommand::Run, error);
        }
    };
    say_rehearsal(cli, environment, screen);
    if prompter.can_ask() {
        prompter.open();
    }
    let waiting = checking(cli, environment, screen, "Checking the account.");
    let prepared = prepare(cli, environment, Access::Write, browser).await;
    drop(waiting);
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return fail(cli, screen, Subcommand::Run, error),
    };
    let context = &prepared.context;
    if let Some(note) = prepared.note_on_profile(cli, screen) {
        screen.talk(&note);
    }
    let first = EnableIdentityCenter::new(Rc::clone(context));
    show_situation(&prepared, &first, cli, environment, screen).await;
    let steps = steps::checklist_from(first, context);
    let walk = prepared.walk(&steps, prompter.as_ref());
    // The walk saves the answers first.
    screen.invocation.note_answers_saved();
    let outcome = walk.run().await;
    if prompter.can_ask() && outcome.error.is_none() {
        let lines = context.progress.read(|record| super::answers::lines(record, screen));
        for line in lines {
            screen.talk(&line);
        }
    }
    finish(cli, screen, Subcommand::Run, Some(&prepared), &outcome)
}

/// Prints the first lines: the credentials and the account, and every other check with a problem.
async fn show_situation(
    prepared: &Prepared,
    first: &EnableIdentityCenter,
    cli: &Cli,
    environment: &Environment,
    screen: &Screen,
) {
    let context = &prepared.context;
    let is_wanted = |slug: &str| {
        let flags = &cli.flags;
        let named = |list: &[String]| list.iter().any(|name| name == slug);
        (flags.only.is_empty() || named(&flags.only)) && !named(&flags.skip)
    };
    let waiting = checking(cli, environment, screen, "Checking the account.");
    let (mut rows, permissions) = tokio::join!(
        doctor::caller_and_account(context, &prepared.held, first),
        doctor::all_permissions(context, is_wanted, cli.flags.create_trail)
    );
    drop(waiting);
    rows.push(permissions);
    // The step reports a config that cannot be edited, but only this check reports files that others can read.
    let files = doctor::files(environment, cli.flags.state.as_deref()).await.into_iter();
    rows.extend(files.filter(|row| row.status == CheckStatus::Note));
    for row in rows {
        let always = matches!(row.check, "credentials" | "account");
        if always || row.status != CheckStatus::Ok {
            screen.talk(&row.message);
        }
        // A check without a problem needs no advice, and a step gives its own advice for what blocks it.
        if row.check != "account" && row.check != "identity_center" && row.status != CheckStatus::Ok {
            for line in screen.next_lines(&row.next) {
                screen.talk(&format!("  {line}"));
            }
        }
    }
}
