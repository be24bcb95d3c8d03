//! Applies a plan: shows it, asks, applies it with progress, and reports what was done and what was not.

use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use super::live::{Connected, Situation};
use super::report::{self, Origin};
use super::source::Failure;
use crate::access::apply::{Outcome, apply};
use crate::access::plan::{Change, Plan};
use crate::browser::Browser;
use crate::cli::{Cli, Output};
use crate::commands::run::unless_asked_to_end;
use crate::commands::session::{is_accessible, prompter, say_rehearsal};
use crate::commands::signals::EndRequests;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::{NextSteps, SetupCommand};
use crate::progress::Lock;
use crate::ui::Screen;
use crate::ui::access::json::{Event, OutcomeOut, PlanOut};
use crate::ui::access::progress::ApplyProgress;
use crate::ui::access::tasks::Tasks;
use crate::ui::access::{PlanView, markdown, stakes, text};
use crate::user_error::{UserError, UserErrorKind};
use crate::wizard::{Confirm, Prompter, Reply};

/// A plan that can be applied.
pub struct Ready {
    /// The connection.
    pub connected: Connected,
    /// The file and the organization.
    pub situation: Situation,
    /// The plan.
    pub plan: Plan,
    /// Whether events are printed.
    pub has_events: bool,
    /// Whether the user has agreed to change the permissions of the permission set that they are signed in with.
    pub may_change_own: bool,
    /// The file as the user gave it.
    pub file: Option<PathBuf>,
    /// One apply at a time on this machine.
    pub _lock: Lock,
}

impl Ready {
    fn view(&self) -> PlanView<'_> {
        self.situation.view(&self.plan, &[])
    }

    /// The permission set that the caller is signed in with, if the plan changes its permissions and nobody has agreed to
    /// that yet.
    fn own_permission_set(&self) -> Option<String> {
        let caller = self.connected.options(false, None).caller?;
        let is_open = !self.may_change_own && self.plan.changes_permissions_of(&caller.permission_set);
        is_open.then_some(caller.permission_set)
    }

    /// Keeps the permissions of the permission set that the caller is signed in with.
    fn keep_own_permissions(&mut self) {
        if let Some(permission_set) = self.own_permission_set() {
            let suggestion = "Agree to it in a terminal, or add --change-own-permission-set to access apply.";
            self.plan.keep_permissions_of(&permission_set, suggestion);
        }
    }

    /// Keeps what the user did not agree to, and says so.
    fn keep_what_was_refused(&mut self, screen: &Screen, agreed: Agreed) {
        if let Some(permission_set) = self.own_permission_set().filter(|_| !agreed.changes_own) {
            self.keep_own_permissions();
            screen.talk(&format!("  The permissions of {permission_set} stay as they are."));
        }
        if !agreed.deletes {
            self.keep_everything();
            screen.talk("  Nothing is deleted.");
        }
    }

    /// Keeps what the plan would delete.
    fn keep_everything(&mut self) {
        let (deletions, others): (Vec<Change>, Vec<Change>) = std::mem::take(&mut self.plan.changes)
            .into_iter()
            .partition(|change| change.action.is_deletion());
        self.plan.changes = others;
        self.plan.unpruned.extend(deletions);
    }
}

/// Takes the lock of the account. Another apply in between does not take back the consent, so the command to repeat has it.
///
/// # Errors
/// If another run holds it.
pub fn lock(cli: &Cli, connected: &Connected) -> Result<Lock, UserError> {
    connected.prepared.lock().map_err(|error| {
        if error.kind == UserErrorKind::Locked && cli.flags.yes {
            let again = SetupCommand::again().switch("--yes");
            let next = again.after("wait until it ends").into();
            return UserError { next, ..error };
        }
        error
    })
}

/// What the user agreed to, besides the changes that can be changed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Agreed {
    /// Something is deleted.
    deletes: bool,
    /// The permissions change that the caller works with.
    changes_own: bool,
}

impl Agreed {
    const EVERYTHING: Self = Self {
        deletes: true,
        changes_own: true,
    };
}

/// How an apply ended.
#[derive(Debug, Default)]
struct Ended {
    outcome: Outcome,
    /// Whether the user did not wait for what was in progress.
    at_once: bool,
}

