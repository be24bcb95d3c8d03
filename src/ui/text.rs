//! The texts that the prompters share.

use super::screen::Screen;
use crate::answers::Key;
use crate::browser::Browser;
use crate::next_step::SetupCommand;
use crate::reconcile::{Consent, StepInfo};
use crate::text::clean;
use crate::wizard::{HumanTask, Observed, Review, Status, StepPlan, StepReport};

/// `[4/8]`. Recommendations come after the steps and have no number.
pub fn mark(info: &StepInfo, steps: usize) -> String {
    if info.number == 0 {
        // `login` is not a step of the checklist.
        format!("[{}]", info.slug)
    } else if info.is_recommendation() {
        "[+]".to_owned()
    } else {
        format!("[{}/{steps}]", info.number)
    }
}

/// `4`, or `+` for a recommendation, for a list of all steps.
pub fn short_mark(info: &StepInfo) -> String {
    if info.is_recommendation() {
        "+".to_owned()
    } else {
        info.number.to_string()
    }
}

/// `4.`, or `+` for a recommendation.
fn list_mark(info: &StepInfo) -> String {
    let dot = if info.is_recommendation() { "" } else { "." };
    format!("{}{dot}", short_mark(info))
}

/// `[4/8] Create a permission set · required`.
pub fn heading(info: &StepInfo, steps: usize) -> String {
    format!("{} {} · {}", mark(info, steps), info.title, info.importance.word())
}

/// Returns the lines of a task: where to go, what to click, what to know.
pub fn task_lines(task: &HumanTask, screen: &Screen) -> Vec<String> {
    let mut lines = vec![format!("→ {}", task.sentence)];
    lines.extend(task.link.iter().map(|link| format!("  open:  {link}")));
    if let Some(code) = &task.code {
        // Set apart, so that the user notices and compares it.
        lines.extend([String::new(), format!("         {}", spaced(code)), String::new()]);
    }
    if !task.clicks.is_empty() {
        lines.push(format!("  where: {}", task.clicks));
    }
    let command = task.command.as_ref().map(|command| screen.command(command));
    lines.extend(command.map(|command| format!("  type:  {command}")));
    lines.extend(task.details.iter().map(|detail| format!("  · {detail}")));
    let alternatives = task.alternatives.iter().map(|next| screen.invocation.next_step(next));
    lines.extend(alternatives.map(|next| format!("  · {next}")));
    lines
}

