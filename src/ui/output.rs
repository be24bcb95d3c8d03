//! What a command prints at its end: one JSON envelope, or a table and what is left to do.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::outputs::Outputs;
use crate::checklist::{
    AwsWords, Consent, ExitCode, HumanTask, Importance, Outcome, State, StepReport, UserError, UserErrorKind,
};
use crate::doctor::{CheckStatus, Row};
use crate::next_step::{Invocation, NextStepOut};
use crate::progress::{Origin, Resource};
use crate::undo::Removal;

/// Version of the envelope.
pub const FORMAT: u32 = 1;

/// What every command prints with `--output json`: what all have in common, and a body of its own.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Envelope<B> {
    /// Version of this form.
    pub format: u32,
    /// The command, such as `run` or `doctor`.
    pub command: String,
    /// The account, once known.
    pub account: Option<String>,
    /// Identity Center's Region, once known.
    pub region: Option<String>,
    /// What ended the command early.
    pub error: Option<ErrorOut>,
    /// The exit code.
    pub exit: u8,
    /// The command's own.
    #[serde(flatten)]
    pub body: B,
}

/// The body of `run`, `status` and `plan`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct StepsBody {
    /// Who ran the command.
    pub caller: Option<CallerOut>,
    /// Who step 8 proved you are, through the profile.
    pub signed_in_as: Option<CallerOut>,
    /// The steps that were asked for, in order.
    pub steps: Vec<StepOut>,
    /// What the next tool needs, as far as it is there.
    pub outputs: Outputs,
}

/// The body of `answers`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct AnswersBody {
    /// By the answer's name.
    pub answers: BTreeMap<String, String>,
    /// For `--answers FILE`.
    pub file: String,
    /// The command that needs no questions.
    pub line: String,
}

/// The body of `undo`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct UndoBody {
    /// Whose credentials were used.
    pub caller: Option<CallerOut>,
    /// What was made, and what becomes or became of it.
    pub removals: Vec<Removal>,
}

/// The body of `doctor`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct DoctorBody {
    /// Whose credentials were used.
    pub caller: Option<CallerOut>,
    /// What was looked at.
    pub checks: Vec<CheckOut>,
    /// With `--policy`: the IAM policy.
    pub policy: Option<serde_json::Value>,
}

/// A check of `doctor`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckOut {
    /// Its name, such as `clock`.
    pub check: &'static str,
    /// How it turned out.
    pub status: CheckStatus,
    /// In one sentence.
    pub message: String,
    /// What to do, where something is to be done.
    pub next: Vec<NextStepOut>,
}

impl CheckOut {
    /// From a row.
    pub fn of(row: &Row, invocation: &Invocation) -> Self {
        Self {
            check: row.check,
            status: row.status,
            message: row.message.clone(),
            next: invocation.next_steps_out(&row.next),
        }
    }
}

/// The body of `login`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct LoginBody {
    /// Who the profile's credentials belong to now.
    pub signed_in_as: Option<CallerOut>,
    /// The profile, once known.
    pub profile: Option<String>,
    /// Its SSO session.
    pub session: Option<String>,
    /// Whether somebody signed in now; otherwise the last sign-in was still good.
    pub signed_in_now: bool,
    /// When the profile's credentials end.
    pub credentials_end: Option<String>,
    /// When the sign-in ends, where it is not renewed before.
    pub sign_in_ends: Option<String>,
}

/// Whose credentials were used.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CallerOut {
    /// Twelve digits.
    pub account: String,
    /// As STS tells it.
    pub arn: String,
}

impl CallerOut {
    /// From what step 8 has proved.
    fn signed_in(reports: &[StepReport]) -> Option<Self> {
        let mut done = reports.iter().filter(|report| report.state == State::Done);
        done.find_map(|report| {
            let evidence = &report.observed.evidence;
            Some(Self {
                account: evidence.get("account")?.clone(),
                arn: evidence.get("signed_in_as")?.clone(),
            })
        })
    }
}

/// A step.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepOut {
    /// From 1.
    pub number: u8,
    /// For `--only` and `--skip`.
    pub slug: String,
    /// How much it matters.
    pub importance: Importance,
    /// `done`, `to_do`, `different`, `blocked`, `unknown`, `waiting_for_person`, `failed` or `skipped`.
    pub state: String,
    /// Whose it is; null until done.
    pub origin: Option<Origin>,
    /// In one sentence.
    pub summary: String,
    /// Since when it is known to be in this state.
    pub since: Option<String>,
    /// What was seen, by name.
    pub evidence: BTreeMap<String, String>,
    /// The things that make it up.
    pub resources: Vec<Resource>,
    /// What would still be changed.
    pub changes: Vec<ChangeOut>,
    /// What a person has to do.
    pub left_to_do: Vec<TaskOut>,
    /// Ways to go on, where it is different, blocked or unknown.
    pub next: Vec<NextStepOut>,
    /// What failed.
    pub error: Option<ErrorOut>,
}

