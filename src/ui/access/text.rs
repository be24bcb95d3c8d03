//! Plans, drift and explanations as text, in sections that fit a screen unless everything is wanted.

use std::time::Duration;

use console::Style;

use super::counts::{self, Verb};
use super::failures::{self, MOST_EXAMPLES};
use super::grants::{self, ByPerson};
use super::notes::{self, Shown};
use super::policies::PolicyDiff;
use super::tasks::Tasks;
use super::view::PlanView;
use super::words;
use crate::access::apply::Outcome;
use crate::access::drift::{Drift, DriftKind};
use crate::access::mistake::Mistake;
use crate::access::plan::{Action, Change, Note, Plan, Refusal, RefusalReason};
use crate::resources::inventory::Accounts;
use crate::text::{clean, few, listed};
use crate::ui::screen::Screen;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Nothing in particular.
    None,
    /// Something that most people can leave unread.
    Dim,
    /// It begins a section.
    Heading,
    /// Something is created.
    Create,
    /// Something is changed.
    Change,
    /// Something is deleted.
    Delete,
    /// Something differs and is not changed.
    Refused,
    /// A link, which is never wrapped.
    Link,
}

/// A line of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub sign: Sign,
    /// The columns before it.
    pub indent: usize,
    /// The text.
    pub text: String,
}

/// The most lines of the sections, unless everything is wanted.
const MOST_PEOPLE: usize = 10;
const MOST_GRANTS: usize = 12;
const MOST_ACCOUNTS: usize = 6;
const MOST_UNPRUNED: usize = 6;
const MOST_DRIFT: usize = 6;
const MOST_REFUSALS: usize = 8;
const MOST_NOTES: usize = 5;
/// The most accounts in one line.
const MOST_IN_LINE: usize = 3;

fn line(sign: Sign, indent: usize, text: impl Into<String>) -> Line {
    Line {
        sign,
        indent,
        text: text.into(),
    }
}

fn sign_of(change: &Change) -> Sign {
    match Verb::of(change) {
        Verb::Create => Sign::Create,
        Verb::Change => Sign::Change,
        Verb::Delete => Sign::Delete,
    }
}

/// Limits a section to its most important lines.
fn capped(mut lines: Vec<Line>, most: usize, everything: bool) -> Vec<Line> {
    if everything || lines.len() <= most {
        return lines;
    }
    let more = lines.len() - (most - 1);
    lines.truncate(most - 1);
    lines.push(line(Sign::None, 2, format!("… and {more} more (-v shows them)")));
    lines
}

/// Adds a section, if it has lines.
fn section(all: &mut Vec<Line>, heading: &str, lines: Vec<Line>) {
    if !lines.is_empty() {
        all.push(line(Sign::None, 0, ""));
        all.push(line(Sign::Heading, 0, heading));
        all.extend(lines);
    }
}

/// The lines of a plan. Without `everything`, long sections are summarized.
pub fn plan(view: &PlanView, everything: bool) -> Vec<Line> {
    let plan = view.plan;
    let mut all = head(view);
    section(
        &mut all,
        "Refused",
        capped(refusals(&plan.refusals), MOST_REFUSALS, everything),
    );
    section(&mut all, "People and permission sets", items(&plan.changes, everything));
    let people = grants::by_person(&plan.changes);
    let accounts = &view.inventory.accounts;
    section(
        &mut all,
        "Access by user and group",
        by_person(&people, accounts, everything),
    );
    section(&mut all, "Access by account", by_account(view, everything));
    let unpruned = final_first(&plan.unpruned).into_iter();
    let unpruned = unpruned.map(|change| line(sign_of(change), 2, words::entry(&change.action, accounts)));
    section(
        &mut all,
        kept_title(plan),
        capped(unpruned.collect(), MOST_UNPRUNED, everything),
    );
    section(
        &mut all,
        "Notes",
        note_lines(&notes::shown(plan, everything), everything),
    );
    // People decide about all of it, so nothing is left out.
    let kept = notes::kept(plan).into_iter();
    let kept = kept.map(|kept| line(Sign::Refused, 2, format!("{}{}", kept.text, words::at(kept.place))));
    section(&mut all, "Access that stays, even with --prune", kept.collect());
    all
}

