//! `idc-setup undo`: take back what was made.

use std::rc::Rc;

use super::prepare::{Access, Prepared, prepare};
use super::{again, asked_to_end, asking_guide, browser, looking, say_interrupted, say_rehearsal, screen};
use crate::answers::Key;
use crate::aws::waiting;
use crate::checklist::{Found, Guide, StepReport, Trouble, TroubleKind, exit};
use crate::cli::{Cli, Output, UndoFlags};
use crate::environment::Environment;
use crate::guide::output::{CallerOut, Envelope, ErrorOut, FORMAT, UndoBody};
use crate::guide::{NonInteractive, Screen, clean};
use crate::limits::OPERATION_LIMIT;
use crate::steps::{self, SLUGS, Setting, cli_profile};
use crate::undo::{self, Branch, Removal, Verdict};

/// What undo stopped at.
struct Stopped {
    trouble: Trouble,
    /// The slug of the step that had made the thing, if it was one.
    step: Option<&'static str>,
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, step: None }
    }
}

/// Takes back, and answers the exit code.
pub async fn undo(cli: &Cli, flags: &UndoFlags, environment: &Environment) -> u8 {
    let screen = screen(cli, environment);
    say_rehearsal(cli, environment, screen);
    let mut removals = Vec::new();
    let mut prepared = None;
    let ended = tokio::select! {
        biased;
        ended = go(cli, flags, environment, screen, (&mut removals, &mut prepared)) => ended,
        // What was removed is written off, and told.
        () = asked_to_end() => Err(Stopped::from(Trouble::interrupted())),
    };
    let ended = ended.map_err(|Stopped { trouble, step }| {
        let next = next(cli, &trouble.next);
        Stopped {
            trouble: Trouble { next, ..trouble },
            step,
        }
    });
    let stopped = ended.err();
    let is_interrupted = |stopped: &Stopped| stopped.trouble.kind == TroubleKind::Interrupted;
    if cli.flags.output != Output::Json && stopped.as_ref().is_some_and(is_interrupted) {
        say_interrupted(cli, screen);
        return TroubleKind::Interrupted.exit();
    }
    report(
        cli,
        (screen, &again(cli)),
        prepared.as_ref(),
        &removals,
        stopped.as_ref(),
    )
}

/// What failed is taken up again by this command, as it was asked for: a run would make everything anew. A way on that has
/// flags of its own goes by them.
fn next(cli: &Cli, next: &str) -> String {
    let next = next.replace("idc-setup run", "idc-setup undo");
    if next.contains("idc-setup undo -") {
        next
    } else {
        next.replacen("idc-setup undo", &again(cli), 1)
    }
}

async fn go(
    cli: &Cli,
    flags: &UndoFlags,
    environment: &Environment,
    screen: Screen,
    (removals, kept): (&mut Vec<Removal>, &mut Option<Prepared>),
) -> Result<(), Stopped> {
    refuse_what_cannot_be(cli, flags)?;
    let browser = browser(cli, environment)?;
    let guide = asking_guide(cli, environment, screen, &browser);
    let prepared = kept.insert(prepare(cli, environment, Access::Write, browser).await?);
    if let Some(note) = prepared.note_on_profile(cli) {
        screen.talk(&note);
    }
    let setting = Rc::clone(&prepared.setting);
    let waiting = looking(cli, environment, screen, "Looking at what was made.");
    let mut reports = look(prepared, screen).await?;
    *removals = undo::plan(&setting, &reports, flags.step.as_deref(), flags.include_changed).await?;
    drop(waiting);
    let count = removals.iter().filter(|removal| removal.verdict.is_to_do()).count();
    // What is agreed to has to be seen, with -q too.
    let quiet = screen.quiet && (cli.flags.yes || count == 0);
    show(Screen { quiet, ..screen }, removals);
    for kept in setting.progress.kept_aside() {
        screen.talk(&format!(
            "{} could not be read once and was kept aside: what was made before is not known here, and stays.",
            kept.display()
        ));
    }
    if count > 0 && !cli.flags.yes {
        must_be_agreed(guide.as_deref(), screen, (&setting.caller.account, count), flags).await?;
        // The question may have stood there for long.
        let asked = std::mem::take(removals);
        let waiting = looking(cli, environment, screen, "Looking again.");
        reports = look(prepared, screen).await?;
        let now = undo::plan(&setting, &reports, flags.step.as_deref(), flags.include_changed).await?;
        *removals = undo::as_agreed(&asked, now);
        drop(waiting);
        for removal in removals.iter().filter(|now| !asked.contains(now)) {
            screen.talk(&format!("Meanwhile: {}", line(removal)));
        }
    }
    take_back(&setting, &reports, removals, screen).await?;
    // Folders that a killed run has made, and no file in them.
    if flags.step.as_deref().is_none_or(|step| step == cli_profile::INFO.slug) {
        undo::remove_folders(&setting)?;
    }
    Ok(())
}

