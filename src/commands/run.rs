//! `idc-setup run`: walk the checklist to its end.

use super::prepare::{Access, prepare};
use super::{asking_guide, browser, ended_by, finish, say_rehearsal, screen};
use crate::checklist::Trouble;
use crate::cli::Cli;
use crate::environment::Environment;
use crate::guide::NonInteractive;
use crate::steps;

/// Runs, and answers the exit code.
pub async fn run(cli: &Cli, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    let browser = match browser(cli, environment) {
        Ok(browser) => browser,
        Err(trouble) => return finish((cli, environment), screen, "run", None, &ended_by(trouble)),
    };
    let guide = match asking_guide(cli, environment, screen, &browser) {
        Some(guide) => guide,
        None if cli.flags.non_interactive => Box::new(NonInteractive::new(screen)),
        None => {
            let trouble = Trouble::usage(
                "There is no terminal to ask questions in; nothing was changed.",
                "idc-setup run --non-interactive (takes answers from flags), or idc-setup run --accessible (asks line by \
                 line)",
            );
            return finish((cli, environment), screen, "run", None, &ended_by(trouble));
        }
    };
    say_rehearsal(cli, environment, screen);
    let prepared = match prepare(cli, environment, Access::Write, browser).await {
        Ok(prepared) => prepared,
        Err(trouble) => return finish((cli, environment), screen, "run", None, &ended_by(trouble)),
    };
    let setting = &prepared.setting;
    screen.talk(&format!(
        "Account {}, as {}.",
        setting.caller.account, setting.caller.arn
    ));
    if let Some(note) = prepared.note_on_profile(cli) {
        screen.talk(&note);
    }
    let steps = steps::checklist(setting);
    let walk = prepared.walk(&steps, guide.as_ref());
    let outcome = walk.run().await;
    finish((cli, environment), screen, "run", Some(&prepared), &outcome)
}
