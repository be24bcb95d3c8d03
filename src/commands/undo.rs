//! `idc-setup undo`: undo what runs created or changed.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use super::connect::Access;
use super::ending::say_interrupted;
use super::prepare::{Prepared, prepare};
use super::session::{browser, checking, prompter, say_rehearsal};
use super::signals::asked_to_end;
use crate::answers::Key;
use crate::aws::waiting;
use crate::aws_files::{self, Problem};
use crate::cli::{Cli, Output, UndoFlags};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::limits::OPERATION_LIMIT;
use crate::next_step::{NextSteps, SetupCommand};
use crate::progress::{Origin, ResourceKind};
use crate::reconcile::Manually;
use crate::reconcile::undo::{self, Disposition, InstanceState, Removal, Stopped, Undo};
use crate::resources::{self, assignment, sso_token};
use crate::text::clean;
use crate::ui::envelope::{Envelope, ErrorOut, FORMAT, UndoBody};
use crate::ui::{NonInteractive, Screen};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::steps::{self, INFOS, SLUGS, WizardContext, cli_profile, pending_answers};
use crate::wizard::{Prompter, Status, StepReport};

/// Runs `undo` and returns the exit code.
pub async fn undo(cli: &Cli, flags: &UndoFlags, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let mut removals = Vec::new();
    let mut prepared = None;
    let has_begun = Cell::new(false);
    let ended = tokio::select! {
        biased;
        ended = go(cli, flags, environment, screen, &mut removals, &mut prepared, &has_begun) => ended,
        // The record and the report contain what was deleted before.
        () = asked_to_end() => Err(Stopped::from(UserError::interrupted())),
    };
    let stopped = ended.err();
    let is_interrupted = |stopped: &Stopped| stopped.error.kind == UserErrorKind::Interrupted;
    if cli.flags.output != Output::Json && stopped.as_ref().is_some_and(is_interrupted) {
        if !has_begun.get() {
            screen.warn("");
            screen.warn("Stopped. Nothing was deleted.");
            return ExitCode::Interrupted;
        }
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
    removals: &mut Vec<Removal>,
    kept: &mut Option<Prepared>,
    has_begun: &Cell<bool>,
) -> Result<(), Stopped> {
    refuse_invalid_flags(cli, flags)?;
    let browser = browser(cli, environment)?;
    let prompter = prompter(cli, environment, screen, &browser);
    let prepared = kept.insert(prepare(cli, environment, Access::Write, browser).await?);
    if let Some(note) = prepared.note_on_profile(cli, screen) {
        screen.talk(&note);
    }
    let context = Rc::clone(&prepared.context);
    if flags.step.as_deref().is_none_or(|step| step == cli_profile::INFO.slug) {
        check_files(&context).await?;
    }
    let waiting = checking(cli, environment, screen, "Checking what was created.");
    let mut reports = observe(prepared, screen).await?;
    *removals = plan(&context, &reports, flags, screen).await?;
    drop(waiting);
    let count = removals.iter().filter(|removal| removal.disposition.is_to_do()).count();
    // The user must see what they agree to, even with -q.
    let quiet = screen.quiet && (cli.flags.yes || count == 0);
    let shown = Screen {
        quiet,
        ..screen.clone()
    };
    show(&shown, removals);
    for kept in context.progress.kept_aside() {
        screen.talk(&format!(
            "{} could not be read by an earlier command and was set aside. What was created before that is unknown and stays.",
            kept.display()
        ));
    }
    if count > 0 && !cli.flags.yes {
        require_consent(prompter.as_deref(), screen, &context.caller.account, count).await?;
        // Time has passed since the question appeared.
        let shown = std::mem::take(removals);
        let waiting = checking(cli, environment, screen, "Checking again.");
        reports = observe(prepared, screen).await?;
        let now = plan(&context, &reports, flags, screen).await?;
        *removals = undo::as_agreed(&shown, now);
        drop(waiting);
        for removal in removals.iter().filter(|now| !shown.contains(now)) {
            screen.talk(&format!("Meanwhile: {}", line(removal)));
        }
    }
    let instance = instance_state(&context, &reports);
    let say = |removal: &Removal, error: Option<&UserError>| match error {
        None => screen.talk(&result_line(removal)),
        Some(_) => screen.talk(&format!("Could not undo the {}.", removal.name())),
    };
    // From here on, a deletion can be in flight.
    has_begun.set(true);
    undo_of(&context, flags).apply(&instance, removals, say).await?;
    // Folders that a killed run created without a file in them.
    if flags.step.as_deref().is_none_or(|step| step == cli_profile::INFO.slug) {
        context.remove_new_folders()?;
    }
    Ok(())
}

/// Checks the AWS files that undo will edit, before anybody is asked.
async fn check_files(context: &WizardContext) -> Result<(), UserError> {
    let Some(paths) = &context.paths else { return Ok(()) };
    let is_edited = |kind: ResourceKind, path: &Path| {
        let is_section = matches!(kind, ResourceKind::SsoSession | ResourceKind::CliProfile);
        is_section && path == paths.config()
    };
    let is_needed = context.progress.read(|record| {
        let created = record.resources.iter().filter(|entry| entry.origin == Origin::Created);
        let mut files = created.map(|entry| (entry.kind, entry.id.file()));
        let mut replaced = record.replaced.iter().map(|entry| (entry.kind, entry.id.file()));
        files.any(|(kind, path)| is_edited(kind, path)) || replaced.any(|(kind, path)| is_edited(kind, path))
    });
    if !is_needed || !paths.config().exists() {
        return Ok(());
    }
    let unusable = |problem: Problem| UserError::failed(problem.to_string(), problem.next(SetupCommand::undo()));
    aws_files::readable(paths).await.map_err(unusable)?;
    aws_files::writable(paths).map_err(unusable)
}

fn undo_of<'a>(context: &'a WizardContext, flags: &'a UndoFlags) -> Undo<'a> {
    Undo {
        context,
        kinds: &resources::DELETION_ORDER,
        steps: &INFOS,
        step: flags.step.as_deref(),
        include_changed: flags.include_changed,
        has_profile: context.bootstrap_profile.is_some(),
    }
}

/// What the steps have just observed of the instance.
fn instance_state(context: &WizardContext, reports: &[StepReport]) -> InstanceState {
    if context.instance.now().is_some() {
        return InstanceState::Exists;
    }
    let first = reports.iter().find(|report| report.info.number == 1);
    let error = first.and_then(|report| report.observed.error.clone());
    match (error, first.map(|report| report.observed.status)) {
        (Some(error), _) => InstanceState::Unreadable(error),
        (None, Some(Status::Missing)) => InstanceState::Gone,
        _ => InstanceState::Unreadable(UserError::failed(
            "Identity Center cannot be checked, so nothing in it can be deleted.",
            SetupCommand::status()
                .to("check that Identity Center is enabled")
                .then(SetupCommand::undo()),
        )),
    }
}

/// The plan, with the commands of this invocation.
async fn plan(
    context: &WizardContext,
    reports: &[StepReport],
    flags: &UndoFlags,
    screen: &Screen,
) -> Result<Vec<Removal>, UserError> {
    let instance = instance_state(context, reports);
    let cached = |session: &_| sso_token::of_session(context, session);
    let mut removals = undo_of(context, flags).plan(&instance, cached).await?;
    if flags
        .step
        .as_deref()
        .is_none_or(|step| step == "enable-identity-center")
    {
        removals.extend(resources::staying(context));
    }
    for removal in &mut removals {
        if let Some(undo) = &removal.undo_elsewhere {
            removal.manually = Manually::Command(screen.command(undo));
        }
    }
    Ok(removals)
}

/// Refuses an unknown step, a state file that does not exist, and flags of a run.
fn refuse_invalid_flags(cli: &Cli, flags: &UndoFlags) -> Result<(), UserError> {
    if let Some(step) = flags.step.as_deref().filter(|step| !SLUGS.contains(step)) {
        return Err(UserError::usage(
            format!("--step: {step:?} is not one of: {}.", SLUGS.join(", ")),
            SetupCommand::undo().placeholder("--step", "NAME"),
        ));
    }
    if let Some(path) = cli.flags.state.as_ref().filter(|path| !path.exists()) {
        return Err(UserError::usage(
            format!("There is no state file {}; nothing was deleted.", path.display()),
            SetupCommand::undo()
                .placeholder("--state", "FILE")
                .to("use the state file of the run"),
        ));
    }
    refuse_flags_of_run(cli)
}

/// Asks for the account id; nothing is deleted without it.
async fn require_consent(
    prompter: Option<&dyn Prompter>,
    screen: &Screen,
    account: &str,
    count: usize,
) -> Result<(), UserError> {
    let Some(prompter) = prompter else {
        return Err(UserError::usage(
            "Undo needs your confirmation, and there is no terminal to ask in; nothing was deleted.",
            SetupCommand::undo().switch("--yes"),
        ));
    };
    if has_consent(prompter, screen, account, count).await? {
        return Ok(());
    }
    Err(UserError::new(
        UserErrorKind::Left,
        "Stopped. Nothing was deleted.",
        SetupCommand::undo(),
    ))
}

/// Refuses the flags that apply only to a run. To ignore them would suggest that they limit undo.
fn refuse_flags_of_run(cli: &Cli) -> Result<(), UserError> {
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
            format!("{flag} applies to run and not to undo; nothing was deleted."),
            SetupCommand::undo()
                .placeholder("--step", "NAME")
                .to("undo one step only"),
        )),
    }
}

