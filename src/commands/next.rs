//! `idc-setup next`: checks the account, and says what has to happen next and who does it. Asks and changes nothing.

use std::rc::Rc;

use super::connect::Access;
use super::ending::fail;
use super::prepare::{Prepared, prepare};
use super::run::{infer_identity_source, store_of};
use super::session::{checking, say_rehearsal};
use crate::browser::Browser;
use crate::cli::{Cli, Output};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::git_identity;
use crate::next_step::Subcommand;
use crate::ui::envelope::{Envelope, ErrorOut, FORMAT};
use crate::ui::next::{self, NextBody};
use crate::ui::{NonInteractive, Screen};
use crate::wizard::Ahead;
use crate::wizard::steps::{self, EnableIdentityCenter};

/// Shows the next step and returns the exit code.
pub async fn next(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    say_rehearsal(cli, environment, screen);
    let waiting = checking(cli, environment, screen, "Checking the account.");
    let browser = Rc::new(Browser::none("next opens no pages"));
    let prepared = match prepare(cli, environment, Access::Read, browser).await {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(waiting);
            return fail(cli, screen, Subcommand::Next, error);
        }
    };
    let context = &prepared.context;
    let mut answers = context.answers.borrow().clone();
    git_identity::suggest(&mut answers, environment).await;
    context.answers.replace(answers);
    let first = EnableIdentityCenter::new(Rc::clone(context));
    // What cannot be read is reported by the steps.
    let store = first.condition().await.ok().as_ref().and_then(store_of);
    let inferred = infer_identity_source(context, store.as_ref()).await;
    let steps = steps::checklist_from(first, context);
    let prompter = NonInteractive::new(screen);
    let walk = prepared.walk(&steps, &prompter);
    let ahead = Ahead {
        confirmed: cli.flags.confirmed.clone(),
        ..walk.look_ahead().await
    };
    drop(waiting);
    for note in prepared.note_on_profile(cli, screen).into_iter().chain(inferred) {
        screen.talk(&note);
    }
    finish(cli, screen, &prepared, &ahead)
}

/// Prints the next step and returns the exit code.
fn finish(cli: &Cli, screen: &Screen, prepared: &Prepared, ahead: &Ahead) -> ExitCode {
    let strict = cli.flags.strict;
    let exit = ahead.exit_code(strict);
    let body = NextBody::of(ahead, strict, &prepared.context.answers.borrow(), &screen.invocation);
    let error = ahead.error(strict);
    if cli.flags.output == Output::Json {
        let envelope = Envelope {
            format: FORMAT,
            command: Subcommand::Next.name().to_owned(),
            account: Some(prepared.context.caller.account.clone()),
            region: prepared.region(),
            error: error.map(|of| ErrorOut::of(of.error, of.step, &screen.invocation)),
            exit: exit.code(),
            body,
        };
        screen.json(&envelope.json());
        return exit;
    }
    match error {
        Some(of) => screen.error(of.error),
        None => next::print(screen, &body, &ahead.ways_out(strict)),
    }
    exit
}