/// A step or a state file that is none, and flags of a run.
fn refuse_what_cannot_be(cli: &Cli, flags: &UndoFlags) -> Result<(), Trouble> {
    if let Some(step) = flags.step.as_deref().filter(|step| !SLUGS.contains(step)) {
        return Err(Trouble::usage(
            format!("--step: {step:?} is not one of: {}.", SLUGS.join(", ")),
            "idc-setup undo --step NAME",
        ));
    }
    if let Some(path) = cli.flags.state.as_ref().filter(|path| !path.exists()) {
        return Err(Trouble::usage(
            format!("There is no state file {}; nothing was removed.", path.display()),
            "idc-setup undo --state FILE, with the one that the run was given",
        ));
    }
    refuse_what_undo_does_not_know(cli)
}

/// Asks for the account's id; nothing is removed without it.
async fn must_be_agreed(
    guide: Option<&dyn Guide>,
    screen: Screen,
    (account, count): (&str, usize),
    flags: &UndoFlags,
) -> Result<(), Trouble> {
    let Some(guide) = guide else {
        let again = [flags.to_args(), vec!["--yes".to_owned()]].concat().join(" ");
        return Err(Trouble::usage(
            "Nobody can be asked whether to remove all this; nothing was removed.",
            format!("idc-setup undo {again}"),
        ));
    };
    if is_agreed(guide, screen, account, count).await? {
        return Ok(());
    }
    Err(Trouble::new(
        TroubleKind::Left,
        "You left; nothing was removed.",
        "idc-setup undo",
    ))
}

/// Takes back one thing after the other. What cannot be removed stops those that it stands on, and nothing else; without
/// credentials nothing goes on.
async fn take_back(
    setting: &Setting,
    reports: &[StepReport],
    removals: &mut [Removal],
    screen: Screen,
) -> Result<(), Stopped> {
    let mut stopped: Option<Stopped> = None;
    let mut blocked = Vec::new();
    for removal in removals.iter_mut() {
        let is_to_do = removal.verdict.is_to_do();
        if is_to_do && blocked.contains(&removal.branch()) {
            removal.why = Some("what has to go before it was not removed".to_owned());
            continue;
        }
        let ended = undo::take_back(setting, reports, removal).await;
        if is_to_do && (ended.is_err() || removal.verdict == Verdict::Changed) && removal.branch() != Branch::Alone {
            blocked.push(removal.branch());
        }
        let Err(trouble) = ended else {
            if is_to_do {
                screen.talk(&said(removal));
            }
            continue;
        };
        removal.why = Some(trouble.message.clone());
        screen.talk(&format!("Left the {}.", removal.name()));
        let is_over = matches!(trouble.kind, TroubleKind::NoCredentials | TroubleKind::Left);
        let step = Some(removal.step);
        stopped.get_or_insert(Stopped { trouble, step });
        if is_over {
            break;
        }
    }
    stopped.map_or(Ok(()), Err)
}

/// Flags that say which steps a run walks, or what it is told, would be taken for more than they do here.
fn refuse_what_undo_does_not_know(cli: &Cli) -> Result<(), Trouble> {
    let flags = &cli.flags;
    let given = [
        ("--only", !flags.only.is_empty()),
        ("--skip", !flags.skip.is_empty()),
        ("--update", !flags.update.is_empty()),
        ("--told", !flags.told.is_empty()),
        ("--fresh", flags.fresh),
        ("--create-trail", flags.create_trail),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((flag, _)) => Err(Trouble::usage(
            format!("{flag} says what a run does, and undo does not know it; nothing was removed."),
            "idc-setup undo --step NAME (only what this step has made)",
        )),
    }
}

