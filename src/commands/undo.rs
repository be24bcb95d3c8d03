//! `idc-setup undo`: take back what was made.

use std::rc::Rc;

use super::prepare::{Access, Prepared, prepare};
use super::{asked_to_end, asking_guide, browser, looking, say_interrupted, say_rehearsal};
use crate::answers::Key;
use crate::aws::waiting;
use crate::checklist::{ExitCode, Prompter, Status, StepReport, UserError, UserErrorKind};
use crate::cli::{Cli, Output, UndoFlags};
use crate::environment::Environment;
use crate::limits::OPERATION_LIMIT;
use crate::next_step::{SetupCommand, Subcommand};
use crate::steps::{self, Context, SLUGS, cli_profile};
use crate::ui::output::{CallerOut, Envelope, ErrorOut, FORMAT, UndoBody};
use crate::ui::{NonInteractive, Screen, clean};
use crate::undo::{self, Branch, Disposition, Removal};

/// What undo stopped at.
struct Stopped {
    error: UserError,
    /// The slug of the step that had made the thing, if it was one.
    step: Option<&'static str>,
}

impl Stopped {
    /// What failed is taken up again by undo: a run would create everything anew.
    fn for_undo(self) -> Self {
        let next = self.error.next.clone().retargeted(Subcommand::Run, Subcommand::Undo);
        Self {
            error: UserError { next, ..self.error },
            ..self
        }
    }
}

impl From<UserError> for Stopped {
    fn from(error: UserError) -> Self {
        Self { error, step: None }
    }
}

/// Takes back, and answers the exit code.
pub async fn undo(cli: &Cli, flags: &UndoFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let mut removals = Vec::new();
    let mut prepared = None;
    let ended = tokio::select! {
        biased;
        ended = go(cli, flags, environment, screen, (&mut removals, &mut prepared)) => ended,
        // What was removed is written off, and told.
        () = asked_to_end() => Err(Stopped::from(UserError::interrupted())),
    };
    let stopped = ended.err().map(|stopped| stopped.for_undo());
    let is_interrupted = |stopped: &Stopped| stopped.error.kind == UserErrorKind::Interrupted;
    if cli.flags.output != Output::Json && stopped.as_ref().is_some_and(is_interrupted) {
        say_interrupted(screen);
        return ExitCode::Interrupted;
    }
    report(cli, flags, screen, prepared.as_ref(), &removals, stopped.as_ref())
}

async fn go(
    cli: &Cli,
    flags: &UndoFlags,
    environment: &Environment,
    screen: &Screen,
    (removals, kept): (&mut Vec<Removal>, &mut Option<Prepared>),
) -> Result<(), Stopped> {
    refuse_what_cannot_be(cli, flags)?;
    let browser = browser(cli, environment)?;
    let prompter = asking_guide(cli, environment, screen, &browser);
    let prepared = kept.insert(prepare(cli, environment, Access::Write, browser).await?);
    if let Some(note) = prepared.note_on_profile(cli) {
        screen.talk(&note);
    }
    let context = Rc::clone(&prepared.context);
    let waiting = looking(cli, environment, screen, "Looking at what was made.");
    let mut reports = look(prepared, screen).await?;
    *removals = undo::plan(&context, &reports, flags.step.as_deref(), flags.include_changed).await?;
    drop(waiting);
    let count = removals.iter().filter(|removal| removal.disposition.is_to_do()).count();
    // What is agreed to has to be seen, with -q too.
    let quiet = screen.quiet && (cli.flags.yes || count == 0);
    let shown = Screen {
        quiet,
        ..screen.clone()
    };
    show(&shown, removals);
    for kept in context.progress.kept_aside() {
        screen.talk(&format!(
            "{} could not be read once and was kept aside: what was made before is not known here, and stays.",
            kept.display()
        ));
    }
    if count > 0 && !cli.flags.yes {
        must_be_agreed(prompter.as_deref(), screen, (&context.caller.account, count)).await?;
        // The question may have stood there for long.
        let asked = std::mem::take(removals);
        let waiting = looking(cli, environment, screen, "Looking again.");
        reports = look(prepared, screen).await?;
        let now = undo::plan(&context, &reports, flags.step.as_deref(), flags.include_changed).await?;
        *removals = undo::as_agreed(&asked, now);
        drop(waiting);
        for removal in removals.iter().filter(|now| !asked.contains(now)) {
            screen.talk(&format!("Meanwhile: {}", line(removal)));
        }
    }
    take_back(&context, &reports, removals, screen).await?;
    // Folders that a killed run has made, and no file in them.
    if flags.step.as_deref().is_none_or(|step| step == cli_profile::INFO.slug) {
        undo::remove_folders(&context)?;
    }
    Ok(())
}