/// One sentence about what happened to a resource.
fn result_line(removal: &Removal) -> String {
    match &removal.why {
        Some(why) if removal.disposition == Disposition::Stays => format!("The {} stays: {why}.", removal.name()),
        Some(why) if removal.disposition == Disposition::Changed => {
            format!("Did not undo the {}: {why}.", removal.name())
        }
        _ if removal.disposition == Disposition::Restored => format!("Restored the {}.", removal.name()),
        Some(why) if removal.entry.kind.is_local() => {
            format!("Removed our lines of the {}: {why}.", removal.name())
        }
        _ => format!("Deleted the {}.", removal.name()),
    }
}

/// What the steps observe now.
///
/// AWS may still be processing what an interrupted run requested. This waits for it, so that it can be undone, also if it
/// has other names than the current answers.
async fn observe(prepared: &Prepared, screen: &Screen) -> Result<Vec<StepReport>, UserError> {
    let context = &prepared.context;
    context.remove_abandoned_files();
    resources::cli_config::settle_pending(context)?;
    sso_token::settle_pending(context)?;
    // Undo works in the Region of the instance, even if the answers name another one.
    context.answers.borrow_mut().remove(Key::IdentityCenterRegion);
    let others = pending_answers::other_answers(context);
    if !others.is_empty() {
        let given = context.answers.borrow().clone();
        for other in &others {
            pending_answers::use_answers(context, other);
            let observed = observe_once(prepared, screen).await;
            context.answers.replace(given.clone());
            observed?;
        }
    }
    let mut reports = observe_once(prepared, screen).await?;
    // If there was an instance before, check twice before everything in it counts as gone.
    let had_instance = context.progress.read(|record| record.region.is_some());
    let is_missing = |report: &StepReport| report.info.number == 1 && report.observed.status == Status::Missing;
    if had_instance && context.instance.now().is_none() && reports.iter().any(is_missing) {
        tokio::time::sleep(context.timing.pause(0)).await;
        reports = observe_once(prepared, screen).await?;
    }
    // A pending assignment is identified by its request, which names the account, the permission set, and the principal.
    let settled = || async {
        let settled = assignment::settle_pending(context).await;
        settled.map_err(|error| error.of_step(INFOS[4], SetupCommand::undo()))
    };
    let settled = waiting::until(context.timing, OPERATION_LIMIT, settled).await?;
    settled.map(|()| reports).ok_or_else(still_processing)
}

