//! The texts that the prompters share.

use super::screen::Screen;
use crate::browser::Browser;
use crate::next_step::SetupCommand;
use crate::reconcile::{Consent, StepInfo};
use crate::text::clean;
use crate::wizard::{HumanTask, Opening, StepPlan, StepReport, TaskKind};

/// The reply to the key that goes back, where there is no earlier question.
pub const NOTHING_BEFORE: &str = "There is nothing to go back to here.";

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

/// A line about a step, with its mark in front of it, or about everything.
pub fn marked(info: Option<&StepInfo>, steps: usize, line: &str) -> String {
    match info {
        Some(info) => format!("{} {line}", mark(info, steps)),
        None => line.to_owned(),
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

/// Returns the lines of a task: where to go, what to click, what to know.
pub fn task_lines(task: &HumanTask, screen: &Screen) -> Vec<String> {
    let mut lines = vec![format!("→ {}", task.sentence)];
    lines.extend(task.link.iter().map(|link| format!("  open:  {link}")));
    if let Some(code) = &task.code {
        // Set apart, so that the user notices and compares it.
        lines.extend([String::new(), format!("         {}", spaced(code)), String::new()]);
    }
    lines.extend(task.clicks().map(|clicks| format!("  where: {clicks}")));
    let command = task.command.as_ref().map(|command| screen.command(command));
    lines.extend(command.map(|command| format!("  type:  {command}")));
    lines.extend(task.afterward.iter().map(|then| format!("  then:  {then}")));
    lines.extend(
        task.details
            .iter()
            .chain(&task.help)
            .map(|detail| format!("  · {detail}")),
    );
    let alternatives = task.alternatives.iter().map(|next| screen.invocation.next_step(next));
    lines.extend(alternatives.map(|next| format!("  · {next}")));
    lines
}

/// Returns a line for the end of a rehearsal, if its tasks have links.
pub fn pages_end_line<'t>(tasks: impl IntoIterator<Item = &'t HumanTask>, screen: &Screen) -> Option<&'static str> {
    let has_links = tasks.into_iter().any(|task| task.link.is_some());
    (has_links && screen.is_rehearsal())
        .then_some("The links are pages of the rehearsal. They exist only while it runs.")
}

/// Returns a code with a space between its characters: `A B C D - E F G H`.
pub fn spaced(code: &str) -> String {
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

/// Returns what the user does instead in a rehearsal with a simulated person. What no API shows, and
/// what the root user does, is not simulated.
pub fn simulated_line(task: &HumanTask, screen: &Screen) -> Option<String> {
    let what = match task.kind {
        TaskKind::Seen | TaskKind::Own => "a simulated person does this in a moment; just wait.",
        TaskKind::Confirmed(_) if task.needs_confirmation() => "nothing to do here; press y and Enter.",
        TaskKind::Confirmed(_) => "nothing to do here; press Enter.",
        TaskKind::Checked => "nobody does this one; press s.",
    };
    screen.has_simulated_person.then(|| format!("·  Rehearsal: {what}"))
}

/// Returns which steps, by number, go on by themselves during a task of the user.
pub fn meanwhile_line(numbers: &[u8]) -> Option<String> {
    let (first, last) = (numbers.first()?, numbers.last()?);
    if first == last {
        return Some(format!("Step {first} goes on meanwhile."));
    }
    if usize::from(last - first) + 1 == numbers.len() {
        return Some(format!("Steps {first} to {last} go on meanwhile."));
    }
    let numbers: Vec<String> = numbers.iter().map(u8::to_string).collect();
    Some(format!("Steps {} go on meanwhile.", numbers.join(", ")))
}

/// Returns the lines below a task: whether its page was opened, what the user does in a rehearsal, and which steps go on.
pub fn lines_below_task(
    opened: Option<String>,
    task: &HumanTask,
    meanwhile: &[&'static StepInfo],
    screen: &Screen,
) -> Vec<String> {
    let numbers: Vec<u8> = meanwhile.iter().map(|info| info.number).collect();
    let lines = [opened, simulated_line(task, screen), meanwhile_line(&numbers)];
    lines.into_iter().flatten().collect()
}

/// A name and its value in two columns.
pub fn aligned(name: &str, value: &str) -> String {
    format!("  {name:13} {value}")
}

/// Returns the introduction: the account, what to expect, and who the caller is.
pub fn opening_lines(opening: &Opening, screen: &Screen) -> Vec<String> {
    let account = &opening.account;
    let mut lines = Vec::new();
    if opening.is_resumed {
        lines.push(screen.heading(&format!("Continue with IAM Identity Center in AWS account {account}")));
    } else {
        lines.push(screen.heading(&format!("Set up IAM Identity Center for AWS account {account}")));
        lines.push(String::new());
        let undo = screen.command(&SetupCommand::undo());
        lines.extend([
            aligned("You get", "one sign-in for all accounts, and no more access keys"),
            aligned(
                "You need",
                "the mailbox and a phone or passkey of the user, ten minutes",
            ),
        ]);
        if screen.is_temporary_rehearsal() {
            lines.push(aligned(
                "Safe",
                "a rehearsal: nothing is real, and nothing is kept when you stop",
            ));
        } else {
            lines.push(aligned("Safe", "stop with Ctrl-C at any time, and continue later"));
            lines.push(aligned("Undo", &undo));
        }
    }
    lines.push(String::new());
    lines.extend(opening.situation.iter().map(|line| format!("  {}", clean(line))));
    lines
}

/// Returns how a step ended: one line, and with `-vv` the observed values.
pub fn end_lines(report: &StepReport, steps: usize, screen: &Screen) -> Vec<String> {
    let info = report.info;
    let origin = report
        .origin()
        .map_or_else(String::new, |origin| format!(" ({})", origin.name()));
    // What is to do says more than what there is.
    let task = report.left_to_do.first().filter(|task| !task.brief.is_empty());
    let task = task.map_or_else(String::new, |task| format!("{}. ", task.brief));
    let is = clean(&format!("{task}{}", report.observed.summary));
    let mut lines = vec![format!(
        "{} {}: {}{origin}: {is}",
        mark(info, steps),
        info.title,
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
                "idc-setup can't undo this. "
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
