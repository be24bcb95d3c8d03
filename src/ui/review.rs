//! The review: everything that is about to happen, short enough for one screen, with the details one key away.

use console::Style;

use super::glossary;
use super::screen::Screen;
use super::text::aligned;
use crate::answers::Key;
use crate::aws::regions;
use crate::progress::{ResourceKind, Verb};
use crate::reconcile::{Change, Consent};
use crate::text::{clean, listed};
use crate::wizard::Review;

/// The kinds of a new resource, with the article, in the order of the sentence.
const KINDS: [(ResourceKind, &str); 7] = [
    (ResourceKind::Organization, "an organization"),
    (ResourceKind::User, "a user"),
    (ResourceKind::Group, "a group"),
    (ResourceKind::PermissionSet, "a permission set"),
    (ResourceKind::AccountAssignment, "an assignment"),
    (ResourceKind::CliProfile, "a profile"),
    (ResourceKind::Trail, "a CloudTrail trail with a bucket"),
];

/// Returns the lines of the review.
pub fn lines(review: &Review, screen: &Screen) -> Vec<String> {
    let heading = if review.problems.is_empty() {
        "Ready"
    } else {
        "Not ready yet"
    };
    let mut lines = vec![String::new(), screen.heading(heading), String::new()];
    lines.extend(summary(review).into_iter().map(|(name, value)| aligned(name, &value)));
    let done: Vec<&str> = review.done.iter().map(|(info, _)| info.short).collect();
    if !done.is_empty() {
        lines.push(aligned("Done already", &done.join(", ")));
    }
    for problem in &review.problems {
        lines.push(String::new());
        let sign = screen.encode("✘");
        let text = format!(
            "{sign} {} The steps after it wait. Press e to use another value.",
            clean(problem)
        );
        let red = Style::new().red();
        lines.extend(screen.paragraph(&text).iter().map(|line| screen.paint(line, &red)));
    }
    lines.push(String::new());
    lines.extend(changes(review).iter().flat_map(|line| screen.paragraph(line)));
    let consequences = consequences(review);
    if !consequences.is_empty() {
        lines.push(String::new());
        let yellow = Style::new().yellow();
        let consequences = consequences.iter().flat_map(|line| screen.paragraph(line));
        lines.extend(consequences.map(|line| screen.paint(&line, &yellow)));
    }
    lines.push(String::new());
    lines
}

/// The values that matter, as one line each.
fn summary(review: &Review) -> Vec<(&'static str, String)> {
    let value = |key| clean(review.value(key));
    let is_existing = |key| review.values.iter().any(|value| value.key == key && value.is_existing);
    let exists = |key| if is_existing(key) { " (already exists)" } else { "" };
    let mut rows = Vec::new();
    let region = value(Key::IdentityCenterRegion);
    if !region.is_empty() {
        let name = region.parse().ok().and_then(|region| regions::name_of(&region));
        let name = name.map_or_else(String::new, |name| format!(", {name}"));
        let is_enabled = review.done.iter().any(|(info, _)| info.number == 1);
        let note = if is_enabled || is_existing(Key::IdentityCenterRegion) {
            ""
        } else {
            " (can't be changed later)"
        };
        rows.push(("Region", format!("{region}{name}{note}")));
    }
    let parts = [Key::Username, Key::DisplayName, Key::Email].map(value);
    let user: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    rows.push(("User", format!("{}{}", user.join(" · "), exists(Key::Username))));
    let principal = match review.value(Key::AssignTo) {
        "user" => format!("user {}", value(Key::Username)),
        _ => format!("group {}", value(Key::Group)),
    };
    rows.push((
        "Access",
        format!(
            "{} for {principal} in {}",
            value(Key::PermissionSet),
            value(Key::Account)
        ),
    ));
    rows.push(("Sessions", duration(review.value(Key::SessionDuration))));
    let policy = review.value(Key::Policy);
    if policy != review.value(Key::PermissionSet) {
        rows.push(("Policy", clean(policy)));
    }
    rows.push((
        "AWS CLI",
        format!("profile \"{}\" in ~/.aws/config", value(Key::CliProfile)),
    ));
    rows
}

/// A session duration in words: `1 hour`.
fn duration(text: &str) -> String {
    match text.strip_suffix('h') {
        Some("1") => "1 hour".to_owned(),
        Some(hours) if hours.chars().all(|c| c.is_ascii_digit()) => format!("{hours} hours"),
        None if text.ends_with('m') => match text.split_once('h') {
            Some(("1", minutes)) => format!("1 hour {} minutes", clean(minutes.trim_end_matches('m'))),
            Some((hours, minutes)) => format!(
                "{} hours {} minutes",
                clean(hours),
                clean(minutes.trim_end_matches('m'))
            ),
            None => format!("{} minutes", clean(text.trim_end_matches('m'))),
        },
        _ => clean(text),
    }
}