/// Waits for the plan, shows it, asks, applies it, and returns the exit code.
pub async fn carry_out(
    cli: &Cli,
    environment: &Environment,
    screen: &Screen,
    preparing: impl Future<Output = Result<Ready, Failure>> + Unpin,
) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let mut requests = EndRequests::listen(cli.flags.rehearsal.is_some());
    let ready = match unless_asked_to_end(&mut requests, preparing).await {
        Ok(Ok(ready)) => ready,
        Ok(Err(failure)) => return report::fail(cli, screen, failure),
        Err(error) => return stopped_while_reading(cli, screen, error),
    };
    carry_out_plan(cli, environment, screen, &mut requests, ready).await
}

async fn carry_out_plan(
    cli: &Cli,
    environment: &Environment,
    screen: &Screen,
    requests: &mut EndRequests,
    mut ready: Ready,
) -> ExitCode {
    let browser = Rc::new(Browser::none("access opens no pages"));
    let prompter = prompter(cli, environment, screen, &browser);
    if prompter.is_none() {
        let has_changes = !ready.plan.changes.is_empty();
        if has_changes && environment.stdin_is_terminal && !cli.flags.yes && !cli.flags.non_interactive {
            return report::fail(cli, screen, Failure::Error(cannot_ask()));
        }
        ready.keep_own_permissions();
    }
    show_plan(cli, screen, prompter.is_some(), &ready);
    let asking = Box::pin(agree(cli, prompter.as_deref(), &ready));
    let agreed = unless_asked_to_end(requests, asking).await.flatten();
    drop(prompter);
    match agreed {
        Ok(agreed) => ready.keep_what_was_refused(screen, agreed),
        Err(error) => return stopped_before(cli, screen, &ready, &error),
    }
    let began = Instant::now();
    if ready.plan.changes.is_empty() {
        return finish(cli, screen, &ready, &Ended::default(), Duration::ZERO);
    }
    let has_bar = environment.is_terminal && !is_accessible(cli, environment) && !environment.has_dumb_terminal();
    let ended = apply_until_asked_to_end(screen, requests, &ready, has_bar).await;
    finish(cli, screen, &ready, &ended, began.elapsed())
}

/// Shows the plan before anything is asked or changed. The envelope has it at the end.
fn show_plan(cli: &Cli, screen: &Screen, asks: bool, ready: &Ready) {
    let is_text = !matches!(cli.flags.output, Output::Json | Output::Markdown);
    // The user must see what they agree to, even with -q.
    let asks = asks && !ready.plan.changes.is_empty();
    if screen.quiet && !asks {
        return;
    }
    let lines = text::plan(&ready.view(), screen.verbose > 0);
    if is_text {
        text::print(screen, &lines);
    } else if asks {
        text::talk(screen, &lines);
    }
}

/// The error if somebody types at a terminal, but would not see a question.
fn cannot_ask() -> UserError {
    UserError::usage(
        "stderr is not a terminal, so there is no place for questions. Nothing was changed.",
        [
            SetupCommand::again().to("apply in a terminal"),
            SetupCommand::again().switch("--yes").to("apply without questions"),
        ],
    )
}

/// What a question of an apply is about.
#[derive(Debug, Clone, Copy)]
enum Topic {
    /// Everything but deletions.
    Changes,
    /// The permissions that the caller works with.
    OwnPermissions,
    /// The deletions.
    Deletions,
}

/// A question of an apply.
struct Asked {
    topic: Topic,
    confirm: Confirm,
}

/// Asks for what needs consent, and lets the user go back to an earlier question. Without a prompter, the flags have given it.
async fn agree(cli: &Cli, prompter: Option<&dyn Prompter>, ready: &Ready) -> Result<Agreed, UserError> {
    let mut agreed = Agreed::EVERYTHING;
    let Some(prompter) = prompter else {
        return Ok(agreed);
    };
    let questions = questions(cli, ready);
    let mut index = 0;
    while let Some(Asked { topic, confirm }) = questions.get(index) {
        let confirm = Confirm {
            can_go_back: index > 0,
            ..confirm.clone()
        };
        let is_wanted = match prompter.confirm(&confirm).await? {
            Reply::Value(is_wanted) => is_wanted,
            Reply::Skip => false,
            Reply::Quit => return Err(left()),
            Reply::Back => {
                index = index.saturating_sub(1);
                continue;
            }
        };
        match topic {
            Topic::Changes if !is_wanted => return Err(left()),
            Topic::Changes => {}
            Topic::OwnPermissions => agreed.changes_own = is_wanted,
            Topic::Deletions => agreed.deletes = is_wanted,
        }
        index += 1;
    }
    Ok(agreed)
}

