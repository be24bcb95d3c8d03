//! How an interactive run ends: everything is set up, the user has stopped, this account cannot get there, or something is
//! left.

use console::{Style, measure_text_width};
use jiff::Timestamp;

use super::rail::Row;
use super::screen::Screen;
use super::text::aligned;
use crate::access::default_file;
use crate::answers::ago;
use crate::next_step::{Invocation, SetupCommand, Subcommand};
use crate::progress::{Origin, ResourceKind};
use crate::reconcile::Importance;
use crate::shell;
use crate::text::{as_clause, clean};
use crate::wizard::{HumanTask, Outcome, State, StepReport};

/// Prints the end of a run.
pub fn print(screen: &Screen, outcome: &Outcome) {
    let is_exit = outcome.error.as_ref().is_some_and(|error| error.kind.is_user_exit());
    if is_exit {
        return print_stopped(screen, outcome);
    }
    if let Some(error) = &outcome.error {
        return screen.error(error);
    }
    if print_blocked(screen, &outcome.reports) {
        return;
    }
    if steps(&outcome.reports).all(|report| matches!(report.state, State::Done | State::Skipped)) {
        print_all_set(screen, &outcome.reports);
    } else {
        print_left(screen, outcome);
    }
}

fn steps(reports: &[StepReport]) -> impl Iterator<Item = &StepReport> {
    reports.iter().filter(|report| !report.info.is_recommendation())
}

fn of<'a>(reports: &'a [StepReport], slug: &str) -> Option<&'a StepReport> {
    reports.iter().find(|report| report.info.slug == slug)
}

/// The row of a step, with its state where the list of steps during the work says nothing.
fn row(screen: &Screen, report: &StepReport) -> String {
    let open = if report.state == State::ToDo { "to do" } else { "" };
    format!("{}{open}", Row::of(report).line(screen, "·"))
}

/// Prints why this account cannot host Identity Center, and the ways out. Returns whether that is the case.
pub fn print_blocked(screen: &Screen, reports: &[StepReport]) -> bool {
    let first = of(reports, "enable-identity-center").filter(|report| report.state == State::Blocked);
    let Some(first) = first else {
        return false;
    };
    let sign = screen.paint("✘", &Style::new().red());
    screen.raw(&format!("{sign} {}", clean(&first.observed.summary)));
    screen.raw("");
    screen.print_next(&first.observed.next);
    if screen.is_temporary_rehearsal() {
        let other = SetupCommand::rehearse()
            .without("--world")
            .to("rehearse an account that can");
        screen.print_next(&other.into());
    }
    true
}

fn print_all_set(screen: &Screen, reports: &[StepReport]) {
    let evidence = |slug: &str| of(reports, slug).map(|report| &report.observed.evidence);
    let text = |slug: &str, get: &dyn Fn(&crate::wizard::Evidence) -> Option<String>| evidence(slug).and_then(get);
    let arn = text("sign-in", &|evidence| evidence.signed_in_as.clone());
    let user = arn.as_deref().and_then(|arn| arn.rsplit('/').next());
    let account = text("account-assignment", &|evidence| {
        evidence.account.as_ref().map(ToString::to_string)
    });
    let set =
        of(reports, "permission-set").and_then(|report| Some(report.observed.resources.first()?.name.to_string()));
    let access = match (set, account) {
        (Some(set), Some(account)) => format!(" ({set} in {account})"),
        _ => String::new(),
    };
    let sign = screen.paint("✔", &Style::new().green());
    let who = user.map_or_else(String::new, |user| format!(" You are signed in as {user}{access}."));
    screen.result("");
    screen.raw_result(&format!("{sign} {}{}", screen.heading("All set."), clean(&who)));
    screen.result("");
    let line = |name: &str, value: &str| print_commands(screen, name, &[value.to_owned()]);
    let command = |command: &SetupCommand| screen.paint(&screen.command(command), &Style::new().cyan());
    let profile = text("cli-profile", &|evidence| evidence.profile.clone());
    let portal = text("access-portal", &|evidence| evidence.start_url.clone());
    let portal = portal.map(|url| screen.paint(&clean(&url), &Style::new().cyan()));
    if screen.is_rehearsal() {
        if let Some(profile) = &profile {
            print_own_account(screen, profile, &SetupCommand::login());
        }
        line("For real", &screen.paint("idc-setup", &Style::new().cyan()));
        if screen.is_temporary_rehearsal() {
            let keep = SetupCommand::rehearse().placeholder("--keep", "DIR");
            line("Keep one", &command(&keep));
        } else {
            print_add_people(screen);
            line("Argo CD", &command(&argo_cd(reports)));
            line("Undo", &command(&SetupCommand::undo()));
        }
        return print_recommended(screen, reports);
    }
    if let Some(profile) = &profile {
        let export = shell::export("AWS_PROFILE", profile);
        line("Use it now", &screen.paint(&export, &Style::new().cyan()));
        line("", &screen.paint("aws s3 ls", &Style::new().cyan()));
        line("Tomorrow", &command(&SetupCommand::login()));
    }
    if let Some(portal) = portal {
        line("Portal", &portal);
    }
    print_add_people(screen);
    line("Argo CD", &command(&argo_cd(reports)));
    line("Undo", &command(&SetupCommand::undo()));
    print_recommended(screen, reports);
}

