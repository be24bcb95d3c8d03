//! `idc-setup plan`: look, ask where somebody can be asked, and show what would be done; change nothing.

use super::prepare::{Access, prepare};
use super::{ended_by, finish, screen};
use crate::checklist::{Guide, Walk};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::guide::{Interactive, NonInteractive, Plain};
use crate::steps;

/// Plans, and answers the exit code.
pub async fn plan(cli: &Cli, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    let guide: Box<dyn Guide> = if cli.flags.accessible {
        Box::new(Plain::new(screen))
    } else if environment.is_terminal && !cli.flags.non_interactive {
        Box::new(Interactive::new(screen))
    } else {
        Box::new(NonInteractive::new(screen))
    };
    let prepared = match prepare(cli, environment, Access::Read).await {
        Ok(prepared) => prepared,
        Err(trouble) => return finish((cli, environment), screen, "plan", None, &ended_by(trouble)),
    };
    let setting = &prepared.setting;
    let steps = steps::checklist(setting);
    let walk = Walk::new(
        &steps,
        guide.as_ref(),
        &setting.answers,
        &setting.progress,
        prepared.options.clone(),
    );
    let outcome = walk.plan().await;
    finish((cli, environment), screen, "plan", Some(&prepared), &outcome)
}
