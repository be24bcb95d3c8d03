//! `idc-setup status`: look, and change nothing; without credentials, what was recorded.

use std::rc::Rc;

use super::prepare::{Access, prepare, wanted_slugs};
use super::{ended_by, finish, looking, say_rehearsal, screen};
use crate::browser::Browser;
use crate::checklist::{Finding, Found, Outcome, Plan, StepReport, Trouble, TroubleKind};
use crate::cli::Cli;
use crate::environment::Environment;
use crate::guide::NonInteractive;
use crate::progress::{Folder, Progress, Record};
use crate::steps;

/// Looks, and answers the exit code.
pub async fn status(cli: &Cli, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    say_rehearsal(cli, environment, screen);
    let waiting = looking(cli, environment, screen, "Looking at the account.");
    let prepared = match prepare(
        cli,
        environment,
        Access::Read,
        Rc::new(Browser::none("status opens nothing")),
    )
    .await
    {
        Ok(prepared) => prepared,
        Err(trouble) => {
            drop(waiting);
            let outcome = recorded(cli, environment, trouble);
            return finish(cli, screen, "status", None, &outcome);
        }
    };
    let note = prepared.note_on_profile(cli);
    let steps = steps::checklist(&prepared.setting);
    let guide = NonInteractive::new(screen);
    let walk = prepared.walk(&steps, &guide);
    let outcome = walk.look().await;
    drop(waiting);
    if let Some(note) = note {
        screen.talk(&note);
    }
    finish(cli, screen, "status", Some(&prepared), &outcome)
}

/// Without credentials nothing can be looked at: every state is unknown, with what was seen last.
fn recorded(cli: &Cli, environment: &Environment, trouble: Trouble) -> Outcome {
    let record = (trouble.kind == TroubleKind::NoCredentials)
        .then(|| last_record(cli, environment))
        .flatten();
    let Some(record) = record else {
        return ended_by(trouble);
    };
    let wanted = wanted_slugs(cli);
    let reports = steps::INFOS
        .into_iter()
        .filter(|info| wanted.contains(info.slug))
        .map(|info| {
            let is = record.steps.get(info.slug).map_or_else(
                || "Never looked at.".to_owned(),
                |seen| {
                    format!(
                        "{} on {}: {}",
                        seen.state,
                        seen.at.strftime("%Y-%m-%d %H:%M UTC"),
                        seen.is
                    )
                },
            );
            StepReport::new(info, Finding::new(Found::Unknown, is), Plan::default())
        });
    Outcome {
        reports: reports.collect(),
        trouble: Some(trouble),
        region: record.region.clone(),
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