/// Prints in a rehearsal how the user would go on outside it, where its profile does not exist.
pub fn print_own_account(screen: &Screen, profile: &str, login: &SetupCommand) {
    let export = shell::export("AWS_PROFILE", profile);
    let login = Invocation::default().command_line(login);
    screen.result("  In your own account, you would go on with:");
    screen.raw_unwrapped_result(&aligned("Use it now", &clean(&export)));
    screen.raw_unwrapped_result(&aligned("Tomorrow", &clean(&login)));
    screen.result("");
}

/// Prints how to go on from one user to a team: with the access file of this folder, or with what exists as a new one, which
/// the user edits and applies.
fn print_add_people(screen: &Screen) {
    let existing = default_file::existing();
    let apply = screen.command(&with_access_file(Subcommand::AccessApply, &existing));
    let export = screen.command(&export_access());
    let file = existing.first().copied();
    let mut lines = Vec::new();
    if file.is_none() {
        lines.push(screen.paint(&clean(&export), &Style::new().cyan()));
    }
    let comment = format!("# add them to {}, then:", file.unwrap_or("access.toml"));
    lines.push(screen.paint(&comment, &Style::new().dim()));
    lines.push(screen.paint(&clean(&apply), &Style::new().cyan()));
    print_commands(screen, "Add people", &lines);
}

/// A command that reads the access file of this folder. If there are several, it needs the name of one.
fn with_access_file(subcommand: Subcommand, existing: &[&str]) -> SetupCommand {
    let command = SetupCommand::new(subcommand);
    match existing {
        [first, _, ..] => command.word(*first),
        _ => command,
    }
}

/// Writes what exists as an access file. Only where there is none: the redirection replaces a file of this name.
fn export_access() -> SetupCommand {
    SetupCommand::export("access").positional("> access.toml")
}

/// Prints commands, beside their name if they fit there, and below it otherwise. None is ever wrapped, so that each can be
/// pasted.
fn print_commands(screen: &Screen, name: &str, lines: &[String]) {
    let width = screen.result_width.unwrap_or(usize::MAX);
    if lines.iter().all(|line| measure_text_width(&aligned("", line)) <= width) {
        for (index, line) in lines.iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            screen.raw_unwrapped_result(&aligned(name, line));
        }
        return;
    }
    screen.result(&format!("  {name}"));
    for line in lines {
        screen.raw_unwrapped_result(&format!("    {line}"));
    }
}

