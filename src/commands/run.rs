//! `idc-setup run`: walk the checklist to its end.

use super::prepare::{Access, Stage, prepare};
use super::{ended_by, finish, screen};
use crate::checklist::{Guide, Trouble, Walk};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::guide::{Interactive, NonInteractive, Plain, Screen};
use crate::steps;

/// Runs, and answers the exit code.
pub async fn run(cli: &Cli, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    let guide = match guide(cli, environment, screen) {
        Ok(guide) => guide,
        Err(trouble) => return finish((cli, environment), screen, "run", None, &ended_by(trouble)),
    };
    if Stage::of(cli, environment).is_ok_and(|stage| stage.is_rehearsal()) {
        screen.talk("REHEARSAL: a simulated AWS. Nothing here is real, and nothing is changed outside it.");
    }
    let prepared = match prepare(cli, environment, Access::Write).await {
        Ok(prepared) => prepared,
        Err(trouble) => return finish((cli, environment), screen, "run", None, &ended_by(trouble)),
    };
    let setting = &prepared.setting;
    screen.talk(&format!(
        "Account {}, as {}.",
        setting.caller.account, setting.caller.arn
    ));
    if let Some(profile) = setting
        .bootstrap_profile
        .as_ref()
        .filter(|_| cli.flags.profile.is_none())
    {
        screen.talk(&format!(
            "With the profile {profile}, as in the last run; another: --profile NAME."
        ));
    }
    let steps = steps::checklist(setting);
    let walk = Walk::new(
        &steps,
        guide.as_ref(),
        &setting.answers,
        &setting.progress,
        prepared.options.clone(),
    );
    let outcome = walk.run().await;
    finish((cli, environment), screen, "run", Some(&prepared), &outcome)
}

/// Questions need terminals on stdin and stderr, or a flag that says otherwise.
fn guide(cli: &Cli, environment: &Environment, screen: Screen) -> Result<Box<dyn Guide>, Trouble> {
    let dumb = environment.var("TERM") == Some("dumb");
    if cli.flags.non_interactive {
        Ok(Box::new(NonInteractive::new(screen)))
    } else if cli.flags.accessible || (environment.is_terminal && dumb) {
        Ok(Box::new(Plain::new(screen)))
    } else if environment.is_terminal {
        Ok(Box::new(Interactive::new(screen)))
    } else {
        Err(Trouble::usage(
            "There is no terminal to ask questions in; nothing was changed.",
            "idc-setup run --non-interactive (takes answers from flags), or idc-setup run --accessible (asks line by line)",
        ))
    }
}
