//! What people should know besides the changes: dates, accounts that are skipped, and what is ignored.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Span;
use jiff::civil::Date;

use super::change::NoteKind;
use super::draft::Draft;
use super::inputs::Inputs;
use super::own::changes_permissions;
use crate::access::desired::AssignmentName;
use crate::access::file::{Pattern, PatternKind};
use crate::access::guards::Patterns;
use crate::access::mistake::{Located, Place};
use crate::ids::AccountId;
use crate::text::few;

/// An assignment is noted from this number of days before its `until` on.
const DAYS_BEFORE_END: i64 = 14;

/// The most permission sets that a note names, so that it can be read to its end.
const MOST_NAMES: usize = 5;

/// Assignments that end on the same day and that the same line asks for.
#[derive(Default)]
struct Ending<'a> {
    count: usize,
    first: Option<&'a AssignmentName>,
}

/// Writes the notes.
pub(super) fn plan(inputs: &Inputs<'_>, draft: &mut Draft) {
    not_owned(inputs, draft);
    inactive_accounts(inputs, draft);
    management_account(inputs, draft);
    expired(inputs, draft);
    ending_soon(inputs, draft);
    own_permissions(inputs, draft);
    unmatched_patterns(inputs, draft);
    if !inputs.observed.reads_every_pair {
        let text = "Assignments of deleted users and groups are only complete with --thorough.";
        draft.note(NoteKind::MayBeIncomplete, text.to_owned(), None);
    }
    for (subject, count) in std::mem::take(&mut draft.ignored) {
        let text = format!(
            "{subject} is ignored: {} not changed.",
            counted(count, "difference", "is", "are")
        );
        draft.note(NoteKind::Ignored, text, None);
    }
}

/// The permission sets that are as the file says, and that it does not own.
fn not_owned(inputs: &Inputs<'_>, draft: &mut Draft) {
    let commands = &inputs.options.commands;
    for (owner, sets) in std::mem::take(&mut draft.not_owned) {
        let (subject, be, them) = match sets.len() {
            1 => ("The permission set", "is", "it"),
            _ => ("The permission sets", "are", "them"),
        };
        let names: Vec<&str> = sets.keys().map(String::as_str).collect();
        let what = format!("{subject} {} {be} equal to the file", few(&names, MOST_NAMES));
        let text = match owner {
            Some(owner) => format!(
                "{what}, and owned by the access file {owner}. If you renamed this file, run {}.",
                commands.adopt_from(&owner)
            ),
            None => format!(
                "{what}, and not owned: assignments that the file does not list are not noticed. To own {them}, run {}.",
                commands.adopt
            ),
        };
        let place = sets.values().next().filter(|_| sets.len() == 1);
        draft.note(NoteKind::NotOwned, text, place);
    }
}

/// The accounts that selectors match, and those where assignments stay.
fn inactive_accounts(inputs: &Inputs<'_>, draft: &mut Draft) {
    let left = std::mem::take(&mut draft.inactive);
    let accounts: BTreeSet<&AccountId> = inputs.desired.skipped_accounts.iter().chain(left.keys()).collect();
    for account in accounts {
        let observed = inputs.observed.accounts.all.get(account);
        let state = observed.map(|observed| observed.state.as_str());
        let what = format!(
            "The account {} is {} and was skipped",
            inputs.lookup.account_text(account),
            state.unwrap_or("not active")
        );
        let text = match left.get(account) {
            Some(left) => format!("{what}; {} there.", counted(left.len(), "assignment", "stays", "stay")),
            None => format!("{what}."),
        };
        draft.note(NoteKind::SkippedAccount, text, None);
    }
}

/// The lines whose selectors match the management account and do not name it.
fn management_account(inputs: &Inputs<'_>, draft: &mut Draft) {
    let Some(management) = &inputs.observed.accounts.management else {
        return;
    };
    let lines = &inputs.desired.without_management;
    let (matching, place) = match lines.len() {
        0 => return,
        1 => ("a selector".to_owned(), lines.first()),
        count => (format!("selectors in {count} [[assignment]] tables"), None),
    };
    let text = format!(
        "The management account {} matches {matching} and was skipped. To include it, add management or its ID.",
        inputs.lookup.account_text(management)
    );
    draft.note(NoteKind::SkippedAccount, text, place);
}

