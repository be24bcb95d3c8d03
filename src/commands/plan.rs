//! `idc-setup plan`: checks the account, asks questions if possible, and shows what a run would change. Changes nothing.

use super::connect::Access;
use super::ending::{fail, finish};
use super::prepare::prepare;
use super::session::{browser, prompter, say_rehearsal};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::Subcommand;
use crate::ui::{NonInteractive, Screen};
use crate::wizard::steps;

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
    let steps = steps::checklist(&prepared.context);
    let walk = prepared.walk(&steps, prompter.as_ref());
    let outcome = walk.plan().await;
    finish(cli, screen, Subcommand::Plan, Some(&prepared), &outcome)
}
