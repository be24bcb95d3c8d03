//! How a command talks to the user: the screen, the browser, and the prompter.

use std::rc::Rc;
use std::sync::Arc;

use super::invocation::invocation;
use super::prepare::{Backend, is_on};
use crate::browser::Browser;
use crate::cli::{AccessCommand, Cli, Command};
use crate::environment::Environment;
use crate::ui::{self, Interactive, Plain, Screen};
use crate::user_error::UserError;
use crate::wizard::{Prompter, Waiting};

/// The screen that the flags and the terminals describe.
pub(super) fn screen(cli: &Cli, environment: &Environment) -> Screen {
    let plain = is_accessible(cli, environment) || environment.has_dumb_terminal();
    let color = !cli.flags.no_color
        && !plain
        && environment.var("NO_COLOR").is_none()
        && environment.is_terminal
        && environment.stdout_is_terminal;
    let width = |is_terminal: bool, terminal: console::Term| {
        let size = terminal.size_checked().map(|(_, columns)| usize::from(columns));
        size.filter(|columns| is_terminal && *columns >= 20)
    };
    Screen {
        quiet: cli.flags.quiet,
        verbose: cli.flags.verbose,
        color,
        ascii: !environment.is_unicode(),
        talk_width: width(environment.is_terminal, console::Term::stderr()),
        result_width: width(environment.stdout_is_terminal, console::Term::stdout()),
        invocation: Arc::new(invocation(cli)),
        has_simulated_person: cli
            .flags
            .rehearsal
            .as_ref()
            .is_some_and(|rehearsal| rehearsal.has_simulated_person),
        ..Screen::default()
    }
}

/// Returns whether `--accessible` or its variable is set.
pub(super) fn is_accessible(cli: &Cli, environment: &Environment) -> bool {
    let wanted = environment.var("IDC_SETUP_ACCESSIBLE");
    cli.flags.accessible || wanted.is_some_and(is_on)
}

/// Prints whether this is a rehearsal, so that nobody confuses one with a real run.
pub(super) fn say_rehearsal(cli: &Cli, environment: &Environment, screen: &Screen) {
    if Backend::of(cli, environment).is_ok_and(|backend| backend.is_rehearsal()) {
        let exception = if writes_here(cli) {
            ", except the files that this command writes"
        } else {
            ""
        };
        screen.talk(&format!(
            "REHEARSAL: a simulated AWS. Nothing outside it is changed{exception}."
        ));
    }
}

/// Whether the command writes files that are not in the home folder. A rehearsal has only the latter one of its own.
fn writes_here(cli: &Cli) -> bool {
    match &cli.command {
        Some(Command::Access(access)) => matches!(access.command, AccessCommand::Remove(_)),
        Some(Command::Export(flags)) => flags.dir.is_some(),
        _ => false,
    }
}

/// Returns the user's browser.
pub(super) fn browser(cli: &Cli, environment: &Environment) -> Result<Rc<Browser>, UserError> {
    Ok(Backend::of(cli, environment)?.browser(cli, environment))
}

/// Returns the prompter that asks: in a terminal, or line by line if requested. `None` if no questions can be asked, since
/// they need terminals on stdin and stderr.
pub(super) fn prompter(
    cli: &Cli,
    environment: &Environment,
    screen: &Screen,
    browser: &Rc<Browser>,
) -> Option<Box<dyn Prompter>> {
    if cli.flags.non_interactive {
        None
    } else if is_accessible(cli, environment) || (environment.is_terminal && environment.has_dumb_terminal()) {
        Some(Box::new(Plain::new(screen, Rc::clone(browser))))
    } else if environment.is_terminal {
        Some(Box::new(Interactive::new(screen, Rc::clone(browser))))
    } else {
        None
    }
}

/// Shows that a check is running, until the result is dropped. Shows nothing without a terminal.
pub(super) fn checking(cli: &Cli, environment: &Environment, screen: &Screen, what: &str) -> Option<Box<dyn Waiting>> {
    if screen.quiet || !environment.is_terminal {
        return None;
    }
    if is_accessible(cli, environment) || environment.has_dumb_terminal() {
        screen.talk(what);
        return None;
    }
    Some(ui::spinner(screen, what))
}
