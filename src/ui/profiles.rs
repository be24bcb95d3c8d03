//! What `profiles` and `join` show: what happens to the profiles, the difference in the file, and the end.

use std::path::PathBuf;

use console::Style;

use super::closing::print_own_account;
use super::envelope::ProfilesBody;
use super::screen::Screen;
use super::text::aligned;
use crate::aws::connect::Caller;
use crate::ids::RegionName;
use crate::next_step::{NextSteps, SetupCommand};
use crate::profiles::plan::{Action, Row};
use crate::shell;
use crate::text::{clean, clean_lines, listed};

/// The lines of a difference that a question shows. `d` shows all of them.
const SHOWN_LINES: usize = 20;

/// The most profiles whose difference is printed. Of more, each gets one line.
const SHOWN_PROFILES: usize = 20;

/// The profiles that a line names.
const NAMED: usize = 5;

/// What a command found and did.
#[derive(Debug, Default)]
pub struct ProfilesReport {
    /// The SSO session.
    pub session: String,
    /// The URL of the access portal.
    pub start_url: String,
    /// The Region of Identity Center.
    pub region: Option<RegionName>,
    /// The config file.
    pub file: PathBuf,
    /// What happens or happened to the profiles.
    pub rows: Vec<Row>,
    /// What else to know, as sentences.
    pub notes: Vec<String>,
    /// The difference in the file; empty if there is none.
    pub diff: String,
    /// The part of the difference that is not one of the planned profiles: the session, and profiles that get its URL.
    pub session_diff: String,
    /// Whether the file was written.
    pub is_written: bool,
    /// Whether the command signed in.
    pub signed_in_now: bool,
    /// The identity that the first chosen profile's credentials have.
    pub signed_in_as: Option<Caller>,
    /// The profile that has that identity.
    pub signed_in_with: Option<String>,
}

impl ProfilesReport {
    /// The body of the envelope.
    pub fn body(&self) -> ProfilesBody {
        let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ProfilesBody {
            session: known(&self.session),
            start_url: known(&self.start_url),
            file: known(&self.file.display().to_string()),
            profiles: self.rows.clone(),
            notes: self.notes.clone(),
            diff: known(&self.diff),
            is_written: self.is_written,
            signed_in_now: self.signed_in_now,
            signed_in_as: self.signed_in_as.clone(),
        }
    }

    fn of(&self, action: Action) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.action == action).collect()
    }

    /// What happens, in a few lines.
    pub fn summary(&self) -> Vec<String> {
        let mut lines = vec![self.counts()];
        for row in self.of(Action::Renamed).iter().take(NAMED) {
            let before = row.before.as_deref().unwrap_or_default();
            lines.push(format!("  {before} becomes {}.", row.profile));
        }
        for row in self.of(Action::Existing).iter().take(NAMED) {
            let account = account(row);
            lines.push(format!(
                "  {} already gives {} in {account}.",
                row.profile, row.permission_set
            ));
        }
        for row in self.of(Action::Kept) {
            let why = row.why.as_deref().unwrap_or_default();
            lines.push(format!("  {} is kept. {why}", row.profile));
        }
        lines.extend(self.notes.iter().cloned());
        lines
    }

    /// How many profiles there are of each kind, in one sentence: what will happen, or what has happened.
    fn counts(&self) -> String {
        let is_over = self.is_written || self.diff.is_empty();
        let words = [
            (Action::Added, "new", "new"),
            (Action::Changed, "changed", "to change"),
            (Action::Renamed, "renamed", "to rename"),
            (Action::Removed, "removed", "to remove"),
            (Action::Kept, "kept", "to keep"),
            (Action::Unchanged, "unchanged", "unchanged"),
        ];
        let counts = words.into_iter().filter_map(|(action, after, before)| {
            let count = self.of(action).len();
            let word = if is_over { after } else { before };
            (count > 0).then(|| format!("{count} {word}"))
        });
        let counts = counts.collect::<Vec<_>>().join(", ");
        let parts = match (counts.as_str(), self.of(Action::Existing).len()) {
            ("", 0) => "none".to_owned(),
            (_, 0) => counts,
            ("", own) => format!("you already have {own}"),
            (_, own) => format!("{counts}; you already have {own}"),
        };
        format!("Profiles of the SSO session {}: {parts}.", self.session)
    }

    /// A line for each profile that changes.
    fn changes(&self) -> Vec<String> {
        let changed = self.rows.iter().filter(|row| row.action.is_change());
        let lines = changed.map(|row| match (row.action, &row.before) {
            (Action::Added, _) => format!("+ {}", row.profile),
            (Action::Removed, _) => format!("- {}", row.profile),
            (_, Some(before)) => format!("~ {before} becomes {}", row.profile),
            _ => format!("~ {}", row.profile),
        });
        lines.collect()
    }

    /// The profiles that `--prune` would remove, in one line, with the command.
    fn stale(&self) -> Option<(String, SetupCommand)> {
        let stale = self.of(Action::Stale);
        let names: Vec<&str> = stale.iter().take(NAMED).map(|row| row.profile.as_str()).collect();
        let profiles = match stale.len().saturating_sub(NAMED) {
            0 => listed(&names),
            more => format!("{} and {more} more", names.join(", ")),
        };
        let line = format!("The access portal no longer offers the roles of {profiles}.");
        let command = SetupCommand::profiles_sync()
            .value("--sso-session", &self.session)
            .switch("--prune");
        (!stale.is_empty()).then_some((line, command))
    }

    /// The beginning of the difference, for a question.
    pub fn short_diff(&self) -> Vec<String> {
        let lines: Vec<&str> = self.diff.lines().collect();
        let mut shown: Vec<String> = lines.iter().take(SHOWN_LINES).map(|line| (*line).to_owned()).collect();
        if lines.len() > SHOWN_LINES {
            let more = lines.len() - SHOWN_LINES;
            shown.push(format!("… {more} more lines; d shows all of them."));
        }
        shown
    }
}

