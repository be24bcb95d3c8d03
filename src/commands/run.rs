//! `idc-setup run`: goes through the whole checklist.

use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};

use super::connect::Access;
use super::ending::{ended_by, fail, finish_run};
use super::prepare::{Prepared, check_given, prepare};
use super::session::{browser, checking, prompter, say_rehearsal};
use super::signals::EndRequests;
use crate::answers::Key;
use crate::browser::Browser;
use crate::cli::Cli;
use crate::doctor::{self, CheckStatus, Row};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::git_identity;
use crate::ids::{IdentityStoreId, RegionName};
use crate::next_step::{SetupCommand, Subcommand};
use crate::ui::{NonInteractive, Screen};
use crate::user_error::UserError;
use crate::wizard::steps::{self, EnableIdentityCenter, WizardContext};
use crate::wizard::{Opening, Outcome, Prompter, Walk};

/// Runs the checklist and returns the exit code.
pub async fn run(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    let browser = match browser(cli, environment) {
        Ok(browser) => browser,
        Err(error) => return fail(cli, screen, Subcommand::Run, error),
    };
    let prompter = match prompter_or_none(cli, environment, screen, &browser, Subcommand::Run) {
        Ok(prompter) => prompter,
        Err(error) => return fail(cli, screen, Subcommand::Run, error),
    };
    let mut requests = EndRequests::listen(cli.flags.rehearsal.is_some());
    say_rehearsal(cli, environment, screen);
    let waiting = checking(cli, environment, screen, "Checking your credentials and the account…");
    let prepared = unless_asked_to_end(
        &mut requests,
        Box::pin(prepare(cli, environment, Access::Write, browser)),
    )
    .await;
    let prepared = match prepared.flatten() {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(waiting);
            return fail(cli, screen, Subcommand::Run, error);
        }
    };
    let context = &prepared.context;
    let first = EnableIdentityCenter::new(Rc::clone(context));
    let situation = unless_asked_to_end(&mut requests, Box::pin(situation(&prepared, &first, cli, environment))).await;
    drop(waiting);
    let mut situation = match situation {
        Ok(situation) => situation,
        Err(error) => return finish_run(cli, screen, &prepared, &ended_by(error)),
    };
    if prompter.can_ask() {
        let mut answers = context.answers.borrow().clone();
        git_identity::suggest(&mut answers, environment).await;
        context.answers.replace(answers);
    }
    // A later run without questions has the user already.
    let is_first = context.progress.read(|record| record.resources.is_empty());
    if (prompter.can_ask() || is_first)
        && let Some(sentence) = infer_identity_source(context, situation.store.as_ref()).await
    {
        situation.short = situation.short.map(|short| [short, vec![sentence.clone()]].concat());
        situation.sentences.push(sentence);
    }
    show(&prepared, situation, prompter.as_ref(), cli, screen);
    let steps = steps::checklist_from(first, context);
    let walk = prepared.walk(&steps, prompter.as_ref());
    // The walk saves the answers first.
    if !screen.is_temporary_rehearsal() {
        screen.invocation.note_answers_saved();
    }
    let outcome = until_asked_to_end(&mut requests, &walk, prompter.as_ref()).await;
    drop(prompter);
    finish_run(cli, screen, &prepared, &outcome)
}

/// The prompter of a command that changes the account: one that asks, or one that does not if that is wanted.
///
/// # Errors
/// If there is no terminal to ask in, and `--non-interactive` is not given.
pub(super) fn prompter_or_none(
    cli: &Cli,
    environment: &Environment,
    screen: &Screen,
    browser: &Rc<Browser>,
    command: Subcommand,
) -> Result<Box<dyn Prompter>, UserError> {
    if let Some(prompter) = prompter(cli, environment, screen, browser) {
        return Ok(prompter);
    }
    if cli.flags.non_interactive {
        return Ok(Box::new(NonInteractive::new(screen)));
    }
    check_given(cli, environment)?;
    Err(UserError::usage(
        "There is no terminal for questions. Nothing was changed.",
        [
            SetupCommand::new(command)
                .switch("--non-interactive")
                .to("give all answers as flags"),
            SetupCommand::new(command)
                .switch("--accessible")
                .to("answer line by line"),
        ],
    ))
}

/// Waits for what changes nothing, unless the user asks to end first.
pub(super) async fn unless_asked_to_end<T>(
    requests: &mut EndRequests,
    work: impl Future<Output = T> + Unpin,
) -> Result<T, UserError> {
    match select(work, pin!(requests.next())).await {
        Either::Left((result, _)) => Ok(result),
        Either::Right(_) => Err(UserError::interrupted()),
    }
}

/// Walks the steps. When the user asks to end, what is in flight ends first; when the user asks again, the run ends at once.
pub(super) async fn until_asked_to_end(
    requests: &mut EndRequests,
    walk: &Walk<'_>,
    prompter: &dyn Prompter,
) -> Outcome {
    let mut running = pin!(walk.run());
    match select(running.as_mut(), pin!(requests.next())).await {
        Either::Left((outcome, _)) => return outcome,
        Either::Right(((), _)) => walk.interrupt(),
    }
    if walk.is_working() {
        prompter.say(
            None,
            "Stopping as soon as AWS has answered. Ctrl-C again stops at once.",
        );
    }
    match select(running, pin!(requests.next_again())).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), _)) => walk.ended_at_once(),
    }
}

