//! How a command of `access` ends: text, Markdown or the envelope, and the exit code.

use std::iter;
use std::path::Path;

use super::live::Connected;
use super::source::Failure;
use crate::access::apply::Outcome;
use crate::access::file::AccessFile;
use crate::access::mistake::Mistake;
use crate::access::plan::Plan;
use crate::aws::connect::Caller;
use crate::cli::{Cli, Output};
use crate::commands::ending::fail as fail_with;
use crate::exit_code::ExitCode;
use crate::ids::{AccountId, RegionName};
use crate::next_step::{NextStep, NextSteps, SetupCommand, Subcommand};
use crate::ui::Screen;
use crate::ui::access::json::{AccessBody, MistakeOut};
use crate::ui::access::{markdown, text};
use crate::ui::envelope::{Envelope, ErrorOut, FORMAT};
use crate::user_error::UserError;

/// What the list of mistakes lacks if the organization was not read because of them.
const UNCHECKED_NAMES: &str =
    "Names of users, groups, permission sets and accounts are looked up after you have corrected this.";

/// What an envelope says about the connection.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    account: Option<AccountId>,
    region: Option<RegionName>,
    caller: Option<Caller>,
}

impl Origin {
    /// The origin of a connection.
    pub fn of(connected: &Connected) -> Self {
        let caller = &connected.context().caller;
        Self {
            account: Some(caller.account.clone()),
            region: Some(connected.instance.region.clone()),
            caller: Some(caller.clone()),
        }
    }
}

/// Adds what every body says about the file.
pub fn of_file(file: &AccessFile) -> AccessBody {
    AccessBody {
        name: Some(file.name.value.clone()),
        files: file.files.iter().map(|path| path.display().to_string()).collect(),
        ..AccessBody::default()
    }
}

/// Prints the envelope and returns the exit code.
pub fn envelope(
    screen: &Screen,
    origin: &Origin,
    mut body: AccessBody,
    error: Option<&UserError>,
    exit: ExitCode,
) -> ExitCode {
    body.caller.clone_from(&origin.caller);
    let envelope = Envelope {
        format: FORMAT,
        command: screen.invocation.subcommand.name().to_owned(),
        account: origin.account.clone(),
        region: origin.region.clone(),
        error: error.map(|error| ErrorOut::of(error, None, &screen.invocation)),
        exit: exit.code(),
        body,
    };
    screen.json(&envelope.json());
    exit
}

/// Prints why a command ended early, and returns the exit code.
pub fn fail(cli: &Cli, screen: &Screen, failure: Failure) -> ExitCode {
    fail_after(cli, screen, failure, AccessBody::default())
}

/// Like [`fail`], with what the command has done before in the body of the envelope.
pub fn fail_after(cli: &Cli, screen: &Screen, failure: Failure, body: AccessBody) -> ExitCode {
    match failure {
        Failure::Error(error) if cli.flags.output == Output::Json => {
            let exit = ExitCode::from(error.kind);
            envelope(screen, &Origin::default(), body, Some(&error), exit)
        }
        Failure::Error(error) => fail_with(cli, screen, screen.invocation.subcommand, error),
        Failure::Mistakes {
            mistakes,
            are_names_checked,
        } => refuse(cli, screen, &mistakes, are_names_checked, body),
    }
}

/// Prints all mistakes in the files.
fn refuse(cli: &Cli, screen: &Screen, mistakes: &[Mistake], are_names_checked: bool, body: AccessBody) -> ExitCode {
    let exit = ExitCode::Usage;
    let unchecked = (!are_names_checked).then_some(UNCHECKED_NAMES);
    match cli.flags.output {
        Output::Json => {
            let sentences = iter::once(text::mistakes_sentence(mistakes)).chain(unchecked.map(str::to_owned));
            let error = UserError::usage(
                sentences.collect::<Vec<String>>().join(" "),
                SetupCommand::again().after("correct the access file"),
            );
            let body = AccessBody {
                mistakes: mistakes.iter().map(MistakeOut::of).collect(),
                ..body
            };
            envelope(screen, &Origin::default(), body, Some(&error), exit)
        }
        Output::Markdown => {
            screen.verbatim(&markdown::mistakes(mistakes, unchecked));
            // For the log of the job.
            text::print_mistakes(screen, mistakes, unchecked);
            exit
        }
        _ => {
            text::print_mistakes(screen, mistakes, unchecked);
            exit
        }
    }
}

/// The exit code of a plan.
pub fn exit_of_plan(plan: &Plan) -> ExitCode {
    if !plan.refusals.is_empty() {
        ExitCode::Differs
    } else if plan.is_empty() {
        ExitCode::Success
    } else {
        ExitCode::Incomplete
    }
}

/// The exit code of an apply, whose plan was this.
pub fn exit_of_outcome(plan: &Plan, outcome: &Outcome) -> ExitCode {
    let failed = outcome.failed.iter().map(|(_, error)| ExitCode::from(error.kind));
    let is_incomplete = !outcome.not_begun.is_empty() || !plan.unpruned.is_empty() || plan.renamed_later() > 0;
    let others = [
        (outcome.stopped, ExitCode::Interrupted),
        (!plan.refusals.is_empty(), ExitCode::Differs),
        (is_incomplete, ExitCode::Incomplete),
    ];
    let others = others.into_iter().filter(|(applies, _)| *applies);
    ExitCode::greatest(failed.chain(others.map(|(_, exit)| exit)))
}

