//! `idc-setup access apply`: makes the organization as the access file says.

use super::carry_out::{Ready, carry_out, lock};
use super::live::{READING, Reading, connect, counted, read};
use super::source::{self, Failure, Taken};
use super::what_if::Assumptions;
use crate::access::plan::plan;
use crate::cli::{AccessApplyFlags, Cli};
use crate::commands::session::checking;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::ui::Screen;

/// Applies the access file and returns the exit code.
pub async fn apply(cli: &Cli, flags: &AccessApplyFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    // Programs that follow the events read nothing else.
    let screen = if flags.events { screen.quieted() } else { screen.clone() };
    let screen = &screen;
    let preparing = Box::pin(prepare(cli, flags, environment, screen));
    carry_out(cli, environment, screen, preparing).await
}

async fn prepare(
    cli: &Cli,
    flags: &AccessApplyFlags,
    environment: &Environment,
    screen: &Screen,
) -> Result<Ready, Failure> {
    let file = source::read(flags.file.as_deref(), Taken::Only)?;
    let waiting = checking(cli, environment, screen, READING);
    let connected = connect(cli, environment, screen).await?;
    // Before anything is read that another apply could be changing.
    let lock = lock(cli, &connected)?;
    let reading = Reading {
        every_pair: flags.thorough,
        ..Reading::default()
    };
    let situation = counted(
        waiting.as_deref(),
        &connected,
        Box::pin(read(&connected, file, &reading, &Assumptions::default())),
    )
    .await?;
    drop(waiting);
    let options = connected.options(flags.prune, flags.max_deletes);
    let plan = plan(&situation.desired, &situation.inventory, &options, situation.today);
    Ok(Ready {
        connected,
        situation,
        plan,
        has_events: flags.events,
        may_change_own: flags.change_own_permission_set,
        file: flags.file.clone(),
        _lock: lock,
    })
}