/// A step or a state file that is none, and flags of a run.
fn refuse_what_cannot_be(cli: &Cli, flags: &UndoFlags) -> Result<(), UserError> {
    if let Some(step) = flags.step.as_deref().filter(|step| !SLUGS.contains(step)) {
        return Err(UserError::usage(
            format!("--step: {step:?} is not one of: {}.", SLUGS.join(", ")),
            SetupCommand::undo().placeholder("--step", "NAME"),
        ));
    }
    if let Some(path) = cli.flags.state.as_ref().filter(|path| !path.exists()) {
        return Err(UserError::usage(
            format!("There is no state file {}; nothing was removed.", path.display()),
            SetupCommand::undo()
                .placeholder("--state", "FILE")
                .to("name the state file of the run"),
        ));
    }
    refuse_what_undo_does_not_know(cli)
}

/// Asks for the account's id; nothing is removed without it.
async fn must_be_agreed(
    prompter: Option<&dyn Prompter>,
    screen: &Screen,
    (account, count): (&str, usize),
) -> Result<(), UserError> {
    let Some(prompter) = prompter else {
        return Err(UserError::usage(
            "Nobody can be asked whether to remove all this; nothing was removed.",
            SetupCommand::undo().switch("--yes"),
        ));
    };
    if is_agreed(prompter, screen, account, count).await? {
        return Ok(());
    }
    Err(UserError::new(
        UserErrorKind::Left,
        "You left; nothing was removed.",
        SetupCommand::undo(),
    ))
}

/// Takes back one thing after the other. What cannot be removed stops those that it stands on, and nothing else; without
/// credentials nothing goes on.
async fn take_back(
    context: &Context,
    reports: &[StepReport],
    removals: &mut [Removal],
    screen: &Screen,
) -> Result<(), Stopped> {
    let mut stopped: Option<Stopped> = None;
    let mut blocked = Vec::new();
    for removal in removals.iter_mut() {
        let is_to_do = removal.disposition.is_to_do();
        if is_to_do && blocked.contains(&removal.branch()) {
            removal.why = Some("what has to go before it was not removed".to_owned());
            continue;
        }
        let ended = undo::take_back(context, reports, removal).await;
        if is_to_do
            && (ended.is_err() || removal.disposition == Disposition::Changed)
            && removal.branch() != Branch::Alone
        {
            blocked.push(removal.branch());
        }
        let Err(error) = ended else {
            if is_to_do {
                screen.talk(&said(removal));
            }
            continue;
        };
        removal.why = Some(error.message.clone());
        screen.talk(&format!("Left the {}.", removal.name()));
        let is_over = matches!(error.kind, UserErrorKind::NoCredentials | UserErrorKind::Left);
        let step = Some(removal.step);
        stopped.get_or_insert(Stopped { error, step });
        if is_over {
            break;
        }
    }
    stopped.map_or(Ok(()), Err)
}