fn still_processing() -> UserError {
    UserError::failed(
        "AWS is still processing a request of an earlier run; nothing was deleted.",
        SetupCommand::undo().after("wait a minute"),
    )
}

async fn observe_once(prepared: &Prepared, screen: &Screen) -> Result<Vec<StepReport>, UserError> {
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
    settled.ok_or_else(still_processing)
}

fn line(removal: &Removal) -> String {
    let why = removal
        .why
        .as_ref()
        .map_or_else(String::new, |why| match removal.disposition {
            // It is deleted although it was changed, because of --include-changed.
            Disposition::Delete | Disposition::Deleted => format!(" (although {why})"),
            _ => format!(": {why}"),
        });
    format!("{:8} {}{}", removal.disposition.word(), removal.name(), clean(&why))
}

/// Prints how a user can revert it, after a few words. A command stays on its line, so that it can be copied.
fn say_manually(screen: &Screen, whose: &str, removal: &Removal) {
    match &removal.manually {
        Manually::Command(command) => screen.talk_unwrapped(&format!("           {whose}{command}")),
        Manually::Steps(steps) => screen.talk(&format!("           {whose}{steps}")),
    }
}

fn show(screen: &Screen, removals: &[Removal]) {
    if removals.is_empty() {
        screen.talk("There is nothing to undo.");
        return;
    }
    let (to_do, others): (Vec<&Removal>, Vec<&Removal>) =
        removals.iter().partition(|removal| removal.disposition.is_to_do());
    if to_do.is_empty() {
        screen.talk("Nothing is left that idc-setup can undo.");
    } else {
        screen.talk("Undo plan:");
    }
    for removal in to_do {
        screen.talk(&format!("  {}", line(removal)));
        // The IDs of a rehearsal exist nowhere else.
        if screen.verbose >= 1 && !screen.is_rehearsal() {
            say_manually(screen, "", removal);
        }
    }
    if !others.is_empty() {
        screen.talk("");
    }
    for removal in others {
        screen.talk(&format!("  {}", line(removal)));
        // No command for a local file that stays: it contains lines of others.
        if removal.disposition == Disposition::Stays && !removal.entry.kind.is_local() {
            // In a rehearsal, the command would change the account that the shell uses.
            let whose = if screen.is_rehearsal() {
                "in your own account: "
            } else {
                ""
            };
            say_manually(screen, whose, removal);
        }
    }
    screen.talk("");
}

