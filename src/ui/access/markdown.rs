//! What the commands print as a comment for a pull request. No name can format the comment, mention a person or add a link:
//! names are in code, and so is each word of other text that could have a meaning in Markdown. What is in code can be copied.

use std::fmt::Write as _;
use std::time::Duration;

use super::counts::{self, THINGS, Verb};
use super::explain;
use super::failures::{self, MOST_EXAMPLES};
use super::grants;
use super::notes::{self, Shown};
use super::policies::PolicyDiff;
use super::tasks::Tasks;
use super::text::{are, estimate, final_first, not_made, refuses_deletions};
use super::view::PlanView;
use super::words;
use crate::access::apply::Outcome;
use crate::access::drift::{Drift, DriftKind};
use crate::access::explain::Way;
use crate::access::mistake::{Mistake, Place};
use crate::access::plan::{Change, Note, Plan, Refusal};
use crate::access::remove::Removal;
use crate::ids::AccountId;
use crate::resources::inventory::{Accounts, account_text};
use crate::text::clean;

/// The most rows of a table, since the length of a comment is limited.
const MOST_ROWS: usize = 50;
/// The most accounts in a cell.
const MOST_IN_CELL: usize = 10;

/// A name as code, which can stand in a table.
pub fn code(text: &str) -> String {
    let text = clean(text).replace('|', "\\|");
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    // Of a space at both ends, Markdown removes one, so that a name can begin with a backtick.
    let space = if longest > 0 || text.trim().is_empty() { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Text that formats, mentions and links nothing: each word in which a character could have a meaning in Markdown or HTML is
/// in code, without the punctuation around it.
pub fn escaped(text: &str) -> String {
    let text = clean(text);
    let all: Vec<&str> = text.split_whitespace().collect();
    let mut rest = &all[..];
    let mut words: Vec<String> = Vec::new();
    while let Some(word) = rest.first() {
        let (own, others) = rest.split_at(code_length(rest));
        words.push(if own.is_empty() {
            escaped_word(word)
        } else {
            code_of(&own.join(" "))
        });
        rest = if own.is_empty() { &rest[1..] } else { others };
    }
    words.join(" ")
}

/// The number of words that are code together: `key = "value"`, or `--flag 6`. Zero for a word on its own.
fn code_length(words: &[&str]) -> usize {
    match words {
        [_, "=", value, rest @ ..] => {
            // A value in quotes can have spaces.
            let is_open = value.starts_with('"') && value.matches('"').count() == 1;
            let end = rest.iter().position(|word| word.contains('"')).filter(|_| is_open);
            end.map_or(3, |end| 4 + end)
        }
        [flag, value, ..] if flag.trim_start_matches('(').starts_with("--") => {
            let number = value.trim_end_matches(['.', ',', ';', ':', ')']);
            let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
            if is_number { 2 } else { 0 }
        }
        _ => 0,
    }
}

/// Several words as code, without the punctuation around them.
fn code_of(words: &str) -> String {
    let start = words.trim_start_matches('(');
    let core = start.trim_end_matches(['.', ',', ';', ':', ')', '?']);
    let before = &words[..words.len() - start.len()];
    format!("{before}{}{}", code(core), &start[core.len()..])
}

/// A word, in code if a character in it could have a meaning.
fn escaped_word(word: &str) -> String {
    let start = word.trim_start_matches(['(', '"']);
    let core = start.trim_end_matches(['.', ',', ';', ':', ')', '?', '"']);
    if core.chars().all(is_plain) && !is_address(core) {
        return word.to_owned();
    }
    let before = &word[..word.len() - start.len()];
    let after = &start[core.len()..];
    format!("{before}{}{after}", code(core))
}

/// Whether a character has no meaning in Markdown and HTML, wherever it stands in a word.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() || "-/.,;'()\"%=?+".contains(c)
}

/// Whether GitHub makes a link of the word, or a mark of a list at the beginning of a text.
fn is_address(word: &str) -> bool {
    let lower = word.to_lowercase();
    lower.starts_with("www.") || word.starts_with(['-', '+', '=']) || lower.starts_with("gh-")
}

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" ({})", code(&place.to_string())))
}