/// Flags that say which steps a run walks, or what it is told, would be taken for more than they do here.
fn refuse_what_undo_does_not_know(cli: &Cli) -> Result<(), UserError> {
    let flags = &cli.flags;
    let given = [
        ("--only", !flags.only.is_empty()),
        ("--skip", !flags.skip.is_empty()),
        ("--update", !flags.update.is_empty()),
        ("--confirm", !flags.confirmed.is_empty()),
        ("--fresh", flags.fresh),
        ("--create-trail", flags.create_trail),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((flag, _)) => Err(UserError::usage(
            format!("{flag} says what a run does, and undo does not know it; nothing was removed."),
            SetupCommand::undo()
                .placeholder("--step", "NAME")
                .to("undo one step only"),
        )),
    }
}

/// How a removal has ended.
fn said(removal: &Removal) -> String {
    match &removal.why {
        Some(why) if removal.disposition == Disposition::Stays => format!("The {} stays: {why}.", removal.name()),
        Some(why) if removal.disposition == Disposition::Changed => format!("Left the {}: {why}.", removal.name()),
        _ if removal.disposition == Disposition::Restored => format!("The {} is as it was before.", removal.name()),
        Some(why) if removal.resource.kind.is_local() => {
            format!("Removed what was ours of the {}: {why}.", removal.name())
        }
        _ => format!("Removed the {}.", removal.name()),
    }
}

/// What the steps find now: a thing that says something else than what it was made with is not taken for ours.
///
/// What a run that was cut short has asked for may still be on its way: it is waited for, so that it can be taken back,
/// also under other names than the answers have now.
async fn look(prepared: &Prepared, screen: &Screen) -> Result<Vec<StepReport>, UserError> {
    let context = &prepared.context;
    undo::settle_files(context)?;
    // Wherever Identity Center is: a Region that was asked for in vain is no reason to leave everything there.
    context.answers.borrow_mut().take_back(Key::IdentityCenterRegion);
    let others = undo::other_answers(context);
    if !others.is_empty() {
        let given = context.answers.borrow().clone();
        for other in &others {
            undo::go_by(context, other);
            let looked = look_once(prepared, screen).await;
            context.answers.replace(given.clone());
            looked?;
        }
    }
    let mut reports = look_once(prepared, screen).await?;
    // Where Identity Center was once, it is looked for twice before all that was in it is taken for gone.
    let was_there = context.progress.read(|record| record.region.is_some());
    let is_missing = |report: &StepReport| report.info.number == 1 && report.observed.status == Status::Missing;
    if was_there && context.facts.instance.now().is_none() && reports.iter().any(is_missing) {
        tokio::time::sleep(context.timing.pause(0)).await;
        reports = look_once(prepared, screen).await?;
    }
    // An assignment is looked for by its request, which tells of all that it joins.
    let settled = || async { steps::settle_pending_assignments(context).await };
    let settled = waiting::until(context.timing, OPERATION_LIMIT, settled).await?;
    settled.map(|()| reports).ok_or_else(still_at_work)
}

fn still_at_work() -> UserError {
    UserError::failed(
        "AWS is still working on what an earlier run has asked for; nothing was removed.",
        SetupCommand::undo().after("wait a minute"),
    )
}

async fn look_once(prepared: &Prepared, screen: &Screen) -> Result<Vec<StepReport>, UserError> {
    let steps = steps::checklist(&prepared.context);
    let prompter = NonInteractive::new(&screen.quieted());
    let settled = || async {
        let outcome = prepared.walk(&steps, &prompter).look().await;
        match outcome.error {
            Some(error) => Err(error),
            None if outcome.reports.iter().any(|report| report.observed.is_under_way()) => Ok(None),
            None => Ok(Some(outcome.reports)),
        }
    };
    let settled = waiting::until(prepared.context.timing, OPERATION_LIMIT, settled).await?;
    settled.ok_or_else(still_at_work)
}

fn line(removal: &Removal) -> String {
    let why = removal
        .why
        .as_ref()
        .map_or_else(String::new, |why| match removal.disposition {
            // What was changed goes all the same, as it was asked for.
            Disposition::Delete | Disposition::Deleted => format!(" (though {why})"),
            _ => format!(": {why}"),
        });
    format!("{:8} {}{}", removal.disposition.word(), removal.name(), clean(&why))
}

