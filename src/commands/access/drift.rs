//! `idc-setup access drift`: shows what is not as the access file says, and changes nothing.

use std::path::Path;

use super::live::{READING, Reading, Situation, connect, counted, read};
use super::report::{self, Origin};
use super::source::{self, Failure, Taken};
use super::what_if::Assumptions;
use crate::access::drift::{Drift, drift as find_drift, renamed_later};
use crate::access::orphans;
use crate::access::plan::{Note, NoteKind, Plan, Refusal, RefusalReason, plan};
use crate::cli::{AccessDriftFlags, Cli, Output};
use crate::commands::session::{checking, say_rehearsal};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::{NextSteps, Subcommand};
use crate::ui::Screen;
use crate::ui::access::json::{DriftOut, NoteOut, PlanOut};
use crate::ui::access::{markdown, text};

/// What was found.
struct Found {
    origin: Origin,
    situation: Situation,
    /// The refusal to look at another instance than the one that the file names.
    refused: Option<Plan>,
    drift: Vec<Drift>,
    /// What drift cannot show, accounts that are not active, and patterns that match nothing.
    notes: Vec<Note>,
}

/// What the file lists, does not own, and what differs from it, as a note.
fn not_owned(refusal: &Refusal) -> Option<Note> {
    let is_not_owned = matches!(
        refusal.reason,
        RefusalReason::NotOwned | RefusalReason::OwnedByAnotherFile
    );
    is_not_owned.then_some(Note {
        kind: NoteKind::NotOwned,
        text: refusal.what.clone(),
        place: refusal.place.clone(),
    })
}

/// Whether a note of the plan is about what drift shows.
fn is_about_drift(note: &Note) -> bool {
    matches!(
        note.kind,
        NoteKind::NotOwned | NoteKind::SkippedAccount | NoteKind::UnmatchedPattern | NoteKind::MayBeIncomplete
    )
}

/// Shows the drift and returns the exit code.
pub async fn drift(cli: &Cli, flags: &AccessDriftFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    match find(cli, flags, environment, screen).await {
        Ok(found) => show(cli, screen, flags.file.as_deref(), &found),
        Err(failure) => report::fail(cli, screen, failure),
    }
}

async fn find(
    cli: &Cli,
    flags: &AccessDriftFlags,
    environment: &Environment,
    screen: &Screen,
) -> Result<Found, Failure> {
    let file = source::read(flags.file.as_deref(), Taken::Only)?;
    let waiting = checking(cli, environment, screen, READING);
    let connected = connect(cli, environment, screen).await?;
    let reading = Reading {
        // Also what the file does not own can be assigned to somebody who no longer exists.
        all: flags.thorough,
        every_pair: flags.thorough,
    };
    let situation = counted(
        waiting.as_deref(),
        &connected,
        Box::pin(read(&connected, file, &reading, &Assumptions::default())),
    )
    .await?;
    drop(waiting);
    let options = connected.options(false, None);
    let mut plan = plan(&situation.desired, &situation.inventory, &options, situation.today);
    let is_of_other_instance = |refusal: &&Refusal| refusal.reason == RefusalReason::OtherInstance;
    let refused = Plan {
        refusals: plan.refusals.iter().filter(is_of_other_instance).cloned().collect(),
        ..Plan::default()
    };
    plan.notes.extend(plan.refusals.iter().filter_map(not_owned));
    let is_other = !refused.refusals.is_empty();
    let (mut drift, mut notes) = (Vec::new(), Vec::new());
    if !is_other {
        drift = find_drift(&situation.desired, &situation.inventory, &plan);
        notes = renamed_later(&situation.desired, &situation.inventory);
        notes.extend(orphans::notes(&situation.desired, &situation.inventory));
    }
    notes.extend(plan.notes.into_iter().filter(is_about_drift));
    Ok(Found {
        origin: Origin::of(&connected),
        drift,
        notes,
        refused: is_other.then_some(refused),
        situation,
    })
}

fn show(cli: &Cli, screen: &Screen, file: Option<&Path>, found: &Found) -> ExitCode {
    let name = &found.situation.desired.name;
    let refused = found.refused.as_ref().map(|plan| found.situation.view(plan, &[]));
    let exit = if found.drift.is_empty() && refused.is_none() {
        ExitCode::Success
    } else {
        ExitCode::Differs
    };
    match (cli.flags.output, &refused) {
        (Output::Json, _) => {
            let mut body = report::of_file(&found.situation.file);
            body.plan = refused.as_ref().map(PlanOut::of);
            body.drift = found.drift.iter().map(DriftOut::of).collect();
            body.notes = found.notes.iter().map(NoteOut::of).collect();
            report::envelope(screen, &found.origin, body, None, exit)
        }
        (Output::Markdown, Some(view)) => {
            screen.verbatim(&markdown::refused_drift(name, view.plan));
            exit
        }
        (Output::Markdown, None) => {
            screen.verbatim(&markdown::drift(name, &found.drift, &found.notes));
            exit
        }
        (_, Some(view)) => {
            text::print(screen, &text::refused_drift(name, view.plan));
            exit
        }
        (_, None) => {
            if !screen.quiet || exit != ExitCode::Success {
                let everything = screen.verbose > 0;
                text::print(screen, &text::drift(name, &found.drift, &found.notes, everything));
            }
            if exit != ExitCode::Success && !screen.quiet {
                let command = report::with_file(Subcommand::AccessPlan, file);
                let next = NextSteps::from(command.to("see what applying the file would change"));
                screen.result("");
                screen.result_next(&next, 2);
            }
            exit
        }
    }
}