/// What will be created and changed, and what the user will do.
fn changes(review: &Review) -> Vec<String> {
    let mut lines = Vec::new();
    let is_created = |kind: ResourceKind| {
        review
            .all_changes()
            .any(|change| change.kind == kind && change.verb == Verb::Create)
    };
    let created: Vec<String> = KINDS
        .into_iter()
        .filter(|(kind, _)| is_created(*kind))
        .map(|(_, words)| words.to_owned())
        .collect();
    if !created.is_empty() {
        lines.push(format!("idc-setup creates {}.", listed(&created)));
    }
    // Changes of what exists are never summed up.
    let is_update = |change: &&Change| match (change.verb, change.kind) {
        (Verb::Update, ResourceKind::PermissionSet) => !is_created(ResourceKind::PermissionSet),
        (Verb::Create, ResourceKind::GroupMembership) => !is_created(ResourceKind::Group),
        (Verb::Create, kind) => !KINDS.iter().any(|(known, _)| *known == kind),
        _ => true,
    };
    let enables = |change: &Change| change.kind == ResourceKind::PermissionSetsSwitch;
    if review.all_changes().any(enables) {
        lines.push("It also enables permission sets, which can't be undone.".to_owned());
    }
    let updates = review.all_changes().filter(is_update).filter(|change| !enables(change));
    lines.extend(updates.map(|change| format!("Also: {}", clean(&change.sentence))));
    let mut tasks: Vec<String> = Vec::new();
    for task in &review.tasks {
        let brief = task.brief.to_owned();
        if !brief.is_empty() && !tasks.contains(&brief) {
            tasks.push(brief);
        }
    }
    if !tasks.is_empty() {
        lines.push(format!("You {}.", listed(&tasks)));
    }
    lines
}

/// What can't be undone, or costs something.
fn consequences(review: &Review) -> Vec<String> {
    let mut lines = Vec::new();
    for change in review.all_changes() {
        let Consent::Named(consents) = &change.consent else {
            continue;
        };
        // The worst one first.
        lines.extend(consents.iter().rev().map(|consent| clean(&consent.stake)));
    }
    lines
}

/// Returns every value with its source, every change, and the difference in `~/.aws/config`.
pub fn detail_lines(review: &Review) -> Vec<String> {
    let mut lines = vec!["Values and where they come from:".to_owned()];
    let width = |of: &dyn Fn(&crate::wizard::ReviewedValue) -> usize| review.values.iter().map(of).max().unwrap_or(0);
    let name_width = width(&|value| value.key.title().chars().count());
    let value_width = width(&|value| value.value.chars().count()).min(34);
    for value in &review.values {
        let (name, source) = (value.key.title(), &value.source);
        lines.push(format!(
            "  {name:name_width$}  {:value_width$}  {source}",
            clean(&value.value)
        ));
    }
    lines.push(String::new());
    lines.push("Changes:".to_owned());
    lines.extend(
        review
            .all_changes()
            .map(|change| format!("  {}", clean(&change.sentence))),
    );
    for change in review.all_changes() {
        if let Consent::File { path, diff } = &change.consent {
            lines.push(String::new());
            lines.push(format!("In {path} (every other byte stays as it is):"));
            let shown = diff
                .lines()
                .filter(|line| !line.starts_with("---") && !line.starts_with("+++"));
            lines.extend(shown.map(|line| format!("  {}", clean(line))));
        }
    }
    for (info, summary) in &review.done {
        lines.push(format!("  {}: {}", info.short, clean(summary)));
    }
    lines
}

/// Returns what the keys do, and the terms.
pub fn help_lines() -> Vec<String> {
    let keys = [
        ("y, Enter", "start. Before that, nothing in AWS and no file is changed"),
        ("e", "change one of the values; the review comes again"),
        ("d", "show every value with its source, and every change"),
        ("a", "show the AWS CLI commands that do the same"),
        ("b", "go back to the last question"),
        ("q", "end here; nothing is changed"),
    ];
    let keys = keys.map(|(key, what)| format!("  {key:9} {what}"));
    let terms = ["", "Terms:"].map(str::to_owned);
    keys.into_iter().chain(terms).chain(glossary::all_lines()).collect()
}

/// Returns the commands that are equivalent to the changes of a review.
pub fn command_lines(review: &Review) -> Vec<String> {
    let first = "For reading. Words in capitals stand for values that are known during the run.".to_owned();
    let commands = review.all_changes().map(|change| format!("  {}", change.command));
    [first, String::new()].into_iter().chain(commands).collect()
}