/// Returns a code with a space between its characters: `A B C D - E F G H`.
fn spaced(code: &str) -> String {
    code.chars()
        .flat_map(|letter| [letter, ' '])
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Opens the page of a task if there is a browser. Returns a line that tells the user whether it was opened.
pub fn opened_line(task: &HumanTask, browser: &Browser) -> Option<String> {
    let link = task.link.as_ref()?;
    match browser.why_unavailable() {
        Some("--no-browser") => None,
        Some(why) => Some(format!("  (Not opened: {why}. Open the link in a browser.)")),
        None if browser.open(link) => Some("  (Opened in your browser.)".to_owned()),
        None => Some("  (Not opened. Open the link in your browser.)".to_owned()),
    }
}

/// Returns the line of a step in the first check, with the result once it is known.
pub fn survey_line(info: &StepInfo, observed: Option<&Observed>) -> String {
    let Some(observed) = observed else {
        return format!("…  {:>2} {}", short_mark(info), info.title);
    };
    let (mark, word) = match observed.status {
        Status::Done => ("✓", "done"),
        Status::Missing => ("·", "to do"),
        Status::Different => ("!", "different"),
        Status::Blocked => ("!", "blocked"),
        Status::Unknown => ("?", "unknown"),
    };
    format!("{mark}  {:>2} {}: {word}", short_mark(info), info.title)
}

/// Returns the lines below a step's heading: the purpose, the current state, and the planned changes.
pub fn begin_lines(info: &StepInfo, observed: &Observed, plan: &StepPlan) -> Vec<String> {
    let mut lines = vec![info.why.to_owned(), format!("Now:  {}", clean(&observed.summary))];
    // A change that needs its own consent is shown with that question.
    let will = plan
        .changes
        .iter()
        .filter(|change| !matches!(change.consent, Consent::Named(_)));
    lines.extend(will.map(|change| format!("Will: {}", change.sentence)));
    lines
}

/// Returns the introduction, which is shown before the account is checked.
pub fn opening_lines(screen: &Screen) -> Vec<String> {
    let lines = [
        "This sets up IAM Identity Center in your AWS account. You get:",
        "  · users and groups in one place, and one sign-in for all accounts and tools;",
        "  · credentials that expire after hours, instead of access keys that never expire;",
        "  · an easy way to add more people and accounts later.",
        "You need the mailbox of the user to create, a phone or passkey for MFA, and ten minutes.",
    ];
    let stopping = format!(
        "You can stop at any time (Ctrl-C). Progress is saved; continue with: {}",
        screen.command(&SetupCommand::run())
    );
    let lines = lines.into_iter().map(str::to_owned);
    lines.chain([stopping, String::new()]).collect()
}

/// Returns the lines of the review: everything that is about to happen. `width` is the columns of the terminal.
pub fn review_lines(review: &Review, width: Option<usize>) -> Vec<String> {
    let mut lines = vec![String::new(), "These values will be used:".to_owned()];
    let widest = |of: &dyn Fn(&(Key, String, String)) -> usize| review.values.iter().map(of).max().unwrap_or(0);
    let name_width = widest(&|(key, ..)| key.title().chars().count());
    let value_width = widest(&|(_, value, _)| value.chars().count()).min(44);
    let is_narrow = width.is_some_and(|width| width < name_width + value_width + 24);
    for (key, value, source) in &review.values {
        if is_narrow {
            lines.push(format!("  {}: {value} ({source})", key.title()));
        } else {
            lines.push(format!("  {:name_width$}  {value:value_width$}  {source}", key.title()));
        }
    }
    if !review.changes.is_empty() {
        lines.push(String::new());
        lines.push("This will change:".to_owned());
        for (info, changes) in &review.changes {
            lines.extend(
                changes
                    .iter()
                    .map(|change| format!("  {:2} {}", list_mark(info), change.sentence)),
            );
        }
    }
    if !review.tasks.is_empty() {
        lines.push(String::new());
        lines.push("And you will be asked to:".to_owned());
        lines.extend(review.tasks.iter().map(|task| format!("  · {task}")));
    }
    lines.push(String::new());
    lines
}

/// Returns the commands that are equivalent to the changes of a review.
pub fn command_lines(review: &Review) -> Vec<String> {
    let changes = review.changes.iter().flat_map(|(_, changes)| changes);
    changes.map(|change| format!("  $ {}", change.command)).collect()
}

/// Returns how a step ended: one line, and with `-vv` the observed values.
pub fn end_lines(report: &StepReport, steps: usize, screen: &Screen) -> Vec<String> {
    let info = report.info;
    let origin = report
        .origin()
        .map_or_else(String::new, |origin| format!(" ({})", origin.name()));
    let is = clean(&report.observed.summary);
    let mut lines = vec![format!(
        "{} {}: {}{origin}: {is}",
        mark(info, steps),
        info.slug,
        screen.state(report.state)
    )];
    if screen.verbose >= 2 {
        let evidence = &report.observed.evidence;
        lines.extend(
            evidence
                .lines()
                .into_iter()
                .map(|(name, value)| format!("        {name}: {}", clean(&value))),
        );
    }
    lines
}

/// Returns the planned changes, and with `-v` also the equivalent commands.
pub fn plan_lines(plan: &StepPlan, screen: &Screen) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &plan.changes {
        lines.push(format!("  + {}", change.sentence));
        if let Consent::Named(consents) = &change.consent {
            for consent in consents {
                lines.push(format!("      {}", consent.stake));
            }
            let flags: Vec<String> = consents.iter().map(|consent| format!("--{}", consent.flag)).collect();
            let warning = if change.consent.is_reversible() {
                ""
            } else {
                "This can't be undone. "
            };
            lines.push(format!("      {warning}To agree: {}", flags.join(" ")));
        }
        if screen.verbose >= 1 {
            lines.push(format!("      {}", change.command));
        }
    }
    lines.extend(plan.tasks.iter().map(|task| format!("  → {}", task.sentence)));
    lines
}