/// A change that was not made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeOut {
    /// In words.
    pub sentence: String,
    /// As an `aws` command.
    pub command: String,
    /// Whether it can be taken back.
    pub reversible: bool,
    /// The flags that agree to it, where that has to be said by name.
    pub consents: Vec<String>,
}

/// What a person has to do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskOut {
    /// In words.
    pub sentence: String,
    /// The page.
    pub link: Option<String>,
    /// A code that the page shows too, to be compared.
    pub code: Option<String>,
    /// The words to click.
    pub clicks: Option<String>,
    /// The command to type.
    pub command: Option<String>,
    /// What to know.
    pub details: Vec<String>,
    /// Other ways to get it done.
    pub alternatives: Vec<NextStepOut>,
}

/// An error.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorOut {
    /// The step's slug; null outside a step.
    pub step: Option<String>,
    /// What kind of trouble.
    pub kind: UserErrorKind,
    /// What happened.
    pub message: String,
    /// AWS's own words.
    pub aws: Option<AwsWords>,
    /// Ways to go on.
    pub next: Vec<NextStepOut>,
}

impl ErrorOut {
    /// From an error; `step` is its slug.
    pub fn of(error: &UserError, step: Option<&str>, invocation: &Invocation) -> Self {
        Self {
            step: step.map(str::to_owned),
            kind: error.kind,
            message: error.message.clone(),
            aws: error.aws.clone(),
            next: invocation.next_steps_out(&error.next),
        }
    }
}

impl TaskOut {
    fn of(task: &HumanTask, invocation: &Invocation) -> Self {
        Self {
            sentence: task.sentence.clone(),
            link: task.link.clone(),
            code: task.code.clone(),
            clicks: Some(task.clicks.clone()).filter(|clicks| !clicks.is_empty()),
            command: task.command.as_ref().map(|command| invocation.command_line(command)),
            details: task.details.clone(),
            alternatives: invocation.next_steps_out(&task.alternatives),
        }
    }
}

impl StepOut {
    fn of(report: &StepReport, invocation: &Invocation) -> Self {
        let open = !matches!(report.state, State::Done | State::Skipped);
        let changes = report.plan.changes.iter().filter(|_| open).map(|change| ChangeOut {
            sentence: change.sentence.clone(),
            command: change.command.clone(),
            reversible: change.consent.is_reversible(),
            consents: match &change.consent {
                Consent::Named(consents) => consents.iter().map(|consent| consent.flag.to_owned()).collect(),
                _ => Vec::new(),
            },
        });
        Self {
            number: report.info.number,
            slug: report.info.slug.to_owned(),
            importance: report.info.importance,
            state: report.state.name().to_owned(),
            origin: report.origin(),
            summary: report.observed.summary.clone(),
            since: report.since.map(|since| since.to_string()),
            evidence: report
                .observed
                .evidence
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            resources: report.observed.resources.clone(),
            changes: changes.collect(),
            left_to_do: report
                .left_to_do
                .iter()
                .map(|task| TaskOut::of(task, invocation))
                .collect(),
            next: invocation.next_steps_out(&report.observed.next),
            error: report
                .error
                .as_ref()
                .map(|error| ErrorOut::of(error, Some(report.info.slug), invocation)),
        }
    }
}

impl Envelope<StepsBody> {
    /// The envelope of a command that came to the checklist, or ended before it.
    pub fn of_steps(
        command: &str,
        caller: Option<CallerOut>,
        region: Option<String>,
        outcome: &Outcome,
        exit: ExitCode,
        invocation: &Invocation,
    ) -> Self {
        Self {
            format: FORMAT,
            command: command.to_owned(),
            account: caller.as_ref().map(|caller| caller.account.clone()),
            region,
            error: outcome
                .error
                .as_ref()
                .map(|error| ErrorOut::of(error, None, invocation)),
            exit: exit.code(),
            body: StepsBody {
                caller,
                signed_in_as: CallerOut::signed_in(&outcome.reports),
                steps: outcome
                    .reports
                    .iter()
                    .map(|report| StepOut::of(report, invocation))
                    .collect(),
                outputs: Outputs::of(&outcome.reports),
            },
        }
    }
}

impl<B: Serialize> Envelope<B> {
    /// As JSON, over several lines.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