/// How a removal has ended.
fn said(removal: &Removal) -> String {
    match &removal.why {
        Some(why) if removal.verdict == Verdict::Stays => format!("The {} stays: {why}.", removal.name()),
        Some(why) if removal.verdict == Verdict::Changed => format!("Left the {}: {why}.", removal.name()),
        _ if removal.verdict == Verdict::Restored => format!("The {} is as it was before.", removal.name()),
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
async fn look(prepared: &Prepared, screen: Screen) -> Result<Vec<StepReport>, Trouble> {
    let setting = &prepared.setting;
    undo::settle_files(setting)?;
    // Wherever Identity Center is: a Region that was asked for in vain is no reason to leave everything there.
    setting.answers.borrow_mut().take_back(Key::IdentityCenterRegion);
    let others = undo::other_answers(setting);
    if !others.is_empty() {
        let given = setting.answers.borrow().clone();
        for other in &others {
            undo::go_by(setting, other);
            let looked = look_once(prepared, screen).await;
            setting.answers.replace(given.clone());
            looked?;
        }
    }
    let mut reports = look_once(prepared, screen).await?;
    // Where Identity Center was once, it is looked for twice before all that was in it is taken for gone.
    let was_there = setting.progress.read(|record| record.region.is_some());
    let is_missing = |report: &StepReport| report.info.number == 1 && report.finding.found == Found::Missing;
    if was_there && setting.facts.instance.now().is_none() && reports.iter().any(is_missing) {
        tokio::time::sleep(setting.timing.pause(0)).await;
        reports = look_once(prepared, screen).await?;
    }
    // An assignment is looked for by its request, which tells of all that it joins.
    let settled = || async { steps::settle_begun_assignments(setting).await };
    let settled = waiting::until(setting.timing, OPERATION_LIMIT, settled).await?;
    settled.map(|()| reports).ok_or_else(still_at_work)
}

fn still_at_work() -> Trouble {
    Trouble::failed(
        "AWS is still working on what an earlier run has asked for; nothing was removed.",
        "wait a minute, then: idc-setup undo",
    )
}

async fn look_once(prepared: &Prepared, screen: Screen) -> Result<Vec<StepReport>, Trouble> {
    let steps = steps::checklist(&prepared.setting);
    let guide = NonInteractive::new(Screen { quiet: true, ..screen });
    let settled = || async {
        let outcome = prepared.walk(&steps, &guide).look().await;
        match outcome.trouble {
            Some(trouble) => Err(trouble),
            None if outcome.reports.iter().any(|report| report.finding.is_under_way()) => Ok(None),
            None => Ok(Some(outcome.reports)),
        }
    };
    let settled = waiting::until(prepared.setting.timing, OPERATION_LIMIT, settled).await?;
    settled.ok_or_else(still_at_work)
}

fn line(removal: &Removal) -> String {
    let why = removal
        .why
        .as_ref()
        .map_or_else(String::new, |why| match removal.verdict {
            // What was changed goes all the same, as it was asked for.
            Verdict::Remove | Verdict::Removed => format!(" (though {why})"),
            _ => format!(": {why}"),
        });
    format!("{:8} {}{}", removal.verdict.word(), removal.name(), clean(&why))
}

fn show(screen: Screen, removals: &[Removal]) {
    if removals.is_empty() {
        screen.talk("Nothing was made here that could be taken back.");
        return;
    }
    screen.talk("What was made, and what becomes of it:");
    for removal in removals {
        screen.talk(&format!("  {}", line(removal)));
        let is_local = removal.resource.kind.is_local();
        // How a file that stays could go is nothing to be pasted: others have come to stand in it.
        let is_by_hand = removal.verdict == Verdict::Stays && !is_local;
        let is_file = is_local && removal.verdict.is_to_do();
        if is_by_hand || is_file || (screen.verbose >= 1 && removal.verdict.is_to_do()) {
            screen.talk(&format!("           {}", removal.command));
        }
    }
}

/// The account's id typed out. Nothing at all, `:quit` or `q` leaves.
async fn is_agreed(guide: &dyn Guide, screen: Screen, account: &str, count: usize) -> Result<bool, Trouble> {
    let things = if count == 1 {
        "1 thing".to_owned()
    } else {
        format!("{count} things")
    };
    let words = format!("To take back {things} in account {account}, type its id (Enter leaves)");
    loop {
        let typed = guide.type_out(&words).await?;
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
    (screen, again): (Screen, &str),
    prepared: Option<&Prepared>,
    removals: &[Removal],
    stopped: Option<&Stopped>,
) -> u8 {
    let trouble = stopped.map(|stopped| &stopped.trouble);
    let has_changed = removals.iter().any(|removal| removal.verdict == Verdict::Changed);
    let elsewhere = removals.iter().find(|removal| removal.is_elsewhere);
    let of_trouble = trouble.map(|trouble| trouble.kind.exit());
    let is_left = has_changed || elsewhere.is_some();
    let exit = exit(of_trouble.into_iter().chain(is_left.then_some(5)));
    if cli.flags.output == Output::Json {
        let caller = prepared.map(|prepared| CallerOut {
            account: prepared.setting.caller.account.clone(),
            arn: prepared.setting.caller.arn.clone(),
        });
        let envelope = Envelope {
            format: FORMAT,
            command: "undo".to_owned(),
            account: caller.as_ref().map(|caller| caller.account.clone()),
            region: prepared.and_then(Prepared::region),
            error: stopped.map(|stopped| ErrorOut::of(&stopped.trouble, stopped.step)),
            exit,
            body: UndoBody {
                caller,
                removals: removals.to_vec(),
            },
        };
        screen.json(&envelope.json());
        return exit;
    }
    if let Some(trouble) = trouble {
        screen.trouble(trouble);
        return exit;
    }
    let count = |verdict: Verdict| removals.iter().filter(|removal| removal.verdict == verdict).count();
    let restored = match count(Verdict::Restored) {
        0 => String::new(),
        count => format!("{count} put back as before, "),
    };
    screen.result(&format!(
        "{} removed, {restored}{} gone before, {} changed and left, {} staying.",
        count(Verdict::Removed),
        count(Verdict::Gone),
        count(Verdict::Changed),
        count(Verdict::Stays)
    ));
    if let Some(elsewhere) = elsewhere {
        screen.result(&format!("  next: {} (for what is there)", elsewhere.command));
    }
    if has_changed && !again.contains("--include-changed") {
        screen.result(&format!(
            "  next: {again} --include-changed (removes what was changed since, too)"
        ));
    }
    exit
}
