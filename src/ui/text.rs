//! What the guides share in words.

use super::screen::{Screen, clean};
use crate::answers::Key;
use crate::browser::Browser;
use crate::checklist::{Consent, HumanTask, Observed, Plan, Review, Status, StepInfo, StepReport};

/// `[4/8]`; the recommendations come after the steps and are not counted among them.
pub fn mark(info: &StepInfo, steps: usize) -> String {
    if info.number == 0 {
        // Signing in outside the checklist.
        format!("[{}]", info.slug)
    } else if info.is_recommendation() {
        "[+]".to_owned()
    } else {
        format!("[{}/{steps}]", info.number)
    }
}

/// [`mark`], where a list shows all.
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

/// A human task: where to go, what to click, what to know.
pub fn task_lines(task: &HumanTask, screen: &Screen) -> Vec<String> {
    let mut lines = vec![format!("→ {}", task.sentence)];
    lines.extend(task.link.iter().map(|link| format!("  open:  {link}")));
    if let Some(code) = &task.code {
        // By itself, so that it is seen and compared.
        lines.extend([String::new(), format!("         {}", spaced(code)), String::new()]);
    }
    if !task.clicks.is_empty() {
        lines.push(format!("  where: {}", task.clicks));
    }
    let command = task.command.as_ref().map(|command| screen.command(command));
    lines.extend(command.map(|command| format!("  type:  {command}")));
    lines.extend(task.details.iter().map(|detail| format!("  · {detail}")));
    let others = task.alternatives.iter().map(|next| screen.invocation.next_step(next));
    lines.extend(others.map(|next| format!("  · {next}")));
    lines
}

/// A code in letters far apart: `A B C D - E F G H`.
fn spaced(code: &str) -> String {
    code.chars()
        .flat_map(|letter| [letter, ' '])
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Opens a task's page, where there is a browser; answers what to say about it.
pub fn opened_line(task: &HumanTask, browser: &Browser) -> Option<String> {
    let link = task.link.as_ref()?;
    match browser.why_none() {
        Some("--no-browser") => None,
        Some(why) => Some(format!("  (Not opened: {why}. Copy the link to one.)")),
        None if browser.open(link) => Some("  (Opened in your browser.)".to_owned()),
        None => Some("  (Not opened. Copy the link to your browser.)".to_owned()),
    }
}

/// A step of the first look: what it is, and how it stands once that is known.
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

/// Under a step's heading: why, what is, what will change.
pub fn begin_lines(info: &StepInfo, observed: &Observed, plan: &Plan) -> Vec<String> {
    let mut lines = vec![info.why.to_owned(), format!("Now:  {}", clean(&observed.summary))];
    // What has to be agreed to by name is said where that is asked.
    let will = plan
        .changes
        .iter()
        .filter(|change| !matches!(change.consent, Consent::Named(_)));
    lines.extend(will.map(|change| format!("Will: {}", change.sentence)));
    lines
}

/// What a person is told before anything else, without a look at anything.
pub fn opening_lines() -> [&'static str; 7] {
    [
        "From this AWS account to short-lived credentials, through IAM Identity Center:",
        "  · users and groups in one place, and one sign-in for every account and tool;",
        "  · credentials that end by themselves after hours, instead of access keys that never do;",
        "  · the next people and accounts are one line each.",
        "Have at hand: the mailbox of the user you will make, a phone or passkey for MFA, ten minutes.",
        "Stopping is safe at any time (Ctrl-C): progress is kept, and idc-setup run goes on from there.",
        "",
    ]
}

/// Everything that is about to happen. `width`: columns of the terminal.
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

/// The commands that would do what a review shows.
pub fn command_lines(review: &Review) -> Vec<String> {
    let changes = review.changes.iter().flat_map(|(_, changes)| changes);
    changes.map(|change| format!("  $ {}", change.command)).collect()
}

/// How a step has ended: one line, and with `-v` what the look saw.
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
        let seen = &report.observed.evidence;
        lines.extend(
            seen.iter()
                .map(|(name, value)| format!("        {name}: {}", clean(value))),
        );
    }
    lines
}

/// What would be done, and with `-v` by which commands.
pub fn plan_lines(plan: &Plan, screen: &Screen) -> Vec<String> {
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
                "It cannot be taken back; "
            };
            lines.push(format!("      {warning}to agree: {}", flags.join(" ")));
        }
        if screen.verbose >= 1 {
            lines.push(format!("      {}", change.command));
        }
    }
    lines.extend(plan.tasks.iter().map(|task| format!("  → {}", task.sentence)));
    lines
}
