//! `idc-setup status`: checks the account and changes nothing. Without credentials, it shows what the last run recorded.

use std::rc::Rc;

use super::connect::Access;
use super::ending::{ended_by, finish};
use super::prepare::{prepare, wanted_slugs};
use super::session::{checking, say_rehearsal};
use crate::browser::Browser;
use crate::cli::Cli;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::Subcommand;
use crate::progress::{Folder, Progress, Record};
use crate::ui::{NonInteractive, Screen};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::{Observed, Outcome, State, Status, StepPlan, StepReport, steps};

/// Shows the state of each step and returns the exit code.
pub async fn status(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let waiting = checking(cli, environment, screen, "Checking the account.");
    let prepared = match prepare(
        cli,
        environment,
        Access::Read,
        Rc::new(Browser::none("status opens no pages")),
    )
    .await
    {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(waiting);
            let outcome = recorded(cli, environment, error);
            return finish(cli, screen, Subcommand::Status, None, &outcome);
        }
    };
    let note = prepared.note_on_profile(cli, screen);
    let steps = steps::checklist(&prepared.context);
    let prompter = NonInteractive::new(screen);
    let walk = prepared.walk(&steps, &prompter);
    let outcome = walk.look().await;
    drop(waiting);
    if let Some(note) = note {
        screen.talk(&note);
    }
    finish(cli, screen, Subcommand::Status, Some(&prepared), &outcome)
}

/// Without credentials the account cannot be checked: every state is unknown, with the last recorded observation.
fn recorded(cli: &Cli, environment: &Environment, error: UserError) -> Outcome {
    let record = (error.kind == UserErrorKind::NoCredentials)
        .then(|| last_record(cli, environment))
        .flatten();
    let Some(record) = record else {
        return ended_by(error);
    };
    let wanted = wanted_slugs(cli);
    let reports = steps::INFOS
        .into_iter()
        .filter(|info| wanted.contains(info.slug))
        .map(|info| {
            let is = record.steps.get(info.slug).map_or_else(
                || "Never checked.".to_owned(),
                |seen| {
                    format!(
                        "{} on {}: {}",
                        State::named(&seen.state).map_or_else(|| seen.state.clone(), |state| state.label().to_owned()),
                        seen.at.strftime("%Y-%m-%d %H:%M UTC"),
                        seen.summary
                    )
                },
            );
            StepReport::new(info, Observed::new(Status::Unknown, is), StepPlan::default())
        });
    Outcome {
        reports: reports.collect(),
        error: Some(error),
        region: record.region.clone(),
        has_changed: false,
    }
}

fn last_record(cli: &Cli, environment: &Environment) -> Option<Record> {
    let folder = Folder::of(environment)?;
    let last = folder.last();
    let path = match (&cli.flags.state, &last) {
        (Some(path), _) => path.clone(),
        (None, Some(last)) => folder.state_file(&last.partition, &last.account),
        (None, None) => return None,
    };
    Progress::read_file(&path).ok()?
}