/// `access apply` with the file that was given.
pub fn apply_command(file: Option<&Path>) -> SetupCommand {
    with_file(Subcommand::AccessApply, file)
}

/// A command of `access` with the file that was given.
pub fn with_file(command: Subcommand, file: Option<&Path>) -> SetupCommand {
    let command = SetupCommand::new(command);
    match file {
        Some(file) => command.word(file.display().to_string()),
        None => command,
    }
}

/// How a plan deletes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deleting {
    /// `--prune`.
    pub prune: bool,
    /// `--max-deletes`.
    pub max_deletes: Option<u32>,
}

/// What to do after a plan.
pub fn next_of_plan(plan: &Plan, file: Option<&Path>, deleting: Deleting) -> NextSteps {
    let mut next = NextSteps::default();
    if !plan.changes.is_empty() {
        let mut apply = apply_command(file);
        if deleting.prune {
            apply = apply.switch("--prune");
        }
        if let Some(most) = deleting.max_deletes.filter(|_| deleting.prune) {
            apply = apply.value("--max-deletes", most.to_string());
        }
        next = next.or(apply.to("apply it"));
    }
    match next_of_kept(plan, file) {
        Some(kept) => next.or(kept),
        None => next,
    }
}

/// How to make the deletions that a plan does not make, if there are any. With more deletions than allowed, only a greater
/// limit helps.
pub fn next_of_kept(plan: &Plan, file: Option<&Path>) -> Option<NextStep> {
    let count = plan.unpruned.len();
    if count == 0 {
        return None;
    }
    let prune = apply_command(file).switch("--prune");
    let prune = if plan.exceeds_limit {
        prune.value("--max-deletes", count.to_string())
    } else {
        prune
    };
    Some(prune.to(match count {
        1 => "make this deletion too".to_owned(),
        count => format!("make these {count} deletions too"),
    }))
}

/// How to delete the permission sets that a plan gave a new name, if there are any.
pub fn next_of_renamed(plan: &Plan, file: Option<&Path>) -> Option<NextStep> {
    let why = match plan.renamed_later() {
        0 => return None,
        1 => "delete the permission set with the old name",
        _ => "delete the permission sets with the old names",
    };
    Some(apply_command(file).switch("--prune").to(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::plan::{Action, Change, Note, NoteKind, Refusal, RefusalReason};
    use crate::next_step::{Argument, Invocation};

    fn group() -> Change {
        Change {
            action: Action::CreateGroup {
                name: "platform".to_owned(),
                description: None,
            },
            place: None,
        }
    }

    fn refusal() -> Refusal {
        Refusal {
            reason: RefusalReason::NotOwned,
            what: "It differs.".to_owned(),
            suggestion: String::new(),
            place: None,
            assignment: None,
        }
    }

    #[test]
    fn the_exit_code_of_a_plan_says_whether_something_is_to_do_or_refused() {
        let mut plan = Plan::default();
        assert_eq!(exit_of_plan(&plan), ExitCode::Success);
        plan.unpruned.push(group());
        assert_eq!(exit_of_plan(&plan), ExitCode::Incomplete);
        plan.refusals.push(refusal());
        assert_eq!(exit_of_plan(&plan), ExitCode::Differs);
    }

    #[test]
    fn the_command_for_deletions_is_the_one_that_makes_them() {
        let invocation = Invocation {
            subcommand: Subcommand::AccessApply,
            own: vec![
                Argument::Switch("--prune".to_owned()),
                Argument::Word("team.toml".to_owned()),
            ],
            ..Invocation::default()
        };
        let line = |plan: &Plan| {
            let next = next_of_kept(plan, Some(Path::new("team.toml"))).unwrap();
            invocation.next_step(&next)
        };
        let mut plan = Plan {
            unpruned: vec![group(), group()],
            ..Plan::default()
        };
        assert_eq!(
            line(&plan),
            "make these 2 deletions too: idc-setup access apply team.toml --prune"
        );
        plan.exceeds_limit = true;
        assert_eq!(
            line(&plan),
            "make these 2 deletions too: idc-setup access apply team.toml --prune --max-deletes 2"
        );
    }

    #[test]
    fn of_several_exit_codes_of_an_apply_the_most_severe_one_wins() {
        let mut plan = Plan::default();
        let mut outcome = Outcome::default();
        assert_eq!(exit_of_outcome(&plan, &outcome), ExitCode::Success);
        plan.notes.push(Note {
            kind: NoteKind::RenamedLater,
            text: String::new(),
            place: None,
        });
        assert_eq!(exit_of_outcome(&plan, &outcome), ExitCode::Incomplete);
        plan.notes.clear();
        outcome.not_begun.push(group());
        assert_eq!(exit_of_outcome(&plan, &outcome), ExitCode::Incomplete);
        plan.refusals.push(refusal());
        assert_eq!(exit_of_outcome(&plan, &outcome), ExitCode::Differs);
        let error = UserError::failed("It failed.", NextSteps::default());
        outcome.failed.push((group(), error));
        assert_eq!(exit_of_outcome(&plan, &outcome), ExitCode::Failed);
        outcome.stopped = true;
        assert_eq!(exit_of_outcome(&plan, &outcome), ExitCode::Interrupted);
    }
}