/// The lines of refusals, each with what to do about it.
fn refusals(refusals: &[Refusal]) -> Vec<Line> {
    let lines = refusals.iter().flat_map(|refusal| {
        let what = format!("{}{}", refusal.what, words::at(refusal.place.as_ref()));
        let suggestion = Some(&refusal.suggestion).filter(|text| !text.is_empty());
        let suggestion = suggestion.map(|text| line(Sign::None, 4, text));
        std::iter::once(line(Sign::Refused, 2, what)).chain(suggestion)
    });
    lines.collect()
}

fn note_lines(notes: &[Shown<'_>], everything: bool) -> Vec<Line> {
    let lines = notes.iter().map(|note| {
        let sign = if note.is_minor { Sign::Dim } else { Sign::None };
        line(sign, 2, format!("· {}{}", note.text, words::at(note.place)))
    });
    capped(lines.collect(), MOST_NOTES, everything)
}

/// The title of the deletions that a plan does not make.
pub fn kept_title(plan: &Plan) -> &'static str {
    if refuses_deletions(plan) {
        "Kept: more deletions than allowed"
    } else {
        "Deleted only with --prune"
    }
}

/// Whether a plan refuses all deletions because there are too many.
pub fn refuses_deletions(plan: &Plan) -> bool {
    let mut refusals = plan.refusals.iter();
    refusals.any(|refusal| refusal.reason == RefusalReason::TooManyDeletes)
}

/// The name, the assumptions, and the counts.
fn head(view: &PlanView) -> Vec<Line> {
    let plan = view.plan;
    let mut lines = vec![line(Sign::Heading, 0, format!("Access plan: {}", view.name))];
    lines.extend(view.assumptions.iter().map(|text| line(Sign::None, 2, text)));
    if plan.is_empty() {
        let text = match plan.unchanged {
            0 => "Nothing to do.".to_owned(),
            count => format!("Nothing to do: {} as the file says.", are(count)),
        };
        lines.push(line(Sign::None, 2, text));
        return lines;
    }
    for (verb, sign) in [
        (Verb::Create, Sign::Create),
        (Verb::Change, Sign::Change),
        (Verb::Delete, Sign::Delete),
    ] {
        let text = counts::text(counts::of(&plan.changes, verb));
        if !text.is_empty() {
            lines.push(line(sign, 2, text));
        }
    }
    let unchanged = (plan.unchanged > 0).then(|| format!("{} as the file says.", are(plan.unchanged)));
    let estimate = (!plan.changes.is_empty()).then(|| format!("Applying takes {}.", estimate(view)));
    let texts: Vec<String> = unchanged.into_iter().chain(estimate).collect();
    if !texts.is_empty() {
        lines.push(line(Sign::None, 2, texts.join(" ")));
    }
    if let Some(text) = not_made(plan.not_made) {
        lines.push(line(Sign::Refused, 2, text));
    }
    lines
}

/// The assignments that are not made because of refusals, as a sentence.
pub fn not_made(count: usize) -> Option<String> {
    let verb = if count == 1 { "is" } else { "are" };
    (count > 0).then(|| {
        format!(
            "{} {verb} not made: see what is refused.",
            words::counted(count, "assignment")
        )
    })
}

/// `1 item is`, `2 items are`.
pub fn are(count: usize) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", words::counted(count, "item"))
}

/// `about 12 seconds`. An estimate, since AWS does not publish how long it takes for an assignment.
pub fn estimate(view: &PlanView) -> String {
    format!("about {}", words::rough_time(view.duration))
}

fn items(changes: &[Change], everything: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for change in changes {
        let Some(item) = words::item(&change.action) else {
            continue;
        };
        lines.push(line(sign_of(change), 2, item));
        let is_shown = everything || matches!(change.action, Action::UpdatePermissionSet { .. });
        if let Some(diff) = PolicyDiff::of(change).filter(|_| is_shown) {
            lines.extend(policy(&diff, everything));
        }
    }
    capped(lines, MOST_PEOPLE, everything)
}