/// Whether the user types the account id. An empty answer, `:quit` or `q` quits.
async fn has_consent(prompter: &dyn Prompter, screen: &Screen, account: &str, count: usize) -> Result<bool, UserError> {
    let changes = if count == 1 {
        "1 change".to_owned()
    } else {
        format!("{count} changes")
    };
    let question = format!("To undo {changes} in account {account}, type the account ID (Enter quits, ? help)");
    loop {
        let typed = prompter.type_out(&question).await?;
        match typed.as_str() {
            typed if typed == account => return Ok(true),
            "" | "q" | "n" | "no" | ":q" | ":quit" | ":b" | ":back" => return Ok(false),
            "?" | ":?" => screen.warn(&format!(
                "Undo deletes and restores only what is listed above. To undo one step only: {}",
                screen.command(&SetupCommand::undo().placeholder("--step", "NAME"))
            )),
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
    let elsewhere = removals.iter().find_map(|removal| removal.undo_elsewhere.clone());
    let exit = ExitCode::of_undo(error.map(|error| error.kind), has_changed || elsewhere.is_some());
    if cli.flags.output == Output::Json {
        let caller = prepared.map(|prepared| prepared.context.caller.clone());
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
        if error.kind == UserErrorKind::Left {
            // The user quit, which is no error.
            screen.result(&error.message);
        } else {
            screen.error(error);
        }
        return exit;
    }
    let count = |disposition: Disposition| {
        removals
            .iter()
            .filter(|removal| removal.disposition == disposition)
            .count()
    };
    let counts = [
        (count(Disposition::Deleted), "deleted"),
        (count(Disposition::Restored), "restored"),
        (count(Disposition::Gone), "already gone"),
        (count(Disposition::Changed), "changed by somebody else and left"),
    ];
    let stays = count(Disposition::Stays);
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
    let left = match stays {
        0 => String::new(),
        1 => " 1 resource stays; see above.".to_owned(),
        _ => format!(" {stays} resources stay; see above."),
    };
    match &counts[..] {
        [] if stays == 0 => {}
        [] => screen.result(&format!("Nothing was undone.{left}")),
        _ => screen.result(&format!("Undone: {}.{left}", counts.join(", "))),
    }
    let mut next = NextSteps::default();
    if let Some(undo) = elsewhere {
        next = next.or(undo.to("undo what is in another environment"));
    }
    if has_changed && !flags.include_changed {
        let again = SetupCommand::undo().switch("--include-changed");
        next = next.or(again.to("also undo what was changed since"));
    }
    screen.print_next(&next);
    exit
}