/// The lines that have reached their `until`.
fn expired(inputs: &Inputs<'_>, draft: &mut Draft) {
    let mut lines: BTreeMap<(&Place, Date), usize> = BTreeMap::new();
    for (name, expired) in &inputs.desired.expired {
        let key = inputs.lookup.assignment(name);
        let exists = key.is_some_and(|key| inputs.observed.assignments.contains(&key));
        *lines.entry((&expired.place, expired.until)).or_default() += usize::from(exists);
    }
    for ((place, until), count) in lines {
        let text = match count {
            0 => format!("Access ended on {until}; the [[assignment]] can be removed from the file."),
            count => format!(
                "Access ended on {until}; {}.",
                counted(count, "assignment", "still exists", "still exist")
            ),
        };
        draft.note(NoteKind::Expired, text, Some(place));
    }
}

/// The lines that reach their `until` soon.
fn ending_soon(inputs: &Inputs<'_>, draft: &mut Draft) {
    let last = inputs.today.saturating_add(Span::new().days(DAYS_BEFORE_END));
    let mut lines: BTreeMap<(Option<&Place>, Date), Ending<'_>> = BTreeMap::new();
    for (name, assignment) in &inputs.desired.assignments {
        if let Some(until) = assignment.until
            && until <= last
        {
            let ending = lines.entry((assignment.places.first(), until)).or_default();
            ending.count += 1;
            ending.first = ending.first.or(Some(name));
        }
    }
    for ((place, until), ending) in lines {
        let Some(first) = ending.first else { continue };
        let one = format!(
            "{} with {} in {}",
            first.principal,
            first.permission_set,
            inputs.lookup.account_text(&first.account)
        );
        let text = match ending.count {
            1 => format!("Access ends on {until}: {one}."),
            count => format!("Access ends on {until} for {count} assignments, such as {one}."),
        };
        draft.note(NoteKind::ExpiresSoon, text, place);
    }
}

/// Whether the plan changes the permissions that the caller works with.
fn own_permissions(inputs: &Inputs<'_>, draft: &mut Draft) {
    let Some(caller) = &inputs.options.caller else { return };
    let own = draft
        .permission_sets
        .iter()
        .find(|change| changes_permissions(&change.action, &caller.permission_set));
    if let Some(place) = own.map(|change| change.place.clone()) {
        let text = format!(
            "You are signed in with {}, which this plan changes.",
            caller.permission_set
        );
        draft.note(NoteKind::OwnPermissions, text, place.as_ref());
    }
}

/// The patterns that match nothing that exists or that the file lists. What is protected may not exist yet.
fn unmatched_patterns(inputs: &Inputs<'_>, draft: &mut Draft) {
    let guard = &inputs.desired.guard;
    for (key, patterns) in [("protect", &guard.protect), ("ignore", &guard.ignore)] {
        for pattern in patterns.iter().filter(|pattern| !is_matched(inputs, pattern)) {
            let text = format!("{key}: {} matches nothing.", pattern.value);
            draft.note(NoteKind::UnmatchedPattern, text, Some(&pattern.place));
        }
    }
}

fn is_matched(inputs: &Inputs<'_>, pattern: &Located<Pattern>) -> bool {
    let (desired, observed) = (inputs.desired, inputs.observed);
    let patterns = Patterns::new(std::slice::from_ref(pattern), &observed.accounts);
    match pattern.value.kind {
        PatternKind::User => {
            let existing = observed.users.values().map(|user| &user.name);
            existing.chain(desired.users.keys()).any(|name| patterns.user(name))
        }
        PatternKind::Group => {
            let existing = observed.groups.values().map(|group| &group.name);
            existing.chain(desired.groups.keys()).any(|name| patterns.group(name))
        }
        PatternKind::PermissionSet => {
            let existing = observed.permission_sets.values().map(|set| &set.name);
            let mut names = existing.chain(desired.permission_sets.keys());
            names.any(|name| patterns.permission_set(name))
        }
        PatternKind::Account => observed.accounts.all.keys().any(|id| patterns.account(id)),
    }
}

/// `1 assignment stays`, `2 assignments stay`
fn counted(count: usize, noun: &str, singular: &str, plural: &str) -> String {
    match count {
        1 => format!("1 {noun} {singular}"),
        _ => format!("{count} {noun}s {plural}"),
    }
}
