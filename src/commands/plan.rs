//! `idc-setup plan`: look, ask where somebody can be asked, and show what would be done; change nothing.

use super::prepare::{Access, prepare};
use super::{asking_guide, browser, ended_by, finish, say_rehearsal};
use crate::checklist::ExitCode;
use crate::cli::Cli;
use crate::environment::Environment;
use crate::next_step::Subcommand;
use crate::steps;
use crate::ui::NonInteractive;
use crate::ui::Screen;

/// Plans, and answers the exit code.
pub async fn plan(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let browser = match browser(cli, environment) {
        Ok(browser) => browser,
        Err(error) => return finish(cli, screen, Subcommand::Plan, None, &ended_by(error)),
    };
    let prompter =
        asking_guide(cli, environment, screen, &browser).unwrap_or_else(|| Box::new(NonInteractive::new(screen)));
    let prepared = match prepare(cli, environment, Access::Read, browser).await {
        Ok(prepared) => prepared,
        Err(error) => return finish(cli, screen, Subcommand::Plan, None, &ended_by(error)),
    };
    if let Some(note) = prepared.note_on_profile(cli) {
        screen.talk(&note);
    }
    let steps = steps::checklist(&prepared.context);
    let walk = prepared.walk(&steps, prompter.as_ref());
    let outcome = walk.plan().await;
    finish(cli, screen, Subcommand::Plan, Some(&prepared), &outcome)
}