/// What Argo CD needs, with the group as administrators, or the user if there is no group.
fn argo_cd(reports: &[StepReport]) -> SetupCommand {
    let evidence = |slug: &str| of(reports, slug).map(|report| &report.observed.evidence);
    let group = evidence("create-group").and_then(|evidence| evidence.group.clone());
    let user = evidence("create-user").and_then(|evidence| evidence.user_name.as_ref());
    let command = SetupCommand::export("argo-cd").placeholder("--cluster", "NAME");
    match (group, user) {
        (Some(group), _) => command.value("--admin", group),
        (None, Some(user)) => command.value("--admin", format!("user:{user}")),
        (None, None) => command.placeholder("--admin", "GROUP"),
    }
}

/// Prints the exports that go on with what was set up. What a run created in a rehearsal that is not kept can't be exported.
pub fn print_exports(screen: &Screen, reports: &[StepReport]) {
    if screen.is_temporary_rehearsal() && screen.invocation.subcommand == Subcommand::Run {
        return;
    }
    let existing = default_file::existing();
    let add_people = if existing.is_empty() {
        export_access()
    } else {
        with_access_file(Subcommand::AccessPlan, &existing)
    };
    for (name, command) in [("Add people", add_people), ("Argo CD", argo_cd(reports))] {
        print_commands(screen, name, &[clean(&screen.command(&command))]);
    }
}

/// Names the recommendations that are still open, on one line.
fn print_recommended(screen: &Screen, reports: &[StepReport]) {
    let open = reports
        .iter()
        .filter(|report| report.info.is_recommendation())
        .filter(|report| !matches!(report.state, State::Done | State::Skipped));
    let names: Vec<&str> = open
        .map(|report| match report.info.slug {
            "cloudtrail" => "a CloudTrail trail",
            "mfa" => "MFA for all users",
            _ if report.observed.evidence.has_root_access_keys == Some(true) => "no root access keys",
            _ => "MFA for root",
        })
        .collect();
    if !names.is_empty() {
        screen.result("");
        screen.result(&format!("  Still recommended: {}.", names.join(", ")));
        if screen.is_temporary_rehearsal() {
            return;
        }
        let command = screen.command(&SetupCommand::recommend());
        screen.raw_unwrapped_result(&format!("    {}", screen.paint(&command, &Style::new().cyan())));
    }
}

/// Prints what was done and what was not, in one paragraph.
fn print_stopped(screen: &Screen, outcome: &Outcome) {
    let reports = &outcome.reports[..];
    let done = steps(reports).filter(|report| report.state == State::Done).count();
    screen.result("");
    if outcome.has_changed {
        screen.raw_result(&format!(
            "{} {} of {} steps are done.",
            screen.heading("Stopped."),
            done,
            steps(reports).count()
        ));
        screen.result("");
        print_progress(screen, reports);
    } else {
        let then = match (done, screen.is_temporary_rehearsal()) {
            (0, true) => String::new(),
            (0, false) => " Your answers so far are saved.".to_owned(),
            (1, _) => format!(" 1 of {} steps was done before.", steps(reports).count()),
            (count, _) => format!(" {count} of {} steps were done before.", steps(reports).count()),
        };
        screen.result(&format!("Stopped. This run changed nothing.{then}"));
    }
    if screen.is_temporary_rehearsal() {
        let keep = SetupCommand::rehearse().placeholder("--keep", "DIR");
        screen.result("");
        screen.result("  This was a rehearsal; nothing of it is kept. To keep one:");
        screen.raw_unwrapped_result(&format!("    {}", screen.command(&keep)));
        return;
    }
    // Undo cannot delete an organization.
    let can_undo = |report: &StepReport| {
        let mut resources = report.observed.resources.iter();
        resources.any(|made| made.origin == Origin::Created && made.kind != ResourceKind::Organization)
    };
    let has_created = reports.iter().any(can_undo);
    if outcome.has_changed {
        screen.result("");
    }
    screen.raw_unwrapped_result(&aligned("Continue", &screen.command(&SetupCommand::run())));
    if has_created {
        screen.raw_unwrapped_result(&aligned("Undo", &screen.command(&SetupCommand::undo())));
    }
}