/// The questions of an apply, in order.
fn questions(cli: &Cli, ready: &Ready) -> Vec<Asked> {
    let changes = &ready.plan.changes;
    let (deletions, others): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.action.is_deletion());
    let mut questions = Vec::new();
    if !others.is_empty() && !cli.flags.yes {
        questions.push(Asked {
            topic: Topic::Changes,
            confirm: about_changes(ready, others.len()),
        });
    }
    if let Some(permission_set) = ready.own_permission_set() {
        questions.push(Asked {
            topic: Topic::OwnPermissions,
            confirm: about_own_permissions(&permission_set),
        });
    }
    if !deletions.is_empty() {
        questions.push(Asked {
            topic: Topic::Deletions,
            confirm: about_deletions(&ready.plan, &deletions),
        });
    }
    questions
}

/// Whether everything but the deletions is applied.
fn about_changes(ready: &Ready, count: usize) -> Confirm {
    let changes = if count == 1 { "this change" } else { "these changes" };
    let stakes = stakes::of(&ready.view(), &ready.situation.desired);
    let default = stakes.is_empty();
    let mut lines = text::creations_and_changes(&ready.plan.changes);
    lines.extend(stakes);
    Confirm {
        default,
        lines,
        prompt: format!("Make {changes}?"),
        help: vec![
            "To take back access, members or a permission set, take them out of the file, and apply it with --prune."
                .to_owned(),
            "Users and groups stay until the file says absent = true. A setting that changes gets the value that the file \
             says then."
                .to_owned(),
        ],
        ..Confirm::default()
    }
}

/// Whether the permissions change that the caller works with. A caller who removes too many permissions can't restore them.
fn about_own_permissions(permission_set: &str) -> Confirm {
    Confirm {
        lines: vec![format!(
            "You are signed in with {permission_set}. If you lose a permission, you may not be able to get it back."
        )],
        prompt: format!("Change the permissions of {permission_set}?"),
        default: false,
        help: vec!["If you answer no, everything else is applied, and this permission set stays as it is.".to_owned()],
        ..Confirm::default()
    }
}

/// Whether something is deleted.
fn about_deletions(plan: &Plan, deletions: &[&Change]) -> Confirm {
    let is_final = deletions.iter().any(|change| text::is_final(change));
    Confirm {
        lines: is_final
            .then(|| "A deleted user loses the password and the MFA devices. This can't be undone.".to_owned())
            .into_iter()
            .collect(),
        prompt: format!("{}?", text::deletions(&plan.changes)),
        default: false,
        help: vec!["If you answer no, everything else is applied, and nothing is deleted.".to_owned()],
        ..Confirm::default()
    }
}

/// What people read who end an apply before it changes anything.
const NOTHING_CHANGED: &str = "Stopped. Nothing was changed.";

fn left() -> UserError {
    UserError::new(UserErrorKind::Left, NOTHING_CHANGED, SetupCommand::again())
}

/// Applies the plan. When the user asks to end, what is in flight ends first; when the user asks again, this returns at once
/// with what is known.
async fn apply_until_asked_to_end(screen: &Screen, requests: &mut EndRequests, ready: &Ready, has_bar: bool) -> Ended {
    let context = ready.connected.context();
    let before = context.clients.identity_center_requests();
    let progress = ApplyProgress::new(screen, &ready.view(), has_bar, ready.has_events);
    let mut running = pin!(apply(context, &ready.situation.inventory, &ready.plan, &progress));
    let first = match select(running.as_mut(), pin!(requests.next())).await {
        Either::Left((outcome, _)) => Some(outcome),
        Either::Right(((), _)) => None,
    };
    if let Some(outcome) = first {
        return Ended {
            outcome,
            at_once: false,
        };
    }
    context.stop.request();
    progress.stopping();
    match select(running, pin!(requests.next_again())).await {
        Either::Left((outcome, _)) => Ended {
            outcome,
            at_once: false,
        },
        Either::Right(((), _)) => {
            let after = context.clients.identity_center_requests();
            Ended {
                outcome: Outcome {
                    requests: after.sent - before.sent,
                    refused: after.refused - before.refused,
                    ..progress.so_far(&ready.plan)
                },
                at_once: true,
            }
        }
    }
}