/// A plan.
pub fn plan(view: &PlanView) -> String {
    let plan = view.plan;
    let mut page = format!("## Access plan: {}\n\n", code(view.name));
    for text in view.assumptions {
        let _ = writeln!(page, "{}\n", escaped(text));
    }
    if plan.is_empty() {
        let _ = match plan.unchanged {
            0 => writeln!(page, "**Nothing to do.**\n"),
            count => writeln!(page, "**Nothing to do**: {} as the file says.\n", are(count)),
        };
        add_notes(&mut page, &notes::shown(plan, false));
        add_kept(&mut page, plan);
        return page;
    }
    add_counts(&mut page, view);
    add_refusals(&mut page, &plan.refusals);
    add_items(&mut page, &plan.changes);
    add_policies(&mut page, plan.changes.iter().filter_map(PolicyDiff::of));
    add_people(&mut page, view);
    add_accounts(&mut page, view);
    if !plan.unpruned.is_empty() {
        page.push_str(if refuses_deletions(plan) {
            "### Kept: more deletions than allowed\n\n"
        } else {
            "### Deleted only with `--prune`\n\n"
        });
        let entries = final_first(&plan.unpruned).into_iter().map(|change| {
            let entry = words::entry(&change.action, &view.inventory.accounts);
            format!("{} {}", sign(change), escaped(&entry))
        });
        add_list(&mut page, &entries.collect::<Vec<_>>());
    }
    add_notes(&mut page, &notes::shown(plan, false));
    add_kept(&mut page, plan);
    page
}

fn add_refusals(page: &mut String, refusals: &[Refusal]) {
    if refusals.is_empty() {
        return;
    }
    page.push_str("### Refused\n\n");
    for refusal in refusals {
        let (what, place) = (escaped(&refusal.what), at(refusal.place.as_ref()));
        let _ = writeln!(page, "- **{what}**{place} {}", escaped(&refusal.suggestion));
    }
    page.push('\n');
}

fn add_counts(page: &mut String, view: &PlanView) {
    let plan = view.plan;
    if !plan.changes.is_empty() {
        let names = THINGS.map(|thing| format!("{}s", thing.name()));
        let _ = writeln!(page, "| | {} |", names.join(" | "));
        page.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
        for (verb, name) in [
            (Verb::Create, "create"),
            (Verb::Change, "change"),
            (Verb::Delete, "delete"),
        ] {
            let counts = counts::of(&plan.changes, verb);
            if counts.iter().any(|count| *count > 0) {
                let counts = counts.map(|count| if count == 0 { String::new() } else { count.to_string() });
                let _ = writeln!(page, "| {name} | {} |", counts.join(" | "));
            }
        }
        let _ = writeln!(page, "\nApplying takes {}.", estimate(view));
    }
    if plan.unchanged > 0 {
        let _ = writeln!(page, "{} as the file says.", are(plan.unchanged));
    }
    page.push('\n');
    if let Some(text) = not_made(plan.not_made) {
        let _ = writeln!(page, "**{text}**\n");
    }
}

/// A list of at most [`MOST_ROWS`] entries, which are escaped.
fn add_list(page: &mut String, entries: &[String]) {
    let more = entries.len().saturating_sub(MOST_ROWS);
    for entry in entries.iter().take(MOST_ROWS) {
        let _ = writeln!(page, "- {entry}");
    }
    if more > 0 {
        let _ = writeln!(page, "- … and {more} more");
    }
    page.push('\n');
}

fn sign(change: &Change) -> &'static str {
    match Verb::of(change) {
        Verb::Create => "`+`",
        Verb::Change => "`~`",
        Verb::Delete => "`-`",
    }
}

fn add_items(page: &mut String, changes: &[Change]) {
    let items: Vec<String> = changes
        .iter()
        .filter_map(|change| Some(format!("{} {}", sign(change), escaped(&words::item(&change.action)?))))
        .collect();
    if !items.is_empty() {
        page.push_str("### People and permission sets\n\n");
        add_list(page, &items);
    }
}