/// What the opening says: sentences, and for each problem what to do next.
struct Situation {
    /// Who the caller is, and what the account is.
    sentences: Vec<String>,
    /// Nothing can be done in this account. The end of the run says why, and there is no opening.
    is_blocked: bool,
    /// The same in short, if the account could be read.
    short: Option<Vec<String>>,
    /// The Region and the identity store of Identity Center, if it is enabled.
    store: Option<(RegionName, IdentityStoreId)>,
    /// What should be known, with what to do about it.
    notes: Vec<Row>,
}

/// Reads who the caller is and what the account is, and checks everything else with a note.
async fn situation(
    prepared: &Prepared,
    first: &EnableIdentityCenter,
    cli: &Cli,
    environment: &Environment,
) -> Situation {
    let context = &prepared.context;
    let is_wanted = |slug: &str| {
        let flags = &cli.flags;
        let named = |list: &[String]| list.iter().any(|name| name == slug);
        (flags.only.is_empty() || named(&flags.only)) && !named(&flags.skip)
    };
    let condition = first.condition().await;
    let (mut rows, permissions) = tokio::join!(
        doctor::caller_and_account(context, &prepared.held, first),
        doctor::all_permissions(context, is_wanted, cli.flags.create_trail)
    );
    rows.push(permissions);
    // The step reports a config that cannot be edited, but only this check reports files that others can read.
    let files = doctor::files(environment, cli.flags.state.as_deref()).await.into_iter();
    rows.extend(files.filter(|row| row.status == CheckStatus::Note));
    let is_first = |row: &Row| matches!(row.check, "credentials" | "account" | "identity_center");
    let (sentences, notes): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_first);
    let is_blocked = condition
        .as_ref()
        .is_ok_and(|condition| condition.identity_center.blocks_all && is_wanted(steps::FIRST));
    let store = condition.as_ref().ok().and_then(store_of);
    let short = condition.ok().map(|condition| {
        let who = if context.caller.is_root() {
            "root"
        } else {
            &context.caller.arn
        };
        let kind = if prepared.held.is_long_lived {
            "a long-term access key"
        } else {
            "temporary credentials"
        };
        vec![format!("Signed in as {who}, with {kind}."), condition.in_short()]
    });
    // A long-term key needs advice; a step gives its own advice for what blocks it.
    let of_credentials = sentences
        .iter()
        .filter(|row| row.check == "credentials" && !row.next.is_empty());
    let notes = of_credentials
        .cloned()
        .chain(notes)
        .filter(|row| row.status != CheckStatus::Ok);
    Situation {
        notes: notes.collect(),
        is_blocked,
        store,
        short,
        sentences: sentences
            .into_iter()
            .filter(|row| row.check != "identity_center" || row.status != CheckStatus::Ok)
            .map(|row| row.message)
            .collect(),
    }
}

/// The Region and the identity store of Identity Center, if it is enabled.
pub(super) fn store_of(condition: &steps::Condition) -> Option<(RegionName, IdentityStoreId)> {
    let observed = Some(&condition.identity_center).filter(|observed| observed.is_done())?;
    observed
        .evidence
        .region
        .clone()
        .zip(observed.evidence.identity_store.clone())
}

/// Takes users from the identity provider if they seem to come from one, and says so. A wrong guess can be changed in the
/// review; without it, a user would be created who cannot sign in.
pub(super) async fn infer_identity_source(
    context: &WizardContext,
    store: Option<&(RegionName, IdentityStoreId)>,
) -> Option<String> {
    let (region, store) = store?;
    if context.answers.borrow().explicit(Key::IdentitySource).is_some() {
        return None;
    }
    match doctor::has_external_users(context, region, store).await {
        Ok(true) => {
            context
                .answers
                .borrow_mut()
                .set_existing(Key::IdentitySource, "external");
            Some("Users come from an identity provider: idc-setup looks them up, and creates none.".to_owned())
        }
        Ok(false) => None,
        Err(error) => Some(doctor::external_users_unknown(&error)),
    }
}

/// Shows the opening, unless nothing can be done in this account.
fn show(prepared: &Prepared, situation: Situation, prompter: &dyn Prompter, cli: &Cli, screen: &Screen) {
    let context = &prepared.context;
    if situation.is_blocked {
        return;
    }
    let short = situation.short.filter(|_| prompter.can_ask());
    let mut sentences = short.unwrap_or(situation.sentences);
    sentences.extend(prepared.note_on_profile(cli, screen));
    if prompter.can_ask() {
        let is_resumed = context.progress.read(|record| !record.resources.is_empty());
        prompter.open(&Opening {
            account: context.caller.account.clone(),
            situation: sentences,
            is_resumed,
        });
    } else {
        for sentence in &sentences {
            screen.talk(sentence);
        }
    }
    for row in situation.notes {
        if !prompter.can_ask() || row.check != "credentials" {
            screen.talk(&row.message);
        }
        if !screen.quiet {
            screen.print_next(&row.next);
        }
    }
}
