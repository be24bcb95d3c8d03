//! `idc-setup plan`: checks the account, asks questions if possible, and shows what a run would change. Changes nothing.

use std::rc::Rc;

use super::connect::Access;
use super::ending::{fail, finish};
use super::prepare::prepare;
use super::run::{infer_identity_source, store_of};
use super::session::{browser, prompter, say_rehearsal};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::Subcommand;
use crate::ui::{NonInteractive, Screen};
use crate::wizard::steps::{self, EnableIdentityCenter};

/// Shows the plan and returns the exit code.
pub async fn plan(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let browser = match browser(cli, environment) {
        Ok(browser) => browser,
        Err(error) => return fail(cli, screen, Subcommand::Plan, error),
    };
    let prompter =
        prompter(cli, environment, screen, &browser).unwrap_or_else(|| Box::new(NonInteractive::new(screen)));
    let prepared = match prepare(cli, environment, Access::Read, browser).await {
        Ok(prepared) => prepared,
        Err(error) => return fail(cli, screen, Subcommand::Plan, error),
    };
    if let Some(note) = prepared.note_on_profile(cli, screen) {
        screen.talk(&note);
    }
    let first = EnableIdentityCenter::new(Rc::clone(&prepared.context));
    // What cannot be read is reported by the steps.
    let store = first.condition().await.ok().as_ref().and_then(store_of);
    if let Some(sentence) = infer_identity_source(&prepared.context, store.as_ref()).await {
        screen.talk(&sentence);
    }
    let steps = steps::checklist_from(first, &prepared.context);
    let walk = prepared.walk(&steps, prompter.as_ref());
    let outcome = walk.plan().await;
    finish(cli, screen, Subcommand::Plan, Some(&prepared), &outcome)
}