fn show(screen: &Screen, removals: &[Removal]) {
    if removals.is_empty() {
        screen.talk("Nothing was made here that could be taken back.");
        return;
    }
    screen.talk("What was made, and what becomes of it:");
    for removal in removals {
        screen.talk(&format!("  {}", line(removal)));
        let is_local = removal.resource.kind.is_local();
        // How a file that stays could go is nothing to be pasted: others have come to stand in it.
        let is_by_hand = removal.disposition == Disposition::Stays && !is_local;
        let is_file = is_local && removal.disposition.is_to_do();
        if is_by_hand || is_file || (screen.verbose >= 1 && removal.disposition.is_to_do()) {
            screen.talk(&format!("           {}", removal.command));
        }
    }
}

/// The account's id typed out. Nothing at all, `:quit` or `q` leaves.
async fn is_agreed(prompter: &dyn Prompter, screen: &Screen, account: &str, count: usize) -> Result<bool, UserError> {
    let things = if count == 1 {
        "1 thing".to_owned()
    } else {
        format!("{count} things")
    };
    let words = format!("To take back {things} in account {account}, type its id (Enter leaves)");
    loop {
        let typed = prompter.type_out(&words).await?;
        match typed.as_str() {
            typed if typed == account => return Ok(true),
            "" | "q" | "n" | "no" | ":quit" | ":back" | ":skip" => return Ok(false),
            "?" => screen
                .warn("It removes what is listed above, and nothing else; idc-setup undo --step NAME removes less."),
            other => screen.warn(&format!("{other:?} is not {account}.")),
        }
    }
}

fn report(
    cli: &Cli,
    flags: &UndoFlags,
    screen: &Screen,
    prepared: Option<&Prepared>,
    removals: &[Removal],
    stopped: Option<&Stopped>,
) -> ExitCode {
    let error = stopped.map(|stopped| &stopped.error);
    let has_changed = removals
        .iter()
        .any(|removal| removal.disposition == Disposition::Changed);
    let elsewhere = removals.iter().find(|removal| removal.is_elsewhere);
    let of_error = error.map(|error| ExitCode::from(error.kind));
    let is_left = has_changed || elsewhere.is_some();
    let exit = ExitCode::greatest(of_error.into_iter().chain(is_left.then_some(ExitCode::Differs)));
    if cli.flags.output == Output::Json {
        let caller = prepared.map(|prepared| CallerOut {
            account: prepared.context.caller.account.clone(),
            arn: prepared.context.caller.arn.clone(),
        });
        let envelope = Envelope {
            format: FORMAT,
            command: "undo".to_owned(),
            account: caller.as_ref().map(|caller| caller.account.clone()),
            region: prepared.and_then(Prepared::region),
            error: stopped.map(|stopped| ErrorOut::of(&stopped.error, stopped.step, &screen.invocation)),
            exit: exit.code(),
            body: UndoBody {
                caller,
                removals: removals.to_vec(),
            },
        };
        screen.json(&envelope.json());
        return exit;
    }
    if let Some(error) = error {
        screen.error(error);
        return exit;
    }
    let count = |disposition: Disposition| {
        removals
            .iter()
            .filter(|removal| removal.disposition == disposition)
            .count()
    };
    let restored = match count(Disposition::Restored) {
        0 => String::new(),
        count => format!("{count} put back as before, "),
    };
    screen.result(&format!(
        "{} removed, {restored}{} gone before, {} changed and left, {} staying.",
        count(Disposition::Deleted),
        count(Disposition::Gone),
        count(Disposition::Changed),
        count(Disposition::Stays)
    ));
    if let Some(elsewhere) = elsewhere {
        screen.result(&format!("  next: {} (for what is there)", elsewhere.command));
    }
    if has_changed && !flags.include_changed {
        let next = SetupCommand::undo()
            .switch("--include-changed")
            .to("delete what was changed since, too");
        for line in screen.next_lines(&next.into()) {
            screen.result(&format!("  {line}"));
        }
    }
    exit
}