/// The difference of an inline policy, or how long it is.
fn policy(diff: &PolicyDiff, everything: bool) -> Vec<Line> {
    if everything {
        let text = diff.text();
        return text.lines().map(|text| line(Sign::None, 6, text)).collect();
    }
    let text = format!("inline policy: {} (-v shows the difference)", diff.counts());
    vec![line(Sign::None, 6, text)]
}

fn by_person(people: &ByPerson, accounts: &Accounts, everything: bool) -> Vec<Line> {
    let rows: usize = people.values().map(|sets| sets.len() + 1).sum();
    let is_long = rows > MOST_GRANTS && !everything;
    let mut lines = Vec::new();
    if is_long {
        let given = grants::summary(people, false).map(|text| line(Sign::Create, 2, text));
        let taken = grants::summary(people, true).map(|text| line(Sign::Delete, 2, text));
        lines.extend(given.into_iter().chain(taken));
    }
    for (who, sets) in people {
        if is_long {
            let count = |is_taken: bool| {
                let own = sets.iter().filter(|(set, _)| set.is_taken == is_taken);
                own.map(|(_, accounts)| accounts.len()).sum::<usize>()
            };
            let balance = grants::Balance {
                accounts: 0,
                given: count(false),
                taken: count(true),
            };
            lines.push(line(Sign::None, 2, format!("{who}  {}", balance.text())));
            continue;
        }
        lines.push(line(Sign::None, 2, who));
        for (set, in_accounts) in sets {
            let sign = if set.is_taken { Sign::Delete } else { Sign::Create };
            let most = if everything { in_accounts.len() } else { MOST_IN_LINE };
            let names = words::by_name(accounts, in_accounts).into_iter();
            let names: Vec<String> = names.map(|id| accounts.text(id)).collect();
            let text = format!("{} in {}", set.permission_set, few(&names, most));
            lines.push(line(sign, 4, text));
        }
    }
    capped(lines, MOST_GRANTS, everything)
}

fn by_account(view: &PlanView, everything: bool) -> Vec<Line> {
    let known = &view.inventory.accounts;
    let balances = grants::by_account(&view.plan.changes);
    let is_long = balances.len() > MOST_ACCOUNTS && !everything;
    let units = is_long.then(|| grants::by_unit(&view.plan.changes, view.inventory));
    let lines: Vec<Line> = if let Some(units) = units.flatten() {
        let rows = units.iter().map(|(unit, balance)| {
            let count = words::counted(balance.accounts, "account");
            line(Sign::None, 2, format!("{unit}: {count}  {}", balance.text()))
        });
        rows.collect()
    } else {
        let ids = words::by_name(known, balances.keys()).into_iter();
        let rows = ids.map(|id| {
            let account = known.text(id);
            line(Sign::None, 2, format!("{account}  {}", balances[id].text()))
        });
        rows.collect()
    };
    capped(lines, MOST_ACCOUNTS, everything)
}

/// The lines of drift that is not looked for, because something is refused.
pub fn refused_drift(name: &str, plan: &Plan) -> Vec<Line> {
    let mut all = vec![line(Sign::Heading, 0, drift_title(name))];
    section(&mut all, "Refused", refusals(&plan.refusals));
    all
}

fn drift_title(name: &str) -> String {
    format!("Drift: {name}")
}

/// The lines of drift, by kind. Without `everything`, long lists are cut, and differences of policies are only counted.
pub fn drift(name: &str, drift: &[Drift], about: &[Note], everything: bool) -> Vec<Line> {
    let mut all = vec![line(Sign::Heading, 0, drift_title(name))];
    if drift.is_empty() {
        all.push(line(
            Sign::None,
            2,
            "No drift: everything that the file owns is as it says.",
        ));
    }
    let of = |kind: DriftKind, sign: Sign| {
        let own = drift.iter().filter(|drift| drift.kind == kind);
        let lines = own.flat_map(|drift| {
            let text = format!("{}{}", drift.text, words::at(drift.place.as_ref()));
            let diff = PolicyDiff::of_drift(drift);
            let diff = diff.map(|diff| policy(&diff, everything)).unwrap_or_default();
            std::iter::once(line(sign, 2, text)).chain(diff)
        });
        capped(lines.collect(), MOST_DRIFT, everything)
    };
    let changed = of(DriftKind::Changed, Sign::Change);
    section(&mut all, "Changed by somebody else, or not applied yet", changed);
    let outdated = of(DriftKind::NotProvisioned, Sign::Change);
    section(&mut all, "Edited, but not provisioned", outdated);
    let gone = of(DriftKind::Gone, Sign::Delete);
    section(&mut all, "Assigned to what no longer exists", gone);
    section(&mut all, "Notes", note_lines(&notes::all(about), everything));
    all
}