/// The differences of inline policies.
fn add_policies(page: &mut String, diffs: impl Iterator<Item = PolicyDiff>) {
    for diff in diffs {
        let (name, counts) = (escaped(&diff.permission_set), diff.counts());
        let _ = writeln!(page, "<details><summary>Inline policy of {name}: {counts}</summary>\n");
        add_diff(page, &diff.text());
        page.push_str("</details>\n\n");
    }
}

/// A difference. None of its lines can end the block that it is in.
fn add_diff(page: &mut String, diff: &str) {
    let lines: Vec<String> = diff.lines().map(clean).collect();
    let text = lines.join("\n");
    let fence = fence(&text);
    let _ = writeln!(page, "{fence}diff\n{text}\n{fence}\n");
}

/// More backticks than any line of a text begins with.
fn fence(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start_matches(['+', '-', ' ']));
    let longest = lines.map(|line| line.chars().take_while(|c| *c == '`').count()).max();
    "`".repeat(longest.unwrap_or_default().max(2) + 1)
}

fn add_people(page: &mut String, view: &PlanView) {
    let people = grants::by_person(&view.plan.changes);
    if people.is_empty() {
        return;
    }
    page.push_str("### Access by user and group\n\n");
    for is_taken in [false, true] {
        if let Some(summary) = grants::summary(&people, is_taken) {
            let _ = writeln!(page, "{summary}\n");
        }
    }
    page.push_str("| who | | permission set | accounts |\n| --- | --- | --- | --- |\n");
    let rows: Vec<String> = people
        .iter()
        .flat_map(|(who, sets)| sets.iter().map(move |(set, accounts)| (who, set, accounts)))
        .map(|(who, set, accounts)| {
            let sign = if set.is_taken { "`-`" } else { "`+`" };
            let ids = words::by_name(&view.inventory.accounts, accounts);
            let accounts = cell(&ids, &view.inventory.accounts);
            format!(
                "| {} | {sign} | {} | {accounts} |",
                code(who),
                code(&set.permission_set)
            )
        })
        .collect();
    add_rows(page, &rows, "| … | | {} more rows | |");
    page.push('\n');
}

