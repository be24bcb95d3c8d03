//! The text output at the end of a command: a table, what is left to do, errors, and the verified identity.

use jiff::Timestamp;

use super::screen::Screen;
use super::text;
use super::{closing, diagram};
use crate::answers::ago;
use crate::next_step::{NextCommand, SetupCommand};
use crate::progress::Origin;
use crate::text::clean;
use crate::wizard::{HumanTask, Outcome, State, StepReport};

/// The minimum width of the last column. In a narrower terminal, it is printed below the row.
const LAST_COLUMN: usize = 45;

/// Prints the end of a command: one line per step, what is left to do, errors, and the verified identity.
pub fn print_text(screen: &Screen, outcome: &Outcome, command: &str) {
    if command == "run" && outcome.error.is_none() && closing::print_blocked(screen, &outcome.reports) {
        return;
    }
    if !outcome.reports.is_empty() {
        print_table(screen, &outcome.reports, command);
    }
    if command == "status" && !screen.quiet {
        print_diagram(screen, &outcome.reports);
    }
    // A plan names the tasks below the steps.
    if command != "plan" || screen.verbose > 0 {
        print_left_to_do(screen, &outcome.reports);
    }
    for report in &outcome.reports {
        if let Some(error) = report
            .error
            .as_ref()
            .filter(|_| matches!(report.state, State::Failed | State::Unknown))
            .filter(|_| !screen.quiet || !report.info.is_recommendation())
        {
            screen.error(error);
        }
    }
    if let Some(error) = &outcome.error {
        screen.error(error);
    }
    let signed_in = outcome
        .reports
        .iter()
        .find_map(|report| Some((report, report.observed.evidence.signed_in_as.as_ref()?)));
    let required = || outcome.reports.iter().filter(|report| !report.info.is_recommendation());
    let is_to_do = |report: &StepReport| report.state == State::ToDo;
    // Each of these has said what to do about it; the same command again would end in the same way.
    let is_problem = |report: &StepReport| matches!(report.state, State::Different | State::Blocked | State::Failed);
    if outcome.error.is_none() && required().any(is_to_do) && !required().any(is_problem) && !screen.quiet {
        let waits = required().any(|report| is_to_do(report) && report.observed.waits_for.is_some());
        // A terminal has its own end of a run.
        let next = match command {
            "run" => SetupCommand::run().switch("--non-interactive"),
            _ => SetupCommand::run(),
        };
        let next = if waits {
            next.without("--only").without("--skip")
        } else {
            next
        };
        screen.result("\nContinue with:");
        screen.unwrapped_result(&format!("  {}", screen.command(&next)));
    }
    let signed_in = signed_in.filter(|(report, _)| report.state == State::Done && !screen.quiet && command != "plan");
    if let Some((report, arn)) = signed_in {
        let evidence = &report.observed.evidence;
        let account = evidence.account.as_ref().map_or("", |account| account);
        let profile = evidence.profile.as_deref().unwrap_or_default();
        if let Some(end) = evidence.credentials_end {
            let end = end.strftime("%Y-%m-%d %H:%M UTC");
            let login = screen.command(&SetupCommand::login().value("--cli-profile", profile));
            let again = if screen.is_temporary_rehearsal() {
                String::new()
            } else if screen.is_rehearsal() {
                // Other tools do not find the profile.
                format!(" To sign in again later: {login}.")
            } else {
                let aws = NextCommand::other(["aws", "sso", "login", "--profile", profile]);
                let aws = screen.invocation.next_command(&aws);
                format!(" To sign in again later: {login} (or {aws}).")
            };
            screen.result(&format!(
                "\nThe credentials of profile {profile} expire at {end}; tools that use it renew them automatically.{again}"
            ));
        }
        screen.result(&format!("\nYou are {arn} in account {account}."));
        if command == "run" && !screen.is_temporary_rehearsal() {
            let line = |name: &str, value: &str| screen.raw_result(&text::aligned(name, value));
            screen.result("");
            if screen.is_rehearsal() {
                closing::print_own_account(screen, profile, &SetupCommand::login());
            } else {
                line("Use it now", &crate::shell::export("AWS_PROFILE", profile));
            }
            line("Undo", &screen.command(&SetupCommand::undo()));
        }
        if command != "run" {
            screen.result("");
        }
        closing::print_exports(screen, &outcome.reports);
    }
}

fn print_diagram(screen: &Screen, reports: &[StepReport]) {
    let tree = diagram::tree(reports);
    if !tree.is_empty() {
        screen.raw_result("\nAccess:");
        for line in tree {
            screen.result(&line);
        }
    }
}

fn print_table(screen: &Screen, reports: &[StepReport], command: &str) {
    let is_fine =
        |report: &StepReport| matches!(report.state, State::Done | State::Skipped) || report.info.is_recommendation();
    if screen.quiet && reports.iter().all(is_fine) {
        return;
    }
    screen.raw_result("");
    let title_width = reports.iter().map(|report| report.info.title.len()).max().unwrap_or(0);
    let state_width = reports
        .iter()
        .map(|report| report.state.label().len())
        .max()
        .unwrap_or(0);
    for report in reports.iter().filter(|report| !screen.quiet || !is_fine(report)) {
        let origin = report.origin().map_or("", Origin::name);
        let padding = " ".repeat(state_width - report.state.label().len());
        let age = match report.since.filter(|_| command == "status") {
            Some(since) if Timestamp::now().duration_since(since).as_hours() > 0 => {
                format!(" (unchanged since {})", ago(since, Timestamp::now()))
            }
            _ => String::new(),
        };
        let column = title_width + state_width + 18;
        let row = format!(
            "{:>2} {:title_width$}  {}{padding}  {origin:9}",
            text::short_mark(report.info),
            report.info.title,
            screen.state(report.state),
        );
        let is = format!("{}{age}", clean(&report.observed.summary));
        if screen.result_width.is_some_and(|width| width < column + LAST_COLUMN) {
            screen.raw_result(row.trim_end());
            screen.raw_result(&format!("     {is}"));
        } else {
            screen.result_in_columns(&format!("{row}  {is}"), column);
        }
        if command == "plan" && report.state != State::Done && report.state != State::Skipped {
            for line in text::plan_lines(&report.plan, screen) {
                screen.result(&line);
            }
        }
        if matches!(report.state, State::Different | State::Blocked) {
            screen.result_next(&report.observed.next, 4);
        }
    }
}

fn print_left_to_do(screen: &Screen, reports: &[StepReport]) {
    let mut shown: Vec<&HumanTask> = Vec::new();
    for (heading, wanted) in [("Left for you to do:", false), ("Also recommended:", true)] {
        let of_kind = reports
            .iter()
            .filter(|report| report.info.is_recommendation() == wanted);
        let open: Vec<&HumanTask> = of_kind.flat_map(|report| &report.left_to_do).collect();
        if open.is_empty() || (wanted && screen.quiet) {
            continue;
        }
        screen.raw_result(&format!("\n{heading}"));
        for line in open.iter().flat_map(|task| text::task_lines(task, screen)) {
            screen.result(&line);
        }
        shown.extend(open);
    }
    if let Some(line) = text::pages_end_line(shown, screen) {
        screen.result(line);
    }
}
