//! How a command ends: the report or the envelope, and the exit code.

use super::prepare::Prepared;
use crate::cli::{Cli, Output};
use crate::exit_code::ExitCode;
use crate::next_step::Subcommand;
use crate::text::clean_lines;
use crate::ui::envelope::{self, Envelope};
use crate::ui::{Screen, closing, diagram, print_text};
use crate::user_error::UserError;
use crate::wizard::Outcome;

/// Prints the error of a command that ended before it did anything, in the envelope of that command, and returns the exit
/// code.
pub(super) fn fail(cli: &Cli, screen: &Screen, command: Subcommand, error: UserError) -> ExitCode {
    if cli.flags.output == Output::Json {
        let exit = ExitCode::from(error.kind);
        screen.json(&envelope::of_error(command, &error, exit, &screen.invocation));
        return exit;
    }
    finish(cli, screen, command, None, &ended_by(error))
}

/// Returns the outcome of a command that ended with an error before it checked any step.
pub(super) fn ended_by(error: UserError) -> Outcome {
    Outcome {
        reports: Vec::new(),
        error: Some(error),
        region: None,
        has_changed: false,
    }
}

/// Prints how a command ended and returns the exit code.
pub(super) fn finish(
    cli: &Cli,
    screen: &Screen,
    command: Subcommand,
    prepared: Option<&Prepared>,
    outcome: &Outcome,
) -> ExitCode {
    // In `recommend`, the recommendations count.
    let exit = outcome.exit_code(cli.flags.strict || command == Subcommand::Recommend);
    if cli.flags.output == Output::Json {
        let caller = prepared.map(|prepared| prepared.context.caller.clone());
        let region = prepared.map_or_else(|| outcome.region.clone(), Prepared::region);
        screen.json(&Envelope::of_steps(command.name(), caller, region, outcome, exit, &screen.invocation).json());
    } else if exit == ExitCode::Interrupted {
        say_interrupted(screen);
    } else if cli.flags.output == Output::Mermaid && !outcome.reports.is_empty() {
        screen.verbatim(&format!("{}\n", clean_lines(&diagram::mermaid(&outcome.reports))));
    } else if command == Subcommand::Status && screen.verbose == 0 && !screen.quiet {
        closing::print_status(screen, outcome);
    } else {
        print_text(screen, outcome, command.name());
    }
    exit
}

/// Prints how a run ended, and returns the exit code: for people in a terminal, what they can do now.
pub(super) fn finish_run(cli: &Cli, screen: &Screen, prepared: &Prepared, outcome: &Outcome) -> ExitCode {
    let exit = outcome.exit_code(cli.flags.strict);
    if cli.flags.output == Output::Json || cli.flags.non_interactive {
        return finish(cli, screen, Subcommand::Run, Some(prepared), outcome);
    }
    closing::print(screen, outcome);
    exit
}

/// Prints how `recommend` ended, whose list may be on the screen, and returns the exit code, in which the recommendations count.
pub(super) fn finish_recommend(screen: &Screen, outcome: &Outcome, is_shown: bool) -> ExitCode {
    closing::print_recommendations(screen, outcome, is_shown);
    outcome.exit_code(true)
}

/// Prints that the command was interrupted, and how to continue. In a rehearsal, the parent process prints the latter.
pub(super) fn say_interrupted(screen: &Screen) {
    let next = match screen.invocation.subcommand {
        _ if screen.is_rehearsal() => String::new(),
        Subcommand::Doctor | Subcommand::Answers | Subcommand::Completions | Subcommand::Man | Subcommand::Export => {
            String::new()
        }
        // They save no progress.
        edit if edit == Subcommand::Join || edit.is_profiles() => {
            format!(" Run it again with: {}", screen.command(&screen.invocation.again()))
        }
        access if access.is_access() => format!(
            " Nothing was changed in AWS; again with: {}",
            screen.command(&screen.invocation.again())
        ),
        _ => format!(
            " Progress is saved; continue with: {}",
            screen.command(&screen.invocation.again())
        ),
    };
    screen.warn(&format!("\nInterrupted.{next}"));
}
