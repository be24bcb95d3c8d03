//! `idc-setup recommend`: the three recommendations by themselves.

use super::connect::Access;
use super::ending::{fail, finish, finish_recommend};
use super::prepare::prepare;
use super::run::{prompter_or_none, unless_asked_to_end, until_asked_to_end};
use super::session::{browser, checking, say_rehearsal};
use super::signals::EndRequests;
use crate::cli::{Cli, Output};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::next_step::Subcommand;
use crate::ui::Screen;
use crate::wizard::steps::{self, RECOMMENDATIONS};

/// Checks the recommendations, asks about each that is open, and returns the exit code.
pub async fn recommend(cli: &Cli, environment: &Environment, screen: &Screen) -> ExitCode {
    let command = Subcommand::Recommend;
    let browser = match browser(cli, environment) {
        Ok(browser) => browser,
        Err(error) => return fail(cli, screen, command, error),
    };
    let prompter = match prompter_or_none(cli, environment, screen, &browser, command) {
        Ok(prompter) => prompter,
        Err(error) => return fail(cli, screen, command, error),
    };
    let mut requests = EndRequests::listen(cli.flags.rehearsal.is_some());
    say_rehearsal(cli, environment, screen);
    let waiting = checking(cli, environment, screen, "Checking the account…");
    let prepared = unless_asked_to_end(
        &mut requests,
        Box::pin(prepare(cli, environment, Access::Write, browser)),
    )
    .await;
    drop(waiting);
    let mut prepared = match prepared.flatten() {
        Ok(prepared) => prepared,
        Err(error) => return fail(cli, screen, command, error),
    };
    let options = &mut prepared.options;
    options.asks_recommendations = true;
    if options.only.is_empty() {
        options.only = RECOMMENDATIONS.map(str::to_owned).into();
    }
    let steps = steps::checklist(&prepared.context);
    let walk = prepared.walk(&steps, prompter.as_ref());
    let outcome = until_asked_to_end(&mut requests, &walk, prompter.as_ref()).await;
    let is_shown = prompter.can_ask() && screen.talk_width.is_some();
    drop(prompter);
    if cli.flags.output == Output::Json {
        return finish(cli, screen, command, Some(&prepared), &outcome);
    }
    finish_recommend(screen, &outcome, is_shown)
}
