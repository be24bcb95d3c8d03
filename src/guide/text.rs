//! What the guides share in words.

use super::screen::{Screen, clean};
use crate::browser::Browser;
use crate::checklist::{Consent, HumanTask, Plan, Review, StepInfo, StepReport};

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
    format!("{} {} · {}", mark(info, steps), info.title, info.need.word())
}

/// A human task: where to go, what to click, what to know.
pub fn task_lines(task: &HumanTask) -> Vec<String> {
    let mut lines = vec![format!("→ {}", task.sentence)];
    lines.extend(task.link.iter().map(|link| format!("  open:  {link}")));
    if let Some(code) = &task.code {
        // By itself, so that it is seen and compared.
        lines.extend([String::new(), format!("         {}", spaced(code)), String::new()]);
    }
    lines.push(format!("  where: {}", task.clicks));
    lines.extend(task.details.iter().map(|detail| format!("  · {detail}")));
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

/// Everything that is about to happen.
pub fn review_lines(review: &Review) -> Vec<String> {
    let mut lines = vec![String::new(), "These values will be used:".to_owned()];
    let name_width = review
        .values
        .iter()
        .map(|(key, ..)| key.title().chars().count())
        .max()
        .unwrap_or(0);
    let value_width = review
        .values
        .iter()
        .map(|(_, value, _)| value.chars().count())
        .max()
        .unwrap_or(0)
        .min(44);
    for (key, value, source) in &review.values {
        lines.push(format!("  {:name_width$}  {value:value_width$}  {source}", key.title()));
    }
    if !review.changes.is_empty() {
        lines.push(String::new());
        lines.push("This will change:".to_owned());
        for (info, sentences) in &review.changes {
            lines.extend(
                sentences
                    .iter()
                    .map(|sentence| format!("  {:2} {sentence}", list_mark(info))),
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

/// How a step has ended: one line, and with `-v` what the look saw.
pub fn end_lines(report: &StepReport, steps: usize, screen: Screen) -> Vec<String> {
    let info = report.info;
    let how = report.how().map_or("", |how| match how {
        crate::progress::How::Made => " (made)",
        crate::progress::How::Found => " (found)",
        crate::progress::How::Told => " (told)",
    });
    let is = clean(&report.finding.is);
    let mut lines = vec![format!(
        "{} {}: {}{how}: {is}",
        mark(info, steps),
        info.slug,
        screen.state(report.state)
    )];
    if screen.verbose >= 2 {
        let seen = &report.finding.evidence;
        lines.extend(
            seen.iter()
                .map(|(name, value)| format!("        {name}: {}", clean(value))),
        );
    }
    lines
}

/// What would be done, and with `-v` by which commands.
pub fn plan_lines(plan: &Plan, screen: Screen) -> Vec<String> {
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