/// Prints which steps are done, which have begun, and which are not done.
fn print_progress(screen: &Screen, reports: &[StepReport]) {
    let name = |report: &StepReport| report.info.short.to_owned();
    let is_created = |report: &&StepReport| {
        let mut resources = report.observed.resources.iter();
        resources.any(|resource| resource.origin == Origin::Created)
    };
    let done: Vec<String> = steps(reports)
        .filter(|report| report.state == State::Done)
        .map(name)
        .collect();
    let begun: Vec<&StepReport> = steps(reports)
        .filter(|report| !matches!(report.state, State::Done | State::Skipped))
        .filter(is_created)
        .collect();
    let unknown: Vec<String> = steps(reports)
        .filter(|report| report.state == State::Unknown && report.error.is_none())
        .map(name)
        .collect();
    let is_known = |report: &&StepReport| report.state != State::Unknown || report.error.is_some();
    let open: Vec<String> = steps(reports)
        .filter(is_known)
        .filter(|report| !matches!(report.state, State::Done | State::Skipped))
        .filter(|report| !begun.iter().any(|begun| begun.info == report.info))
        .map(name)
        .collect();
    if !done.is_empty() {
        print_row(screen, "Done", &done.join(", "));
    }
    for report in &begun {
        print_row(screen, "Begun", &begun_text(report));
    }
    if !unknown.is_empty() {
        print_row(
            screen,
            "Unanswered",
            &format!("{} (requested; AWS has not answered yet)", unknown.join(", ")),
        );
    }
    if !open.is_empty() {
        print_row(screen, "Not done", &open.join(", "));
    }
}

/// What a step has created that is not done: `User (user created; you still have to set the user's password)`.
fn begun_text(report: &StepReport) -> String {
    let task = report.left_to_do.first().filter(|task| !task.brief.is_empty());
    let still = task.map_or_else(String::new, |task| format!("; you still have to {}", task.brief));
    let made = report.observed.resources.iter();
    let made = made.filter(|made| made.origin == Origin::Created);
    let made: Vec<String> = made.map(|made| format!("{} created", made.kind)).collect();
    format!("{} ({}{still})", report.info.short, made.join(", "))
}

/// Prints a name and its value in two columns, with the value wrapped in its column.
fn print_row(screen: &Screen, name: &str, value: &str) {
    let first = aligned(name, "");
    let width = screen.result_width.unwrap_or(usize::MAX);
    let blank = " ".repeat(first.len());
    let options = textwrap::Options::new(width)
        .initial_indent(&first)
        .subsequent_indent(&blank)
        .break_words(false);
    for line in textwrap::wrap(&screen.encode(&clean(value)), options) {
        screen.raw_result(&line);
    }
}

/// Prints the steps that are not done, each with what to do about it.
fn print_left(screen: &Screen, outcome: &Outcome) {
    let reports = &outcome.reports[..];
    screen.result("");
    screen.raw_result(&screen.heading("Not finished yet"));
    screen.result("");
    if outcome.has_changed {
        print_progress(screen, reports);
        screen.result("");
    }
    let is_problem = |report: &&StepReport| !matches!(report.state, State::WaitingForPerson | State::ToDo);
    let open = steps(reports).filter(|report| !matches!(report.state, State::Done | State::Skipped));
    let (problems, others): (Vec<&StepReport>, Vec<&StepReport>) = open.partition(is_problem);
    for report in &problems {
        match &report.error {
            Some(error) if matches!(report.state, State::Failed | State::Unknown) => screen.error(error),
            _ => {
                screen.raw_result(&row(screen, report));
                screen.print_next(&report.observed.next);
            }
        }
    }
    if !problems.is_empty() {
        let waiting: Vec<&str> = others.iter().map(|report| report.info.short).collect();
        if !waiting.is_empty() {
            screen.result("");
            screen.result(&format!("  After that: {}.", waiting.join(", ")));
        }
        return;
    }
    let mut shown: Vec<&HumanTask> = Vec::new();
    for report in others {
        screen.raw_result(&row(screen, report));
        for task in report.left_to_do.iter().filter(|task| task.proof.is_none()) {
            for line in super::text::task_lines(task, screen) {
                screen.result(&format!("  {line}"));
            }
            shown.push(task);
        }
    }
    if let Some(line) = super::text::pages_end_line(shown, screen) {
        screen.result(&format!("  {line}"));
    }
    let is_required = |report: &StepReport| report.info.importance == Importance::Required;
    if steps(reports).any(|report| is_required(report) && report.state != State::Done) {
        screen.result("");
        screen.raw_unwrapped_result(&aligned("Continue", &screen.command(&SetupCommand::run())));
    }
}