fn account(row: &Row) -> String {
    match row.account_name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} ({})", row.account),
        None => row.account.clone(),
    }
}

/// Prints the difference as the result, because nobody agreed to it.
pub fn print_diff(screen: &Screen, report: &ProfilesReport) {
    for line in report.summary() {
        screen.talk(&line);
    }
    screen.verbatim(&clean_lines(&report.diff));
}

/// Prints what `--yes` agreed to, before it is written: the difference, or one line for each of many profiles.
pub fn print_agreed(screen: &Screen, report: &ProfilesReport) {
    let changes = report.changes();
    if screen.quiet {
        return;
    }
    if changes.len() <= SHOWN_PROFILES {
        return screen.verbatim(&clean_lines(&report.diff));
    }
    if !report.session_diff.is_empty() {
        screen.verbatim(&clean_lines(&report.session_diff));
    }
    for line in report.notes.iter().chain(&changes) {
        screen.result(line);
    }
}

/// Prints what `profiles` did.
pub fn print_end(screen: &Screen, report: &ProfilesReport) {
    if screen.quiet {
        return screen.result(&report.counts());
    }
    for line in report.summary() {
        screen.result(&line);
    }
    if report.is_written {
        screen.result(&format!("Wrote {}.", report.file.display()));
    } else if report.diff.is_empty() {
        screen.result("Nothing has to change.");
    }
    if let Some((line, command)) = report.stale() {
        screen.result_next(&NextSteps::from(command.to(line.trim_end_matches('.'))), 2);
    }
}

/// Prints what `join` did, and what the user can do now.
pub fn print_joined(screen: &Screen, report: &ProfilesReport) {
    let first = report
        .rows
        .iter()
        .find(|row| Some(&row.profile) == report.signed_in_with.as_ref());
    let (Some(first), Some(caller)) = (first, &report.signed_in_as) else {
        return print_end(screen, report);
    };
    let user = caller.arn.rsplit('/').next().unwrap_or_default();
    let sign = screen.paint("✔", &Style::new().green());
    let access = format!("{} in {}", first.permission_set, account(first));
    if screen.quiet {
        return screen.result(&report.counts());
    }
    for note in &report.notes {
        screen.result(note);
    }
    if report.diff.is_empty() {
        screen.result("Nothing has to change.");
    }
    screen.result("");
    screen.raw_result(&format!(
        "{sign} {} You are signed in as {}: {}.",
        screen.heading("All set."),
        clean(user),
        clean(&access)
    ));
    screen.result("");
    let paint = |text: &str| screen.paint(text, &Style::new().cyan());
    let line = |name: &str, value: &str| screen.raw_unwrapped_result(&aligned(name, value));
    let login = SetupCommand::login().value("--cli-profile", &first.profile);
    if screen.is_rehearsal() {
        print_own_account(screen, &first.profile, &login);
    } else {
        line("Use it now", &paint(&shell::export("AWS_PROFILE", &first.profile)));
        line("", &paint("aws s3 ls"));
    }
    let others = report.rows.iter().filter(|row| row.profile != first.profile);
    let others: Vec<&str> = others.take(NAMED).map(|row| row.profile.as_str()).collect();
    if !others.is_empty() {
        let more = report.rows.len() - 1 - others.len();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        screen.raw_result(&aligned("Others", &clean(&format!("{}{more}", others.join(", ")))));
    }
    if screen.is_temporary_rehearsal() {
        let keep = SetupCommand::again().placeholder("--keep", "DIR");
        return line("Keep one", &paint(&screen.command(&keep)));
    }
    // The pages of a rehearsal end with it.
    let is_rehearsal = screen.is_rehearsal();
    if !is_rehearsal {
        line("Tomorrow", &paint(&screen.command(&login)));
    }
    let sync = SetupCommand::profiles_sync().value("--sso-session", &report.session);
    line("More roles", &paint(&screen.command(&sync)));
    if !is_rehearsal {
        line("Portal", &paint(&clean(&report.start_url)));
    }
}