/// The lines about what was applied. The first failure for each reason was shown before if `is_shown`.
pub fn outcome(outcome: &Outcome, took: Duration, accounts: &Accounts, is_shown: bool) -> Vec<Line> {
    let made = failures::made(outcome);
    let time = words::rough_time(took);
    let requests = words::requests(outcome);
    let stopped = if outcome.stopped { "Stopped. " } else { "" };
    let mut all = vec![line(
        Sign::Heading,
        0,
        format!("{stopped}{made} made in {time} ({requests})."),
    )];
    all.extend(failures::done(outcome).map(|text| line(Sign::None, 2, text)));
    let mut shown = 0;
    for group in failures::by_reason(outcome) {
        let sentences = group.changes.iter();
        let mut sentences = sentences.map(|change| words::sentence(&change.action, accounts));
        match group.changes.len() {
            1 if is_shown => shown += 1,
            1 => {
                let what = sentences.next().unwrap_or_default();
                all.push(line(Sign::Refused, 2, format!("Failed: {what}")));
                all.push(line(Sign::None, 4, group.reason));
            }
            count => {
                all.push(line(
                    Sign::Refused,
                    2,
                    format!("{count} changes failed: {}", group.reason),
                ));
                all.extend(sentences.take(MOST_EXAMPLES).map(|what| line(Sign::None, 4, what)));
                if count > MOST_EXAMPLES {
                    let more = words::counted(count - MOST_EXAMPLES, "more change");
                    all.push(line(Sign::None, 4, format!("… and {more}")));
                }
            }
        }
    }
    if shown > 0 {
        let count = words::counted(shown, "change");
        all.push(line(Sign::Refused, 2, format!("{count} failed; see above.")));
    }
    let left = failures::not_begun(outcome)
        .into_iter()
        .chain(failures::in_progress(outcome));
    all.extend(left.map(|text| line(Sign::None, 2, text)));
    all
}

/// The lines about what is left for people.
pub fn tasks(tasks: &Tasks, everything: bool) -> Vec<Line> {
    let mut all = Vec::new();
    let (Some(heading), Some(path)) = (tasks.heading(), tasks.path()) else {
        return all;
    };
    all.push(line(Sign::None, 0, ""));
    all.push(line(Sign::Heading, 0, heading));
    all.push(line(Sign::None, 2, format!("Where: {path}")));
    for task in tasks.shown(everything) {
        all.push(line(Sign::None, 2, &task.what));
        all.extend(tasks.page(task).map(|url| line(Sign::Link, 4, url)));
    }
    all.extend(tasks.more(everything).map(|text| line(Sign::None, 2, text)));
    all.extend(tasks.note().map(|text| line(Sign::None, 2, text)));
    all
}

/// How much is created and how much is changed, for a question: `+ 3 users, 1 group`. The plan above it can be longer than
/// the screen.
pub fn creations_and_changes(changes: &[Change]) -> Vec<String> {
    let counts = [(Verb::Create, "+"), (Verb::Change, "~")].into_iter();
    counts
        .map(|(verb, sign)| (sign, counts::text(counts::of(changes, verb))))
        .filter(|(_, text)| !text.is_empty())
        .map(|(sign, text)| format!("{sign} {text}"))
        .collect()
}

/// What an action does to how many things, for a question: `Delete 2 assignments and 1 permission set`.
pub fn deletions(changes: &[Change]) -> String {
    let text = counts::text(counts::of(changes, Verb::Delete));
    let parts: Vec<String> = text.split(", ").map(str::to_owned).collect();
    format!("Delete {}", listed(&parts))
}