/// Prints the state of each step on one screen: first what to do, if there is something to do.
pub fn print_status(screen: &Screen, outcome: &Outcome) {
    let reports = &outcome.reports;
    if let Some(error) = &outcome.error {
        screen.error(error);
    }
    if reports.is_empty() || print_blocked(screen, reports) {
        return;
    }
    let is_fine = |report: &StepReport| matches!(report.state, State::Done | State::Skipped);
    let is_problem = |report: &&StepReport| {
        let is_problem = matches!(report.state, State::Different | State::Blocked | State::Failed);
        is_problem || (report.state == State::Unknown && outcome.error.is_none())
    };
    let problems: Vec<&StepReport> = steps(reports).filter(is_problem).collect();
    if outcome.error.is_none() && problems.is_empty() {
        if steps(reports).all(is_fine) {
            let sign = screen.paint("✔", &Style::new().green());
            screen.raw_result(&format!("{sign} {}", screen.heading("Everything is set up.")));
            print_exports(screen, reports);
        } else {
            screen.raw_unwrapped_result(&aligned("Continue", &screen.command(&SetupCommand::run())));
        }
    }
    screen.result("");
    for report in steps(reports) {
        let age = report
            .since
            .filter(|since| Timestamp::now().duration_since(*since).as_hours() > 0);
        let age = age.map_or_else(String::new, |since| {
            format!("  (unchanged since {})", ago(since, Timestamp::now()))
        });
        // What differs holds others back, which may be set up already.
        let waits_for = report.observed.waits_for.as_ref().filter(|_| !problems.is_empty());
        match waits_for {
            Some(why) => screen.raw_result(&format!("{}{}", Row::of(report).line(screen, "·"), as_clause(why))),
            None => screen.raw_result(&format!("{}{age}", row(screen, report))),
        }
    }
    for report in problems {
        screen.result("");
        match &report.error {
            Some(error) => screen.error(error),
            None => screen.print_next(&report.observed.next),
        }
    }
    let tree = super::diagram::tree(reports);
    if !tree.is_empty() {
        screen.result("");
        for line in tree {
            screen.result(&line);
        }
    }
    print_recommended(screen, reports);
}

/// Prints the end of `recommend`: each recommendation with its state, unless the list is on the screen, and what is left
/// to do.
pub fn print_recommendations(screen: &Screen, outcome: &Outcome, is_shown: bool) {
    if let Some(error) = outcome.error.as_ref().filter(|error| !error.kind.is_user_exit()) {
        return screen.error(error);
    }
    if is_shown {
        for report in &outcome.reports {
            if let Some(error) = &report.error {
                screen.error(error);
            }
        }
        if outcome.reports.iter().all(|report| report.state == State::Done) {
            screen.result("");
            screen.result("✔ All recommendations are followed.");
        }
        return print_recommended(screen, &outcome.reports);
    }
    screen.result("");
    for report in &outcome.reports {
        screen.raw_result(&row(screen, report));
        if let Some(error) = &report.error {
            screen.error(error);
        }
        for task in &report.left_to_do {
            for line in super::text::task_lines(task, screen) {
                screen.result(&format!("    {line}"));
            }
        }
    }
    let tasks = outcome.reports.iter().flat_map(|report| &report.left_to_do);
    if let Some(line) = super::text::pages_end_line(tasks, screen) {
        screen.result(&format!("  {line}"));
    }
}
