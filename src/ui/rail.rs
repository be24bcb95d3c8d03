//! The list of steps during the work: one row a step, with what has happened so far.

use console::Style;

use super::screen::Screen;
use crate::progress::{Origin, ResourceKind, Verb};
use crate::reconcile::{Change, FieldChange};
use crate::text::clean;
use crate::wizard::{HumanTask, State, StepReport};

/// The width of the names of the steps.
const NAME: usize = 16;

/// The state of a step during the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is done.
    Done,
    /// The user has something to do.
    NeedsYou,
    /// It failed, or something else must be resolved first.
    Problem,
    /// A change is being made.
    Working,
    /// It waits for other steps.
    Waiting,
    /// It was skipped.
    Skipped,
}

/// A step in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the step.
    pub number: u8,
    /// The name of the step.
    pub name: &'static str,
    /// The state.
    pub mark: Mark,
    /// What has happened.
    pub detail: String,
}

impl Row {
    /// The row of a step, as it was reported.
    pub fn of(report: &StepReport) -> Self {
        Self {
            number: report.info.number,
            name: report.info.short,
            mark: if is_proved_later(report) {
                Mark::Waiting
            } else {
                mark(report)
            },
            detail: detail(report),
        }
    }

    /// The sign of the state, in its color. `frame` is the current sign of work.
    pub fn sign(&self, screen: &Screen, frame: &str) -> String {
        let (sign, style) = match self.mark {
            Mark::Done => ("✔", Style::new().green()),
            Mark::NeedsYou => ("●", Style::new().yellow()),
            Mark::Problem => ("✘", Style::new().red()),
            Mark::Working => (frame, Style::new().cyan()),
            Mark::Waiting => ("·", Style::new().dim()),
            Mark::Skipped => ("–", Style::new().dim()),
        };
        let sign = screen.encode(sign);
        // In ASCII, some have two characters.
        let sign = if screen.ascii { format!("{sign:2}") } else { sign };
        screen.paint(&sign, &style)
    }

    /// The row as a line.
    pub fn line(&self, screen: &Screen, frame: &str) -> String {
        let sign = self.sign(screen, frame);
        let detail = screen.encode(&clean(&self.detail));
        let detail = match self.mark {
            Mark::NeedsYou => screen.paint(&detail, &Style::new().yellow()),
            Mark::Problem => screen.paint(&detail, &Style::new().red()),
            Mark::Skipped | Mark::Waiting => screen.paint(&detail, &Style::new().dim()),
            Mark::Done | Mark::Working => detail,
        };
        let number = match self.number {
            number @ 1..=8 => number.to_string(),
            _ => "+".to_owned(),
        };
        format!("{sign} {number} {:NAME$} {detail}", self.name)
    }
}

/// Whether nothing is left but what the sign-in proves.
fn is_proved_later(report: &StepReport) -> bool {
    let is_waiting = report.state == State::WaitingForPerson;
    let is_proved = |task: &HumanTask| task.proof.is_some_and(|proof| !proof.comes_first);
    is_waiting && report.left_to_do.iter().all(is_proved)
}

fn mark(report: &StepReport) -> Mark {
    match report.state {
        State::Done => Mark::Done,
        State::WaitingForPerson => Mark::NeedsYou,
        State::Skipped => Mark::Skipped,
        State::ToDo => Mark::Waiting,
        State::Different | State::Blocked | State::Unknown | State::Failed => Mark::Problem,
    }
}

/// What has happened in a step, in a few words.
pub fn detail(report: &StepReport) -> String {
    match report.state {
        State::Done => existing(report),
        State::Skipped => "skipped".to_owned(),
        State::ToDo => String::new(),
        State::WaitingForPerson if is_proved_later(report) => "step 8 verifies it".to_owned(),
        State::WaitingForPerson => match report.left_to_do.first() {
            Some(task) if task.brief.is_empty() => clean(&task.sentence),
            Some(task) => format!("needs you: {}", task.brief),
            None => String::new(),
        },
        State::Different | State::Blocked => report.observed.summary.clone(),
        State::Unknown | State::Failed => match &report.error {
            Some(error) => error.message.clone(),
            None => report.observed.summary.clone(),
        },
    }
}

/// What exists of the resources of a step, in a few words.
fn existing(report: &StepReport) -> String {
    let evidence = &report.observed.evidence;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let first = report.observed.resources.first();
    let is_created = first.is_some_and(|resource| resource.origin == Origin::Created);
    let origin = if is_created { "created" } else { "already exists" };
    let mut resources = report.observed.resources.iter();
    let has_added_member =
        resources.any(|resource| resource.kind == ResourceKind::GroupMembership && resource.origin == Origin::Created);
    match report.info.slug {
        "enable-identity-center" => match &evidence.region {
            Some(region) => format!("enabled in {region}"),
            None => String::new(),
        },
        "create-user" => format!("{} {origin}", text(&evidence.user_name)),
        "create-group" => match &evidence.group {
            Some(group) if !is_created && has_added_member => format!("{group} already exists, member added"),
            Some(group) => format!("{group} {origin}, with its member"),
            None => "not used".to_owned(),
        },
        "permission-set" => {
            let name = first.map(|set| set.name.to_string()).unwrap_or_default();
            let sessions = evidence.session_duration.as_ref();
            let sessions = sessions.map_or_else(String::new, |duration| format!(", sessions of {duration}"));
            format!("{name} {origin}{sessions}")
        }
        "account-assignment" => {
            let account = evidence.account.as_ref().map_or("", |account| account);
            format!("given in account {account}")
        }
        "access-portal" => text(&evidence.start_url),
        "cli-profile" => {
            let origin = if is_created { "written" } else { origin };
            format!("profile {} {origin}", text(&evidence.profile))
        }
        "sign-in" => {
            let arn = text(&evidence.signed_in_as);
            format!("signed in as {}", arn.rsplit('/').next().unwrap_or_default())
        }
        _ => report.observed.summary.clone(),
    }
}

/// What is being done, in a few words: `creating…`.
pub fn progress(change: &Change) -> String {
    let what = match (change.kind, change.verb, &change.field) {
        (ResourceKind::GroupMembership, Verb::Create, _) => "adding the user",
        (ResourceKind::PermissionSet, _, Some(FieldChange::Provision)) => "provisioning the accounts",
        (ResourceKind::PermissionSet, _, Some(FieldChange::Part(part))) if part.after.is_some() => {
            "attaching the policy"
        }
        (ResourceKind::CliProfile, Verb::Create, _) => "writing the profile",
        (ResourceKind::PermissionSetsSwitch, ..) => "enabling permission sets",
        (ResourceKind::Organization, ..) => "creating an organization",
        (_, Verb::Create, _) => "creating",
        (_, Verb::Update, _) => "changing",
        (_, Verb::Delete, _) => "deleting",
    };
    format!("{what}…")
}