/// Accounts in a cell of a table.
fn cell(ids: &[&AccountId], accounts: &Accounts) -> String {
    let more = ids.len().saturating_sub(MOST_IN_CELL);
    let mut names: Vec<String> = ids
        .iter()
        .take(MOST_IN_CELL)
        .map(|id| code(&accounts.text(id)))
        .collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// Rows of a table. `rest` is the last row if there are too many, with `{}` for how many are left out.
fn add_rows(page: &mut String, rows: &[String], rest: &str) {
    for row in rows.iter().take(MOST_ROWS) {
        let _ = writeln!(page, "{row}");
    }
    if rows.len() > MOST_ROWS {
        let count = (rows.len() - MOST_ROWS).to_string();
        let _ = writeln!(page, "{}", rest.replace("{}", &count));
    }
}

fn add_accounts(page: &mut String, view: &PlanView) {
    let accounts = grants::by_account(&view.plan.changes);
    if accounts.is_empty() {
        return;
    }
    let count = words::counted(accounts.len(), "account");
    let _ = writeln!(page, "<details><summary>Access by account ({count})</summary>\n");
    let known = &view.inventory.accounts;
    let ids = words::by_name(known, accounts.keys());
    let has_units = ids.iter().any(|id| grants::path_of(known, id).is_some());
    page.push_str(if has_units {
        "| account | organizational unit | given | taken |\n| --- | --- | ---: | ---: |\n"
    } else {
        "| account | given | taken |\n| --- | ---: | ---: |\n"
    });
    let rows: Vec<String> = ids
        .into_iter()
        .map(|id| {
            let (account, balance) = (code(&known.text(id)), &accounts[id]);
            let path = grants::path_of(known, id).map_or_else(String::new, |path| code(&path));
            let path = if has_units { format!(" {path} |") } else { String::new() };
            format!("| {account} |{path} {} | {} |", balance.given, balance.taken)
        })
        .collect();
    let rest = if has_units {
        "| … | {} more accounts | | |"
    } else {
        "| … {} more accounts | | |"
    };
    add_rows(page, &rows, rest);
    page.push_str("\n</details>\n\n");
}

fn add_notes(page: &mut String, notes: &[Shown<'_>]) {
    add_notes_below(page, "### Notes", notes);
}

/// The access that stays after users have left.
fn add_kept(page: &mut String, plan: &Plan) {
    add_notes_below(page, "### Access that stays, even with `--prune`", &notes::kept(plan));
}

fn add_notes_below(page: &mut String, heading: &str, notes: &[Shown<'_>]) {
    if !notes.is_empty() {
        let _ = writeln!(page, "{heading}\n");
        let notes = notes.iter();
        let notes = notes.map(|note| format!("{}{}", escaped(&note.text), at(note.place)));
        add_list(page, &notes.collect::<Vec<_>>());
    }
}

/// What was applied.
pub fn outcome(outcome: &Outcome, took: Duration, accounts: &Accounts) -> String {
    let stopped = if outcome.stopped { "Stopped. " } else { "" };
    let mut page = format!(
        "### Applied\n\n**{stopped}{} made in {}** ({}).\n\n",
        failures::made(outcome),
        words::rough_time(took),
        words::requests(outcome)
    );
    if let Some(text) = failures::done(outcome) {
        let _ = writeln!(page, "{text}\n");
    }
    for group in failures::by_reason(outcome) {
        let count = words::counted(group.changes.len(), "change");
        let _ = writeln!(page, "**{count} failed**: {}\n", escaped(group.reason));
        let examples = group.changes.iter().take(MOST_EXAMPLES);
        for change in examples {
            let _ = writeln!(page, "- {}", escaped(&words::sentence(&change.action, accounts)));
        }
        let more = group.changes.len().saturating_sub(MOST_EXAMPLES);
        if more > 0 {
            let _ = writeln!(page, "- … and {}", words::counted(more, "more change"));
        }
        page.push('\n');
    }
    for text in failures::not_begun(outcome)
        .into_iter()
        .chain(failures::in_progress(outcome))
    {
        let _ = writeln!(page, "{text}\n");
    }
    page
}

/// What is left for people.
pub fn tasks(tasks: &Tasks) -> String {
    let (Some(heading), Some(path)) = (tasks.heading(), tasks.path()) else {
        return String::new();
    };
    let mut page = format!("### {heading}\n\n{}\n\n", code(path));
    for task in &tasks.all {
        let url = tasks.page(task).map_or_else(String::new, |url| {
            let is_link = !url.contains(['<', '>', ' ']);
            if is_link {
                format!(" <{url}>")
            } else {
                format!(" {}", code(url))
            }
        });
        let _ = writeln!(page, "- {}{url}", escaped(&task.what));
    }
    if let Some(note) = tasks.note() {
        let _ = writeln!(page, "\n{note}");
    }
    page.push('\n');
    page
}

/// Drift that is not looked for, because something is refused.
pub fn refused_drift(name: &str, plan: &Plan) -> String {
    let mut page = drift_title(name);
    add_refusals(&mut page, &plan.refusals);
    page
}

fn drift_title(name: &str) -> String {
    format!("## Access drift: {}\n\n", code(name))
}

/// Drift.
pub fn drift(name: &str, drift: &[Drift], notes: &[Note]) -> String {
    let mut page = drift_title(name);
    if drift.is_empty() {
        page.push_str("**No drift**: everything that the file owns is as it says.\n\n");
        add_notes(&mut page, &notes::all(notes));
        return page;
    }
    page.push_str("| what | | line |\n| --- | --- | --- |\n");
    let rows: Vec<String> = drift
        .iter()
        .map(|drift| {
            let kind = match drift.kind {
                DriftKind::Changed => "changed by somebody else, or not applied yet",
                DriftKind::NotProvisioned => "edited, but not provisioned",
                DriftKind::Gone => "assigned to what no longer exists",
            };
            let place = drift.place.as_ref().map(|place| code(&place.to_string()));
            format!("| {} | {kind} | {} |", escaped(&drift.text), place.unwrap_or_default())
        })
        .collect();
    add_rows(&mut page, &rows, "| … | {} more rows | |");
    page.push('\n');
    add_policies(&mut page, drift.iter().filter_map(PolicyDiff::of_drift));
    add_notes(&mut page, &notes::all(notes));
    page
}

/// Every way in which a user or group gets access.
pub fn ways(who: &str, ways: &[Way]) -> String {
    let mut page = format!("## Access of {}\n\n", code(who));
    if ways.is_empty() {
        let _ = writeln!(page, "**No access**: {}.\n", explain::NO_WAYS);
        return page;
    }
    page.push_str("| account | permission set | through | | lines |\n| --- | --- | --- | --- | --- |\n");
    let rows: Vec<String> = ways.iter().map(way).collect();
    add_rows(&mut page, &rows, "| … | {} more rows | | | |");
    page.push('\n');
    page
}

/// A row of the table of [`ways`].
fn way(way: &Way) -> String {
    let account = account_text(&way.account, way.account_name.as_deref());
    let through = match &way.group {
        Some(group) => code(&format!("group {}", group.name)),
        None => "directly".to_owned(),
    };
    let lines = explain::reasons(way).into_iter().map(|reason| escaped(&reason));
    let lines: Vec<String> = lines.collect();
    format!(
        "| {} | {} | {through} | {} | {} |",
        code(&account),
        code(&way.permission_set),
        explain::state(way),
        lines.join("; ")
    )
}

/// What taking a user out of an access file changes, with the difference of each file.
pub fn removal(user: &str, removal: &Removal, diffs: &[String], is_written: bool) -> String {
    let state = if is_written { "Written." } else { "Not written." };
    let mut page = format!("## Access file without {}\n\n**{state}**\n\n", code(user));
    for diff in diffs {
        add_diff(&mut page, diff);
    }
    if !removal.kept.is_empty() {
        page.push_str("These lines stay:\n\n");
        let kept = removal.kept.iter();
        let kept = kept.map(|kept| format!("{}: {}", code(&kept.place.to_string()), escaped(&kept.value)));
        add_list(&mut page, &kept.collect::<Vec<_>>());
    }
    page
}

/// The mistakes in access files, and a sentence after them.
pub fn mistakes(mistakes: &[Mistake], last: Option<&str>) -> String {
    let count = words::counted(mistakes.len(), "mistake");
    let mut page = format!("## Access file\n\n**The access file has {count}.**\n\n");
    let entries = mistakes.iter().map(|mistake| {
        let place = code(&mistake.place.to_string());
        format!("{place} {} {}", escaped(&mistake.message), escaped(&mistake.suggestion))
    });
    add_list(&mut page, &entries.collect::<Vec<_>>());
    if let Some(last) = last {
        let _ = writeln!(page, "{}\n", escaped(last));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_code_and_in_its_cell() {
        assert_eq!(code("Admin"), "`Admin`");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("a\n| b |"), "`a \\| b \\|`");
        assert_eq!(code(""), "`  `");
    }

    #[test]
    fn text_cannot_mention_link_or_format() {
        for (text, expected) in [
            (
                "Give the user ada Admin in Prod 1 (111122223333).",
                "Give the user ada Admin in Prod 1 (111122223333).",
            ),
            ("Give @ada #1.", "Give `@ada` `#1`."),
            ("user ada (Ada, ada@example.com)", "user ada (Ada, `ada@example.com`)"),
            (
                "attach arn:aws:iam::aws:policy/A, detach b_c",
                "attach `arn:aws:iam::aws:policy/A`, detach `b_c`",
            ),
            (
                "<b>**x y**</b> [y](https://example.com)",
                "`<b>**x` `y**</b>` `[y](https://example.com`)",
            ),
            ("a ` b `` c", "a `` ` `` b ``` `` ``` c"),
            ("www.example.com - x", "`www.example.com` `-` x"),
            ("&amp; ~~s~~ $m$ a|b", "`&amp`; `~~s~~` `$m$` `a\\|b`"),
            ("Then add --max-deletes 6.", "Then add `--max-deletes 6`."),
            ("with --prune, or (--thorough 1)", "with `--prune`, or (`--thorough 1`)"),
            ("Set membership = \"exactly\".", "Set `membership = \"exactly\"`."),
            ("name = \"Ada @b\", x", "`name = \"Ada @b\"`, x"),
            ("@a = \"@b *c*", "`@a = \"@b` `*c*`"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
