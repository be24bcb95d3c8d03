//! `idc-setup access`: access for a whole team, from one file.
//!
//! - `source`: which file is meant, and reading it.
//! - `live`: the connection, and what the organization contains.
//! - `plan`, `apply`, `drift`, `explain`, `adopt`, `remove`: the commands.
//! - `leaving`: what users who leave keep.
//! - `carry_out`: applies a plan with consent and progress, for `apply` and `adopt`.
//! - `what_if`: the assumptions of `plan`.
//! - `report`: how a command ends: text, Markdown or the envelope, and the exit code.

mod account;
mod adopt;
mod apply;
mod carry_out;
mod drift;
mod explain;
mod leaving;
mod live;
mod plan;
mod remove;
mod report;
mod source;
mod what_if;

use crate::cli::{AccessCommand, Cli, Command};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::ui::Screen;

/// Whether the command prints Markdown on request.
pub fn prints_markdown(cli: &Cli) -> bool {
    matches!(cli.command, Some(Command::Access(_)))
}

/// Runs a command of `access` and returns the exit code.
pub async fn access(cli: &Cli, command: &AccessCommand, environment: &Environment, screen: &Screen) -> ExitCode {
    match command {
        AccessCommand::Plan(flags) => plan::plan(cli, flags, environment, screen).await,
        AccessCommand::Apply(flags) => apply::apply(cli, flags, environment, screen).await,
        AccessCommand::Drift(flags) => drift::drift(cli, flags, environment, screen).await,
        AccessCommand::Explain(flags) => explain::explain(cli, flags, environment, screen).await,
        AccessCommand::Adopt(flags) => adopt::adopt(cli, flags, environment, screen).await,
        AccessCommand::Remove(flags) => Box::pin(remove::remove(cli, flags, environment, screen)).await,
    }
}