/// Reports that the user asked to end before there was a plan.
fn stopped_while_reading(cli: &Cli, screen: &Screen, error: UserError) -> ExitCode {
    if cli.flags.output == Output::Json {
        let message = NOTHING_CHANGED.to_owned();
        return report::fail(cli, screen, UserError { message, ..error }.into());
    }
    screen.warn("");
    screen.warn(NOTHING_CHANGED);
    ExitCode::from(error.kind)
}

/// Reports that the user quit before anything was changed.
fn stopped_before(cli: &Cli, screen: &Screen, ready: &Ready, error: &UserError) -> ExitCode {
    let exit = ExitCode::from(error.kind);
    end_events(screen, ready, &Outcome::default(), exit);
    if cli.flags.output == Output::Json {
        let mut body = report::of_file(&ready.situation.file);
        body.plan = Some(PlanOut::of(&ready.view()));
        return report::envelope(screen, &Origin::of(&ready.connected), body, Some(error), exit);
    }
    screen.warn("");
    screen.warn(NOTHING_CHANGED);
    exit
}

/// Prints the last event, if events are wanted.
fn end_events(screen: &Screen, ready: &Ready, outcome: &Outcome, exit: ExitCode) {
    if ready.has_events
        && let Ok(json) = serde_json::to_string(&Event::ended(outcome, exit))
    {
        screen.event(&json);
    }
}

/// Reports what was done, what was not, and what is left for people.
fn finish(cli: &Cli, screen: &Screen, ready: &Ready, ended: &Ended, took: Duration) -> ExitCode {
    let outcome = &ended.outcome;
    let accounts = &ready.situation.inventory.accounts;
    let exit = report::exit_of_outcome(&ready.plan, outcome);
    end_events(screen, ready, outcome, exit);
    let console = &ready.connected.prepared.context.console;
    let tasks = Tasks {
        are_simulated: screen.is_rehearsal(),
        ..Tasks::of(outcome, console, &ready.connected.instance)
    };
    match cli.flags.output {
        Output::Json => {
            let interrupted = ended.at_once.then(UserError::interrupted);
            let mut body = report::of_file(&ready.situation.file);
            body.plan = Some(PlanOut::of(&ready.view()));
            body.outcome = Some(OutcomeOut::of(outcome, accounts, &screen.invocation));
            body.tasks = tasks.all;
            return report::envelope(screen, &Origin::of(&ready.connected), body, interrupted.as_ref(), exit);
        }
        Output::Markdown => {
            screen.verbatim(&markdown::plan(&ready.view()));
            if !ready.plan.changes.is_empty() {
                screen.verbatim(&markdown::outcome(outcome, took, accounts));
                screen.verbatim(&markdown::tasks(&tasks));
            }
        }
        _ if ready.plan.changes.is_empty() => {}
        _ => {
            // In a terminal, the lines of the progress are above.
            let is_shown = screen.talk_width.is_some() && screen.result_width.is_some() && !screen.quiet;
            screen.result("");
            text::print(screen, &text::outcome(outcome, took, accounts, is_shown));
            text::print(screen, &text::tasks(&tasks, screen.verbose > 0));
        }
    }
    if cli.flags.output != Output::Markdown && !screen.quiet {
        screen.print_next(&next(screen, ready, outcome));
    }
    exit
}

/// How to go on.
fn next(screen: &Screen, ready: &Ready, outcome: &Outcome) -> NextSteps {
    let is_over = outcome.failed.is_empty() && outcome.not_begun.is_empty() && outcome.in_progress.is_empty();
    if !is_over && screen.is_temporary_rehearsal() {
        return SetupCommand::again()
            .placeholder("--keep", "DIR")
            .to("nothing of this rehearsal is kept; to keep one")
            .into();
    }
    if !is_over {
        return SetupCommand::again().to("go on where this ended").into();
    }
    let file = ready.file.as_deref();
    let kept = report::next_of_kept(&ready.plan, file).or_else(|| report::next_of_renamed(&ready.plan, file));
    kept.map_or_else(NextSteps::default, NextSteps::from)
}