/// Whether a change deletes a user or a group, which cannot be brought back.
pub fn is_final(change: &Change) -> bool {
    matches!(change.action, Action::DeleteUser { .. } | Action::DeleteGroup { .. })
}

/// The changes, with those first that cannot be brought back: a long list is cut at its end.
pub fn final_first(changes: &[Change]) -> Vec<&Change> {
    let (mut first, others): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| is_final(change));
    first.extend(others);
    first
}

/// Prints lines to stdout.
pub fn print(screen: &Screen, lines: &[Line]) {
    for line in lines {
        match line.sign {
            Sign::Link => screen.unwrapped_result(&painted(screen, line)),
            _ => screen.raw_result(&painted(screen, line)),
        }
    }
}

/// Prints lines to stderr, where stdout is for programs.
pub fn talk(screen: &Screen, lines: &[Line]) {
    for line in lines {
        screen.raw(&painted(screen, line));
    }
}

fn painted(screen: &Screen, line: &Line) -> String {
    let indent = " ".repeat(line.indent);
    let text = clean(&line.text);
    let signed = |sign: &str, style: Style| format!("{indent}{} {text}", screen.paint(sign, &style));
    match line.sign {
        Sign::None | Sign::Link => format!("{indent}{text}"),
        Sign::Dim => format!("{indent}{}", screen.paint(&text, &Style::new().dim())),
        Sign::Heading => format!("{indent}{}", screen.heading(&text)),
        Sign::Create => signed("+", Style::new().green()),
        Sign::Change => signed("~", Style::new().yellow()),
        Sign::Delete => signed("-", Style::new().red()),
        Sign::Refused => signed("!", Style::new().red().bold()),
    }
}

/// Prints the mistakes in access files to stderr, each with its place and a suggestion, and a sentence after them.
pub fn print_mistakes(screen: &Screen, mistakes: &[Mistake], last: Option<&str>) {
    let mark = if screen.talk_width.is_some() { "✘" } else { "error:" };
    let mark = screen.paint(mark, &Style::new().red().bold());
    screen.raw(&format!("{mark} {}", mistakes_sentence(mistakes)));
    for mistake in mistakes {
        screen.warn(&format!("  {}: {}", mistake.place, mistake.message));
        screen.warn(&format!("    {}", mistake.suggestion));
    }
    if let Some(last) = last {
        screen.warn(&format!("  {last}"));
    }
}

/// `The access file has 2 mistakes.`
pub fn mistakes_sentence(mistakes: &[Mistake]) -> String {
    format!("The access file has {}.", words::counted(mistakes.len(), "mistake"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MembershipKey;

    #[test]
    fn a_long_section_says_how_many_lines_are_left_out() {
        let lines: Vec<Line> = (0..20).map(|n| line(Sign::Create, 2, n.to_string())).collect();
        let short = capped(lines.clone(), 5, false);
        assert_eq!(short.len(), 5);
        assert_eq!(short[4].text, "… and 16 more (-v shows them)");
        assert_eq!(capped(lines.clone(), 5, true), lines);
        assert_eq!(capped(lines.clone(), 20, false), lines);
    }

    #[test]
    fn deletions_of_users_and_groups_come_first() {
        let change = |action: Action| Change { action, place: None };
        let membership = change(Action::RemoveMember {
            id: "membership".parse().unwrap(),
            key: MembershipKey {
                group: "group".parse().unwrap(),
                user: "user".parse().unwrap(),
            },
            group: "devs".to_owned(),
            user: "ada".to_owned(),
        });
        let group = change(Action::DeleteGroup {
            id: "group".parse().unwrap(),
            name: "devs".to_owned(),
        });
        let user = change(Action::DeleteUser {
            id: "user".parse().unwrap(),
            name: "ada".to_owned(),
        });
        let changes = [membership.clone(), group.clone(), user.clone()];
        assert_eq!(final_first(&changes), [&group, &user, &membership]);
    }

    #[test]
    fn a_name_cannot_begin_a_line() {
        let screen = Screen::default();
        let shown = painted(&screen, &line(Sign::Create, 2, "user a\n- user b\u{1b}[2J"));
        assert_eq!(shown, "  + user a - user b\u{fffd}[2J");
    }
}
